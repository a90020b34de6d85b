"""Optimizer steps side by side: ``python -m tools.measure.bench [--quick] [--compile] [--json FILE]`` (``make bench``).

Every row is one workload and one method: the time of a whole step of ``rmsprop_lib``'s compiled path, and of each of
torch.optim's paths, as medians over runs that take turns. Beside them stands the limit: a bare loop with the same
reads and writes and next to nothing to compute. Ratios within a row are what counts; the milliseconds are the
machine's. Where tensors are large it also says how much memory a step needed at its peak, beyond parameters,
gradients and state, as a share of these (on Linux, which can be asked).
"""

import argparse
import json
import platform
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numba
import numpy as np
import torch
from numba import njit, prange

from rmsprop_lib import numpy_optim, torch_optim

Shapes = list[tuple[int, ...]]

METHODS: dict[str, tuple[Any, Any, dict[str, Any], int]] = {
    # name: ours, torch.optim's, arguments, accumulators
    "RMSprop": (torch_optim.RMSprop, torch.optim.RMSprop, dict(alpha=0.9), 1),
    "RMSprop centered": (torch_optim.RMSprop, torch.optim.RMSprop, dict(alpha=0.9, centered=True), 2),
    "RMSprop momentum": (torch_optim.RMSprop, torch.optim.RMSprop, dict(alpha=0.9, momentum=0.9), 2),
    "Adam": (torch_optim.Adam, torch.optim.Adam, {}, 2),
    "AdaGrad": (torch_optim.AdaGrad, torch.optim.Adagrad, {}, 1),
}


PATHS: dict[str, dict[str, bool]] = {
    "for-loop": {"foreach": False},
    "foreach": {"foreach": True},
    "fused": {"fused": True},
}


# As between two steps of training: the processor's caches hold something else.
COLD = "200 tiny tensors, cold caches"


def resnet50() -> Shapes:
    """The shapes of the 161 parameters of ResNet-50 (He et al., 2015): 25,557,032 numbers."""
    shapes: Shapes = [(64, 3, 7, 7), (64,), (64,)]
    channels = 64
    for width, blocks in ((64, 3), (128, 4), (256, 6), (512, 3)):
        for block in range(blocks):
            for out, inside, kernel in ((width, channels, 1), (width, width, 3), (4 * width, width, 1)):
                shapes += [(out, inside, kernel, kernel), (out,), (out,)]
            if block == 0:
                shapes += [(4 * width, channels, 1, 1), (4 * width,), (4 * width,)]
            channels = 4 * width
    return [*shapes, (1000, channels), (1000,)]


def workloads(quick: bool) -> dict[str, Shapes]:
    large = 5_000_000 if quick else 50_000_000
    return {
        f"one tensor of {large // 1_000_000} M": [(large,)],
        "ResNet-50, 161 tensors": resnet50(),
        "six tensors of a small network": [(128, 784), (128,), (64, 128), (64,), (10, 64), (10,)],
        "200 tiny tensors": [(32, 32), (32,)] * 100,
        COLD: [(32, 32), (32,)] * 100,
    }


@njit(parallel=True)
def _limit_1(p: Any, g: Any, s: Any) -> None:
    for i in prange(p.size):
        x = s[i] * np.float32(0.5) + g[i]
        s[i] = x
        p[i] += x


@njit(parallel=True)
def _limit_2(p: Any, g: Any, s: Any, r: Any) -> None:
    for i in prange(p.size):
        x = s[i] * np.float32(0.5) + g[i]
        y = r[i] * np.float32(0.5) + g[i]
        s[i] = x
        r[i] = y
        p[i] += x + y


def parameters(shapes: Shapes) -> list[torch.nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    made = [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in shapes]
    for p in made:
        p.grad = torch.randn(p.shape, generator=generator)
    return made


def medians(candidates: dict[str, Callable[[], Any]], seconds: float, cold: bool = False) -> dict[str, float]:
    """Median time of each candidate, in seconds.

    They take turns of some milliseconds, or, with ``cold``, of one run each after a look at 64 MB of something else.
    """
    inner, elsewhere = {}, np.ones(8_000_000)
    for name, run in candidates.items():
        run(), run()
        begun = time.perf_counter()
        run()
        inner[name] = 1 if cold else max(1, int(0.005 / (time.perf_counter() - begun)))
    times: dict[str, list[float]] = {name: [] for name in candidates}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[next(iter(times))]) < 5:
        for name, run in candidates.items():
            if cold:
                elsewhere.sum()
            begun = time.perf_counter()
            for _ in range(inner[name]):
                run()
            times[name].append((time.perf_counter() - begun) / inner[name])
    return {name: statistics.median(values) for name, values in times.items()}


