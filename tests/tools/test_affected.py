"""`make check` runs what a change can have broken: what uses it, nearest first, and says what it leaves out."""

import json
import subprocess
from pathlib import Path

import nbformat
import pytest

from tools.paths import CHAPTERS, ROOT
from tools.testing import affected
from tools.testing.affected import Plan, changed_definitions, numbers_of_rules, plan, sources
from tools.testing.times import Times
from tools.testing.uses import BODY, Uses

RULES = '''
def half(x):
    """Source: chapter 01, equation ``half``."""
    return x / 2


def quarter(x):
    """Source: chapter 02, equation ``quarter``."""
    return half(half(x))


def unused(x):
    return x
'''
FILES = {
    "rmsprop_lib/__init__.py": "",
    "rmsprop_lib/rules.py": RULES,
    "rmsprop_lib/shell/__init__.py": "from rmsprop_lib.shell.whole import Shell\n",
    "rmsprop_lib/shell/whole.py": "from rmsprop_lib import rules\nclass Shell:\n    go = lambda _: rules.quarter(1)\n",
    "rmsprop_lib/exercises/chapter_02.py": "EXERCISES = []\n",
    "tests/library/helper.py": "from rmsprop_lib.rules import half\n\n\ndef twice():\n    return half(4)\n",
    "tests/library/test_rules.py": "from rmsprop_lib.rules import half\n\n\ndef test():\n    assert half(2) == 1\n",
    "tests/library/test_helped.py": "from helper import twice\n\n\ndef test():\n    assert twice() == 2\n",
    "tests/library/test_shell.py": "from rmsprop_lib import shell\n\n\ndef test():\n    shell.Shell().go()\n",
    "tests/library/test_any.py": "from rmsprop_lib import rules\n\n\ndef test():\n    getattr(rules, 'unused')\n",
    "tests/library/test_program.py": "def test():\n    run('from rmsprop_lib.shell.whole import Shell')\n",
    "tests/library/test_apart.py": "def test():\n    assert True\n",
    "tests/site/test_page.py": "from browser import opened\nfrom rmsprop_lib.rules import half\ntest = opened(half)\n",
    "tests/site/test_built.py": "from pages import page\nfrom rmsprop_lib.rules import half\ntest = page(half)\n",
    "tests/pages.py": "from tools.paths import ROOT, SITE\npage = lambda x: SITE\nroot = lambda: ROOT\n",
    "tests/browser.py": "def opened(x): ...\n",
    "tools/paths.py": "ROOT = '.'\nSITE = '_build'\n",
    "tests/tools/test_readme.py": "def test():\n    assert True\n",
    "README.md": "Read me.\n",
    "chapters/runs.json": '{"seconds": {"01_half": 5}}',
}  # fmt: skip


def notebook(*cells: str) -> str:
    return nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells]))


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A small repository of the book's form, all of it committed."""
    chapters = {
        "chapters/01_half.ipynb": notebook("%matplotlib inline\nfrom rmsprop_lib.rules import half", "half(1)"),
        "chapters/02_quarter.ipynb": notebook("1 + 1"),
    }
    for name, text in {**FILES, **chapters}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "-c", "user.name=n", "-c", "user.email=e", "commit", "-qm", "all")
    return tmp_path


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True)


def change(book: Path, name: str, old: str, new: str) -> Plan:
    text = (book / name).read_text(encoding="utf-8")
    assert old in text
    (book / name).write_text(text.replace(old, new), encoding="utf-8")
    return plan(book, "HEAD")[0]


def test_nothing_has_changed(book: Path) -> None:
    assert plan(book, "HEAD") == (Plan(), [], set())


def test_what_uses_it_is_run_the_nearest_first(book: Path) -> None:
    chosen = change(book, "rmsprop_lib/rules.py", "x / 2", "x / 3")
    # Through another rule, a class and the package that passes it on, or as a program's text; by getattr, all is meant.
    assert chosen.by_distance == {
        "tests/library/test_rules.py": 1,
        "tests/library/test_any.py": 1,
        "chapters/01_half.ipynb": 1,
        "tests/library/test_helped.py": 2,
        "tests/library/test_shell.py": 3,
        "tests/library/test_program.py": 3,
    }
    # The chapter that derives the rule and the rules' doctests are run whatever they take.
    assert chosen.always == {"rmsprop_lib/rules.py", "chapters/01_half.ipynb"}
    assert chosen.site == {"tests/site/test_page.py", "tests/site/test_built.py"}


def test_what_does_not_use_the_definition_is_not_run(book: Path) -> None:
    chosen = change(book, "rmsprop_lib/rules.py", "    return x\n", "    return -x\n")
    assert chosen.by_distance == {"tests/library/test_any.py": 1}


