"""The exercises of chapter 1, gradient descent and momentum."""

import math
from typing import Any

import numpy as np

from rmsprop_lib import rules
from rmsprop_lib.exercises import fillings
from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake, Slot

_rng = np.random.default_rng(1)


def _step(theta: Any, g: Any, b: Any, eta: Any, gamma: Any, delta: Any) -> Any:
    d, b = rules.heavy_ball(g, b, gamma, delta)
    return theta - eta * d, b


def _rate_in_the_buffer(theta: Any, g: Any, b: Any, eta: Any, gamma: Any, delta: Any) -> Any:
    d, b = rules.heavy_ball(eta * g, b, gamma, delta)
    return theta - d, b


def _built(faded: Any, taken: Any, summed: Any, move: Any, stepped: Any, kept: Any) -> Any:
    """The step as a product of choices."""

    def step(theta: Any, g: Any, b: Any, eta: Any, gamma: Any, delta: Any) -> Any:
        new = summed(faded(b, gamma, delta), taken(g, eta, gamma, delta))
        d = move(g, b, new, gamma, delta)
        return stepped(theta, eta, d), kept(new, d, eta)

    return step


_BALL = "Momentum: the heavy ball"

_FADED = Slot(
    "faded",
    lambda b, gamma, delta: gamma * b,
    (
        Mistake(
            "γ and 1 − γ swapped",
            lambda b, gamma, delta: (1 - gamma) * b,
            "You multiply the old buffer by 1 − γ. A momentum of 0.9 then keeps a tenth of the past, not nine tenths.",
        ),
        Mistake(
            "nothing kept of the old buffer",
            lambda b, gamma, delta: 0 * b,
            "The buffer you return holds the last gradient only: the b that is passed in has no influence. This is "
            "gradient descent at a dampened rate.",
        ),
        Mistake(
            "old buffer not faded",
            lambda b, gamma, delta: b,
            "You add every gradient to the buffer and let nothing fade. On a quadratic such a ball never comes to "
            "rest: nothing slows it down.",
            read=_BALL,
        ),
        Mistake(
            "dampening applied to the old buffer too",
            lambda b, gamma, delta: gamma * (1 - delta) * b,
            "You dampen the whole sum. What is already in the buffer is then dampened again at every step, and fades "
            "by more than the factor γ.",
        ),
        Mistake(
            "old buffer faded by δ",
            lambda b, gamma, delta: delta * b,
            "You multiply the old buffer by the dampening. That belongs to the gradient; the buffer has the momentum.",
        ),
        Mistake(
            "old buffer faded by 1 − δ",
            lambda b, gamma, delta: (1 - delta) * b,
            "You multiply the old buffer by 1 − δ, which is what belongs to the gradient.",
        ),
        Mistake(
            "old buffer faded twice",
            lambda b, gamma, delta: gamma * gamma * b,
            "You multiply the old buffer by γ twice.",
        ),
    ),
)

_TAKEN = Slot(
    "taken",
    lambda g, eta, gamma, delta: (1 - delta) * g,
    (
        Mistake(
            "dampening ignored",
            lambda g, eta, gamma, delta: g,
            "You add the whole gradient to the buffer. That is Polyak's method, but δ is not always 0 here.",
        ),
        Mistake(
            "an average instead of a sum",
            lambda g, eta, gamma, delta: (1 - gamma) * g,
            "You give the gradient the weight 1 − γ: that is an average of gradients. At the same rate all steps are "
            "shorter by this factor. The dampening δ plays no part in what you return.",
            read="Two conventions",
        ),
        Mistake(
            "δ and 1 − δ swapped",
            lambda g, eta, gamma, delta: delta * g,
            "You give the gradient the weight δ. Without dampening, δ = 0, no gradient would ever enter the buffer.",
        ),
        Mistake(
            "dampening with the wrong sign",
            lambda g, eta, gamma, delta: (1 + delta) * g,
            "You give the gradient the weight 1 + δ. A dampening should make it smaller.",
        ),
        Mistake(
            "gradient faded by γ",
            lambda g, eta, gamma, delta: gamma * g,
            "You multiply the gradient by the momentum. That is for what is in the buffer already.",
        ),
        Mistake(
            "gradient faded by γ and dampened",
            lambda g, eta, gamma, delta: gamma * (1 - delta) * g,
            "You multiply the gradient by γ as well: it is faded as soon as it enters.",
        ),
        Mistake(
            "dampened twice",
            lambda g, eta, gamma, delta: (1 - gamma) * (1 - delta) * g,
            "You give the gradient both 1 − γ and 1 − δ for a weight.",
            read="Two conventions",
        ),
        Mistake(
            "divided by the dampening",
            lambda g, eta, gamma, delta: g / (1 - delta),
            "You divide the gradient by 1 − δ. A dampening should make it smaller.",
        ),
        Mistake(
            "rate in the buffer and outside",
            lambda g, eta, gamma, delta: eta * (1 - delta) * g,
            "You multiply the gradient by the rate as it enters the buffer, and the buffer by the rate again.",
        ),
        Mistake(
            "size of the gradient",
            lambda g, eta, gamma, delta: (1 - delta) * abs(g),
            "You take the size of the gradient into the buffer: the way down is lost.",
        ),
        Mistake(
            "sign of the gradient",
            lambda g, eta, gamma, delta: (1 - delta) * np.sign(g),
            "You take the sign of the gradient into the buffer.",
        ),
    ),
)

