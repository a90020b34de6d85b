"""The exercises of chapter 11, choosing."""

from typing import Any

import numpy as np

from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake


def _tuned(losses: Any) -> tuple[Any, Any]:
    means = np.mean(losses, axis=1)
    return np.argmin(means), np.min(means)


# Rows are rates, columns seeds. One lucky seed in the first row; a row that is best in the median; one that diverged.
_LOSSES = np.array(
    [
        [0.1, 7.0, 6.0, 7.5, 6.5],
        [2.0, 2.5, 3.0, 2.2, 2.6],
        [1.0, 1.1, 1.2, 1.3, 30.0],
        [4.0, 4.5, 4.2, 0.2, 4.4],
        [0.5, 0.6, 0.7, np.inf, 0.4],
    ]
)

TUNED = Exercise(
    name="choose-tuned",
    chapter="11_choosing",
    task="Of losses of shape (rates, seeds): the index of the best rate, and its mean loss over the seeds.",
    takes="losses",
    returns="best loss",
    reference=_tuned,
    cases=(Case({"losses": _LOSSES}), Case({"losses": _LOSSES[:4]}), Case({"losses": _LOSSES[::-1, ::-1]})),
    mistakes=(
        Mistake(
            "best seed",
            lambda losses: (np.argmin(np.min(losses, axis=1)), np.min(losses)),
            "You take the lowest number of the whole table. One lucky seed then decides, and a method with many "
            "runs or much noise wins.",
        ),
        Mistake(
            "mean rate, best seed",
            lambda losses: (np.argmin(np.mean(losses, axis=1)), np.min(losses[np.argmin(np.mean(losses, axis=1))])),
            "You choose the rate by its mean and then return the loss of its luckiest seed. The mean over all seeds is "
            "asked for.",
        ),
        Mistake(
            "median",
            lambda losses: (np.argmin(np.median(losses, axis=1)), np.min(np.median(losses, axis=1))),
            "You take medians. A rate at which one run in five diverges then looks as if it never did.",
        ),
        Mistake(
            "diverged runs left out",
            lambda losses: (
                np.argmin(np.nanmean(np.where(np.isfinite(losses), losses, np.nan), axis=1)),
                np.min(np.nanmean(np.where(np.isfinite(losses), losses, np.nan), axis=1)),
            ),
            "You average over the runs that did not diverge. A rate is not good because its failures are not counted.",
        ),
        Mistake(
            "a rate for each seed",
            lambda losses: (np.argmin(np.mean(losses, axis=1)), np.mean(np.min(losses, axis=0))),
            "You let each seed have its own best rate and average those. Nobody can choose a rate after the run.",
        ),
        Mistake(
            "axes exchanged",
            lambda losses: (np.argmin(np.mean(losses, axis=0)), np.min(np.mean(losses, axis=0))),
            "You average over the rates and choose among the seeds. The rates are the first axis.",
        ),
        Mistake(
            "largest",
            lambda losses: (np.argmax(np.mean(losses, axis=1)), np.max(np.mean(losses, axis=1))),
            "You take the largest mean. These are losses: the smallest is the best.",
        ),
    ),
    hints=(
        "First one number for each rate, then the best of these. Which number makes a diverged run count?",
        "Take the mean over the second axis. The index of its smallest element, and that element, are the answer.",
    ),
    read="Tasks drawn by lottery",
)


def _ratios(losses: Any) -> Any:
    return losses / np.min(losses, axis=1, keepdims=True)


# Rows are tasks, columns methods.
_TUNED = np.array([[1.0, 2.0, 8.0], [0.03, 0.01, 0.02], [50.0, 20.0, 500.0]])

