"""Which values the hyperparameters may take, and the one sentence that refuses any other."""

import math
from dataclasses import dataclass
from numbers import Real
from typing import Any


@dataclass(frozen=True)
class Interval:
    """The half-open interval [0, ``below``) of finite real numbers.

    Attributes
    ----------
    below : float
        Infinite where there is no bound.
    """

    below: float

    def __str__(self) -> str:
        return "a finite number, at least 0" if math.isinf(self.below) else f"in [0, {self.below:g})"

    def check(self, name: str, value: Any) -> float:
        """Return ``value`` as a float.

        Parameters
        ----------
        name : str
            What the value is called, for the message.
        value : float, or another real number

        Returns
        -------
        float

        Raises
        ------
        TypeError
            If ``value`` is not a real number.
        ValueError
            If it lies outside the interval, or is NaN.
        """
        if isinstance(value, bool) or not isinstance(value, Real):
            allowed = self if math.isinf(self.below) else f"a number {self}"
            raise TypeError(f"{name}={value!r} is a {type(value).__name__}; it must be {allowed}")
        number = float(value)
        if not 0 <= number < self.below:  # False for NaN too
            raise ValueError(f"{name}={value!r} is not allowed; it must be {self}")
        return number


NON_NEGATIVE = Interval(math.inf)
"""Learning rates, ε, weight decay, initial accumulators."""

DECAY = Interval(1.0)
"""ρ, γ, β₁ and β₂, the share of the past that a moving average keeps."""


class Hyperparameter:
    """An attribute that is checked whenever it is assigned, so that a schedule cannot set nonsense either.

    Parameters
    ----------
    allowed : Interval
    """

    def __init__(self, allowed: Interval) -> None:
        self.allowed = allowed

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type | None = None) -> float:
        return self if instance is None else instance.__dict__[self.name]  # type: ignore[return-value]

    def __set__(self, instance: Any, value: float) -> None:
        instance.__dict__[self.name] = self.allowed.check(self.name, value)


class Choice:
    """An attribute that is one of a few words, checked whenever it is assigned.

    Parameters
    ----------
    *allowed : str
    """

    def __init__(self, *allowed: str) -> None:
        self.allowed = allowed

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type | None = None) -> str:
        return self if instance is None else instance.__dict__[self.name]  # type: ignore[return-value]

    def __set__(self, instance: Any, value: str) -> None:
        if value not in self.allowed:
            raise ValueError(f"{self.name}={value!r} is not allowed; it must be one of {self.allowed}")
        instance.__dict__[self.name] = value


class Switch:
    """A yes or no that decides which form the state has: switched in the middle of a run, it carries the state over.

    The owner has ``step``, which is empty before the first step, and ``_carry_over(name, value)``, which changes the
    state or raises ValueError; then the switch stays as it was.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type | None = None) -> bool:
        return self if instance is None else instance.__dict__[self.name]  # type: ignore[return-value]

    def __set__(self, instance: Any, value: bool) -> None:
        value = bool(value)
        if instance.step and value != instance.__dict__.get(self.name, value):
            instance._carry_over(self.name, value)
        instance.__dict__[self.name] = value
