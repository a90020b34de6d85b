"""Some pages of the site printed as a book: numbered, outlined, every link inside it live, solutions at its end."""

import io
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest
from book_pages import built_page, toc_pages
from bs4 import Tag
from built_site import require_site
from pypdf import PageObject, PdfReader
from pypdf.generic import ArrayObject, Destination, IndirectObject

from tools.environment import chromium
from tools.publish import pdf

# A page without a chapter's number, one with a proof, figures and exercises to choose from, and one with wide tables.
PAGES = ["index", "03_rmsprop", "notation"]
CHAPTER = "chapters/03_rmsprop.html"


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    require_site()
    if chromium.program() is None:
        # In continuous integration a test that quietly does nothing is a defect.
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(chromium.MISSING)
    target = tmp_path_factory.mktemp("pdf") / pdf.NAME
    count = pdf.make(target, PAGES)
    written = target.read_bytes()
    assert count == len(PdfReader(target).pages)
    return written


@pytest.fixture(scope="module")
def book(printed: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(printed), strict=False)


@dataclass
class Written:
    """What is written on a page: its whole text, and what stands in the upper and in the lower margin."""

    text: str
    head: str
    foot: str


def written(page: PageObject) -> Written:
    """Of one page, in one go: to find the text of a page takes longest."""
    found: list[tuple[float, str]] = []

    def note(text: str, cm: list[float], tm: list[float], *_: Any) -> None:
        found.append((tm[4] * cm[1] + tm[5] * cm[3] + cm[5], text))

    whole = page.extract_text(visitor_text=note)
    height = float(page.mediabox.height)
    # Of 22 and of 20 millimetres, in points.
    above = "".join(text for y, text in found if y > height - 22 * 72 / 25.4)
    below = "".join(text for y, text in found if y < 20 * 72 / 25.4)
    return Written(whole, above.strip(), below.strip())


@pytest.fixture(scope="module")
def sheets(book: PdfReader) -> list[Written]:
    return [written(page) for page in book.pages]


@pytest.fixture(scope="module")
def texts(sheets: list[Written]) -> list[str]:
    """The text of every page, in one line each, its ligatures as the letters that they join."""
    return [
        re.sub("[\ufb00-\ufb06]", lambda joined: normalize("NFKC", joined[0]), " ".join(sheet.text.split()))
        for sheet in sheets
    ]


@pytest.fixture(scope="module")
def chapter() -> Tag:
    return built_page(CHAPTER).select_one("article.bd-article")


def outline(book: PdfReader) -> list[tuple[int, str, int]]:
    """Depth, title and page, counted from 1, of every entry."""

    def walk(entries: list[Any], depth: int) -> list[tuple[int, str, int]]:
        found = []
        for entry in entries:
            if isinstance(entry, Destination):
                found.append((depth, entry.title.strip(), book.get_destination_page_number(entry) + 1))
            else:
                found += walk(entry, depth + 1)
        return found

    return walk(book.outline, 0)


def drawings(page: PageObject) -> list[IndirectObject]:
    """What a page draws from elsewhere in the file, pictures among them."""
    things = page["/Resources"].get_object().get("/XObject")
    return [] if things is None else [things.get_object().raw_get(name) for name in things.get_object()]


def first_page_of(book: PdfReader, title: str) -> int:
    return next(page for depth, name, page in outline(book) if depth == 0 and name == title)


def links(book: PdfReader) -> list[tuple[int, Any]]:
    """Every link with the page, counted from 1, on which it is."""
    return [
        (number, note.get_object())
        for number, page in enumerate(book.pages, start=1)
        for note in page.get("/Annots") or []
        if note.get_object()["/Subtype"] == "/Link"
    ]


def test_every_page_but_the_title_page_has_its_number_and_its_chapter(book: PdfReader, sheets: list[Written]) -> None:
    starts = {page: title for depth, title, page in outline(book) if depth == 0}
    running = ""
    for number, sheet in enumerate(sheets, start=1):
        running = starts.get(number, running)
        assert sheet.foot == ("" if number == 1 else str(number))
        assert sheet.head == (running if running != "Contents" else ""), number


def test_the_title_page_says_which_edition_it_is(texts: list[str], book: PdfReader) -> None:
    this = pdf.edition()
    assert str(this) in texts[0]
    assert book.metadata.title.startswith("Adaptive Learning Rates")
    assert book.metadata.creation_date == this.date == book.metadata.modification_date


def test_every_page_of_the_site_and_the_solutions_are_in_the_outline(book: PdfReader, chapter: Tag) -> None:
    titles = [title for depth, title, _ in outline(book) if depth == 0]
    assert titles == ["Contents", "Adaptive Learning Rates", "3. RMSprop", "Notation", "Solutions"]
    sections = [title for depth, title, _ in outline(book) if depth == 1]
    for heading in chapter.find_all("h2"):
        words = heading.get_text().removesuffix("#").split()
        assert " ".join(words) in [" ".join(section.split()) for section in sections]


