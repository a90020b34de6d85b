"""The exercises of chapter 6, Adam."""

from typing import Any

import numpy as np

from rmsprop_lib import rules
from rmsprop_lib.exercises import fillings
from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake, Slot
from rmsprop_lib.numpy_optim import Adam

EPS = 0.25
_g = np.random.default_rng(6).normal(0.5, 2.0, (12, 5))
_small_and_large = [0.0, 3.0, -0.5, 0.02, 40.0, -1.0, 0.7, 2.0]


def _counted(gradients: Any, first: int = 1) -> dict[str, Any]:
    """The stream of a case: gradients and the numbers of their steps."""
    return {"g": list(gradients), "t": list(range(first, first + len(gradients)))}


def _direction(m_hat: Any, v_hat: Any, eps: Any) -> Any:
    return m_hat / (rules.sqrt(v_hat) + eps)


# From zero; the same for arrays, with decays that are far apart the other way; and from the middle of a run.
_step_cases = (
    Case({"m": 0.0, "v": 0.0, "beta1": 0.8, "beta2": 0.95, "eps": EPS}, _counted(_small_and_large)),
    Case({"m": np.zeros(5), "v": np.zeros(5), "beta1": 0.75, "beta2": 0.5, "eps": EPS}, _counted(_g)),
    Case(
        {"m": np.full(3, -0.5), "v": np.full(3, 4.0), "beta1": 0.5, "beta2": 0.9, "eps": EPS}, _counted(_g[:4, :3], 7)
    ),
)


def _uncorrected(a: Any, beta: Any, t: Any) -> Any:
    return a + 0 * t


def _corrections(of: str) -> tuple[Mistake, ...]:
    """What goes wrong in the correction of both averages, or of one: divisions by another number."""
    one = of not in ("both",)
    at = f" in {of}" if one else ""
    it = of if one else "the averages"
    theirs = f"{of}'s" if one else "the averages'"
    everything = (
        Mistake(
            f"only {'v' if of == 'm' else 'm'} corrected" if one else "no bias correction",
            _uncorrected,
            {
                "both": "You divide the averages as they are. Both begin at zero and are pulled towards it, the longer "
                "one for longer, so that the first steps have the wrong length.",
                "m": "You correct v and leave m too small. The first step then has only 1 − β₁ of its right length.",
                "v": "You correct m and leave v too small. At the first step on any gradient the quotient is then too "
                "long by the root of 1/(1 − β₂), up to ε.",
                "v_max": "You correct m, and the largest average not. Its first value is as much too small as v is.",
            }[of],
            read="Bias correction",
        ),
        Mistake(
            f"t not used{at}",
            lambda a, beta, t: a / (1 - beta),
            f"You divide {it} by 1 − β at every step. That is right for the first step, and takes away {theirs} "
            "weights for good: what is left is a plain decaying sum.",
            read="Bias correction",
        ),
        Mistake(
            f"t one too small{at}",
            lambda a, beta, t: a / rules.weight_sum(beta, t - 1),
            f"You correct {it} with t − 1. The t of the equation counts from 1, this step included; one less makes "
            "the first step a division by zero.",
            read="Two averages",
        ),
        Mistake(
            f"t one too large{at}",
            lambda a, beta, t: a / rules.weight_sum(beta, t + 1),
            f"You correct {it} with t + 1. The t of the equation includes this step already; counted twice, the first "
            "steps are corrected too little.",
            read="Two averages",
        ),
        Mistake(
            f"multiplied by the sum of weights{at}",
            lambda a, beta, t: a * rules.weight_sum(beta, t),
            f"You multiply {it} by 1 − βᵗ, which is less than 1. What is too small becomes smaller still.",
            read="Bias correction",
        ),
        Mistake(
            f"divided by the weight of the start{at}",
            lambda a, beta, t: a / beta**t,
            f"You divide {it} by βᵗ. That is the weight of the zero at the start; the gradients have the rest.",
            read="Bias correction",
        ),
        Mistake(
            f"β times t, not to the power{at}",
            lambda a, beta, t: a / (1 - beta * t),
            f"You correct {it} with β · t, a product. The weight of the start falls by the factor β at every step: "
            "that is a power.",
            read="Bias correction",
        ),
        Mistake(
            f"power of the difference{at}",
            lambda a, beta, t: a / (1 - beta) ** t,
            f"You correct {it} with (1 − β)ᵗ: the power is taken after the difference, and goes to zero where the "
            "sum of the weights goes to 1.",
            read="Bias correction",
        ),
        Mistake(
            f"sum where a difference belongs{at}",
            lambda a, beta, t: a / (1 + beta**t),
            f"You divide {it} by 1 + βᵗ. The average is too small at first, and that makes it smaller still.",
            read="Bias correction",
        ),
        Mistake(
            f"corrected twice{at}",
            lambda a, beta, t: a / rules.weight_sum(beta, t) ** 2,
            f"You divide {it} by the sum of the weights twice.",
            read="Bias correction",
        ),
    )
    # A v of the wrong sign has no root, whether m is corrected like it or not.
    return everything if of in ("both", "m") else tuple(m for m in everything if not m.name.startswith("β times t"))


def _correct(a: Any, beta: Any, t: Any) -> Any:
    return a / rules.weight_sum(beta, t)


def _of_one(instead: Any) -> Any:
    return lambda both, a, beta, t: instead(a, beta, t)


