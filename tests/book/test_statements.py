"""The page of statements: every verdict has its card, every card its figure; and chapters show no more than a few."""

import json
import re

import pytest

from rmsprop_lib.claims import SIGNS, stored_verdicts
from rmsprop_lib.statements import CARDS, FIRST, METHODS, arranged, table
from tools.paths import CHAPTERS

VERDICTS = {v["identifier"]: v for v in stored_verdicts(CHAPTERS)}
NOTEBOOKS = {
    path.name: json.loads(path.read_text(encoding="utf-8"))["cells"] for path in sorted(CHAPTERS.glob("*.ipynb"))
}
FIGURES = {
    cell["metadata"].get("mystnb", {}).get("figure", {}).get("name"): cell
    for cells in NOTEBOOKS.values()
    for cell in cells
}
# How many statements a chapter leaves open; the others are for those who unfold them.
OPEN = 4
LABEL = re.compile(r"^\(statement-(\w+)\)=$", re.MULTILINE)


def test_every_verdict_has_a_card_and_every_card_a_verdict() -> None:
    assert set(CARDS) == set(VERDICTS), "rmsprop_lib/statements.py says what a statement is about"


@pytest.mark.parametrize("identifier", CARDS)
def test_a_card_says_what_it_is_about_and_shows_a_figure_of_the_book(identifier: str) -> None:
    about, figure = CARDS[identifier]
    assert about and set(about) <= set(METHODS)
    if figure:
        assert any("image/png" in output["data"] for output in FIGURES[figure]["outputs"])


def test_ten_come_first_and_there_is_some_of_each() -> None:
    first, others = arranged(VERDICTS.values())
    assert [v["identifier"] for v in first] == list(FIRST) and len(FIRST) == 10
    assert {v["judgement"] for v in first} == set(SIGNS)
    assert sum(v["judgement"] == "holds" for v in first) >= 3
    assert [v["notebook"] for v in others] == sorted(v["notebook"] for v in others)


def test_the_page_shows_them_in_this_order() -> None:
    outputs = [output for cell in NOTEBOOKS["claims.ipynb"] for output in cell.get("outputs", [])]
    shown = ["".join(output["data"]["text/markdown"]) for output in outputs]
    assert shown == [table(part) for part in arranged(VERDICTS.values())]


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_a_chapter_leaves_four_statements_open_at_most(notebook: str) -> None:
    still_open: set[str] = set()
    statement = ""
    for cell in NOTEBOOKS[notebook]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            labels = LABEL.findall(source)
            still_open.update(labels)
            statement = labels[-1] if labels else statement
        elif "further-statement" in cell["metadata"].get("tags", []):
            # On the cell with the verdict, which belongs to the label before it.
            assert re.search(rf'verdict\(\s*"{statement}"', source), source
            still_open.remove(statement)
    assert len(still_open) <= OPEN, still_open
