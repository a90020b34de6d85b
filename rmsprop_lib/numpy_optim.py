"""SGD, AdaGrad, RMSprop, Adam and the family of chapter 20 over dictionaries of NumPy arrays.

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
from typing import Any, ClassVar, Self

import numpy as np

from rmsprop_lib import averages, rules
from rmsprop_lib.compiled import arrays
from rmsprop_lib.compiled.kernels import RisingDecay
from rmsprop_lib.conventions.checkpoints import from_framework, to_framework
from rmsprop_lib.conventions.options import options_like, row_as_running, row_like, row_of
from rmsprop_lib.conventions.table import Convention
from rmsprop_lib.hyperparameters import DECAY, NON_NEGATIVE, Choice, Hyperparameter, Switch
from rmsprop_lib.rules import Rule
from rmsprop_lib.schedules import WEIGHT_DECAY_BY, check_decay_by, decay_by

Arrays = dict[str, np.ndarray]
"""Arrays by name."""

BLOCK = 65_536
"""The in-place path works through large arrays in pieces of so many elements, which stay in the processor's cache."""
WORTH_COMPILING = arrays.WORTH_COMPILING
"""From how many parameters on, all together, the compiled rule is worth the second that compiling takes."""


class Optimizer(ABC):
    """What the optimizers share: checking the input, keeping the state, stepping.

    A subclass names its accumulators (``_names``) and chooses its rule (``_chosen``).

    Attributes
    ----------
    learning_rate : float
        η ≥ 0. Like every hyperparameter it may be assigned between steps and is checked then.
    weight_decay : float
        λ ≥ 0. λ·θ is added to the gradient, or decoupled.
    decoupled_weight_decay : bool
        Let λ·θ bypass the rule and shrink θ by ηλ.
    weight_decay_by : {"rate", "schedule", "both"}
        What a decoupled decay is multiplied by: η, η over the rate at the beginning (its peak), or both.
    check_finite : bool
        Whether a gradient with NaN or infinity is refused. Without the check it enters the state, as in most
        frameworks, and stays there; the check reads each gradient once more.
    state : dict of str to dict
        For each accumulator its name in the class's documentation, and under it one array per parameter with
        the parameter's shape and dtype, float32 where that is float16. Made of zeros when a parameter is first seen.
    step : dict of str to int
        How many updates each parameter has had.
    """

    learning_rate = Hyperparameter(NON_NEGATIVE)
    weight_decay = Hyperparameter(NON_NEGATIVE)
    weight_decay_by = Choice(*WEIGHT_DECAY_BY)

    # The rule in the table of conventions, and its settings under the names that our arguments have.
    _rule_name: ClassVar[str]
    _in_the_book: ClassVar[dict[str, str]]

    def __init__(
        self,
        learning_rate: float,
        weight_decay: float,
        check_finite: bool,
        decoupled_weight_decay: bool = False,
        weight_decay_by: str = "rate",
    ) -> None:
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.check_finite = check_finite
        self.decoupled_weight_decay = decoupled_weight_decay
        self.weight_decay_by = weight_decay_by
        self.peak_learning_rate = self.learning_rate
        check_decay_by(weight_decay_by, decoupled_weight_decay, learning_rate=learning_rate)
        self.state: dict[str, Arrays] = {}
        self.step: dict[str, int] = {}
        self._like: dict[str, tuple[tuple[int, ...], np.dtype]] = {}

    @classmethod
    def like(cls, framework: str, *, optimizer: str | None = None, **arguments: Any) -> Self:
        """The optimizer that does what a framework's does, from the arguments of the framework's own constructor.

        Parameters
        ----------
        framework : str
            One of those in :data:`rmsprop_lib.conventions.TABLE`, such as ``"Keras 3"`` or ``"TensorFlow 1"``.
        optimizer : str, optional
            What it is called there; the first that follows this class's rule by default.
        **arguments
            As the framework's constructor takes them, under its names; what is left out is the framework's default.

        Returns
        -------
        An optimizer of this class.

        Raises
        ------
        ValueError
            If the table has no such framework, optimizer or argument, or a value is not allowed.

        Examples
        --------
        >>> optimizer = RMSprop.like("Keras 3", learning_rate=0.01, momentum=0.9)
        >>> optimizer.rho, optimizer.epsilon, optimizer.eps_inside, optimizer.rate_inside
        (0.9, 1e-07, True, True)
        """
        return cls(**options_like(row_like(cls._rule_name, framework, optimizer, arguments), cls._in_the_book))

    def load_framework_state(
        self, framework: str, states: Mapping[str, Mapping[str, Any]], *, optimizer: str | None = None
    ) -> None:
        """Take over the state of a framework's optimizer in the middle of its run.

        Parameters
        ----------
        framework : str
            One of those in :data:`rmsprop_lib.conventions.TABLE`.
        states : dict of str to dict of str to array
            By parameter what the framework's optimizer keeps for it, under its names there (``Convention.slots``) and
            in the parameter's shape; and under ``"step"`` how many steps it has done.
        optimizer : str, optional
            What it is called there; the first that follows this class's rule by default.

        Raises
        ------
        ValueError
            If an array is missing, or the two optimizers do not keep the same. Nothing has changed.
        """
        row = self._row_as_running(framework, optimizer)
        taken = {}
        for key, state in states.items():
            if "step" not in state:
                raise ValueError(f"states[{key!r}] lacks 'step', the number of steps done; it has {sorted(state)}")
            try:
                taken[key] = from_framework(row, state, int(state["step"]))
            except ValueError as error:
                raise ValueError(f"states[{key!r}]: {error}") from None
        for key, accumulators in taken.items():
            self.step[key] = int(states[key]["step"])
            for name, array in zip(self._names(), accumulators, strict=True):
                self.state.setdefault(name, {})[key] = np.array(array)
                self._like[key] = array.shape, array.dtype

    def framework_state(self, framework: str, *, optimizer: str | None = None) -> dict[str, dict[str, Any]]:
        """The state as a framework's optimizer would keep it: what :meth:`load_framework_state` takes.

        Parameters
        ----------
        framework : str
        optimizer : str, optional

        Returns
        -------
        dict of str to dict
            By parameter float64 arrays under the framework's names, and the number of steps as ``"step"``.

        Raises
        ------
        ValueError
            If the two optimizers do not keep the same.
        """
        row = self._row_as_running(framework, optimizer)
        return {
            key: {**to_framework(row, tuple(self.state[name][key] for name in self._names()), t), "step": t}
            for key, t in self.step.items()
        }

    def _row_as_running(self, framework: str, optimizer: str | None) -> Convention:
        row = row_of(self._rule_name, framework, optimizer)
        return row_as_running(row, self._in_the_book, lambda name: getattr(self, name))

    @abstractmethod
    def _names(self) -> tuple[str, ...]:
        """The accumulators of the rule, in the order in which it takes and returns them."""

    @abstractmethod
    def _chosen(self, t: int | None) -> tuple[Rule, tuple[Any, ...]]:
        """The rule of step ``t``, and what it is given after the gradient and its state; None leaves the step open."""

    def _rate_inside(self) -> bool:
        """Whether the rule takes the rate itself, and gives what is subtracted from the parameter."""
        return False

    def _cautious(self) -> bool:
        """Whether steps are masked, for which a whole array is needed."""
        return False

    def _decay(self) -> float:
        """The weight decay, so that η times it is what a parameter shrinks by."""
        decay = decay_by(self.weight_decay, self.weight_decay_by, self.learning_rate, self.peak_learning_rate)
        return float(decay)

    def _change(self, theta: Any, g: Any, state: list[Any], t: int) -> tuple[Any, ...]:
        """What is subtracted from the parameter, and the new accumulators."""
        rule, arguments = self._chosen(t)
        if self.weight_decay and not self.decoupled_weight_decay:
            g = g + self.weight_decay * theta
        direction, *new = rule(g, *state, *arguments)
        if self._cautious():
            direction = rules.cautious(direction, g, float(np.mean(direction * g > 0)))
        inside = self._rate_inside()
        if self.weight_decay and self.decoupled_weight_decay:
            decay = self._decay()
            direction = rules.decoupled_weight_decay(direction, theta, self.learning_rate * decay if inside else decay)
        return (direction if inside else self.learning_rate * direction), *new

    def _carry_over(self, name: str, value: bool) -> None:
        """Give the state the form that a switch will ask for, or say that this cannot be done."""
        raise NotImplementedError(f"{type(self).__name__} has no switch {name}")

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
            Of the parameter's shape and dtype, float32 where that is float16.

        Raises
        ------
        KeyError
            If the parameter has not been updated yet.
        """
        if key not in self.step:
            raise KeyError(f"no update of {key!r} yet; updated so far: {list(self.step)}")
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
            the result keeps; gradients are converted to it. float16 is stepped in float32: the state is kept in it,
            gradients are converted to it, and the new parameter is rounded once.

        Returns
        -------
        dict of str to array
            New arrays, with the keys of ``params`` in their order.

        Raises
        ------
        ValueError
            If keys or shapes differ, or a gradient is not finite (unless ``check_finite=False``), or a step
            would be 0/0 or infinite, which happens for a gradient that has always been zero, or whose square is too
            small for the dtype of the arithmetic, where ε is 0 or too small for it as well.
        TypeError
            If ``params`` or ``grads`` is no dict, a parameter is not floating, or a gradient not numeric. Whatever
            is raised, nothing has changed.
        """
        checked = self._checked(params, grads)
        states = {key: self._state_of(key, theta) for key, (theta, _) in checked.items()}
        stepped = self._step_at_once(checked, states, in_place=False)
        for key, (theta, g) in checked.items():
            if key not in stepped:
                wide = _wide(theta)
                change, *state = self._stepped(key, wide, _wide(g), states[key])
                new = np.asarray(wide - change)
                stepped[key] = (new if wide is theta else new.astype(theta.dtype)), *state
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
            As in :meth:`update`, or if a parameter is read-only. A step that would be 0/0 or infinite is not refused
            here but gives NaN or infinity.
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
        size = BLOCK if flat and not self._cautious() else max(1, len(lines[0]))
        for start in range(0, len(lines[0]), size):
            p, h, *s = (line[start : start + size] for line in lines)
            wide = _wide(p)
            change, *new = self._change(wide, _wide(h), s, self.step.get(key, 0) + 1)
            wide -= change
            if wide is not p:
                p[...] = wide
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
        if self.check_finite and not in_place and any(self._lacks_epsilon(theta) for theta, _ in checked.values()):
            return {}  # a step that is 0/0 has to be seen
        if self._cautious():  # which asks whole arrays
            return {}
        return arrays.step_at_once(
            {key: (theta, g, *states[key]) for key, (theta, g) in checked.items()},
            {key: self.step.get(key, 0) + 1 for key in checked},
            *self._chosen(None),
            self.learning_rate,
            weight_decay=self._decay(),
            decoupled=self.decoupled_weight_decay,
            in_place=in_place,
        )

    def _count(self, key: str, theta: np.ndarray) -> None:
        self.step[key] = self.step.get(key, 0) + 1
        self._like[key] = theta.shape, _wide_dtype(theta)

    def _lacks_epsilon(self, theta: np.ndarray) -> bool:
        """Whether ε is 0 in the dtype in which ``theta`` is stepped."""
        return hasattr(self, "epsilon") and bool(_wide_dtype(theta).type(self.epsilon) == 0)

    def _stepped(self, key: str, theta: np.ndarray, g: np.ndarray, state: list[np.ndarray]) -> tuple[Any, ...]:
        try:
            strict = self.check_finite
            with np.errstate(invalid="raise" if strict else "warn", divide="raise" if strict else "ignore"):
                return self._change(theta, g, state, self.step.get(key, 0) + 1)
        except FloatingPointError as error:
            if not self._lacks_epsilon(theta):
                raise ValueError(
                    f"the step of {key!r} cannot be computed in {theta.dtype}, where what is above "
                    f"{np.finfo(theta.dtype).max:.2g} is infinite ({error})"
                ) from None
            epsilon = self.epsilon  # type: ignore[attr-defined]
            vanished = f"epsilon={epsilon:g}, which is 0 in {theta.dtype}," if epsilon else "epsilon=0"
            what, of_gradient = (
                ("infinite", "the square of a gradient") if "zero" in str(error) else ("0/0", "a gradient")
            )
            raise ValueError(
                f"the step of {key!r} is {what}: with {vanished} {of_gradient} may not be zero from the start ({error})"
            ) from None

    def _state_of(self, key: str, theta: np.ndarray) -> list[np.ndarray]:
        arrays = [self.state.get(name, {}).get(key) for name in self._names()]
        for name, array in zip(self._names(), arrays, strict=True):
            if array is not None and array.shape != theta.shape:
                raise ValueError(f"params[{key!r}] has shape {theta.shape}, but its {name} has {array.shape}")
        dtype = _wide_dtype(theta)
        return [
            np.full_like(theta, self._start(name), dtype) if array is None else array.astype(dtype, copy=False)
            for name, array in zip(self._names(), arrays, strict=True)
        ]

    def _start(self, name: str) -> float:
        """The number with which an accumulator starts."""
        return 0.0

    def _velocity_over(self, rate_inside: bool) -> None:
        """Turn the directions in the momentum buffers into steps of the present rate, or back."""
        velocity = self.state.get("velocity", {})
        if velocity and not rate_inside and self.learning_rate == 0:
            raise ValueError(
                "rate_inside=False cannot be switched on at learning_rate=0: directions are steps divided by the rate"
            )
        for key, buffer in velocity.items():
            velocity[key] = buffer * self.learning_rate if rate_inside else buffer / self.learning_rate

    def _checked(
        self, params: Mapping[str, np.ndarray], grads: Mapping[str, np.ndarray]
    ) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        for name, given in (("params", params), ("grads", grads)):
            if not isinstance(given, Mapping):
                raise TypeError(f"{name} is a {type(given).__name__}; it must be a dict of arrays by name")
        # In the order in which they came: names of several types cannot be sorted.
        if missing := [key for key in params if key not in grads]:
            raise ValueError(f"grads lacks {missing}; params has {list(params)}")
        if unknown := [key for key in grads if key not in params]:
            raise ValueError(f"grads has {unknown}, which params has not; params has {list(params)}")
        checked = {}
        for key in params:
            theta = _array(f"params[{key!r}]", params[key])
            if not np.issubdtype(theta.dtype, np.floating):
                raise TypeError(f"params[{key!r}] has dtype {theta.dtype}; it must be floating, such as float64")
            if grads[key] is None:
                raise TypeError(
                    f"grads[{key!r}] is None; where there is no gradient, leave {key!r} out of params and grads"
                )
            g = _array(f"grads[{key!r}]", grads[key])
            if not (np.issubdtype(g.dtype, np.floating) or np.issubdtype(g.dtype, np.integer)):
                raise TypeError(f"grads[{key!r}] has dtype {g.dtype}; it must be real and numeric")
            if g.shape != theta.shape:
                raise ValueError(f"grads[{key!r}] has shape {g.shape}, but params[{key!r}] has {theta.shape}")
            # What is too large for the arithmetic is refused as infinite. What is narrow is widened in pieces, later.
            if g.dtype != theta.dtype:
                with np.errstate(over="ignore"):
                    g = g.astype(_wide_dtype(theta), copy=False)
            if self.check_finite and not _all_finite(g):
                first = tuple(int(i) for i in np.argwhere(~np.isfinite(g))[0])
                raise ValueError(f"grads[{key!r}] is {g[first]} at index {first}; gradients must be finite")
            checked[key] = theta, g
        return checked


