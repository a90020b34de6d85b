"""The playground: sixteen optimizers race down a surface or train a network, in the page, in a notebook, and here.

- :class:`Playground` is the widget for notebooks, and needs anywidget;
- :func:`still` draws a race as a picture, and needs Matplotlib;
- :func:`run` computes a race's path, :func:`train` trains the network, :func:`from_address` and :func:`to_address` go
  between a state and the text that holds it, :func:`drift` says where a moving minimum is; these need NumPy alone.

The program for the browser is in ``static``, as ES modules; ``rmsprop_lib.playground.bundle`` joins them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from rmsprop_lib.playground.race import run
from rmsprop_lib.playground.state import from_address, to_address
from rmsprop_lib.playground.surfaces import drift
from rmsprop_lib.playground.training import Training, train

if TYPE_CHECKING:
    from rmsprop_lib.playground.picture import still
    from rmsprop_lib.playground.widget import Playground

__all__ = ["Playground", "Training", "drift", "from_address", "run", "still", "to_address", "train"]

_HOME = {"Playground": "widget", "still": "picture"}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"rmsprop_lib.playground.{_HOME[name]}"), name)
    raise AttributeError(f"module 'rmsprop_lib.playground' has no attribute {name!r}")
