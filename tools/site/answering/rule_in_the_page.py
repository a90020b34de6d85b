"""Python's side of the playground's page: a rule that a reader has written, raced."""

from typing import Any

import numpy as np

from rmsprop_lib.playground import from_address
from rmsprop_lib.playground.race import Rule, record

RULE = "my_rule"
"""The name that the function must have."""


def raced(rule: Rule, address: str, eta: float) -> dict[str, Any]:
    """A run for the page: two numbers a point or step, x then y."""
    settings = from_address(address)
    found = record(rule, settings, eta)
    steps = len(found.g)
    numbers = {name: np.ravel(values).tolist() for name, values in found._asdict().items()}
    return {"kind": "raced", **numbers, "eta": eta, "steps": steps, "diverged": steps < settings["steps"]}


def ends(rule: Rule, address: str, etas: list[float]) -> dict[str, Any]:
    """Where runs end with these rates: the mean loss of the last tenth, None for one that diverged."""
    settings = from_address(address)
    late = max(1, settings["steps"] // 10)
    losses = (record(rule, settings, eta).loss for eta in etas)
    whole = settings["steps"] + 1
    return {"kind": "ends", "losses": [float(np.mean(loss[-late:])) if len(loss) == whole else None for loss in losses]}
