"""The exercises of chapter 13, Precision."""

from typing import Any

import numpy as np

from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake, Slot


def _average_ends(g: float, rho: float, p: int) -> Any:
    return 2.0 ** np.ceil(np.log2((1 - rho) * g**2 / 2.0**-p))


_ENDS = (
    Slot(
        "size",
        lambda g: g**2,
        (
            Mistake(
                "square forgotten",
                lambda g: g,
                "You put g itself into the average. RMSprop averages squares.",
            ),
            Mistake(
                "root of the gradient",
                np.sqrt,
                "You take the root of the gradient. What is averaged is its square.",
            ),
        ),
    ),
    Slot(
        "share",
        lambda rho: 1 - rho,
        (
            Mistake(
                "a sum, not an average",
                lambda rho: 1.0,
                "You let the square be added whole, or nearly, at every step, as in AdaGrad's sum. An average takes in "
                "a small part of each square.",
                read="A sum that stops counting",
            ),
            Mistake(
                "root of the share",
                lambda rho: np.sqrt(1 - rho),
                "You take the root of the share with which a square enters the average.",
            ),
            Mistake(
                "divided by the share",
                lambda rho: 1 / (1 - rho),
                "You divide by 1 − ρ. That is the share with which each square enters the average.",
            ),
        ),
    ),
    Slot(
        "unit",
        lambda p: 2.0**-p,
        (
            Mistake(
                "u taken twice too large",
                lambda p: 2.0 ** (1 - p),
                "Your end is too low by a factor of two. Is your u the distance from 1 to the next number? The unit "
                "roundoff is half of that.",
                read="Numbers with p bits",
            ),
            Mistake(
                "u taken twice too small",
                lambda p: 2.0 ** (-p - 1),
                "Your u is half the unit roundoff. With p bits, the leading one among them, it is 2⁻ᵖ.",
                read="Numbers with p bits",
            ),
            Mistake(
                "times u, not divided",
                lambda p: 2.0**p,
                "You multiply by u. The increment is what is compared with a gap of v, and the gap is about u times v.",
                read="A sum that stops counting",
            ),
            Mistake(
                "u left out",
                lambda p: 1.0,
                "The unit roundoff does not enter. In a format with more bits the average goes on for longer.",
                read="A sum that stops counting",
            ),
            Mistake(
                "p itself for the unit roundoff",
                lambda p: 1.0 / p,
                "You divide by 1/p. The numbers of a format with p bits are not p in number: u is a power of two.",
                read="Numbers with p bits",
            ),
        ),
    ),
    Slot(
        "end",
        lambda y: 2.0 ** np.ceil(np.log2(y)),
        (
            Mistake(
                "not a power of two",
                lambda y: y,
                "You return where the increment would be half a gap if gaps grew evenly. They stay the same from one "
                "power of two to the next, so that v runs on to the end of that stretch.",
                read="A sum that stops counting",
            ),
            Mistake(
                "rounded down",
                lambda y: 2.0 ** np.floor(np.log2(y)),
                "You round the exponent down. At that v the increment is still more than half a gap, and v moves on.",
                read="A sum that stops counting",
            ),
            Mistake(
                "the nearest power of two",
                lambda y: 2.0 ** np.rint(np.log2(y)),
                "You take the nearest power of two. Where it lies below, the increment there is still more than half a "
                "gap, and v moves on.",
                read="A sum that stops counting",
            ),
            Mistake(
                "always the next power of two",
                lambda y: 2.0 ** (np.floor(np.log2(y)) + 1),
                "Nearly. Where y/u is a power of two itself you go one too far: there the increment is exactly half a "
                "gap, which is a tie.",
                read="A sum that stops counting",
            ),
            Mistake(
                "exponent returned",
                lambda y: np.ceil(np.log2(y)),
                "You return the exponent, not the power of two.",
            ),
            Mistake(
                "rounded up to a whole number",
                np.ceil,
                "You round y/u up to a whole number. It is the exponent that is rounded up.",
                read="A sum that stops counting",
            ),
            Mistake(
                "natural logarithm",
                lambda y: 2.0 ** np.ceil(np.log(y)),
                "You take the natural logarithm. An exponent of two is a logarithm to the base two.",
            ),
        ),
    ),
)