def _one_correction(name: str, of: str) -> Slot:
    """What is done to one of the averages: a function of what is done to both, the average, its decay and t."""
    return Slot(
        name,
        lambda both, a, beta, t: both(a, beta, t),
        tuple(Mistake(m.name, _of_one(m.variant), m.says, m.read) for m in _corrections(of)),
    )


# Which decay is used for what: a function (β₁, β₂) → for m, for v, in the correction of m, in that of v.
_DECAYS = Slot(
    "decays",
    lambda one, two: (one, two, one, two),
    (
        Mistake(
            "β₁ and β₂ swapped",
            lambda one, two: (two, one, two, one),
            "You average the gradients with β₂ and their squares with β₁.",
            read="Two averages",
        ),
        Mistake(
            "one decay in both corrections",
            lambda one, two: (one, two, one, one),
            "You correct both averages with β₁. The two have windows of different length, and their weights sum to "
            "different numbers.",
            read="Two averages",
        ),
        Mistake(
            "β₂ in both corrections",
            lambda one, two: (one, two, two, two),
            "You correct both averages with β₂. The two have windows of different length, and their weights sum to "
            "different numbers.",
            read="Two averages",
        ),
        Mistake(
            "decays swapped in the corrections",
            lambda one, two: (one, two, two, one),
            "You correct m with β₂ and v with β₁. Each has to be divided by the sum of its own weights.",
            read="Two averages",
        ),
        Mistake(
            "decays swapped in the averages",
            lambda one, two: (two, one, one, two),
            "You average the gradients with β₂ and their squares with β₁, though you correct each with the decay that "
            "it should have.",
            read="Two averages",
        ),
        Mistake(
            "β₁ in both averages",
            lambda one, two: (one, one, one, two),
            "You average the gradients and their squares with β₁. The squares have a window of their own.",
            read="Two averages",
        ),
        Mistake(
            "β₂ in both averages",
            lambda one, two: (two, two, one, two),
            "You average the gradients and their squares with β₂. The gradients have a window of their own.",
            read="Two averages",
        ),
        Mistake(
            "β₁ everywhere",
            lambda one, two: (one, one, one, one),
            "You use β₁ for both averages, and β₂ nowhere.",
            read="Two averages",
        ),
        Mistake(
            "β₂ everywhere",
            lambda one, two: (two, two, two, two),
            "You use β₂ for both averages, and β₁ nowhere.",
            read="Two averages",
        ),
        Mistake(
            "β and 1 − β swapped",
            lambda one, two: (1 - one, 1 - two, one, two),
            "You give what is new the weight β and the old average 1 − β. The averages then forget most of themselves "
            "at every step.",
            read="Two averages",
        ),
    ),
)

_OF_M = Slot(
    "of_m",
    lambda g: g,
    (
        Mistake(
            "squared gradient in m",
            lambda g: g * g,
            "You put the square of the gradient into m, so that the direction has lost its sign.",
            read="Two averages",
        ),
        Mistake(
            "size of the gradient in m",
            abs,
            "You put the size of the gradient into m, so that the direction has lost its sign.",
            read="Two averages",
        ),
        Mistake(
            "sign of the gradient in m",
            np.sign,
            "You average the signs of the gradients in m. All gradients, small and large, then count the same.",
            read="Two averages",
        ),
    ),
)

_SQUARED = fillings.also(
    fillings.squared("v", read="Two averages"),
    1,
    Mistake(
        "square of m in v",
        lambda g, m: m * m,
        "You put the square of the new m into v, not that of the gradient. Where gradients change sign m is small, and "
        "so is then what divides it.",
        read="Two averages",
    ),
    Mistake(
        "m times the gradient in v",
        lambda g, m: m * g,
        "You put the product of m and the gradient into v. It is negative where the two have opposite signs, and v "
        "then may have no root.",
        read="Two averages",
    ),
    Mistake(
        "squared deviation in v",
        lambda g, m: (g - m) * (g - m),
        "You put the squared deviation from m into v. That is a variance, as in centered RMSprop and AdaBelief.",
        read="Two averages",
    ),
)

_EPSILON = fillings.also(
    fillings.epsilon(without="As long as the averages are 0, a gradient that is zero then gives 0/0."),
    3,
    Mistake(
        "ε before the correction",
        lambda root, v, eps, weights: root(v) + eps / rules.sqrt(weights),
        "You add ε to the root of the uncorrected v and correct the quotient. The correction then acts on ε too, "
        "which is largest, against the rest, in the first steps.",
    ),
)

# What stands above: a function of m̂, the gradient, and the m that is not corrected.
_NUMERATOR = Slot(
    "numerator",
    lambda m_hat, g: m_hat,
    (
        Mistake(
            "the gradient, not its average, in the numerator",
            lambda m_hat, g: g + 0 * m_hat,
            "Your direction has the gradient itself in the numerator; m is kept and never used. That is RMSprop with a "
            "correction.",
            read="AdaGrad, RMSprop and the sign as limits",
        ),
        Mistake(
            "sign in the numerator",
            lambda m_hat, g: np.sign(m_hat),
            "Only the sign of m̂ stands in your numerator. Divided by the root of v̂, large gradients then make small "
            "steps.",
        ),
        Mistake(
            "square in the numerator",
            lambda m_hat, g: m_hat * m_hat,
            "The square of m̂ stands in your numerator: the direction has lost its sign.",
        ),
        Mistake(
            "size in the numerator",
            lambda m_hat, g: abs(m_hat),
            "The size of m̂ stands in your numerator: the direction has lost its sign.",
        ),
    ),
)

