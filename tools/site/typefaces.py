"""A Sphinx extension: the typefaces of the book, cut down to the characters that it has.

The fonts come from packages that this environment has installed (pyproject.toml, extra ``book``); none is in the
repository. When the site is written, each is reduced to the weights and the characters that the pages use, and stored
in ``_static/typefaces`` with its licence. ``assets/typefaces.css`` names the files and says what is shown until they
have come. A reduced font is a modified one, which must not have the name of the original: hence those of the book.

What has been reduced once is kept in ``_build/typefaces``, under a name made from all that it depends on.
"""

import hashlib
import shutil
from dataclasses import dataclass
from html import unescape
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer
from sphinx.application import Sphinx

# What stands between words and numbers in any text, whether or not a page has it today.
ALWAYS = {*map(chr, range(0x20, 0x7F)), *"\u00a0–—‘’“”…−×·°±→←≤≥≈√"}
# Kerning, joined letters, accents, and figures of one width for columns of numbers.
FEATURES = ["kern", "liga", "ccmp", "locl", "mark", "tnum"]


@dataclass(frozen=True)
class Typeface:
    """A font of the site: the package that it comes from, its file there, and what is kept of each of its axes."""

    name: str
    package: str
    file: str
    axes: dict[str, float | tuple[float, float]]

    @property
    def folder(self) -> Path:
        """Where the package is installed."""
        spec = find_spec(self.package)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"the typefaces need the package {self.package.replace('_', '-')}: make book")
        return Path(spec.origin).parent


TYPEFACES = {
    "text": Typeface(
        "Book Text", "fontpkg_source_serif_4", "SourceSerif4[opsz,wght].ttf", {"opsz": 14, "wght": (400, 650)}
    ),
    "text-italic": Typeface(
        "Book Text Italic", "fontpkg_source_serif_4", "SourceSerif4-Italic[opsz,wght].ttf", {"opsz": 14, "wght": 400}
    ),
    "interface": Typeface("Book Interface", "fontpkg_source_sans_3", "SourceSans3[wght].ttf", {"wght": (400, 650)}),
    "code": Typeface("Book Code", "fontpkg_source_code_pro", "SourceCodePro[wght].ttf", {"wght": (400, 600)}),
}


def characters(texts: list[str]) -> str:
    """Every character that these texts show, in order."""
    return "".join(sorted(ALWAYS.union(*map(set, texts)) - set(map(chr, range(0x20)))))


def cut(typeface: Typeface, kept: str, target: Path) -> None:
    """Write what is kept of a font, in the format of the web."""
    with TTFont(typeface.folder / "files" / typeface.file, recalcTimestamp=False) as font:
        options = subset.Options(layout_features=FEATURES, hinting=False, notdef_outline=True, name_IDs=[0, 13, 14])
        cutter = subset.Subsetter(options)
        cutter.populate(text=kept)
        cutter.subset(font)
        instancer.instantiateVariableFont(font, typeface.axes, inplace=True)
        for number in (1, 4):
            font["name"].setName(typeface.name, number, 3, 1, 0x409)
        font.flavor = "woff2"
        font.save(target)


def store(site: Path, texts: list[str]) -> None:
    """Store the typefaces for these texts, with their licences, in the site."""
    kept = characters(texts)
    folder, cache = site / "_static" / "typefaces", site.parent / "typefaces"
    for path in (folder, cache):
        path.mkdir(parents=True, exist_ok=True)
    for name, typeface in TYPEFACES.items():
        depends = f"{typeface} {version(typeface.package)} {version('fonttools')} {FEATURES} {kept}"
        ready = cache / f"{hashlib.sha256(depends.encode()).hexdigest()}.woff2"
        if not ready.exists():
            cut(typeface, kept, ready)
        shutil.copyfile(ready, folder / f"{name}.woff2")
        shutil.copyfile(typeface.folder / "LICENSE", folder / f"LICENSE-{typeface.package.removeprefix('fontpkg_')}")


def finish(app: Sphinx, error: Exception | None) -> None:
    if error or app.builder.format != "html":
        return
    site = Path(app.outdir)
    pages = [path for path in site.rglob("*.html") if "_static" not in path.parts]
    store(site, [unescape(path.read_text(encoding="utf-8")) for path in [*pages, *(site / "_static").glob("*.js")]])


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
