"""The exercises of chapter 16, guarantees."""

from typing import Any

import numpy as np

from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake, Slot


def _bound(T: float, eta: float, eps: float, Gamma: float, L: float, gap: float, N: float) -> float:
    divisor = Gamma * np.sqrt(T) + eps
    logarithm = np.log(1 + T * Gamma**2 / eps**2)
    return float(2 * divisor / T * (gap / eta + N * (Gamma + eta * L / 2) * logarithm))


_BOUND = (
    Slot(
        "divisor",
        lambda Gamma, T, eps: Gamma * np.sqrt(T) + eps,
        (
            Mistake(
                "divisor of an average",
                lambda Gamma, T, eps: Gamma + eps,
                "You bound the divisor by Γ + ε. That holds for an average of squares; AdaGrad divides by the root of "
                "a sum, which grows with the number of steps. Your bound would fall like ln T/T, noise or not.",
            ),
            Mistake(
                "root forgotten in the divisor",
                lambda Gamma, T, eps: Gamma * T + eps,
                "Your divisor grows like T. It is the root of a sum of T squares.",
            ),
            Mistake(
                "ε left out of the divisor",
                lambda Gamma, T, eps: Gamma * np.sqrt(T),
                "Your divisor has no ε in it.",
            ),
            Mistake(
                "Γ left out of the divisor",
                lambda Gamma, T, eps: np.sqrt(T) + eps,
                "The size of the gradients does not enter your divisor.",
            ),
            Mistake(
                "Γ squared in the divisor",
                lambda Gamma, T, eps: Gamma**2 * np.sqrt(T) + eps,
                "You have the square of Γ in the divisor, where the root has been taken of it.",
            ),
            Mistake(
                "ε inside the root",
                lambda Gamma, T, eps: np.sqrt(T * Gamma**2 + eps),
                "You put ε under the root. It is added after the root has been taken.",
            ),
            Mistake(
                "root over ε as well",
                lambda Gamma, T, eps: np.sqrt(T) * (Gamma + eps),
                "You multiply ε by the root of T as well. It is added once, not at every step.",
            ),
        ),
    ),
    Slot(
        "factor",
        2.0,
        (
            Mistake(
                "half of the descent forgotten",
                1.0,
                "You lack a factor of two. The lemma keeps only a part of the descent that a fixed divisor would give.",
            ),
            Mistake(
                "descent halved twice",
                4.0,
                "You have a factor of two too many: half of the descent is lost once.",
            ),
        ),
    ),
    Slot(
        "mean",
        lambda T: 1 / T,
        (
            Mistake(
                "sum, not mean",
                lambda T: 1.0,
                "You bound the sum over the steps. The question asks for the mean.",
            ),
            Mistake(
                "divided by the root of T",
                lambda T: 1 / np.sqrt(T),
                "You divide by the root of T. A mean over T steps is divided by T.",
            ),
        ),
    ),
    Slot(
        "distance",
        lambda gap, eta: gap / eta,
        (
            Mistake(
                "rate forgotten in the distance",
                lambda gap, eta: gap,
                "You divide the remainders by the rate and the distance not. A small rate then looks as if it arrived "
                "sooner.",
            ),
            Mistake(
                "distance times the rate",
                lambda gap, eta: gap * eta,
                "You multiply the distance by the rate. With a small rate it takes longer to cover.",
            ),
            Mistake(
                "no distance",
                lambda gap, eta: 0.0,
                "The distance f(θ₀) − f* does not enter your bound.",
            ),
        ),
    ),
    Slot(
        "curvature",
        lambda eta, L: eta * L / 2,
        (
            Mistake(
                "curvature not halved",
                lambda eta, L: eta * L,
                "You count the smoothness twice. Look at the quadratic term of the descent lemma again.",
                read="The theorem",
            ),
            Mistake(
                "no curvature",
                lambda eta, L: 0.0,
                "You leave the quadratic term of the descent lemma out. Without it the bound would hold for a rate "
                "however large.",
                read="The theorem",
            ),
            Mistake(
                "rate forgotten at the curvature",
                lambda eta, L: L / 2,
                "The rate does not multiply the smoothness in your bound. The quadratic term has the square of the "
                "rate, and one of them is divided away.",
                read="The theorem",
            ),
            Mistake(
                "rate squared at the curvature",
                lambda eta, L: eta**2 * L / 2,
                "You have the square of the rate at the smoothness. The whole inequality is divided by the rate.",
                read="The theorem",
            ),
            Mistake(
                "curvature divided by 4",
                lambda eta, L: eta * L / 4,
                "You halve the smoothness twice.",
                read="The theorem",
            ),
            Mistake(
                "curvature divided by the rate",
                lambda eta, L: L / (2 * eta),
                "You divide the smoothness by the rate. A larger rate makes the quadratic term larger.",
                read="The theorem",
            ),
        ),
    ),
    Slot(
        "direction",
        lambda Gamma: Gamma,
        (
            Mistake(
                "no remainder of the direction",
                lambda Gamma: 0.0,
                "You take the step for one that goes downhill on average. The divisor contains this step's gradient, "
                "and that has a price of its own.",
            ),
            Mistake(
                "remainder of the direction twice",
                lambda Gamma: 2 * Gamma,
                "You count the price of the direction twice.",
            ),
            Mistake(
                "remainder of the direction halved",
                lambda Gamma: Gamma / 2,
                "You halve the price of the direction. Only the quadratic term has a half.",
            ),
            Mistake(
                "remainder of the direction squared",
                lambda Gamma: Gamma**2,
                "You have the square of Γ as the price of the direction.",
            ),
        ),
    ),
    Slot(
        "coordinates",
        lambda N: (1.0, N),
        (
            Mistake(
                "one coordinate",
                lambda N: (1.0, 1.0),
                "You add up the remainders of one coordinate. Each coordinate has its own.",
            ),
            Mistake(
                "distance too for each coordinate",
                lambda N: (N, N),
                "You count the distance f(θ₀) − f* once for each coordinate. The function falls once, whatever the "
                "number of coordinates is.",
            ),
            Mistake(
                "distance only for each coordinate",
                lambda N: (N, 1.0),
                "You multiply the distance by the number of coordinates and the remainders not. It is the other way "
                "round.",
            ),
            Mistake(
                "root of the number of coordinates",
                lambda N: (1.0, np.sqrt(N)),
                "You take the root of the number of coordinates. Their remainders add up.",
            ),
        ),
    ),
    Slot(
        "logarithm",
        lambda T, Gamma, eps: np.log(1 + T * Gamma**2 / eps**2),
        (
            Mistake(
                "ε not squared",
                lambda T, Gamma, eps: np.log(1 + T * Gamma**2 / eps),
                "You put ε beside the sum of squares as it is. There it would be added to a square, and so has to be "
                "one.",
            ),
            Mistake(
                "mean of the logarithm",
                lambda T, Gamma, eps: np.log(1 + Gamma**2 / eps**2),
                "Your logarithm has the square of one gradient in it. It telescopes to what has been added up at the "
                "end.",
            ),
            Mistake(
                "Γ not squared",
                lambda T, Gamma, eps: np.log(1 + T * Gamma / eps**2),
                "Your logarithm has Γ in it. What is added up is squares.",
            ),
            Mistake(
                "neither squared",
                lambda T, Gamma, eps: np.log(1 + T * Gamma / eps),
                "Your logarithm has Γ and ε in it as they are. What is added up is squares.",
            ),
            Mistake(
                "1 in the logarithm forgotten",
                lambda T, Gamma, eps: np.log(T * Gamma**2 / eps**2),
                "The 1 in the logarithm is missing: at the start the sum is ε², and its quotient 1.",
            ),
            Mistake(
                "T times the logarithm",
                lambda T, Gamma, eps: T * np.log(1 + Gamma**2 / eps**2),
                "You add up T equal logarithms. The sum of squares grows, so that the quotients become smaller.",
            ),
            Mistake(
                "root in the logarithm",
                lambda T, Gamma, eps: np.log(1 + np.sqrt(T) * Gamma / eps),
                "You take the logarithm of the divisor. It is the sum of squares, without a root, to which the "
                "quotients add up.",
            ),
            Mistake(
                "no logarithm",
                lambda T, Gamma, eps: T * Gamma**2 / eps**2,
                "There is no logarithm in your bound. The quotients add up to less the more has been added up before.",
            ),
        ),
    ),
)


