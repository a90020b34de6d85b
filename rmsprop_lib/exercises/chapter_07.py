"""The exercises of chapter 7, training."""

from typing import Any

import numpy as np

from rmsprop_lib import rules
from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake
from rmsprop_lib.numpy_optim import RMSprop

# The last losses are large and their batches small: what weights them wrongly is far off.
_losses = {"losses": np.array([2.0, 1.0, 0.5, 4.0]), "sizes": np.array([64, 64, 64, 32])}


def _mean(losses: Any, sizes: Any) -> Any:
    return np.average(losses, weights=sizes)


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
    mistakes=(
        Mistake(
            "every minibatch counts the same",
            lambda losses, sizes: np.mean(losses),
            "You take the mean of the means. That is right as long as all minibatches are equally large; the images of "
            "a small last one count too much.",
        ),
        Mistake(
            "last minibatch left out",
            lambda losses, sizes: _mean(losses[:-1], sizes[:-1]),
            "You leave out the last minibatch. Its images belong to the epoch like all the others.",
        ),
        Mistake(
            "divided by the number of minibatches",
            lambda losses, sizes: np.sum(losses * sizes) / len(losses),
            "You add up the losses of all images and divide by the number of minibatches. That is the loss of a "
            "minibatch, not of an image.",
        ),
        Mistake(
            "not weighted, but divided by the number of images",
            lambda losses, sizes: np.sum(losses) / np.sum(sizes),
            "You divide a sum that has one term for each minibatch by the number of images. Each of these terms is a "
            "mean already.",
        ),
        Mistake(
            "sum instead of mean",
            lambda losses, sizes: np.sum(losses * sizes),
            "This is the sum over all images. It grows with the size of the data set.",
        ),
        Mistake(
            "every minibatch taken as full",
            lambda losses, sizes: np.sum(losses * sizes) / (len(sizes) * sizes[0]),
            "You divide by the number of images that there would be if all minibatches were as large as the first.",
        ),
    ),
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
    return np.asarray((_softmax(z) - _targets(z, y, s)) / len(z))


def _overflowing(z: np.ndarray, y: np.ndarray, s: float) -> np.ndarray:
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return np.asarray((p - _targets(z, y, s)) / len(z))


def _one_maximum(z: np.ndarray, y: np.ndarray, s: float) -> np.ndarray:
    return _overflowing(z - z.max(), y, s)


def _among_the_others(z: np.ndarray, y: np.ndarray, s: float) -> np.ndarray:
    one_hot = np.eye(z.shape[1])[y]
    q = (1 - s) * one_hot + s / (z.shape[1] - 1) * (1 - one_hot)
    return np.asarray((_softmax(z) - q) / len(z))


