"""The Torch optimizers against torch.optim: same results, same interface, and a clear refusal of the rest."""

import copy
import inspect
import io
import itertools
import pickle
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor

from rmsprop_lib import torch_optim

STEPS = 300
CLASSES = [
    (torch_optim.SGD, torch.optim.SGD),
    (torch_optim.AdaGrad, torch.optim.Adagrad),
    (torch_optim.RMSprop, torch.optim.RMSprop),
    (torch_optim.Adam, torch.optim.Adam),
]
THEIRS = dict(CLASSES)
each_class = pytest.mark.parametrize("cls", THEIRS, ids=lambda c: c.__name__)

Make = Callable[[list[Any]], torch.optim.Optimizer]


def fresh_parameters(dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """A matrix that is not contiguous, and a scalar."""
    generator = torch.Generator().manual_seed(1)
    tensors = [torch.randn(shape, generator=generator, dtype=dtype) for shape in ((3, 4), ())]
    return [tensor.mT.requires_grad_() if tensor.ndim == 2 else tensor.requires_grad_() for tensor in tensors]


@cache
def noise(shape: torch.Size, dtype: torch.dtype, steps: int, seed: int) -> Tensor:
    return torch.randn((steps, *shape), generator=torch.Generator().manual_seed(seed), dtype=dtype)


def gradients(params: list[Tensor], steps: int, seed: int = 2) -> Iterator[list[Tensor]]:
    """Noise, so that no moving variance comes near zero, around 1, so that the parameters go somewhere."""
    noises = [noise(p.shape, p.dtype, steps, seed) for p in params]
    for t in range(steps):
        yield [1 + n[t] for n in noises]


def drive(optimizer: torch.optim.Optimizer, params: list[Tensor], steps: int = STEPS, seed: int = 2) -> list[Tensor]:
    """Take ``steps`` steps; returns the parameters."""
    for grads in gradients(params, steps, seed):
        for p, g in zip(params, grads, strict=True):
            p.grad = g
        optimizer.step()
    return params


def assert_same(ours: list[Tensor], theirs: list[Tensor], rtol: float = 1e-12) -> None:
    for a, b in zip(ours, theirs, strict=True):
        assert torch.isfinite(torch.view_as_real(b) if b.is_complex() else b).all()
        torch.testing.assert_close(a.detach(), b.detach(), rtol=rtol, atol=rtol)


def assert_same_state(a: dict[str, Tensor], b: dict[str, Tensor]) -> None:
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a)


def assert_agree(ours: Make, theirs: Make, dtype: torch.dtype = torch.float64, rtol: float = 1e-12) -> None:
    """Both optimizers lead to the same parameters, and leave them somewhere else than where they began."""
    a, b = fresh_parameters(dtype), fresh_parameters(dtype)
    assert_same(drive(ours(a), a), drive(theirs(b), b), rtol)
    assert all((x != y).any() for x, y in zip(a, fresh_parameters(dtype), strict=True))


def assert_agrees_with_torch(cls: Any, rtol: float = 1e-12, **option: Any) -> None:
    """One of our classes and its torch.optim counterpart, with the same options."""
    assert_agree(lambda ps: cls(ps, **option), lambda ps: THEIRS[cls](ps, foreach=False, **option), rtol=rtol)


def options(**choices: tuple[Any, ...]) -> list[Any]:
    """Every combination of the choices, as test parameters with names."""
    combinations = [dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())]
    return [pytest.param(c, id=" ".join(f"{k}={v}" for k, v in c.items() if v) or "defaults") for c in combinations]


