"""The verdict on an answer: right, a mistake that is known by name, or where it departs."""

import sys
from typing import Any

import numpy as np

from rmsprop_lib.exercises import apart, timeout
from rmsprop_lib.exercises.clues import clues, unused
from rmsprop_lib.exercises.declaration import Exercise, Mistake
from rmsprop_lib.exercises.diagnosing import diagnosis
from rmsprop_lib.exercises.replying import Reply
from rmsprop_lib.exercises.running import AnswerError, Observed, Record, is_untouched, run, what_it_keeps
from rmsprop_lib.exercises.straight import straightened
from rmsprop_lib.exercises.torch_answer import is_torch_optimizer, stepped
from rmsprop_lib.exercises.values import agree

SECONDS = 10.0
"""How long an answer may take, on all cases together."""


def judge(exercise: Exercise, answer: Any, seconds: float = SECONDS) -> Reply:
    """Run an answer and say what is right or wrong with it. Whatever the answer does, nothing is raised."""
    with straightened() as bent:
        reply = _judged(exercise, answer, seconds)
    if bent:
        these, was, it = (bent[0], "was", "it was") if len(bent) == 1 else (", ".join(bent), "were", "they were")
        reply.lines.append(f"{these} {was} changed in this notebook; the check went back to what {it}.")
    return reply


def _judged(exercise: Exercise, answer: Any, seconds: float) -> Reply:
    if is_untouched(answer):
        return Reply(
            exercise,
            "untouched",
            [exercise.task, f'Write it, then run this cell again. hint("{exercise.name}") helps.'],
        )
    if apart.is_inside():
        return Reply(exercise, "trouble", ["An answer cannot be checked while it is being checked."])
    if is_torch_optimizer(answer) and "lr" in exercise.arguments:
        answer = stepped(answer, tuple(exercise.built_with.split()))
    try:
        record, again, remarks = apart.call(
            lambda: _run_twice(exercise, answer), seconds, (AnswerError, NotImplementedError, SystemExit)
        )
    except NotImplementedError:
        return Reply(exercise, "untouched", [exercise.task, "It still raises NotImplementedError."])
    except AnswerError as trouble:
        return Reply(exercise, "trouble", [str(trouble)])
    except timeout.TimeLimitError as late:
        lines = [f"It was not done after {seconds:g} seconds: is there a loop without an end?"]
        if not late.stopped:
            lines.append("It could not be stopped and goes on in the background. Restart the kernel before you go on.")
        return Reply(exercise, "trouble", lines)
    except SystemExit:
        return Reply(exercise, "trouble", ["It calls exit, which would end Python. Return instead."])
    except apart.EndedError:
        return Reply(exercise, "trouble", ["It ends Python: the process in which it ran is gone."])
    except apart.RaisedError as error:
        return Reply(exercise, "trouble", [f"It raised {error}, and the check cannot go on."])
    return _compared(exercise, answer, record, again, remarks, seconds)


def _run_twice(exercise: Exercise, answer: Any) -> tuple[Record, Record, dict[str, Any]]:
    """What an answer does, what it does the second time, and how it had to be run."""
    record, remarks = _run_somehow(exercise, answer)
    return record, run(exercise, answer, remarks.get("form", "arrays")), remarks


def _run_somehow(exercise: Exercise, answer: Any) -> tuple[Record, dict[str, Any]]:
    """Run with arrays; if that is not what it is written for, with tensors, then with single numbers."""
    try:
        return run(exercise, answer), {}
    except AnswerError as trouble:
        if not isinstance(trouble.__cause__, TypeError | AttributeError | ValueError):
            raise
        first = trouble
    others = ["tensors"] if "torch" in sys.modules else []
    for form in (*others, "numbers"):
        try:
            record = run(exercise, answer, form)  # type: ignore[arg-type]
        except AnswerError:
            continue
        remark = "" if form == "tensors" else f"It works for single numbers only; given an array: {first}"
        return record, {"form": form, "remark": remark}
    raise first


