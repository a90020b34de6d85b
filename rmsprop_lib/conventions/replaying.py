"""The book's rule run with a row of the table, step by step and in float64."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from rmsprop_lib import rules
from rmsprop_lib.conventions.table import Convention


def replay(
    row: Convention,
    gradients: np.ndarray | Callable[[np.ndarray], np.ndarray],
    rates: np.ndarray | list[float],
    start: np.ndarray | list[float],
) -> np.ndarray:
    """Run the book's rule with a row's settings, in float64.

    Parameters
    ----------
    row : Convention
        Its ``eta`` is not used: the rates are given, and the largest of them is the one that a corrected weight decay
        is divided by (timm takes its constructor's).
    gradients : array of shape (T, ...), or callable
        What the optimizer is given at each step, weight decay not included; or the gradient at a point.
    rates : array of shape (T,)
        The learning rate of each step.
    start : array of shape (...)

    Returns
    -------
    array of shape (T + 1, ...)
        The parameters, the start first.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a rate is negative or not finite.

    Examples
    --------
    >>> from rmsprop_lib.conventions import convention
    >>> hinton = convention("Hinton's slide", "RMSprop").given()
    >>> replay(hinton, np.array([[3.0]]), [0.1], [1.0]).round(3).tolist()
    [[1.0], [0.684]]
    """
    etas, theta = np.asarray(rates, dtype=float), np.array(start, dtype=float)
    if etas.ndim != 1 or not np.all(np.isfinite(etas) & (etas >= 0)):
        raise ValueError(f"rates={rates!r} is not allowed; it must be a list of finite numbers, at least 0")
    needed = etas.shape + theta.shape
    if not callable(gradients) and np.shape(gradients) != needed:
        raise ValueError(f"gradients has shape {np.shape(gradients)}, but rates and start need {needed}")
    path, peak = [theta], etas.max(initial=0.0)
    b = np.zeros_like(theta)
    state = _initial_state(row, theta)
    for t, eta in enumerate(etas, start=1):
        g = np.asarray(gradients(theta) if callable(gradients) else gradients[t - 1], dtype=float)
        if not row.decoupled:
            g = g + row.weight_decay * theta
        d, state = _direction(row, g, state, t)
        if row.rate_inside:
            step, b = rules.heavy_ball_rate_inside(d, b, eta, row.gamma, row.nesterov)
        else:
            d, b = rules.heavy_ball(d, b, row.gamma, nesterov=row.nesterov)
            step = eta * d
        if row.caution and row.gamma:
            step = rules.cautious(step, g, float(np.mean(step * g > 0)))
        if row.decoupled and eta > 0:
            shrinks = eta * row.weight_decay * (eta / peak if row.corrected_decay else 1)
            step = rules.decoupled_weight_decay(step, theta, shrinks)
        theta = theta - step
        path.append(theta)
    return np.array(path)


def _initial_state(row: Convention, theta: np.ndarray) -> tuple[Any, ...]:
    """The accumulators before the first step, in the order in which the rule takes them."""
    zero, squares = np.zeros_like(theta), np.full_like(theta, row.initial)
    if row.rule == "sgd":
        return ()
    if row.rule == "adagrad":
        return (squares,)
    if row.rule == "rmsprop":
        return (squares, zero) if row.centered else (squares,)
    return (zero, squares, zero) if row.amsgrad else (zero, squares)


def _direction(row: Convention, g: np.ndarray, state: tuple[Any, ...], t: int) -> tuple[Any, tuple[Any, ...]]:
    """The rule's direction and the state after it, momentum after scaling not included."""
    inside = row.eps_inside
    rule: Callable[..., tuple[Any, ...]]
    hyperparameters: tuple[Any, ...]
    if row.rule == "sgd":
        rule, hyperparameters = rules.sgd, ()
    elif row.rule == "adagrad":
        rule, hyperparameters = rules.adagrad, (row.eps, inside)
    elif row.rule == "rmsprop":
        assert row.rho is not None  # checked when the row was made
        rho = row.rho
        if row.bias_correction:
            rho = rules.rising_decay(rho, t)
        rule = rules.centered_rmsprop if row.centered else rules.rmsprop
        hyperparameters = rho, row.eps, inside
    else:
        assert row.beta2 is not None  # checked when the row was made
        time = t if row.bias_correction else math.inf
        rule = rules.amsgrad if row.amsgrad else rules.adam
        hyperparameters = time, row.beta1, row.beta2, row.eps, row.eps_at == "uncorrected"
    d, *after = rule(g, *state, *hyperparameters)
    return d, tuple(after)
