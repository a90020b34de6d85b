"""The built site on a server that counts, and a reader whose browser keeps what it is told to keep."""

from collections.abc import Iterator
from typing import Any

import pytest
from browser import DESK, PHONE, Handler, Visit, Window, served
from playwright.sync_api import Browser, Page
from visits import violations

from tools.paths import SITE
from tools.site.python_folder import FOLDER

ASKED: list[str] = []
"""What the server was asked for."""


class Counting(Handler):
    """Notes what is asked for."""

    def log_request(self, *_: Any) -> None:
        ASKED.append(self.path)


@pytest.fixture(scope="module")
def place() -> Iterator[str]:
    """The built site, on a server that counts."""
    with served(Counting) as url:
        if not (SITE / FOLDER).exists():
            pytest.fail("The site has no Python for its pages: `python -m tools.environment.runtime` says why.")
        yield url


@pytest.fixture(scope="module")
def reader(browser: Browser) -> Iterator[Window]:
    """A reader's window. What its browser keeps stays from test to test."""
    window = Window(browser)
    yield window
    window.close()


def visited(reader: Window, url: str) -> Visit:
    """A page as it is for a reader who has been there; ``Window.open`` would have everything forgotten."""
    reader.visit = Visit(reader.page)
    reader.page.goto("about:blank")
    reader.page.goto(url, wait_until="load")
    return reader.visit


def complaints(page: Page, scheme: str, *names: str) -> list[str]:
    """What axe finds in a colour scheme, and names one of these."""
    page.emulate_media(color_scheme=scheme)
    try:
        page.locator(f"html[data-theme={scheme}]").wait_for(state="attached")
        return [line for line in violations(page) if any(name in line for name in names)]
    finally:
        page.emulate_media(color_scheme="light")


def fits_a_phone(page: Page) -> bool:
    """Whether nothing of a page, as it stands, is wider than a phone."""
    page.set_viewport_size(PHONE)
    try:
        return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))
    finally:
        page.set_viewport_size(DESK)
