"""The exercises of chapter 16, guarantees."""

import numpy as np

from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake


def _bound(T: float, eta: float, eps: float, Gamma: float, L: float, gap: float, N: float) -> float:
    return _of(2 * (Gamma * np.sqrt(T) + eps) / T, gap / eta, N * (Gamma + eta * L / 2), _log(T, eps, Gamma))


def _of(outside: float, distance: float, price: float, logarithm: float) -> float:
    return float(outside * (distance + price * logarithm))


def _log(T: float, eps: float, Gamma: float) -> float:
    return float(np.log(1 + T * Gamma**2 / eps**2))


ADAGRAD_BOUND = Exercise(
    name="gu-adagrad-bound",
    chapter="16_guarantees",
    task="The bound on the mean of E‖∇f‖² over the first T steps of AdaGrad that the proof gives; gap is f(θ₀) − f*, "
    "N the number of coordinates.",
    takes="T eta eps Gamma L gap N",
    returns="bound",
    reference=_bound,
    cases=(
        Case({"T": 100.0, "eta": 0.5, "eps": 0.25, "Gamma": 2.0, "L": 3.0, "gap": 5.0, "N": 4.0}),
        Case({"T": 16.0, "eta": 2.0, "eps": 0.5, "Gamma": 3.0, "L": 1.0, "gap": 40.0, "N": 1.0}),
        Case({"T": 2500.0, "eta": 0.125, "eps": 2.0, "Gamma": 0.5, "L": 64.0, "gap": 1.0, "N": 10.0}),
    ),
    mistakes=(
        Mistake(
            "divisor of an average",
            lambda T, eta, eps, Gamma, L, gap, N: _of(
                2 * (Gamma + eps) / T, gap / eta, N * (Gamma + eta * L / 2), _log(T, eps, Gamma)
            ),
            "You bound the divisor by Γ + ε. That holds for an average of squares; AdaGrad divides by the root of a "
            "sum, which grows with the number of steps. Your bound would fall like ln T/T, noise or not.",
        ),
        Mistake(
            "ε not squared",
            lambda T, eta, eps, Gamma, L, gap, N: _of(
                2 * (Gamma * np.sqrt(T) + eps) / T,
                gap / eta,
                N * (Gamma + eta * L / 2),
                np.log(1 + T * Gamma**2 / eps),
            ),
            "You put ε beside the sum of squares as it is. There it would be added to a square, and so has to be one.",
        ),
        Mistake(
            "one coordinate",
            lambda T, eta, eps, Gamma, L, gap, N: _bound(T, eta, eps, Gamma, L, gap, 1.0),
            "You add up the remainders of one coordinate. Each coordinate has its own.",
        ),
        Mistake(
            "distance too for each coordinate",
            lambda T, eta, eps, Gamma, L, gap, N: N * _bound(T, eta, eps, Gamma, L, gap, 1.0),
            "You count the distance f(θ₀) − f* once for each coordinate. The function falls once, whatever the number "
            "of coordinates is.",
        ),
        Mistake(
            "half of the descent forgotten",
            lambda T, eta, eps, Gamma, L, gap, N: _bound(T, eta, eps, Gamma, L, gap, N) / 2,
            "You lack a factor of two. The lemma keeps only a part of the descent that a fixed divisor would give.",
        ),
        Mistake(
            "curvature not halved",
            lambda T, eta, eps, Gamma, L, gap, N: _bound(T, eta, eps, Gamma, 2 * L, gap, N),
            "You count the smoothness twice. Look at the quadratic term of the descent lemma again.",
            read="The theorem",
        ),
        Mistake(
            "no curvature",
            lambda T, eta, eps, Gamma, L, gap, N: _bound(T, eta, eps, Gamma, 0.0, gap, N),
            "You leave the quadratic term of the descent lemma out. Without it the bound would hold for a rate "
            "however large.",
            read="The theorem",
        ),
        Mistake(
            "no remainder of the direction",
            lambda T, eta, eps, Gamma, L, gap, N: _of(
                2 * (Gamma * np.sqrt(T) + eps) / T, gap / eta, N * eta * L / 2, _log(T, eps, Gamma)
            ),
            "You take the step for one that goes downhill on average. The divisor contains this step's gradient, and "
            "that has a price of its own.",
        ),
        Mistake(
            "mean of the logarithm",
            lambda T, eta, eps, Gamma, L, gap, N: _of(
                2 * (Gamma * np.sqrt(T) + eps) / T,
                gap / eta,
                N * (Gamma + eta * L / 2),
                np.log(1 + Gamma**2 / eps**2),
            ),
            "Your logarithm has the square of one gradient in it. It telescopes to what has been added up at the end.",
        ),
        Mistake(
            "rate forgotten in the distance",
            lambda T, eta, eps, Gamma, L, gap, N: _of(
                2 * (Gamma * np.sqrt(T) + eps) / T, gap, N * (Gamma + eta * L / 2), _log(T, eps, Gamma)
            ),
            "You divide the remainders by the rate and the distance not. A small rate then looks as if it arrived "
            "sooner.",
        ),
        Mistake(
            "sum, not mean",
            lambda T, eta, eps, Gamma, L, gap, N: T * _bound(T, eta, eps, Gamma, L, gap, N),
            "You bound the sum over the steps. The question asks for the mean.",
        ),
    ),
    hints=(
        "Which bounds on the divisor and on the sum of the quotients g²/D² hold when squares are added up and never "
        "forgotten?",
        "The divisor is at most Γ√T + ε, the quotients of a coordinate add up to at most ln(1 + TΓ²/ε²). Put both "
        "into the inequality of one step with √w = 1, sum, and multiply by 2(Γ√T + ε)/(ηT).",
    ),
    read="AdaGrad under noise",
)