def _array(name: str, value: Any) -> np.ndarray:
    """``value`` as an array; ``name`` is what the message calls it."""
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} is no array of numbers: {error}") from None


def _wide_dtype(array: np.ndarray) -> np.dtype:
    """The dtype in which a step is computed and its accumulators are kept: single precision at least."""
    return np.dtype(np.float32) if array.dtype.itemsize < 4 else array.dtype


def _wide(array: np.ndarray) -> np.ndarray:
    """The array itself, or a copy of it in single precision where it is narrower."""
    return array.astype(_wide_dtype(array), copy=False)


def _all_finite(g: np.ndarray) -> bool:
    """Whether no element is NaN or infinite, without an array of their number."""
    if not g.flags.c_contiguous:
        return bool(np.isfinite(g).all())
    if (answer := arrays.all_finite(g)) is not None:
        return answer
    line = g.reshape(-1)
    return all(np.isfinite(line[start : start + BLOCK]).all() for start in range(0, line.size, BLOCK))


class SGD(Optimizer):
    """Gradient descent, with momentum as a heavy ball (rules ``sgd``, ``heavy_ball``, ``heavy_ball_rate_inside``).

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
    rate_inside : bool
        Let the buffer take in η·g, as Keras does.
    decoupled_weight_decay, weight_decay_by
        See :class:`Optimizer`.
    """

    momentum = Hyperparameter(DECAY)
    rate_inside = Switch()

    _rule_name = "sgd"
    _in_the_book: ClassVar[dict[str, str]] = {
        "eta": "learning_rate",
        "weight_decay": "weight_decay",
        "decoupled": "decoupled_weight_decay",
        "corrected_decay": "weight_decay_by",
        "gamma": "momentum",
        "nesterov": "nesterov",
        "rate_inside": "rate_inside",
    }

    def __init__(
        self,
        learning_rate: float = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        *,
        weight_decay: float = 0.0,
        check_finite: bool = True,
        rate_inside: bool = False,
        decoupled_weight_decay: bool = False,
        weight_decay_by: str = "rate",
    ) -> None:
        super().__init__(learning_rate, weight_decay, check_finite, decoupled_weight_decay, weight_decay_by)
        self.momentum = momentum
        self.nesterov = nesterov
        self.rate_inside = rate_inside

    def _names(self) -> tuple[str, ...]:
        return ("velocity",) if self.momentum else ()

    def _rate_inside(self) -> bool:
        return self.rate_inside and self.momentum > 0

    def _carry_over(self, name: str, value: bool) -> None:
        self._velocity_over(value)

    def _chosen(self, t: int | None) -> tuple[Rule, tuple[Any, ...]]:
        eta = self.learning_rate if self._rate_inside() else None
        return rules.of_sgd(self.momentum, 0.0, bool(self.nesterov), eta)

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
    eps_inside : bool
        Divide by √(Σg² + ε), as Keras and Optax do.
    initial_square : float ≥ 0
        Where Σg² starts; 0.1 in Keras, Optax and TensorFlow.
    decoupled_weight_decay, weight_decay_by
        See :class:`Optimizer`.
    """

    epsilon = Hyperparameter(NON_NEGATIVE)
    initial_square = Hyperparameter(NON_NEGATIVE)

    _rule_name = "adagrad"
    _in_the_book: ClassVar[dict[str, str]] = {
        "eta": "learning_rate",
        "weight_decay": "weight_decay",
        "decoupled": "decoupled_weight_decay",
        "corrected_decay": "weight_decay_by",
        "eps": "epsilon",
        "eps_inside": "eps_inside",
        "initial": "initial_square",
    }

    def __init__(
        self,
        learning_rate: float = 0.01,
        epsilon: float = 1e-8,
        *,
        weight_decay: float = 0.0,
        check_finite: bool = True,
        eps_inside: bool = False,
        initial_square: float = 0.0,
        decoupled_weight_decay: bool = False,
        weight_decay_by: str = "rate",
    ) -> None:
        super().__init__(learning_rate, weight_decay, check_finite, decoupled_weight_decay, weight_decay_by)
        self.epsilon = epsilon
        self.eps_inside = eps_inside
        self.initial_square = initial_square

    def _names(self) -> tuple[str, ...]:
        return ("cache",)

    def _start(self, name: str) -> float:
        return self.initial_square

    def _chosen(self, t: int | None) -> tuple[Rule, tuple[Any, ...]]:
        return rules.adagrad, (self.epsilon, bool(self.eps_inside))

    def _denominator(self, key: str) -> Any:
        return _root(self.cache[key], self.epsilon, self.eps_inside)


class RMSprop(Optimizer):
    """RMSprop, plain, centered, with momentum, or both (``rmsprop`` to ``centered_rmsprop_momentum_rate_inside``).

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
    eps_inside : bool
        Divide by √(v + ε), as TensorFlow, Keras and Optax do.
    rate_inside : bool
        Let the momentum buffer take in η·d, as TensorFlow, Keras and Optax do.
    initial_square : float ≥ 0
        Where v starts; 1 in TensorFlow 1.
    bias_correction : bool
        Keep v, and μ if centered, divided by the sum of its weights 1 − ρᵗ: Adam without its first average, at half
        its memory.
    nesterov : bool
        Let momentum look one step ahead.
    caution : bool
        With momentum, step only where the step has the gradient's sign, lengthened by the share of such elements.
    decoupled_weight_decay, weight_decay_by
        See :class:`Optimizer`.

    Raises
    ------
    ValueError, TypeError
        If a value is not allowed; also if ``centered``, ``bias_correction`` or ``rate_inside`` is assigned in the
        middle of a run and the state cannot be carried over.
    """

    rho = Hyperparameter(DECAY)
    epsilon = Hyperparameter(NON_NEGATIVE)
    momentum = Hyperparameter(DECAY)
    initial_square = Hyperparameter(NON_NEGATIVE)
    centered = Switch()
    bias_correction = Switch()
    rate_inside = Switch()

    _rule_name = "rmsprop"
    _in_the_book: ClassVar[dict[str, str]] = {
        "eta": "learning_rate",
        "weight_decay": "weight_decay",
        "decoupled": "decoupled_weight_decay",
        "corrected_decay": "weight_decay_by",
        "rho": "rho",
        "eps": "epsilon",
        "eps_inside": "eps_inside",
        "gamma": "momentum",
        "nesterov": "nesterov",
        "rate_inside": "rate_inside",
        "initial": "initial_square",
        "centered": "centered",
        "bias_correction": "bias_correction",
        "caution": "caution",
    }

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
        eps_inside: bool = False,
        rate_inside: bool = False,
        initial_square: float = 0.0,
        bias_correction: bool = False,
        nesterov: bool = False,
        caution: bool = False,
        decoupled_weight_decay: bool = False,
        weight_decay_by: str = "rate",
    ) -> None:
        super().__init__(learning_rate, weight_decay, check_finite, decoupled_weight_decay, weight_decay_by)
        self.rho = rho
        self.epsilon = epsilon
        self.momentum = momentum
        self.centered = centered
        self.eps_inside = eps_inside
        self.rate_inside = rate_inside
        self.initial_square = initial_square
        self.bias_correction = bias_correction
        self.nesterov = nesterov
        self.caution = caution
        if self.bias_correction and self.initial_square:
            raise ValueError(
                f"initial_square={initial_square!r} is not allowed with bias_correction=True, "
                "which corrects a start at 0"
            )

    def _names(self) -> tuple[str, ...]:
        names = ("cache", "mean") if self.centered else ("cache",)
        return (*names, "velocity") if self.momentum else names

    def _start(self, name: str) -> float:
        return self.initial_square if name == "cache" else 0.0

    def _cautious(self) -> bool:
        return self.caution and self.momentum > 0

    def _rate_inside(self) -> bool:
        return self.rate_inside and self.momentum > 0

    def _carry_over(self, name: str, value: bool) -> None:
        if name == "rate_inside":
            self._velocity_over(value)
            return
        was = {"centered": self.centered, "bias_correction": self.bias_correction}
        now = {**was, name: value}
        if now["centered"] and not was["centered"]:
            raise ValueError(
                "centered=True cannot be switched on in the middle of a run: "
                "the average of gradients until then is not known"
            )
        if now["bias_correction"] and self.initial_square:
            raise ValueError(
                f"bias_correction=True cannot be switched on after a start at initial_square={self.initial_square!r}"
            )
        names = ("cache", "mean") if was["centered"] else ("cache",)
        for key, t in self.step.items():
            weights = rules.weight_sum(self.rho, t)
            old = tuple(self.state[kept][key] for kept in names)
            square, mean = averages.averages(old, weights if was["bias_correction"] else 1.0, centered=was["centered"])
            new = averages.kept(square, mean, weights if now["bias_correction"] else 1.0, centered=now["centered"])
            for kept, array in zip(names, new, strict=False):
                self.state[kept][key] = array
        if not now["centered"]:
            self.state.pop("mean", None)

    def _chosen(self, t: int | None) -> tuple[Rule, tuple[Any, ...]]:
        rho: Any = self.rho
        if self.bias_correction:
            rho = RisingDecay(rho) if t is None else rules.rising_decay(rho, t)
        return rules.of_rmsprop(
            rho,
            self.epsilon,
            self.momentum,
            self.centered,
            nesterov=bool(self.nesterov),
            eps_inside=bool(self.eps_inside),
            eta=self.learning_rate if self._rate_inside() else None,
        )

    def _denominator(self, key: str) -> Any:
        return _root(self.cache[key], self.epsilon, self.eps_inside)


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
    eps_uncorrected : bool
        Add ε to the root before the bias correction, as Keras and TensorFlow do.
    weight_decay_by
        See :class:`Optimizer`.
    """

    beta1 = Hyperparameter(DECAY)
    beta2 = Hyperparameter(DECAY)
    epsilon = Hyperparameter(NON_NEGATIVE)

    _rule_name = "adam"
    _in_the_book: ClassVar[dict[str, str]] = {
        "eta": "learning_rate",
        "weight_decay": "weight_decay",
        "decoupled": "decoupled_weight_decay",
        "corrected_decay": "weight_decay_by",
        "beta1": "beta1",
        "beta2": "beta2",
        "eps": "epsilon",
        "eps_uncorrected": "eps_uncorrected",
        "amsgrad": "amsgrad",
    }

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
        eps_uncorrected: bool = False,
        weight_decay_by: str = "rate",
    ) -> None:
        super().__init__(learning_rate, weight_decay, check_finite, decoupled_weight_decay, weight_decay_by)
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.amsgrad = amsgrad
        self.eps_uncorrected = eps_uncorrected

    def _names(self) -> tuple[str, ...]:
        return ("mean", "cache", "largest") if self.amsgrad else ("mean", "cache")

    def _chosen(self, t: int | None) -> tuple[Rule, tuple[Any, ...]]:
        rule = rules.amsgrad if self.amsgrad else rules.adam
        return rule, (1 if t is None else t, self.beta1, self.beta2, self.epsilon, bool(self.eps_uncorrected))

    def _denominator(self, key: str) -> Any:
        weights = rules.weight_sum(self.beta2, self.step[key])
        epsilon = self.epsilon / rules.sqrt(weights) if self.eps_uncorrected else self.epsilon
        return _root(self.state["largest" if self.amsgrad else "cache"][key] / weights, epsilon, False)


