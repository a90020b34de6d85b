"""One pass over memory on CUDA: a rule compiled by Triton into a kernel that steps a whole list of tensors.

What :mod:`rmsprop_lib.compiled.cpu` is on the CPU. The rule is again the function in :mod:`rmsprop_lib.rules` itself;
its source is compiled with three changes, so that a float32 step rounds as it does on the CPU: annotations go,
``/`` is rounded to nearest (Triton's own is within two units in the last place), and no product is fused with a sum.

Nothing here waits for the device. Numbers reach it as arguments of a kernel, which a CUDA graph keeps that is being
captured; the step numbers lie on the device and are counted there.

On CPU tensors the same source is run by Triton's interpreter, slowly: for tests where there is no card.
"""

import ast
import inspect
import linecache
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from rmsprop_lib import rules
from rmsprop_lib.compiled.kernels import (
    DECAYS,
    NUMERIC,
    Kind,
    WeightDecay,
    WorkList,
    form_of_weight_decay,
    kinds_and_numbers,
    parts,
)
from rmsprop_lib.rules import Rule
from rmsprop_lib.schedules import inverse_time_decay

BLOCK = 4096
"""Elements of one program, which goes through them in chunks."""

CHUNK, WARPS = 1024, 8
"""Elements of one chunk, and warps that share it: four elements for each thread, read at once. With more of them a
thread needs so many registers that too few threads fit to hide the memory's latency."""

COMPILED_WITH = {"num_warps": WARPS, "enable_fp_fusion": False}
"""Triton's options. Without fusion ρ·v + (1 − ρ)·g² is rounded after each operation, as on the CPU."""

ADDRESSES = 64
"""Most addresses that one launch writes: as many arguments as compile in a moment."""

SCALARS = 4
"""Most numbers that are computed once for a tensor: its rate, the sums of the weights of two averages, and its step."""

TYPES = {torch.float16: "float16", torch.bfloat16: "bfloat16", torch.float32: "float32", torch.float64: "float64"}


def _arithmetic(dtype: str) -> str:
    """The type in which parameters of this one are stepped, and their accumulators kept."""
    return "float64" if dtype == "float64" else "float32"


@contextmanager
def _interpreting(interpreted: bool) -> Iterator[None]:
    """What Triton is given to compile meanwhile is for its interpreter, or is not, whatever the environment says."""
    with triton.knobs.runtime.scope():
        triton.knobs.runtime.interpret = interpreted
        yield


def _is_interpreted(tensor: Tensor) -> bool:
    return tensor.device.type == "cpu"


def _defined(name: str, source: str, scope: dict[str, Any]) -> Any:
    """A function from its source, which Triton reads again where tracebacks find it."""
    file = f"<{name} {id(scope)}>"
    linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
    exec(compile(source, file, "exec"), scope)
    return scope[name]


