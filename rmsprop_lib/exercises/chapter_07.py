"""The exercises of chapter 7, training."""

from typing import Any

import numpy as np

from rmsprop_lib.exercises import fillings
from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake, Slot
from rmsprop_lib.numpy_optim import RMSprop

# The last losses are large and their batches small: what weights them wrongly is far off.
_losses = {"losses": np.array([2.0, 1.0, 0.5, 4.0]), "sizes": np.array([64, 48, 64, 32])}


def _mean(losses: Any, sizes: Any) -> Any:
    return np.sum(losses * sizes) / np.sum(sizes)


_MEAN_SLOTS = (
    Slot(
        "taken",
        lambda losses, sizes: (losses, sizes),
        (
            Mistake(
                "last minibatch left out",
                lambda losses, sizes: (losses[:-1], sizes[:-1]),
                "You leave out the last minibatch. Its images belong to the epoch like all the others.",
            ),
            Mistake(
                "first minibatch left out",
                lambda losses, sizes: (losses[1:], sizes[1:]),
                "You leave out the first minibatch. Its images belong to the epoch like all the others.",
            ),
            Mistake(
                "last minibatch alone",
                lambda losses, sizes: (losses[-1:], sizes[-1:]),
                "You take the last minibatch alone. Is the loss overwritten in the loop, or returned too early?",
            ),
            Mistake(
                "first minibatch alone",
                lambda losses, sizes: (losses[:1], sizes[:1]),
                "You take the first minibatch alone. Is there a return inside the loop?",
            ),
        ),
    ),
    Slot(
        "counted",
        lambda sizes: sizes,
        (
            Mistake(
                "every minibatch counts the same",
                np.ones_like,
                "You let every minibatch count the same, as in a mean of the means. That is right as long as all are "
                "equally large; the images of a small last one count too much.",
            ),
            Mistake(
                "sizes of other minibatches",
                lambda sizes: sizes[::-1],
                "You give each loss the size of another minibatch: one of the two runs backwards.",
            ),
        ),
    ),
    Slot(
        "added",
        lambda losses, sizes: np.sum(losses * sizes),
        (
            Mistake(
                "losses not weighted",
                lambda losses, sizes: np.sum(losses),
                "You add up one number for each minibatch and divide as if there were one for each image. Each of "
                "these numbers is a mean already.",
            ),
            Mistake(
                "losses divided by the sizes",
                lambda losses, sizes: np.sum(losses / sizes),
                "You divide each loss by the size of its minibatch. It is a mean already, so that has been done.",
            ),
            Mistake(
                "size squared",
                lambda losses, sizes: np.sum(losses * sizes**2),
                "You multiply by the size of a minibatch twice.",
            ),
        ),
    ),
    Slot(
        "divisor",
        lambda losses, sizes: np.sum(sizes),
        (
            Mistake(
                "divided by the number of minibatches",
                lambda losses, sizes: len(losses),
                "You divide by the number of minibatches. What you have added up has a term for each image, not for "
                "each minibatch.",
            ),
            Mistake(
                "sum instead of mean",
                lambda losses, sizes: 1,
                "You do not divide. A sum grows with the size of the data set.",
            ),
            Mistake(
                "every minibatch taken as full",
                lambda losses, sizes: len(sizes) * sizes[0],
                "You divide by the number of images that there would be if all minibatches were as large as the first.",
            ),
            Mistake(
                "divided by the largest minibatch",
                lambda losses, sizes: np.max(sizes),
                "You divide by the size of a single minibatch.",
            ),
            Mistake(
                "divided by images and minibatches",
                lambda losses, sizes: np.sum(sizes) * len(sizes),
                "You divide by the number of images and by the number of minibatches too.",
            ),
        ),
    ),
)


def _averaging(taken: Any, counted: Any, added: Any, divisor: Any) -> Any:
    def mean(losses: Any, sizes: Any) -> Any:
        some, their_sizes = taken(losses, counted(sizes))
        return added(some, their_sizes) / divisor(some, their_sizes)

    return mean


