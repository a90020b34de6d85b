"""The exercises: every mistake is told apart, right answers pass in any style, and all stand in their chapters."""

import functools
import inspect
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import torch

from rmsprop_lib import check, hint, rules
from rmsprop_lib.exercises import catalogue
from rmsprop_lib.exercises.declaration import Case, Exercise, Mistake
from rmsprop_lib.exercises.diagnosing import diagnosis
from rmsprop_lib.exercises.running import PRINTED, Observed, run
from tools.paths import CHAPTERS

EXERCISES = catalogue()
each_exercise = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
NOTEBOOKS = sorted(CHAPTERS.glob("[0-9][0-9]_*.ipynb"))
each_chapter = pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])


def cells(path: Path, kind: str) -> list[Any]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def named(exercise: Exercise, answer: Any) -> tuple[str, ...]:
    """The mistakes that are found in an answer of our own."""
    return tuple(mistake.name for mistake in diagnosis(exercise, run(exercise, answer).observed))


def rounded(answer: Any) -> Any:
    """The answer in single precision."""

    def in_single_precision(*arguments: Any) -> Any:
        results = answer(*arguments)
        several = isinstance(results, tuple)
        singles = tuple(np.asarray(x, dtype=np.float32) for x in (results if several else (results,)))
        return singles if several else singles[0]

    return in_single_precision


class TestTheCatalogue:
    @each_exercise
    def test_the_reference_is_right(self, exercise: Exercise) -> None:
        assert check(exercise.name, exercise.reference).passed

    @each_exercise
    def test_the_right_fillings_and_the_written_solution_are_right_too(self, exercise: Exercise) -> None:
        assert check(exercise.name, exercise.written).passed
        assert not exercise.slots or check(exercise.name, exercise.filled()).passed

    @each_exercise
    def test_every_mistake_is_named(self, exercise: Exercise) -> None:
        for mistake in exercise.known:
            assert named(exercise, mistake.variant) == (mistake.name,)

    @each_exercise
    def test_the_reply_says_what_was_done_and_where_it_shows(self, exercise: Exercise) -> None:
        for mistake in (exercise.known[0], exercise.known[-1]):
            reply = check(exercise.name, mistake.variant)
            assert (reply.kind, reply.mistake) == ("mistake", mistake.name)
            assert mistake.says in reply.lines
            assert any(re.match(r"It departs .+: expected .+ = .+, got .+\.", line) for line in reply.lines)

    @each_exercise
    def test_every_mistake_is_named_in_single_precision(self, exercise: Exercise) -> None:
        """In float32 rounding must not hide which one it is."""
        if exercise.built_with or "float32" in exercise.task:
            return
        for mistake in exercise.known:
            assert named(exercise, rounded(mistake.variant)) == (mistake.name,)

    @each_exercise
    def test_no_two_mistakes_are_the_same_to_the_checker_and_none_is_right(self, exercise: Exercise) -> None:
        observed = {m.name: run(exercise, m.variant).observed for m in exercise.known}
        observed["the right answer"] = run(exercise, exercise.reference).observed
        for (a, some), (b, others) in combinations(observed.items(), 2):
            assert not same(exercise, some, others), f"{a!r} and {b!r}"

    @each_exercise
    def test_without_epsilon_a_zero_gradient_is_said_to_give_0_over_0_where_it_does(self, exercise: Exercise) -> None:
        for mistake in exercise.known:
            if mistake.name == "ε forgotten":
                from_the_start, later = (
                    any(becomes_nan(exercise, mistake.variant, case, later) for case in exercise.cases)
                    for later in (False, True)
                )
                assert from_the_start == ("a gradient that is zero then gives 0/0" in mistake.says)
                assert not later, "as long as nothing else has come in"

    @each_exercise
    def test_it_is_complete(self, exercise: Exercise) -> None:
        assert re.fullmatch(r"[a-z][a-z0-9-]*", exercise.name)
        assert len(exercise.known) >= 3
        assert len({m.name for m in exercise.known}) == len(exercise.known)
        assert len(exercise.hints) == 2 and all(len(text) > 20 for text in exercise.hints)
        for sentence in (exercise.task, *exercise.hints, *(m.says for m in exercise.known)):
            assert re.search(r"[.?)]$", sentence), sentence
        for case in exercise.cases:
            assert {*case.given, *case.stream} == set(exercise.takes.split())

    @each_exercise
    def test_a_count_is_a_whole_number(self, exercise: Exercise) -> None:
        """An answer may count with range."""
        for case in exercise.cases:
            for name in {"t", "T", "n", "N", "j", "k", "p"} & set(case.given) - set(exercise.results):
                assert isinstance(case.given[name], int), name

    @each_exercise
    def test_what_to_read_again_is_a_heading_of_the_chapter(self, exercise: Exercise) -> None:
        text = "\n".join(cell.source for cell in cells(CHAPTERS / f"{exercise.chapter}.ipynb", "markdown"))
        headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
        for section in {exercise.read, *(m.read for m in exercise.known if m.read)}:
            assert section in headings, section


