"""The exercises of chapter 5, RMSprop with momentum."""

from dataclasses import replace
from typing import Any

import numpy as np

from rmsprop_lib import rules
from rmsprop_lib.exercises import fillings
from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake, Slot
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


def _momentum(buffered: Any, ahead: Any, kept_buffer: Any, decays: Any, order: Any, **choices: Any) -> Any:
    """RMSprop with momentum as a product of choices: a function (g, v, b, rho, gamma, eps) → d, v, b."""

    def step(g: Any, v: Any, b: Any, rho: Any, gamma: Any, eps: Any) -> Any:
        rho, gamma = decays(rho, gamma)

        def scaled(g: Any, numerator: Any = choices["numerator"]) -> Any:
            return fillings.adaptive_step(**{**choices, "numerator": numerator})(g, v, rho, eps)

        def moved(r: Any) -> Any:
            new = buffered(b, r, gamma)
            d = ahead(r, b, new, gamma)
            return d, kept_buffer(new, d)

        return order(g, scaled, moved, gamma)

    return step


def _in_order(g: Any, scaled: Any, moved: Any, gamma: Any) -> Any:
    r, v = scaled(g)
    d, b = moved(r)
    return d, v, b


def _before_the_scaling(g: Any, scaled: Any, moved: Any, gamma: Any) -> Any:
    d, b = moved(g)
    return *scaled(g, lambda g: d), b


def _squares_of_the_buffer(g: Any, scaled: Any, moved: Any, gamma: Any) -> Any:
    d, b = moved(g)
    return *scaled(d), b


_ORDER = Slot(
    "order",
    _in_order,
    (
        Mistake(
            "momentum before the scaling",
            _before_the_scaling,
            "Your buffer collects gradients, and what you divide by the root is the buffer. Old gradients are then "
            "measured against the sizes of today, and large ones of the past can set off a burst.",
            read="Why after the scaling",
        ),
        Mistake(
            "RMSprop fed with the buffer",
            _squares_of_the_buffer,
            "You feed the momentum's buffer to RMSprop, so that even the squares are those of the buffer. It is the "
            "other way round: a heavy ball is fed RMSprop's directions.",
        ),
    ),
)

_DECAYS = Slot(
    "decays",
    lambda rho, gamma: (rho, gamma),
    (
        Mistake(
            "ρ and γ swapped",
            lambda rho, gamma: (gamma, rho),
            "You decay the squares with γ and the buffer with ρ.",
        ),
        Mistake(
            "ρ for both",
            lambda rho, gamma: (rho, rho),
            "You decay the buffer with ρ, as the squares. It has a momentum of its own.",
        ),
        Mistake(
            "γ for both",
            lambda rho, gamma: (gamma, gamma),
            "You decay the squares with γ, as the buffer. They have a decay of their own.",
        ),
    ),
)

_STEP_READ = "A heavy ball that is fed directions"
_SCALING = (
    fillings.squared("v"),
    fillings.averaged("v", "ρ"),
    fillings.used("v"),
    fillings.root("v"),
    fillings.epsilon(read=_STEP_READ),
    fillings.quotient(),
    fillings.numerator(),
    fillings.kept("v"),
)
_BUFFERED = fillings.buffered(
    read="How much further: the same rate means ten times the distance", faded="A heavy ball that is fed directions"
)

# What of the direction and the buffers is the move, where there is no look-ahead.
_MOVE = Slot(
    "ahead",
    lambda r, old, new, gamma: new,
    (
        Mistake(
            "old buffer used",
            lambda r, old, new, gamma: old + 0 * new,
            "You move by the buffer as it was before this gradient entered: every gradient acts a step late, and the "
            "first step does not move at all.",
        ),
        Mistake(
            "Nesterov's form",
            lambda r, old, new, gamma: r + gamma * new,
            "You add γ times the new buffer to the direction: that is Nesterov's form, a good method, but another.",
            read="Nesterov: look before you step",
        ),
        Mistake(
            "direction and buffer added",
            lambda r, old, new, gamma: r + new,
            "You move by the direction and the buffer together. The direction is in the new buffer already.",
        ),
    ),
)

_KEPT_BUFFER = Slot(
    "kept_buffer",
    lambda new, d: new,
    (
        Mistake(
            "direction kept as the buffer",
            lambda new, d: d,
            "The buffer that you return is the direction, which has looked ahead. Used as the buffer of the next step, "
            "it counts the look-ahead again and again.",
        ),
    ),
)