def _ending(size: Any, share: Any, unit: Any, end: Any) -> Any:
    def ends(g: float, rho: float, p: int) -> Any:
        return end(share(rho) * size(g) / unit(p))

    return ends


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
    slots=_ENDS,
    built=_ending,
    mistakes=(
        Mistake(
            "exact arithmetic",
            lambda g, rho, p: g**2,
            "You return what the average tends to in exact arithmetic. Here it stops short of that, or goes beyond it.",
        ),
    ),
    hints=(
        "Such an average only rises, like a sum. Of which summands? And where does such a sum end?",
        "The summand is y = (1 − ρ) g². The end is the smallest power of two that is at least y/u, with u = 2⁻ᵖ.",
    ),
    read="An average that stands still",
)


def _stochastic(x: Any, p: int, emin: int) -> Any:
    _, exponent = np.frexp(x)
    gap = 2.0 ** (np.maximum(exponent - 1, emin) - p + 1)
    lower = np.floor(x / gap) * gap
    return lower, (x - lower) / gap


_ROUNDED = (
    Slot(
        "least",
        np.maximum,
        (
            Mistake(
                "no subnormal numbers",
                lambda e, emin: e + 0,
                "Below 2^emin your gap goes on shrinking, while that of the format does not.",
                read="Numbers with p bits",
            ),
            Mistake(
                "the smaller of the exponents",
                np.minimum,
                "You take the smaller of the two exponents. Then all normal numbers lie as close together as the "
                "subnormal ones.",
                read="Numbers with p bits",
            ),
            Mistake(
                "exponent one too large",
                lambda e, emin: np.maximum(e + 1, emin),
                "The exponent that you compare with emin is one too large, so that all numbers but the subnormal ones "
                "lie twice as far apart as they should. (np.frexp puts the fraction between ½ and 1.)",
                read="Numbers with p bits",
            ),
            Mistake(
                "subnormal gap everywhere",
                lambda e, emin: 0 * e + emin,
                "You use the gap of the subnormal numbers for all.",
                read="Numbers with p bits",
            ),
            Mistake(
                "the same gap everywhere",
                lambda e, emin: 0 * e,
                "You use the gap above 1 for every x. In a floating-point format it doubles at each power of two.",
                read="Numbers with p bits",
            ),
        ),
    ),
    Slot(
        "gap",
        lambda e, p: 2.0 ** (e - p + 1),
        (
            Mistake(
                "gap twice too large",
                lambda e, p: 2.0 ** (e - p + 2),
                "Your numbers are twice as far apart as they should be, as if there were one bit fewer. (np.frexp puts "
                "the fraction between ½ and 1, so that its exponent is one larger than e.)",
                read="Numbers with p bits",
            ),
            Mistake(
                "gap twice too small",
                lambda e, p: 2.0 ** (e - p),
                "Your numbers are only half as far apart as they should be: with p significant bits the leading one "
                "counts too.",
                read="Numbers with p bits",
            ),
            Mistake(
                "sign of p in the gap",
                lambda e, p: 2.0 ** (e + p - 1),
                "Your gap grows with the number of bits. More bits bring numbers closer together.",
                read="Numbers with p bits",
            ),
        ),
    ),
    Slot(
        "neighbour",
        np.floor,
        (
            Mistake(
                "neighbour towards zero",
                np.trunc,
                "For a negative number you return the neighbour that is nearer to zero, which is the upper one.",
            ),
            Mistake(
                "to nearest",
                np.rint,
                "You return the nearest number. For about half of all x that is the upper neighbour.",
            ),
            Mistake(
                "the upper neighbour",
                np.ceil,
                "The number you return is the neighbour above x.",
            ),
            Mistake(
                "away from zero",
                lambda x: np.sign(x) * np.ceil(abs(x)),
                "For a positive number you return the neighbour that is further from zero, which is the upper one.",
            ),
            Mistake(
                "one number too low",
                lambda x: np.ceil(x) - 1,
                "Where x is a number of the format itself you return the one below it. The largest that is not above x "
                "is then x.",
            ),
        ),
    ),
    Slot(
        "multiplied",
        lambda k, gap: k * gap,
        (
            Mistake(
                "number of gaps returned",
                lambda k, gap: k + 0 * gap,
                "You return how many gaps fit below x. The neighbour is that number times the gap.",
            ),
        ),
    ),
    Slot(
        "chance",
        lambda x, floor, gap: (x - floor) / gap,
        (
            Mistake(
                "chance of going down",
                lambda x, floor, gap: 1 - (x - floor) / gap,
                "Your chance is that of rounding down. A number that is in the format would then always be moved up.",
            ),
            Mistake(
                "distance not divided by the gap",
                lambda x, floor, gap: x - floor,
                "You return how far x lies above its lower neighbour. A chance is that distance in units of the gap.",
            ),
            Mistake(
                "a coin's chance",
                lambda x, floor, gap: 0 * x + 0.5,
                "You round up in half of all cases, wherever x lies. The mean is then the midpoint and not x.",
            ),
            Mistake(
                "distance to the upper neighbour",
                lambda x, floor, gap: floor + gap - x,
                "You return how far x lies below its upper neighbour.",
            ),
            Mistake(
                "up where it is nearer",
                lambda x, floor, gap: ((x - floor) / gap > 0.5) * 1.0,
                "Your chance is 0 or 1: that is rounding to nearest, in which small steps are lost.",
            ),
            Mistake(
                "distance over x",
                lambda x, floor, gap: (x - floor) / x,
                "You divide the distance by x. A chance is the distance in units of the gap.",
            ),
            Mistake(
                "chance of going away from zero",
                lambda x, floor, gap: abs(np.trunc(x / gap) * gap - x) / gap,
                "For negative numbers your chance is that of going away from zero, which is down.",
            ),
        ),
    ),
)


