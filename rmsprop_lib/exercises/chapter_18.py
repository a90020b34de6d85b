"""The exercises of chapter 18, games."""

from typing import Any

import numpy as np

from rmsprop_lib import rules
from rmsprop_lib.exercises import fillings
from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake, Slot

_GRADIENTS = (3.0, -0.2, 0.5, 0.01, -1.5, 0.3)


def _averages(g: Any, n: Any, mu: Any) -> tuple[Any, Any]:
    """DQN's averages of the squares and of the gradients."""
    return 0.95 * n + 0.05 * g * g, 0.95 * mu + 0.05 * g


def _dqn(g: Any, n: Any, mu: Any) -> tuple[Any, Any, Any]:
    """DQN's direction, from its three numbers."""
    n, mu = _averages(g, n, mu)
    return g / np.sqrt(n - mu * mu + 0.01), n, mu


_DECAYS = Slot(
    "decays",
    lambda: 0.95,
    (
        Mistake(
            "0.95 and 0.05 swapped",
            lambda: 0.05,
            "In both averages you give the new value the weight 0.95 and the old average 0.05. They then forget nearly "
            "everything at every step.",
        ),
        Mistake(
            "0.9 for 0.95",
            lambda: 0.9,
            "Your averages have the decay 0.9. DQN's is 0.95.",
        ),
        Mistake(
            "0.99 for 0.95",
            lambda: 0.99,
            "Your averages have the decay 0.99, as PyTorch's do by default. DQN's is 0.95.",
        ),
    ),
)

_ENTERS_MU = Slot(
    "enters_mu",
    lambda g: g,
    (
        Mistake(
            "size of the gradient in mu",
            abs,
            "You put the size of the gradient into mu. Gradients of either sign should cancel in a mean.",
        ),
        Mistake(
            "square in mu",
            lambda g: g * g,
            "You put the square of the gradient into mu. That is what n averages.",
        ),
    ),
)

_USED = Slot(
    "used",
    lambda old, new: new,
    (
        Mistake(
            "averages after use",
            lambda old, new: old,
            "You divide by what the averages were before this gradient. The first direction is then ten times the "
            "gradient, whatever its size.",
        ),
        Mistake(
            "mu updated after its use",
            lambda old, new: (new[0], old[1]),
            "You subtract the square of the mean as it was before this gradient entered. The average of squares has it "
            "in already.",
        ),
    ),
)

_VARIANCE = Slot(
    "variance",
    lambda n, mu: n - mu * mu,
    (
        Mistake(
            "not centered",
            lambda n, mu: n + 0 * mu,
            "Your denominator does not use mu. The list of the paper has two averages, and both are used.",
        ),
        Mistake(
            "mean not squared",
            lambda n, mu: n - mu,
            "You subtract the average itself from an average of squares. Compare their units.",
        ),
        Mistake(
            "squared mean added",
            lambda n, mu: n + mu * mu,
            "You add the square of the mean. A variance is the mean square less the squared mean.",
        ),
        Mistake(
            "squared mean alone",
            lambda n, mu: mu * mu + 0 * n,
            "You divide by the mean alone. The average of squares, n, is not used.",
        ),
        Mistake(
            "size of the mean",
            lambda n, mu: n - abs(mu),
            "You subtract the size of the mean from an average of squares. Compare their units.",
        ),
        Mistake(
            "difference squared",
            lambda n, mu: (n - mu) ** 2,
            "You square the difference of n and mu. Only mu is squared: n is an average of squares already.",
        ),
    ),
)

_FLOOR = Slot(
    "floor",
    lambda root, x: root(x + 0.01),
    (
        Mistake(
            "a least value",
            lambda root, x: root(np.maximum(x, 0.01)),
            "You read 'min squared gradient' as the least value that the variance may have. The name suggests it, and "
            "it is close where the variance is far from 0.01; the code adds the number.",
        ),
        Mistake(
            "outside the root",
            lambda root, x: root(x) + 0.01,
            "You add 0.01 to the root. It is compared with squares, so that it belongs to them; outside it is as small "
            "as 0.0001 inside.",
        ),
        Mistake(
            "0.01 forgotten",
            lambda root, x: root(x),
            "There is no 0.01 in your denominator. Where all gradients are the same the variance goes to 0.",
        ),
        Mistake(
            "0.01 squared",
            lambda root, x: root(x + 0.0001),
            "You square 0.01 before you add it. It is added to squares, and is one already.",
        ),
        Mistake(
            "0.01 in both places",
            lambda root, x: root(x + 0.01) + 0.01,
            "You add 0.01 twice, inside the root and after it.",
        ),
        Mistake(
            "0.1 under the root",
            lambda root, x: root(x + 0.1),
            "You add 0.1 where the list has 0.01, or take the root of 0.01 before you add it.",
        ),
    ),
)

