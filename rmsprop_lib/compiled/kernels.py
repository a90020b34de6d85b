"""What the kernels compiled from a rule have in common, whoever compiles them: Numba for the CPU, Triton for CUDA.

Either kernel steps a whole list of arrays through a table of their addresses, in pieces of work of bounded size.
"""

import inspect
from collections.abc import Sequence
from functools import cache
from types import FunctionType
from typing import Any, Literal, NamedTuple

import numpy as np

from rmsprop_lib import rules
from rmsprop_lib.rules import Rule

WeightDecay = Literal["none", "coupled", "decoupled"]
Kind = Literal["value", "decay", "corrected decay", "rising decay", "t", "rate", "True", "False"]

# The kinds that come with a number.
NUMERIC = ("value", "decay", "corrected decay", "rising decay")
DECAYS = ("rho", "beta1", "beta2")

PRIMITIVES = (
    rules.sqrt,
    rules.maximum,
    rules.sign,
    rules.ema,
    rules.weight_sum,
    rules.corrected,
    rules.rectification,
)
"""What rules are made of, and what each compiler has its own form of."""


def parts(rule: Rule) -> tuple[FunctionType, ...]:
    """The functions that a rule is made of besides the :data:`PRIMITIVES`, each after those that it calls itself.

    They are found in the rule's own code, so that a new rule may call any other and is compiled all the same.
    """
    found: dict[FunctionType, None] = {}
    for name in rule.__code__.co_names:
        part = rule.__globals__.get(name)
        if isinstance(part, FunctionType) and part not in PRIMITIVES:
            found |= dict.fromkeys((*parts(part), part))
    return tuple(found)


class RisingDecay(NamedTuple):
    """A decay ρ that is to be :func:`rmsprop_lib.rules.rising_decay` of it, at each array's own step."""

    rho: float


@cache
def _parameter_names(rule: Rule) -> tuple[str, ...]:
    return tuple(inspect.signature(rule).parameters)


def kinds_and_numbers(rule: Rule, states: int, arguments: Sequence[Any]) -> tuple[tuple[Kind, ...], tuple[float, ...]]:
    """What each argument of a rule after its state is to the kernel, and the numbers among them.

    The names of the rule's parameters say it: ``t`` is the step, ``eta`` the rate (and the rule's result what is
    subtracted from the parameter, the rate in it), ``rho``, ``beta1`` and ``beta2`` are decays, and in a rule that is
    given the step they are corrected for the bias. What is true or false is compiled in.

    Parameters
    ----------
    rule : callable
        Of :mod:`rmsprop_lib.rules`.
    states : int
        How many accumulators it takes.
    arguments : sequence
        What it is given after the gradient and its state.

    Raises
    ------
    ValueError
        If there are more arguments than the rule takes.
    """
    names = _parameter_names(rule)[1 + states :]
    if len(arguments) > len(names):
        raise ValueError(f"{rule.__name__} takes {len(names)} arguments after its state; it was given {len(arguments)}")
    kinds: list[Kind] = []
    numbers: list[float] = []
    for name, argument in zip(names, arguments, strict=False):
        if name in ("t", "eta"):
            kinds.append("t" if name == "t" else "rate")
            continue
        if isinstance(argument, bool):
            kinds.append("True" if argument else "False")
            continue
        if isinstance(argument, RisingDecay):
            kinds.append("rising decay")
            argument = argument.rho
        elif name in DECAYS:
            kinds.append("corrected decay" if "t" in names else "decay")
        else:
            kinds.append("value")
        numbers.append(float(argument))
    return tuple(kinds), tuple(numbers)


def form_of_weight_decay(weight_decay: float, decoupled: bool) -> WeightDecay:
    """Which of the three forms is compiled in."""
    return "none" if not weight_decay else "decoupled" if decoupled else "coupled"


class WorkList:
    """The pieces of work for a list of arrays, and in ``pieces`` the rows: which array, from where, how many elements.

    Parameters
    ----------
    sizes : sequence of int
        Elements of each array.
    block : int
        Elements of one piece, at most.
    """

    def __init__(self, sizes: Sequence[int], block: int) -> None:
        pieces = -(-np.array(sizes, np.int64) // block)
        array = np.repeat(np.arange(len(pieces)), pieces)
        first = np.cumsum(pieces) - pieces  # the number of each array's first piece
        offset = (np.arange(len(array)) - first[array]) * block
        length = np.minimum(block, np.array(sizes, np.int64)[array] - offset)
        self.pieces: np.ndarray = np.stack([array, offset, length])
