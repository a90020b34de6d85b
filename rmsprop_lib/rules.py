r"""The update equations of the book, each written once as a pure function of plain arithmetic.

Every rule takes the gradient :math:`g` and the state before the step, and returns the *direction*
:math:`d` followed by the state after it. What is done with the direction is the same for all:

.. math:: \theta \leftarrow \theta - \eta\, d .

The functions know nothing of parameters, frameworks or devices. Arguments may be floats, NumPy arrays or
Torch tensors of any shape, and hyperparameters may be arrays that broadcast against them; the result has the
type and shape that arithmetic gives. Nothing is changed in place and nothing is checked here: the optimizers
in :mod:`rmsprop_lib.numpy_optim` and :mod:`rmsprop_lib.torch_optim` do that.

Symbols: ``g`` gradient, ``G`` sum of squared gradients, ``v`` moving average of squares (in the centered rule:
moving variance), ``mu`` and ``m`` moving average of gradients, ``b`` momentum buffer, ``rho``, ``beta1``,
``beta2`` decay rates in [0, 1), ``gamma`` momentum in [0, 1), ``eps`` ≥ 0, ``t`` step number counted from 1.
In the family of chapter 20 ``u`` is a moving average of squared steps, or the decaying largest gradient, and ``s``
a moving average of squared surprises.

A rule that takes the rate ``eta`` returns what is subtracted from :math:`\theta` itself, :math:`\eta` in it.
"""

import math
from collections.abc import Callable
from typing import Any

# A float, an array or a tensor. The rules ask for +, -, *, / and ** only, which no common type expresses.
Number = Any
Rule = Callable[..., tuple[Any, ...]]


def sqrt(x: Number) -> Number:
    """Square root of ``x`` ≥ 0, elementwise, for every type that has a root of its own or knows ``**``.

    A float's is rounded once, as an array's is: its power of one half is not on every machine.
    """
    if type(x) is float:
        return math.sqrt(x)
    return x.sqrt() if hasattr(x, "sqrt") else x**0.5


def maximum(a: Number, b: Number) -> Number:
    """The larger of the two, elementwise, NaN where either is; if one is an array or a tensor, ``b`` has to be."""
    if hasattr(b, "clip"):
        return b.clip(min=a)
    return b if a < b or b != b else a


def sign(x: Number) -> Number:
    """1, −1 or 0, elementwise, in the type of ``x``; NaN where ``x`` is no finite number.

    >>> sign(-3.0), sign(0.0)
    (-1.0, 0.0)
    """
    return (x.sign() if hasattr(x, "sign") else (x > 0) * x**0 - (x < 0) * x**0) + 0 * x


def ema(average: Number, x: Number, rho: Number) -> Number:
    r"""One step of an exponential moving average, :math:`\rho\,a + (1-\rho)\,x`.

    Source: chapter 03, equation ``ema``.

    >>> ema(4.0, 8.0, 0.75)
    5.0
    """
    return rho * average + (1 - rho) * x


def weight_sum(beta: Number, t: Number) -> Number:
    r"""What the weights of an exponential moving average sum to after ``t`` steps from zero, :math:`1 - \beta^t`.

    ``t`` = ∞ gives 1: no correction. Source: chapter 03, equation ``ema-weights``.

    >>> weight_sum(0.5, 2)
    0.75
    """
    return 1 - beta**t


def corrected(average: Number, beta: Number, t: Number) -> Number:
    r"""A moving average from zero divided by what its weights sum to after ``t`` steps: its bias correction.

    Source: chapter 06, equation ``adam``, where it is done twice.

    >>> corrected(6.0, 0.5, 2)
    8.0
    """
    return average / weight_sum(beta, t)


def rising_decay(rho: Number, t: Number) -> Number:
    r"""The decay of step ``t`` with which a moving average needs no bias correction.

    .. math:: \rho_t = 1 - \frac{1-\rho}{1-\rho^t}

    It is 0 at the first step, so that where an average starts is forgotten, and rises to ``rho``: an average kept with
    it is one kept with ``rho`` from zero and divided by its :func:`weight_sum`.

    Source: chapter 12, equation ``rising_decay``.

    >>> [rising_decay(0.5, t) for t in (1, 2)]
    [0.0, 0.33333333333333337]
    """
    return 1 - (1 - rho) / weight_sum(rho, t)


