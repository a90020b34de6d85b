"""The page of helpers: it has every name that a chapter imports, and its examples run."""

import ast
import doctest
import json
import re

import matplotlib.pyplot as plt
import pytest

from tools.paths import CHAPTERS, ROOT

PAGE = (CHAPTERS / "helpers.md").read_text(encoding="utf-8")
# The rules and the optimizers are the book's subject; the reference sheet and the chapters have them.
ELSEWHERE = re.compile(r"rmsprop_lib\.(rules|numpy_optim|torch_optim)\b.*")


def names_in(code: str) -> set[str]:
    """The names of the library that a piece of code imports, and those that it takes from ``figures``."""
    tree = ast.parse("\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in code.splitlines()))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "rmsprop_lib":
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "figures":
            found.add(f"rmsprop_lib.figures.{node.attr}")
    return found


def imported() -> dict[str, str]:
    """The library's names in the cells of the notebooks, each with one of the notebooks that has it."""
    found = {}
    for path in sorted(CHAPTERS.glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                found |= dict.fromkeys(names_in("".join(cell["source"])), path.name)
    return {name: where for name, where in sorted(found.items()) if not ELSEWHERE.fullmatch(name)}


IMPORTED = imported()
# Each with the paragraph that begins it, and the code below.
ENTRIES = re.findall(r"^(\{py:\w+\}`.*?)\n\n```python\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


def test_the_chapters_import_from_the_library() -> None:
    assert len(IMPORTED) >= 30
    assert names_in("from rmsprop_lib.a import b\nfigures.lines(1)\n%matplotlib inline") == {
        "rmsprop_lib.a.b",
        "rmsprop_lib.figures.lines",
    }


@pytest.mark.parametrize("name", IMPORTED)
def test_every_name_that_a_cell_imports_is_on_the_page(name: str) -> None:
    last = name.rpartition(".")[2]
    said = [text for text, _ in ENTRIES if re.search(rf"`(figures\.)?{last}[`\s]", text)]
    modules = {"rmsprop_lib.figures", "rmsprop_lib.playground", "rmsprop_lib.conventions"}
    assert said or name in modules, f"{IMPORTED[name]} uses {name}, which chapters/helpers.md lacks"


@pytest.mark.parametrize(("text", "code"), ENTRIES, ids=[text[:60] for text, _ in ENTRIES])
def test_an_entry_says_what_it_does_links_to_the_reference_and_shows_it(text: str, code: str) -> None:
    targets = re.findall(r"\{py:\w+\}`(?:[^`<]+ <)?(rmsprop_lib[\w.]+)>?`", text)
    assert targets and text.endswith(".")
    for target in targets:
        assert (
            target.rpartition(".")[2] in code
            or target.startswith("rmsprop_lib.experiments")
            or target in ("rmsprop_lib.playground",)
        ), f"the example does not use {target}"


def test_its_examples_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("TQDM_DISABLE", "1")
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, "helpers.md", "helpers.md", 0)
    said: list[str] = []
    result = doctest.DocTestRunner().run(test, out=said.append)
    plt.close("all")
    assert result.attempted >= 60 and not result.failed, "".join(said)
