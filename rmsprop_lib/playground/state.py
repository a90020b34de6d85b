"""The state of a playground, and its address: ``static/state.mjs`` in Python, with errors in place of defaults.

Ranges, defaults and names stand once for both, in ``static/settings.json``.
"""

import json
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from rmsprop_lib.playground.bundle import source

Settings = Mapping[str, Any]
"""A state, or those of its entries that matter: see :func:`from_address`."""

_TABLES = json.loads(source("settings.json"))
NUMBERS: dict[str, list[Any]] = _TABLES["numbers"]
"""Name → smallest, largest, default, scale, symbol, what it is."""
RATE: list[Any] = _TABLES["rate"]
"""The same for the learning rates."""
OPTIMIZERS: dict[str, list[Any]] = _TABLES["optimizers"]
"""Name → title, accumulators, learning rate, whether it is shown at first, the decay that its map varies, and for those
of the family, which the page shows folded, true."""
SURFACES: dict[str, dict[str, Any]] = _TABLES["surfaces"]
"""Name → title, what the picture shows of the plane, start, settings of its own, rates and numbers that are its
usual ones, what it is. A ``kind`` is that of a surface which is no plane, and has neither extent nor start; ``ranges``
are those in which its numbers are others than elsewhere, ``without`` the settings that do nothing there."""


def range_of(surface: str, name: str) -> list[Any]:
    """The row of a number in ``NUMBERS``, with the ends of its range on a surface."""
    row = NUMBERS[name]
    return [*SURFACES[surface].get("ranges", {}).get(name, row[:2]), *row[2:]]


_LONGEST = 2000
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.ASCII | re.IGNORECASE)


def defaults(surface: str = "ravine") -> dict[str, Any]:
    """The state that an address with nothing but a surface gives."""
    return {
        "surface": surface,
        **{name: row[2] for name, row in NUMBERS.items()},
        **SURFACES[surface].get("defaults", {}),
        "inside": False,
        "start": tuple(map(float, SURFACES[surface]["start"])) if "start" in SURFACES[surface] else None,
        "on": tuple(name for name, row in OPTIMIZERS.items() if row[3]),
        "eta": {name: row[2] for name, row in OPTIMIZERS.items()} | SURFACES[surface].get("rates", {}),
        "at": None,
    }


def from_address(address: str) -> dict[str, Any]:
    """The state that an address holds.

    Parameters
    ----------
    address : str
        Such as ``"surface=ravine&angle=45&on=sgd,rmsprop&eta.sgd=0.02"``, as the playground shows it behind ``#``.
        What it does not name has its default. Numbers are rounded to six digits.

    Returns
    -------
    dict
        ``surface``; the numbers of ``NUMBERS``; ``inside``, whether ε stands inside the root; ``start``, the pair
        (x, y), None for the network; ``on``, the optimizers in the race; ``eta``, a dict of learning rates by
        optimizer; ``at``, the step that is looked at, or None for the last.

    Raises
    ------
    ValueError
        If something in it is unknown, given twice, not a number or out of its range. The message says what is allowed.

    Examples
    --------
    >>> from_address("surface=ravine&angle=45")["angle"]
    45.0
    """
    if len(address) > _LONGEST:
        raise ValueError(f"the address has {len(address)} characters; it must have at most {_LONGEST}")
    given: dict[str, str] = {}
    for part in filter(None, address.removeprefix("#").split("&")):
        key, _, value = part.partition("=")
        if key in given:
            raise ValueError(f"{key} is given twice")
        given[key] = unquote(value)
    surface = given.pop("surface", "ravine")
    _check("surface", surface, SURFACES)
    state = defaults(surface)
    for key, value in given.items():
        if key in NUMBERS:
            state[key] = _number(key, value, range_of(surface, key))
        elif key.startswith("eta."):
            _check("eta.", key[4:], OPTIMIZERS)
            state["eta"][key[4:]] = _number(key, value, RATE)
        elif key == "at":
            state["at"] = _number(key, value, [0, range_of(surface, "steps")[1], None, "whole"])
        elif key == "inside":
            _check(key, value, ("0", "1"))
            state["inside"] = value == "1"
        elif key == "start":
            if state["start"] is None:
                raise ValueError(f"start={value} is not allowed; the {surface} starts where its seed says")
            x0, x1, y0, y1 = SURFACES[surface]["box"]
            point = value.split(",")
            if len(point) != 2:
                raise ValueError(f"start={value} is not allowed; it must be two numbers, x,y")
            state["start"] = (_number("start, x", point[0], [x0, x1]), _number("start, y", point[1], [y0, y1]))
        elif key == "on":
            for name in value.split(","):
                _check("on", name, OPTIMIZERS)
            state["on"] = tuple(name for name in OPTIMIZERS if name in value.split(","))
        else:
            known = ("surface", *NUMBERS, "inside", "start", "on", "eta.NAME", "at")
            raise ValueError(f"{key!r} is not a setting of the playground; it has {', '.join(known)}")
    if state["at"] is not None and state["at"] >= state["steps"]:
        state["at"] = None
    return state


def to_address(state: Settings) -> str:
    """The address of a state, character by character as the playground in the browser writes it.

    Parameters
    ----------
    state : dict
        As :func:`from_address` gives it.

    Returns
    -------
    str
        Without ``#``, and without what has its default.
    """
    base = defaults(state["surface"])
    parts = [f"surface={state['surface']}"]
    parts += [f"{name}={_written(state[name])}" for name in NUMBERS if state[name] != base[name]]
    if state["inside"]:
        parts.append("inside=1")
    if state["start"] is not None and tuple(state["start"]) != base["start"]:
        parts.append("start=" + ",".join(map(_written, state["start"])))
    if tuple(state["on"]) != base["on"]:
        parts.append("on=" + ",".join(state["on"]))
    rates = state["eta"]
    parts += [f"eta.{name}={_written(rates[name])}" for name in OPTIMIZERS if rates[name] != base["eta"][name]]
    if state["at"] is not None:
        parts.append(f"at={state['at']}")
    return "&".join(parts)


def _check(key: str, value: str, allowed: Any) -> None:
    if value not in allowed:
        joint = "" if key.endswith(".") else "="
        raise ValueError(f"{key}{joint}{value} is not allowed; it must be one of {', '.join(allowed)}")


def _number(key: str, value: str, row: list[Any]) -> float:
    low, high = row[:2]
    x = float(value) if _NUMBER.fullmatch(value) else math.nan
    if not low <= x <= high:
        raise ValueError(f"{key}={value} is not allowed; it must be a number from {low:g} to {high:g}")
    return math.floor(x + 0.5) if row[3:4] == ["whole"] else float(f"{x:.6g}")


def _written(x: float) -> str:
    """As JavaScript writes it: no trailing zero, and an exponent below a millionth only, without leading zeros."""
    if x == 0 or abs(x) >= 1e-6:
        return f"{Decimal(repr(x)).normalize():f}"
    return re.sub(r"e-0", "e-", repr(float(x)))
