"""Slots that many exercises have: what an adaptive step is made of, and what is often put there instead.

A step takes the gradient into an average (or a sum) of squares and divides by a root of it. Each function here is one
choice in that, in the words of the exercise that asks; sentences say what follows from a wrong one.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rmsprop_lib import rules
from rmsprop_lib.exercises.declaration import Mistake, Slot


def without(slots: Sequence[Slot], *names: str) -> tuple[Slot, ...]:
    """The slots without the mistakes of these names.

    Parameters
    ----------
    slots : sequence of Slot
    *names : str

    Returns
    -------
    tuple of Slot

    Raises
    ------
    ValueError
        If there is no mistake of one of the names.
    """
    if missing := set(names) - {mistake.name for slot in slots for mistake in slot.wrong}:
        raise ValueError(f"names={names!r}: no mistake is called {sorted(missing)}")
    return tuple(replace(slot, wrong=tuple(m for m in slot.wrong if m.name not in names)) for slot in slots)


def squared(v: str, read: str | None = None) -> Slot:
    """What of the gradient goes into ``v``: a function of g."""
    return Slot(
        "squared",
        lambda g: g * g,
        (
            Mistake(
                "gradient not squared",
                abs,
                f"You put the size of the gradient into {v}, not its square, and then take a root of that.",
                read,
            ),
            Mistake(
                "gradient with its sign",
                lambda g: g,
                f"You put the gradient itself into {v}, with its sign. Then {v} can be negative, and has no root.",
                read,
            ),
            Mistake(
                "one number for all elements",
                lambda g: np.mean(np.square(g)) + 0 * g,
                f"You put the mean of all squares into {v}, so that every element has the same rate. A rate for each "
                "is what the method is for.",
            ),
            Mistake(
                "one sum for all elements",
                lambda g: np.sum(np.square(g)) + 0 * g,
                f"You put the sum of all squares into {v}, so that every element has the same rate. A rate for each "
                "is what the method is for.",
            ),
        ),
    )


def averaged(v: str, rho: str, window: str | None = None, sums: str | None = None) -> Slot:
    """How ``v`` takes a square in: a function of v, the square and ρ."""
    return Slot(
        "averaged",
        rules.ema,
        (
            Mistake(
                f"{rho} and 1 − {rho} swapped",
                lambda v, x, rho: rules.ema(v, x, 1 - rho),
                f"You give the new square the weight {rho} and the old average 1 − {rho}. With {rho} = 0.9 the average "
                "then forgets nine tenths of itself at every step.",
                window,
            ),
            Mistake(
                "summed, not averaged",
                lambda v, x, rho: v + x,
                f"You add the square to {v} and forget nothing: that is AdaGrad, whose steps only ever shrink.",
                sums,
            ),
            Mistake(
                "new square not weighted",
                lambda v, x, rho: rho * v + x,
                f"You decay the old average, and add the new square whole. The weights then sum to 1/(1 − {rho}), and "
                "all steps are shorter by the root of that.",
                window,
            ),
            Mistake(
                "old average not decayed",
                lambda v, x, rho: v + (1 - rho) * x,
                f"You weight the new square, and keep the old average whole. Nothing is ever forgotten, so that {v} "
                "only grows.",
                window,
            ),
            Mistake(
                "both with the same weight",
                lambda v, x, rho: rho * v + rho * x,
                f"You give the old average and the new square the same weight {rho}. The two weights have to sum to 1.",
                window,
            ),
            Mistake(
                "both with the weight of the new",
                lambda v, x, rho: (1 - rho) * v + (1 - rho) * x,
                f"You give the old average and the new square the same weight 1 − {rho}. The two weights have to sum "
                "to 1.",
                window,
            ),
            Mistake(
                "average begun anew at every call",
                lambda v, x, rho: (1 - rho) * x,
                f"The average you return holds the last gradient only: the {v} that is passed in is not used. Every "
                f"step then has the same length, up to ε.",
                window,
            ),
            Mistake(
                "no average",
                lambda v, x, rho: x,
                f"Your {v} is the last square itself, without an average. Every step then has the same length, up to "
                "ε: only the sign of the gradient is left.",
                window,
            ),
            Mistake(
                "largest, not average",
                lambda v, x, rho: np.maximum(v, x),
                f"Your {v} is the largest square so far, not an average. It never falls.",
                window,
            ),
        ),
    )


def added_up(G: str) -> Slot:
    """How a sum ``G`` takes a square in: a function of G and the square."""
    return Slot(
        "added",
        lambda G, x: G + x,
        (
            Mistake(
                "last square only",
                lambda G, x: x,
                f"The sum you return holds the last square only: the {G} that is passed in is not used. Every step "
                "then has the length η, up to ε, and the run never comes to rest.",
            ),
            Mistake(
                "averaged, not summed",
                lambda G, x: (G + x) / 2,
                f"You take the mean of {G} and the new square. That forgets half of the past at every step.",
            ),
            Mistake(
                "largest, not sum",
                lambda G, x: np.maximum(G, x),
                f"Your {G} is the largest square so far, not their sum.",
            ),
            Mistake(
                "square subtracted",
                lambda G, x: G - x,
                f"You subtract the square from {G}, which then has no root.",
            ),
        ),
    )


def used(v: str, read: str | None = None, first: str = "") -> Slot:
    """Which state divides: a function of the old and the new one; ``first`` says where the first step has a zero."""
    first = first or f"where {v} begins at 0"
    return Slot(
        "used",
        lambda old, new: new,
        (
            Mistake(
                f"{v} updated after its use",
                lambda old, new: old + 0 * new,
                f"You divide by {v} as it was before this gradient entered. Then nothing bounds a step: {first}, the "
                "very first one divides by ε alone.",
                read,
            ),
            Mistake(
                f"old and new {v} added",
                lambda old, new: old + new,
                f"You divide by the root of the old and the new {v} together.",
                read,
            ),
        ),
    )


def root(v: str, read: str | None = None) -> Slot:
    """What is done to the state before it divides: a function of it."""
    return Slot(
        "root",
        rules.sqrt,
        (
            Mistake(
                f"divided by {v}, not by its root",
                lambda v: v,
                f"You divide by {v} itself. Its unit is that of the gradient squared, so that large gradients make "
                "small steps: double the gradient and the step is halved.",
                read,
            ),
            Mistake(
                "root taken twice",
                lambda v: rules.sqrt(rules.sqrt(v)),
                f"You take the root of {v} twice. The unit of the step is then the root of the gradient's.",
                read,
            ),
            Mistake(
                "squared instead of a root",
                lambda v: v * v,
                f"You divide by the square of {v}, where its root belongs.",
                read,
            ),
        ),
    )


def epsilon(
    read: str | None = None, without: str = "As long as v is 0, a gradient that is zero then gives 0/0."
) -> Slot:
    """Where ε stands: a function of what takes the root, the state and ε; ``without`` is what follows without it."""
    return Slot(
        "epsilon",
        lambda root, v, eps: root(v) + eps,
        (
            Mistake(
                "ε inside the root",
                lambda root, v, eps: root(v + eps),
                "You add ε before taking the root. Several frameworks do so, but the equation here adds it afterwards.",
                read,
            ),
            Mistake(
                "ε² inside the root",
                lambda root, v, eps: root(v + eps * eps),
                "You add ε² before taking the root. Unless the average is 0 your denominator is then too small.",
                read,
            ),
            Mistake(
                "ε forgotten",
                lambda root, v, eps: root(v),
                f"There is no ε in your denominator. {without}",
                read,
            ),
            Mistake(
                "root of ε",
                lambda root, v, eps: root(v) + rules.sqrt(eps),
                "You add the root of ε to the root. ε itself is added, after the root has been taken.",
                read,
            ),
            Mistake(
                "ε subtracted",
                lambda root, v, eps: root(v) - eps,
                "You subtract ε from the root. A denominator that should be kept away from 0 can then be 0.",
                read,
            ),
            Mistake(
                "ε as a lower limit",
                lambda root, v, eps: np.maximum(root(v), eps),
                "You take the larger of the root and ε. The equation adds them.",
                read,
            ),
            Mistake(
                "ε in both places",
                lambda root, v, eps: root(v + eps) + eps,
                "You add ε twice, inside the root and after it.",
                read,
            ),
        ),
    )


def epsilon_inside(read: str | None = None) -> Slot:
    """Where ε stands if it belongs under the root: as :func:`epsilon`."""
    return Slot(
        "epsilon",
        lambda root, v, eps: root(v + eps),
        (
            Mistake(
                "ε outside the root",
                lambda root, v, eps: root(v) + eps,
                "You add ε to the root. Here it is added before the root is taken, where it is larger in effect.",
                read,
            ),
            Mistake(
                "ε² inside the root",
                lambda root, v, eps: root(v + eps * eps),
                "You square ε before adding it. Under the root it is added to squares, and is one already.",
                read,
            ),
            Mistake(
                "ε forgotten",
                lambda root, v, eps: root(v),
                "There is no ε in your denominator.",
                read,
            ),
            Mistake(
                "ε subtracted",
                lambda root, v, eps: root(v - eps),
                "You subtract ε under the root. What should be kept away from 0 can then be 0 or less.",
                read,
            ),
            Mistake(
                "ε as a lower limit",
                lambda root, v, eps: root(np.maximum(v, eps)),
                "You take the larger of the average and ε. The rule adds them.",
                read,
            ),
            Mistake(
                "ε in both places",
                lambda root, v, eps: root(v + eps) + eps,
                "You add ε twice, inside the root and after it.",
                read,
            ),
        ),
    )


def quotient(read: str | None = None) -> Slot:
    """What is divided by what: a function of the numerator, the denominator without ε, the denominator, and ε."""
    return Slot(
        "quotient",
        lambda numerator, bare, denominator, eps: numerator / denominator,
        (
            Mistake(
                "multiplied, not divided",
                lambda numerator, bare, denominator, eps: numerator * denominator,
                "You multiply by what should divide: large gradients are made larger still.",
                read,
            ),
            Mistake(
                "quotient upside down",
                lambda numerator, bare, denominator, eps: denominator / numerator,
                "Your quotient is upside down: what should divide stands above.",
                read,
            ),
            Mistake(
                "ε added to the quotient",
                lambda numerator, bare, denominator, eps: numerator / bare + eps,
                "You add ε to the quotient, not to the denominator: a division comes before an addition unless "
                "parentheses say otherwise. There it does not prevent 0/0 either.",
                read,
            ),
        ),
    )


def numerator(read: str | None = None) -> Slot:
    """What is divided: a function of the gradient."""
    return Slot(
        "numerator",
        lambda g: g,
        (
            Mistake(
                "sign in the numerator",
                np.sign,
                "Only the sign of the gradient stands in your numerator. Divided by its root mean square, a large "
                "gradient then makes a small step.",
                read,
            ),
            Mistake(
                "square in the numerator",
                lambda g: g * g,
                "The square of the gradient stands in your numerator: the direction has lost its sign.",
                read,
            ),
            Mistake(
                "size in the numerator",
                abs,
                "The size of the gradient stands in your numerator: the direction has lost its sign.",
                read,
            ),
            Mistake(
                "no gradient in the numerator",
                lambda g: 0 * g + 1.0,
                "A 1 stands in your numerator. What you return is the rate of each element over η, not a direction.",
                read,
            ),
        ),
    )


def kept(v: str) -> Slot:
    """What of the new state is returned: a function of it."""
    return Slot(
        "kept",
        lambda new: new,
        (
            Mistake(
                f"root of {v} kept",
                rules.sqrt,
                f"You return the root of {v}, and the next step takes the next square into that root. The state has to "
                f"be {v} itself.",
            ),
        ),
    )


def _with_a_step(step: Any, read: str | None) -> tuple[Mistake, ...]:
    """What is done instead of subtracting a step from θ; of what the step is made, ``step`` knows."""
    return (
        Mistake(
            "up instead of down",
            lambda theta, *rest: theta + step(*rest),
            "You add the step. The gradient points uphill, so that the loss grows.",
            read,
        ),
        Mistake(
            "step returned, not the parameter",
            lambda theta, *rest: step(*rest),
            "You return the step. What is asked for is the parameter after it.",
            read,
        ),
        Mistake(
            "change returned, not the parameter",
            lambda theta, *rest: -step(*rest),
            "You return what is added to the parameter. What is asked for is the parameter after it.",
            read,
        ),
    )


def stepped(read: str | None = None) -> Slot:
    """What a class makes of a direction: a function of θ, the rate and the direction."""
    return Slot(
        "stepped",
        lambda theta, lr, d: theta - lr * d,
        (
            *_with_a_step(lambda lr, d: lr * d, read),
            Mistake(
                "rate forgotten",
                lambda theta, lr, d: theta - d,
                "The rate is not used: you subtract the direction whole.",
                read,
            ),
            Mistake(
                "divided by the rate",
                lambda theta, lr, d: theta - d / lr,
                "You divide the direction by the rate. A smaller rate then makes larger steps.",
                read,
            ),
            Mistake(
                "direction returned, not the parameter",
                lambda theta, lr, d: d,
                "You return the direction. What is asked for is the parameter after the step.",
                read,
            ),
        ),
    )


def moved(read: str | None = None) -> Slot:
    """What is done with a finished step, rate included: a function of θ and the step."""
    return Slot("moved", lambda theta, step: theta - step, _with_a_step(lambda step: step, read))


def begun(v: str, read: str | None = None) -> Slot:
    """Where an average begins that an object keeps: a function of the first square, or of its shape."""
    return Slot(
        "begun",
        lambda square: 0.0,
        (
            Mistake(
                f"{v} begun at 1",
                lambda square: 1.0,
                f"In your object {v} begins at 1, as in TensorFlow 1. As long as the 1 has not faded the steps are not "
                "those of the rule, where it begins at 0.",
                read,
            ),
            Mistake(
                f"{v} begun with the first square",
                lambda square: square,
                f"In your object {v} begins with the first square whole. In the rule it begins at 0, and the first "
                "step is longer.",
                read,
            ),
        ),
    )


def remembered(v: str, read: str | None = None) -> Slot:
    """What an object keeps from one step to the next: a function of the state before and after."""
    return Slot(
        "remembered",
        lambda old, new: new,
        (
            Mistake(
                f"{v} begun anew at every step",
                lambda old, new: 0 * new,
                f"In every step {v} begins at zero, so that it never sees a second gradient. Either you set it to "
                "zero in step, or the new one is computed there and not kept in the object.",
                read,
            ),
        ),
    )


def adaptive_step(
    squared: Any, averaged: Any, used: Any, root: Any, epsilon: Any, quotient: Any, numerator: Any, kept: Any
) -> Any:
    """RMSprop's step as a product of choices: a function (g, v, rho, eps) → d, v."""

    def step(g: Any, v: Any, rho: Any, eps: Any) -> Any:
        new = averaged(v, squared(g), rho)
        divides = used(v, new)
        return quotient(numerator(g), root(divides), epsilon(root, divides, eps), eps), kept(new)

    return step


