"""The buttons of a page lead to the repository that the book is built from, a fork's to the fork."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
import yaml
from book_pages import parsed, repository_links, source_of, toc_pages, wanted_links
from bs4 import BeautifulSoup
from sphinx.errors import ConfigError

from tools.environment import addresses
from tools.paths import ROOT
from tools.site import launch_links

GITHUB = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "someone/book"}
BRANCH = {"GITHUB_REF": "refs/heads/spring", "GITHUB_REF_NAME": "spring", "GITHUB_REF_TYPE": "branch"}
PULL_REQUEST = {"GITHUB_REF": "refs/pull/7/merge", "GITHUB_REF_NAME": "7/merge", "GITHUB_REF_TYPE": "branch"}
TAG = {"GITHUB_REF": "refs/tags/v1", "GITHUB_REF_NAME": "v1", "GITHUB_REF_TYPE": "tag"}
NOTHING = {"repository_url": addresses.PLACEHOLDER, "repository_branch": "main"}


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=autumn")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with one commit on the branch autumn, and no remote."""
    git(tmp_path, "init")
    git(tmp_path, "commit", "--allow-empty", "--message", "first")
    return tmp_path


def origin(clone: Path, address: str, *branches: str) -> None:
    """Give the clone a remote with these branches, of which the first is its default."""
    git(clone, "remote", "add", "origin", address)
    for branch in branches:
        git(clone, "update-ref", f"refs/remotes/origin/{branch}", "HEAD")
    if branches:
        git(clone, "symbolic-ref", "refs/remotes/origin/HEAD", f"refs/remotes/origin/{branches[0]}")


def options(owner_and_name: str, branch: str) -> dict[str, str]:
    return {"repository_url": f"https://github.com/{owner_and_name}", "repository_branch": branch}


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/someone/a.book",
        "https://github.com/someone/a.book/",
        "https://github.com/someone/a.book.git",
        "http://www.github.com/someone/a.book.git",
        "https://someone:secret@github.com/someone/a.book.git",
        "https://x-access-token:ghs_secret@github.com/someone/a.book",
        "git@github.com:someone/a.book.git",
        "git@github.com:someone/a.book",
        "github.com:someone/a.book.git",
        "ssh://git@github.com/someone/a.book.git",
        "ssh://git@ssh.github.com:443/someone/a.book.git",
        "git://github.com/someone/a.book.git",
    ],
)
def test_an_address_on_github_is_understood_and_says_nothing_of_who_signs_in(address: str) -> None:
    assert addresses.on_github(address) == "https://github.com/someone/a.book"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "../book",
        "https://example.org/someone/book",
        "https://example.org/github.com/someone/book",
        "https://notgithub.com/someone/book",
        "https://github.com/someone",
        "https://github.com/someone/book/tree/main",
    ],
)
def test_any_other_address_is_not_guessed_at(address: str) -> None:
    assert addresses.on_github(address) is None


def test_a_github_workflow_names_its_repository_and_branch(tmp_path: Path) -> None:
    assert addresses.repository({**GITHUB, **BRANCH}, tmp_path, NOTHING) == options("someone/book", "spring")


def test_a_pull_request_opens_the_branch_that_it_is_for(tmp_path: Path) -> None:
    environment = {**GITHUB, **PULL_REQUEST, "GITHUB_BASE_REF": "winter"}
    assert addresses.repository(environment, tmp_path, NOTHING) == options("someone/book", "winter")


def test_a_tag_is_no_branch(tmp_path: Path) -> None:
    assert addresses.repository({**GITHUB, **TAG}, tmp_path, NOTHING) == options("someone/book", "main")


def test_a_clone_names_where_it_is_from_and_its_branch(clone: Path) -> None:
    origin(clone, "git@github.com:someone/book.git", "main", "autumn")
    assert addresses.repository({}, clone, NOTHING) == options("someone/book", "autumn")


