"""Run a chapter in which something is changed, and tell which of its claims and verdicts are then false."""

from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tools.notebooks.execute import CannotSaveError, run

FALSE = "✗ "
"""What a claim that does not hold begins with, when it is told instead of raised."""

# Run before a chapter, so that it goes on after a claim that is false.
_TELL = f"""
import rmsprop_lib
from rmsprop_lib import claims


def _told(function):
    def instead(*arguments, **named):
        try:
            function(*arguments, **named)
        except claims.ClaimError as error:
            print("{FALSE}" + " ".join(str(error).split()))
    return instead


rmsprop_lib.claim, rmsprop_lib.verdict = _told(claims.claim), _told(claims.verdict)
"""


def false_claims(chapter: NotebookNode, folder: Path, before: str = "") -> list[str]:
    """The claims and verdicts of a chapter that are false when it is run.

    Parameters
    ----------
    chapter : NotebookNode
        Left as it is.
    folder : Path
        In which it is run.
    before : str
        Code to run before its first cell.

    Returns
    -------
    list of str
        One for each, in the order of the cells; an error that ends the run is the only one.
    """
    changed = nbformat.from_dict(chapter)
    changed.cells.insert(0, nbformat.v4.new_code_cell(_TELL + before))
    try:
        ran = run(changed, folder)
    except CannotSaveError as error:
        return [str(error).strip().splitlines()[-1]]
    printed = [output.text for cell in ran.cells for output in cell.get("outputs", []) if "text" in output]
    lines = (line for text in printed for line in text.splitlines())
    return [line.removeprefix(FALSE) for line in lines if line.startswith(FALSE)]
