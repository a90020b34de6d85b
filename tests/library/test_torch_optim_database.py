"""The Torch optimizers in the place of torch.optim's, under PyTorch's own database of optimizers and their options.

``torch.testing._internal.common_optimizers`` lists for each optimizer the options that its tests run with, the
schedulers and the errors. What PyTorch's tests ask of its optimizers is asked of these here, and besides that they
give the same numbers.
"""

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import hypothesis
import pytest
import torch
from torch import Tensor
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from torch.optim.swa_utils import SWALR, AveragedModel

from rmsprop_lib import torch_optim


class AdamW(torch_optim.Adam):
    """Our Adam with the arguments of AdamW."""

    def __init__(self, params: Any, lr: Any = 1e-3, betas: Any = (0.9, 0.999), **options: Any) -> None:
        super().__init__(params, lr, betas, **{"weight_decay": 1e-2, "decoupled_weight_decay": True, **options})


OURS: dict[Any, Any] = {
    torch.optim.SGD: torch_optim.SGD,
    torch.optim.Adagrad: torch_optim.AdaGrad,
    torch.optim.RMSprop: torch_optim.RMSprop,
    torch.optim.Adam: torch_optim.Adam,
    torch.optim.AdamW: AdamW,
    torch.optim.Adadelta: torch_optim.AdaDelta,
    torch.optim.Adamax: torch_optim.AdaMax,
    torch.optim.NAdam: torch_optim.NAdam,
    torch.optim.RAdam: torch_optim.RAdam,
}


def database() -> dict[Any, Any]:
    """PyTorch's entries for these classes, without what importing them does to a process."""
    flag = "__allow_nonbracketed_mutation_flag"
    profile, settable = hypothesis.settings.get_current_profile_name(), getattr(torch.backends, flag)
    from torch.testing._internal.common_optimizers import optim_db

    hypothesis.settings.load_profile(profile)
    setattr(torch.backends, flag, settable)
    return {info.optim_cls: info for info in optim_db if info.optim_cls in OURS}


INFOS = database()

# Every hyperparameter away from its default, where the database leaves it there.
FURTHER: dict[Any, list[dict[str, Any]]] = {
    torch.optim.SGD: [{"lr": 1e-4, "momentum": 0.9, "nesterov": True, "maximize": True}],
    torch.optim.Adagrad: [{"eps": 0.3}, {"lr_decay": 0.1, "initial_accumulator_value": 0.5}],
    torch.optim.RMSprop: [{"alpha": 0.5, "eps": 0.3}, {"lr": 1e-3, "momentum": 0.9}, {"centered": True, "eps": 0.3}],
    torch.optim.Adam: [{"betas": (0.5, 0.6), "eps": 0.3}, {"betas": (0.9, 0.5), "amsgrad": True}],
    torch.optim.AdamW: [{"betas": (0.5, 0.6), "eps": 0.3}, {"betas": (0.9, 0.5), "amsgrad": True, "maximize": True}],
    torch.optim.Adadelta: [{"rho": 0.5, "eps": 1e-4}],
    torch.optim.Adamax: [{"betas": (0.5, 0.6), "eps": 0.3}],
    torch.optim.NAdam: [{"betas": (0.5, 0.6), "eps": 0.3, "momentum_decay": 0.5}],
    torch.optim.RAdam: [{"betas": (0.5, 0.9), "eps": 0.3}],
}


def inputs(reference: Any) -> list[Any]:
    """The options of the database for ``reference``, those for CUDA among them, which run on a CPU here."""
    listed = [(i.desc, i.kwargs) for i in INFOS[reference].optim_inputs_func(device="cuda")]
    listed += [(" ".join(f"{k}={v}" for k, v in options.items()), options) for options in FURTHER[reference]]
    return [pytest.param(reference, options, id=f"{reference.__name__} {name}") for name, options in listed]


CAPTURABLE = [c for c in OURS if INFOS[c].has_capturable_arg]
each_capturable = pytest.mark.parametrize("reference", CAPTURABLE, ids=lambda c: c.__name__)
each_class = pytest.mark.parametrize("reference", OURS, ids=lambda c: c.__name__)
each_input = pytest.mark.parametrize(("reference", "options"), [i for c in OURS for i in inputs(c)])
each_implementation = pytest.mark.parametrize(
    ("reference", "options", "flag"),
    [
        pytest.param(*i.values, flag, id=f"{i.id} {flag}")
        for c in OURS
        for i in inputs(c)
        for flag in ("foreach", "differentiable", *(["capturable"] if c in CAPTURABLE else []))
    ],
)