def becomes_nan(exercise: Exercise, answer: Any, case: Case, later: bool = False) -> bool:
    """Whether an answer gives NaN for gradients of zero, from the first step on or after one without a zero."""
    if "g" not in case.stream:
        return False
    first, *rest = (np.zeros(np.shape(g)) for g in case.stream["g"])
    stream = {**case.stream, "g": [first + 1.5 if later else first, *rest]}
    with np.errstate(all="ignore"):
        seen = run(replace(exercise, cases=[Case(case.given, stream)]), answer).observed
    return any(np.isnan(x).any() for call in seen for x in call.returned.values())


def test_without_epsilon_the_coupled_decay_of_a_weight_divides_its_zero_gradient() -> None:
    exercise = EXERCISES["decay-both"]
    [mistake] = [m for m in exercise.known if m.name == "ε forgotten"]
    for case in exercise.cases:
        assert not becomes_nan(exercise, mistake.variant, case)
        assert becomes_nan(
            exercise, mistake.variant, Case({**case.given, "theta": 0 * case.given["theta"]}, case.stream)
        )


def same(exercise: Exercise, some: list[Observed], others: list[Observed]) -> bool:
    return all(a.agrees(b, exercise.accuracy) for a, b in zip(some, others, strict=True))


def test_the_average_of_chapter_13_ends_where_torch_s_numbers_stand_still() -> None:
    exercise = EXERCISES["average-ends"]
    for case in exercise.cases:
        g, rho, p = (case.given[name] for name in ("g", "rho", "p"))
        rounded = torch.tensor(g, dtype={8: torch.bfloat16, 11: torch.float16}[p])
        before, v = None, torch.zeros_like(rounded)
        while before is None or v != before:
            before, v = v, rules.rmsprop(rounded, v, rho, 0.0)[1]
        assert exercise.reference(g, rho, p) == float(v)


class TestInTheChapters:
    @each_exercise
    def test_stub_check_hints_and_solution_stand_in_the_notebook(self, exercise: Exercise) -> None:
        path = CHAPTERS / f"{exercise.chapter}.ipynb"
        code = cells(path, "code")
        text = "\n".join(cell.source for cell in cells(path, "markdown"))
        assert len(re.findall(rf":::{{exercise}} .+\n:label: ex-{exercise.name}\n", text)) == 1
        assert len(re.findall(rf":::{{solution}} ex-{exercise.name}\n:class: dropdown\n", text)) == 1
        checks = [cell for cell in code if f'check("{exercise.name}", ' in cell.source]
        stub, solution = checks
        assert "Nothing to check yet" in stub.outputs[-1].data["text/plain"]
        assert "solution" in solution.metadata.tags
        assert solution.outputs[-1].data["text/plain"] == f"✓ {exercise.name}. Right."
        for level in (f'hint("{exercise.name}")', f'hint("{exercise.name}", 2)'):
            assert [cell.source for cell in code].count(level) == 1

    @each_chapter
    def test_a_chapter_has_four_exercises_two_of_them_checked_and_a_solution_to_each(self, path: Path) -> None:
        text = "\n".join(cell.source for cell in cells(path, "markdown"))
        labels = re.findall(r":::\{exercise\} .+\n:label: (ex-[\w-]+)\n", text)
        assert len(labels) >= 4
        assert sum(f"ex-{name}" in labels for name in EXERCISES) >= 2
        for label in labels:
            answered = f":::{{solution}} {label}\n:class: dropdown" in text
            chosen = re.search(rf":label: {label}\n(?:(?!:::\{{exercise\}}).|\n)+?:::\{{dropdown\}} A\. ", text)
            assert answered or chosen, label

    @each_chapter
    def test_every_option_of_a_question_has_its_own_reply(self, path: Path) -> None:
        text = "\n".join(cell.source for cell in cells(path, "markdown"))
        for options in re.findall(r"((?:^:::\{dropdown\} [A-F]\. .+\n(?:(?!^:::$).*\n)+:::\n*)+)", text, re.MULTILINE):
            letters = re.findall(r"^:::\{dropdown\} ([A-F])\. ", options, re.MULTILINE)
            replies = re.findall(r"^:::\{dropdown\} [A-F]\. .+\n((?:(?!^:::$).*\n)+):::", options, re.MULTILINE)
            assert letters == list("ABCDEF"[: len(letters)]) and len(letters) >= 3
            assert len(set(replies)) == len(replies) and all(len(reply.strip()) > 30 for reply in replies)