class AdaDelta(Optimizer):
    """AdaDelta (rule ``adadelta``).

    Parameters
    ----------
    learning_rate : float, η ≥ 0
        Times the direction, which has the parameters' unit already: 1 as published.
    rho : float, ρ in [0, 1)
        Decay of both averages, of squared gradients, ``state["cache"]``, and of squared steps, ``state["steps"]``.
    epsilon : float, ε ≥ 0
        Added inside both roots. With 0 nothing ever moves.
    weight_decay, check_finite, decoupled_weight_decay, weight_decay_by
        See :class:`Optimizer`.
    """

    rho = Hyperparameter(DECAY)
    epsilon = Hyperparameter(NON_NEGATIVE)

    _rule_name = "adadelta"

    def __init__(
        self,
        learning_rate: float = 1.0,
        rho: float = 0.9,
        epsilon: float = 1e-6,
        *,
        weight_decay: float = 0.0,
        check_finite: bool = True,
        decoupled_weight_decay: bool = False,
        weight_decay_by: str = "rate",
    ) -> None:
        super().__init__(learning_rate, weight_decay, check_finite, decoupled_weight_decay, weight_decay_by)
        self.rho = rho
        self.epsilon = epsilon

    def _names(self) -> tuple[str, ...]:
        return ("cache", "steps")

    def _chosen(self, t: int | None) -> tuple[Rule, tuple[Any, ...]]:
        return rules.adadelta, (self.rho, self.epsilon)

    def _denominator(self, key: str) -> Any:
        raise NotImplementedError("AdaDelta has no rate of its own: the one of a step is forgotten with its average")


