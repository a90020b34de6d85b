"""The exercises of chapter 11, choosing."""

from typing import Any

import numpy as np

from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake, Slot


def _tuned(losses: Any) -> tuple[Any, Any]:
    means = np.mean(losses, axis=1)
    return np.argmin(means), np.min(means)


def _without_the_diverged(losses: Any, axis: int) -> Any:
    return np.nanmean(np.where(np.isfinite(losses), losses, np.nan), axis=axis)


_TUNED_SLOTS = (
    Slot(
        "counting",
        lambda losses: losses,
        (
            Mistake(
                "diverged runs count as 0",
                lambda losses: np.where(np.isfinite(losses), losses, 0.0),
                "You put 0 for the runs that diverged. The worst that can happen then counts as the best.",
            ),
        ),
    ),
    Slot(
        "summary",
        lambda losses, axis: np.mean(losses, axis=axis),
        (
            Mistake(
                "median",
                lambda losses, axis: np.median(losses, axis=axis),
                "You take medians. A rate at which one run in five diverges then looks as if it never did.",
            ),
            Mistake(
                "diverged runs left out",
                _without_the_diverged,
                "You average over the runs that did not diverge. A rate is not good because its failures are not "
                "counted.",
            ),
            Mistake(
                "sum instead of mean",
                lambda losses, axis: np.sum(losses, axis=axis),
                "You add up the losses. The index is the same, but the loss asked for is the mean.",
            ),
            Mistake(
                "best seed",
                lambda losses, axis: np.min(losses, axis=axis),
                "You take the lowest number of each. One lucky seed then decides, and a method with many runs or much "
                "noise wins.",
            ),
            Mistake(
                "worst seed",
                lambda losses, axis: np.max(losses, axis=axis),
                "You take the highest number of each. One unlucky seed then decides.",
            ),
            Mistake(
                "first seed",
                lambda losses, axis: np.take(losses, 0, axis=axis),
                "You look at the first seed alone.",
            ),
            Mistake(
                "geometric mean",
                lambda losses, axis: np.exp(np.mean(np.log(losses), axis=axis)),
                "You take a geometric mean. The mean asked for is the sum over the number of seeds.",
            ),
            Mistake(
                "last seed",
                lambda losses, axis: np.take(losses, -1, axis=axis),
                "You look at the last seed alone.",
            ),
        ),
    ),
    Slot(
        "axis",
        1,
        (
            Mistake(
                "axes exchanged",
                0,
                "You go down the columns, over the rates, and choose among the seeds. The rates are the first axis.",
            ),
        ),
    ),
    Slot(
        "index",
        np.argmin,
        (
            Mistake(
                "largest",
                np.argmax,
                "You take the largest. These are losses: the smallest is the best.",
            ),
            Mistake(
                "second best",
                lambda means: np.argsort(means)[1],
                "You choose the second best.",
            ),
        ),
    ),
    Slot(
        "loss",
        lambda means, k, losses: means[k],
        (
            Mistake(
                "mean rate, best seed",
                lambda means, k, losses: np.min(losses[k]),
                "You choose a rate and then return the loss of its luckiest seed. The mean over all seeds is asked "
                "for.",
            ),
            Mistake(
                "mean rate, worst seed",
                lambda means, k, losses: np.max(losses[k]),
                "You choose a rate and then return the loss of its worst seed. The mean over all seeds is asked for.",
            ),
            Mistake(
                "median of the chosen rate",
                lambda means, k, losses: np.median(losses[k]),
                "You choose a rate and then return the median over its seeds. The mean is asked for.",
            ),
            Mistake(
                "lowest of the whole table",
                lambda means, k, losses: np.min(losses),
                "The loss you return is the lowest of the whole table. That of the chosen rate is asked for.",
            ),
            Mistake(
                "mean of the whole table",
                lambda means, k, losses: np.mean(losses),
                "The loss you return is the mean of the whole table. That of the chosen rate is asked for.",
            ),
            Mistake(
                "a rate for each seed",
                lambda means, k, losses: np.mean(np.min(losses, axis=0)),
                "You let each seed have its own best rate and average those. Nobody can choose a rate after the run.",
            ),
        ),
    ),
    Slot(
        "counted",
        lambda k: k,
        (
            Mistake(
                "index counted from 1",
                lambda k: k + 1,
                "Your index counts from 1. In Python the first row is 0.",
            ),
        ),
    ),
)


