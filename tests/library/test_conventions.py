"""Our rules with the table's settings, and only with those, reproduce the frameworks' optimizers as recorded."""

import json
import re
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rmsprop_lib import rules
from rmsprop_lib.conventions import TABLE, TRACES_FILE, Convention, Recording, Trace, convention, recording, replay
from tools.measure import record_traces

RECORDING = recording()
each_trace = pytest.mark.parametrize(
    "trace", RECORDING.traces, ids=lambda t: f"{t.row.framework} {t.row.optimizer} {t.arguments or ''}"
)
# No program, or one of which no path is recorded: these are compared with the published code, below.
UNRECORDED = {
    ("tf.keras 2", "RMSprop"),
    ("Stable-Baselines3", "RMSpropTFLike"),
    ("MXNet 1", "RMSProp"),
    ("MXNet 1", "RMSProp(centered=True)"),
    ("DQN (2015)", "RMSprop"),
    ("Graves (2013)", "RMSprop"),
    ("Hinton's slide", "RMSprop"),
}
each_row = pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.framework} {row.optimizer}")


@each_trace
def test_each_recorded_path_is_reproduced_to_rounding(trace: Trace) -> None:
    # The issue asks for 1e-6. In float64 the largest distance of all was 7e-13, from a rounding of the start.
    assert RECORDING.distance(trace) < 1e-11


def test_every_framework_and_every_optimizer_of_the_table_has_been_recorded_where_there_is_code() -> None:
    recorded = {(trace.row.framework, trace.row.optimizer) for trace in RECORDING.traces}
    assert recorded == {(row.framework, row.optimizer) for row in TABLE} - UNRECORDED
    assert RECORDING.versions.keys() == {framework for framework, _ in recorded}


@each_row
def test_the_table_has_the_defaults_of_the_constructor(row: Convention) -> None:
    constructor = RECORDING.defaults.get(row.framework, {}).get(row.optimizer, {})
    known = {name: value for name, value in constructor.items() if name in row.names}
    assert row.given(**known) == row
    if row.rule in ("rmsprop", "adam") and (row.framework, row.optimizer) not in UNRECORDED:
        assert {row.names[name] for name in known} & {"rho", "beta1 beta2", "beta1"}, "no decay has been compared"


def epsilon_matters(row: Convention) -> bool:
    """A sum that starts at 0.1 never comes down to where ε = 1e-7 beside it or under its root could be told."""
    return row.eps > 0 and (row.rule, row.initial) != ("adagrad", 0.1)


# A setting changed, and the rows where the change can make a difference of more than 1e-6.
OTHERWISE: dict[str, tuple[Callable[[Any], Any], Callable[[Convention], Any]]] = {
    "rho": (lambda rho: rho - 1e-3, lambda row: row.rule == "rmsprop"),
    "beta1": (lambda beta1: beta1 - 1e-3, lambda row: row.rule == "adam"),
    "beta2": (lambda beta2: beta2 - 1e-4, lambda row: row.rule == "adam"),
    "eps": (lambda eps: 3 * eps, epsilon_matters),
    "eps_at": (
        lambda at: "inside" if at == "outside" else "outside",
        lambda row: epsilon_matters(row) and row.rule != "adam",
    ),
    "eps_at in Adam": (
        lambda at: "uncorrected" if at == "outside" else "outside",
        lambda row: row.rule == "adam",
    ),
    "initial": (
        lambda initial: 1.0 - initial,
        lambda row: row.rule != "sgd" and (row.rule == "adam" or not row.bias_correction),
    ),
    "gamma": (lambda gamma: gamma - 1e-3, lambda row: row.gamma),
    "nesterov": (lambda nesterov: not nesterov, lambda row: row.gamma),
    "rate_inside": (lambda inside: not inside, lambda row: row.gamma),
    "centered": (lambda centered: not centered, lambda row: row.rule == "rmsprop"),
    "amsgrad": (lambda amsgrad: not amsgrad, lambda row: row.rule == "adam"),
    "bias_correction": (
        lambda correction: not correction,
        lambda row: row.rule == "adam" or (row.rule == "rmsprop" and not row.initial),
    ),
    "caution": (lambda caution: not caution, lambda row: row.gamma),
    "weight_decay": (lambda weight_decay: weight_decay + 1e-3, lambda row: True),
    "decoupled": (lambda decoupled: not decoupled, lambda row: row.weight_decay),
    "corrected_decay": (lambda corrected: not corrected, lambda row: row.weight_decay and row.decoupled),
}


