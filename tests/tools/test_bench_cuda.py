"""The program that measures on a card, tried out without one."""

import json
from pathlib import Path

import pytest
import torch

from tools.measure import bench_cuda


def test_its_models_have_the_parameters_that_they_are_known_for() -> None:
    assert bench_cuda.elements(bench_cuda.resnet50()) == 25_557_032
    # Table 2.1 of Brown et al. says 1.3 B for 24 layers of width 2048.
    assert 1.3e9 < bench_cuda.elements(bench_cuda.transformer()) < 1.35e9


@pytest.mark.parametrize(
    ("states", "dtype", "library", "each"),
    [
        (1, torch.float32, "ours", 20),
        (2, torch.float32, "torch", 28),
        (1, torch.bfloat16, "ours", 14),
        (1, torch.bfloat16, "torch", 10),
        (2, torch.bfloat16, "ours", 22),
    ],
)
def test_bytes_are_counted_at_each_library_s_precision(
    states: int, dtype: torch.dtype, library: str, each: int
) -> None:
    assert bench_cuda.bytes_moved(1000, states, dtype, library) == 1000 * each


def test_a_quick_run_writes_its_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "table.json"
    assert bench_cuda.main(["--quick", "--device", "cpu", "--json", str(target)]) == 0
    record = json.loads(target.read_text(encoding="utf-8"))
    assert record["machine"].keys() >= {"date", "python", "torch"}
    assert record["command"].startswith("python -m tools.measure.bench_cuda --quick")
    said = capsys.readouterr().out
    assert len(record["rows"]) == 2 * len(bench_cuda.METHODS)
    for row in record["rows"]:
        assert {"ours", "for-loop", "foreach"} <= row["seconds"].keys()
        assert all(seconds > 0 for seconds in row["seconds"].values())
        assert row["workload"] in said


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_without_a_card_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        bench_cuda.main([])
    assert "--device cuda: no CUDA device was found" in capsys.readouterr().err
