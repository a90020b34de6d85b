"""Python as a page has it: the files of the site's folder ``python/``, in a process without what a browser lacks."""

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools.site.python_folder import library

# What runs before and after a test's own lines, which find `asked`, and put what they want back into `replies`.
BEFORE = """
import json, sys
folder, *without = sys.argv[1:]
sys.modules |= dict.fromkeys(without)
sys.path.insert(0, folder)
import in_the_page
from rmsprop_lib import exercises
assert exercises.__file__.startswith(folder)
asked, replies = json.load(sys.stdin), []
def respond(**question):
    return json.loads(in_the_page.respond(json.dumps(question)))
"""
AFTER = "\nprint(json.dumps(replies))\n"


def python_in_the_page(folder: Path, lines: str, asked: Any, *, without: Sequence[str], further: bool = False) -> Any:
    """Run lines of Python as the worker of a page would.

    Parameters
    ----------
    folder : Path
        An empty one, for the library.
    lines : str
        They find what is ``asked``, a function ``respond`` and the list ``replies``.
    asked : object that JSON knows
    without : sequence of str
        Packages that cannot be imported.
    further : bool
        With what of the library cells use beyond the exercises.

    Returns
    -------
    list
        What the lines have appended to ``replies``.
    """
    for part in (False, True)[: 1 + further]:
        zipfile.ZipFile(io.BytesIO(library(part))).extractall(folder)
    done = subprocess.run(
        [sys.executable, "-c", BEFORE + lines + AFTER, str(folder), *without],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