def sgd(g: Number) -> tuple[Number]:
    """Gradient descent: the direction is the gradient.

    Source: chapter 01, equation ``sgd``; Robbins and Monro (1951) for stochastic gradients.
    """
    return (g,)


def heavy_ball(
    g: Number, b: Number, gamma: Number, dampening: Number = 0.0, nesterov: bool = False
) -> tuple[Number, Number]:
    r"""Momentum as a heavy ball: :math:`b \leftarrow \gamma b + (1-\delta) g`, direction :math:`b`.

    ``dampening`` is :math:`\delta`; with ``nesterov`` the direction looks one step ahead,
    :math:`d = g + \gamma b`.

    Source: chapter 01, equation ``heavy_ball``; Polyak (1964); Sutskever et al. (2013), section 2, for Nesterov's.
    """
    b = gamma * b + (1 - dampening) * g
    return (g + gamma * b if nesterov else b), b


def heavy_ball_rate_inside(
    g: Number, b: Number, eta: Number, gamma: Number, nesterov: bool = False
) -> tuple[Number, Number]:
    r"""The heavy ball of steps: a later change of the rate leaves the :math:`\eta g` that the buffer has taken in.

    Source: chapter 12, equation ``heavy_ball_rate_inside``; Sutskever et al. (2013), equation 1.

    >>> heavy_ball_rate_inside(4.0, 1.0, 0.25, 0.5)
    (1.5, 1.5)
    """
    return heavy_ball(eta * g, b, gamma, nesterov=nesterov)


def adagrad(g: Number, G: Number, eps: Number, eps_inside: bool = False) -> tuple[Number, Number]:
    r"""AdaGrad: divide by the root of the sum of all squares, :math:`d = g / (\sqrt{G} + \varepsilon)`.

    With ``eps_inside`` the direction is :math:`g / \sqrt{G + \varepsilon}`, as in Keras and Optax (chapter 12).

    Source: chapter 02, equation ``adagrad``; Duchi, Hazan and Singer (2011), section 1.1, diagonal case.

    >>> adagrad(3.0, 16.0, 0.0)
    (0.6, 25.0)
    """
    G = G + g * g
    return g / (sqrt(G + eps) if eps_inside else sqrt(G) + eps), G


def rmsprop(g: Number, v: Number, rho: Number, eps: Number, eps_inside: bool = False) -> tuple[Number, Number]:
    r"""RMSprop: divide by the root of a moving average of squares, :math:`d = g / (\sqrt{v} + \varepsilon)`.

    With ``eps_inside`` the direction is :math:`g / \sqrt{v + \varepsilon}`, as in TensorFlow, Keras and Optax
    (chapter 12).

    Source: chapter 03, equation ``rmsprop``; Tieleman and Hinton (2012), lecture 6.5.

    >>> rmsprop(4.0, 0.0, 0.75, 0.0)
    (2.0, 4.0)
    """
    v = ema(v, g * g, rho)
    return g / (sqrt(v + eps) if eps_inside else sqrt(v) + eps), v


def rmsprop_momentum(
    g: Number,
    v: Number,
    b: Number,
    rho: Number,
    gamma: Number,
    eps: Number,
    nesterov: bool = False,
    eps_inside: bool = False,
) -> tuple[Number, Number, Number]:
    """RMSprop with momentum after scaling: the heavy ball is fed RMSprop's direction.

    Source: chapter 05, equation ``rmsprop_momentum``.
    """
    d, v = rmsprop(g, v, rho, eps, eps_inside)
    d, b = heavy_ball(d, b, gamma, nesterov=nesterov)
    return d, v, b


def rmsprop_momentum_rate_inside(
    g: Number,
    v: Number,
    b: Number,
    eta: Number,
    rho: Number,
    gamma: Number,
    eps: Number,
    nesterov: bool = False,
    eps_inside: bool = False,
) -> tuple[Number, Number, Number]:
    """RMSprop with momentum whose buffer holds steps: the heavy ball is fed RMSprop's direction times the rate.

    Source: chapter 12, equation ``rmsprop_momentum_rate_inside``.
    """
    d, v = rmsprop(g, v, rho, eps, eps_inside)
    d, b = heavy_ball_rate_inside(d, b, eta, gamma, nesterov)
    return d, v, b