def extra_memory(run: Callable[[], Any]) -> int | None:
    """Bytes that the process had at the peak of ``run`` and not before it; None where that cannot be asked."""
    reset, status = Path("/proc/self/clear_refs"), Path("/proc/self/status")
    if not reset.exists():
        return None
    reset.write_text("5", encoding="ascii")  # the peak is now what there is
    before = status.read_text(encoding="ascii")
    run()
    after = status.read_text(encoding="ascii")
    resident, peak = (re.search(rf"{key}:\s+(\d+) kB", text) for key, text in (("VmRSS", before), ("VmHWM", after)))
    return None if resident is None or peak is None else 1024 * max(0, int(peak[1]) - int(resident[1]))


def torch_rows(quick: bool, compiled: bool) -> Iterator[dict[str, Any]]:
    for workload, shapes in workloads(quick).items():
        for method, (ours, theirs, arguments, states) in METHODS.items():
            params = parameters(shapes)
            candidates = {"ours": ours(params, lr=1e-9, fused=True, **arguments).step}
            for path, option in PATHS.items():
                if path != "fused" or theirs is not torch.optim.RMSprop:
                    candidates[path] = theirs(params, lr=1e-9, **arguments, **option).step
            if compiled:
                candidates["torch.compile"] = torch.compile(theirs(params, lr=1e-9, foreach=True, **arguments).step)
            memory = {}
            if len(shapes) == 1:
                held = sum(p.numel() * p.element_size() for p in params) * (2 + states)
                for name, run in candidates.items():
                    run(), run()
                    if (extra := extra_memory(run)) is not None:
                        memory[name] = extra / held
            if len(shapes) == 1:
                arrays = [params[0].detach().numpy(), params[0].grad.numpy()]  # type: ignore[union-attr]
                arrays += [np.zeros(shapes[0], np.float32) for _ in range(states)]
                limit = _limit_1 if states == 1 else _limit_2
                candidates["limit"] = lambda limit=limit, arrays=arrays: limit(*arrays)
            yield row(workload, method, medians(candidates, 1 if quick else 6, workload == COLD), memory)


def numpy_rows(quick: bool) -> Iterator[dict[str, Any]]:
    size = 2_000_000 if quick else 20_000_000
    rng = np.random.default_rng(0)
    gradient = {"w": rng.normal(size=size).astype(np.float32)}
    theta = rng.normal(size=size).astype(np.float32)
    in_place, returning = numpy_optim.RMSprop(1e-9), numpy_optim.RMSprop(1e-9)
    unchecked = numpy_optim.RMSprop(1e-9, check_finite=False)
    held = {"expression": (theta.copy(), np.zeros(size, np.float32)), "update": {"w": theta.copy()}}
    overwritten = {"w": theta.copy()}

    def expression() -> None:
        p, v = held["expression"]
        g = gradient["w"]
        v = 0.9 * v + (1 - 0.9) * g**2
        held["expression"] = p - 1e-9 * g / (np.sqrt(v) + 1e-8), v

    def update() -> None:
        held["update"] = returning.update(held["update"], gradient)

    candidates = {
        "ours": lambda: in_place.update_(overwritten, gradient),
        "ours, check_finite=False": lambda: unchecked.update_(overwritten, gradient),
        "update": update,
        "NumPy expression": expression,
    }
    yield row(f"NumPy, {size // 1_000_000} M", "RMSprop", medians(candidates, 1 if quick else 6))


def row(
    workload: str, method: str, seconds: dict[str, float], memory: dict[str, float] | None = None
) -> dict[str, Any]:
    ratios = {name: value / seconds["ours"] for name, value in seconds.items() if name != "ours"}
    shown = "  ".join(f"{name} {ratio:6.2f}×" for name, ratio in ratios.items())
    print(f"{workload:30} {method:18} {1e3 * seconds['ours']:9.3f} ms   {shown}", flush=True)
    if memory:
        print(f"{'':50}more memory:  " + "  ".join(f"{name} {100 * x:.1f} %" for name, x in memory.items()), flush=True)
    return {"workload": workload, "method": method, "seconds": seconds, "over ours": ratios, "more memory": memory}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Optimizer steps side by side, single precision, on the CPU.")
    parser.add_argument("--quick", action="store_true", help="small arrays, a second a row")
    parser.add_argument("--compile", action="store_true", help="torch.compile(step) too, which takes minutes")
    parser.add_argument("--json", type=Path, help="write the table here as well")
    options = parser.parse_args(arguments)
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}, numba {numba.__version__}")
    print("Our time for a step, and how many times as long the others take. limit: a bare loop over the same memory.\n")
    rows = [*torch_rows(options.quick, options.compile), *numpy_rows(options.quick)]
    if options.json:
        machine = {"threads": torch.get_num_threads(), "processor": platform.processor() or platform.machine()}
        options.json.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n", encoding="utf-8")
        print(f"\nWritten: {options.json}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