# Which averages make the direction: a function of the old and the new m, of the old and the new v (or largest v), and
# of the present v.
_USED = Slot(
    "used",
    lambda old_m, m, old_v, v, present: (m, v),
    (
        Mistake(
            "averages updated after their use",
            lambda old_m, m, old_v, v, present: (old_m + 0 * m, old_v + 0 * v),
            "Your direction is made of the averages as they were before this gradient entered. At the first step both "
            "are zero.",
        ),
        Mistake(
            "m updated after its use",
            lambda old_m, m, old_v, v, present: (old_m + 0 * m, v),
            "Your numerator is m as it was before this gradient entered. The first step does not move at all.",
        ),
        Mistake(
            "v updated after its use",
            lambda old_m, m, old_v, v, present: (m, old_v + 0 * v),
            "You divide by v as it was before this gradient entered. The first step is then divided by ε alone.",
        ),
    ),
)

# What goes on to the next step: a function of the averages and of their corrected copies.
_KEPT = Slot(
    "kept",
    lambda m, v, m_hat, v_hat: (m, v),
    (
        Mistake(
            "corrected averages kept",
            lambda m, v, m_hat, v_hat: (m_hat, v_hat),
            "The corrected averages are what your next step begins with. It then corrects what has been corrected, and "
            "these are no longer averages.",
            read="Bias correction",
        ),
        Mistake(
            "corrected m kept",
            lambda m, v, m_hat, v_hat: (m_hat, v),
            "You keep m̂ where m belongs: the next step takes its gradient into what has been corrected already.",
            read="Bias correction",
        ),
        Mistake(
            "corrected v kept",
            lambda m, v, m_hat, v_hat: (m, v_hat),
            "You keep v̂ where v belongs: the next step takes its square into what has been corrected already.",
            read="Bias correction",
        ),
        Mistake(
            "root of v kept",
            lambda m, v, m_hat, v_hat: (m, rules.sqrt(v)),
            "You keep the root of v, and the next step takes the next square into that root. The state has to be v "
            "itself.",
        ),
    ),
)

_SLOTS = (
    Slot("corrected", _correct, _corrections("both")),
    _one_correction("corrected_m", "m"),
    _one_correction("corrected_v", "v"),
    _DECAYS,
    _OF_M,
    _SQUARED,
    fillings.one_of_two_averages("averaged_m", "m", "gradient", "β₁", read="Two averages"),
    fillings.one_of_two_averages("averaged_v", "v", "square", "β₂", read="Two averages"),
    _USED,
    _NUMERATOR,
    fillings.root("v̂", read="Two averages"),
    _EPSILON,
    fillings.quotient(),
    _KEPT,
)


def _largest(
    corrected: Any,
    corrected_m: Any,
    corrected_v: Any,
    decays: Any,
    of_m: Any,
    squared: Any,
    averaged_m: Any,
    averaged_v: Any,
    used: Any,
    numerator: Any,
    root: Any,
    epsilon: Any,
    quotient: Any,
    kept: Any,
    largest: Any,
    kept_largest: Any,
    order: Any,
) -> Any:
    """AMSGrad's step as a product of choices: a function (g, m, v, v_max, t, β₁, β₂, ε) → d, m, v, v_max."""

    def step(g: Any, m: Any, v: Any, v_max: Any, t: Any, beta1: Any, beta2: Any, eps: Any) -> Any:
        of_m_, of_v, in_m, in_v = decays(beta1, beta2)
        new_m = averaged_m(m, of_m(g), of_m_)
        square = squared(g, new_m)
        new_v = averaged_v(v, square, of_v)
        first, afterwards = order(lambda a: corrected_v(corrected, a, in_v, t))
        new_max = largest(v_max, first(new_v), square, first(v))
        above, below = used(m, new_m, v_max, new_max, new_v)
        m_hat = corrected_m(corrected, above, in_m, t)
        v_hat = afterwards(below)
        denominator = epsilon(root, v_hat, eps, rules.weight_sum(in_v, t))
        d = quotient(numerator(m_hat, g), root(v_hat), denominator, eps)
        return d, *kept_largest(*kept(new_m, new_v, m_hat, v_hat), v_max, new_max)

    return step


def _itself(a: Any) -> Any:
    return a


def _maximum_first(correct: Any) -> Any:
    return _itself, correct


def _adam(**choices: Any) -> Any:
    """Adam's step as a product of choices: AMSGrad's with the present average for the largest."""
    step = _largest(
        largest=lambda v_max, v, square, old: v,
        kept_largest=lambda m, v, v_max, new: (m, v, new),
        order=_maximum_first,
        **choices,
    )

    def of_two(g: Any, m: Any, v: Any, t: Any, beta1: Any, beta2: Any, eps: Any) -> Any:
        return step(g, m, v, v, t, beta1, beta2, eps)[:3]

    return of_two


# What hardly meets with another mistake.
_RARE = (
    *(f"both with the weight {weight}" for weight in ("β₁ in m", "1 − β₁ in m", "β₂ in v", "1 − β₂ in v")),
    "m without an average",
    "new square subtracted in v",
    "corrected twice",
    "sum where a difference belongs",
    "power of the difference",
    "β times t, not to the power",
    "β times t, not to the power in m",
    "squared deviation in v",
    "m times the gradient in v",
    "one sum for all elements",
    "size of the gradient in m",
    "sign of the gradient in m",
    "ε² inside the root",
    "root of ε",
    "ε subtracted",
    "ε as a lower limit",
    "ε in both places",
    "root taken twice",
    "squared instead of a root",
    "square in the numerator",
    "size in the numerator",
    "decays swapped in the averages",
    "β₂ in both averages",
    "β₁ everywhere",
    "β₂ everywhere",
)


