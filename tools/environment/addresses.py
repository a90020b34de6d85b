"""Whose book this is, and where its site is published: for the buttons of the site, and for links in readers' copies.

Whose book it is, and which branch, says the first of these that knows:

1. the variables ``BOOK_REPOSITORY_URL`` and ``BOOK_BRANCH``;
2. in a GitHub workflow, the repository that runs it;
3. the git remote ``origin``, where that is on GitHub;
4. ``repository`` in ``_config.yml``, unless it is the placeholder.

The site is where ``BOOK_SITE_URL`` says, or at the GitHub Pages address of that repository.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit

from tools.environment.ask_git import git
from tools.paths import ROOT

VARIABLE = "BOOK_REPOSITORY_URL"
BRANCH_VARIABLE = "BOOK_BRANCH"
PLACEHOLDER = "https://github.com/OWNER/REPOSITORY"
DEFAULT_BRANCH = "main"

# As git and browsers write it: https://github.com/a/b, git@github.com:a/b.git, ssh://git@github.com:22/a/b. Who signs
# in, and with what, stands before the @ and is left out.
ON_GITHUB = re.compile(
    r"(?:(?:https?|ssh|git)://)?(?:[^/@\s]+@)?(?:www\.|ssh\.)?github\.com(?::\d+/|[:/])/*"
    r"(?P<owner>[\w-]+)/(?P<name>[\w.-]+?)(?:\.git)?/?",
    re.IGNORECASE,
)


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
    ValueError
        If ``BOOK_REPOSITORY_URL`` is not the address of a repository on GitHub.
    """
    by_hand = environment.get(VARIABLE, "")
    if by_hand and not on_github(by_hand):
        raise ValueError(
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


def this_repository(root: Path = ROOT) -> dict[str, str]:
    """What `repository` says of the book in ``root``, in this environment."""
    import yaml  # here, for what builds the library asks this module and has no YAML

    configured = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8")).get("repository", {})
    options = {"repository_url": configured.get("url", ""), "repository_branch": configured.get("branch", "")}
    return repository(os.environ, root, options)


def this_site(root: Path = ROOT) -> str:
    """The address of the published site, with a slash at its end; empty where it is not known."""
    known = this_repository(root)
    if not known and not os.environ.get("BOOK_SITE_URL"):
        return ""
    return site_address(os.environ, known.get("repository_url", PLACEHOLDER))