def _squares(z: np.ndarray, y: np.ndarray, s: float) -> np.ndarray:
    p = _softmax(z)
    error = p - _targets(z, y, s)
    return np.asarray(2 * p * (error - (p * error).sum(axis=1, keepdims=True)) / len(z))


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
    mistakes=(
        Mistake(
            "sum over the minibatch",
            lambda z, y, s: len(z) * _gradient(z, y, s),
            "This is the gradient of the sum over the minibatch, not of the mean. The step of gradient descent would "
            "grow with the size of the minibatch; RMSprop would hide it.",
        ),
        Mistake(
            "mean over classes too",
            lambda z, y, s: _gradient(z, y, s) / z.shape[1],
            "You divide by the number of all logits. The mean is over the images; the classes of one image are summed "
            "in its loss.",
        ),
        Mistake(
            "softmax over the images",
            lambda z, y, s: (_softmax(z, 0) - _targets(z, y, s)) / len(z),
            "Your probabilities sum to one down each column, over the images. They should sum to one along each row, "
            "over the classes.",
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
            "labels not smoothed",
            lambda z, y, s: _gradient(z, y, 0.0),
            "This is right for s = 0: the labels are as sharp as ever.",
        ),
        Mistake(
            "smoothed over the other classes only",
            _among_the_others,
            "You give s to the classes that are not the label's. Here it is shared by all classes, the label's among "
            "them.",
        ),
        Mistake(
            "label's own share left whole",
            lambda z, y, s: (_softmax(z) - _targets(z, y, s) - s * np.eye(z.shape[1])[y]) / len(z),
            "The label's class keeps its 1 and every class gets a share of s besides, so that the targets of an image "
            "sum to 1 + s.",
        ),
        Mistake(
            "label without its part of s",
            lambda z, y, s: (_softmax(z) - _targets(z, y, s) + s / z.shape[1] * np.eye(z.shape[1])[y]) / len(z),
            "Your label's class has the target 1 − s. All classes get a part of s, the label's among them: the targets "
            "of an image now sum to less than one.",
        ),
        Mistake(
            "labels counted from 1",
            lambda z, y, s: _gradient(z, y - 1, s),
            "Your targets are one class too low: label 0 is the first column, and an index of −1 is the last, without "
            "an error.",
        ),
        Mistake(
            "label's number instead of its class",
            lambda z, y, s: (_softmax(z) - (1 - s) * y[:, None] - s / z.shape[1]) / len(z),
            "You subtract the label's number from every probability of its row. A label is the name of one class: the "
            "columns of the others should stay as they are.",
        ),
        Mistake(
            "no softmax",
            lambda z, y, s: (z - _targets(z, y, s)) / len(z),
            "You subtract the targets from the logits. Logits are not probabilities: the softmax comes in between.",
        ),
        Mistake(
            "gradient of a squared error",
            _squares,
            "This is the gradient of the squared distance between probabilities and targets. It vanishes where the "
            "model is sure and wrong, which is what the logarithm is there to prevent.",
        ),
        Mistake(
            "derivative in the probabilities",
            lambda z, y, s: -_targets(z, y, s) / _softmax(z) / len(z),
            "This is the derivative with respect to the probabilities. The logits are one softmax further back.",
        ),
        Mistake(
            "uphill",
            lambda z, y, s: -_gradient(z, y, s),
            "This is the gradient with the opposite sign. A step against it would raise the loss.",
        ),
    ),
    hints=(
        "The chapter's derivation never uses that the target is a unit vector, only that its numbers sum to one. What "
        "takes the place of the unit vector?",
        "Subtract each row's maximum, take the exponential, divide by the row's sum: p. The targets q are s/K "
        "everywhere and 1 − s more at the label. Return (p − q) over the number of rows.",
    ),
    read="Softmax regression and its gradient",
)

_grid = 10.0 ** np.arange(-4.0, 2.0)


def _best(losses: Any) -> int:
    return int(np.nanargmin(losses))


def _choice(rates: Any, losses: Any) -> tuple[Any, bool]:
    k = _best(losses)
    return rates[k], 0 < k < len(rates) - 1


def _other_index(index: Any) -> Any:
    """The choice with another index of the best rate, made of the losses."""

    def variant(rates: Any, losses: Any) -> tuple[Any, bool]:
        k = int(index(losses))
        return rates[k], 0 < k < len(rates) - 1

    return variant


