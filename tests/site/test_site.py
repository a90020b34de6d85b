"""The built site, file by file: of these sources and no others, without a dead link, with nothing from another host."""

import re
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from book_pages import built_page, repository_links, source_of, toc_pages, wanted_links
from bs4 import BeautifulSoup, Tag
from built_site import require_site

from rmsprop_lib.playground import from_address
from rmsprop_lib.playground.bundle import script
from tools.paths import ROOT, SITE
from tools.site import first_race

# A page that is put into place of one that is missing, and only leads on.
REDIRECT = "index.html"
MISSING = "404.html"
MODULES = "_modules/index.html"
BUTTONS = {"source-repository-button", "source-issues-button", "source-edit-button", "launch", "colab"}


@pytest.fixture(scope="module")
def pages() -> dict[str, BeautifulSoup]:
    """Every page of the site by its address below the root, templates of the theme left out."""
    require_site()
    paths = [path.relative_to(SITE) for path in sorted(SITE.rglob("*.html"))]
    return {path.as_posix(): built_page(path.as_posix()) for path in paths if "_static" not in path.parts}


@pytest.fixture(scope="module")
def published(pages: dict[str, BeautifulSoup]) -> str:
    """The folder in which the site is published, such as ``/book/`` on GitHub Pages."""
    first = toc_pages()[0]
    path = urlsplit(pages[first].select_one('link[rel="canonical"]')["href"]).path
    assert path.endswith(first)
    return path.removesuffix(first)


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


def test_it_is_built_so_that_a_warning_fails() -> None:
    require_site()
    recipe = re.search(r"jupyter-book build \.(.*)\n\t@touch \$@\n", (ROOT / "Makefile").read_text(encoding="utf-8"))
    # Every warning an error, references to nothing too, and no page from the cache, which would keep its own to itself.
    assert {"-W", "-n", "--all"} <= set(recipe[1].split())


def test_it_is_made_of_what_lies_here(pages: dict[str, BeautifulSoup]) -> None:
    """Chapters, library and assets; whether settings or extensions have changed since, make knows."""
    copies = {SITE / "_sources" / source: ROOT / source for source in map(source_of, toc_pages())}
    assets = [path for path in (ROOT / "assets").rglob("*") if path.is_file()]
    copies |= {SITE / "_static" / asset.relative_to(ROOT / "assets"): asset for asset in assets}
    differ = [f"{file}" for copy, file in copies.items() if not copy.exists() or copy.read_bytes() != file.read_bytes()]
    for address in pages:
        if address.startswith("_modules/rmsprop_lib"):
            module = ROOT / Path(address).relative_to("_modules").with_suffix(".py")
            code = module if module.exists() else module.with_suffix("") / "__init__.py"
            shown = pages[address].select_one("article pre").get_text().replace("[docs]", "").split()
            written = code.read_text(encoding="utf-8").replace("[docs]", "").split() if code.exists() else []
            differ += [address] if shown != written else []
    for name, made in (("playground.js", script()), (first_race.SCRIPT, first_race.script())):
        differ += [name] if (SITE / "_static" / name).read_text(encoding="utf-8") != made else []
    assert not differ, f"{differ} have changed since: run `make book`."


def test_no_page_is_left_over(pages: dict[str, BeautifulSoup]) -> None:
    """From a source that is no more: it would be published, and could answer a link."""
    modules = {f"_modules/{link['href']}" for link in pages[MODULES].select("article li a")}
    known = {*toc_pages(), *modules, MODULES, REDIRECT, MISSING, "genindex.html", "search.html"}
    sources = {path.relative_to(SITE / "_sources").as_posix() for path in (SITE / "_sources").rglob("*.*")}
    left_over = sorted(set(pages) - known | sources - set(map(source_of, toc_pages())))
    assert not left_over, f"{left_over}: remove {SITE.name} and run `make book`."


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


def test_every_link_and_anchor_inside_the_site_resolves(pages: dict[str, BeautifulSoup], published: str) -> None:
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
            path = parts.path.removeprefix(published) if address == MISSING else parts.path
            file = (SITE / address).parent / unquote(path) if path else SITE / address
            file = file.resolve()
            if not file.is_file() or not file.is_relative_to(SITE.resolve()):
                dead.append(f"{address}: {target}")
            elif file.stem == "playground" and "=" in parts.fragment:
                from_address(unquote(parts.fragment))  # a state of the playground, or an error that says why not
            elif parts.fragment and file.suffix == ".html":
                known = anchors[file.relative_to(SITE.resolve()).as_posix()]
                if unquote(parts.fragment) not in known:
                    dead.append(f"{address}: {target}")
    assert not dead, "\n".join(dead)


def test_equations_are_referred_to(pages: dict[str, BeautifulSoup]) -> None:
    # Or the test above would say nothing about them.
    assert any(page.select('a[href*="#equation-"].internal') for page in pages.values())


def test_nothing_is_loaded_from_another_host(pages: dict[str, BeautifulSoup]) -> None:
    foreign = []
    for address, page in pages.items():
        # A link to click and the address of the page itself load nothing.
        loading = [(tag, url) for tag, url in references(page) if tag.name != "a" and tag.get("rel") != ["canonical"]]
        foreign += [f"{address}: {tag.name} {url}" for tag, url in loading if is_elsewhere(url)]
    for path in SITE.rglob("*.css"):
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


def test_no_text_brings_a_script_of_its_own(pages: dict[str, BeautifulSoup]) -> None:
    """The policy allows the inline scripts that stand in a page, which are the theme's: a text may not add to them."""
    for address, page in pages.items():
        assert not page.select("article script:not([src])"), address
        handlers = [tag for tag in page.select("article *") if any(name.startswith("on") for name in tag.attrs)]
        assert not handlers, (address, handlers)


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
    """Or there are none, in a site whose build knew no repository; test_launch_links.py builds one that does."""
    first = toc_pages()[0]
    assert source_of(first)
    buttons = repository_links(pages[first])
    repository = buttons.get("source-repository-button", "")
    branch = (
        buttons.get("source-edit-button", "").removeprefix(f"{repository}/edit/").removesuffix(f"/{source_of(first)}")
    )
    assert bool(repository) == bool(branch)
    for address in pages.keys() - {REDIRECT}:
        assert bool(source_of(address)) == (address in toc_pages()), address
        wanted = wanted_links(address, repository, branch) if repository else {}
        found = repository_links(pages[address])
        assert {kind: link for kind, link in found.items() if kind in BUTTONS} == wanted, address
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
