"""Which state of the book this is: its version, its commit and that commit's date."""

import os
import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path

import yaml

from tools.environment.ask_git import git
from tools.paths import ROOT


@dataclass(frozen=True)
class Edition:
    """What a printed or packed book says of itself.

    ``commit`` is empty where there is no checkout, as in an unpacked archive, and ends in ``+`` where files that git
    knows have been changed since.
    """

    version: str
    commit: str
    date: datetime

    def __str__(self) -> str:
        day = f"{self.date.day} {self.date:%B %Y}"
        return f"Version {self.version}, {day}" + (f", commit {self.commit}" if self.commit else "")


def edition(root: Path = ROOT) -> Edition:
    """The edition of the checkout in ``root``.

    The date is that of the commit, or the one that SOURCE_DATE_EPOCH gives in seconds since 1970, or without either
    the date of the release in CITATION.cff. All are in UTC, so that the same commit gives the same files everywhere.
    """
    version = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    commit = git(root, "rev-parse", "--short=9", "HEAD")
    if commit and git(root, "status", "--porcelain", "--untracked-files=no"):
        commit += "+"
    seconds = os.environ.get("SOURCE_DATE_EPOCH") or git(root, "log", "-1", "--format=%ct")
    if seconds:
        if not seconds.isdecimal():
            raise ValueError(f"SOURCE_DATE_EPOCH is {seconds!r}; it has to be a number of seconds since 1970.")
        return Edition(version, commit, datetime.fromtimestamp(int(seconds), UTC))
    released: date = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))["date-released"]
    return Edition(version, commit, datetime.combine(released, time(), UTC))