@pytest.mark.parametrize("name", OTHERWISE)
def test_with_any_setting_changed_no_path_is_reproduced(name: str) -> None:
    attribute = name.split()[0]
    other, applies = OTHERWISE[name]
    traces = [trace for trace in RECORDING.traces if applies(trace.row)]
    assert len(traces) >= 4
    for trace in traces:
        changed = replace(trace.row, **{attribute: other(getattr(trace.row, attribute))})
        assert RECORDING.distance(trace, changed) > 1e-6, trace.row


def test_every_setting_is_put_to_that_test() -> None:
    apart = {"rule", "eta"}  # which rule it is cannot be a matter of settings, and the rates are given
    assert {name.split()[0] for name in OTHERWISE} | apart == TABLE[0].settings().keys()


def test_a_falling_rate_is_what_shows_whether_it_is_inside_the_buffer() -> None:
    row = convention("Keras 3", "RMSprop").given(momentum=0.9)
    outside = replace(row, rate_inside=False)
    g, start = RECORDING.gradients, RECORDING.start
    constant = np.full(len(g), 0.01)
    assert np.allclose(replay(row, g, constant, start), replay(outside, g, constant, start), rtol=0, atol=1e-12)
    apart = replay(row, g, RECORDING.rates, start) - replay(outside, g, RECORDING.rates, start)
    assert np.abs(apart).max() > 0.01


def test_no_argument_of_a_recorded_rmsprop_that_changes_the_rule_is_missing_from_its_row() -> None:
    missing = {
        row.framework: set(RECORDING.defaults[row.framework][row.optimizer]) - row.names.keys()
        for row in TABLE
        if row.rule == "rmsprop" and (row.framework, row.optimizer) not in UNRECORDED
    }
    assert missing == {
        "PyTorch": {"maximize", "capturable", "differentiable"},  # the sign of the loss, CUDA graphs, autograd
        "Keras 3": {"use_ema", "ema_momentum"},  # of the weights, beside the rule
        "Optax": set(),
        "TensorFlow 1": {"use_locking"},
        "timm": set(),
    }


def published(
    *,
    rho: float,
    eps: float,
    root: str,
    start: float = 0.0,
    gamma: float = 0.0,
    buffer_has_rate: bool = False,
    centered: bool = False,
    corrected: bool = False,
    masked: bool = False,
    coupled: float = 0.0,
    shrink: Callable[[float], float] = lambda rate: 1.0,
) -> np.ndarray:
    """RMSprop as the frameworks publish it, on the recorded gradients: two averages, coordinate by coordinate.

    Nothing of rmsprop_lib computes here. ``root`` says where ε is: "√v + ε" or "√(v + ε)".
    """
    theta = [float(x) for x in RECORDING.start]
    n = len(theta)
    squares, mean, buffer = [start] * n, [0.0] * n, [0.0] * n
    path = [list(theta)]
    for t, (gradient, rate) in enumerate(zip(RECORDING.gradients.tolist(), RECORDING.rates.tolist(), strict=True), 1):
        g = [gradient[i] + coupled * theta[i] for i in range(n)]
        move = [0.0] * n
        for i in range(n):
            squares[i] = rho * squares[i] + (1 - rho) * g[i] * g[i]
            mean[i] = rho * mean[i] + (1 - rho) * g[i]
            weights = 1 - rho**t if corrected else 1.0
            under = squares[i] / weights - (mean[i] / weights) ** 2 * centered
            divisor = max(under, 0.0) ** 0.5 + eps if root == "√v + ε" else (max(under, 0.0) + eps) ** 0.5
            if gamma > 0:
                buffer[i] = gamma * buffer[i] + (rate if buffer_has_rate else 1.0) * g[i] / divisor
                move[i] = buffer[i] if buffer_has_rate else rate * buffer[i]
            else:
                move[i] = rate * g[i] / divisor
        if masked and gamma > 0:
            share = max(sum(move[i] * g[i] > 0 for i in range(n)) / n, 0.001)
            move = [move[i] / share if move[i] * g[i] > 0 else 0.0 for i in range(n)]
        theta = [theta[i] * shrink(rate) - move[i] for i in range(n)]
        path.append(list(theta))
    return np.array(path)


