"""The built site as a reader's browser shows it: alone, typeset, in the dark, on a phone, and with little to load.

Every page is opened once (visits.py); the tests state what has to be found.
"""

import gzip
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from book_pages import toc_pages
from browser import DESK, PHONE, Window
from playwright.sync_api import Browser, Error, Route
from visits import SCHEMES, Found, violations, visit

from tools.paths import SITE

PAGES = [*toc_pages(), "genindex.html", "search.html"]
FIRST, FURTHER, TO_THE_END = 900_000, 150_000, 250_000
COMPRESSED = {".html", ".js", ".css", ".svg", ".json"}


@pytest.fixture(scope="module")
def found_on(browser: Browser, address: str) -> Iterator[Callable[[str], Found]]:
    """What there is to be found out about a page, each of which is opened once."""
    window = Window(browser)
    yield cache(lambda name: visit(window, address + name))
    window.close()


@pytest.fixture(params=PAGES)
def found(request: pytest.FixtureRequest, found_on: Callable[[str], Found]) -> Found:
    return found_on(request.param)


def test_it_asks_no_other_host_for_anything(found: Found, address: str) -> None:
    assert found.read
    assert not [url for url in found.read if not url.startswith((address, "data:", "blob:"))]


def test_it_opens_without_an_error(found: Found) -> None:
    assert not found.failed
    assert not found.errors


def test_its_formulas_are_typeset(found: Found) -> None:
    written, typeset, wrong = found.formulas
    assert typeset >= written
    assert wrong == 0
    assert not found.lines_with_dollars


@pytest.mark.parametrize("scheme", SCHEMES)
def test_its_text_and_links_stand_out(found: Found, scheme: str) -> None:
    assert not [(round(ratio, 2), text) for ratio, text in found.contrast[scheme] if ratio < 4.5]


def test_it_runs_under_a_policy(found: Found) -> None:
    scripts = next(part for part in found.policy.split("; ") if part.startswith("script-src"))
    assert "'unsafe-inline'" not in scripts and "'unsafe-eval'" not in scripts
    assert all(source in ("'self'", "'unsafe-hashes'") or "sha256" in source for source in scripts.split()[1:])


def test_it_fits_a_phone(found: Found) -> None:
    assert found.width_on_a_phone <= PHONE["width"] + 1
    assert not found.cut_off_on_a_phone


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing(found: Found, scheme: str) -> None:
    assert not found.violations[scheme]


def test_figures_stand_on_white_in_the_dark(found: Found) -> None:
    assert all((ground, filtered) == ("rgb(255, 255, 255)", "none") for ground, filtered, _ in found.figures)


def test_the_book_has_all_that_is_looked_at(found_on: Callable[[str], Found]) -> None:
    # Or the tests above would say nothing.
    book = [found_on(name) for name in PAGES]
    assert sum(len(found.figures) for found in book) >= 10
    assert sum(found.formulas[0] for found in book) >= 1000
    assert all(sum(len(found.contrast[scheme]) for found in book) >= 1000 for scheme in SCHEMES)


@cache
def weight(url: str) -> int:
    """The bytes of a file as a web server sends it, which compresses text."""
    path: Path = SITE / unquote(urlsplit(url).path).lstrip("/")
    data = path.read_bytes()
    return len(gzip.compress(data, 6)) if path.suffix in COMPRESSED else len(data)


def loaded(urls: set[str], address: str) -> set[str]:
    return {url.partition("?")[0] for url in urls if url.startswith(address)}


@pytest.mark.parametrize("name", toc_pages())
def test_the_first_page_is_light_enough(found_on: Callable[[str], Found], address: str, name: str) -> None:
    assert sum(map(weight, loaded(found_on(name).read, address))) < FIRST


@pytest.mark.parametrize("name", toc_pages()[1:])
def test_a_further_page_is_light_enough(found_on: Callable[[str], Found], address: str, name: str) -> None:
    """To readers who have been on the first page and on a chapter: opened, and read to its end."""
    first, *further = toc_pages()
    a_chapter = next(page for page in further if re.match(r"chapters/\d", page) and page != name)
    known = loaded(found_on(first).read | found_on(a_chapter).read, address)
    assert sum(map(weight, loaded(found_on(name).opened, address) - known)) < FURTHER
    assert sum(map(weight, loaded(found_on(name).read, address) - known)) < TO_THE_END


def test_pictures_wait_until_they_are_near(found_on: Callable[[str], Found]) -> None:
    found = found_on("chapters/05_rmsprop_momentum.html")
    at_first, to_the_end = ({url for url in urls if "/_images/" in url} for urls in (found.opened, found.read))
    assert len(at_first) < len(to_the_end) >= 8


def test_nothing_is_loaded_for_nothing(found: Found) -> None:
    searches = "search.html" in "".join(found.read)
    assert not [url for url in found.read if "fontawesome.js" in url or ("searchindex.js" in url and not searches)]


def test_the_button_turns_the_page_dark_and_it_stays_so(window: Window, address: str) -> None:
    page = window.open(address + PAGES[0]).page
    for _ in range(3):  # it goes round through light, dark and automatic
        if page.evaluate("document.documentElement.dataset.theme") == "dark":
            break
        page.locator(".theme-switch-button:visible").first.click()
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_the_root_leads_to_the_first_page(window: Window, address: str) -> None:
    window.open(address).page.wait_for_url(address + PAGES[0])


def test_the_search_finds_without_asking_anyone(window: Window, address: str) -> None:
    seen = window.open(address + "search.html?q=rmsprop")
    seen.page.locator("#search-results li a").first.wait_for()
    assert not [url for url in seen.requested if not url.startswith(address)]
    assert not seen.errors


def test_a_script_that_is_smuggled_into_a_page_does_not_run(window: Window, address: str) -> None:
    seen = window.open(address + PAGES[0])
    with pytest.raises(Error, match="Content Security Policy"):
        seen.page.add_script_tag(content="window.smuggled = true")
    run = "window.smuggled = true"
    markup = f"<img src=data:, onerror='{run}'><a href='javascript:{run}' id=trap>a</a>"
    seen.page.evaluate("html => document.querySelector('article').insertAdjacentHTML('beforeend', html)", markup)
    seen.page.evaluate("document.getElementById('trap').click()")
    seen.page.wait_for_timeout(300)
    assert seen.page.evaluate("window.smuggled") is None
    assert len([text for text in seen.errors if "Content Security Policy" in text]) == 3


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
