"""Make a working copy of the notebooks to do the exercises in: ``python -m tools.notebooks.exercises [FOLDER]``.

The copy is a folder of its own, ``exercises`` by default, which git ignores: answers never collide with a newer
version of the book. Solutions are left out and outputs cleared, texts are plain Markdown (tools/notebooks/plain.py).
What is already there is left alone, so that this may be repeated when new chapters have come; delete or rename a
notebook of yours to have it made anew.
"""

import json
import shutil
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tools.environment.addresses import this_site
from tools.notebooks.plain import Converter, Links
from tools.paths import CHAPTERS, ROOT

SOLUTION = ":::{solution}"
# The verdicts are read from the chapters' outputs, which are cleared here; the other two are not for students.
LEFT_OUT = {"claims.ipynb", "teachers.md", "versions.md"}


def is_solution(cell: NotebookNode) -> bool:
    """Whether the cell is a solution's text or code."""
    return cell.source.lstrip().startswith(SOLUTION) or "solution" in cell.metadata.get("tags", [])


def without_solutions(notebook: NotebookNode) -> NotebookNode:
    """A copy without solutions and outputs, its exercises as they are."""
    copy = nbformat.from_dict(notebook)
    copy.cells = [cell for cell in copy.cells if not is_solution(cell)]
    for cell in copy.cells:
        if SOLUTION in cell.source:
            raise ValueError(f"a solution has to stand in a cell of its own:\n{cell.source}")
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            cell.metadata.pop("jupyter", None)  # nothing is folded that is not run yet
    return copy


def make(folder: Path, chapters: Path = CHAPTERS) -> list[str]:
    """Put into ``folder`` what is not there yet; returns the names of the new files."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = [
        path
        for path in sorted(chapters.iterdir())
        if path.suffix in (".ipynb", ".md", ".py", ".svg") and path.name not in LEFT_OUT and path.name[0] != "."
    ]
    notebooks = {path.name: nbformat.read(path, as_version=4) for path in pages if path.suffix == ".ipynb"}
    solutions = (cell.id for notebook in notebooks.values() for cell in notebook.cells if is_solution(cell))
    beside = frozenset(path.name for path in pages)
    convert = Converter(Links(beside, this_site(), frozenset(solutions)), chapters)
    new = []
    for path in pages:
        target = folder / path.name
        if target.exists():
            continue
        if path.suffix == ".ipynb":
            notebook = convert.notebook(without_solutions(notebooks[path.name]), path.name)
            nbformat.write(notebook, target)
        elif path.suffix == ".md":
            target.write_text(convert.text(path.read_text(encoding="utf-8"), path.name) + "\n", encoding="utf-8")
        else:
            shutil.copyfile(path, target)
        new.append(path.name)
    if not (folder / "progress.json").exists():
        (folder / "progress.json").write_text(json.dumps({"done": []}) + "\n", encoding="utf-8")
    return new


def main(arguments: list[str]) -> int:
    folder = Path(arguments[0]) if arguments else ROOT / "exercises"
    new = make(folder)
    there = len(list(folder.glob("*.ipynb"))) - sum(name.endswith(".ipynb") for name in new)
    print(f"New in {folder.name}/: {', '.join(new) or 'nothing'}.")
    if there:
        print(f"{there} notebooks were there already and are left as they are.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