def _bounding(
    divisor: Any,
    factor: Any,
    mean: Any,
    distance: Any,
    curvature: Any,
    direction: Any,
    coordinates: Any,
    logarithm: Any,
) -> Any:
    def bound(T: float, eta: float, eps: float, Gamma: float, L: float, gap: float, N: float) -> float:
        of_distance, of_price = coordinates(N)
        inside = of_distance * distance(gap, eta) + of_price * (direction(Gamma) + curvature(eta, L)) * logarithm(
            T, Gamma, eps
        )
        return float(factor * divisor(Gamma, T, eps) * mean(T) * inside)

    return bound


ADAGRAD_BOUND = Exercise(
    name="gu-adagrad-bound",
    chapter="16_guarantees",
    task="The bound on the mean of E‖∇f‖² over the first T steps of AdaGrad that the proof gives; gap is f(θ₀) − f*, "
    "N the number of coordinates.",
    takes="T eta eps Gamma L gap N",
    returns="bound",
    reference=_bound,
    cases=(
        Case({"T": 100, "eta": 0.5, "eps": 0.25, "Gamma": 2.0, "L": 3.0, "gap": 5.0, "N": 4}),
        Case({"T": 16, "eta": 2.0, "eps": 0.5, "Gamma": 3.0, "L": 1.0, "gap": 40.0, "N": 1}),
        Case({"T": 2500, "eta": 0.125, "eps": 2.0, "Gamma": 0.5, "L": 64.0, "gap": 1.0, "N": 10}),
    ),
    slots=_BOUND,
    built=_bounding,
    mistakes=(),
    hints=(
        "Which bounds on the divisor and on the sum of the quotients g²/D² hold when squares are added up and never "
        "forgotten?",
        "The divisor is at most Γ√T + ε, the quotients of a coordinate add up to at most ln(1 + TΓ²/ε²). Put both "
        "into the inequality of one step with √w = 1, sum, and multiply by 2(Γ√T + ε)/(ηT).",
    ),
    read="AdaGrad under noise",
)


