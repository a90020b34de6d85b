"""A pytest plugin: the run fails unless CUDA did the computing (``make test-gpu`` loads it).

A test that passes says nothing about where it computed: one forgotten ``device()``, and all of it ran on the CPU.
So nothing is started without a card on which a kernel gives the right sum, and afterwards every file that computes on
the book's device must have allocated memory there. Torch's own count tells, in the process of the tests for a module,
in its kernel for a notebook.
"""

import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest

PROPERTY = "allocations on CUDA"
# Where `rmsprop_lib.devices.device` is asked, by itself or through `mnist_split`, or CUDA by name.
COMPUTES_ON_THE_DEVICE = re.compile(r"\bmnist_split\(|\bdigits\.(?:split|train)\(|\bdevice\(\)|\btorch\.cuda\b")
TEST_MODULES = ("test_on_the_device.py", "test_compiled_cuda.py", "test_fused_on_cuda.py")
SECONDS_TO_ANSWER = 60


def allocations() -> int:
    """How often this process has taken memory on a CUDA device."""
    torch = sys.modules.get("torch")
    return torch.cuda.memory_stats().get("allocation.all.allocated", 0) if torch else 0


def compute_on(where: Any) -> float:
    """Σ i² for i < 1000, on a device: 332833500."""
    import torch

    numbers = torch.arange(1000, dtype=torch.float64, device=where)
    return float((numbers * numbers).sum())


def refusal() -> str | None:
    """Why CUDA cannot be used here, in a sentence, or None."""
    import torch

    from rmsprop_lib.devices import VARIABLE, device

    try:
        where = device()
        if where.type != "cuda":
            return f"{VARIABLE} must be cuda or cuda:N, and the device is {where}"
        if (found := compute_on(where)) != 332833500:
            return f"a sum of squares came out as {found} on {where}, not as 332833500"
    except (RuntimeError, ValueError) as error:
        build = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "built without CUDA"
        return f"{error} (Torch {torch.__version__}, {build})"
    return None


def in_the_kernel(notebook: Any) -> int:
    """What :func:`allocations` gives in the kernel that runs a notebook; 0 where it does not answer."""
    expression = {"allocations": f"__import__('importlib').import_module({__name__!r}).allocations()"}
    try:
        reply = notebook.kernel.kc.execute(
            "", silent=True, user_expressions=expression, reply=True, timeout=SECONDS_TO_ANSWER
        )
        return int(reply["content"]["user_expressions"]["allocations"]["data"]["text/plain"])
    except (KeyError, TimeoutError, RuntimeError):
        return 0


class Proof:
    """What was measured, file by file, and the verdict."""

    def __init__(self) -> None:
        self.before = 0
        self.measured: dict[str, int] = {}

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
        """Measure after the last test of a file, while a notebook's kernel still runs."""
        from nbval.plugin import IPyNbCell

        if nextitem is None or nextitem.path != item.path:
            if isinstance(item, IPyNbCell):
                code = "\n".join(cell.source for cell in item.parent.nb.cells if cell.cell_type == "code")
                if COMPUTES_ON_THE_DEVICE.search(code):
                    item.user_properties.append((PROPERTY, [item.path.name, in_the_kernel(item.parent)]))
            else:
                taken, self.before = allocations() - self.before, allocations()
                if item.path.name in TEST_MODULES:
                    item.user_properties.append((PROPERTY, [item.path.name, taken]))
        return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Reports reach the process that prints the summary, also those of pytest-xdist's workers."""
        for name, value in report.user_properties:
            if name == PROPERTY:
                file, count = value
                self.measured[file] = count

    @property
    def verdict(self) -> str | None:
        """What is wrong, or None."""
        if not self.measured:
            return "CUDA was not used: no file that computes on the device was run"
        idle = sorted(file for file, count in self.measured.items() if count == 0)
        return f"CUDA was not used by {', '.join(idle)}" if idle else None

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.verdict and not hasattr(session.config, "workerinput"):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        terminalreporter.section("CUDA")
        for file, count in sorted(self.measured.items()):
            terminalreporter.line(f"{count:>10} allocations  {file}")
        terminalreporter.line(self.verdict or "CUDA was used by every file that computes on the device.")


def pytest_configure(config: pytest.Config) -> None:
    if reason := refusal():
        raise pytest.UsageError(f"CUDA cannot be used: {reason}")
    config.pluginmanager.register(Proof(), "the proof that CUDA was used")