class Descendant(Optimizer):
    """What those have in common that keep an average of gradients and one of sizes, each corrected for its start.

    Parameters
    ----------
    learning_rate : float, η ≥ 0
    beta1, beta2 : float in [0, 1)
        Decay of the average of gradients, ``state["mean"]``, and of that of sizes, ``state["cache"]``.
    epsilon : float, ε ≥ 0
    weight_decay, check_finite, decoupled_weight_decay, weight_decay_by
        See :class:`Optimizer`.
    """

    beta1 = Hyperparameter(DECAY)
    beta2 = Hyperparameter(DECAY)
    epsilon = Hyperparameter(NON_NEGATIVE)

    _function: ClassVar[Rule]

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        *,
        weight_decay: float = 0.0,
        check_finite: bool = True,
        decoupled_weight_decay: bool = False,
        weight_decay_by: str = "rate",
    ) -> None:
        super().__init__(learning_rate, weight_decay, check_finite, decoupled_weight_decay, weight_decay_by)
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon

    def _names(self) -> tuple[str, ...]:
        return ("mean", "cache")

    def _chosen(self, t: int | None) -> tuple[Rule, tuple[Any, ...]]:
        return type(self)._function, (1 if t is None else t, self.beta1, self.beta2, self.epsilon)

    def _denominator(self, key: str) -> Any:
        return _root(self.cache[key] / rules.weight_sum(self.beta2, self.step[key]), self.epsilon, False)