class TestSameResultsAsTorchOptim:
    @pytest.mark.parametrize(
        "option",
        options(momentum=(0, 0.9), dampening=(0, 0.3), weight_decay=(0, 0.1))
        + options(momentum=(0.9,), nesterov=(True,), weight_decay=(0, 0.1))
        + options(momentum=(0, 0.9), weight_decay=(0, 0.1), maximize=(True,)),
    )
    def test_sgd(self, option):
        assert_agrees_with_torch(torch_optim.SGD, lr=0.01, **option)

    @pytest.mark.parametrize(
        "option",
        options(
            lr_decay=(0, 0.05),
            initial_accumulator_value=(0, 0.5),
            eps=(1e-10, 0.3),
            weight_decay=(0, 0.1),
        )
        + options(weight_decay=(0, 0.1), maximize=(True,)),
    )
    def test_adagrad(self, option):
        assert_agrees_with_torch(torch_optim.AdaGrad, lr=0.1, **option)

    @pytest.mark.parametrize(
        "option",
        options(
            momentum=(0, 0.9),
            centered=(False, True),
            eps=(1e-8, 0.3),
            weight_decay=(0, 0.1),
        )
        + options(weight_decay=(0, 0.1), maximize=(True,))
        + options(alpha=(0, 0.5, 0.9), momentum=(0, 0.9)),
    )
    def test_rmsprop(self, option):
        # torch.optim's difference of two averages loses digits at its first steps, where they are nearly equal.
        rtol = 1e-11 if option.get("centered") else 1e-12
        assert_agrees_with_torch(torch_optim.RMSprop, rtol, **option)

    @pytest.mark.parametrize(
        "option",
        options(
            betas=((0.9, 0.999), (0.0, 0.9), (0.5, 0.1), (0.99, 0.5)),
            eps=(1e-8, 0.3),
            weight_decay=(0, 0.1),
        )
        + options(betas=((0.9, 0.9), (0.5, 0.1)), amsgrad=(True,), weight_decay=(0, 0.1), maximize=(False, True))
        + options(weight_decay=(0, 0.1), decoupled_weight_decay=(True,), amsgrad=(False, True), maximize=(False, True))
        + options(weight_decay=(0, 0.1), maximize=(True,)),
    )
    def test_adam(self, option):
        assert_agrees_with_torch(torch_optim.Adam, lr=0.01, **option)

    def test_adamw(self):
        assert_agree(
            lambda ps: torch_optim.Adam(ps, weight_decay=0.1, decoupled_weight_decay=True),
            lambda ps: torch.optim.AdamW(ps, weight_decay=0.1, foreach=False),
        )

    @each_class
    def test_with_the_defaults(self, cls):
        assert_agree(cls, THEIRS[cls])

    @each_class
    def test_with_the_rate_as_a_tensor(self, cls):
        lr = torch.tensor(0.02, dtype=torch.float64)
        assert_agree(lambda ps: cls(ps, lr=lr), lambda ps: THEIRS[cls](ps, lr=lr))

    @each_class
    def test_with_the_rate_as_a_tensor_of_shape_one(self, cls):
        lr = torch.tensor([0.02], dtype=torch.float64)
        assert_agree(lambda ps: cls(ps, lr=lr), lambda ps: THEIRS[cls](ps, lr=0.02))

    @each_class
    def test_with_options_per_group(self, cls):
        def groups(params: list[Tensor]) -> list[dict[str, Any]]:
            matrix, *others = params
            return [{"params": matrix, "lr": 0.05, "weight_decay": 0.1}, {"params": others}]

        assert_agree(lambda ps: cls(groups(ps), lr=0.01), lambda ps: THEIRS[cls](groups(ps), lr=0.01))

    @each_class
    def test_with_names_for_the_parameters(self, cls):
        params = fresh_parameters()
        optimizer = cls(list(zip("ab", params, strict=True)))
        assert optimizer.param_groups[0]["param_names"] == ["a", "b"]
        other = fresh_parameters()
        assert_same(drive(optimizer, params), drive(cls(other), other), rtol=0)

    @pytest.mark.parametrize(
        ("cls", "option"),
        [
            (torch_optim.SGD, {}),
            (torch_optim.SGD, {"momentum": 0.9, "dampening": 0.2}),
            (torch_optim.SGD, {"momentum": 0.9, "nesterov": True}),
            (torch_optim.AdaGrad, {"initial_accumulator_value": 0.5}),
            (torch_optim.RMSprop, {}),
            (torch_optim.RMSprop, {"momentum": 0.9, "centered": True}),
            (torch_optim.Adam, {"eps": 0.3}),
        ],
    )
    def test_with_complex_parameters(self, cls, option):
        option = {"lr": 0.01, "weight_decay": 0.1, **option}
        assert_agree(
            lambda ps: cls(ps, **option), lambda ps: THEIRS[cls](ps, foreach=False, **option), torch.complex128, 1e-11
        )

    @each_class
    def test_in_single_precision_to_single_precision(self, cls):
        assert_agree(lambda ps: cls(ps, lr=0.01), lambda ps: THEIRS[cls](ps, lr=0.01), torch.float32, 1e-4)

    @pytest.mark.parametrize("cls", [torch_optim.SGD, torch_optim.RMSprop])
    def test_with_momentum_switched_on_later(self, cls):
        both = []
        for make in (cls, THEIRS[cls]):
            params = fresh_parameters()
            optimizer = make(params, lr=0.01)
            drive(optimizer, params, 5)
            optimizer.param_groups[0]["momentum"] = 0.9
            if make is torch.optim.RMSprop:  # which makes its buffers at the first step only
                for p in params:
                    optimizer.state[p]["momentum_buffer"] = torch.zeros_like(p)
            both.append(drive(optimizer, params, 50))
        assert_same(*both)