def centered_rmsprop(
    g: Number, v: Number, mu: Number, rho: Number, eps: Number, eps_inside: bool = False
) -> tuple[Number, Number, Number]:
    r"""Centered RMSprop: divide by the root of a moving *variance* ``v``, kept by its own recurrence,

    .. math:: v \leftarrow \rho v + \rho(1-\rho)(g - \mu)^2, \qquad \mu \leftarrow \rho\mu + (1-\rho) g .

    In exact arithmetic this ``v`` equals the average of squares minus the square of the average; as a sum of
    non-negative terms it cannot become negative by rounding, which the subtraction does. With ``eps_inside`` the
    direction is Graves', :math:`g / \sqrt{v + \varepsilon}`.

    Source: chapter 04, equation ``centered_rmsprop``; Graves (2013), equations 38 to 45, for centering.
    """
    v = ema(v, rho * (g - mu) * (g - mu), rho)
    mu = ema(mu, g, rho)
    return g / (sqrt(v + eps) if eps_inside else sqrt(v) + eps), v, mu


def centered_rmsprop_momentum(
    g: Number,
    v: Number,
    mu: Number,
    b: Number,
    rho: Number,
    gamma: Number,
    eps: Number,
    nesterov: bool = False,
    eps_inside: bool = False,
) -> tuple[Number, Number, Number, Number]:
    """Centered RMSprop with momentum after scaling.

    Source: chapter 05, equation ``centered_rmsprop_momentum``; Graves (2013), equations 38 to 45.
    """
    d, v, mu = centered_rmsprop(g, v, mu, rho, eps, eps_inside)
    d, b = heavy_ball(d, b, gamma, nesterov=nesterov)
    return d, v, mu, b


def centered_rmsprop_momentum_rate_inside(
    g: Number,
    v: Number,
    mu: Number,
    b: Number,
    eta: Number,
    rho: Number,
    gamma: Number,
    eps: Number,
    nesterov: bool = False,
    eps_inside: bool = False,
) -> tuple[Number, Number, Number, Number]:
    """Centered RMSprop with momentum whose buffer holds steps.

    Source: chapter 12, equation ``centered_rmsprop_momentum_rate_inside``; Graves (2013), equations 38 to 45.
    """
    d, v, mu = centered_rmsprop(g, v, mu, rho, eps, eps_inside)
    d, b = heavy_ball_rate_inside(d, b, eta, gamma, nesterov)
    return d, v, mu, b


def of_sgd(
    momentum: Number, dampening: Number, nesterov: bool, eta: Number | None = None
) -> tuple[Rule, tuple[Number, ...]]:
    """Which of the three rules SGD with these settings is, and what the rule is given after its state.

    ``eta`` is the rate if the buffer takes it in, and None if it does not.
    """
    if not momentum:
        return sgd, ()
    if eta is None:
        return heavy_ball, (momentum, dampening, nesterov)
    return heavy_ball_rate_inside, (eta, momentum, nesterov)


def of_rmsprop(
    rho: Number,
    eps: Number,
    momentum: Number,
    centered: bool,
    *,
    nesterov: bool = False,
    eps_inside: bool = False,
    eta: Number | None = None,
) -> tuple[Rule, tuple[Number, ...]]:
    """Which of the six rules RMSprop with these settings is, and what the rule is given after its state.

    ``eta`` is the rate if the momentum buffer takes it in, and None if it does not.
    """
    if not momentum:
        return (centered_rmsprop if centered else rmsprop), (rho, eps, eps_inside)
    arguments = rho, momentum, eps, nesterov, eps_inside
    if eta is None:
        return (centered_rmsprop_momentum if centered else rmsprop_momentum), arguments
    inside = centered_rmsprop_momentum_rate_inside if centered else rmsprop_momentum_rate_inside
    return inside, (eta, *arguments)


