"""What Binder installs and opens: the book's own pins, all that chapters import, and pages that exist."""

import ast
import json
import re
import sys
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from test_house_rules import PINS, PROJECT, requirements

from tools.environment import bootstrap, check_binder, lock
from tools.paths import CHAPTERS, ROOT

LINES = requirements(".binder/requirements.txt")
BINDER_PINS = [line for line in LINES if not line.startswith("--")]
NAMES = {canonicalize_name(pin.split("==")[0]) for pin in BINDER_PINS}


# Torch's build for CUDA asks for these. Binder has the other one.
FOR_CUDA = ("nvidia-", "cuda-", "triton")


def with_what_they_need(wanted: list[str], leaving_out: tuple[str, ...] = FOR_CUDA) -> set[str]:
    """The names of these packages and of all that they ask for on this machine, as if its Torch were for the CPU."""
    found: set[str] = set()
    while wanted:
        requirement = Requirement(wanted.pop())
        name = canonicalize_name(requirement.name)
        if name.startswith(leaving_out):
            continue
        if name not in found and (requirement.marker is None or requirement.marker.evaluate({"extra": ""})):
            found.add(name)
            wanted += distribution(name).requires or []
    return found


def imported(code: str) -> set[str]:
    """The packages that a program or a cell imports, at its top or anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.Import(names=names):
                found |= {alias.name.partition(".")[0] for alias in names}
            case ast.ImportFrom(module=str(module), level=0):
                found.add(module.partition(".")[0])
    return found


def test_its_versions_are_those_of_the_book() -> None:
    assert len(BINDER_PINS) > 20
    assert not set(BINDER_PINS) - set(PINS)


def test_only_pytorch_s_own_index_is_asked_besides_the_usual_one() -> None:
    (option,) = set(LINES) - set(BINDER_PINS)
    assert re.fullmatch(r"--extra-index-url https://download\.pytorch\.org/whl/cpu", option)


@pytest.mark.skipif(sys.platform != "linux", reason="Binder's images are Linux, and requirements differ elsewhere")
def test_it_has_what_a_reader_s_extras_need_and_nothing_else() -> None:
    extras = PROJECT["optional-dependencies"]
    wanted = [*PROJECT["dependencies"], *(r for extra in lock.BINDER_EXTRAS for r in extras[extra])]
    assert with_what_they_need(wanted) == NAMES


def test_every_package_that_a_chapter_or_the_library_imports_is_there() -> None:
    programs = [*(ROOT / "rmsprop_lib").rglob("*.py"), *CHAPTERS.glob("*.py")]
    codes = [path.read_text(encoding="utf-8") for path in programs]
    for path in sorted(CHAPTERS.glob("*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        codes += [re.sub(r"(?m)^\s*%.*$", "", cell.source) for cell in cells if cell.cell_type == "code"]
    modules = set().union(*map(imported, codes)) - sys.stdlib_module_names - {"rmsprop_lib"}
    # Triton is for CUDA, which Binder does not have. And modules beside the chapters are imported from their folder.
    modules.remove("triton")
    modules -= {path.stem for path in CHAPTERS.glob("*.py")}
    assert {"numpy", "torch", "matplotlib", "numba"} <= modules
    providers = packages_distributions()
    missing = {m for m in modules if not {canonicalize_name(name) for name in providers.get(m, [])} & NAMES}
    assert not missing


def test_its_python_is_the_one_of_the_pins() -> None:
    runtime = (ROOT / ".binder" / "runtime.txt").read_text(encoding="utf-8").strip()
    assert runtime == "python-{}.{}".format(*bootstrap.PINNED_FOR) == f"python-{check_binder.PYTHON}"


def test_a_launch_without_a_page_starts_with_the_contents() -> None:
    workspace = json.loads((ROOT / ".binder" / "workspace.json").read_text(encoding="utf-8"))["data"]
    opened = workspace["layout-restorer:data"]["main"]["dock"]["widgets"]
    assert opened and opened[0] == workspace["layout-restorer:data"]["main"]["current"]
    for widget in opened:
        assert widget == f"markdownviewer-widget:{workspace[widget]['data']['path']}"
        assert (ROOT / workspace[widget]["data"]["path"]).is_file()
    assert (ROOT / workspace["file-browser-filebrowser:cwd"]["path"]).is_dir()


RECIPE = """\
USER root
RUN mkdir -p ${NPM_DIR}
COPY --chown=0:0 src/.binder/requirements.txt ${REPO_DIR}/.binder/requirements.txt
USER ${NB_USER}
RUN ${KERNEL_PYTHON_PREFIX}/bin/pip install --no-cache-dir -r ".binder/requirements.txt"
USER root
COPY --chown=0:0 src/ ${REPO_DIR}/
USER ${NB_USER}
RUN chmod +x .binder/postBuild
RUN ./.binder/postBuild
"""


def test_the_steps_of_a_recipe_are_those_of_its_user() -> None:
    assert check_binder.steps(RECIPE) == [
        '${KERNEL_PYTHON_PREFIX}/bin/pip install --no-cache-dir -r ".binder/requirements.txt"',
        "chmod +x .binder/postBuild",
        "./.binder/postBuild",
    ]


@pytest.mark.parametrize("lost, complaint", [("RUN ./", "does not run"), ("-r ", "does not install")])
def test_a_recipe_that_forgets_a_step_is_refused(lost: str, complaint: str) -> None:
    with pytest.raises(check_binder.BinderError, match=complaint):
        check_binder.steps(RECIPE.replace(lost, "#"))


def test_a_recipe_that_installs_only_after_every_change_of_a_chapter_is_refused() -> None:
    lines = RECIPE.splitlines()
    with pytest.raises(check_binder.BinderError, match="before it copies"):
        check_binder.steps("\n".join([*lines[:4], *lines[5:8], lines[4], *lines[8:]]))


def test_what_an_image_starts_with_is_read_from_the_lock_of_conda() -> None:
    packages = [
        "noarch/jupyterhub-base-5.4.0-pyhc90fa1f_0.conda#59",
        "noarch/stack_data-0.6.3-pyhd8ed1ab_1.conda#b1",
        "linux-64/tornado-6.5.2-py311h49ec1c0_1.conda#18",
        "linux-64/openssl-3.5.4-h26f9b46_0.conda#14",
        "noarch/tzdata-2025b-h78e105d_0.conda#42",
    ]
    text = "@EXPLICIT\n" + "\n".join(f"https://conda.example.org/{package}" for package in packages)
    assert check_binder.base_packages(text) == ["jupyterhub==5.4.0", "stack-data==0.6.3", "tornado==6.5.2"]


def test_an_extension_of_jupyterlab_that_is_missing_or_broken_is_named() -> None:
    listed = "".join(
        f"        {name} v1.0 \x1b[32menabled\x1b[0m \x1b[32mOK\x1b[0m\n" for name in check_binder.EXTENSIONS
    )
    check_binder.check_extensions(listed)
    with pytest.raises(check_binder.BinderError, match="no working anywidget"):
        check_binder.check_extensions(
            listed.replace("anywidget v1.0 \x1b[32menabled", "anywidget v1.0 \x1b[31mdisabled")
        )
    with pytest.raises(check_binder.BinderError, match="no working @jupyter-widgets"):
        check_binder.check_extensions(listed.replace("@jupyter-widgets", "@another"))


def test_an_index_that_does_not_answer_is_taken_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text("--extra-index-url http://127.0.0.1:9/cpu\ntorch==2.13.0\n", encoding="utf-8")
    check_binder.without_silent_index(file)
    assert file.read_text(encoding="utf-8") == "torch==2.13.0\n"
    assert "does not answer" in capsys.readouterr().out
