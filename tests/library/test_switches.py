"""Options switched in the middle of a run: what can be carried over is, and what cannot is refused, nothing changed."""

import copy
from typing import Any

import numpy as np
import pytest
import torch

from rmsprop_lib import numpy_optim, torch_optim
from rmsprop_lib.averages import averages, kept

RNG = np.random.default_rng(3)
GRADIENTS = 0.4 + RNG.normal(size=(40, 5))
HALF = 20


class Numpy:
    """A NumPy optimizer over one array, its options as attributes."""

    def __init__(self, **options: Any) -> None:
        self.optimizer = numpy_optim.RMSprop(0.01, epsilon=0.05, **options)
        self.theta = {"w": np.zeros(5)}

    def run(self, gradients: np.ndarray) -> np.ndarray:
        """How far each coordinate goes."""
        before = self.theta["w"]
        for g in gradients:
            self.theta = self.optimizer.update(self.theta, {"w": g})
        return self.theta["w"] - before

    def switch(self, **options: Any) -> None:
        for name, value in options.items():
            setattr(self.optimizer, "learning_rate" if name == "lr" else name, value)


class Torch:
    """A Torch optimizer over one tensor, its options in its group."""

    fused: bool | None = None

    def __init__(self, **options: Any) -> None:
        self.w = torch.zeros(5, dtype=torch.float64, requires_grad=True)
        self.optimizer = torch_optim.RMSprop([self.w], lr=0.01, alpha=0.9, eps=0.05, fused=self.fused, **options)

    def run(self, gradients: np.ndarray) -> np.ndarray:
        before = self.w.detach().clone()
        for g in gradients:
            self.w.grad = torch.tensor(g)
            self.optimizer.step()
        return (self.w.detach() - before).numpy()

    def switch(self, **options: Any) -> None:
        self.optimizer.param_groups[0].update(options)


class Fused(Torch):
    fused = True


each_run = pytest.mark.parametrize("make", [Numpy, Torch, Fused])


@each_run
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (dict(centered=True), dict(centered=False)),
        (dict(centered=True, bias_correction=True), dict(centered=False)),
        (dict(centered=True, momentum=0.9), dict(centered=False)),
        (dict(), dict(bias_correction=True)),
        (dict(bias_correction=True), dict(bias_correction=False)),
        (dict(centered=True), dict(bias_correction=True)),
        (dict(centered=True, bias_correction=True), dict(bias_correction=False)),
        (dict(momentum=0.9), dict(rate_inside=True)),
        (dict(momentum=0.9, rate_inside=True), dict(rate_inside=False)),
    ],
    ids=str,
)
def test_the_averages_and_the_buffer_are_carried_over(make: Any, before: Any, after: Any) -> None:
    # The average of gradients cannot change what is not centered, so that a run that had the options of afterwards all
    # along has the same averages in the middle. The buffer has not, where directions differ; it is given time to fade.
    switched, all_along = make(**before), make(**{**before, **after})
    switched.run(GRADIENTS[:HALF])
    all_along.run(GRADIENTS[:HALF])
    switched.switch(**after)
    if before.get("momentum") and "centered" in after:
        for run in (switched, all_along):
            run.run(np.concatenate([GRADIENTS] * 6))
    np.testing.assert_allclose(switched.run(GRADIENTS[HALF:]), all_along.run(GRADIENTS[HALF:]), rtol=1e-9)


@pytest.mark.parametrize("make", [Torch, Fused])
def test_a_switched_state_has_the_keys_of_its_form_and_no_others(make: Any) -> None:
    run = make(centered=True, momentum=0.9)
    run.run(GRADIENTS[:3])
    assert set(run.optimizer.state[run.w]) == {"step", "variance", "grad_avg", "momentum_buffer"}
    run.switch(centered=False, bias_correction=True, rate_inside=True)
    run.run(GRADIENTS[3:4])
    assert set(run.optimizer.state[run.w]) == {"step", "corrected_square_avg", "step_buffer"}


