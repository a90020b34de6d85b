"""What a printed or packed book says of itself: version, commit and that commit's date."""

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tools.publish.edition import Edition, edition

RELEASED = "version: 1.2.0\ndate-released: 2026-03-01\n"


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A book without a checkout."""
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.0"\n')
    (tmp_path / "CITATION.cff").write_text(RELEASED)
    return tmp_path


@pytest.fixture
def checkout(book: Path) -> Path:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    environment = {
        "GIT_COMMITTER_DATE": "2026-05-04T03:02:01+02:00",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "HOME": str(book),
    }
    for command in (["init", "--quiet"], ["add", "."], [*identity, "commit", "--quiet", "-m", "One"]):
        subprocess.run(["git", *command], cwd=book, check=True, env={"PATH": os.environ["PATH"], **environment})
    return book


def test_without_a_checkout_it_is_the_release(book: Path) -> None:
    assert edition(book) == Edition("1.2.0", "", datetime(2026, 3, 1, tzinfo=UTC))
    assert str(edition(book)) == "Version 1.2.0, 1 March 2026"


def test_a_checkout_gives_commit_and_date_in_one_time_zone(checkout: Path) -> None:
    found = edition(checkout)
    assert found.date == datetime(2026, 5, 4, 1, 2, 1, tzinfo=UTC)
    assert len(found.commit) == 9 and str(found) == f"Version 1.2.0, 4 May 2026, commit {found.commit}"


def test_a_change_since_the_commit_is_said(checkout: Path) -> None:
    before = edition(checkout).commit
    (checkout / "CITATION.cff").write_text(RELEASED + "# changed\n")
    assert edition(checkout).commit == before + "+"


def test_the_date_can_be_set_by_hand(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert edition(checkout).date == datetime(1970, 1, 2, tzinfo=UTC)


def test_a_date_that_is_none_is_refused(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(ValueError, match="SOURCE_DATE_EPOCH is 'yesterday'; it has to be"):
        edition(book)
