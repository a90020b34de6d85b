"""A small transformer that reads this book's text by characters, and twenty ways to train it.

Recorded for chapter 17. Every rate is tuned, every rate falls to zero along a line. Tuning and reporting have seeds of
their own; a seed decides the initial weights and the places of the text that are read, so that methods can be compared
seed by seed.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from rmsprop_lib.extras import naming_extras

with naming_extras():
    import torch
    from torch import Tensor, nn
    from torch.nn import functional

from rmsprop_lib import torch_optim
from rmsprop_lib.experiments.search import best_rate
from rmsprop_lib.experiments.sequences import encoded
from rmsprop_lib.experiments.steps import FACTORS
from rmsprop_lib.training import one_thread

SETTINGS: dict[str, Any] = {
    "width": 64,
    "heads": 4,
    "blocks": 2,
    "context": 64,
    "batch": 16,
    "steps": 400,
    "warmup": 40,
    # Training losses are kept as means over so many steps.
    "block": 20,
    "held_out": 15_000,
    # The characters by their share of the training text: at least so much, or less than the last.
    "shares": [0.02, 0.005, 0.001],
    # After so many steps the loss of each class of characters is measured on the validation text.
    "measured": [20, 50, 100, 200, 400],
    "rates_per_decade": 3,
    "tuning_seeds": [0, 1, 2],
    "seeds": [11, 12, 13, 14, 15],
    # The first grid of rates of each way to train, from and to in thirds of a decade.
    "start": {
        "SGD": [-2, 0],
        "momentum/0.9": [-4, -2],
        "momentum/0.98": [-6, -4],
        "normalised momentum/0.9": [-2, 0],
        "sign": [-9, -7],
        "sign momentum/0.9": [-8, -6],
        "sign momentum/0.98": [-9, -7],
        "RMSprop/0.9": [-8, -6],
        "RMSprop/0.99": [-8, -6],
        "RMSprop/0.999": [-8, -6],
        "RMSprop, corrected/0.9": [-8, -6],
        "RMSprop, corrected/0.99": [-8, -6],
        "RMSprop, corrected/0.999": [-8, -6],
        "Adam/0.95": [-7, -5],
        "Adam/0.99": [-7, -5],
        "Adam/0.999": [-7, -5],
        "Adam/0.95/warm-up": [-7, -5],
        "momentum/0.9/warm-up": [-3, -1],
        "RMSprop, corrected/0.99/warm-up": [-7, -5],
        "AdamW/1.0": [-7, -5],
    },
}
COMPARED = ("test_loss", "losses")


class Block(nn.Module):
    """Causal attention and a layer of ReLUs, each after a normalisation and added to what came in.

    Parameters
    ----------
    width : int
        Numbers for each position.
    heads : int
        Of attention; divides the width.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.queries, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """The block's output, of the shape (B, N, width) of its input."""
        parts = self.queries(self.norm1(x)).chunk(3, dim=-1)
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)
        attention = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(attention.transpose(1, 2).flatten(2))
        y: Tensor = x + self.down(torch.relu(self.up(self.norm2(x))))
        return y


class Transformer(nn.Module):
    """A transformer that predicts each character of a text from those before it.

    Matrices are drawn from a normal distribution of variance one over their inputs, embeddings of one over the width,
    by NumPy; biases are 0.

    Parameters
    ----------
    settings : dict
        As :data:`SETTINGS`.
    characters : int
        Different ones.
    seed : int
    """

    def __init__(self, settings: dict[str, Any], characters: int, seed: int) -> None:
        super().__init__()
        width = settings["width"]
        self.embedding, self.places = nn.Embedding(characters, width), nn.Embedding(settings["context"], width)
        self.blocks = nn.Sequential(*(Block(width, settings["heads"]) for _ in range(settings["blocks"])))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, characters)
        rng = np.random.default_rng([seed, 7])
        with torch.no_grad():
            for name, p in self.named_parameters():
                if p.ndim > 1:
                    p.copy_(torch.from_numpy(rng.standard_normal(p.shape) / p.shape[1] ** 0.5))
                elif name.endswith("bias"):
                    p.zero_()

    def forward(self, codes: Tensor) -> Tensor:
        """Logits of shape (B, N, characters) for codes of shape (B, N)."""
        x = self.embedding(codes) + self.places.weight[: codes.shape[1]]
        logits: Tensor = self.head(self.norm(self.blocks(x)))
        return logits


