"""Print the built site as one book: ``python -m tools.publish.pdf``, after ``make book``, writes to dist/.

Chromium opens every page of the contents as a reader does, and gives it back typeset (paper/take_page.js). The pages
are put together to one document, with a title page, a table of contents and the solutions at its end, and printed:
Chromium makes the outline, the page numbers and the links within the document. As the numbers of pages are known only
then, it is printed again with them. Nothing is asked of any network: what is not in the site's folder is not there.

Pages named on the command line (``03_rmsprop 04_centered_rmsprop``) make a book of these alone.
"""

import argparse
import html
import io
import json
import mimetypes
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml
from playwright.sync_api import Page, Route, sync_playwright
from pypdf import PdfReader

from tools.environment import chromium
from tools.paths import ROOT, SITE
from tools.publish import checksums
from tools.publish.edition import Edition, edition
from tools.site.contents import contents

PAPER = Path(__file__).with_name("paper")
NAME = "adaptive-learning-rates.pdf"

# No host is asked: Chromium's requests are answered from the site's folder.
ORIGIN = "http://book.invalid"
WHOLE = "/whole-book.html"
# A4 less the margins of paper.css, in CSS pixels.
COLUMN = int((210 - 2 * 18) / 25.4 * 96)
# Of one page of the site, and of printing all of them.
MILLISECONDS = 900_000


class CannotPrintError(Exception):
    """The book cannot be printed. The message says why."""


@dataclass
class Part:
    """One of the site's pages, as a part of the book."""

    name: str
    caption: str
    title: str
    headings: list[dict[str, Any]]
    html: str
    solutions: list[dict[str, str]]
    rules: list[str]
    sheets: list[str]


def chosen(names: list[str], pages: dict[str, str]) -> dict[str, str]:
    """The pages of these names, with or without their folder; without names, all."""
    known = {Path(page).name: page for page in pages}
    for name in names:
        if Path(name).stem not in known:
            raise CannotPrintError(f"There is no page {name!r}. Known: {', '.join(known)}.")
    wanted = {known[Path(name).stem] for name in names} or set(pages)
    return {page: caption for page, caption in pages.items() if page in wanted}


@contextmanager
def opened(site: Path, whole: dict[str, str]) -> Iterator[Page]:
    """A page in Chromium for which the site's folder is the world, and ``whole["html"]`` the whole book."""
    if chromium.program() is None:
        raise CannotPrintError(f"There is {chromium.MISSING}.")

    def answer(route: Route) -> None:
        parts = urlsplit(route.request.url)
        file = (site / unquote(parts.path).lstrip("/")).resolve()
        if f"{parts.scheme}://{parts.netloc}" == ORIGIN and parts.path == WHOLE:
            route.fulfill(body=whole["html"], content_type="text/html; charset=utf-8")
        elif f"{parts.scheme}://{parts.netloc}" == ORIGIN and file.is_relative_to(site) and file.is_file():
            route.fulfill(body=file.read_bytes(), content_type=mimetypes.guess_type(file.name)[0])
        else:
            route.abort()

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.program(), args=chromium.FLAGS)
        context = browser.new_context(viewport={"width": 1000, "height": 1200}, color_scheme="light")
        context.set_default_timeout(MILLISECONDS)
        context.route("**/*", answer)
        yield context.new_page()
        browser.close()


def take(page: Page, pages: dict[str, str]) -> list[Part]:
    """Every page, typeset and ready for paper."""
    script = (PAPER / "take_page.js").read_text(encoding="utf-8")
    names = {f"/{path}.html": Path(path).name for path in pages}
    parts = []
    for path, caption in pages.items():
        page.goto(f"{ORIGIN}/{path}.html", wait_until="load")
        page.evaluate(chromium.TYPESET)
        name = Path(path).name
        parts.append(Part(name, caption, **page.evaluate(script, {"name": name, "pages": names})))
    return parts


def title_page(this: Edition, config: dict[str, Any]) -> str:
    name, _, subtitle = config["title"].partition(": ")
    return f"""<section class="paper-title-page">
<p class="paper-name">{html.escape(name)}</p>
<p class="paper-subtitle">{html.escape(subtitle)}</p>
<p>{html.escape(config["author"])}</p>
<p>{html.escape(str(this))}</p>
<p>Text: CC BY 4.0. Code: MIT.</p>
<p>The code that makes the figures is in the notebooks, and what moves is on the site.</p>
</section>"""


def entry(level: int, target: str, text: str) -> str:
    number = f"<span>{{{{page:{target}}}}}</span>"
    return f'<li class="paper-level-{level}"><a href="#{target}"><span>{text}</span>{number}</a></li>'


def table_of_contents(parts: list[Part]) -> str:
    lines, caption = [], ""
    for part in parts:
        if part.caption != caption:
            caption = part.caption
            lines.append(f'<li class="paper-caption">{html.escape(caption)}</li>')
        for heading in part.headings:
            target = part.name if heading["level"] == 1 else heading["id"]
            lines.append(entry(heading["level"], target, heading["html"]))
    if any(part.solutions for part in parts):
        lines.append(entry(1, "solutions", "Solutions"))
    return f'<nav class="paper-part paper-contents"><h1>Contents</h1><ol>{"".join(lines)}</ol></nav>'


def solutions(parts: list[Part]) -> str:
    chapters = []
    for part in parts:
        solved = "".join(
            f'<section id="{one["id"]}"><h3>{html.escape(one["title"])}</h3>'
            f'<p class="paper-reference"><a href="#{one["exercise"]}">The exercise is on page '
            f"{{{{page:{one['exercise']}}}}}</a></p>{one['html']}</section>"
            for one in part.solutions
        )
        if solved:
            chapters.append(f"<section><h2>{html.escape(part.title)}</h2>{solved}</section>")
    if not chapters:
        return ""
    return f'<section class="paper-part paper-solutions" id="solutions"><h1>Solutions</h1>{"".join(chapters)}</section>'


