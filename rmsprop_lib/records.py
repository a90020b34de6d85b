"""Recorded evidence: results that took longer than a chapter may, kept with the settings they were computed with.

``python -m tools.measure.record NAME`` computes an experiment of :mod:`rmsprop_lib.experiments` and keeps it in
``rmsprop_lib/data/records``; a chapter loads it with :func:`load_record` and re-runs a piece of it.
"""

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np

_FOLDER = files("rmsprop_lib.data") / "records"
DIGITS = 5
"""Significant digits that a record keeps."""


def rounded(value: Any, digits: int = DIGITS) -> Any:
    """Numbers, arrays, tensors and what holds them, as JSON can keep it.

    Parameters
    ----------
    value : number, string, array or tensor of any shape, or a list, tuple or dict of such
    digits : int
        Significant digits of a floating-point number.

    Returns
    -------
    number, string, None, or lists and dicts of such
        None for a number that is not finite: a run that diverged.
    """
    if isinstance(value, dict):
        return {str(key): rounded(item, digits) for key, item in value.items()}
    if isinstance(value, str | bool | int):
        return value
    if isinstance(value, list | tuple):
        return [rounded(item, digits) for item in value]
    array = np.asarray(value)
    if array.ndim:
        return [rounded(item, digits) for item in array]
    if array.dtype.kind in "biu":
        return array.item()
    number = float(array)
    return float(f"{number:.{digits}g}") if np.isfinite(number) else None


@dataclass(frozen=True)
class Record:
    """What one experiment gave.

    Attributes
    ----------
    name : str
    settings : dict
        All that decides the results: methods, grids, seeds, sizes.
    results : dict of str to dict
        For each piece of the experiment its results by name: numbers, strings, and arrays of float64 with NaN where a
        run diverged.
    made : dict
        ``command``, ``date``, ``machine`` and ``versions``.
    """

    name: str
    settings: dict[str, Any]
    results: dict[str, dict[str, Any]]
    made: dict[str, Any]

    def __str__(self) -> str:
        versions = ", ".join(f"{package} {number}" for package, number in self.made["versions"].items())
        return f"recorded with: {self.made['command']}\non {self.made['date']} ({self.made['machine']}), {versions}"


def _arrays(value: Any) -> Any:
    """Lists of numbers as arrays."""
    if isinstance(value, dict):
        return {key: _arrays(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_arrays(item) for item in value] if _holds_text(value) else np.array(value, dtype=float)
    return value


def _holds_text(value: Any) -> bool:
    return any(map(_holds_text, value)) if isinstance(value, list) else isinstance(value, str | dict)


def load_record(name: str) -> Record:
    """What was recorded of an experiment.

    Parameters
    ----------
    name : str
        Of the experiment, such as ``"digits"``.

    Returns
    -------
    Record

    Raises
    ------
    ValueError
        If there is no record of this name.
    """
    path = _FOLDER / f"{name}.json"
    if not path.is_file():
        there = sorted(file.name.removesuffix(".json") for file in _FOLDER.iterdir() if file.name.endswith(".json"))
        raise ValueError(f"name={name!r} is not allowed; there are records of {', '.join(there)}")
    kept = json.loads(path.read_text(encoding="utf-8"))
    results = {key: _arrays(result) for key, result in kept["results"].items()}
    return Record(name, kept["settings"], results, kept["made"])
