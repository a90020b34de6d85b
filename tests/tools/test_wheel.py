"""The library as ``pip install`` puts it elsewhere: what the wheel holds, and what runs with how much beside it."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from email import message_from_string
from email.message import Message
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from test_binder import with_what_they_need
from test_house_rules import PROJECT

from tools.paths import ROOT

# What a library that is installed brings along, and what only the book needs.
EXTRAS = ("torch", "figures", "fused", "notebooks")
LIBRARY = ROOT / "rmsprop_lib"
BUILT_FROM = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "rmsprop_lib", "tools")
README = re.findall(r"```python\n(.+?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built where nothing has been built before, as the wheel of someone's book."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in BUILT_FROM:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source / name)
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", target, source],
        env={**os.environ, "BOOK_REPOSITORY_URL": "git@github.com:someone/book.git"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = target.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        return message_from_string(archive.read(name).decode())


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def run(wheel: Path, metadata: Message, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run a program in a fresh environment, which has the wheel and what it asks for with these extras."""

    @cache
    def python(extras: tuple[str, ...]) -> Path:
        folder = tmp_path_factory.mktemp("-".join(("with", *extras)))
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        (packages,) = folder.glob("lib/python*/site-packages")
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "--quiet", "--python", folder / "bin" / "python"),
                *("install", "--no-deps", "--no-index", wheel),
            ],
            check=True,
        )
        asked = map(Requirement, metadata.get_all("Requires-Dist", []))
        wanted = [r for r in asked if r.marker is None or any(r.marker.evaluate({"extra": e}) for e in extras)]
        # What is installed here is lent to it, and nothing else: no network, and no copies of gigabytes.
        for name in with_what_they_need([f"{r.name}{r.specifier}" for r in wanted], leaving_out=()):
            there = distribution(name)
            for part in {file.parts[0] for file in there.files or []} - {"..", "__pycache__"}:
                if not (packages / part).exists():
                    (packages / part).symlink_to(Path(str(there.locate_file(part))))
        return folder / "bin" / "python"

    def result(program: str, *extras: str) -> subprocess.CompletedProcess[str]:
        interpreter = python(extras)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        return subprocess.run(
            [interpreter, "-W", "error", "-c", program],
            cwd=interpreter.parent,
            env={**environment, "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"},
            capture_output=True,
            text=True,
        )

    return result


