"""A Sphinx extension: a chapter has the number in its file's name, ``chapters/03_rmsprop.ipynb`` is chapter 3.

Sphinx counts the chapters of ``_toc.yml`` from 1, which is the number in the name only as long as none is left out
and none stands elsewhere. Sections, figures, equations and theorems take the chapter's number from here.
"""

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx_external_toc.collectors import TocTreeCollectorWithStyles as Collector

_count_sections = Collector.assign_section_numbers


def chapter_number(docname: str) -> int | None:
    """The number that the name of the page begins with, if it does."""
    found = re.match(r"(\d+)_", docname.rpartition("/")[2])
    return int(found[1]) if found else None


def assign_section_numbers(self: Collector, env: BuildEnvironment) -> list[str]:
    """Count as Sphinx does, then exchange the chapter's number; returns the pages whose numbers have changed."""
    before = env.toc_secnumbers
    _count_sections(self, env)
    for docname, numbers in env.toc_secnumbers.items():
        chapter = chapter_number(docname)
        if chapter is None:
            continue
        for anchor, number in numbers.items():
            if number:
                numbers[anchor] = (chapter, *number[1:])
        # The same numbers stand in the tree of contents and in the page's title.
        for holder in (*env.tocs[docname].findall(nodes.reference), env.titles[docname]):
            if holder.get("secnumber"):
                holder["secnumber"] = [chapter, *holder["secnumber"][1:]]
    return [docname for docname, numbers in env.toc_secnumbers.items() if numbers != before.get(docname)]


def setup(app: Sphinx) -> dict[str, Any]:
    # Sphinx has no event between counting the sections and counting the figures by them.
    Collector.assign_section_numbers = assign_section_numbers  # type: ignore[method-assign]
    return {"parallel_read_safe": True, "parallel_write_safe": True}
