"""Every notebook is stored as ``make execute`` stores it, fully run, readable and without traces of a machine.

That its outputs are what its code gives now is nbval's part.
"""

import re
from collections.abc import Iterator
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode

from tools.notebooks import execute

LONGEST_CELL = 25
IGNORED = "nbval-ignore-output"
NOTEBOOKS = execute.notebooks([])


@pytest.fixture(params=NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def path(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def notebook(path: Any) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def texts(value: Any) -> Iterator[str]:
    """Every text in an output, whatever it is nested in, except encoded pictures."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, below in value.items():
            if not key.startswith("image/"):
                yield from texts(below)
    elif isinstance(value, list):
        for below in value:
            yield from texts(below)


def test_it_is_stored_in_the_form_that_the_runner_saves(path: Any, notebook: NotebookNode) -> None:
    assert path.read_text(encoding="utf-8") == execute.text_of(execute.canonical(notebook)), (
        f"run: python -m tools.notebooks.execute {path.stem}"
    )


def test_every_code_cell_has_been_run_in_order(notebook: NotebookNode) -> None:
    # nbval passes over a cell without a count and without outputs.
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))


def test_no_cell_is_empty(notebook: NotebookNode) -> None:
    assert all(cell.source.strip() for cell in notebook.cells)


def test_no_output_is_an_error_or_comes_from_stderr(notebook: NotebookNode) -> None:
    for cell in code_cells(notebook):
        assert not [output for output in cell.outputs if output.output_type == "error"], cell.source
        assert not [output for output in cell.outputs if output.get("name") == "stderr"], cell.source


def test_every_figure_has_a_caption_and_an_alternative_text_of_its_own(notebook: NotebookNode) -> None:
    for cell in code_cells(notebook):
        if not any("image/png" in output.get("data", {}) for output in cell.outputs):
            continue
        shown = cell.metadata.get("mystnb", {})
        alt = shown.get("image", {}).get("alt", "")
        caption = shown.get("figure", {}).get("caption", "")
        assert len(alt) >= 20, f"what the figure shows, in words, is missing (mystnb.image.alt):\n{cell.source}"
        assert caption, f"the caption is missing (mystnb.figure.caption):\n{cell.source}"
        assert alt != caption, f"the alternative text repeats the caption:\n{cell.source}"


def test_a_cell_with_a_captioned_figure_has_no_other_output(notebook: NotebookNode) -> None:
    # Every output of such a cell would become a figure with this caption and this name.
    for cell in code_cells(notebook):
        if "figure" in cell.metadata.get("mystnb", {}):
            assert len(cell.outputs) == 1, f"assign the value of the last line to a name:\n{cell.source}"


def test_no_cell_hides_its_value_with_a_semicolon(notebook: NotebookNode) -> None:
    # nbval runs cells without a history, where IPython does not see the semicolon, and the outputs differ.
    for cell in code_cells(notebook):
        assert not cell.source.rstrip().endswith(";"), f"assign the value of the last line to a name:\n{cell.source}"


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        ("a memory address", r"\b0x[0-9a-fA-F]{6,}\b"),
        ("a device", r"\bcuda(:\d+)?\b|device="),
        ("a timing", r"\b\d+(\.\d+)? ?(ns|µs|us|ms|s|sec|seconds|min|it/s)\b"),
    ],
)
def test_what_is_compared_holds_nothing_that_differs_between_machines(
    notebook: NotebookNode, what: str, pattern: str
) -> None:
    for cell in code_cells(notebook):
        if IGNORED in tags(cell):
            continue
        for output in cell.outputs:
            for text in texts(dict(output)):
                found = re.search(pattern, text)
                assert not found, f"{what}, {found[0]!r}, in an output that nbval compares, of:\n{cell.source}"


def test_no_cell_is_kept_from_being_run(notebook: NotebookNode) -> None:
    for cell in code_cells(notebook):
        assert not {"nbval-skip", "skip-execution", "raises-exception"} & set(tags(cell)), cell.source
        assert not re.search(r"#\s*NBVAL_", cell.source), f"say it with a tag:\n{cell.source}"


def test_long_cells_are_folded(notebook: NotebookNode) -> None:
    for cell in code_cells(notebook):
        if not {"hide-input", "hide-cell"} & set(tags(cell)):
            lines = cell.source.count("\n") + 1
            assert lines <= LONGEST_CELL, f"{lines} lines, at most {LONGEST_CELL}:\n{cell.source}"


def test_it_names_no_path_of_a_machine(notebook: NotebookNode) -> None:
    pattern = re.compile(r"(?<![\w.~/-])/(home|root|tmp|work|Users|private|mnt)/|\b[A-Z]:\\|site-packages")
    for cell in notebook.cells:
        for text in (cell.source, *texts([dict(output) for output in cell.get("outputs", [])])):
            found = pattern.search(text)
            assert not found, f"{found[0]!r} in:\n{text[:500]}"


class TestTheRunner:
    """tools/notebooks/execute.py itself, on notebooks made up for it."""

    @pytest.fixture
    def folder(self, tmp_path: Any) -> Any:
        return tmp_path

    def store(self, folder: Any, *sources: str, **metadata: Any) -> Any:
        cells = [nbformat.v4.new_code_cell(source, metadata=metadata) for source in sources]
        path = folder / "01_made_up.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"editor": "of someone"}), path)
        return path

    def test_a_second_run_changes_nothing(self, folder: Any, capsys: pytest.CaptureFixture[str]) -> None:
        path = self.store(folder, "for i in range(3):\n    print(i, flush=True)", "6 * 7", collapsed=True, tags=["a"])
        assert execute.main([], folder) == 0
        first = path.read_bytes()
        assert execute.main(["01_made_up"], folder) == 0
        assert path.read_bytes() == first
        assert "Unchanged: 1 of 1" in capsys.readouterr().out
        notebook = nbformat.read(path, as_version=4)
        assert notebook.cells[0].metadata == {"tags": ["a"]}
        assert [output.text for output in notebook.cells[0].outputs] == ["0\n1\n2\n"]
        assert [cell.execution_count for cell in notebook.cells] == [1, 2]

    @pytest.mark.parametrize(
        ("source", "said"),
        [
            ("1 / 0", "ZeroDivisionError"),
            ("import sys\n\nprint('careful', file=sys.stderr)", "stderr:\ncareful"),
        ],
    )
    def test_a_cell_that_fails_leaves_the_file_as_it_was(
        self, folder: Any, capsys: pytest.CaptureFixture[str], source: str, said: str
    ) -> None:
        path = self.store(folder, "6 * 7", source)
        before = path.read_bytes()
        assert execute.main([], folder) == 1
        report = capsys.readouterr().out
        assert "01_made_up.ipynb: Cell 2" in report
        assert source.splitlines()[0] in report
        assert said in report
        assert path.read_bytes() == before

    def test_an_unknown_name_is_answered_with_the_known_ones(
        self, folder: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.store(folder, "6 * 7")
        assert execute.main(["02_other"], folder) == 1
        assert capsys.readouterr().out == "There is no notebook '02_other'. Known: 01_made_up.\n"
