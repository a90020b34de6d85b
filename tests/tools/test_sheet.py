"""The reference sheet: its formulas compute what the rules do, its defaults are the library's, its conversions hold."""

import inspect
import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rmsprop_lib import numpy_optim, rules, torch_optim
from rmsprop_lib.conventions import TABLE, Convention, convention, recording, replay
from tools.paths import CHAPTERS
from tools.site import sheet
from tools.site.formulas import HYPER, STATE, formulas

PAGE = (CHAPTERS / "sheet.md").read_text(encoding="utf-8")
RNG = np.random.default_rng(20)
GRADIENTS = RNG.normal(size=(8, 5)) * np.array([1e-3, 0.1, 1, 10, 100])
NUMBERS = {
    r"\rho": 0.8,
    r"\beta_1": 0.7,
    r"\beta_2": 0.9,
    r"\gamma": 0.6,
    r"\delta": 0.3,
    r"\varepsilon": 0.05,
    r"\lambda": 0.1,
}
ARGUMENTS = {name: NUMBERS[latex] for name, latex in HYPER.items()}


def cells(table: str) -> list[list[str]]:
    """The rows of a table in Markdown, without its head."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


RULES = {re.sub(r" \{eq\}.*", "", row[0]): row for row in cells(sheet.table_of_rules())}


def read(latex: str) -> str:
    """A formula of the sheet as Python, in which ``v_t`` is called ``v_new`` and ``v_{t-1}`` is called ``v_old``."""
    for name, value in NUMBERS.items():
        latex = re.sub(re.escape(name) + r"(?![a-z])", repr(value), latex)
    latex = latex.replace(r"\operatorname{sign}", "np.sign")
    latex = latex.replace("[", "(").replace("]", ")").replace(r"\eta_t", "eta_t")
    latex = latex.replace(r"v^{\max}", "w").replace(r"\hat ", "hat").replace(r"\mu", "mu").replace(r"\theta", "theta")
    latex = latex.replace("_{t-1}", "_old").replace("_t", "_new").replace(r"\,", "*")
    latex = latex.replace("^{", "**(").replace(r"\sqrt{", "np.sqrt(").replace(r"\max", "np.maximum").replace("}", ")")
    assert not re.search(r"[\\{^]", latex), latex
    return latex


def printed(name: str) -> list[tuple[str, str]]:
    """The formulas that stand in a rule's row, as Python: those of the rule that it refers to first."""
    _, computes, _ = RULES[name]
    like = re.match(r"as (\w+)", computes)
    lines = printed(like[1])[:-1] if like else []
    for formula in re.findall(r"\$([^$]+)\$", computes):
        left, right = formula.removesuffix(",").split(" = ")
        lines.append((read(left), read(right)))
    assert lines[-1][0] == "d_new"
    return lines


@pytest.mark.parametrize("row", sheet.RULES, ids=lambda row: row.name)
def test_the_formulas_as_they_are_printed_compute_what_the_rule_does(row: sheet.Row) -> None:
    names = [name for name in inspect.signature(row.rule).parameters if name in STATE]
    fixed = {name: ARGUMENTS.get(name, value) for name, value in row.fixed.items()}
    known = {name: np.zeros(5) for name in ("G_old", "v_old", "mu_old", "m_old", "b_old", "w_old")}
    state = {name: np.zeros(5) for name in names}
    for t, g in enumerate(GRADIENTS, start=1):
        theta = RNG.normal(size=5)
        more = {"theta": theta, "eta": 0.1 / t, "share": 0.4}
        given = {"g": g, "t": t, **more, **ARGUMENTS, **state, **fixed}
        d, *after = row.rule(**{name: given[name] for name in inspect.signature(row.rule).parameters if name in given})
        state = dict(zip(names, after, strict=True))
        named = {"theta_old": theta, "eta_new": more["eta"], "s_new": more["share"]}
        scope = {"np": np, "g_new": g, "t": t, **named, **known}
        for left, right in printed(row.name):
            scope[left] = eval(right, scope)
        np.testing.assert_allclose(scope["d_new"], d, rtol=1e-13)
        known = {f"{name[:-4]}_old": scope[name] for name in scope if name.endswith("_new") and name != "d_new"}


