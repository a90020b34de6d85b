"""The glossary: every term is one of the chapters', and every entry leads to where its subject is treated."""

import json
import re
from itertools import groupby

import pytest

from tools.paths import CHAPTERS

CELLS = [
    cell
    for path in sorted(CHAPTERS.glob("[0-9][0-9]_*.ipynb"))
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
]
PROSE = "\n".join("".join(cell["source"]) for cell in CELLS if cell["cell_type"] == "markdown")
# Of equations, of sections and statements, of theorems and exercises, and of figures.
LABELS = {
    *re.findall(r"^\$\$ \(([\w-]+)\)$", PROSE, flags=re.MULTILINE),
    *re.findall(r"^\(([\w-]+)\)=$", PROSE, flags=re.MULTILINE),
    *re.findall(r"^:label: ([\w-]+)$", PROSE, flags=re.MULTILINE),
    *(cell["metadata"].get("mystnb", {}).get("figure", {}).get("name") for cell in CELLS),
}
# What the chapters say where the glossary has the field's term.
BY_ANOTHER_NAME = {"overfitting": "memorise", "paired comparison": "paired", "validation set": "validation loss"}
TERM = re.compile(r"\{term\}`(?:[^`<]+<)?([^`<>]+)>?`")
LINK = re.compile(r"\{(?:ref|eq|prf:ref|numref)\}`(?:[^`<]+<)?([\w-]+)>?`")


def entries() -> list[tuple[tuple[str, ...], str]]:
    """The terms of each entry, and what it says."""
    text = (CHAPTERS / "glossary.md").read_text(encoding="utf-8")
    block = re.search(r"^```\{glossary\}\n(?::\w+:\n)*\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    assert block
    found: list[tuple[tuple[str, ...], str]] = []
    lines = [line for line in block[1].splitlines() if line]
    for says, group in groupby(lines, key=lambda line: line.startswith(" ")):
        if says:
            found[-1] = (found[-1][0], " ".join(map(str.strip, group)))
        else:
            found.append((tuple(group), ""))
    return found


ENTRIES = entries()


def occurs(term: str, prose: str) -> bool:
    """Whether the prose has the term, also in the plural, at the beginning of a sentence, or with a blank as hyphen.

    What is named in code, links or labels is not prose.
    """
    words = r"[-\s]".join(re.escape(word) for word in re.split(r"[- ]", term))
    return re.search(rf"(?<![\w`-]){words}(?:e?s)?(?![\w`])", prose, flags=re.IGNORECASE) is not None


def test_it_has_the_terms_of_the_field() -> None:
    assert len(ENTRIES) >= 85


# An entry that begins like this says what the word is not, where it is used, or nothing.
NO_DEFINITION = re.compile(r"(Said of|What |Elsewhere|Not |One (?:that|which)|Unlike|In contrast|Where )")


@pytest.mark.parametrize(("terms", "text"), ENTRIES, ids=[terms[0] for terms, _ in ENTRIES])
def test_an_entry_begins_with_a_definition_in_other_words(terms: tuple[str, ...], text: str) -> None:
    first = text.partition(". ")[0]
    assert not NO_DEFINITION.match(text), first
    # The term itself is not what it is defined by; a longer term, such as a kind of it, has to be.
    head = re.split(r"[:;(,$]", re.sub(r"\{\w+(?::\w+)?\}`[^`]*`", "", first))[0]
    for term in terms:
        assert not occurs(term, head), f"{term!r} is defined by itself: {head!r}"


@pytest.mark.parametrize(("terms", "text"), ENTRIES, ids=[terms[0] for terms, _ in ENTRIES])
def test_an_entry_is_short_and_leads_to_a_chapter(terms: tuple[str, ...], text: str) -> None:
    assert text.endswith("."), "an entry is made of sentences"
    known = {term for others, _ in ENTRIES for term in others}
    assert set(TERM.findall(text)) <= known - set(terms)
    assert set(LINK.findall(text)) & LABELS, f"the entry {terms[0]!r} links to no chapter"


@pytest.mark.parametrize("term", [term for terms, _ in ENTRIES for term in terms])
def test_a_term_occurs_in_the_chapters(term: str) -> None:
    prose = re.sub(r"\{term\}`([^`<]+?)(?: <[^`]+>)?`", r"\1", PROSE)
    prose = re.sub(r"\{(?:ref|eq|prf:ref|numref|cite:[pt]|doc)\}`[^`]*`|^[:(].*$", "", prose, flags=re.MULTILINE)
    assert occurs(BY_ANOTHER_NAME.get(term, term), prose), f"no chapter uses the term {term!r}"


def test_no_term_has_two_entries() -> None:
    terms = [term.casefold() for others, _ in ENTRIES for term in others]
    assert len(terms) == len(set(terms))


CHAPTER_TERMS = {
    path.stem: [
        term
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
        if cell["cell_type"] == "markdown"
        for term in TERM.findall("".join(cell["source"]))
    ]
    for path in sorted(CHAPTERS.glob("[0-9][0-9]_*.ipynb"))
}


@pytest.mark.parametrize("chapter", CHAPTER_TERMS)
def test_a_chapter_leads_to_a_few_terms_of_the_glossary_each_once(chapter: str) -> None:
    linked = CHAPTER_TERMS[chapter]
    assert set(linked) <= {term for terms, _ in ENTRIES for term in terms}
    assert len(linked) == len(set(linked))
    assert len(linked) <= 10


def test_the_chapters_lead_to_the_glossary() -> None:
    assert sum(map(len, CHAPTER_TERMS.values())) >= 100