def adam(
    g: Number,
    m: Number,
    v: Number,
    t: Number,
    beta1: Number,
    beta2: Number,
    eps: Number,
    eps_uncorrected: bool = False,
) -> tuple[Number, Number, Number]:
    r"""Adam: both moving averages, each divided by its sum of weights, :math:`d = \hat m/(\sqrt{\hat v}+\varepsilon)`.

    With ``eps_uncorrected`` :math:`\varepsilon` is added to :math:`\sqrt v` before the correction, as in Keras and
    TensorFlow (chapter 12, equation ``conv-adam-epsilon``).

    Source: chapter 06, equation ``adam``; Kingma and Ba (2015), algorithm 1.

    >>> adam(5.0, 0.0, 0.0, 1, 0.5, 0.75, 0.0)
    (1.0, 2.5, 6.25)
    """
    m = ema(m, g, beta1)
    v = ema(v, g * g, beta2)
    m_hat = corrected(m, beta1, t)
    v_hat = corrected(v, beta2, t)
    return m_hat / (sqrt(v_hat) + (eps / sqrt(weight_sum(beta2, t)) if eps_uncorrected else eps)), m, v


def amsgrad(
    g: Number,
    m: Number,
    v: Number,
    v_max: Number,
    t: Number,
    beta1: Number,
    beta2: Number,
    eps: Number,
    eps_uncorrected: bool = False,
) -> tuple[Number, Number, Number, Number]:
    r"""AMSGrad: Adam that divides by the root of the largest average of squares so far.

    As in torch.optim the maximum is taken before bias correction; ``t`` = ∞ leaves the correction out, which is
    the rule as it was published. ``eps_uncorrected`` is as in :func:`adam`.

    Source: chapter 06, equation ``amsgrad``; Reddi, Kale and Kumar (2018), algorithm 2.

    >>> amsgrad(1.0, 0.0, 0.0, 16.0, float("inf"), 0.0, 0.75, 0.0)
    (0.25, 1.0, 0.25, 16.0)
    """
    m = ema(m, g, beta1)
    v = ema(v, g * g, beta2)
    v_max = maximum(v_max, v)
    m_hat = corrected(m, beta1, t)
    v_hat = corrected(v_max, beta2, t)
    return m_hat / (sqrt(v_hat) + (eps / sqrt(weight_sum(beta2, t)) if eps_uncorrected else eps)), m, v, v_max


def decoupled_weight_decay(d: Number, theta: Number, weight_decay: Number) -> Number:
    r"""Decoupled weight decay: :math:`d + \lambda\theta`, so that :math:`\theta` shrinks by :math:`1 - \eta\lambda`.

    Around Adam's direction this is AdamW.

    Source: chapter 06, equation ``decoupled_weight_decay``; Loshchilov and Hutter (2019), algorithm 2.

    >>> decoupled_weight_decay(1.0, 4.0, 0.5)
    3.0
    """
    return d + weight_decay * theta


def cautious(d: Number, g: Number, share: Number) -> Number:
    r"""The direction where it has the gradient's sign, and 0 elsewhere, divided by the share of such elements.

    ``share`` is their number in a whole tensor over that of all its elements; it counts as 0.001 where it is less.

    Source: chapter 12, equation ``cautious``; Liang et al. (2024), algorithm 1.

    >>> cautious(3.0, 1.0, 0.5), cautious(3.0, -1.0, 0.5)
    (6.0, 0.0)
    """
    return d * (d * g > 0) / maximum(1e-3, share)


def adadelta(g: Number, v: Number, u: Number, rho: Number, eps: Number) -> tuple[Number, Number, Number]:
    r"""AdaDelta: RMSprop whose rate is the root of a moving average ``u`` of its own squared steps,

    .. math:: d = \frac{\sqrt{u + \varepsilon}}{\sqrt{v + \varepsilon}}\,g .

    Source: chapter 20, equation ``adadelta``; Zeiler (2012), algorithm 1.

    >>> adadelta(4.0, 0.0, 3.0, 0.75, 1.0)
    (3.5777087639996634, 4.0, 5.449999999999999)
    """
    v = ema(v, g * g, rho)
    d = sqrt(u + eps) / sqrt(v + eps) * g
    return d, v, ema(u, d * d, rho)