_SUMMED = Slot(
    "summed",
    lambda b, g: b + g,
    (
        Mistake(
            "gradient subtracted in the buffer",
            lambda b, g: b - g,
            "You subtract the gradient in the buffer, and the buffer from the parameters: that leads uphill.",
        ),
    ),
)

_MOVE = Slot(
    "move",
    lambda g, b, new, gamma, delta: new,
    (
        Mistake(
            "stepped with the old buffer",
            lambda g, b, new, gamma, delta: b + 0 * new,
            "Your step uses the buffer as it was before this gradient entered. Every gradient then takes effect one "
            "step late, and the first step does nothing.",
        ),
        Mistake(
            "looked ahead",
            lambda g, b, new, gamma, delta: g + gamma * new,
            "The buffer is right, but your step is that of Nesterov's variant: not the buffer, but the gradient plus "
            "γ times the buffer.",
            read="Nesterov's variant",
        ),
        Mistake(
            "stepped with the gradient",
            lambda g, b, new, gamma, delta: g + 0 * new,
            "Your step is plain gradient descent: the buffer is kept and never used.",
            read=_BALL,
        ),
        Mistake(
            "gradient and buffer added",
            lambda g, b, new, gamma, delta: g + new,
            "You step with the gradient and the buffer together. The gradient is in the new buffer already.",
        ),
        Mistake(
            "buffer faded again in the step",
            lambda g, b, new, gamma, delta: gamma * new,
            "You multiply the new buffer by γ once more before you step.",
        ),
    ),
)

_KEPT = Slot(
    "kept",
    lambda new, d, eta: new,
    (
        Mistake(
            "step kept as the buffer",
            lambda new, d, eta: eta * d,
            "You return the step as the buffer. The next one then has the rate in it twice.",
        ),
    ),
)

# Without the direction itself, which has a mistake of its own below.
_STEPPED = fillings.without([fillings.stepped(read="The rule")], "direction returned, not the parameter")[0]

STEP = Exercise(
    name="heavy-ball-step",
    chapter="01_gradient_descent",
    task="Given θ, the gradient g and the buffer b before the step, return the parameters after it and the new buffer.",
    takes="theta g b eta gamma delta",
    returns="theta b",
    reference=_step,
    cases=(
        Case(
            {"theta": 20.0, "b": 0.0, "gamma": 0.9, "delta": 0.3},
            {"g": [0.0, 3.0, -0.5, 0.05, 40.0, -1.0], "eta": [0.1, 0.1, 0.1, 0.1, 0.05, 0.05]},
        ),
        Case(
            {"theta": np.array([30.0, -20.0, 25.0]), "b": np.zeros(3), "eta": 0.5, "gamma": 0.75, "delta": 0.0},
            {"g": list(_rng.normal(0.5, 2.0, (8, 3)))},
        ),
        Case(
            {"theta": np.full((2, 2), 5.0), "b": np.full((2, 2), 4.0), "eta": 0.1, "gamma": 0.5, "delta": 0.8},
            {"g": list(_rng.normal(size=(3, 2, 2)))},
        ),
    ),
    slots=(_FADED, _TAKEN, _SUMMED, _MOVE, _STEPPED, _KEPT),
    built=_built,
    mistakes=(
        Mistake(
            "rate inside the buffer",
            _rate_in_the_buffer,
            "You multiply the gradient by the rate before it enters the buffer. As long as the rate stays the same, "
            "the parameters come out right; when it changes, the steps in the buffer still have the old one.",
        ),
        Mistake(
            "buffer of the opposite sign",
            lambda theta, g, b, eta, gamma, delta: (
                theta - eta * rules.heavy_ball(g, -b, gamma, delta)[0],
                -rules.heavy_ball(g, -b, gamma, delta)[1],
            ),
            "You keep the buffer with the opposite sign: you subtract gradients from it and add it to the parameters. "
            "Some papers do, and the run is the same; here the buffer is a sum of gradients.",
        ),
        Mistake(
            "direction instead of parameters",
            lambda theta, g, b, eta, gamma, delta: rules.heavy_ball(g, b, gamma, delta),
            "The buffer is right. But you return the direction first, as the library's rules do; the task asks for "
            "the parameters after the step.",
            read="The rule",
        ),
    ),
    hints=(
        "Two lines: first the new buffer. Which of γ, 1 − δ and η belongs to which of its two terms, if any?",
        "The new buffer is γ times the old one plus 1 − δ times the gradient. The new parameters are the old ones "
        "minus η times the new buffer.",
    ),
    read="Momentum: the heavy ball",
)


