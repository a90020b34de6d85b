"""The exercises of chapter 5, RMSprop with momentum."""

from typing import Any

import numpy as np

from rmsprop_lib import rules
from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake
from rmsprop_lib.numpy_optim import RMSprop

# Large enough that where ε stands shows, small enough that the rest does too.
EPS = 0.25
_rng = np.random.default_rng(5)
_g = _rng.normal(0.5, 2.0, (12, 5))


class _Library:
    """The library's optimizer in the form that the exercise asks for."""

    def __init__(self, lr: float, rho: float, gamma: float, eps: float) -> None:
        self.optimizer = RMSprop(lr, rho, eps, momentum=gamma)

    def step(self, theta: Any, g: Any) -> Any:
        return self.optimizer.update({"theta": np.asarray(theta, float)}, {"theta": np.asarray(g, float)})["theta"]


class _Own:
    """RMSprop with momentum, with places in which to go wrong."""

    def __init__(self, lr: float, rho: float, gamma: float, eps: float) -> None:
        self.lr, self.rho, self.gamma, self.eps = lr, rho, gamma, eps
        self.v: Any = 0.0
        self.b: Any = 0.0

    def direction(self, g: Any) -> Any:
        """RMSprop's, before the momentum."""
        r, self.v = rules.rmsprop(g, self.v, self.rho, self.eps)
        return r

    def momentum(self, r: Any) -> Any:
        d, self.b = rules.heavy_ball(r, self.b, self.gamma)
        return d

    def step(self, theta: Any, g: Any) -> Any:
        return theta - self.lr * self.momentum(self.direction(g))


class _BeforeTheScaling(_Own):
    def step(self, theta: Any, g: Any) -> Any:
        self.direction(g)
        return theta - self.lr * self.momentum(g) / (rules.sqrt(self.v) + self.eps)


class _SquaresOfTheBuffer(_Own):
    def step(self, theta: Any, g: Any) -> Any:
        return theta - self.lr * self.direction(self.momentum(g))


class _Dampened(_Own):
    def momentum(self, r: Any) -> Any:
        d, self.b = rules.heavy_ball(r, self.b, self.gamma, dampening=self.gamma)
        return d


class _BufferBegunAnew(_Own):
    def momentum(self, r: Any) -> Any:
        self.b = 0.0
        return super().momentum(r)


class _AverageBegunAnew(_Own):
    def direction(self, g: Any) -> Any:
        self.v = 0.0
        return super().direction(g)


class _OldBuffer(_Own):
    def momentum(self, r: Any) -> Any:
        old = self.b
        super().momentum(r)
        return old


class _DecaysTheNewOne(_Own):
    def momentum(self, r: Any) -> Any:
        self.b = self.gamma * (self.b + r)
        return self.b


class _Ascends(_Own):
    def step(self, theta: Any, g: Any) -> Any:
        return 2 * theta - super().step(theta, g)


class _Swapped(_Own):
    def __init__(self, lr: float, rho: float, gamma: float, eps: float) -> None:
        super().__init__(lr, gamma, rho, eps)


class _EpsInside(_Own):
    def direction(self, g: Any) -> Any:
        r, self.v = rules.rmsprop(g, self.v, self.rho, self.eps, True)
        return r


class _LooksAhead(_Own):
    def momentum(self, r: Any) -> Any:
        d, self.b = rules.heavy_ball(r, self.b, self.gamma, nesterov=True)
        return d


