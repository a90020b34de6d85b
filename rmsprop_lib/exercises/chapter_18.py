"""The exercises of chapter 18, games."""

from typing import Any

import numpy as np

from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake

_GRADIENTS = (3.0, -0.2, 0.5, 0.01, -1.5, 0.3)


def _averages(g: Any, n: Any, mu: Any) -> tuple[Any, Any]:
    """DQN's averages of the squares and of the gradients."""
    return 0.95 * n + 0.05 * g * g, 0.95 * mu + 0.05 * g


def _dqn(g: Any, n: Any, mu: Any) -> tuple[Any, Any, Any]:
    """DQN's direction, from its three numbers."""
    n, mu = _averages(g, n, mu)
    return g / np.sqrt(n - mu * mu + 0.01), n, mu


def _dqn_with(direction: Any) -> Any:
    """DQN with another direction, made of the gradient and the new averages."""

    def step(g: Any, n: Any, mu: Any) -> tuple[Any, Any, Any]:
        n, mu = _averages(g, n, mu)
        return direction(g, n, mu), n, mu

    return step


def _late(g: Any, n: Any, mu: Any) -> tuple[Any, Any, Any]:
    d = g / np.sqrt(n - mu * mu + 0.01)
    n, mu = _averages(g, n, mu)
    return d, n, mu


DQN = Exercise(
    name="games-dqn",
    chapter="18_games",
    task="DQN's direction d from a gradient g, and the averages n of the squares and mu of the gradients: d, n, mu.",
    takes="g n mu",
    returns="d n mu",
    reference=_dqn,
    cases=(
        Case({"n": 0.0, "mu": 0.0}, {"g": _GRADIENTS}),
        Case({"n": np.zeros(2), "mu": np.zeros(2)}, {"g": tuple(np.array([g, 0.05 - g]) for g in _GRADIENTS)}),
    ),
    mistakes=(
        Mistake(
            "heavy ball",
            _dqn_with(lambda g, n, mu: mu / np.sqrt(n - mu * mu + 0.01)),
            "You step along the average of the gradients. In DQN's code that average only enters the denominator; the "
            "numerator is the present gradient.",
        ),
        Mistake(
            "not centered",
            _dqn_with(lambda g, n, mu: g / np.sqrt(n + 0.01)),
            "Your denominator does not use mu. The list of the paper has two averages, and both are used.",
        ),
        Mistake(
            "a least value",
            _dqn_with(lambda g, n, mu: g / np.sqrt(np.maximum(n - mu * mu, 0.01))),
            "You read 'min squared gradient' as the least value that the variance may have. The name suggests it, and "
            "it is close where the variance is far from 0.01; the code adds the number.",
        ),
        Mistake(
            "outside the root",
            _dqn_with(lambda g, n, mu: g / (np.sqrt(n - mu * mu) + 0.01)),
            "You add 0.01 to the root. It is compared with squares, so that it belongs to them; outside it is as small "
            "as 0.0001 inside.",
        ),
        Mistake(
            "averages after use",
            _late,
            "You divide by what the averages were before this gradient. The first direction is then ten times the "
            "gradient, whatever its size.",
        ),
        Mistake(
            "mean not squared",
            _dqn_with(lambda g, n, mu: g / np.sqrt(np.abs(n - mu) + 0.01)),
            "You subtract the average itself from an average of squares. Compare their units.",
        ),
    ),
    hints=(
        "Which of the two averages has the units of a squared gradient, and what has to be done to the other before it "
        "can be subtracted?",
        "Update n with the weight 0.05 for g², mu with 0.05 for g; then d is g over the root of n − mu² + 0.01.",
    ),
    read="DQN's riddle",
)


def _return(reward: Any, discount: Any, ahead: Any) -> Any:
    """The return of the first step of a rollout that no end interrupts."""
    found = ahead
    for r in reversed(reward):
        found = r + discount * found
    return found


RETURN = Exercise(
    name="games-return",
    chapter="18_games",
    task="The return of the first of N steps, from their rewards, the discount, and the value ahead of the last state.",
    takes="reward discount ahead",
    returns="R",
    reference=_return,
    cases=(
        Case({"reward": np.array([1.0, 0.0, 3.0]), "discount": 0.5, "ahead": 8.0}),
        Case({"reward": np.array([0.2, -1.0, 0.0, 2.0, 0.7]), "discount": 0.9, "ahead": -3.0}),
        Case({"reward": np.array([2.0]), "discount": 0.8, "ahead": 5.0}),
    ),
    mistakes=(
        Mistake(
            "the value forgotten",
            lambda reward, discount, ahead: _return(reward, discount, 0 * ahead),
            "Your return ends with the last reward. The game goes on after the rollout, and the value says what is to "
            "be expected from there; without it every rollout looks like the end of a game.",
        ),
        Mistake(
            "the value not discounted",
            lambda reward, discount, ahead: _return(reward, discount, 0) + ahead,
            "Your value of the last state counts in full, as if it were there at once.",
        ),
        Mistake(
            "one step too many",
            lambda reward, discount, ahead: discount * _return(reward, discount, ahead),
            "You have discounted the first reward too, which comes in this very step.",
        ),
        Mistake(
            "one step too few for the value",
            lambda reward, discount, ahead: (
                _return(reward, discount, 0) + discount ** (len(reward) - 1) * ahead + 0 * reward[0]
            ),
            "The value is discounted once less than it should be: it belongs to the state after the last step.",
        ),
        Mistake(
            "no discount",
            lambda reward, discount, ahead: np.sum(reward) + ahead + 0 * discount,
            "You have added everything up without a discount.",
        ),
        Mistake(
            "the wrong way round",
            lambda reward, discount, ahead: _return(reward[::-1], discount, ahead),
            "Your last reward counts most. What comes later is discounted more.",
        ),
    ),
    hints=(
        "Begin at the end: what is the return of the last step, made of its reward and of the value after it?",
        "Start with ahead and go through the rewards backwards; each time the new return is r + discount · return.",
    ),
    read="What the learner follows",
)

EXERCISES = (DQN, RETURN)
