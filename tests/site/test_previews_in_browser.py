"""What a link leads to, shown beside it: by pointer and keyboard, dismissible, loaded late, not under a finger."""

import json
import re
from collections.abc import Iterator

import pytest
from book_pages import built_page, toc_pages
from browser import Visit, Window, opened
from playwright.sync_api import Browser, Locator, expect
from visits import SCHEMES, violations

from tools.paths import SITE
from tools.site.previews import marked, texts

BOX = "#link-preview"
# A link of each kind, by the page that it is on and what it leads to.
KINDS = {
    "equation": ("chapters/sheet.html", 'a[data-preview="chapters/03_rmsprop"][href*="#equation-"]'),
    "theorem": ("chapters/sheet.html", 'a[data-preview="chapters/05_rmsprop_momentum"][href*="#thm-"]'),
    "term": ("chapters/03_rmsprop.html", 'a[data-preview="chapters/glossary"][href*="#term-"]'),
    "reference": ("chapters/notation.html", 'a[data-preview="chapters/bibliography"]'),
}
expect.set_options(timeout=20_000)


def at(window: Window, address: str, kind: str, **media: str) -> Visit:
    """A page with a link of this kind, typeset: or what is above the link would go on moving it."""
    visit = window.open(address + KINDS[kind][0], **media)
    visit.typeset()
    link(visit, kind).scroll_into_view_if_needed()
    visit.settle()
    return visit


@pytest.fixture
def seen(window: Window, address: str) -> Visit:
    return at(window, address, "theorem")


def link(visit: Visit, kind: str) -> Locator:
    return visit.page.locator(f"article {KINDS[kind][1]}").first


def box(visit: Visit) -> Locator:
    return visit.page.locator(BOX)


def loaded(visit: Visit) -> list[str]:
    return [url for url in visit.requested if "/_static/previews/" in url]


def with_the_keyboard(where: Locator) -> None:
    """Reach a link by Tab from just before it, so that the browser shows where the keyboard is."""
    where.evaluate("""e => {
      const before = document.createElement("button");
      e.before(before);
      before.focus();
    }""")
    where.page.keyboard.press("Tab")
    expect(where).to_be_focused()


@pytest.mark.parametrize("kind", KINDS)
def test_a_pointer_that_rests_on_a_link_shows_where_it_leads(window: Window, address: str, kind: str) -> None:
    seen = at(window, address, kind)
    assert not loaded(seen)
    link(seen, kind).hover()
    expect(box(seen)).to_be_visible()
    assert len(loaded(seen)) == 1
    expect(link(seen, kind)).to_have_attribute("aria-describedby", "link-preview")
    if kind == "reference":
        assert len(box(seen).inner_text()) > 40 and link(seen, kind).get_attribute("title") is None
    else:
        expect(box(seen).locator("mjx-container").first).to_be_visible()
        assert not box(seen).locator("mjx-merror, [data-mjx-error]").count()
        said = link(seen, kind).inner_text()
        shown = "minibatch" if kind == "term" else re.sub(r"[^\d.]", "", said)
        assert shown in said and shown in box(seen).inner_text()
    assert not box(seen).locator("a, button, [id]").count()
    assert not seen.errors


def test_it_lies_in_the_window_and_beside_its_link(seen: Visit) -> None:
    link(seen, "theorem").hover()
    expect(box(seen).locator("mjx-container").first).to_be_visible()
    seen.page.wait_for_timeout(300)
    this, whole = link(seen, "theorem").bounding_box(), box(seen).bounding_box()
    assert whole["x"] >= 0 and whole["x"] + whole["width"] <= 1280
    assert whole["y"] >= 0 and whole["y"] + whole["height"] <= 900
    assert whole["y"] >= this["y"] + this["height"] or whole["y"] + whole["height"] <= this["y"]


def test_the_keyboard_shows_it_and_moves_on(seen: Visit) -> None:
    with_the_keyboard(link(seen, "equation"))
    expect(box(seen)).to_be_visible()
    seen.page.keyboard.press("Shift+Tab")
    expect(box(seen)).to_be_hidden()
    assert link(seen, "equation").get_attribute("aria-describedby") is None


def test_escape_takes_it_away_and_leaves_the_keyboard_where_it_is(seen: Visit) -> None:
    with_the_keyboard(link(seen, "equation"))
    expect(box(seen)).to_be_visible()
    seen.page.keyboard.press("Escape")
    expect(box(seen)).to_be_hidden()
    expect(link(seen, "equation")).to_be_focused()
    link(seen, "theorem").hover()
    expect(box(seen)).to_be_visible()
    seen.page.keyboard.press("Escape")
    expect(box(seen)).to_be_hidden()