OPTAX = dict(rho=0.9, eps=1e-8, root="√(v + ε)", buffer_has_rate=True)
TIMM = dict(rho=0.9, eps=1e-10, root="√(v + ε)", start=1.0, gamma=0.9, buffer_has_rate=True)
KERAS_2 = dict(rho=0.9, eps=1e-7, buffer_has_rate=True)
MXNET = dict(rho=0.9, eps=1e-8, root="√(v + ε)")
SB3 = dict(rho=0.99, eps=1e-8, root="√(v + ε)", start=1.0)
CORRECTED = {"bias_correction": True}
LARGEST = float(RECORDING.rates.max())


@pytest.mark.parametrize(
    ("framework", "optimizer", "arguments", "code"),
    [
        ("Optax", "rmsprop", CORRECTED, OPTAX | dict(corrected=True)),
        ("Optax", "rmsprop", CORRECTED | dict(momentum=0.9), OPTAX | dict(corrected=True, gamma=0.9)),
        ("Optax", "rmsprop", CORRECTED | dict(eps_in_sqrt=False), OPTAX | dict(corrected=True, root="√v + ε")),
        ("timm", "RMSpropTF", dict(momentum=0.9, caution=True), TIMM | dict(masked=True)),
        (
            "timm",
            "RMSpropTF",
            dict(momentum=0.9, caution=True, lr_in_momentum=False),
            TIMM | dict(masked=True, buffer_has_rate=False),
        ),
        ("timm", "RMSpropTF", dict(caution=True), TIMM | dict(masked=True, gamma=0.0)),
        (
            "timm",
            "RMSpropTF",
            dict(momentum=0.9, weight_decay=0.3, decoupled_decay=True, corrected_weight_decay=True),
            TIMM | dict(shrink=lambda rate: 1 - rate**2 / LARGEST * 0.3),
        ),
        (
            "timm",
            "RMSpropTF",
            dict(momentum=0.9, weight_decay=0.01, corrected_weight_decay=True),  # coupled: nothing to correct
            TIMM | dict(coupled=0.01),
        ),
        ("tf.keras 2", "RMSprop", {}, KERAS_2 | dict(root="√v + ε")),
        ("tf.keras 2", "RMSprop", dict(centered=True), KERAS_2 | dict(root="√v + ε", centered=True)),
        ("tf.keras 2", "RMSprop", dict(momentum=1e-12), KERAS_2 | dict(root="√(v + ε)", gamma=1e-12)),
        (
            "tf.keras 2",
            "RMSprop",
            dict(momentum=0.9, centered=True),
            KERAS_2 | dict(root="√(v + ε)", gamma=0.9, centered=True),
        ),
        ("Stable-Baselines3", "RMSpropTFLike", {}, SB3),
        (
            "Stable-Baselines3",
            "RMSpropTFLike",
            dict(momentum=0.9, centered=True, weight_decay=0.01),
            SB3 | dict(gamma=0.9, centered=True, coupled=0.01),
        ),
        ("MXNet 1", "RMSProp", dict(wd=0.01), MXNET | dict(coupled=0.01)),
        (
            "MXNet 1",
            "RMSProp(centered=True)",
            dict(gamma1=0.95, gamma2=0.8),
            MXNET | dict(rho=0.95, gamma=0.8, centered=True, buffer_has_rate=True),
        ),
        ("DQN (2015)", "RMSprop", {}, dict(rho=0.95, eps=0.01, root="√(v + ε)", centered=True)),
    ],
    # A function would bring its address into the name, which differs between workers.
    ids=lambda part: " ".join(map(str, part)) if isinstance(part, dict) else part,
)
def test_what_is_not_recorded_runs_as_the_published_code(
    framework: str, optimizer: str, arguments: dict[str, Any], code: dict[str, Any]
) -> None:
    row = convention(framework, optimizer).given(**arguments)
    path = replay(row, RECORDING.gradients, RECORDING.rates, RECORDING.start)
    expected = published(**code)
    moved = np.abs(expected - RECORDING.start).max(axis=0)
    assert np.max(np.abs(path - expected) / moved) < 1e-8


