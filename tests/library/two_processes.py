"""What each of two processes does for ``test_torch_distributed.py``; run by Python, with a folder to write to.

Every optimizer trains the same model as one process, on half of each batch: replicated (DDP), with its state divided
(ZeroRedundancyOptimizer), and with everything divided (FSDP2). In the end the first goes on alone from the checkpoints
of both, and writes what came out.

torchrun would have each process load Torch anew. Here one does, and divides into the two where the system can.
"""

import json
import sys
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)
from torch.distributed.fsdp import fully_shard
from torch.multiprocessing import start_processes
from torch.nn.parallel import DistributedDataParallel

from rmsprop_lib import torch_optim

# What would be loaded later, by each process.
LATER = ("torch._dynamo", "torch.distributed.optim", "rmsprop_lib.compiled.plan_cpu")

STEPS = 6
BATCH = 8
WHOLE = StateDictOptions(full_state_dict=True, cpu_offload=True)

OPTIMIZERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "SGD": (torch_optim.SGD, dict(momentum=0.9, nesterov=True)),
    "AdaGrad": (torch_optim.AdaGrad, dict(lr_decay=0.1)),
    "RMSprop": (torch_optim.RMSprop, dict(eps=1e-2, weight_decay=0.1)),
    "RMSprop centered": (torch_optim.RMSprop, dict(eps=1e-2, centered=True, momentum=0.5)),
    "Adam": (torch_optim.Adam, dict(eps=1e-2, amsgrad=True)),
    "AdamW": (torch_optim.Adam, dict(eps=1e-2, weight_decay=0.1, decoupled_weight_decay=True)),
}


