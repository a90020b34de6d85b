"""Equations in the chapters and functions in rules.py correspond, and every statement has its verdict."""

import inspect
import json
import re
from pathlib import Path

import pytest

from rmsprop_lib import matrix_rules, rules
from rmsprop_lib.claims import VERDICT_MIME, stored_verdicts
from tools.paths import CHAPTERS

NOTEBOOKS = {path.name[:2]: path for path in CHAPTERS.glob("[0-9][0-9]_*.ipynb")}
# These are arithmetic that rules are made of, and the choice of one; the others are the book's.
RULES = {
    name: function
    for name, function in inspect.getmembers(rules, inspect.isfunction)
    if function.__module__ == rules.__name__
    and name not in ("sqrt", "maximum", "weight_sum", "corrected", "sign", "of_sgd", "of_rmsprop")
}
RULES |= {
    name: function
    for name, function in inspect.getmembers(matrix_rules, inspect.isfunction)
    if function.__module__ == matrix_rules.__name__ and name not in ("rms", "inverse_root")
}
# The statements that each chapter has to put to the test.
STATEMENTS = {
    "01": ["L8", "L11"],
    "02": ["R1", "R4"],
    "03": ["H2", "H5", "H6", "L1", "L4", "L7", "R2", "R3", "R5", "R6", "R7", "R12", "R16"],
    "04": ["L2", "R8", "R9"],
    "05": ["H8"],
    "06": ["H7", "L3", "L5", "R13", "R15"],
    "07": ["H4"],
    "08": ["R10", "R11"],
    "09": ["H1", "H3"],
    "10": ["L6", "R14"],
    "11": ["H9", "H10", "L9", "L10", "R17", "R18", "R19"],
    "15": ["E1", "E2", "E3"],
    "16": ["G1", "G2", "G3"],
    "17": ["W1", "W2", "W3", "W4"],
    "18": ["P1", "P2", "P3", "P4"],
    "19": ["I1", "I2", "I3", "I4"],
    "20": ["F1", "F2", "F3", "F4"],
}


def markdown(chapter: str) -> str:
    cells = json.loads(NOTEBOOKS[chapter].read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$]*\$", re.DOTALL)
ADDRESS = re.compile(r"\]\([^)]*\)")


def texts(path: Path) -> list[str]:
    """The paragraphs of a page and the captions of its figures, without formulas and the addresses of links."""
    if path.suffix == ".md":
        found = [path.read_text(encoding="utf-8")]
    else:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        found = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
        found += [cell["metadata"].get("mystnb", {}).get("figure", {}).get("caption", "") for cell in cells]
    return [part for text in found for part in ADDRESS.sub("]", FORMULA.sub("", text)).split("\n\n")]


def labels(chapter: str) -> set[str]:
    return set(re.findall(r"^\$\$ \(([\w-]+)\)$", markdown(chapter), flags=re.MULTILINE))


@pytest.mark.parametrize("name", RULES)
def test_each_rule_names_its_equation_and_the_chapter_has_it(name: str) -> None:
    source = re.search(r"Source: chapter (\d\d), equation ``(\w+)``", inspect.getdoc(RULES[name]) or "")
    assert source, f"the docstring of {name} does not say which equation it is"
    chapter, label = source.groups()
    assert label == name
    if chapter in NOTEBOOKS:
        assert label in labels(chapter), f"chapter {chapter} has no equation labelled {label}"


@pytest.mark.parametrize("chapter", NOTEBOOKS)
def test_an_equation_with_a_rule_s_name_is_that_rule_s(chapter: str) -> None:
    for label in labels(chapter) & RULES.keys():
        assert f"chapter {chapter}, equation ``{label}``" in (inspect.getdoc(RULES[label]) or "")


@pytest.mark.parametrize("chapter", NOTEBOOKS)
def test_no_equation_is_labelled_twice(chapter: str) -> None:
    everywhere = [label for other in NOTEBOOKS for label in labels(other)]
    assert len(everywhere) == len(set(everywhere))


PAGES = sorted([*CHAPTERS.glob("*.ipynb"), *CHAPTERS.glob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_no_parentheses_stand_around_a_reference_to_an_equation_which_prints_its_own(page: Path) -> None:
    for text in texts(page):
        for reference in re.finditer(r"\{eq\}`[^`]+`", text):
            before = text[: reference.start()]
            assert before.count("(") <= before.count(")"), f"{before[-60:]}{reference[0]}"


@pytest.mark.parametrize("chapter", STATEMENTS)
def test_every_statement_of_a_chapter_has_a_verdict_and_a_place_to_link_to(chapter: str) -> None:
    found = {v["identifier"] for v in stored_verdicts(CHAPTERS) if v["notebook"] == NOTEBOOKS[chapter].name}
    assert found >= set(STATEMENTS[chapter])
    for identifier in found:
        assert f"(statement-{identifier})=\n**{identifier}. " in markdown(chapter), identifier


def test_appendix_c_lists_every_verdict() -> None:
    appendix = (CHAPTERS / "claims.ipynb").read_text(encoding="utf-8")
    table = "\n".join(
        "".join(output["data"]["text/markdown"])
        for cell in json.loads(appendix)["cells"]
        for output in cell.get("outputs", [])
    )
    for v in stored_verdicts(CHAPTERS):
        row = f"[{v['identifier']}]({v['notebook']}#statement-{v['identifier'].lower()})"
        assert row in table and v["number"].replace("|", "\\|") in table


def test_two_verdicts_on_one_statement_are_refused(tmp_path: Path) -> None:
    fields = {"identifier": "R1", "statement": "s", "judgement": "holds", "because": "b", "number": "1"}
    cell = {"outputs": [{"data": {VERDICT_MIME: fields}}]}
    for name in ("01_a.ipynb", "02_b.ipynb"):
        (tmp_path / name).write_text(json.dumps({"cells": [cell]}), encoding="utf-8")
    with pytest.raises(ValueError, match=r"R1 has a verdict in 01_a\.ipynb and in 02_b\.ipynb"):
        stored_verdicts(tmp_path)