def test_corrected_and_centered_the_first_variance_is_zero_and_epsilon_alone_divides() -> None:
    row = convention("Optax", "rmsprop").given(bias_correction=True, centered=True)
    path = replay(row, np.array([[1.0], [3.0]]), [0.01, 0.01], [0.0])[:, 0]
    assert path[1] == pytest.approx(-0.01 / 1e-8**0.5)
    # Weights 0.9 and 1 of 1 and 3: their mean and variance by hand.
    mean = (0.9 * 1 + 3) / 1.9
    variance = (0.9 * (1 - mean) ** 2 + (3 - mean) ** 2) / 1.9
    assert path[2] - path[1] == pytest.approx(-0.01 * 3 / (variance + 1e-8) ** 0.5)


def test_corrected_rmsprop_with_epsilon_outside_is_adam_without_momentum() -> None:
    # As the documentation of optax.scale_by_rms says.
    corrected = convention("Optax", "rmsprop").given(decay=0.999, eps_in_sqrt=False, bias_correction=True)
    adam = convention("Optax", "adam").given(b1=0.0)
    ours, theirs = (replay(row, RECORDING.gradients, RECORDING.rates, RECORDING.start) for row in (corrected, adam))
    assert np.allclose(ours, theirs, rtol=1e-12, atol=0)


def test_in_tf_keras_2_momentum_decides_where_epsilon_stands() -> None:
    row = convention("tf.keras 2", "RMSprop")
    assert not row.eps_inside and row.settings()["eps_at"] == "outside"
    turned = row.given(momentum=1e-12)
    assert turned.eps_inside and turned.settings()["eps_at"] == "inside"
    assert convention("Keras 3", "RMSprop").eps_inside and not convention("PyTorch", "RMSprop").eps_inside


def test_epsilon_inside_is_the_rule_under_one_root() -> None:
    g, v, rho, eps = np.array([-1.3, 2e-4]), np.array([0.2, 1e-9]), 0.9, 0.01
    d, after = rules.rmsprop(g, v, rho, eps, eps_inside=True)
    assert np.allclose(after, rho * v + (1 - rho) * g**2, rtol=1e-14)
    assert np.allclose(d, g / np.sqrt(after + eps), rtol=1e-14)
    d, after = rules.adagrad(g, v, eps, eps_inside=True)
    assert np.allclose(d, g / np.sqrt(v + g**2 + eps), rtol=1e-14)


