"""Compile requirements.txt from pyproject.toml, every transitive version pinned (``make lock``)."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.txt"


def main() -> None:
    subprocess.run(
        [
            *(sys.executable, "-m", "piptools", "compile", "--quiet", "--all-extras", "--strip-extras"),
            # Nothing of this machine's package sources belongs in the file.
            *("--no-emit-index-url", "--no-emit-find-links", "--no-emit-trusted-host", "--no-emit-options"),
            *("--allow-unsafe", "--output-file", LOCK.name, "pyproject.toml"),
        ],
        cwd=ROOT,
        env={**os.environ, "CUSTOM_COMPILE_COMMAND": "make lock"},
        check=True,
    )
    # A local build tag such as +cpu exists on some package sources only.
    LOCK.write_text(re.sub(r"^(torch==[\d.]+)\+\w+", r"\1", LOCK.read_text(), flags=re.MULTILINE))


if __name__ == "__main__":
    main()
