"""Compile the pins from pyproject.toml, every transitive version (``make lock``).

``requirements.txt`` holds everything; ``.binder/requirements.txt`` the part of it that running the notebooks takes,
at the same versions.
"""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

from tools.paths import ROOT

LOCK = ROOT / "requirements.txt"
BINDER = ROOT / ".binder" / "requirements.txt"
# What runs in a chapter's kernel. No site is built in Binder, and nothing tested. Binder brings JupyterLab itself, its
# server and the hub's part in versions that fit together: to pin one of them would break another.
BINDER_EXTRAS = ("torch", "figures", "fused", "games", "notebooks")


def compiled(*options: str) -> str:
    """What pip-compile makes of pyproject.toml with these options."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "piptools", "compile", "--quiet", "--strip-extras", "--allow-unsafe"),
            # Nothing of this machine's package sources belongs in the file.
            *("--no-emit-index-url", "--no-emit-find-links", "--no-emit-trusted-host", "--no-emit-options"),
            *options,
            "pyproject.toml",
        ],
        cwd=ROOT,
        env={**os.environ, "CUSTOM_COMPILE_COMMAND": "make lock"},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout


def without_build_tag(pins: str) -> str:
    """Without a local build tag such as +cpu, which exists on some package sources only."""
    return re.sub(r"^(torch==[\d.]+)\+\w+", r"\1", pins, flags=re.MULTILINE)


def with_markers(pins: str) -> str:
    """With the environment markers of pyproject.toml's own requirements, which pip-compile leaves out for extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for extra in project["optional-dependencies"].values():
        for requirement in map(Requirement, extra):
            if requirement.marker:
                pin = rf"^({re.escape(requirement.name)}==[^\s;]+)$"
                pins, found = re.subn(pin, rf"\1 ; {requirement.marker}", pins, flags=re.MULTILINE)
                assert found == 1, f"no pin of {requirement.name}"
    return pins


def head_of(path: Path) -> str:
    """What stands before the first pin: what the file is, and where else its packages may come from."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(line for line in lines if line.startswith(("#", "--")))


def main() -> None:
    compiled("--all-extras", "--output-file", LOCK.name)
    LOCK.write_text(with_markers(without_build_tag(LOCK.read_text(encoding="utf-8"))), encoding="utf-8")
    extras = [option for extra in BINDER_EXTRAS for option in ("--extra", extra)]
    pins = compiled(
        *extras, "--constraint", LOCK.name, "--no-annotate", "--no-header", "--output-file", "-"
    ).splitlines()
    wanted = sorted(without_build_tag(pin) for pin in pins if pin and not pin.startswith("#"))
    BINDER.write_text(head_of(BINDER) + "\n".join(wanted) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
