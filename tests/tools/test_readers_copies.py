"""Readers' copies: plain Markdown, references that read and lead somewhere, and the code as it was."""

import json
import re
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from tools.notebooks import execute, exercises, reading
from tools.notebooks.plain import CannotConvertError, Converter, Links
from tools.paths import CHAPTERS
from tools.publish import colab

NOTEBOOKS = sorted(CHAPTERS.glob("*.ipynb"))
PAGES = sorted(CHAPTERS.glob("*.md"))
SHORTEST = "12_conventions.ipynb"
SITE = "https://someone.github.io/book/"
REPOSITORY = "https://github.com/someone/book"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
# A role, a directive, a target or a label of an equation. What is written about them stands in code.
OF_MYST = re.compile(
    r"\{[a-z]+(?::[a-z]+)?\}`|^ *:{3,}|^ *`{3,} *\{|^\([\w-]+\)=|\$\$ *\([\w-]+\)|^:[\w-]+: ", re.MULTILINE
)
FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$]*\$", re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\[\]]*(?:\[[^\]]*\])?[^\[\]]*\]\((?P<address>[^)\s]*)(?: \"[^\"]*\")?\)")


def texts(notebook: NotebookNode) -> str:
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def links(text: str) -> list[str]:
    """The addresses to which a text leads. A formula may look like a link."""
    return [found["address"] for found in LINK.finditer(FORMULA.sub("x", text))]


def parsed(contents: dict[str, bytes]) -> dict[str, str]:
    """The texts of the pages of a copy."""
    found = {}
    for name, content in contents.items():
        if name.endswith(".ipynb"):
            found[name] = texts(nbformat.reads(content.decode(), as_version=4))
        elif name.endswith(".md"):
            found[name] = content.decode()
    return found


@pytest.fixture(scope="module")
def copies() -> dict[str, bytes]:
    return reading.copies()


@pytest.fixture(scope="module")
def for_colab() -> dict[str, bytes]:
    return colab.copies(REPOSITORY, COMMIT, SITE)


