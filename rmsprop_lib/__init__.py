"""The library of the textbook *Adaptive Learning Rates*.

From the bottom upward, each part importing only what stands before it:

- :mod:`rmsprop_lib.rules`: the update equations, each written once;
- :mod:`rmsprop_lib.hyperparameters`: which values the hyperparameters may take;
- :mod:`rmsprop_lib.extras`: what the library can do without, and how to get it;
- :mod:`rmsprop_lib.numpy_optim` and :mod:`rmsprop_lib.torch_optim`: optimizers over the rules;
- :mod:`rmsprop_lib.conventions`: how the frameworks' optimizers differ, and our rules with their settings;
- :mod:`rmsprop_lib.problems` and :mod:`rmsprop_lib.descent`: objectives, and recorded runs on them;
- :mod:`rmsprop_lib.data`, :mod:`rmsprop_lib.devices` and :mod:`rmsprop_lib.training`: MNIST, where to compute,
  and training loops;
- :mod:`rmsprop_lib.figures`: the plots of the book;
- :mod:`rmsprop_lib.claims`: statements that fail the cell when they are false;
- :mod:`rmsprop_lib.statements`: those that are often made elsewhere, side by side;
- :mod:`rmsprop_lib.playground`: a race of optimizers to play with, in the browser, in a notebook and in Python;
- :mod:`rmsprop_lib.exercises`: the exercises, and the checker that says which mistake an answer makes.

``import rmsprop_lib`` loads none of them: what needs Torch or Matplotlib is imported where it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rmsprop_lib.claims import claim, verdict
    from rmsprop_lib.devices import device
    from rmsprop_lib.exercises import check, hint

__version__ = "0.1.0"
__all__ = ["check", "claim", "device", "hint", "verdict"]

_HOME = {"check": "exercises", "claim": "claims", "device": "devices", "hint": "exercises", "verdict": "claims"}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"rmsprop_lib.{_HOME[name]}"), name)
    raise AttributeError(f"module 'rmsprop_lib' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
