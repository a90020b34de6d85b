"""A Sphinx extension: what a link leads to, shown beside it before it is followed.

When the site is written, this goes over every page: links to an equation, a theorem or one of its kin, a term of the
glossary or an entry of the bibliography are marked, and the texts that they lead to are put aside, those of each page
in a file of its own, ``_static/previews/PAGE.js``. ``assets/previews.js`` loads such a file when the first of its texts
is asked for. Without scripts, and where nothing can hover, the links are as they were.
"""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from sphinx.application import Sphinx

FOLDER = "previews"
LINK = re.compile(r'<a class="reference internal" href="(?P<page>[^"#]*)#(?P<id>[^"]+)"')
# What has a preview: an equation, a theorem or the like, an entry of the bibliography; a term of the glossary.
TARGET = re.compile(
    r'<div class="(?:math notranslate nohighlight|proof [\w-]+ admonition|citation)" id="(?P<id>[^"]+)"[^>]*>'
    r'|<dt id="(?P<term>term-[^"]+)"[^>]*>'
)
ANCHOR = re.compile(r"</?a\b[^>]*>")
HEADERLINK = re.compile(r'<a class="headerlink".*?</a>', re.DOTALL)
PLAIN = (
    (re.compile(r"<(/?)section\b"), r"<\1div"),
    (re.compile(r'class="proof [\w-]+ admonition"'), 'class="preview-theorem"'),
    (re.compile(r'class="admonition-title"'), 'class="preview-title"'),
)
IDENTIFIER = re.compile(r'\s(?:id|name)="[^"]*"')


def element(page: str, start: int, tag: str) -> str:
    """The element of a page's HTML that begins here, up to its end."""
    depth = 0
    for found in re.compile(rf"<(/?){tag}\b[^>]*>").finditer(page, start):
        depth += -1 if found[1] else 1
        if depth == 0:
            return page[start : found.end()]
    raise ValueError(f"<{tag}> is not closed: {page[start : start + 80]!r}")


def texts(page: str) -> dict[str, str]:
    """What a page has that can be shown beside a link to it, by identifier: HTML without links and identifiers."""
    found = {}
    for target in TARGET.finditer(page):
        if target["term"]:
            term = HEADERLINK.sub("", element(page, target.start(), "dt")[len(target[0]) : -len("</dt>")])
            definition = element(page, page.index("<dd", target.end()), "dd")
            whole = f"<p><strong>{term}</strong></p>{definition[len('<dd>') : -len('</dd>')]}"
        else:
            whole = element(page, target.start(), "div")
        whole = IDENTIFIER.sub("", ANCHOR.sub("", HEADERLINK.sub("", whole)))
        # A section is announced to those who listen, and a theorem has a frame on its page; here there is neither.
        for was, becomes in PLAIN:
            whole = was.sub(becomes, whole)
        found[target["id"] or target["term"]] = whole
    return found


def marked(page: str, name: str, known: dict[str, dict[str, str]]) -> tuple[str, set[tuple[str, str]]]:
    """A page's HTML with the links marked that have a preview, and which previews these are, by page and identifier."""
    used = set()

    def mark(link: re.Match[str]) -> str:
        target = name
        if link["page"]:
            path = (Path("/") / name).parent / unquote(link["page"])
            target = Path(*path.parts[1:]).with_suffix("").as_posix()
        if link["id"] not in known.get(target, {}):
            return link[0]
        used.add((target, link["id"]))
        return f'{link[0]} data-preview="{target}"'

    return LINK.sub(mark, page), used


def finish(app: Sphinx, error: Exception | None) -> None:
    if error or app.builder.format != "html":
        return
    site = Path(app.outdir)
    pages = {path: path.read_text(encoding="utf-8") for path in sorted((site / "chapters").glob("*.html"))}
    names = {path: path.relative_to(site).with_suffix("").as_posix() for path in pages}
    known = {names[path]: texts(page) for path, page in pages.items()}
    wanted: set[tuple[str, str]] = set()
    for path, page in pages.items():
        if "data-preview" not in page:
            page, used = marked(page, names[path], known)
            path.write_text(page, encoding="utf-8")
            wanted |= used
    folder = site / "_static" / FOLDER
    for name in sorted({page for page, _ in wanted}):
        held = {key: text for key, text in known[name].items() if (name, key) in wanted}
        file = (folder / name).with_suffix(".js")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"previews({json.dumps(name)}, {json.dumps(held, ensure_ascii=False)});\n", encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_css_file("previews.css")
    app.add_js_file("previews.js", loading_method="defer")
    # Before the pages are made lean, which ends with their policy.
    app.connect("build-finished", finish, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