def _class(stepped: Any, begun: Any, remembered: Any, rate: Any, **choices: Any) -> Any:
    """A class made with (lr, rho, gamma, eps) as a product of choices, those of the step among them."""
    given, left = rate()

    class Own:
        def __init__(self, lr: float, rho: float, gamma: float, eps: float) -> None:
            self.lr, self.rho, self.gamma, self.eps = lr, rho, gamma, eps
            self.v: Any = None
            self.b: Any = 0.0

        def step(self, theta: Any, g: Any) -> Any:
            if self.v is None:
                self.v = begun(choices["squared"](given(self.lr, g)))
            direction = _momentum(kept_buffer=_KEPT_BUFFER.right, **choices)
            d, v, b = direction(given(self.lr, g), self.v, self.b, self.rho, self.gamma, self.eps)
            self.v, self.b = remembered(self.v, v), b
            return stepped(theta, left(self.lr), d)

    return Own


class _Written:
    """The class as a reader may write it."""

    def __init__(self, lr: float, rho: float, gamma: float, eps: float) -> None:
        self.lr, self.rho, self.gamma, self.eps = lr, rho, gamma, eps
        self.v: Any = 0.0
        self.b: Any = 0.0

    def step(self, theta: Any, g: Any) -> Any:
        self.v = self.rho * self.v + (1 - self.rho) * g * g
        self.b = self.gamma * self.b + g / (rules.sqrt(self.v) + self.eps)
        return theta - self.lr * self.b


_RATE = Slot(
    "rate",
    fillings.both(lambda lr, g: g, lambda lr: lr),
    (
        Mistake(
            "rate before the scaling",
            fillings.both(lambda lr, g: lr * g, lambda lr: lr),
            "You multiply the gradient by the rate before it is squared. The rate then cancels in the quotient, up to "
            "ε.",
        ),
        Mistake(
            "rate twice",
            fillings.both(lambda lr, g: g, lambda lr: lr * lr),
            "The rate is in your step twice, once when the buffer is filled and once when it is used.",
            read="The learning rate inside or outside the buffer",
        ),
    ),
)

_OF_THE_CLASS = (
    _ORDER,
    # A sign in the buffer and one in the step look alike.
    *fillings.without([_BUFFERED], "direction subtracted in the buffer"),
    _MOVE,
    _DECAYS,
    fillings.stepped(),
    fillings.begun("the average"),
    fillings.remembered("the average"),
    _RATE,
    *fillings.without(_SCALING, "average begun anew at every call"),
)
_RARE = (
    "one sum for all elements",
    "both with the same weight",
    "both with the weight of the new",
    "largest, not average",
    "old and new v added",
    "root taken twice",
    "squared instead of a root",
    "ε² inside the root",
    "root of ε",
    "ε subtracted",
    "ε as a lower limit",
    "ε in both places",
    "square in the numerator",
    "size in the numerator",
    "an average, with its weights swapped",
    "direction subtracted in the buffer",
    "γ squared",
    "ρ for both",
    "γ for both",
)
_LIKELY_OF_THE_CLASS, _ALONE_OF_THE_CLASS = fillings.apart(
    _class,
    _OF_THE_CLASS,
    (
        *(name for name in _RARE if name != "direction subtracted in the buffer"),
        "direction returned, not the parameter",
        "change returned, not the parameter",
        "divided by the rate",
        "direction and buffer added",
        "no average",
        "quotient upside down",
        "sign in the numerator",
    ),
)


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
    slots=_LIKELY_OF_THE_CLASS,
    built=_class,
    solution=_Written,
    mistakes=_ALONE_OF_THE_CLASS,
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


def _gradient_not_scaled(g: Any, scaled: Any, moved: Any, gamma: Any) -> Any:
    r, v = scaled(g)
    d, b = moved(r)
    return d - r + g, v, b


