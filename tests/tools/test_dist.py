"""The archives for a place without a network, unpacked elsewhere: the site opens from disk, the notebooks run there."""

import hashlib
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from book_pages import toc_pages
from browser import SECONDS, Window
from built_site import require_site
from playwright.sync_api import Browser, expect

from tools.paths import MEASURED, SITE
from tools.publish import checksums, dist

# The one that is run here in its whole length; all of them are, in the repository, by every run of the tests.
SHORTEST = "chapters/12_conventions.ipynb"
LINK = re.compile(r"\]\(([^)\s]+)\)")
DOCUMENT = re.compile(r"\{doc\}`(?:[^`<]*<)?([^`>]+)>?`")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both archives and their checksums."""
    require_site()
    folder = tmp_path_factory.mktemp("dist")
    dist.make(folder)
    return folder


def unpacked(folder: Path, name: str, target: Path) -> Path:
    with zipfile.ZipFile(folder / f"{name}.zip") as archive:
        archive.extractall(target)
    assert [path.name for path in target.iterdir()] == [name]
    return target / name


@pytest.fixture(scope="module")
def site(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site in a folder such as readers have: with a space in its name, and a letter beyond ASCII."""
    return unpacked(folder, dist.SITE_ARCHIVE, tmp_path_factory.mktemp("Bücher und Skripte"))