def _tuning(counting: Any, summary: Any, axis: Any, index: Any, loss: Any, counted: Any) -> Any:
    def tuned(losses: Any) -> tuple[Any, Any]:
        losses = counting(losses)
        means = summary(losses, axis)
        k = int(index(means))
        return counted(k), loss(means, k, losses)

    return tuned


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
    cases=(
        Case({"losses": _LOSSES}),
        Case({"losses": _LOSSES[:4]}),
        Case({"losses": _LOSSES[::-1, ::-1]}),
        Case({"losses": np.array([[1.0, 1.5, 9.0], [4.0, 4.5, 4.0], [5.0, 6.0, 7.0]])}),  # best mean, not best worst
    ),
    slots=_TUNED_SLOTS,
    built=_tuning,
    mistakes=(),
    hints=(
        "First one number for each rate, then the best of these. Which number makes a diverged run count?",
        "Take the mean over the second axis. The index of its smallest element, and that element, are the answer.",
    ),
    read="Tasks drawn by lottery",
)


def _typical(losses: Any) -> Any:
    ratios = losses / np.min(losses, axis=1, keepdims=True)
    return np.exp(np.mean(np.log(ratios), axis=0))


_SHORTFALL = (
    Slot(
        "compared",
        lambda losses: losses / np.min(losses, axis=1, keepdims=True),
        (
            Mistake(
                "against the first method",
                lambda losses: losses / losses[:, :1],
                "You compare with the first method. The shortfall is measured against the best, which is a different "
                "one on each task.",
            ),
            Mistake(
                "best of the whole table",
                lambda losses: losses / np.min(losses),
                "You divide by the smallest number of the whole table. Each task has its own best.",
            ),
            Mistake(
                "against the worst",
                lambda losses: losses / np.max(losses, axis=1, keepdims=True),
                "You divide by the worst method's loss. Your shortfalls are at most 1, and the best method's should be "
                "1 if it is always the best.",
            ),
            Mistake(
                "against the mean",
                lambda losses: losses / np.mean(losses, axis=1, keepdims=True),
                "You divide by the mean over the methods. The shortfall is measured against the best.",
            ),
            Mistake(
                "not divided by the best",
                lambda losses: losses,
                "You do not divide by the best method's loss.",
            ),
            Mistake(
                "each method by its own best task",
                lambda losses: losses / np.min(losses, axis=0),
                "You divide each method's losses by its own smallest one. Losses of different tasks have different "
                "units: the best of each task is to be divided by.",
            ),
            Mistake(
                "difference to the best",
                lambda losses: losses - np.min(losses, axis=1, keepdims=True),
                "You subtract the best loss. Losses of different tasks have different units, and only quotients can be "
                "averaged over them.",
            ),
            Mistake(
                "ratio upside down",
                lambda losses: np.min(losses, axis=1, keepdims=True) / losses,
                "Your ratios are upside down: the best method's loss belongs below.",
            ),
            Mistake(
                "relative excess",
                lambda losses: losses / np.min(losses, axis=1, keepdims=True) - 1,
                "You subtract 1 from the ratios. The best method's ratio is 1, and its logarithm 0.",
            ),
        ),
    ),
    Slot(
        "combined",
        lambda ratios: np.exp(np.mean(np.log(ratios), axis=0)),
        (
            Mistake(
                "arithmetic mean",
                lambda ratios: np.mean(ratios, axis=0),
                "You average the ratios themselves. One task on which a method is a thousand times worse then "
                "outweighs a hundred on which it is twice as good.",
            ),
            Mistake(
                "median",
                lambda ratios: np.median(ratios, axis=0),
                "You take the median over the tasks. It hides what a method does on those on which it fails.",
            ),
            Mistake(
                "mean of logarithms",
                lambda ratios: np.mean(np.log(ratios), axis=0),
                "You stop at the mean of the logarithms: 0 where the shortfall is 1.",
            ),
            Mistake(
                "product without a root",
                lambda ratios: np.prod(ratios, axis=0),
                "You multiply the ratios and take no root: your shortfall grows with the number of tasks.",
            ),
            Mistake(
                "square root of the product",
                lambda ratios: np.sqrt(np.prod(ratios, axis=0)),
                "You take the square root of the product. With three tasks it would be the third.",
            ),
            Mistake(
                "worst task",
                lambda ratios: np.max(ratios, axis=0),
                "You take the worst task of each method.",
            ),
            Mistake(
                "harmonic mean",
                lambda ratios: 1 / np.mean(1 / ratios, axis=0),
                "You take the harmonic mean, in which a task on which a method fails hardly counts.",
            ),
            Mistake(
                "over the methods",
                lambda ratios: np.exp(np.mean(np.log(ratios), axis=1)),
                "You average over the methods and get a number for each task. Tasks are the first axis.",
            ),
            Mistake(
                "logarithm to another base",
                lambda ratios: np.exp(np.mean(np.log10(ratios), axis=0)),
                "You take a logarithm to the base ten and a power of e. The two have to fit.",
            ),
            Mistake(
                "over the whole table",
                lambda ratios: np.exp(np.mean(np.log(ratios))) + 0 * ratios[0],
                "You average over all methods as well, so that every method has the same shortfall.",
            ),
        ),
    ),
)


