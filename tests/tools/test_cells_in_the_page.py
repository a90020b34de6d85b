"""What a cell of a page needs of those above it, and that with these alone it gives what the book stores."""

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from page_python import python_in_the_page

from tools.paths import CHAPTERS
from tools.site.answering.cells_in_the_page import Page, needed

NEEDS: dict[str, tuple[list[str], list[int]]] = {
    "a name": (["a = 1", "b = 2", "print(a)"], [0, 2]),
    "and what that needs": (["a = 1", "b = a", "c = 5", "b"], [0, 1, 3]),
    "the last value only": (["a = 1", "a = 2", "a"], [1, 2]),
    "both, where the second needs the first": (["a = 1", "a = a + 1", "a"], [0, 1, 2]),
    "an augmented assignment": (["a = 1", "a += 1", "a"], [0, 1, 2]),
    "one under a condition": (["a = 1", "if b: a = 2", "a"], [0, 1, 2]),
    "a loop that is run": (["a = 1", "for a in range(3): pass", "a"], [1, 2]),
    "a name of its own": (["a = 1", "a = 2\na"], [1]),
    "one that it looks up first": (["a = 1", "b = a\na = 2"], [0, 1]),
    "a method": (["xs = []", "xs.append(1)", "xs"], [0, 1, 2]),
    "a part": (["xs = [1]", "xs[0] = 2", "xs"], [0, 1, 2]),
    "a draw, which moves those after it": (["rng = f()", "x = rng.normal()", "y = rng.normal()", "y"], [0, 1, 2, 3]),
    "no function of a module": (["import numpy as np", "x = np.sqrt(2)", "np.sqrt(3)"], [0, 2]),
    "what a function looks up": (["a = 1", "def f(): return a", "f()"], [0, 1, 2]),
    "even if it comes after it": (["def f(): return a", "a = 1", "f()"], [0, 1, 2]),
    "no parameter": (["a = 1", "def f(a): return a", "f(2)"], [1, 2]),
    "what a comprehension looks up": (["a = 1", "xs = [a for _ in range(2)]", "xs"], [0, 1, 2]),
    "not its variable": (["a = 1", "xs = [a for a in range(2)]", "xs"], [1, 2]),
    "a global of a function": (["a = 1", "def f():\n    global a\n    a = 2", "f()", "a"], [0, 1, 3]),
    "no built-in name": (["print = 1", "len([])"], [1]),
    "nothing, where it is no Python": (["a = 1", "a +"], [1]),
}


@pytest.mark.parametrize(("cells", "expected"), NEEDS.values(), ids=NEEDS.keys())
def test_what_the_last_cell_needs(cells: list[str], expected: list[int]) -> None:
    assert needed(cells, len(cells) - 1) == expected


class TestWhatHasToBeRun:
    CELLS = ("a = 1", "b = a", "c = b")

    @pytest.fixture
    def page(self) -> Page:
        page = Page()
        for k, code in enumerate(self.CELLS):
            page.done(k, code)
        return page

    def test_all_at_first_and_then_itself(self, page: Page) -> None:
        assert Page().to_run(self.CELLS, 2) == [0, 1, 2]
        assert page.to_run(self.CELLS, 2) == [2]

    def test_a_changed_one_and_what_builds_on_it(self, page: Page) -> None:
        assert page.to_run(("a = 7", *self.CELLS[1:]), 2) == [0, 1, 2]

    def test_what_builds_on_one_that_was_run_again(self, page: Page) -> None:
        page.done(0, self.CELLS[0])
        assert page.to_run(self.CELLS, 2) == [1, 2]


# With neither Torch nor Numba, as in the page; each cell in a page of its own.
IN_THE_PAGE = """
import cells_in_the_page
cells, wanted = asked
for index in wanted:
    in_the_page.page = cells_in_the_page.Page()
    for k in respond(kind="needed", cells=cells, index=index)["cells"]:
        found = respond(kind="cell", index=k, code=cells[k])
        if found["kind"] != "ran":
            break
    replies.append(found)
"""
MISSING = ("torch", "numba", "triton", "gymnasium", "IPython")


def run(folder: Path, cells: list[str], wanted: list[int]) -> list[dict[str, Any]]:
    """What the page shows under each of these cells, when it alone is asked for."""
    return python_in_the_page(folder, IN_THE_PAGE, [cells, wanted], without=MISSING, further=True)


def squeezed(text: str) -> str:
    """Without what a machine measured."""
    return re.sub(r"\[(measured|off by)[^\]]*\]", "", text).strip()


@pytest.mark.parametrize(("chapter", "every"), [("03_rmsprop", 8), ("09_moving_targets", 19)])
def test_a_cell_with_what_it_needs_gives_what_the_book_stores(tmp_path: Path, chapter: str, every: int) -> None:
    cells = [c for c in nbformat.read(CHAPTERS / f"{chapter}.ipynb", as_version=4).cells if c.cell_type == "code"]
    sources = [cell.source for cell in cells]

    def printed(k: int) -> str:
        return "".join(o.text for o in cells[k].outputs if o.output_type == "stream" and o.name == "stdout")

    def figures(k: int) -> int:
        return sum("image/png" in o.get("data", {}) for o in cells[k].outputs)

    wanted = [k for k in range(len(cells)) if printed(k) or figures(k)][::every]
    found = dict(zip(wanted, run(tmp_path, sources, wanted), strict=True))
    ran = {k: reply for k, reply in found.items() if reply["kind"] == "ran"}
    others = [reply for reply in found.values() if reply["kind"] != "ran"]
    assert len(ran) > 3 * len(others) and all(reply["kind"] == "without" for reply in others), others
    for k, reply in ran.items():
        assert squeezed(reply["printed"]) == squeezed(printed(k)), sources[k]
        assert len(reply["pictures"]) == figures(k), sources[k]


# How many cells below build on one that imports PyTorch, by what else it binds.
@pytest.mark.parametrize(
    ("chapter", "others"), [("01_gradient_descent", 0), ("02_adagrad", 0), ("03_rmsprop", 0), ("06_adam", 7)]
)
def test_a_comparison_with_pytorch_takes_no_other_cell_of_its_page_with_it(chapter: str, others: int) -> None:
    page = nbformat.read(CHAPTERS / f"{chapter}.ipynb", as_version=4)
    cells = [cell.source for cell in page.cells if cell.cell_type == "code"]
    lost = {k for k, source in enumerate(cells) if re.search(r"import torch(_optim)?\b", source)}
    assert lost
    assert len({k for k in range(len(cells)) if lost & set(needed(cells, k))} - lost) == others


def test_an_open_figure_is_shown_once_and_an_error_says_where(tmp_path: Path) -> None:
    cells = ["import matplotlib.pyplot as plt\n_ = plt.plot([1, 2])", "plt.get_fignums()", "1 / 0", "import torch"]
    drawn, after, failed, without = run(tmp_path, cells, [0, 1, 2, 3])
    assert len(drawn["pictures"]) == 1 and drawn["printed"] == ""
    assert after["pictures"] == [] and after["printed"] == "[]"
    assert failed["kind"] == "trouble" and "ZeroDivisionError" in failed["lines"][0]
    assert without["kind"] == "without" and "PyTorch" in without["head"]
