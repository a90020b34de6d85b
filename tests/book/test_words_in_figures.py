"""Every word that a chapter's cell adds to a figure has the figures' typeface."""

import ast
import json
from pathlib import Path

import pytest

from tools.paths import CHAPTERS

NOTEBOOKS = sorted(CHAPTERS.glob("*.ipynb"))
# Matplotlib's methods that make a text, in the typeface that is set at this moment.
MAKE_TEXT = {"text", "annotate", "legend", "suptitle"}


def made_outside_the_style(code: str) -> list[str]:
    """The calls that make a text and stand in no ``with figures.style()``."""
    tree = ast.parse("\n".join("pass" if line.startswith("%") else line for line in code.splitlines()))
    styled = {
        call
        for block in ast.walk(tree)
        if isinstance(block, ast.With) and any("figures.style" in ast.unparse(item) for item in block.items)
        for call in ast.walk(block)
    }
    return [
        ast.unparse(call)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in MAKE_TEXT
        if call not in styled
        if call.func.attr != "text" or call.args  # without a place it is another's method
    ]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_words_are_written_by_note_or_in_the_style(notebook: Path) -> None:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    outside = {
        cell["id"]: calls
        for cell in cells
        if cell["cell_type"] == "code" and (calls := made_outside_the_style("".join(cell["source"])))
    }
    assert not outside