def _rounding(least: Any, gap: Any, neighbour: Any, multiplied: Any, chance: Any) -> Any:
    def rounded(x: Any, p: int, emin: int) -> Any:
        _, exponent = np.frexp(x)
        apart = gap(least(exponent - 1, emin), p)
        return multiplied(neighbour(x / apart), apart), chance(x, np.floor(x / apart) * apart, apart)

    return rounded


def _towards_zero(x: Any, p: int, emin: int) -> Any:
    _, exponent = np.frexp(x)
    gap = 2.0 ** (np.maximum(exponent - 1, emin) - p + 1)
    lower = np.trunc(x / gap) * gap
    return lower, abs(x - lower) / gap


def _signed_distance(neighbour: Any) -> Any:
    """Another neighbour, and how far x lies above it, which is less than 0 where that is not below."""

    def rounded(x: Any, p: int, emin: int) -> Any:
        _, exponent = np.frexp(x)
        gap = 2.0 ** (np.maximum(exponent - 1, emin) - p + 1)
        other = neighbour(x / gap) * gap
        return other, (x - other) / gap

    return rounded


def _nearest(x: Any, p: int, emin: int) -> Any:
    _, exponent = np.frexp(x)
    gap = 2.0 ** (np.maximum(exponent - 1, emin) - p + 1)
    lower = np.rint(x / gap) * gap
    return lower, abs(x - lower) / gap


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
    slots=_ROUNDED,
    built=_rounding,
    mistakes=(
        Mistake(
            "towards zero",
            _towards_zero,
            "You cut off digits, which goes towards zero: for a negative number what you return is the upper "
            "neighbour, and the chance that of the other one.",
        ),
        Mistake(
            "towards zero, with its sign",
            _signed_distance(np.trunc),
            "You cut off digits, which goes towards zero: for a negative number what you return is the upper "
            "neighbour, and your chance is below 0.",
        ),
        Mistake(
            "distance from the nearest, with its sign",
            _signed_distance(np.rint),
            "You return the nearest number and how far x lies above it. For about half of all x that number is the "
            "upper neighbour, and your chance is below 0.",
        ),
        Mistake(
            "distance from the upper neighbour, with its sign",
            _signed_distance(np.ceil),
            "You return the neighbour above x and how far x lies above that: your chance is below 0.",
        ),
        Mistake(
            "distance from the nearest",
            _nearest,
            "You return the nearest number and how far x lies from it. For about half of all x that number is the "
            "upper neighbour.",
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


def _rounded_twice(theta: Any, c: Any, s: Any) -> Any:
    new = (theta - s) - c
    return new, (new - theta) + (s + c)


def _in_double_precision(theta: Any, c: Any, s: Any) -> Any:
    return _kahan(np.float64(theta), np.float64(c), np.float64(s))


_KAHAN = (
    Slot(
        "due",
        lambda s, c: -s - c,
        (
            Mistake(
                "never given back",
                lambda s, c: -s,
                "You work out what rounding took away and never use it: the c that comes in does not enter the step.",
            ),
            Mistake(
                "sign of c in the step",
                lambda s, c: -s + c,
                "You put c back with the wrong sign, so that every lost piece is lost twice.",
            ),
            Mistake(
                "up instead of down",
                lambda s, c: s - c,
                "You add the step. It is to be subtracted.",
            ),
            Mistake(
                "both added",
                lambda s, c: s + c,
                "You add s and c to the weight. Both are to be subtracted.",
            ),
            Mistake(
                "step left out",
                lambda s, c: -c,
                "Only c enters your step; s is not used.",
            ),
        ),
    ),
    Slot(
        "made",
        lambda theta, y: theta + y,
        (
            Mistake(
                "what is due subtracted",
                lambda theta, y: theta - y,
                "You subtract what is to be added to the weight, its sign being in it already, or your c has the "
                "opposite meaning.",
            ),
            Mistake(
                "weight not moved",
                lambda theta, y: theta,
                "The weight you return is the one that came in.",
            ),
        ),
    ),
    Slot(
        "lost",
        lambda new, theta, y, s, c: (new - theta) - y,
        (
            Mistake(
                "sign of the new c",
                lambda new, theta, y, s, c: y - (new - theta),
                "Your new c has the wrong sign: it is what the weight was to do beyond what it did, and the next step "
                "subtracts it.",
            ),
            Mistake(
                "c is always zero",
                lambda new, theta, y, s, c: 0 * c,
                "Your c is zero at every step. In exact arithmetic it would be; the expression was simplified as if "
                "nothing were rounded.",
            ),
            Mistake(
                "compared with the step alone",
                lambda new, theta, y, s, c: (new - theta) + s,
                "You compare what the weight did with the step s. What it should have done is the step and the old c "
                "together; so the old c is forgotten whenever the weight does not move.",
            ),
            Mistake(
                "brackets",
                lambda new, theta, y, s, c: (new - y) - theta,
                "You subtract y from the new weight first. That is rounded to the gaps of the weight again, and takes "
                "away just the digits that c is there to keep.",
            ),
            Mistake(
                "c added up",
                lambda new, theta, y, s, c: c + ((new - theta) - y),
                "You add what was lost to the old c. The old c was given back in this step, and is now counted again.",
            ),
            Mistake(
                "c is what the weight did",
                lambda new, theta, y, s, c: new - theta,
                "Your c is what the weight did. It has to be what it did beyond what it should have done.",
            ),
            Mistake(
                "c is what the weight should have done",
                lambda new, theta, y, s, c: y,
                "Your c is what the weight should have done. What it did is missing from it.",
            ),
            Mistake(
                "c never changed",
                lambda new, theta, y, s, c: c,
                "Your c is the one that came in: what this step loses is not recorded.",
            ),
            Mistake(
                "what is due added",
                lambda new, theta, y, s, c: (new - theta) + y,
                "You add what the weight should have done to what it did. The difference of the two is what was lost.",
            ),
        ),
    ),
)


def _compensated(due: Any, made: Any, lost: Any) -> Any:
    def step(theta: Any, c: Any, s: Any) -> Any:
        y = due(s, c)
        new = made(theta, y)
        return new, lost(new, theta, y, s, c)

    return step


def _opposite(theta: Any, c: Any, s: Any) -> Any:
    new, c = _kahan(theta, -c, s)
    return new, -c


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
        # In the middle of a run: something has been lost before.
        Case(
            {"theta": _theta, "c": np.array([3e-8, -1e-7, 2e-5, 4e-11], np.float32)},
            {"s": list(_sizes[3:].astype(np.float32))},
        ),
    ),
    slots=_KAHAN,
    built=_compensated,
    mistakes=(
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
            "in double precision",
            _in_double_precision,
            "You convert to double precision first. Hardly anything is lost there, and a weight that is "
            "stored in float32 would lose it again.",
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