CLASS = Exercise(
    name="rmsprop-momentum-class",
    chapter="05_rmsprop_momentum",
    task="Write a class made with (lr, rho, gamma, eps) that keeps v and b; step(theta, g) returns the new parameter.",
    takes="lr rho gamma eps theta g",
    returns="theta",
    built_with="lr rho gamma eps",
    reference=_Library,
    cases=(
        Case(
            {"lr": 0.1, "rho": 0.9, "gamma": 0.6, "eps": EPS, "theta": np.array([1.0, -2.0, 0.5, 3.0, 0.0])},
            {"g": list(_g)},
        ),
        Case(
            {"lr": 0.5, "rho": 0.5, "gamma": 0.8, "eps": EPS, "theta": np.array([2.0])},
            {"g": [np.array([x]) for x in (0.0, 1.0, 40.0, 0.5, -0.02)]},
        ),
    ),
    mistakes=(
        Mistake(
            "momentum before the scaling",
            _BeforeTheScaling,
            "Your buffer collects gradients, and what you divide by the root is the buffer. Old gradients are then "
            "measured against the sizes of today, and large ones of the past can set off a burst.",
            read="Why after the scaling",
        ),
        Mistake(
            "RMSprop fed with the buffer",
            _SquaresOfTheBuffer,
            "You feed the momentum's buffer to RMSprop, so that even the squares are those of the buffer. It is the "
            "other way round: a heavy ball is fed RMSprop's directions.",
        ),
        Mistake(
            "dampened",
            _Dampened,
            "The new direction enters your buffer with the weight 1 − γ. That is an average of directions, whose steps "
            "are 1 − γ times as long at the same rate.",
            read="How much further: the same rate means ten times the distance",
        ),
        Mistake(
            "buffer begun anew at every step",
            _BufferBegunAnew,
            "No momentum is left from one step to the next: your steps are those of plain RMSprop. Either the buffer "
            "is set to zero in step, or the new one is computed there and not kept, or not used.",
        ),
        Mistake(
            "average begun anew at every step",
            _AverageBegunAnew,
            "In every step the average of squares begins at zero: it is not kept in the object. All directions then "
            "have the same length, up to ε.",
        ),
        Mistake(
            "old buffer used",
            _OldBuffer,
            "You move by the buffer as it was before this gradient entered: every gradient acts a step late, and the "
            "first step does not move at all.",
        ),
        Mistake(
            "new direction decayed at once",
            _DecaysTheNewOne,
            "You multiply by γ after the new direction has been added, so that all steps are γ times as long as they "
            "should be.",
        ),
        Mistake(
            "up instead of down",
            _Ascends,
            "You add the step. The gradient points uphill, so that the loss grows.",
        ),
        Mistake(
            "ρ and γ swapped",
            _Swapped,
            "You decay the squares with γ and the buffer with ρ.",
        ),
        Mistake(
            "ε inside the root",
            _EpsInside,
            "You add ε before taking the root, as Graves does. The equation here adds it afterwards.",
            read="A heavy ball that is fed directions",
        ),
        Mistake(
            "Nesterov's form",
            _LooksAhead,
            "You add γ times the new buffer to the direction: that is Nesterov's form, a good method, but another.",
            read="Nesterov: look before you step",
        ),
    ),
    hints=(
        "The object has to remember two arrays. Which of them does a gradient reach first, and what does the other one "
        "take in?",
        "In __init__: keep lr, rho, gamma, eps, and v = b = 0. In step: the new v; then b becomes gamma times b plus g "
        "over the root of v, eps added to the root; then return theta minus lr times b.",
    ),
    read="From equation to code",
)


def _nesterov(g: Any, v: Any, b: Any, rho: Any, gamma: Any, eps: Any) -> Any:
    return rules.rmsprop_momentum(g, v, b, rho, gamma, eps, nesterov=True)


def _gradient_ahead(g: Any, v: Any, b: Any, rho: Any, gamma: Any, eps: Any) -> Any:
    _, v, b = _nesterov(g, v, b, rho, gamma, eps)
    return g + gamma * b, v, b


def _buffer_added_whole(g: Any, v: Any, b: Any, rho: Any, gamma: Any, eps: Any) -> Any:
    r, v = rules.rmsprop(g, v, rho, eps)
    b = gamma * b + r
    return r + b, v, b


def _ahead_of_the_buffer(g: Any, v: Any, b: Any, rho: Any, gamma: Any, eps: Any) -> Any:
    _, v, b = _nesterov(g, v, b, rho, gamma, eps)
    return (1 + gamma) * b, v, b


