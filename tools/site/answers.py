"""A Sphinx extension: checked exercises can be answered in the page, where Python runs in the reader's browser.

Under the stub of every exercise that a cell checks there is a place for a button (``answering/button.js``), above the
first cell of chapters that hardly need PyTorch one to run their cells, and under the playground's rule one to race
another. What they load is in the folder ``python/`` (``python_folder.py``). Where the runtime could not be had, and
for exercises that need Torch, a sentence says so.
"""

import ast
import re
from collections.abc import Iterator
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

from tools.site.python_folder import FOLDER, HERE, contents, draws, first

SCRIPT = "answer.js"
NEEDS_TORCH = frozenset({"torch-rmsprop"})
# The chapters whose cells can be run, all but a few that say so.
CHAPTERS = re.compile(r"chapters/(0[1-69]|15|16)_\w+")
# A cell that holds nothing but a rule for the playground.
RULE = re.compile(r"def my_rule\(")
WITHOUT = '<div class="answer-here"><p>This copy of the book was built without Python for its pages: {}.</p></div>'

logger = logging.getLogger(__name__)


def checked(code: str) -> tuple[str, str] | None:
    """The exercise that a cell checks, and the name of the answer; None if it checks nothing."""
    if "check(" not in code:
        return None
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.Call(func=ast.Name(id="check"), args=[ast.Constant(value=str(exercise)), ast.Name(id=answer)]):
                return exercise, answer
    return None


def source_of(cell: nodes.Node) -> str:
    """The lines of a cell's code; nothing if they are not shown."""
    block = next(cell.findall(nodes.literal_block), None)
    return block.astext() if block is not None else ""


class AnswersInThePage(SphinxPostTransform):
    """Puts places for the buttons into a page for the browser."""

    default_priority = 8

    def run(self, **kwargs: Any) -> None:
        if self.app.builder.format != "html":
            return
        cells = [node for node in self.document.findall(nodes.container) if node.get("nb_element") == "cell_code"]
        places = [(stub, 1, place) for stub, place in self.exercises(cells)]
        places += [(cell, 1, self.rule()) for cell in cells if RULE.match(source_of(cell))]
        if cells and CHAPTERS.fullmatch(self.env.docname) and draws():
            places.append((cells[0], 0, self.button("cells", "run the cells of this page")))
        for cell, below, place in places:
            cell.parent.insert(cell.parent.index(cell) + below, nodes.raw("", place, format="html"))
            self.env.metadata[self.env.docname]["answers"] = True

    def exercises(self, cells: list[nodes.container]) -> Iterator[tuple[nodes.container, str]]:
        """The stub of each exercise and what comes below it."""
        done: set[str] = set()
        for stub, cell in pairwise(cells):
            found = checked(source_of(cell))
            if found is None or found[0] in done or "tag_solution" in cell["classes"] or stub.parent is not cell.parent:
                continue
            done.add(found[0])
            yield stub, self.place(*found)

    def button(self, module: str, what: str, **data: str) -> str:
        """A place for the button, with all that its script has to know."""
        home = self.app.builder.get_relative_uri(self.env.docname, "index").rpartition("/")[0] or "."
        folder, size = first(module == "cells")
        data |= {"module": module, "what": what, "megabytes": str(size), "folder": f"{home}/{FOLDER}/{folder}/"}
        said = " ".join(f'data-{name}="{escape(value)}"' for name, value in data.items())
        return f'<div class="answer-here" {said}><p>Where scripts run, you can {what}.</p></div>'

    def place(self, exercise: str, answer: str) -> str:
        """What comes below the stub of an exercise."""
        if exercise in NEEDS_TORCH:
            launched = "repository_url" in self.app.config.html_theme_options
            where = "in Binder or Colab, from the top of the page, or " if launched else ""
            text = f"This one needs PyTorch, which does not run in a page: answer it {where}in a copy of the book."
            return f'<div class="answer-here"><p>{text}</p></div>'
        if contents() is None:
            return WITHOUT.format("answer in a notebook")
        return self.button("answer", "write your answer here", exercise=exercise, answer=answer)

    def rule(self) -> str:
        """What comes below the cell with a rule for the playground."""
        if contents() is None:
            return WITHOUT.format("race your rule in a notebook")
        return self.button("rule", "race a rule of your own here")


def write(app: Sphinx, _: Any) -> None:
    if app.builder.format != "html":
        return
    files = contents()
    if files is None:
        logger.info("Without Pyodide no exercise can be answered in its page; `make book` fetches it.")
    else:
        static = Path(app.outdir) / "_static"
        static.mkdir(parents=True, exist_ok=True)
        (static / SCRIPT).write_bytes((HERE / "button.js").read_bytes())
    site = Path(app.outdir) / FOLDER
    for path in sorted(site.rglob("*"), reverse=True):
        # What an earlier build left.
        if path.is_file() and path.relative_to(site).as_posix() not in (files or ()):
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    for name, data in (files or {}).items():
        path = site / name
        if not path.is_file() or path.read_bytes() != data:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)


def load(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Only where there is an exercise to be answered."""
    if doctree is not None and app.env.metadata[page].get("answers") and contents() is not None:
        app.add_js_file(SCRIPT, loading_method="defer")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_post_transform(AnswersInThePage)
    app.connect("env-updated", write)
    app.connect("html-page-context", load)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
