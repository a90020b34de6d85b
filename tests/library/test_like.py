"""Every convention as an optimizer: the frameworks' recorded runs followed by ours, and taken over in the middle."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from rmsprop_lib import numpy_optim, torch_optim
from rmsprop_lib.conventions import TABLE, Convention, Trace, convention, recording, replay

RECORDING = recording()
CLASSES = {
    "sgd": (numpy_optim.SGD, torch_optim.SGD),
    "adagrad": (numpy_optim.AdaGrad, torch_optim.AdaGrad),
    "rmsprop": (numpy_optim.RMSprop, torch_optim.RMSprop),
    "adam": (numpy_optim.Adam, torch_optim.Adam),
}
each_trace = pytest.mark.parametrize(
    "trace", RECORDING.traces, ids=lambda t: f"{t.row.framework} {t.row.optimizer} {t.arguments or ''}"
)
# Twelve digits of how far a coordinate has moved, of which rounding takes one or two.
EXACT = 1e-10


def named(row: Convention) -> dict[str, Any]:
    """The rate under the framework's name, the largest of the recorded ones, from which the schedule falls."""
    (name,) = (name for name, attribute in row.names.items() if attribute == "eta")
    return {name: float(RECORDING.rates[0])}


class InNumpy:
    """A run of a NumPy optimizer on the recorded gradients."""

    def __init__(self, row: Convention, start: np.ndarray, **arguments: Any) -> None:
        cls = CLASSES[row.rule][0]
        self.optimizer = cls.like(row.framework, optimizer=row.optimizer, **named(row), **arguments)
        self.theta = {"w": start.copy()}

    def step(self, g: np.ndarray, rate: float) -> None:
        self.optimizer.learning_rate = rate
        self.theta = self.optimizer.update(self.theta, {"w": g})

    def reached(self) -> np.ndarray:
        return self.theta["w"]

    def load(self, row: Convention, state: dict[str, Any]) -> None:
        self.optimizer.load_framework_state(row.framework, {"w": state}, optimizer=row.optimizer)

    def state(self, row: Convention) -> dict[str, Any]:
        return self.optimizer.framework_state(row.framework, optimizer=row.optimizer)["w"]


class InTorch:
    """The same with a Torch optimizer."""

    fused: bool | None = None

    def __init__(self, row: Convention, start: np.ndarray, **arguments: Any) -> None:
        cls: Any = CLASSES[row.rule][1]
        self.theta = torch.tensor(start, requires_grad=True)
        more = {**named(row), **arguments, "fused": self.fused}
        self.optimizer = cls.like(row.framework, [self.theta], optimizer=row.optimizer, **more)

    def step(self, g: np.ndarray, rate: float) -> None:
        self.optimizer.param_groups[0]["lr"] = rate
        self.theta.grad = torch.tensor(g)
        self.optimizer.step()

    def reached(self) -> np.ndarray:
        return self.theta.detach().numpy().copy()

    def load(self, row: Convention, state: dict[str, Any]) -> None:
        self.optimizer.load_framework_state(row.framework, [state], optimizer=row.optimizer)

    def state(self, row: Convention) -> dict[str, Any]:
        return self.optimizer.framework_state(row.framework, optimizer=row.optimizer)[0]


class InTorchFused(InTorch):
    fused = True


Run = type[InNumpy] | type[InTorch]
each_run = pytest.mark.parametrize("run", [InNumpy, InTorch])


def follow(run: Any, first: int, last: int, coordinates: slice = slice(None)) -> list[np.ndarray]:
    path = []
    for g, rate in zip(RECORDING.gradients[first:last, coordinates], RECORDING.rates[first:last], strict=True):
        run.step(g, float(rate))
        path.append(run.reached())
    return path


def apart(path: list[np.ndarray], expected: np.ndarray) -> float:
    """The largest distance, relative to how far each coordinate has moved in all."""
    return float(np.max(np.abs(np.array(path) - expected) / np.abs(expected - RECORDING.start).max(axis=0)))