def _kept_the_direction(g: Any, v: Any, b: Any, rho: Any, gamma: Any, eps: Any) -> Any:
    d, v, _ = _nesterov(g, v, b, rho, gamma, eps)
    return d, v, d


def _nesterov_before_the_scaling(g: Any, v: Any, b: Any, rho: Any, gamma: Any, eps: Any) -> Any:
    v = rules.ema(v, g * g, rho)
    d, b = rules.heavy_ball(g, b, gamma, nesterov=True)
    return d / (rules.sqrt(v) + eps), v, b


def _nesterov_eps_inside(g: Any, v: Any, b: Any, rho: Any, gamma: Any, eps: Any) -> Any:
    r, v = rules.rmsprop(g, v, rho, eps, True)
    d, b = rules.heavy_ball(r, b, gamma, nesterov=True)
    return d, v, b


def _nesterov_dampened(g: Any, v: Any, b: Any, rho: Any, gamma: Any, eps: Any) -> Any:
    r, v = rules.rmsprop(g, v, rho, eps)
    d, b = rules.heavy_ball(r, b, gamma, gamma, nesterov=True)
    return d, v, b


NESTEROV = Exercise(
    name="rmsprop-nesterov-step",
    chapter="05_rmsprop_momentum",
    task="From g, v and b before the step, return Nesterov's direction d, the new average v and the new buffer b.",
    takes="g v b rho gamma eps",
    returns="d v b",
    reference=_nesterov,
    # A zero gradient first, then numbers of all sizes; and the same for arrays.
    cases=(
        Case(
            {"v": 0.0, "b": 0.0, "rho": 0.9, "gamma": 0.6, "eps": EPS},
            {"g": [0.0, 3.0, -0.5, 0.02, 40.0, -1.0, 0.7, 2.0]},
        ),
        Case({"v": np.zeros(5), "b": np.zeros(5), "rho": 0.75, "gamma": 0.9, "eps": EPS}, {"g": list(_g)}),
        Case(
            {"v": np.full((2, 3), 4.0), "b": np.full((2, 3), -2.0), "rho": 0.5, "gamma": 0.8, "eps": EPS},
            {"g": list(np.full((3, 2, 3), -1.5))},
        ),
    ),
    mistakes=(
        Mistake(
            "heavy ball",
            rules.rmsprop_momentum,
            "Your direction is the new buffer itself, so that nothing looks ahead. Adding γ times the old buffer to "
            "RMSprop's direction comes to the same: that sum is the new buffer.",
            read="A heavy ball that is fed directions",
        ),
        Mistake(
            "γ missing before the buffer",
            _buffer_added_whole,
            "You add the whole new buffer to RMSprop's direction. By the next step the buffer will have shrunk by γ.",
        ),
        Mistake(
            "looked ahead from the buffer",
            _ahead_of_the_buffer,
            "You add γ times the new buffer to the new buffer. The gradient was taken at a point that had already made "
            "the buffer's move, which is now made twice.",
        ),
        Mistake(
            "gradient not scaled",
            _gradient_ahead,
            "Your buffer holds scaled directions, and you add it to the gradient as it came. The sum depends on the "
            "unit of the loss.",
        ),
        Mistake(
            "direction kept as the buffer",
            _kept_the_direction,
            "The buffer that you return is the direction, which has looked ahead. Used as the buffer of the next step, "
            "it counts the look-ahead again and again.",
        ),
        Mistake(
            "momentum before the scaling",
            _nesterov_before_the_scaling,
            "Your buffer collects gradients, and the scaling comes last. Old gradients are then measured against the "
            "sizes of today.",
            read="Why after the scaling",
        ),
        Mistake(
            "dampened",
            _nesterov_dampened,
            "The new direction enters your buffer with the weight 1 − γ, as in an average. Here it enters in full.",
            read="A heavy ball that is fed directions",
        ),
        Mistake(
            "ε inside the root",
            _nesterov_eps_inside,
            "You add ε before taking the root, as Graves does. The equation here adds it afterwards.",
            read="A heavy ball that is fed directions",
        ),
        Mistake(
            "ρ and γ swapped",
            lambda g, v, b, rho, gamma, eps: _nesterov(g, v, b, gamma, rho, eps),
            "You decay the squares with γ and the buffer with ρ.",
        ),
    ),
    hints=(
        "RMSprop's direction is needed twice: where?",
        "With r for RMSprop's direction and the new v: the new b is gamma times b plus r, and the direction is r plus "
        "gamma times the new b.",
    ),
    read="Nesterov: look before you step",
)


