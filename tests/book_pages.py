"""Where the book's pages are, what they hold and where their buttons lead, for the tests of the built site."""

import re
from functools import cache
from pathlib import Path

from bs4 import BeautifulSoup

from tools.paths import ROOT, SITE
from tools.site.contents import contents

# The colours of code: four of five elements of a chapter, which say nothing of what stands in it.
COLOURED = re.compile(r'<span class="[a-z0-9]{1,3}">([^<]*)</span>')


def toc_pages() -> list[str]:
    """The pages that ``_toc.yml`` names, root first, as addresses below the site's root."""
    return [f"{page}.html" for page in contents()]


def source_of(address: str) -> str:
    """The file in the repository that a page is made from, or nothing where it is made from none."""
    name = Path(address).with_suffix("").as_posix()
    return next((f"{name}{end}" for end in (".ipynb", ".md") if (ROOT / f"{name}{end}").is_file()), "")


def parsed(html: str) -> BeautifulSoup:
    """A page without the colours of its code."""
    return BeautifulSoup(COLOURED.sub(r"\1", html), "html.parser")


@cache
def built_page(address: str) -> BeautifulSoup:
    """A page of the built site. It is every test's, and none's to change."""
    return parsed((SITE / address).read_text(encoding="utf-8"))


def repository_links(page: BeautifulSoup) -> dict[str, str]:
    """A page's links to Binder, Colab and a repository: the theme's buttons by its names, ``launch`` and ``colab``.

    Any other link to either, which would escape the rule that the buttons follow, stands under its own address.
    """
    found = {}
    for tag in page.select('a[href*="github.com"], a[href*="mybinder.org"], a[href*="colab."]'):
        button = next((c.removeprefix("btn-") for c in tag.get("class", []) if c.startswith("btn-source-")), None)
        hosts = {"mybinder.org": "launch", "colab.research.google.com": "colab"}
        launch = next((name for host, name in hosts.items() if host in tag["href"]), None)
        name = button or launch
        assert name is None or name not in found, f"two buttons of one kind: {tag}"
        found[name or tag["href"]] = tag["href"]
    return found


def wanted_links(address: str, repository: str, branch: str) -> dict[str, str]:
    """The buttons of a page of the book that is built from this repository and branch, under the theme's names."""
    source = source_of(address)
    wanted = {
        "source-repository-button": repository,
        "source-issues-button": f"{repository}/issues/new?title=Issue%20on%20page%20%2F{address}"
        "&body=Your%20issue%20content%20here.",
    }
    if source:
        wanted["source-edit-button"] = f"{repository}/edit/{branch}/{source}"
    if source.endswith(".ipynb"):
        path = repository.removeprefix("https://github.com/")
        wanted["launch"] = f"https://mybinder.org/v2/gh/{path}/{branch}?urlpath=lab/tree/{source}"
        # The copy for Colab, which is no file of this branch.
        wanted["colab"] = f"https://colab.research.google.com/github/{path}/blob/colab/{Path(source).name}"
    return wanted