def test_every_rule_of_the_library_is_on_it() -> None:
    on_it = {function for row in sheet.RULES for function in row.functions}
    on_it |= {name for row in sheet.RULES for name in re.findall(r"<rmsprop_lib\.rules\.(\w+)>", row.note)}
    every = {
        name
        for name, function in inspect.getmembers(rules, inspect.isfunction)
        if function.__module__ == rules.__name__ and next(iter(inspect.signature(function).parameters)) in ("g", "d")
    }
    assert on_it == every and len(every) >= 10


@pytest.mark.parametrize("row", sheet.RULES, ids=lambda row: row.name)
def test_it_shows_each_rule_s_signature(row: sheet.Row) -> None:
    shown = re.findall(r"\{py:func\}`(\w+)\(([^<]*)\) <rmsprop_lib\.rules\.(\w+)>`", RULES[row.name][2])
    assert [name for name, _, _ in shown] == [target for _, _, target in shown] == list(row.functions)
    for name, arguments, _ in shown:
        told = inspect.signature(eval(f"lambda {arguments}: None"))
        is_so = inspect.signature(getattr(rules, name))
        assert [(p.name, p.default) for p in told.parameters.values()] == [
            (p.name, p.default) for p in is_so.parameters.values()
        ]


def test_a_rule_that_changes_changes_its_row() -> None:
    def wrong(g: Any, v: Any, rho: Any, eps: Any) -> tuple[Any, Any]:
        v = rules.ema(v, g, rho)  # forgets to square
        return g / (rules.sqrt(v) + eps), v

    assert formulas(wrong) != formulas(rules.rmsprop)
    assert formulas(wrong)[0] == ("v_t", r"\rho\,v_{t-1} + (1 - \rho)\,g_t")


def test_corrected_rmsprop_is_what_optax_calls_bias_correction() -> None:
    row = convention("Optax", "rmsprop").given(decay=0.8, eps=0.05, eps_in_sqrt=False, bias_correction=True)
    theirs = replay(row, GRADIENTS, np.full(8, 0.1), np.zeros(5))
    theta, v = np.zeros(5), np.zeros(5)
    for t, g in enumerate(GRADIENTS, start=1):
        d, v = sheet.corrected_rmsprop(g, v, t, 0.8, 0.05)
        theta = theta - 0.1 * d
        np.testing.assert_allclose(theta, theirs[t], rtol=1e-12)


DEFAULTS = {row[0].partition(" (")[0]: row for row in cells(sheet.table_of_defaults())}


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.framework} {row.optimizer}")
def test_the_defaults_are_those_of_the_table_of_conventions(row: Convention) -> None:
    found = [
        line for line in cells(sheet.table_of_defaults()) if line[0].startswith(f"{row.framework} `{row.optimizer}`")
    ]
    assert len(found) == 1
    _, eta, decays, eps, place, start, rate, decay = found[0]
    assert eta == "–" if row.eta is None else float(eta) == row.eta
    told = [] if decays == "–" else [float(number) for number in decays.split(", ")]
    assert told == [value for value in (row.rho, row.beta1, row.beta2) if value is not None]
    assert (0.0 if eps == "–" else float(eps)) == row.eps
    assert (r"\sqrt{v+" in place) == (row.eps_at in ("inside", "by momentum") and row.eps > 0)
    assert (r"\sqrt v+" in place) == (row.eps_at != "inside" and row.eps > 0)
    assert ("correction" in place) == (row.eps_at == "uncorrected")
    assert (0.0 if start == "–" else float(start)) == row.initial
    assert rate == "–" or (rate == "the buffer") == row.rate_inside
    if "weight_decay" in row.names.values():
        amount, kind = decay.split(", ", 1)
        assert float(amount) == row.weight_decay and kind.startswith("decoupled" if row.decoupled else "coupled")
    else:
        assert decay == "–"


