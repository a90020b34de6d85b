"""Running an optimizer on a problem and recording everything that a chapter looks at."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from rmsprop_lib.numpy_optim import Optimizer
from rmsprop_lib.problems import Problem


@dataclass(frozen=True)
class Trajectory:
    """A recorded run of T steps from a point with n coordinates.

    Row t of ``theta`` and ``loss`` belongs to the point after step t, row 0 to the start. Row t − 1 of the
    others belongs to step t.

    Attributes
    ----------
    theta : array of shape (T + 1, n)
    loss : array of shape (T + 1,)
        Without the noise, if there was any.
    gradient : array of shape (T, n)
        As the optimizer saw it, noise included.
    accumulators : dict of str to array of shape (T, n)
        Under the names of the optimizer's ``state``, after the step.
    effective_rate : array of shape (T, n)
        η divided by the denominator of the step.
    step : array of shape (T, n)
        What was added to the parameters.
    diverged : bool
        Whether the run was ended because a value ceased to be finite; T is then smaller than was asked for.
    """

    theta: np.ndarray
    loss: np.ndarray
    gradient: np.ndarray
    effective_rate: np.ndarray
    step: np.ndarray
    accumulators: dict[str, np.ndarray] = field(default_factory=dict)
    diverged: bool = False


def descend(
    problem: Problem,
    optimizer: Optimizer,
    steps: int,
    start: np.ndarray | None = None,
    noise: Callable[[int], np.ndarray] | None = None,
    before_step: Callable[[int, Optimizer], None] | None = None,
) -> Trajectory:
    """Run ``optimizer`` on ``problem`` for ``steps`` steps and record the run.

    Parameters
    ----------
    problem : Problem
    optimizer : Optimizer
        A fresh one; its state is changed.
    steps : int
        At least 0.
    start : array of shape (n,), optional
        ``problem.start`` by default. Shape (..., n) runs many points at once; all recorded arrays then have
        these axes after the first.
    noise : callable, optional
        Step number t (from 1) to an array that is added to the gradient.
    before_step : callable, optional
        Called with t and the optimizer before each step, to set a hyperparameter by schedule.

    Returns
    -------
    Trajectory

    Raises
    ------
    ValueError
        If ``steps`` is negative, or the optimizer has been used before.
    """
    if steps < 0:
        raise ValueError(f"steps={steps!r} is not allowed; it must be at least 0")
    if optimizer.step:
        raise ValueError("the optimizer has been used before; a recorded run needs a fresh one")
    theta = np.array(problem.start if start is None else start, dtype=float)
    rows: dict[str, list[np.ndarray]] = {name: [] for name in ("gradient", "effective_rate", "step")}
    thetas, losses = [theta], [problem.value(theta)]
    accumulators: dict[str, list[np.ndarray]] = {}
    diverged = False
    for t in range(1, steps + 1):
        with np.errstate(over="ignore", invalid="ignore"):
            g = problem.gradient(theta)
            g = g if noise is None else g + noise(t)
            if not (np.isfinite(g).all() and np.isfinite(losses[-1]).all()):
                diverged = True
                break
            if before_step is not None:
                before_step(t, optimizer)
            new = optimizer.update({"theta": theta}, {"theta": g})["theta"]
            losses.append(problem.value(new))
        rows["gradient"].append(g)
        rows["effective_rate"].append(optimizer.effective_rate("theta"))
        rows["step"].append(new - theta)
        for name, arrays in optimizer.state.items():
            # One that begins later, when momentum is switched on, was as good as zero until then.
            accumulators.setdefault(name, [np.zeros_like(theta)] * (t - 1)).append(arrays["theta"])
        theta = new
        thetas.append(theta)
    return Trajectory(
        theta=np.array(thetas),
        loss=np.array(losses),
        accumulators={name: np.array(values) for name, values in accumulators.items()},
        diverged=diverged,
        **{name: np.array(values).reshape(-1, *theta.shape) for name, values in rows.items()},
    )


def final_losses(
    rule: Callable[..., tuple[np.ndarray, ...]],
    problem: Problem,
    rates: np.ndarray,
    steps: int,
    *,
    noise: float = 0.0,
    seeds: int = 20,
) -> np.ndarray:
    """Where runs end at many learning rates, all run at once, for a comparison in which each method has its best.

    Parameters
    ----------
    rule : callable
        ``rule(t, g, *state)`` with t from 1 gives the direction and the new state; at t = 1 it is called without
        state, so its defaults are the state at the start.
    problem : Problem
        Of n parameters.
    rates : array of shape (R,)
    steps : int
        At least 1.
    noise : float
        Standard deviation of the normal noise that is added to each coordinate of the gradient.
    seeds : int
        How many independent runs there are. Their noise is the same for all rates and in every call.

    Returns
    -------
    array of shape (R, seeds)
        The mean of ``problem.value`` over the last tenth of the steps, at most 1e100, also where the run diverged.

    Raises
    ------
    ValueError
        If ``steps`` or ``seeds`` is not positive.
    """
    for name, count in (("steps", steps), ("seeds", seeds)):
        if count < 1:
            raise ValueError(f"{name}={count!r} is not allowed; it must be at least 1")
    rng = np.random.default_rng(1)
    theta = np.tile(problem.start, (len(rates), seeds, 1)).astype(float)
    eta = np.asarray(rates, dtype=float)[:, None, None]
    state: list[np.ndarray] = []
    late: list[np.ndarray] = []
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(1, steps + 1):
            g = problem.gradient(theta) + noise * rng.normal(size=theta.shape[1:])
            direction, *state = rule(t, g, *state)
            theta = theta - eta * direction
            if t > 0.9 * steps:
                late.append(problem.value(theta))
        return np.asarray(np.fmin(np.mean(late, axis=0), 1e100))
