r"""The formulas of a rule, found by running it on symbols.

The functions of ``rmsprop_lib/rules.py`` ask of their arguments for arithmetic alone, so that they run on symbols as
they run on numbers. What they return is then a formula, which is written here in the notation of the book. The formula
of a rule is therefore nowhere but in its code.

Products are written with ``\,`` between their factors and quotients with a slash, so that what is written can be read
back unambiguously; ``tests/tools/test_sheet.py`` does that, and computes with it.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

# What the arguments of rules are called in formulas: what a rule is given at each step, and its hyperparameters.
STATE = {"G": "G", "v": "v", "mu": r"\mu", "m": "m", "b": "b", "v_max": r"v^{\max}"}
GIVEN = {"g": "g_t", "t": "t", "d": "d_t", "theta": r"\theta_{t-1}", "eta": r"\eta_t", "share": "s_t"}
HYPER = {
    "rho": r"\rho",
    "beta1": r"\beta_1",
    "beta2": r"\beta_2",
    "gamma": r"\gamma",
    "dampening": r"\delta",
    "eps": r"\varepsilon",
    "weight_decay": r"\lambda",
}

Operand = Any  # a Term or a number


class Term:
    """A symbol, or an operation on others. Operations with 0 and 1 are done at once."""

    def __init__(self, operator: str, *parts: Operand, constant: bool = False) -> None:
        self.operator, self.parts = operator, parts
        # Whether it is made of hyperparameters and numbers alone: these stand first in a product.
        self.constant = constant or (
            bool(parts) and operator != "symbol" and all(getattr(part, "constant", True) for part in parts)
        )

    def __add__(self, other: Operand) -> Operand:
        return self if _is(other, 0) else Term("+", self, other)

    def __radd__(self, other: Operand) -> Operand:
        return self if _is(other, 0) else Term("+", other, self)

    def __sub__(self, other: Operand) -> Operand:
        return self if _is(other, 0) else Term("-", self, other)

    def __rsub__(self, other: Operand) -> Operand:
        return Term("-", other, self)

    def __mul__(self, other: Operand) -> Operand:
        return 0 if _is(other, 0) else self if _is(other, 1) else Term("*", self, other)

    def __rmul__(self, other: Operand) -> Operand:
        return 0 if _is(other, 0) else self if _is(other, 1) else Term("*", other, self)

    def __truediv__(self, other: Operand) -> Operand:
        return self if _is(other, 1) else Term("/", self, other)

    def __rtruediv__(self, other: Operand) -> Operand:
        return 0 if _is(other, 0) else Term("/", other, self)

    def __pow__(self, other: Operand) -> Operand:
        return Term("^", self, other)

    def __rpow__(self, other: Operand) -> Operand:
        return 0 if _is(other, 0) else Term("^", other, self)

    def __gt__(self, other: Operand) -> "Term":
        return Term(">", self, other)

    def sign(self) -> "Term":
        return Term("sign", self)

    def clip(self, min: Operand) -> "Term":
        return Term("max", min, self)


def _is(value: Operand, number: int) -> bool:
    return not isinstance(value, Term) and value == number


def symbol(text: str, *, constant: bool = False) -> Term:
    return Term("symbol", text, constant=constant)


def formulas(rule: Callable[..., tuple[Any, ...]], **fixed: Any) -> list[tuple[str, str]]:
    """The left and the right sides of what a rule computes in step t, its direction last.

    Parameters
    ----------
    rule : callable
        It takes the arguments named in ``STATE``, ``GIVEN`` and ``HYPER``, and returns the direction and its state.
    **fixed
        Arguments that are not symbols. Those that have a default keep it unless they stand here.

    Returns
    -------
    list of (str, str)
        In LaTeX, without dollars. Averages divided by their sum of weights have a hat, defined in a line of its own.
    """
    arguments: dict[str, Any] = {}
    states = []
    for name, parameter in inspect.signature(rule).parameters.items():
        if name in fixed:
            arguments[name] = fixed[name]
        elif parameter.default is not parameter.empty:
            arguments[name] = parameter.default
        elif name in STATE:
            states.append(name)
            arguments[name] = symbol(STATE[name] + "_{t-1}")
        else:
            arguments[name] = symbol(GIVEN.get(name) or HYPER[name], constant=name in HYPER)
    direction, *after = rule(**arguments)
    assert len(after) == len(states)
    names = {id(term): f"{STATE[name]}_t" for name, term in zip(states, after, strict=True)}
    hats: dict[str, str] = {}
    lines = [
        (names[id(term)], _written(term, {k: v for k, v in names.items() if k != id(term)}, hats)) for term in after
    ]
    d = names.get(id(direction)) or _written(direction, names, hats)
    return [*lines, *hats.items(), ("d_t", d)]


def _written(term: Operand, names: Mapping[int, str], hats: dict[str, str]) -> str:
    """A term in LaTeX, in which the terms of these names stand by their names."""
    if id(term) in names:
        return names[id(term)]
    if not isinstance(term, Term):
        return f"{term:g}"

    def inner(part: Operand, *loose: str) -> str:
        """A part, in parentheses if its operation is one of these."""
        text = _written(part, names, hats)
        named = id(part) in names or text.startswith(r"\hat ")
        return f"({text})" if isinstance(part, Term) and part.operator in loose and not named else text

    first, *rest = term.parts
    match term.operator:
        case "symbol":
            return str(first)
        case "+":
            return f"{inner(first)} + {inner(rest[0])}"
        case "-":
            return f"{inner(first)} - {inner(rest[0], '+', '-')}"
        case "*":
            return _product(term, inner)
        case "/":
            quotient = f"{inner(first, '+', '-')}/{inner(rest[0], '+', '-', '*', '/')}"
            name = names.get(id(first), "")
            if _is_weight_sum(rest[0]) and name:
                hats[rf"\hat {name}"] = quotient
                return rf"\hat {name}"
            return quotient
        case "^":
            if _is(rest[0], 0) or rest[0] == 0.5:
                return rf"\sqrt{{{inner(first)}}}"
            return f"{inner(first, '+', '-', '*', '/', '^')}^{{{inner(rest[0])}}}"
        case ">":
            return f"[{inner(first)} > {inner(rest[0])}]"
        case "sign":
            return rf"\operatorname{{sign}}({inner(first)})"
        case "max":
            return rf"\max({inner(first)}, {inner(rest[0])})"
    raise ValueError(f"operator={term.operator!r} is not known")


def _is_weight_sum(term: Operand) -> bool:
    """Whether it is 1 - βᵗ."""
    return (
        isinstance(term, Term)
        and term.operator == "-"
        and _is(term.parts[0], 1)
        and getattr(term.parts[1], "operator", "") == "^"
    )


def _product(term: Term, inner: Callable[..., str]) -> str:
    """Hyperparameters first, then what is made of them, then the rest; what occurs twice is squared."""

    def factors(part: Operand) -> list[Operand]:
        if isinstance(part, Term) and part.operator == "*":
            return [factor for piece in part.parts for factor in factors(piece)]
        return [part]

    def place(factor: Operand) -> int:
        if not getattr(factor, "constant", True):
            return 2
        return 0 if getattr(factor, "operator", "symbol") == "symbol" else 1

    powers: dict[str, int] = {}
    for factor in sorted(factors(term), key=place):
        text = inner(factor, "+", "-", "/")
        powers[text] = powers.get(text, 0) + 1
    return r"\,".join(text if power == 1 else f"{text}^{{{power}}}" for text, power in powers.items())
