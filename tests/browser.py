"""A browser and the built site, for the tests that look at pages as a reader does."""

import http.server
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tools.environment.chromium import FLAGS, MISSING, TYPESET, program
from tools.paths import SITE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PHONE = {"width": 375, "height": 800}
DESK = {"width": 1280, "height": 900}


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@dataclass
class Visit:
    """A page that was opened, and what happened meanwhile."""

    page: "Page"
    requested: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The built site, served on a free port of this machine."""
    if not (SITE / ".built").exists():
        pytest.fail("The site is not built, or its last build failed: run `make book` first.")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(SITE)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """Chromium or Chrome from this machine, or the program that the variable BOOK_BROWSER names."""
    if program() is None:
        # In continuous integration a test that quietly does nothing is a defect.
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(MISSING)
    # The tests of the library alone, which load this file too, do without it.
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=FLAGS)
        yield browser
        browser.close()


def open_page(browser: "Browser", url: str, *, typeset: bool = True, **context: Any) -> Visit:
    """Open a page in a window of its own; unless told otherwise with every formula typeset, which takes seconds."""
    visit = Visit(browser.new_context(viewport=DESK, **context).new_page())
    page = visit.page
    page.on("request", lambda request: visit.requested.append(request.url))
    page.on("requestfailed", lambda request: visit.failed.append(request.url))
    page.on("response", lambda response: visit.failed.append(response.url) if response.status >= 400 else None)
    page.on("console", lambda message: visit.errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: visit.errors.append(str(error)))
    page.goto(url, wait_until="load")
    if typeset:
        page.wait_for_function(TYPESET)
    return visit
