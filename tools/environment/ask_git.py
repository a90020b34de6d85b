"""What git knows of the folder that the book is in."""

import subprocess
from pathlib import Path


def git(folder: Path, *arguments: str) -> str:
    """What git answers, empty where there is no git, no clone or no answer."""
    try:
        # A clone that belongs to another user, as in a container, is read all the same.
        command = ["git", "-c", "safe.directory=*", *arguments]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