def _rare_in(of: str) -> tuple[str, ...]:
    """Likewise, of the correction of one average."""
    return tuple(
        f"{what} in {of}"
        for what in (
            "t one too small",
            "t one too large",
            "multiplied by the sum of weights",
            "divided by the weight of the start",
            "power of the difference",
            "sum where a difference belongs",
            "corrected twice",
        )
    )


_LIKELY, _ALONE = fillings.apart(_adam, _SLOTS, (*_RARE, *_rare_in("m"), *_rare_in("v")))


STEP = Exercise(
    name="adam-step",
    chapter="06_adam",
    task="From the gradient g, the averages m and v before the step, and the step's number t from 1: d, m and v.",
    takes="g m v t beta1 beta2 eps",
    returns="d m v",
    reference=rules.adam,
    cases=_step_cases,
    slots=_LIKELY,
    built=_adam,
    mistakes=(
        *_ALONE,
        Mistake(
            "neither gradient nor square weighted",
            _adam(
                **{slot.name: slot.right for slot in _SLOTS}
                | dict.fromkeys(("averaged_m", "averaged_v"), lambda old, x, beta: beta * old + x)
            ),
            "You decay both averages, and add what is new whole. Their weights then sum to far more than 1.",
            read="Two averages",
        ),
    ),
    hints=(
        "Four lines: two averages, two corrected copies of them. What goes into the direction, and what is kept?",
        "m and v as in the equation; m̂ = m/(1 − β₁ᵗ) and v̂ = v/(1 − β₂ᵗ) under names of their own; the direction is "
        "m̂ over the root of v̂ plus ε. Return the direction, m and v.",
    ),
    read="From equation to code",
)


def _folded(eta: float, beta1: float, beta2: float, eps: float, t: int) -> tuple[float, float]:
    root = rules.sqrt(rules.weight_sum(beta2, t))
    return eta * root / rules.weight_sum(beta1, t), eps * root


def _folded_of(decays: Any, count: Any, rate: Any, of_eps: Any) -> Any:
    """The two numbers as a product of choices: the rate of η and of the two sums of weights, and ε of ε and these."""

    def folded(eta: float, beta1: float, beta2: float, eps: float, t: int) -> Any:
        of_m, of_v = decays(beta1, beta2)
        one, two = rules.weight_sum(of_m, count(t)), rules.weight_sum(of_v, count(t))
        return rate(eta, one, two), of_eps(eps, one, two)

    return folded


_FOLDED_SLOTS = (
    Slot(
        "rate",
        lambda eta, one, two: eta * rules.sqrt(two) / one,
        (
            Mistake(
                "rate upside down",
                lambda eta, one, two: eta * one / rules.sqrt(two),
                "Your factor is the length of an uncorrected step over that of a corrected one. Multiplied by it, the "
                "first steps miss the right length twice over.",
            ),
            Mistake(
                "root forgotten in the rate",
                lambda eta, one, two: eta * two / one,
                "In your rate the correction of v is not under a root, though v is.",
            ),
            Mistake(
                "root of everything in the rate",
                lambda eta, one, two: eta * rules.sqrt(two / one),
                "In your rate the correction of m is under the root too. Only v is.",
            ),
            Mistake(
                "root of the wrong correction in the rate",
                lambda eta, one, two: eta * two / rules.sqrt(one),
                "In your rate the correction of m is under a root, and that of v is not. It is v that is under one.",
            ),
            Mistake(
                "correction of v left out of the rate",
                lambda eta, one, two: eta / one,
                "Your rate corrects m only: the factor that was taken out of the denominator has not gone into it.",
            ),
            Mistake(
                "correction of m left out",
                lambda eta, one, two: eta * rules.sqrt(two),
                "Your rate corrects v only. With it the first steps are too short.",
            ),
            Mistake(
                "both corrections divide the rate",
                lambda eta, one, two: eta / (one * rules.sqrt(two)),
                "You divide the rate by both corrections. That of v stands in a denominator already.",
            ),
            Mistake(
                "both corrections multiply the rate",
                lambda eta, one, two: eta * one * rules.sqrt(two),
                "You multiply the rate by both corrections. That of m divides m.",
            ),
            Mistake(
                "η left out of the rate",
                lambda eta, one, two: rules.sqrt(two) / one,
                "Your rate does not have η in it: it is the factor that η has to be multiplied by.",
            ),
            Mistake(
                "rate left as it was",
                lambda eta, one, two: eta + 0 * one,
                "Your rate is η as it was: it corrects neither average.",
            ),
        ),
    ),
    Slot(
        "of_eps",
        lambda eps, one, two: eps * rules.sqrt(two),
        (
            Mistake(
                "ε left as it was",
                lambda eps, one, two: eps,
                "Your ε is as it was. It now stands beside the root of the uncorrected v, which is too small in the "
                "first steps, and weighs more there than Adam's does.",
            ),
            Mistake(
                "root forgotten in ε",
                lambda eps, one, two: eps * two,
                "In ε the correction of v is not under a root, though it was taken out of one.",
            ),
            Mistake(
                "ε divided, not multiplied",
                lambda eps, one, two: eps / rules.sqrt(two),
                "ε has been divided by the root that was taken out of the denominator; look once more at what happens "
                "to the second summand when a factor is taken out of a sum.",
            ),
            Mistake(
                "ε multiplied as the rate is",
                lambda eps, one, two: eps * rules.sqrt(two) / one,
                "You treat ε as you treat the rate, but the correction of m belongs to the numerator, where ε is not.",
            ),
            Mistake(
                "ε with the correction of m",
                lambda eps, one, two: eps * one,
                "You multiply ε by the correction of m, which belongs to the numerator. ε is added to the root of v.",
            ),
            Mistake(
                "ε under the root",
                lambda eps, one, two: rules.sqrt(eps * two),
                "Your ε has gone under the root together with the correction.",
            ),
        ),
    ),
    Slot(
        "decays",
        lambda one, two: (one, two),
        (
            Mistake(
                "β₁ and β₂ swapped",
                lambda one, two: (two, one),
                "You take β₁ for the decay of the squares and β₂ for that of the gradients.",
                read="Two averages",
            ),
            Mistake(
                "β₁ everywhere",
                lambda one, two: (one, one),
                "You use β₁ for both corrections, and β₂ nowhere.",
                read="Two averages",
            ),
            Mistake(
                "β₂ everywhere",
                lambda one, two: (two, two),
                "You use β₂ for both corrections, and β₁ nowhere.",
                read="Two averages",
            ),
        ),
    ),
    Slot(
        "count",
        lambda t: t,
        (
            Mistake(
                "t one too small",
                lambda t: t - 1,
                "You use t − 1 where t belongs. The first step has t = 1, and one gradient is in the averages by then.",
                read="Two averages",
            ),
            Mistake(
                "t one too large",
                lambda t: t + 1,
                "You use t + 1 where t belongs. The first step has t = 1, with one gradient in the averages.",
                read="Two averages",
            ),
            Mistake(
                "t not used",
                lambda t: 1,
                "You use 1 − β without a power: that is the sum of the weights at the first step only.",
                read="Bias correction",
            ),
        ),
    ),
)