MEAN = Exercise(
    name="epoch-loss",
    chapter="07_mnist",
    task="Return the mean loss over all images of an epoch, from the mean losses of its minibatches and their sizes.",
    takes="losses sizes",
    returns="loss",
    reference=_mean,
    cases=(
        Case(_losses),
        Case({"losses": np.array([0.3, 0.7, 0.2]), "sizes": np.array([10, 10, 10])}),
        Case({"losses": np.array([0.2, 0.4, 9.0]), "sizes": np.array([100, 100, 1])}),
    ),
    slots=_MEAN_SLOTS,
    built=_averaging,
    mistakes=(),
    hints=(
        "What is the sum of the losses of all images in one minibatch? And how many images are there?",
        "A minibatch's mean times its size is the sum over its images. Add these up, and divide by the sum of the "
        "sizes.",
    ),
    read="The loop",
)


def _softmax(z: np.ndarray, axis: int = 1) -> np.ndarray:
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return np.asarray(e / e.sum(axis=axis, keepdims=True))


def _targets(z: np.ndarray, y: np.ndarray, s: float) -> np.ndarray:
    """The smoothed labels: row i holds the probabilities that image i should get."""
    return np.asarray((1 - s) * np.eye(z.shape[1])[y] + s / z.shape[1])


def _gradient(z: np.ndarray, y: np.ndarray, s: float) -> np.ndarray:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    q = (1 - s) * np.eye(z.shape[1])[y] + s / z.shape[1]
    return np.asarray((e / e.sum(axis=1, keepdims=True) - q) / len(z))


def _overflowing(z: np.ndarray) -> np.ndarray:
    return np.asarray(np.exp(z) / np.exp(z).sum(axis=1, keepdims=True))


def _one_maximum(z: np.ndarray) -> np.ndarray:
    return _overflowing(z - z.max())


