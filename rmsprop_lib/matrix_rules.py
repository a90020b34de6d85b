r"""The rules of the family that need a whole matrix or tensor: its rows and columns, its norm, its singular values.

What :mod:`rmsprop_lib.rules` asks of a rule, that it works element by element and in plain arithmetic, so that it is
compiled, these cannot do. They are pure functions all the same: gradient and state in, direction and state out, and
the step is :math:`\theta \leftarrow \theta - \eta\,d`. Arguments are NumPy arrays; matrices are two-dimensional.

Arguments are named as in :mod:`rmsprop_lib.rules`: ``g`` gradient, ``m`` and ``v`` averages, ``beta1``, ``beta2`` and
``beta`` decays in [0, 1), ``eps`` ≥ 0, ``t`` step number counted from 1, ``theta`` the parameters. ``R`` and ``C`` are
averages of squares of rows, of shape (n, 1), and columns, of shape (1, m), in Adafactor; ``L`` and ``R`` sums of
:math:`GG^\top` and :math:`G^\top G` in Shampoo; ``left`` and ``right`` orthogonal matrices. What is returned is the
direction, followed by the state in the order in which it came.
"""

import math

import numpy as np
from numpy.typing import NDArray

from rmsprop_lib.rules import adam, decoupled_weight_decay, ema, weight_sum

Matrix = NDArray[np.floating]

MUON = (3.4445, -4.7750, 2.0315)
"""Muon's coefficients, with the steepest start. Singular values above 0.01 end between 0.68 and 1.13, not at 1."""
CUBIC = (1.5, -0.5, 0.0)
"""Newton and Schulz's own, which converge to 1."""


def rms(x: Matrix) -> float:
    """The root of the mean of squares of all elements."""
    return float(np.sqrt(np.mean(x * x)))


def adafactor(
    g: Matrix, R: Matrix, C: Matrix, t: int, decay: float = 0.8, eps: float = 0.0, clip: float = 1.0
) -> tuple[Matrix, Matrix, Matrix]:
    r"""Adafactor: RMSprop that keeps the averages of squares of rows and of columns, and their product for :math:`v`.

    .. math:: v_{ij} = R_iC_j \big/ \operatorname{mean}R, \qquad d = u / \max(1, \operatorname{rms}(u)/c),
              \quad u = g/\max(\sqrt v, \varepsilon)

    The decay of step t is :math:`1 - t^{-0.8}`. As in torch.optim :math:`\varepsilon` bounds the root from below; the
    paper adds :math:`\varepsilon_1 = 10^{-30}` to every square. The rate may follow :func:`adafactor_rate`.

    Source: chapter 20, equation ``adafactor``; Shazeer and Stern (2018), algorithm 4.

    Parameters
    ----------
    g : array of shape (n, m)
    R : array of shape (n, 1)
    C : array of shape (1, m)
    t : int
    decay : float > 0
    eps : float ≥ 0
    clip : float > 0
    """
    rho = 1 - t**-decay
    R = ema(R, np.mean(g * g, axis=1, keepdims=True), rho)
    C = ema(C, np.mean(g * g, axis=0, keepdims=True), rho)
    v = R * C / np.maximum(np.mean(R), np.finfo(g.dtype).tiny if eps == 0 else eps)
    u = g / np.maximum(np.sqrt(v), eps)
    return u / max(1.0, rms(u) / clip), R, C


def adafactor_rate(theta: Matrix, t: int, eta: float, least: float = 1e-3) -> float:
    r"""Adafactor's relative rate, :math:`\max(\varepsilon_2, \operatorname{rms}\theta)\min(\eta, 1/\sqrt t)`.

    Source: chapter 20, equation ``adafactor_rate``; Shazeer and Stern (2018), section 8.
    """
    return max(least, rms(theta)) * min(eta, 1 / math.sqrt(t))


