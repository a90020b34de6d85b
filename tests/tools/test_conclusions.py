"""A record that is made again tells which of the chapters' conclusions it does not bear out."""

import json
from pathlib import Path

import nbformat
import pytest

from rmsprop_lib.experiments import NAMES
from rmsprop_lib.records import load_record
from tools.measure.conclusions import chapters_on, fallen
from tools.paths import RECORDS

NAME = "limit"
CELLS = [
    "from rmsprop_lib import claim, verdict\nfrom rmsprop_lib.records import load_record",
    f'record = load_record("{NAME}")\nsteps = record.settings["steps"]',
    'claim("Steps", steps, expected=EXPECTED)\nclaim("A whole number", steps % 1, expected=0)',
    'verdict("T1", "There are many.", "holds", "so it is", number=str(steps), shown=steps > 10)',
    "1 / (steps - 1)",
]


@pytest.fixture
def chapters(tmp_path: Path) -> Path:
    """One that concludes from a record, and one that does not load it."""
    steps = load_record(NAME).settings["steps"]
    cells = [nbformat.v4.new_code_cell(cell.replace("EXPECTED", str(steps))) for cell in CELLS]
    other = [nbformat.v4.new_markdown_cell(CELLS[1]), nbformat.v4.new_code_cell('load_record("games")')]
    for stem, content in (("01_loads", cells), ("02_does_not", other)):
        nbformat.write(nbformat.v4.new_notebook(cells=content), tmp_path / f"{stem}.ipynb")
    return tmp_path


def with_steps(steps: int) -> str:
    """The stored record with another number of steps."""
    kept = json.loads((RECORDS / f"{NAME}.json").read_text(encoding="utf-8"))
    kept["settings"]["steps"] = steps
    return json.dumps(kept)


def test_the_stored_record_bears_out_all(chapters: Path) -> None:
    assert fallen(NAME, (RECORDS / f"{NAME}.json").read_text(encoding="utf-8"), chapters) == []


def test_every_claim_and_verdict_that_is_false_is_told_and_nothing_else(chapters: Path) -> None:
    claimed, verdict = fallen(NAME, with_steps(7), chapters)
    assert claimed.startswith("01_loads: Steps: ") and "this is false: measured 7" in claimed
    assert verdict.startswith("01_loads: T1 “There are many.”")


def test_a_run_that_ends_is_told(chapters: Path) -> None:
    assert fallen(NAME, with_steps(1), chapters) == ["01_loads: ZeroDivisionError: division by zero"]


@pytest.mark.parametrize("name", NAMES)
def test_there_is_a_chapter_on_every_record(name: str) -> None:
    assert chapters_on(name)