@pytest.fixture(scope="module")
def working_copy(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("exercises")
    exercises.make(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def convert() -> Converter:
    return Converter(Links(frozenset({"03_rmsprop.ipynb"}), SITE))


@pytest.mark.parametrize("kind", ["copies", "for_colab", "working_copy"])
def test_nothing_of_myst_is_left(kind: str, request: pytest.FixtureRequest) -> None:
    pages = parsed(request.getfixturevalue(kind))
    assert {name for name in pages if re.match(r"\d\d_", name)} == {p.name for p in NOTEBOOKS if p.name[:2].isdigit()}
    left = [f"{name}: {found[0]}" for name, text in pages.items() for found in OF_MYST.finditer(text)]
    assert not left


def test_code_is_as_it_was(copies: dict[str, bytes], for_colab: dict[str, bytes]) -> None:
    for path in NOTEBOOKS:
        source = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
        for kind in (copies, for_colab):
            copy = nbformat.reads(kind[path.name].decode(), as_version=4)
            cells = [cell for cell in copy.cells if cell.cell_type == "code" and cell.id != colab.CELL]
            assert [(cell.id, cell.source) for cell in cells] == [(cell.id, cell.source) for cell in source]
            assert [len(cell.outputs) for cell in cells] == [len(cell.outputs) for cell in source]
            assert len({cell.id for cell in copy.cells}) == len(copy.cells)


def test_every_link_leads_to_a_cell_or_a_file_beside_it(
    copies: dict[str, bytes], working_copy: dict[str, bytes]
) -> None:
    for kind in (copies, working_copy):
        cells = {
            name: {cell["id"] for cell in json.loads(content)["cells"]}
            for name, content in kind.items()
            if name.endswith(".ipynb")
        }
        seen = 0
        for name, text in parsed(kind).items():
            for address in links(text):
                if re.match(r"https?:", address):
                    continue
                file, _, fragment = address.partition("#")
                assert (file or name) in kind, (name, address)
                if fragment.startswith("cell-id="):
                    assert fragment.removeprefix("cell-id=") in cells[file or name], (name, address)
                    seen += 1
        assert seen > 500


def test_in_colab_every_link_leads_to_the_site_or_elsewhere(for_colab: dict[str, bytes]) -> None:
    addresses = [address for text in parsed(for_colab).values() for address in links(text)]
    assert len([address for address in addresses if address.startswith(SITE)]) > 500
    assert not [address for address in addresses if not re.match(r"https?://", address)]


def test_without_a_site_and_without_neighbours_references_are_words() -> None:
    alone = Converter(Links())
    text = alone.text("By {eq}`rmsprop` and {prf:ref}`thm-step-bound`, [R2](03_rmsprop.ipynb#statement-r2).", "x.md")
    assert text == "By (3.2) and Theorem 3.2, R2."


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("{eq}`rmsprop`", "[(3.2)](#cell-id=03-002)"),
        ("{eq}`adagrad`", f"[(2.8)]({SITE}chapters/02_adagrad.html#equation-adagrad)"),
        ("{numref}`Section %s <section-weights>`", "[Section 3.2](#cell-id=03-003)"),
        ("{ref}`H5 <statement-H5>`", "[H5]("),
        ("{ref}`section-weights`", "[How far back the average looks](#cell-id=03-003)"),
        ("{numref}`fig-ema-weights`", "[Figure 3.3]("),
        ("{ref}`ex-rmsprop-step`", "[Exercise 3.2 (One step of RMSprop)]("),
        ("{doc}`how to use this book <index>`", f"[how to use this book]({SITE}chapters/index.html)"),
        ("{cite:p}`tieleman2012`", "([Tieleman and Hinton, 2012](https://www.cs.toronto.edu/"),
        ("(as said, {cite:p}`tieleman2012`)", "(as said, [Tieleman and Hinton, 2012]("),
        ("{cite:t}`duchi2011`", f"[Duchi et al. (2011)]({SITE}chapters/bibliography.html"),
        ("{term}`ravine`", f"[ravine]({SITE}chapters/glossary.html#term-ravine)"),
        ("{term}`noise floors <noise floor>`", f"[noise floors]({SITE}chapters/glossary.html#term-noise-floor)"),
        ("[turn it](playground.ipynb#angle=45)", f"[turn it]({SITE}chapters/playground.html#angle=45)"),
        ("(section-weights)=\n## Weights", "## Weights"),
        ("$$\na\n$$ (rmsprop)", "$$\na\n\\tag{3.2}\n$$"),
        (":::{dropdown} A. `v` is $0$\nNo.\n:::", "<summary><b>A. <code>v</code> is $0$</b></summary>\n\nNo.\n\n</de"),
        (":::{solution} ex-rmsprop-step\n\nSo.", "<b>Solution to Exercise 3.2 (One step of RMSprop)</b>"),
        (":::{prf:proof}\nClear.\n:::", "*Proof.* Clear. ∎"),
        ("```{list-table}\n:header-rows: 1\n\n* - a\n  - $|b|$\n```", "| a | $\\vert b\\vert$ |\n|---|---|"),
        ("```{list-table}\n:header-rows: 1\n\n* - a\n  - b|c\n```", "| a | b\\|c |"),
    ],
)  # fmt: skip
def test_what_becomes_of(convert: Converter, source: str, wanted: str) -> None:
    assert wanted in convert.text(source, "03_rmsprop.ipynb")


def test_a_theorem_is_a_quotation_with_its_number_and_its_formulas_on_one_line(convert: Converter) -> None:
    text = convert.text(
        ":::{prf:theorem} Step bound\n:label: thm-step-bound\n\nAlways\n\n$$\na\n< b\n$$ (step-bound)\n:::\nThen",
        "03_rmsprop.ipynb",
    )
    number = convert.book.labels["step-bound"].number
    assert text == f"> **Theorem 3.2 (Step bound)**\n>\n> Always\n>\n> $$ a < b \\tag{{{number}}} $$\n\nThen"


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        (":::{margin}\nA\n:::", "directive 'margin' is not known"),
        ("{abbr}`EMA`", "role 'abbr' is not known"),
        ("{eq}`nowhere`", "no label 'nowhere'"),
        ("{term}`nothing`", "the glossary has no 'nothing'"),
        ("{cite:p}`nobody1900`", "no 'nobody1900'"),
    ],
)
def test_what_is_not_known_is_refused_and_not_passed_on(convert: Converter, source: str, complaint: str) -> None:
    with pytest.raises(CannotConvertError, match=f"03_rmsprop.ipynb: .*{complaint}"):
        convert.text(source, "03_rmsprop.ipynb")


