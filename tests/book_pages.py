"""Where the book's pages are and where their buttons lead, for the tests of the built site."""

from collections.abc import Iterator
from pathlib import Path

import yaml
from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parents[1]


def toc_pages() -> list[str]:
    """The pages that ``_toc.yml`` names, root first, as addresses below the site's root."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return [f"{page}.html" for page in _walk(toc)]


def _walk(entry: dict) -> Iterator[str]:
    for key in ("root", "file"):
        if key in entry:
            yield entry[key]
    for key in ("parts", "chapters", "sections", "entries"):
        for below in entry.get(key, []):
            yield from _walk(below)


def repository_links(page: BeautifulSoup) -> dict[str, str]:
    """A page's links to Binder and to a repository: the theme's buttons by its names for them, ``launch`` for Binder.

    Any other link to either, which would escape the rule that the buttons follow, stands under its own address.
    """
    found = {}
    for tag in page.select('a[href*="github.com"], a[href*="mybinder.org"]'):
        button = next((c.removeprefix("btn-") for c in tag.get("class", []) if c.startswith("btn-source-")), None)
        launch = "launch" if "mybinder.org" in tag["href"] else None
        name = button or launch
        assert name is None or name not in found, f"two buttons of one kind: {tag}"
        found[name or tag["href"]] = tag["href"]
    return found