def also(slot: Slot, given: int, *more: Mistake) -> Slot:
    """A slot whose own fillings take the first so many arguments only, with others that take all."""

    def first(filling: Any) -> Any:
        return lambda *arguments: filling(*arguments[:given])

    wrong = [replace(mistake, variant=first(mistake.variant)) for mistake in slot.wrong]
    return replace(slot, right=first(slot.right), wrong=(*wrong, *more))


def one_of_two_averages(name: str, a: str, x: str, beta: str, read: str | None = None, rest: str | None = None) -> Slot:
    """How one of several averages takes its ``x`` in: a function of the average, x and β; ``rest`` is 1 − β."""
    rest = rest or f"1 − {beta}"
    return Slot(
        name,
        rules.ema,
        (
            Mistake(
                f"{beta} and {rest} swapped in {a}",
                lambda old, x, beta: rules.ema(old, x, 1 - beta),
                f"In {a} you give the new {x} the weight {beta} and the old average {rest}. It then forgets most "
                "of itself at every step.",
                read,
            ),
            Mistake(
                f"{a} summed, not averaged",
                lambda old, x, beta: old + x,
                f"You add the {x} to {a} and forget nothing.",
                read,
            ),
            Mistake(
                f"new {x} not weighted",
                lambda old, x, beta: beta * old + x,
                f"You decay the old {a}, and add the new {x} whole. The weights in {a} then sum to far more than 1.",
                read,
            ),
            Mistake(
                f"old {a} not decayed",
                lambda old, x, beta: old + (1 - beta) * x,
                f"You weight the new {x}, and keep the old {a} whole: nothing in it is ever forgotten.",
                read,
            ),
            Mistake(
                f"both with the weight {beta} in {a}",
                lambda old, x, beta: beta * old + beta * x,
                f"In {a} you give old and new the same weight {beta}. The two weights have to sum to 1.",
                read,
            ),
            Mistake(
                f"both with the weight {rest} in {a}",
                lambda old, x, beta: (1 - beta) * old + (1 - beta) * x,
                f"In {a} you give old and new the same weight {rest}. The two weights have to sum to 1.",
                read,
            ),
            Mistake(
                f"{a} begun anew at every call",
                lambda old, x, beta: (1 - beta) * x,
                f"Your new {a} holds the last {x} only: the {a} that is passed in is not used.",
                read,
            ),
            Mistake(
                f"{a} without an average",
                lambda old, x, beta: x,
                f"Your new {a} is the last {x} itself, without an average.",
                read,
            ),
            Mistake(
                f"new {x} subtracted in {a}",
                lambda old, x, beta: beta * old - (1 - beta) * x,
                f"In {a} you subtract the new {x} where it is added.",
                read,
            ),
        ),
    )


