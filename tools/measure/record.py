"""Record experiments: ``python -m tools.measure.record NAME``, or all of them without a name.

The experiments are the modules of ``rmsprop_lib.experiments``. Each of their pieces is computed on one core and kept
in ``_build/records`` as soon as it is there, so that an interrupted run goes on where it was. When all are there the
record goes to ``rmsprop_lib/data/records``. With ``--compare`` it is held against the one that is there: do the means
of its results agree, and does what the chapters conclude still hold with the new record?
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from rmsprop_lib.experiments import NAMES
from rmsprop_lib.records import load_record, rounded
from tools.measure.conclusions import fallen
from tools.measure.run_statistics import processor
from tools.paths import RECORDS, ROOT

UNFINISHED = ROOT / "_build" / "records"
PACKAGES = ("numpy", "torch")
# Two records of one experiment agree if the means of no result differ by more standard errors than this. A record has
# hundreds of results, whose differences follow Student's distribution.
STANDARD_ERRORS = 6.0


def computed(name: str, settings: dict[str, Any], key: str) -> Any:
    """A piece's results, as they are kept; in a process of its own."""
    import torch

    torch.set_num_threads(1)
    return rounded(import_module(f"rmsprop_lib.experiments.{name}").piece(settings, key))


def kept(path: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """The pieces that an earlier run with the same settings has left."""
    if not path.exists():
        return {}
    # The last line may be cut off, be it the first.
    first, *lines = path.read_text(encoding="utf-8").splitlines() or [""]
    if _parsed(first) != settings:
        return {}
    return {entry["key"]: entry for entry in map(_parsed, lines) if entry}


def _parsed(line: str) -> dict[str, Any]:
    try:
        entry: dict[str, Any] = json.loads(line)
    except json.JSONDecodeError:
        return {}
    return entry


def pieces(name: str, settings: dict[str, Any], keys: list[str], workers: int, path: Path) -> Iterator[dict[str, Any]]:
    """All pieces, those first that are there already; each that is computed is kept at once."""
    done = kept(path, settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        print(json.dumps(settings), file=file, flush=True)
        for entry in done.values():
            print(json.dumps(entry), file=file, flush=True)
            yield entry
        with ProcessPoolExecutor(workers) as pool:
            running = {pool.submit(computed, name, settings, key): key for key in keys if key not in done}
            for future in as_completed(running):
                entry = {"key": running[future], "result": future.result()}
                print(json.dumps(entry), file=file, flush=True)
                yield entry


def record(name: str, workers: int) -> dict[str, Any]:
    """Run an experiment, or what is left of it.

    Parameters
    ----------
    name : str
        One of ``rmsprop_lib.experiments.NAMES``.
    workers : int
        Processes at a time.

    Returns
    -------
    dict
        ``made``, ``settings`` and ``results``, as the file holds them.
    """
    module = import_module(f"rmsprop_lib.experiments.{name}")
    settings = json.loads(json.dumps(module.SETTINGS))
    keys = module.keys(settings)
    found = pieces(name, settings, keys, workers, UNFINISHED / f"{name}.jsonl")
    entries = {entry["key"]: entry for entry in tqdm(found, total=len(keys), desc=name)}
    return {
        "made": {
            "command": f"python -m tools.measure.record {name}",
            "date": datetime.now(UTC).date().isoformat(),
            "machine": processor(),
            "versions": {package: version(package).partition("+")[0] for package in PACKAGES},
        },
        "settings": settings,
        "results": {key: entries[key]["result"] for key in keys},
    }


def written(record: dict[str, Any]) -> str:
    """The record as text, a piece on each line."""
    made, settings = (json.dumps(record[part], ensure_ascii=False) for part in ("made", "settings"))
    lines = ",\n".join(
        f"{json.dumps(key)}: {json.dumps(result, separators=(',', ':'))}" for key, result in record["results"].items()
    )
    return f'{{"made": {made},\n"settings": {settings},\n"results": {{\n{lines}\n}}}}\n'


def differences(name: str, now: dict[str, Any]) -> list[str]:
    """Where the results of the seeds differ in the mean by more than seeds explain.

    Parameters
    ----------
    name : str
        Of the experiment, whose stored record is compared with.
    now : dict
        As :func:`record` gives it.

    Returns
    -------
    list of str
    """
    found = []
    stored = load_record(name)
    for key, result in now["results"].items():
        for field in import_module(f"rmsprop_lib.experiments.{name}").COMPARED:
            if field not in result:
                continue
            before, after = stored.results[key][field], np.array(result[field], dtype=float)
            error = np.sqrt((before.var(axis=0, ddof=1) + after.var(axis=0, ddof=1)) / len(before))
            apart = np.abs(before.mean(axis=0) - after.mean(axis=0))
            if not np.all(apart <= STANDARD_ERRORS * error + 1e-9):
                found.append(f"{name}, {key}, {field}: means differ by up to {np.max(apart):.4g}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all without one")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--compare", action="store_true", help="hold against the stored record instead of replacing it")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(NAMES):
        parser.error(f"no experiment is called {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    found: list[str] = []
    for name in chosen.names or NAMES:
        now = record(name, chosen.workers)
        if chosen.compare:
            found += differences(name, now) + fallen(name, written(now))
            continue
        path = RECORDS / f"{name}.json"
        path.write_text(written(now), encoding="utf-8")
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB")
    print("\n".join(found) or ("As recorded." if chosen.compare else "Recorded."))
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
