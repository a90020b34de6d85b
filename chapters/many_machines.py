"""One model, trained by several processes in three ways: see chapter 14.

torchrun --standalone --nproc-per-node=2 many_machines.py RESULT.json

Started by ``python many_machines.py RESULT.json``, it makes the two processes itself.
"""

import json
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from rmsprop_lib.torch_optim import RMSprop
from torch import nn
from torch.distributed.fsdp import fully_shard
from torch.distributed.optim import ZeroRedundancyOptimizer
from torch.multiprocessing import start_processes
from torch.nn.parallel import DistributedDataParallel

STEPS, BATCH = 20, 64
# Processes on this machine: torchrun says how many.
PROCESSES = int(os.environ.get("LOCAL_WORLD_SIZE", "2"))
CUDA = torch.cuda.device_count() >= PROCESSES
SETTINGS: dict[str, Any] = dict(lr=0.01, alpha=0.9, eps=0.01, centered=True)


def device() -> torch.device:
    """Where this process computes."""
    place = f"cuda:{os.environ['LOCAL_RANK']}" if CUDA else "cpu"
    return torch.device(place)


def make_model() -> nn.Sequential:
    torch.manual_seed(0)
    layers = nn.Linear(20, 60), nn.Tanh(), nn.Linear(60, 30), nn.Tanh(), nn.Linear(30, 2)
    return nn.Sequential(*layers).double().to(device())


def train(model: nn.Module, optimizer: Any, rows: slice) -> None:
    generator = torch.Generator().manual_seed(1)
    for _ in range(STEPS):
        x = torch.randn(BATCH, 20, generator=generator, dtype=torch.float64)
        x, y = x[rows].to(device()), torch.sin(x[rows, :2]).to(device())
        optimizer.zero_grad()
        ((model(x) - y) ** 2).mean().backward()
        optimizer.step()


def report(model: nn.Module, optimizer: Any, reference: nn.Module) -> dict[str, Any]:
    params = list(model.parameters())
    state = [t for p in params for t in optimizer.state.get(p, {}).values()]
    mine, everyone = [], [None] * dist.get_world_size()
    for tensors in (params, [p.grad for p in params], state):
        here = (t.to_local() if hasattr(t, "to_local") else t for t in tensors)
        mine.append(sum(t.nbytes for t in here if t.ndim))  # without step counters
    dist.all_gather_object(everyone, mine)
    # How far from one process that does everything.
    whole = [p.full_tensor() if hasattr(p, "full_tensor") else p for p in params]
    pairs = zip(whole, reference.parameters(), strict=True)
    off = max((p - q).abs().max().item() for p, q in pairs)
    return {"bytes": everyone, "distance": off}


def main(path: Path, **told: Any) -> None:
    """Train in all ways; torchrun tells what is not told here."""
    if CUDA:
        torch.cuda.set_device(device())
    dist.init_process_group("nccl" if CUDA else "gloo", **told)
    rows = slice(dist.get_rank(), BATCH, dist.get_world_size())
    one = make_model()
    train(one, alone := RMSprop(one.parameters(), **SETTINGS), slice(None))
    found = {"one process": report(one, alone, one)}

    replica = DistributedDataParallel(make_model())
    optimizer = RMSprop(replica.parameters(), **SETTINGS)
    train(replica, optimizer, rows)
    found["DDP"] = report(replica, optimizer, one)

    replica = DistributedDataParallel(make_model())
    divided = ZeroRedundancyOptimizer(replica.parameters(), RMSprop, **SETTINGS)
    train(replica, divided, rows)
    found["ZeRO"] = report(replica, divided.optim, one)

    model = make_model()
    for layer in model[::2]:
        fully_shard(layer)
    fully_shard(model)
    optimizer = RMSprop(model.parameters(), **SETTINGS)
    train(model, optimizer, rows)
    found["FSDP2"] = report(model, optimizer, one)

    if dist.get_rank() == 0:
        path.write_text(json.dumps(found), encoding="utf-8")
    dist.destroy_process_group()


def one_of(rank: int, path: Path, port: int) -> None:
    """Begin, knowing which of them this is and where they meet."""
    os.environ["LOCAL_RANK"] = str(rank)
    meeting = dist.TCPStore("localhost", port)
    main(path, store=meeting, rank=rank, world_size=PROCESSES)


def start(path: Path) -> None:
    """Load everything once, then divide."""
    import_module("torch._dynamo")  # which the first optimizer would load
    meeting = dist.TCPStore("localhost", 0, is_master=True)
    # Where dividing is not safe, each process loads everything anew.
    safe = sys.platform == "linux" and not torch.cuda.is_available()
    told = path, meeting.port
    start_processes(one_of, told, PROCESSES, start_method="fork" if safe else "spawn")


if __name__ == "__main__":
    if dist.is_torchelastic_launched():  # by torchrun
        main(Path(sys.argv[1]))
    else:
        start(Path(sys.argv[1]))