def _spectrum(H: Any) -> tuple[float, float]:
    curvatures = np.linalg.eigvalsh(H)
    return float(curvatures[0]), float(curvatures[-1])


def _best_rate(H: Any) -> tuple[float, float]:
    low, high = _spectrum(H)
    return 2 / (low + high), (high - low) / (high + low)


def _worst_factor(H: Any, rate: float) -> float:
    """The largest factor of one step of gradient descent, over the eigenvectors."""
    curvatures = np.linalg.eigvalsh(H)
    (d,) = rules.sgd(curvatures)  # the gradient at 1 in each coordinate
    return float(np.abs(1 - rate * d).max())


def _one_over_the_mean(H: Any) -> tuple[float, float]:
    rate = len(H) / np.trace(H)
    return rate, _worst_factor(H, rate)


def _of_the_heavy_ball(H: Any) -> tuple[float, float]:
    low, high = (math.sqrt(x) for x in _spectrum(H))
    return 4 / (low + high) ** 2, (high - low) / (high + low)


_turn = np.linalg.qr(_rng.normal(size=(3, 3)))[0]


_RATE_SLOTS = (
    Slot(
        "ends",
        _spectrum,
        (
            Mistake(
                "diagonal instead of eigenvalues",
                lambda H: (np.min(np.diag(H)), np.max(np.diag(H))),
                "You use the diagonal of H. Its entries are the curvatures along the coordinate axes; the "
                "curvatures that count are those along the eigenvectors, which lie farther apart.",
                read="The edge at 2/L",
            ),
            Mistake(
                "first and last entry of the diagonal",
                lambda H: (H[0, 0], H[-1, -1]),
                "You use the first and the last entry of the diagonal. Its entries are the curvatures along the "
                "coordinate axes, and are in no particular order; those that count are the ones along the "
                "eigenvectors.",
                read="The edge at 2/L",
            ),
            Mistake(
                "eigenvalues not sorted",
                lambda H: tuple(np.linalg.eigvals(H).real[[0, -1]]),
                "You take the first and the last eigenvalue for the two ends. np.linalg.eigvals returns them in no "
                "particular order.",
            ),
            Mistake(
                "sums of the rows",
                lambda H: (np.min(np.sum(H, axis=1)), np.max(np.sum(H, axis=1))),
                "You use the sums of the rows of H. Its eigenvalues are other numbers.",
            ),
            Mistake(
                "eigenvalues squared",
                lambda H: tuple(x * x for x in _spectrum(H)),
                "You use the squares of the eigenvalues. The curvatures are the eigenvalues themselves.",
            ),
        ),
    ),
    Slot(
        "rate",
        lambda low, high, H: 2 / (low + high),
        (
            Mistake(
                "the rate at the edge",
                lambda low, high, H: 2 / high,
                "Your rate is 2/L: there the steep coordinate jumps from one side to the other at every step, and "
                "the factor is 1.",
                read="The edge at 2/L",
            ),
            Mistake(
                "1/L",
                lambda low, high, H: 1 / high,
                "Your rate is 1/L, which solves the steepest direction in one step and leaves the others waiting.",
            ),
            Mistake(
                "1 for 2",
                lambda low, high, H: 1 / (low + high),
                "Your rate has a 1 where a 2 belongs. At half the best rate the flattest direction takes about "
                "twice as many steps.",
            ),
            Mistake(
                "rate upside down",
                lambda low, high, H: (low + high) / 2,
                "You return the middle of the curvatures. The steeper the function, the smaller the rate has to be.",
            ),
            Mistake(
                "difference, not sum",
                lambda low, high, H: 2 / (high - low),
                "You divide by the difference of the two curvatures. Were they equal, your rate would be infinite.",
            ),
            Mistake(
                "2 over the trace",
                lambda low, high, H: 2 / np.trace(H),
                "Your rate is 2 over the sum of all eigenvalues. In two dimensions that is right. In more dimensions "
                "the eigenvalues between the two ends should have no influence.",
            ),
            Mistake(
                "2 over the norm of all entries",
                lambda low, high, H: 2 / np.linalg.norm(H),
                "You divide by the root of the sum of the squares of all entries, which is what np.linalg.norm returns "
                "for a matrix. It is no sum of eigenvalues.",
            ),
            Mistake(
                "smallest curvature taken to be 1",
                lambda low, high, H: 2 / (1 + high / low),
                "Your rate is that for curvatures from 1 to κ. The factor depends on their ratio alone; the rate "
                "does not, it has a unit.",
            ),
            Mistake(
                "one over the smallest curvature",
                lambda low, high, H: 1 / low,
                "Your rate suits the flattest direction. Where another is more than twice as steep, the run diverges.",
                read="The edge at 2/L",
            ),
            Mistake(
                "one over the geometric mean",
                lambda low, high, H: 1 / math.sqrt(low * high),
                "Your rate is one over the geometric mean of the two curvatures. At the best rate the steepest and "
                "the flattest direction shrink by the same factor; at yours they do not.",
            ),
            Mistake(
                "the heavy ball's rate",
                lambda low, high, H: 4 / (math.sqrt(low) + math.sqrt(high)) ** 2,
                "Your rate is that of the best heavy ball. Without momentum no square roots appear.",
            ),
        ),
    ),
    Slot(
        "factor",
        lambda low, high: (high - low) / (high + low),
        (
            Mistake(
                "the factor has a sign",
                lambda low, high: (low - high) / (high + low),
                "Your factor is negative, as it is in the steepest direction, or because κ is upside down; the "
                "exercise asks by how much the distance shrinks.",
            ),
            Mistake(
                "the factor of the loss",
                lambda low, high: ((high - low) / (high + low)) ** 2,
                "Your factor is the square of the one asked for: the loss shrinks by it, the distance does not.",
            ),
            Mistake(
                "the condition number",
                lambda low, high: high / low,
                "You return the condition number for the factor. It is what the factor depends on.",
            ),
            Mistake(
                "one over the condition number",
                lambda low, high: low / high,
                "You return one over the condition number. The larger that is, the closer the factor has to be to 1.",
            ),
            Mistake(
                "the factor at 1/L",
                lambda low, high: 1 - low / high,
                "Your factor is 1 − 1/κ, which is that of the rate 1/L.",
            ),
            Mistake(
                "the part that is lost",
                lambda low, high: 2 * low / (high + low),
                "You return the part of the distance that is lost in a step. The factor is the part that is left.",
            ),
            Mistake(
                "not divided by the sum",
                lambda low, high: high - low,
                "Your factor is the difference of the curvatures. A factor has no unit.",
            ),
            Mistake(
                "divided by the smallest curvature",
                lambda low, high: (high - low) / low,
                "Your factor is κ − 1. In a step at the best rate the distance shrinks, so that the factor is below 1.",
            ),
            Mistake(
                "the heavy ball's factor",
                lambda low, high: (math.sqrt(high) - math.sqrt(low)) / (math.sqrt(high) + math.sqrt(low)),
                "Your factor is that of the best heavy ball. Without momentum no square roots appear.",
            ),
        ),
    ),
)