def test_a_function_may_be_given_instead_of_a_list_of_gradients() -> None:
    row, rates, start = convention("PyTorch", "RMSprop").given(momentum=0.9), np.full(20, 0.1), np.array([3.0, -1.0])
    path = replay(row, lambda theta: 2 * theta, rates, start)
    assert path.shape == (21, 2) and np.array_equal(path[0], start)
    assert np.array_equal(replay(row, 2 * path[:-1], rates, start), path)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: convention("Torch", "Adam"), r"framework='Torch' is not in the table; it has: PyTorch, Keras 3"),
        (lambda: convention("Optax", "lion"), r"optimizer='lion' .* for Optax it has: rmsprop, adagrad, adam"),
        (lambda: convention("PyTorch", "SGD").given(rho=0.9), r"rho=0.9 .* for PyTorch's SGD; it has: lr"),
        (lambda: convention("PyTorch", "RMSprop").given(alpha=1.0), r"rho=1.0 is not allowed; it must be in \[0, 1\)"),
        (lambda: convention("Keras 3", "Adam").given(epsilon=-1.0), r"eps=-1.0 is not allowed"),
        (lambda: replace(TABLE[0], eps_at="above"), r"eps_at='above' is not allowed; it must be one of \('outside'"),
        (lambda: replace(TABLE[0], eps_at="uncorrected"), r"eps_at='uncorrected' .* only Adam's v is corrected"),
        (
            lambda: replace(convention("Optax", "adam"), eps_at="by momentum"),
            r"'by momentum' is not allowed with .*adam",
        ),
        (
            lambda: convention("Optax", "rmsprop").given(bias_correction=True, initial_scale=1.0),
            r"initial=1.0 is not allowed with bias_correction=True; it must be 0",
        ),
        (
            lambda: replace(convention("PyTorch", "SGD"), bias_correction=True),
            r"bias_correction=True is not allowed with rule='sgd', which has no average",
        ),
        (lambda: replace(TABLE[0], rho=None), r"rho=None is not allowed with rule='rmsprop'"),
        (lambda: replace(TABLE[0], rule="lion"), r"rule='lion' is not allowed; it must be one of \('sgd'"),
        (lambda: replace(convention("Optax", "adam"), eps_at="inside"), r"eps_at='inside' is not allowed"),
        (lambda: replay(TABLE[0], np.ones((3, 2)), [0.1] * 4, [0.0, 0.0]), r"gradients has shape \(3, 2\), .*\(4, 2\)"),
        (lambda: replay(TABLE[0], np.ones((1, 1)), [np.nan], [0.0]), r"rates=\[nan\] is not allowed"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(wrong: Callable[[], Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        wrong()


def test_none_is_how_optax_and_keras_say_that_there_is_none() -> None:
    assert convention("Optax", "rmsprop").given(momentum=None) == convention("Optax", "rmsprop")
    assert convention("Keras 3", "RMSprop").given(weight_decay=None) == convention("Keras 3", "RMSprop")
    with pytest.raises(TypeError, match="gamma=None is a NoneType"):
        replace(TABLE[0], gamma=None)


def test_a_row_cannot_be_changed_by_accident() -> None:
    with pytest.raises(FrozenInstanceError):
        TABLE[0].eps = 1.0  # type: ignore[misc]


class TestTheRecorder:
    """tools/measure/record_traces.py, as far as it goes without the frameworks."""

    @pytest.fixture
    def stored(self) -> dict[str, Any]:
        return json.loads(TRACES_FILE.read_text(encoding="utf-8"))

    def test_the_stored_runs_are_those_that_it_makes_from_the_inputs_that_it_makes(self, stored: Any) -> None:
        runs = [
            (f, name, run) for f, names in record_traces.RUNS.items() for name, all_ in names.items() for run in all_
        ]
        assert [(t["framework"], t["optimizer"], t["arguments"]) for t in stored["traces"]] == runs
        assert stored["gradients"] == record_traces.GRADIENTS.tolist()
        assert stored["rates"] == record_traces.RATES.tolist() and stored["start"] == record_traces.START.tolist()

    def test_the_file_is_small_and_stored_as_it_writes_it(self, stored: Any) -> None:
        assert TRACES_FILE.stat().st_size < 300_000
        assert TRACES_FILE.read_text(encoding="utf-8") == record_traces.text_of(stored)

    def test_it_finds_nothing_between_equal_recordings(self, stored: Any) -> None:
        assert record_traces.differences(stored, stored) == []

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (lambda r: r["traces"][0]["theta"][-1].__setitem__(0, 7.0), r"PyTorch RMSprop \{\} goes elsewhere"),
            (lambda r: r["traces"][0]["theta"][-1].__setitem__(0, float("nan")), r"goes elsewhere"),
            (lambda r: r["traces"][0]["state"].pop("square_avg"), r"RMSprop \{\} keeps \[\], and not \['square_avg'\]"),
            (lambda r: r["traces"][0]["state"]["square_avg"].__setitem__(0, 7.0), r"keeps other numbers in the middle"),
            (lambda r: r["traces"].pop(), r"timm RMSpropTF .* is in one recording only"),
            (lambda r: r["defaults"]["Keras 3"]["Adam"].update(epsilon=1e-8), r"Adam: epsilon was 1e-07 .* is 1e-08"),
            (lambda r: r["defaults"]["Optax"]["sgd"].clear(), r"sgd: nesterov was False by default and is gone"),
            (lambda r: r["rates"].append(0.1), r"rates: not the same"),
        ],
    )
    def test_it_finds_what_has_changed(self, stored: Any, change: Callable[[Any], Any], said: str) -> None:
        recorded = json.loads(json.dumps(stored))
        change(recorded)
        (found,) = record_traces.differences(stored, recorded)
        assert re.search(said, found)


def test_it_loads_from_any_path(tmp_path: Path) -> None:
    copy = tmp_path / "copy.json"
    copy.write_bytes(TRACES_FILE.read_bytes())
    assert isinstance(recording(copy), Recording)
