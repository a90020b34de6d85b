"""A Sphinx extension: where the site will be published, which links with a host in them need.

These are the site map, the cards that other sites show for a link, and the page for a missing address, whose links
have to work from any folder. It is BOOK_SITE_URL, or the GitHub Pages address of the repository that
tools/environment/addresses.py finds.
"""

import os
from typing import Any
from urllib.parse import urlsplit

from sphinx.application import Sphinx
from sphinx.config import Config

from tools.environment.addresses import PLACEHOLDER, site_address


def apply(app: Sphinx, config: Config) -> None:
    address = site_address(os.environ, config.html_theme_options.get("repository_url", PLACEHOLDER))
    config.html_baseurl = address
    config.ogp_site_url = address
    config.notfound_urls_prefix = urlsplit(address).path


def setup(app: Sphinx) -> dict[str, Any]:
    # After tools/site/launch_links.py has said which repository it is, before the others read their options.
    app.connect("config-inited", apply, priority=200)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
