"""What readers' copies say of the book is what its site says: numbers, names and years, and addresses that exist."""

import re
from functools import cache

import nbformat
import pytest
from built_site import require_site

from tools.notebooks.citations import references
from tools.notebooks.labels import Book, read
from tools.paths import CHAPTERS, SITE
from tools.publish import colab

NUMBER = re.compile(r'class="(?:caption-number|section-number|eqno)">([^<]*)<')
CITED = re.compile(r'href="bibliography\.html#id\d+"[^>]*>(.*?)</a>')
PUBLISHED = "https://someone.github.io/book/"


@cache
def page(name: str) -> str:
    return (SITE / "chapters" / f"{name}.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def book() -> Book:
    require_site()
    return read(CHAPTERS)


def test_every_label_has_the_site_s_number_and_anchor(book: Book) -> None:
    assert len(book.labels) > 600
    wrong = []
    for name, label in book.labels.items():
        html = page(label.file.rpartition(".")[0])
        where = html.find(f'id="{label.anchor}"')
        assert where >= 0, (name, label)
        if label.number:
            wanted = label.number if label.kind == "Section" else label.words.partition(f" ({label.title})")[0]
            found = NUMBER.search(html, where)
            if found is None or found[1].strip().rstrip(".") != wanted:
                wrong.append((name, wanted, found and found[1]))
    assert not wrong


def test_every_citation_has_the_site_s_names_and_year(book: Book) -> None:
    ours = {f"{reference.authors}, {reference.year}" for reference in references(CHAPTERS / "references.bib").values()}
    texts = [
        re.sub(r"<[^>]+>", "", found).replace("\N{NO-BREAK SPACE}", " ")
        for name in book.files
        for found in CITED.findall(page(name))
    ]
    # Where the names are part of the sentence, only the year is a link.
    cited = {text for text in texts if not re.fullmatch(r"\d{4}", text)}
    assert len(cited) > 80
    assert not cited - ours


def test_every_address_on_the_site_that_a_copy_names_exists(book: Book) -> None:
    address = re.compile(rf"\]\({re.escape(PUBLISHED)}(?P<path>[^)#\s]+)(?:#(?P<anchor>[^)\s]+))?")
    seen = 0
    for name, content in colab.copies("https://github.com/someone/book", "0" * 40, PUBLISHED).items():
        for cell in nbformat.reads(content.decode(), as_version=4).cells:
            for found in address.finditer(cell.source if cell.cell_type == "markdown" else ""):
                assert (SITE / found["path"]).exists(), (name, found[0])
                # Behind the playground's address stands its state.
                if found["anchor"] and "playground" not in found["path"]:
                    assert f'id="{found["anchor"]}"' in page(found["path"].split("/")[-1].removesuffix(".html")), (
                        name,
                        found[0],
                    )
                seen += 1
    assert seen > 500
