"""One pass over memory: a rule compiled into a kernel that steps a whole list of arrays at once, on the CPU.

An unfused step reads and writes every array many times, once for each operation of the rule. The kernel made here
reads a parameter, its gradient and its state once, applies the rule to one element after another while they are in
registers, and writes the parameter and the state once. The rule is the function in :mod:`rmsprop_lib.rules` itself,
compiled by Numba; nothing is written a second time. What the kernel sees is a table of addresses, so that one call
does for any number of arrays, and NumPy arrays and Torch tensors are the same to it.

The kernels are for contiguous float32 and float64, and for parameters and gradients in float16 and bfloat16 whose
accumulators are in float32: these are stepped in float32, and the new parameter is rounded once. Which arrays qualify
is for the caller to decide.
"""

import math
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import Any

import numba
import numpy as np
from numba import carray, njit, prange, types
from numba.extending import intrinsic, overload, register_jitable

from rmsprop_lib import rules
from rmsprop_lib.compiled.half import from_bfloat16, from_float16, to_bfloat16, to_float16
from rmsprop_lib.compiled.kernels import Kind, WeightDecay, WorkList, form_of_weight_decay, kinds_and_numbers, parts
from rmsprop_lib.rules import Rule
from rmsprop_lib.schedules import inverse_time_decay

BLOCK = 16_384
"""Elements of one piece of work: small enough to balance the threads, large enough not to notice the bookkeeping."""

NO_COUNTERS: np.ndarray = np.empty(0, np.int64)
"""For arrays whose steps are counted elsewhere."""

# Numba's thread pool takes one parallel region at a time.
_one_at_a_time = threading.Lock()

_pool: dict[str, bool] = {"begun": False, "lost": False}


def _forked() -> None:
    # OpenMP ends a forked process that goes on using threads which only its parent has.
    _pool["lost"] = _pool["begun"] and numba.threading_layer() != "tbb"


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


@cache
def _without_compiler() -> str | None:
    """Why no kernel can be compiled and run here, or None. To find out begins the threads."""
    if numba.config.DISABLE_JIT:
        return "Numba's compiler is switched off (NUMBA_DISABLE_JIT)"
    try:
        with _one_at_a_time:
            numba.get_num_threads()
    except (ValueError, ImportError) as error:
        return f"Numba has no threads: {str(error).splitlines()[0]}"
    _pool["begun"] = True
    return None


def unusable() -> str | None:
    """Why no kernel can run in this process, or None: not without a compiler, and threads do not survive a fork."""
    return "this process was forked off one that had used Numba's threads" if _pool["lost"] else _without_compiler()


# What the rules are made of, for the compiler. Elementary steps are done in the type of the arrays: a number in
# double precision, or an integer 1, would make double precision of single. Decays come in double precision, because
# 1 − ρ has to be taken before rounding; where the rule corrects the bias, with the sum of the weights and its
# reciprocal: a processor multiplies several times as fast as it divides.


@overload(rules.sqrt, inline="always", strict=False)
def _sqrt(x: Any) -> Any:
    return lambda x: math.sqrt(x)


@overload(rules.maximum, inline="always", strict=False)
def _maximum(a: Any, b: Any) -> Any:
    return lambda a, b: b if a < b or b != b else a


@overload(rules.sign, inline="always", strict=False)
def _sign(x: Any) -> Any:
    scalar = x
    return lambda x: scalar(x > 0) - scalar(x < 0) + scalar(0) * x


@overload(rules.ema, inline="always", strict=False)
def _ema(average: Any, x: Any, rho: Any) -> Any:
    scalar = average
    if isinstance(rho, types.BaseTuple):
        return lambda average, x, rho: scalar(rho[0]) * average + scalar(1.0 - rho[0]) * scalar(x)
    return lambda average, x, rho: scalar(rho) * average + scalar(1.0 - rho) * scalar(x)


@overload(rules.weight_sum, inline="always", strict=False)
def _weight_sum(beta: Any, t: Any) -> Any:
    if isinstance(beta, types.BaseTuple):
        return lambda beta, t: beta[1]
    return lambda beta, t: 1.0 - beta**t


@overload(rules.corrected, inline="always", strict=False)
def _corrected(average: Any, beta: Any, t: Any) -> Any:
    return lambda average, beta, t: average * beta[2]


@njit(error_model="numpy")
def _rectified(beta: float, t: float) -> float:
    longest = 2.0 / (1.0 - beta) - 1.0
    length = longest - 2.0 * t * beta**t / (1.0 - beta**t)
    if not length > 5.0:
        return 0.0
    return math.sqrt((length - 4.0) * (length - 2.0) * longest / ((longest - 4.0) * (longest - 2.0) * length))