@each_run
@each_trace
def test_each_recorded_run_is_followed(trace: Trace, run: Run) -> None:
    path = follow(run(trace.row, RECORDING.start, **trace.arguments), 0, len(RECORDING.rates))
    assert apart(path[RECORDING.every - 1 :: RECORDING.every], trace.theta) < EXACT


# What is compiled differs in the rule and its switches; tests/library/fused_methods.py has one of each. Here, for each
# framework, is the run in which the most is on.
MOST = {t.row.framework: t for t in RECORDING.traces if t.row.rule == "rmsprop" and "caution" not in t.arguments}


@pytest.mark.parametrize("framework", MOST)
def test_fused_as_well(framework: str) -> None:
    trace = MOST[framework]
    path = follow(InTorchFused(trace.row, RECORDING.start, **trace.arguments), 0, len(RECORDING.rates))
    assert apart(path[RECORDING.every - 1 :: RECORDING.every], trace.theta) < EXACT


@pytest.mark.parametrize("run", [InNumpy, InTorch])
@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.framework} {row.optimizer}")
def test_every_row_of_the_table_is_an_optimizer(row: Convention, run: Run) -> None:
    g, rates, start = RECORDING.gradients[:60, :5], RECORDING.rates[:60], RECORDING.start[:5]  # none of them is ever 0
    expected = replay(row, g, rates, start)[1:]
    path = follow(run(row, start), 0, 60, slice(5))
    assert np.max(np.abs(path - expected) / np.abs(expected - start).max(axis=0)) < EXACT


def in_the_middle(trace: Trace) -> tuple[dict[str, Any], np.ndarray, np.ndarray]:
    """The framework's state and parameters in the middle of a recorded run, and where it went from there."""
    reached = RECORDING.middle // RECORDING.every
    state = {**trace.state, "step": RECORDING.middle}
    return state, trace.theta[reached - 1], trace.theta[reached:]


@each_run
@each_trace
def test_a_recorded_run_is_taken_over_in_its_middle(trace: Trace, run: Run) -> None:
    state, theta, rest = in_the_middle(trace)
    ours = run(trace.row, theta, **trace.arguments)
    if trace.row.keeps or trace.row.rule != "sgd":
        ours.load(trace.row, state)
    path = follow(ours, RECORDING.middle, len(RECORDING.rates))
    assert apart(path[RECORDING.every - 1 :: RECORDING.every], rest) < EXACT


@each_run
@each_trace
def test_and_handed_back_there(trace: Trace, run: Run) -> None:
    state, _, _ = in_the_middle(trace)
    ours = run(trace.row, RECORDING.start, **trace.arguments)
    follow(ours, 0, RECORDING.middle)
    handed = ours.state(trace.row)
    used = {name for name, what in trace.row.slots.items() if what.removeprefix("-") in trace.row.keeps}
    assert set(handed) - {"step"} == used
    for name in used:
        scale = np.maximum(np.abs(state[name]), np.abs(state[name]).max() * 1e-6)
        assert np.max(np.abs(handed[name] - state[name]) / scale) < EXACT, name


def test_without_the_state_no_run_would_go_on_the_same() -> None:
    for trace in RECORDING.traces:
        if not trace.row.keeps:
            continue
        _, theta, rest = in_the_middle(trace)
        path = follow(InNumpy(trace.row, theta, **trace.arguments), RECORDING.middle, len(RECORDING.rates))
        assert apart(path[RECORDING.every - 1 :: RECORDING.every], rest) > 1e-6, trace.row


