"""The transformer of chapter 17 looks back only, and its ways to train do what their names say."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rmsprop_lib.experiments import words
from rmsprop_lib.experiments.words import SETTINGS, NormalisedMomentum, Transformer
from rmsprop_lib.torch_optim import Lion


@pytest.fixture
def model() -> Transformer:
    return Transformer(SETTINGS, 91, seed=3)


def test_a_logit_depends_on_no_later_character(model: Transformer) -> None:
    codes = torch.arange(20)[None]
    changed = codes.clone()
    changed[0, 12:] = 90
    before, after = model(codes), model(changed)
    assert torch.equal(before[0, :12], after[0, :12])
    assert not torch.isclose(before[0, 12], after[0, 12]).all()


def test_biases_start_at_zero_and_gains_at_one(model: Transformer) -> None:
    vectors = {name: p for name, p in model.named_parameters() if p.ndim == 1}
    assert all((p == (0 if name.endswith("bias") else 1)).all() for name, p in vectors.items())


def test_its_matrices_and_nothing_else_decay(model: Transformer) -> None:
    decay, keep = words.groups(model, 0.1)
    linear = {module.weight for module in model.modules() if isinstance(module, nn.Linear)}
    assert set(decay["params"]) == linear and decay["weight_decay"] == 0.1
    assert set(decay["params"]) | set(keep["params"]) == set(model.parameters())
    assert not set(decay["params"]) & set(keep["params"]) and keep["weight_decay"] == 0.0


def stepped(make: Callable[[list[Tensor]], torch.optim.Optimizer], gradients: list[list[float]]) -> Tensor:
    p = nn.Parameter(torch.zeros(2))
    optimizer = make([p])
    for g in gradients:
        p.grad = torch.tensor(g)
        optimizer.step()
    return p.detach()


def test_signs_go_by_the_average_of_gradients() -> None:
    gradients = [[3.0, -1.0], [-1.0, -1.0]]
    assert stepped(lambda p: Lion(p, 0.1, (0.0, 0.0)), gradients).tolist() == pytest.approx([0.0, 0.2])
    assert stepped(lambda p: Lion(p, 0.1, (0.9, 0.9)), gradients).tolist() == pytest.approx([-0.2, 0.2])


def test_a_normalised_step_is_as_long_as_the_rate() -> None:
    end = stepped(lambda p: NormalisedMomentum(p, 0.1, 0.9), [[3.0, -4.0]])
    assert end.tolist() == pytest.approx([-0.06, 0.08])


def test_rates_fall_to_zero_and_rise_before_if_there_is_a_warm_up() -> None:
    steps, warm = SETTINGS["steps"], SETTINGS["warmup"]
    plain = [words.factor(SETTINGS, "Adam/0.95", t) for t in range(1, steps + 1)]
    risen = [words.factor(SETTINGS, "Adam/0.95/warm-up", t) for t in range(1, steps + 1)]
    assert plain[0] == 1 and plain[-1] == pytest.approx(1 / steps)
    assert risen[0] == pytest.approx(1 / warm) and risen[warm - 1 :] == plain[warm - 1 :]


def test_every_way_to_train_takes_a_step(model: Transformer) -> None:
    small = {**SETTINGS, "steps": 1, "batch": 2}
    for key in words.keys(SETTINGS):
        state = next(words.train(small, key, 1e-3, 3))
        change = [
            torch.max(torch.abs(p - q)) for p, q in zip(state.model.parameters(), model.parameters(), strict=True)
        ]
        assert max(change) > 0 and np.isfinite(float(state.loss))


def test_the_classes_go_from_frequent_to_rare_characters() -> None:
    characters, parts = words.encoded(SETTINGS["held_out"])
    shares = np.bincount(parts["train"].numpy(), minlength=characters) / len(parts["train"])
    of = words.classes(SETTINGS)
    for k, (low, high) in enumerate([(0.02, 1), (0.005, 0.02), (0.001, 0.005), (0, 0.001)]):
        assert (of == k).any() and (shares[of == k] >= low).all() and (shares[of == k] < high).all()