def in_double(options: dict[str, Any]) -> dict[str, Any]:
    """Options of one's own (schedulers write into tensors), in double precision as the parameters are."""

    def double(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(double(x) for x in value)
        return value.detach().double().clone() if isinstance(value, Tensor) else value

    return {name: double(value) for name, value in options.items()}


def ours(reference: Any, params: Any, options: dict[str, Any], **more: Any) -> Any:
    return OURS[reference](params, **{**in_double(options), **more})


def theirs(reference: Any, params: Any, options: dict[str, Any], **more: Any) -> Any:
    """torch.optim's one implementation without tricks. It is not capturable on a CPU."""
    options = {k: v for k, v in in_double(options).items() if k != "capturable"}
    return reference(params, **{**options, "foreach": False, **more})


class Regression(torch.nn.Module):
    """A linear model on data that are new in every step, so that no gradient repeats itself."""

    def __init__(self, dtype: torch.dtype = torch.float64, strided: bool = False, seed: int = 0) -> None:
        super().__init__()
        self.generator = torch.Generator().manual_seed(seed)
        weight, bias = self.randn(4, 3, 2, dtype=dtype), self.randn(4, 2, dtype=dtype)
        pick = (lambda x: x[..., 0]) if strided else (lambda x: x[..., 0].clone())
        self.weight, self.bias = (torch.nn.Parameter(pick(x)) for x in (weight, bias))
        self.scale = torch.nn.Parameter(torch.ones((), dtype=dtype))

    def randn(self, *shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
        return torch.randn(shape, generator=self.generator, dtype=torch.float64).to(dtype) + (
            1j * torch.randn(shape, generator=self.generator, dtype=torch.float64) if dtype.is_complex else 0
        )

    def loss(self) -> Tensor:
        x, y = (self.randn(n, dtype=self.weight.dtype) for n in (3, 4))
        return (self.scale * (self.weight @ x) + self.bias - 3 * y).abs().pow(2).sum()


def closure_of(model: Regression, optimizer: torch.optim.Optimizer) -> Callable[[], Tensor]:
    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = model.loss()
        loss.backward()
        return loss

    return closure


def train(model: Regression, optimizer: torch.optim.Optimizer, steps: int = 20) -> Regression:
    for _ in range(steps):
        optimizer.step(closure_of(model, optimizer))
    return model


def assert_same(a: torch.nn.Module, b: torch.nn.Module, rtol: float = 1e-9) -> None:
    # torch.optim's centered variance is the difference of two averages: a few digits go at its first steps.
    for x, y in zip(a.parameters(), b.parameters(), strict=True):
        assert torch.view_as_real(y).isfinite().all() if y.is_complex() else y.isfinite().all()
        torch.testing.assert_close(x, y, rtol=rtol, atol=rtol)


def tolerance(options: dict[str, Any]) -> float:
    return 1e-9 if options.get("centered") else 1e-12


class TestTheyAgree:
    @each_input
    @pytest.mark.parametrize("strided", [False, True])
    def test_with_torch_optim(self, reference, options, strided):
        a, b = (Regression(strided=strided) for _ in range(2))
        assert a.weight.is_contiguous() is not strided
        train(a, ours(reference, a.parameters(), options))
        assert_same(a, train(b, theirs(reference, b.parameters(), options)), tolerance(options))
        assert all((p != q).all() for p, q in zip(a.parameters(), Regression().parameters(), strict=True))

    @each_input
    def test_with_torch_optim_in_the_complex_plane(self, reference, options):
        a, b = (Regression(torch.complex128) for _ in range(2))
        train(a, ours(reference, a.parameters(), options))
        assert_same(a, train(b, theirs(reference, b.parameters(), options)), 10 * tolerance(options))

    @each_input
    def test_in_the_complex_plane_with_the_two_parts_of_each_number(self, reference, options):
        z = torch.randn(5, dtype=torch.complex128, requires_grad=True)
        parts = torch.view_as_real(z).detach().clone().requires_grad_()
        optimizers = [ours(reference, [p], options) for p in (z, parts)]
        for _ in range(5):
            z.grad = torch.randn_like(z)
            parts.grad = torch.view_as_real(z.grad).clone()
            for optimizer in optimizers:
                optimizer.step()
        torch.testing.assert_close(torch.view_as_real(z), parts, rtol=1e-14, atol=1e-14)

    @each_implementation
    def test_whatever_the_implementation_that_was_asked_for(self, reference, options, flag):
        if flag == "foreach" and any(isinstance(x, Tensor) for x in options.values()):
            options = {**options, "lr": 0.001}
        plain, flagged = {k: v for k, v in options.items() if k != "capturable"}, {**options, flag: True}
        start = Regression()
        grads = [[start.randn(*p.shape) for p in start.parameters()] for _ in range(10)]
        ends = []
        for asked in (plain, flagged):
            # Autograd changes no leaf in place.
            params = [p.detach().clone().requires_grad_().clone() for p in start.parameters()]
            for p in params:
                p.retain_grad()
            optimizer = ours(reference, params, asked)
            for now in grads:
                for p, g in zip(params, now, strict=True):
                    p.grad = g.clone()
                optimizer.step()
            ends.append(params)
        for a, b in zip(*ends, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)

    @each_class
    @pytest.mark.parametrize("shape", [(), (1,), (1, 1, 1)])
    def test_a_rate_in_a_tensor_is_the_same_as_the_number(self, reference, shape):
        ends = []
        for lr in (0.02, torch.full(shape, 0.02, dtype=torch.float64)):
            model = Regression()
            optimizer = ours(reference, model.parameters(), {"lr": lr})
            scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
            for _ in range(3):
                train(model, optimizer, 3)
                scheduler.step()
            ends.append(model)
        assert_same(*ends, rtol=1e-12)

    @each_class
    @pytest.mark.parametrize("option", ["lr", "weight_decay"])
    def test_with_options_of_a_group(self, reference, option):
        def groups(model: Regression) -> list[dict[str, Any]]:
            return [{"params": [model.weight], option: 0.03}, {"params": [model.bias, model.scale]}]

        a, b = Regression(), Regression()
        train(a, ours(reference, groups(a), {}, lr=0.01))
        assert_same(a, train(b, theirs(reference, groups(b), {}, lr=0.01)), 1e-12)

    @each_class
    def test_with_a_group_that_is_added_later(self, reference):
        ends = []
        for make in (ours, theirs):
            model = Regression()
            optimizer = make(reference, [model.weight], {}, lr=0.01)
            train(model, optimizer, 5)
            optimizer.add_param_group({"params": [model.bias, model.scale], "lr": 0.02})
            ends.append(train(model, optimizer, 5))
        assert_same(*ends, rtol=1e-12)

    @each_input
    def test_with_mixed_dtypes_empty_ones_and_scalars_in_one_group(self, reference, options):
        def parameters() -> list[Tensor]:
            kinds = [((), torch.float32), ((0,), torch.float64), ((2, 3), torch.float64), ((2,), torch.complex64)]
            return [torch.ones(shape, dtype=dtype, requires_grad=True) for shape, dtype in kinds]

        a, b, frozen = parameters(), parameters(), torch.ones(2)
        optimizers = ours(reference, [*a, frozen], options), theirs(reference, [*b, frozen], options)
        for step in range(1, 4):
            for params, optimizer in zip((a, b), optimizers, strict=True):
                for p in params:
                    p.grad = torch.full_like(p, step)
                optimizer.step()
        for p, q in zip(a, b, strict=True):
            torch.testing.assert_close(p, q)
        assert (frozen == 1).all()

    @each_input
    def test_parameters_without_gradient_stay(self, reference, options):
        model = Regression()
        optimizer = ours(reference, model.parameters(), options)
        before = copy.deepcopy((model.state_dict(), optimizer.state_dict()["state"]))
        optimizer.step()
        assert repr(before) == repr((model.state_dict(), optimizer.state_dict()["state"]))

    @each_input
    def test_gradients_of_zero_move_nothing_but_what_decays(self, reference, options):
        options = {"weight_decay": 0.0, **{k: v for k, v in options.items() if k != "weight_decay"}}
        model = Regression()
        optimizer = ours(reference, model.parameters(), options)
        for p in model.parameters():
            p.grad = torch.zeros_like(p)
        optimizer.step()
        assert_same(model, Regression(), rtol=0)

    @pytest.mark.parametrize("reference", [torch.optim.SGD, torch.optim.Adagrad])
    @pytest.mark.parametrize("maximize", [False, True])
    def test_on_sparse_gradients(self, reference, maximize):
        """Cyclic coordinate descent on Rosenbrock's function, with the options the database has for it."""
        options, schedulers = INFOS[reference].metadata_for_sparse
        # Uphill there is no end, so slowly.
        options = {**options, "lr": options["lr"] / (10_000 if maximize else 50), "maximize": maximize}
        ends = []
        with torch.sparse.check_sparse_tensor_invariants():
            for make, layout in ((ours, "sparse"), (ours, "dense"), (theirs, "sparse")):
                w = torch.tensor([1.5, 1.5], dtype=torch.float64, requires_grad=True)
                optimizer = make(reference, [w], options)
                schedules = [schedule(optimizer) for schedule in schedulers]
                for i in range(100):
                    optimizer.zero_grad()
                    loss = (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2
                    loss.backward()
                    share = w.grad[i % 2]
                    w.grad = torch.sparse_coo_tensor([[i % 2] * 2], torch.stack((share / 4, share - share / 4)), (2,))
                    if layout == "dense":
                        w.grad = w.grad.to_dense()
                    optimizer.step()
                    for schedule in schedules:
                        schedule.step(loss.item()) if isinstance(schedule, ReduceLROnPlateau) else schedule.step()
                ends.append(w.detach())
        torch.testing.assert_close(ends[0], ends[1], rtol=1e-12, atol=0)
        torch.testing.assert_close(ends[0], ends[2], rtol=1e-12, atol=0)


def flat(state_dict: dict[str, Any]) -> Any:
    """A state dict with tensors as lists, so that two can be compared."""

    def plain(x: Any) -> Any:
        if isinstance(x, Tensor):
            return x.tolist(), x.dtype
        if isinstance(x, dict):
            return {k: plain(v) for k, v in x.items() if k != "param_names"}
        return [plain(v) for v in x] if isinstance(x, list | tuple) else x

    return plain(state_dict)


class TestStateDicts:
    @each_input
    @pytest.mark.parametrize("weights_only", [False, True])
    def test_saved_and_loaded_they_go_on_the_same(self, reference, options, weights_only):
        model = Regression()
        optimizer = ours(reference, model.parameters(), options)
        train(model, optimizer, 5)
        file = io.BytesIO()
        torch.save(optimizer.state_dict(), file)
        file.seek(0)
        twin = copy.deepcopy(model)
        twin.generator.set_state(model.generator.get_state())
        resumed = ours(reference, twin.parameters(), {})
        resumed.load_state_dict(torch.load(file, weights_only=weights_only))
        assert flat(resumed.state_dict()) == flat(optimizer.state_dict())
        assert_same(train(twin, resumed, 5), train(model, optimizer, 5), rtol=0)
        assert flat(resumed.state_dict()) == flat(optimizer.state_dict())

    @each_input
    def test_a_run_goes_from_torch_optim_to_ours_and_back(self, reference, options):
        whole, parts = Regression(), Regression()
        straight = theirs(reference, whole.parameters(), options)
        first = theirs(reference, parts.parameters(), options)
        train(parts, first, 5)
        second = ours(reference, parts.parameters(), {})
        second.load_state_dict(first.state_dict())
        train(parts, second, 5)
        third = theirs(reference, parts.parameters(), {})
        third.load_state_dict(second.to_torch_state_dict())
        assert flat(third.state_dict())["param_groups"] == flat(first.state_dict())["param_groups"]
        assert_same(train(parts, third, 5), train(whole, straight, 15), 100 * tolerance(options))

    @each_input
    def test_the_state_has_the_names_dtypes_and_shapes_of_torch_optims(self, reference, options):
        described = []
        for make in (ours, theirs):
            model = Regression()
            optimizer = make(reference, model.parameters(), options)
            train(model, optimizer, 2)
            state = optimizer.to_torch_state_dict()["state"] if make is ours else optimizer.state_dict()["state"]
            described.append(
                {i: {k: (x.dtype, x.shape, x.device) for k, x in entry.items()} for i, entry in state.items()}
            )
            assert all(entry["step"] == 2 for entry in state.values() if "step" in entry)
        assert described[0] == described[1]

    @each_input
    def test_older_ones_can_be_loaded(self, reference, options):
        """Without the options that came later."""
        model, twin = Regression(), Regression()
        optimizer = ours(reference, model.parameters(), options)
        train(model, optimizer, 3)
        old = copy.deepcopy(optimizer.state_dict())
        for group in old["param_groups"]:
            for flag in INFOS[reference].not_og_supported_flags:
                group.pop(flag, None)
        resumed = ours(reference, twin.parameters(), {})
        resumed.load_state_dict(old)
        now = resumed.param_groups[0]
        assert set(now) == set(optimizer.param_groups[0])
        assert not any(now.get(flag) for flag in INFOS[reference].not_og_supported_flags)
        train(twin, resumed, 1)

    @each_class
    def test_even_older_ones_can_be_loaded(self, reference):
        model = Regression()
        optimizer = ours(reference, model.parameters(), {})
        train(model, optimizer, 2)
        old = copy.deepcopy(optimizer.state_dict())
        (group,) = old["param_groups"]
        first = {"params", "lr", "weight_decay", "lr_decay", "eps", "initial_accumulator_value", "alpha", "betas"}
        first |= {"rho", "momentum_decay"}
        first |= {"dampening", "momentum"} if reference is torch.optim.SGD else set()
        old["param_groups"] = [{k: v for k, v in group.items() if k in first}]
        optimizer.load_state_dict(old)
        new = {k: v for k, v in optimizer.param_groups[0].items() if k != "params"}
        like = reference(Regression().parameters())
        like.load_state_dict(old)
        assert new == {k: v for k, v in like.param_groups[0].items() if k != "params"} | (
            {"decoupled_weight_decay": False} if reference is torch.optim.AdamW else {}
        )
        train(model, optimizer, 1)

    @each_input
    def test_steps_that_are_numbers_are_loaded_as_tensors(self, reference, options):
        model = Regression()
        optimizer = ours(reference, model.parameters(), options)
        train(model, optimizer, 3)
        old = copy.deepcopy(optimizer.state_dict())
        for entry in old["state"].values():
            if "step" in entry:
                entry["step"] = entry["step"].item()
        optimizer.load_state_dict(old)
        for entry in optimizer.state.values():
            if "step" in entry:
                assert torch.is_tensor(entry["step"]) and entry["step"].dtype == torch.float32 and entry["step"] == 3

    @each_class
    @pytest.mark.parametrize(("saves", "loads"), [(True, False), (False, True), (True, True)])
    def test_names_are_optional(self, reference, saves, loads):
        def optimizer_of(model: Regression, named: bool) -> Any:
            return ours(reference, model.named_parameters() if named else model.parameters(), {})

        model, twin = Regression(), Regression()
        optimizer, other = optimizer_of(model, saves), optimizer_of(twin, loads)
        train(model, optimizer, 3)
        other.load_state_dict(optimizer.state_dict())
        assert flat(other.state_dict()) == flat(optimizer.state_dict())
        assert other.param_groups[0]["param_names"] == ["weight", "bias", "scale"]

    @each_class
    def test_a_dict_of_other_groups_is_refused(self, reference):
        model = Regression()
        saved = ours(reference, [model.weight], {}).state_dict()
        for groups in ([model.weight, model.bias], [{"params": model.weight}, {"params": model.bias}]):
            optimizer = ours(reference, groups, {})
            with pytest.raises(ValueError, match="loaded state dict"):
                optimizer.load_state_dict(saved)
            assert not optimizer._optimizer_load_state_dict_pre_hooks

    @each_input
    @pytest.mark.parametrize("prepend", [False, True])
    def test_hooks_are_called_in_order_and_may_replace_the_dict(self, reference, options, prepend):
        model = Regression()
        optimizer = ours(reference, model.parameters(), options)
        train(model, optimizer, 2)
        calls: list[str] = []

        def replace(name: str) -> Callable[..., dict[str, Any]]:
            def hook(self: Any, state_dict: dict[str, Any]) -> dict[str, Any]:
                calls.append(name)
                return {**state_dict, "param_groups": [{**g, "lr": 7.0} for g in state_dict["param_groups"]]}

            return hook

        optimizer.register_state_dict_pre_hook(lambda _: calls.append("pre"), prepend=prepend)
        optimizer.register_state_dict_post_hook(replace("post"), prepend=prepend)
        optimizer.register_load_state_dict_pre_hook(lambda *_: calls.append("load 1"))
        optimizer.register_load_state_dict_pre_hook(replace("load 2"), prepend=prepend)
        optimizer.register_load_state_dict_post_hook(lambda o: calls.append(f"loaded {o.param_groups[0]['lr']}"))
        saved = optimizer.state_dict()
        assert saved["param_groups"][0]["lr"] == 7
        optimizer.load_state_dict(saved)
        loads = ["load 2", "load 1"] if prepend else ["load 1", "load 2"]
        assert calls == ["pre", "post", *loads, "loaded 7.0"]


class TestALifeInATrainingProgram:
    @each_class
    def test_hooks_of_steps(self, reference):
        model = Regression()
        optimizer = ours(reference, model.parameters(), {})
        calls: list[str] = []
        handles = [
            optimizer.register_step_pre_hook(lambda *_: calls.append("before")),
            optimizer.register_step_post_hook(lambda *_: calls.append("after")),
            register_optimizer_step_pre_hook(lambda *_: calls.append("before any")),
            register_optimizer_step_post_hook(lambda *_: calls.append("after any")),
        ]
        train(model, optimizer, 1)
        for handle in handles:
            handle.remove()
        train(model, optimizer, 1)
        assert calls == ["before any", "before", "after", "after any"]

    @each_input
    @pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["copy", "pickle"])
    def test_copies_go_on_as_the_original(self, reference, options, copied):
        model = Regression()
        optimizer = ours(reference, model.parameters(), options)
        train(model, optimizer, 3)
        twin = copied(optimizer)
        assert type(twin) is type(optimizer)
        public = [{name for name in vars(o) if not name.startswith("_")} for o in (optimizer, twin)]
        assert public[0] == public[1]
        params = twin.param_groups[0]["params"]
        for p, q in zip(model.parameters(), params, strict=True):
            q.grad = p.grad.clone()
        optimizer.step()
        twin.step()
        for p, q in zip(model.parameters(), params, strict=True):
            assert p is not q and torch.equal(p, q)
        assert "Parameter Group 0" in repr(twin)

    @pytest.mark.parametrize(
        ("reference", "schedules"),
        [
            pytest.param(c, schedules, id=f"{c.__name__} {i}")
            for c in OURS
            for i, schedules in enumerate(INFOS[c].scheduler_inputs)
        ],
    )
    @pytest.mark.parametrize("maximize", [False, True])
    @pytest.mark.parametrize("tensor", [False, True])
    def test_schedulers(self, reference, schedules, maximize, tensor):
        ends = []
        for make in (ours, theirs):
            model = Regression()
            lr = torch.tensor(1e-3, dtype=torch.float64) if tensor else 1e-3
            groups = [{"params": [model.weight]}, {"params": [model.bias, model.scale]}]
            optimizer = make(reference, groups, {"lr": lr}, maximize=maximize)
            schedulers = [schedule(optimizer) for schedule in schedules]
            assert all(isinstance(s, LRScheduler) for s in schedulers)
            rates = []
            for _ in range(25):
                loss = optimizer.step(closure_of(model, optimizer))
                for scheduler in schedulers:
                    scheduler.step(loss.item()) if isinstance(scheduler, ReduceLROnPlateau) else scheduler.step()
                rates.append(float(optimizer.param_groups[0]["lr"]))
            assert min(rates) < 1e-3
            ends.append(model)
        assert_same(*ends, rtol=1e-11)

    @each_class
    def test_averaged_weights(self, reference):
        ends = []
        for make in (ours, theirs):
            model = Regression()
            optimizer = make(reference, model.parameters(), {}, lr=0.01)
            averaged, scheduler = AveragedModel(model), SWALR(optimizer, swa_lr=0.05, anneal_epochs=3)
            for _ in range(6):
                train(model, optimizer, 2)
                averaged.update_parameters(model)
                scheduler.step()
            assert optimizer.param_groups[0]["lr"] == pytest.approx(0.05)
            ends.append(averaged.module)
        assert_same(*ends, rtol=1e-12)

    @each_class
    def test_scaled_gradients(self, reference):
        """GradScaler unscales before the step, and leaves a step out where the gradient is not finite."""
        ends = []
        for make, scaled in ((ours, True), (theirs, True), (ours, False)):
            model = Regression(torch.float32)
            optimizer = make(reference, model.parameters(), {}, lr=0.01)
            scaler = torch.amp.GradScaler("cpu", init_scale=4.0, growth_interval=2, enabled=scaled)
            for step in range(6):
                optimizer.zero_grad()
                loss = model.loss()
                scaler.scale(loss).backward()
                if step == 3:
                    if not scaled:
                        continue
                    model.bias.grad[0] = float("inf")
                scaler.step(optimizer)
                scaler.update()
            ends.append(model)
        assert_same(ends[0], ends[1], rtol=1e-6)
        assert_same(ends[0], ends[2], rtol=1e-6)

    @each_input
    def test_they_go_the_right_way(self, reference, options):
        torch.manual_seed(0)
        layer = torch.nn.Linear(5, 3)
        x = torch.randn(5)
        optimizer = OURS[reference](layer.parameters(), **copy.deepcopy(options))
        losses = []
        for _ in range(20):
            optimizer.zero_grad()
            losses.append(layer(x).square().sum())
            losses[-1].backward()
            optimizer.step()
        assert (losses[-1] > losses[0]) if options.get("maximize") else (losses[-1] < losses[0])


class TestCapturable:
    @each_capturable
    @pytest.mark.parametrize("more", [{}, {"lr": torch.tensor(0.01)}])
    def test_no_number_is_asked_for(self, reference, more, monkeypatch):
        model = Regression()
        optimizer = ours(reference, model.parameters(), {**more, "capturable": True})
        train(model, optimizer, 1)
        for p in model.parameters():
            p.grad = torch.ones_like(p)

        def refuse(*_: Any) -> None:
            raise AssertionError("the host waits for the device")

        for name in ("item", "tolist", "__bool__", "__float__", "__int__", "__index__"):
            monkeypatch.setattr(Tensor, name, refuse)
        optimizer.step()

    @each_capturable
    def test_the_steps_are_on_the_device(self, reference):
        w = torch.ones(3, device="meta", requires_grad=True)
        optimizer = ours(reference, [w], {}, capturable=True)
        w.grad = torch.ones_like(w)
        optimizer.step()
        assert optimizer.state[w]["step"].device.type == "meta"
        numbers = {"state": {0: {"step": 3.0}}, "param_groups": optimizer.state_dict()["param_groups"]}
        optimizer.load_state_dict(numbers)
        assert optimizer.state[w]["step"].device.type == "meta"


def one_step(p: Tensor, grad: Tensor, state: dict[str, Any], cls: Any, options: dict[str, Any], *_: Any) -> Any:
    """What gradcheck differentiates: parameter and state after a step, as functions of those before it."""
    p = p.clone()
    p.grad = grad
    optimizer = cls([p], **options)
    optimizer.state[p].update({k: x.clone() if isinstance(x, Tensor) else x for k, x in state.items()})
    optimizer.step()
    return p, *(x for x in optimizer.state[p].values() if isinstance(x, Tensor) and x.requires_grad)


class TestDifferentiable:
    @each_input
    @pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
    def test_with_respect_to_parameter_gradient_and_state(self, reference, options, dtype):
        options = {**in_double(options), "differentiable": True}
        torch.manual_seed(0)
        w = torch.rand(4, dtype=dtype)
        before = OURS[reference]([w], **{**options, "differentiable": False})
        for _ in range(3):
            w.grad = torch.rand(4, dtype=dtype) + 0.5
            before.step()
        state = {
            k: x.requires_grad_(k not in ("step", "mu_product"))
            for k, x in before.state_dict()["state"].get(0, {}).items()
        }
        if options.get("amsgrad"):  # away from the kink of the maximum
            state["max_exp_avg_sq"] = (state["max_exp_avg_sq"].detach() * 2).requires_grad_()
        if "acc_delta" in state:  # away from 0, where the root is steep
            away = 0.5 + 0.5j if dtype.is_complex else 0.5
            state["acc_delta"] = (state["acc_delta"].detach() + away).requires_grad_()
        p, grad = (torch.rand(4, dtype=dtype, requires_grad=True) for _ in range(2))
        assert torch.autograd.gradcheck(one_step, (p, grad, state, OURS[reference], options, *state.values()))

    @each_class
    def test_with_respect_to_the_gradient_of_the_first_step(self, reference):
        options: dict[str, Any] = {"differentiable": True, "lr": 0.1}
        options |= {"momentum": 0.9} if reference in (torch.optim.SGD, torch.optim.RMSprop) else {}
        p, grad = ((torch.rand(4, dtype=torch.float64) + 0.5).requires_grad_() for _ in range(2))
        assert torch.autograd.gradcheck(one_step, (p, grad, {}, OURS[reference], options))

    @pytest.mark.parametrize(
        ("reference", "names"),
        [
            (torch.optim.SGD, ("lr",)),
            (torch.optim.SGD, ("weight_decay",)),
            (torch.optim.SGD, ("lr", "weight_decay")),
            (torch.optim.Adagrad, ("lr",)),
            (torch.optim.RMSprop, ("lr",)),
            (torch.optim.Adam, ("lr",)),
            (torch.optim.Adam, ("lr", "weight_decay")),
            (torch.optim.Adam, ("beta1", "beta2")),
            (torch.optim.Adam, ("lr", "beta1", "beta2", "weight_decay")),
            (torch.optim.AdamW, ("lr", "weight_decay")),
        ],
    )
    @pytest.mark.parametrize("capturable", [False, True])
    def test_with_respect_to_hyperparameters_over_two_steps(self, reference, names, capturable):
        start = {"lr": 0.1, "weight_decay": 0.9, "beta1": 0.8, "beta2": 0.7}
        flags = {"differentiable": True} | ({"capturable": capturable} if reference in CAPTURABLE else {})

        def loss(w: Tensor) -> Tensor:
            w = w.clone()  # as the step changes the parameter in place
            return (w.sum() - 2) ** 2 + (w**3).sum()

        def meta_loss(w: Tensor, *values: Tensor) -> Tensor:
            options = dict(zip(names, values, strict=True))
            if "beta1" in options:
                options["betas"] = options.pop("beta1"), options.pop("beta2")
            w = w.clone()
            optimizer = OURS[reference]([w], **flags, **options)
            for _ in range(2):
                (w.grad,) = torch.autograd.grad(loss(w), w, create_graph=True)
                optimizer.step()
            return loss(w)

        torch.manual_seed(0)
        w = (torch.rand(3, dtype=torch.float64) + 0.5).requires_grad_()
        values = [torch.tensor(start[name], dtype=torch.float64, requires_grad=True) for name in names]
        assert torch.autograd.gradcheck(meta_loss, (w, *values))
        assert all(g.abs() > 0 for g in torch.autograd.grad(meta_loss(w, *values), values))

    def test_steps_cannot_be_differentiated(self):
        w = torch.ones(2, requires_grad=True).clone()
        optimizer = torch_optim.Adam([w], differentiable=True)
        optimizer.state[w]["step"] = torch.tensor(1.0, requires_grad=True)
        w.grad = torch.ones(2)
        with pytest.raises(RuntimeError, match="`requires_grad` is not supported for `step` in differentiable mode"):
            optimizer.step()


ERRORS = [
    pytest.param(reference, error, id=f"{reference.__name__} {error.optimizer_error_input.desc}")
    for reference in OURS
    for error in INFOS[reference].optim_error_inputs_func(device="cpu", dtype=torch.float32)
]


class TestErrors:
    @pytest.mark.parametrize(("reference", "error"), ERRORS)
    def test_each_of_the_database(self, reference, error):
        case = error.optimizer_error_input
        params = case.params
        if case.desc == "Tensor lr must be 1-element":  # several rates are ours, if they broadcast
            params = [torch.zeros(3)]
        if issubclass(error.error_type, Warning):
            with pytest.warns(error.error_type, match=error.error_regex):
                OURS[reference](params, **case.kwargs)
        else:
            with pytest.raises(error.error_type, match=error.error_regex):
                OURS[reference](params, **case.kwargs)

    @each_class
    @pytest.mark.parametrize(
        ("params", "error"),
        [
            ([], ValueError),
            ([3.0], TypeError),
            ([torch.ones(1), None], TypeError),
            ([{"params": "w"}], TypeError),
            ([{"params": {torch.ones(1), torch.ones(2)}}], TypeError),
            ([torch.ones(2, requires_grad=True).clone()], ValueError),
            (torch.ones(2), TypeError),
            ([{"params": [torch.ones(1)]}, [torch.ones(1)]], TypeError),
        ],
    )
    def test_parameters_of_the_wrong_kind_are_refused_in_the_same_words(self, reference, params, error):
        messages = []
        for cls in (reference, OURS[reference]):
            with pytest.raises(error) as info:
                cls(params)
            messages.append(str(info.value))
        assert messages[0] == messages[1]

    @pytest.mark.parametrize("reference", [c for c in OURS if "fused" in INFOS[c].supported_impls])
    @pytest.mark.parametrize(
        ("other", "message"),
        [
            ("foreach", "`fused` and `foreach` cannot be `True` together"),
            ("differentiable", "`fused` does not support `differentiable`"),
        ],
    )
    def test_implementations_that_exclude_each_other(self, reference, other, message):
        for cls in (reference, OURS[reference]):
            with pytest.raises(RuntimeError, match=message):
                cls([torch.ones(1)], **{"fused": True, other: True})

    @pytest.mark.parametrize("reference", [c for c in OURS if not INFOS[c].supports_sparse])
    def test_sparse_gradients_where_torch_optim_refuses_them(self, reference):
        messages = []
        for cls in (reference, OURS[reference]):
            w = torch.ones(3, requires_grad=True)
            w.grad = torch.ones(3).to_sparse()
            with pytest.raises(RuntimeError) as info:
                cls([w]).step()
            messages.append(str(info.value))
        assert messages[1].replace("AdamW", "Adam").lower().startswith(messages[0].lower())