class TestSameInterfaceAsTorchOptim:
    @each_class
    def test_constructor_has_the_same_arguments_kinds_and_defaults(self, cls):
        def arguments(c: type) -> list[tuple[str, Any, Any]]:
            return [(p.name, p.kind, p.default) for p in inspect.signature(c).parameters.values()]

        further = [(name, inspect.Parameter.KEYWORD_ONLY, off) for name, off in cls._options_of_its_own.items()]
        assert arguments(cls) == arguments(THEIRS[cls]) + further

    @each_class
    def test_what_torch_optim_does_not_have_is_off_and_in_no_group_unless_it_is_asked_for(self, cls):
        ours = cls(fresh_parameters()).param_groups[0].keys()
        assert ours == THEIRS[cls](fresh_parameters()).param_groups[0].keys()

    @each_class
    def test_a_state_dict_for_torch_optim_is_refused_if_it_would_go_on_otherwise(self, cls):
        name = next(iter(cls._options_of_its_own.keys() - {"fused", "weight_decay_by", "initial_square"}))
        optimizer = cls(fresh_parameters(), **{name: True})
        with pytest.raises(ValueError, match=f"{name}=True has no counterpart in torch.optim"):
            optimizer.to_torch_state_dict()

    @each_class
    def test_it_is_a_torch_optimizer(self, cls):
        assert issubclass(cls, torch.optim.Optimizer)

    @pytest.mark.parametrize(
        ("cls", "option"),
        [
            (torch_optim.SGD, {"momentum": 0.9}),
            (torch_optim.AdaGrad, {}),
            (torch_optim.RMSprop, {}),
            (torch_optim.RMSprop, {"momentum": 0.9}),
            (torch_optim.Adam, {}),
        ],
    )
    def test_state_and_groups_have_the_same_keys_shapes_and_dtypes(self, cls, option):
        def description(make: Any) -> Any:
            params = fresh_parameters()
            optimizer = make(params, **option)
            drive(optimizer, params, 2)
            state = optimizer.state_dict()
            entries = {i: {k: (v.shape, v.dtype) for k, v in s.items()} for i, s in state["state"].items()}
            return entries, state["param_groups"]

        assert description(cls) == description(THEIRS[cls])

    def test_gradient_descent_without_momentum_keeps_no_state(self):
        params = fresh_parameters()
        optimizer = torch_optim.SGD(params)
        drive(optimizer, params, 2)
        assert optimizer.state_dict()["state"] == {}

    @pytest.mark.parametrize("option", options(momentum=(0, 0.9)))
    def test_centered_keeps_the_variance_and_the_average_of_gradients(self, option):
        params = fresh_parameters()
        optimizer = torch_optim.RMSprop(params, centered=True, **option)
        drive(optimizer, params, 20)
        theirs = fresh_parameters()
        reference = torch.optim.RMSprop(theirs, centered=True, foreach=False, **option)
        drive(reference, theirs, 20)
        for p, q in zip(params, theirs, strict=True):
            state, other = optimizer.state[p], reference.state[q]
            assert set(state) == set(other) - {"square_avg"} | {"variance"}
            assert_same([state["grad_avg"]], [other["grad_avg"]])
            assert_same([state["variance"]], [other["square_avg"] - other["grad_avg"] ** 2])

    @pytest.mark.parametrize(
        ("cls", "option"),
        [
            (torch_optim.SGD, {"momentum": 0.9}),
            (torch_optim.AdaGrad, {}),
            (torch_optim.RMSprop, {"momentum": 0.9}),
            (torch_optim.Adam, {}),
        ],
    )
    def test_it_takes_over_from_torch_optim_in_the_middle_of_a_run(self, cls, option):
        theirs = fresh_parameters()
        reference = THEIRS[cls](theirs, lr=0.01, **option)
        drive(reference, theirs, 10)
        ours = [p.detach().clone().requires_grad_() for p in theirs]
        optimizer = cls(ours)
        optimizer.load_state_dict(copy.deepcopy(reference.state_dict()))
        assert_same(drive(optimizer, ours, 50, seed=3), drive(reference, theirs, 50, seed=3))

    @each_class
    def test_parameters_may_not_come_as_a_set(self, cls):
        with pytest.raises(TypeError, match="ordered"):
            cls([{"params": set(fresh_parameters())}])

    @each_class
    def test_the_callers_group_is_left_alone(self, cls):
        group = {"params": fresh_parameters(), "lr": 0.5}
        cls([group])
        assert set(group) == {"params", "lr"}


# One of each class, with all the state that it can have.
FULL = [
    pytest.param(torch_optim.SGD, {"momentum": 0.9, "dampening": 0.1}, id="SGD"),
    pytest.param(torch_optim.AdaGrad, {"lr_decay": 0.1, "initial_accumulator_value": 0.5}, id="AdaGrad"),
    pytest.param(torch_optim.RMSprop, {"momentum": 0.9}, id="RMSprop"),
    pytest.param(torch_optim.RMSprop, {"momentum": 0.9, "centered": True}, id="centered RMSprop"),
    pytest.param(torch_optim.Adam, {}, id="Adam"),
]
each_full = pytest.mark.parametrize(("cls", "option"), FULL)


