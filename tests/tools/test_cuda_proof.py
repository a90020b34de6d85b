"""`make test-gpu` says no where there is no CUDA, and where CUDA was there and was not used."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import torch

from rmsprop_lib.devices import VARIABLE
from tools.paths import CHAPTERS, ROOT
from tools.testing import cuda_proof

# In place of Torch, which takes seconds to load: a card that is there. What a file does on it, the file says itself.
TORCH = """
from types import SimpleNamespace

device = lambda kind: SimpleNamespace(type=kind)
cuda = SimpleNamespace(is_available=lambda: True, device_count=lambda: 1, memory_stats=lambda: {})
"""
CARD = "from tools.testing import cuda_proof\ncuda_proof.compute_on = lambda where: 332833500.0"
USED = "import torch\ntorch.cuda.memory_stats = lambda: {'allocation.all.allocated': 7}"
ASKS = "# mnist_split(data)"
MODULE = "test_on_the_device.py"


def notebook(*cells: str) -> str:
    return nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells]))


def run(folder: Path, files: dict[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    for name, text in {"torch.py": TORCH, "card.py": CARD, **files}.items():
        (folder / name).write_text(text)
    paths = os.pathsep.join([str(folder), str(ROOT)])
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--nbval-lax", "--nbval-current-env"),
            *("-p", "card", "-p", cuda_proof.__name__, *options, *files),
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths, VARIABLE: "cuda"},
        capture_output=True,
        text=True,
    )


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_without_cuda_nothing_is_run_and_the_reason_is_said(
    monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    monkeypatch.setenv(VARIABLE, "cuda")
    with pytest.raises(pytest.UsageError) as refused:
        cuda_proof.pytest_configure(pytestconfig)
    assert "CUDA cannot be used: RMSPROP_LIB_DEVICE='cuda', but 0 CUDA device(s) were found" in str(refused.value)
    assert f"Torch {torch.__version__}" in str(refused.value)


def test_another_device_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "cpu")
    assert cuda_proof.refusal() == "RMSPROP_LIB_DEVICE must be cuda or cuda:N, and the device is cpu"


def test_a_card_that_computes_wrongly_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(cuda_proof, "compute_on", lambda where: 0.0)
    assert cuda_proof.refusal() == "a sum of squares came out as 0.0 on cuda, not as 332833500"


def test_the_sum_that_a_card_must_give() -> None:
    assert cuda_proof.compute_on(torch.device("cpu")) == sum(i * i for i in range(1000)) == 332833500


USING = {
    MODULE: f"{USED}\ndef test() -> None: ...",
    "uses.ipynb": notebook(USED, ASKS),
    "needs_none.ipynb": notebook("1 + 1"),
}


def test_a_run_that_used_cuda_passes_and_lists_what_did(tmp_path: Path) -> None:
    done = run(tmp_path, USING)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"7 allocations  {MODULE}" in done.stdout and "7 allocations  uses.ipynb" in done.stdout
    assert "needs_none.ipynb" not in done.stdout.partition(" CUDA ")[2]


def test_files_that_passed_without_their_device_fail_the_run_of_two_workers(tmp_path: Path) -> None:
    idle = {MODULE: "def test() -> None: ...", "idle.ipynb": notebook(ASKS, "2 + 2")}
    done = run(tmp_path, USING | idle, "-n", "2", "--dist", "loadfile")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    assert f"CUDA was not used by idle.ipynb, {MODULE}" in done.stdout
    assert "passed" in done.stdout and " failed" not in done.stdout


def test_a_run_of_nothing_that_needs_the_device_is_no_proof() -> None:
    assert cuda_proof.Proof().verdict == "CUDA was not used: no file that computes on the device was run"


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_torch_itself_counts_nothing_where_there_is_no_card() -> None:
    assert cuda_proof.allocations() == 0


def test_the_chapters_that_train_are_recognised() -> None:
    asking = {
        path.name
        for path in CHAPTERS.glob("*.ipynb")
        if cuda_proof.COMPUTES_ON_THE_DEVICE.search(
            "\n".join(c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code")
        )
    }
    assert asking >= {"07_mnist.ipynb", "10_tuning.ipynb", "13_precision.ipynb", "14_speed.ipynb"}
    assert "03_rmsprop.ipynb" not in asking


def test_what_it_runs_needs_neither_the_site_nor_a_browser() -> None:
    (command,) = re.findall(r"-p tools\.testing\.cuda_proof .*", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert {"tests/library", "chapters", "rmsprop_lib"} <= set(command.split())
    assert all((ROOT / "tests" / "library" / name).is_file() for name in cuda_proof.TEST_MODULES)
    for path in (ROOT / "tests" / "library").glob("*.py"):
        code = path.read_text(encoding="utf-8")
        assert not re.search(r"^\s*(from|import) (book_pages|browser|playwright|bs4)\b", code, re.MULTILINE), path.name