def _finite(losses: Any) -> np.ndarray:
    return np.flatnonzero(np.isfinite(losses))


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
    ),
    mistakes=(
        Mistake(
            "NaN chosen",
            _other_index(np.argmin),
            "Where a run has diverged to NaN, you choose it. np.argmin takes NaN for the smallest of all numbers.",
        ),
        Mistake(
            "index among the runs that are left",
            _other_index(lambda losses: np.argmin(losses[_finite(losses)])),
            "You leave out the runs that diverged, and use the index among the others on the whole grid. As soon as "
            "one before the best is missing, it points to another rate.",
        ),
        Mistake(
            "index instead of rate",
            lambda rates, losses: (float(_best(losses)), _choice(rates, losses)[1]),
            "You return where the best rate stands in the grid, not the rate.",
        ),
        Mistake(
            "loss instead of rate",
            lambda rates, losses: (np.nanmin(losses), _choice(rates, losses)[1]),
            "You return the lowest loss, not the rate that had it.",
        ),
        Mistake(
            "highest loss",
            _other_index(lambda losses: np.argmax(np.where(np.isfinite(losses), losses, -np.inf))),
            "You choose the highest loss of all that are finite. That would be right for an accuracy.",
        ),
        Mistake(
            "largest rate that did not diverge",
            _other_index(lambda losses: _finite(losses)[-1]),
            "You choose the largest rate that did not diverge. It is often beyond the best.",
        ),
        Mistake(
            "lower edge forgotten",
            lambda rates, losses: (rates[_best(losses)], _best(losses) < len(rates) - 1),
            "The rate is right. But a best rate that is the smallest of the grid counts as inside: perhaps an even "
            "smaller one would have been better.",
        ),
        Mistake(
            "upper edge forgotten",
            lambda rates, losses: (rates[_best(losses)], _best(losses) > 0),
            "The rate is right. But a best rate that is the largest of the grid counts as inside: perhaps an even "
            "larger one would have been better.",
        ),
        Mistake(
            "edge of the runs that did not diverge",
            lambda rates, losses: (rates[_best(losses)], _finite(losses)[0] < _best(losses) < _finite(losses)[-1]),
            "The rate is right. But a rate whose neighbour diverged counts as being at the edge. The neighbour was "
            "tried, and was worse.",
        ),
        Mistake(
            "at the edge instead of inside",
            lambda rates, losses: (rates[_best(losses)], not _choice(rates, losses)[1]),
            "The rate is right. What you return with it is whether it lies at the edge.",
        ),
    ),
    hints=(
        "Try np.argmin on a list with a NaN in it. Then: which two indices are the edges?",
        "np.nanargmin gives the index k of the smallest entry that is not NaN. The rate is rates[k], and it lies "
        "inside if k is neither 0 nor the last index.",
    ),
    read="Nine optimizers, compared fairly",
)


class _Own:
    """RMSprop with places in which to go wrong."""

    def __init__(self, alpha: float, eps: float, momentum: float, centered: bool) -> None:
        self.alpha, self.eps, self.momentum, self.centered = alpha, eps, momentum, centered
        self.v = self.mu = self.b = 0.0

    def averages(self, g: Any) -> Any:
        """What is under the root."""
        self.v = rules.ema(self.v, g * g, self.alpha)
        self.mu = rules.ema(self.mu, g, self.alpha)
        return self.v - self.mu**2 if self.centered else self.v

    def scaled(self, g: Any) -> Any:
        return g / (np.sqrt(self.averages(g)) + self.eps)

    def direction(self, g: Any) -> Any:
        d = self.scaled(g)
        if not self.momentum:
            return d
        self.b = self.momentum * self.b + d
        return self.b

    def step(self, lr: float, theta: Any, g: Any) -> Any:
        return theta - lr * self.direction(np.asarray(g, float))


class _FirstRate(_Own):
    def step(self, lr: float, theta: Any, g: Any) -> Any:
        return super().step(1.0, theta, g)


class _RateInside(_Own):
    def step(self, lr: float, theta: Any, g: Any) -> Any:
        self.b = self.momentum * self.b + lr * self.scaled(np.asarray(g, float))
        return theta - self.b


class _MomentumFirst(_Own):
    def direction(self, g: Any) -> Any:
        self.b = self.momentum * self.b + g
        return self.b / (np.sqrt(self.averages(g)) + self.eps)


class _NoMomentum(_Own):
    def direction(self, g: Any) -> Any:
        return self.scaled(g)


class _AveragedMomentum(_Own):
    def direction(self, g: Any) -> Any:
        d = self.scaled(g)
        self.b = self.momentum * self.b + (1 - self.momentum) * d
        return self.b


