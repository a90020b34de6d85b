"""A Sphinx extension: what each chapter took, as ``make statistics`` has recorded it in ``chapters/runs.json``.

In a page,

    ```{run-statistics}
    ```

is replaced by the record's two tables.
"""

import json
from pathlib import Path
from typing import Any

import nbformat
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from tools.paths import CHAPTERS, RUNS


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
        self.env.note_dependency(str(RUNS))
        runs = json.loads(RUNS.read_text(encoding="utf-8"))
        titles = {name: heading(CHAPTERS / f"{name}.ipynb") for name in runs["seconds"]}
        return list(self.parse_text_to_nodes(tables(runs, titles)))


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("run-statistics", RunStatistics)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