@pytest.mark.parametrize("framework", recording().defaults)
def test_the_defaults_are_those_that_the_frameworks_constructors_have(framework: str) -> None:
    compared = 0
    for optimizer, recorded in recording().defaults[framework].items():
        row = convention(framework, optimizer)
        for name, value in recorded.items():
            if name in row.names and len(row.names[name].split()) == 1 and not isinstance(value, bool):
                assert getattr(row, row.names[name]) == value, (optimizer, name)
                compared += 1
    assert compared >= 3


@pytest.mark.parametrize("name", ["SGD", "AdaGrad", "RMSprop", "Adam"])
def test_this_book_s_defaults_are_those_of_its_constructors(name: str) -> None:
    _, eta, decays, eps, *_ = DEFAULTS[f"`numpy_optim.{name}`"]
    parameters = inspect.signature(getattr(numpy_optim, name)).parameters
    assert float(eta) == parameters["learning_rate"].default
    told = [] if decays == "–" else [float(number) for number in decays.split(", ")]
    assert told == [parameters[decay].default for decay in ("rho", "beta1", "beta2") if decay in parameters]
    assert eps == "–" if "epsilon" not in parameters else float(eps) == parameters["epsilon"].default


@pytest.mark.parametrize(
    ("ours", "theirs"), [("SGD", "SGD"), ("AdaGrad", "Adagrad"), ("RMSprop", "RMSprop"), ("Adam", "Adam")]
)
def test_torch_optim_has_pytorch_s_arguments_and_defaults(ours: str, theirs: str) -> None:
    assert "`torch_optim` of this book has PyTorch's arguments and defaults" in " ".join(PAGE.split())
    parameters = inspect.signature(getattr(torch_optim, ours)).parameters
    row = convention("PyTorch", theirs)
    for name, attributes in row.names.items():
        values = tuple(getattr(row, attribute) for attribute in attributes.split())
        assert parameters[name].default == (values if len(values) > 1 else values[0]), name


def test_an_argument_s_names_are_those_of_the_constructors() -> None:
    for concept, *names in cells(sheet.table_of_names()):
        attribute = next(key for key, words in sheet.CONCEPTS.items() if words == concept)
        for framework, told in zip(sheet.FRAMEWORKS[:-1], names, strict=False):
            rows = [row for row in TABLE if row.framework == framework]
            for name in re.findall(r"`(\w+)(?:\[\d\])?`", told):
                assert any(attribute in row.names.get(name, "").split() for row in rows), (framework, name)
    known = {attribute for row in TABLE for names in row.names.values() for attribute in names.split()}
    assert known - set(sheet.CONCEPTS) == {"caution", "corrected_decay"}  # timm's own, which chapter 12 has


def test_the_decays_in_numbers_are_what_the_rules_do() -> None:
    for rho, window, half, first, even in cells(sheet.table_of_decays()):
        decay = float(rho)
        weights = (1 - decay) * decay ** np.arange(round(60 / (1 - decay)))
        assert float(window) == pytest.approx(np.sum(weights * np.arange(1, len(weights) + 1)), rel=1e-9)
        assert decay ** float(half) == pytest.approx(0.5, rel=0.005)
        v, steps = 0.0, []
        for _ in range(int(even)):
            d, v = rules.rmsprop(3.0, v, decay, 0.0)
            steps.append(d)
        assert float(first) == pytest.approx(steps[0], abs=0.051)
        assert steps[-1] <= 1.01 < steps[-2]


# ---- Conversions: each is run, both ways of writing it, on the same gradients. -------------------------------------

RATES = np.array([0.1, 0.1, 0.1, 0.02, 0.02, 0.05, 0.05, 0.01])
START = np.ones(5)


def run(rates: np.ndarray = RATES, gradients: np.ndarray = GRADIENTS, **settings: Any) -> np.ndarray:
    rule = settings.pop("rule", "rmsprop")
    decays = {"rmsprop": {"rho": 0.8}, "adam": {"beta1": 0.7, "beta2": 0.9}}.get(rule, {})
    row = Convention(framework="", optimizer="", rule=rule, **{**decays, "eps": 0.05, **settings})
    return replay(row, gradients, rates, START)