_NUMERATOR = fillings.also(
    fillings.numerator(),
    1,
    Mistake(
        "heavy ball",
        lambda g, mu: mu,
        "You step along the average of the gradients. In DQN's code that average only enters the denominator; the "
        "numerator is the present gradient.",
    ),
    Mistake(
        "deviation in the numerator",
        lambda g, mu: g - mu,
        "You step along the gradient less its mean. The mean is subtracted in the denominator only; where all "
        "gradients are the same you would stand still.",
    ),
)

_KEPT = Slot(
    "kept",
    lambda n, mu, variance: n,
    (
        Mistake(
            "variance kept as n",
            lambda n, mu, variance: variance,
            "You return the variance as n, and the next step averages squares into that. The state has to be the "
            "average of squares itself.",
        ),
        Mistake(
            "root of n kept",
            lambda n, mu, variance: rules.sqrt(n),
            "You return the root of n, and the next step averages a square into that root. The state has to be n "
            "itself.",
        ),
    ),
)

_DQN = (
    _FLOOR,
    _VARIANCE,
    _DECAYS,
    _USED,
    _NUMERATOR,
    fillings.root("the variance"),
    *fillings.without([fillings.squared("n")], "one number for all elements", "one sum for all elements"),
    _ENTERS_MU,
    fillings.one_of_two_averages("averaged_n", "n", "square", "0.95", rest="0.05"),
    fillings.one_of_two_averages("averaged_mu", "mu", "gradient", "0.95", rest="0.05"),
    fillings.quotient(),
    _KEPT,
)


def _dqn_of(
    floor: Any,
    variance: Any,
    decays: Any,
    used: Any,
    numerator: Any,
    root: Any,
    squared: Any,
    enters_mu: Any,
    averaged_n: Any,
    averaged_mu: Any,
    quotient: Any,
    kept: Any,
) -> Any:
    """DQN's step as a product of choices."""

    def step(g: Any, n: Any, mu: Any) -> Any:
        new = averaged_n(n, squared(g), decays()), averaged_mu(mu, enters_mu(g), decays())
        x = variance(*used((n, mu), new))
        d = quotient(numerator(g, new[1]), root(x), floor(root, x), 0.01)
        return d, kept(*new, x), new[1]

    return step


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
        # A variance below 0.01.
        Case({"n": 0.003, "mu": 0.0}, {"g": (0.02, -0.03, 0.04, 0.01)}),
    ),
    slots=_DQN,
    built=_dqn_of,
    mistakes=(),
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