def output(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class TestWhatIsInIt:
    def test_every_file_of_the_library_but_the_images(self, names: set[str]) -> None:
        there = {path.relative_to(ROOT).as_posix() for path in LIBRARY.rglob("*") if path.is_file()}
        there = {name for name in there if "__pycache__" not in name and "/." not in name}
        left_out = {"rmsprop_lib/data/mnist.npz", "rmsprop_lib/data/LICENSE-MNIST.md"}
        assert {name for name in names if ".dist-info/" not in name} == there - left_out
        assert "rmsprop_lib/py.typed" in names

    def test_it_is_small(self, wheel: Path) -> None:
        assert wheel.stat().st_size < 1_300_000

    def test_its_licences_are_those_of_what_it_holds(self, metadata: Message, names: set[str]) -> None:
        assert metadata["License-Expression"] == "MIT AND CC-BY-4.0"
        licences = {name.partition("/licenses/")[2] for name in names if "/licenses/" in name}
        assert licences == {"LICENSE", "rmsprop_lib/data/LICENSE-BOOK.md"}

    def test_what_it_asks_for_is_a_range(self, metadata: Message) -> None:
        """The versions that the book is proved with stand in requirements.txt; a library fits into what is there."""
        asked = [Requirement(text) for text in metadata.get_all("Requires-Dist", [])]
        of_readers = [r for r in asked if r.marker is None or any(r.marker.evaluate({"extra": e}) for e in EXTRAS)]
        assert {r.name for r in of_readers if r.marker is None} == {"numpy"}
        assert {"numpy", "torch", "tqdm", "matplotlib", "numba", "anywidget"} <= {r.name for r in of_readers}
        assert not [str(r) for r in of_readers if any(s.operator not in (">=", "<") for s in r.specifier)]

    def test_it_leads_to_whose_book_it_is(self, metadata: Message) -> None:
        urls = dict(line.split(", ") for line in metadata.get_all("Project-URL", []))
        page = "https://github.com/someone/book"
        assert urls == {
            "Homepage": "https://someone.github.io/book/",
            "Repository": page,
            "Issues": f"{page}/issues",
            "Changelog": f"{page}/blob/HEAD/CHANGELOG.md",
        }


WHERE = "import rmsprop_lib, sys\nassert rmsprop_lib.__file__.startswith(sys.prefix), rmsprop_lib.__file__\n"
MODEL = "import torch\nmodel = torch.nn.Linear(3, 2)\n"
STEP = "model(torch.ones(5, 3)).square().sum().backward()\noptimizer.step()\n"


class TestReadmesExamples:
    def test_there_are_three_of_them(self) -> None:
        numpy, torch, like = README
        assert "rmsprop_lib.numpy_optim" in numpy and "rmsprop_lib.torch_optim" in torch and "RMSprop.like(" in like

    def test_with_numpy_alone(self, run: Run) -> None:
        numpy, *_ = README
        assert output(run(WHERE + numpy + "print(round(float(params['x'][0]), 8))")) == "4.59238901"

    def test_with_torch(self, run: Run) -> None:
        _, torch, like = README
        program = WHERE + MODEL + torch + STEP + like + STEP + "print(len(optimizer.state), optimizer.defaults['eps'])"
        assert output(run(program, "torch")) == "2 1.0"

    def test_with_all(self, run: Run) -> None:
        program = WHERE + "".join(README[:1]) + MODEL + README[1] + STEP
        fused = "optimizer = RMSprop(model.parameters(), lr=1e-3, fused=True)\n" + STEP
        figure = "from rmsprop_lib.playground import Playground, still\nstill('surface=ravine')\nPlayground()\n"
        assert output(run(program + fused + figure + "print('done')", *EXTRAS)) == "done"


MISSING = """
import importlib
def refusal(statement):
    try:
        exec(statement, {})
    except ModuleNotFoundError as error:
        return str(error)
    return "none"
"""


class TestWhatIsMissing:
    def test_with_numpy_alone_each_import_names_the_extra_that_it_needs(self, run: Run) -> None:
        needs = {
            "import rmsprop_lib.torch_optim": "torch",
            "import rmsprop_lib.torch_optim.adam": "torch",
            "from rmsprop_lib.training import fit": "torch",
            "from rmsprop_lib import device; device()": "torch",
            "import rmsprop_lib.experiments.digits": "torch",
            "import rmsprop_lib.experiments.companions": "torch",
            "import rmsprop_lib.experiments.limit": "torch",
            "import rmsprop_lib.experiments.tasks": "torch",
            "import rmsprop_lib.experiments.sequences": "torch",
            "import rmsprop_lib.experiments.steps": "torch",
            "import rmsprop_lib.experiments.words": "torch",
            "from rmsprop_lib import figures": "figures",
            "from rmsprop_lib import looks": "figures",
            "from rmsprop_lib import typeface": "figures",
            "from rmsprop_lib.playground import still": "figures",
            "from rmsprop_lib.playground import Playground": "notebooks",
        }
        said = output(run(MISSING + f"for s in {list(needs)}: print(refusal(s))")).splitlines()
        modules = {"torch": "torch", "figures": "matplotlib", "notebooks": "anywidget"}
        assert said == [f'{modules[e]} is not installed: pip install "rmsprop-lib[{e}]"' for e in needs.values()]

    def test_every_module_imports_or_names_an_extra(self, run: Run) -> None:
        """What only the compiled step imports is behind what asks for it."""
        program = (
            MISSING + "import pkgutil, rmsprop_lib\n"
            "for m in pkgutil.walk_packages(rmsprop_lib.__path__, 'rmsprop_lib.', onerror=lambda name: None):\n"
            "    if not m.name.startswith('rmsprop_lib.compiled.'): print(m.name, refusal('import ' + m.name))"
        )
        lines = output(run(program)).splitlines()
        assert len(lines) > 40
        assert not [line for line in lines if not line.endswith(" none") and "rmsprop-lib[" not in line]

    def test_with_torch_training_runs_and_figures_name_theirs(self, run: Run) -> None:
        program = MISSING + "import rmsprop_lib.training\nprint(refusal('import rmsprop_lib.figures'))"
        assert "rmsprop-lib[figures]" in output(run(program, "torch"))

    def test_without_numba_a_large_array_is_stepped_all_the_same(self, run: Run) -> None:
        program = (
            "import numpy as np\nfrom rmsprop_lib.numpy_optim import RMSprop\n"
            "p = {'w': np.ones(1_100_000)}\nRMSprop(0.1).update_(p, {'w': np.ones(1_100_000)})\nprint(p['w'].max() < 1)"
        )
        assert output(run(program)) == "True"

    def test_an_exercise_that_needs_torch_says_so(self, run: Run) -> None:
        program = (
            "from rmsprop_lib.exercises.declaration import Case, Exercise\n"
            "from rmsprop_lib.exercises.judging import judge\n"
            "from rmsprop_lib.extras import naming_extras\n"
            "def reference(x):\n"
            "    with naming_extras():\n"
            "        import torch\n"
            "    return x\n"
            "exercise = Exercise('a', '01_a', 'A task.', 'x', 'y', reference, [Case({'x': 1.0})], [], ('', ''), 'A')\n"
            "print(judge(exercise, lambda x: x))"
        )
        assert 'It cannot be checked here: torch is not installed: pip install "rmsprop-lib[torch]"' in output(
            run(program)
        )

    def test_mnist_is_said_to_be_in_the_repository_and_loads_from_there(self, run: Run) -> None:
        program = (
            "from rmsprop_lib.data import load_mnist\ntry:\n    load_mnist()\n"
            "except FileNotFoundError as error:\n    print(error)\n"
            f"print(len(load_mnist({str(LIBRARY / 'data' / 'mnist.npz')!r}).train_images))"
        )
        said, count = output(run(program)).splitlines()
        assert "The book's repository has it, as rmsprop_lib/data/mnist.npz" in said
        assert "Give load_mnist the path" in said and "site-packages" in said
        assert count == "60000"


def test_records_and_traces_are_found(run: Run) -> None:
    program = (
        "from rmsprop_lib.records import load_record\nfrom rmsprop_lib.conventions import recording\n"
        "load_record('digits')\nprint(len(recording().versions))"
    )
    assert output(run(program)) == "5"


def test_the_version_stands_once_more_in_the_package() -> None:
    import rmsprop_lib

    assert rmsprop_lib.__version__ == PROJECT["version"]
