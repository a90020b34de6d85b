"""A Sphinx extension: checked exercises can be answered in the page, where Python runs in the reader's browser.

Under the stub of every exercise that a cell checks there is a place for a button (``answering/button.js``). All else
is in the folder ``python/`` of the site, and loaded when the button is pressed: the field and its buttons
(``answering/``), the part of ``rmsprop_lib`` that the exercises use, and Pyodide with NumPy, which
``tools/environment/runtime.py`` has fetched. Names hold hashes, so that a browser can keep them for good
(``answering/keeper.js``). Where the runtime could not be had, and for exercises that need Torch, a sentence says so.
"""

import ast
import gzip
import hashlib
import io
import json
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
MODULES = ("answer.css", "answer.mjs", "editor.mjs", "kept.mjs", "python.mjs", "worker.mjs")
EDITOR = {"core": "dist/core-BIWFpCIO.js", "python": "dist/prism/languages/python.js"}
STYLE_OF_THE_EDITOR = "dist/layout.css"
WASM = "pyodide.asm.wasm"
NUMPY = "numpy"
NEEDS_TORCH = frozenset({"torch-rmsprop"})
# What of the library the exercises do without.
LEFT_OUT = ("data", "experiments", "playground", "torch_optim", "training")
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


def library() -> bytes:
    """A zip archive of the part of the library that the exercises use, the same bytes for the same files."""
    package = ROOT / "rmsprop_lib"
    found = {"in_the_page.py": HERE / "in_the_page.py"}
    for path in package.rglob("*.py"):
        within = path.relative_to(package)
        if within.parts[0] not in LEFT_OUT:
            found[f"{package.name}/{within.as_posix()}"] = path
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


def lock(numpy: str) -> bytes:
    """Pyodide's list of packages, which here is NumPy."""
    file = next(file for file in runtime.files("python") if file.name == numpy)
    package = {
        "depends": [],
        "file_name": numpy,
        "imports": [NUMPY],
        "install_dir": "site",
        "name": NUMPY,
        "package_type": "package",
        "sha256": file.sha256,
        "unvendored_tests": True,
        "version": numpy.split("-")[1],
    }
    return json.dumps({"info": runtime.pins()["python"]["info"], "packages": {NUMPY: package}}).encode()


def notice() -> bytes:
    """Whose the files are."""
    lines = ["What runs Python in the pages of this book, unchanged but for its packing.", ""]
    for part in runtime.pins().values():
        lines += [f"{part['title']}, {part['home']}"]
        lines += [f"  {file['name']}: {file['licence']}" for file in part["files"]]
    return ("\n".join(lines) + "\n").encode()


def folder() -> dict[str, bytes] | None:
    """All files of the folder ``python/``, by name; None without a runtime."""
    python = runtime.cached("python")
    if python is None:
        return None
    editor = runtime.cached("editor")
    numpy = next(name for name in python if name.startswith(NUMPY))
    served = {name: data for name, data in python.items() if name != WASM}
    served |= {f"{WASM}.bin": gzip.compress(python[WASM], 9, mtime=0), "pyodide-lock.json": lock(numpy)}
    served |= {"NOTICE.txt": notice()}
    home = f"pyodide-{hashed(served)}"

    modules = {name: (HERE / name).read_bytes() for name in MODULES}
    modules["library.zip"] = library()
    if editor is not None:
        modules["answer.css"] += editor[STYLE_OF_THE_EDITOR]
        modules |= {f"editor/{name}": data for name, data in editor.items() if name != STYLE_OF_THE_EDITOR}
    loaded = [name for name in served if not name.endswith((".mjs", ".js", ".txt"))]
    settings = {
        "RUNTIME": f"../{home}/",
        "FILES": [{"name": n, "bytes": len(served[n]), "packed": n.endswith(".bin")} for n in sorted(loaded)],
        "LIBRARY": {"name": "library.zip", "bytes": len(modules["library.zip"])},
        "MEGABYTES": round(sum(len(served[n]) for n in loaded) / 1e6, 1),
        "EDITOR": EDITOR if editor is not None else None,
    }
    modules["settings.mjs"] = "".join(f"export const {k} = {json.dumps(v)};\n" for k, v in settings.items()).encode()

    here = hashed(modules)
    files = {f"{home}/{name}": data for name, data in served.items()}
    files |= {f"{here}/{name}": data for name, data in modules.items()}
    keeper = (HERE / "keeper.js").read_text(encoding="utf-8")
    for name, value in (("NAMES", sorted(files)), ("POLICY", POLICY)):
        keeper = keeper.replace(f"const {name} = [];", f"const {name} = {json.dumps(value)};")
    files["keeper.js"] = keeper.encode()
    return files


def modules_in(files: dict[str, bytes]) -> str:
    """The folder, in ``python/``, of what a page loads first."""
    return next(name.partition("/")[0] for name in files if name.endswith("/answer.mjs"))


def megabytes(files: dict[str, bytes]) -> int:
    """What a reader loads once, as servers send it: scripts compressed."""
    scripts = (".mjs", ".js", ".css", ".json")
    sizes = (len(gzip.compress(data)) if name.endswith(scripts) else len(data) for name, data in files.items())
    return round(sum(sizes) / 1e6)


contents = cache(folder)


@cache
def first() -> tuple[str, int]:
    """The folder of what a page loads first, and how many megabytes follow."""
    files = contents() or {}
    return modules_in(files), megabytes(files)


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
        if done:
            self.env.metadata[self.env.docname]["answers"] = True

    def place(self, exercise: str, answer: str) -> str:
        if exercise in NEEDS_TORCH:
            launched = "repository_url" in self.app.config.html_theme_options
            where = "in Binder or Colab, from the top of the page, or " if launched else ""
            text = f"This one needs PyTorch, which does not run in a page: answer it {where}in a copy of the book."
            return f'<div class="answer-here"><p>{text}</p></div>'
        if contents() is None:
            text = "This copy of the book was built without Python for its pages: answer in a notebook."
            return f'<div class="answer-here"><p>{text}</p></div>'
        home = self.app.builder.get_relative_uri(self.env.docname, "index").rpartition("/")[0] or "."
        folder, megabytes = first()
        return (
            f'<div class="answer-here" data-exercise="{escape(exercise)}" data-answer="{escape(answer)}" '
            f'data-megabytes="{megabytes}" data-folder="{escape(f"{home}/{FOLDER}/{folder}/")}">'
            "<p>Where scripts run, you can write your answer here.</p></div>"
        )


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
