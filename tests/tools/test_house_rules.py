"""The rules that the repository keeps for itself: style, types, direction of imports, pins, nothing of a machine."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tools.paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def requirements(path: str) -> list[str]:
    lines = (line.strip() for line in (ROOT / path).read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


PINS = requirements("requirements.txt")
WORKFLOWS = [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))]

# Written so that this file does not hold what it looks for.
PATH_OF_A_MACHINE = re.compile(r"(?:file://|(?<![\w.~+/=-]))/(?:work|home|root|tmp)/")
REGISTRY = re.compile(r"\b(?:pypi\.org|registry\.npmjs\.org|deb\.debian\.org|files\.pythonhosted\.org)\b")
PYTORCH_INDEX = re.compile(r"\bdownload\.pytorch\.org\b")


@pytest.mark.parametrize(
    "command",
    [
        "ruff format --check .",
        "ruff check .",
        "mypy",
        "lint-imports",
        "shellcheck .ci/run .binder/postBuild",
        f"actionlint -shellcheck {Path(sys.executable).with_name('shellcheck')} {' '.join(WORKFLOWS)}",
        "zizmor --offline --quiet --no-progress .github",
    ],
    ids=["format", "style", "types", "imports", "scripts", "workflows", "security of the workflows"],
)
def test_the_checker_has_nothing_to_say(command: str) -> None:
    program, *arguments = command.split()
    done = subprocess.run(
        [Path(sys.executable).with_name(program), *arguments], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}:\n{done.stdout}{done.stderr}"


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """Every text file that git has or would take, by its path."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode != 0:
        pytest.skip("this is not a checkout of the repository")
    found = {}
    for name in listed.stdout.split("\0"):
        path = ROOT / name
        if name and path.is_file() and not path.is_symlink():
            try:
                found[name] = path.read_bytes().decode("utf-8")
            except UnicodeDecodeError:
                continue
    assert found
    return found


def lines_with(pattern: re.Pattern[str], texts: dict[str, str]) -> list[str]:
    return [
        f"{name}:{number}: {found[0]}"
        for name, text in texts.items()
        for number, line in enumerate(text.splitlines(), start=1)
        if (found := pattern.search(line))
    ]


def test_no_file_names_a_path_of_a_machine(texts: dict[str, str]) -> None:
    assert not lines_with(PATH_OF_A_MACHINE, texts)


def test_no_file_names_a_package_registry(texts: dict[str, str]) -> None:
    # PyTorch's own index alone has wheels without CUDA for every platform: Binder and the workflows ask it.
    elsewhere = {name: text for name, text in texts.items() if not name.startswith((".binder/", ".github/"))}
    assert not lines_with(REGISTRY, texts)
    assert not lines_with(PYTORCH_INDEX, elsewhere)


def test_every_requirement_is_pinned_to_a_version_found_everywhere() -> None:
    marked = r"[A-Za-z0-9._-]+==[A-Za-z0-9.!]+( ; platform_system == \"Linux\")?"
    assert not [pin for pin in PINS if not re.fullmatch(marked, pin)]
    assert not [pin for pin in PINS if "nvidia" in pin or pin.startswith("cuda")]


def test_what_exists_for_one_system_is_asked_for_there_only() -> None:
    assert {pin.partition("==")[0]: pin.partition(" ; ")[2] for pin in PINS}["triton"] == 'platform_system == "Linux"'


def test_every_direct_dependency_is_among_the_pins() -> None:
    def name(requirement: str) -> str:
        return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()

    wanted = [*PROJECT["dependencies"], *(r for group in PROJECT["optional-dependencies"].values() for r in group)]
    assert {name(requirement) for requirement in wanted} <= {name(pin) for pin in PINS}