class TestALifeInATrainingProgram:
    @each_full
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_state_dict_saved_and_loaded_resumes_identically(self, cls, option, dtype):
        params = fresh_parameters(dtype)
        optimizer = cls(params, lr=0.01, **option)
        drive(optimizer, params, 10)
        file = io.BytesIO()
        torch.save(optimizer.state_dict(), file)
        file.seek(0)
        others = [p.detach().clone().requires_grad_() for p in params]
        resumed = cls(others, **option)
        resumed.load_state_dict(torch.load(file))
        assert resumed.param_groups[0]["lr"] == 0.01
        assert_same(drive(resumed, others, 20, seed=3), drive(optimizer, params, 20, seed=3), rtol=0)

    @each_full
    @pytest.mark.parametrize(
        "copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["deepcopy", "pickle"]
    )
    def test_a_copy_goes_on_as_the_original_and_apart_from_it(self, cls, option, copied):
        params = fresh_parameters()
        optimizer = cls(params, lr=0.01, **option)
        drive(optimizer, params, 10)
        twin = copied(optimizer)
        its_params = twin.param_groups[0]["params"]
        drive(twin, its_params, 20, seed=3)
        assert all((p != q).any() for p, q in zip(params, its_params, strict=True))
        assert_same(drive(optimizer, params, 20, seed=3), its_params, rtol=0)

    @each_full
    def test_closure_is_run_with_gradients_and_its_loss_returned(self, cls, option):
        w = torch.tensor([3.0, -4.0], dtype=torch.float64, requires_grad=True)
        optimizer = cls([w], lr=0.01, **option)

        def closure() -> Tensor:
            optimizer.zero_grad()
            loss = (w * w).sum()
            loss.backward()
            return loss

        assert optimizer.step(closure).item() == 25
        assert (w.abs() < torch.tensor([3.0, 4.0])).all()
        assert optimizer.step() is None

    @each_full
    def test_schedulers_set_the_rate(self, cls, option):
        def run(make: Any) -> list[Tensor]:
            params = fresh_parameters()
            optimizer = make(params, lr=0.05, **option)
            scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
            for seed in range(8):
                drive(optimizer, params, 5, seed)
                scheduler.step()
            assert optimizer.param_groups[0]["lr"] == 0.05 * 0.5**8
            return params

        assert_same(run(cls), run(THEIRS[cls]), rtol=1e-11)

    @each_full
    def test_schedulers_set_a_rate_that_is_a_tensor(self, cls, option):
        params = fresh_parameters()
        optimizer = cls(params, lr=torch.tensor(0.5, dtype=torch.float64), **option)
        scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
        drive(optimizer, params, 1)
        scheduler.step()
        assert optimizer.param_groups[0]["lr"].item() == 0.25

    @each_full
    def test_a_scheduler_of_several_rates_is_refused(self, cls, option):
        """Torch's would try to put them all into each place of the tensor, and complain of that."""
        w = torch.ones(3, 2, requires_grad=True)
        optimizer = cls([w], lr=torch.tensor([[0.1], [0.2], [0.3]]), **option)
        for scheduler in (
            lambda: torch.optim.lr_scheduler.StepLR(optimizer, 1),
            lambda: torch.optim.lr_scheduler.LambdaLR(optimizer, lambda t: 0.5),
        ):
            with pytest.raises(ValueError, match=r"sets one rate for a group, but lr has shape \(3, 1\); assign group"):
                scheduler()
        w.grad = torch.ones(3, 2)
        for group in optimizer.param_groups:
            group["lr"] = 0.5 * group["lr"]
        optimizer.step()
        assert len(set(w[:, 0].tolist())) == 3

    @each_full
    def test_parameters_without_gradient_are_skipped(self, cls, option):
        moving, resting = fresh_parameters()[:2]
        before = resting.detach().clone()
        optimizer = cls([resting, moving], lr=0.01, weight_decay=0.1, **option)
        state = copy.deepcopy(optimizer.state.get(resting, {}))
        drive(optimizer, [moving], 3)
        assert torch.equal(resting, before)
        assert_same_state(optimizer.state.get(resting, {}), state)

    @each_full
    def test_a_group_added_later_steps_as_in_an_optimizer_of_its_own(self, cls, option):
        first, second = fresh_parameters()[:2]
        optimizer = cls([first], lr=0.01, **option)
        drive(optimizer, [first], 10)
        optimizer.add_param_group({"params": second, "lr": 0.05})
        alone = fresh_parameters()[1]
        assert_same(drive(optimizer, [second], 10), drive(cls([alone], lr=0.05, **option), [alone], 10), rtol=0)

    @each_full
    @pytest.mark.parametrize("maximize", [False, True])
    def test_gradients_are_left_alone(self, cls, option, maximize):
        params = fresh_parameters()
        optimizer = cls(params, weight_decay=0.1, maximize=maximize, **option)
        for grads in gradients(params, 3):
            for p, g in zip(params, grads, strict=True):
                p.grad = g.clone()
            optimizer.step()
            assert_same([p.grad for p in params], grads, rtol=0)

    @each_full
    def test_hooks_are_called_around_each_step(self, cls, option):
        params = fresh_parameters()
        optimizer = cls(params, **option)
        calls: list[str] = []
        optimizer.register_step_pre_hook(lambda *_: calls.append("before"))
        optimizer.register_step_post_hook(lambda *_: calls.append("after"))
        drive(optimizer, params, 2)
        assert calls == ["before", "after"] * 2


