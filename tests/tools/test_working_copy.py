"""The working copy in which exercises are done: without solutions, and never overwritten."""

from pathlib import Path

import nbformat
import pytest

from tools.notebooks import exercises


def test_it_has_the_exercises_and_not_the_solutions(tmp_path: Path) -> None:
    new = exercises.make(tmp_path)
    assert "03_rmsprop.ipynb" in new and (tmp_path / "progress.json").exists()
    copy = nbformat.read(tmp_path / "03_rmsprop.ipynb", as_version=4)
    text = "\n".join(cell.source for cell in copy.cells)
    assert "> **Exercise 3.2 (One step of RMSprop)**" in text and 'check("rmsprop-step", my_step)' in text
    assert "Solution to" not in text and "def solution" not in text
    assert all(not cell.outputs and cell.execution_count is None for cell in copy.cells if cell.cell_type == "code")


def test_answers_are_never_overwritten(tmp_path: Path) -> None:
    exercises.make(tmp_path)
    mine = tmp_path / "03_rmsprop.ipynb"
    mine.write_text("my answers", encoding="utf-8")
    (tmp_path / "progress.json").write_text('{"done": ["rmsprop-step"]}', encoding="utf-8")
    assert exercises.make(tmp_path) == []
    assert mine.read_text(encoding="utf-8") == "my answers"
    assert "rmsprop-step" in (tmp_path / "progress.json").read_text(encoding="utf-8")


def test_a_solution_that_shares_its_cell_would_be_noticed() -> None:
    cell = nbformat.v4.new_markdown_cell(":::{exercise} A\n:::\n\n:::{solution} ex-a\n:::")
    with pytest.raises(ValueError, match="in a cell of its own"):
        exercises.without_solutions(nbformat.v4.new_notebook(cells=[cell]))
