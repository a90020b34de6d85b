"""What a reader has to load: the bytes of the built site's pages, compressed as a web server sends them."""

import gzip
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from book_pages import toc_pages
from browser import open_page
from playwright.sync_api import Browser

from tools.paths import SITE

FIRST, FURTHER, TO_THE_END = 900_000, 150_000, 250_000
COMPRESSED = {".html", ".js", ".css", ".svg", ".json"}


@cache
def weight(url: str) -> int:
    path: Path = SITE / unquote(urlsplit(url).path).lstrip("/")
    data = path.read_bytes()
    return len(gzip.compress(data, 6)) if path.suffix in COMPRESSED else len(data)


Loads = dict[str, tuple[set[str], set[str]]]


@pytest.fixture(scope="module")
def loaded(browser: Browser, address: str) -> Loads:
    """What each page asks for when it is opened, and when it is read to its end, by page."""
    found = {}
    for name in toc_pages():
        visit = open_page(browser, address + name, typeset=False)
        visit.page.wait_for_load_state("networkidle")
        at_first = set(visit.requested)
        # Step by step, as a reader does: what is jumped over is not loaded.
        visit.page.evaluate(
            """async () => { for (let y = 0; y < document.body.scrollHeight; y += 600) {
                window.scrollTo(0, y); await new Promise(requestAnimationFrame); } }"""
        )
        visit.page.wait_for_load_state("networkidle")
        visit.page.context.close()
        found[name] = tuple(
            {url.partition("?")[0] for url in urls if url.startswith(address)} for urls in (at_first, visit.requested)
        )
    return found


def weights(loaded: Loads, name: str) -> tuple[int, int]:
    """Of a page to readers who have been on the first one and on a chapter: opened, and read to its end."""
    first, *chapters = toc_pages()
    known = loaded[first][1] | loaded[next(page for page in chapters if page != name)][1]
    at_first, to_the_end = loaded[name]
    return sum(map(weight, at_first - known)), sum(map(weight, to_the_end - known))


@pytest.mark.parametrize("name", toc_pages())
def test_the_first_page_is_light_enough(loaded: Loads, name: str) -> None:
    assert sum(map(weight, loaded[name][1])) < FIRST


@pytest.mark.parametrize("name", toc_pages()[1:])
def test_a_further_page_is_light_enough(loaded: Loads, name: str) -> None:
    opened, read = weights(loaded, name)
    assert opened < FURTHER
    assert read < TO_THE_END


def test_pictures_wait_until_they_are_near(loaded: Loads) -> None:
    at_first, to_the_end = loaded["chapters/05_rmsprop_momentum.html"]
    pictures = [{url for url in urls if "/_images/" in url} for urls in (at_first, to_the_end)]
    assert len(pictures[0]) < len(pictures[1]) >= 8


def test_nothing_is_loaded_for_nothing(loaded: Loads) -> None:
    assert all("fontawesome.js" not in url for _, urls in loaded.values() for url in urls)
