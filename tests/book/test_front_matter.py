"""The first page, the page for teachers, the symptoms and the questions: they agree with each other and lead on."""

import re
from itertools import pairwise

import nbformat
import pytest
from nbformat import NotebookNode

from tools.paths import CHAPTERS
from tools.site import first_race
from tools.site.contents import contents

NUMBERED = {int(page.name[:2]): page for page in sorted(CHAPTERS.glob("[0-9][0-9]_*.ipynb"))}
# What leads to a place in the book: a role with a label or a page.
REFERENCE = re.compile(r"\{(?:ref|numref|prf:ref|eq|doc)\}`[^`]+`")
THREAD = re.compile(r"https://(?:github\.com/[\w.-]+/[\w.-]+/(?:issues|pull)/\d+|[a-z.]+\.com/questions/\d+)")


def text_of(name: str) -> str:
    return (CHAPTERS / name).read_text(encoding="utf-8")


def table_of_teachers() -> dict[int, tuple[str, int, int]]:
    """For each chapter what it needs, its hours of reading and those of its exercises."""
    row = re.compile(r"^\* - (\d+) \{doc\}`.*\n  - (.+)\n  - (\d+) h\n  - (\d+) h$", re.MULTILINE)
    return {int(k): (needs, int(read), int(done)) for k, needs, read, done in row.findall(text_of("teachers.md"))}


def path_of(name: str) -> tuple[set[int], int]:
    """The whole chapters of a path on the first page, and its hours."""
    row = re.search(rf"^\| {name} \|[^|]*\|([^|]*)\| (\d+) \|$", text_of("index.md"), re.MULTILINE)
    return {int(k) for k in re.findall(r"\{doc\}`(\d+) <", row[1])}, int(row[2])


class TestFirstPage:
    def test_its_picture_is_the_race_as_it_is_run(self) -> None:
        assert text_of(first_race.PICTURE) == first_race.picture(), "run: python -m tools.site.first_race"

    def test_its_link_to_the_playground_has_the_same_race(self) -> None:
        assert f"(playground.ipynb#{first_race.ADDRESS})" in text_of("index.md")

    def test_every_optimizer_of_the_race_arrives_and_has_a_chapter(self) -> None:
        arrivals = first_race.arrivals()
        assert list(arrivals) == list(first_race.HOMES) and len(arrivals) == 5
        assert None not in arrivals.values()
        assert all((CHAPTERS / f"{home}.ipynb").is_file() for home in first_race.HOMES.values())

    def test_it_has_every_chapter_with_what_the_page_for_teachers_says_it_needs(self) -> None:
        row = re.compile(r"^\| (\d+) \| \{doc\}`[^`]+<(\w+)>` \| [^|]+\? \| ([^|]+) \|$", re.MULTILINE)
        found = {int(k): (name, needs) for k, name, needs in row.findall(text_of("index.md"))}
        assert {k: name for k, (name, _) in found.items()} == {k: page.stem for k, page in NUMBERED.items()}
        assert {k: needs for k, (_, needs) in found.items()} == {k: r[0] for k, r in table_of_teachers().items()}

    def test_a_path_has_the_chapters_that_its_own_need(self) -> None:
        for name in ("Core", "Theory"):
            chapters, _ = path_of(name)
            for k in chapters:
                needed = {
                    int(n) for n in re.findall(r"\b\d+\b", table_of_teachers()[k][0].replace("momentum in 1", ""))
                }
                assert needed <= chapters, (name, k)

    @pytest.mark.parametrize(("name", "share", "more"), [("Core", 0.5, 0), ("Theory", 1, 0), ("Engineer", 0.5, 0.5)])
    def test_the_hours_of_a_path_are_those_of_its_chapters(self, name: str, share: float, more: float) -> None:
        chapters, hours = path_of(name)
        table = table_of_teachers()
        assert hours == share * sum(table[k][1] for k in chapters) + more

    def test_a_course_takes_the_core_with_half_of_its_exercises(self) -> None:
        core, hours = path_of("Core")
        assert path_of("Course")[1] == hours + sum(table_of_teachers()[k][2] for k in core) / 2


