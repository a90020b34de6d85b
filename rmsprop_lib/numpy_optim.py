"""SGD, AdaGrad, RMSprop and Adam over dictionaries of NumPy arrays.

>>> import numpy as np
>>> optimizer = RMSprop(learning_rate=0.1, rho=0.75)
>>> params = {"w": np.array([1.0, -2.0])}
>>> params = optimizer.update(params, {"w": np.array([4.0, -8.0])})
>>> params["w"]
array([ 0.8, -1.8])
>>> optimizer.cache["w"]
array([ 4., 16.])
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from rmsprop_lib import rules
from rmsprop_lib.compiled import arrays
from rmsprop_lib.hyperparameters import DECAY, NON_NEGATIVE, Hyperparameter
from rmsprop_lib.rules import Rule

Arrays = dict[str, np.ndarray]
"""Arrays by name."""

BLOCK = 65_536
"""The in-place path works through large arrays in pieces of so many elements, which stay in the processor's cache."""
WORTH_COMPILING = arrays.WORTH_COMPILING
"""From how many parameters on, all together, the compiled rule is worth the second that compiling takes."""


class Optimizer(ABC):
    """What the four optimizers share: checking the input, keeping the state, stepping.

    A subclass names its accumulators (``_names``) and chooses its rule (``_chosen``).

    Attributes
    ----------
    learning_rate : float
        η ≥ 0. Like every hyperparameter it may be assigned between steps and is checked then.
    weight_decay : float
        λ ≥ 0. λ·θ is added to the gradient; in :class:`Adam` it may be decoupled.
    check_finite : bool
        Whether a gradient with NaN or infinity is refused. Without the check it enters the state, as in most
        frameworks, and stays there; the check reads each gradient once more.
    state : dict of str to dict
        For each accumulator its name in the class's documentation, and under it one array per parameter with
        the parameter's shape and dtype. Made of zeros when a parameter is first seen.
    step : dict of str to int
        How many updates each parameter has had.
    """

    learning_rate = Hyperparameter(NON_NEGATIVE)
    weight_decay = Hyperparameter(NON_NEGATIVE)
    decoupled_weight_decay = False

    def __init__(self, learning_rate: float, weight_decay: float, check_finite: bool) -> None:
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.check_finite = check_finite
        self.state: dict[str, Arrays] = {}
        self.step: dict[str, int] = {}
        self._like: dict[str, tuple[tuple[int, ...], np.dtype]] = {}

    @abstractmethod
    def _names(self) -> tuple[str, ...]:
        """The accumulators of the rule, in the order in which it takes and returns them."""

    @abstractmethod
    def _chosen(self, t: int) -> tuple[Rule, tuple[Any, ...]]:
        """The rule of step ``t``, and what it is given after the gradient and its state."""

    def _rule(self, theta: Any, g: Any, state: list[Any], t: int) -> tuple[Any, ...]:
        rule, arguments = self._chosen(t)
        if not self.weight_decay:
            return rule(g, *state, *arguments)
        if not self.decoupled_weight_decay:
            return rule(g + self.weight_decay * theta, *state, *arguments)
        direction, *new = rule(g, *state, *arguments)
        return rules.decoupled_weight_decay(direction, theta, self.weight_decay), *new

    @property
    def cache(self) -> Arrays:
        """Accumulated squares per parameter, Σg² in AdaGrad, v in RMSprop and Adam; empty in SGD."""
        return self.state.get("cache", {})

    def effective_rate(self, key: str) -> np.ndarray:
        """η divided by the denominator of the last step, elementwise.

        Parameters
        ----------
        key : str
            The parameter's name.

        Returns
        -------
        array
            Of the parameter's shape and dtype.

        Raises
        ------
        KeyError
            If the parameter has not been updated yet.
        """
        if key not in self.step:
            raise KeyError(f"no update of {key!r} yet; updated so far: {sorted(self.step)}")
        shape, dtype = self._like[key]
        return np.full(shape, self.learning_rate / self._denominator(key), dtype)

    @abstractmethod
    def _denominator(self, key: str) -> Any:
        """What the rule divided the gradient by at the last step."""

    def update(self, params: Mapping[str, np.ndarray], grads: Mapping[str, np.ndarray]) -> Arrays:
        """Do one step and return the new parameters; the arrays passed in are left alone.

        Parameters
        ----------
        params, grads : dict of str to array
            The same keys; for each key the same shape, any. Parameters are of a real floating dtype, which
            the result keeps; gradients are converted to it.

        Returns
        -------
        dict of str to array
            New arrays, with the keys of ``params`` in their order.

        Raises
        ------
        ValueError
            If keys or shapes differ, or a gradient is not finite (unless ``check_finite=False``), or a step
            would be 0/0, which happens for ε = 0 and a gradient that has always been zero.
        TypeError
            If a parameter is not floating, or a gradient not numeric. Whatever is raised, nothing has changed.
        """
        checked = self._checked(params, grads)
        states = {key: self._state_of(key, theta) for key, (theta, _) in checked.items()}
        stepped = self._step_at_once(checked, states, in_place=False)
        for key, (theta, g) in checked.items():
            if key not in stepped:
                direction, *state = self._stepped(key, theta, g, states[key])
                stepped[key] = np.asarray(theta - self.learning_rate * direction), *state
        new_params: Arrays = {}
        for key in checked:
            new_params[key], *state = stepped[key]
            for name, array in zip(self._names(), state, strict=True):
                self.state.setdefault(name, {})[key] = np.asarray(array)
            self._count(key, new_params[key])
        return new_params

    def update_(self, params: Mapping[str, np.ndarray], grads: Mapping[str, np.ndarray]) -> None:
        """Do one step in place: the arrays in ``params`` are overwritten, and no array of their size is made.

        From about a million parameters on, and where Numba is installed, this is one pass over memory: the rule
        compiled (``rmsprop_lib.compiled``), which takes about a second the first time.

        Parameters
        ----------
        params, grads : dict of str to array
            As :meth:`update` takes them; those in ``params`` have to be writeable.

        Raises
        ------
        ValueError
            As in :meth:`update`, or if a parameter is read-only. A step that would be 0/0 is not refused here but
            gives NaN.
        TypeError
            As in :meth:`update`, or if a parameter is not a NumPy array. Whatever is raised, nothing has changed.
        """
        checked = self._checked(params, grads)
        for key in checked:
            if not isinstance(params[key], np.ndarray):
                raise TypeError(f"params[{key!r}] is a {type(params[key]).__name__}; in place needs a NumPy array")
            if not params[key].flags.writeable:
                raise ValueError(f"params[{key!r}] is read-only; in place needs a writeable array")
        states = {key: self._state_of(key, theta) for key, (theta, _) in checked.items()}
        fused = self._step_at_once(checked, states, in_place=True)
        for key, (theta, g) in checked.items():
            if key not in fused:
                self._step_in_blocks(key, theta, g, states[key])
            for name, array in zip(self._names(), states[key], strict=True):
                self.state.setdefault(name, {})[key] = array
            self._count(key, theta)

    def _step_in_blocks(self, key: str, theta: np.ndarray, g: np.ndarray, state: list[np.ndarray]) -> None:
        # C-ordered arrays are views of a line, cut into blocks; others are stepped as one block.
        flat = all(array.flags.c_contiguous for array in (theta, *state))
        lines = [array.reshape(-1) if flat else array for array in (theta, g, *state)]
        size = BLOCK if flat else max(1, len(lines[0]))
        for start in range(0, len(lines[0]), size):
            p, h, *s = (line[start : start + size] for line in lines)
            direction, *new = self._rule(p, h, s, self.step.get(key, 0) + 1)
            p -= self.learning_rate * direction
            for old, array in zip(s, new, strict=True):
                old[...] = array

    def _step_at_once(
        self,
        checked: Mapping[str, tuple[np.ndarray, np.ndarray]],
        states: Mapping[str, list[np.ndarray]],
        *,
        in_place: bool,
    ) -> dict[str, tuple[np.ndarray, ...]]:
        """The parameter and the accumulators after the step, for each key that the compiled rule has stepped."""
        if self.check_finite and not in_place and getattr(self, "epsilon", 1.0) == 0:
            return {}  # a step that is 0/0 has to be seen
        return arrays.step_at_once(
            {key: (theta, g, *states[key]) for key, (theta, g) in checked.items()},
            {key: self.step.get(key, 0) + 1 for key in checked},
            *self._chosen(1),
            self.learning_rate,
            weight_decay=self.weight_decay,
            decoupled=self.decoupled_weight_decay,
            in_place=in_place,
        )

    def _count(self, key: str, theta: np.ndarray) -> None:
        self.step[key] = self.step.get(key, 0) + 1
        self._like[key] = theta.shape, theta.dtype

    def _stepped(self, key: str, theta: np.ndarray, g: np.ndarray, state: list[np.ndarray]) -> tuple[Any, ...]:
        try:
            with np.errstate(invalid="raise" if self.check_finite else "warn", divide="ignore"):
                return self._rule(theta, g, state, self.step.get(key, 0) + 1)
        except FloatingPointError as error:
            raise ValueError(
                f"the step of {key!r} is 0/0: with epsilon=0 a gradient may not be zero from the start ({error})"
            ) from None

    def _state_of(self, key: str, theta: np.ndarray) -> list[np.ndarray]:
        arrays = [self.state.get(name, {}).get(key) for name in self._names()]
        for name, array in zip(self._names(), arrays, strict=True):
            if array is not None and array.shape != theta.shape:
                raise ValueError(f"params[{key!r}] has shape {theta.shape}, but its {name} has {array.shape}")
        return [np.zeros_like(theta) if array is None else array for array in arrays]

    def _checked(
        self, params: Mapping[str, np.ndarray], grads: Mapping[str, np.ndarray]
    ) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        if missing := params.keys() - grads.keys():
            raise ValueError(f"grads lacks {sorted(missing)}; params has {sorted(params)}")
        if unknown := grads.keys() - params.keys():
            raise ValueError(f"grads has {sorted(unknown)}, which params has not; params has {sorted(params)}")
        checked = {}
        for key in params:
            theta = np.asarray(params[key])
            if not np.issubdtype(theta.dtype, np.floating):
                raise TypeError(f"params[{key!r}] has dtype {theta.dtype}; it must be floating, such as float64")
            g = np.asarray(grads[key])
            if not (np.issubdtype(g.dtype, np.floating) or np.issubdtype(g.dtype, np.integer)):
                raise TypeError(f"grads[{key!r}] has dtype {g.dtype}; it must be real and numeric")
            if g.shape != theta.shape:
                raise ValueError(f"grads[{key!r}] has shape {g.shape}, but params[{key!r}] has {theta.shape}")
            with np.errstate(over="ignore"):  # what is too large for the parameter's type is refused as infinite
                g = g.astype(theta.dtype, copy=False)
            if self.check_finite and not _all_finite(g):
                first = tuple(int(i) for i in np.argwhere(~np.isfinite(g))[0])
                raise ValueError(f"grads[{key!r}] is {g[first]} at index {first}; gradients must be finite")
            checked[key] = theta, g
        return checked