def test_the_buffer_of_sgd_is_carried_over_too() -> None:
    w, numpy_w = torch.zeros(5, dtype=torch.float64, requires_grad=True), {"w": np.zeros(5)}
    optimizer = torch_optim.SGD([w], lr=0.01, momentum=0.9)
    in_numpy = numpy_optim.SGD(0.01, momentum=0.9)
    plain = torch.zeros(5, dtype=torch.float64, requires_grad=True)
    theirs = torch.optim.SGD([plain], lr=0.01, momentum=0.9)
    for t, g in enumerate(GRADIENTS):
        inside = 10 <= t < 25
        optimizer.param_groups[0]["rate_inside"] = in_numpy.rate_inside = inside
        w.grad, plain.grad = torch.tensor(g), torch.tensor(g)
        optimizer.step()
        theirs.step()
        numpy_w = in_numpy.update(numpy_w, {"w": g})
    torch.testing.assert_close(w, plain, rtol=1e-12, atol=0)
    np.testing.assert_allclose(numpy_w["w"], plain.detach().numpy(), rtol=1e-12)


@each_run
@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (dict(), dict(centered=True), "centered=True cannot be switched on .* average of gradients until then"),
        (
            dict(initial_square=1.0),
            dict(bias_correction=True),
            "bias_correction=True cannot be switched on after .*initial_square=1.0",
        ),
        (
            dict(momentum=0.9, rate_inside=True),
            dict(lr=0.0, rate_inside=False),
            "rate_inside=False cannot be switched on at .*=0: directions are steps divided by the rate",
        ),
    ],
    ids=str,
)
def test_what_cannot_be_carried_over_is_refused_and_nothing_has_changed(
    make: Any, before: Any, after: Any, said: str
) -> None:
    run = make(**before)
    run.run(GRADIENTS[:3])
    optimizer = run.optimizer
    state = copy.deepcopy(optimizer.state)
    with pytest.raises((ValueError, RuntimeError), match=said):
        run.switch(**after)
        run.run(GRADIENTS[3:4])
    if isinstance(run, Torch):
        for (_, old), (_, now) in zip(state.items(), optimizer.state.items(), strict=True):
            assert old.keys() == now.keys() and all(torch.equal(old[k], now[k]) for k in old)
    else:
        assert getattr(optimizer, next(reversed(after))) != after[next(reversed(after))]
        np.testing.assert_equal(optimizer.state, state)


@pytest.mark.parametrize("centered", [False, True])
def test_averages_go_there_and_back(centered: bool) -> None:
    square, mean = np.array([20.0, 50.0, 3.0]), np.array([1.0, -2.0, 0.1])
    there = kept(square, mean, 0.19, centered=centered)
    back = averages(there, 0.19, centered=centered)
    np.testing.assert_allclose(back[0], square, rtol=1e-14)
    assert back[1] is None if not centered else np.allclose(back[1], mean, rtol=1e-14)


def test_a_variance_that_rounding_made_negative_is_zero() -> None:
    assert kept(1.0, 1.0 + 1e-16 + 1e-15, 1.0, centered=True)[0] == 0.0
    with pytest.raises(ValueError, match="mean=None is not allowed with centered=True"):
        kept(1.0, None, 1.0, centered=True)


