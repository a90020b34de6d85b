"""Chromium or Chrome on this machine: where it is, how it is started, and when one of the book's pages is ready."""

import os
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MISSING = "no browser: install Chromium or Chrome, or name one in the variable BOOK_BROWSER"

# To be waited for in a page: its formulas are typeset, those too that would wait until they come near the window.
TYPESET = """() => !window.MathJax?.startup ||
    MathJax.startup.promise.then(() => MathJax.startup.document.lazyTypesetAll?.()).then(() => true)"""


def program() -> str | None:
    """Chromium or Chrome on this machine, or what the variable BOOK_BROWSER names."""
    return os.environ.get("BOOK_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)
