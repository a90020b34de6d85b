"""A reader's answer, run: called as it wants to be called, and never trusted."""

import contextlib
import dis
import inspect
import io
import linecache
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rmsprop_lib.exercises.declaration import Case, Exercise
from rmsprop_lib.exercises.values import Form, ResultError, alike, handed_over, results, unchanged


class AnswerError(Exception):
    """The answer could not be run, or what it did cannot be compared. The message says why, in a sentence."""


@dataclass(frozen=True)
class Observed:
    """One call: what was given, and what came out."""

    case: int
    step: int
    given: dict[str, Any]
    returned: dict[str, np.ndarray]

    def agrees(self, expected: "Observed", accuracy: float) -> bool:
        """Whether everything that was returned is what another call returned, to rounding."""
        return all(alike(x, expected.returned[name], accuracy) for name, x in self.returned.items())


@dataclass
class Record:
    """All calls of an answer, and what was noticed beside them."""

    observed: list[Observed]
    printed: str = ""
    changed: str | None = None
    """The first argument that was changed in place."""


PRINTED = 10_000
"""Characters of what an answer prints that are kept."""


class _Limited(io.StringIO):
    """Text of which the beginning is kept."""

    def write(self, text: str) -> int:
        super().write(text[: max(0, PRINTED - self.tell())])
        return len(text)


# Operations of code that does more than to raise at once.
_DECIDES = frozenset(
    name for name in dis.opmap if "JUMP" in name or name.startswith(("FOR_", "STORE_", "BINARY_", "COMPARE_"))
)


def is_untouched(answer: Any) -> bool:
    """Whether the answer is still the exercise's stub: nothing, or a body of ``...``, ``pass`` or a docstring."""
    if answer is Ellipsis or answer is None:
        return True
    if inspect.isclass(answer):
        answer = vars(answer).get("step") or vars(answer).get("update")
    # Its own code: a function that wraps a stub is none.
    if not isinstance(answer, types.FunctionType):
        return False
    code = answer.__code__
    does = [
        i for i in dis.get_instructions(code) if i.opname not in ("RESUME", "NOP", "COPY_FREE_VARS", "EXTENDED_ARG")
    ]
    if code.co_names == ("NotImplementedError",) and not any(i.opname in _DECIDES for i in does):
        return True
    returns_nothing = all(i.argval in (None, Ellipsis) for i in does if i.opname in ("LOAD_CONST", "RETURN_CONST"))
    return returns_nothing and all(i.opname in ("LOAD_CONST", "RETURN_VALUE", "RETURN_CONST", "POP_TOP") for i in does)


def what_it_keeps(answer: Any) -> str:
    """Why the same question may have had two answers, from what the code does."""
    code = getattr(answer, "__code__", None)
    names = {name.lower() for name in code.co_names} if code is not None else set()
    if any("rand" in name or name in ("rng", "normal") for name in names):
        return "It uses random numbers, which this exercise does not need."
    written = [i.argval for i in dis.get_instructions(code) if i.opname == "STORE_GLOBAL"] if code is not None else []
    if written:
        return f"It keeps {written[0]} in a global variable, which the next run of it begins with."
    return "It keeps something from one run to the next: in a global, in a default argument, or in an object."


def run(exercise: Exercise, answer: Any, form: Form = "arrays") -> Record:
    """Call ``answer`` on all cases of ``exercise``.

    Raises
    ------
    AnswerError
        If it cannot be called, raises, or returns what cannot be compared.
    """
    record, printed = Record([]), _Limited()
    with (
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
    ):
        warnings.simplefilter("ignore")
        try:
            for number, case in enumerate(exercise.cases):
                record.observed += calls(exercise, answer, number, case, form, record, printed)
        finally:
            record.printed = printed.getvalue()
    return record


def calls(
    exercise: Exercise,
    answer: Any,
    number: int,
    case: Case,
    form: Form = "arrays",
    record: Record | None = None,
    printed: io.StringIO | None = None,
) -> Iterator[Observed]:
    """The calls of one case, each done when it is asked for.

    Parameters
    ----------
    exercise : Exercise
    answer : callable
    number : int
        The case's.
    case : Case
    form : {"arrays", "tensors", "numbers"}
        As what arrays are handed over.
    record : Record, optional
        Where to note an argument that is changed in place.
    printed : io.StringIO, optional
        Where what the answer prints goes.

    Yields
    ------
    Observed

    Raises
    ------
    AnswerError
        If the answer cannot be called, raises, or returns what cannot be compared.
    """
    printed = io.StringIO() if printed is None else printed
    function = _made(exercise, answer, case)
    by_name = _calling(exercise, function)
    held = dict(case.given)
    for step in range(case.steps):
        given = {name: case.stream[name][step] if name in case.stream else held[name] for name in exercise.arguments}
        if form == "numbers" and any(np.ndim(x) for x in given.values()):
            returned = _one_by_one(exercise, function, by_name, given, printed)
        else:
            changing = {*case.stream, *exercise.results}
            passed = {name: handed_over(x, form, name in changing) for name, x in given.items()}
            returned = _returned(exercise, _call(function, by_name, passed), printed)
            if record is not None and record.changed is None:
                names = (name for name, x in passed.items() if not unchanged(x, given[name]))
                record.changed = next(names, None)
        yield Observed(number, step, given, returned)
        held |= {name: x for name, x in returned.items() if name in exercise.arguments}


