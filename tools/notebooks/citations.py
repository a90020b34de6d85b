"""What ``references.bib`` says, in the words of a citation: no program for bibliographies is asked.

The file is ours and simple: ``field = {value}``, and the line ends after it. Names and years are put together as the
site does it; tests/site/test_readers_copies.py compares every one.
"""

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

ENTRY = re.compile(r"^@\w+\{(?P<key>[^,\s]+),(?P<fields>.*?)^\}", re.MULTILINE | re.DOTALL)
FIELD = re.compile(r"^\s*(?P<name>\w+)\s*=\s*\{(?P<value>.*?)\}\s*,?\s*$", re.MULTILINE | re.DOTALL)
ACCENTS = {"'": "\u0301", "`": "\u0300", '"': "\u0308", "^": "\u0302", "~": "\u0303", "v": "\u030c", "c": "\u0327"}
PLACES = ("journal", "booktitle", "howpublished", "school", "publisher", "institution")
LETTERS = {r"\L": "Ł", r"\l": "ł", r"\o": "ø", r"\ss": "ß", r"\i": "ı", r"\&": "&"}
ARXIV = re.compile(r"arXiv[: ](\d{4}\.\d{4,5})", re.IGNORECASE)


@dataclass(frozen=True)
class Reference:
    """An entry: who wrote it (in the words of a citation), when, and what it is in one line."""

    authors: str
    year: str
    line: str
    address: str


def plain(latex: str) -> str:
    """Text without TeX: accents become letters, dashes dashes, and braces go."""

    def accented(found: re.Match[str]) -> str:
        return unicodedata.normalize("NFC", found["letter"] + ACCENTS[found["accent"]])

    text = re.sub(r"\\(?P<accent>['`\"^~])\{?(?P<letter>\w)\}?", accented, latex)
    text = re.sub(r"\\(?P<accent>[vc])(?:\{|\s+)(?P<letter>\w)\}?", accented, text)
    for command, letter in LETTERS.items():
        text = text.replace(command, letter)
    text = re.sub(r"[{}]", "", text).replace("---", "—").replace("--", "–").replace("~", "\N{NO-BREAK SPACE}")
    return re.sub(r"\s+", " ", text).strip()


def _family(name: str) -> str:
    """The family name of ``Family, Given`` or ``Given Family``."""
    return plain(name.partition(",")[0] if "," in name else re.split(r"\s+(?![^{]*\})", name)[-1])


def _turned(name: str) -> str:
    family, _, given = name.partition(",")
    return plain(f"{given} {family}")


def _reference(fields: dict[str, str]) -> Reference:
    names = re.split(r"\s+and\s+", fields["author"])
    families = [_family(name) for name in names]
    match families:
        case [one]:
            authors = one
        case [one, two]:
            authors = f"{one} and {two}"
        case _:
            authors = f"{families[0]} et al."
    where = next((fields[name] for name in PLACES if name in fields), "")
    said = [", ".join(map(_turned, names)), plain(fields["title"]), plain(where), fields["year"]]
    address = fields.get("url", "")
    if "doi" in fields:
        address = address or f"https://doi.org/{fields['doi']}"
    if preprint := ARXIV.search(where):
        address = address or f"https://arxiv.org/abs/{preprint[1]}"
    return Reference(authors, fields["year"], ". ".join(filter(None, said)) + ".", address)


def references(file: Path) -> dict[str, Reference]:
    """The entries of the book's bibliography by their keys."""
    return {
        entry["key"]: _reference({field["name"].lower(): field["value"] for field in FIELD.finditer(entry["fields"])})
        for entry in ENTRY.finditer(file.read_text(encoding="utf-8"))
    }
