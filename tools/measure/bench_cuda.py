"""Optimizer steps side by side on a graphics card (``make bench-cuda``):
``python -m tools.measure.bench_cuda [--quick] [--compile] [--json FILE]``.

Every row is one workload, one precision of the parameters and one method: the time of a step of ``rmsprop_lib``'s
compiled path and of each of torch.optim's, by the card's own events, as the median over some runs; one way after the
other, so that the state of one is there at a time. "in a graph" is the step captured in a CUDA graph and replayed.
Beside them stands the limit: the bytes that a step in one pass has to move, divided by the bandwidth that a copy
reaches on the same card.

For parameters in half precision the two libraries do not move the same bytes: this one keeps the accumulators in
single precision, torch.optim in the parameters'. Each time is therefore compared with a limit of its own.

With ``--device cpu`` the same program runs without a card, to be tried out.
"""

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import torch

from rmsprop_lib.devices import seconds_each
from tools.measure.bench import METHODS, PATHS, Shapes, resnet50

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def transformer() -> Shapes:
    """The shapes of a GPT-3 XL (Brown et al., 2020, table 2.1): 24 layers of width 2048, 1.3 billion numbers."""
    width, layers, words, places = 2048, 24, 50257, 2048
    layer = [
        *((width,), (width,)),
        *((3 * width, width), (3 * width,), (width, width), (width,)),
        *((width,), (width,)),
        *((4 * width, width), (4 * width,), (width, 4 * width), (width,)),
    ]
    return [(words, width), (places, width), *(layer * layers), (width,), (width,)]


def workloads(quick: bool) -> dict[str, Shapes]:
    large = 5_000_000 if quick else 500_000_000
    chosen: dict[str, Shapes] = {f"one tensor of {large // 1_000_000} M": [(large,)]}
    if not quick:
        chosen |= {"ResNet-50, 161 tensors": resnet50(), f"transformer, {len(transformer())} tensors": transformer()}
    return chosen | {"200 tiny tensors": [(32, 32), (32,)] * 100}


def elements(shapes: Shapes) -> int:
    return sum(torch.Size(shape).numel() for shape in shapes)


def room_for(shapes: Shapes, states: int, where: torch.device) -> bool:
    """Whether parameters, gradients, the state of two optimizers at a time and what ``foreach`` adds fit."""
    if where.type != "cuda":
        return True
    return torch.cuda.mem_get_info(where)[0] > 4 * elements(shapes) * (2 + 2 * states + 2)


def parameters(shapes: Shapes, dtype: torch.dtype, where: torch.device) -> list[torch.nn.Parameter]:
    generator = torch.Generator(where).manual_seed(0)
    made = []
    for shape in shapes:
        p = torch.nn.Parameter(torch.randn(shape, generator=generator, device=where, dtype=dtype))
        p.grad = torch.randn(shape, generator=generator, device=where, dtype=dtype)
        made.append(p)
    return made


def in_a_graph(step: Callable[[], Any]) -> Callable[[], Any]:
    """The step, captured after a warm-up."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def candidates(
    method: str, params: list[torch.nn.Parameter], where: torch.device, compiled: bool
) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Each way of doing the step, made when it is asked for, so that its state is there only while it is measured."""
    ours, theirs, arguments, _ = METHODS[method]
    on_card = where.type == "cuda"
    capturable = {"capturable": True} if on_card and "capturable" in ours(params[:1]).defaults else {}
    settings = {"lr": 1e-9, **arguments}
    yield "ours", ours(params, fused=True, **settings).step
    paths: dict[str, dict[str, bool]] = {
        path: option for path, option in PATHS.items() if path != "fused" or theirs is not torch.optim.RMSprop
    }
    if capturable:
        paths["foreach, capturable"] = {"foreach": True, **capturable}
    for path, option in paths.items():
        yield path, theirs(params, **settings, **option).step
    if compiled:
        yield "torch.compile", torch.compile(theirs(params, foreach=True, **settings, **capturable).step)
    if on_card:
        yield "ours, in a graph", in_a_graph(ours(params, fused=True, **settings, **capturable).step)
        if capturable:
            fused = {"fused": True} if "fused" in paths else {"foreach": True}
            yield "torch.optim, in a graph", in_a_graph(theirs(params, **fused, **settings, **capturable).step)