@overload(rules.rectification, inline="always", strict=False)
def _rectification(beta2: Any, t: Any) -> Any:
    scalar = beta2.types[1]
    return lambda beta2, t: scalar(_rectified(beta2[0], t))


# What any kernel may call, and once it is asked for whatever else a rule calls.
_jitable = cache(register_jitable)
_jitable(rules.decoupled_weight_decay)
_jitable(rules.rising_decay)
_jitable(inverse_time_decay)


_SCALARS = {"float32": types.float32, "float64": types.float64}

# How parameters and gradients of half precision, which the kernel sees as their bits, are read and written.
_HALVES = {"float16": (from_float16, to_float16), "bfloat16": (from_bfloat16, to_bfloat16)}


@contextmanager
def _threads(most: int | None) -> Iterator[None]:
    """Numba's thread pool for oneself, with at most so many threads; as many as before otherwise, and afterwards."""
    with _one_at_a_time:
        before = numba.get_num_threads()
        now = before if most is None else max(1, min(most, before))
        _pool["begun"] = True
        if now == before:  # setting what is set already takes as long as a small kernel
            yield
            return
        numba.set_num_threads(now)
        try:
            yield
        finally:
            numba.set_num_threads(before)


def _array_at(scalar: Any) -> Any:
    @intrinsic
    def at(typingctx: Any, address: Any) -> Any:
        pointer = types.CPointer(scalar)

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.inttoptr(args[0], context.get_value_type(pointer))

        return pointer(types.int64), codegen

    return at


# How a kernel comes by a rule's number, the k-th it is given: what of it depends on the step, which costs more than a
# small array and mostly is the same for all, and the number.
_SPELT = {
    "value": ("0.0", "T(numbers[{k}])"),
    "decay": ("0.0", "numbers[{k}]"),
    "corrected decay": ("1.0 - numbers[{k}] ** {step}", "(numbers[{k}], T(at_{k}), T(1.0 / at_{k}))"),
    "rising decay": ("rising(numbers[{k}], {step})", "at_{k}"),
}


@cache
def _kernel(
    rule: Rule,
    states: int,
    kinds: tuple[Kind, ...],
    dtype: str,
    weight_decay: WeightDecay,
    maximize: bool,
    in_place: bool,
    parallel: bool,
) -> Any:
    """The compiled kernel. Compiling takes about a second, once for each combination in a process.

    That for one thread wants neither the pool nor its lock, which for a few small arrays take as long as the step.
    """
    wide = "float32" if dtype in _HALVES else dtype
    scalar = _SCALARS[wide]
    # Of parameters and gradients: their type in memory, and how they are read and written.
    stored, read, written = (types.uint16, "read({})", "written({})") if dtype in _HALVES else (scalar, "{}", "{}")
    theta = read.format("p[i]")
    accumulators = [f"s{k}" for k in range(states)]
    # Where results go to other arrays, these are further rows of the table.
    inputs, outputs = ["p", "gradient", *accumulators], ["p", *accumulators]
    if not in_place:
        outputs = [f"new_{name}" for name in outputs]
        inputs += outputs
    given, first, prologue, k = ["g", *(f"{a}[i]" for a in accumulators)], [], [], 0
    for kind in kinds:
        if kind not in _SPELT:
            given.append({"t": "step"}.get(kind, kind))
            continue
        of_the_step, number = _SPELT[kind]
        first.append(f"first_{k} = {of_the_step.format(k=k, step='steps[0]')}")
        prologue.append(f"at_{k} = first_{k} if step == steps[0] else {of_the_step.format(k=k, step='step')}")
        prologue.append(f"h{k} = {number.format(k=k)}")
        given.append(f"h{k}")
        k += 1

    def array_at(row: int, name: str) -> str:
        at, kind = ("stored_at", stored) if name in ("p", "gradient", "new_p") else ("at", scalar)
        return f"carray({at}(table[{row}, a] + o * {kind.bitwidth // 8}), n)"

    gradient = ("-" if maximize else "") + read.format("gradient[i]")
    results = ", ".join(["d", *(f"n_{a}" for a in accumulators)])
    # What a rule returns that takes the rate itself has the rate in it.
    change, shrunk = ("T(d)", "rate * shrink") if "rate" in kinds else ("rate * T(d)", "shrink")
    lines = [
        "def kernel(table, counters, pieces, steps, learning_rate, rate_decay, decay, numbers):",
        "    for k in range(counters.size):",
        "        counter = carray(counter_at(counters[k]), 1)",
        "        counter[0] += one",
        "        steps[k] = counter[0]",
        "    shrink = T(decay)",
        *(f"    {line}" for line in first),
        "    for w in prange(pieces.shape[1]):",
        "        a, o, n = pieces[0, w], pieces[1, w], pieces[2, w]",
        "        step = steps[a]",
        "        rate = T(rate_at(learning_rate, step, rate_decay))",
        *(f"        {line}" for line in prologue),
        *(f"        {name} = {array_at(row, name)}" for row, name in enumerate(inputs)),
        "        for i in range(n):",
        f"            g = {gradient}" + (f" + shrink * {theta}" if weight_decay == "coupled" else ""),
        f"            {results}{'' if states else ','} = rule({', '.join(given)})",
        *(f"            {out}[i] = n_{a}" for out, a in zip(outputs[1:], accumulators, strict=True)),
        f"            d = decoupled(d, {theta}, {shrunk})" if weight_decay == "decoupled" else "",
        f"            {outputs[0]}[i] = " + written.format(f"{theta} - {change}"),
    ]
    for part in parts(rule):
        _jitable(part)
    scope = {
        "T": scalar,
        "at": _array_at(scalar),
        "counter_at": _array_at(types.float32),
        "one": np.float32(1),
        "stored_at": _array_at(stored),
        **dict(zip(("read", "written"), _HALVES.get(dtype, ()), strict=False)),
        "carray": carray,
        "decoupled": rules.decoupled_weight_decay,
        "prange": prange if parallel else range,
        "rate_at": inverse_time_decay,
        "rising": rules.rising_decay,
        "rule": njit(inline="always")(rule),
    }
    exec("\n".join(lines), scope)
    # As NumPy divides: by zero, too. To raise there, as Python does, would keep it from several elements at once.
    return njit(parallel=parallel, nogil=True, error_model="numpy")(scope["kernel"])


