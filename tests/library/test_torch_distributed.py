"""Two processes that talk to each other do what one does: DDP, ZeroRedundancyOptimizer, FSDP2, and checkpoints."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed.checkpoint as dcp
import two_processes
from torch.distributed.checkpoint.state_dict import get_optimizer_state_dict, set_optimizer_state_dict
from two_processes import OPTIMIZERS, STEPS, batches, make, model, train

pytestmark = pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch has no torch.distributed")

# Means over two halves are added in another order than over the whole.
ROUNDING = 1e-14


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the two processes have written their results and checkpoints."""
    folder = tmp_path_factory.mktemp("two processes")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    threads = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    run = subprocess.run(
        [*command, two_processes.__file__, str(folder)],
        env={**os.environ, **threads},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return folder


@pytest.fixture(scope="module")
def found(folder: Path) -> dict[str, Any]:
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


def continued(name: str, saved: dict[str, Any], fused: bool) -> float:
    """Goes on in one process from what two saved; how far that is from never having stopped."""
    network = model()
    optimizer = make(name, network.parameters(), fused)
    network.load_state_dict(saved["model"])
    set_optimizer_state_dict(network, optimizer, saved["optimizer"])
    train(network, optimizer, batches()[STEPS:])
    reference = model()
    train(reference, make(name, reference.parameters(), fused=False), batches())
    return two_processes.distance(network, reference)


@pytest.mark.filterwarnings("ignore:torch.distributed is disabled")
@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_sharded_checkpoint_is_loaded_whole(folder: Path, name: str, fused: bool) -> None:
    network = model()
    optimizer = make(name, network.parameters(), fused)
    saved = {"model": network.state_dict(), "optimizer": get_optimizer_state_dict(network, optimizer)}
    dcp.load(saved, checkpoint_id=folder / name, no_dist=True)
    assert continued(name, saved, fused) < ROUNDING


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_whole_checkpoint_of_two_processes_is_one_of_one_process(folder: Path, name: str) -> None:
    saved = torch.load(folder / f"{name}.pt", weights_only=True)
    assert continued(name, saved, fused=True) < ROUNDING