# Right answers, each as somebody might write it.


def in_place_on_a_copy(g, v, rho, eps):
    v = np.array(v, copy=True)
    v *= rho
    v += (1 - rho) * g**2
    return g / (np.sqrt(v) + eps), v


def other_names(grad, cache, decay, epsilon):
    cache = decay * cache + (1 - decay) * np.square(grad)
    return grad / (np.sqrt(cache) + epsilon), cache


def same_names_in_another_order(v, rho, g, eps):
    new = rho * v + (1 - rho) * g * g
    return g / (new**0.5 + eps), new


def with_defaults(g, v, rho=0.9, eps=1e-8):
    return same_names_in_another_order(v, rho, g, eps)


def with_more_that_is_optional(g, v, rho, eps, debug=False, *, verbose=False):
    return with_defaults(g, v, rho, eps)


def as_an_increment(g, v, rho, eps):
    v = v + (1 - rho) * (g * g - v)
    return g / (eps + np.sqrt(v)), v


def numbers_only(g, v, rho, eps):
    import math

    v = rho * v + (1 - rho) * g**2
    return g / (math.sqrt(v) + eps), v


def tensors(g, v, rho, eps):
    import torch

    v = rho * v + (1 - rho) * g.square()
    return g / (torch.sqrt(v) + eps), v


def tensors_in_place(g, v, rho, eps):
    v = v.clone().mul_(rho).addcmul_(g, g, value=1 - rho)
    return g / v.sqrt().add_(eps), v


def a_list(g, v, rho, eps):
    return list(with_defaults(g, v, rho, eps))


def a_dict(g, v, rho, eps):
    d, v = with_defaults(g, v, rho, eps)
    return {"v": v, "d": d}


def an_array_of_both(g, v, rho, eps):
    return np.stack(with_defaults(g, v, rho, eps))


def single_precision(g, v, rho, eps):
    d, v = with_defaults(np.float32(g), np.float32(v), np.float32(rho), np.float32(eps))
    return np.float32(d), np.float32(v)


def any_arguments(*arguments):
    return with_defaults(*arguments)


def lists_of_numbers(g, v, rho, eps):
    d, v = with_defaults(g, v, rho, eps)
    return d.tolist(), v.tolist()


def that_prints(g, v, rho, eps):
    print("v is", v)
    return with_defaults(g, v, rho, eps)


def with_a_helper(g, v, rho, eps):
    def ema(a, x):
        return rho * a + (1 - rho) * x

    return g / (np.sqrt(w := ema(v, g * g)) + eps), w


def a_stub(g, v, rho, eps): ...


@functools.wraps(a_stub)
def that_wraps_a_stub(*arguments):
    return with_defaults(*arguments)


@functools.wraps(lambda x: x)
def that_wraps_a_function_of_other_arguments(g, v, rho, eps):
    return with_defaults(g, v, rho, eps)


