"""The exercises of chapter 14, speed."""

import math
from typing import Any

import numpy as np

from rmsprop_lib import rules
from rmsprop_lib.exercises import fillings
from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake, Slot


def _bytes(n: int, k: int, w_theta: int, w_g: int, w_s: int) -> int:
    read = w_theta + w_g + k * w_s
    written = w_theta + k * w_s
    return n * (read + written)


def _passes(name: str, says: dict[float, tuple[str, str]], right: int) -> Slot:
    """How often an array passes between memory and cache."""
    return Slot(name, right, tuple(Mistake(what, often, why) for often, (what, why) in says.items()))


_MOVED = (
    _passes(
        "parameters",
        {
            1: (
                "parameter moved once",
                "You move each parameter once. The step needs the old value and leaves a new one in its place.",
            ),
            0: (
                "parameter left out",
                "You leave the parameters out. A step is there to change them.",
            ),
            3: (
                "parameter moved three times",
                "You move each parameter three times. In place the pass has just read the line that it writes to; only "
                "results that go to new arrays have their lines fetched once more.",
            ),
        },
        2,
    ),
    _passes(
        "gradients",
        {
            0: (
                "gradient left out",
                "You leave the gradient out. When the step begins it lies in memory like everything else, and each of "
                "its elements changes a result.",
            ),
            2: (
                "gradient written",
                "You move the gradient twice. The step looks at it and leaves it as it is.",
            ),
        },
        1,
    ),
    _passes(
        "accumulators",
        {
            1: (
                "accumulators moved once",
                "You move each accumulator once. If it were only read, the next step would begin with the old one; if "
                "it were only written, it would have forgotten everything before this gradient.",
            ),
            0: (
                "accumulators left out",
                "You leave the accumulators out. The step reads each of them and writes it.",
            ),
            3: (
                "accumulators moved three times",
                "You move each accumulator three times. In place the pass has just read the line that it writes to.",
            ),
        },
        2,
    ),
    Slot(
        "how_many",
        lambda k: k,
        (
            Mistake(
                "one accumulator, always",
                lambda k: 1,
                "You count one accumulator for every rule. k says how many there are: none in SGD, two in Adam.",
            ),
            Mistake(
                "accumulators squared",
                lambda k: k * k,
                "You multiply by the number of accumulators twice.",
            ),
            Mistake(
                "one accumulator too many",
                lambda k: k + 1,
                "You count one accumulator more than there are.",
            ),
        ),
    ),
    Slot(
        "sizes",
        lambda t, g, s: (t, g, s),
        (
            Mistake(
                "words, not bytes",
                lambda t, g, s: (1, 1, 1),
                "You count numbers. The question asks for bytes, and the numbers here do not all have equally many.",
            ),
            Mistake(
                "one size for all",
                lambda t, g, s: (t, t, t),
                "You give every number as many bytes as a parameter. That is the theorem's formula, which has one size "
                "for all three; here gradients and accumulators have sizes of their own.",
            ),
            Mistake(
                "accumulators as wide as parameters",
                lambda t, g, s: (t, g, t),
                "You give the accumulators as many bytes as the parameters. They have a size of their own.",
            ),
            Mistake(
                "gradients as wide as parameters",
                lambda t, g, s: (t, t, s),
                "You give the gradients as many bytes as the parameters. They have a size of their own.",
            ),
            Mistake(
                "gradients as wide as accumulators",
                lambda t, g, s: (t, s, s),
                "You give the gradients as many bytes as the accumulators. They have a size of their own.",
            ),
            Mistake(
                "bits, not bytes",
                lambda t, g, s: (8 * t, 8 * g, 8 * s),
                "You count bits. The question asks for bytes.",
            ),
        ),
    ),
    Slot(
        "times",
        lambda n, k: n,
        (
            Mistake(
                "for one parameter",
                lambda n, k: 1,
                "You count what is moved for a single parameter; there are n of them.",
            ),
            Mistake(
                "everything once for each accumulator",
                lambda n, k: n * k,
                "You multiply everything by the number of accumulators. Parameters and gradients are there once.",
            ),
        ),
    ),
)


