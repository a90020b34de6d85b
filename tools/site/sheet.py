"""A Sphinx extension: the tables of the reference sheet, made from the library when the page is.

In ``chapters/sheet.md``,

    ```{sheet} rules
    ```

is replaced by the rules, found by running them on symbols (``tools/site/formulas.py``); ``defaults`` and ``names`` come
from the table of conventions, ``decays`` from what the rules do. The page has a style of its own, ``assets/sheet.css``.
"""

import inspect
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from rmsprop_lib import numpy_optim, rules
from rmsprop_lib.conventions import TABLE, Convention
from tools.site.formulas import HYPER, formulas, symbol

PAGE = "chapters/sheet"
STYLE = "sheet.css"
NONE = "–"


def corrected_rmsprop(g: Any, v: Any, t: Any, rho: Any, eps: Any) -> tuple[Any, Any]:
    """RMSprop with bias correction, which is Adam whose average of gradients forgets at once."""
    d, _, v = rules.adam(g, 0, v, t, 0, rho, eps)
    return d, v


def cautious(g: Any, b: Any, share: Any, gamma: Any) -> tuple[Any, Any]:
    """The heavy ball, masked."""
    d, b = rules.heavy_ball(g, b, gamma)
    return rules.cautious(d, g, share), b


def adamw(
    g: Any, theta: Any, m: Any, v: Any, t: Any, beta1: Any, beta2: Any, eps: Any, weight_decay: Any
) -> tuple[Any, Any, Any]:
    d, m, v = rules.adam(g, m, v, t, beta1, beta2, eps)
    return rules.decoupled_weight_decay(d, theta, weight_decay), m, v


@dataclass(frozen=True)
class Row:
    """A rule as the sheet shows it: its name, its equation, what is run, and how it is called in Python.

    What it computes as the rule named in ``like`` does is not repeated.
    """

    name: str
    equation: str
    rule: Callable[..., tuple[Any, ...]]
    functions: tuple[str, ...]
    fixed: dict[str, Any] = field(default_factory=dict)
    note: str = ""
    like: str = ""

    def formulas(self) -> list[tuple[str, str]]:
        return formulas(self.rule, **self.fixed)


def link(function: str) -> str:
    """A rule's name as a link to its reference."""
    return f"{{py:func}}`{function} <rmsprop_lib.rules.{function}>`"


# The rules of chapter 20 that the sheet names only, so that it stays on two sides.
FAMILY = ("adadelta", "adamax", "nadam", "nadam_scheduled", "radam", "laprop", "adabelief", "yogi")
_DAMPENED = {"dampening": symbol(HYPER["dampening"], constant=True)}
RULES = (
    Row("Gradient descent", "sgd", rules.sgd, ("sgd",)),
    Row("Heavy ball", "heavy_ball", rules.heavy_ball, ("heavy_ball",), _DAMPENED),
    Row(
        "Nesterov",
        "nesterov-direction",
        rules.heavy_ball,
        ("heavy_ball",),
        _DAMPENED | {"nesterov": True},
        "`nesterov=True`",
    ),
    Row(
        "Rate in the buffer",
        "heavy_ball_rate_inside",
        rules.heavy_ball_rate_inside,
        ("heavy_ball_rate_inside",),
        note="and for {py:func}`RMSprop <rmsprop_lib.rules.rmsprop_momentum_rate_inside>` and its {py:func}`centered "
        "form <rmsprop_lib.rules.centered_rmsprop_momentum_rate_inside>`",
    ),
    Row("Caution", "cautious", cautious, ("cautious",)),
    Row("AdaGrad", "adagrad", rules.adagrad, ("adagrad",)),
    Row("RMSprop", "rmsprop", rules.rmsprop, ("rmsprop",)),
    Row("RMSprop, corrected", "rising_decay", corrected_rmsprop, ("rmsprop",), {}, "`rho=rising_decay(rho, t)`"),
    Row("RMSprop, centered", "centered_rmsprop", rules.centered_rmsprop, ("centered_rmsprop",)),
    Row("RMSprop with momentum", "rmsprop_momentum", rules.rmsprop_momentum, ("rmsprop_momentum",)),
    Row(
        "RMSprop, centered, with momentum",
        "centered_rmsprop_momentum",
        rules.centered_rmsprop_momentum,
        ("centered_rmsprop_momentum",),
    ),
    Row("Adam", "adam", rules.adam, ("adam",)),
    Row("AMSGrad", "amsgrad", rules.amsgrad, ("amsgrad",), like="Adam"),
    Row("AdamW", "decoupled_weight_decay", adamw, ("adam", "decoupled_weight_decay"), like="Adam"),
    Row("Lion", "lion", rules.lion, ("lion",), note=f"and, in chapter 20, {', '.join(map(link, FAMILY))}"),
)