def _steps(
    rates: Any, directions: Any, gamma: Any, dampening: Any = 0.0, rates_outside: Any = None
) -> tuple[np.ndarray, np.ndarray]:
    """Steps with the rate inside the buffer, and with the rate outside."""
    u: Any = 0.0
    b: Any = 0.0
    both = []
    for eta, r, outside in zip(rates, directions, rates if rates_outside is None else rates_outside, strict=True):
        _, u = rules.heavy_ball(eta * r, u, gamma, dampening)
        _, b = rules.heavy_ball(r, b, gamma, dampening)
        both.append((u, outside * b))
    inside, outside = np.array(both).T
    return inside, outside


def _extra_distance(rates: Any, directions: Any, gamma: Any, **options: Any) -> Any:
    inside, outside = _steps(rates, directions, gamma, **options)
    return np.sum(inside) - np.sum(outside)


def _coasted_to_the_end(rates: Any, directions: Any, gamma: Any) -> Any:
    _, outside = _steps(rates, directions, gamma)
    return gamma / (1 - gamma) * np.sum((rates[:-1] - rates[1:]) * (outside / rates)[:-1])


def _last_steps_only(rates: Any, directions: Any, gamma: Any) -> Any:
    inside, outside = _steps(rates, directions, gamma)
    return inside[-1] - outside[-1]


def _rate_twice(rates: Any, directions: Any, gamma: Any) -> Any:
    inside, outside = _steps(rates, directions, gamma)
    return np.sum(rates * inside) - np.sum(outside)


COAST = Exercise(
    name="momentum-rate-drop",
    chapter="05_rmsprop_momentum",
    task="Return how much further than the outside form the form with the rate inside has moved after all T steps.",
    takes="rates directions gamma",
    returns="extra",
    reference=_extra_distance,
    cases=(
        Case({"rates": np.repeat([1.0, 0.1], 4), "directions": np.ones(8), "gamma": 0.9}),
        Case({"rates": np.array([0.25, 0.5, 0.75, 1.0, 1.0]), "directions": np.ones(5), "gamma": 0.5}),
        Case({"rates": _rng.uniform(0.1, 2.0, 12), "directions": _rng.normal(0.5, 1.0, 12), "gamma": 0.8}),
    ),
    mistakes=(
        Mistake(
            "outside minus inside",
            lambda rates, directions, gamma: -_extra_distance(rates, directions, gamma),
            "You subtract the other way round: after a drop of the rate it is the inside form that has gone further.",
        ),
        Mistake(
            "size without sign",
            lambda rates, directions, gamma: abs(_extra_distance(rates, directions, gamma)),
            "You return how far apart the two forms are. The sign belongs to the answer: in a warm-up the inside form "
            "lags behind, and its extra distance is negative.",
        ),
        Mistake(
            "coasted to the end",
            _coasted_to_the_end,
            "You return the extra distance that there will be in the end, if the rate stays as it is. After T steps "
            "the buffer has not yet been coasted out.",
        ),
        Mistake(
            "last steps only",
            _last_steps_only,
            "You compare the last steps of the two forms. What is asked for is how far apart all steps together have "
            "carried the parameters.",
        ),
        Mistake(
            "dampened",
            lambda rates, directions, gamma: _extra_distance(rates, directions, gamma, dampening=gamma),
            "The new direction enters your buffers with the weight 1 − γ, so that every step, and the difference with "
            "them, is 1 − γ times as long.",
            read="How much further: the same rate means ten times the distance",
        ),
        Mistake(
            "new direction decayed at once",
            lambda rates, directions, gamma: gamma * _extra_distance(rates, directions, gamma),
            "You multiply by γ after the new direction has been added to a buffer, so that all steps are γ times as "
            "long as they should be.",
            read="A heavy ball that is fed directions",
        ),
        Mistake(
            "rate applied twice",
            _rate_twice,
            "In the inside form you multiply by the rate when the buffer is filled, and again when it is used.",
        ),
        Mistake(
            "inside form alone",
            lambda rates, directions, gamma: np.sum(_steps(rates, directions, gamma)[0]),
            "You return the distance of the inside form. How far has the outside form come by then?",
        ),
        Mistake(
            "the next step's rate",
            lambda rates, directions, gamma: _extra_distance(
                rates, directions, gamma, rates_outside=np.append(rates[1:], rates[-1])
            ),
            "In the outside form you use the buffer with the rate of the next step.",
        ),
    ),
    hints=(
        "Two buffers, filled in one loop from the same directions. Where does the rate stand in each?",
        "At each step: u becomes gamma*u + eta*r, and b becomes gamma*b + r. Add u - eta*b to what you return.",
    ),
    read="The learning rate inside or outside the buffer",
)


