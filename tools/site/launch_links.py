"""A Sphinx extension: the buttons to launch, edit and discuss a page lead to the repository it is built from.

Whose book it is, and which branch, says the first of these that knows:

1. the variables ``BOOK_REPOSITORY_URL`` and ``BOOK_BRANCH``;
2. in a GitHub workflow, the repository that runs it;
3. the git remote ``origin``, where that is on GitHub;
4. ``repository`` in ``_config.yml``.

What stands in ``_config.yml`` is a placeholder. Where nothing else is known there are no such buttons, since all of
them would lead nowhere, and the build says so.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ConfigError
from sphinx.util import logging

from tools.environment.ask_git import git

VARIABLE = "BOOK_REPOSITORY_URL"
BRANCH_VARIABLE = "BOOK_BRANCH"
PLACEHOLDER = "https://github.com/OWNER/REPOSITORY"
DEFAULT_BRANCH = "main"
# What the theme shows only where there is a repository, and what it shows there.
BUTTONS = ("launch_buttons", "use_repository_button", "use_edit_page_button", "use_issues_button")

# As git and browsers write it: https://github.com/a/b, git@github.com:a/b.git, ssh://git@github.com:22/a/b. Who signs
# in, and with what, stands before the @ and is left out.
ON_GITHUB = re.compile(
    r"(?:(?:https?|ssh|git)://)?(?:[^/@\s]+@)?(?:www\.|ssh\.)?github\.com(?::\d+/|[:/])/*"
    r"(?P<owner>[\w-]+)/(?P<name>[\w.-]+?)(?:\.git)?/?",
    re.IGNORECASE,
)

logger = logging.getLogger(__name__)


def on_github(address: str) -> str | None:
    """The page of the repository that has this address, or None if it is not one on GitHub."""
    found = ON_GITHUB.fullmatch(address.strip())
    return f"https://github.com/{found['owner']}/{found['name']}" if found else None


def repository(environment: Mapping[str, str], folder: Path, configured: Mapping[str, str]) -> dict[str, str]:
    """The theme options that name the repository and its branch; none where no repository on GitHub is known.

    Parameters
    ----------
    environment
        The variables of the build.
    folder
        The book's, which may be in a clone.
    configured
        What ``_config.yml`` says, under the names of the theme options.

    Raises
    ------
    ConfigError
        If ``BOOK_REPOSITORY_URL`` is not the address of a repository on GitHub.
    """
    by_hand = environment.get(VARIABLE, "")
    if by_hand and not on_github(by_hand):
        raise ConfigError(
            f"{VARIABLE} has to be the address of a repository on GitHub, like https://github.com/someone/book. "
            f"It is {by_hand!r}."
        )
    known = (
        (by_hand, ""),
        of_workflow(environment),
        of_clone(folder),
        (configured.get("repository_url", ""), configured.get("repository_branch", "")),
    )
    for address, branch in known:
        url = on_github(address)
        if url and url != PLACEHOLDER:
            branch = environment.get(BRANCH_VARIABLE) or branch or DEFAULT_BRANCH
            return {"repository_url": url, "repository_branch": quote(branch)}
    return {}


def of_workflow(environment: Mapping[str, str]) -> tuple[str, str]:
    """The repository that runs a GitHub workflow, and the branch: for a pull request the one that is to take it."""
    if not environment.get("GITHUB_REPOSITORY"):
        return "", ""
    server = environment.get("GITHUB_SERVER_URL", "https://github.com")
    reference = environment.get("GITHUB_REF", "")
    branch = reference.removeprefix("refs/heads/") if reference.startswith("refs/heads/") else ""
    return f"{server}/{environment['GITHUB_REPOSITORY']}", environment.get("GITHUB_BASE_REF") or branch


def of_clone(folder: Path) -> tuple[str, str]:
    """The address of ``origin``, and the branch at hand if ``origin`` has it, else the one that a clone starts on."""
    address = git(folder, "remote", "get-url", "origin")
    branch = git(folder, "symbolic-ref", "--quiet", "--short", "HEAD")
    if not (branch and git(folder, "rev-parse", "--verify", "--quiet", f"refs/remotes/origin/{branch}")):
        start = git(folder, "symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
        branch = start.removeprefix("origin/")
    return address, branch


def apply(app: Sphinx, config: Config) -> None:
    options = config.html_theme_options
    known = repository(os.environ, Path(app.confdir), options)
    if known:
        options.update(known)
        return
    for option in (*BUTTONS, "repository_url"):
        options.pop(option, None)
    logger.info(
        "No repository on GitHub is known: the pages get no buttons to launch, edit or discuss them. "
        "CONTRIBUTING.md says how to name one."
    )


def setup(app: Sphinx) -> dict[str, Any]:
    # Before the theme reads its options.
    app.connect("config-inited", apply, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
