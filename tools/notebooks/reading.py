"""Make a reader's copy of the book: ``python -m tools.notebooks.reading [FOLDER]``.

The copy is a folder of its own, ``notebooks`` by default, which git ignores. Its texts are plain Markdown
(tools/notebooks/plain.py); code and outputs are those of the chapters. Made again, it takes over what has changed in
the book since, and leaves alone what the reader has changed. ``--in-place`` puts the copies in place of the chapters
themselves: for an image that nobody commits from, as Binder's.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

import nbformat

from tools.environment.addresses import this_site
from tools.notebooks.execute import text_of
from tools.notebooks.plain import Converter, Links
from tools.paths import CHAPTERS, ROOT

MADE = ".made.json"
"""In a copy: the digest of each file as it was made."""
# What is in the folder of the chapters for those who change them.
FOR_AUTHORS = {"references.bib", "ruff.toml"}


def copies(chapters: Path = CHAPTERS, site: str = "") -> dict[str, bytes]:
    """Every file of a reader's copy by its name."""
    files = {path.name: path for path in sorted(chapters.iterdir()) if path.is_file() and path.name[0] != "."}
    convert = Converter(Links(frozenset(files), site), chapters)
    result = {}
    for name, path in files.items():
        if path.suffix == ".ipynb":
            result[name] = text_of(convert.notebook(nbformat.read(path, as_version=4), name)).encode()
        elif path.suffix == ".md":
            result[name] = (convert.text(path.read_text(encoding="utf-8"), name) + "\n").encode()
        elif name not in FOR_AUTHORS:
            result[name] = path.read_bytes()
    return result


def put(folder: Path, contents: dict[str, bytes]) -> tuple[list[str], list[str]]:
    """Write what is new, and what the reader has not changed; returns the names written, and those left alone."""
    folder.mkdir(parents=True, exist_ok=True)
    record = folder / MADE
    made: dict[str, str] = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
    written, kept = [], []
    for name, content in contents.items():
        there = (folder / name).read_bytes() if (folder / name).exists() else None
        if there == content:
            made[name] = hashlib.sha256(content).hexdigest()
        elif there is None or hashlib.sha256(there).hexdigest() == made.get(name):
            (folder / name).write_bytes(content)
            made[name] = hashlib.sha256(content).hexdigest()
            written.append(name)
        else:
            kept.append(name)
    record.write_text(json.dumps(made, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return written, kept


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Make a reader's copy of the book.")
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "notebooks")
    parser.add_argument("--in-place", action="store_true", help="put the copies in place of the chapters")
    asked = parser.parse_args(arguments)
    contents = copies(site=this_site())
    if asked.in_place:
        for name, content in contents.items():
            (CHAPTERS / name).write_bytes(content)
        print(f"The {len(contents)} files of chapters/ are readers' copies now. `git checkout chapters` undoes it.")
        return 0
    written, kept = put(asked.folder, contents)
    print(f"New in {asked.folder.name}/: {', '.join(written) or 'nothing'}.")
    if kept:
        print(f"You have changed {', '.join(kept)}: left as it is. Delete or rename it to have it made anew.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