class TestForTeachers:
    def test_the_hours_in_all_are_the_sum_of_the_table(self) -> None:
        rows = table_of_teachers().values()
        said = re.search(r"(\d+) hours of reading and (\d+) of exercises", text_of("teachers.md"))
        assert (int(said[1]), int(said[2])) == (sum(r[1] for r in rows), sum(r[2] for r in rows))

    def test_it_has_every_chapter(self) -> None:
        assert list(table_of_teachers()) == list(NUMBERED)

    def test_its_courses_take_as_long_as_the_paths(self) -> None:
        text = text_of("teachers.md")
        for name in ("Course", "Theory", "Engineer"):
            assert f"{path_of(name)[1]} hours" in text, name


class TestSymptoms:
    @staticmethod
    def rows() -> list[tuple[str, str, str]]:
        row = re.compile(r"^\* - (.+)\n  - (.+)\n  - (.+)$", re.MULTILINE)
        return [cells for cells in row.findall(text_of("symptoms.md")) if cells[0] != "what you see"]

    def test_every_symptom_has_a_cause_that_the_book_shows(self) -> None:
        assert len(self.rows()) >= 25
        for seen, cause, told in self.rows():
            assert REFERENCE.search(cause), seen
            assert len(told.split()) >= 8, seen

    def test_no_symptom_stands_twice(self) -> None:
        seen = [row[0] for row in self.rows()]
        assert len(seen) == len(set(seen))

    def test_it_has_every_cause_of_chapter_11(self) -> None:
        chapter = nbformat.read(NUMBERED[11], as_version=4)
        table = next(c.source for c in chapter.cells if ":name: table-choose-repair" in c.source)
        causes = {
            label for cell in re.findall(r"^\* - .+\n  - (.+)$", table, re.MULTILINE)[1:] for label in labels(cell)
        }
        here = {label for _, cause, _ in self.rows() for label in labels(cause)}
        assert len(causes) >= 10
        assert not causes - here


def labels(text: str) -> list[str]:
    return re.findall(r"<([\w-]+)>`", text)


Question = tuple[str, str, str, bool]


@pytest.fixture(scope="module")
def questions() -> list[Question]:
    """For each question its label, its words, the answer, and whether a run follows."""
    cells = nbformat.read(CHAPTERS / "questions.ipynb", as_version=4).cells
    asked = re.compile(r"^\((question-[\w-]+)\)=\n### (.+?)\n\n(.+)", re.MULTILINE | re.DOTALL)

    def question(cell: NotebookNode, after: NotebookNode | None) -> Question | None:
        match = asked.search(cell.source)
        return (*match.groups(), bool(after) and after.cell_type == "code") if match else None

    return [q for cell, after in pairwise([*cells, None]) if (q := question(cell, after))]


class TestQuestions:
    def test_there_are_thirty_each_with_an_anchor_of_its_own(self, questions: list[Question]) -> None:
        assert len(questions) == len({label for label, *_ in questions}) == 30
        assert all(words.endswith("?") or "?" in words for _, words, *_ in questions)

    def test_every_answer_is_short_and_ends_in_a_run_or_leads_to_a_section(self, questions: list[Question]) -> None:
        for label, _, answer, run in questions:
            assert REFERENCE.search(answer), label
            assert run or "section-" in answer or "thm-" in answer or "table-" in answer, label
            prose = answer.partition("\n\nAsked in")[0]
            assert 25 <= len(prose.split()) <= 110, label
            assert prose.count("\n\n") == 0, label
        assert sum(run for *_, run in questions) >= 15

    def test_most_of_them_name_the_threads(self, questions: list[Question]) -> None:
        threads = [THREAD.findall(answer) for _, _, answer, _ in questions]
        assert sum(map(bool, threads)) >= 25
        for (label, _, answer, _), links in zip(questions, threads, strict=True):
            assert len(links) == answer.count("](http"), label

    def test_the_first_lines_lead_to_all_of_them(self, questions: list[Question]) -> None:
        first = nbformat.read(CHAPTERS / "questions.ipynb", as_version=4).cells[0].source
        listed = re.findall(r"\[([^\]]+)\]\(#([\w-]+)\)", first)
        assert listed == [(words, label) for label, words, *_ in questions]


def test_both_stand_before_the_chapters() -> None:
    pages = list(contents())
    assert pages[:3] == ["chapters/index", "chapters/symptoms", "chapters/questions"]
    assert "(symptoms.md)" in text_of("index.md") and "(questions.ipynb)" in text_of("index.md")