def markdown(rows: list[list[str]]) -> str:
    head, *body = rows
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *body])


def call(function: str) -> str:
    """A rule's name with its arguments, as a link to its reference."""
    parameters = inspect.signature(getattr(rules, function)).parameters.values()
    arguments = ", ".join(p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in parameters)
    return f"{{py:func}}`{function}({arguments}) <rmsprop_lib.rules.{function}>`"


def table_of_rules() -> str:
    rows = [["rule", "step $t$", "in `rmsprop_lib.rules`"]]
    for row in RULES:
        known = [line for other in RULES if other.name == row.like for line in other.formulas()]
        lines = [f"as {row.like}"] if row.like else []
        lines += [f"${left} = {right}$" for left, right in row.formulas() if (left, right) not in known]
        # A comma outside of its formula would begin the next line.
        computes = ", ".join(lines).replace("$, ", ",$ ")
        called = " and ".join(map(call, row.functions))
        rows.append([f"{row.name} {{eq}}`{row.equation}`", computes, f"{called} {row.note}".strip()])
    return markdown(rows)


# The optimizers of numpy_optim name their arguments like this; those of torch_optim are PyTorch's.
_OURS = {
    "learning_rate": "eta",
    "rho": "rho",
    "beta1": "beta1",
    "beta2": "beta2",
    "epsilon": "eps",
    "momentum": "gamma",
    "nesterov": "nesterov",
    "centered": "centered",
    "amsgrad": "amsgrad",
    "weight_decay": "weight_decay",
    "decoupled_weight_decay": "decoupled",
    "eps_inside": "eps_at",
    "initial_square": "initial",
    "rate_inside": "rate_inside",
    "bias_correction": "bias_correction",
}
OURS = "numpy_optim"


def our_row(optimizer: str, rule: Any) -> Convention:
    """An optimizer of this book as a row of the table of conventions, with the defaults that its constructor has."""
    parameters = inspect.signature(getattr(numpy_optim, optimizer)).parameters
    names = {name: _OURS[name] for name in parameters if name in _OURS}
    defaults = {attribute: parameters[name].default for name, attribute in names.items() if attribute != "eps_at"}
    defaults.setdefault("bias_correction", rule == "adam")
    return Convention(framework=OURS, optimizer=optimizer, rule=rule, names=names, **defaults)


def rows_of(rule: str) -> list[Convention]:
    optimizer = {"sgd": "SGD", "adagrad": "AdaGrad", "rmsprop": "RMSprop", "adam": "Adam"}[rule]
    return [*(row for row in TABLE if row.rule == rule), our_row(optimizer, rule)]


def number(value: float | None) -> str:
    """A setting as it is typed; a dash where there is none."""
    if value is None:
        return NONE
    mantissa, _, exponent = f"{value:g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa


_PLACES = {
    "outside": r"$\sqrt v+\varepsilon$",
    "inside": r"$\sqrt{v+\varepsilon}$",
    "by momentum": r"$\sqrt v+\varepsilon$; $\sqrt{v+\varepsilon}$ if $\gamma>0$",
    "uncorrected": r"$\sqrt v+\varepsilon$, then correction",
}


def table_of_defaults() -> str:
    # Names in letters: to those who listen a heading that is a formula alone is none.
    rows = [["optimizer", "η", "decays", "ε", "place of ε", "v₀, G₀"]]
    rows[0] += ["rate enters", "weight decay"]
    for rule in ("rmsprop", "adagrad", "adam", "sgd"):
        for row in rows_of(rule):
            decays = [number(value) for value in (row.rho, row.beta1, row.beta2) if value is not None]
            settable = row.names.values()
            has_buffer = rule != "adam" and (row.gamma or "gamma" in settable)
            kind = "decoupled" if row.decoupled else "coupled"
            if "decoupled" in settable:
                kind += ", or decoupled"
            options = [f"γ = {number(row.gamma)}"] * bool(row.gamma) + ["centered"] * row.centered
            name = f"{row.framework} `{row.optimizer}`" if row.framework != OURS else f"`{OURS}.{row.optimizer}`"
            rows.append(
                [
                    name + (f" ({', '.join(options)})" if options else ""),
                    number(row.eta),
                    ", ".join(decays) or NONE,
                    number(row.eps) if row.eps or "eps" in settable else NONE,
                    _PLACES[row.eps_at] if row.eps else NONE,
                    number(row.initial) if rule != "sgd" else NONE,
                    ("the buffer" if row.rate_inside else "the step") if has_buffer else NONE,
                    f"{number(row.weight_decay)}, {kind}" if "weight_decay" in settable else NONE,
                ]
            )
    return markdown(rows)


