"""The typefaces of the site: its own, complete, light, lawful, and without a jump when they come."""

import re
from collections import Counter
from html import unescape

import pytest
from book_pages import toc_pages
from browser import DESK, PHONE, Window
from fontTools.ttLib import TTFont
from playwright.sync_api import Browser

from tools.paths import SITE
from tools.site.typefaces import TYPEFACES, characters

FOLDER = SITE / "_static" / "typefaces"
CHAPTER = "chapters/03_rmsprop.html"
TOGETHER = 110_000
# What a typeface lacks of what its pages show comes from the reader's machine: a few signs.
RARE = set("⟨⟩ₖ⁺∝≪◐○✗✓ᵀᵖᵗᵏˣᵢₜₐ‖∇⁻′●■▲◆▼✚★▶✕")


@pytest.mark.parametrize("name", TYPEFACES)
def test_it_has_the_characters_of_the_pages(name: str) -> None:
    shown = Counter(
        character
        for path in toc_pages()
        for character in unescape(re.sub(r"<[^>]*>", "", (SITE / path).read_text(encoding="utf-8")))
    )
    with TTFont(FOLDER / f"{name}.woff2") as font:
        lacking = {character for character in shown if character >= " " and ord(character) not in font.getBestCmap()}
    assert lacking - RARE == set()


def test_it_has_no_more_than_those() -> None:
    for name in TYPEFACES:
        with TTFont(FOLDER / f"{name}.woff2") as font:
            assert len(font.getBestCmap()) < 300
    assert "é" in characters(["Café"]) and "é" not in characters([]) and "\n" not in characters(["\n"])


def test_they_are_light_together() -> None:
    assert sum(path.stat().st_size for path in FOLDER.glob("*.woff2")) < TOGETHER


@pytest.mark.parametrize("name", TYPEFACES)
def test_a_reduced_font_has_a_name_of_its_own_and_keeps_its_copyright(name: str) -> None:
    with TTFont(FOLDER / f"{name}.woff2") as font:
        names = {record.nameID: record.toUnicode() for record in font["name"].names}
    assert names[1].startswith("Book ") and not re.search("Source", names[1] + names[4])
    assert "Copyright" in names[0] or "©" in names[0]
    licence = FOLDER / f"LICENSE-{TYPEFACES[name].package.removeprefix('fontpkg_')}"
    assert "SIL OPEN FONT LICENSE" in licence.read_text(encoding="utf-8").upper()


FACES = {
    "article p": "Book Text",
    "article h1": "Book Text",
    "article pre": "Book Code",
    "article code": "Book Code",
    "article .admonition-title": "Book Interface",
    ".bd-sidebar-primary a": "Book Interface",
}


def test_each_part_of_a_page_has_its_typeface(window: Window, address: str) -> None:
    seen = window.open(address + CHAPTER)
    seen.settle()
    for selector, family in FACES.items():
        found = seen.page.locator(selector).first.evaluate("e => getComputedStyle(e).fontFamily")
        assert found.startswith(f'"{family}"'), selector
    loaded = seen.page.evaluate("[...document.fonts].filter(f => f.status === 'loaded').map(f => f.family)")
    assert {"Book Text", "Book Interface", "Book Code"} <= {family.strip('"') for family in loaded}
    fonts = [url for url in seen.requested if re.search(r"\.(woff2?|ttf|otf)\b", url)]
    assert len(fonts) >= 3 and all(url.startswith(f"{address}_static/") for url in fonts)


SIZES = """() => [...document.querySelectorAll('article pre')]
    .filter(e => e.checkVisibility()).map(e => parseFloat(getComputedStyle(e).fontSize))"""
# How many characters stand in a line of each paragraph without formulas, whose last line is on average half full.
MEASURE = """() => [...document.querySelectorAll('article section > p')].flatMap(p => {
    if (p.querySelector('.math, mjx-container, code')) return [];
    const lines = Math.round(p.getBoundingClientRect().height / parseFloat(getComputedStyle(p).lineHeight));
    return lines >= 3 ? [p.textContent.length / (lines - 0.5)] : [];
})"""


def test_lines_are_as_long_as_reads_well(window: Window, address: str) -> None:
    page = window.open(address + "chapters/08_recurrent.html").page
    lengths = sorted(page.evaluate(MEASURE))
    assert len(lengths) >= 3
    assert 65 <= lengths[len(lengths) // 2] <= 75


@pytest.mark.parametrize("view", [DESK, PHONE], ids=["desk", "phone"])
def test_code_is_large_enough_to_read(window: Window, address: str, view: dict[str, int]) -> None:
    page = window.open(address + CHAPTER).page
    page.set_viewport_size(view)
    assert min(page.evaluate(SIZES)) >= 0.9 * 16


def test_nothing_jumps_when_they_come(browser: Browser, address: str) -> None:
    """Where the machine has the fonts that stand in, the text is as high with them as it is in the end."""
    heights = []
    for fonts in ("come", "do not come"):
        window = Window(browser)
        if fonts == "do not come":
            window.page.route("**/_static/typefaces/**", lambda route: route.abort())
        page = window.open(address + "chapters/index.html").page
        page.evaluate("() => document.fonts.ready.then(() => true)")
        page.wait_for_timeout(300)
        stands_in = page.evaluate("document.fonts.check('16px \"Book Text Fallback\"')")
        heights.append(page.locator("article").first.evaluate("e => e.getBoundingClientRect().height"))
        window.close()
    if not stands_in:
        pytest.skip("this machine has neither Times New Roman nor Liberation Serif")
    assert heights[1] == pytest.approx(heights[0], rel=0.025)


def test_every_face_of_the_style_sheet_is_swapped_in() -> None:
    sheet = (SITE / "_static" / "typefaces.css").read_text(encoding="utf-8")
    faces = re.findall(r"@font-face \{(.*?)\}", sheet, re.DOTALL)
    own = [face for face in faces if "url(" in face]
    assert len(own) == len(TYPEFACES) and all("font-display: swap" in face for face in own)
    assert sorted(re.findall(r'url\("typefaces/([\w-]+)\.woff2"\)', sheet)) == sorted(TYPEFACES)
    assert len(faces) == 2 * len(own) and all("size-adjust" in face for face in faces if "local(" in face)
