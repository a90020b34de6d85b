"""The rules compiled by :mod:`rmsprop_lib.compiled.cuda` for lists of CUDA tensors."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from rmsprop_lib.compiled import cuda
from rmsprop_lib.compiled.plan import Plan
from rmsprop_lib.rules import Rule

# What CUDA graphs have captured the addresses of. A graph may be replayed as long as the process lives.
_in_graphs: list[Any] = []


class CudaPlan(Plan):
    """A :class:`rmsprop_lib.compiled.plan.Plan` for the launches of Triton's kernels.

    Only to make it waits for the device. A step does not, and can be captured in a CUDA graph.
    """

    dtypes = tuple(cuda.TYPES)

    def __init__(self, params: list[Tensor], states: list[dict[str, Any]], names: Sequence[str]) -> None:
        if _capturing(params[0].device):
            raise RuntimeError("fused=True: the first step cannot be captured in a graph; do one before, as a warm-up")
        super().__init__(params, states, names)
        n = len(params)
        with self._here():
            self.work = cuda.Work(self.sizes, self.device)
            rows = torch.tensor(self.addresses, device="cpu").reshape(-1, n).to(self.device)
            self.counters = rows[-1] if self.counted else None
            self.table = torch.cat([rows[:1], rows[2 : 2 + len(names)]])
            self.gradient_table = torch.empty_like(rows[1])
            # By the kernel that a capture will need, and that could not be loaded then.
            cuda.write(self.gradient_table, self.addresses[n : 2 * n])
            self.scalars = torch.empty(cuda.SCALARS, n, dtype=self.arithmetic, device=self.device)
        self.moved = False
        self.captured = False

    def _here(self) -> Any:
        return torch.cuda.device(self.device) if self.device.type == "cuda" else nullcontext()

    def gradients_moved(self, addresses: list[int]) -> None:
        self.moved = True

    def launch(self, rule: Rule, arguments: Sequence[Any], learning_rate: Any, **options: Any) -> None:
        n = len(self.sizes)
        gradient_table = self.gradient_table
        with self._here():
            if _capturing(self.device):
                # The graph finds its gradients where they are now, whatever is stepped between its replays; the
                # addresses are arguments of a kernel, which a graph keeps.
                gradient_table = torch.empty_like(gradient_table)
                cuda.write(gradient_table, self.addresses[n : 2 * n])
                if not self.captured:
                    self.captured = True
                    _in_graphs.append((self.table, self.work, self.scalars, self.counters))
            elif self.moved:
                # From pinned memory, which Torch keeps until the copy is done, so that nothing has to wait for it.
                pinned = self.device.type == "cuda"
                addresses = torch.tensor(self.addresses[n : 2 * n], device="cpu", pin_memory=pinned)
                gradient_table.copy_(addresses, non_blocking=True)
                self.moved = False
            cuda.step(
                rule,
                arguments,
                self.table,
                gradient_table,
                self.work,
                self.counters,
                self.scalars,
                self.dtype,
                learning_rate,
                **options,
            )


def _capturing(device: torch.device) -> bool:
    return device.type == "cuda" and torch.cuda.is_current_stream_capturing()