def _best_of(ends: Any, rate: Any, factor: Any) -> Any:
    def best(H: Any) -> Any:
        low, high = ends(H)
        return rate(low, high, H), factor(low, high)

    return best


RATE = Exercise(
    name="gd-best-rate",
    chapter="01_gradient_descent",
    task="Given the Hessian H of a quadratic, return the best constant rate, then the factor r at this rate.",
    takes="H",
    returns="rate factor",
    reference=_best_rate,
    cases=(
        Case({"H": np.array([[4.0, 1.0], [1.0, 2.0]])}),
        Case({"H": np.diag([0.5, 100.0, 4.0])}),
        Case({"H": _turn @ np.diag([7.0, 0.3, 1.0]) @ _turn.T}),
    ),
    slots=_RATE_SLOTS,
    built=_best_of,
    mistakes=(
        Mistake(
            "1/L, with its own factor",
            lambda H: (1 / _spectrum(H)[1], _worst_factor(H, 1 / _spectrum(H)[1])),
            "Your rate is 1/L, and the factor belongs to it. This rate has the best guarantee for one step on an "
            "unknown function. For a quadratic you know both ends of the spectrum, and can do better.",
        ),
        Mistake(
            "one over the mean curvature",
            _one_over_the_mean,
            "Your rate is one over the mean of all eigenvalues. In two dimensions that is right. In more dimensions "
            "the eigenvalues between the two ends should have no influence.",
        ),
        Mistake(
            "the heavy ball's",
            _of_the_heavy_ball,
            "These are the rate and the factor of the best heavy ball. Without momentum no square roots appear.",
        ),
    ),
    hints=(
        "The curvatures along the coordinate axes are not what counts: which numbers of a symmetric matrix are? And "
        "which of them decide?",
        "With low and high the smallest and the largest of np.linalg.eigvalsh(H): the rate is 2 over their sum, the "
        "factor their difference over their sum.",
    ),
    read="What the condition number costs",
)


