"""The site, built afresh: without a warning, without a dead link, and with nothing loaded from another host."""

import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from book_pages import repository_links, toc_pages
from bs4 import BeautifulSoup, Tag

from rmsprop_lib.playground import from_address
from tools.paths import ROOT

# A page that is put into place of one that is missing, and only leads on.
REDIRECT = "index.html"
MISSING = "404.html"
# Where the buttons lead in the site built here; tests/tools/test_launch_links.py says how a build finds its repository.
REPOSITORY, BRANCH = "https://github.com/someone/book", "spring"
PUBLISHED = "/book/"  # on GitHub Pages


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site built into an empty folder: no cache can hide a warning, and no stale page can answer a link."""
    folder = tmp_path_factory.mktemp("book")
    command = [Path(sys.executable).with_name("jupyter-book"), "build", ".", "--path-output", folder]
    environment = {**os.environ, "BOOK_REPOSITORY_URL": REPOSITORY, "BOOK_BRANCH": BRANCH}
    done = subprocess.run(
        [*command, "-W", "-n", "--keep-going"], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    report = done.stdout + done.stderr
    complaints = [line for line in report.splitlines() if re.search(r"WARNING|ERROR|error:", line)]
    assert done.returncode == 0, "the book does not build:\n" + ("\n".join(complaints) or report[-3000:])
    return folder / "_build" / "html"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, BeautifulSoup]:
    """Every page of the site by its address below the root, templates of the theme left out."""
    return {
        path.relative_to(site).as_posix(): BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for path in sorted(site.rglob("*.html"))
        if "_static" not in path.parts
    }


def references(page: BeautifulSoup) -> list[tuple[Tag, str]]:
    """Every address that a page names, with the element that names it."""
    named = [
        (tag, tag[name]) for name in ("href", "src", "data", "poster") for tag in page.find_all(attrs={name: True})
    ]
    sets = [(tag, part.split()[0]) for tag in page.find_all(srcset=True) for part in tag["srcset"].split(",")]
    leads = re.compile("refresh", re.IGNORECASE)
    onward = [(tag, tag["content"].partition("url=")[2]) for tag in page.find_all("meta", attrs={"http-equiv": leads})]
    return named + sets + onward


def is_elsewhere(address: str) -> bool:
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme not in ("", "data")


def test_it_builds_without_a_warning(site: Path) -> None:
    assert (site / "searchindex.js").exists()


def test_every_page_of_the_contents_is_there(pages: dict[str, BeautifulSoup]) -> None:
    assert not set(toc_pages()) - set(pages)


def test_every_chapter_has_the_number_of_its_file(pages: dict[str, BeautifulSoup]) -> None:
    for address in toc_pages():
        number = re.match(r"(\d+)_", Path(address).name)
        heading = pages[address].select_one("article h1").get_text()
        if number:
            assert heading.startswith(f"{int(number[1])}. "), (address, heading)
            numbers = [tag.get_text().strip("#") for tag in pages[address].select(".eqno, .caption-number")]
            assert all(re.search(rf"\b{int(number[1])}\.\d", text) for text in numbers), (address, numbers)


def test_every_link_and_anchor_inside_the_site_resolves(site: Path, pages: dict[str, BeautifulSoup]) -> None:
    anchors = {
        address: {tag[name] for name in ("id", "name") for tag in page.find_all(attrs={name: True})}
        for address, page in pages.items()
    }
    dead = []
    for address, page in pages.items():
        for _, target in references(page):
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            # The page for a missing address is shown anywhere, and names the folder that the site is published in.
            path = parts.path.partition(PUBLISHED)[2] if address == MISSING else parts.path
            file = (site / address).parent / unquote(path) if path else site / address
            file = file.resolve()
            if not file.is_file() or not file.is_relative_to(site.resolve()):
                dead.append(f"{address}: {target}")
            elif file.stem == "playground" and "=" in parts.fragment:
                from_address(unquote(parts.fragment))  # a state of the playground, or an error that says why not
            elif parts.fragment and file.suffix == ".html":
                known = anchors[file.relative_to(site.resolve()).as_posix()]
                if unquote(parts.fragment) not in known:
                    dead.append(f"{address}: {target}")
    assert not dead, "\n".join(dead)


def test_equations_are_referred_to(pages: dict[str, BeautifulSoup]) -> None:
    # Or the test above would say nothing about them.
    assert any(page.select('a[href*="#equation-"].internal') for page in pages.values())


def test_nothing_is_loaded_from_another_host(site: Path, pages: dict[str, BeautifulSoup]) -> None:
    foreign = []
    for address, page in pages.items():
        # A link to click and the address of the page itself load nothing.
        loading = [(tag, url) for tag, url in references(page) if tag.name != "a" and tag.get("rel") != ["canonical"]]
        foreign += [f"{address}: {tag.name} {url}" for tag, url in loading if is_elsewhere(url)]
    for path in site.rglob("*.css"):
        style = path.read_text(encoding="utf-8")
        urls = re.findall(r"""(?:url\(|@import)\s*["']?((?:https?:)?//[^"')\s]+)""", style)
        foreign += [f"{path.name}: {url}" for url in urls]
    assert not foreign, "\n".join(foreign)


def test_every_page_has_a_title_a_language_and_a_main_landmark(pages: dict[str, BeautifulSoup]) -> None:
    for address, page in pages.items():
        if address != REDIRECT:
            assert page.title and page.title.get_text(strip=True), address
            assert page.html.get("lang") == "en", address
            assert len(page.select("main, [role=main]")) == 1, address


def test_every_picture_says_what_it_shows(pages: dict[str, BeautifulSoup]) -> None:
    for address, page in pages.items():
        for picture in page.select("article img"):  # the logo has its words beside it
            assert picture.get("alt", "").strip(), f"{address}: {picture}"


def test_headings_go_down_one_step_at_a_time(pages: dict[str, BeautifulSoup]) -> None:
    for address in toc_pages():
        levels = [int(heading.name[1]) for heading in pages[address].select("article :is(h1, h2, h3, h4, h5, h6)")]
        assert levels.count(1) == 1 and levels[0] == 1, (address, levels)
        steps = [below - above for above, below in pairwise(levels)]
        assert max(steps, default=0) <= 1, (address, levels)


def test_every_button_that_leads_to_a_repository_opens_this_page_there(pages: dict[str, BeautifulSoup]) -> None:
    sources = {Path(address).with_suffix("").as_posix() for address in toc_pages()}
    for address, page in pages.items():
        if address == REDIRECT:
            continue
        name = Path(address).with_suffix("").as_posix()
        source = next((f"{name}{end}" for end in (".ipynb", ".md") if (ROOT / f"{name}{end}").is_file()), "")
        assert bool(source) == (name in sources), address
        wanted = {
            "source-repository-button": REPOSITORY,
            "source-issues-button": f"{REPOSITORY}/issues/new?title=Issue%20on%20page%20%2F{address}"
            "&body=Your%20issue%20content%20here.",
        }
        if source:
            wanted["source-edit-button"] = f"{REPOSITORY}/edit/{BRANCH}/{source}"
        if source.endswith(".ipynb"):
            path = REPOSITORY.removeprefix("https://github.com/")
            wanted["launch"] = f"https://mybinder.org/v2/gh/{path}/{BRANCH}?urlpath=lab/tree/{source}"
        found = repository_links(page)
        assert {kind: found.get(kind) for kind in wanted} == wanted, address
        # A text may cite a repository; none of its links may be to another Binder.
        assert not [link for kind, link in found.items() if kind not in wanted and "mybinder.org" in link], address


def test_every_entry_of_the_comparison_tables_leads_to_where_it_is_shown(pages: dict[str, BeautifulSoup]) -> None:
    """That what it leads to exists is tested with all other links."""
    page = pages["chapters/11_choosing.html"]
    for name in ("methods", "steps", "guarantees", "best", "repair"):
        table = page.find(id=f"table-choose-{name}")
        assert table is not None, name
        rows = [row.find_all("td") for row in table.find("tbody").find_all("tr")]
        assert len(rows) >= 7
        # What is seen of a run that misbehaves is the reader's own; everything else is shown somewhere.
        bare = [cell.get_text(strip=True) for row in rows for cell in row[1:] if not cell.find("a", href=True)]
        assert not bare, (name, bare)
