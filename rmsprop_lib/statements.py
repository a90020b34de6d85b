"""The statements that the book puts to the test, side by side: in which order, about what, and with which picture.

The verdicts themselves are the chapters' (:func:`~rmsprop_lib.claims.verdict`) and are read from their outputs. What a
page that shows all of them needs to know besides stands here.
"""

from collections.abc import Iterable
from typing import NamedTuple

METHODS = ("SGD", "momentum", "AdaGrad", "RMSprop", "centered RMSprop", "Adam")
"""What a statement can be about."""

FIRST = ("H1", "L6", "L1", "H2", "R3", "H5", "R4", "R18", "R10", "H8")
"""What most readers have met, in lectures, in documentation or in a forum; these come first."""


class Card(NamedTuple):
    """What a statement is about, and the figure that decides it or shows it best, by its name; none without one."""

    about: tuple[str, ...]
    figure: str = ""


CARDS = {
    "G1": Card(("Adam",), "fig-gu-phase"),
    "G2": Card(("Adam",)),
    "G3": Card(("RMSprop", "SGD"), "fig-gu-direction"),
    "H1": Card(("RMSprop", "SGD"), "fig-ravine-turned"),
    "H2": Card(("RMSprop",), "fig-ravine-paths"),
    "H3": Card(("RMSprop",), "fig-mt-sparse"),
    "H4": Card(("RMSprop",), "fig-mnist-comparison"),
    "H5": Card(("RMSprop",)),
    "H6": Card(("RMSprop",), "fig-ten-batches"),
    "H7": Card(("Adam",)),
    "H8": Card(("RMSprop", "momentum"), "fig-mom-ravine"),
    "H9": Card(("RMSprop", "Adam")),
    "H10": Card(("RMSprop",)),
    "I1": Card(("RMSprop", "momentum"), "fig-img-epsilon"),
    "I2": Card(("RMSprop",), "fig-img-contact"),
    "I3": Card(("RMSprop", "Adam", "momentum"), "fig-img-generalise"),
    "I4": Card(("RMSprop",), "fig-img-averaging"),
    "L1": Card(("RMSprop",)),
    "L2": Card(("RMSprop", "centered RMSprop"), "fig-rms-and-deviation"),
    "L3": Card(("Adam",)),
    "L4": Card(("RMSprop",)),
    "L5": Card(("Adam", "SGD", "momentum")),
    "L6": Card(("AdaGrad", "RMSprop", "Adam"), "fig-tune-valley"),
    "L7": Card(("RMSprop", "momentum")),
    "L8": Card(("momentum",)),
    "L9": Card(("Adam",)),
    "L10": Card(("RMSprop", "momentum")),
    "L11": Card(("momentum",)),
    "R1": Card(("AdaGrad",), "fig-ag-rates"),
    "R2": Card(("RMSprop",), "fig-ema-weights"),
    "R3": Card(("RMSprop",), "fig-third-run"),
    "R4": Card(("AdaGrad",), "fig-ag-outliers"),
    "R5": Card(("RMSprop",)),
    "R6": Card(("RMSprop", "SGD")),
    "R7": Card(("AdaGrad", "RMSprop"), "fig-third-run"),
    "R8": Card(("centered RMSprop",)),
    "R9": Card(("centered RMSprop",), "fig-centered-growth"),
    "R10": Card(("RMSprop",), "fig-ten-batches"),
    "R11": Card(("RMSprop",)),
    "R12": Card(("RMSprop", "AdaGrad")),
    "R13": Card(("Adam", "RMSprop")),
    "R14": Card(("RMSprop",)),
    "R15": Card(("RMSprop", "Adam")),
    "R16": Card(("RMSprop",), "fig-first-steps"),
    "R17": Card(("RMSprop",)),
    "R18": Card(("Adam", "RMSprop"), "fig-choose-nets"),
    "R19": Card(("Adam", "RMSprop")),
    "E1": Card(("SGD",), "fig-edge-contact"),
    "E2": Card(("RMSprop", "Adam"), "fig-edge-networks"),
    "E3": Card(("Adam",), "fig-edge-warmup"),
    "P1": Card(("centered RMSprop", "momentum")),
    "P2": Card(("RMSprop",), "fig-games-epsilon"),
    "P3": Card(("Adam", "RMSprop")),
    "P4": Card(("Adam", "RMSprop"), "fig-games-methods"),
    "F1": Card(("RMSprop",), "fig-fam-memory"),
    "F2": Card(("centered RMSprop", "Adam")),
    "F3": Card(("Adam",), "fig-fam-turned"),
    "F4": Card(("Adam",), "fig-fam-race"),
    "W1": Card(("Adam", "SGD"), "fig-words-holds"),
    "W2": Card(("Adam", "SGD"), "fig-words-lead"),
    "W3": Card(("Adam",), "fig-words-burst"),
    "W4": Card(("Adam", "momentum")),
}
"""Of every statement, by its identifier."""


def arranged(verdicts: Iterable[dict[str, str]]) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """The verdicts on what most readers have met, and the others.

    Parameters
    ----------
    verdicts : iterable of dict
        As :func:`~rmsprop_lib.claims.stored_verdicts` gives them.

    Returns
    -------
    first : list of dict
        Those on the statements in ``FIRST``, in its order.
    others : list of dict
        The rest, in the order in which they were given.
    """
    found = {v["identifier"]: v for v in verdicts}
    first = [found.pop(identifier) for identifier in FIRST if identifier in found]
    return first, list(found.values())


def table(verdicts: Iterable[dict[str, str]]) -> str:
    """Verdicts as a table in Markdown, each with a link to its place in a chapter.

    Parameters
    ----------
    verdicts : iterable of dict
        As :func:`~rmsprop_lib.claims.stored_verdicts` gives them.

    Returns
    -------
    str
        The table's lines.
    """
    rows = ["| | statement | verdict | decided by |", "|---|---|---|---|"]
    for v in verdicts:
        link = f"[{v['identifier']}]({v['notebook']}#statement-{v['identifier'].lower()})"
        said = f"{v['statement']} *{v['source']}*" if v.get("source") else v["statement"]
        cells = [said, f"**{v['judgement']}**: {v['because']}", v["number"]]
        rows.append(" | ".join([f"| {link}", *(cell.replace("|", "\\|") for cell in cells), ""]))
    return "\n".join(rows)
