"""A Sphinx extension: a Markdown link can lead to a label in another page, ``[R2](03_rmsprop.ipynb#statement-r2)``.

MyST itself finds headings only behind the ``#``. Written so, a link works in JupyterLab as well as on the site.
"""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx


def register_labels(app: Sphinx, doctree: nodes.document) -> None:
    """Enter the page's explicit labels beside the headings that MyST has found in it."""
    slugs = app.env.metadata[app.env.docname].setdefault("myst_slugs", {})
    for name, explicit in doctree.nametypes.items():
        label = doctree.nameids.get(name)
        if explicit and label:
            slugs.setdefault(label, (0, label, name))


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("doctree-read", register_labels)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
