"""What the theme and docutils write that screen readers stumble over, put right in the HTML.

``tools/site/lean_pages.py`` calls it for every page.

Each repair says what was wrong. tests/site/test_site_in_browser.py lets axe-core look at every page.
"""

import re
from collections.abc import Callable


def lines(signature: re.Match[str]) -> str:
    """The arguments of a signature as lines, not as descriptions of nothing."""
    items = signature[1].replace("<dd>", '<div class="sig-line">').replace("</dd>", "</div>")
    return f'<div class="sig-lines">\n{items}</div>'


REPAIRS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    # The empty corner of a table is no heading.
    (re.compile(r'<th class="head([^"]*)"><p></p></th>'), r'<td class="head\1"></td>'),
    # The title and the search field stand outside of all landmarks.
    (
        re.compile(r'<div id="pst-primary-sidebar"'),
        '<div id="pst-primary-sidebar" role="complementary" aria-label="Book"',
    ),
    # A role that is no longer in use, on an element that must not have it, in a list whose items are others.
    (re.compile(r' role="doc-biblioentry"'), ""),
    (re.compile(r'<div role="list" class="citation-list">'), '<div class="citation-list">'),
    (re.compile(r'<dl>\n((?:<dd><em class="sig-param">.*?</dd>\n)+)</dl>'), lines),
    # The title that is printed, of a page that has none.
    (re.compile(r"<h1></h1>"), ""),
)


def accessible(page: str) -> str:
    """A page's HTML, repaired."""
    for wrong, right in REPAIRS:
        page = wrong.sub(right, page)
    return page
