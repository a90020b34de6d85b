"""What the chapters conclude from a record, held against the record when it is made again.

Where training is chaotic, another processor's rounding is as good as other seeds. A conclusion that does not survive
it was one of the seeds, however closely the means agree.
"""

import shutil
import tempfile
from pathlib import Path

import nbformat

from tools.measure.false_claims import false_claims
from tools.notebooks.execute import notebooks
from tools.paths import CHAPTERS, RECORDS

_ELSEWHERE = """
from pathlib import Path

from rmsprop_lib import records

records._FOLDER = Path(%r)
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
    return [
        path
        for path in notebooks([], folder)
        if any(loads in cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code")
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
        One for each, with the chapter's name; an error that ends a chapter's run is one, too.
    """
    with tempfile.TemporaryDirectory() as records:
        shutil.copytree(RECORDS, records, dirs_exist_ok=True)
        Path(records, f"{name}.json").write_text(record, encoding="utf-8")
        return [
            f"{path.stem}: {line}"
            for path in chapters_on(name, folder)
            for line in false_claims(nbformat.read(path, as_version=4), folder, _ELSEWHERE % records)
        ]
