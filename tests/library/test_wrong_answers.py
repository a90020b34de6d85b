"""Answers in the words of students are told which mistakes they have, one or two, and nothing else."""

from functools import partial
from typing import Any

import pytest
from wrong_answers import ANSWERS

from rmsprop_lib import check
from rmsprop_lib.exercises.diagnosing import diagnosis

CASES = [
    pytest.param(name, told, answer, id=f"{name}: {' and '.join(told)}")
    for name, answers in ANSWERS.items()
    for told, answer in answers
]


@pytest.mark.parametrize(("name", "told", "answer"), CASES)
def test_every_mistake_is_named(name: str, told: tuple[str, ...], answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # However slow the machine is.
    monkeypatch.setattr("rmsprop_lib.exercises.judging.diagnosis", partial(diagnosis, seconds=60.0))
    assert sorted(check(name, answer).mistakes) == sorted(told)
