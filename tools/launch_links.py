"""A Sphinx extension: the launch buttons lead to the repository that the site is built from.

GitHub's workflows name it in their environment; elsewhere BOOK_REPOSITORY_URL and BOOK_BRANCH do. Without either,
the address in ``_config.yml`` stands.
"""

import os
from collections.abc import Mapping
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config


def repository(environment: Mapping[str, str]) -> dict[str, str]:
    """The theme options that the environment gives, none where it says nothing."""
    url = environment.get("BOOK_REPOSITORY_URL")
    branch = environment.get("BOOK_BRANCH")
    if not url and environment.get("GITHUB_REPOSITORY"):
        url = f"{environment.get('GITHUB_SERVER_URL', 'https://github.com')}/{environment['GITHUB_REPOSITORY']}"
    if not branch and environment.get("GITHUB_REF_TYPE") == "branch":
        branch = environment.get("GITHUB_REF_NAME")
    options = {"repository_url": url, "repository_branch": branch}
    return {option: value for option, value in options.items() if value}


def apply(app: Sphinx, config: Config) -> None:
    config.html_theme_options.update(repository(os.environ))


def setup(app: Sphinx) -> dict[str, Any]:
    # Before the theme reads its options.
    app.connect("config-inited", apply, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