def _all_finite(g: np.ndarray) -> bool:
    """Whether no element is NaN or infinite, without an array of their number."""
    if not g.flags.c_contiguous:
        return bool(np.isfinite(g).all())
    if (answer := arrays.all_finite(g)) is not None:
        return answer
    line = g.reshape(-1)
    return all(np.isfinite(line[start : start + BLOCK]).all() for start in range(0, line.size, BLOCK))


class SGD(Optimizer):
    """Gradient descent, with momentum as a heavy ball (rules ``sgd`` and ``heavy_ball``).

    Parameters
    ----------
    learning_rate : float, η ≥ 0
    momentum : float, γ in [0, 1)
        0 is plain gradient descent; otherwise ``state["velocity"]`` holds the buffer b.
    nesterov : bool
        Take the direction one step ahead; needs ``momentum`` > 0 to make a difference.
    weight_decay : float, λ ≥ 0
    check_finite : bool
        See :class:`Optimizer`.
    """

    momentum = Hyperparameter(DECAY)

    def __init__(
        self,
        learning_rate: float = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        *,
        weight_decay: float = 0.0,
        check_finite: bool = True,
    ) -> None:
        super().__init__(learning_rate, weight_decay, check_finite)
        self.momentum = momentum
        self.nesterov = nesterov

    def _names(self) -> tuple[str, ...]:
        return ("velocity",) if self.momentum else ()

    def _chosen(self, t: int) -> tuple[Rule, tuple[Any, ...]]:
        if not self.momentum:
            return rules.sgd, ()
        return rules.heavy_ball, (self.momentum, 0.0, bool(self.nesterov))

    def _denominator(self, key: str) -> float:
        return 1.0