def test_words_alone_change_nothing_but_doctests(book: Path) -> None:
    chosen = change(book, "rmsprop_lib/rules.py", '"""Source', '"""Half. Source')
    assert chosen == Plan(always={"rmsprop_lib/rules.py"})


def test_what_has_changed_itself_is_always_run(book: Path) -> None:
    assert change(book, "tests/library/test_apart.py", "True", "1").always == {"tests/library/test_apart.py"}
    changed = change(book, "chapters/02_quarter.ipynb", "1 + 1", "2 + 2")
    assert changed.always == {"tests/library/test_apart.py", "chapters/02_quarter.ipynb"}
    assert changed.site == {"chapters/02_quarter.ipynb"}


def test_the_chapter_of_an_exercise_is_always_run(book: Path) -> None:
    chosen = change(book, "rmsprop_lib/exercises/chapter_02.py", "[]", "[1]")
    assert "chapters/02_quarter.ipynb" in chosen.always


def test_new_files_count_and_for_files_that_are_gone_everything_is_run(book: Path) -> None:
    (book / "tests" / "library" / "test_new.py").write_text("def test(): ...\n")
    assert plan(book, "HEAD")[0].always == {"tests/library/test_new.py"}
    (book / "tests" / "library" / "helper.py").unlink()
    chosen, _, _ = plan(book, "HEAD")
    assert {"tests/library/test_apart.py", "chapters/02_quarter.ipynb"} <= set(chosen.by_distance)


def test_what_is_no_code_is_seen_by_the_tests_that_speak_of_it(book: Path) -> None:
    assert change(book, "README.md", "me", "us").by_distance == {"tests/tools/test_readme.py": 1}


def test_the_budget_takes_the_nearest_and_names_the_rest() -> None:
    chosen = Plan(always={"changed"}, by_distance={"far": 3, "near": 1, "long": 2, "changed": 0})
    seconds = {"changed": 500.0, "near": 10.0, "long": 100.0, "far": 20.0}
    assert chosen.within(40, seconds) == (["changed", "near", "far"], ["long"])
    assert chosen.within(0, seconds) == (["changed", "near", "long", "far"], [])


def test_a_definition_is_compared_without_its_place_and_its_words() -> None:
    before = "import a\n\n\ndef f():\n    return a.b\n\n\nX = 1\n"
    assert not changed_definitions(before, '"""Words."""\nimport a\nX = 1\n\ndef f():\n    "More."\n    return a.b\n')
    assert changed_definitions(before, before.replace("a.b", "a.c") + "print(X)\nY = 2\n") == {"f", BODY, "Y"}
    # The same words mean something else once an import is another.
    assert changed_definitions(before, before.replace("import a", "import c as a")) == {"f"}


def test_it_reads_this_repository() -> None:
    known = sources(ROOT)
    uses = Uses(known)
    near = uses.distances({("rmsprop_lib.rules", "adam")})
    assert near["tests/library/test_rules.py"] == near["chapters/06_adam.ipynb"] == 1
    assert near["tests/library/test_torch_optim_database.py"] <= 3 and near["tests/library/test_exercises.py"] <= 4
    assert "tests/library/test_data.py" not in near and "tests/library/test_figures.py" not in near
    fit = uses.distances({("rmsprop_lib.training.copies", "train_copies")})
    assert "chapters/10_tuning.ipynb" in fit and "chapters/02_adagrad.ipynb" not in fit
    assert numbers_of_rules(ROOT, {"adam", "rmsprop"}) == {"03", "06", "12"}
    assert {f"chapters/{path.name}" for path in CHAPTERS.glob("*.ipynb")} < set(known)


def test_what_the_files_took_is_added_up(tmp_path: Path) -> None:
    times = Times(tmp_path / "new" / "times.json")
    for nodeid, seconds in (("a.py::x", 1.0), ("b.ipynb::Cell 0", 0.25), ("a.py::y", 2.0)):
        times.pytest_runtest_logreport(
            pytest.TestReport(nodeid, ("", 0, ""), {}, "passed", None, "call", duration=seconds)
        )
    times.pytest_sessionfinish(None)  # type: ignore[arg-type]
    assert json.loads(times.file.read_text()) == {"a.py": 3.0, "b.ipynb": 0.2}


def test_it_says_so_when_there_is_nothing_to_do(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setattr(affected, "plan", lambda root, base: (Plan(), [], set()))
    assert affected.main(["--base", "v1"]) == 0
    assert "Nothing has changed since v1." in capsys.readouterr().out
