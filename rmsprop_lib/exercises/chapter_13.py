"""The exercises of chapter 13, Precision."""

from typing import Any

import numpy as np

from rmsprop_lib import rules
from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake
from rmsprop_lib.extras import naming_extras


def _average_ends(g: float, rho: float, p: int) -> float:
    """Run until it stands still: the library's rule on Torch's own numbers of p bits."""
    with naming_extras():
        import torch  # here, for the other exercises do without it

    g_rounded = torch.tensor(g, dtype={8: torch.bfloat16, 11: torch.float16}[int(p)])
    before, v = None, torch.zeros_like(g_rounded)
    while before is None or v != before:
        before, v = v, rules.rmsprop(g_rounded, v, rho, 0.0)[1]
    return float(v)


def _power(y: float, p: int, rounded: Any = np.ceil) -> Any:
    """A power of two near y/u."""
    return 2.0 ** rounded(np.log2(y * 2.0**p))


AVERAGE = Exercise(
    name="average-ends",
    chapter="13_precision",
    task="Where v, from 0, comes to rest in a format of p bits when every gradient is g, for a decay with 1 − ρ ≤ u/2.",
    takes="g rho p",
    returns="end",
    reference=_average_ends,
    cases=(
        Case({"g": 3.0, "rho": 0.999, "p": 8}),
        Case({"g": 0.75, "rho": 0.9985, "p": 8}),
        Case({"g": 10.0, "rho": 0.9999, "p": 8}),
        Case({"g": 2.0, "rho": 1 - 2.0**-11, "p": 8}),
        Case({"g": 5.0, "rho": 0.9998, "p": 11}),
    ),
    mistakes=(
        Mistake(
            "exact arithmetic",
            lambda g, rho, p: g**2,
            "You return what the average tends to in exact arithmetic. Here it stops short of that, or goes beyond it.",
        ),
        Mistake(
            "a sum, not an average",
            lambda g, rho, p: _power(g**2, p),
            "You let the square be added whole, or nearly, at every step, as in AdaGrad's sum. An average takes in a "
            "small part of each square.",
            read="A sum that stops counting",
        ),
        Mistake(
            "square forgotten",
            lambda g, rho, p: _power((1 - rho) * g, p),
            "You put g itself into the average. RMSprop averages squares.",
        ),
        Mistake(
            "not a power of two",
            lambda g, rho, p: (1 - rho) * g**2 * 2.0**p,
            "You return y/u itself, where the increment would be half a gap if gaps grew evenly. They stay the same "
            "from one power of two to the next, so that v runs on to the end of that stretch.",
            read="A sum that stops counting",
        ),
        Mistake(
            "rounded down",
            lambda g, rho, p: _power((1 - rho) * g**2, p, np.floor),
            "You round the exponent down. At that v the increment is still more than half a gap, and v moves on.",
            read="A sum that stops counting",
        ),
        Mistake(
            "the nearest power of two",
            lambda g, rho, p: _power((1 - rho) * g**2, p, np.rint),
            "You take the power of two that is nearest to y/u. Where it lies below y/u, the increment there is still "
            "more than half a gap, and v moves on.",
            read="A sum that stops counting",
        ),
        Mistake(
            "always the next power of two",
            lambda g, rho, p: 2 * _power((1 - rho) * g**2, p, np.floor),
            "Nearly. When y/u is a power of two itself you go one too far: there the increment is exactly half a gap, "
            "which is a tie.",
            read="A sum that stops counting",
        ),
        Mistake(
            "u taken twice too large",
            lambda g, rho, p: _power((1 - rho) * g**2, p) / 2,
            "Your end is one power of two too low. Is your u the distance from 1 to the next number? The unit roundoff "
            "is half of that.",
            read="Numbers with p bits",
        ),
    ),
    hints=(
        "Such an average only rises, like a sum. Of which summands? And where does such a sum end?",
        "The summand is y = (1 − ρ) g². The end is the smallest power of two that is at least y/u, with u = 2⁻ᵖ.",
    ),
    read="An average that stands still",
)


def _neighbours(x: Any, p: int, emin: int, bits: int = 0) -> Any:
    """Gap at x, lower neighbour, chance of the upper one; ``bits`` more than p to go wrong by."""
    _, exponent = np.frexp(x)
    gap = np.ldexp(1.0, np.maximum(exponent - 1, emin) - (p + bits) + 1)
    lower = np.floor(x / gap) * gap
    return gap, lower, (x - lower) / gap


def _stochastic(x: Any, p: int, emin: int) -> Any:
    return _neighbours(x, p, emin)[1:]