class AdaGrad(Optimizer):
    """AdaGrad, diagonal (rule ``adagrad``).

    Parameters
    ----------
    learning_rate : float, η ≥ 0
    epsilon : float, ε ≥ 0
        Added to the root. ``state["cache"]`` holds Σg².
    weight_decay : float, λ ≥ 0
    check_finite : bool
        See :class:`Optimizer`.
    """

    epsilon = Hyperparameter(NON_NEGATIVE)

    def __init__(
        self,
        learning_rate: float = 0.01,
        epsilon: float = 1e-8,
        *,
        weight_decay: float = 0.0,
        check_finite: bool = True,
    ) -> None:
        super().__init__(learning_rate, weight_decay, check_finite)
        self.epsilon = epsilon

    def _names(self) -> tuple[str, ...]:
        return ("cache",)

    def _chosen(self, t: int) -> tuple[Rule, tuple[Any, ...]]:
        return rules.adagrad, (self.epsilon,)

    def _denominator(self, key: str) -> Any:
        return rules.sqrt(self.cache[key]) + self.epsilon


class RMSprop(Optimizer):
    """RMSprop, plain, centered, with momentum, or both (rules ``rmsprop`` to ``centered_rmsprop_momentum``).

    Parameters
    ----------
    learning_rate : float, η ≥ 0
    rho : float, ρ in [0, 1)
        Decay of the moving averages.
    epsilon : float, ε ≥ 0
        Added to the root.
    momentum : float, γ in [0, 1)
        Applied after scaling; ``state["velocity"]`` holds the buffer b.
    centered : bool
        Divide by the root of the moving variance: ``state["cache"]`` then holds the variance instead of the
        average of squares, and ``state["mean"]`` the average of gradients μ.
    weight_decay : float, λ ≥ 0
    check_finite : bool
        See :class:`Optimizer`.
    """

    rho = Hyperparameter(DECAY)
    epsilon = Hyperparameter(NON_NEGATIVE)
    momentum = Hyperparameter(DECAY)

    def __init__(
        self,
        learning_rate: float = 0.001,
        rho: float = 0.9,
        epsilon: float = 1e-8,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        weight_decay: float = 0.0,
        check_finite: bool = True,
    ) -> None:
        super().__init__(learning_rate, weight_decay, check_finite)
        self.rho = rho
        self.epsilon = epsilon
        self.momentum = momentum
        self.centered = centered

    def _names(self) -> tuple[str, ...]:
        names = ("cache", "mean") if self.centered else ("cache",)
        return (*names, "velocity") if self.momentum else names

    def _chosen(self, t: int) -> tuple[Rule, tuple[Any, ...]]:
        return rules.of_rmsprop(self.rho, self.epsilon, self.momentum, bool(self.centered))

    def _denominator(self, key: str) -> Any:
        return rules.sqrt(self.cache[key]) + self.epsilon