def composed(parts: list[Part], this: Edition, config: dict[str, Any]) -> str:
    """The whole book as one page, with ``{{page:ID}}`` wherever the number of a page belongs."""
    sheets = dict.fromkeys(sheet for part in parts for sheet in part.sheets)
    rules = dict.fromkeys(rule for part in parts for rule in part.rules)
    heads = [(part.name, part.title) for part in parts] + [("solutions", "Solutions")]
    # A running head is a named page's. CSS takes JSON's strings but for the escapes of non-ASCII.
    running = [
        f"#{css_name(name)} {{ page: p-{name} }}\n"
        f"@page p-{name} {{ @top-right {{ content: {json.dumps(title, ensure_ascii=False)} }} }}"
        for name, title in heads
    ]
    body = "".join(f'<section class="paper-part" id="{part.name}">{part.html}</section>' for part in parts)
    return f"""<!DOCTYPE html>
<html lang="{config["sphinx"]["config"]["language"]}" data-theme="light" data-mode="light">
<head><meta charset="utf-8"><title>{html.escape(config["title"])}</title>
{"".join(f'<link rel="stylesheet" href="{html.escape(sheet)}">' for sheet in sheets)}
<style>{chr(10).join(rules)}</style>
<style>{(PAPER / "paper.css").read_text(encoding="utf-8")}
{chr(10).join(running)}</style></head>
<body class="paper"><div class="bd-container"><div class="bd-content"><main class="bd-main"><article class="bd-article">
{title_page(this, config)}{table_of_contents(parts)}{body}{solutions(parts)}
</article></main></div></div></body></html>"""


def css_name(name: str) -> str:
    """An identifier that may begin with a digit, as CSS writes it."""
    return re.sub(r"^\d", lambda digit: f"\\{ord(digit[0]):x} ", name)


def pages_of(pdf: bytes) -> dict[str, int]:
    """On which page each target of a link within the document is, counted from 1."""
    reader = PdfReader(io.BytesIO(pdf))
    found = {}
    for name, place in reader.named_destinations.items():
        number = reader.get_destination_page_number(place)
        if number is not None:
            found[name.lstrip("/")] = number + 1
    return found


def numbered(text: str, pages: dict[str, int]) -> str:
    return re.sub(r"\{\{page:([\w-]+)\}\}", lambda found: str(pages.get(found[1], "000")), text)


def printed(page: Page, whole: dict[str, str], text: str) -> bytes:
    """The book as Chromium prints it: once to learn the numbers of pages, and again with them."""
    fit = (PAPER / "fit_page.js").read_text(encoding="utf-8")
    page.set_viewport_size({"width": COLUMN, "height": 1200})
    page.emulate_media(media="print", color_scheme="light")
    pages: dict[str, int] = {}
    # An outline needs the tags, which take as long as all else: the first time nobody reads it.
    for tagged in (False, True, True):
        whole["html"] = numbered(text, pages)
        page.goto(ORIGIN + WHOLE, wait_until="load")
        if amiss := page.evaluate(fit):
            raise CannotPrintError("\n".join(amiss))
        pdf = page.pdf(prefer_css_page_size=True, print_background=True, outline=tagged, tagged=tagged)
        before, pages = pages, pages_of(pdf)
        if before == pages:
            return pdf
    raise CannotPrintError("The numbers of pages do not settle: the table of contents changes its length with them.")


def finished(pdf: bytes, this: Edition) -> bytes:
    """With the commit's date in place of the hour at which it was printed, so that the same site gives the same file.

    Only digits are replaced by as many others: every place in the file stays where its table of places says.
    """
    stamp = f"D:{this.date:%Y%m%d%H%M%S}+00'00'"
    pdf, dates = re.subn(rb"(?<=/CreationDate \()[^)]*(?=\))|(?<=/ModDate \()[^)]*(?=\))", stamp.encode(), pdf)
    if dates != 2:
        raise CannotPrintError(f"Chromium's PDF has {dates} dates of its own where two are expected.")
    # The cells of tables are named by a counter of the browser's, which begins anywhere. Their order has to stay.
    counter = re.compile(rb"(?<=\(node)\d{8}(?=\))")
    rank = {number: b"%08d" % place for place, number in enumerate(sorted(set(counter.findall(pdf))))}
    return counter.sub(lambda found: rank[found[0]], pdf)


def make(target: Path, names: list[str], site: Path = SITE) -> int:
    """Print the book, or these pages of it, to ``target``; returns how many pages it has.

    Raises
    ------
    CannotPrintError
        If the site is not built, a page does not exist, there is no browser, a link leads nowhere, or something is
        wider than the paper.
    """
    if not (site / "index.html").exists():
        raise CannotPrintError("The site is not built: run `make book` first.")
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    this = edition()
    pages = chosen(names, contents())
    whole = {"html": ""}
    with opened(site.resolve(), whole) as page:
        text = composed(take(page, pages), this, config)
        pdf = printed(page, whole, text)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(finished(pdf, this))
    if (target.parent / checksums.NAME).exists():
        checksums.write(target.parent)
    return len(PdfReader(target).pages)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Print the built site as one book.")
    parser.add_argument("pages", nargs="*", help="print these pages alone")
    parser.add_argument("--output", type=Path, default=ROOT / "dist" / NAME)
    given = parser.parse_args(arguments)
    try:
        count = make(given.output, given.pages)
    except CannotPrintError as error:
        print(f"The book cannot be printed.\n{error}", file=sys.stderr)
        return 1
    print(f"{given.output} ({count} pages, {given.output.stat().st_size / 1e6:.1f} MB)")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
