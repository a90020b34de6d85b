"""Which pages the book has, in their order."""

from sphinx_external_toc.parsing import parse_toc_yaml

from tools.paths import ROOT


def contents() -> dict[str, str]:
    """The pages in the order of ``_toc.yml``, root first, with the caption under which each stands."""
    toc = parse_toc_yaml(ROOT / "_toc.yml")
    pages = {toc.root.docname: ""}
    for tree in toc.root.subtrees:
        pages |= {str(item): tree.caption or "" for item in tree.items}
    return pages
