"""A Sphinx extension: checked exercises can be answered in the page, where Python runs in the reader's browser.

Under the stub of every exercise that a cell checks there is a place for a button (``answering/button.js``), and above
the first cell of chapters that hardly need PyTorch one to run their cells. All else is in the folder ``python/`` of
the site, and loaded when a button is pressed: fields and buttons (``answering/``), the part of ``rmsprop_lib`` that
is used, and Pyodide with NumPy, for the cells with Matplotlib too, which ``tools/environment/runtime.py`` has
fetched. Names hold hashes, so that a browser can keep them for good (``answering/keeper.js``). Where the runtime
could not be had, and for exercises that need Torch, a sentence says so.
"""

import ast
import gzip
import hashlib
import io
import json
import re
import zipfile
from functools import cache
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

from tools.environment import runtime
from tools.paths import ROOT

HERE = Path(__file__).with_name("answering")
FOLDER = "python"
SCRIPT = "answer.js"
MODULES = (
    "answer.css",
    "answer.mjs",
    "cells.mjs",
    "editor.mjs",
    "kept.mjs",
    "parts.mjs",
    "python.mjs",
    "worker.mjs",
)
PYTHON_SIDE = ("cells_in_the_page.py", "in_the_page.py")
EDITOR = {"core": "dist/core-BIWFpCIO.js", "python": "dist/prism/languages/python.js"}
STYLE_OF_THE_EDITOR = "dist/layout.css"
WASM = "pyodide.asm.wasm"
NEEDS_TORCH = frozenset({"torch-rmsprop"})
# The chapters whose cells can be run, all but a few that say so.
CHAPTERS = re.compile(r"chapters/(0[1-69]|15|16)_\w+")
# What of the library the exercises do without, and what of it only Torch or an image of a digit could use.
FURTHER = ("data", "experiments", "playground", "training")
LEFT_OUT = re.compile(r"torch_optim/.*|data/(mnist\.npz|book\.txt|framework_traces\.json|LICENSE.*)|.*\.pyc")
POLICY = ("default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "connect-src 'self'")

logger = logging.getLogger(__name__)


def checked(code: str) -> tuple[str, str] | None:
    """The exercise that a cell checks, and the name of the answer; None if it checks nothing."""
    if "check(" not in code:
        return None
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.Call(func=ast.Name(id="check"), args=[ast.Constant(value=str(exercise)), ast.Name(id=answer)]):
                return exercise, answer
    return None


def _library_files() -> dict[str, Path]:
    package = ROOT / "rmsprop_lib"
    within = {path.relative_to(package).as_posix(): path for path in package.rglob("*") if path.is_file()}
    return {name: path for name, path in within.items() if not LEFT_OUT.fullmatch(name)}


def library(further: bool = False) -> bytes:
    """A zip archive of what the exercises use of the library, the same bytes for the same files.

    Or, ``further``, of what the cells of the chapters use beyond that.
    """
    found = {
        f"rmsprop_lib/{name}": path for name, path in _library_files().items() if name.startswith(FURTHER) == further
    }
    if not further:
        found |= {name: HERE / name for name in PYTHON_SIDE}
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(found):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, found[name].read_bytes())
    return result.getvalue()


def hashed(files: dict[str, bytes]) -> str:
    """A name for these files, that changes when they do."""
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(name.encode() + b"\0" + hashlib.sha256(files[name]).digest())
    return digest.hexdigest()[:12]


def lock() -> bytes:
    """Pyodide's list of packages, which here are NumPy and those of the figures: these all need each other."""
    wheels = [file for part in ("python", "figures") for file in runtime.files(part) if file.name.endswith(".whl")]
    names = {file.name.partition("-")[0].replace("_", "-"): file for file in wheels}
    packages = {
        name: {
            "depends": sorted(names.keys() - {name}) if name == "matplotlib" else [],
            "file_name": file.name,
            "imports": [],
            "install_dir": "site",
            "name": name,
            "package_type": "package",
            "sha256": file.sha256,
            "unvendored_tests": True,
            "version": file.name.split("-")[1],
        }
        for name, file in names.items()
    }
    return json.dumps({"info": runtime.pins()["python"]["info"], "packages": packages}).encode()


def notice() -> bytes:
    """Whose the files are."""
    lines = ["What runs Python in the pages of this book, unchanged but for its packing.", ""]
    for part in runtime.pins().values():
        lines += [f"{part['title']}, {part['home']}"]
        lines += [f"  {file['name']}: {file['licence']}" for file in part["files"]]
    return ("\n".join(lines) + "\n").encode()