class TestOptionsOfAGroup:
    def test_they_have_the_frameworks_names(self) -> None:
        a, b = (torch.zeros(2, requires_grad=True) for _ in "ab")
        groups = [{"params": [a], "learning_rate": 0.5, "fused": True}, {"params": [b], "rho": 0.5}]
        optimizer = torch_optim.RMSprop.like("Keras 3", groups, learning_rate=0.1)
        first, second = optimizer.param_groups
        assert (first["lr"], first["alpha"], first["fused"]) == (0.5, 0.9, True)
        assert (second["lr"], second["alpha"], "fused" in second) == (0.1, 0.5, False)

    def test_in_tf_keras_2_each_group_s_momentum_decides_where_its_epsilon_stands(self) -> None:
        a, b = (torch.zeros(2, requires_grad=True) for _ in "ab")
        groups = [{"params": [a]}, {"params": [b], "momentum": 0.9}]
        first, second = torch_optim.RMSprop.like("tf.keras 2", groups).param_groups
        assert not first.get("eps_inside", False) and second["eps_inside"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda w: torch_optim.RMSprop.like("Chainer", [w]), r"framework='Chainer' is not in the table for rmsprop"),
        (lambda w: torch_optim.RMSprop.like("Keras 3", [w], alpha=0.9), r"alpha=0.9 is not in the table for Keras 3's"),
        (lambda w: torch_optim.RMSprop.like("Optax", [w]), r"no learning rate by default; learning_rate must be given"),
        (lambda w: torch_optim.SGD.like("Optax", [w], optimizer="adam"), r"follows the rule adam, not sgd"),
        (lambda w: torch_optim.Adam.like("Keras 3", [w], beta_2=1.0), r"beta2=1.0 is not allowed"),
        (lambda w: numpy_optim.RMSprop.like("Keras 3", rho=2), r"rho=2 is not allowed; it must be in \[0, 1\)"),
    ],
)
def test_what_a_framework_does_not_have_is_refused(wrong: Callable[[Any], Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        wrong(torch.zeros(2, requires_grad=True))


class TestStatesThatDoNotFit:
    @pytest.fixture
    def optimizer(self) -> torch_optim.RMSprop:
        w = torch.zeros(2, requires_grad=True)
        return torch_optim.RMSprop.like("Keras 3", [w], momentum=0.9)

    @pytest.mark.parametrize(
        ("states", "said"),
        [
            ([], r"states has 0 entries; it must have one for each of 1 parameters"),
            ([{"velocity": np.ones(2), "momentum": np.ones(2)}], r"states\[0\] lacks 'step'"),
            (
                [{"velocity": np.ones(2), "step": 3}],
                r"states\[0\]: the state lacks \['momentum'\]; Keras 3's RMSprop has",
            ),
            (
                [{"velocity": np.ones(3), "momentum": np.ones(2), "step": 3}],
                r"squares has shape \(3,\), the parameter \(2",
            ),
            ([{"velocity": np.ones(2), "momentum": np.ones(2), "step": 0}], r"step=0 is not allowed"),
        ],
    )
    def test_they_are_refused_and_nothing_has_changed(self, optimizer: Any, states: Any, said: str) -> None:
        before = copy.deepcopy(optimizer.state_dict())
        with pytest.raises(ValueError, match=said):
            optimizer.load_framework_state("Keras 3", states)
        assert optimizer.state_dict() == before

    def test_a_buffer_of_steps_is_none_of_directions(self) -> None:
        optimizer = torch_optim.RMSprop([torch.zeros(2, requires_grad=True)], momentum=0.9)
        state = {"velocity": np.ones(2), "momentum": np.ones(2), "step": 3}
        with pytest.raises(ValueError, match=r"holds steps, and this one's directions: make it with like\('Keras 3'"):
            optimizer.load_framework_state("Keras 3", [state])

    def test_a_paper_has_no_state(self) -> None:
        optimizer = numpy_optim.RMSprop.like("DQN (2015)")
        with pytest.raises(ValueError, match="has no state in the table for squares, mean"):
            optimizer.load_framework_state("DQN (2015)", {"w": {"step": 1}})


def test_a_row_with_something_that_an_optimizer_does_not_have_is_refused() -> None:
    from rmsprop_lib.conventions.options import options_like

    row = replace(convention("PyTorch", "SGD"), caution=True)
    with pytest.raises(ValueError, match="caution=True of PyTorch's SGD has no counterpart here"):
        options_like(row, torch_optim.SGD._in_the_book)