def _in_the_probabilities(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    return np.asarray(-q / p)


def _squares(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    error = p - q
    return np.asarray(2 * p * (error - (p * error).sum(axis=1, keepdims=True)))


def _one_hot(y: np.ndarray, K: int) -> np.ndarray:
    return np.asarray(np.eye(K)[y])


_SMOOTHING_SLOTS = (
    Slot(
        "softmax",
        _softmax,
        (
            Mistake(
                "softmax over the images",
                lambda z: _softmax(z, 0),
                "Your probabilities sum to one down each column, over the images. They should sum to one along each "
                "row, over the classes.",
            ),
            Mistake(
                "softmax over everything",
                lambda z: np.exp(z - z.max()) / np.exp(z - z.max()).sum(),
                "Your probabilities sum to one over the whole minibatch. They should sum to one along each row.",
            ),
            Mistake(
                "overflow",
                _overflowing,
                "Right for small logits and NaN for large ones: the exponential of 1000 is infinite in double "
                "precision and that of −1000 is zero, so that the quotient is ∞/∞ or 0/0.",
            ),
            Mistake(
                "one maximum for the whole minibatch",
                _one_maximum,
                "You subtract the largest logit of the whole minibatch. A row whose logits are all far below it then "
                "becomes 0/0.",
            ),
            Mistake(
                "maximum of the column",
                lambda z: (lambda e: e / e.sum(axis=1, keepdims=True))(np.exp(z - z.max(axis=0))),
                "You subtract the largest logit of each column. Within a row the logits are then shifted by different "
                "numbers, and a softmax forgives a shift only if it is the same for the whole row.",
            ),
            Mistake(
                "not divided by the sum",
                lambda z: np.exp(z - z.max(axis=1, keepdims=True)),
                "You do not divide the exponentials by their sum, so that your probabilities do not sum to one.",
            ),
            Mistake(
                "exponential of −z",
                lambda z: _softmax(-z),
                "You take the exponential of −z: the class with the largest logit gets the smallest probability.",
            ),
            Mistake(
                "a sigmoid for each class",
                lambda z: np.where(z > 0, 1 / (1 + np.exp(-abs(z))), 1 - 1 / (1 + np.exp(-abs(z)))),
                "You take a sigmoid of each logit by itself. The classes exclude each other: their probabilities sum "
                "to one.",
            ),
            Mistake(
                "no softmax",
                lambda z: z,
                "You subtract the targets from the logits. Logits are not probabilities: the softmax comes in between.",
            ),
        ),
    ),
    Slot(
        "label",
        _one_hot,
        (
            Mistake(
                "labels counted from 1",
                lambda y, K: _one_hot(y - 1, K),
                "Your targets are one class too low: label 0 is the first column, and an index of −1 is the last, "
                "without an error.",
            ),
            Mistake(
                "label's number instead of its class",
                lambda y, K: y[:, None] + np.zeros(K),
                "You subtract the label's number from every probability of its row. A label is the name of one class: "
                "the columns of the others should stay as they are.",
            ),
            Mistake(
                "one label for every image",
                lambda y, K: _one_hot(y, K).max(axis=0) + np.zeros((len(y), 1)),
                "You mark the classes of all labels in every row, as dz[:, y] does. Each row has one label, its own: "
                "the row's number has to be given as well.",
            ),
            Mistake(
                "no label",
                lambda y, K: np.zeros((len(y), K)),
                "The labels do not enter: every class has the same target.",
            ),
        ),
    ),
    Slot(
        "smoothed",
        lambda label, s, K: (1 - s) * label + s / K,
        (
            Mistake(
                "labels not smoothed",
                lambda label, s, K: label,
                "This is right for s = 0: the labels are as sharp as ever.",
            ),
            Mistake(
                "smoothed over the other classes only",
                lambda label, s, K: (1 - s) * label + s / (K - 1) * (1 - label),
                "You give s to the classes that are not the label's. Here it is shared by all classes, the label's "
                "among them.",
            ),
            Mistake(
                "label's own share left whole",
                lambda label, s, K: label + s / K,
                "The label's class keeps its 1 and every class gets a share of s besides, so that the targets of an "
                "image sum to 1 + s.",
            ),
            Mistake(
                "label without its part of s",
                lambda label, s, K: (1 - s) * label + s / K * (1 - label),
                "Your label's class has the target 1 − s. All classes get a part of s, the label's among them: the "
                "targets of an image now sum to less than one.",
            ),
            Mistake(
                "others get nothing",
                lambda label, s, K: (1 - s) * label,
                "You take s from the label and give it to no class. The targets of an image have to sum to one.",
            ),
            Mistake(
                "s not divided",
                lambda label, s, K: (1 - s) * label + s,
                "You give s to every class. It is shared by all of them: the targets of an image have to sum to one.",
            ),
            Mistake(
                "s and 1 − s exchanged",
                lambda label, s, K: s * label + (1 - s) / K,
                "You keep s of the label and spread 1 − s over the classes: with s = 0 nothing is left of the label.",
            ),
            Mistake(
                "shared by one class too few",
                lambda label, s, K: (1 - s) * label + s / (K - 1),
                "You divide s by one class too few, and give a part to every class. The targets of an image then sum "
                "to more than one.",
            ),
        ),
    ),
    Slot(
        "difference",
        lambda p, q: p - q,
        (
            Mistake(
                "gradient of a squared error",
                _squares,
                "This is the gradient of the squared distance between probabilities and targets. It vanishes where the "
                "model is sure and wrong, which is what the logarithm is there to prevent.",
            ),
            Mistake(
                "derivative in the probabilities",
                _in_the_probabilities,
                "This is the derivative with respect to the probabilities. The logits are one softmax further back.",
            ),
            Mistake(
                "uphill",
                lambda p, q: q - p,
                "This is the gradient with the opposite sign. A step against it would raise the loss.",
            ),
            Mistake(
                "targets not subtracted",
                lambda p, q: p,
                "You return the probabilities: the targets are not subtracted.",
            ),
            Mistake(
                "targets added",
                lambda p, q: p + q,
                "You add the targets. Where the model is right its gradient should vanish.",
            ),
            Mistake(
                "difference squared",
                lambda p, q: (p - q) ** 2,
                "You square the difference. The gradient has lost its sign.",
            ),
            Mistake(
                "logarithm of the probabilities",
                lambda p, q: np.log(p) - q,
                "You take the logarithm of the probabilities. It is in the loss; in its gradient it has been "
                "differentiated.",
            ),
        ),
    ),
    Slot(
        "mean",
        lambda d: d / len(d),
        (
            Mistake(
                "sum over the minibatch",
                lambda d: d,
                "This is the gradient of the sum over the minibatch, not of the mean. The step of gradient descent "
                "would grow with the size of the minibatch; RMSprop would hide it.",
            ),
            Mistake(
                "mean over classes too",
                lambda d: d / d.size,
                "You divide by the number of all logits. The mean is over the images; the classes of one image are "
                "summed in its loss.",
            ),
            Mistake(
                "mean over the classes",
                lambda d: d / d.shape[1],
                "You divide by the number of classes. The mean is over the images.",
            ),
            Mistake(
                "multiplied by the number of images",
                lambda d: d * len(d),
                "You multiply by the number of images, by which a mean is divided.",
            ),
        ),
    ),
)


def _crossing(softmax: Any, label: Any, smoothed: Any, difference: Any, mean: Any) -> Any:
    def gradient(z: np.ndarray, y: np.ndarray, s: float) -> Any:
        K = z.shape[1]
        return mean(difference(softmax(z), smoothed(label(y, K), s, K)))

    return gradient


SMOOTHING = Exercise(
    name="softmax-smoothing",
    chapter="07_mnist",
    task="Return the gradient in the logits z (one row for each image) of the mean cross-entropy over the minibatch, "
    "with labels y smoothed by s.",
    takes="z y s",
    returns="dz",
    reference=_gradient,
    cases=(
        Case({"z": np.random.default_rng(7).normal(0, 2, (4, 4)), "y": np.array([0, 2, 1, 1]), "s": 0.3}),
        Case({"z": np.random.default_rng(8).normal(0, 1, (2, 5)), "y": np.array([4, 0]), "s": 0.0}),
        Case(
            {
                "z": np.array([[1000.0, 998.0, 990.0], [-1000.0, -998.0, -1003.0]]),
                "y": np.array([1, 1]),
                "s": 0.25,
            }
        ),
    ),
    slots=_SMOOTHING_SLOTS,
    built=_crossing,
    mistakes=(),
    hints=(
        "The chapter's derivation never uses that the target is a unit vector, only that its numbers sum to one. What "
        "takes the place of the unit vector?",
        "Subtract each row's maximum, take the exponential, divide by the row's sum: p. The targets q are s/K "
        "everywhere and 1 − s more at the label. Return (p − q) over the number of rows.",
    ),
    read="Softmax regression and its gradient",
)

_grid = 10.0 ** np.arange(-4.0, 2.0)


def _choice(rates: Any, losses: Any) -> tuple[Any, bool]:
    k = int(np.nanargmin(losses))
    return rates[k], 0 < k < len(rates) - 1


def _finite(losses: Any) -> np.ndarray:
    return np.flatnonzero(np.isfinite(losses))


_RATE_SLOTS = (
    Slot(
        "index",
        np.nanargmin,
        (
            Mistake(
                "NaN chosen",
                np.argmin,
                "Where a run has diverged to NaN, you choose it. np.argmin takes NaN for the smallest of all numbers.",
            ),
            Mistake(
                "index among the runs that are left",
                lambda losses: np.argmin(losses[_finite(losses)]),
                "You leave out the runs that diverged, and use the index among the others on the whole grid. As soon "
                "as one before the best is missing, it points to another rate.",
            ),
            Mistake(
                "highest loss",
                lambda losses: np.argmax(np.where(np.isfinite(losses), losses, -np.inf)),
                "You choose the highest loss of all that are finite. That would be right for an accuracy.",
            ),
            Mistake(
                "highest loss, infinity included",
                np.nanargmax,
                "You choose the highest loss, and a run that diverged to infinity has the highest of all.",
            ),
            Mistake(
                "largest rate that did not diverge",
                lambda losses: _finite(losses)[-1],
                "You choose the largest rate that did not diverge. It is often beyond the best.",
            ),
            Mistake(
                "diverged runs as loss 0",
                lambda losses: np.argmin(np.where(np.isfinite(losses), losses, 0.0)),
                "You put 0 for the losses of runs that diverged. No loss is lower than that, so that they are chosen.",
            ),
            Mistake(
                "second best",
                lambda losses: np.argsort(losses)[1],
                "You choose the second lowest loss.",
            ),
        ),
    ),
    Slot(
        "inside",
        lambda k, n, losses: 0 < k < n - 1,
        (
            Mistake(
                "lower edge forgotten",
                lambda k, n, losses: k < n - 1,
                "A best rate that is the smallest of the grid counts as inside in your answer: perhaps an even smaller "
                "one would have been better.",
            ),
            Mistake(
                "upper edge forgotten",
                lambda k, n, losses: k > 0,
                "A best rate that is the largest of the grid counts as inside in your answer: perhaps an even larger "
                "one would have been better. (The last index is the length minus one.)",
            ),
            Mistake(
                "edge of the runs that did not diverge",
                lambda k, n, losses: _finite(losses)[0] < k < _finite(losses)[-1],
                "A rate whose neighbour diverged counts as being at the edge in your answer. The neighbour was tried, "
                "and was worse.",
            ),
            Mistake(
                "at the edge instead of inside",
                lambda k, n, losses: not 0 < k < n - 1,
                "What you return beside the rate is whether it lies at the edge.",
            ),
            Mistake(
                "always inside",
                lambda k, n, losses: True,
                "Every rate counts as inside in your answer. The smallest and the largest of the grid lie at its edge.",
            ),
            Mistake(
                "never inside",
                lambda k, n, losses: False,
                "No rate counts as inside in your answer.",
            ),
            Mistake(
                "second from below counts as the edge",
                lambda k, n, losses: 1 < k < n - 1,
                "The second smallest rate of the grid counts as its edge in your answer. Indices begin at 0.",
            ),
            Mistake(
                "second from above counts as the edge",
                lambda k, n, losses: 0 < k < n - 2,
                "The second largest rate of the grid counts as its edge in your answer.",
            ),
        ),
    ),
    Slot(
        "returned",
        lambda rates, losses, k: rates[k],
        (
            Mistake(
                "index instead of rate",
                lambda rates, losses, k: float(k),
                "You return where the best rate stands in the grid, not the rate.",
            ),
            Mistake(
                "loss instead of rate",
                lambda rates, losses, k: losses[k],
                "You return the lowest loss, not the rate that had it.",
            ),
            Mistake(
                "next rate",
                lambda rates, losses, k: rates[min(k + 1, len(rates) - 1)],
                "The rate you return stands one place behind the one you chose.",
            ),
            Mistake(
                "rate before",
                lambda rates, losses, k: rates[max(k - 1, 0)],
                "The rate you return stands one place before the one you chose.",
            ),
            Mistake(
                "logarithm of the rate",
                lambda rates, losses, k: np.log10(rates[k]),
                "You return the logarithm of the rate.",
            ),
        ),
    ),
)


def _choosing(index: Any, inside: Any, returned: Any) -> Any:
    def choose(rates: Any, losses: Any) -> tuple[Any, Any]:
        k = int(index(losses))
        return returned(rates, losses, k), inside(k, len(rates), losses)

    return choose


RATE = Exercise(
    name="best-rate",
    chapter="07_mnist",
    task="Return the rate with the lowest validation loss, and whether it lies inside the grid; runs that diverged "
    "have the loss NaN or infinity.",
    takes="rates losses",
    returns="rate inside",
    reference=_choice,
    cases=(
        Case({"rates": _grid, "losses": np.array([2.2, 1.1, 0.4, 0.3, 2.0, np.nan])}),
        Case({"rates": _grid, "losses": np.array([2.2, np.nan, 0.9, 0.3, 0.6, np.inf])}),
        Case({"rates": _grid, "losses": np.array([0.3, 0.4, 0.9, 2.0, np.inf, np.nan])}),
        Case({"rates": _grid, "losses": np.array([2.3, 2.2, 1.9, 1.1, 0.6, 0.5])}),
        Case({"rates": 3 * _grid[:4], "losses": np.array([1.9, 0.8, 0.5, np.nan])}),
        Case({"rates": _grid, "losses": np.array([1.1, 0.4, 0.6, 0.9, 2.0, np.nan])}),
        Case({"rates": _grid, "losses": np.array([2.2, 0.4, np.nan, np.nan, np.inf, np.nan])}),
        Case({"rates": _grid, "losses": np.array([np.nan, 1.1, 0.6, 0.5, 0.7, 2.0])}),
    ),
    slots=_RATE_SLOTS,
    built=_choosing,
    mistakes=(),
    hints=(
        "Try np.argmin on a list with a NaN in it. Then: which two indices are the edges?",
        "np.nanargmin gives the index k of the smallest entry that is not NaN. The rate is rates[k], and it lies "
        "inside if k is neither 0 nor the last index.",
    ),
    read="Nine optimizers, compared fairly",
)


_SHARES = Slot(
    "shares",
    lambda alpha: alpha,
    (
        Mistake(
            "shares swapped",
            lambda alpha: 1 - alpha,
            "Your averages keep the share 1 − α of what was and take in α of the new. In torch.optim alpha is what is "
            "kept.",
        ),
    ),
)

_MEAN = Slot(
    "mean",
    lambda mu, g, alpha: alpha * mu + (1 - alpha) * g,
    (
        Mistake(
            "mean of the sizes",
            lambda mu, g, alpha: alpha * mu + (1 - alpha) * abs(g),
            "Your mean is of the gradients' sizes. Centering subtracts the mean of the gradients, with their signs.",
        ),
        Mistake(
            "too much of the gradient in the mean",
            lambda mu, g, alpha: alpha * mu + g,
            "Your mean takes in too much of each gradient. Its square is then larger than the mean square, so that "
            "what is under the root is negative. The two averages have to have the same weights.",
        ),
    ),
)

_CENTERED = Slot(
    "centering",
    lambda v, mu, centered: v - mu * mu if centered else v,
    (
        Mistake(
            "not centered",
            lambda v, mu, centered: v,
            "Your steps are the same whether centered is set or not.",
        ),
        Mistake(
            "always centered",
            lambda v, mu, centered: v - mu * mu,
            "You subtract the square of the mean even where nobody asked for it.",
        ),
        Mistake(
            "centered when not asked",
            lambda v, mu, centered: v if centered else v - mu * mu,
            "You subtract the square of the mean where centered is not set, and only there.",
        ),
        Mistake(
            "mean not squared",
            lambda v, mu, centered: v - mu if centered else v,
            "You subtract the mean itself from the average of the squares. The units differ, and the difference may "
            "have no root.",
        ),
        Mistake(
            "square of the mean added",
            lambda v, mu, centered: v + mu * mu if centered else v,
            "You add the square of the mean. A variance is the mean square less the square of the mean.",
        ),
        Mistake(
            "only the mean under the root",
            lambda v, mu, centered: mu * mu if centered else v,
            "With centered you divide by the size of the mean alone.",
        ),
    ),
)

_ABOVE = Slot(
    "above",
    lambda g, mu, centered: g,
    (
        Mistake(
            "gradient centered",
            lambda g, mu, centered: g - mu if centered else g,
            "You subtract the mean from the gradient as well. Only the denominator is centered: with this, a steady "
            "gradient would not move anything.",
        ),
        Mistake(
            "mean in the numerator",
            lambda g, mu, centered: mu if centered else g,
            "With centered the mean stands in your numerator. The gradient of this step belongs there.",
        ),
        Mistake(
            "sign in the numerator",
            lambda g, mu, centered: np.sign(g),
            "Only the sign of the gradient stands in your numerator. Divided by its root mean square, a large "
            "gradient then makes a small step.",
        ),
        Mistake(
            "size in the numerator",
            lambda g, mu, centered: abs(g),
            "The size of the gradient stands in your numerator: the direction has lost its sign.",
        ),
    ),
)

_ORDER = Slot(
    "order",
    lambda scaled, buffered, g: buffered(scaled(g)),
    (
        Mistake(
            "momentum before scaling",
            lambda scaled, buffered, g: scaled(buffered(g)),
            "Your buffer holds gradients, and their sum is divided by the root. That is Adam's order; RMSprop's "
            "momentum comes after the scaling.",
        ),
    ),
)

_BUFFER = Slot(
    "buffer",
    lambda b, d, momentum: momentum * b + d,
    (
        Mistake(
            "no momentum",
            lambda b, d, momentum: d,
            "Your steps are the same with momentum and without.",
        ),
        Mistake(
            "momentum as an average",
            lambda b, d, momentum: momentum * b + (1 - momentum) * d,
            "Your buffer takes in the share 1 − γ of the new direction. Then η means something else: in the heavy "
            "ball's form the new direction counts in full.",
        ),
        Mistake(
            "momentum never fades",
            lambda b, d, momentum: b + d,
            "Your buffer adds up all directions and forgets none: the old buffer is not multiplied by the momentum.",
        ),
        Mistake(
            "momentum decayed with 1 − γ",
            lambda b, d, momentum: (1 - momentum) * b + d,
            "You multiply the old buffer by 1 − γ. The larger the momentum is, the less of it you keep.",
        ),
        Mistake(
            "new direction decayed too",
            lambda b, d, momentum: momentum * (b + d),
            "You multiply the new direction by the momentum as well. Only what was in the buffer before fades.",
        ),
        Mistake(
            "momentum subtracted",
            lambda b, d, momentum: d - momentum * b,
            "You subtract the old buffer. It then brakes the parameter instead of carrying it on.",
        ),
    ),
)

_RATE = Slot(
    "rate",
    (lambda lr: 1.0, lambda lr: lr),
    (
        Mistake(
            "the rate of the beginning",
            (lambda lr: 1.0, lambda lr: 1.0),
            "Every step is taken with the rate that the optimizer was made with. A scheduler writes into "
            "group['lr'], and that has no effect.",
        ),
        Mistake(
            "rate inside the buffer",
            (lambda lr: lr, lambda lr: 1.0),
            "You put the rate into the momentum buffer, as Keras and TensorFlow do. As long as the rate stays "
            "the same this makes no difference; after it has fallen, your buffer still moves at the old one. "
            "torch.optim multiplies what comes out of the buffer.",
        ),
        Mistake(
            "rate inside and outside",
            (lambda lr: lr, lambda lr: lr),
            "You multiply by the rate twice, on the way into the buffer and on the way out.",
        ),
        Mistake(
            "divided by the rate",
            (lambda lr: 1.0, lambda lr: 1 / lr),
            "You divide by the rate. A smaller rate then makes larger steps.",
        ),
    ),
)

_REMEMBERED = Slot(
    "remembered",
    lambda v, mu, b: (v, mu, b),
    (
        Mistake(
            "averages begin anew",
            lambda v, mu, b: (0.0 * v, 0.0 * mu, b),
            "At every step your averages begin at zero again. What has to last belongs in self.state[p].",
        ),
        Mistake(
            "mean begins anew",
            lambda v, mu, b: (v, 0.0 * mu, b),
            "At every step your mean begins at zero again, while the average of the squares lasts.",
        ),
    ),
)


def _optimizer(
    begun: Any,
    shares: Any,
    squared: Any,
    averaged: Any,
    used: Any,
    mean: Any,
    centering: Any,
    root: Any,
    epsilon: Any,
    above: Any,
    quotient: Any,
    order: Any,
    buffer: Any,
    rate: Any,
    remembered: Any,
    moved: Any,
) -> Any:
    """A class as the exercise asks for it, as a product of choices."""

    class Own:
        def __init__(self, alpha: float, eps: float, momentum: float, centered: bool) -> None:
            self.alpha, self.eps, self.momentum, self.centered = shares(alpha), eps, momentum, centered
            self.v: Any = None
            self.mu: Any = 0.0
            self.b: Any = 0.0

        def step(self, lr: float, theta: Any, g: Any) -> Any:
            g = np.asarray(g, float)
            into, out = rate
            if self.v is None:
                self.v = begun(squared(g))
            new = averaged(self.v, squared(g), self.alpha)
            mu = mean(self.mu, g, self.alpha)
            divides = centering(used(self.v, new), mu, self.centered)

            def scaled(x: Any) -> Any:
                x = above(x, mu, self.centered)
                return quotient(x, root(divides), epsilon(root, divides, self.eps), self.eps)

            def buffered(d: Any) -> Any:
                if not self.momentum:
                    return into(lr) * d
                self.b = buffer(self.b, into(lr) * d, self.momentum)
                return self.b

            step = out(lr) * order(scaled, buffered, g)
            self.v, self.mu, self.b = remembered(new, mu, self.b)
            return moved(theta, step)

    return Own


class _Written:
    """The optimizer as a reader may write it."""

    def __init__(self, alpha: float, eps: float, momentum: float, centered: bool) -> None:
        self.alpha, self.eps, self.momentum, self.centered = alpha, eps, momentum, centered
        self.v: Any = 0.0
        self.mu: Any = 0.0
        self.b: Any = 0.0

    def step(self, lr: float, theta: Any, g: Any) -> Any:
        self.v = self.alpha * self.v + (1 - self.alpha) * g * g
        self.mu = self.alpha * self.mu + (1 - self.alpha) * g
        under = self.v - self.mu * self.mu if self.centered else self.v
        d = g / (np.sqrt(under) + self.eps)
        if self.momentum > 0:
            self.b = self.momentum * self.b + d
            d = self.b
        return theta - lr * d


class _Library:
    """The library's optimizer in the form that the exercise asks for."""

    def __init__(self, alpha: float, eps: float, momentum: float, centered: bool) -> None:
        self.optimizer = RMSprop(1.0, alpha, eps, momentum=momentum, centered=centered)

    def step(self, lr: float, theta: Any, g: Any) -> Any:
        self.optimizer.learning_rate = lr
        return self.optimizer.update({"theta": np.asarray(theta, float)}, {"theta": np.asarray(g, float)})["theta"]


_rng = np.random.default_rng(7)
_theta = np.array([1.0, -2.0, 0.5, 3.0])
# With a mean, for centering, and of very different sizes.
_gradients = list((0.5 + _rng.normal(size=(8, 4))) * np.array([1.0, 100.0, 0.01, 1.0]))
_falling = [0.1, 0.1, 0.1, 0.1, 0.02, 0.02, 0.02, 0.005]

OPTIMIZER = Exercise(
    name="torch-rmsprop",
    chapter="07_mnist",
    task="Write a torch.optim.Optimizer made with (params, lr, alpha, eps, momentum, centered), whose step() takes one "
    "step of RMSprop with these options, at the rate that its group holds at that moment.",
    takes="alpha eps momentum centered lr theta g",
    returns="theta",
    built_with="alpha eps momentum centered",
    reference=_Library,
    cases=tuple(
        Case(
            {"alpha": 0.9, "eps": 1e-2, "momentum": momentum, "centered": centered, "theta": _theta},
            {"g": _gradients, "lr": _falling},
        )
        for momentum in (0.0, 0.75)
        for centered in (False, True)
    ),
    slots=(
        fillings.begun("v"),
        _SHARES,
        fillings.squared("v"),
        *fillings.without((fillings.averaged("v", "α"),), "average begun anew at every call", "no average"),
        fillings.used("v", first="without centering"),
        _MEAN,
        _CENTERED,
        *fillings.without((fillings.root("v"),), "root taken twice", "squared instead of a root"),
        *fillings.without((fillings.epsilon(),), "ε² inside the root", "ε in both places"),
        _ABOVE,
        fillings.quotient(),
        _ORDER,
        _BUFFER,
        _RATE,
        _REMEMBERED,
        fillings.moved(),
    ),
    built=_optimizer,
    solution=_Written,
    mistakes=(),
    hints=(
        "Ask group['momentum'] and group['centered'] in step, not in __init__. What each parameter has to remember "
        "besides v goes into self.state[p] when it is first seen.",
        "With centered, keep mean ← α mean + (1 − α) g and divide by the root of v − mean². With momentum, keep "
        "buffer ← γ buffer + direction, and step along the buffer times −group['lr'].",
    ),
    read="Write an optimizer yourself",
)


EXERCISES = (MEAN, SMOOTHING, RATE, OPTIMIZER)
