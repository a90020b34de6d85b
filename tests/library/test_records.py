"""Every record was made by the experiment that the library holds now, with its settings."""

import json
from importlib import import_module
from types import ModuleType

import numpy as np
import pytest

from rmsprop_lib.experiments import NAMES
from rmsprop_lib.records import Record, load_record, rounded
from tools.paths import RECORDS

FEWEST = {"limit": 2}
"""Where fewer than five seeds do: minimising a convex loss, two starts show that the end does not depend on them."""

every_record = pytest.mark.parametrize("name", NAMES)


@pytest.fixture
def experiment(name: str) -> ModuleType:
    return import_module(f"rmsprop_lib.experiments.{name}")


@pytest.fixture
def record(name: str) -> Record:
    return load_record(name)


@every_record
def test_its_settings_are_the_experiments(record: Record, experiment: ModuleType) -> None:
    assert record.settings == json.loads(json.dumps(experiment.SETTINGS))


@every_record
def test_it_has_every_piece(record: Record, experiment: ModuleType) -> None:
    assert list(record.results) == experiment.keys(experiment.SETTINGS)


@every_record
def test_no_run_that_is_reported_has_diverged(record: Record, experiment: ModuleType, name: str) -> None:
    compared = [result[field] for result in record.results.values() for field in experiment.COMPARED if field in result]
    assert len(compared) >= len(record.results)
    assert all(np.isfinite(values).all() and len(values) >= FEWEST.get(name, 5) for values in compared)


@every_record
def test_it_says_how_it_was_made(record: Record, name: str) -> None:
    assert record.made["command"] == f"python -m tools.measure.record {name}"
    assert record.made.keys() == {"command", "date", "machine", "versions"}
    assert all(part in str(record) for part in (record.made["command"], record.made["date"], "torch"))


def test_the_records_are_small_and_no_others_are_kept() -> None:
    sizes = {path.stem: path.stat().st_size for path in RECORDS.iterdir()}
    assert set(sizes) == set(NAMES)
    assert max(sizes.values()) < 1_000_000 and sum(sizes.values()) < 3_000_000


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match=f"name='none' is not allowed; there are records of .*{NAMES[0]}"):
        load_record("none")


def test_lists_of_numbers_come_back_as_arrays_however_deep() -> None:
    found = load_record("digits").results["linear/Adam/falling"]
    assert isinstance(found["setting"]["betas"], np.ndarray)
    assert all(isinstance(tried["losses"], np.ndarray) for tried in found["tuning"])


def test_numbers_are_kept_to_five_digits_and_what_is_not_finite_as_nothing() -> None:
    import torch

    values = {"a": np.array([[1 / 3, np.nan], [np.inf, 2.0]]), "b": (3, "text", True, {"c": torch.tensor([1e-9 / 7])})}
    assert rounded(values) == {
        "a": [[0.33333, None], [None, 2.0]],
        "b": [3, "text", True, {"c": [pytest.approx(1.4286e-10, rel=1e-9)]}],
    }
    json.dumps(rounded(values), allow_nan=False)