FOLDED = Exercise(
    name="adam-folded",
    chapter="06_adam",
    task="The two numbers, rate and eps_t, with which θ − rate · m/(√v + eps_t) is Adam's step number t, exactly.",
    takes="eta beta1 beta2 eps t",
    returns="rate eps_t",
    reference=_folded,
    cases=(
        Case({"eta": 0.01, "beta1": 0.9, "beta2": 0.999, "eps": EPS}, {"t": [1, 2, 12, 100, 5000]}),
        Case({"eta": 2.0, "beta1": 0.8, "beta2": 0.5, "eps": 0.01}, {"t": [1, 3, 6]}),
    ),
    slots=_FOLDED_SLOTS,
    built=_folded_of,
    mistakes=(),
    hints=(
        "Write Adam's step with m/(1 − β₁ᵗ) and v/(1 − β₂ᵗ) in it. Which factor can be taken out of the root, and what "
        "has to be done to ε so that it can leave the denominator?",
        "With c₁ = 1 − β₁ᵗ and c₂ = 1 − β₂ᵗ: multiply numerator and denominator of (m/c₁)/(√v/√c₂ + ε) by √c₂, and "
        "read off what stands before m and what is added to √v.",
    ),
    read="Bias correction",
)


class _Library:
    """The library's optimizer in the form that the exercise asks for."""

    def __init__(self, lr: float, beta1: float, beta2: float, eps: float, decay: float) -> None:
        self.optimizer = Adam(lr, beta1, beta2, eps, weight_decay=decay, decoupled_weight_decay=True)

    def step(self, theta: Any, g: Any) -> Any:
        return self.optimizer.update({"theta": np.asarray(theta, float)}, {"theta": np.asarray(g, float)})["theta"]


def _class(count: Any, begun: Any, remembered: Any, decay: Any, stepped: Any, **choices: Any) -> Any:
    """A class made with (lr, beta1, beta2, eps, decay) as a product of choices, those of Adam's step among them."""
    direction = _adam(**choices)
    given, whole = decay()

    class Own:
        def __init__(self, lr: float, beta1: float, beta2: float, eps: float, decay: float) -> None:
            self.lr, self.decay, self.settings = lr, decay, (beta1, beta2, eps)
            self.m: Any = None
            self.v: Any = None
            self.t = 0

        def step(self, theta: Any, g: Any) -> Any:
            x = given(g, theta, self.decay)
            if self.m is None:
                self.m, self.v = begun(choices["of_m"](x), choices["squared"](x, x))
            t, self.t = count(self.t)
            d, m, v = direction(x, self.m, self.v, t, *self.settings)
            self.m, self.v = remembered(m, v)
            return whole(theta, lambda theta: stepped(theta, self.lr, d), self.lr, self.decay)

    return Own


class _DecayScaled:
    """What is divided by the root of v̂ is m̂ and the decay together."""

    def __init__(self, lr: float, beta1: float, beta2: float, eps: float, decay: float) -> None:
        self.lr, self.beta1, self.beta2, self.eps, self.decay = lr, beta1, beta2, eps, decay
        self.m = self.v = 0.0
        self.t = 0

    def step(self, theta: Any, g: Any) -> Any:
        self.t += 1
        self.m, self.v = rules.ema(self.m, g, self.beta1), rules.ema(self.v, g * g, self.beta2)
        m_hat, v_hat = _correct(self.m, self.beta1, self.t), _correct(self.v, self.beta2, self.t)
        return theta - self.lr * _direction(m_hat + self.decay * theta, v_hat, self.eps)


