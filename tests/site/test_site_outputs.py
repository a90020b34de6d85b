"""The site in `_build/html`, which is what gets published: every page, with every output that its notebook stores."""

import base64
import hashlib
import re
from functools import cache

import nbformat
import pytest
from book_pages import built_page, toc_pages
from built_site import require_site
from nbformat import NotebookNode

from tools.paths import ROOT, SITE

NOTEBOOKS = [page for page in toc_pages() if (ROOT / page).with_suffix(".ipynb").exists()]
NOT_SHOWN = {"remove-cell", "remove-output"}


def squeezed(text: str) -> str:
    """The text without what a browser does not show: colours, and how much space there is between words."""
    return " ".join(re.sub(r"\x1b\[[0-9;]*m", "", text).split())


@cache
def outputs(page: str) -> list[NotebookNode]:
    cells = nbformat.read((ROOT / page).with_suffix(".ipynb"), as_version=4).cells
    shown = [c for c in cells if c.cell_type == "code" and not NOT_SHOWN & set(c.metadata.get("tags", []))]
    return [output for cell in shown for output in cell.outputs]


def test_the_last_build_ended_well() -> None:
    require_site()


@pytest.mark.parametrize("page", toc_pages())
def test_every_page_is_there(page: str) -> None:
    assert (SITE / page).stat().st_size > 1000


@pytest.mark.parametrize("page", NOTEBOOKS)
def test_every_stored_text_stands_on_its_page(page: str) -> None:
    shown = squeezed(built_page(page).get_text())
    texts = [output.text for output in outputs(page) if output.output_type == "stream"]
    missing = [text for text in texts if squeezed(text) not in shown]
    assert not missing, missing[0]


@pytest.mark.parametrize("page", NOTEBOOKS)
def test_every_stored_figure_is_on_its_page(page: str) -> None:
    pictures = [((SITE / page).parent / tag["src"]).resolve() for tag in built_page(page).select("article img[src]")]
    # A picture's name says what was stored; its file has fewer colours, as WebP (tools/site/lean_pages.py).
    shown = {path.stem for path in pictures if path.suffix in (".png", ".webp") and path.is_file()}
    stored = [base64.b64decode(o.data["image/png"]) for o in outputs(page) if "image/png" in o.get("data", {})]
    assert {hashlib.sha256(figure).hexdigest() for figure in stored} <= shown


def test_the_book_has_outputs_to_show() -> None:
    # Or the tests above would say nothing.
    figures = [o for page in NOTEBOOKS for o in outputs(page) if "image/png" in o.get("data", {})]
    assert len(figures) >= 10 and any(o.output_type == "stream" for page in NOTEBOOKS for o in outputs(page))
