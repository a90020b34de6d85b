"""What each chapter took, with which versions, on what: recorded by ``make statistics`` in ``chapters/runs.json``.

``tools/site/run_tables.py`` shows the record on the site.
"""

import json
import os
import platform
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nbformat

from tools.notebooks.execute import CannotSaveError, notebooks, run
from tools.paths import CHAPTERS, RUNS

PACKAGES = (
    "numpy",
    "torch",
    "numba",
    "matplotlib",
    "ipykernel",
    "nbclient",
    "sphinx",
    "jupyter-book",
)
PROCESSOR = Path("/proc/cpuinfo")
BUDGET = 25
"""Seconds that a chapter's cells may take together, so that all of them are proved in minutes."""


def processor() -> str:
    """The processor's name as it gives it itself, or its family."""
    if PROCESSOR.exists():
        for line in PROCESSOR.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def record() -> dict[str, Any]:
    """Run every notebook once, without saving it, and say what it took.

    Raises
    ------
    CannotSaveError
        If a cell fails.
    """
    seconds, cells = {}, {}
    for path in notebooks([]):
        notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
        print(f"{path.name} ...", end=" ", flush=True)
        begun = time.perf_counter()
        run(notebook, CHAPTERS)
        seconds[path.stem] = round(time.perf_counter() - begun, 1)
        cells[path.stem] = sum(cell.cell_type == "code" for cell in notebook.cells)
        print(f"{seconds[path.stem]} s")
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": processor(),
        "processors": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {package: version(package) for package in PACKAGES},
        "seconds": seconds,
        "cells": cells,
    }


def too_long(runs: dict[str, Any]) -> list[str]:
    """The notebooks that took longer than their budget, the longest first, each with what it took."""
    slow = sorted((item for item in runs["seconds"].items() if item[1] > BUDGET), key=lambda item: -item[1])
    return [f"{name} {seconds:.0f} s" for name, seconds in slow]


def main() -> int:
    try:
        runs = record()
    except CannotSaveError as error:
        print(f"failed\n\n{error}")
        return 1
    RUNS.write_text(json.dumps(runs, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"Written: {RUNS.relative_to(CHAPTERS.parent)}")
    slow = too_long(runs)
    print(f"Longer than {BUDGET} s: {', '.join(slow)}." if slow else f"No chapter took longer than {BUDGET} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
