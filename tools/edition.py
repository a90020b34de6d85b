"""Which state of the book this is: its version, its commit and that commit's date."""

import os
import subprocess
import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]


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


def _git(*arguments: str, root: Path) -> str:
    try:
        # The checkout may belong to another user, as in a container.
        done = subprocess.run(
            ["git", "-c", "safe.directory=*", *arguments], cwd=root, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def edition(root: Path = ROOT) -> Edition:
    """The edition of the checkout in ``root``.

    The date is that of the commit, or the one that SOURCE_DATE_EPOCH gives in seconds since 1970, or without either
    the date of the release in CITATION.cff. All are in UTC, so that the same commit gives the same files everywhere.
    """
    version = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    commit = _git("rev-parse", "--short=9", "HEAD", root=root)
    if commit and _git("status", "--porcelain", "--untracked-files=no", root=root):
        commit += "+"
    seconds = os.environ.get("SOURCE_DATE_EPOCH") or _git("log", "-1", "--format=%ct", root=root)
    if seconds:
        if not seconds.isdecimal():
            raise ValueError(f"SOURCE_DATE_EPOCH is {seconds!r}; it has to be a number of seconds since 1970.")
        return Edition(version, commit, datetime.fromtimestamp(int(seconds), UTC))
    released: date = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))["date-released"]
    return Edition(version, commit, datetime.combine(released, time(), UTC))