def test_the_table_of_contents_gives_the_pages_of_the_outline(texts: list[str], book: PdfReader) -> None:
    table = " ".join(texts[1 : first_page_of(book, "Adaptive Learning Rates") - 1])
    for depth, title, page in outline(book):
        if depth == 0 and title != "Contents":
            assert f"{title} {page}" in table, title
    assert "000" not in table.split()


def test_every_link_inside_the_book_has_its_place(book: PdfReader) -> None:
    known = {name.lstrip("/") for name in book.named_destinations}
    inside = 0
    for number, link in links(book):
        action = link.get("/A", {})
        target = link.get("/Dest", action.get("/D") if action.get("/S") == "/GoTo" else None)
        if target is not None:
            inside += 1
            if isinstance(target, ArrayObject):
                assert isinstance(target[0], IndirectObject)
            else:
                assert str(target).lstrip("/") in known, (number, target)
        else:
            # Elsewhere is on the web, never a page of the site or a file of this machine.
            assert str(action["/URI"]).startswith("http"), (number, action)
            assert "book.invalid" not in str(action["/URI"]), (number, action)
    assert inside > 50


def test_its_equations_are_numbered_as_on_the_site(texts: list[str], chapter: Tag) -> None:
    whole = " ".join(texts)
    numbers = [tag.get_text().removesuffix("#") for tag in chapter.select(".eqno")]
    assert "(3.1)" in numbers and len(numbers) > 10
    assert not [number for number in numbers if number not in whole]


def test_its_figures_are_there(book: PdfReader, texts: list[str], chapter: Tag) -> None:
    drawn = [thing for page in book.pages for thing in drawings(page)]
    pictures = {thing.idnum for thing in drawn if thing.get_object()["/Subtype"] == "/Image"}
    figures = chapter.select("figure img")
    assert len(pictures) >= len(figures) > 3
    for caption in chapter.select("figcaption .caption-number"):
        assert caption.get_text().strip() in " ".join(texts)


def test_solutions_stand_at_the_end_and_nowhere_else(texts: list[str], book: PdfReader, chapter: Tag) -> None:
    end = first_page_of(book, "Solutions")
    before, after = " ".join(texts[: end - 1]), " ".join(texts[end - 1 :])
    # From the code of the second exercise's solution, its text, and the answer to the question with four options.
    for words in ("def solution(g, v, rho, eps):", "The average first, since", "so its step is about"):
        assert words in after and words not in before, words
    exercises = [tag.get_text().strip() for tag in chapter.select(".exercise .caption-number")]
    assert len(exercises) >= 6
    for exercise in exercises:
        assert exercise in before and exercise in after, exercise
        page = next(page for _, title, page in outline(book) if title.startswith(f"{exercise} ") and page >= end)
        assert f"Solution on page {page}" in before, exercise


def test_what_is_folded_otherwise_is_open(texts: list[str], chapter: Tag) -> None:
    whole = "".join("".join(texts).split())
    proofs = [card for card in chapter.select("details.sd-dropdown") if card.summary.get_text().strip() == "Proof"]
    assert proofs
    for proof in proofs:
        # Formulas are drawn, what stands beside one may be read after it, and a page may end anywhere: most of what
        # stands between formulas and commas are there.
        pieces = [piece for piece in proof.select_one(".sd-summary-content").find_all(string=True) if "\\" not in piece]
        parts = ["".join(part.split()) for piece in pieces for part in piece.split(",")]
        long = [part for part in parts if len(part) > 12]
        assert long and sum(piece in whole for piece in long) > len(long) / 2, long


def test_it_is_tagged_for_those_who_listen(book: PdfReader) -> None:
    root = book.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] and root["/Lang"] == "en"
    assert "/StructTreeRoot" in root


def test_the_contents_are_those_of_the_site() -> None:
    assert [f"{page}.html" for page in pdf.contents()] == toc_pages()


def test_a_page_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(pdf.CannotPrintError, match=r"no page .99_none.\. Known: index, symptoms, questions"):
        pdf.make(tmp_path / pdf.NAME, ["99_none"])


def test_a_site_that_is_not_built_is_not_printed(tmp_path: Path) -> None:
    with pytest.raises(pdf.CannotPrintError, match="run `make book` first"):
        pdf.make(tmp_path / pdf.NAME, [], tmp_path)


def test_without_a_browser_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BOOK_BROWSER", raising=False)
    monkeypatch.setattr(chromium, "NAMES", ())
    with pytest.raises(pdf.CannotPrintError, match="install Chromium or Chrome"):
        pdf.make(tmp_path / pdf.NAME, ["index"])
