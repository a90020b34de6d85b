"""The exercises of chapter 14, speed."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from rmsprop_lib import rules
from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake


def _bytes(n: int, k: int, w_theta: int, w_g: int, w_s: int) -> int:
    read = w_theta + w_g + k * w_s
    written = w_theta + k * w_s
    return n * (read + written)


BYTES = Exercise(
    name="speed-bytes",
    chapter="14_speed",
    task="The bytes that one pass in place moves for a step on n parameters with k accumulators each: w_theta bytes "
    "for a parameter, w_g for its gradient, w_s for each accumulator.",
    takes="n k w_theta w_g w_s",
    returns="moved",
    reference=_bytes,
    cases=(
        Case({"n": 1000, "k": 1, "w_theta": 4, "w_g": 4, "w_s": 4}),
        Case({"n": 1000, "k": 2, "w_theta": 4, "w_g": 2, "w_s": 4}),
        Case({"n": 30, "k": 3, "w_theta": 8, "w_g": 4, "w_s": 2}),
        Case({"n": 500, "k": 0, "w_theta": 2, "w_g": 2, "w_s": 4}),
    ),
    mistakes=(
        Mistake(
            "gradient left out",
            lambda n, k, w_theta, w_g, w_s: _bytes(n, k, w_theta, 0, w_s),
            "You leave the gradient out. When the step begins it lies in memory like everything else, and each of its "
            "elements changes a result.",
        ),
        Mistake(
            "gradient written",
            lambda n, k, w_theta, w_g, w_s: _bytes(n, k, w_theta, 2 * w_g, w_s),
            "You move the gradient twice. The step looks at it and leaves it as it is.",
        ),
        Mistake(
            "parameter moved once",
            lambda n, k, w_theta, w_g, w_s: _bytes(n, k, w_theta, w_g, w_s) - n * w_theta,
            "You move each parameter once. The step needs the old value and leaves a new one in its place.",
        ),
        Mistake(
            "accumulators moved once",
            lambda n, k, w_theta, w_g, w_s: n * (2 * w_theta + w_g + k * w_s),
            "You move each accumulator once. If it were only read, the next step would begin with the old one; if it "
            "were only written, it would have forgotten everything before this gradient.",
        ),
        Mistake(
            "held, not moved",
            lambda n, k, w_theta, w_g, w_s: n * (w_theta + w_g + k * w_s),
            "You add up what the arrays take in memory. That is room, not traffic: what a step changes passes twice "
            "between memory and cache.",
            read="Memory",
        ),
        Mistake(
            "one accumulator, always",
            lambda n, k, w_theta, w_g, w_s: _bytes(n, 1, w_theta, w_g, w_s),
            "You count one accumulator for every rule. k says how many there are: none in SGD, two in Adam.",
        ),
        Mistake(
            "lines fetched before they are written",
            lambda n, k, w_theta, w_g, w_s: n * (3 * w_theta + w_g + 3 * k * w_s),
            "You let a line be fetched before it is written to. In place the pass has just read that line; only "
            "results that go to new arrays cost this further read.",
        ),
        Mistake(
            "words, not bytes",
            lambda n, k, w_theta, w_g, w_s: _bytes(n, k, 1, 1, 1),
            "You count numbers. The question asks for bytes, and the numbers here do not all have equally many.",
        ),
        Mistake(
            "one size for all",
            lambda n, k, w_theta, w_g, w_s: _bytes(n, k, w_theta, w_theta, w_theta),
            "You give every number as many bytes as a parameter. That is the theorem's formula, which has one size "
            "for all three; here gradients and accumulators have sizes of their own.",
        ),
        Mistake(
            "for one parameter",
            lambda n, k, w_theta, w_g, w_s: _bytes(1, k, w_theta, w_g, w_s),
            "That is right for a single parameter; there are n of them.",
        ),
    ),
    hints=(
        "Go through the three kinds of arrays. Which are read, which are written, and how wide is a number in each?",
        "A parameter is read and written, a gradient is read, each of the k accumulators is read and written. Give "
        "each its own number of bytes, add, and multiply by n.",
    ),
    read="What a step has to move",
)


def _clipped(g: Any, norm: Any, c: Any) -> Any:
    return g * min(1.0, c / norm)


_clip_cases = tuple(
    Case({"g": np.array(shards[own]), "squares": np.array([sum(x * x for x in s) for s in shards]), "c": c})
    for shards, own, c in (
        (([3.0, -1.0, 0.5], [0.5, 0.25, -0.5], [2.0, 6.0, -1.0]), 0, 1.0),
        (([3.0, -1.0, 0.5], [0.5, 0.25, -0.5], [2.0, 6.0, -1.0]), 1, 4.0),  # short itself, part of something long
        (([0.25, 0.5], [-0.75, 0.5]), 1, 1.25),  # nothing is due, though the lengths add up to more
        (([8.0, 6.0], [0.0, 0.0], [1.0, 2.0, 4.0]), 1, 0.5),  # nothing but zeros on this machine
        (([8.0, 6.0], [0.0, 0.0], [1.0, 2.0, 4.0]), 2, 0.5),
    )
)


CLIP = Exercise(
    name="speed-clip",
    chapter="14_speed",
    task="One machine's shard g of a gradient, after the whole gradient has been clipped to the length c; squares has "
    "the sum of squares of every machine's shard, this machine's too.",
    takes="g squares c",
    returns="clipped",
    reference=lambda g, squares, c: _clipped(g, np.sqrt(np.sum(squares)), c),
    cases=_clip_cases,
    mistakes=(
        Mistake(
            "by the shard's own length",
            lambda g, squares, c: _clipped(g, np.sqrt(np.sum(g * g)), c),
            "You clip each shard by its own length. The machines then scale by different numbers, so that the whole "
            "gradient changes its direction, and it stays longer than c.",
        ),
        Mistake(
            "lengths added",
            lambda g, squares, c: _clipped(g, np.sum(np.sqrt(squares)), c),
            "You add the lengths of the shards. Lengths do not add up; squares of lengths do. Your sum is too large, "
            "so that gradients are clipped too short, and some that are short enough are clipped as well.",
        ),
        Mistake(
            "root forgotten",
            lambda g, squares, c: _clipped(g, np.sum(squares), c),
            "You compare c with the sum of squares. That is the square of a length.",
        ),
        Mistake(
            "always scaled",
            lambda g, squares, c: g * c / np.sqrt(np.sum(squares)),
            "You scale every gradient to the length c, and so lengthen those that were shorter.",
        ),
        Mistake(
            "lengthened, not shortened",
            lambda g, squares, c: g * max(1.0, c / np.sqrt(np.sum(squares))),
            "Of the two factors you take the larger one: long gradients stay as they are, short ones become longer.",
        ),
        Mistake(
            "squares averaged",
            lambda g, squares, c: _clipped(g, np.sqrt(np.mean(squares)), c),
            "You average the sums of squares over the machines. The shards are parts of one gradient, so their sums of "
            "squares add up; the more machines there are, the longer your clipped gradient is.",
        ),
        Mistake(
            "own shard counted twice",
            lambda g, squares, c: _clipped(g, np.sqrt(np.sum(squares) + np.sum(g * g)), c),
            "You add this shard's squares to a sum that has them already. Every machine then finds another length.",
        ),
        Mistake(
            "each element clipped",
            lambda g, squares, c: np.clip(g, -c, c),
            "You cut each element at c. That needs no other machine, but it is another kind of clipping: it changes "
            "the direction, and what remains can be longer than c.",
        ),
    ),
    hints=(
        "By which number would a single machine with the whole gradient scale it? How does that follow from squares?",
        "The length of the whole gradient is the root of the sum of squares. Multiply the shard by c over this "
        "length, but never by more than 1.",
    ),
    read="Many machines",
    accuracy=1e-5,  # torch's clip_grad_norm_ adds 1e-6 to the length
)


def _mine(x: Any, m: int, machines: int) -> Any:
    """The slice of ``x`` that machine ``m`` holds."""
    return np.split(x, machines)[m]


def _shard_step(g: Any, theta: Any, v: Any, eta: Any, rho: Any, eps: Any, inside: bool = False) -> Any:
    """The step of a shard with the gradient ``g`` of that shard."""
    d, v = rules.rmsprop(g, v, rho, eps, inside)
    return theta - eta * d, v


def _with_mean_gradient(theta: Any, v: Any, g: Any, m: int, eta: Any, rho: Any, eps: Any) -> Any:
    return _shard_step(_mine(g.mean(axis=0), m, len(g)), theta, v, eta, rho, eps)


def _squares_averaged(theta: Any, v: Any, g: Any, m: int, eta: Any, rho: Any, eps: Any) -> Any:
    v = rules.ema(v, _mine((g**2).mean(axis=0), m, len(g)), rho)
    return theta - eta * _mine(g.mean(axis=0), m, len(g)) / (rules.sqrt(v) + eps), v


def _steps_averaged(theta: Any, v: Any, g: Any, m: int, eta: Any, rho: Any, eps: Any) -> Any:
    steps = [_shard_step(_mine(row, m, len(g)), theta, v, eta, rho, eps) for row in g]
    return tuple(np.mean(results, axis=0) for results in zip(*steps, strict=True))


def _shard_cases() -> tuple[Case, ...]:
    # Shards with as many elements as there are machines: a mean over the wrong axis then has a shard's shape.
    rng = np.random.default_rng(14)
    cases = []
    for machines, m, rho, eta in ((2, 1, 0.9, 0.1), (3, 0, 0.75, 0.5), (4, 2, 0.5, 0.25)):
        gradients = list(rng.normal(0.5, 2.0, (4, machines, machines**2)))
        gradients[0][:, m * machines] = 0.0
        theta = rng.normal(size=machines)
        given = {"theta": theta, "v": np.zeros(machines), "m": m, "eta": eta, "rho": rho, "eps": 0.25}
        cases.append(Case(given, {"g": gradients}))
    return tuple(cases)


SHARD = Exercise(
    name="speed-shard",
    chapter="14_speed",
    task="The parameters and the average of machine m (counted from 0) after a step of RMSprop on its shard alone; "
    "row j of g is the whole gradient of machine j's share of the batch.",
    takes="theta v g m eta rho eps",
    returns="theta v",
    reference=_with_mean_gradient,
    cases=_shard_cases(),
    mistakes=(
        Mistake(
            "own gradient alone",
            lambda theta, v, g, m, *rest: _shard_step(_mine(g[m], m, len(g)), theta, v, *rest),
            "You step with machine m's own gradient. That is the gradient of its share of the batch, and what the "
            "other machines have computed for these parameters is lost.",
        ),
        Mistake(
            "gradients summed",
            lambda theta, v, g, m, *rest: _shard_step(_mine(g.sum(axis=0), m, len(g)), theta, v, *rest),
            "You add up the machines' gradients. The loss is a mean over the batch, and your gradient grows with the "
            "number of machines. RMSprop hides most of this, since it divides by the gradient's size; ε does not.",
        ),
        Mistake(
            "the first machine's slice",
            lambda theta, v, g, m, *rest: _shard_step(_mine(g.mean(axis=0), 0, len(g)), theta, v, *rest),
            "You take the first slice of the gradient on every machine. The other machines' parameters then follow a "
            "gradient that belongs to other parameters, and nothing raises, since the shapes fit.",
        ),
        Mistake(
            "every N-th element",
            lambda theta, v, g, m, *rest: _shard_step(g.mean(axis=0)[m :: len(g)], theta, v, *rest),
            "You deal the elements out like cards: m, m + N, and so on. That is a division too, but this machine "
            "holds parameters that stand side by side.",
        ),
        Mistake(
            "averaged over the parameters",
            lambda theta, v, g, m, *rest: _shard_step(g.mean(axis=1), theta, v, *rest),
            "You average over the parameters, not over the machines: the result has one number for each machine.",
        ),
        Mistake(
            "squares averaged",
            _squares_averaged,
            "You square before you average over the machines. The rule needs the square of the batch's gradient; what "
            "you have in v contains the scatter between the machines too, and makes the steps shorter.",
        ),
        Mistake(
            "steps averaged",
            _steps_averaged,
            "You do a step with each machine's gradient and average what comes out. A step is not proportional to the "
            "gradient, so that this is not the step of the mean.",
        ),
        Mistake(
            "ε inside the root",
            lambda theta, v, g, m, eta, rho, eps: _shard_step(
                _mine(g.mean(axis=0), m, len(g)), theta, v, eta, rho, eps, True
            ),
            "The gradient is the right one, but you add ε before taking the root. The rule here adds it afterwards.",
            read="From equation to code",
        ),
        Mistake(
            "average begun anew",
            lambda theta, v, *rest: _with_mean_gradient(theta, 0 * v, *rest),
            "You do not use the v that is passed in, so that the average never sees a second gradient.",
        ),
    ),
    hints=(
        "First the gradient: of the whole batch, for all parameters. Which part of it belongs to this machine? The "
        "rest is a plain step of RMSprop.",
        "g.mean(axis=0) is the batch's gradient. With N = len(g) and shards of len(theta) elements, machine m has "
        "those from m · len(theta) up to (m + 1) · len(theta). Then the new v, then the new theta.",
    ),
    read="Many machines",
)


def _fit_zero(n: int, k: int, w: int, M: float) -> float:
    room = M - 2 * w * n
    return math.ceil(k * w * n / room) if room > 0 else math.inf


def _fit_fsdp(n: int, k: int, w: int, M: float) -> float:
    return math.ceil((2 + k) * w * n / M)


def _rounded(way: Callable[[float], float]) -> Callable[..., tuple[float, float]]:
    """Both numbers of machines with another way of rounding."""

    def variant(n: int, k: int, w: int, M: float) -> tuple[float, float]:
        room = M - 2 * w * n
        return way(k * w * n / room) if room > 0 else math.inf, way((2 + k) * w * n / M)

    return variant


def _gradients_divided(n: int, k: int, w: int, M: float) -> tuple[float, float]:
    room = M - w * n
    return math.ceil((1 + k) * w * n / room) if room > 0 else math.inf, _fit_fsdp(n, k, w, M)


def _one_of_the_two(n: int, k: int, w: int, M: float) -> tuple[float, float]:
    room = M - w * n
    return math.ceil(k * w * n / room) if room > 0 else math.inf, _fit_fsdp(n, k - 1, w, M)


FIT = Exercise(
    name="speed-fit",
    chapter="14_speed",
    task="The smallest number of machines with M bytes each that have room for the parameters, gradients and state of "
    "n parameters: with ZeroRedundancyOptimizer, then with FSDP2; math.inf where no number is enough.",
    takes="n k w M",
    returns="with_zero with_fsdp",
    reference=lambda n, k, w, M: (_fit_zero(n, k, w, M), _fit_fsdp(n, k, w, M)),
    cases=(
        Case({"n": 124_000_000, "k": 2, "w": 4, "M": 1.2e9}),
        Case({"n": 7_000_000_000, "k": 2, "w": 4, "M": 80e9}),
        Case({"n": 13_000_000_000, "k": 2, "w": 4, "M": 80e9}),
        Case({"n": 1000, "k": 1, "w": 4, "M": 8500.0}),
        Case({"n": 1000, "k": 3, "w": 4, "M": 10_000.0}),  # both fit exactly
        Case({"n": 1000, "k": 2, "w": 2, "M": 30_000.0}),  # fits on one
        Case({"n": 1000, "k": 2, "w": 4, "M": 3000.0}),
    ),
    mistakes=(
        Mistake(
            "rounded down",
            _rounded(math.floor),
            "You round down. On that many machines each lacks a little room.",
        ),
        Mistake(
            "rounded to the nearest",
            _rounded(round),
            "You round to the nearest number. Where that is downwards, each machine lacks a little room.",
        ),
        Mistake(
            "not rounded",
            _rounded(float),
            "You return a fraction. Only whole machines exist.",
        ),
        Mistake(
            "one too many",
            _rounded(lambda x: math.floor(x) + 1),
            "You add one after rounding down. Where everything fits exactly, that is one machine too many.",
        ),
        Mistake(
            "gradients divided too",
            _gradients_divided,
            "With ZeroRedundancyOptimizer you divide the gradients as well. It divides the state alone: every machine "
            "still has the whole gradient when averaging is done.",
        ),
        Mistake(
            "state alone counted",
            lambda n, k, w, M: (math.ceil(k * w * n / M),) * 2,
            "You make room for the state and for nothing else. Parameters and gradients are on the machine as well.",
        ),
        Mistake(
            "parameters or gradients left out",
            _one_of_the_two,
            "You count one array of n numbers beside the state. There are two: parameters and gradients.",
        ),
        Mistake(
            "everything divided in both",
            lambda n, k, w, M: (_fit_fsdp(n, k, w, M),) * 2,
            "You divide everything in both. With ZeroRedundancyOptimizer two arrays stay whole on every machine, "
            "however many machines there are.",
        ),
        Mistake(
            "state alone divided in both",
            lambda n, k, w, M: (_fit_zero(n, k, w, M),) * 2,
            "You divide the state alone in both. FSDP2 leaves nothing whole.",
        ),
        Mistake(
            "gradients whole in FSDP2",
            lambda n, k, w, M: (_fit_zero(n, k, w, M), _gradients_divided(n, k, w, M)[0]),
            "With FSDP2 you leave one array of n numbers whole on every machine. It divides parameters, gradients and "
            "state alike; only for the layer at work are parameters gathered, and that is left aside here.",
        ),
        Mistake(
            "words, not bytes",
            lambda n, k, w, M: (_fit_zero(n, k, 1, M), _fit_fsdp(n, k, 1, M)),
            "You count numbers, and compare them with M, which is in bytes.",
        ),
        Mistake(
            "negative numbers of machines",
            lambda n, k, w, M: (math.ceil(k * w * n / (M - 2 * w * n)), _fit_fsdp(n, k, w, M)),
            "You divide the state by the room that is left beside what stays whole, also where nothing is left. A "
            "negative number of machines means that the training never fits.",
        ),
    ),
    hints=(
        "Write down what one of N machines holds in each of the two ways, as in the table; then ask from which N on it "
        "is at most M.",
        "ZeroRedundancyOptimizer holds 2wn + kwn/N bytes, FSDP2 (2 + k)wn/N. Solve each for N and round up; the "
        "first has a solution only if 2wn is less than M.",
    ),
    read="Many machines",
)

EXERCISES = (BYTES, CLIP, SHARD, FIT)
