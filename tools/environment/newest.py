"""Set up the newest version of every requirement: ``python -m tools.environment.newest FOLDER`` (``make test-newest``).

The pins of requirements.txt are for readers; what comes out after them is met here first.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from tools.paths import ROOT

# What is known not to work, and why. All else is taken as it comes.
HELD_BACK = {
    "jupyter-book": "<2",  # the second version does not build from _config.yml
}


def requirements(pyproject: str) -> list[str]:
    """Every requirement of the project and its extras, without a pin to a version."""
    project = tomllib.loads(pyproject)["project"]
    wanted = [*project["dependencies"], *(r for group in project["optional-dependencies"].values() for r in group)]
    opened = [re.sub(r"\s*==[^,;]*", "", requirement) for requirement in wanted]
    return [requirement + HELD_BACK.get(requirement, "") for requirement in opened]


def main(folder: str) -> None:
    python = Path(folder, "bin", "python")
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    wanted = requirements((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    # What a new environment brings along is as old as its Python.
    subprocess.run([*pip, "--upgrade", "pip", "setuptools", *wanted], check=True)
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "--editable", "."], cwd=ROOT, check=True)
    subprocess.run([python, "-m", "pip", "list", "--disable-pip-version-check"], check=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except subprocess.CalledProcessError as error:
        sys.exit(f"Setting up the newest versions failed at: {' '.join(map(str, error.cmd))}")
