"""The cells of a page, run in it, in a real browser: with what they need, changed, without PyTorch, stopped."""

import re

import nbformat
import pytest
from browser import Visit, Window
from playwright.sync_api import Locator
from served import ASKED, complaints, fits_a_phone, place, reader, visited
from visits import SCHEMES

from tools.paths import CHAPTERS, ROOT

__all__ = ["place", "reader"]  # fixtures

CHAPTER = "chapters/03_rmsprop"
# Python starts in seconds where a machine has nothing else to do.
PATIENCE = 180_000
SOURCES = [
    cell.source for cell in nbformat.read(ROOT / f"{CHAPTER}.ipynb", as_version=4).cells if cell.cell_type == "code"
]


def number_of(text: str) -> int:
    """The number of the first cell in which this stands, from 1."""
    return 1 + next(k for k, source in enumerate(SOURCES) if text in source)


class Cells:
    """The cells of a page, and what a reader does with them."""

    def __init__(self, visit: Visit) -> None:
        self.visit, self.page = visit, visit.page
        self.box = self.page.locator(".run-all")
        self.status = self.box.locator("[role=status]")

    def cell(self, number: int) -> Locator:
        row = self.page.locator(".run-buttons", has_text=re.compile(rf"^cell {number}(?!\d)"))
        return self.page.locator("div.cell").filter(has=row).last

    def open(self, number: int) -> Locator:
        """A cell, unfolded."""
        cell = self.cell(number)
        cell.evaluate(
            "e => { for (let n = e; n; n = n.parentElement) if (n.tagName === 'DETAILS') n.open = true;"
            "for (const d of e.querySelectorAll('details')) d.open = true; }"
        )
        return cell

    def forget(self) -> None:
        """What was said before, which is not to be taken for an answer."""
        self.status.evaluate("e => (e.textContent = '')")

    def wait(self) -> str:
        self.page.wait_for_function(
            "() => / run\\.|have run|Stopped/.test(document.querySelector('.run-all [role=status]').textContent)",
            timeout=PATIENCE,
        )
        return self.status.inner_text()

    def start(self, number: int) -> None:
        """Run a cell by its button, which has its place whatever comes to stand above it when it is pressed by key."""
        self.forget()
        self.open(number).get_by_role("button", name=f"Run cell {number}", exact=True).press("Enter")

    def run(self, number: int) -> str:
        """Run a cell, and return what it shows."""
        self.start(number)
        self.wait()
        return self.cell(number).locator(".run-output").inner_text()


@pytest.fixture(scope="module")
def cells(reader: Window, place: str) -> Cells:
    """The page, and Python begun once for all tests."""
    visit = visited(reader, f"{place}{CHAPTER}.html")
    ASKED.clear()
    visit.page.get_by_role("button", name="Run the cells of this page").click()
    cells = Cells(visit)
    cells.box.wait_for()
    return cells


def stored(number: int) -> str:
    [output] = [o for o in nbformat.read(CHAPTERS / "03_rmsprop.ipynb", as_version=4).cells if o.cell_type == "code"][
        number - 1
    ].outputs
    return str(output.text).strip()


def test_every_cell_has_its_button(cells: Cells) -> None:
    assert cells.page.locator(".run-buttons").count() == len(SOURCES)


def test_a_cell_prints_what_the_book_says(cells: Cells) -> None:
    assert cells.run(1) == stored(1)
    assert not cells.cell(1).locator(".cell_output").is_visible()


def test_a_cell_brings_what_it_needs_and_no_more(cells: Cells) -> None:
    number = number_of("half-life   window")
    shown = cells.run(number)
    assert shown.split() == stored(number).split()
    ran = cells.page.locator(".run-output").count()
    assert ran == 2, "the first cell, which imports NumPy, and this one"


def test_a_figure_is_drawn_and_says_what_it_shows(cells: Cells) -> None:
    cells.run(2)
    picture = cells.cell(2).locator(".run-output img")
    assert picture.count() == 1
    size = picture.evaluate("async e => { await e.decode(); return [e.naturalWidth, e.naturalHeight]; }")
    assert size[0] > 600 and size[1] > 300
    assert "level lines" in picture.get_attribute("alt")
    assert "font" not in cells.cell(2).locator(".run-output").inner_text()


def test_a_changed_cell_is_run_again_for_those_below(cells: Cells) -> None:
    cells.open(1).get_by_role("button", name="Edit cell 1", exact=True).press("Enter")
    field = cells.cell(1).locator("textarea")
    field.fill(f"{SOURCES[0]}\nplain = plain[:5]\nprint('cut')")
    cells.forget()
    field.press("Control+Enter")
    cells.wait()
    assert cells.cell(1).locator(".run-output").inner_text().endswith("cut")
    assert "IndexError: list index out of range" in cells.run(2)
    field.fill(SOURCES[0])
    assert "IndexError" not in cells.run(2), "the first cell, changed, has been run before"
    assert cells.cell(1).locator(".run-output").inner_text() == stored(1)


def test_pytorch_is_said_to_be_missing_and_what_is_stored_stays(cells: Cells) -> None:
    number = number_of("import torch")
    assert "needs PyTorch" in cells.run(number)
    assert cells.cell(number).locator(".cell_output").is_visible()
    # No cell below builds on that one, so a reader changes one of them until it does.
    below = number_of("x is first below 0.1")
    assert below > number
    cells.open(below).get_by_role("button", name=f"Edit cell {below}", exact=True).press("Enter")
    field = cells.cell(below).locator("textarea")
    field.fill("print(reference, others)")
    assert f"It needs cell {number}, which could not be run." in cells.run(below)
    assert cells.cell(below).locator(".cell_output").is_visible()
    field.fill(SOURCES[below - 1])


def test_a_reader_need_not_wait_for_the_end(cells: Cells) -> None:
    cells.open(3).get_by_role("button", name="Edit cell 3", exact=True).press("Enter")
    cells.cell(3).locator("textarea").fill("while True:\n    pass\n")
    cells.start(3)
    cells.page.wait_for_function(
        "() => /Running cell 3/.test(document.querySelector('.run-all [role=status]').textContent)"
    )
    cells.cell(3).get_by_role("button", name="Stop", exact=True).press("Enter")
    assert "Stopped" in cells.wait()
    assert not cells.page.get_by_role("button", name="Stop", exact=True).is_visible()
    assert cells.run(1) == stored(1), "in a Python that begins anew"


def test_python_was_asked_of_the_site_alone_and_figures_come_along(cells: Cells, place: str) -> None:
    assert any("matplotlib" in path for path in ASKED)
    assert all(url.startswith((place, "data:", "blob:")) for url in cells.visit.requested)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing(cells: Cells, scheme: str) -> None:
    assert not complaints(cells.page, scheme, "run-", "answer")


def test_it_fits_a_phone(cells: Cells) -> None:
    assert fits_a_phone(cells.page)
