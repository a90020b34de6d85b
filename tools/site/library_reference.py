"""A Sphinx extension: where a docstring names a chapter or an equation of the book, the reference links to it.

The docstrings say it in plain words, ``chapter 03, equation ``rmsprop``\\ ``, which read well in Python too.
"""

import re
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

from tools.site.chapter_numbers import chapter_number

_EQUATION = re.compile(r"\b[Cc]hapter (?P<number>\d+), equation ``(?P<label>[\w-]+)``")
_CHAPTER = re.compile(r"(?<![`\w])(?P<words>[Cc]hapter (?P<number>\d+))\b(?! *[<`])")


def linked(line: str, pages: dict[int, str]) -> str:
    """A line of a docstring with links to the pages of the chapters that it names.

    Raises
    ------
    ValueError
        If it names a chapter that the book does not have.
    """

    def page(found: re.Match[str]) -> str:
        number = int(found["number"])
        if number not in pages:
            raise ValueError(f"a docstring names chapter {number}, which the book does not have: {line.strip()!r}")
        return f"/{pages[number]}"

    def equation(found: re.Match[str]) -> str:
        return f":doc:`chapter {int(found['number'])} <{page(found)}>`, equation :eq:`{found['label']}`"

    line = _EQUATION.sub(equation, line)
    return _CHAPTER.sub(lambda found: f":doc:`{found['words']} <{page(found)}>`", line)


def link_chapters(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Link in place what autodoc has read of a docstring."""
    pages = {number: page for page in app.env.found_docs if (number := chapter_number(page)) is not None}
    lines[:] = [linked(line, pages) for line in lines]


def keep_to_our_source(app: Sphinx, doctree: nodes.document) -> None:
    """Data have no source link; viewcode would follow an alias home and publish the source of ``typing``."""
    for entry in doctree.findall(addnodes.desc):
        if entry.get("objtype") == "data":
            for signature in entry.findall(addnodes.desc_signature):
                signature["module"] = ""


def setup(app: Sphinx) -> dict[str, Any]:
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", link_chapters)
    # Before viewcode does.
    app.connect("doctree-read", keep_to_our_source, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
