"""What importing the library costs and offers."""

import subprocess
import sys

import pytest

import rmsprop_lib

HEAVY = ("torch", "matplotlib", "numba")


def loaded_after(statement: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after the statement."""
    program = f"{statement}\nimport sys\nprint(*sys.modules)"
    return set(
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    )


@pytest.mark.parametrize(
    "statement",
    [
        "import rmsprop_lib",
        "import rmsprop_lib; dir(rmsprop_lib)",
        "import rmsprop_lib.numpy_optim, rmsprop_lib.problems, rmsprop_lib.descent, rmsprop_lib.data",
        "from rmsprop_lib.conventions import recording; recording()",
        "from rmsprop_lib import claim, device, verdict",
        "from rmsprop_lib.playground import from_address, run",
    ],
)
def test_neither_torch_nor_matplotlib_nor_numba_is_loaded(statement):
    loaded = loaded_after(statement)
    assert "rmsprop_lib" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_the_package_by_itself_and_the_rules_do_without_numpy():
    assert "numpy" not in loaded_after("import rmsprop_lib, rmsprop_lib.rules")


def test_running_an_optimizer_loads_none_of_them_either():
    loaded = loaded_after(
        "from rmsprop_lib.problems import ravine\n"
        "from rmsprop_lib.descent import descend\n"
        "from rmsprop_lib.numpy_optim import RMSprop\n"
        "from rmsprop_lib import claim\n"
        "claim('it descends', descend(ravine(), RMSprop(0.1), 10).loss[-1], below=100)"
    )
    assert loaded.isdisjoint(HEAVY)


def test_the_check_sees_what_is_loaded():
    assert "torch" in loaded_after("import rmsprop_lib.torch_optim")


def test_every_public_name_resolves():
    assert {"claim", "device", "verdict"} <= set(rmsprop_lib.__all__)
    for name in rmsprop_lib.__all__:
        assert callable(getattr(rmsprop_lib, name))
        assert getattr(rmsprop_lib, name).__doc__


def test_dir_lists_every_public_name_once():
    names = dir(rmsprop_lib)
    assert set(rmsprop_lib.__all__) <= set(names)
    assert "__version__" in names and len(names) == len(set(names))


def test_an_unknown_attribute_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"module 'rmsprop_lib' has no attribute 'no_such_name'"):
        rmsprop_lib.no_such_name  # noqa: B018
    assert not hasattr(rmsprop_lib, "no_such_name")
