"""Run the chapters' notebooks and save them with their outputs: ``python -m tools.notebooks.execute [NAME ...]``.

A run that gives the same outputs leaves the file as it was, byte for byte: whatever changes from run to run (times,
versions, widgets, the state of an editor) is not saved. Anything on stderr, and any error, ends the run and leaves
the file alone. tests/book/test_notebooks_as_files.py holds every notebook to the form that is saved here.
"""

import os
import re
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from tools.paths import CHAPTERS

SECONDS_PER_CELL = 600

# The same whatever the machine calls its kernels. The lexer is what colours the code on the site.
NOTEBOOK_METADATA: dict[str, Any] = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "pygments_lexer": "ipython3"},
}
CELL_METADATA = ("mystnb", "tags")
# What JupyterLab keeps under "jupyter": whether the source or the output of a cell is folded is the author's choice.
JUPYTER_METADATA = ("source_hidden", "outputs_hidden")


class CannotSaveError(Exception):
    """A notebook's run did not give what may be saved. The message says where and why."""


def notebooks(names: list[str], folder: Path = CHAPTERS) -> list[Path]:
    """The notebooks of these names, with or without ``.ipynb`` or a folder before them; without names, all.

    Raises
    ------
    ValueError
        If there is no notebook of such a name. The message lists the known ones.
    """
    known = {path.stem: path for path in sorted(folder.glob("*.ipynb"))}
    wanted = [Path(name).name.removesuffix(".ipynb") for name in names]
    for name in wanted:
        if name not in known:
            raise ValueError(f"There is no notebook {name!r}. Known: {', '.join(known) or 'none'}.")
    return [known[name] for name in wanted] if wanted else list(known.values())


def canonical(notebook: NotebookNode) -> NotebookNode:
    """A copy in the form that is saved: the allowed metadata alone, and consecutive pieces of a stream as one."""
    result = nbformat.from_dict(notebook)
    result.metadata = nbformat.from_dict(NOTEBOOK_METADATA)
    for cell in result.cells:
        kept = {key: cell.metadata[key] for key in CELL_METADATA if key in cell.metadata}
        jupyter = cell.metadata.get("jupyter", {})
        if any(jupyter.get(key) for key in JUPYTER_METADATA):
            kept["jupyter"] = {key: jupyter[key] for key in JUPYTER_METADATA if jupyter.get(key)}
        _fold(kept)
        cell.metadata = nbformat.from_dict(kept)
        cell.pop("attachments", None)
        if cell.cell_type == "code":
            cell.outputs = _merged(cell.outputs)
    return result


def _fold(metadata: dict[str, Any]) -> None:
    """Solutions start folded, on the site and in JupyterLab, and the button says what is behind it."""
    if "solution" in metadata.get("tags", []):
        metadata["tags"] = sorted({*metadata["tags"], "hide-cell"})
        metadata["jupyter"] = {"source_hidden": True, "outputs_hidden": True}
        prompts = {"code_prompt_show": "Show the solution's code", "code_prompt_hide": "Hide the solution's code"}
        metadata["mystnb"] = {**metadata.get("mystnb", {}), **prompts}


def _merged(outputs: list[NotebookNode]) -> list[NotebookNode]:
    merged: list[NotebookNode] = []
    for output in outputs:
        if output.output_type == "stream" and merged and merged[-1].get("name") == output.name:
            merged[-1].text += output.text
        else:
            merged.append(nbformat.from_dict(output))
            merged[-1].pop("transient", None)
            if "metadata" in output:  # of pictures, which may say how large they are meant to be shown
                merged[-1].metadata = nbformat.from_dict({k: v for k, v in output.metadata.items() if "/" in k})
    return merged


def text_of(notebook: NotebookNode) -> str:
    """The file's text: one form for one content, ended by a line break."""
    text = nbformat.writes(notebook, indent=1, sort_keys=True, ensure_ascii=False, separators=(",", ": "))
    return text.rstrip("\n") + "\n"


def run(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """A copy of the notebook with the outputs that its code gives when it is run in ``folder`` from top to bottom.

    Raises
    ------
    CannotSaveError
        If a cell raises, writes to stderr, takes too long or ends the kernel.
    """
    result = nbformat.from_dict(notebook)
    client = NotebookClient(
        result,
        kernel_name=NOTEBOOK_METADATA["kernelspec"]["name"],
        timeout=SECONDS_PER_CELL,
        record_timing=False,
        extra_arguments=["--log-level=ERROR"],  # or every kernel warns about a local connection
        resources={"metadata": {"path": str(folder)}},
    )
    # A progress bar would write its timings to stderr.
    with client.setup_kernel(env={**os.environ, "TQDM_DISABLE": "1"}):
        for index, cell in enumerate(result.cells):
            if cell.cell_type != "code":
                continue
            try:
                client.execute_cell(cell, index)
            except CellExecutionError as error:
                raised = [output for output in cell.outputs if output.output_type == "error"]
                traceback = "\n".join(line for output in raised for line in output.traceback)
                raise CannotSaveError(_report(index, cell, traceback or str(error))) from None
            except (CellTimeoutError, DeadKernelError) as error:
                raise CannotSaveError(_report(index, cell, str(error))) from None
            complaint = "".join(o.text for o in cell.outputs if o.output_type == "stream" and o.name == "stderr")
            if complaint:
                raise CannotSaveError(_report(index, cell, f"It writes to stderr:\n{complaint}"))
    return canonical(result)


def _report(index: int, cell: NotebookNode, error: str) -> str:
    source = "\n".join(f"    {line}" for line in cell.source.splitlines())
    without_colours = re.sub(r"\x1b\[[0-9;]*m", "", error)
    return f"Cell {index + 1} (counted from 1, text cells included) failed:\n\n{source}\n\n{without_colours}"


def main(names: list[str], folder: Path = CHAPTERS) -> int:
    try:
        paths = notebooks(names, folder)
    except ValueError as error:
        print(error)
        return 1
    written = []
    for path in paths:
        print(f"{path.name} ...", end=" ", flush=True)
        begun = time.perf_counter()
        before = path.read_text(encoding="utf-8")
        try:
            after = text_of(run(nbformat.reads(before, as_version=4), folder))
        except CannotSaveError as error:
            print(f"failed\n\n{path.name}: {error}\n\n{path.name} is left as it was.")
            return 1
        print(f"{time.perf_counter() - begun:.1f} s")
        if after != before:
            path.write_text(after, encoding="utf-8", newline="\n")
            written.append(path.name)
    unchanged = len(paths) - len(written)
    print(f"Written: {', '.join(written) or 'none'}. Unchanged: {unchanged} of {len(paths)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