def test_a_branch_that_was_never_pushed_cannot_be_opened(clone: Path) -> None:
    origin(clone, "git@github.com:someone/book.git", "trunk")
    assert addresses.repository({}, clone, NOTHING) == options("someone/book", "trunk")


def test_a_clone_that_is_on_no_branch_opens_the_default_one(clone: Path) -> None:
    origin(clone, "git@github.com:someone/book.git", "trunk", "autumn")
    git(clone, "checkout", "--detach")
    assert addresses.repository({}, clone, NOTHING) == options("someone/book", "trunk")
    git(clone, "symbolic-ref", "--delete", "refs/remotes/origin/HEAD")
    assert addresses.repository({}, clone, NOTHING) == options("someone/book", "main")


def test_a_clone_from_elsewhere_or_from_nowhere_names_none(clone: Path) -> None:
    assert addresses.repository({}, clone, NOTHING) == {}
    origin(clone, "https://example.org/someone/book.git")
    assert addresses.repository({}, clone, NOTHING) == {}


def test_where_nothing_is_known_the_configuration_speaks_unless_it_is_the_placeholder(tmp_path: Path) -> None:
    assert addresses.repository({}, tmp_path, NOTHING) == {}
    assert addresses.repository({}, tmp_path, options("our/book", "print")) == options("our/book", "print")


def test_what_is_set_by_hand_goes_first_then_the_workflow_then_the_clone(clone: Path) -> None:
    configured = options("in/configuration", "x")
    origin(clone, "https://github.com/of/clone", "autumn")
    assert addresses.repository({}, clone, configured) == options("of/clone", "autumn")
    assert addresses.repository({**GITHUB, **BRANCH}, clone, configured) == options("someone/book", "spring")
    by_hand = {"BOOK_REPOSITORY_URL": "https://github.com/by/hand", "BOOK_BRANCH": "mine"}
    assert addresses.repository({**GITHUB, **BRANCH, **by_hand}, clone, configured) == options("by/hand", "mine")


def test_a_branch_is_that_of_the_repository_it_is_named_with(clone: Path) -> None:
    origin(clone, "https://github.com/of/clone", "autumn")
    environment = {**GITHUB, **BRANCH, "BOOK_REPOSITORY_URL": "https://github.com/by/hand"}
    assert addresses.repository(environment, clone, NOTHING) == options("by/hand", "main")


def test_a_branch_is_written_as_an_address_takes_it(clone: Path) -> None:
    environment = {**GITHUB, "BOOK_BRANCH": "topic/more #1"}
    assert addresses.repository(environment, clone, NOTHING)["repository_branch"] == "topic/more%20%231"


def test_an_address_set_by_hand_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"BOOK_REPOSITORY_URL has to be .* It is 'someone/book'"):
        addresses.repository({"BOOK_REPOSITORY_URL": "someone/book"}, tmp_path, NOTHING)


