"""NumPy, ``math`` and the rules as they were when the exercises were loaded, whatever a notebook did to them since.

An answer's cell can replace ``np.sqrt``, by mistake or to be told that it is right. What it is compared with would be
computed with that.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np

from rmsprop_lib import averages, rules

MODULES: dict[str, ModuleType] = {
    "np": np,
    "np.linalg": np.linalg,
    "np.random": np.random,
    "math": math,
    "rules": rules,
    "averages": averages,
}

_FIRST: dict[str, dict[str, Any]] = {
    name: {key: value for key, value in vars(module).items() if callable(value)} for name, module in MODULES.items()
}


@contextmanager
def straightened() -> Iterator[list[str]]:
    """Meanwhile every function of these modules is what it was; afterwards it is what it was made.

    Yields
    ------
    list of str
        What had been changed, such as ``"np.sqrt"``.
    """
    bent: list[tuple[str, str, Any]] = []
    missing = object()
    for name, module in MODULES.items():
        now = vars(module)
        bent += [(name, key, now.get(key, missing)) for key, value in _FIRST[name].items() if now.get(key) is not value]
    for name, key, _ in bent:
        setattr(MODULES[name], key, _FIRST[name][key])
    try:
        yield [f"{name}.{key}" for name, key, _ in bent]
    finally:
        for name, key, value in bent:
            if value is missing:
                delattr(MODULES[name], key)
            else:
                setattr(MODULES[name], key, value)