class TestCenteredStaysFinite:
    """A float32 gradient that hardly changes: the difference of two averages turns negative, the recurrence cannot."""

    @staticmethod
    def run(make: Any) -> tuple[torch.optim.Optimizer, Tensor]:
        w = torch.zeros(64, requires_grad=True)
        optimizer = make([w], lr=1e-3, alpha=0.9, centered=True)
        generator = torch.Generator().manual_seed(0)
        for _ in range(300):
            w.grad = 10 * (1 + 1e-5 * torch.randn(64, generator=generator))
            optimizer.step()
        return optimizer, w.detach()

    def test_where_torch_optim_gives_nan(self):
        _, w = self.run(torch.optim.RMSprop)
        assert w.isnan().any()

    def test_with_the_variance_recurrence(self):
        optimizer, w = self.run(torch_optim.RMSprop)
        assert w.isfinite().all()
        (state,) = optimizer.state.values()
        assert (state["variance"] >= 0).all()


NUMBERS = {  # the hyperparameters of each class, and whether they are below 1
    torch_optim.SGD: {"lr": False, "weight_decay": False, "momentum": False, "dampening": False},
    torch_optim.AdaGrad: {
        "lr": False, "weight_decay": False, "lr_decay": False, "initial_accumulator_value": False, "eps": False,
    },
    torch_optim.RMSprop: {"lr": False, "weight_decay": False, "eps": False, "alpha": True, "momentum": False},
    torch_optim.Adam: {"lr": False, "weight_decay": False, "eps": False},
}  # fmt: skip
each_number = pytest.mark.parametrize(
    ("cls", "name", "decay"),
    [pytest.param(c, n, d, id=f"{c.__name__} {n}") for c, names in NUMBERS.items() for n, d in names.items()],
)


def assert_refused(cls: Any, error: type[Exception], *parts: str, **option: Any) -> None:
    """Refused by the constructor and by ``add_param_group``, which adds nothing; the message holds the parts."""
    with pytest.raises(error) as info:
        cls(fresh_parameters(), **option)
    assert [part for part in parts if part not in str(info.value)] == []
    optimizer = cls(fresh_parameters())
    before = len(optimizer.param_groups), len(optimizer.state)
    with pytest.raises(error):
        optimizer.add_param_group({"params": fresh_parameters(), **option})
    assert (len(optimizer.param_groups), len(optimizer.state)) == before


@each_class
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_a_tensor_of_several_rates_gives_each_slice_its_own(cls: Any, dtype: torch.dtype) -> None:
    rates, start, slopes = (
        (0.1, 0.02),
        torch.ones(2, 3, dtype=dtype),
        noise(torch.Size((2, 3)), dtype, 9, 5),
    )
    together = start.clone().requires_grad_()
    apart = [row.clone().requires_grad_() for row in start]
    optimizers = [cls([together], lr=torch.tensor(rates, dtype=torch.float64).reshape(2, 1))]
    optimizers += [cls([row], lr=rate) for row, rate in zip(apart, rates, strict=True)]
    for slope in slopes:
        together.grad = slope.clone()
        for row, row_slope in zip(apart, slope, strict=True):
            row.grad = row_slope.clone()
        for optimizer in optimizers:
            optimizer.step()
    torch.testing.assert_close(together, torch.stack(apart), rtol=1e-14, atol=0)
    assert not torch.equal(together.detach(), start)


