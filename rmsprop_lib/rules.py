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
"""

from collections.abc import Callable
from typing import Any

# A float, an array or a tensor. The rules ask for +, -, *, / and ** only, which no common type expresses.
Number = Any
Rule = Callable[..., tuple[Any, ...]]


def sqrt(x: Number) -> Number:
    """Square root of ``x`` ≥ 0, elementwise, for every type that knows ``**``."""
    return x**0.5


def maximum(a: Number, b: Number) -> Number:
    """The larger of the two, elementwise, NaN where either is; if one is an array or a tensor, ``b`` has to be."""
    if hasattr(b, "clip"):
        return b.clip(min=a)
    return b if a < b or b != b else a


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


def of_rmsprop(rho: Number, eps: Number, momentum: Number, centered: bool) -> tuple[Rule, tuple[Number, ...]]:
    """Which of the four rules RMSprop with these settings is, and what the rule is given after its state."""
    if momentum:
        return (centered_rmsprop_momentum if centered else rmsprop_momentum), (rho, momentum, eps)
    return (centered_rmsprop if centered else rmsprop), (rho, eps)


def adam(
    g: Number, m: Number, v: Number, t: Number, beta1: Number, beta2: Number, eps: Number
) -> tuple[Number, Number, Number]:
    r"""Adam: both moving averages, each divided by its sum of weights, :math:`d = \hat m/(\sqrt{\hat v}+\varepsilon)`.

    Source: chapter 06, equation ``adam``; Kingma and Ba (2015), algorithm 1.

    >>> adam(5.0, 0.0, 0.0, 1, 0.5, 0.75, 0.0)
    (1.0, 2.5, 6.25)
    """
    m = ema(m, g, beta1)
    v = ema(v, g * g, beta2)
    m_hat = m / weight_sum(beta1, t)
    v_hat = v / weight_sum(beta2, t)
    return m_hat / (sqrt(v_hat) + eps), m, v


def amsgrad(
    g: Number, m: Number, v: Number, v_max: Number, t: Number, beta1: Number, beta2: Number, eps: Number
) -> tuple[Number, Number, Number, Number]:
    r"""AMSGrad: Adam that divides by the root of the largest average of squares so far.

    As in torch.optim the maximum is taken before bias correction; ``t`` = ∞ leaves the correction out, which is
    the rule as it was published.

    Source: chapter 06, equation ``amsgrad``; Reddi, Kale and Kumar (2018), algorithm 2.

    >>> amsgrad(1.0, 0.0, 0.0, 16.0, float("inf"), 0.0, 0.75, 0.0)
    (0.25, 1.0, 0.25, 16.0)
    """
    m = ema(m, g, beta1)
    v = ema(v, g * g, beta2)
    v_max = maximum(v_max, v)
    m_hat = m / weight_sum(beta1, t)
    v_hat = v_max / weight_sum(beta2, t)
    return m_hat / (sqrt(v_hat) + eps), m, v, v_max


def decoupled_weight_decay(d: Number, theta: Number, weight_decay: Number) -> Number:
    r"""Decoupled weight decay: :math:`d + \lambda\theta`, so that :math:`\theta` shrinks by :math:`1 - \eta\lambda`.

    Around Adam's direction this is AdamW.

    Source: chapter 06, equation ``decoupled_weight_decay``; Loshchilov and Hutter (2019), algorithm 2.

    >>> decoupled_weight_decay(1.0, 4.0, 0.5)
    3.0
    """
    return d + weight_decay * theta
