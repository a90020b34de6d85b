"""What every run of the tests has in common, the notebooks among them."""

import os
import platform
from collections.abc import Iterator
from unittest import mock

import pytest
from nbval.plugin import IPyNbCell

from tools.paths import MEASURED

# The outputs in the notebooks were stored from an ordinary run, with every core and every instruction set of the
# machine it was on. The kernels that compare them are held to one thread and to plain instructions, which changes
# the order in which sums are taken: an output that depends on it fails here, and not on a reader's machine.
# Progress bars are off, as they are in tools/notebooks/execute.py: they would write timings.
KERNEL_ENVIRONMENT = {
    "ATEN_CPU_CAPABILITY": "default",
    "MKL_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TQDM_DISABLE": "1",
}
if platform.machine() in ("x86_64", "AMD64"):
    # NumPy's matrix products as an old processor would do them.
    KERNEL_ENVIRONMENT["OPENBLAS_CORETYPE"] = "Nehalem"

# The files that take longest begin first, so that no worker is left with one of them at the end. The rest follow in
# the usual order; pytest-xdist would begin with the files that have the most tests (--no-loadscope-reorder).
LONGEST_FIRST = (
    "11_choosing.ipynb",
    "08_recurrent.ipynb",
    "07_mnist.ipynb",
    "02_adagrad.ipynb",
    "test_site_in_browser.py",
    "test_playground_in_browser.py",
    "test_playground_network_in_browser.py",
    "test_dist.py",
    "test_pdf.py",
    "test_torch_optim_database.py",
    "test_fused_on_cpu.py",
    "test_compiled_cpu.py",
    "14_speed.ipynb",
    "10_tuning.ipynb",
    "09_moving_targets.ipynb",
    "13_precision.ipynb",
    "06_adam.ipynb",
    "04_centered_rmsprop.ipynb",
    "05_rmsprop_momentum.ipynb",
    "01_gradient_descent.ipynb",
    "03_rmsprop.ipynb",
    "15_edge_of_stability.ipynb",
    "17_words.ipynb",
    "18_games.ipynb",
    "19_images.ipynb",
    "12_conventions.ipynb",
    "test_house_rules.py",
)


# A program that chapter 14 starts; it has no tests, and importing it warns.
collect_ignore = ["chapters/many_machines.py"]


def pytest_configure(config: pytest.Config) -> None:
    # Wherever pytest is started from: nbval takes the path as it stands in the settings.
    config.option.nbval_sanitize_with = str(MEASURED)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Give the kernel that a notebook's first cell starts its environment, and no other test."""
    if isinstance(item, IPyNbCell):
        with mock.patch.dict(os.environ, KERNEL_ENVIRONMENT):
            return (yield)
    return (yield)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    rank = {name: place for place, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: rank.get(item.path.name, len(rank)))
