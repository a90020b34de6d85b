"""The reference sheet as it is built: its tables are the library's, and it prints on two sides of A4."""

import io
import re
from collections.abc import Callable

import pytest
from book_pages import built_page
from browser import DESK
from playwright.sync_api import Browser
from pypdf import PdfReader

from tools.environment.chromium import TYPESET
from tools.site import sheet
from tools.site.formulas import formulas

ADDRESS = "chapters/sheet.html"
MILLIMETRE = 72 / 25.4


def plain(text: str) -> str:
    """A cell's words without its markup and its blanks, of which the writer of pages makes others."""
    text = re.sub(r"\{[\w:]+\}`(?:[^`<]*<)?([^`<>]*)>?`", r"", text)
    return re.sub(r"\\[()]|[$`\s]", "", text).replace("’", "'")


@pytest.mark.parametrize(("name", "make"), sheet.TABLES.items())
def test_a_table_on_the_page_is_the_one_that_the_library_makes(name: str, make: Callable[[], str]) -> None:
    table = built_page(ADDRESS).select_one(f"table.sheet-{name}")
    wanted = [[plain(cell) for cell in line.strip("|").split(" | ")] for line in make().splitlines()[2:]]
    shown = []
    for row in table.select("tbody tr"):
        cells = row.select("td")
        shown.append(["".join(s for s in cell.find_all(string=True) if not s.find_parent("a")) for cell in cells])
    assert [[plain(cell) for cell in row] for row in shown] == wanted, "run `make book`"


def test_every_signature_leads_to_the_reference() -> None:
    links = built_page(ADDRESS).select("table.sheet-rules td:last-child a")
    called = [
        target
        for row in sheet.RULES
        for target in (*row.functions, *re.findall(r"<rmsprop_lib\.rules\.(\w+)>", row.note))
    ]
    assert [link["href"] for link in links] == [f"library.html#rmsprop_lib.rules.{function}" for function in called]
    told = {link.get_text() for link in links}
    for function in (function for row in sheet.RULES for function in row.functions):
        assert sheet.call(function).partition("`")[2].partition(" <")[0] in told


def test_it_prints_on_two_sides_of_a4(browser: Browser, address: str) -> None:
    page = browser.new_context(viewport=DESK).new_page()
    page.goto(address + ADDRESS)
    page.evaluate(TYPESET)
    page.emulate_media(media="print")
    page.evaluate("document.fonts.ready")
    printed = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True)))
    first, second = (side.extract_text() for side in printed.pages)
    assert all(float(side.mediabox.width) == pytest.approx(210 * MILLIMETRE, abs=1) for side in printed.pages)
    assert first.lstrip().startswith("Reference Sheet") and "Decays in numbers" in first
    assert second.lstrip().startswith("Defaults") and "numpy_optim.SGD" in second and "Names" in second
    page.context.close()


def test_its_style_is_its_own() -> None:
    assert built_page(ADDRESS).select('link[href*="sheet.css"]')
    assert not built_page("chapters/notation.html").select('link[href*="sheet.css"]')
    assert len(sheet.RULES) == len({str(formulas(row.rule, **row.fixed)) for row in sheet.RULES})