def _rate(delta: float, rho: float) -> float:
    left = 1 - rho * np.exp(2 * delta)
    return float(delta * np.sqrt((1 - rho) / left)) if left > 0 else float("inf")


_RATE = (
    Slot(
        "shares",
        lambda rho: (rho, 1 - rho),
        (
            Mistake(
                "ρ and 1 − ρ exchanged",
                lambda rho: (1 - rho, rho),
                "You give the new square the weight ρ and the old average 1 − ρ. Your average forgets faster the "
                "closer ρ is to 1.",
            ),
            Mistake(
                "factor 1 − ρ missing",
                lambda rho: (rho, 1.0),
                "The new square enters your average with its full weight. It has the weight 1 − ρ.",
            ),
            Mistake(
                "new square with the weight ρ",
                lambda rho: (rho, rho),
                "You give the new square the weight ρ. It has the weight 1 − ρ.",
            ),
        ),
    ),
    Slot(
        "growth",
        lambda delta: np.exp(2 * delta),
        (
            Mistake(
                "gradient not squared",
                np.exp,
                "You let what is averaged shrink by exp(−δ) in a step. That is the gradient; v averages its square.",
            ),
            Mistake(
                "growing gradients",
                lambda delta: np.exp(-2 * delta),
                "Your gradients grow as the margin does. On exp(−θ) they shrink, and old squares are the larger ones.",
            ),
            Mistake(
                "δ⁴, not δ²",
                lambda delta: np.exp(4 * delta),
                "You square the gradient twice: the square of exp(−θ) is exp(−2θ).",
            ),
            Mistake(
                "growing gradients, not squared",
                lambda delta: np.exp(-delta),
                "Your gradients grow as the margin does, and are not squared. On exp(−θ) they shrink, and v averages "
                "their squares.",
            ),
            Mistake(
                "first order in δ",
                lambda delta: 1 + 2 * delta,
                "You take 1 + 2δ for exp(2δ). That is right for small δ only.",
            ),
        ),
    ),
    Slot(
        "sum",
        lambda x: 1 - x,
        (
            Mistake(
                "1 + instead of 1 −",
                lambda x: 1 + x,
                "You have a plus in the geometric sum 1/(1 − x).",
            ),
            Mistake(
                "first term left out",
                lambda x: (1 - x) / x,
                "Your sum begins with the square before the newest: the newest one is left out.",
            ),
        ),
    ),
    Slot(
        "root",
        np.sqrt,
        (
            Mistake(
                "root forgotten",
                lambda v: v,
                "You divide the gradient by v. The step divides it by the root.",
            ),
            Mistake(
                "root taken twice",
                lambda v: np.sqrt(np.sqrt(v)),
                "You take the root twice.",
            ),
        ),
    ),
    Slot(
        "rate",
        lambda delta, divisor: delta * divisor,
        (
            Mistake(
                "quotient upside down",
                lambda delta, divisor: delta / divisor,
                "Your rate is smaller than the speed. The memory of larger gradients makes the divisor larger than the "
                "gradient, so a step is shorter than the rate.",
            ),
            Mistake(
                "speed forgotten",
                lambda delta, divisor: divisor,
                "You return how much shorter than the rate a step is. The rate is that many times the speed.",
            ),
            Mistake(
                "speed over the rate",
                lambda delta, divisor: 1 / (delta * divisor),
                "You return one over the rate.",
            ),
        ),
    ),
    Slot(
        "limit",
        lambda left, otherwise: float("inf"),
        (
            Mistake(
                "no limit",
                lambda left, otherwise: otherwise(abs(left)),
                "You return a rate for every speed. Beyond a certain speed v cannot fade as fast as the square of the "
                "gradient does.",
            ),
            Mistake(
                "NaN beyond the limit",
                lambda left, otherwise: float("nan"),
                "Beyond a certain speed you take the root of a negative number. There no rate is enough: that is "
                "infinity.",
            ),
            Mistake(
                "0 beyond the limit",
                lambda left, otherwise: 0.0,
                "Beyond a certain speed you return 0. There no rate is enough: that is infinity.",
            ),
        ),
    ),
)