def model() -> nn.Sequential:
    """In double precision. The last layer has one row, so that one of two processes has none of it under FSDP2."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3), nn.Tanh(), nn.Linear(3, 1)).double()


def batches() -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(1)
    return [
        tuple(torch.randn(BATCH, width, generator=generator, dtype=torch.float64) for width in (6, 1))
        for _ in range(2 * STEPS)
    ]  # type: ignore[misc]


def train(network: nn.Module, optimizer: Any, data: list[tuple[Tensor, Tensor]], part: slice = slice(None)) -> None:
    for x, y in data:
        optimizer.zero_grad()
        ((network(x[part]) - y[part]) ** 2).mean().backward()
        optimizer.step()


def make(name: str, params: Any, fused: bool) -> Any:
    kind, arguments = OPTIMIZERS[name]
    return kind(params, lr=0.01, fused=fused, **arguments)


def sharded() -> nn.Module:
    network = model()
    for layer in network:
        if isinstance(layer, nn.Linear):
            fully_shard(layer)
    return fully_shard(network)


def whole(x: Tensor) -> Tensor:
    return x.full_tensor() if hasattr(x, "full_tensor") else x


def distance(network: nn.Module, reference: nn.Module) -> float:
    pairs = zip(network.parameters(), reference.parameters(), strict=True)
    return max((whole(p) - q).abs().max().item() for p, q in pairs)


def replicated_and_divided(name: str, fused: bool) -> Iterator[tuple[str, nn.Module, Any]]:
    """The three ways of using two machines: a name, the model, and the optimizer as one that has plans."""
    from torch.distributed.optim import ZeroRedundancyOptimizer  # warns of a deprecation of its own

    half = slice(dist.get_rank() * BATCH // 2, (dist.get_rank() + 1) * BATCH // 2)

    replica = DistributedDataParallel(model())
    optimizer = make(name, replica.parameters(), fused)
    train(replica, optimizer, batches(), half)
    yield "DDP", replica.module, optimizer

    kind, arguments = OPTIMIZERS[name]
    replica = DistributedDataParallel(model())
    divided = ZeroRedundancyOptimizer(replica.parameters(), optimizer_class=kind, lr=0.01, fused=fused, **arguments)
    train(replica, divided, batches(), half)
    yield "ZeRO", replica.module, divided.optim

    network = sharded()
    optimizer = make(name, network.parameters(), fused)
    train(network, optimizer, batches(), half)
    yield "FSDP2", network, optimizer


def checkpoints(name: str, folder: Path) -> dict[str, float]:
    """Trains sharded up to the middle and saves, sharded and whole; then goes on sharded from what was read whole."""
    half = slice(dist.get_rank() * BATCH // 2, (dist.get_rank() + 1) * BATCH // 2)
    network = sharded()
    optimizer = make(name, network.parameters(), fused=True)
    train(network, optimizer, batches()[:STEPS], half)
    states = {"model": get_model_state_dict(network), "optimizer": get_optimizer_state_dict(network, optimizer)}
    dcp.save(states, checkpoint_id=folder / name)
    at_once = {
        "model": get_model_state_dict(network, options=WHOLE),
        "optimizer": get_optimizer_state_dict(network, optimizer, options=WHOLE),
    }
    if dist.get_rank() == 0:
        torch.save(at_once, folder / f"{name}.pt")
    dist.barrier()

    again = sharded()
    optimizer = make(name, again.parameters(), fused=True)
    read = torch.load(folder / f"{name}.pt", weights_only=True)
    set_model_state_dict(again, read["model"], options=WHOLE)
    set_optimizer_state_dict(again, optimizer, read["optimizer"], options=WHOLE)
    train(again, optimizer, batches()[STEPS:], half)

    reference = model()
    train(reference, plain := make(name, reference.parameters(), fused=True), batches())
    assert plain._one_pass.plans
    return {"continued": distance(again, reference)}


def continued(name: str, saved: dict[str, Any], fused: bool) -> float:
    """Goes on in one process from what two saved; how far that is from never having stopped."""
    network = model()
    optimizer = make(name, network.parameters(), fused)
    network.load_state_dict(saved["model"])
    set_optimizer_state_dict(network, optimizer, saved["optimizer"])
    train(network, optimizer, batches()[STEPS:])
    assert optimizer._one_pass.plans  # however it was made: with the state comes the option ``fused`` that was saved
    reference = model()
    train(reference, make(name, reference.parameters(), fused=False), batches())
    return distance(network, reference)


def alone(name: str, folder: Path) -> dict[str, float]:
    """Goes on in this process alone, after both have saved."""
    assert not dist.is_initialized()
    found = {}
    for fused in (False, True):
        network = model()
        optimizer = make(name, network.parameters(), fused)
        saved = {"model": network.state_dict(), "optimizer": get_optimizer_state_dict(network, optimizer)}
        dcp.load(saved, checkpoint_id=folder / name, no_dist=True)
        found[f"sharded, {'fused' if fused else 'unfused'}"] = continued(name, saved, fused)
    saved = torch.load(folder / f"{name}.pt", weights_only=True)
    return found | {"whole": continued(name, saved, fused=True)}


def main(rank: int, folder: Path, port: int) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", store=dist.TCPStore("localhost", port), rank=rank, world_size=2)
    found: dict[str, Any] = {"runs": {}, "checkpoints": {}, "alone": {}}
    for name in OPTIMIZERS:
        for fused in (False, True):
            reference = model()
            train(reference, make(name, reference.parameters(), fused=False), batches())
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                for way, network, optimizer in replicated_and_divided(name, fused):
                    found["runs"][f"{name}, {way}, {'fused' if fused else 'unfused'}"] = {
                        "distance": distance(network, reference),
                        "plans": len(optimizer._one_pass.plans),
                        "said": [str(w.message) for w in caught if "fused=True" in str(w.message)],
                    }
        found["checkpoints"][name] = checkpoints(name, folder)
    dist.barrier()
    dist.destroy_process_group()
    if rank == 0:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.filterwarnings("ignore", "torch.distributed is disabled")
            found["alone"] = {name: alone(name, folder) for name in OPTIMIZERS}
        (folder / "found.json").write_text(json.dumps(found), encoding="utf-8")


def start(folder: Path) -> None:
    for module in LATER:
        import_module(module)
    meeting = dist.TCPStore("localhost", 0, is_master=True)
    method = "fork" if sys.platform == "linux" else "spawn"
    start_processes(main, (folder, meeting.port), nprocs=2, start_method=method)


if __name__ == "__main__":
    start(Path(sys.argv[1]))