_RETURN = (
    Slot(
        "rewards",
        lambda reward: reward,
        (
            Mistake(
                "the wrong way round",
                lambda reward: reward[::-1],
                "Your last reward counts most. What comes later is discounted more.",
            ),
            Mistake(
                "rewards forgotten",
                lambda reward: 0 * reward,
                "Your rewards are not in the return; what is left is the value ahead of the last state.",
            ),
            Mistake(
                "first reward left out",
                lambda reward: np.where(np.arange(len(reward)) == 0, 0.0, reward),
                "Your first reward does not count. The return of a step begins with the reward of that step.",
            ),
            Mistake(
                "last reward left out",
                lambda reward: np.where(np.arange(len(reward)) == len(reward) - 1, 0.0, reward),
                "Your last reward does not count.",
            ),
            Mistake(
                "sizes of the rewards",
                abs,
                "You add up the sizes of the rewards. A reward below zero lowers the return.",
            ),
        ),
    ),
    Slot(
        "discount",
        lambda discount: discount,
        (
            Mistake(
                "no discount",
                lambda discount: 1.0,
                "You have added everything up without a discount.",
            ),
            Mistake(
                "1 − discount for the discount",
                lambda discount: 1 - discount,
                "You discount by 1 − discount, so that next to nothing is left of what comes later.",
            ),
            Mistake(
                "divided by the discount",
                lambda discount: 1 / discount,
                "You divide by the discount. What comes later then counts more than what comes now.",
            ),
        ),
    ),
    Slot(
        "powers",
        lambda k: k,
        (
            Mistake(
                "rewards discounted once too often",
                lambda k: k + 1,
                "You have discounted the first reward too, which comes in this very step, and each later one once too "
                "often.",
            ),
            Mistake(
                "rewards discounted once too rarely",
                lambda k: k - 1,
                "Each of your rewards is discounted once less than it should be: the first one is divided by the "
                "discount, the second one counts in full.",
            ),
            Mistake(
                "rewards not discounted",
                lambda k: 0 * k,
                "You have added the rewards up without a discount, and discounted the value alone.",
            ),
            Mistake(
                "every later reward discounted once",
                lambda k: np.minimum(k, 1),
                "You discount every later reward once. One that comes after k steps is discounted k times.",
            ),
        ),
    ),
    Slot(
        "steps",
        lambda N: N,
        (
            Mistake(
                "the value not discounted",
                lambda N: 0,
                "Your value of the last state counts in full, as if it were there at once.",
            ),
            Mistake(
                "one step too few for the value",
                lambda N: N - 1,
                "The value is discounted once less than it should be: it belongs to the state after the last step.",
            ),
            Mistake(
                "one step too many for the value",
                lambda N: N + 1,
                "The value is discounted once too often. It is there after N steps.",
            ),
            Mistake(
                "the value discounted once",
                lambda N: 1,
                "The value is discounted once only. It is there after N steps.",
            ),
        ),
    ),
    Slot(
        "ahead",
        lambda ahead: ahead,
        (
            Mistake(
                "the value forgotten",
                lambda ahead: 0 * ahead,
                "Your return ends with the last reward. The game goes on after the rollout, and the value says what is "
                "to be expected from there; without it every rollout looks like the end of a game.",
            ),
            Mistake(
                "the value subtracted",
                lambda ahead: -ahead,
                "You subtract the value ahead. It is what is still to be expected, and is added.",
            ),
        ),
    ),
    Slot(
        "whole",
        lambda R, N, discount: R,
        (
            Mistake(
                "one step too many",
                lambda R, N, discount: discount * R,
                "Everything in your return is discounted once too often. The first reward comes in this very step, and "
                "counts in full.",
            ),
            Mistake(
                "mean instead of sum",
                lambda R, N, discount: R / N,
                "You divide by the number of steps. A return is a sum.",
            ),
            Mistake(
                "made an average",
                lambda R, N, discount: (1 - discount) * R,
                "You multiply by 1 − discount, as in an average whose weights sum to one. A return is a sum.",
            ),
        ),
    ),
)


def _returning(rewards: Any, powers: Any, steps: Any, discount: Any, ahead: Any, whole: Any) -> Any:
    def returned(reward: Any, gamma: Any, value: Any) -> Any:
        x, q, N = rewards(np.asarray(reward, float)), discount(gamma), len(reward)
        return whole(np.sum(q ** powers(np.arange(float(N))) * x) + q ** steps(N) * ahead(value), N, gamma)

    return returned


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
    slots=_RETURN,
    built=_returning,
    mistakes=(
        Mistake(
            "one step, then the value",
            lambda reward, discount, ahead: reward[0] + discount * ahead,
            "You add the value to the first reward. It belongs to the state after the last step, and the rewards in "
            "between are known.",
        ),
        Mistake(
            "the value at every step",
            lambda reward, discount, ahead: sum(discount**k * (r + discount * ahead) for k, r in enumerate(reward)),
            "You add the value at every step. It stands for what comes after the last one, and is added there.",
        ),
    ),
    hints=(
        "Begin at the end: what is the return of the last step, made of its reward and of the value after it?",
        "Start with ahead and go through the rewards backwards; each time the new return is r + discount · return.",
    ),
    read="What the learner follows",
)

EXERCISES = (DQN, RETURN)