def _falling_short(compared: Any, combined: Any) -> Any:
    return lambda losses: combined(compared(losses))


# Rows are tasks, columns methods.
_TUNED = np.array([[1.0, 2.0, 8.0], [0.03, 0.01, 0.02], [50.0, 20.0, 500.0]])

SHORTFALL = Exercise(
    name="choose-shortfall",
    chapter="11_choosing",
    task="Of tuned losses of shape (tasks, methods): each method's typical shortfall, the geometric mean over the "
    "tasks of its loss over the best method's.",
    takes="losses",
    returns="shortfall",
    reference=_typical,
    cases=(Case({"losses": _TUNED}), Case({"losses": _TUNED[1:, 1:]}), Case({"losses": 7.0 * _TUNED[::-1]})),
    slots=_SHORTFALL,
    built=_falling_short,
    mistakes=(
        Mistake(
            "ratio of the means",
            lambda losses: np.mean(losses, axis=0) / np.min(np.mean(losses, axis=0)),
            "You average the losses first. Losses of different tasks have different units; the task with the largest "
            "numbers decides alone.",
        ),
        Mistake(
            "against the best on average",
            lambda losses: (lambda typical: typical / np.min(typical))(np.exp(np.mean(np.log(losses), axis=0))),
            "You compare with the method that is best on average. The question asks for the best on each task, even if "
            "that is a different one every time.",
        ),
    ),
    hints=(
        "Divide each row by its own smallest number. A factor of 2 and a factor of ½ should cancel in the mean.",
        "Take the logarithm of the ratios, the mean over the first axis, and then the exponential.",
    ),
    read="Tasks drawn by lottery",
)


def _kappa(gradients: Any) -> Any:
    values = np.linalg.eigvalsh(np.corrcoef(gradients.T))
    return values[-1] / values[0]


def _second_moments(gradients: Any) -> Any:
    second = gradients.T @ gradients
    return second / np.sqrt(np.outer(np.diag(second), np.diag(second)))