def step_seconds(run: Callable[[], Any], where: torch.device, seconds: float) -> float:
    """The median time of a step over at least five turns of some milliseconds each."""
    for _ in range(3):
        run()
    once = seconds_each(run, 1, where)
    inner = max(1, min(1000, int(0.01 / once)))
    taken, end = [], time.perf_counter() + seconds
    while len(taken) < 5 or time.perf_counter() < end:
        taken.append(seconds_each(run, inner, where))
    return statistics.median(taken)


def copy_bandwidth(where: torch.device, quick: bool, seconds: float) -> float:
    """Bytes a second, read and written, of a copy within the device."""
    source = torch.ones((64 if quick else 4096) * 2**20, dtype=torch.uint8, device=where)
    target = torch.empty_like(source)
    return 2 * source.numel() / step_seconds(lambda: target.copy_(source), where, seconds)


def bytes_moved(count: int, states: int, dtype: torch.dtype, library: str) -> int:
    """Of a step in one pass: θ, g and the state read, θ and the state written."""
    width = dtype.itemsize
    state = max(width, 4) if library == "ours" else width
    return count * (3 * width + 2 * states * state)


def rows(
    where: torch.device, bandwidth: float, options: argparse.Namespace, seconds: float
) -> Iterator[dict[str, Any]]:
    for workload, shapes in workloads(options.quick).items():
        for precision, dtype in DTYPES.items():
            if where.type == "cpu" and dtype is not torch.float32:
                continue
            for method, (_, _, _, states) in METHODS.items():
                if not room_for(shapes, states, where):
                    print(f"{workload:26} {precision:9} {method:17} left out: too little memory", flush=True)
                    continue
                params = parameters(shapes, dtype, where)
                taken: dict[str, float] = {}
                for name, run in candidates(method, params, where, options.compile):
                    taken[name] = step_seconds(run, where, seconds)
                yield row(workload, precision, method, taken, elements(shapes), states, bandwidth)


def row(
    workload: str,
    precision: str,
    method: str,
    seconds: dict[str, float],
    count: int,
    states: int,
    bandwidth: float,
) -> dict[str, Any]:
    limits = {
        name: bytes_moved(count, states, DTYPES[precision], "ours" if name.startswith("ours") else "torch") / bandwidth
        for name in seconds
    }
    share = {name: limits[name] / value for name, value in seconds.items()}
    over = {name: value / seconds["ours"] for name, value in seconds.items() if name != "ours"}
    shown = "  ".join(f"{name} {ratio:.2f}×" for name, ratio in over.items())
    ours = f"{1e3 * seconds['ours']:9.3f} ms, {100 * share['ours']:5.1f} % of the limit"
    print(f"{workload:26} {precision:9} {method:17} {ours}   {shown}", flush=True)
    return {
        "workload": workload,
        "precision": precision,
        "method": method,
        "parameters": count,
        "seconds": seconds,
        "over ours": over,
        "share of the limit": share,
    }


def machine(where: torch.device) -> dict[str, Any]:
    """What was measured on, and when."""
    described = {"date": date.today().isoformat(), "python": platform.python_version(), "torch": torch.__version__}
    if where.type == "cuda":
        import triton

        described |= {
            "card": torch.cuda.get_device_name(where),
            "cuda": str(torch.version.cuda),
            "triton": triton.__version__,
        }
    return described


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Optimizer steps side by side on a graphics card.")
    parser.add_argument("--quick", action="store_true", help="small tensors, a few milliseconds a way")
    parser.add_argument("--compile", action="store_true", help="torch.compile(step) too, which takes minutes")
    parser.add_argument("--device", type=torch.device, default=torch.device("cuda"), help="cuda, cuda:N or cpu")
    parser.add_argument("--json", type=Path, help="write the table here as well")
    options = parser.parse_args(arguments)
    where = options.device
    if where.type == "cuda" and not torch.cuda.is_available():
        parser.error(f"--device {where}: no CUDA device was found (Torch {torch.__version__})")
    seconds = 0.0 if options.quick else 0.3
    about = machine(where)
    bandwidth = copy_bandwidth(where, options.quick, seconds)
    print("  ".join(f"{name} {value}" for name, value in about.items()))
    print(f"A copy moves {bandwidth / 1e9:.0f} GB a second. Our time for a step, and how much longer others take.\n")
    table = list(rows(where, bandwidth, options, seconds))
    if options.json:
        command = " ".join(["python -m tools.measure.bench_cuda", *arguments])
        record = {"machine": about, "command": command, "copy, bytes a second": bandwidth, "rows": table}
        options.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        print(f"\nWritten: {options.json}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
