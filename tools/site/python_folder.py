"""What the folder ``python/`` of the site holds: all that runs Python in a page, loaded when a button is pressed.

Fields and buttons (``answering/``), the part of ``rmsprop_lib`` that is used, and Pyodide with NumPy, for the cells
with Matplotlib too, which ``tools/environment/runtime.py`` has fetched. Names hold hashes, so that a browser can keep
them for good (``answering/keeper.js``).
"""

import gzip
import hashlib
import io
import json
import re
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

from tools.environment import runtime
from tools.paths import ROOT

HERE = Path(__file__).with_name("answering")
FOLDER = "python"
MODULES = (
    "answer.css",
    "answer.mjs",
    "cells.mjs",
    "editor.mjs",
    "kept.mjs",
    "parts.mjs",
    "python.mjs",
    "rule.mjs",
    "worker.mjs",
)
PYTHON_SIDE = ("cells_in_the_page.py", "in_the_page.py", "rule_in_the_page.py")
EDITOR = {"core": "dist/core-BIWFpCIO.js", "python": "dist/prism/languages/python.js"}
STYLE_OF_THE_EDITOR = "dist/layout.css"
WASM = "pyodide.asm.wasm"
# What of the library exercises and playground do without, and what only Torch or an image of a digit could use.
FURTHER = ("data", "experiments", "training")
LEFT_OUT = re.compile(r"torch_optim/.*|data/(mnist\.npz|book\.txt|framework_traces\.json|LICENSE.*)|.*\.pyc")
POLICY = ("default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "connect-src 'self'")


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
"""The folder as it is for the whole of a build."""


@cache
def draws() -> bool:
    """Whether the cells of a page can be run, too: they draw with Matplotlib."""
    return contents() is not None and runtime.cached("figures") is not None


@cache
def first(cells: bool = False) -> tuple[str, int]:
    """The folder of what a page loads first, and how many megabytes follow."""
    files = contents() or {}
    return modules_in(files), megabytes(files, cells)
