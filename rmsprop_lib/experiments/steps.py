"""Rules and schedules as the experiments call them, and the steps of copies that differ in both.

A rule is a function of the step's number, the gradient, the decay and the state, with the rule's own constants in it;
it returns the direction and the new state.
"""

from collections.abc import Callable, Sequence
from typing import Any

from rmsprop_lib.extras import naming_extras

with naming_extras():
    import torch
    from torch import Tensor

from rmsprop_lib import rules

EPS = 1e-8
Step = Callable[..., tuple[Any, ...]]
STEPS: dict[str, Step] = {
    "SGD": lambda t, g, decay: rules.sgd(g),
    "RMSprop": lambda t, g, decay, v=0.0: rules.rmsprop(g, v, decay, EPS),
    # Adam without its first moment is RMSprop with bias correction.
    "RMSprop, corrected": lambda t, g, decay, m=0.0, v=0.0: rules.adam(g, m, v, t, 0.0, decay, EPS),
    "RMSprop with momentum": lambda t, g, decay, v=0.0, b=0.0: rules.rmsprop_momentum(g, v, b, decay, 0.9, EPS),
    "centered": lambda t, g, decay, v=0.0, mu=0.0: rules.centered_rmsprop(g, v, mu, decay, EPS),
    "Adam": lambda t, g, decay, m=0.0, v=0.0: rules.adam(g, m, v, t, 0.9, decay, EPS),
}
"""What more than one experiment runs."""

FACTORS: dict[str, Callable[[int, int], float]] = {
    "constant": lambda t, steps: 1.0,
    "falling": lambda t, steps: 1 - (t - 1) / steps,
    "root": lambda t, steps: t**-0.5,
}
"""What the rate is multiplied by at step t, counted from 1, of so many: nothing, a line from 1 to 0, and 1/√t."""


class Steps:
    """The steps of copies of one network under one rule, each copy with its decay, schedule and rate.

    Parameters
    ----------
    step : callable
        The rule.
    decays, schedules, rates : sequences of length copies
        Either every decay is None or none is.
    whole : int
        Steps of the whole run, for the schedules.
    """

    def __init__(
        self, step: Step, decays: Sequence[Any], schedules: Sequence[str], rates: Sequence[float], whole: int
    ) -> None:
        self._step, self._schedules, self._whole = step, schedules, whole
        self._decay = None if decays[0] is None else torch.tensor(decays, dtype=torch.float32)[:, None]
        self._rate = torch.tensor(rates, dtype=torch.float32)
        self._factors = {schedule: FACTORS[schedule] for schedule in dict.fromkeys(schedules)}
        self._state: list[Any] = []

    def __call__(self, t: int, g: Tensor) -> Tensor:
        """What step t, counted from 1, subtracts from θ, for gradients g, both of shape (copies, weights)."""
        d, *self._state = self._step(t, g, self._decay, *self._state)
        now = {schedule: factor(t, self._whole) for schedule, factor in self._factors.items()}
        change: Tensor = (self._rate * torch.tensor([now[s] for s in self._schedules]))[:, None] * d
        return change