@pytest.fixture(scope="module")
def notebooks(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked(folder, dist.NOTEBOOKS_ARCHIVE, tmp_path_factory.mktemp("class"))


@pytest.fixture(scope="module")
def offline(browser: Browser) -> Iterator[Window]:
    """A window on a machine without a network."""
    window = Window(browser, offline=True)
    yield window
    window.close()


def elsewhere(notebooks: Path) -> dict[str, str]:
    """An environment in which Python finds the unpacked library before any other."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1", "PYTHONPATH": str(notebooks)}


def test_the_checksums_are_those_of_the_archives(folder: Path) -> None:
    lines = (folder / checksums.NAME).read_text(encoding="utf-8").splitlines()
    sums = {name: digest for digest, name in (line.split("  ") for line in lines)}
    assert sums == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.zip")}
    assert len(sums) == 2


def test_the_same_commit_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    for path in dist.make(tmp_path):
        assert path.read_bytes() == (folder / path.name).read_bytes(), path.name


def test_a_site_that_is_not_built_is_not_packed(tmp_path: Path) -> None:
    with pytest.raises(dist.CannotPackError, match="run `make book` first"):
        dist.make(tmp_path / "dist", tmp_path)
    assert not (tmp_path / "dist").exists()


class TestSite:
    def test_it_is_the_whole_site(self, site: Path) -> None:
        built = {path.relative_to(SITE) for path in SITE.rglob("*") if path.is_file()}
        assert {path.relative_to(site) for path in site.rglob("*") if path.is_file()} == {
            name for name in built if not name.name.startswith(".")
        }

    @pytest.mark.parametrize("name", ["index.html", "genindex.html", *toc_pages()])
    def test_every_page_opens_from_disk(self, offline: Window, site: Path, name: str) -> None:
        visit = offline.open((site / name).as_uri())
        # The root leads to the first page, the others stay where they are.
        visit.page.wait_for_url((site / (toc_pages()[0] if name == "index.html" else name)).as_uri())
        visit.typeset()
        visit.settle()
        written, typeset, fonts = visit.page.evaluate(
            """() => [document.querySelectorAll("article .math").length,
                document.querySelectorAll("article .math mjx-container").length,
                [...document.fonts].filter(font => font.status === "error").map(font => font.family)]"""
        )
        assert visit.requested and all(url.startswith(("file:", "data:", "blob:")) for url in visit.requested)
        assert not visit.failed
        assert not visit.errors
        assert typeset >= written
        assert not fonts

    def test_its_search_finds(self, offline: Window, site: Path) -> None:
        visit = offline.open((site / "search.html").as_uri() + "?q=centered")
        visit.page.locator("#search-results li a").first.wait_for()
        expect(visit.page.locator(".search-summary")).to_contain_text("found", timeout=1000 * SECONDS)
        visit.settle()
        found = visit.page.locator("#search-results li a").evaluate_all("links => links.map(link => link.href)")
        assert any("04_centered_rmsprop.html" in address for address in found)
        assert all((site / "chapters" / Path(address.split("#")[0].split("?")[0]).name).exists() for address in found)
        assert not visit.failed
        assert not visit.errors

    def test_its_playground_runs(self, offline: Window, site: Path) -> None:
        where = (site / "chapters" / "playground.html").as_uri() + "#surface=ravine&angle=30&steps=100"
        visit = offline.open(where)
        visit.page.locator(".playground-live").first.wait_for()
        address = visit.page.evaluate("playground.mounted[0].playground.address")
        drawn = visit.page.evaluate(
            """() => [...playground.mounted[0].host.shadowRoot.querySelectorAll("canvas")].map(canvas =>
                new Set(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data).size)"""
        )
        assert "surface=ravine" in address and "angle=30" in address and "steps=100" in address
        assert max(drawn) > 10  # more than one colour
        assert not visit.errors


class TestNotebooks:
    def test_it_holds_what_a_class_needs_and_nothing_else(self, notebooks: Path) -> None:
        there = {path.name for path in notebooks.iterdir()}
        assert there == {"README.md", *dist.BESIDE, *dist.FOLDERS, "exercises"}
        assert (notebooks / "rmsprop_lib" / "data" / "mnist.npz").stat().st_size > 10**7
        assert (notebooks / "rmsprop_lib" / "data" / "LICENSE-MNIST.md").exists()
        left_behind = [
            path for path in notebooks.rglob("*") if path.name.startswith(".") or "__pycache__" in path.parts
        ]
        assert not left_behind

    def test_the_readme_names_no_group_of_requirements_that_is_none(self, notebooks: Path) -> None:
        text = (notebooks / "README.md").read_text(encoding="utf-8")
        named = [name for group in re.findall(r"\[(\w+(?:,\w+)+)\]", text) for name in group.split(",")]
        project = (notebooks / "pyproject.toml").read_text(encoding="utf-8")
        assert len(named) == 3 * len(dist.EXTRAS)
        assert all(re.search(rf"^{name} = \[", project, re.MULTILINE) for name in named)
        assert "{" not in text

    def test_the_exercises_hold_no_solution(self, notebooks: Path) -> None:
        copies = sorted((notebooks / "exercises").glob("*.ipynb"))
        assert len(copies) >= 14
        assert not [path.name for path in copies if "Solution to" in path.read_text(encoding="utf-8")]

    def test_nothing_refers_to_a_file_that_is_not_there(self, notebooks: Path) -> None:
        dead, seen = [], 0
        for path in [
            *notebooks.glob("chapters/*.ipynb"),
            *notebooks.glob("exercises/*.ipynb"),
            *notebooks.rglob("*.md"),
        ]:
            text = path.read_text(encoding="utf-8")
            if path.suffix == ".ipynb":
                cells = json.loads(text)["cells"]
                text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
            targets = [t.split("#")[0] for t in LINK.findall(text) if not re.match(r"[a-z]+:|#", t)]
            targets = [target for target in targets if "." in target]
            # Sphinx's names of documents have no suffix, and are chapters wherever the notebook lies.
            documents = [notebooks / "chapters" / name for name in DOCUMENT.findall(text)]
            seen += len(targets) + len(documents)
            dead += [f"{path.name}: {target}" for target in targets if not (path.parent / target).exists()]
            dead += [
                f"{path.name}: {name.name}"
                for name in documents
                if not any(name.with_name(name.name + suffix).exists() for suffix in (".ipynb", ".md"))
            ]
        assert seen > 20
        assert not dead

    def test_its_library_is_whole(self, notebooks: Path, tmp_path: Path) -> None:
        code = (
            "import pkgutil, importlib, rmsprop_lib\n"
            "for module in pkgutil.walk_packages(rmsprop_lib.__path__, 'rmsprop_lib.'):\n"
            "    importlib.import_module(module.name)\n"
            "assert len(rmsprop_lib.data.load_mnist().train_images) == 60000\n"
            "from rmsprop_lib.playground.bundle import script\n"
            "assert len(script()) > 1000\n"
            # An editable installation elsewhere would lend what is missing here.
            "import sys\n"
            "print(*(module.__file__ for name, module in sys.modules.items() if name.startswith('rmsprop_lib')))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, env=elsewhere(notebooks), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        files = done.stdout.split()
        assert len(files) > 20
        assert not [file for file in files if not file.startswith(str(notebooks))]

    def test_a_chapter_gives_its_stored_outputs_there(self, notebooks: Path) -> None:
        command = [
            sys.executable,
            "-m",
            "pytest",
            "--nbval",
            "--nbval-current-env",
            "--nbval-cell-timeout=300",
            f"--nbval-sanitize-with={MEASURED}",
        ]
        options = ["-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", notebooks, "-q"]
        done = subprocess.run(
            [*command, *options, notebooks / SHORTEST],
            cwd=notebooks,
            env=elsewhere(notebooks),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr
        assert re.search(r"\d+ passed", done.stdout)