def _rate(delta: float, left: float, rho: float) -> float:
    return float(delta * np.sqrt((1 - rho) / left)) if left > 0 else float("inf")


RATE_FOR_SPEED = Exercise(
    name="gu-rate-for-speed",
    chapter="16_guarantees",
    task="The rate at which RMSprop's margin on exp(−θ), with ε = 0, grows by delta a step; infinity where no rate is "
    "enough.",
    takes="delta rho",
    returns="rate",
    reference=lambda delta, rho: _rate(delta, 1 - rho * np.exp(2 * delta), rho),
    cases=(
        Case({"delta": 0.04, "rho": 0.9}),
        Case({"delta": 0.25, "rho": 0.5}),
        Case({"delta": 0.003, "rho": 0.99}),
        Case({"delta": 0.06, "rho": 0.9}),  # above ½ ln(1/ρ) = 0.0527
    ),
    mistakes=(
        Mistake(
            "gradient not squared",
            lambda delta, rho: _rate(delta, 1 - rho * np.exp(delta), rho),
            "You let what is averaged shrink by exp(−δ) in a step. That is the gradient; v averages its square.",
        ),
        Mistake(
            "ρ and 1 − ρ exchanged",
            lambda delta, rho: _rate(delta, 1 - (1 - rho) * np.exp(2 * delta), 1 - rho),
            "You give the new square the weight ρ and the old average 1 − ρ. Your average forgets faster the closer ρ "
            "is to 1.",
        ),
        Mistake(
            "growing gradients",
            lambda delta, rho: _rate(delta, 1 - rho * np.exp(-2 * delta), rho),
            "Your gradients grow as the margin does. On exp(−θ) they shrink, and old squares are the larger ones.",
        ),
        Mistake(
            "root forgotten",
            lambda delta, rho: _rate(delta, (1 - rho * np.exp(2 * delta)) ** 2 / (1 - rho), rho),
            "You divide the gradient by v. The step divides it by the root.",
        ),
        Mistake(
            "the step is the rate",
            lambda delta, rho: float(delta),
            "You return the speed itself. A step is as long as the rate only if the gradients stay the same.",
        ),
        Mistake(
            "quotient upside down",
            lambda delta, rho: (
                float(delta * np.sqrt((1 - rho * np.exp(2 * delta)) / (1 - rho)))
                if rho * np.exp(2 * delta) < 1
                else float("inf")
            ),
            "Your rate is smaller than the speed. The memory of larger gradients makes the divisor larger than the "
            "gradient, so a step is shorter than the rate.",
        ),
        Mistake(
            "no limit",
            lambda delta, rho: float(delta * np.sqrt((1 - rho) / abs(1 - rho * np.exp(2 * delta)))),
            "You return a rate for every speed. Beyond a certain speed v cannot fade as fast as the square of the "
            "gradient does.",
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