class _SwappedShares(_Own):
    def __init__(self, alpha: float, eps: float, momentum: float, centered: bool) -> None:
        super().__init__(1 - alpha, eps, momentum, centered)


class _Inside(_Own):
    def scaled(self, g: Any) -> Any:
        return g / np.sqrt(self.averages(g) + self.eps)


class _NotCentered(_Own):
    def __init__(self, alpha: float, eps: float, momentum: float, centered: bool) -> None:
        super().__init__(alpha, eps, momentum, False)


class _AlwaysCentered(_Own):
    def __init__(self, alpha: float, eps: float, momentum: float, centered: bool) -> None:
        super().__init__(alpha, eps, momentum, True)


class _CentersTheGradient(_Own):
    def scaled(self, g: Any) -> Any:
        root = np.sqrt(self.averages(g)) + self.eps
        return (g - self.mu) / root if self.centered else g / root


class _Forgetful(_Own):
    def averages(self, g: Any) -> Any:
        self.v = self.mu = 0.0
        return super().averages(g)


class _Uphill(_Own):
    def step(self, lr: float, theta: Any, g: Any) -> Any:
        return theta + lr * self.direction(np.asarray(g, float))


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
    mistakes=(
        Mistake(
            "the rate of the beginning",
            _FirstRate,
            "Every step is taken with the rate that the optimizer was made with. A scheduler writes into "
            "group['lr'], and that has no effect.",
        ),
        Mistake(
            "rate inside the buffer",
            _RateInside,
            "You put the rate into the momentum buffer, as Keras and TensorFlow do. As long as the rate stays "
            "the same this makes no difference; after it has fallen, your buffer still moves at the old one. "
            "torch.optim multiplies what comes out of the buffer.",
        ),
        Mistake(
            "momentum before scaling",
            _MomentumFirst,
            "Your buffer holds gradients, and their sum is divided by the root. That is Adam's order; RMSprop's "
            "momentum comes after the scaling.",
        ),
        Mistake(
            "no momentum",
            _NoMomentum,
            "Your steps are the same with momentum and without.",
        ),
        Mistake(
            "momentum as an average",
            _AveragedMomentum,
            "Your buffer takes in the share 1 − γ of the new direction. Then η means something else: in the heavy "
            "ball's form the new direction counts in full.",
        ),
        Mistake(
            "shares swapped",
            _SwappedShares,
            "Your averages keep the share 1 − α of what was and take in α of the new. In torch.optim alpha is what is "
            "kept.",
        ),
        Mistake(
            "ε inside the root",
            _Inside,
            "Your ε is added before the root is taken. Then √ε is what small gradients meet, not ε.",
        ),
        Mistake(
            "not centered",
            _NotCentered,
            "Your steps are the same whether centered is set or not.",
        ),
        Mistake(
            "always centered",
            _AlwaysCentered,
            "You subtract the square of the mean even where nobody asked for it.",
        ),
        Mistake(
            "gradient centered",
            _CentersTheGradient,
            "You subtract the mean from the gradient as well. Only the denominator is centered: with this, a steady "
            "gradient would not move anything.",
        ),
        Mistake(
            "averages begin anew",
            _Forgetful,
            "At every step your averages begin at zero again. What has to last belongs in self.state[p].",
        ),
        Mistake(
            "uphill",
            _Uphill,
            "You add the direction. The gradient points uphill.",
        ),
    ),
    hints=(
        "Ask group['momentum'] and group['centered'] in step, not in __init__. What each parameter has to remember "
        "besides v goes into self.state[p] when it is first seen.",
        "With centered, keep mean ← α mean + (1 − α) g and divide by the root of v − mean². With momentum, keep "
        "buffer ← γ buffer + direction, and step along the buffer times −group['lr'].",
    ),
    read="Write an optimizer yourself",
)


EXERCISES = (MEAN, SMOOTHING, RATE, OPTIMIZER)
