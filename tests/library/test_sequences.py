"""The networks and tasks of the experiment with sequences are what their names say."""

import numpy as np
import pytest
import torch
from torch import nn

from rmsprop_lib.data import MNIST_FILE
from rmsprop_lib.experiments import sequences
from rmsprop_lib.experiments.sequences import SETTINGS, Arm


def as_torch_lstm(U: torch.Tensor, W: torch.Tensor) -> nn.LSTM:
    """Torch's LSTM with the weights of one copy; its gates are in the order i, f, g, o, its biases two."""
    m = len(W)
    order = torch.cat([torch.arange(m) + m * k for k in (1, 0, 3, 2)])
    network = nn.LSTM(len(U) - 1, m).double()
    with torch.no_grad():
        network.weight_ih_l0.copy_(U[:-1].T[order])
        network.bias_ih_l0.copy_(U[-1][order])
        network.weight_hh_l0.copy_(W.T[order])
        network.bias_hh_l0.zero_()
    return network


def test_the_lstm_of_the_adding_problem_is_torchs():
    theta = torch.from_numpy(np.stack([sequences.lstm_start(seed, 5) for seed in (1, 2)]))
    x = torch.from_numpy(sequences.adding(np.random.default_rng(3), 4)[0])
    outputs = sequences.lstm(theta, x.expand(2, *x.shape), 5)
    for row, output in zip(theta, outputs, strict=True):
        U, W, V = (matrix[0] for matrix in sequences.matrices(row[None], (3, 20), (5, 20), (6, 1)))
        _, (h, _) = as_torch_lstm(U, W)(x[..., :2])
        torch.testing.assert_close(output, (h[0] @ V[:5] + V[5])[:, 0])


def test_the_loss_on_text_is_torchs_and_the_state_is_carried_on():
    V, m = 7, 4
    theta = torch.from_numpy(sequences.text_start(3, V, m))[None]
    codes = torch.from_numpy(np.random.default_rng(4).integers(V, size=(1, 13, 2)))
    zeros = torch.zeros(1, 2, m, dtype=torch.float64)
    whole, (h, c) = sequences.text_loss(theta, codes, (zeros, zeros), V, m)
    first, state = sequences.text_loss(theta, codes[:, :6], (zeros, zeros), V, m)
    second, state = sequences.text_loss(theta, codes[:, 5:], state, V, m)
    torch.testing.assert_close((5 * first + 7 * second) / 12, whole)
    torch.testing.assert_close(state, (h, c))
    U, W, out = (matrix[0] for matrix in sequences.matrices(theta, (V + 1, 4 * m), (m, 4 * m), (m + 1, V)))
    states, _ = as_torch_lstm(U, W)(nn.functional.one_hot(codes[0, :-1], V).double())
    logits = states @ out[:m] + out[m]
    torch.testing.assert_close(nn.functional.cross_entropy(logits.flatten(0, 1), codes[0, 1:].flatten()), whole[0])


def test_the_target_is_the_sum_of_the_marked_numbers_one_in_each_half():
    x, y = sequences.adding(np.random.default_rng(5), 50)
    number, mark, one = np.moveaxis(x, -1, 0)
    assert (one == 1).all() and (mark[:10].sum(axis=0) == 1).all() and (mark[10:].sum(axis=0) == 1).all()
    np.testing.assert_allclose((number * mark).sum(axis=0), y)


def test_clipping_by_norm_is_torchs_row_by_row():
    g = torch.from_numpy(np.random.default_rng(6).normal(size=(3, 8))) * torch.tensor([[0.1], [1.0], [10.0]])
    clipped = sequences.by_norm(g, torch.tensor([[1.0], [1.0], [torch.inf]]))
    torch.testing.assert_close(clipped[[0, 2]], g[[0, 2]])
    torch.testing.assert_close(clipped[1], g[1] / g[1].norm())


@pytest.mark.parametrize("network", ["LSTM", "identity"])
def test_a_copy_learns_as_if_it_were_alone(network: str):
    arms = [
        Arm(0.9, 1.0, "falling", 0.01, 1),
        Arm(0.99, None, "constant", 0.003, 2),
        Arm(0.9, 1.0, "constant", 0.01, 1),
    ]
    together = sequences.train(SETTINGS, network, "RMSprop", arms, steps=4)
    for k, arm in enumerate(arms):
        alone = sequences.train(SETTINGS, network, "RMSprop", [arm], steps=4)
        np.testing.assert_allclose(together.losses[:, k], alone.losses[:, 0], rtol=1e-3)
    assert together.losses[1, 0] == pytest.approx(together.losses[1, 2]) != together.losses[2, 0]


def test_a_copy_reads_as_if_it_were_alone():
    arms = [Arm(0.9, 5.0, "constant", 0.01, 1), Arm(0.99, None, "falling", 0.003, 2)]
    together = sequences.read(SETTINGS, "RMSprop", arms, steps=3)
    alone = sequences.read(SETTINGS, "RMSprop", arms[1:], steps=3)
    np.testing.assert_allclose(together.losses[:, 1], alone.losses[:, 0], rtol=1e-3)
    assert together.losses[0] == pytest.approx(np.log(sequences.encoded(15_000)[0]), abs=0.1)
    assert (together.clipped[:, 1] == 0).all()


def test_the_text_comes_with_its_licence_and_is_split_without_overlap():
    count, parts = sequences.encoded(15_000)
    assert [len(part) for part in parts.values()] == [120_000, 15_000, 15_000]
    assert count == len(set(sequences.text())) == 91
    assert "Creative Commons" in MNIST_FILE.with_name("LICENSE-BOOK.md").read_text(encoding="utf-8")