def _moving(parameters: Any, gradients: Any, accumulators: Any, how_many: Any, sizes: Any, times: Any) -> Any:
    def moved(n: int, k: int, w_theta: int, w_g: int, w_s: int) -> Any:
        t, g, s = sizes(w_theta, w_g, w_s)
        return times(n, k) * (parameters * t + gradients * g + accumulators * how_many(k) * s)

    return moved


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
    slots=_MOVED,
    built=_moving,
    mistakes=(
        Mistake(
            "held, not moved",
            lambda n, k, w_theta, w_g, w_s: n * (w_theta + w_g + k * w_s),
            "You add up what the arrays take in memory. That is room, not traffic: what a step changes passes twice "
            "between memory and cache.",
            read="Memory",
        ),
        Mistake(
            "lines fetched before they are written",
            lambda n, k, w_theta, w_g, w_s: n * (3 * w_theta + w_g + 3 * k * w_s),
            "You let a line be fetched before it is written to. In place the pass has just read that line; only "
            "results that go to new arrays cost this further read.",
        ),
    ),
    hints=(
        "Go through the three kinds of arrays. Which are read, which are written, and how wide is a number in each?",
        "A parameter is read and written, a gradient is read, each of the k accumulators is read and written. Give "
        "each its own number of bytes, add, and multiply by n.",
    ),
    read="What a step has to move",
)


def _clipped(g: Any, squares: Any, c: Any) -> Any:
    length = np.sqrt(np.sum(squares))
    if length > c:
        return g * c / length
    return g * 1.0


_CLIPPED = (
    Slot(
        "gathered",
        lambda g, squares: np.sum(squares),
        (
            Mistake(
                "by the shard's own length",
                lambda g, squares: np.sum(g * g),
                "You clip each shard by its own length. The machines then scale by different numbers, so that the "
                "whole gradient changes its direction, and it stays longer than c.",
            ),
            Mistake(
                "squares averaged",
                lambda g, squares: np.mean(squares),
                "You average the sums of squares over the machines. The shards are parts of one gradient, so their "
                "sums of squares add up; the more machines there are, the longer your clipped gradient is.",
            ),
            Mistake(
                "own shard counted twice",
                lambda g, squares: np.sum(squares) + np.sum(g * g),
                "You add this shard's squares to a sum that has them already. Every machine then finds another length.",
            ),
            Mistake(
                "own shard left out",
                lambda g, squares: np.sum(squares) - np.sum(g * g),
                "You leave this shard's squares out of the sum. Every machine then finds another length.",
            ),
            Mistake(
                "lengths added",
                lambda g, squares: np.sum(np.sqrt(squares)) ** 2,
                "You add the lengths of the shards. Lengths do not add up; squares of lengths do. Your sum is too "
                "large, so that gradients are clipped too short, and some that are short enough are clipped as well.",
            ),
            Mistake(
                "longest shard",
                lambda g, squares: np.max(squares),
                "You take the longest shard for the whole gradient.",
            ),
            Mistake(
                "first machine's shard",
                lambda g, squares: squares[0],
                "You use the sum of squares of the first machine alone.",
            ),
        ),
    ),
    Slot(
        "length",
        lambda square: np.sqrt(square),
        (
            Mistake(
                "root forgotten",
                lambda square: square,
                "You compare c with the sum of squares. That is the square of a length.",
            ),
            Mistake(
                "squared again",
                lambda square: square * square,
                "You square a sum of squares.",
            ),
        ),
    ),
    Slot(
        "factor",
        lambda length, c: min(1.0, c / length),
        (
            Mistake(
                "always scaled",
                lambda length, c: c / length,
                "You scale every gradient to the length c, and so lengthen those that were shorter.",
            ),
            Mistake(
                "lengthened, not shortened",
                lambda length, c: max(1.0, c / length),
                "Of the two factors you take the larger one: long gradients stay as they are, short ones become "
                "longer.",
            ),
            Mistake(
                "norm over c",
                lambda length, c: max(1.0, length / c),
                "Your factor is upside down: where it should shorten it lengthens.",
            ),
            Mistake(
                "length over c, limited to 1",
                lambda length, c: min(1.0, length / c),
                "Your factor is upside down: you shorten the gradients that are short enough.",
            ),
            Mistake(
                "not clipped",
                lambda length, c: 1.0,
                "The shard you return is the one that came in.",
            ),
            Mistake(
                "c forgotten in the factor",
                lambda length, c: 1 / length if length > c else 1.0,
                "What you clip ends up with the length 1, whatever c is.",
            ),
            Mistake(
                "multiplied by c",
                lambda length, c: c if length > c else 1.0,
                "You multiply a gradient that is too long by c. The factor is c over the length.",
            ),
            Mistake(
                "always divided by the length",
                lambda length, c: 1 / length,
                "You divide by the length: every gradient then has the length 1.",
            ),
            Mistake(
                "zero where too long",
                lambda length, c: 0.0 if length > c else 1.0,
                "You throw a gradient away that is too long. Clipping shortens it.",
            ),
        ),
    ),
)


