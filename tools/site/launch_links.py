"""A Sphinx extension: the buttons to launch, edit and discuss a page lead to the repository it is built from.

Which one that is, tools/environment/addresses.py says. What stands in ``_config.yml`` is a placeholder: where nothing
else is known there are no such buttons, since all of them would lead nowhere, and the build says so.

Binder opens the repository's own notebooks, of which its image makes readers' copies. Colab makes none, so its button
opens the copy that ``make colab`` has made and the workflow `publish` has put on a branch of its own.
"""

import os
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ConfigError
from sphinx.util import logging

from tools.environment.addresses import repository

# What the theme shows only where there is a repository, and what it shows there.
BUTTONS = ("launch_buttons", "use_repository_button", "use_edit_page_button", "use_issues_button")
COLAB = "https://colab.research.google.com"
COLAB_BRANCH = "colab"
"""Where the workflow `publish` puts the copies for Colab."""

logger = logging.getLogger(__name__)


def apply(app: Sphinx, config: Config) -> None:
    options = config.html_theme_options
    try:
        known = repository(os.environ, Path(app.confdir), options)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    if known:
        options.update(known)
        return
    for option in (*BUTTONS, "repository_url"):
        options.pop(option, None)
    logger.info(
        "No repository on GitHub is known: the pages get no buttons to launch, edit or discuss them. "
        "CONTRIBUTING.md says how to name one."
    )


def open_copies(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object) -> None:
    """Have Colab's button, which the theme makes as it makes Binder's, open the copy of the page."""
    branch = app.config.html_theme_options.get("repository_branch")
    for group in context.get("header_buttons", []):
        for button in group.get("buttons", []):
            if str(button.get("url", "")).startswith(f"{COLAB}/"):
                button["url"] = button["url"].replace(f"/blob/{branch}/chapters/", f"/blob/{COLAB_BRANCH}/")


def setup(app: Sphinx) -> dict[str, Any]:
    # Before the theme reads its options.
    app.connect("config-inited", apply, priority=100)
    # After the theme has made its buttons.
    app.connect("html-page-context", open_copies, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
