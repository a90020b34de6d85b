"""Setting up says in one sentence what is missing."""

import builtins
import sys

import pytest

from tools.environment import bootstrap


def test_the_pinned_python_is_taken_without_a_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 11, 7))
    bootstrap.check_python()
    assert capsys.readouterr() == ("", "")


def test_a_newer_python_is_tried_and_said_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 13, 0))
    bootstrap.check_python()
    assert capsys.readouterr().out == (
        "Python 3.13 found. The pinned versions were compiled for Python 3.11: trying them all the same.\n"
    )


def test_an_older_python_gets_one_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    with pytest.raises(SystemExit) as stopped:
        bootstrap.check_python()
    assert stopped.value.code == 1
    message = capsys.readouterr().err
    assert message.startswith("Python 3.9 is too old: install Python 3.11") and message.count("\n") == 1


def test_a_python_without_venv_gets_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = builtins.__import__

    def without_ensurepip(name: str, *rest: object, **options: object) -> object:
        if name == "ensurepip":
            raise ImportError(name)
        return real(name, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without_ensurepip)
    with pytest.raises(SystemExit):
        bootstrap.check_python()
    message = capsys.readouterr().err
    assert "lacks the module venv: install it" in message and message.count("\n") == 1


def test_a_command_that_fails_ends_the_set_up_and_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        bootstrap.run(sys.executable, "-c", "raise SystemExit(3)")
    assert "Setting up the environment failed at:" in capsys.readouterr().err