def _speeding(shares: Any, growth: Any, sum: Any, root: Any, rate: Any, limit: Any) -> Any:
    def speed(delta: float, rho: float) -> float:
        kept, new = shares(rho)
        x = kept * growth(delta)
        left = sum(x)

        def of(left: float) -> float:
            return float(rate(delta, root(new / left)))

        return of(left) if left > 0 else float(limit(left, of))

    return speed


RATE_FOR_SPEED = Exercise(
    name="gu-rate-for-speed",
    chapter="16_guarantees",
    task="The rate at which RMSprop's margin on exp(−θ), with ε = 0, grows by delta a step; infinity where no rate is "
    "enough.",
    takes="delta rho",
    returns="rate",
    reference=_rate,
    cases=(
        Case({"delta": 0.04, "rho": 0.9}),
        Case({"delta": 0.25, "rho": 0.5}),
        Case({"delta": 0.003, "rho": 0.99}),
        Case({"delta": 0.06, "rho": 0.9}),  # above ½ ln(1/ρ) = 0.0527
    ),
    slots=_RATE,
    built=_speeding,
    mistakes=(
        Mistake(
            "the step is the rate",
            lambda delta, rho: float(delta),
            "You return the speed itself. A step is as long as the rate only if the gradients stay the same.",
        ),
    ),
    hints=(
        "If the margin grows by δ in every step, by which factor does g² shrink? Then v is a geometric sum: which "
        "multiple of the newest square is it?",
        "v = (1 − ρ) g² (1 + ρe^{2δ} + ρ²e^{4δ} + …), a sum that is finite only if ρe^{2δ} < 1. The step is η|g|/√v; "
        "set it equal to δ and solve for η.",
    ),
    read="Where there is no minimum: the speed",
)


EXERCISES = (ADAGRAD_BOUND, RATE_FOR_SPEED)