def _towards_zero(x: Any, p: int, emin: int) -> Any:
    gap = _neighbours(x, p, emin)[0]
    lower = np.trunc(x / gap) * gap
    return lower, abs(x - lower) / gap


def _nearest(x: Any, p: int, emin: int) -> Any:
    gap = _neighbours(x, p, emin)[0]
    lower = np.rint(x / gap) * gap
    return lower, abs(x - lower) / gap


def _upper(x: Any, p: int, emin: int) -> Any:
    gap, _, chance = _neighbours(x, p, emin)
    return np.ceil(x / gap) * gap, chance


def _downwards(x: Any, p: int, emin: int) -> Any:
    _, lower, chance = _neighbours(x, p, emin)
    return lower, 1 - chance


def _distance(x: Any, p: int, emin: int) -> Any:
    lower = _neighbours(x, p, emin)[1]
    return lower, x - lower


def _even(x: Any, p: int, emin: int) -> Any:
    lower = _neighbours(x, p, emin)[1]
    return lower, 0 * lower + 0.5


def _same_gap_everywhere(x: Any, p: int, emin: int) -> Any:
    gap = 2.0 ** (1 - p)
    lower = np.floor(x / gap) * gap
    return lower, (x - lower) / gap


_x = np.random.default_rng(13).uniform(0.3, 9.0, 8) * [1, -1, 1, -1, 1, -1, 1, -1]

STOCHASTIC = Exercise(
    name="stochastic-chance",
    chapter="13_precision",
    task="The largest number of the format that is not above x, and the chance with which x is rounded up.",
    takes="x p emin",
    returns="lower chance",
    reference=_stochastic,
    cases=(
        Case({"x": 0.7, "p": 8, "emin": -126}),
        Case({"x": -1.3, "p": 4, "emin": -14}),
        Case({"x": np.array([1.0, -2.0, 3.0, 1000.0, -0.1]), "p": 8, "emin": -126}),
        Case({"x": _x.astype(np.float32).astype(float), "p": 5, "emin": -14}),
        Case({"x": (1e-5 * _x).astype(np.float32).astype(float), "p": 5, "emin": -14}),
    ),
    mistakes=(
        Mistake(
            "towards zero",
            _towards_zero,
            "For a negative number you return the neighbour that is nearer to zero, which is the upper one.",
        ),
        Mistake(
            "to nearest",
            _nearest,
            "You return the nearest number. For about half of all x that is the upper neighbour.",
        ),
        Mistake(
            "the upper neighbour",
            _upper,
            "Your chance is right, and the number you return is the neighbour above x.",
        ),
        Mistake(
            "chance of going down",
            _downwards,
            "Your chance is that of rounding down. A number that is in the format would then always be moved up.",
        ),
        Mistake(
            "distance not divided by the gap",
            _distance,
            "You return how far x lies above its lower neighbour. A chance is that distance in units of the gap.",
        ),
        Mistake(
            "a coin's chance",
            _even,
            "You round up in half of all cases, wherever x lies. The mean is then the midpoint and not x.",
        ),
        Mistake(
            "gap twice too large",
            lambda x, p, emin: _neighbours(x, p, emin, -1)[1:],
            "Your numbers are twice as far apart as they should be, as if there were one bit fewer. "
            "(np.frexp puts the fraction between ½ "
            "and 1, so that its exponent is one larger than e.)",
            read="Numbers with p bits",
        ),
        Mistake(
            "gap twice too small",
            lambda x, p, emin: _neighbours(x, p, emin, 1)[1:],
            "Your numbers are only half as far apart as they should be: with p significant bits the "
            "leading one counts too.",
            read="Numbers with p bits",
        ),
        Mistake(
            "no subnormal numbers",
            lambda x, p, emin: _neighbours(x, p, -10_000)[1:],
            "Right for normal numbers. Below 2^emin your gap goes on shrinking, while that of the format does not.",
            read="Numbers with p bits",
        ),
        Mistake(
            "the same gap everywhere",
            _same_gap_everywhere,
            "You use the gap above 1 for every x. In a floating-point format it doubles at each power of two.",
            read="Numbers with p bits",
        ),
    ),
    hints=(
        "How far apart are the numbers around x? Then: how many such gaps fit below x, and what is left over?",
        "With 2^e ≤ |x| < 2^(e+1) the gap is 2^(max(e, emin) − p + 1). lower = gap·floor(x/gap), and the chance is "
        "(x − lower)/gap.",
    ),
    read="Weights that do not move",
)


def _kahan(theta: Any, c: Any, s: Any) -> Any:
    y = -s - c
    new = theta + y
    return new, (new - theta) - y


