"""A Sphinx extension: on the page of statements, tables of verdicts become cards to judge before they open.

A cell of that page with the tag ``statement-cards`` shows a table whose rows link to the statements' places in the
chapters (:func:`rmsprop_lib.statements.table`); it says which statements there are, and in which order. Each row
becomes a card with the verdict as the chapter stores it, who says so, and the figure that
:data:`rmsprop_lib.statements.CARDS` names. As it stands in the page it is a list to read: ``assets/statements.js``
makes the game of it, and printing takes the list. In the chapters a verdict's identifier leads to its card.
"""

import html
import re
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

from rmsprop_lib.claims import SIGNS, linked, stored_verdicts
from rmsprop_lib.statements import CARDS, Card
from tools.paths import CHAPTERS
from tools.site.chapter_numbers import chapter_number

HOME = "chapters/claims"
TAG = "tag_statement-cards"
SCRIPT, STYLE = "statements.js", "statements.css"
IN_A_BOX = re.compile(r'(?<=<div class="verdict"><p>)<b>(\w+)</b>')

logger = logging.getLogger(__name__)


class Html(nodes.General, nodes.Element):
    """An element of HTML: ``tag`` is its name, ``attributes_of_html`` what docutils has no word for."""

    def __init__(self, tag: str, *children: nodes.Node, classes: str = "", identifier: str = "", **more: str) -> None:
        super().__init__("", *children, classes=classes.split(), ids=identifier.split())
        self["tag"] = tag
        self["attributes_of_html"] = more


def visit(self: Any, node: Html) -> None:
    self.body.append(self.starttag(node, node["tag"], "", **node["attributes_of_html"]))


def depart(self: Any, node: Html) -> None:
    self.body.append(f"</{node['tag']}>\n")


def paragraph(*children: nodes.Node | str, kind: str) -> nodes.paragraph:
    made = [nodes.Text(child) if isinstance(child, str) else child for child in children]
    return nodes.paragraph("", "", *made, classes=[f"statement-{kind}"])


def identifiers(table: nodes.table) -> Iterator[str]:
    """The identifiers of the statements to which the rows of a table lead."""
    (body,) = table.findall(nodes.tbody)
    for row in body.findall(nodes.row):
        link = next(row.findall(addnodes.pending_xref))
        yield str(link["reftargetid"]).removeprefix("statement-").upper()


class StatementCards(SphinxPostTransform):
    """Runs before references are resolved, and after myst-nb has chosen the outputs that are shown."""

    default_priority = 8
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        if self.env.docname == HOME:
            verdicts = {v["identifier"]: v for v in stored_verdicts(CHAPTERS)}
            for cell in list(self.document.findall(nodes.container)):
                if TAG in cell["classes"]:
                    shown = identifiers(next(cell.findall(nodes.table)))
                    cards = [self.card(verdicts[name], CARDS.get(name, Card(()))) for name in shown]
                    cell.parent.replace(cell, Html("ol", *cards, classes="statement-cards"))
        for box in list(self.document.findall(nodes.raw)):
            if 'class="verdict"' in box.astext():
                self.name(box)

    def name(self, box: nodes.raw) -> None:
        """Let the identifier in a verdict's box lead to its card."""
        home = self.app.builder.get_relative_uri(self.env.docname, HOME)
        text = IN_A_BOX.sub(lambda b: f'<b><a href="{home}#card-{b[1].lower()}">{b[1]}</a></b>', box.astext())
        box.replace_self(nodes.raw("", text, format="html"))

    def card(self, verdict: dict[str, str], card: Card) -> Html:
        name, judgement = verdict["identifier"].lower(), verdict["judgement"]
        chapter = f"chapters/{verdict['notebook'].removesuffix('.ipynb')}"
        title = self.env.titles[chapter].astext()
        found = Html("div", classes="statement-found")
        sign = Html("span", nodes.Text(SIGNS[judgement]), **{"aria-hidden": "true"})  # type: ignore[index]
        strong = nodes.strong("", judgement.capitalize())
        found += paragraph(
            sign, " ", strong, " " if judgement == "holds when" else ": ", verdict["because"], kind="verdict"
        )
        picture = self.picture(card.figure) if card.figure else None
        found += picture or []
        numbers = verdict["number"].split("; ")
        found += paragraph(
            nodes.strong("", "Decided by"), f": {numbers[0]}" if len(numbers) == 1 else ":", kind="number"
        )
        if len(numbers) > 1:
            items = [nodes.list_item("", nodes.paragraph("", number)) for number in numbers]
            found += nodes.bullet_list("", *items, classes=["statement-numbers", "simple"])
        if source := verdict.get("source"):
            said = nodes.raw("", linked(html.escape(source)), format="html")
            found += paragraph(nodes.strong("", "Said in"), ": ", said, kind="source")
        place = self.link("doc", "myst", chapter, f"chapter {chapter_number(chapter)}, {title}", f"statement-{name}")
        found += paragraph(nodes.strong("", "Tested in"), ": ", place, f", as {name.upper()}", kind="place")
        if picture:
            found[-1] += [nodes.Text("; see "), self.link("std", "numref", card.figure, card.figure)]
        return Html(
            "li",
            paragraph(", ".join(card.about), kind="about"),
            paragraph(f"“{verdict['statement']}”", kind="said"),
            found,
            classes="statement-card",
            identifier=f"card-{name}",
            **{
                "data-judgement": judgement,
                "data-about": "|".join(card.about),
                "data-chapter": f"{chapter_number(chapter)}. {title}",
            },
        )

    def link(self, domain: str, kind: str, target: str, text: str, label: str = "") -> addnodes.pending_xref:
        return addnodes.pending_xref(
            "",
            nodes.inline("", text),
            refdoc=self.env.docname,
            refdomain=domain,
            reftype=kind,
            reftarget=target,
            reftargetid=label or None,
            refexplicit=bool(label),
        )

    def picture(self, label: str) -> Html | None:
        """A chapter's figure with its caption, folded."""
        page, identifier, _ = self.env.get_domain("std").labels.get(label, ("", "", ""))
        if not page:
            logger.warning("a card of a statement shows %r, which is no figure", label, location=self.env.docname)
            return None
        figures = self.env.get_doctree(page).findall(nodes.figure)
        figure = next(figure for figure in figures if identifier in figure["ids"])
        shown = [image.deepcopy() for image in figure.findall(nodes.image)]
        caption = next(figure.findall(nodes.caption)).deepcopy()
        # The class is that of a chapter's figures, which the style of the book knows.
        frame = Html("div", *shown, classes="cell_output")
        words = Html("figcaption", nodes.paragraph("", "", *caption.children))
        whole = Html("figure", frame, words, classes="align-default")
        return Html("details", Html("summary", nodes.Text("The picture")), whole, classes="statement-picture")


def load(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Only there, and before the page is drawn: it would show what is to be judged."""
    if page == HOME:
        app.add_css_file(STYLE)
        app.add_js_file(SCRIPT)


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_node(Html, html=(visit, depart))
    app.add_post_transform(StatementCards)
    app.connect("html-page-context", load)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
