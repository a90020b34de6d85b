"""What pyproject.toml cannot know: whose book this is. A fork's wheel leads to the fork, as its site does."""

import os
import sys
from email import message_from_string
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).resolve().parent


def urls() -> dict[str, str]:
    """The addresses of the project, none where no repository on GitHub is known."""
    unpacked = ROOT / "PKG-INFO"
    if unpacked.exists():  # a source archive, which says it itself
        lines = message_from_string(unpacked.read_text(encoding="utf-8")).get_all("Project-URL", [])
        return dict(line.split(", ", 1) for line in lines)
    sys.path.insert(0, str(ROOT))
    from tools.environment import addresses

    # Not a workflow's repository: that of someone who installs the library in theirs would be taken for the book's.
    known = os.environ.get(addresses.VARIABLE) or (addresses.of_clone(ROOT)[0] if (ROOT / ".git").exists() else "")
    page = addresses.on_github(known)
    if not page:
        return {}
    return {
        "Homepage": addresses.site_address(os.environ, page),
        "Repository": page,
        "Issues": f"{page}/issues",
        "Changelog": f"{page}/blob/HEAD/CHANGELOG.md",
    }


setup(project_urls=urls())