class NormalisedMomentum(torch.optim.Optimizer):
    """Steps whose length is the rate: an average of gradients over its norm, which is taken over all parameters.

    Parameters
    ----------
    params : iterable of tensors
    lr : float
    beta : float in [0, 1)
        Decay of the average; 0 for the gradient itself.
    """

    def __init__(self, params: Iterable[Tensor], lr: float, beta: float) -> None:
        super().__init__(params, {"lr": lr, "beta": beta})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Take a step."""
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            for p in params:
                m = self.state[p].setdefault("exp_avg", torch.zeros_like(p))
                m.lerp_(p.grad, 1 - group["beta"])
            averages = [self.state[p]["exp_avg"] for p in params]
            norm = torch.stack([m.norm() for m in averages]).norm()
            for p, m in zip(params, averages, strict=True):
                p.sub_(group["lr"] * m / norm)


def groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """A model's parameters in two groups: matrices that decay, and biases, gains and embeddings that do not.

    Parameters
    ----------
    model : module
    weight_decay : float
        λ of the first group.

    Returns
    -------
    list of dict
        For the constructor of an optimizer.
    """
    matrices = {id(module.weight) for module in model.modules() if isinstance(module, nn.Linear)}
    return [
        {"params": [p for p in model.parameters() if id(p) in matrices], "weight_decay": weight_decay},
        {"params": [p for p in model.parameters() if id(p) not in matrices], "weight_decay": 0.0},
    ]


def optimizer(model: nn.Module, key: str, rate: float) -> torch.optim.Optimizer:
    """The optimizer of one way to train.

    Parameters
    ----------
    model : module
    key : str
        One of :func:`keys`: a method, its decay (of AdamW the weight decay), and perhaps a schedule.
    rate : float

    Returns
    -------
    torch.optim.Optimizer
    """
    method, *rest = key.split("/")
    decay, params = float(rest[0]) if rest else 0.0, list(model.parameters())
    make: dict[str, Callable[[], torch.optim.Optimizer]] = {
        "SGD": lambda: torch_optim.SGD(params, rate),
        "momentum": lambda: torch_optim.SGD(params, rate, momentum=decay),
        "normalised momentum": lambda: NormalisedMomentum(params, rate, decay),
        "sign": lambda: torch_optim.Lion(params, rate, betas=(0.0, 0.0)),
        "sign momentum": lambda: torch_optim.Lion(params, rate, betas=(decay, decay)),
        "RMSprop": lambda: torch_optim.RMSprop(params, rate, alpha=decay),
        "RMSprop, corrected": lambda: torch_optim.RMSprop(params, rate, alpha=decay, bias_correction=True),
        "Adam": lambda: torch_optim.Adam(params, rate, betas=(0.9, decay)),
        "AdamW": lambda: torch_optim.Adam(groups(model, decay), rate, betas=(0.9, 0.99), decoupled_weight_decay=True),
    }
    return make[method]()


def factor(settings: dict[str, Any], key: str, t: int) -> float:
    """What the rate is multiplied by at step t, counted from 1: a line down to 0, perhaps after a line up."""
    fall = FACTORS["falling"](t, settings["steps"])
    return min(t / settings["warmup"], 1.0) * fall if key.endswith("/warm-up") else fall


class State(NamedTuple):
    """A run after a step: its number, the loss of its minibatch before it, and the model."""

    t: int
    loss: Tensor
    model: Transformer


def batches(settings: dict[str, Any], seed: int) -> Iterator[Tensor]:
    """Pieces of the training text, without end.

    Parameters
    ----------
    settings : dict
        As :data:`SETTINGS`.
    seed : int
        Of their places.

    Yields
    ------
    tensor of int, shape (batch, context + 1)
    """
    text = encoded(settings["held_out"])[1]["train"]
    rng = np.random.default_rng([seed, 1])
    along = np.arange(settings["context"] + 1)
    while True:
        first = rng.integers(len(text) - settings["context"], size=settings["batch"])
        yield text[torch.from_numpy(first[:, None] + along)]


def text_loss(model: nn.Module, codes: Tensor) -> Tensor:
    """The mean loss of predicting each character from those before it, in nats.

    Parameters
    ----------
    model : Transformer
    codes : tensor of int, shape (B, N + 1)

    Returns
    -------
    tensor
    """
    return functional.cross_entropy(model(codes[:, :-1]).flatten(0, 1), codes[:, 1:].flatten())


def train(settings: dict[str, Any], key: str, rate: float, seed: int) -> Iterator[State]:
    """Train one transformer.

    Parameters
    ----------
    settings : dict
        As :data:`SETTINGS`.
    key : str
        One of :func:`keys`.
    rate : float
        The highest.
    seed : int

    Yields
    ------
    State
        After each step, the first first.
    """
    model = Transformer(settings, encoded(settings["held_out"])[0], seed)
    steps = optimizer(model, key, rate)
    for t, codes in zip(range(1, settings["steps"] + 1), batches(settings, seed), strict=False):
        for group in steps.param_groups:
            group["lr"] = rate * factor(settings, key, t)
        steps.zero_grad()
        loss = text_loss(model, codes)
        loss.backward()
        steps.step()
        yield State(t, loss.detach(), model)


def classes(settings: dict[str, Any]) -> np.ndarray:
    """The class of each character by its share of the training text, 0 for the most frequent.

    Parameters
    ----------
    settings : dict
        As :data:`SETTINGS`.

    Returns
    -------
    array of int, shape (characters,)
    """
    characters, parts = encoded(settings["held_out"])
    shares = np.bincount(parts["train"].numpy(), minlength=characters) / len(parts["train"])
    found: np.ndarray = (shares[:, None] < np.array(settings["shares"])).sum(axis=1)
    return found


@torch.no_grad()
def held_out(settings: dict[str, Any], model: nn.Module, part: str) -> np.ndarray:
    """The loss on text that was kept apart: of all characters, then of each class of :func:`classes`.

    Parameters
    ----------
    settings : dict
        As :data:`SETTINGS`.
    model : Transformer
    part : {"validation", "test"}

    Returns
    -------
    array of shape (1 + classes,)
        Nats per character, infinite where it is not a number.
    """
    N = settings["context"]
    codes = encoded(settings["held_out"])[1][part].unfold(0, N + 1, N)
    logits = torch.cat([model(some[:, :-1]) for some in codes.split(32)])
    each = functional.cross_entropy(logits.flatten(0, 1), codes[:, 1:].flatten(), reduction="none").double().numpy()
    of = classes(settings)[codes[:, 1:].flatten().numpy()]
    means = [each.mean(), *(each[of == k].mean() for k in range(len(settings["shares"]) + 1))]
    return np.asarray(np.nan_to_num(means, nan=np.inf))


@one_thread()
def run(settings: dict[str, Any], key: str, rate: float, seed: int) -> dict[str, np.ndarray]:
    """Train one transformer to the end and measure it.

    Parameters
    ----------
    settings : dict
        As :data:`SETTINGS`.
    key : str
        One of :func:`keys`.
    rate : float
    seed : int

    Returns
    -------
    dict
        ``losses``: of training, means over blocks of steps; ``by_class``: as :func:`held_out` gives it on the
        validation text, of shape (measurements, 1 + classes); ``test_loss``; ``test_by_class``.
    """
    losses, by_class = [], []
    for state in train(settings, key, rate, seed):
        losses.append(float(state.loss))
        if state.t in settings["measured"]:
            by_class.append(held_out(settings, state.model, "validation"))
        if not np.isfinite(losses[-1]):
            never = np.full(len(settings["shares"]) + 2, np.inf)
            return {"by_class": np.tile(never, (len(settings["measured"]), 1)), "test_loss": never[0]}
    test = held_out(settings, state.model, "test")
    return {
        "losses": np.array(losses).reshape(-1, settings["block"]).mean(axis=1),
        "by_class": np.array(by_class),
        "test_loss": test[0],
        "test_by_class": test[1:],
    }


def keys(settings: dict[str, Any]) -> list[str]:
    """The ways to train.

    Parameters
    ----------
    settings : dict
        As :data:`SETTINGS`.

    Returns
    -------
    list of str
    """
    return list(settings["start"])


def piece(settings: dict[str, Any], key: str) -> dict[str, Any]:
    """Tune the rate of one way to train, then report it with other seeds.

    Parameters
    ----------
    settings : dict
        As :data:`SETTINGS`.
    key : str
        One of :func:`keys`.

    Returns
    -------
    dict
        ``rates``, ``losses_tried``: what was tried, and the loss on the validation text at the end; ``best``: the rate
        that was chosen; the results of :func:`run` by name, with an axis of seeds at the front.
    """

    def last(rates: list[float]) -> np.ndarray:
        return np.array(
            [[run(settings, key, r, s)["by_class"][-1, 0] for s in settings["tuning_seeds"]] for r in rates]
        )

    found = best_rate(last, settings["start"][key], settings["rates_per_decade"], further=1)
    runs = [run(settings, key, found.rate, seed) for seed in settings["seeds"]]
    return {
        "rates": found.rates,
        "losses_tried": found.losses,
        "best": found.rate,
        **{name: np.array([one[name] for one in runs]) for name in runs[0]},
    }