def _compared(
    exercise: Exercise, answer: Any, record: Record, again: Record, remarks: dict[str, Any], seconds: float
) -> Reply:
    printed = record.printed
    try:
        expected = run(exercise, exercise.reference).observed
    except AnswerError as trouble:
        if not isinstance(trouble.__cause__, ModuleNotFoundError):
            raise
        return Reply(exercise, "trouble", [f"It cannot be checked here: {trouble.__cause__}"], printed=printed)
    if misshapen := _misshapen(exercise, record.observed, expected):
        mistakes = diagnosis(exercise, record.observed)
        lines = [*(mistake.says for mistake in mistakes), misshapen]
        if not mistakes:
            return Reply(exercise, "trouble", lines, printed=printed)
        lines.append(_read_again(exercise, *mistakes))
        return Reply(exercise, "mistake", lines, mistakes=tuple(m.name for m in mistakes), printed=printed)
    if not _same(exercise, record.observed, again.observed):
        lines = ["The same arguments gave two different answers.", what_it_keeps(answer)]
        return Reply(exercise, "trouble", lines, printed=printed)
    if _same(exercise, record.observed, expected):
        if record.changed is not None:
            lines = [
                f"What it returns is right, but it changes its argument {record.changed} in place, which the caller "
                "does not expect. Work on a copy, or make new arrays."
            ]
            return Reply(exercise, "trouble", lines, printed=printed)
        return Reply(exercise, "right", [line for line in (remarks.get("remark"),) if line], printed=printed)
    departure = _departure(exercise, record.observed, expected)
    if mistakes := diagnosis(exercise, record.observed):
        lines = [*(mistake.says for mistake in mistakes), departure, _read_again(exercise, *mistakes)]
        return Reply(exercise, "mistake", lines, mistakes=tuple(m.name for m in mistakes), printed=printed)
    lines = [departure, *clues(exercise, record.observed, expected), *_unused(exercise, answer, remarks, seconds)]
    if record.changed is not None:
        lines.append(f"It changes its argument {record.changed} in place.")
    lines.append(_read_again(exercise))
    return Reply(exercise, "wrong", lines, printed=printed)


def _misshapen(exercise: Exercise, got: list[Observed], expected: list[Observed]) -> str:
    """The first result that has another shape than it should, in words; nothing if there is none."""
    for call, wanted in zip(got, expected, strict=True):
        for name in exercise.results:
            a, b = call.returned[name], wanted.returned[name]
            if a.shape != b.shape:
                return f"{name} has shape {a.shape}; it should have {b.shape}, {_at(exercise, call)}."
    return ""


def _same(exercise: Exercise, some: list[Observed], others: list[Observed]) -> bool:
    return len(some) == len(others) and all(a.agrees(b, exercise.accuracy) for a, b in zip(some, others, strict=True))


def _departure(exercise: Exercise, got: list[Observed], expected: list[Observed]) -> str:
    """The first call whose result is another, in words."""
    for a, b in zip(got, expected, strict=True):
        for name in exercise.results:
            bad = ~agree(a.returned[name], b.returned[name], exercise.accuracy)
            if bad.any():
                index = tuple(int(i) for i in np.argwhere(bad)[0])
                element = f"{name}[{', '.join(map(str, index))}]" if index else name
                wanted, found = _number(b.returned[name][index]), _number(a.returned[name][index])
                more = 1
                while wanted == found and more < 12:
                    more += 1
                    wanted, found = (_number(x.returned[name][index], 5 + more) for x in (b, a))
                return f"It departs {_at(exercise, a, index)}: expected {element} = {wanted}, got {found}."
    raise AssertionError("nothing departs")


def _at(exercise: Exercise, call: Observed, index: tuple[int, ...] = ()) -> str:
    """Which call, and what it was given; of arrays the element at ``index``."""
    steps, cases = exercise.cases[call.case].steps, len(exercise.cases)
    places = [f"at step {call.step + 1}"] if steps > 1 else []
    places += [f"in case {call.case + 1}"] if cases > 1 else []
    place = " ".join(places) or "at once"
    values = []
    for name, x in call.given.items():
        array = np.asarray(x)
        if array.ndim == 0:
            values.append(f"{name} = {_number(array)}")
        elif array.ndim == len(index) and all(i < n for i, n in zip(index, array.shape, strict=True)):
            values.append(f"{name}[{', '.join(map(str, index))}] = {_number(array[index])}")
        else:
            values.append(f"{name} of shape {array.shape}")
    return f"{place}, with {', '.join(values)}" if values else place


def _unused(exercise: Exercise, answer: Any, remarks: dict[str, Any], seconds: float) -> list[str]:
    """The arguments that make no difference to the answer, as a clue."""
    try:
        names = apart.call(lambda: unused(exercise, answer, remarks.get("form", "arrays")), seconds)
    except (timeout.TimeLimitError, apart.EndedError, apart.RaisedError):
        return []
    return [f"Whatever {name} is, your answer is the same." for name in names]


def _read_again(exercise: Exercise, *mistakes: Mistake) -> str:
    sections = dict.fromkeys(mistake.read or exercise.read for mistake in mistakes) or [exercise.read]
    named = " and ".join(f'"{section}"' for section in sections)
    return f'Read again: {named} in chapter {int(exercise.chapter[:2])}. hint("{exercise.name}") helps.'


def _number(x: Any, digits: int = 6) -> str:
    return f"{float(x):.{digits}g}"
