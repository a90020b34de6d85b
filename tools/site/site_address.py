"""A Sphinx extension: where the site will be published, which links with a host in them need.

These are the site map, the cards that other sites show for a link, and the page for a missing address, whose links
have to work from any folder. It is BOOK_SITE_URL, or the GitHub Pages address of the repository that
tools/site/launch_links.py finds.
"""

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from sphinx.application import Sphinx
from sphinx.config import Config

from tools.site.launch_links import PLACEHOLDER


def site_address(environment: Mapping[str, str], repository: str) -> str:
    """The site's address, with a slash at its end.

    Raises
    ------
    ValueError
        If the one that BOOK_SITE_URL gives is not one of the web.
    """
    given = environment.get("BOOK_SITE_URL")
    if given:
        parts = urlsplit(given)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError(f"BOOK_SITE_URL={given} is not allowed; it must be like https://example.org/book/")
        return given.rstrip("/") + "/"
    owner, _, name = urlsplit(repository).path.strip("/").removesuffix(".git").rpartition("/")
    host = f"{owner.lower()}.github.io"
    return f"https://{host}/" if name.lower() == host else f"https://{host}/{name}/"


def apply(app: Sphinx, config: Config) -> None:
    address = site_address(os.environ, config.html_theme_options.get("repository_url", PLACEHOLDER))
    config.html_baseurl = address
    config.ogp_site_url = address
    config.notfound_urls_prefix = urlsplit(address).path


def setup(app: Sphinx) -> dict[str, Any]:
    # After tools/site/launch_links.py has said which repository it is, before the others read their options.
    app.connect("config-inited", apply, priority=200)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
