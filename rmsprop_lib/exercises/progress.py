"""Which exercises a reader has done, kept in a file beside the notebooks if it is the reader's own copy."""

import contextlib
import html
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

FILE = "progress.json"
"""Its being there says that the folder is a reader's copy; ``make exercises`` puts it there."""

_done: set[str] = set()


def _file() -> Path | None:
    named = os.environ.get("RMSPROP_LIB_PROGRESS")
    path = Path(named) if named else Path(FILE)
    return path if named or path.is_file() else None


def _read(path: Path) -> set[str]:
    try:
        names = json.loads(path.read_text(encoding="utf-8"))["done"]
        return {name for name in names if isinstance(name, str)}
    except (OSError, ValueError, KeyError, TypeError):
        return set()  # not there yet, or damaged: begun anew at the next right answer


def done() -> set[str]:
    """Names of the exercises answered right, now or at an earlier time in this folder."""
    path = _file()
    return _done | (_read(path) if path is not None else set())


def record(name: str) -> None:
    """Note that an exercise has been answered right."""
    _done.add(name)
    if (path := _file()) is None:
        return
    # Two notebooks may write at once; whoever comes last has read what the other had written, or nearly so.
    with contextlib.suppress(OSError):
        temporary = path.with_name(f"{path.name}.{os.getpid()}")
        temporary.write_text(json.dumps({"done": sorted(done())}, indent=1) + "\n", encoding="utf-8")
        temporary.replace(path)


@dataclass(frozen=True, repr=False)
class Progress:
    """A table: for each chapter how many of its exercises are done, and which are left."""

    chapters: Mapping[str, Sequence[str]]
    finished: frozenset[str]
    kept: bool

    def _rows(self) -> list[tuple[str, str, str]]:
        rows = []
        for chapter, names in self.chapters.items():
            left = [name for name in names if name not in self.finished]
            rows.append((chapter, f"{len(names) - len(left)} of {len(names)}", ", ".join(left) or "all done"))
        every = [name for names in self.chapters.values() for name in names]
        rows.append(("in all", f"{sum(name in self.finished for name in every)} of {len(every)}", ""))
        return rows

    def _note(self) -> str:
        if self.kept:
            return f"Kept in {FILE}."
        return "Kept until the kernel ends; in a working copy, which make exercises makes, for longer."

    def __repr__(self) -> str:
        rows = self._rows()
        wide = max(len(chapter) for chapter, _, _ in rows)
        lines = [f"{chapter:{wide}}  {count:>8}  {left}".rstrip() for chapter, count, left in rows]
        return "\n".join([*lines, self._note()])

    def _repr_html_(self) -> str:
        def cells(row: Sequence[str], tag: str) -> str:
            scope = ' scope="col"' if tag == "th" else ""
            return "<tr>" + "".join(f"<{tag}{scope}>{html.escape(cell)}</{tag}>" for cell in row) + "</tr>"

        head = cells(("chapter", "done", "left"), "th")
        body = "".join(cells(row, "td") for row in self._rows())
        note = html.escape(self._note())
        return f"<table><thead>{head}</thead><tbody>{body}</tbody></table><p>{note}</p>"


def progress(chapters: Mapping[str, Sequence[str]]) -> Progress:
    """What is done of the exercises in ``chapters``, names by chapter."""
    return Progress(chapters, frozenset(done()), _file() is not None)