CONCEPTS = {
    "eta": "learning rate $\\eta$",
    "rho": "decay $\\rho$ of $v$",
    "beta1": "Adam's $\\beta_1$",
    "beta2": "Adam's $\\beta_2$",
    "eps": "constant $\\varepsilon$",
    "gamma": "momentum $\\gamma$",
    "nesterov": "Nesterov's direction",
    "centered": "centering",
    "amsgrad": "AMSGrad",
    "bias_correction": "bias correction of $v$",
    "initial": "start $v_0$, $G_0$",
    "weight_decay": "weight decay $\\lambda$",
    "decoupled": "decoupled decay",
    "eps_at": "place of $\\varepsilon$",
    "rate_inside": "rate in the buffer",
}
FRAMEWORKS = ("PyTorch", "Keras 3", "Optax", "TensorFlow 1", "timm", OURS)


def arguments(framework: str, attribute: str) -> list[str]:
    """Under which names a framework's optimizers take a setting."""
    rows = [row for rule in ("rmsprop", "adagrad", "adam", "sgd") for row in rows_of(rule)]
    found = []
    for row in rows:
        for name, attributes in row.names.items() if row.framework == framework else ():
            parts = attributes.split()
            if attribute in parts:
                found.append(f"{name}[{parts.index(attribute)}]" if len(parts) > 1 else name)
    return list(dict.fromkeys(found))


def table_of_names() -> str:
    rows = [["setting", *(f"`{name}`" if name == OURS else name for name in FRAMEWORKS)]]
    for attribute, concept in CONCEPTS.items():
        names = [", ".join(f"`{name}`" for name in arguments(f, attribute)) or NONE for f in FRAMEWORKS]
        rows.append([concept, *names])
    return markdown(rows)


DECAYS = (0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9999)


def steps_until_even(rho: float, share: float = 0.01) -> int:
    """After how many steps from zero RMSprop's step on a constant gradient is within a share of η."""
    t = 1
    while 1 / math.sqrt(rules.weight_sum(rho, t)) > 1 + share:
        t += 1
    return t


def table_of_decays() -> str:
    rows = [
        [
            "decay",
            "window $1/(1-\\rho)$",
            "half-life $\\ln\\tfrac12/\\ln\\rho$",
            "first step $1/\\sqrt{1-\\rho}$, in $\\eta$",
            "steps until within 1 % of $\\eta$",
        ]
    ]
    for rho in DECAYS:
        first, _ = rules.rmsprop(1.0, 0.0, rho, 0.0)
        half = math.log(0.5) / math.log(rho)
        rows.append([f"{rho:g}", f"{1 / (1 - rho):.0f}", f"{half:.1f}", f"{first:.1f}", str(steps_until_even(rho))])
    return markdown(rows)


TABLES = {
    "rules": table_of_rules,
    "defaults": table_of_defaults,
    "names": table_of_names,
    "decays": table_of_decays,
}


def breakable(name: nodes.literal) -> None:
    """Let a long name in code go on in the next line after an underscore, as narrow columns need it."""
    first, *rest = re.split(r"(?<=_)", name.astext())
    name.clear()
    name += nodes.Text(first)
    for part in rest:
        name += [nodes.raw("", "<wbr>", format="html"), nodes.Text(part)]


# Made when the extension is loaded: autodoc puts texts in the place of the defaults of the functions that it has seen.
made: dict[str, str] = {}


class Sheet(SphinxDirective):
    """The directive: one of the tables."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        # The tables are the library's, of which Sphinx does not know when it has changed.
        self.env.note_reread()
        read = self.parse_text_to_nodes(made[self.arguments[0]])
        for table in (table for node in read for table in node.findall(nodes.table)):
            table["classes"] += ["sheet", f"sheet-{self.arguments[0]}"]
            for name in table.findall(nodes.literal) if self.arguments[0] == "names" else ():
                breakable(name)
        return list(read)


def dress(app: Sphinx, pagename: str, *_: Any) -> None:
    if pagename == PAGE:
        app.add_css_file(STYLE)


def setup(app: Sphinx) -> dict[str, Any]:
    made.update({name: make() for name, make in TABLES.items()})
    app.add_directive("sheet", Sheet)
    app.connect("html-page-context", dress)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