def folder() -> dict[str, bytes] | None:
    """All files of the folder ``python/``, by name; None without a runtime."""
    python, figures = runtime.cached("python"), runtime.cached("figures")
    if python is None:
        return None
    editor = runtime.cached("editor")
    served = {name: data for name, data in (python | (figures or {})).items() if name != WASM}
    served |= {f"{WASM}.bin": gzip.compress(python[WASM], 9, mtime=0), "pyodide-lock.json": lock()}
    served |= {"NOTICE.txt": notice()}
    home = f"pyodide-{hashed(served)}"

    modules = {name: (HERE / name).read_bytes() for name in MODULES}
    libraries = {"library.zip": library(), "further.zip": library(further=True)}
    modules |= libraries
    if editor is not None:
        modules["answer.css"] += editor[STYLE_OF_THE_EDITOR]
        modules |= {f"editor/{name}": data for name, data in editor.items() if name != STYLE_OF_THE_EDITOR}

    def described(name: str, data: bytes) -> dict[str, Any]:
        draws = name in (figures or ()) or name == "further.zip"
        return {"name": name, "bytes": len(data), "packed": name.endswith(".bin"), "draws": draws}

    files = [described(n, served[n]) for n in sorted(served) if not n.endswith((".mjs", ".js", ".txt"))]
    zips = [described(name, data) for name, data in libraries.items()]

    def weight(draws: bool) -> float:
        return round(sum(file["bytes"] for file in [*files, *zips] if draws or not file["draws"]) / 1e6, 1)

    settings = {
        "RUNTIME": f"../{home}/",
        "FILES": files,
        "LIBRARIES": zips,
        "MEGABYTES": weight(False),
        "MEGABYTES_OF_CELLS": weight(True),
        "EDITOR": EDITOR if editor is not None else None,
    }
    modules["settings.mjs"] = "".join(f"export const {k} = {json.dumps(v)};\n" for k, v in settings.items()).encode()

    here = hashed(modules)
    there = {f"{home}/{name}": data for name, data in served.items()}
    there |= {f"{here}/{name}": data for name, data in modules.items()}
    keeper = (HERE / "keeper.js").read_text(encoding="utf-8")
    for name, value in (("NAMES", sorted(there)), ("POLICY", POLICY)):
        keeper = keeper.replace(f"const {name} = [];", f"const {name} = {json.dumps(value)};")
    there["keeper.js"] = keeper.encode()
    return there


def modules_in(files: dict[str, bytes]) -> str:
    """The folder, in ``python/``, of what a page loads first."""
    return next(name.partition("/")[0] for name in files if name.endswith("/answer.mjs"))


def megabytes(files: dict[str, bytes], cells: bool = False) -> int:
    """What a reader loads once, as servers send it: scripts compressed. For ``cells`` Matplotlib, too."""
    scripts = (".mjs", ".js", ".css", ".json")
    further = {file.name for file in runtime.files("figures")} | {"further.zip"}
    taken = {name: data for name, data in files.items() if cells or name.rpartition("/")[2] not in further}
    return round(sum(len(gzip.compress(d)) if n.endswith(scripts) else len(d) for n, d in taken.items()) / 1e6)


contents = cache(folder)


@cache
def first(cells: bool = False) -> tuple[str, int]:
    """The folder of what a page loads first, and how many megabytes follow."""
    files = contents() or {}
    return modules_in(files), megabytes(files, cells)


class AnswersInThePage(SphinxPostTransform):
    """Puts a place for the button under the stub of each exercise, in a page for the browser."""

    default_priority = 8

    def run(self, **kwargs: Any) -> None:
        if self.app.builder.format != "html":
            return
        cells = [node for node in self.document.findall(nodes.container) if node.get("nb_element") == "cell_code"]
        done: set[str] = set()
        for stub, cell in pairwise(cells):
            block = next(cell.findall(nodes.literal_block), None)
            found = checked(block.astext()) if block is not None else None
            if found is None or found[0] in done or "tag_solution" in cell["classes"] or stub.parent is not cell.parent:
                continue
            done.add(found[0])
            stub.parent.insert(stub.parent.index(stub) + 1, nodes.raw("", self.place(*found), format="html"))
        if cells and CHAPTERS.fullmatch(self.env.docname) and contents() and runtime.cached("figures"):
            first_cell = cells[0]
            at = first_cell.parent.index(first_cell)
            first_cell.parent.insert(
                at, nodes.raw("", self.button("run the cells of this page", cells=True), format="html")
            )
            done.add("")
        if done:
            self.env.metadata[self.env.docname]["answers"] = True

    def button(self, what: str, cells: bool = False, **data: str) -> str:
        """A place for the button, with all that its script has to know."""
        home = self.app.builder.get_relative_uri(self.env.docname, "index").rpartition("/")[0] or "."
        folder, size = first(cells)
        data |= {"megabytes": str(size), "folder": f"{home}/{FOLDER}/{folder}/"}
        said = " ".join(f'data-{name}="{escape(value)}"' for name, value in data.items())
        return f'<div class="answer-here" {said}><p>Where scripts run, you can {what}.</p></div>'

    def place(self, exercise: str, answer: str) -> str:
        if exercise in NEEDS_TORCH:
            launched = "repository_url" in self.app.config.html_theme_options
            where = "in Binder or Colab, from the top of the page, or " if launched else ""
            text = f"This one needs PyTorch, which does not run in a page: answer it {where}in a copy of the book."
            return f'<div class="answer-here"><p>{text}</p></div>'
        if contents() is None:
            text = "This copy of the book was built without Python for its pages: answer in a notebook."
            return f'<div class="answer-here"><p>{text}</p></div>'
        return self.button("write your answer here", exercise=exercise, answer=answer)


def write(app: Sphinx, _: Any) -> None:
    if app.builder.format != "html":
        return
    files = contents()
    if files is None:
        logger.info("Without Pyodide no exercise can be answered in its page; `make book` fetches it.")
    else:
        static = Path(app.outdir) / "_static"
        static.mkdir(parents=True, exist_ok=True)
        (static / SCRIPT).write_bytes((HERE / "button.js").read_bytes())
    site = Path(app.outdir) / FOLDER
    for path in sorted(site.rglob("*"), reverse=True):
        # What an earlier build left.
        if path.is_file() and path.relative_to(site).as_posix() not in (files or ()):
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    for name, data in (files or {}).items():
        path = site / name
        if not path.is_file() or path.read_bytes() != data:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)


def load(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Only where there is an exercise to be answered."""
    if doctree is not None and app.env.metadata[page].get("answers") and contents() is not None:
        app.add_js_file(SCRIPT, loading_method="defer")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_post_transform(AnswersInThePage)
    app.connect("env-updated", write)
    app.connect("html-page-context", load)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
