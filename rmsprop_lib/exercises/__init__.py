"""Exercises that know what went wrong: a declaration for each, and one checker for all.

``declaration`` says what an exercise is, the modules ``chapter_NN`` hold the book's, :func:`check` judges an
answer (``judging``, which has it run by ``running``), :func:`hint` helps.

>>> from rmsprop_lib import check
>>> check("no-such-exercise", None).kind
'unknown'
"""

import difflib
import pkgutil
from functools import cache
from importlib import import_module
from typing import Any

from rmsprop_lib.exercises import progress as _progress
from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake
from rmsprop_lib.exercises.judging import SECONDS, judge
from rmsprop_lib.exercises.replying import Hint, Reply

__all__ = ["Case", "Exercise", "Mistake", "catalogue", "check", "hint"]


@cache
def catalogue() -> dict[str, Exercise]:
    """All exercises of the book by name, in the order of the chapters.

    Returns
    -------
    dict of str to Exercise

    Raises
    ------
    ValueError
        If two have the same name.
    """
    found: dict[str, Exercise] = {}
    for module in sorted(m.name for m in pkgutil.iter_modules(__path__) if m.name.startswith("chapter_")):
        for exercise in import_module(f"{__name__}.{module}").EXERCISES:
            if exercise.name in found:
                raise ValueError(f"two exercises are called {exercise.name!r}")
            found[exercise.name] = exercise
    return found


def _unknown(name: Any) -> Reply:
    near = difflib.get_close_matches(str(name), catalogue(), 1, 0.4)
    known = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(catalogue())}."
    return Reply(None, "unknown", [f"No exercise is called {name!r}. {known}"])


class Check:
    """Judge an answer to an exercise.

    Parameters
    ----------
    name : str
        The exercise's name, which stands in its heading.
    answer : callable
        A function with the arguments that the exercise names, in its order or under its names; or, where it
        asks for one, a class. It is called several times, on copies.
    seconds : float
        How long all calls together may take.

    Returns
    -------
    Reply
        Which Jupyter shows; its ``passed`` is true or false. Nothing is raised, whatever the answer does.
    """

    def __call__(self, name: str, answer: Any = None, *, seconds: float = SECONDS) -> Reply:
        """Judge an answer: see the class."""
        exercise = catalogue().get(name) if isinstance(name, str) else None
        if exercise is None:
            return _unknown(name)
        reply = judge(exercise, answer, seconds)
        if reply.passed:
            _progress.record(exercise.name)
        return reply

    def progress(self) -> _progress.Progress:
        """How many exercises of each chapter are done, and which are left.

        Returns
        -------
        Progress
            Which Jupyter shows as a table.
        """
        chapters: dict[str, list[str]] = {}
        for exercise in catalogue().values():
            chapters.setdefault(exercise.chapter, []).append(exercise.name)
        return _progress.progress(chapters)

    def __repr__(self) -> str:
        return 'check("name of the exercise", your_function)'


check = Check()


def hint(name: str, level: int = 1) -> Hint | Reply:
    """A hint for an exercise: the first is gentle, the second leaves only the writing.

    Parameters
    ----------
    name : str
        The exercise's name.
    level : int
        1 or 2.

    Returns
    -------
    Hint, or Reply if no exercise has this name
        Which Jupyter shows.
    """
    exercise = catalogue().get(name) if isinstance(name, str) else None
    if exercise is None:
        return _unknown(name)
    if level not in (1, 2):
        return Hint(f"{name}. There are two hints", f'hint("{name}") and hint("{name}", 2).')
    more = f' hint("{name}", 2) says more.' if level == 1 else ""
    return Hint(f"{name}. Hint {level} of 2", exercise.hints[level - 1] + more)
