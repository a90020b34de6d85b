"""How curves look: one colour, dash pattern and marker for each optimizer in every figure, by its name.

The colours are Okabe and Ito's, made for colour-blind readers; dashes and markers tell curves apart without colour and
in grey print. The playground draws each of its optimizers in nearly the same hue.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from rmsprop_lib.extras import naming_extras

with naming_extras():
    from matplotlib.colors import to_hex, to_rgb


COLOURS = ("#000000", "#D55E00", "#0072B2", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
"""Black for the first curve, then Okabe and Ito's vermillion, blue, green, purple, sky blue and orange."""
DASHES: tuple[Any, ...] = (
    "-",
    (0, (5, 1.5)),
    (0, (1, 1)),
    (0, (5, 1.5, 1, 1.5)),
    (0, (8, 2)),
    (0, (3, 1, 1, 1, 1, 1)),
    "-",
)
"""How the lines of the curves are broken, in the same order."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
"""Their points, in the same order."""


class Look(NamedTuple):
    """Colour, dash pattern and marker of a curve, as Matplotlib takes them."""

    colour: str
    dash: Any
    marker: str


PALETTE = tuple(Look(*look) for look in zip(COLOURS, DASHES, MARKERS, strict=True))
"""For curves that are no optimizers', in order."""

LOOKS = {
    "SGD": PALETTE[0],
    "momentum": PALETTE[1],
    "AdaGrad": PALETTE[2],
    "RMSprop": PALETTE[3],
    "centered": PALETTE[4],
    "RMSprop with momentum": PALETTE[5],
    "Adam": PALETTE[6],
    "AdamW": Look("#8A4B00", (0, (4, 1, 1, 1)), "*"),
    "AMSGrad": Look("#A8324A", (0, (2, 1)), "<"),
    "Nesterov": Look("#8C2D04", (0, (1, 1)), ">"),
    "RMSprop, corrected": Look("#004D36", (0, (2, 1)), "p"),
    "centered with momentum": Look("#7A3B69", (0, (6, 1, 1, 1)), "h"),
    # The family of chapter 20, each in a shade of what it descends from or is made of.
    "AdaDelta": Look("#2F9E8F", (0, (7, 1, 1, 1, 1, 1)), "^"),
    "AdaMax": Look("#B8A000", (0, (3, 1)), "d"),
    "NAdam": Look("#C77800", (0, (2, 2)), ">"),
    "RAdam": Look("#7F4F24", (0, (6, 2, 2, 2)), "<"),
    "LaProp": Look("#2C7FB8", (0, (3, 1, 1, 1)), "p"),
    "AdaBelief": Look("#B0529C", (0, (1, 2)), "H"),
    "Yogi": Look("#6B8E00", (0, (9, 1, 2, 1)), "s"),
    "Lion": Look("#8B1E3F", (0, (4, 2)), "D"),
    "signum": Look("#5C5C5C", (0, (1, 1.5)), "v"),
    "Adafactor": Look("#4D7EA8", (0, (2, 1, 2, 3)), "P"),
    "LAMB": Look("#9C6B30", (0, (5, 3)), "X"),
    "Shampoo": Look("#1B6B45", (0, (8, 1, 1, 1)), "o"),
    "SOAP": Look("#5E9C76", (0, (3, 2, 1, 2)), "*"),
    "Muon": Look("#6A3D9A", (0, (6, 1)), "8"),
    "schedule-free": Look("#D4526E", (0, (10, 2)), "h"),
}
"""By the name of the optimizer."""

ALSO = {
    "gradient descent": "SGD",
    "gradient descent with momentum": "momentum",
    "heavy ball": "momentum",
    "SGD with momentum": "momentum",
    "with momentum": "RMSprop with momentum",
    "RMSprop + momentum": "RMSprop with momentum",
    "RMSprop, momentum": "RMSprop with momentum",
    "RMSprop, centered": "centered",
    "centered RMSprop": "centered",
    "corrected RMSprop": "RMSprop, corrected",
}
"""Other names that figures use."""

_NAMES = sorted([*LOOKS, *ALSO], key=len, reverse=True)
# How much of white is mixed into the colour of a further curve of the same optimizer.
_LIGHTER = (0.0, 0.4, 0.6, 0.25, 0.7)


def optimizer(label: str) -> str | None:
    """The optimizer that a label names.

    Parameters
    ----------
    label : str
        Of a curve, such as ``"RMSprop, ρ = 0.99"``; the name stands at the beginning.

    Returns
    -------
    str or None
        A key of :data:`LOOKS`; None if the label begins with no optimizer's name.
    """
    for name in _NAMES:
        rest = label[len(name) :]
        if label.lower().startswith(name.lower()) and not rest[:1].isalnum() and rest[:1] != "'":
            return ALSO.get(name, name)
    return None


def looks(labels: Iterable[str]) -> list[Look]:
    """How the curves of a figure look.

    An optimizer has its own look in every figure; further curves of the same optimizer have its colour, lighter, and
    other dashes. All other curves take the looks of :data:`PALETTE` in order, leaving out the colours that are an
    optimizer's in this figure.

    Parameters
    ----------
    labels : iterable of str

    Returns
    -------
    list of Look
        One for each label.
    """
    labels = list(labels)
    names = [optimizer(label) for label in labels]
    taken = {LOOKS[name].colour for name in names if name is not None}
    free = [look for look in PALETTE if look.colour not in taken] or list(PALETTE)
    seen: dict[str | None, int] = {}
    found = []
    for name in names:
        k = seen[name] = seen.get(name, -1) + 1
        found.append(free[k % len(free)] if name is None else _variant(LOOKS[name], k))
    return found


def _variant(look: Look, k: int) -> Look:
    """The look of the k-th curve of an optimizer."""
    if k == 0:
        return look
    white = _LIGHTER[k % len(_LIGHTER)]
    red, green, blue = ((1 - white) * part + white for part in to_rgb(look.colour))
    start = PALETTE.index(look) if look in PALETTE else 0
    other = PALETTE[(start + k) % len(PALETTE)]
    return Look(to_hex((red, green, blue)), other.dash, other.marker)