class TestRefusals:
    @each_number
    def test_negative_and_nan_numbers(self, cls, name, decay):
        allowed = "in [0, 1)" if decay else "a finite number, at least 0"
        for value in (-0.1, float("nan"), float("inf"), *([1.0] if decay else [])):
            assert_refused(cls, ValueError, "Invalid", f": {value!r} ({name} must be {allowed})", **{name: value})

    @each_number
    def test_what_is_no_number(self, cls, name, decay):
        for value in ("0.1", None, True, 1j):
            assert_refused(cls, TypeError, f"{name}={value!r}", type(value).__name__, "number", **{name: value})

    @each_class
    def test_a_list_of_rates(self, cls):
        assert_refused(cls, TypeError, "lr=[0.1, 0.2]", "list", lr=[0.1, 0.2])

    @each_class
    @pytest.mark.parametrize("value", [-0.1, float("nan")])
    def test_a_bad_rate_in_a_tensor(self, cls, value):
        assert_refused(cls, ValueError, "lr", "a finite number, at least 0", lr=torch.tensor(value))

    @each_class
    def test_a_bad_rate_among_several(self, cls):
        assert_refused(cls, ValueError, "-0.5", "lr", "a finite number, at least 0", lr=torch.tensor([0.5, -0.5]))

    @pytest.mark.parametrize("betas", [(0.9, 1.0), (-0.1, 0.9), (float("nan"), 0.9)])
    def test_betas_outside_their_range(self, betas):
        bad = next(i for i, b in enumerate(betas) if not 0 <= b < 1)
        assert_refused(torch_optim.Adam, ValueError, f"{betas[bad]!r} (betas[{bad}] must be in [0, 1))", betas=betas)

    @pytest.mark.parametrize("betas", [(), (0.9,), (0.9, 0.99, 0.999)])
    def test_betas_that_are_no_pair(self, betas):
        assert_refused(torch_optim.Adam, ValueError, f"betas={betas!r}", "pair", betas=betas)

    @pytest.mark.parametrize("betas", [0.9, "ab", None])
    def test_betas_that_are_no_sequence(self, betas):
        assert_refused(torch_optim.Adam, TypeError, f"betas={betas!r}", betas=betas)

    @pytest.mark.parametrize("option", [{}, {"momentum": 0.9, "dampening": 0.1}])
    def test_nesterov_without_momentum_or_with_dampening(self, option):
        shown = (f"{name}={option.get(name, 0)!r}" for name in ("momentum", "dampening"))
        assert_refused(torch_optim.SGD, ValueError, "nesterov=True", *shown, nesterov=True, **option)

    @each_class
    def test_rates_that_do_not_broadcast(self, cls):
        for lr in (torch.rand(5), torch.rand(3, 1, 1), torch.rand(0)):
            assert_refused(cls, ValueError, "Tensor lr must be 1-element", str(tuple(lr.shape)), lr=lr)

    @each_class
    @pytest.mark.parametrize("other", ["differentiable", "foreach"])
    def test_fused_goes_alone(self, cls, other):
        assert_refused(cls, RuntimeError, "`fused`", f"`{other}`", fused=True, **{other: True})
        cls(fresh_parameters(), fused=False)

    @each_class
    def test_integer_parameters_that_have_a_gradient(self, cls):
        frozen, moving = torch.ones(3, dtype=torch.int64), torch.ones(3, requires_grad=True)
        optimizer = cls([frozen, moving])  # as in a quantized model
        moving.grad = torch.ones(3)
        optimizer.step()
        assert (frozen == 1).all() and (moving != 1).all()
        before = moving.detach().clone()
        frozen.grad = torch.ones(3, dtype=torch.int64)
        with pytest.raises(TypeError, match=r"int64.*floating or complex"):
            optimizer.step()
        assert torch.equal(moving, before)

    @pytest.mark.parametrize(
        ("cls", "option", "message"),
        [
            (torch_optim.RMSprop, {}, "RMSprop does not support sparse gradients"),
            (torch_optim.Adam, {}, "Adam does not support sparse gradients, please consider SparseAdam instead"),
            (torch_optim.SGD, {"weight_decay": 0.1}, "weight_decay option is not compatible with sparse gradients"),
            (torch_optim.AdaGrad, {"weight_decay": 0.1}, "weight_decay option is not compatible with sparse gradients"),
            (torch_optim.SGD, {"lr": torch.rand(4)}, "Tensor lr must be 1-element for sparse gradients"),
        ],
    )
    def test_sparse_gradients(self, cls, option, message):
        dense, sparse = (torch.ones(4, dtype=torch.float64, requires_grad=True) for _ in range(2))
        optimizer = cls([dense, sparse], **option)
        before = copy.deepcopy(optimizer.state_dict()["state"])
        dense.grad = torch.ones(4, dtype=torch.float64)
        sparse.grad = torch.ones(4, dtype=torch.float64).to_sparse()
        with pytest.raises(RuntimeError, match=message):
            optimizer.step()
        assert (dense == 1).all() and (sparse == 1).all()
        after = optimizer.state_dict()["state"]
        assert after.keys() == before.keys()
        for i in before:
            assert_same_state(after[i], before[i])