class _Written:
    """AdamW as a reader may write it."""

    def __init__(self, lr: float, beta1: float, beta2: float, eps: float, decay: float) -> None:
        self.lr, self.beta1, self.beta2, self.eps, self.decay = lr, beta1, beta2, eps, decay
        self.m = self.v = 0.0
        self.t = 0

    def step(self, theta: Any, g: Any) -> Any:
        self.t += 1
        self.m = self.beta1 * self.m + (1 - self.beta1) * g
        self.v = self.beta2 * self.v + (1 - self.beta2) * g * g
        m_hat = self.m / (1 - self.beta1**self.t)
        v_hat = self.v / (1 - self.beta2**self.t)
        return theta - self.lr * (m_hat / (rules.sqrt(v_hat) + self.eps) + self.decay * theta)


class _NothingKept(_Written):
    def step(self, theta: Any, g: Any) -> Any:
        self.m = self.v = 0.0
        self.t = 0
        return super().step(theta, g)


def _ungiven(g: Any, theta: Any, decay: Any) -> Any:
    return g


def _decaying(by: Any) -> Any:
    """No penalty, and a decay of so much: a function of θ, η and λ."""
    return fillings.both(_ungiven, lambda theta, move, lr, decay: move(theta) - by(theta, lr, decay))


# What the weight decay is: what the averages are given, and the parameters that come of a move.
_DECAY = Slot(
    "decay",
    _decaying(lambda theta, lr, decay: lr * decay * theta),
    (
        Mistake(
            "penalty instead of decay",
            fillings.both(lambda g, theta, decay: g + decay * theta, lambda theta, move, lr, decay: move(theta)),
            "You add λθ to the gradient. It then goes through both averages and is divided by the root, so that "
            "weights with large gradients decay less: that is Adam with an L2 penalty.",
        ),
        Mistake(
            "penalty and decay",
            fillings.both(
                lambda g, theta, decay: g + decay * theta,
                lambda theta, move, lr, decay: move(theta) - lr * decay * theta,
            ),
            "You add λθ to the gradient, and let the weights decay as well. The decay never meets the gradient.",
        ),
        Mistake(
            "decay without the rate",
            _decaying(lambda theta, lr, decay: decay * theta),
            "You take λθ off without the rate. A weight then loses the share λ at every step however small the rate "
            "is, and a schedule for the rate does not reach the decay.",
        ),
        Mistake(
            "decay with the rate twice",
            _decaying(lambda theta, lr, decay: lr * lr * decay * theta),
            "The rate is in your decay twice, so that it hardly acts at all.",
        ),
        Mistake(
            "decay with the wrong sign",
            _decaying(lambda theta, lr, decay: -lr * decay * theta),
            "Your weights grow by the factor 1 + ηλ at every step where they should shrink.",
        ),
        Mistake(
            "decay without λ",
            _decaying(lambda theta, lr, decay: lr * theta),
            "Your weights lose the share η at every step, whatever λ is.",
        ),
        Mistake(
            "decay that is not proportional",
            _decaying(lambda theta, lr, decay: lr * decay + 0 * theta),
            "You take the same amount off every weight. It should lose the same share.",
        ),
        Mistake(
            "sign of the weight in the decay",
            _decaying(lambda theta, lr, decay: lr * decay * np.sign(theta)),
            "Your decay knows only the sign of a weight, so that large and small ones lose the same amount. It should "
            "be the same share.",
        ),
        Mistake(
            "squared weight in the decay",
            _decaying(lambda theta, lr, decay: lr * decay * theta * theta),
            "You take the square of a weight off. Negative weights then grow.",
        ),
        Mistake(
            "half of the decay",
            _decaying(lambda theta, lr, decay: lr * decay * theta / 2),
            "Your weights lose half the share ηλ.",
        ),
        Mistake(
            "decay after the step",
            fillings.both(_ungiven, lambda theta, move, lr, decay: (1 - lr * decay) * move(theta)),
            "You shrink the weights after the step, so that a part of the step just taken is undone. In the equation "
            "the decay acts on the weights from before it.",
        ),
        Mistake(
            "step taken out of the decayed weights only",
            fillings.both(_ungiven, lambda theta, move, lr, decay: lr * decay * theta - theta + move(theta)),
            "What you return is ηλθ and the step: the share of a weight that it should lose is all you keep of it.",
        ),
        Mistake(
            "decay forgotten",
            fillings.both(_ungiven, lambda theta, move, lr, decay: move(theta)),
            "This is Adam, right as far as it goes: λ has no effect.",
        ),
    ),
)

# How steps are counted: a function of the count before, to the t that is used and the count after.
_COUNT = Slot(
    "count",
    lambda t: (t + 1, t + 1),
    (
        Mistake(
            "t never advances",
            lambda t: (1, 0),
            "Your t is 1 at every step. The correction of the first step then acts at every step: does the count live "
            "in the object, and does step change it there?",
            read="Bias correction",
        ),
        Mistake(
            "t advanced after its use",
            lambda t: (t, t + 1),
            "Your first step is corrected with t = 0, which divides by zero.",
            read="Two averages",
        ),
        Mistake(
            "t begins too late",
            lambda t: (t + 2, t + 1),
            "Your first step is corrected with t = 2: does the count begin at 1 and advance before it is used?",
            read="Two averages",
        ),
    ),
)

_FOR_ZERO = "The correction, which is there for a start at zero,"