# What of the direction and the buffers is Nesterov's direction.
_AHEAD = Slot(
    "ahead",
    lambda r, old, new, gamma: r + gamma * new,
    (
        Mistake(
            "heavy ball",
            lambda r, old, new, gamma: new,
            "Your direction is the new buffer itself, so that nothing looks ahead. Adding γ times the old buffer to "
            "RMSprop's direction comes to the same: that sum is the new buffer.",
            read="A heavy ball that is fed directions",
        ),
        Mistake(
            "γ missing before the buffer",
            lambda r, old, new, gamma: r + new,
            "You add the whole new buffer to RMSprop's direction. By the next step the buffer will have shrunk by γ.",
        ),
        Mistake(
            "looked ahead from the buffer",
            lambda r, old, new, gamma: (1 + gamma) * new,
            "You add γ times the new buffer to the new buffer. The gradient was taken at a point that had already made "
            "the buffer's move, which is now made twice.",
        ),
        Mistake(
            "buffer left out of the direction",
            lambda r, old, new, gamma: r + 0 * new,
            "Your direction is RMSprop's: the buffer is kept and never used.",
        ),
        Mistake(
            "buffer subtracted in the direction",
            lambda r, old, new, gamma: r - gamma * new,
            "You subtract the buffer where it is added: your direction looks back.",
        ),
        Mistake(
            "RMSprop's direction left out",
            lambda r, old, new, gamma: gamma * new,
            "Your direction is γ times the new buffer. That is where the buffer will lead by itself; the new direction "
            "comes to it.",
        ),
        Mistake(
            "γ before the wrong term of the direction",
            lambda r, old, new, gamma: gamma * r + new,
            "You multiply RMSprop's direction by γ and take the buffer whole.",
        ),
        Mistake(
            "looked ahead with γ twice",
            lambda r, old, new, gamma: r + gamma * gamma * new,
            "You look ahead by γ² times the new buffer: it fades once by the next step, not twice.",
        ),
        Mistake(
            "weighted sum of the two",
            lambda r, old, new, gamma: (1 - gamma) * r + gamma * new,
            "You take an average of RMSprop's direction and the buffer. The direction enters in full.",
        ),
        Mistake(
            "old buffer used",
            lambda r, old, new, gamma: old + 0 * new,
            "Your direction is the buffer as it was before this gradient entered: every gradient acts a step late.",
        ),
    ),
)

_OF_NESTEROV = (
    _AHEAD,
    _BUFFERED,
    replace(
        _ORDER,
        wrong=(
            *_ORDER.wrong,
            Mistake(
                "gradient not scaled",
                _gradient_not_scaled,
                "Your buffer holds scaled directions, and you add it to the gradient as it came. The sum depends on "
                "the unit of the loss.",
            ),
        ),
    ),
    _KEPT_BUFFER,
    _DECAYS,
    *_SCALING,
)
_LIKELY, _ALONE = fillings.apart(_momentum, _OF_NESTEROV, _RARE)


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
    slots=_LIKELY,
    built=_momentum,
    mistakes=_ALONE,
    hints=(
        "RMSprop's direction is needed twice: where?",
        "With r for RMSprop's direction and the new v: the new b is gamma times b plus r, and the direction is r plus "
        "gamma times the new b.",
    ),
    read="Nesterov: look before you step",
)


def _steps(rates: Any, directions: Any, gamma: Any) -> tuple[np.ndarray, np.ndarray]:
    """Steps with the rate inside the buffer, and with the rate outside."""
    u: Any = 0.0
    b: Any = 0.0
    both = []
    for eta, r in zip(rates, directions, strict=True):
        _, u = rules.heavy_ball(eta * r, u, gamma)
        _, b = rules.heavy_ball(r, b, gamma)
        both.append((u, eta * b))
    inside, outside = np.array(both).T
    return inside, outside


def _extra_distance(rates: Any, directions: Any, gamma: Any) -> Any:
    inside, outside = _steps(rates, directions, gamma)
    return np.sum(inside) - np.sum(outside)


def _coasted_to_the_end(rates: Any, directions: Any, gamma: Any) -> Any:
    _, outside = _steps(rates, directions, gamma)
    return gamma / (1 - gamma) * np.sum((rates[:-1] - rates[1:]) * (outside / rates)[:-1])


def _dampened(b: Any, r: Any, gamma: Any) -> Any:
    return gamma * b + (1 - gamma) * r


