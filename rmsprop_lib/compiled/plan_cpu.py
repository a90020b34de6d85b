"""The rules compiled by :mod:`rmsprop_lib.compiled.cpu` for lists of CPU tensors."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rmsprop_lib.compiled import cpu
from rmsprop_lib.compiled.kernels import WorkList
from rmsprop_lib.compiled.plan import Plan
from rmsprop_lib.rules import Rule

# Elements for which it pays to wake another thread.
ENOUGH_FOR_A_THREAD = 200_000

_TYPES = {torch.float16: "float16", torch.bfloat16: "bfloat16", torch.float32: "float32", torch.float64: "float64"}


class CpuPlan(Plan):
    """A :class:`rmsprop_lib.compiled.plan.Plan` for one call of Numba's kernel."""

    dtypes = tuple(_TYPES)

    def __init__(self, params: list[Tensor], states: list[dict[str, Any]], names: Sequence[str]) -> None:
        super().__init__(params, states, names)
        self.work = WorkList(self.sizes, cpu.BLOCK)
        self.threads = 1 + sum(self.sizes) // ENOUGH_FOR_A_THREAD
        rows = np.array(self.addresses, np.int64).reshape(-1, len(params))
        self.table: np.ndarray = rows[: 2 + len(names)]
        self.counters: np.ndarray = rows[2 + len(names) :].reshape(-1)
        self.steps = np.ones(len(params))

    def unusable(self) -> str | None:
        return cpu.unusable()

    def gradients_moved(self, addresses: list[int]) -> None:
        self.table[1] = addresses

    def launch(self, rule: Rule, arguments: Sequence[Any], learning_rate: Any, **options: Any) -> None:
        cpu.step(
            rule,
            arguments,
            self.table,
            self.work,
            self.steps,
            _TYPES[self.dtype],
            float(learning_rate),
            counters=self.counters,
            threads=min(torch.get_num_threads(), self.threads),
            **options,
        )