def buffered(read: str | None = None, faded: str | None = None) -> Slot:
    """How a heavy ball's buffer takes a direction in: a function of b, the direction and γ."""
    return Slot(
        "buffered",
        lambda b, r, gamma: gamma * b + r,
        (
            Mistake(
                "dampened",
                lambda b, r, gamma: gamma * b + (1 - gamma) * r,
                "The new direction enters your buffer with the weight 1 − γ. That is an average of directions, whose "
                "steps are 1 − γ times as long at the same rate.",
                read,
            ),
            Mistake(
                "new direction decayed at once",
                lambda b, r, gamma: gamma * (b + r),
                "You multiply by γ after the new direction has been added, so that all steps are γ times as long as "
                "they should be.",
                faded,
            ),
            Mistake(
                "old buffer not faded",
                lambda b, r, gamma: b + r,
                "You add every direction to the buffer and let nothing fade.",
                faded,
            ),
            Mistake(
                "γ before the wrong term",
                lambda b, r, gamma: b + gamma * r,
                "You multiply the new direction by γ and keep the old buffer whole. Nothing in it ever fades.",
                faded,
            ),
            Mistake(
                "γ and 1 − γ swapped",
                lambda b, r, gamma: (1 - gamma) * b + r,
                "You multiply the old buffer by 1 − γ. A momentum of 0.9 then keeps a tenth of the past, not nine "
                "tenths.",
                faded,
            ),
            Mistake(
                "an average, with its weights swapped",
                lambda b, r, gamma: (1 - gamma) * b + gamma * r,
                "Your buffer is an average, in which the old buffer has the weight 1 − γ and the new direction γ.",
                read,
            ),
            Mistake(
                "direction subtracted in the buffer",
                lambda b, r, gamma: gamma * b - r,
                "You subtract the new direction in the buffer, and use the buffer as if you had added it.",
                faded,
            ),
            Mistake(
                "old buffer subtracted",
                lambda b, r, gamma: r - gamma * b,
                "You subtract what is left of the old buffer. On a steady gradient each step then takes back a part "
                "of the one before.",
                faded,
            ),
            Mistake(
                "buffer begun anew at every step",
                lambda b, r, gamma: r + 0 * b,
                "No momentum is left from one step to the next: your steps are those of a buffer that holds the last "
                "direction only. Either it is set to zero, or what it held before is not used, or not kept.",
                faded,
            ),
            Mistake(
                "γ squared",
                lambda b, r, gamma: gamma * gamma * b + r,
                "Your old buffer is multiplied by γ twice before the new direction enters.",
                faded,
            ),
        ),
    )


def apart(built: Any, slots: Sequence[Slot], names: Sequence[str]) -> tuple[tuple[Slot, ...], tuple[Mistake, ...]]:
    """Slots without the mistakes that hardly meet with another one, and these as mistakes by themselves.

    Where an exercise has many slots, so that pairs of likely mistakes are found in time.

    Parameters
    ----------
    built : callable
        Makes an answer of a filling for each slot.
    slots : sequence of Slot
    names : sequence of str
        Of mistakes.

    Returns
    -------
    tuple of Slot
    tuple of Mistake
    """
    right = {slot.name: slot.right for slot in slots}
    alone = tuple(
        replace(mistake, variant=built(**right | {slot.name: mistake.variant}))
        for slot in slots
        for mistake in slot.wrong
        if mistake.name in names
    )
    return without(slots, *names), alone


def both(one: Any, other: Any) -> Callable[[], tuple[Any, Any]]:
    """A filling of two functions, for a choice that shows in two places."""
    return lambda: (one, other)
