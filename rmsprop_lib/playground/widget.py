"""The playground in a notebook, two-way: set an attribute and the picture moves; drag in it and Python sees it."""

from typing import Any

from rmsprop_lib.extras import naming_extras

with naming_extras():
    import anywidget
    import traitlets

from rmsprop_lib.playground.bundle import bundle
from rmsprop_lib.playground.state import from_address, to_address


class Playground(anywidget.AnyWidget):
    """The playground of the book.

    The three traits can be observed and set. What is not allowed raises a ``TraitError`` that says what is, and
    changes nothing.

    Parameters
    ----------
    address : str
        The whole state, as :func:`rmsprop_lib.playground.from_address` takes it.

    Attributes
    ----------
    address : str
        The state now, in its shortest form.
    start : tuple (x, y), or None
        Where the race begins; None for the network, which has its seed.
    step : int
        The step that is looked at; the last one is the length of the race.
    """

    _esm = bundle("widget.mjs")

    address = traitlets.Unicode().tag(sync=True)
    start = traitlets.Tuple(traitlets.Float(), traitlets.Float(), allow_none=True)
    step = traitlets.Int()

    def __init__(self, address: str = "") -> None:
        super().__init__(address=address)

    @traitlets.default("address")
    def _default_address(self) -> str:
        return to_address(from_address(""))

    @traitlets.validate("address")
    def _shortest(self, proposal: Any) -> str:
        try:
            return to_address(from_address(proposal["value"]))
        except ValueError as error:
            raise traitlets.TraitError(str(error)) from None

    @traitlets.default("start")
    def _default_start(self) -> Any:
        return from_address(self.address)["start"]

    @traitlets.default("step")
    def _default_step(self) -> Any:
        state = from_address(self.address)
        return state["steps"] if state["at"] is None else state["at"]

    @traitlets.validate("start", "step")
    def _allowed(self, proposal: Any) -> Any:
        name = proposal["trait"].name
        state = self._with(name, proposal["value"])
        return state["start"] if name == "start" else state["steps"] if state["at"] is None else state["at"]

    @traitlets.observe("address")
    def _follow(self, _: Any) -> None:
        self.start, self.step = self._default_start(), self._default_step()

    @traitlets.observe("start", "step")
    def _enter(self, change: Any) -> None:
        self.address = to_address(self._with(change["name"], change["new"]))

    def _with(self, name: str, value: Any) -> dict[str, Any]:
        """The state with a new start or step."""
        state = from_address(self.address)
        if name == "start" and value is None and state["start"] is not None:
            raise traitlets.TraitError("start=None is not allowed; it must be two numbers, x,y")
        state[{"start": "start", "step": "at"}[name]] = value
        try:
            return from_address(to_address(state))
        except ValueError as error:
            raise traitlets.TraitError(str(error)) from None