class Adam(Optimizer):
    """Adam, AMSGrad and AdamW (rules ``adam``, ``amsgrad`` and ``decoupled_weight_decay``).

    Parameters
    ----------
    learning_rate : float, η ≥ 0
    beta1, beta2 : float in [0, 1)
        Decay of the average of gradients, ``state["mean"]``, and of squares, ``state["cache"]``.
    epsilon : float, ε ≥ 0
        Added to the root.
    amsgrad : bool
        Divide by the root of the largest average of squares so far, ``state["largest"]``.
    weight_decay : float, λ ≥ 0
    decoupled_weight_decay : bool
        Add λ·θ to the direction instead of the gradient: AdamW.
    check_finite : bool
        See :class:`Optimizer`.
    """

    beta1 = Hyperparameter(DECAY)
    beta2 = Hyperparameter(DECAY)
    epsilon = Hyperparameter(NON_NEGATIVE)

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        amsgrad: bool = False,
        *,
        weight_decay: float = 0.0,
        decoupled_weight_decay: bool = False,
        check_finite: bool = True,
    ) -> None:
        super().__init__(learning_rate, weight_decay, check_finite)
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.amsgrad = amsgrad
        self.decoupled_weight_decay = decoupled_weight_decay

    def _names(self) -> tuple[str, ...]:
        return ("mean", "cache", "largest") if self.amsgrad else ("mean", "cache")

    def _chosen(self, t: int) -> tuple[Rule, tuple[Any, ...]]:
        return (rules.amsgrad if self.amsgrad else rules.adam), (t, self.beta1, self.beta2, self.epsilon)

    def _denominator(self, key: str) -> Any:
        v = self.state["largest" if self.amsgrad else "cache"][key]
        v_hat = v / rules.weight_sum(self.beta2, self.step[key])
        return rules.sqrt(v_hat) + self.epsilon
