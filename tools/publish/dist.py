"""Pack the book for places without a network: ``python -m tools.publish.dist``, after ``make book``, writes to dist/.

One archive holds the built site and opens from disk. The other holds the notebooks with a working copy of the
exercises, the library and its data. SHA256SUMS has the checksums of all that lies beside it. The same commit gives the
same bytes: files are sorted, and their time is the commit's.
"""

import io
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tools.environment.addresses import this_site
from tools.notebooks import exercises, reading
from tools.paths import ROOT, SITE
from tools.publish import checksums
from tools.publish.edition import Edition, edition

DIST = ROOT / "dist"
SITE_ARCHIVE = "adaptive-learning-rates-site"
NOTEBOOKS_ARCHIVE = "adaptive-learning-rates-notebooks"

# What the notebooks import, and JupyterLab: groups of requirements in pyproject.toml.
EXTRAS = ("torch", "figures", "fused", "notebooks", "lab")
README = Path(__file__).with_name("notebooks_readme.md")
BESIDE = ("CITATION.cff", "LICENSE", "pyproject.toml", "requirements.txt")
LIBRARY = "rmsprop_lib"
FOLDERS = ("chapters", LIBRARY)


class CannotPackError(Exception):
    """An archive cannot be made. The message says why."""


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below ``folder`` with its path there; neither what an editor or Python left, nor hidden files."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") or part == "__pycache__" for part in name.parts):
            yield name.as_posix(), path.read_bytes()


def packed(contents: dict[str, bytes], folder: str, this: Edition) -> bytes:
    """A zip archive of one folder, of which every byte follows from its contents and the edition."""
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(contents):
            # The format knows no time before 1980.
            entry = zipfile.ZipInfo(f"{folder}/{name}", max(this.date.timetuple()[:6], (1980, 1, 1, 0, 0, 0)))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, on whichever system it is made
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, contents[name])
    return result.getvalue()


def site(folder: Path = SITE) -> dict[str, bytes]:
    """The built site.

    Raises
    ------
    CannotPackError
        If it is not there, or its last build failed.
    """
    if not (folder / ".built").exists():
        raise CannotPackError("The site is not built, or its last build failed: run `make book` first.")
    return dict(files(folder))


def notebooks(this: Edition, root: Path = ROOT) -> dict[str, bytes]:
    """Chapters, exercises and library, and how to install what they need."""
    readme = README.read_text(encoding="utf-8").replace("{edition}", f"{this}.").replace("{extras}", ",".join(EXTRAS))
    contents = {"README.md": readme.encode()}
    contents |= {name: (root / name).read_bytes() for name in BESIDE}
    contents |= {f"{LIBRARY}/{name}": content for name, content in files(root / LIBRARY)}
    contents |= {
        f"chapters/{name}": content for name, content in reading.copies(root / "chapters", this_site(root)).items()
    }
    with tempfile.TemporaryDirectory() as temporary:
        exercises.make(Path(temporary), root / "chapters")
        contents |= {f"exercises/{name}": content for name, content in files(Path(temporary))}
    return contents


def make(folder: Path, built: Path = SITE) -> list[Path]:
    """Write both archives and the checksums to ``folder``; returns their paths."""
    this = edition()
    archives = {SITE_ARCHIVE: site(built), NOTEBOOKS_ARCHIVE: notebooks(this)}
    folder.mkdir(parents=True, exist_ok=True)
    for name, contents in archives.items():
        (folder / f"{name}.zip").write_bytes(packed(contents, name, this))
    return [*(folder / f"{name}.zip" for name in archives), checksums.write(folder)]


def main(arguments: list[str]) -> int:
    folder = Path(arguments[0]) if arguments else DIST
    try:
        written = make(folder)
    except CannotPackError as error:
        print(error, file=sys.stderr)
        return 1
    for path in written:
        print(f"{folder.name}/{path.name} ({path.stat().st_size / 1e6:.1f} MB)")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
