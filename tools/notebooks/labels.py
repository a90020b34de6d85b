"""What the book's labels stand for: equation (3.2), Theorem 3.4, a section's title; and the cell that holds each.

It is read from the chapters themselves, so it is known where no site has been built: in Binder, in a working copy. The
rules are Sphinx's, with the numbers of tools/site/chapter_numbers.py: a chapter has the number of its file's name, and
sections, equations with a label, figures with a caption, exercises, and theorems of each kind are counted within it.
tests/site/test_readers_copies.py compares every number and every anchor with the built site.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

CODE = re.compile(r" *(```+|~~~+)(?! *\{)")
HEADING = re.compile(r"(?P<marks>#{1,6}) +(?P<title>.+)")
TARGET = re.compile(r"\((?P<label>[\w-]+)\)= *")
EQUATION = re.compile(r" *\$\$ *\((?P<label>[\w-]+)\) *")
OPENING = re.compile(r"(?P<fence>:{3,}|`{3,}) *\{(?P<name>[\w:-]+)\} *(?P<title>.*?) *")
OPTION = re.compile(r" *:(?P<name>[\w-]+): *(?P<value>.*?) *")
# Directives with a number, and the word before it.
NUMBERED = {
    **{f"prf:{kind}": kind.capitalize() for kind in ("theorem", "lemma", "corollary", "algorithm", "definition")},
    "exercise": "Exercise",
}


@dataclass(frozen=True)
class Label:
    """What a label stands for. ``number`` is empty where there is none, ``cell`` in a page that is no notebook."""

    file: str
    cell: str
    anchor: str
    kind: str
    number: str = ""
    title: str = ""

    @property
    def words(self) -> str:
        """What stands for it in a sentence, if the sentence has no words of its own."""
        match self.kind:
            case "Equation":
                return f"({self.number})"
            case "Exercise":
                return f"{self.kind} {self.number} ({self.title})"
            case "Section" | "Place":
                return self.title
            case _:
                return f"{self.kind} {self.number}"


@dataclass
class Book:
    """The labels by their names, and the pages' titles by the names of their files without suffix."""

    labels: dict[str, Label] = field(default_factory=dict)
    terms: dict[str, Label] = field(default_factory=dict)
    """The glossary's, as they are written there."""
    titles: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    figures: dict[tuple[str, str], str] = field(default_factory=dict)
    """The numbers of figures, by file and cell."""


def anchor_of(label: str) -> str:
    """How the site writes a label behind ``#``."""
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")


def cells_of(path: Path) -> Iterator[tuple[str, str, dict[str, object]]]:
    """The kind, source and metadata of a page's cells, with ``cell`` among the latter; a text file is one cell."""
    if path.suffix == ".ipynb":
        for cell in nbformat.read(path, as_version=4).cells:
            yield cell.cell_type, cell.source, {**cell.metadata, "cell": cell.id}
    else:
        yield "markdown", path.read_text(encoding="utf-8"), {"cell": ""}


def _read(book: Book, path: Path) -> None:
    name = path.stem
    chapter = int(found[1]) if (found := re.match(r"(\d+)_", name)) else None
    counts: Counter[str] = Counter()
    book.files[name] = path.name

    def number(kind: str) -> str:
        counts[kind] += 1
        return f"{chapter}.{counts[kind]}" if chapter is not None else str(counts[kind])

    for kind, source, metadata in cells_of(path):
        cell = str(metadata["cell"])

        def enter(label: str, kind: str, number: str = "", title: str = "", anchor: str = "", cell: str = cell) -> None:
            if label in book.labels:
                raise ValueError(f"{path.name}: there is already a label {label!r} in {book.labels[label].file}.")
            book.labels[label] = Label(path.name, cell, anchor or anchor_of(label), kind, number, title)

        if kind == "code":
            figure = metadata.get("mystnb", {}).get("figure", {})  # type: ignore[attr-defined]
            if figure.get("caption"):
                book.figures[path.name, cell] = this = number("Figure")
                if figure.get("name"):
                    enter(figure["name"], "Figure", this)
        if kind != "markdown":
            continue
        waiting: list[str] = []
        fence, directive, closing = "", ("", ""), ""
        for line in source.splitlines():
            if fence:
                fence = "" if line.strip() == fence else fence
            elif closing and line.rstrip() == closing:
                closing = ""
            elif closing and directive[0] == "glossary":
                if line and not line.startswith((" ", ":")):
                    anchor = "term-" + re.sub(r"\W+", "-", line)  # where Sphinx keeps capitals
                    book.terms[line] = Label(path.name, cell, anchor, "Term", title=line)
            elif opened := CODE.match(line):
                fence = opened[1]
            elif found := TARGET.fullmatch(line):
                waiting.append(found["label"])
            elif found := HEADING.fullmatch(line):
                depth = len(found["marks"])
                if depth == 1:
                    book.titles.setdefault(name, found["title"])
                this = number("Section") if depth == 2 and chapter is not None else ""
                for label in waiting:
                    enter(label, "Section", this, found["title"])
                waiting = []
            elif found := EQUATION.fullmatch(line):
                enter(found["label"], "Equation", number("Equation"), anchor=anchor_of(f"equation-{found['label']}"))
            elif found := OPENING.fullmatch(line):
                directive, closing = (found["name"], found["title"]), found["fence"]
                if found["name"] in NUMBERED:
                    number(NUMBERED[found["name"]])
            elif (found := OPTION.fullmatch(line)) and found["name"] == "label" and directive[0] in NUMBERED:
                word = NUMBERED[directive[0]]
                this = f"{chapter}.{counts[word]}" if chapter is not None else str(counts[word])
                enter(found["value"], word, this, directive[1])
            elif found and found["name"] == "name" and directive == ("list-table", directive[1]) and directive[1]:
                enter(found["value"], "Table", number("Table"), directive[1])
            if waiting and line.strip() and not TARGET.fullmatch(line):
                for label in waiting:
                    enter(label, "Place")
                waiting = []


def read(folder: Path) -> Book:
    """Every label and title of the book.

    Raises
    ------
    ValueError
        If two things have the same label.
    """
    book = Book()
    for path in sorted(folder.iterdir()):
        if path.suffix in (".ipynb", ".md") and not path.name.startswith("."):
            _read(book, path)
    return book
