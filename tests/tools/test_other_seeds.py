"""A claim that hangs on the seed of a chapter is told when the chapter is run with others."""

from pathlib import Path

import nbformat

from tools.measure.other_seeds import hanging, reseeded

CELLS = [
    "import numpy as np\nfrom rmsprop_lib import claim\nseed = 3",
    "drawn = np.random.default_rng(3).normal()",
    'claim("The number", drawn, expected=np.random.default_rng(seed).normal(), atol=1e-12)',
    'claim("A number", drawn, above=-9, below=9)',
]


def chapter(*cells: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])


def test_only_written_seeds_change_and_the_chapter_stays() -> None:
    before = chapter("default_rng(3), default_rng(seed), torch.manual_seed(0)", "seed = 3")
    after = reseeded(before, 1000)
    assert after.cells[0].source == "default_rng(1003), default_rng(seed), torch.manual_seed(1000)"
    assert after.cells[1].source == before.cells[1].source == "seed = 3"
    assert "default_rng(3)" in before.cells[0].source


def test_what_hangs_on_the_seed_is_told_and_what_does_not_is_not(tmp_path: Path) -> None:
    nbformat.write(chapter(*CELLS), tmp_path / "01_drawn.ipynb")
    for false in hanging(tmp_path / "01_drawn.ipynb", runs=2, folder=tmp_path):
        (line,) = false
        assert line.startswith("The number: ") and "this is false" in line


def test_an_error_is_told_too(tmp_path: Path) -> None:
    nbformat.write(chapter("import numpy as np", "1 / 0"), tmp_path / "01_ends.ipynb")
    assert hanging(tmp_path / "01_ends.ipynb", runs=1, folder=tmp_path) == [["ZeroDivisionError: division by zero"]]