# Where the averages begin: a function of the first gradient and the first square, or of their shape.
_BEGUN = Slot(
    "begun",
    lambda g, square: (0.0, 0.0),
    (
        Mistake(
            "averages begun with the first gradient",
            lambda g, square: (g, square),
            "In your object both averages begin with what the first gradient puts into them, whole. "
            f"{_FOR_ZERO} then makes m̂ and v̂ in the first step 1/(1 − β₁) and 1/(1 − β₂) times as large as they "
            "should be.",
            read="Bias correction",
        ),
        Mistake(
            "m begun with the first gradient",
            lambda g, square: (g, 0.0),
            f"In your object m begins with the first gradient whole. {_FOR_ZERO} then makes m̂ in the first step "
            "1/(1 − β₁) times as large as it should be.",
            read="Bias correction",
        ),
        Mistake(
            "v begun with the first square",
            lambda g, square: (0.0, square),
            f"In your object v begins with the first square whole. {_FOR_ZERO} then makes v̂ in the first step "
            "1/(1 − β₂) times as large as it should be, and the first steps are too short.",
            read="Bias correction",
        ),
        Mistake(
            "averages begun at 1",
            lambda g, square: (1.0, 1.0),
            f"In your object both averages begin at 1. {_FOR_ZERO} magnifies what is left of the ones, and as long as "
            "they have not faded m̂ and v̂ are too large.",
            read="Bias correction",
        ),
        Mistake(
            "m begun at 1",
            lambda g, square: (1.0, 0.0),
            f"In your object m begins at 1. {_FOR_ZERO} magnifies what is left of the 1, and as long as it has not "
            "faded it pushes all parameters down, whatever the gradients say.",
            read="Bias correction",
        ),
        Mistake(
            "v begun at 1",
            lambda g, square: (0.0, 1.0),
            f"In your object v begins at 1. {_FOR_ZERO} magnifies what is left of the 1, and as long as it has not "
            "faded the steps are too short.",
            read="Bias correction",
        ),
    ),
)

_REMEMBERED = Slot(
    "remembered",
    lambda m, v: (m, v),
    (
        Mistake(
            "averages begun anew at every step",
            lambda m, v: (0 * m, 0 * v),
            "The count advances, but both averages begin at zero in every step: what step computes is not kept in the "
            "object.",
            read="Two averages",
        ),
        Mistake(
            "m begun anew at every step",
            lambda m, v: (0 * m, v),
            "The m that you compute is not kept in the object: it begins at zero in every step.",
            read="Two averages",
        ),
        Mistake(
            "v begun anew at every step",
            lambda m, v: (m, 0 * v),
            "The v that you compute is not kept in the object: it begins at zero in every step.",
            read="Two averages",
        ),
    ),
)

# Those of the step that can be told from others by the parameters alone.
_OF_THE_STEP = fillings.without(
    _SLOTS,
    "t one too small",
    "t not used",
    "t one too large",
    "m begun anew at every call",
    "v begun anew at every call",
    "new gradient subtracted in m",
)


_LIKELY_OF_THE_CLASS, _ALONE_OF_THE_CLASS = fillings.apart(
    _class,
    (_DECAY, fillings.stepped(read="Two averages"), _COUNT, _BEGUN, _REMEMBERED, *_OF_THE_STEP),
    (
        *_RARE,
        *_rare_in("m"),
        *_rare_in("v"),
        "penalty and decay",
        "decay that is not proportional",
        "squared weight in the decay",
        "sign of the weight in the decay",
        "half of the decay",
        "decay with the rate twice",
        "step taken out of the decayed weights only",
        "direction returned, not the parameter",
        "change returned, not the parameter",
        "divided by the rate",
        "multiplied by the sum of weights",
        "divided by the weight of the start",
        "t not used in m",
        "t not used in v",
        "β₁ in both averages",
        "decays swapped in the corrections",
        "β₂ in both corrections",
        "squared gradient in m",
        "m updated after its use",
        "v updated after its use",
        "quotient upside down",
        "sign in the numerator",
        "v without an average",
        "averages begun at 1",
        "m begun at 1",
    ),
)


CLASS = Exercise(
    name="adamw-class",
    chapter="06_adam",
    task="A class made with (lr, beta1, beta2, eps, decay), whose step(theta, g) returns the parameters after one step "
    "of AdamW, and which keeps averages and count itself.",
    takes="lr beta1 beta2 eps decay theta g",
    returns="theta",
    built_with="lr beta1 beta2 eps decay",
    reference=_Library,
    cases=(
        Case(
            {
                "lr": 0.1,
                "beta1": 0.8,
                "beta2": 0.95,
                "eps": EPS,
                "decay": 0.5,
                "theta": np.array([1.0, -2.0, 0.5, 30.0, 0.0]),
            },
            {"g": list(_g)},
        ),
        Case(
            {"lr": 0.5, "beta1": 0.75, "beta2": 0.5, "eps": EPS, "decay": 0.25, "theta": np.array([2.0])},
            {"g": [np.array([x]) for x in _small_and_large]},
        ),
    ),
    slots=_LIKELY_OF_THE_CLASS,
    built=_class,
    solution=_Written,
    mistakes=(
        *_ALONE_OF_THE_CLASS,
        Mistake(
            "decay divided by the root",
            _DecayScaled,
            "You keep λθ out of the averages, and divide it by the root of v̂ all the same. Weights with large "
            "gradients still decay less than others.",
        ),
        Mistake(
            "nothing is kept",
            _NothingKept,
            "Every step is a first step: neither the averages nor the count are kept in the object. What is left is "
            "the sign of the gradient, softened by ε.",
            read="AdaGrad, RMSprop and the sign as limits",
        ),
    ),
    hints=(
        "Three things outlive a step. And the decay never meets the gradient: where does it enter?",
        "In __init__: the settings, m = v = 0, t = 0. In step: first t up by one, then the averages into self, the "
        "corrected ones under local names, and at the end theta − lr · (direction + decay · theta).",
    ),
    read="Weight decay is not an L2 penalty",
)