class AdaMax(Descendant):
    """AdaMax (rule ``adamax``); ``state["cache"]`` is the largest gradient so far, which decays.

    Parameters
    ----------
    learning_rate, beta1, beta2, epsilon, weight_decay, check_finite, decoupled_weight_decay, weight_decay_by
        See :class:`Descendant`.
    """

    _rule_name = "adamax"
    _function = staticmethod(rules.adamax)

    def _denominator(self, key: str) -> Any:
        return self.cache[key]


class NAdam(Descendant):
    """NAdam with a constant momentum (rule ``nadam``).

    Parameters
    ----------
    learning_rate, beta1, beta2, epsilon, weight_decay, check_finite, decoupled_weight_decay, weight_decay_by
        See :class:`Descendant`.
    """

    _rule_name = "nadam"
    _function = staticmethod(rules.nadam)


class RAdam(Descendant):
    """RAdam (rule ``radam``); while its factor is 0 a step is not scaled, and the effective rate is η.

    Parameters
    ----------
    learning_rate, beta1, beta2, epsilon, weight_decay, check_finite, decoupled_weight_decay, weight_decay_by
        See :class:`Descendant`.
    """

    _rule_name = "radam"
    _function = staticmethod(rules.radam)

    def _denominator(self, key: str) -> Any:
        t = self.step[key]
        factor = rules.rectification(self.beta2, t)
        if not factor:
            return 1.0
        return (rules.sqrt(self.cache[key]) + self.epsilon) / (factor * rules.sqrt(rules.weight_sum(self.beta2, t)))