def test_a_term_leads_to_the_glossary_beside_the_copy_and_in_the_glossary_itself_is_a_word() -> None:
    beside = Converter(Links(frozenset({"03_rmsprop.ipynb", "glossary.md"})))
    assert beside.text("A {term}`ravine`.", "03_rmsprop.ipynb") == "A [ravine](glossary.md)."
    assert beside.text("Two {term}`ravines <ravine>`.", "glossary.md") == "Two ravines."


def test_below_a_figure_stands_its_caption(copies: dict[str, bytes]) -> None:
    cells = nbformat.reads(copies["03_rmsprop.ipynb"].decode(), as_version=4).cells
    figures = [k for k, cell in enumerate(cells) if cell.metadata.get("mystnb", {}).get("figure", {}).get("caption")]
    assert len(figures) >= 5
    for number, k in enumerate(figures, start=1):
        assert cells[k + 1].source.startswith(f"**Figure 3.{number}.** ")


def test_what_a_reader_has_changed_is_left_alone_and_the_rest_follows_the_book(tmp_path: Path) -> None:
    assert reading.put(tmp_path, {"a": b"1", "b": b"1"}) == (["a", "b"], [])
    (tmp_path / "a").write_bytes(b"mine")
    assert reading.put(tmp_path, {"a": b"2", "b": b"2"}) == (["b"], ["a"])
    assert (tmp_path / "a").read_bytes() == b"mine" and (tmp_path / "b").read_bytes() == b"2"
    (tmp_path / "a").unlink()
    assert reading.put(tmp_path, {"a": b"2", "b": b"2"}) == (["a"], [])


class TestColab:
    def test_the_first_code_gets_the_library_at_its_commit_and_what_lies_beside(
        self, for_colab: dict[str, bytes]
    ) -> None:
        for name, content in for_colab.items():
            cells = nbformat.reads(content.decode(), as_version=4).cells
            assert cells[0].source.startswith("# ")
            assert cells[1] == next(cell for cell in cells if cell.cell_type == "code"), name
            assert f'"rmsprop-lib @ {REPOSITORY}/archive/{COMMIT}.zip"' in cells[1].source
            fetched = re.findall(
                rf"https://raw\.githubusercontent\.com/someone/book/{COMMIT}/chapters/(\w+)\.py", cells[1].source
            )
            assert fetched == (["many_machines"] if name == "14_speed.ipynb" else []), name
            # An archive is installed without MNIST, which goes to where the library looks for it.
            mnist = f"https://raw.githubusercontent.com/someone/book/{COMMIT}/rmsprop_lib/data/mnist.npz"
            assert cells[1].source.index("%pip") < cells[1].source.index("import MNIST_FILE")
            assert f"!wget --quiet -O {{MNIST_FILE}} {mnist}" in cells[1].source, name

    def test_it_gets_nothing_anywhere_else(self, for_colab: dict[str, bytes]) -> None:
        source = nbformat.reads(for_colab["03_rmsprop.ipynb"].decode(), as_version=4).cells[1].source
        before, _, after = source.partition('\nif "google.colab" in sys.modules:\n')
        assert not re.search(r"^\s*[%!]", before, re.MULTILINE)
        assert all(line.startswith("    ") for line in after.splitlines())

    def test_the_sources_have_no_such_cell(self) -> None:
        assert not [path.name for path in NOTEBOOKS if "google.colab" in path.read_text(encoding="utf-8")]

    def test_a_converted_chapter_runs_and_gives_its_outputs(self, for_colab: dict[str, bytes]) -> None:
        copy = nbformat.reads(for_colab[SHORTEST].decode(), as_version=4)
        done = execute.run(copy, CHAPTERS)
        for before, after in zip(copy.cells, done.cells, strict=True):
            if before.cell_type == "code" and "nbval-ignore-output" not in before.metadata.get("tags", []):
                assert [output.output_type for output in after.outputs] == [
                    output.output_type for output in before.outputs
                ]
        (setup,) = (cell for cell in done.cells if cell.id == colab.CELL)
        assert not setup.outputs

    def test_without_a_repository_there_is_nothing_to_get_the_library_from(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(colab, "this_repository", lambda root: {})
        with pytest.raises(colab.CannotMakeError, match="No repository on GitHub is known"):
            colab.make(tmp_path)
