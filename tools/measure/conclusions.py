"""What the chapters conclude from a record, held against the record when it is made again.

Where training is chaotic, another processor's rounding is as good as other seeds. A conclusion that does not survive
it was one of the seeds, however closely the means agree.
"""

import shutil
import tempfile
from pathlib import Path

import nbformat

from tools.notebooks.execute import CannotSaveError, run
from tools.paths import CHAPTERS, RECORDS

FALSE = "✗ "
"""What a claim that does not hold begins with, when it is told instead of raised."""

# Run before a chapter: it reads records from another folder, and goes on after a claim that is false.
_BEFORE = f"""
import pathlib
import rmsprop_lib
from rmsprop_lib import claims, records


def _told(function):
    def instead(*arguments, **named):
        try:
            function(*arguments, **named)
        except claims.ClaimError as error:
            print("{FALSE}" + " ".join(str(error).split()))
    return instead


records._FOLDER = pathlib.Path(%r)
rmsprop_lib.claim, rmsprop_lib.verdict = _told(claims.claim), _told(claims.verdict)
"""


def chapters_on(name: str, folder: Path = CHAPTERS) -> list[Path]:
    """The chapters that load a record.

    Parameters
    ----------
    name : str
        Of the experiment.
    folder : Path
        Of the chapters.

    Returns
    -------
    list of Path
        In the order of the chapters.
    """
    loads = f'load_record("{name}")'
    notebooks = {path: nbformat.read(path, as_version=4) for path in sorted(folder.glob("*.ipynb"))}
    return [
        path
        for path, notebook in notebooks.items()
        if any(loads in cell.source for cell in notebook.cells if cell.cell_type == "code")
    ]


def fallen(name: str, record: str, folder: Path = CHAPTERS) -> list[str]:
    """The claims and verdicts of the chapters that are false with another record in place of the stored one.

    Parameters
    ----------
    name : str
        Of the experiment.
    record : str
        As its file would hold it.
    folder : Path
        Of the chapters.

    Returns
    -------
    list of str
        One for each, with the chapter's name; what else ends a chapter's run is one, too.
    """
    found = []
    with tempfile.TemporaryDirectory() as records:
        shutil.copytree(RECORDS, records, dirs_exist_ok=True)
        Path(records, f"{name}.json").write_text(record, encoding="utf-8")
        for path in chapters_on(name, folder):
            chapter = nbformat.read(path, as_version=4)
            chapter.cells.insert(0, nbformat.v4.new_code_cell(_BEFORE % records))
            try:
                ran = run(chapter, folder)
            except CannotSaveError as error:
                found.append(f"{path.stem}: {str(error).strip().splitlines()[-1]}")
                continue
            printed = [output.text for cell in ran.cells for output in cell.get("outputs", []) if "text" in output]
            false = (line for text in printed for line in text.splitlines() if line.startswith(FALSE))
            found += [f"{path.stem}: {line.removeprefix(FALSE)}" for line in false]
    return found
