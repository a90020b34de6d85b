"""Actor-critic and Q-learning: returns in closed form, gradients by differences, and players that do not meet."""

from itertools import islice

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from rmsprop_lib.experiments import games  # noqa: E402
from rmsprop_lib.games import Orchard  # noqa: E402
from rmsprop_lib.training.players import (  # noqa: E402
    Network,
    Scores,
    actor_critic_loss,
    drawn,
    n_step_returns,
    q_targets,
)


def test_a_return_is_the_discounted_sum_and_the_value_of_the_state_after_it():
    rng = np.random.default_rng(1)
    reward, ahead = rng.normal(size=(6, 3)), rng.normal(size=3)
    found = n_step_returns(reward, np.zeros((6, 3), bool), ahead, 0.9)
    for n in range(6):
        powers = 0.9 ** np.arange(6 - n)
        assert found[n] == pytest.approx(powers @ reward[n:] + 0.9 ** (6 - n) * ahead)


def test_the_return_ends_where_a_game_is_over_and_goes_on_with_the_value_where_the_time_was_up():
    reward, ahead = np.ones((4, 2)), np.array([10.0, 10.0])
    over, beyond = np.zeros((4, 2), bool), np.zeros((4, 2))
    over[1] = True
    beyond[1, 1] = 8.0  # the second game's time was up in a state of value 8
    found = n_step_returns(reward, over, ahead, 0.5, beyond)
    assert found[:, 0] == pytest.approx([1.5, 1, 1 + 0.5 + 0.25 * 10, 1 + 0.5 * 10])
    assert found[:, 1] == pytest.approx([1 + 0.5 * (1 + 4), 1 + 4, 4, 6])


def test_the_loss_has_the_policy_gradient_of_the_advantage():
    """By differences: the advantage is held fixed, the value's error is not."""
    rng = np.random.default_rng(2)
    out = torch.tensor(rng.normal(size=(5, 4)), requires_grad=True)
    action, returns = torch.tensor([0, 2, 1, 2, 0]), torch.tensor(rng.normal(size=5))
    (g,) = torch.autograd.grad(actor_critic_loss(out, action, returns, 0.03), out)
    at, advantage = out.detach().numpy(), (returns - out[:, -1]).detach().numpy()

    def by_hand(x):
        policy = np.exp(x[:, :-1]) / np.exp(x[:, :-1]).sum(1, keepdims=True)
        log = np.log(policy)
        error = returns.numpy() - x[:, -1]
        entropy = -(policy * log).sum(1)
        return np.mean(-log[np.arange(5), action.numpy()] * advantage + 0.5 * error**2 - 0.03 * entropy)

    for place in np.ndindex(5, 4):
        shift = np.zeros((5, 4))
        shift[place] = 1e-6
        assert g[place].item() == pytest.approx((by_hand(at + shift) - by_hand(at - shift)) / 2e-6, abs=1e-8)


def test_the_mean_of_the_policy_gradient_is_that_of_the_expected_return():
    """For one step and no value: the expectation over actions is the derivative of Σ π(a) r(a)."""
    logits, r = torch.tensor([0.3, -0.2, 0.8], dtype=torch.float64, requires_grad=True), torch.tensor([1.0, 3.0, -2.0])
    (exact,) = torch.autograd.grad((torch.softmax(logits, 0) * r).sum(), logits)
    out = torch.cat([logits, torch.zeros(1, dtype=torch.float64)]).expand(3, 1, 4)
    each = actor_critic_loss(out, torch.arange(3)[:, None], r[:, None].double(), 0.0)
    mean = -(torch.softmax(logits, 0).detach() * each).sum()
    (found,) = torch.autograd.grad(mean, logits)
    assert torch.allclose(found, exact)


def test_actions_are_drawn_with_the_policys_probabilities():
    out = torch.log(torch.tensor([[[0.5, 0.2, 0.3]]], dtype=torch.float64))
    u = np.random.default_rng(3).random(20_000)
    actions = np.array([drawn(out, np.array([[x]]))[0, 0] for x in u[:4000]])
    assert np.bincount(actions, minlength=3) / 4000 == pytest.approx([0.5, 0.2, 0.3], abs=0.03)
    assert drawn(out, np.array([[0.0]])) == 0 and drawn(out, np.array([[0.999999]])) == 2


def test_a_target_has_no_future_where_the_game_is_over():
    out = np.array([[1.0, 4.0, 2.0], [1.0, 4.0, 2.0]])
    assert q_targets(out, np.array([0.5, 0.5]), np.array([False, True]), 0.9) == pytest.approx([0.5 + 3.6, 0.5])


def test_the_sum_of_lit_rows_is_the_product_with_pixels():
    game = Orchard([1, 2], games=5, size=6)
    network = Network(game.inputs, 8, 4)
    theta = network.start([1, 2])
    screens = torch.from_numpy(game.pixels(game.state).reshape(2, 5, -1))
    assert torch.allclose(network.out(theta, torch.from_numpy(game.lit(game.state))), network.out(theta, screens))
    assert theta.shape == (2, network.weights)


def test_scores_are_those_of_the_games_that_ended_last():
    scores = Scores((1, 2))
    scores.add(np.array([[1.0, 2.0]]), np.array([[False, True]]))
    scores.add(np.array([[1.0, 5.0]]), np.array([[False, False]]))
    assert scores.mean().tolist() == [1.0]
    scores.add(np.array([[1.0, 1.0]]), np.array([[True, True]]))
    assert scores.mean().tolist() == [(3 + 6) / 2]


@pytest.mark.parametrize("task", ["orchard", "poles", "orchard by Q-learning"])
def test_a_player_learns_the_same_alone_and_beside_others(task):
    arms = [games.Arm(0.99, 0.01, seed) for seed in (5, 6, 7)]
    together = games.learn(games.SETTINGS, task, "RMSprop", arms, 60)
    alone = games.learn(games.SETTINGS, task, "RMSprop", arms[1:2], 60)
    assert together[:, 1] == pytest.approx(alone[:, 0], abs=1e-9)
    assert not np.array_equal(together[:, 0], together[:, 2])


@pytest.mark.parametrize(("task", "updates"), [("orchard", 400), ("orchard by Q-learning", 1000)])
def test_a_player_learns(task, updates):
    """A player who does not look scores a half."""
    arms = [games.Arm(0.99, 0.01, seed) for seed in (5, 6)]
    scores = games.learn(games.SETTINGS, task, "RMSprop", arms, updates)
    assert scores[-100:].mean() > 1.2


def test_the_target_network_stands_still_between_its_updates():
    """At rate 0 nothing moves, and the loss of a memory of steps without reward is that of the first network."""
    arms = [games.Arm(0.99, 0.0, 3)]
    first, *_, last = islice(games.progress(games.SETTINGS, "orchard by Q-learning", "RMSprop", arms), 5)
    assert torch.equal(first.theta, last.theta)