def lamb(
    g: Matrix,
    theta: Matrix,
    m: Matrix,
    v: Matrix,
    t: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float = 0.0,
) -> tuple[Matrix, Matrix, Matrix]:
    r"""LAMB: AdamW's direction, stretched to the length of the layer's weights.

    .. math:: d = \frac{\|\theta\|}{\|u\|}\,u, \qquad u = \hat m/(\sqrt{\hat v}+\varepsilon) + \lambda\theta

    The ratio is 1 where one of the norms is 0. ``t`` = ∞ leaves the corrections out, as most code does.

    Source: chapter 20, equation ``lamb``; You et al. (2020), algorithm 2.
    """
    u, m, v = adam(g, m, v, t, beta1, beta2, eps)
    u = decoupled_weight_decay(u, theta, weight_decay)
    length, of_theta = np.linalg.norm(u), np.linalg.norm(theta)
    return (u * (of_theta / length) if length > 0 and of_theta > 0 else u), m, v


def inverse_root(A: Matrix, p: float) -> Matrix:
    """A^(−1/p) of a symmetric positive definite matrix."""
    values, vectors = np.linalg.eigh(A)
    root: Matrix = (vectors * values ** (-1 / p)) @ vectors.T
    return root


def shampoo(g: Matrix, L: Matrix, R: Matrix) -> tuple[Matrix, Matrix, Matrix]:
    r"""Shampoo: AdaGrad with a matrix for the rows and one for the columns, :math:`d = L^{-1/4}GR^{-1/4}`.

    Both start at :math:`\varepsilon I`.

    Source: chapter 20, equation ``shampoo``; Gupta, Koren and Singer (2018), algorithm 1.
    """
    L = L + g @ g.T
    R = R + g.T @ g
    return inverse_root(L, 4) @ g @ inverse_root(R, 4), L, R


def soap(
    g: Matrix,
    m: Matrix,
    v: Matrix,
    t: float,
    left: Matrix,
    right: Matrix,
    beta1: float,
    beta2: float,
    eps: float,
) -> tuple[Matrix, Matrix, Matrix]:
    r"""SOAP: Adam in the coordinates of Shampoo's eigenvectors, the columns of ``left`` and ``right``.

    :math:`m` is kept in the old coordinates, :math:`v` in the new; :math:`\varepsilon` is added before the correction.

    Source: chapter 20, equation ``soap``; Vyas et al. (2025), algorithm 3.
    """
    m = ema(m, g, beta1)
    v = ema(v, (left.T @ g @ right) ** 2, beta2)
    d = left.T @ m @ right / (np.sqrt(v) + eps)
    return left @ d @ right.T * (weight_sum(beta2, t) ** 0.5 / weight_sum(beta1, t)), m, v


def polar(g: Matrix) -> Matrix:
    r"""The matrix :math:`UV^\top` of the singular value decomposition :math:`g = U\Sigma V^\top`.

    Source: chapter 20, equation ``polar``.
    """
    U, _, Vt = np.linalg.svd(g, full_matrices=False)
    factor: Matrix = U @ Vt
    return factor


def newton_schulz(
    g: Matrix, steps: int = 5, coefficients: tuple[float, float, float] = MUON, eps: float = 1e-7
) -> Matrix:
    r"""An approximation of :func:`polar` by products alone, :math:`X \leftarrow aX + b\,XX^\top X + c\,(XX^\top)^2X`.

    It begins at ``g`` over its Frobenius norm, so that all singular values lie in [0, 1]. Each step sends every
    singular value through :math:`a\sigma + b\sigma^3 + c\sigma^5` and leaves the singular vectors as they are.

    Source: chapter 20, equation ``newton_schulz``; Jordan et al. (2024).
    """
    a, b, c = coefficients
    wide = g.shape[0] <= g.shape[1]
    X = g if wide else g.T
    X = X / max(float(np.linalg.norm(X)), eps)
    for _ in range(steps):
        A = X @ X.T
        X = a * X + (b * A + c * A @ A) @ X
    return X if wide else X.T


def muon(
    g: Matrix,
    m: Matrix,
    beta: float,
    nesterov: bool = True,
    steps: int = 5,
    coefficients: tuple[float, float, float] = MUON,
) -> tuple[Matrix, Matrix]:
    r"""Muon: momentum, orthogonalised by :func:`newton_schulz`.

    As in torch.optim the momentum is an average. :math:`d` has singular values near 1 whatever the gradient's are.

    Source: chapter 20, equation ``muon``; Jordan et al. (2024).
    """
    m = ema(m, g, beta)
    return newton_schulz(ema(g, m, 1 - beta) if nesterov else m, steps, coefficients), m