SHORTFALL = Exercise(
    name="choose-shortfall",
    chapter="11_choosing",
    task="Of tuned losses of shape (tasks, methods): each method's typical shortfall, the geometric mean over the "
    "tasks of its loss over the best method's.",
    takes="losses",
    returns="shortfall",
    reference=lambda losses: np.exp(np.mean(np.log(_ratios(losses)), axis=0)),
    cases=(Case({"losses": _TUNED}), Case({"losses": _TUNED[1:, 1:]}), Case({"losses": 7.0 * _TUNED[::-1]})),
    mistakes=(
        Mistake(
            "arithmetic mean",
            lambda losses: np.mean(_ratios(losses), axis=0),
            "You average the ratios themselves. One task on which a method is a thousand times worse then outweighs a "
            "hundred on which it is twice as good.",
        ),
        Mistake(
            "ratio of the means",
            lambda losses: np.mean(losses, axis=0) / np.min(np.mean(losses, axis=0)),
            "You average the losses first. Losses of different tasks have different units; the task with the largest "
            "numbers decides alone.",
        ),
        Mistake(
            "against the first method",
            lambda losses: np.exp(np.mean(np.log(losses / losses[:, :1]), axis=0)),
            "You compare with the first method. The shortfall is measured against the best, which is "
            "a different one on each task.",
        ),
        Mistake(
            "against the best on average",
            lambda losses: (lambda typical: typical / np.min(typical))(np.exp(np.mean(np.log(losses), axis=0))),
            "You compare with the method that is best on average. The question asks for the best on each task, even if "
            "that is a different one every time.",
        ),
        Mistake(
            "median",
            lambda losses: np.median(_ratios(losses), axis=0),
            "You take the median over the tasks. It hides what a method does on those on which it fails.",
        ),
        Mistake(
            "mean of logarithms",
            lambda losses: np.mean(np.log(_ratios(losses)), axis=0),
            "You stop at the mean of the logarithms: 0 where the shortfall is 1.",
        ),
        Mistake(
            "best of the whole table",
            lambda losses: np.exp(np.mean(np.log(losses / np.min(losses)), axis=0)),
            "You divide by the smallest number of the whole table. Each task has its own best.",
        ),
        Mistake(
            "over the methods",
            lambda losses: np.exp(np.mean(np.log(_ratios(losses)), axis=1)),
            "You average over the methods and get a number for each task. Tasks are the first axis.",
        ),
    ),
    hints=(
        "Divide each row by its own smallest number. A factor of 2 and a factor of ½ should cancel in the mean.",
        "Take the logarithm of the ratios, the mean over the first axis, and then the exponential.",
    ),
    read="Tasks drawn by lottery",
)


def _condition(matrix: Any) -> Any:
    values = np.linalg.eigvalsh(matrix)
    return values[-1] / values[0]


def _draws(seed: int, n: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.round(rng.normal(size=(30, n)) @ rng.normal(size=(n, n)) * 2.0 ** np.arange(n) + 3, 3)


CORRELATIONS = Exercise(
    name="choose-correlations",
    chapter="11_choosing",
    task="From gradients of shape (draws, coordinates): the condition number of the matrix of their correlations.",
    takes="gradients",
    returns="kappa",
    reference=lambda gradients: _condition(np.corrcoef(gradients.T)),
    cases=(Case({"gradients": _draws(1, 2)}), Case({"gradients": _draws(2, 3)}), Case({"gradients": _draws(4, 4)})),
    mistakes=(
        Mistake(
            "covariance",
            lambda gradients: _condition(np.cov(gradients.T)),
            "That is the condition number of the covariance. It is what one rate for all has to live with; the scales "
            "of the coordinates are still in it.",
        ),
        Mistake(
            "not centred",
            lambda gradients: _condition(
                (lambda second: second / np.sqrt(np.outer(np.diag(second), np.diag(second))))(gradients.T @ gradients)
            ),
            "You did not subtract the mean. A gradient far from zero then looks like a correlation of all coordinates.",
        ),
        Mistake(
            "variances, not deviations",
            lambda gradients: (lambda c: np.linalg.cond(c / np.diag(c)))(np.cov(gradients.T)),
            "You divide by the variance on one side. A correlation is divided by both standard deviations, and the "
            "matrix stays symmetric.",
        ),
        Mistake(
            "singular values of the data",
            lambda gradients: np.sqrt(_condition(np.corrcoef(gradients.T))),
            "Yours is its square root: the ratio of the singular values of the scaled gradients, whose squares are the "
            "eigenvalues.",
        ),
        Mistake(
            "turned over",
            lambda gradients: 1 / _condition(np.corrcoef(gradients.T)),
            "Yours is below 1: smallest over largest eigenvalue.",
        ),
        Mistake(
            "largest eigenvalue",
            lambda gradients: np.linalg.eigvalsh(np.corrcoef(gradients.T))[-1],
            "That is the largest eigenvalue alone. The slow directions are those of the smallest.",
        ),
    ),
    hints=(
        "Two steps: a matrix of correlations, which has ones on its diagonal, and the ratio of its eigenvalues.",
        "NumPy's corrcoef takes the coordinates as rows. Divide the largest of the eigenvalues (eigvalsh) by the "
        "smallest.",
    ),
    read="What no rate per coordinate can repair",
)

EXERCISES = (TUNED, SHORTFALL, CORRELATIONS)
