"""A Sphinx extension: still pictures of the playground come alive, and a link can hold one of its states.

Behind the picture of every cell that calls ``still("surface=…")`` there comes a link to the playground's page with the
same state, and the page loads ``playground.js``, which mounts a live playground there. A link like
``[at 45°](playground.ipynb#surface=ravine&angle=45)`` leads to the page with that state. Every state is checked here.
"""

import ast
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

from rmsprop_lib.playground import from_address
from rmsprop_lib.playground.bundle import script

HOME = "chapters/playground"
SCRIPT = "playground.js"
MARKER = "playground-marker"

logger = logging.getLogger(__name__)


def drawn_address(code: str) -> str | None:
    """The address that a cell's code draws with ``still``, if it does."""
    if "still(" not in code:
        return None
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.Call(func=ast.Name(id="still"), args=[ast.Constant(value=str(address))]):
                return address
    return None


class PlaygroundLinks(SphinxPostTransform):
    """Runs before MyST resolves links, and after myst-nb has chosen the outputs that are shown."""

    default_priority = 8

    def run(self, **kwargs: Any) -> None:
        if self.app.builder.format == "html":
            for cell in list(self.document.findall(nodes.container)):
                if cell.get("nb_element") == "cell_code":
                    self.mark(cell)
        for link in self.document.findall(addnodes.pending_xref):
            if link["reftype"] == "myst" and link["refdomain"] == "doc" and "=" in (link["reftargetid"] or ""):
                self.admit(link)

    def mark(self, cell: nodes.container) -> None:
        """Put a link behind a still picture."""
        code = next(cell.findall(nodes.literal_block)).astext()
        address = drawn_address(code)
        picture = next(cell.findall(nodes.figure), None)
        if address is None or picture is None:
            return
        home = self.env.docname == HOME
        text = "Where scripts run, this picture moves." if home else "Move this picture in the playground"
        link = addnodes.pending_xref(
            "",
            nodes.inline("", text),
            refdoc=self.env.docname,
            refdomain="doc",
            reftype="myst",
            reftarget=HOME,
            reftargetid=address,
            refexplicit=True,
        )
        picture.parent.insert(picture.parent.index(picture) + 1, nodes.paragraph("", "", link, classes=[MARKER]))

    def admit(self, link: addnodes.pending_xref) -> None:
        """Let MyST find a state as it finds a heading, if it is one that the playground takes."""
        address = link["reftargetid"]
        try:
            from_address(address)
        except ValueError as error:
            logger.warning("a link to the playground: %s", error, location=link)
        slugs = self.env.metadata[link["reftarget"]].setdefault("myst_slugs", {})
        slugs.setdefault(address, (0, address, address))


def write_script(app: Sphinx, _: Any) -> None:
    if app.builder.format == "html":
        static = Path(app.outdir) / "_static"
        static.mkdir(parents=True, exist_ok=True)
        (static / SCRIPT).write_text(script(), encoding="utf-8")


def load_script(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Only where there is a picture to bring to life."""
    if doctree is not None and any(MARKER in node["classes"] for node in doctree.findall(nodes.paragraph)):
        app.add_js_file(SCRIPT, loading_method="defer")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_post_transform(PlaygroundLinks)
    app.connect("env-updated", write_script)
    app.connect("html-page-context", load_script)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