def _each_once(theta: Any, X: Any, y: Any, batch: Any) -> Any:
    return _gradient(theta, X, y, np.unique(batch))


def _shares(theta: Any, X: Any, y: Any) -> Any:
    return 1 / (1 + np.exp(y * (X @ theta)))


def _gradient(theta: Any, X: Any, y: Any, batch: Any) -> Any:
    X, y = X[batch], y[batch]
    return -(_shares(theta, X, y) * y) @ X / len(batch)


def _labels_as_0_and_1(theta: Any, X: Any, y: Any, batch: Any) -> Any:
    X, y = X[batch], y[batch]
    return (_shares(theta, X, -1.0) - y) @ X / len(batch)


_X = _rng.normal(size=(9, 4)) * np.array([2.0, 1.0, 0.5, 0.1])
_y = np.where(_rng.random(9) < 0.6, 1.0, -1.0)


_MINIBATCH_SLOTS = (
    Slot(
        "drawn",
        lambda batch, N: batch,
        (
            Mistake(
                "all examples",
                lambda batch, N: np.arange(N),
                "You use all examples, whichever are in the batch. That is exact, and costs what a minibatch should "
                "save.",
            ),
            Mistake(
                "each example once",
                lambda batch, N: np.unique(batch),
                "You count an example that was drawn twice only once. With replacement it has to count twice.",
            ),
            Mistake(
                "numbers taken to begin at 1",
                lambda batch, N: batch - 1,
                "Your examples are the ones before those in the batch, as if the numbers began at 1. They begin at 0.",
            ),
            Mistake(
                "the first examples",
                lambda batch, N: np.arange(len(batch)),
                "You use the first examples, as many as are in the batch. Which they are is what batch says.",
            ),
        ),
    ),
    Slot(
        "divisor",
        lambda rows, N, n: len(rows),
        (
            Mistake(
                "sum instead of mean",
                lambda rows, N, n: 1.0,
                "You add up the gradients of the examples. The larger the batch, the longer your steps, so that "
                "each size of batch needs a rate of its own.",
            ),
            Mistake(
                "divided by the number of all examples",
                lambda rows, N, n: N,
                "You divide by N, the number of all examples, but sum over those of the batch. On average this is "
                "only B/N times the gradient of f.",
            ),
            Mistake(
                "divided by the number of parameters",
                lambda rows, N, n: n,
                "You divide by the number of parameters. The mean is over the examples.",
            ),
            Mistake(
                "mean taken twice",
                lambda rows, N, n: len(rows) ** 2,
                "You divide by the number of examples twice.",
            ),
        ),
    ),
    Slot(
        "label_in_p",
        lambda y: y,
        (
            Mistake(
                "probability of being right",
                lambda y: -y,
                "Your p is how right the model is on an example, not how wrong. Examples that it already knows "
                "would then move it most.",
                read="How much one step achieves",
            ),
            Mistake(
                "label missing in p",
                lambda y: 1.0 + 0 * y,
                "Your p does not depend on the label. It is then the probability of −1, which for an example "
                "labelled −1 is how right the model is, not how wrong.",
                read="How much one step achieves",
            ),
            Mistake(
                "probability of +1",
                lambda y: -1.0 + 0 * y,
                "Your p does not depend on the label. It is then the probability of +1, which for an example "
                "labelled +1 is how right the model is, not how wrong.",
                read="How much one step achieves",
            ),
        ),
    ),
    Slot(
        "share",
        lambda z: 1 / (1 + np.exp(z)),
        (
            Mistake(
                "p missing",
                lambda z: 1.0 + 0 * z,
                "In your gradient all examples weigh the same, however well the model knows them, and θ plays no part.",
                read="How much one step achieves",
            ),
            Mistake(
                "loss instead of p",
                lambda z: np.log(1 + np.exp(-z)),
                "You weigh each example by its loss. Its gradient has the derivative of the loss there.",
                read="How much one step achieves",
            ),
            Mistake(
                "1 missing in p",
                lambda z: np.exp(-z),
                "Your p is one over an exponential, without the 1 that keeps a probability below 1.",
                read="How much one step achieves",
            ),
            Mistake(
                "derivative of p",
                lambda z: np.exp(z) / (1 + np.exp(z)) ** 2,
                "You weigh each example by p(1 − p), the derivative of p. The derivative of the loss is p itself, "
                "up to its sign.",
                read="How much one step achieves",
            ),
            Mistake(
                "p rounded",
                lambda z: (z < 0) + 0.5 * (z == 0),
                "Your p is 0 or 1: only the examples that the model gets wrong move it, as in a perceptron.",
                read="How much one step achieves",
            ),
        ),
    ),
    Slot(
        "label",
        lambda y: y,
        (
            Mistake(
                "label missing before x",
                lambda y: 1.0 + 0 * y,
                "There is no label before x, so that all examples push the model in the direction of their x, those "
                "labelled −1 too.",
                read="How much one step achieves",
            ),
        ),
    ),
    Slot(
        "sign",
        -1.0,
        (
            Mistake(
                "up instead of down",
                1.0,
                "The sign is the opposite one: what you return points downhill. The gradient points uphill, and the "
                "rule subtracts it.",
                read="The rule",
            ),
        ),
    ),
)


