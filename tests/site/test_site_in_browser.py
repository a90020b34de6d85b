"""The built site as a reader's browser shows it: alone, typeset, in the dark, and on a phone."""

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from book_pages import toc_pages
from browser import DESK, PHONE, Visit, open_page
from playwright.sync_api import Browser, Error, Page, Route

from tools.paths import SITE

PAGES = [*toc_pages(), "genindex.html", "search.html"]

# Colours as the browser computes them, for WCAG's ratio of contrast between a text and what lies behind it.
CONTRAST = """
selector => {
  const parse = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll(selector)].map(element => {
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(behind(element))];
    return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), element.textContent.slice(0, 60)];
  });
}
"""

# What is cut off at the window's edge without a box of its own to scroll in.
CUT_OFF = """
() => [...document.querySelectorAll("article *")].filter(element => {
  const box = element.getBoundingClientRect();
  if (box.width === 0 || box.right <= innerWidth + 1 || element.closest("mjx-assistive-mml, .visually-hidden"))
    return false;
  for (let e = element; e && e.tagName !== "ARTICLE"; e = e.parentElement)
    if (["auto", "scroll"].includes(getComputedStyle(e).overflowX)) return false;
  return true;
}).map(element => element.outerHTML.slice(0, 120))
"""


# One page whose code is looked at span by span: its colours are the same everywhere, and looking takes half a minute.
WITH_CODE = "03_rmsprop.html"


def violations(page: Page, *rules: str) -> list[str]:
    """What axe-core finds on a page whose folded parts are open; by all its rules, or by some.

    Each formula gives way to a letter: MathJax draws thousands of elements, which would take minutes. What it says to
    a screen reader is MathML, the same for all of them.
    """
    page.add_style_tag(content="*, *::before, *::after { animation: none !important; transition: none !important }")
    page.evaluate(
        """withCode => { document.querySelectorAll("details").forEach(e => (e.open = true));
            document.querySelectorAll("mjx-container").forEach(e => e.replaceWith("x"));
            if (!withCode) document.querySelectorAll("pre span").forEach(e => e.replaceWith(...e.childNodes)); }""",
        page.url.endswith(WITH_CODE),
    )
    options = {"resultTypes": ["violations"], **({"runOnly": list(rules)} if rules else {})}
    found = Axe().run(page, options=options).response["violations"]
    return [f"{rule['id']}: {node['html'][:200]}" for rule in found for node in rule["nodes"]]