_CORRELATIONS = (
    Slot(
        "matrix",
        lambda gradients: np.corrcoef(gradients.T),
        (
            Mistake(
                "covariance",
                lambda gradients: np.cov(gradients.T),
                "Your matrix is the covariance. It is what one rate for all has to live with; the scales of the "
                "coordinates are still in it.",
            ),
            Mistake(
                "not centred",
                _second_moments,
                "You did not subtract the mean. A gradient far from zero then looks like a correlation of all "
                "coordinates.",
            ),
            Mistake(
                "not centred, not scaled",
                lambda gradients: gradients.T @ gradients / len(gradients),
                "Your matrix holds the mean products of the gradients: neither is their mean subtracted, nor are they "
                "divided by the sizes of the coordinates.",
            ),
            Mistake(
                "variances, not deviations",
                lambda gradients: (lambda c: c / np.outer(np.diag(c), np.diag(c)))(np.cov(gradients.T)),
                "You divide by the variances. A correlation is divided by both standard deviations.",
            ),
            Mistake(
                "correlations squared",
                lambda gradients: np.corrcoef(gradients.T) ** 2,
                "You square the correlations.",
            ),
            Mistake(
                "sizes of the correlations",
                lambda gradients: np.abs(np.corrcoef(gradients.T)),
                "You take the absolute values of the correlations. Their signs belong to the matrix.",
            ),
        ),
    ),
    Slot(
        "condition",
        lambda values, matrix: values[-1] / values[0],
        (
            Mistake(
                "singular values of the data",
                lambda values, matrix: np.sqrt(values[-1] / values[0]),
                "You take the root: that is the ratio of the singular values of the gradients, whose squares are the "
                "eigenvalues.",
            ),
            Mistake(
                "turned over",
                lambda values, matrix: values[0] / values[-1],
                "Yours is below 1: smallest over largest eigenvalue.",
            ),
            Mistake(
                "largest eigenvalue",
                lambda values, matrix: values[-1],
                "You return the largest eigenvalue alone. The slow directions are those of the smallest.",
            ),
            Mistake(
                "smallest eigenvalue",
                lambda values, matrix: values[0],
                "You return the smallest eigenvalue alone. The largest, by which it is too small, belongs above it.",
            ),
            Mistake(
                "determinant",
                lambda values, matrix: np.prod(values),
                "You return the determinant, the product of all eigenvalues.",
            ),
            Mistake(
                "squares of the eigenvalues",
                lambda values, matrix: (values[-1] / values[0]) ** 2,
                "You square the ratio of the eigenvalues.",
            ),
            Mistake(
                "difference of the eigenvalues",
                lambda values, matrix: values[-1] - values[0],
                "You subtract the smallest eigenvalue. A condition number is a ratio.",
            ),
            Mistake(
                "largest entry over the smallest",
                lambda values, matrix: np.max(abs(matrix)) / np.min(abs(matrix)),
                "You compare the entries of the matrix. A condition number compares eigenvalues.",
            ),
            Mistake(
                "condition number in another norm",
                lambda values, matrix: np.linalg.cond(matrix, "fro"),
                "You take the condition number in another norm. In the Euclidean one it is the ratio of eigenvalues.",
            ),
        ),
    ),
)


def _conditioned(matrix: Any, condition: Any) -> Any:
    def kappa(gradients: Any) -> Any:
        made = matrix(gradients)
        return condition(np.linalg.eigvalsh(made), made)

    return kappa


def _draws(seed: int, n: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.round(rng.normal(size=(30, n)) @ rng.normal(size=(n, n)) * 2.0 ** np.arange(n) + 3, 3)


CORRELATIONS = Exercise(
    name="choose-correlations",
    chapter="11_choosing",
    task="From gradients of shape (draws, coordinates): the condition number of the matrix of their correlations.",
    takes="gradients",
    returns="kappa",
    reference=_kappa,
    cases=(Case({"gradients": _draws(1, 2)}), Case({"gradients": _draws(2, 3)}), Case({"gradients": _draws(4, 4)})),
    slots=_CORRELATIONS,
    built=_conditioned,
    mistakes=(
        Mistake(
            "variances on one side",
            lambda gradients: (lambda c: np.linalg.cond(c / np.diag(c)))(np.cov(gradients.T)),
            "You divide by the variance on one side. A correlation is divided by both standard deviations, and the "
            "matrix stays symmetric.",
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