@njit(parallel=True, nogil=True)
def _count_not_finite(line: Any) -> Any:
    count = 0
    for i in prange(line.size):
        count += not math.isfinite(line[i])
    return count


def all_finite(array: np.ndarray) -> bool:
    """Whether no element of a contiguous float32 or float64 array is NaN or infinite, read once."""
    with _threads(None):
        return int(_count_not_finite(array.reshape(-1))) == 0


def step(
    rule: Rule,
    arguments: Sequence[Any],
    table: np.ndarray,
    work: WorkList,
    steps: np.ndarray,
    dtype: str,
    learning_rate: float,
    *,
    rate_decay: float = 0.0,
    weight_decay: float = 0.0,
    decoupled: bool = False,
    maximize: bool = False,
    in_place: bool = True,
    counters: np.ndarray = NO_COUNTERS,
    threads: int | None = None,
) -> None:
    """Step a list of arrays, in one call.

    Parameters
    ----------
    rule : callable
        Of :mod:`rmsprop_lib.rules`.
    arguments : sequence
        What the rule is given after the gradient and its state. The step number among them is ignored in favour of
        ``steps``; new numbers do not compile anything anew, but true and false do.
    table : int64 array of shape (2 + states, arrays), C-contiguous
        Addresses: of the parameters, the gradients, then of each accumulator. All contiguous, of type ``dtype``,
        the accumulators in float32 if that is narrower, not overlapping, and alive during the call. If the step is
        not in place there are 1 + states more rows: where the parameters and accumulators after it are written.
    work : WorkList
        Of the arrays' sizes.
    steps : float64 array of shape (arrays,)
        The number of this step for each array, counted from 1.
    dtype : {"float32", "float64", "float16", "bfloat16"}
    learning_rate : float
        The rate of the first step.
    rate_decay : float
        Step t has the rate learning_rate / (1 + (t − 1)·rate_decay).
    weight_decay : float
        Added to the gradient as weight_decay·θ, or to the direction if ``decoupled``.
    maximize : bool
        Ascend instead.
    in_place : bool
        Whether the arrays themselves are overwritten.
    counters : int64 array of shape (arrays,) or (0,)
        Addresses of numbers in single precision that count the steps: 1 is added to each, one after the other, and
        they are written to ``steps`` before the step is done.
    threads : int, optional
        At most this many; as many as Numba has by default.

    Raises
    ------
    ValueError
        If there are more arguments than the rule takes, or the table's shape does not fit.
    """
    states, rest = (len(table) - 2, 0) if in_place else divmod(len(table) - 3, 2)
    if table.ndim != 2 or states < 0 or rest or table.shape[1] != len(steps):
        rows = "2 + states" if in_place else "3 + 2·states"
        raise ValueError(f"table has shape {table.shape}; it must be ({rows}, {len(steps)})")
    kinds, numbers = kinds_and_numbers(rule, states, arguments)
    form = form_of_weight_decay(weight_decay, decoupled)
    alone = threads is not None and threads <= 1
    kernel = _kernel(rule, states, kinds, dtype, form, maximize, in_place, not alone)
    rates = float(learning_rate), float(rate_decay), float(weight_decay), np.array(numbers, np.float64)
    with nullcontext() if alone else _threads(threads):
        kernel(table, counters, work.pieces, steps, *rates)
