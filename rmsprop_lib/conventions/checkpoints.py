"""A framework's optimizer state as ours, and back: plain arrays, no framework needed.

Every array of a framework's state has a name there, its *slot*, which the rows of the table give. What it holds is
what our optimizers keep, but for three things: the centered forms keep two averages where ours keeps the variance,
averages are stored uncorrected where ours are divided by their weights, and some buffers hold steps with a minus.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from rmsprop_lib import averages
from rmsprop_lib.conventions.table import Convention
from rmsprop_lib.rules import weight_sum


def from_framework(row: Convention, state: Mapping[str, Any], t: int) -> tuple[np.ndarray, ...]:
    """What our optimizer keeps for one parameter, from what the framework's kept.

    Parameters
    ----------
    row : Convention
        The framework's optimizer, with the arguments of its run.
    state : dict of str to array
        The arrays of the parameter, under the framework's names (``row.slots``); more are passed over.
    t : int
        How many steps it had done, at least 1.

    Returns
    -------
    tuple of float64 arrays
        In the order of ``row.keeps``.

    Raises
    ------
    ValueError
        If an array is missing, or ``t`` is not such a number.
    """
    if not t >= 1:
        raise ValueError(f"step={t!r} is not allowed; it must be the number of steps done, at least 1")
    slots = _slots(row)
    if missing := [name for name, _ in slots.values() if name not in state]:
        raise ValueError(
            f"the state lacks {missing}; {row.framework}'s {row.optimizer} has, with these arguments, "
            f"{[name for name, _ in slots.values()]}; given were {sorted(state)}"
        )
    held = {symbol: sign * np.asarray(state[name], dtype=float) for symbol, (name, sign) in slots.items()}
    if row.rule == "rmsprop":
        squares = averages.kept(held["squares"], held.get("mean"), _weights(row, t), centered=row.centered)
        held.update(zip(("squares", "mean"), squares, strict=False))
    return tuple(held[symbol] for symbol in row.keeps)


def to_framework(row: Convention, kept: tuple[np.ndarray, ...], t: int) -> dict[str, np.ndarray]:
    """What the framework's optimizer would keep for one parameter: the inverse of :func:`from_framework`.

    Parameters
    ----------
    row : Convention
    kept : tuple of arrays
        In the order of ``row.keeps``.
    t : int

    Returns
    -------
    dict of str to float64 array
        Under the framework's names.
    """
    held = dict(zip(row.keeps, (np.asarray(x, dtype=float) for x in kept), strict=True))
    if row.rule == "rmsprop":
        names = ("squares", "mean") if row.centered else ("squares",)
        both = averages.averages(tuple(held[name] for name in names), _weights(row, t), centered=row.centered)
        held.update(zip(names, both, strict=False))
    return {name: sign * held[symbol] for symbol, (name, sign) in _slots(row).items()}


def _weights(row: Convention, t: int) -> float:
    assert row.rho is not None  # checked when the row was made
    return float(weight_sum(row.rho, t)) if row.bias_correction else 1.0


def _slots(row: Convention) -> dict[str, tuple[str, float]]:
    """For each thing that is kept the framework's name and a sign."""
    names = {what.removeprefix("-"): (name, -1.0 if what[0] == "-" else 1.0) for name, what in row.slots.items()}
    if absent := [what for what in row.keeps if what not in names]:
        raise ValueError(f"{row.framework}'s {row.optimizer} has no state in the table for {', '.join(absent)}")
    return {what: names[what] for what in row.keeps}
