"""A pytest plugin: what each file took is kept in ``_build/test_times.json``, by which ``make check`` chooses.

``make test`` loads it, which runs every file whole.
"""

import json
from collections import defaultdict
from pathlib import Path

import pytest

from tools.paths import ROOT

TIMES = ROOT / "_build" / "test_times.json"


class Times:
    """Seconds added up by file, wherever its tests ran."""

    def __init__(self, file: Path = TIMES) -> None:
        self.file = file
        self.seconds: dict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid.partition("::")[0]] += report.duration

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        self.file.parent.mkdir(exist_ok=True)
        taken = {name: round(seconds, 1) for name, seconds in sorted(self.seconds.items())}
        self.file.write_text(json.dumps(taken, indent=1) + "\n", encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # the process to which pytest-xdist's workers report
        config.pluginmanager.register(Times())