_LARGEST = Slot(
    "largest",
    lambda v_max, v, square, old: rules.maximum(v_max, v),
    (
        Mistake(
            "largest square instead of largest average",
            lambda v_max, v, square, old: rules.maximum(v_max, square),
            "You keep the largest squared gradient. One outlier then sets the rate for ever, where the average would "
            "have let in a part 1 − β₂ of it.",
        ),
        Mistake(
            "smallest instead of largest",
            lambda v_max, v, square, old: -rules.maximum(-v_max, -v),
            "You keep the smaller of the two. It begins at zero and stays there, so that only ε is left in the "
            "denominator.",
        ),
        Mistake(
            "no largest",
            lambda v_max, v, square, old: v,
            "Your v_max is the present average: nothing of a larger one before is kept, and the method is Adam.",
        ),
        Mistake(
            "largest without the new average",
            lambda v_max, v, square, old: rules.maximum(v_max, old),
            "You compare the largest average with v as it was before this gradient entered. The new average, which may "
            "be the largest, counts one step late.",
        ),
        Mistake(
            "sum instead of the largest",
            lambda v_max, v, square, old: v_max + v,
            "You add the averages up in v_max. It grows at every step, and the steps shrink as AdaGrad's do.",
        ),
        Mistake(
            "one maximum for all elements",
            lambda v_max, v, square, old: np.max(np.maximum(v_max, v)) + 0 * v,
            "You take one maximum over all elements, so that all have the same rate. It is taken for each by itself.",
        ),
    ),
)

# What is kept, and what of it divides: a function of m, v, and v_max before and after.
_KEPT_LARGEST = Slot(
    "kept_largest",
    lambda m, v, v_max, new: (m, v, new),
    (
        Mistake(
            "the largest average goes on as v",
            lambda m, v, v_max, new: (m, new, new),
            "You put the maximum into v itself. The next average then starts from it, and is no average of squares any "
            "more: v and its largest value are two arrays.",
        ),
        Mistake(
            "largest average not kept",
            lambda m, v, v_max, new: (m, v, v_max),
            "Your direction is right at the first step, but the v_max you return is the one that was passed in. The "
            "next step does not know what this one has seen.",
        ),
    ),
)


# The same as Adam's, but that v_max is what divides.
_USED_LARGEST = Slot(
    "used",
    _USED.right,
    (
        Mistake(
            "largest average updated after its use",
            _USED.wrong[2].variant,
            "You divide by the largest average from before this gradient. At the first step that is zero, and nothing "
            "but ε bounds the step.",
        ),
        _USED.wrong[1],
        Mistake(
            "largest average not used",
            lambda old_m, m, old_v, v, present: (m, present),
            "You keep the largest average and divide by the present one: the direction is Adam's, and its rate rises "
            "whenever v falls.",
        ),
    ),
)

# What is done before the maximum is taken, and what afterwards: of the correction.
_ORDER = Slot(
    "order",
    _maximum_first,
    (
        Mistake(
            "largest of the corrected averages",
            lambda correct: (correct, _itself),
            "You correct v first and keep the largest of the corrected averages, as some libraries do. The equation "
            "here takes the maximum first. The two part where an early gradient is large: corrected, it is remembered "
            "whole.",
        ),
    ),
)


_LIKELY_OF_AMSGRAD, _ALONE_OF_AMSGRAD = fillings.apart(
    _largest,
    (
        _LARGEST,
        _KEPT_LARGEST,
        _USED_LARGEST,
        _ORDER,
        _one_correction("corrected_v", "v_max"),
        *(slot for slot in _SLOTS if slot.name not in ("used", "corrected_v")),
    ),
    (*_RARE, *_rare_in("m"), *_rare_in("v_max"), "one maximum for all elements"),
)


AMSGRAD = Exercise(
    name="amsgrad-step",
    chapter="06_adam",
    task="From g, the averages m and v, the largest v so far, v_max, and the step's number t: d, m, v and v_max.",
    takes="g m v v_max t beta1 beta2 eps",
    returns="d m v v_max",
    reference=rules.amsgrad,
    cases=(
        Case({"m": 0.0, "v": 0.0, "v_max": 0.0, "beta1": 0.8, "beta2": 0.75, "eps": EPS}, _counted(_small_and_large)),
        Case(
            {"m": np.zeros(5), "v": np.zeros(5), "v_max": np.zeros(5), "beta1": 0.5, "beta2": 0.9, "eps": EPS},
            _counted(_g),
        ),
    ),
    slots=_LIKELY_OF_AMSGRAD,
    built=_largest,
    mistakes=_ALONE_OF_AMSGRAD,
    hints=(
        "It is Adam with one line more. Which of v, v̂ and g² does that line look at, and what does the next step need?",
        "After the new v: v_max becomes the elementwise maximum (np.maximum) of the old v_max and v. Then correct m "
        "and v_max, and leave v out of the direction. Return the direction, m, v and v_max.",
    ),
    read="The wrong way",
)

EXERCISES = (STEP, FOLDED, CLASS, AMSGRAD)
