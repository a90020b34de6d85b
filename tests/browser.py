"""A browser and the built site, for the tests that look at pages as a reader does."""

import http.server
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from built_site import require_site

from tools.environment.chromium import FLAGS, MISSING, TYPESET, program
from tools.paths import SITE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request

PHONE = {"width": 375, "height": 800}
DESK = {"width": 1280, "height": 900}
AS_USUAL = {"media": "null", "color_scheme": "light", "reduced_motion": "null", "forced_colors": "null"}
SECONDS = 30

# Until the page has drawn what is near the window, and has asked for what that needs.
DRAWN = """
async () => {
  const frames = async () => { for (let k = 0; k < 2; k++) await new Promise(requestAnimationFrame); };
  await window.MathJax?.startup?.promise;
  await frames();
  // What MathJax has seen come near it typesets when it has time.
  while (window.MathJax?.startup?.document?.lazyIdle) await frames();
  await window.MathJax?.startup?.document?.lazyPromise;
  await frames();
  await document.fonts.ready;
}
"""


class Handler(http.server.SimpleHTTPRequestHandler):
    """Lets the browser keep what every page loads, scripts and styles, and nothing else.

    A picture or a font that it knows already it shows at once, where a reader's browser would wait until it is needed.
    """

    def end_headers(self) -> None:
        kept = urlsplit(self.path).path.endswith((".js", ".css"))
        self.send_header("Cache-Control", "max-age=3600" if kept else "no-store")
        super().end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@dataclass
class Visit:
    """A page that was opened, and what happened meanwhile."""

    page: "Page"
    requested: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    awaited: "set[Request]" = field(default_factory=set)

    def settle(self) -> None:
        """Wait until all is there that the page asks for, and that what has come asks for in its turn."""
        patience = time.monotonic() + SECONDS
        self._wait_for(DRAWN)
        while self.awaited:
            assert time.monotonic() < patience, [request.url for request in self.awaited]
            self.page.wait_for_timeout(10)
            self._wait_for(DRAWN)

    def typeset(self) -> None:
        """Have every formula typeset, those too that would wait until they come near the window."""
        self._wait_for(TYPESET)

    def _wait_for(self, promise: str) -> None:
        # Playwright's own wait_for_function evaluates a text again and again, which the pages' policy forbids.
        late = f"new Promise((_, reject) => setTimeout(() => reject(new Error('too late')), {1000 * SECONDS}))"
        self.page.evaluate(f"() => Promise.race([({promise})(), {late}])")


class Window:
    """A window in which one page after the other is opened, each as if by a reader who has never been on the site.

    A page in a window of its own takes twice as long: another process starts, and compiles every script anew.
    """

    def __init__(self, browser: "Browser", **context: Any) -> None:
        self.page = browser.new_context(**{"viewport": DESK, "color_scheme": "light", **context}).new_page()
        self.visit = Visit(self.page)
        self.page.on("request", self._asked)
        self.page.on("requestfinished", lambda request: self.visit.awaited.discard(request))
        self.page.on("requestfailed", self._failed)
        self.page.on("response", lambda response: response.status >= 400 and self._refused(response.request))
        self.page.on("console", lambda text: text.type == "error" and self.visit.errors.append(text.text))
        self.page.on("pageerror", lambda error: self.visit.errors.append(str(error)))

    def _asked(self, request: "Request") -> None:
        self.visit.requested.append(request.url)
        self.visit.awaited.add(request)

    def _failed(self, request: "Request") -> None:
        # What the page before no longer waits for is not this one's.
        if request in self.visit.awaited:
            self.visit.awaited.remove(request)
            self.visit.failed.append(request.url)

    def _refused(self, request: "Request") -> None:
        if request in self.visit.awaited:
            self.visit.failed.append(request.url)

    def open(self, url: str, **media: Any) -> Visit:
        """Open a page as a new window would: nothing is left of the one before, nor of what was set for it."""
        if self.page.url != "about:blank":
            self.page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
            # Or an address that differs only behind its # would load nothing.
            self.page.goto("about:blank")
        self.page.set_viewport_size(DESK)
        self.page.emulate_media(**{**AS_USUAL, **media})
        self.visit = Visit(self.page)
        self.page.goto(url, wait_until="load")
        return self.visit

    def close(self) -> None:
        self.page.context.close()


@contextmanager
def served(handler: type[Handler]) -> Iterator[str]:
    """The built site, served on a free port of this machine: its address."""
    require_site()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(SITE)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of the built site, where nobody counts."""
    with served(Handler) as url:
        yield url


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


@pytest.fixture(scope="module")
def window(browser: "Browser") -> Iterator[Window]:
    """The window of the tests that ask nothing special of it."""
    window = Window(browser)
    yield window
    window.close()


@contextmanager
def opened(browser: "Browser", url: str, **context: Any) -> Iterator[Visit]:
    """A page in a window of its own, with what a window can only have from its beginning, such as a touch screen."""
    window = Window(browser, **context)
    try:
        yield window.open(url)
    finally:
        window.close()
