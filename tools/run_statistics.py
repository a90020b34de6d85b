"""What each chapter took, with which versions, on what: recorded by ``make statistics``, shown by a directive.

The record is ``chapters/runs.json``. In a page,

    ```{run-statistics}
    ```

is replaced by its two tables.
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
from docutils import nodes
from execute import CHAPTERS, CannotSaveError, notebooks, run
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

RECORD = CHAPTERS / "runs.json"
PACKAGES = (
    "numpy",
    "torch",
    "numba",
    "matplotlib",
    "sympy",
    "ipykernel",
    "nbclient",
    "sphinx",
    "jupyter-book",
)
PROCESSOR = Path("/proc/cpuinfo")


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


def tables(runs: dict[str, Any], titles: dict[str, str]) -> str:
    """The record in Markdown. ``titles`` gives each notebook's title, by its name."""
    lines = ["| page | code cells | seconds |", "|---|--:|--:|"]
    for name, seconds in runs["seconds"].items():
        lines.append(f"| [{titles.get(name, name)}]({name}.ipynb) | {runs['cells'][name]} | {seconds:.1f} |")
    lines.append(f"| **all** | {sum(runs['cells'].values())} | {sum(runs['seconds'].values()):.0f} |")
    where = f"{runs['processors']} processors ({runs['processor']}), {runs['system']}"
    lines += ["", f"Run on {runs['date']} on {where}, one chapter after the other, starting the kernel included.", ""]
    lines += ["| package | version |", "|---|---|", f"| Python | {runs['python']} |"]
    lines += [f"| {package} | {number} |" for package, number in runs["versions"].items()]
    return "\n".join(lines)


def heading(path: Path) -> str:
    """A notebook's title, its first heading."""
    notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    return next(
        line.removeprefix("# ")
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for line in cell.source.splitlines()
        if line.startswith("# ")
    )


class RunStatistics(SphinxDirective):
    """The directive: the record's tables."""

    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(str(RECORD))
        runs = json.loads(RECORD.read_text(encoding="utf-8"))
        titles = {name: heading(CHAPTERS / f"{name}.ipynb") for name in runs["seconds"]}
        return list(self.parse_text_to_nodes(tables(runs, titles)))


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("run-statistics", RunStatistics)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def main() -> int:
    try:
        runs = record()
    except CannotSaveError as error:
        print(f"failed\n\n{error}")
        return 1
    RECORD.write_text(json.dumps(runs, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"Written: {RECORD.relative_to(CHAPTERS.parent)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
