"""Where Numba is installed and cannot compile, large arrays and ``fused=True`` do without it, and it is said why."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

PROGRAM = """
    import sys, warnings
    import numpy as np, torch
    from rmsprop_lib import numpy_optim, torch_optim

    def large():
        return {"w": np.ones(1_000_000)}

    p = torch.ones(10, requires_grad=True)
    p.grad = torch.ones(10)
    fused = torch_optim.RMSprop([p], lr=0.1, fused=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            for check in (True, False):
                optimizer, params = numpy_optim.RMSprop(0.1, check_finite=check), large()
                optimizer.update_(params, large())
                assert optimizer.update(large(), large())["w"][0] < 1 > params["w"][0]
            fused.step()
    assert p[0] < 1 and fused.state[p]["step"] == 2
    assert len(caught) == 2 and all(warning.filename == "<string>" for warning in caught), [*map(str, caught)]
    print(*(warning.message for warning in caught), sep="\\n")
"""


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"NUMBA_DISABLE_JIT": "1"}, "Numba's compiler is switched off (NUMBA_DISABLE_JIT)"),
        ({"NUMBA_THREADING_LAYER": "missing"}, "Numba has no threads: "),
        ({"PYTHONPATH": "another"}, "Numba cannot be imported: Numba needs another NumPy"),
    ],
    ids=["no JIT", "no threading layer", "broken"],
)
def test_what_does_not_compile_is_stepped_all_the_same(
    environment: dict[str, str], reason: str, tmp_path: Path
) -> None:
    if "PYTHONPATH" in environment:
        (tmp_path / "numba.py").write_text('raise ImportError("Numba needs another NumPy")', encoding="utf-8")
        environment = {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    arrays, tensors = run.stdout.strip().splitlines()
    assert arrays.startswith(f"large arrays are stepped without Numba: {reason}")
    assert tensors.startswith(f"fused=True: 1 tensor is stepped one by one: {reason}")