def adamax(
    g: Number, m: Number, u: Number, t: Number, beta1: Number, beta2: Number, eps: Number
) -> tuple[Number, Number, Number]:
    r"""AdaMax: Adam that divides by the largest gradient so far, which decays, :math:`\max(\beta_2u, |g|+\varepsilon)`.

    Source: chapter 20, equation ``adamax``; Kingma and Ba (2015), algorithm 2, which has no :math:`\varepsilon`.

    >>> adamax(-4.0, 0.0, 10.0, 1, 0.5, 0.5, 0.0)
    (-0.8, -2.0, 5.0)
    """
    m = ema(m, g, beta1)
    u = maximum(ema(u, 0.0, beta2), sign(g) * g + eps)
    return corrected(m, beta1, t) / u, m, u


def nadam(
    g: Number, m: Number, v: Number, t: Number, beta1: Number, beta2: Number, eps: Number
) -> tuple[Number, Number, Number]:
    r"""NAdam: Adam whose average of gradients looks one step ahead, as if the next gradient were this one again.

    The weights after the step to come sum to 1 − β₁ᵗ⁺¹, which is one more step of the average of ones.

    Source: chapter 20, equation ``nadam``; Dozat (2016), algorithm 2 with a constant momentum.

    >>> nadam(1.0, 0.0, 0.0, 1, 0.5, 0.75, 0.0)
    (1.3333333333333333, 0.5, 0.25)
    """
    m = ema(m, g, beta1)
    v = ema(v, g * g, beta2)
    now = weight_sum(beta1, t)
    return ema(m / ema(now, 1.0, beta1), g / now, beta1) / (sqrt(corrected(v, beta2, t)) + eps), m, v


def nadam_scheduled(
    g: Number,
    m: Number,
    v: Number,
    t: Number,
    beta1: Number,
    beta2: Number,
    eps: Number,
    now: Number,
    ahead: Number,
) -> tuple[Number, Number, Number]:
    r"""NAdam with the weights of gradient and average given, as a schedule of the momentum makes them.

    Source: chapter 20, equation ``nadam_scheduled``; Dozat (2016), algorithm 2.

    >>> nadam_scheduled(1.0, 0.0, 0.0, 1, 0.5, 0.75, 0.0, 1.0, 0.5)
    (1.25, 0.5, 0.25)
    """
    m = ema(m, g, beta1)
    v = ema(v, g * g, beta2)
    return (now * g + ahead * m) / (sqrt(corrected(v, beta2, t)) + eps), m, v


def rectification(beta2: Number, t: Number) -> Number:
    r"""By which RAdam shortens its steps while the average of squares knows few gradients; 0 while they are too few.

    Source: chapter 20, equation ``rectification``; Liu et al. (2020), algorithm 2, with the threshold 5 of its authors'
    code instead of 4.

    >>> [round(rectification(0.999, t), 4) for t in (5, 6, 100, 10_000)]
    [0.0, 0.0258, 0.2153, 0.9998]
    """
    longest = 2 / (1 - beta2) - 1
    length = longest - 2 * t * beta2**t / weight_sum(beta2, t)
    enough = length > 5
    length, longest = maximum(5.0, length), maximum(5.0, longest)
    return enough * sqrt((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length))


def radam(
    g: Number, m: Number, v: Number, t: Number, beta1: Number, beta2: Number, eps: Number
) -> tuple[Number, Number, Number]:
    r"""RAdam: Adam times its :func:`rectification`, and the average of gradients alone where that is 0.

    :math:`\varepsilon` is added to :math:`\sqrt v` before the correction, as in torch.optim; the paper has none.

    Source: chapter 20, equation ``radam``; Liu et al. (2020), algorithm 2.

    >>> radam(3.0, 0.0, 0.0, 1, 0.5, 0.999, 0.0)[0]
    3.0
    """
    m = ema(m, g, beta1)
    v = ema(v, g * g, beta2)
    r = rectification(beta2, t)
    unscaled = 1 - r / maximum(1e-30, r)  # 1 where r is 0, and 0 elsewhere
    m_hat = corrected(m, beta1, t)
    return m_hat * (r * sqrt(weight_sum(beta2, t)) / (sqrt(v) + eps) + unscaled), m, v