@pytest.fixture(scope="module", params=PAGES)
def visit(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[Visit]:
    visit = open_page(browser, address + request.param, color_scheme="light")
    yield visit
    visit.page.context.close()


def test_it_asks_no_other_host_for_anything(visit: Visit, address: str) -> None:
    assert visit.requested
    assert not [url for url in visit.requested if not url.startswith((address, "data:", "blob:"))]


def test_it_opens_without_an_error(visit: Visit) -> None:
    assert not visit.failed
    assert not visit.errors


def test_its_formulas_are_typeset(visit: Visit) -> None:
    written = visit.page.locator("article .math").count()
    typeset = visit.page.locator("article .math mjx-container").count()
    assert typeset >= written
    # An error has an element of its own; an unknown command is set in red.
    assert visit.page.locator("mjx-merror, [data-mjx-error], mjx-mtext[style*='red']").count() == 0
    # What is left between dollars was not recognised as a formula.
    prose = visit.page.locator("article").evaluate_all(
        "found => found.map(article => { const copy = article.cloneNode(true);"
        " copy.querySelectorAll('pre, code, script, mjx-container').forEach(e => e.remove());"
        " return copy.textContent; }).join(' ')"
    )
    assert "$" not in prose


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_its_text_and_links_stand_out(visit: Visit, scheme: str) -> None:
    visit.page.emulate_media(color_scheme=scheme)
    visit.page.wait_for_function("scheme => document.documentElement.dataset.theme === scheme", arg=scheme)
    # Theme colours fade into each other for a moment.
    visit.page.add_style_tag(content="*, *::before, *::after { transition: none !important }")
    found = visit.page.evaluate(CONTRAST, "article :is(h1, h2, h3, p, li, td, th, a, figcaption span, .verdict p)")
    pale = [(round(ratio, 2), text) for ratio, text in found if ratio < 4.5]
    visit.page.emulate_media(color_scheme="light")
    assert not pale


def test_it_runs_under_a_policy(visit: Visit) -> None:
    policy = visit.page.locator('meta[http-equiv="Content-Security-Policy"]').get_attribute("content")
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert "'unsafe-inline'" not in scripts and "'unsafe-eval'" not in scripts
    assert all(source in ("'self'", "'unsafe-hashes'") or "sha256" in source for source in scripts.split()[1:])


def test_it_fits_a_phone(visit: Visit) -> None:
    visit.page.set_viewport_size(PHONE)
    width = visit.page.evaluate("document.scrollingElement.scrollWidth")
    cut_off = visit.page.evaluate(CUT_OFF)
    visit.page.set_viewport_size(DESK)
    assert width <= PHONE["width"] + 1
    assert not cut_off


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(visit: Visit, scheme: str) -> None:
    """The last ones on a page, which they leave without its formulas."""
    if scheme == "light":
        assert not violations(visit.page)
        return
    visit.page.emulate_media(color_scheme=scheme)
    visit.page.wait_for_function("() => document.documentElement.dataset.theme === 'dark'")
    visit.page.wait_for_timeout(400)  # colours fade into each other
    found = violations(visit.page, "color-contrast", "link-in-text-block")
    visit.page.emulate_media(color_scheme="light")
    assert not found


def test_figures_stand_on_white_in_the_dark(browser: Browser, address: str) -> None:
    seen = 0
    for name in toc_pages():
        visit = open_page(browser, address + name, typeset=False, color_scheme="dark")
        styles = visit.page.eval_on_selector_all(
            "article .cell_output img",
            "found => found.map(e => [getComputedStyle(e).backgroundColor, getComputedStyle(e).filter])",
        )
        visit.page.context.close()
        seen += len(styles)
        assert all(style == ["rgb(255, 255, 255)", "none"] for style in styles), (name, styles)
    assert seen


def test_the_button_turns_the_page_dark_and_it_stays_so(browser: Browser, address: str) -> None:
    visit = open_page(browser, address + PAGES[0], color_scheme="light")
    for _ in range(3):  # it goes round through light, dark and automatic
        if visit.page.evaluate("document.documentElement.dataset.theme") == "dark":
            break
        visit.page.locator(".theme-switch-button:visible").first.click()
    visit.page.reload()
    assert visit.page.evaluate("document.documentElement.dataset.theme") == "dark"
    visit.page.context.close()


def test_the_root_leads_to_the_first_page(browser: Browser, address: str) -> None:
    visit = open_page(browser, address)
    visit.page.wait_for_url(address + PAGES[0])
    visit.page.context.close()


def test_the_search_finds_without_asking_anyone(browser: Browser, address: str) -> None:
    visit = open_page(browser, address + "search.html?q=rmsprop")
    visit.page.locator("#search-results li a").first.wait_for()
    assert not [url for url in visit.requested if not url.startswith(address)]
    assert not visit.errors
    visit.page.context.close()


def test_a_script_that_is_smuggled_into_a_page_does_not_run(browser: Browser, address: str) -> None:
    visit = open_page(browser, address + PAGES[0])
    with pytest.raises(Error, match="Content Security Policy"):
        visit.page.add_script_tag(content="window.smuggled = true")
    run = "window.smuggled = true"
    markup = f"<img src=data:, onerror='{run}'><a href='javascript:{run}' id=trap>a</a>"
    visit.page.evaluate("html => document.querySelector('article').insertAdjacentHTML('beforeend', html)", markup)
    visit.page.evaluate("document.getElementById('trap').click()")
    visit.page.wait_for_timeout(300)
    assert visit.page.evaluate("window.smuggled") is None
    assert len([text for text in visit.errors if "Content Security Policy" in text]) == 3
    visit.page.context.close()


def test_the_page_for_a_missing_address_stands_anywhere(browser: Browser, address: str) -> None:
    """It is served for every address that there is not, so that its links cannot be relative."""
    folder = re.search(r'href="/(.*?)_static/', (SITE / "404.html").read_text(encoding="utf-8"))[1]
    page = browser.new_context(viewport=DESK).new_page()
    missing = []

    def serve(route: Route) -> None:
        path = SITE / route.request.url.removeprefix(address).partition("?")[0].removeprefix(folder)
        if path.is_file():
            route.fulfill(path=path)
        else:
            missing.append(path.name)
            route.fulfill(path=SITE / "404.html", status=404)

    page.route(f"{address}{folder}**", serve)
    page.goto(f"{address}{folder}chapters/old/name.html")
    assert page.locator("h1:visible").inner_text().startswith("This page does not exist")
    assert page.locator(".logo__image:visible").first.evaluate("e => e.naturalWidth") > 0
    assert page.locator("article").evaluate("e => getComputedStyle(e).fontFamily") != "Times"
    assert missing == ["name.html"]
    assert not violations(page)
    page.locator(".bd-sidebar-primary a", has_text="Notation").first.click()
    page.wait_for_url(f"{address}{folder}chapters/notation.html")
    page.context.close()