class _Translated(ast.NodeTransformer):
    """A rule as the kernels need it: see the module."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        for argument in node.args.args:
            argument.annotation = None
        if ast.get_docstring(node) is not None:
            del node.body[0]
        return self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        node.left, node.right = self._value(node.left), self._value(node.right)
        if isinstance(node.op, ast.Div):
            return ast.Call(ast.Name("divide", ast.Load()), [node.left, node.right], [])
        return node

    def _value(self, node: ast.expr) -> ast.expr:
        # A decay comes with 1 − ρ, taken before rounding: arithmetic means ρ itself.
        if isinstance(node, ast.Name) and node.id in DECAYS:
            return ast.Subscript(node, ast.Constant(0), ast.Load())
        return node


def translated(rule: Callable[..., Any]) -> str:
    """The source of a rule, or of a part of one, as Triton is given it."""
    tree = _Translated().visit(ast.parse(textwrap.dedent(inspect.getsource(rule))))
    return ast.unparse(ast.fix_missing_locations(tree))


# What the rules are made of, in Triton's language. A decay is ρ and 1 − ρ, each rounded once, and in a rule that
# corrects the bias also the sum of the weights, computed once for a tensor. All arithmetic is in float32 or float64.
_PRIMITIVES = {
    "divide": """
        def divide(a, b):
            if (a + b).dtype == tl.float64:  # one of them may be a number of the rule's own, without a type
                return a / b
            else:
                return tl.div_rn(a, b)
    """,
    "sqrt": """
        def sqrt(x):
            if x.dtype == tl.float64:
                return tl.sqrt(x)
            else:
                return tl.sqrt_rn(x)
    """,
    "maximum": """
        def maximum(a, b):
            return tl.maximum(a, b, propagate_nan=tl.PropagateNan.ALL)
    """,
    "ema": """
        def ema(average, x, rho):
            return rho[0] * average + rho[1] * x
    """,
    "weight_sum": """
        def weight_sum(beta, t):
            return beta[2]
    """,
    "corrected": """
        def corrected(average, beta, t):
            return divide(average, beta[2])
    """,
    "sign": """
        def sign(x):
            return tl.where(x > 0, 1.0, tl.where(x < 0, -1.0, 0.0)).to(x.dtype) + 0 * x
    """,
    "rectification": """
        def rectification(beta, t):
            rest = beta[1].to(tl.float64)
            power = tl.exp(t.to(tl.float64) * tl.log(1.0 - rest))
            longest = 2.0 / rest - 1.0
            length = longest - 2.0 * t.to(tl.float64) * power / (1.0 - power)
            k, n = tl.maximum(5.0, length), tl.maximum(5.0, longest)
            r = tl.sqrt((k - 4.0) * (k - 2.0) * n / ((n - 4.0) * (n - 2.0) * k))
            return tl.where(length > 5.0, r, 0.0).to(beta[1].dtype)
    """,
    "rising_decay": """
        def rising_decay(rho, t):
            share = divide(rho[1], rho[2])
            return 1 - share, share
    """,
}


@cache
def _primitives(interpreted: bool) -> dict[str, Any]:
    scope: dict[str, Any] = {"tl": tl, "__name__": __name__}
    with _interpreting(interpreted):
        for name, source in _PRIMITIVES.items():
            scope[name] = triton.jit(_defined(name, textwrap.dedent(source).lstrip(), scope))
    return scope


@cache
def _part(function: Callable[..., Any], interpreted: bool) -> Any:
    """A rule, or what one calls, compiled."""
    scope = _scope(parts(function), interpreted)
    with _interpreting(interpreted):
        return triton.jit(_defined(function.__name__, translated(function), scope))


def _scope(functions: Sequence[Callable[..., Any]], interpreted: bool) -> dict[str, Any]:
    """The names by which the source of a kernel calls what rules are made of, and these functions."""
    return _primitives(interpreted) | {function.__name__: _part(function, interpreted) for function in functions}


@cache
def _write_kernel(interpreted: bool) -> Any:
    """A kernel that writes numbers which are its arguments: ``row[first + k] = a_k``, as long as there are elements."""
    names = [f"a{k}" for k in range(ADDRESSES)]
    arguments = ", ".join(f"{name}: tl.int64" for name in names)
    lines = [
        f"def write(row, first, count, {arguments}):",
        *(f"    tl.store(row + first + {k}, {name}, mask=first + {k} < count)" for k, name in enumerate(names)),
    ]
    with _interpreting(interpreted):
        write = _defined("write", "\n".join(lines), {"tl": tl, "__name__": __name__})
        return triton.jit(write, do_not_specialize=["first", "count", *names])


@cache
def _count_kernel(counted: bool, sums: int, rate_on_device: bool, dtype: str, interpreted: bool) -> Any:
    """A kernel that counts the step of every tensor, and takes from it the rate and the sums of weights.

    Where steps are not ``counted`` each is the first.
    """
    betas = [f"beta{k}" for k in range(sums)]
    rate = "tl.load(learning_rate).to(tl.float64)" if rate_on_device else "tl.full((), learning_rate, tl.float64)"
    counting = [
        "    counter = tl.load(counters + i, mask=there, other=0).to(tl.pointer_type(tl.float32))",
        "    t = tl.load(counter, mask=there, other=0.0).to(tl.float64) + 1.0",
        "    tl.store(counter, t.to(tl.float32), mask=there)",
    ]
    lines = [
        f"def count(counters, scalars, arrays, learning_rate{'' if rate_on_device else ': tl.float64'}, "
        f"rate_decay: tl.float64, {''.join(f'{beta}: tl.float64, ' for beta in betas)}SIZE: tl.constexpr):",
        "    i = tl.program_id(0) * SIZE + tl.arange(0, SIZE)",
        "    there = i < arrays",
        *(counting if counted else ["    t = tl.full((SIZE,), 1.0, tl.float64)"]),
        "    decay = tl.full((), rate_decay, tl.float64)",
        f"    rate = inverse_time_decay({rate}, t, decay)",
        f"    tl.store(scalars + i, rate.to(tl.{dtype}), mask=there)",
    ]
    for k, beta in enumerate(betas):
        # β^t as exp(t·log β), in double precision: for β = 0 that is exp(−∞). At the first step it is β to the last
        # bit, as a decay that rises from 0 needs it.
        lines += [
            f"    beta = tl.full((), {beta}, tl.float64)",
            f"    sum{k} = 1.0 - tl.where(t == 1.0, beta, tl.exp(t * tl.log(beta)))",
            f"    tl.store(scalars + {k + 1} * arrays + i, sum{k}.to(tl.{dtype}), mask=there)",
        ]
    lines.append(f"    tl.store(scalars + {sums + 1} * arrays + i, t.to(tl.{dtype}), mask=there)")
    with _interpreting(interpreted):
        count = _defined("count", "\n".join(lines), _scope([inverse_time_decay], interpreted))
        return triton.jit(count, do_not_specialize=["arrays"])


def kernel_source(
    rule: Rule, states: int, kinds: tuple[Kind, ...], dtype: str, weight_decay: WeightDecay, maximize: bool
) -> str:
    """The source of the kernel for a rule; ``dtype`` is that of the parameters and gradients."""
    wide = _arithmetic(dtype)
    accumulators = [f"s{k}" for k in range(states)]
    given, signature, prologue, numbers, sums = ["g", *accumulators], [], [], 0, 0
    for kind in kinds:
        if kind not in NUMERIC:
            given.append({"t": "step"}.get(kind, kind))
            continue
        h, rest = f"h{numbers}", f"rest{numbers}"
        numbers += 1
        given.append(h)
        signature.append(f"{h}: tl.{wide}")
        value = f"tl.full((), {h}, tl.{wide})"
        if kind != "value":
            signature.append(f"{rest}: tl.{wide}")
            columns = [value, f"tl.full((), {rest}, tl.{wide})"]
            if kind in ("corrected decay", "rising decay"):
                sums += 1
                columns.append(f"tl.load(scalars + {sums} * arrays + a)")
            value = f"({', '.join(columns)})"
            if kind == "rising decay":
                value = f"rising_decay({value}, 0)"
        prologue.append(f"{h} = {value}")
    if "t" in kinds:
        prologue.append(f"step = tl.load(scalars + {sums + 1} * arrays + a)")
    results = ", ".join(["d", *accumulators])
    # What a rule returns that takes the rate itself has the rate in it.
    change, shrunk = ("d", "rate * shrink") if "rate" in kinds else ("rate * d", "shrink")
    names = ["p", "g", *accumulators]
    types = {name: wide if name in accumulators else dtype for name in names}
    size = {name: getattr(torch, types[name]).itemsize for name in names}

    def body(mask: str, aligned: bool) -> list[str]:
        def pointer(name: str) -> str:
            base = f"{name}_at.to(tl.pointer_type(tl.{types[name]}))"
            return f"tl.multiple_of({base}, 16) + i" if aligned else f"{base} + i"

        return [
            *(f"{name}_ptr = {pointer(name)}" for name in names),
            *(f"{name} = tl.load({name}_ptr{mask}).to(tl.{wide})" for name in names),
            "g = -g" if maximize else "",
            "g = g + shrink * p" if weight_decay == "coupled" else "",
            f"{results}{'' if states else ','} = rule({', '.join(given)})",
            *(f"tl.store({name}_ptr, {name}{mask})" for name in accumulators),
            f"d = decoupled_weight_decay(d, p, {shrunk})" if weight_decay == "decoupled" else "",
            f"tl.store(p_ptr, (p - {change}).to(tl.{dtype}){mask})",
        ]

    addresses = {"p": "table", "g": "gradients"} | {s: f"table + {k + 1} * arrays" for k, s in enumerate(accumulators)}
    lines = [
        f"def kernel(table, gradients, arrays, array, offset, length, scalars, decay: tl.{wide}, "
        f"{''.join(f'{name}, ' for name in signature)}BLOCK: tl.constexpr, CHUNK: tl.constexpr):",
        "    w = tl.program_id(0)",
        "    a = tl.load(array + w)",
        "    o = tl.load(offset + w)",
        "    n = tl.load(length + w)",
        "    rate = tl.load(scalars + a)",
        f"    shrink = tl.full((), decay, tl.{wide})",
        *(f"    {line}" for line in prologue),
        *(f"    {name}_at = tl.load({addresses[name]} + a) + o * {size[name]}" for name in names),
        f"    if (n == BLOCK) & ((({' | '.join(f'{name}_at' for name in names)}) & 15) == 0):",
        "        for first in range(0, BLOCK, CHUNK):",
        "            i = first + tl.arange(0, CHUNK)",
        *(f"            {line}" for line in body("", aligned=True) if line),
        "    else:",
        "        for first in range(0, n, CHUNK):",
        "            i = first + tl.arange(0, CHUNK)",
        "            there = i < n",
        *(f"            {line}" for line in body(", mask=there", aligned=False) if line),
    ]
    return "\n".join(lines)


@cache
def _kernel(
    rule: Rule,
    states: int,
    kinds: tuple[Kind, ...],
    dtype: str,
    weight_decay: WeightDecay,
    maximize: bool,
    interpreted: bool,
) -> Any:
    scope = _scope([rules.decoupled_weight_decay], interpreted) | {"rule": _part(rule, interpreted)}
    with _interpreting(interpreted):
        kernel = _defined("kernel", kernel_source(rule, states, kinds, dtype, weight_decay, maximize), scope)
        return triton.jit(kernel, do_not_specialize=["arrays"])


class Work:
    """A :class:`rmsprop_lib.compiled.kernels.WorkList` on the device.

    Parameters
    ----------
    sizes : sequence of int
        Elements of each tensor.
    device : torch.device
    """

    def __init__(self, sizes: Sequence[int], device: torch.device) -> None:
        pieces = WorkList(sizes, BLOCK).pieces
        self.programs = pieces.shape[1]
        self.array, self.offset, self.length = (
            torch.tensor(row, device=device, dtype=dtype)  # in memory of its own, which is aligned
            for row, dtype in zip(pieces, (torch.int32, torch.int64, torch.int32), strict=True)
        )


def write(row: Tensor, numbers: Sequence[int]) -> None:
    """Overwrite an int64 tensor with as many numbers, which a CUDA graph that is being captured keeps.

    While a graph is captured no kernel can be loaded: it has to have run before.
    """
    kernel = _write_kernel(_is_interpreted(row))
    for first in range(0, len(numbers), ADDRESSES):
        some = numbers[first : first + ADDRESSES]
        kernel[(1,)](row, first, len(numbers), *some, *([0] * (ADDRESSES - len(some))), num_warps=1)


def step(
    rule: Rule,
    arguments: Sequence[Any],
    table: Tensor,
    gradients: Tensor,
    work: Work,
    counters: Tensor | None,
    scalars: Tensor,
    dtype: torch.dtype,
    learning_rate: float | Tensor,
    *,
    rate_decay: float = 0.0,
    weight_decay: float = 0.0,
    decoupled: bool = False,
    maximize: bool = False,
) -> None:
    """Count a step and do it, for a list of tensors on one device, in two launches.

    Parameters
    ----------
    rule : callable
        Of :mod:`rmsprop_lib.rules`.
    arguments : sequence
        What the rule is given after the gradient and its state, no tensors on a device among them. The step number
        is ignored in favour of ``counters``; new numbers do not compile anything anew, but true and false do.
    table : int64 tensor of shape (1 + states, tensors)
        Addresses of the parameters, then of each accumulator, which is float32 if the parameters are narrower.
    gradients : int64 tensor of shape (tensors,)
        Addresses of the gradients, which have the parameters' dtype. What either table leads to is contiguous, not
        overlapping, and alive during the call.
    work : Work
        Of the tensors' sizes.
    counters : int64 tensor of shape (tensors,), or None
        Addresses of single-precision numbers: the steps done so far for each tensor, one more afterwards. None where
        the rule does not count; every step then is the first.
    scalars : tensor of shape (SCALARS, tensors)
        For what is computed once for each tensor; of the accumulators' dtype.
    dtype : torch.dtype
        One of :data:`TYPES`.
    learning_rate : float, or tensor of one element
        A tensor may be on the device.
    rate_decay, weight_decay, decoupled, maximize
        As in :func:`rmsprop_lib.compiled.cpu.step`.

    Raises
    ------
    ValueError
        If there are more arguments than the rule takes, or ``scalars`` has another shape: the kernels write to all
        of it.
    """
    interpreted = _is_interpreted(table)
    states, arrays = table.shape[0] - 1, table.shape[1]
    if scalars.shape != (SCALARS, arrays):
        raise ValueError(f"scalars must have shape ({SCALARS}, {arrays}), got {tuple(scalars.shape)}")
    kinds, numbers = kinds_and_numbers(rule, states, arguments)
    given: list[float] = []
    betas: list[float] = []
    for kind, number in zip((kind for kind in kinds if kind in NUMERIC), numbers, strict=True):
        given += [number] if kind == "value" else [number, 1.0 - number]
        betas += [number] if kind in ("corrected decay", "rising decay") else []
    if isinstance(learning_rate, Tensor) and learning_rate.device.type == "cpu" and not interpreted:
        learning_rate = learning_rate.item()
    rate_on_device = isinstance(learning_rate, Tensor)
    count = _count_kernel(counters is not None, len(betas), rate_on_device, _arithmetic(TYPES[dtype]), interpreted)
    count[(-(-arrays // 128),)](
        table if counters is None else counters,
        scalars,
        arrays,
        learning_rate,
        rate_decay,
        *betas,
        SIZE=128,
        num_warps=4,
    )
    if work.programs:
        form = form_of_weight_decay(weight_decay, decoupled)
        kernel = _kernel(rule, states, kinds, TYPES[dtype], form, maximize, interpreted)
        pieces = work.array, work.offset, work.length
        kernel[(work.programs,)](
            table,
            gradients,
            arrays,
            *pieces,
            scalars,
            weight_decay,
            *given,
            BLOCK=BLOCK,
            CHUNK=CHUNK,
            **COMPILED_WITH,
        )