HALF = [torch.float16, torch.bfloat16]


class TestBeyondTorchOptim:
    @each_full
    @pytest.mark.parametrize("dtype", HALF)
    def test_half_precision_is_computed_in_single_precision_and_rounded_once(self, cls, option, dtype):
        option = {"lr": 0.01, "weight_decay": 0.1, **option}
        half = [p.detach().to(dtype).requires_grad_() for p in fresh_parameters()]
        single = [p.detach().float().requires_grad_() for p in half]
        ours, reference = cls(half, **option), cls(single, **option)
        for t, grads in enumerate(gradients(half, 20)):
            for p, q, g in zip(half, single, grads, strict=True):
                p.grad, q.grad = g, g.float()
            ours.step()
            reference.step()
            for p, q in zip(half, single, strict=True):
                assert p.dtype == dtype
                assert torch.equal(p, q.to(dtype))
                assert_same_state(ours.state[p], reference.state[q])
                q.data.copy_(p)
            if t == 10:
                ours.load_state_dict(copy.deepcopy(ours.state_dict()))

    @pytest.mark.parametrize("dtype", HALF)
    def test_state_of_a_half_precision_run_goes_to_torch_optim_and_back(self, dtype):
        params = [p.detach().to(dtype).requires_grad_() for p in fresh_parameters()]
        optimizer = torch_optim.Adam(params)
        drive(optimizer, params, 3)
        theirs = torch.optim.Adam(params)
        theirs.load_state_dict(optimizer.state_dict())
        drive(theirs, params, 3)
        assert {x.dtype for s in theirs.state.values() for k, x in s.items() if k != "step"} == {dtype}
        optimizer.load_state_dict(theirs.state_dict())
        drive(optimizer, params, 3)
        assert {x.dtype for s in optimizer.state.values() for x in s.values()} == {torch.float32}

    def test_accumulators_that_came_in_half_precision_are_widened(self):
        w = torch.ones(3, dtype=torch.bfloat16, requires_grad=True)
        optimizer = torch_optim.RMSprop([w])
        optimizer.state[w] = {"step": torch.zeros(()), "square_avg": torch.ones(3, dtype=torch.bfloat16)}
        drive(optimizer, [w], 1)
        assert optimizer.state[w]["square_avg"].dtype == torch.float32

    @pytest.mark.parametrize(
        ("cls", "option"),
        [
            (torch_optim.AdaGrad, {}),
            (torch_optim.RMSprop, {}),
            (torch_optim.RMSprop, {"momentum": 0.9}),
            (torch_optim.RMSprop, {"momentum": 0.9, "centered": True}),
            (torch_optim.Adam, {}),
            (torch_optim.Adam, {"amsgrad": True}),
        ],
    )
    @pytest.mark.parametrize("eps", [0, 0.0, 1e-60, 1e-46, 1e-10])
    @pytest.mark.parametrize("dtype", [*HALF, torch.float32, torch.float64, torch.complex64])
    def test_a_gradient_that_was_always_zero_moves_nothing(self, cls, option, eps, dtype):
        w = torch.ones(2, dtype=dtype, requires_grad=True)
        optimizer = cls([w], lr=0.1, eps=eps, **option)
        for _ in range(3):
            w.grad = torch.tensor([0, 1], dtype=dtype)
            optimizer.step()
        assert w[0] == 1
        assert w[1].real < 1 and w[1].isfinite()

    @pytest.mark.parametrize("cls", [torch_optim.AdaGrad, torch_optim.RMSprop, torch_optim.Adam])
    def test_an_eps_of_zero_is_zero_where_the_root_is_not(self, cls):
        assert_agree(lambda ps: cls(ps, eps=0), lambda ps: THEIRS[cls](ps, eps=0))
        w, q = (torch.ones(1, requires_grad=True) for _ in range(2))
        for p, make in ((w, cls), (q, THEIRS[cls])):
            optimizer = make([p], lr=0.1, eps=0)
            p.grad = torch.full((1,), 4e-21)  # so small that its square is subnormal
            optimizer.step()
        torch.testing.assert_close(w, q)
        assert w != 1