def _clipping(gathered: Any, length: Any, factor: Any) -> Any:
    def clip(g: Any, squares: Any, c: Any) -> Any:
        return g * factor(length(gathered(g, squares)), c)

    return clip


_clip_cases = tuple(
    Case({"g": np.array(shards[own]), "squares": np.array([sum(x * x for x in s) for s in shards]), "c": c})
    for shards, own, c in (
        (([3.0, -1.0, 0.5], [0.5, 0.25, -0.5], [2.0, 6.0, -1.0]), 0, 1.0),
        (([3.0, -1.0, 0.5], [0.5, 0.25, -0.5], [2.0, 6.0, -1.0]), 1, 4.0),  # short itself, part of something long
        (([0.25, 0.5], [-0.75, 0.5]), 1, 1.25),  # nothing is due, though the lengths add up to more
        (([0.25, 0.5], [-0.75, 0.5]), 0, 2.25),  # not even those are longer
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
    reference=_clipped,
    cases=_clip_cases,
    slots=_CLIPPED,
    built=_clipping,
    mistakes=(
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


def _on_its_shard(theta: Any, v: Any, g: Any, m: int, eta: Any, rho: Any, eps: Any) -> Any:
    n = len(theta)
    mine = np.sum(g, axis=0)[m * n : (m + 1) * n] / len(g)
    v = rho * v + (1 - rho) * mine * mine
    return theta - eta * mine / (rules.sqrt(v) + eps), v


_GATHERED = Slot(
    "gathered",
    lambda g, m: np.mean(g, axis=0),
    (
        Mistake(
            "own gradient alone",
            lambda g, m: g[m],
            "You step with machine m's own gradient. That is the gradient of its share of the batch, and what the "
            "other machines have computed for these parameters is lost.",
        ),
        Mistake(
            "first machine's gradient",
            lambda g, m: g[0],
            "You step with the gradient of the first machine alone.",
        ),
        Mistake(
            "gradients summed",
            lambda g, m: np.sum(g, axis=0),
            "You add up the machines' gradients. The loss is a mean over the batch, and your gradient grows with the "
            "number of machines. RMSprop hides most of this, since it divides by the gradient's size; ε does not.",
        ),
        Mistake(
            "own gradient left out",
            lambda g, m: (np.sum(g, axis=0) - g[m]) / len(g),
            "You leave out what machine m has computed itself.",
        ),
        Mistake(
            "divided by one machine too few",
            lambda g, m: np.sum(g, axis=0) / (len(g) - 1),
            "You divide the sum of the gradients by one machine too few.",
        ),
        Mistake(
            "median over the machines",
            lambda g, m: np.median(g, axis=0),
            "You take the median over the machines. The batch's gradient is the mean.",
        ),
        Mistake(
            "largest over the machines",
            lambda g, m: np.max(g, axis=0),
            "You take the largest value of any machine. The batch's gradient is the mean.",
        ),
    ),
)

# Of what the average of squares is made: of the gradient that the step takes, or of all the rows by themselves.
_SQUARES = Slot(
    "squares",
    lambda squared, mine, rows: squared(mine),
    (
        Mistake(
            "squares averaged",
            lambda squared, mine, rows: np.mean(squared(rows()), axis=0),
            "You square before you average over the machines. The rule needs the square of the batch's gradient; what "
            "you have in v contains the scatter between the machines too, and makes the steps shorter.",
        ),
        Mistake(
            "squares summed",
            lambda squared, mine, rows: np.sum(squared(rows()), axis=0),
            "In v you add up the squares of the machines' gradients. The rule needs the square of the batch's "
            "gradient.",
        ),
    ),
)

_SLICE = Slot(
    "part",
    lambda G, m, n: G[m * n : (m + 1) * n],
    (
        Mistake(
            "the first machine's slice",
            lambda G, m, n: G[:n],
            "You take the first slice of the gradient on every machine. The other machines' parameters then follow a "
            "gradient that belongs to other parameters, and nothing raises, since the shapes fit.",
        ),
        Mistake(
            "the next machine's slice",
            lambda G, m, n: np.roll(G, -n)[m * n : (m + 1) * n],
            "You take the slice of the next machine. Machines are counted from 0.",
        ),
        Mistake(
            "the slice of the machine before",
            lambda G, m, n: np.roll(G, n)[m * n : (m + 1) * n],
            "You take the slice of the machine before. Machines are counted from 0.",
        ),
        Mistake(
            "every N-th element",
            lambda G, m, n: G[m::n],
            "You deal the elements out like cards: m, m + N, and so on. That is a division too, but this machine "
            "holds parameters that stand side by side.",
        ),
        Mistake(
            "the last machine's slice",
            lambda G, m, n: G[-n:],
            "You take the last slice of the gradient on every machine.",
        ),
        Mistake(
            "slice from m on",
            lambda G, m, n: G[m : m + n],
            "Your slice begins at the element m. The shards before this one have many elements each.",
        ),
        Mistake(
            "slices counted from the end",
            lambda G, m, n: G[len(G) - (m + 1) * n : len(G) - m * n],
            "You count the slices from the end of the gradient.",
        ),
    ),
)


def _sharded(
    gathered: Any,
    part: Any,
    squares: Any,
    squared: Any,
    averaged: Any,
    used: Any,
    root: Any,
    epsilon: Any,
    quotient: Any,
    numerator: Any,
    kept: Any,
    stepped: Any,
) -> Any:
    def step(theta: Any, v: Any, g: Any, m: int, eta: Any, rho: Any, eps: Any) -> Any:
        def of_all(mine: Any) -> Any:
            return squares(squared, mine, lambda: np.stack([part(row, m, len(theta)) for row in g]))

        direction = fillings.adaptive_step(of_all, averaged, used, root, epsilon, quotient, numerator, kept)
        d, new = direction(part(gathered(g, m), m, len(theta)), v, rho, eps)
        return stepped(theta, eta, d), new

    return step


def _steps_averaged(theta: Any, v: Any, g: Any, m: int, eta: Any, rho: Any, eps: Any) -> Any:
    steps = [_on_its_shard(theta, v, row[None], m, eta, rho, eps) for row in g]
    return tuple(np.mean(results, axis=0) for results in zip(*steps, strict=True))


def _over_the_parameters(theta: Any, v: Any, g: Any, m: int, eta: Any, rho: Any, eps: Any) -> Any:
    mean = g.mean(axis=1)
    d, v = rules.rmsprop(mean, v, rho, eps)
    return theta - eta * d, v


def _shard_cases() -> tuple[Case, ...]:
    # Shards with as many elements as there are machines: a mean over the wrong axis then has a shard's shape.
    rng = np.random.default_rng(14)
    cases = []
    for machines, m, rho, eta in ((2, 1, 0.9, 0.1), (3, 0, 0.75, 0.5), (4, 1, 0.5, 0.25)):
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
    reference=_on_its_shard,
    cases=_shard_cases(),
    slots=(
        _GATHERED,
        _SQUARES,
        _SLICE,
        *fillings.without((fillings.squared("v"),), "one number for all elements", "one sum for all elements"),
        fillings.averaged("v", "ρ"),
        fillings.used("v"),
        *fillings.without((fillings.root("v"),), "root taken twice", "squared instead of a root"),
        fillings.epsilon(read="From equation to code"),
        fillings.quotient(),
        *fillings.without((fillings.numerator(),), "no gradient in the numerator"),
        fillings.kept("v"),
        *fillings.without((fillings.stepped(),), "direction returned, not the parameter"),
    ),
    built=_sharded,
    mistakes=(
        Mistake(
            "averaged over the parameters",
            _over_the_parameters,
            "You average over the parameters, not over the machines: the result has one number for each machine.",
        ),
        Mistake(
            "steps averaged",
            _steps_averaged,
            "You do a step with each machine's gradient and average what comes out. A step is not proportional to the "
            "gradient, so that this is not the step of the mean.",
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


def _fits(n: int, k: int, w: int, M: float) -> tuple[float, float]:
    with_fsdp = math.ceil((2 + k) * w * n / M)
    room = M - 2 * w * n
    if room <= 0:
        return math.inf, with_fsdp
    return math.ceil(k * w * n / room), with_fsdp


_HELD = (
    Slot(
        "rounded",
        math.ceil,
        (
            Mistake(
                "rounded down",
                math.floor,
                "You round down. On that many machines each lacks a little room.",
            ),
            Mistake(
                "rounded to the nearest",
                round,
                "You round to the nearest number. Where that is downwards, each machine lacks a little room.",
            ),
            Mistake(
                "not rounded",
                float,
                "You return a fraction. Only whole machines exist.",
            ),
            Mistake(
                "one too many",
                lambda x: math.floor(x) + 1,
                "You add one after rounding down. Where everything fits exactly, that is one machine too many.",
            ),
        ),
    ),
    Slot(
        "whole",
        (2, 0),
        (
            Mistake(
                "gradients divided too",
                (1, 1),
                "With ZeroRedundancyOptimizer you divide the gradients as well. It divides the state alone: every "
                "machine still has the whole gradient when averaging is done.",
            ),
            Mistake(
                "everything divided in both",
                (0, 2),
                "You divide everything in both. With ZeroRedundancyOptimizer two arrays stay whole on every machine, "
                "however many machines there are.",
            ),
            Mistake(
                "one array beside the state with ZeroRedundancyOptimizer",
                (1, 0),
                "With ZeroRedundancyOptimizer you count one array of n numbers beside the state. There are two: "
                "parameters and gradients.",
            ),
            Mistake(
                "state alone counted with ZeroRedundancyOptimizer",
                (0, 0),
                "With ZeroRedundancyOptimizer you make room for the state and for nothing else. Parameters and "
                "gradients are on the machine as well.",
            ),
            Mistake(
                "three arrays whole",
                (3, 0),
                "With ZeroRedundancyOptimizer you leave three arrays whole on every machine. There are two beside the "
                "state: parameters and gradients.",
            ),
        ),
    ),
    Slot(
        "with_fsdp",
        lambda n, k, w, M, zero, needed: needed((2 + k) * w * n, M),
        (
            Mistake(
                "one array beside the state in FSDP2",
                lambda n, k, w, M, zero, needed: needed((1 + k) * w * n, M),
                "With FSDP2 you count one array of n numbers beside the state. There are two: parameters and "
                "gradients.",
            ),
            Mistake(
                "state alone counted in FSDP2",
                lambda n, k, w, M, zero, needed: needed(k * w * n, M),
                "With FSDP2 you make room for the state and for nothing else. Parameters and gradients are divided "
                "too, but they are there.",
            ),
            Mistake(
                "state left out in FSDP2",
                lambda n, k, w, M, zero, needed: needed(2 * w * n, M),
                "With FSDP2 you leave the state out.",
            ),
            Mistake(
                "state alone divided in both",
                lambda n, k, w, M, zero, needed: zero,
                "You divide the state alone in both. FSDP2 leaves nothing whole.",
            ),
            Mistake(
                "gradients whole in FSDP2",
                lambda n, k, w, M, zero, needed: needed((1 + k) * w * n, M - w * n),
                "With FSDP2 you leave one array of n numbers whole on every machine. It divides parameters, gradients "
                "and state alike; only for the layer at work are parameters gathered, and that is left aside here.",
            ),
        ),
    ),
    Slot(
        "width",
        lambda w: w,
        (
            Mistake(
                "words, not bytes",
                lambda w: 1,
                "You count numbers, and compare them with M, which is in bytes.",
            ),
            Mistake(
                "bits, not bytes",
                lambda w: 8 * w,
                "You count bits, and compare them with M, which is in bytes.",
            ),
        ),
    ),
    Slot(
        "accumulators",
        lambda k: k,
        (
            Mistake(
                "one accumulator, always",
                lambda k: 1,
                "You count one accumulator for every rule. k says how many there are.",
            ),
            Mistake(
                "two accumulators, always",
                lambda k: 2,
                "You count two accumulators for every rule, as Adam has. k says how many there are.",
            ),
        ),
    ),
    Slot(
        "nothing_left",
        lambda quotient, rounded: math.inf,
        (
            Mistake(
                "negative numbers of machines",
                lambda quotient, rounded: rounded(quotient),
                "You divide the state by the room that is left beside what stays whole, also where nothing is left. A "
                "negative number of machines means that the training never fits.",
            ),
            Mistake(
                "no machine where nothing is left",
                lambda quotient, rounded: 0,
                "Where no number of machines is enough you return 0.",
            ),
            Mistake(
                "one machine where nothing is left",
                lambda quotient, rounded: 1,
                "Where no number of machines is enough you return 1.",
            ),
            Mistake(
                "infinity forgotten where nothing is left",
                lambda quotient, rounded: rounded(abs(quotient)),
                "Where nothing is left beside what stays whole you return a number of machines all the same.",
            ),
        ),
    ),
)


def _fitting(rounded: Any, whole: Any, with_fsdp: Any, width: Any, accumulators: Any, nothing_left: Any) -> Any:
    def fits(n: int, k: int, w: int, M: float) -> tuple[Any, Any]:
        w, k = width(w), accumulators(k)
        stays, divided = whole

        def needed(size: float, room: float) -> Any:
            return rounded(size / room) if room > 0 else nothing_left(size / room, rounded)

        zero = needed((k + divided) * w * n, M - stays * w * n)
        return zero, with_fsdp(n, k, w, M, zero, needed)

    return fits


FIT = Exercise(
    name="speed-fit",
    chapter="14_speed",
    task="The smallest number of machines with M bytes each that have room for the parameters, gradients and state of "
    "n parameters: with ZeroRedundancyOptimizer, then with FSDP2; math.inf where no number is enough.",
    takes="n k w M",
    returns="with_zero with_fsdp",
    reference=_fits,
    cases=(
        Case({"n": 124_000_000, "k": 2, "w": 4, "M": 1.2e9}),
        Case({"n": 7_000_000_000, "k": 2, "w": 4, "M": 80e9}),
        Case({"n": 13_000_000_000, "k": 2, "w": 4, "M": 80e9}),
        Case({"n": 1000, "k": 1, "w": 4, "M": 8500.0}),
        Case({"n": 1000, "k": 3, "w": 4, "M": 10_000.0}),  # both fit exactly
        Case({"n": 1000, "k": 2, "w": 2, "M": 30_000.0}),  # fits on one
        Case({"n": 1000, "k": 2, "w": 4, "M": 3000.0}),
        Case({"n": 1000, "k": 3, "w": 4, "M": 9990.0}),  # one parameter less would fit exactly
    ),
    slots=_HELD,
    built=_fitting,
    mistakes=(
        Mistake(
            "state alone counted",
            lambda n, k, w, M: (math.ceil(k * w * n / M),) * 2,
            "You make room for the state and for nothing else. Parameters and gradients are on the machine as well.",
        ),
        Mistake(
            "parameters or gradients left out",
            lambda n, k, w, M: (
                math.ceil(k * w * n / (M - w * n)) if w * n < M else math.inf,
                math.ceil((1 + k) * w * n / M),
            ),
            "You count one array of n numbers beside the state. There are two: parameters and gradients.",
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