def _returned(exercise: Exercise, value: Any, printed: io.StringIO) -> dict[str, np.ndarray]:
    try:
        # Copies: an answer may hold on to what it returns and change it later.
        return {name: x.copy() for name, x in results(value, exercise.results, printed.getvalue()).items()}
    except ResultError as unusable:
        raise AnswerError(str(unusable)) from None


def _one_by_one(
    exercise: Exercise, function: Callable[..., Any], by_name: bool, given: dict[str, Any], printed: io.StringIO
) -> dict[str, np.ndarray]:
    """The answer for each element by itself, for functions of single numbers."""
    try:
        arrays = np.broadcast_arrays(*given.values())
    except ValueError:
        raise AnswerError("Its arguments are arrays of different shapes, and it cannot take single numbers.") from None
    elements = []
    for index in np.ndindex(arrays[0].shape):
        single = {name: float(x[index]) for name, x in zip(given, arrays, strict=True)}
        elements.append(_returned(exercise, _call(function, by_name, single), printed))
    if any(x.shape for element in elements for x in element.values()):
        raise AnswerError("Given single numbers, it returns arrays.")
    return {name: np.array([e[name] for e in elements]).reshape(arrays[0].shape) for name in exercise.results}


def _made(exercise: Exercise, answer: Any, case: Case) -> Callable[..., Any]:
    """The function to call for one case; made anew, if the answer is a class or makes functions."""
    names = exercise.built_with.split()
    made = answer
    if inspect.isclass(answer) or names:
        if not callable(answer):
            raise AnswerError(
                f"It is a {type(answer).__name__}; the answer is a class, made with ({', '.join(names)})."
            )
        made = _call(answer, _calling(exercise, answer, tuple(names)), {name: case.given[name] for name in names})
    for method in ("step", "update"):
        if not isinstance(made, types.FunctionType) and callable(getattr(made, method, None)):
            return getattr(made, method)  # type: ignore[no-any-return]
    if not callable(made):
        if names:
            raise AnswerError(f"What it makes, a {type(made).__name__}, has no method step and cannot be called.")
        raise AnswerError(
            f"It was given a {type(made).__name__}, not a function: write check({exercise.name!r}, my_function), "
            "without parentheses behind the function's name."
        )
    return made  # type: ignore[no-any-return]


def _calling(exercise: Exercise, function: Callable[..., Any], names: tuple[str, ...] | None = None) -> bool:
    """Whether arguments are to be given by name: if the function has the same names in another order."""
    names = exercise.arguments if names is None else names
    try:
        signature = inspect.signature(function, follow_wrapped=False)
    except (TypeError, ValueError):
        return False  # some compiled functions do not say
    plain = [p for p in signature.parameters.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if {p.name for p in plain} == set(names):
        return not any(p.kind is p.POSITIONAL_ONLY for p in plain)
    try:
        signature.bind(*names)
    except TypeError:
        raise AnswerError(
            f"It takes {signature}, but is called with ({', '.join(names)}): "
            f"{len(plain)} and {len(names)} arguments, in this order."
        ) from None
    return False


def _call(function: Callable[..., Any], by_name: bool, given: dict[str, Any]) -> Any:
    try:
        return function(**given) if by_name else function(*given.values())
    except (NotImplementedError, SystemExit):
        raise
    except RecursionError:
        raise AnswerError("It calls itself without end (RecursionError).") from None
    except Exception as error:
        raise AnswerError(f"It raised {type(error).__name__}: {_message(error)}{_where(error)}") from error


def _message(error: BaseException) -> str:
    try:
        text = str(error).strip()
    except Exception:
        text = ""
    return (text if len(text) < 300 else text[:297] + "...") or "no message"


def _where(error: BaseException) -> str:
    """The line of the reader's code in which it was raised."""
    frames = [frame for frame in _frames(error) if not frame[0].startswith((sys.prefix, sys.base_prefix, "<frozen"))]
    if not frames:
        return ""
    filename, number = frames[-1]
    line = linecache.getline(filename, number).strip()
    return f" (in line {number}: {line})" if line else f" (in line {number})"


def _frames(error: BaseException) -> list[tuple[str, int]]:
    here, found, step = Path(__file__).parent, [], error.__traceback__
    while step is not None:
        name = step.tb_frame.f_code.co_filename
        if Path(name).parent != here:
            found.append((name, step.tb_lineno))
        step = step.tb_next
    return found