_COAST_SLOTS = (
    # Subtracted in both buffers it is the same as the difference turned round.
    *fillings.without(
        [
            fillings.buffered(
                read="How much further: the same rate means ten times the distance",
                faded="A heavy ball that is fed directions",
            )
        ],
        "direction subtracted in the buffer",
    ),
    # How the buffer of the inside form is filled, and how that of the outside form.
    Slot(
        "forms",
        lambda buffered: (buffered, buffered),
        (
            Mistake(
                "outside form dampened",
                lambda buffered: (buffered, _dampened),
                "In the outside form alone the new direction enters the buffer with the weight 1 − γ. The two forms "
                "are then apart even where the rate never changes.",
                read="How much further: the same rate means ten times the distance",
            ),
            Mistake(
                "inside form dampened",
                lambda buffered: (_dampened, buffered),
                "In the inside form alone what is new enters the buffer with the weight 1 − γ. The two forms are then "
                "apart even where the rate never changes.",
                read="How much further: the same rate means ten times the distance",
            ),
            Mistake(
                "outside form without momentum",
                lambda buffered: (buffered, lambda b, r, gamma: r),
                "Your outside form has no momentum: its steps are the directions, times the rate.",
            ),
            Mistake(
                "inside form without momentum",
                lambda buffered: (lambda u, x, gamma: x, buffered),
                "Your inside form has no momentum: its steps are the directions, times the rate.",
            ),
        ),
    ),
    # With which buffers the steps are made: a function of both before a direction has entered, and after.
    Slot(
        "used",
        lambda before, after: after,
        (
            Mistake(
                "outside form with the old buffer",
                lambda before, after: (after[0], before[1]),
                "The step of your outside form uses the buffer as it was before this direction entered.",
                read="A heavy ball that is fed directions",
            ),
            Mistake(
                "inside form with the old buffer",
                lambda before, after: (before[0], after[1]),
                "The step of your inside form is the buffer as it was before what is new entered.",
                read="A heavy ball that is fed directions",
            ),
            Mistake(
                "both with the old buffers",
                lambda before, after: before,
                "Both forms step with the buffers as they were before this direction entered.",
                read="A heavy ball that is fed directions",
            ),
        ),
    ),
    Slot(
        "directions",
        lambda r: r,
        (
            Mistake(
                "directions taken to be 1",
                lambda r: 1.0 + 0 * r,
                "You add 1 to the buffers at every step. Each step has a direction of its own.",
            ),
            Mistake(
                "sizes of the directions",
                abs,
                "You add the sizes of the directions to the buffers. Directions of either sign should cancel there.",
            ),
        ),
    ),
    Slot(
        "fed",
        lambda eta, r: eta * r,
        (
            Mistake(
                "no rate inside",
                lambda eta, r: r,
                "In the inside form your steps have no rate at all. A drop of the rate then changes nothing in them.",
            ),
            Mistake(
                "divided by the rate inside",
                lambda eta, r: r / eta,
                "In the inside form you divide by the rate.",
            ),
            Mistake(
                "rate squared inside",
                lambda eta, r: eta * eta * r,
                "In the inside form you multiply by the rate twice before the direction enters the buffer.",
            ),
        ),
    ),
    Slot(
        "inside",
        lambda eta, u: u,
        (
            Mistake(
                "rate applied twice",
                lambda eta, u: eta * u,
                "In the inside form you multiply by the rate when the buffer is filled, and again when it is used.",
            ),
        ),
    ),
    Slot(
        "rates",
        lambda rates: rates,
        (
            Mistake(
                "the next step's rate",
                lambda rates: np.append(rates[1:], rates[-1]),
                "In the outside form you use the buffer with the rate of the next step.",
            ),
            Mistake(
                "the rate of the step before",
                lambda rates: np.append(rates[:1], rates[:-1]),
                "In the outside form you use the buffer with the rate of the step before.",
            ),
            Mistake(
                "the last rate outside",
                lambda rates: rates[-1] + 0 * rates,
                "In the outside form you multiply all steps by the last rate. Each is multiplied by the rate of its "
                "own step.",
            ),
            Mistake(
                "the first rate outside",
                lambda rates: rates[0] + 0 * rates,
                "In the outside form you multiply all steps by the first rate. Each is multiplied by the rate of "
                "its own step.",
            ),
            Mistake(
                "no rate outside",
                lambda rates: 1.0 + 0 * rates,
                "In the outside form your steps have no rate at all. A drop of the rate then changes nothing in them.",
            ),
        ),
    ),
    Slot(
        "difference",
        lambda inside, outside: inside - outside,
        (
            Mistake(
                "outside minus inside",
                lambda inside, outside: outside - inside,
                "You subtract the other way round: after a drop of the rate it is the inside form that has gone "
                "further.",
            ),
            Mistake(
                "inside form alone",
                lambda inside, outside: inside,
                "You return the distance of the inside form. How far has the outside form come by then?",
            ),
            Mistake(
                "outside form alone",
                lambda inside, outside: outside,
                "You return the distance of the outside form. How far has the inside form come by then?",
            ),
            Mistake(
                "size of each difference",
                lambda inside, outside: abs(inside - outside),
                "You add up how far apart the steps of the two forms are. Where first the one form takes the longer "
                "steps and then the other, the differences cancel in the distance.",
            ),
            Mistake(
                "both added",
                lambda inside, outside: inside + outside,
                "You add the distances of the two forms.",
            ),
        ),
    ),
    Slot(
        "total",
        np.sum,
        (
            Mistake(
                "last steps only",
                lambda x: x[-1],
                "You compare the last steps of the two forms. What is asked for is how far apart all steps together "
                "have carried the parameters.",
            ),
            Mistake(
                "last steps left out",
                lambda x: np.sum(x[:-1]),
                "Your sum ends one step too early: the last steps are not in it.",
            ),
            Mistake(
                "mean instead of sum",
                np.mean,
                "You return the mean over the steps. How far they lead is their sum.",
            ),
            Mistake(
                "size without sign",
                lambda x: abs(np.sum(x)),
                "You return how far apart the two forms are. The sign belongs to the answer: in a warm-up the "
                "inside form lags behind, and its extra distance is negative.",
            ),
        ),
    ),
)