def test_it_stays_while_the_pointer_is_on_it_and_goes_with_the_pointer(seen: Visit) -> None:
    link(seen, "theorem").hover()
    expect(box(seen)).to_be_visible()
    box(seen).hover()
    seen.page.wait_for_timeout(600)
    expect(box(seen)).to_be_visible()
    seen.page.mouse.move(1270, 5)
    expect(box(seen)).to_be_hidden()


def test_a_pointer_that_passes_shows_nothing(seen: Visit) -> None:
    link(seen, "theorem").hover()
    seen.page.mouse.move(1270, 5)
    seen.page.wait_for_timeout(600)
    expect(box(seen)).to_be_hidden()


def test_a_click_follows_the_link(seen: Visit) -> None:
    link(seen, "equation").click()
    seen.page.wait_for_url(re.compile(r"03_rmsprop\.html#equation-"))


def test_a_finger_follows_the_link(browser: Browser, address: str) -> None:
    of_a_phone = {"has_touch": True, "is_mobile": True, "viewport": {"width": 375, "height": 800}}
    with opened(browser, address + KINDS["equation"][0], **of_a_phone) as visit:
        visit.typeset()
        link(visit, "equation").tap()
        visit.page.wait_for_url(re.compile(r"03_rmsprop\.html#equation-"))
        assert not loaded(visit)


def test_the_glossary_shows_its_own_terms(window: Window, address: str) -> None:
    visit = window.open(address + "chapters/glossary.html")
    visit.typeset()
    term = visit.page.locator('article a[href="#term-two-cycle"]').first
    term.scroll_into_view_if_needed()
    term.hover()
    expect(box(visit)).to_contain_text("jumps back and forth between two points")
    # Without a script in the page's own folder: the text has no doubled identifier.
    assert visit.page.locator("#term-two-cycle").count() == 1


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_in_it(window: Window, address: str, scheme: str) -> None:
    visit = at(window, address, "theorem", color_scheme=scheme)
    link(visit, "theorem").hover()
    expect(box(visit).locator("mjx-container").first).to_be_visible()
    assert not visit.errors
    assert not violations(visit.page)
    expect(box(visit)).to_be_visible()


# ---- What is put aside ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def held() -> Iterator[dict[str, dict[str, str]]]:
    found = {}
    for file in (SITE / "_static" / "previews").rglob("*.js"):
        name, text = re.fullmatch(r"previews\((\".*?\"), (\{.*\})\);\n", file.read_text(encoding="utf-8")).groups()
        found[json.loads(name)] = json.loads(text)
    yield found


def test_every_marked_link_has_its_text_and_every_text_its_link(held: dict[str, dict[str, str]]) -> None:
    asked = {
        (tag["data-preview"], tag["href"].rpartition("#")[2])
        for address in toc_pages()
        for tag in built_page(address).select("a[data-preview]")
    }
    assert asked == {(page, key) for page, texts in held.items() for key in texts}
    for kind in ("equation-", "thm-", "term-", "id"):
        assert sum(key.startswith(kind) for _, key in asked) >= 20, kind


def test_they_are_light(held: dict[str, dict[str, str]]) -> None:
    assert all(sum(map(len, texts.values())) < 70_000 for texts in held.values())


def test_a_text_is_taken_whole_without_links_and_identifiers() -> None:
    page = (
        '<div class="proof theorem admonition" id="thm-a"><p id="x">A <a href="#b">b</a></p>'
        '<section id="c"><div>d</div></section></div><div>after</div>'
        '<dt id="term-e">e<a class="headerlink" href="#term-e">#</a></dt><dd><p>f</p></dd>'
        '<div class="math notranslate nohighlight" id="equation-g">\\[ h \\]</div><div id="plain">i</div>'
    )
    assert texts(page) == {
        "thm-a": '<div class="preview-theorem"><p>A b</p><div><div>d</div></div></div>',
        "term-e": "<p><strong>e</strong></p><p>f</p>",
        "equation-g": '<div class="math notranslate nohighlight">\\[ h \\]</div>',
    }


def test_a_link_is_marked_if_there_is_something_to_show() -> None:
    known = {"chapters/a": {"thm-x": ""}, "chapters/b": {"thm-y": ""}}
    here, there, nowhere = (f'<a class="reference internal" href="{to}">' for to in ("#thm-x", "b.html#thm-y", "#z"))
    text, used = marked(here + there + nowhere, "chapters/a", known)
    assert re.findall(r'data-preview="([^"]*)"', text) == ["chapters/a", "chapters/b"] and text.endswith(nowhere)
    assert used == {("chapters/a", "thm-x"), ("chapters/b", "thm-y")}