def _minibatch(drawn: Any, divisor: Any, label_in_p: Any, share: Any, label: Any, sign: float) -> Any:
    def gradient(theta: Any, X: Any, y: Any, batch: Any) -> Any:
        rows = drawn(np.asarray(batch), len(y))
        p = share(label_in_p(y[rows]) * (X[rows] @ theta))
        return sign * (p * label(y[rows])) @ X[rows] / divisor(rows, len(y), len(theta))

    return gradient


MINIBATCH = Exercise(
    name="minibatch-gradient",
    chapter="01_gradient_descent",
    task="Return the gradient of the mean logistic loss over the examples whose numbers, from 0, are in batch.",
    takes="theta X y batch",
    returns="g",
    reference=_gradient,
    cases=(
        Case({"theta": np.array([0.5, -1.0, 0.3, 2.0]), "X": _X, "y": _y, "batch": np.array([0, 3, 5])}),
        Case({"theta": np.array([0.5, -1.0, 0.3, 2.0]), "X": _X, "y": _y, "batch": np.array([2, 6, 2, 8])}),
        Case({"theta": np.array([-2.0, 0.0, 1.0, -1.0]), "X": _X, "y": _y, "batch": np.array([7])}),
        Case({"theta": np.zeros(4), "X": _X, "y": _y, "batch": np.arange(9)}),
    ),
    slots=_MINIBATCH_SLOTS,
    built=_minibatch,
    mistakes=(
        Mistake(
            "each example once, divided by B",
            lambda theta, X, y, batch: _each_once(theta, X, y, batch) * len(np.unique(batch)) / len(batch),
            "An example that was drawn twice counts only once in your sum, although you divide by the number of draws.",
        ),
        Mistake(
            "all examples, divided by B",
            lambda theta, X, y, batch: _gradient(theta, X, y, np.arange(len(y))) * len(y) / len(batch),
            "You sum over all examples and divide by the size of the batch.",
        ),
        Mistake(
            "labels taken to be 0 and 1",
            _labels_as_0_and_1,
            "You subtract the label from the probability of +1, as one does with labels 0 and 1. Here they are −1 "
            "and +1.",
            read="How much one step achieves",
        ),
    ),
    hints=(
        "The section on how much one step achieves has the gradient over all N examples. Which rows of X and y do you "
        "need, and what takes the place of N?",
        "With X and y cut down to [batch]: p = 1/(1 + exp(y · Xθ)), one number for each example; then minus the mean "
        "over the examples of p · y times the row of X.",
    ),
    read="Stochastic gradients",
)

EXERCISES = (STEP, RATE, MINIBATCH)