def _positive_zero(a: Any, b: Any, c: Any) -> Any:
    """The larger zero of a quadratic, for a > 0."""
    return (-b + rules.sqrt(b * b - 4 * a * c)) / (2 * a)


LIMIT = Exercise(
    name="momentum-two-cycle",
    chapter="05_rmsprop_momentum",
    task="Return, for a decay rho, the momentum gamma below which the two-cycle attracts and above which it does not.",
    takes="rho",
    returns="gamma",
    reference=lambda rho: _positive_zero(rho, 1 + 3 * rho, -1),
    cases=(Case({"rho": 0.9}), Case({"rho": np.array([0.05, 0.25, 0.5, 0.75, 0.99])})),
    mistakes=(
        Mistake(
            "square dropped",
            lambda rho: 1 / (1 + 3 * rho),
            "You have left out the square of γ. The limit is then a little too high, and a cycle just below it is "
            "thought to attract.",
        ),
        Mistake(
            "right side taken as one",
            lambda rho: _positive_zero(rho, 3 * rho, -1),
            "You have set γ(3 + γ)ρ equal to 1. Its right side falls as γ rises, and for a small ρ your limit lies "
            "above one.",
        ),
        Mistake(
            "the same for every ρ",
            lambda rho: 5**0.5 - 2 + 0 * rho,
            "You return the momentum below which the cycle attracts whatever ρ is. For a smaller ρ it attracts beyond "
            "that.",
        ),
        Mistake(
            "the other zero",
            lambda rho: -1 / rho / _positive_zero(rho, 1 + 3 * rho, -1),
            "Your quadratic equation is right, and you took its other zero. That one is negative.",
        ),
        Mistake(
            "sign of the constant",
            lambda rho: _positive_zero(rho, 1 + 3 * rho, 1),
            "In your quadratic equation the constant has the wrong sign: both zeros are then negative.",
        ),
        Mistake(
            "leading coefficient forgotten in the division",
            lambda rho: rho * _positive_zero(rho, 1 + 3 * rho, -1),
            "You divide by 2 where the formula for the zeros divides by twice the coefficient of γ².",
        ),
        Mistake(
            "solved for ρ",
            lambda rho: (1 - rho) / (rho * (3 + rho)),
            "You solved for ρ: this is the decay up to which the cycle attracts, with your argument as the momentum.",
        ),
    ),
    hints=(
        "At the limit the two sides of the condition are equal. What kind of equation in γ is that?",
        "Ordered by powers of γ: rho*γ² + (1 + 3*rho)*γ − 1 = 0. Return its positive zero.",
    ),
    read="How a run with a constant rate ends",
)

EXERCISES = (CLASS, NESTEROV, COAST, LIMIT)