class LaProp(Descendant):
    """LaProp (rule ``laprop``), momentum after scaling with both averages corrected.

    Parameters
    ----------
    learning_rate, beta1, beta2, epsilon, weight_decay, check_finite, decoupled_weight_decay, weight_decay_by
        See :class:`Descendant`.
    """

    _rule_name = "laprop"
    _function = staticmethod(rules.laprop)


class AdaBelief(Descendant):
    """AdaBelief (rule ``adabelief``); ``state["cache"]`` averages squared distances from the average.

    Parameters
    ----------
    learning_rate, beta1, beta2, epsilon, weight_decay, check_finite, decoupled_weight_decay, weight_decay_by
        See :class:`Descendant`.
    """

    _rule_name = "adabelief"
    _function = staticmethod(rules.adabelief)


class Yogi(Descendant):
    """Yogi (rule ``yogi``), with both averages corrected.

    Parameters
    ----------
    learning_rate, beta1, beta2, epsilon, weight_decay, check_finite, decoupled_weight_decay, weight_decay_by
        See :class:`Descendant`.
    """

    _rule_name = "yogi"
    _function = staticmethod(rules.yogi)


class Lion(Optimizer):
    """Lion (rule ``lion``); with both decays equal signum, the sign of the momentum.

    Parameters
    ----------
    learning_rate : float, η ≥ 0
        What every element moves by.
    beta1, beta2 : float in [0, 1)
        β₁ for the average whose sign is taken, β₂ for the one that is kept, ``state["mean"]``.
    weight_decay : float, λ ≥ 0
        Decoupled, as published, unless ``decoupled_weight_decay=False``.
    check_finite, decoupled_weight_decay, weight_decay_by
        See :class:`Optimizer`.
    """

    beta1 = Hyperparameter(DECAY)
    beta2 = Hyperparameter(DECAY)

    _rule_name = "lion"

    def __init__(
        self,
        learning_rate: float = 1e-4,
        beta1: float = 0.9,
        beta2: float = 0.99,
        *,
        weight_decay: float = 0.0,
        check_finite: bool = True,
        decoupled_weight_decay: bool = True,
        weight_decay_by: str = "rate",
    ) -> None:
        super().__init__(learning_rate, weight_decay, check_finite, decoupled_weight_decay, weight_decay_by)
        self.beta1 = beta1
        self.beta2 = beta2

    def _names(self) -> tuple[str, ...]:
        return ("mean",)

    def _chosen(self, t: int | None) -> tuple[Rule, tuple[Any, ...]]:
        return rules.lion, (self.beta1, self.beta2)

    def _denominator(self, key: str) -> Any:
        raise NotImplementedError("Lion divides by nothing that it keeps: every element moves by the learning rate")


def _root(v: Any, epsilon: float, inside: bool) -> Any:
    return rules.sqrt(v + epsilon) if inside else rules.sqrt(v) + epsilon