@functools.lru_cache
def that_remembers(g, v, rho, eps):
    return with_defaults(g, v, rho, eps)


def in_decimals(g, v, rho, eps):
    g, v, rho, eps = (Decimal(float(x)) for x in (g, v, rho, eps))
    v = rho * v + (1 - rho) * g * g
    return g / (v.sqrt() + eps), v


def in_fractions(g, v, rho, eps):
    g, v, rho = (Fraction(float(x)) for x in (g, v, rho))
    v = rho * v + (1 - rho) * g * g
    return float(g) / (float(v) ** 0.5 + eps), v


def an_array_of_objects(g, v, rho, eps):
    return tuple(np.asarray(x).astype(object) for x in with_defaults(g, v, rho, eps))


def complex_without_an_imaginary_part(g, v, rho, eps):
    return with_defaults(g, v + 0j, rho, eps)


def with_a_helper_that_refuses(g, v, rho, eps):
    def fast():
        raise NotImplementedError

    try:
        return fast()
    except NotImplementedError:
        return with_defaults(g, v, rho, eps)


def with_a_case_that_is_not_done(g, v, rho, eps):
    if rho > 1:
        raise NotImplementedError("ρ > 1")
    return with_defaults(g, v, rho, eps)


def by_a_generator_expression(g, v, rho, eps):
    v = sum(weight * x for weight, x in ((rho, v), (1 - rho, g * g)))
    return g / (v**0.5 + eps), v


class WithStep:
    def step(self, g, v, rho, eps):
        return with_defaults(g, v, rho, eps)


class ThatIsCalled:
    def __call__(self, g, v, rho, eps):
        return with_defaults(g, v, rho, eps)


RIGHT = [
    in_place_on_a_copy, other_names, same_names_in_another_order, with_defaults, with_more_that_is_optional,
    as_an_increment, numbers_only, tensors, tensors_in_place, a_list, a_dict, an_array_of_both, single_precision,
    any_arguments, lists_of_numbers, that_prints, with_a_helper, WithStep, WithStep(), ThatIsCalled(),
    that_wraps_a_stub, that_wraps_a_function_of_other_arguments, that_remembers, in_decimals, in_fractions,
    an_array_of_objects, complex_without_an_imaginary_part, with_a_helper_that_refuses, with_a_case_that_is_not_done,
    by_a_generator_expression,
    lambda g, v, rho, eps: (g / ((w := rho * v + (1 - rho) * g * g) ** 0.5 + eps), w),
]  # fmt: skip


def names(answers: list[Any]) -> list[str]:
    return [getattr(answer, "__name__", type(answer).__name__) for answer in answers]


class TestRightAnswersInOtherStyles:
    @pytest.mark.parametrize("answer", RIGHT, ids=names(RIGHT))
    def test_a_step(self, answer: Any) -> None:
        reply = check("rmsprop-step", answer)
        assert reply.passed, reply

    def test_there_are_thirty(self) -> None:
        assert len(RIGHT) >= 30

    def test_a_class_that_works_in_place_on_what_it_owns(self) -> None:
        class Mine:
            def __init__(self, lr, rho, eps):
                self.settings, self.v = (lr, rho, eps), None

            def step(self, theta, g):
                lr, rho, eps = self.settings
                if self.v is None:
                    self.v = np.zeros_like(g)
                self.v *= rho
                self.v += (1 - rho) * g * g
                return theta - lr * g / (np.sqrt(self.v) + eps)

        assert check("rmsprop-class", Mine).passed

    def test_a_function_that_makes_functions_for_a_class(self) -> None:
        def make(lr, rho, eps):
            v = 0.0

            def step(theta, g):
                nonlocal v
                v = rho * v + (1 - rho) * g * g
                return theta - lr * g / (np.sqrt(v) + eps)

            return step

        assert check("rmsprop-class", make).passed

    def test_weights_as_a_list(self) -> None:
        assert check("ema-weights", lambda rho, t: [(1 - rho) * rho ** (t - s) for s in range(1, t + 1)]).passed


kept: list[Any] = []
total = 0.0


def changes_v(g, v, rho, eps):
    if isinstance(v, np.ndarray):
        v *= rho
        v += (1 - rho) * g * g
    else:
        v = rho * v + (1 - rho) * g * g
    return g / (np.sqrt(v) + eps), v


