"""Where the book's pages are and where their buttons lead, for the tests of the built site."""

from bs4 import BeautifulSoup

from tools.site.contents import contents


def toc_pages() -> list[str]:
    """The pages that ``_toc.yml`` names, root first, as addresses below the site's root."""
    return [f"{page}.html" for page in contents()]


def repository_links(page: BeautifulSoup) -> dict[str, str]:
    """A page's links to Binder and to a repository: the theme's buttons by its names for them, ``launch`` for Binder.

    Any other link to either, which would escape the rule that the buttons follow, stands under its own address.
    """
    found = {}
    for tag in page.select('a[href*="github.com"], a[href*="mybinder.org"]'):
        button = next((c.removeprefix("btn-") for c in tag.get("class", []) if c.startswith("btn-source-")), None)
        launch = "launch" if "mybinder.org" in tag["href"] else None
        name = button or launch
        assert name is None or name not in found, f"two buttons of one kind: {tag}"
        found[name or tag["href"]] = tag["href"]
    return found