def close(ours: Any, theirs: Any) -> None:
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def window() -> None:
    assert rules.ema(2.0, 6.0, 1 - 1 / 8) == 2.0 + (6.0 - 2.0) / 8
    close((2 ** (-1 / 5)) ** 5, 0.5)
    close(rules.ema(2.0, 6.0, 1 - 0.25), 0.75 * 2.0 + 0.25 * 6.0)


def average() -> None:
    b, m = np.zeros(5), np.zeros(5)
    for g in GRADIENTS:
        _, b = rules.heavy_ball(g, b, 0.6)
        m = rules.ema(m, g, 0.6)
        close(0.1 * b, 0.1 / (1 - 0.6) * m)


def momentum_added() -> None:
    b = 0.0
    for _ in range(200):
        d, b = rules.heavy_ball(1.0, b, 0.6)
    close((1 - 0.6) * 0.1 * d, 0.1)


def _scaled(inside: bool) -> np.ndarray:
    """A run whose buffer is scaled at every change of the rate, so that it follows one with the other place of it."""
    theta, v, buffer, before, path = START, np.zeros(5), np.zeros(5), RATES[0], [START]
    for g, eta in zip(GRADIENTS, RATES, strict=True):
        d, v = rules.rmsprop(g, v, 0.8, 0.05)
        buffer = buffer * (eta / before if inside else before / eta)
        step, buffer = rules.heavy_ball(eta * d if inside else d, buffer, 0.6)
        theta, before = theta - (step if inside else eta * step), eta
        path.append(theta)
    return np.array(path)


def to_inside() -> None:
    close(_scaled(inside=True), run(gamma=0.6))
    assert not np.allclose(run(gamma=0.6), run(gamma=0.6, rate_inside=True))


def to_outside() -> None:
    close(_scaled(inside=False), run(gamma=0.6, rate_inside=True))


def epsilon_outside() -> None:
    v = 10.0 ** np.arange(-20, 5)
    ratio = (np.sqrt(v) + np.sqrt(0.05)) / np.sqrt(v + 0.05)
    assert np.all((ratio >= 1) & (ratio <= math.sqrt(2) * (1 + 1e-12)))
    theta, squares, theirs = START, np.full(5, 1.05), run(eps_at="inside", initial=1.0)
    for t, (g, eta) in enumerate(zip(GRADIENTS, RATES, strict=True), start=1):
        d, squares = rules.rmsprop(g, squares + (1 - 0.8) / 0.8 * 0.05, 0.8, 0.0)
        theta = theta - eta * d
        close(theta, theirs[t])


def adam_epsilon() -> None:
    m, v, theirs = np.zeros(5), np.zeros(5), run(rule="adam", bias_correction=True, eps_at="uncorrected")
    theta = START
    for t, (g, eta) in enumerate(zip(GRADIENTS, RATES, strict=True), start=1):
        d, m, v = rules.adam(g, m, v, t, 0.7, 0.9, 0.05 / math.sqrt(1 - 0.9**t))
        theta = theta - eta * d
        close(theta, theirs[t])


def start() -> None:
    v, w = np.zeros(5), np.ones(5)
    for t, g in enumerate(GRADIENTS, start=1):
        _, v = rules.rmsprop(g, v, 0.8, 0.0)
        _, w = rules.rmsprop(g, w, 0.8, 0.0)
        np.testing.assert_allclose(v, w - 0.8**t * 1.0, rtol=1e-12, atol=1e-14)


def corrected() -> None:
    v, theirs, theta = np.zeros(5), run(bias_correction=True), START
    for t, (g, eta) in enumerate(zip(GRADIENTS, RATES, strict=True), start=1):
        d, v = rules.rmsprop(g, v, 0.8 * (1 - 0.8 ** (t - 1)) / (1 - 0.8**t), 0.05)
        theta = theta - eta * d
        close(theta, theirs[t])