def test_the_placeholder_is_the_one_in_the_configuration() -> None:
    assert f"url: {addresses.PLACEHOLDER}\n" in (ROOT / "_config.yml").read_text(encoding="utf-8")


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in the environment says whose book it is."""
    for variable in (*GITHUB, *BRANCH, "GITHUB_BASE_REF", "BOOK_REPOSITORY_URL", "BOOK_BRANCH"):
        monkeypatch.delenv(variable, raising=False)


@pytest.mark.usefixtures("alone")
def test_a_build_asks_its_environment_and_its_folder(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def options_of_a_build() -> dict[str, object]:
        config = SimpleNamespace(html_theme_options={**NOTHING, **dict.fromkeys(launch_links.BUTTONS, True)})
        launch_links.apply(SimpleNamespace(confdir=str(clone)), config)
        return config.html_theme_options

    monkeypatch.setenv("BOOK_REPOSITORY_URL", "someone/book")
    with pytest.raises(ConfigError, match="BOOK_REPOSITORY_URL has to be"):
        options_of_a_build()
    monkeypatch.delenv("BOOK_REPOSITORY_URL")
    buttons = dict.fromkeys(launch_links.BUTTONS, True)
    assert options_of_a_build() == {"repository_branch": "main"}
    origin(clone, "https://github.com/of/clone", "autumn")
    assert options_of_a_build() == buttons | options("of/clone", "autumn")
    # As in the workflow of a fork.
    for variable, value in {"GITHUB_REPOSITORY": "fork-of/the.book", **BRANCH}.items():
        monkeypatch.setenv(variable, value)
    assert options_of_a_build() == buttons | options("fork-of/the.book", "spring")


Build = Callable[[list[str]], tuple[dict[str, BeautifulSoup], str]]


@pytest.fixture
def build(tmp_path: Path, alone: None) -> Build:
    """Build a book of these pages with our configuration, outside any clone; gives all of its pages and what was said.

    Nothing stands on them: where their buttons lead follows from their names.
    """
    for name in ("_config.yml", "tools", "assets"):
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile)(ROOT / name, tmp_path / name)
    (tmp_path / "chapters").mkdir()
    (tmp_path / "chapters" / "references.bib").touch()
    notebook = nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# A page")]))

    def run(addresses: list[str]) -> tuple[dict[str, BeautifulSoup], str]:
        for source in map(source_of, addresses):
            (tmp_path / source).write_text(notebook if source.endswith(".ipynb") else "# A page\n", encoding="utf-8")
        root, *others = (address.removesuffix(".html") for address in addresses)
        toc = {"format": "jb-book", "root": root, "chapters": [{"file": other} for other in others]}
        (tmp_path / "_toc.yml").write_text(yaml.safe_dump(toc), encoding="utf-8")
        command = [Path(sys.executable).with_name("jupyter-book"), "build", "."]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        site = tmp_path / "_build" / "html"
        names = (*addresses, "genindex.html", "search.html", "404.html")
        return {name: parsed((site / name).read_text(encoding="utf-8")) for name in names}, done.stdout + done.stderr

    return run


def test_every_button_built_in_a_clone_of_a_fork_opens_the_fork(build: Build, tmp_path: Path) -> None:
    git(tmp_path, "init")
    git(tmp_path, "checkout", "-b", "spring")
    git(tmp_path, "commit", "--allow-empty", "--message", "first")
    origin(tmp_path, "https://someone:secret@github.com/fork-of/the.book.git", "spring")
    pages, _ = build(toc_pages())
    for name, page in pages.items():
        assert repository_links(page) == wanted_links(name, "https://github.com/fork-of/the.book", "spring"), name
        # No other link of a page leads to a repository of another name.
        assert set(re.findall(r"github\.com/([\w.-]+/[\w.-]+)", str(page))) == {"fork-of/the.book"}, name
        assert "secret" not in str(page), name
    edit = repository_links(pages["chapters/index.html"])["source-edit-button"]
    assert edit == "https://github.com/fork-of/the.book/edit/spring/chapters/index.md"
    launch = repository_links(pages["chapters/claims.html"])["launch"]
    assert launch == "https://mybinder.org/v2/gh/fork-of/the.book/spring?urlpath=lab/tree/chapters/claims.ipynb"
    colab = repository_links(pages["chapters/03_rmsprop.html"])["colab"]
    assert colab == "https://colab.research.google.com/github/fork-of/the.book/blob/colab/03_rmsprop.ipynb"


def test_without_a_repository_there_is_no_button_that_leads_nowhere_and_the_build_says_so(build: Build) -> None:
    pages, said = build(toc_pages()[:2])
    assert "No repository on GitHub is known" in said
    for name, page in pages.items():
        assert not repository_links(page), name
        assert not re.search(r"OWNER|mybinder\.org|colab\.research", str(page)), name
        assert "github.com/" not in "".join(tag["href"] for tag in page.select("a[href]")), name