class TestWhatIsNotAllowedTogether:
    @pytest.mark.parametrize(
        ("options", "said"),
        [
            (dict(weight_decay_by="η"), r"weight_decay_by='η' is not allowed; it must be one of \('rate', 'schedule'"),
            (dict(weight_decay_by="both"), "weight_decay_by='both' needs decoupled_weight_decay=True"),
            (
                dict(weight_decay_by="both", decoupled_weight_decay=True, lr=0.0),
                "weight_decay_by='both' needs the peak of the rate",
            ),
            (dict(bias_correction=True, initial_square=1.0), "initial_square=1.0 is not allowed with bias_correction"),
            (dict(initial_square=-1.0), "initial_square"),
        ],
        ids=str,
    )
    def test_in_rmsprop(self, options: dict[str, Any], said: str) -> None:
        with pytest.raises(ValueError, match=said):
            torch_optim.RMSprop([torch.zeros(2, requires_grad=True)], **options)
        names = {("learning_rate" if name == "lr" else name): value for name, value in options.items()}
        with pytest.raises(ValueError, match=said):
            numpy_optim.RMSprop(**names)

    def test_dampening_and_a_rate_inside(self) -> None:
        with pytest.raises(ValueError, match=r"rate_inside=True needs dampening=0; dampening=0\.1"):
            torch_optim.SGD([torch.zeros(2, requires_grad=True)], momentum=0.9, dampening=0.1, rate_inside=True)

    def test_sparse_gradients_and_weight_decay(self) -> None:
        w = torch.zeros(3, requires_grad=True)
        optimizer = torch_optim.AdaGrad([w], weight_decay=0.1, decoupled_weight_decay=True)
        w.grad = torch.sparse_coo_tensor([[1]], [1.0], (3,), check_invariants=True)
        with pytest.raises(RuntimeError, match="weight_decay option is not compatible with sparse gradients"):
            optimizer.step()


@pytest.mark.parametrize("by", ["rate", "schedule", "both"])
def test_what_a_decoupled_decay_is_multiplied_by(by: str) -> None:
    """With a gradient of zero the parameter shrinks and does nothing else."""
    factor = {"rate": 0.1 * 0.3, "schedule": 0.3 * 0.1 / 0.4, "both": 0.1 * 0.3 * 0.1 / 0.4}[by]
    w = torch.ones(2, dtype=torch.float64, requires_grad=True)
    for cls in (torch_optim.SGD, torch_optim.AdaGrad, torch_optim.RMSprop, torch_optim.Adam):
        w.data.fill_(1.0)
        optimizer = cls([w], lr=0.4, weight_decay=0.3, decoupled_weight_decay=True, weight_decay_by=by)
        optimizer.param_groups[0]["lr"] = 0.1
        w.grad = torch.zeros(2, dtype=torch.float64)
        optimizer.step()
        np.testing.assert_allclose(w.detach().numpy(), 1 - factor, rtol=1e-14)
    for make in (numpy_optim.SGD, numpy_optim.AdaGrad, numpy_optim.RMSprop, numpy_optim.Adam):
        in_numpy: Any = make(0.4, weight_decay=0.3, decoupled_weight_decay=True, weight_decay_by=by)
        in_numpy.learning_rate = 0.1
        after = in_numpy.update({"w": np.ones(2)}, {"w": np.zeros(2)})
        np.testing.assert_allclose(after["w"], 1 - factor, rtol=1e-14)


def test_a_schedule_that_is_saved_and_loaded_remembers_its_peak() -> None:
    w = torch.ones(2, requires_grad=True)
    options: dict[str, Any] = dict(weight_decay=0.3, decoupled_weight_decay=True, weight_decay_by="both")
    optimizer = torch_optim.RMSprop([w], lr=0.4, **options)
    optimizer.param_groups[0]["lr"] = 0.1
    other = torch_optim.RMSprop([torch.ones(2, requires_grad=True)], lr=0.1, **options)
    other.load_state_dict(optimizer.state_dict())
    assert (other.param_groups[0]["lr"], other.param_groups[0]["peak_lr"]) == (0.1, 0.4)


@pytest.mark.parametrize("fused", [None, True])
def test_corrected_rmsprop_is_adam_without_its_first_average_at_half_its_memory(fused: bool | None) -> None:
    a, b = (torch.zeros(5, dtype=torch.float64, requires_grad=True) for _ in "ab")
    ours = torch_optim.RMSprop([a], lr=0.01, alpha=0.99, bias_correction=True, fused=fused)
    adam = torch.optim.Adam([b], lr=0.01, betas=(0.0, 0.99))
    for g in GRADIENTS:
        a.grad, b.grad = torch.tensor(g), torch.tensor(g)
        ours.step()
        adam.step()
    torch.testing.assert_close(a, b, rtol=1e-12, atol=0)
    state, other = ours.state[a], adam.state[b]
    assert set(state) == {"step", "corrected_square_avg"} and set(other) == {"step", "exp_avg", "exp_avg_sq"}