def adam_without_momentum() -> None:
    close(run(bias_correction=True), run(rule="adam", beta1=0.0, beta2=0.8, bias_correction=True))


def scaled_loss() -> None:
    close(run(), run(gradients=7 * GRADIENTS, eps=7 * 0.05))
    close(run(eps_at="inside"), run(gradients=7 * GRADIENTS, eps=49 * 0.05, eps_at="inside"))
    close(run(initial=1.0), run(gradients=7 * GRADIENTS, eps=7 * 0.05, initial=49.0))
    close(run(weight_decay=0.1), run(gradients=7 * GRADIENTS, eps=7 * 0.05, weight_decay=0.7))
    clipped, scaled = np.clip(GRADIENTS, -0.5, 0.5), np.clip(7 * GRADIENTS, -3.5, 3.5)
    close(run(gradients=clipped), run(gradients=scaled, eps=7 * 0.05))
    for decoupled in (False, True):
        descent = {"rule": "sgd", "decoupled": decoupled}
        theirs = run(gradients=7 * GRADIENTS, rates=RATES / 7, weight_decay=0.7, **descent)
        close(run(weight_decay=0.1, **descent), theirs)


def batch() -> None:
    # What chapter 10 derives: per example, movement, spread and memory stay, and so does ε in units of √v.
    def kept(size: float, eta: float, forgotten: float, eps: float) -> list[float]:
        root = 1 / math.sqrt(size)  # √v, where noise dominates
        return [eta / root / size, eta**2 / size, size / forgotten, eps / root]

    close(kept(8, 0.1, 0.01, 1e-3), kept(4 * 8, 2 * 0.1, 4 * 0.01, 1e-3 / 2))


def penalty() -> None:
    theta = np.full(5, 3.0)
    step = 1e-6
    slope = [0.5 * 0.1 * (np.sum((theta + e) ** 2) - np.sum((theta - e) ** 2)) / (2 * step) for e in step * np.eye(5)]
    np.testing.assert_allclose(slope, 0.1 * theta, rtol=1e-6)


def papers_decay() -> None:
    silent = np.zeros((8, 5))
    path = run(np.full(8, 0.02), silent, weight_decay=0.3 / 0.02, decoupled=True)
    close(path[:, 0], (1 - 0.3) ** np.arange(9))


CONVERSIONS: dict[str, Callable[[], None]] = {
    "decay as a window": window,
    "momentum as a sum → as an average": average,
    "no momentum → momentum": momentum_added,
    "rate in the step → rate in the buffer": to_inside,
    "rate in the buffer → rate in the step": to_outside,
    r"$\varepsilon$ inside the root → outside": epsilon_outside,
    r"Adam's $\varepsilon$ in Keras and TensorFlow": adam_epsilon,
    "start at $v_0$ → start at 0": start,
    "RMSprop → RMSprop with bias correction": corrected,
    "RMSprop with bias correction → Adam": adam_without_momentum,
    "loss → $S$ times the loss": scaled_loss,
    r"batch of $B$ → batch of $\kappa B$": batch,
    r"L2 penalty": penalty,
    r"decoupled decay by $1-\lambda'$": papers_decay,
}


@pytest.mark.parametrize("name", CONVERSIONS)
def test_a_conversion_holds(name: str) -> None:
    CONVERSIONS[name]()


def test_every_conversion_is_tested() -> None:
    block = re.search(r"^## Conversions\n(.*?)^## ", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert block
    rows = re.findall(r"^\* - (.*)$", block[1], flags=re.MULTILINE)[1:]
    assert len(rows) == len(CONVERSIONS)
    assert all(row.startswith(name) for row, name in zip(rows, CONVERSIONS, strict=True)), rows


def test_a_number_is_written_as_it_is_typed() -> None:
    assert [sheet.number(value) for value in (None, 0.0, 0.00025, 1e-8, 0.1)] == ["–", "0", "0.00025", "1e-8", "0.1"]
    assert replace(TABLE[0], eta=None).eta is None