def keeps_a_global(g, v, rho, eps):
    global total
    total = rho * total + (1 - rho) * np.mean(g**2)
    return g / (np.sqrt(total) + eps), total + 0 * v


def keeps_a_list(g, v, rho, eps, seen=kept):
    seen.append(1)
    return g * len(seen), v


def random_answer(g, v, rho, eps):
    return g * np.random.default_rng().normal(), v


def prints_it(g, v, rho, eps):
    v = rho * v + (1 - rho) * g * g
    print(g / (np.sqrt(v) + eps), v)


def forgets_to_return(g, v, rho, eps):
    v = rho * v + (1 - rho) * g * g
    g / (np.sqrt(v) + eps), v


def a_generator(g, v, rho, eps):
    yield g, v


async def a_coroutine(g, v, rho, eps):
    return g, v


def one_value(g, v, rho, eps):
    return rho * v + (1 - rho) * g * g


def three_values(g, v, rho, eps):
    return g, v, rho


def a_text(g, v, rho, eps):
    return "g", "v"


def a_function(g, v, rho, eps):
    return lambda: g, v


def a_complex_number(g, v, rho, eps):
    return g + 1j, v


def the_wrong_shape(g, v, rho, eps):
    return np.append(g, 0), v


def not_a_number(g, v, rho, eps):
    return g * np.nan, v


def infinite(g, v, rho, eps):
    return g + np.inf, v


def divides_by_zero(g, v, rho, eps):
    return 1 / 0, v


def raises_something_odd(g, v, rho, eps):
    class OddError(Exception):
        def __str__(self):
            raise RuntimeError("no message")

    raise OddError


def raises_unicode(g, v, rho, eps):
    raise ValueError("√v ist nicht definiert: 数値 <b>☃</b> \x00 \ud800")


def recurses(g, v, rho, eps):
    return recurses(g, v, rho, eps)


def exits(g, v, rho, eps):
    raise SystemExit


def interrupts(g, v, rho, eps):
    raise KeyboardInterrupt


def ragged(g, v, rho, eps):
    return [[1], [1, 2]], v


def too_few(g, v):
    return g, v


def by_keyword_only(*, gradient, average, decay, epsilon):
    return gradient, average


class NeedsArguments:
    def __init__(self, must):
        self.must = must

    def step(self, g, v, rho, eps):
        return g, v


MISUSE: list[tuple[Any, str]] = [
    (changes_v, "changes its argument v in place"),
    (keeps_a_global, "It keeps total in a global variable"),
    (keeps_a_list, "It keeps something from one run to the next"),
    (random_answer, "random numbers"),
    (prints_it, "It prints, but returns nothing"),
    (forgets_to_return, "It returns None"),
    (a_generator, "yield"),
    (a_coroutine, "async"),
    (one_value, "It returns one value; it should return 2: d and v"),
    (three_values, "It returns 3 values; it should return 2: d and v"),
    (a_text, "What it returns as d is a str"),
    (a_function, "What it returns as d is a function"),
    (a_complex_number, "complex"),
    (the_wrong_shape, "d has shape (2,); it should have ()"),
    (not_a_number, "d becomes NaN"),
    (infinite, "d becomes infinite"),
    (divides_by_zero, "It raised ZeroDivisionError: division by zero (in line"),
    (raises_something_odd, "It raised OddError: no message"),
    (raises_unicode, "√v ist nicht definiert: 数値 <b>☃</b>"),
    (recurses, "calls itself without end"),
    (exits, "It calls exit"),
    (interrupts, "It raised KeyboardInterrupt"),
    (ragged, "that is no array"),
    (too_few, "It takes (g, v), but is called with (g, v, rho, eps)"),
    (by_keyword_only, "It takes (*, gradient, average, decay, epsilon)"),
    (NeedsArguments, "It takes (must)"),
    ((1.0, 2.0), "It was given a tuple, not a function"),
    ("rmsprop", "It was given a str, not a function"),
    (np, "It was given a module, not a function"),
]