def _never_given_back(theta: Any, c: Any, s: Any) -> Any:
    return _kahan(theta, 0 * c, s)


def _wrong_sign_of_c(theta: Any, c: Any, s: Any) -> Any:
    return _kahan(theta, -c, s)


def _wrong_sign_of_the_new_c(theta: Any, c: Any, s: Any) -> Any:
    new, c = _kahan(theta, c, s)
    return new, -c


def _rounded_twice(theta: Any, c: Any, s: Any) -> Any:
    new = (theta - s) - c
    return new, (new - theta) + (s + c)


def _opposite(theta: Any, c: Any, s: Any) -> Any:
    new, c = _kahan(theta, -c, s)
    return new, -c


def _simplified(theta: Any, c: Any, s: Any) -> Any:
    return theta + (-s - c), 0 * c


def _in_double_precision(theta: Any, c: Any, s: Any) -> Any:
    return _kahan(np.float64(theta), np.float64(c), np.float64(s))


def _against_the_step(theta: Any, c: Any, s: Any) -> Any:
    new = theta + (-s - c)
    return new, (new - theta) + s


def _other_order(theta: Any, c: Any, s: Any) -> Any:
    y = -s - c
    new = theta + y
    return new, (new - y) - theta


def _added_up(theta: Any, c: Any, s: Any) -> Any:
    new, lost = _kahan(theta, c, s)
    return new, c + lost


def _upwards(theta: Any, c: Any, s: Any) -> Any:
    return _kahan(theta, c, -s)


_theta = np.array([1.0, -2.25, 1000.0, 1e-3], np.float32)
_sizes = np.random.default_rng(14).normal(size=(10, 4)) * np.geomspace(0.5, 1e-7, 10)[:, None]

KAHAN = Exercise(
    name="kahan-step",
    chapter="13_precision",
    task="Subtract the step s from θ with Kahan's second number c, all float32 arrays: the new θ, then the new c.",
    takes="theta c s",
    returns="theta c",
    reference=_kahan,
    cases=(
        Case(
            {"theta": _theta, "c": np.zeros(4, np.float32)},
            {"s": [np.full(4, 1e-8, np.float32)] * 8},
        ),
        Case(
            {"theta": _theta, "c": np.zeros(4, np.float32)},
            {"s": list(_sizes.astype(np.float32))},
        ),
    ),
    mistakes=(
        Mistake(
            "never given back",
            _never_given_back,
            "You work out what rounding took away and never use it: the c that comes in does not enter the step.",
        ),
        Mistake(
            "sign of c in the step",
            _wrong_sign_of_c,
            "You put c back with the wrong sign, so that every lost piece is lost twice.",
        ),
        Mistake(
            "sign of the new c",
            _wrong_sign_of_the_new_c,
            "Your new c has the wrong sign: it is what the weight was to do beyond what it did, and the next step "
            "subtracts it.",
        ),
        Mistake(
            "rounded twice",
            _rounded_twice,
            "You subtract s from the weight, and then c. Each of the two is too small for the weight and is lost "
            "by itself; the two together may not be.",
        ),
        Mistake(
            "the opposite c",
            _opposite,
            "Your weight is right, and your c is the opposite of the one in the equation, in both places. It would "
            "work, but anyone who reads c would add where they should subtract.",
        ),
        Mistake(
            "c is always zero",
            _simplified,
            "Your c is zero at every step. In exact arithmetic it would be; the expression was simplified as if "
            "nothing were rounded.",
        ),
        Mistake(
            "in double precision",
            _in_double_precision,
            "You convert to double precision first. Hardly anything is lost there, and a weight that is "
            "stored in float32 would lose it again.",
        ),
        Mistake(
            "compared with the step alone",
            _against_the_step,
            "You compare what the weight did with the step s. What it should have done is the step and the old c "
            "together; so the old c is forgotten whenever the weight does not move.",
        ),
        Mistake(
            "brackets",
            _other_order,
            "You subtract y from the new weight first. That is rounded to the gaps of the weight again, and takes away "
            "just the digits that c is there to keep.",
        ),
        Mistake(
            "c added up",
            _added_up,
            "You add what was lost to the old c. The old c was given back in this step, and is now counted again.",
        ),
        Mistake(
            "up instead of down",
            _upwards,
            "You add the step. It is to be subtracted.",
        ),
    ),
    hints=(
        "First what is to be added to θ, with what is left from the last step. Then: what was added, minus what was to "
        "be added. Mind the brackets.",
        "y = −s − c; then new = theta + y; then c = (new − theta) − y, in this order, and return new and c.",
    ),
    read="Weights that do not move",
)

EXERCISES = (AVERAGE, STOCHASTIC, KAHAN)
