"""Minibatches, the training loop, and copies of a network trained side by side."""

import numpy as np
import pytest
import torch
from torch import nn

from rmsprop_lib import torch_optim
from rmsprop_lib.data import MNIST
from rmsprop_lib.training import (
    ConvCopies,
    Copies,
    Split,
    evaluate,
    fit,
    flatten,
    minibatches,
    mnist_split,
    one_thread,
    progress,
    run_copies,
    train_copies,
)

CPU = torch.device("cpu")


def blobs(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Three classes around three corners of a square."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, count)
    x = np.array([[0, 0], [2, 0], [0, 2]])[y] + 0.3 * rng.normal(size=(count, 2))
    return torch.from_numpy(x.astype(np.float32)), torch.from_numpy(y)


SPLIT = Split(blobs(600, 1), blobs(200, 2), blobs(200, 3))


def sgd(params, lr):
    return torch_optim.SGD(params, lr=lr)


def test_every_epoch_takes_every_example_once_in_a_new_order() -> None:
    batches = list(minibatches(10, 4, 2, np.random.default_rng(0)))
    assert [len(batch) for batch in batches] == [4, 4, 2, 4, 4, 2]
    first, second = np.concatenate(batches[:3]), np.concatenate(batches[3:])
    assert sorted(first) == sorted(second) == list(range(10))
    assert not np.array_equal(first, second)


def test_the_order_follows_from_the_generator() -> None:
    one, two = (list(minibatches(10, 3, 1, np.random.default_rng(5))) for _ in range(2))
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_batch_size_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="size=0 is not allowed"):
        next(minibatches(10, 0, 1, np.random.default_rng(0)))


def test_flattened_images_are_rows_between_zero_and_one() -> None:
    rows = flatten(np.array([[[0, 255], [51, 102]]], dtype=np.uint8))
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, [[0, 1, 0.2, 0.4]], rtol=1e-6)


def test_fitting_lowers_the_loss_and_returns_it_for_every_step() -> None:
    torch.manual_seed(0)
    model = nn.Linear(2, 3)
    before, _ = evaluate(model, *SPLIT.train)
    optimizer = torch_optim.RMSprop(model.parameters(), lr=0.05, alpha=0.9)
    losses = fit(model, optimizer, *SPLIT.train, minibatches(600, 50, 3, np.random.default_rng(0)))
    after, accuracy = evaluate(model, *SPLIT.train)
    assert losses.shape == (36,) and not losses.requires_grad
    assert after < 0.5 * before and accuracy > 95


def test_evaluation_switches_dropout_off() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 50), nn.Dropout(0.5), nn.Linear(50, 3))
    assert torch.equal(evaluate(model, *SPLIT.test)[0], evaluate(model, *SPLIT.test)[0])


def test_a_copy_trained_among_others_is_the_copy_trained_alone() -> None:
    sizes, rates, seeds = (2, 8, 3), [0.01, 0.3, 0.1], [4, 4, 9]
    together = train_copies(sgd, sizes, rates, seeds, SPLIT, batch_size=32, epochs=2)
    for k, (rate, seed) in enumerate(zip(rates, seeds, strict=True)):
        alone = train_copies(sgd, sizes, [rate], [seed], SPLIT, batch_size=32, epochs=2)
        for several, one in zip(together.parameters(), alone.parameters(), strict=True):
            torch.testing.assert_close(several[k], one[0], rtol=1e-4, atol=1e-5)


def test_a_copy_is_the_network_that_torch_would_build() -> None:
    copies = Copies((2, 8, 3), [0, 1], CPU)
    x = SPLIT.test[0]
    logits = copies(x)
    assert logits.shape == (2, len(x), 3)
    for k in range(2):
        first, second = nn.Linear(2, 8), nn.Linear(8, 3)
        with torch.no_grad():
            for layer, weight, bias in zip((first, second), copies.weights, copies.biases, strict=True):
                layer.weight.copy_(weight[k].T)
                layer.bias.copy_(bias[k, 0])
        torch.testing.assert_close(logits[k], second(torch.relu(first(x))))


def test_copies_take_inputs_of_their_own() -> None:
    copies = Copies((2, 3), [0, 1], CPU)
    x = SPLIT.test[0]
    torch.testing.assert_close(copies(torch.stack([x, x])), copies(x))


