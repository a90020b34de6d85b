"""Recording goes on where it was interrupted, and notices a record that is another's."""

import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from rmsprop_lib.records import Record
from tools.measure import record as program

NAME = "of_this_test"


@pytest.fixture
def experiment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """Three pieces, each the seeds' numbers about its own."""
    module = ModuleType(f"rmsprop_lib.experiments.{NAME}")
    module.SETTINGS = {"pieces": [1, 2, 3], "seeds": (1, 2, 3, 4)}
    module.COMPARED = ("value",)
    module.keys = lambda settings: [f"piece {k}" for k in settings["pieces"]]
    module.piece = lambda settings, key: {"value": float(key[-1]) + 0.01 * np.array(settings["seeds"])}
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(program, "UNFINISHED", tmp_path)
    return module


def kept(tmp_path: Path) -> list[str]:
    return (tmp_path / f"{NAME}.jsonl").read_text(encoding="utf-8").splitlines()


def test_it_holds_every_piece_and_its_settings(experiment: ModuleType) -> None:
    found = program.record(NAME, workers=2)
    assert found["settings"] == {"pieces": [1, 2, 3], "seeds": [1, 2, 3, 4]}
    assert found["results"] == {f"piece {k}": {"value": [k + 0.01 * s for s in (1, 2, 3, 4)]} for k in (1, 2, 3)}
    assert json.loads(program.written(found)) == found


def test_what_is_there_is_not_computed_again(experiment: ModuleType, tmp_path: Path) -> None:
    program.record(NAME, workers=1)
    settings, first, second, third = kept(tmp_path)
    changed = first.replace("1.01", "7.0")
    # The last line was being written when the run ended.
    (tmp_path / f"{NAME}.jsonl").write_text("\n".join([settings, changed, second, third[:20]]), encoding="utf-8")
    results = program.record(NAME, workers=1)["results"]
    assert results["piece 1"]["value"][0] == 7.0 and len(results) == 3
    assert results["piece 3"]["value"] == [3.01, 3.02, 3.03, 3.04]


@pytest.mark.parametrize("left", ["", '{"pieces": [1'])
def test_a_run_that_ended_before_its_first_piece_begins_anew(experiment: ModuleType, tmp_path: Path, left: str) -> None:
    (tmp_path / f"{NAME}.jsonl").write_text(left, encoding="utf-8")
    assert len(program.record(NAME, workers=1)["results"]) == 3


def test_pieces_with_other_settings_are(experiment: ModuleType) -> None:
    program.record(NAME, workers=1)
    experiment.SETTINGS["seeds"] = [5, 6, 7, 8]
    assert program.record(NAME, workers=1)["results"]["piece 1"]["value"] == [1.05, 1.06, 1.07, 1.08]


@pytest.mark.parametrize(("shift", "noticed"), [(0.0, 0), (0.02, 0), (0.2, 3)])
def test_a_record_is_compared_by_its_distribution(
    experiment: ModuleType, monkeypatch: pytest.MonkeyPatch, shift: float, noticed: int
) -> None:
    now = program.record(NAME, workers=1)
    stored = {key: {"value": np.array(result["value"]) + shift} for key, result in now["results"].items()}
    monkeypatch.setattr(program, "load_record", lambda name: Record(name, now["settings"], stored, now["made"]))
    assert len(program.differences(NAME, now)) == noticed