class TestCenteredStateGoesBetweenBothForms:
    @pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
    @pytest.mark.parametrize("momentum", [0, 0.9])
    def test_a_run_goes_on_in_the_other(self, dtype, momentum):
        option = {"lr": 0.01, "centered": True, "momentum": momentum}
        both = []
        for kinds in ((torch.optim.RMSprop,) * 3, (torch_optim.RMSprop, torch.optim.RMSprop, torch_optim.RMSprop)):
            params = fresh_parameters(dtype)
            state_dict = None
            for seed, kind in enumerate(kinds):
                optimizer = kind(params, foreach=False, **option)
                if state_dict is not None:
                    optimizer.load_state_dict(state_dict)
                drive(optimizer, params, 20, seed)
                ours = isinstance(optimizer, torch_optim.RMSprop)
                state_dict = optimizer.to_torch_state_dict() if ours else optimizer.state_dict()
            both.append(params)
        assert_same(*both, rtol=1e-10)
        assert all("variance" in s and "square_avg" not in s for s in optimizer.state.values())

    def test_the_state_dicts_are_left_alone(self):
        params = fresh_parameters()
        optimizer = torch_optim.RMSprop(params, centered=True)
        drive(optimizer, params, 2)
        exported = optimizer.to_torch_state_dict()
        keys = [set(s) for s in exported["state"].values()]
        assert keys == [{"step", "square_avg", "grad_avg"}] * 2
        torch_optim.RMSprop(params, centered=True).load_state_dict(exported)
        assert [set(s) for s in exported["state"].values()] == keys
        assert all("variance" in s for s in optimizer.state_dict()["state"].values())

    def test_a_difference_that_rounding_made_negative_becomes_zero(self):
        w = torch.ones(2, requires_grad=True)
        optimizer = torch_optim.RMSprop([w], centered=True)
        state = {"step": torch.ones(()), "square_avg": torch.tensor([0.99, 2.0]), "grad_avg": torch.ones(2)}
        optimizer.load_state_dict({"state": {0: state}, "param_groups": optimizer.state_dict()["param_groups"]})
        assert torch.equal(optimizer.state[w]["variance"], torch.tensor([0.0, 1.0]))

    @each_full
    def test_the_others_are_as_they_are(self, cls, option):
        params = fresh_parameters()
        optimizer = cls(params, **option)
        drive(optimizer, params, 2)
        if not option.get("centered"):
            exported = optimizer.to_torch_state_dict()
            for i, entry in optimizer.state_dict()["state"].items():
                assert_same_state(exported["state"][i], entry)


class TestSparseGradients:
    """As torch.optim does it: from the same sparse gradients to the same parameters."""

    @pytest.mark.parametrize(
        ("cls", "option"),
        [
            (torch_optim.SGD, {}),
            (torch_optim.SGD, {"momentum": 0.9, "dampening": 0.1}),
            (torch_optim.SGD, {"momentum": 0.9, "nesterov": True}),
            (torch_optim.SGD, {"maximize": True}),
            (torch_optim.SGD, {"lr": torch.tensor(0.1, dtype=torch.float64)}),
            (torch_optim.AdaGrad, {}),
            (torch_optim.AdaGrad, {"lr_decay": 0.1, "initial_accumulator_value": 0.5, "eps": 0.1}),
            (torch_optim.AdaGrad, {"maximize": True}),
        ],
    )
    @pytest.mark.parametrize("shape", [(6,), (6, 2)])
    def test_uncoalesced_gradients(self, cls, option, shape):
        option = {"lr": 0.1, **option}
        ours, theirs = (torch.ones(shape, dtype=torch.float64, requires_grad=True) for _ in range(2))
        optimizers = cls([ours], **option), THEIRS[cls]([theirs], foreach=False, **option)
        generator = torch.Generator().manual_seed(0)
        for _ in range(20):
            rows = torch.randint(5, (1, 3), generator=generator)  # the last row is never named
            slopes = torch.randn((3, *shape[1:]), generator=generator, dtype=torch.float64)
            for p, optimizer in zip((ours, theirs), optimizers, strict=True):
                p.grad = torch.sparse_coo_tensor(rows, slopes, shape, check_invariants=True)
                with torch.sparse.check_sparse_tensor_invariants():  # torch.optim's warns where nobody has chosen
                    optimizer.step()
        assert_same([ours], [theirs])
        assert (ours[:5] != 1).all() and (ours[5] == 1).all()

    @pytest.mark.parametrize("cls", [torch_optim.SGD, torch_optim.AdaGrad])
    @pytest.mark.parametrize("dtype", [torch.bfloat16, torch.complex128])
    def test_they_do_as_the_dense_ones_do(self, cls, dtype):
        sparse, dense = (torch.ones(6, dtype=dtype, requires_grad=True) for _ in range(2))
        optimizers = [cls([p], lr=0.1) for p in (sparse, dense)]
        for slope in noise(dense.shape, dtype, 9, 3):
            dense.grad = slope * torch.tensor([1, 0, 1, 0, 0, 1])
            sparse.grad = dense.grad.to_sparse()
            for optimizer in optimizers:
                optimizer.step()
        torch.testing.assert_close(sparse, dense, rtol=1e-14, atol=0)