def test_equal_seeds_begin_equally_and_others_do_not() -> None:
    weights = Copies((2, 3), [7, 7, 8], CPU).weights[0]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_a_convolutional_copy_is_the_network_that_torch_would_build() -> None:
    copies, x = ConvCopies((3, 5), [4, 9], CPU), torch.rand(6, 784)
    logits = copies(x)
    for k in range(2):
        first, second, last = nn.Conv2d(1, 3, 5, stride=2), nn.Conv2d(3, 5, 5, stride=2), nn.Linear(80, 10)
        with torch.no_grad():
            for layer, weight, bias in zip((first, second, last), copies.weights, copies.biases, strict=True):
                layer.weight.copy_(weight[k].reshape(layer.weight.shape))
                layer.bias.copy_(bias[k, :, 0])
        alone = last(torch.relu(second(torch.relu(first(x.reshape(6, 1, 28, 28))))).flatten(1))
        torch.testing.assert_close(logits[k], alone)
    torch.testing.assert_close(copies(torch.stack([x, x])), logits)
    with torch.no_grad():
        copies.weights[0][0] *= 2
    assert torch.equal(copies(x)[1], logits[1]) and not torch.equal(copies(x)[0], logits[0])


def test_a_falling_rate_is_torchs_scheduler_and_every_loss_is_kept() -> None:
    copies, layer = Copies((2, 3), [5, 5], CPU), nn.Linear(2, 3)
    with torch.no_grad():
        layer.weight.copy_(copies.weights[0][1].T)
        layer.bias.zero_()
    met: list[int] = []
    losses = run_copies(
        copies,
        lambda p, lr: torch_optim.SGD(p, lr=lr, momentum=0.5),
        [0.3, 0.2],
        [5, 5],
        SPLIT,
        batch_size=100,
        epochs=3,
        factor=lambda step, steps: 1 - step / steps,
        after_epoch=lambda model: met.append(len(met)),
    )
    alone = torch.optim.SGD(layer.parameters(), lr=0.2, momentum=0.5)
    scheduler = torch.optim.lr_scheduler.LambdaLR(alone, lambda step: 1 - step / 18)
    expected = []
    for batch in minibatches(600, 100, 3, np.random.default_rng([5, 1])):
        expected.append(fit(layer, alone, *SPLIT.train, [batch])[0])
        scheduler.step()
    torch.testing.assert_close(losses[:, 1], torch.stack(expected))
    torch.testing.assert_close(copies.weights[0][1].T, layer.weight)
    assert losses.shape == (18, 2) and met == [0, 1, 2]


def test_a_run_can_be_cut_short_without_another_schedule() -> None:
    def losses(steps: int | None) -> torch.Tensor:
        return run_copies(
            Copies((2, 3), [5], CPU),
            sgd,
            [0.3],
            [5],
            SPLIT,
            batch_size=100,
            epochs=2,
            factor=lambda step, steps: 1 - step / steps,
            steps=steps,
        )

    assert torch.equal(losses(5), losses(None)[:5])


def test_without_batches_nothing_is_fitted_and_it_is_said() -> None:
    model = nn.Linear(2, 3)
    batches = minibatches(600, 300, 1, np.random.default_rng(0))
    for _ in range(2):
        next(batches)
    for empty in ([], batches, minibatches(600, 50, 0, np.random.default_rng(0))):
        with pytest.raises(ValueError, match="batches is empty, so nothing was trained"):
            fit(model, torch_optim.SGD(model.parameters(), lr=0.1), *SPLIT.train, empty)


@pytest.mark.parametrize(
    ("rates", "how"), [([], {}), ([0.1], {"epochs": 0}), ([0.1], {"batch_size": 601}), ([0.1], {"batch_size": 0})]
)
def test_copies_that_would_not_be_trained_are_refused(rates: list[float], how: dict[str, int]) -> None:
    model, settings = Copies((2, 3), [0], CPU), {"batch_size": 100, "epochs": 1, **how}
    with pytest.raises(ValueError, match=f"{len(rates)} rates, epochs={settings['epochs']} and batch_size="):
        run_copies(model, sgd, rates, [0] * len(rates), SPLIT, **settings)


def test_rates_and_seeds_come_in_pairs() -> None:
    with pytest.raises(ValueError, match="they have 2 and 1"):
        train_copies(sgd, (2, 3), [0.1, 0.2], [0], SPLIT)


def test_mnist_is_split_without_overlap() -> None:
    images, labels = np.arange(40, dtype=np.uint8).reshape(10, 2, 2), np.arange(10, dtype=np.uint8)
    data = MNIST(images, labels, images[:3], labels[:3])
    split = mnist_split(data, train=6, validation=4)
    assert split.train[1].tolist() == [0, 1, 2, 3, 4, 5]
    assert split.validation[1].tolist() == [6, 7, 8, 9]
    assert split.test[0].shape == (3, 4)
    with pytest.raises(ValueError, match="train=7 and validation=4"):
        mnist_split(data, train=7, validation=4)


def test_one_thread_is_given_back_afterwards() -> None:
    before = torch.get_num_threads()
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


def test_progress_goes_through_its_items_and_can_be_silenced(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TQDM_DISABLE", "1")
    assert list(progress(range(3), "quiet")) == [0, 1, 2]
    assert capfd.readouterr() == ("", "")
