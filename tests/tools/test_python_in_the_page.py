"""What runs Python in a page: the pinned files, where they come from, and what the site has of them."""

import ast
import hashlib
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import nbformat
import pytest
from page_python import python_in_the_page

from tools.environment import runtime
from tools.paths import CHAPTERS, SITE
from tools.site import answers, python_folder

# A pinned list for the tests: two small files.
DATA = {"a.txt": b"alpha", "within/b.txt": b"beta"}


@pytest.fixture
def listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A list of small files, in place of the book's; they lie in the folder that is returned."""
    files = [
        {"name": name, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "licence": "MIT"}
        for name, data in DATA.items()
    ]
    part = {"title": "Letters", "home": "", "pip": "no-such-package-of-letters==0", "within": "x", "files": files}
    pins = tmp_path / "pins.json"
    pins.write_text(json.dumps({"python": part}), encoding="utf-8")
    monkeypatch.setattr(runtime, "PINS", pins)
    folder = tmp_path / "files"
    folder.mkdir()
    for name, data in DATA.items():
        (folder / Path(name).name).write_bytes(data)
    # No test asks a registry.
    monkeypatch.setattr(runtime, "_in_package", lambda part: dict.fromkeys(DATA, b""))
    return folder


class TestFetching:
    def test_a_folder_can_be_named(self, listed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(runtime.SOURCE, str(listed))
        assert runtime.fetch("python", tmp_path / "cache") == ""
        assert runtime.cached("python", tmp_path / "cache") == DATA

    def test_what_is_there_is_not_fetched_again(
        self, listed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(runtime.SOURCE, str(listed))
        runtime.fetch("python", tmp_path / "cache")
        monkeypatch.setenv(runtime.SOURCE, str(tmp_path / "nowhere"))
        assert runtime.fetch("python", tmp_path / "cache") == ""

    @pytest.mark.parametrize("other", [b"alphA", b"alpha "])
    def test_a_file_with_another_hash_is_refused(
        self, listed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: bytes
    ) -> None:
        (listed / "a.txt").write_bytes(other)
        monkeypatch.setenv(runtime.SOURCE, str(listed))
        assert "a.txt has not the hash" in runtime.fetch("python", tmp_path / "cache")
        assert runtime.cached("python", tmp_path / "cache") is None
        assert not (tmp_path / "cache").exists()

    def test_a_damaged_cache_is_no_cache(self, listed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(runtime.SOURCE, str(listed))
        runtime.fetch("python", tmp_path / "cache")
        (tmp_path / "cache" / "python" / "a.txt").write_bytes(b"alphA")
        assert runtime.cached("python", tmp_path / "cache") is None
        assert runtime.fetch("python", tmp_path / "cache") == ""

    @pytest.mark.parametrize(("ci", "status"), [("", 0), ("true", 1)])
    def test_what_cannot_be_had_is_said_and_fails_where_it_matters(
        self,
        listed: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        ci: str,
        status: int,
    ) -> None:
        monkeypatch.setattr(runtime, "CACHE", tmp_path / "cache")
        monkeypatch.setattr(runtime.fetch, "__defaults__", (tmp_path / "cache",))
        monkeypatch.delenv(runtime.SOURCE, raising=False)
        monkeypatch.setenv("CI", ci)
        assert runtime.main() == status
        assert "no exercise can be answered in its page" in capsys.readouterr().err


class TestThePins:
    def test_every_file_has_a_hash_a_size_and_a_licence(self) -> None:
        assert set(runtime.pins()) == {"python", "figures", "editor"}
        for part, source in runtime.pins().items():
            assert re.fullmatch(r"[\w.-]+==[\w.]+|[\w@/.-]+@[\d.]+", source.get("pip") or source["npm"])
            for file in runtime.files(part):
                assert re.fullmatch(r"[0-9a-f]{64}", file.sha256) and file.size and file.licence

    def test_python_knows_its_version(self) -> None:
        python = runtime.pins()["python"]
        assert python["info"]["version"] in python["title"]
        assert any(file.name.startswith("numpy-2.0.2-") for file in runtime.files("python"))


@pytest.fixture(scope="module")
def served() -> dict[str, bytes]:
    """The folder ``python/`` of the site."""
    contents = python_folder.folder()
    if contents is None:
        pytest.skip("the runtime has not been fetched: python -m tools.environment.runtime")
    return contents


class TestTheSite:
    def test_it_has_these_files_and_no_others(self, served: dict[str, bytes]) -> None:
        if not (SITE / ".built").exists():
            pytest.skip("the site is not built")
        home = SITE / python_folder.FOLDER
        there = {path.relative_to(home).as_posix(): path.read_bytes() for path in home.rglob("*") if path.is_file()}
        assert there.keys() == served.keys()
        assert not [name for name in there if there[name] != served[name]], "run `make book`"

    def test_the_service_worker_keeps_all_of_them_but_itself(self, served: dict[str, bytes]) -> None:
        keeper = served["keeper.js"].decode()
        names = json.loads(re.search(r"const NAMES = (\[.*?\]);", keeper)[1])
        assert sorted(names) == sorted(served.keys() - {"keeper.js"})
        # All of them under a hash, or an old one would stay for good.
        assert all(re.match(r"(pyodide-)?[0-9a-f]{12}/", name) for name in names)

    def test_what_a_worker_loads_is_what_is_said(self, served: dict[str, bytes]) -> None:
        assert 8 <= python_folder.megabytes(served) <= 10
        assert 16 <= python_folder.megabytes(served, cells=True) <= 19

    def test_the_wheels_are_in_pyodide_s_list(self, served: dict[str, bytes]) -> None:
        lock = json.loads(next(data for name, data in served.items() if name.endswith("pyodide-lock.json")))
        assert {"numpy", "matplotlib", "python-dateutil"} <= lock["packages"].keys()
        for package in lock["packages"].values():
            wheel = next(data for name, data in served.items() if name.endswith(package["file_name"]))
            assert hashlib.sha256(wheel).hexdigest() == package["sha256"]

    def test_the_two_parts_of_the_library_share_nothing_and_hold_no_images(self) -> None:
        parts = [zipfile.ZipFile(io.BytesIO(python_folder.library(further))).namelist() for further in (False, True)]
        assert not set(parts[0]) & set(parts[1])
        assert {"rmsprop_lib/rules.py", "rmsprop_lib/playground/race.py"} <= set(parts[0])
        assert "rmsprop_lib/experiments/words.py" in parts[1]
        assert not [name for part in parts for name in part if "mnist.npz" in name or "torch_optim" in name]

    def test_the_licences_are_beside_them(self, served: dict[str, bytes]) -> None:
        notice = next(data for name, data in served.items() if name.endswith("NOTICE.txt")).decode()
        assert all(file.name in notice for part in runtime.pins() for file in runtime.files(part))

    def test_the_modules_of_the_editor_find_each_other(self, served: dict[str, bytes]) -> None:
        modules = {name: data.decode() for name, data in served.items() if "/editor/" in name and name.endswith(".js")}
        assert modules
        for name, text in modules.items():
            for other in re.findall(r'^import .*? from "([^"]+)";', text, re.MULTILINE):
                path = Path(name).parent / other
                assert any(Path(n).resolve() == path.resolve() for n in modules), (name, other)

    def test_a_build_without_the_runtime_has_no_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(runtime.cached, "__defaults__", (tmp_path,))
        assert python_folder.folder() is None

    def test_the_same_files_give_the_same_library(self) -> None:
        for further in (False, True):
            assert python_folder.library(further) == python_folder.library(further)


# The answers are the chapters' solutions.
IN_THE_PAGE = """
asked += [
    dict(kind="hint", name=name, level=level) for name in exercises.catalogue() for level in (1, 2)
]
replies += [[question, respond(**question)] for question in asked]
"""
MISSING = ("torch", "matplotlib", "numba", "triton")


def definitions(source: str) -> str:
    """What a solution defines, without the comparisons that follow, which use names of the chapter."""
    kept = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Import)]
    return "\n".join(map(ast.unparse, kept))


@pytest.fixture(scope="module")
def replies(tmp_path_factory: pytest.TempPathFactory) -> list[list[dict[str, Any]]]:
    """What Python in the page says to every solution of the book, and its hints."""
    folder = tmp_path_factory.mktemp("library")
    asked = []
    for path in sorted(CHAPTERS.glob("[0-9]*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            if "solution" in cell.metadata.get("tags", []) and (found := answers.checked(cell.source)):
                code = definitions(cell.source)
                asked.append({"kind": "check", "name": found[0], "answer": found[1], "code": code})
    return python_in_the_page(folder, IN_THE_PAGE, asked, without=MISSING)


class TestTheExercises:
    def test_every_solution_is_right_in_the_page_but_those_that_need_torch(self, replies) -> None:
        checks = {question["name"]: reply for question, reply in replies if question["kind"] == "check"}
        assert len(checks) >= 50
        not_right = {name: reply for name, reply in checks.items() if reply["kind"] != "right"}
        assert not_right.keys() == answers.NEEDS_TORCH, not_right

    def test_every_exercise_has_two_hints_in_the_page(self, replies) -> None:
        hints = [reply for question, reply in replies if question["kind"] == "hint"]
        assert hints and all(reply["kind"] == "hint" and "hint(" not in reply["lines"][0] for reply in hints)
