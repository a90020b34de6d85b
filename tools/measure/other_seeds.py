"""Which claims of a chapter hang on its seeds: ``python -m tools.measure.other_seeds [NAME ...]``.

Each chapter is run with other numbers in ``default_rng(…)`` and ``manual_seed(…)`` wherever one stands there, and
what is then false is printed. That is no error where a claim is about the one sample that is drawn; it is one where
the sentence is meant generally.
"""

import argparse
import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tools.measure.false_claims import false_claims
from tools.notebooks.execute import notebooks
from tools.paths import CHAPTERS

SEED = re.compile(r"\b(default_rng|manual_seed)\((\d+)\)")
APART = 1000
"""What is added to a seed for the first other run; twice that for the second."""


def reseeded(chapter: NotebookNode, shift: int) -> NotebookNode:
    """A copy of a chapter whose written seeds are larger by ``shift``."""
    copy = nbformat.from_dict(chapter)
    for cell in copy.cells:
        if cell.cell_type == "code":
            cell.source = SEED.sub(lambda found: f"{found[1]}({int(found[2]) + shift})", cell.source)
    return copy


def hanging(path: Path, runs: int, folder: Path = CHAPTERS) -> list[list[str]]:
    """What is false in a chapter with other seeds.

    Parameters
    ----------
    path : Path
        Of the notebook.
    runs : int
        With how many other seeds.
    folder : Path
        In which it is run.

    Returns
    -------
    list of list of str
        For each run its false claims and verdicts.
    """
    chapter = nbformat.read(path, as_version=4)
    return [false_claims(reseeded(chapter, APART * k), folder) for k in range(1, runs + 1)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="of notebooks; all without one")
    parser.add_argument("--runs", type=int, default=3, help="with how many other seeds")
    chosen = parser.parse_args()
    for path in notebooks(chosen.names):
        for k, false in enumerate(hanging(path, chosen.runs), start=1):
            print(f"{path.stem}, seeds + {APART * k}: {len(false)} false", *false, sep="\n    ", flush=True)


if __name__ == "__main__":
    main()
