"""The paths that the frameworks' own optimizers took, and how far from them our rule ends up."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rmsprop_lib.conventions.replaying import replay
from rmsprop_lib.conventions.table import Convention, convention

TRACES_FILE = Path(__file__).parents[1] / "data" / "framework_traces.json"
"""Where the recorded paths lie."""


@dataclass(frozen=True)
class Trace:
    """The path of a framework's own optimizer, recorded.

    Attributes
    ----------
    row : Convention
        The optimizer, with the arguments of this run.
    arguments : dict
        What its constructor was given beside the rate, under the names that it has there.
    theta : array of shape (T / every, n)
        The parameters after every few steps.
    state : dict of str to array of shape (n,)
        What it kept in the middle of the run, under the framework's names.
    """

    row: Convention
    arguments: dict[str, Any]
    theta: np.ndarray
    state: dict[str, np.ndarray]


@dataclass(frozen=True)
class Recording:
    """What ``tools/measure/record_traces.py`` recorded: what all runs had in common, and each run's path.

    Attributes
    ----------
    versions : dict of str to str
        Of each framework.
    defaults : dict
        Framework, optimizer and argument to the default value that its constructor has.
    gradients : array of shape (T, n)
    rates : array of shape (T,)
    start : array of shape (n,)
    every : int
        How many steps lie between two recorded points.
    middle : int
        After how many steps the states were recorded.
    traces : tuple of Trace
    """

    versions: dict[str, str]
    defaults: dict[str, dict[str, dict[str, Any]]]
    gradients: np.ndarray
    rates: np.ndarray
    start: np.ndarray
    every: int
    middle: int
    traces: tuple[Trace, ...]

    def distance(self, trace: Trace, row: Convention | None = None) -> float:
        """How far our rule ends up from a recorded path, at most, relative to how far the coordinate has moved.

        Parameters
        ----------
        trace : Trace
            One of this recording.
        row : Convention, optional
            Other settings for our rule than the trace's own.

        Returns
        -------
        float
            The largest over all recorded points and coordinates, without a unit.
        """
        ours = replay(trace.row if row is None else row, self.gradients, self.rates, self.start)
        moved = np.abs(trace.theta - self.start).max(axis=0)
        return float(np.max(np.abs(ours[self.every :: self.every] - trace.theta) / moved))


def recording(path: str | Path = TRACES_FILE) -> Recording:
    """Load the recorded paths of the frameworks' optimizers.

    Parameters
    ----------
    path : str or Path
        The file in the library by default.

    Returns
    -------
    Recording

    Raises
    ------
    FileNotFoundError
        If the file is missing. ``python -m tools.measure.record_traces`` writes it, where the frameworks are installed.
    """
    stored = json.loads(Path(path).read_text(encoding="utf-8"))
    traces = tuple(
        Trace(
            convention(trace["framework"], trace["optimizer"]).given(**trace["arguments"]),
            trace["arguments"],
            np.array(trace["theta"]),
            {name: np.array(x) for name, x in trace["state"].items()},
        )
        for trace in stored["traces"]
    )
    return Recording(
        versions=stored["versions"],
        defaults=stored["defaults"],
        gradients=np.array(stored["gradients"]),
        rates=np.array(stored["rates"]),
        start=np.array(stored["start"]),
        every=stored["every"],
        middle=stored["middle"],
        traces=traces,
    )
