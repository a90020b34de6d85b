"""Make the copies of the notebooks that Colab opens: ``python -m tools.publish.colab``, to ``_build/colab``.

Colab opens a single file of a repository and has none of its neighbours: references lead to the published site, and a
first cell installs the library, at the commit that the copy was made from. That cell does nothing anywhere else. The
workflow `publish` puts the copies on the branch that the buttons of the site name (tools/site/launch_links.py).
"""

import re
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tools.environment.addresses import this_repository, this_site
from tools.environment.ask_git import git
from tools.notebooks.execute import text_of
from tools.notebooks.plain import Converter, Links
from tools.paths import CHAPTERS, ROOT

TARGET = ROOT / "_build" / "colab"
# What Colab has already is not installed again: it would take minutes, and Torch gigabytes.
BESIDES = ("anywidget",)
CELL = "colab-setup"


class CannotMakeError(Exception):
    """The copies cannot be made. The message says why."""


def modules_beside(notebook: NotebookNode, chapters: Path) -> list[str]:
    """The programs in the chapters' folder that a notebook's code names, to import or to start them."""
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    return [path.stem for path in sorted(chapters.glob("*.py")) if re.search(rf"\b{path.stem}\b", code)]


def setup_cell(repository: str, commit: str, modules: list[str]) -> NotebookNode:
    """The cell that has Colab get what it lacks: the library, and modules that lie beside the chapter."""
    lines = [
        "# For Colab alone: the book's library, at the commit from which this copy was made.",
        "import sys",
        "",
        'if "google.colab" in sys.modules:',
        f'    %pip install --quiet "rmsprop-lib @ {repository}/archive/{commit}.zip" {" ".join(BESIDES)}',
    ]
    raw = repository.replace("https://github.com/", "https://raw.githubusercontent.com/")
    # What is installed from there has no MNIST: it comes to where the library looks for it.
    lines += [
        "    from rmsprop_lib.data import MNIST_FILE",
        f"    !wget --quiet -O {{MNIST_FILE}} {raw}/{commit}/rmsprop_lib/data/mnist.npz",
    ]
    lines += [f"    !wget --quiet {raw}/{commit}/chapters/{name}.py" for name in modules]
    return nbformat.v4.new_code_cell("\n".join(lines), id=CELL)


def copies(repository: str, commit: str, site: str, chapters: Path = CHAPTERS) -> dict[str, bytes]:
    """Every notebook for Colab by its name."""
    convert = Converter(Links(site=site), chapters)
    result = {}
    for path in sorted(chapters.glob("*.ipynb")):
        source = nbformat.read(path, as_version=4)
        copy = convert.notebook(source, path.name)
        copy.cells.insert(1, setup_cell(repository, commit, modules_beside(source, chapters)))
        for cell in copy.cells:
            if cell.metadata.get("jupyter", {}).get("source_hidden"):
                cell.metadata["cellView"] = "form"  # Colab's word for folded code
        result[path.name] = text_of(copy).encode()
    return result


def make(folder: Path, root: Path = ROOT) -> list[Path]:
    """Write the copies, and nothing else, to a folder.

    Raises
    ------
    CannotMakeError
        Where no repository on GitHub or no commit is known, from which Colab could get the library.
    """
    repository, commit = this_repository(root).get("repository_url", ""), git(root, "rev-parse", "HEAD")
    if not repository or not commit:
        raise CannotMakeError(
            "No repository on GitHub is known from which Colab could get the library: CONTRIBUTING.md says how to "
            "name one."
        )
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.ipynb"):
        old.unlink()
    for name, content in copies(repository, commit, this_site(root)).items():
        (folder / name).write_bytes(content)
    return sorted(folder.glob("*.ipynb"))


def main(arguments: list[str]) -> int:
    try:
        written = make(Path(arguments[0]) if arguments else TARGET)
    except CannotMakeError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(written)} notebooks for Colab are in {written[0].parent.relative_to(ROOT)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