def _coasting(
    buffered: Any,
    forms: Any,
    used: Any,
    directions: Any,
    fed: Any,
    inside: Any,
    rates: Any,
    difference: Any,
    total: Any,
) -> Any:
    into_u, into_b = forms(buffered)

    def extra(etas: Any, rs: Any, gamma: Any) -> Any:
        u: Any = 0.0
        b: Any = 0.0
        apart = []
        for eta, r, outside in zip(etas, directions(np.asarray(rs)), rates(np.asarray(etas)), strict=True):
            before = u, b
            u, b = into_u(u, fed(eta, r), gamma), into_b(b, r, gamma)
            of_inside, of_outside = used(before, (u, b))
            apart.append(difference(inside(eta, of_inside), outside * of_outside))
        return total(np.array(apart))

    return extra


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
    slots=_COAST_SLOTS,
    built=_coasting,
    mistakes=(
        Mistake(
            "coasted to the end",
            _coasted_to_the_end,
            "You return the extra distance that there will be in the end, if the rate stays as it is. After T steps "
            "the buffer has not yet been coasted out.",
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


_LIMIT_SLOTS = (
    Slot(
        "leading",
        lambda rho: rho,
        (
            Mistake(
                "leading coefficient taken to be 1",
                lambda rho: 1.0 + 0 * rho,
                "In your quadratic equation γ² has the coefficient 1. The ρ of the product stands before it.",
            ),
            Mistake(
                "3 in the leading coefficient",
                lambda rho: 3 * rho,
                "In your quadratic equation γ² has the coefficient 3ρ. The 3 belongs to γ alone.",
            ),
        ),
    ),
    Slot(
        "linear",
        lambda rho: 1 + 3 * rho,
        (
            Mistake(
                "right side taken as one",
                lambda rho: 3 * rho,
                "You have set γ(3 + γ)ρ equal to 1. Its right side falls as γ rises, and for a small ρ your limit "
                "lies above one.",
            ),
            Mistake(
                "sign in the coefficient of γ",
                lambda rho: 1 - 3 * rho,
                "In your quadratic equation γ has the coefficient 1 − 3ρ. Both terms with γ stand on the same side.",
            ),
            Mistake(
                "right side rises",
                lambda rho: 3 * rho - 1,
                "In your quadratic equation γ has the coefficient 3ρ − 1, as if the right side were 1 + γ. It falls "
                "as γ rises.",
            ),
            Mistake(
                "3 forgotten",
                lambda rho: 1 + rho,
                "In your quadratic equation γ has the coefficient 1 + ρ: the 3 is missing.",
            ),
            Mistake(
                "1 and 3 exchanged",
                lambda rho: 3 + rho,
                "In your quadratic equation γ has the coefficient 3 + ρ: the ρ stands at the wrong term.",
            ),
        ),
    ),
    Slot(
        "constant",
        -1.0,
        (
            Mistake(
                "sign of the constant",
                1.0,
                "Under the root the constant of your quadratic equation has the wrong sign. With it both zeros are "
                "negative.",
            ),
        ),
    ),
    Slot(
        "inside",
        lambda a, b, c: b * b - 4 * a * c,
        (
            Mistake(
                "4 forgotten",
                lambda a, b, c: b * b - a * c,
                "Under your root there is no 4.",
            ),
            Mistake(
                "2 for 4",
                lambda a, b, c: b * b - 2 * a * c,
                "Under your root stands a 2 where a 4 belongs.",
            ),
            Mistake(
                "square under the root forgotten",
                lambda a, b, c: b - 4 * a * c,
                "Under your root the coefficient of γ is not squared.",
            ),
            Mistake(
                "leading coefficient missing under the root",
                lambda a, b, c: b * b - 4 * c + 0 * a,
                "Under your root the coefficient of γ² is missing.",
            ),
        ),
    ),
    Slot(
        "root",
        rules.sqrt,
        (
            Mistake(
                "root forgotten",
                lambda x: x,
                "You have not taken the root of what stands under it.",
            ),
        ),
    ),
    Slot(
        "zero",
        lambda divided, b, root: divided(root - b),
        (
            Mistake(
                "the other zero",
                lambda divided, b, root: divided(-root - b),
                "You took the other zero of your quadratic equation. That one is negative.",
            ),
            Mistake(
                "sign of b",
                lambda divided, b, root: divided(root + b),
                "You add the coefficient of γ to the root. The formula for the zeros subtracts it.",
            ),
            Mistake(
                "only the root divided",
                lambda divided, b, root: divided(root) - b,
                "You divide the root alone: a division comes before an addition unless parentheses say otherwise.",
            ),
        ),
    ),
    Slot(
        "divided",
        lambda x, a: x / (2 * a),
        (
            Mistake(
                "leading coefficient forgotten in the division",
                lambda x, a: x / 2 + 0 * a,
                "You divide by 2 where the formula for the zeros divides by twice the coefficient of γ².",
            ),
            Mistake(
                "2 forgotten in the division",
                lambda x, a: x / a,
                "You divide by the coefficient of γ². The formula for the zeros divides by twice that.",
            ),
            Mistake(
                "divided by 2, then multiplied",
                lambda x, a: x / 2 * a,
                "You divide by 2 and multiply by the coefficient of γ²: without parentheses Python goes from left "
                "to right.",
            ),
            Mistake(
                "not divided",
                lambda x, a: x + 0 * a,
                "You have not divided by twice the coefficient of γ².",
            ),
        ),
    ),
)


def _limiting(leading: Any, linear: Any, constant: float, inside: Any, root: Any, zero: Any, divided: Any) -> Any:
    """The zero of a quadratic as a product of choices."""

    def limit(rho: Any) -> Any:
        a, b = leading(rho), linear(rho)
        return zero(lambda x: divided(x, a), b, root(inside(a, b, constant)))

    return limit


LIMIT = Exercise(
    name="momentum-two-cycle",
    chapter="05_rmsprop_momentum",
    task="Return, for a decay rho, the momentum gamma below which the two-cycle attracts and above which it does not.",
    takes="rho",
    returns="gamma",
    reference=lambda rho: _positive_zero(rho, 1 + 3 * rho, -1),
    cases=(Case({"rho": 0.9}), Case({"rho": np.array([0.05, 0.25, 0.5, 0.75, 0.99])})),
    slots=_LIMIT_SLOTS,
    built=_limiting,
    mistakes=(
        Mistake(
            "square dropped",
            lambda rho: 1 / (1 + 3 * rho),
            "You have left out the square of γ. The limit is then a little too high, and a cycle just below it is "
            "thought to attract.",
        ),
        Mistake(
            "the same for every ρ",
            lambda rho: 5**0.5 - 2 + 0 * rho,
            "You return the momentum below which the cycle attracts whatever ρ is. For a smaller ρ it attracts beyond "
            "that.",
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
