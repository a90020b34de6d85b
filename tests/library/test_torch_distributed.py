"""Two processes that talk to each other do what one does: DDP, ZeroRedundancyOptimizer, FSDP2, and checkpoints."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
import torch
import two_processes
from two_processes import OPTIMIZERS

pytestmark = pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch has no torch.distributed")

# Means over two halves are added in another order than over the whole.
ROUNDING = 1e-14


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the two processes have written."""
    folder = tmp_path_factory.mktemp("two processes")
    threads = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    run = subprocess.run(
        [sys.executable, two_processes.__file__, str(folder)],
        env={**os.environ, **threads},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return json.loads((folder / "found.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("fused", ["unfused", "fused"])
@pytest.mark.parametrize("way", ["DDP", "ZeRO", "FSDP2"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_two_processes_equal_one(found: dict[str, Any], name: str, way: str, fused: str) -> None:
    run = found["runs"][f"{name}, {way}, {fused}"]
    assert run["distance"] < ROUNDING
    assert run["said"] == []
    assert bool(run["plans"]) == (fused == "fused")


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_whole_checkpoint_is_continued_sharded(found: dict[str, Any], name: str) -> None:
    assert found["checkpoints"][name]["continued"] < ROUNDING


@pytest.mark.parametrize("fused", ["unfused", "fused"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_sharded_checkpoint_is_loaded_whole(found: dict[str, Any], name: str, fused: str) -> None:
    assert found["alone"][name][f"sharded, {fused}"] < ROUNDING


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_whole_checkpoint_of_two_processes_is_one_of_one_process(found: dict[str, Any], name: str) -> None:
    assert found["alone"][name]["whole"] < ROUNDING
