"""One model, trained by several processes in three ways: see chapter 14.

torchrun --standalone --nproc-per-node=2 many_machines.py RESULT.json
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from rmsprop_lib.torch_optim import RMSprop
from torch import nn
from torch.distributed.fsdp import fully_shard
from torch.distributed.optim import ZeroRedundancyOptimizer
from torch.nn.parallel import DistributedDataParallel

STEPS, BATCH = 20, 64
CUDA = torch.cuda.device_count() >= int(os.environ["LOCAL_WORLD_SIZE"])
DEVICE = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if CUDA else "cpu"
# The one-pass kernel is for the CPU.
SETTINGS: dict[str, Any] = dict(
    lr=0.01, alpha=0.9, eps=0.01, centered=True, fused=not CUDA
)


def make_model() -> nn.Sequential:
    torch.manual_seed(0)
    layers = nn.Linear(20, 60), nn.Tanh(), nn.Linear(60, 30), nn.Tanh(), nn.Linear(30, 2)
    return nn.Sequential(*layers).double().to(DEVICE)


def train(model: nn.Module, optimizer: Any, rows: slice) -> None:
    generator = torch.Generator().manual_seed(1)
    for _ in range(STEPS):
        x = torch.randn(BATCH, 20, generator=generator, dtype=torch.float64)
        x, y = x[rows].to(DEVICE), torch.sin(x[rows, :2]).to(DEVICE)
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


def main(path: Path) -> None:
    if CUDA:
        torch.cuda.set_device(DEVICE)
    dist.init_process_group("nccl" if CUDA else "gloo")
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


if __name__ == "__main__":
    main(Path(sys.argv[1]))