def laprop(
    g: Number, m: Number, v: Number, t: Number, beta1: Number, beta2: Number, eps: Number
) -> tuple[Number, Number, Number]:
    r"""LaProp: the average is of scaled gradients, chapter 5's momentum after scaling with both averages corrected.

    Source: chapter 20, equation ``laprop``; Ziyin et al. (2020), algorithm 1.

    >>> laprop(-4.0, 0.0, 0.0, 1, 0.5, 0.75, 0.0)
    (-1.0, -0.5, 4.0)
    """
    v = ema(v, g * g, beta2)
    m = ema(m, g / (sqrt(corrected(v, beta2, t)) + eps), beta1)
    return corrected(m, beta1, t), m, v


def adabelief(
    g: Number, m: Number, s: Number, t: Number, beta1: Number, beta2: Number, eps: Number
) -> tuple[Number, Number, Number]:
    r"""AdaBelief: Adam that divides by how far gradients lie from their average, :math:`s` of :math:`(g-m)^2`.

    :math:`\varepsilon` enters twice, into :math:`s` at every step and after the root.

    Source: chapter 20, equation ``adabelief``; Zhuang et al. (2020), algorithm 2.

    >>> adabelief(4.0, 0.0, 0.0, 1, 0.5, 0.75, 0.0)
    (2.0, 2.0, 1.0)
    """
    m = ema(m, g, beta1)
    s = ema(s, (g - m) * (g - m), beta2) + eps
    return corrected(m, beta1, t) / (sqrt(corrected(s, beta2, t)) + eps), m, s


def yogi(
    g: Number, m: Number, v: Number, t: Number, beta1: Number, beta2: Number, eps: Number
) -> tuple[Number, Number, Number]:
    r"""Yogi: Adam whose :math:`v` changes by :math:`(1-\beta_2)g^2` and no more, up or down,

    .. math:: v \leftarrow v - (1-\beta_2)\operatorname{sign}(v - g^2)\,g^2 .

    ``t`` = ∞ leaves the correction out, which is the rule as it was published.

    Source: chapter 20, equation ``yogi``; Zaheer et al. (2018), algorithm 2.

    >>> yogi(1.0, 0.0, 16.0, float("inf"), 0.0, 0.75, 0.0)
    (0.2519763153394848, 1.0, 15.75)
    """
    m = ema(m, g, beta1)
    v = ema(v, v - sign(v - g * g) * g * g, beta2)
    return corrected(m, beta1, t) / (sqrt(corrected(v, beta2, t)) + eps), m, v


def lion(g: Number, m: Number, beta1: Number, beta2: Number) -> tuple[Number, Number]:
    r"""Lion: the sign of an average; one decay, ``beta1``, for the sign, another, ``beta2``, for what is kept.

    With both decays equal it is the sign of the momentum, signum; with both 0 sign descent.

    Source: chapter 20, equation ``lion``; Chen et al. (2023), program 1; Bernstein et al. (2018) for signum.

    >>> lion(-1.0, 2.0, 0.25, 0.5)
    (-1.0, 0.5)
    """
    return sign(ema(m, g, beta1)), ema(m, g, beta2)


def schedule_free(
    x: Number, z: Number, d: Number, eta: Number, share: Number, beta: Number
) -> tuple[Number, Number, Number]:
    r"""Schedule-free averaging around any direction ``d``, which belongs to the gradient at the point :math:`y`.

    .. math:: z \leftarrow z - \eta d, \qquad x \leftarrow (1-c)\,x + c\,z, \qquad y = (1-\beta)\,z + \beta\,x .

    ``share`` is :math:`c`: :math:`1/t` for the average of all :math:`z`. :math:`x` is the answer, and :math:`y` where
    the next gradient is taken. Returns :math:`y`, :math:`x` and :math:`z`.

    Source: chapter 20, equation ``schedule_free``; Defazio et al. (2024), equations 2 to 4.

    >>> schedule_free(1.0, 1.0, 2.0, 0.5, 0.5, 0.5)
    (0.25, 0.5, 0.0)
    """
    z = z - eta * d
    x = ema(x, z, 1 - share)
    return ema(z, x, 1 - beta), x, z
