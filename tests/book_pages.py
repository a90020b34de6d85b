"""Where the book's pages are, for the tests of the built site."""

from collections.abc import Iterator
from pathlib import Path

import yaml

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