TORCH_CHECKED = """
import sys, torch
from rmsprop_lib import check

class Mine(torch.optim.Optimizer):
    def __init__(self, params, lr, alpha, eps, momentum, centered):
        super().__init__(params, {"lr": lr})

    def step(self):
        return self.defaults["lr"]

assert check("torch-rmsprop", Mine).kind in ("mistake", "wrong")
before = len(sys.modules)
torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
print(len(sys.modules) - before)
"""


def test_what_torch_imports_for_an_optimizer_is_imported_before_the_answer_s_own_process() -> None:
    """Every check would import it again otherwise, which takes longer than all the rest."""
    done = subprocess.run([sys.executable, "-c", TORCH_CHECKED], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == "0", done.stdout


class TestMisuse:
    @pytest.mark.parametrize(("answer", "said"), MISUSE, ids=names([answer for answer, _ in MISUSE]))
    def test_it_is_answered_in_a_sentence(self, answer: Any, said: str, capfd: pytest.CaptureFixture[str]) -> None:
        reply = check("rmsprop-step", answer)
        assert not reply.passed and said in " ".join(reply.lines)
        assert "Traceback" not in repr(reply)
        assert capfd.readouterr() == ("", "")

    @pytest.mark.parametrize("name", ["stub", "passes", "documented", "not_implemented", "nothing", "dots", "cls"])
    def test_an_untouched_stub_is_taken_calmly(self, name: str) -> None:
        def stub(g, v, rho, eps): ...

        def passes(g, v, rho, eps):
            pass

        def documented(g, v, rho, eps):
            """The direction, and the average."""

        def not_implemented(g, v, rho, eps):
            raise NotImplementedError("to do")

        class Stub:
            def step(self, g, v, rho, eps): ...

        answers = dict(stub=stub, passes=passes, documented=documented, not_implemented=not_implemented, nothing=None)
        reply = check("rmsprop-step", (answers | {"dots": ..., "cls": Stub})[name])
        assert reply.kind == "untouched" and reply.lines[0] == EXERCISES["rmsprop-step"].task

    @pytest.mark.parametrize("in_a_thread", [False, True])
    @pytest.mark.parametrize("stubborn", [False, True])
    def test_an_endless_loop_is_stopped(
        self, stubborn: bool, in_a_thread: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def plain(g, v, rho, eps):
            while True:
                pass

        def catches(g, v, rho, eps):
            while True:
                try:
                    while True:
                        pass
                except Exception:
                    pass

        if in_a_thread:
            monkeypatch.setattr("rmsprop_lib.exercises.apart.can_fork", lambda: False)
        reply = check("rmsprop-step", catches if stubborn else plain, seconds=0.2)
        assert reply.lines == ["It was not done after 0.2 seconds: is there a loop without an end?"]

    @pytest.mark.parametrize("kind", ["sum", "power", "expression", "sleep"])
    def test_what_holds_the_interpreter_is_stopped(self, kind: str) -> None:
        def holds(g, v, rho, eps):
            import itertools
            import re
            import time

            return {
                "sum": lambda: sum(itertools.repeat(1)),
                "power": lambda: 7 ** (7**12),
                "expression": lambda: re.match("(a+)+b", "a" * 60),
                "sleep": lambda: time.sleep(60),
            }[kind]()

        begun = time.monotonic()
        reply = check("rmsprop-step", holds, seconds=0.5)
        assert reply.lines == ["It was not done after 0.5 seconds: is there a loop without an end?"]
        assert time.monotonic() - begun < 5

    def test_what_takes_all_memory_is_answered(self) -> None:
        reply = check("rmsprop-step", lambda g, v, rho, eps: np.ones(1 << 30))
        assert "It raised " in reply.lines[0] and "MemoryError" in reply.lines[0]

    def test_what_ends_python_is_answered(self) -> None:
        reply = check("rmsprop-step", lambda g, v, rho, eps: os._exit(3))
        assert reply.lines == ["It ends Python: the process in which it ran is gone."]

    def test_a_check_inside_an_answer_comes_to_an_end(self) -> None:
        def nested(g, v, rho, eps):
            raise ValueError(check("rmsprop-step", nested).lines[0])

        assert "cannot be checked while it is being checked" in check("rmsprop-step", nested).lines[0]

    def test_it_changes_nothing_here(self) -> None:
        def patches(g, v, rho, eps):
            np.sqrt = None
            return with_defaults(g, v, rho, eps)

        before = np.sqrt
        check("rmsprop-step", patches)
        assert np.sqrt is before

    @pytest.mark.parametrize("forks", [True, False])
    def test_what_a_notebook_has_done_to_numpy_and_the_rules_is_not_what_it_is_judged_by(
        self, monkeypatch: pytest.MonkeyPatch, forks: bool
    ) -> None:
        if not forks:
            monkeypatch.setattr("rmsprop_lib.exercises.apart.can_fork", lambda: False)

        def bent(g, v, rho, eps):
            return g, np.zeros_like(v)

        monkeypatch.setattr(np, "sqrt", lambda x: 7.0)
        monkeypatch.setattr(rules, "rmsprop", bent)
        monkeypatch.setattr(np, "array_equal", lambda *_: True)
        now = np.sqrt, rules.rmsprop
        wrong, right = check("rmsprop-step", bent), check("rmsprop-step", with_defaults)
        assert not wrong.passed and right.passed
        said = right.lines[-1]
        assert all(name in said for name in ("np.sqrt", "np.array_equal", "rules.rmsprop")), said
        assert said.endswith("were changed in this notebook; the check went back to what they were.")
        assert (np.sqrt, rules.rmsprop) == now

    def test_what_is_missing_from_a_module_is_there_meanwhile(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delattr(np, "sqrt")
        reply = check("rmsprop-step", with_defaults)
        assert reply.passed and not hasattr(np, "sqrt")
        assert reply.lines == ["np.sqrt was changed in this notebook; the check went back to what it was."]

    def test_what_is_printed_without_end_is_cut(self) -> None:
        def chatters(g, v, rho, eps):
            for _ in range(200):
                print("x" * 1000)
            return with_defaults(g, v, rho, eps)

        assert len(check("rmsprop-step", chatters).printed) == PRINTED

    def test_without_a_process_of_its_own_what_cannot_be_stopped_is_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("rmsprop_lib.exercises.apart.can_fork", lambda: False)

        def sleeps(g, v, rho, eps):
            import time

            time.sleep(4)

        reply = check("rmsprop-step", sleeps, seconds=0.1)
        assert "It could not be stopped and goes on in the background." in reply.lines[1]

    @pytest.mark.parametrize("name", ["rmsprop-stp", "", None, 3, "<b>"])
    def test_an_unknown_name_is_answered_with_a_known_one(self, name: Any) -> None:
        for reply in (check(name, lambda: 0), hint(name)):
            assert reply.kind == "unknown" and "rmsprop-step" in reply.lines[0]

    @pytest.mark.parametrize("level", [0, 3, "1", None])
    def test_there_is_no_third_hint(self, level: Any) -> None:
        assert "There are two hints" in repr(hint("rmsprop-step", level))


class TestClues:
    """What is said about an answer that is wrong in a way nobody has foreseen."""

    def test_the_opposite_sign(self) -> None:
        reply = check("ema-weights", lambda rho, t: -EXERCISES["ema-weights"].reference(rho, t))
        assert reply.mistake == "sign of weights"
        assert "weights has the opposite sign." in reply.lines

    def test_a_common_factor(self) -> None:
        reply = check("ema-weights", lambda rho, t: 3 * EXERCISES["ema-weights"].reference(rho, t))
        assert "weights is 3 times what it should be, everywhere." in reply.lines

    def test_right_at_the_first_step(self) -> None:
        def wrong_later(g, v, rho, eps):
            d, new = with_defaults(g, v, rho, eps)
            return np.where(v == 0, d, 7 * d), new

        step = EXERCISES["rmsprop-step"]
        reply = check(step.name, wrong_later)
        assert "v is right throughout." in reply.lines

    def test_the_first_difference_is_shown_with_what_was_given(self) -> None:
        reply = check("rmsprop-step", lambda g, v, rho, eps: with_defaults(g + 1, v, rho, eps))
        assert reply.lines[0].startswith("It departs at step 1 in case 1, with g = 0, v = 0, rho = 0.9, eps = 0.25:")

    def test_results_in_the_wrong_order(self) -> None:
        reply = check("rmsprop-step", lambda g, v, rho, eps: with_defaults(g, v, rho, eps)[::-1])
        assert reply.lines[0] == "It returns v, d; the order asked for is d, v."

    def test_an_answer_that_fails_on_arrays_of_different_shapes_keeps_its_own_message(self) -> None:
        name = next(name for name, e in EXERCISES.items() if any(self.differ(case) for case in e.cases))

        def fails(*arguments):
            raise ValueError("shapes do not fit")

        assert "It raised ValueError: shapes do not fit" in check(name, fails).lines[0]

    @staticmethod
    def differ(case: Any) -> bool:
        try:
            np.broadcast_shapes(*(np.shape(x) for x in case.given.values()))
        except ValueError:
            return True
        return False

    def test_no_common_factor_where_zero_was_expected(self) -> None:
        reply = check("best-rate", lambda rates, losses: (rates[np.nanargmin(losses)], 7.0))
        assert not any("times what it should be" in line for line in reply.lines)


class TestTheReply:
    def test_html_and_text_say_the_same_and_nothing_of_the_reader_s_is_markup(self) -> None:
        reply = check("rmsprop-step", raises_unicode)
        html = reply._repr_html_()
        assert "<b>" not in html and "&lt;b&gt;☃&lt;/b&gt;" in html
        plain = re.sub(r"<[^>]+>", "\n", html)
        for line in (reply.head(), *reply.lines):
            assert re.sub(r"[<>&'\"]", "", line) in re.sub(
                r"[<>'\"]|&\w+;|&#x27;", "", plain.replace("&lt;", "").replace("&gt;", "")
            )

    def test_what_was_printed_is_shown_and_cut(self) -> None:
        def chatters(g, v, rho, eps):
            print("x" * 1000)
            return g, v

        shown = repr(check("rmsprop-step", chatters))
        assert "It printed: xxx" in shown and len(shown) < 1500

    def test_a_sign_and_a_word_go_with_every_colour(self) -> None:
        heads = [check("rmsprop-step", answer).head() for answer in (with_defaults, one_value, None)]
        assert heads == [
            "✓ rmsprop-step. Right.", "✗ rmsprop-step. Not yet.", "○ rmsprop-step. Nothing to check yet.",
        ]  # fmt: skip


class TestProgress:
    def test_it_is_kept_in_the_copy_s_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("rmsprop_lib.exercises.progress._done", set())
        (tmp_path / "progress.json").write_text('{"done": []}', encoding="utf-8")
        check("rmsprop-step", with_defaults)
        assert json.loads((tmp_path / "progress.json").read_text(encoding="utf-8")) == {"done": ["rmsprop-step"]}
        monkeypatch.setattr("rmsprop_lib.exercises.progress._done", set())  # a new kernel
        shown = repr(check.progress())
        assert re.search(r"^03_rmsprop +1 of \d", shown, re.MULTILINE) and "Kept in progress.json." in shown
        assert list(tmp_path.iterdir()) == [tmp_path / "progress.json"]

    def test_without_a_copy_nothing_is_written(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        assert check("rmsprop-step", with_defaults).passed
        assert not list(tmp_path.iterdir()) and "until the kernel ends" in repr(check.progress())

    @pytest.mark.parametrize("content", ["", "[]", '{"done": 3}', '{"done": [1, null]}', "\x00", '{"done": ["<b>"]}'])
    def test_a_damaged_file_is_begun_anew(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("rmsprop_lib.exercises.progress._done", set())
        (tmp_path / "progress.json").write_text(content, encoding="utf-8")
        assert "<b>" not in check.progress()._repr_html_()
        check("rmsprop-step", with_defaults)
        assert "rmsprop-step" in json.loads((tmp_path / "progress.json").read_text(encoding="utf-8"))["done"]


def test_a_declaration_explains_itself() -> None:
    for kind in (Exercise, Mistake):
        assert all(name in (inspect.getdoc(kind) or "") for name in inspect.signature(kind).parameters)
