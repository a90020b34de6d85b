"""A Sphinx extension: statements that a chapter's argument can do without stand folded at the end of their section.

The cell with such a statement's verdict has the tag ``further-statement``. What belongs to it, from the label
``(statement-R2)=`` to the next such label or to the end of the section's text, goes with the others of its section
into one closed part, which a link to what stands in it opens: browsers do so by themselves. The cells run all the
same, and in a notebook they stand where they are.
"""

from itertools import chain, pairwise
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx_design.shared import create_component

TAG = "tag_further-statement"
TITLE = "Further statements tested here"
CLASS = "further-statements"


def statements(section: nodes.section) -> list[list[nodes.Node]]:
    """What stands in a section from one statement's label to the next, statement by statement."""
    text = [child for child in section.children if not isinstance(child, nodes.section)]
    starts = [
        place
        for place, child in enumerate(text)
        if isinstance(child, nodes.target) and child.get("refid", "").startswith("statement-")
    ]
    return [text[start:end] for start, end in pairwise([*starts, len(text)])]


def fold(app: Sphinx, doctree: nodes.document) -> None:
    for section in list(doctree.findall(nodes.section)):
        further = [
            part
            for part in statements(section)
            if any(isinstance(child, nodes.Element) and TAG in child["classes"] for child in part)
        ]
        if not further:
            continue
        # In the form that sphinx-design's own directive gives it.
        folded = create_component(
            "dropdown",
            opened=False,
            type="dropdown",
            has_title=True,
            icon=None,
            chevron=None,
            container_classes=["sd-mb-3", CLASS],
            title_classes=[],
            body_classes=[],
        )
        folded += nodes.rubric("", f"{TITLE} ({len(further)})")
        for child in chain.from_iterable(further):
            section.remove(child)
            folded += child
        inner = next((k for k, child in enumerate(section) if isinstance(child, nodes.section)), len(section))
        section.insert(inner, folded)


def setup(app: Sphinx) -> dict[str, Any]:
    # Before the contents, labels and numbers are collected, in the order of the page.
    app.connect("doctree-read", fold, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
