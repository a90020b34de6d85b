"""Appendix D, the library's reference: it is complete, and every docstring in it says what it has to."""

import doctest
import inspect
import re

import pytest
import yaml
from bs4 import BeautifulSoup, Tag
from built_site import require_site
from docstrings import Documented, documented, missing, modules, public_names

from rmsprop_lib import matrix_rules, rules
from tools.paths import CHAPTERS, ROOT, SITE
from tools.site.library_reference import linked

PAGE = CHAPTERS / "library.md"
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["sphinx"]["config"]
PUBLIC = [f"{module.__name__}.{name}" for module in modules() for name in public_names(module)]
# The arguments of rules are the symbols of the book: the docstring of the module says once, for all, what they are.
EXPLAINED_ONCE = f"{rules.__name__}.", f"{matrix_rules.__name__}."


@pytest.fixture(scope="module")
def page() -> BeautifulSoup:
    require_site()
    return BeautifulSoup((SITE / "chapters" / "library.html").read_text(encoding="utf-8"), "html.parser")


def entry(page: BeautifulSoup, name: str) -> Tag:
    found = page.find("dt", id=name)
    assert found is not None, f"{name} is not on the page"
    return found


def named(things: list[Documented]) -> list[str]:
    return [thing.name for thing in things]


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_on_the_page(page: BeautifulSoup, name: str) -> None:
    says = entry(page, name).find_next_sibling("dd")
    assert says is not None and says.get_text(strip=True), f"nothing is said about {name}"


DOCUMENTED = [thing for thing in documented() if not thing.name.startswith(EXPLAINED_ONCE)]


@pytest.mark.parametrize("thing", DOCUMENTED, ids=named(DOCUMENTED))
def test_a_docstring_states_what_goes_in_what_comes_out_and_what_is_raised(thing: Documented) -> None:
    assert not missing(thing), f"the docstring of {thing.name} does not state {', '.join(missing(thing))}"


def test_a_docstring_that_lacks_something_is_found() -> None:
    whole = (
        "Do.\n\nParameters\n----------\na, b : int\n    What.\n\nReturns\n-------\nint\n\nRaises\n------\nValueError"
    )
    thing = Documented("f", whole, ("a", "b"), True, frozenset({"ValueError"}))
    assert not missing(thing)
    assert missing(Documented("f", whole, ("a", "b", "c"), True, frozenset({"TypeError"}))) == [
        "parameter c",
        "raises TypeError",
    ]
    assert missing(Documented("f", whole.partition("Returns")[0], ("a", "b"), True, frozenset())) == ["Returns"]
    # A paragraph after the section would be shown as one more argument, or as one more error.
    stray = whole.replace("\n\nReturns", "\n\nSome more words.\n\nReturns")
    assert missing(Documented("f", stray, ("a", "b"), True, frozenset())) == ["an argument called 'Some more words.'"]
    assert missing(Documented("f", whole + "\n\n>>> f(1, 2)\n3", ("a", "b"), True, frozenset()))


def test_the_solutions_of_the_exercises_are_not_in_it(page: BeautifulSoup) -> None:
    assert not page.find_all(id=re.compile(r"chapter_\d\d"))
    assert not list((SITE / "_modules").rglob("chapter_*"))


def test_the_source_that_it_shows_is_ours_alone() -> None:
    shown = {path.relative_to(SITE / "_modules").parts[0] for path in (SITE / "_modules").rglob("*.html")}
    assert shown == {"index.html", "rmsprop_lib"}


@pytest.mark.parametrize("name", [n for n in PUBLIC if inspect.isroutine(getattr(rules, n.rpartition(".")[2], None))])
def test_a_function_leads_to_its_source(page: BeautifulSoup, name: str) -> None:
    source = entry(page, name).find("a", href=re.compile(r"_modules/rmsprop_lib/"))
    assert source is not None, f"{name} has no link to its source"


def test_every_rule_leads_to_its_equation(page: BeautifulSoup) -> None:
    seen = 0
    for name, rule in inspect.getmembers(rules, inspect.isfunction):
        source = re.search(r"Source: chapter (\d\d), equation ``([\w-]+)``", inspect.getdoc(rule) or "")
        if source is None:
            continue
        says = entry(page, f"rmsprop_lib.rules.{name}").find_next_sibling("dd")
        links = [link["href"] for link in says.find_all("a", href=True)]
        equation = re.compile(rf"{source[1]}_\w+\.html#equation-{source[2].replace('_', '-')}$")
        assert any(equation.search(link) for link in links), (name, links)
        seen += 1
    assert seen >= 10


def test_chapters_in_docstrings_become_links() -> None:
    pages = {3: "chapters/03_rmsprop", 12: "chapters/12_conventions"}
    assert linked("Source: chapter 03, equation ``ema``.", pages) == (
        "Source: :doc:`chapter 3 </chapters/03_rmsprop>`, equation :eq:`ema`."
    )
    assert linked("as in Keras (chapter 12).", pages) == "as in Keras (:doc:`chapter 12 </chapters/12_conventions>`)."
    assert linked("``chapter 12`` and chapters", pages) == "``chapter 12`` and chapters"
    with pytest.raises(ValueError, match="chapter 15, which the book does not have"):
        linked("see chapter 15", pages)


def test_no_misspelt_name_of_ours_is_let_through() -> None:
    """What the build may leave unresolved are names of other libraries only."""
    patterns = [pattern for _, pattern in CONFIG["nitpick_ignore_regex"]]
    assert patterns
    for name in [*PUBLIC, *(name.rpartition(".")[2] for name in PUBLIC)]:
        assert not [pattern for pattern in patterns if re.fullmatch(pattern, name)], name


def test_its_examples_run() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 10
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, PAGE.name, str(PAGE), 0)
    said: list[str] = []
    result = doctest.DocTestRunner().run(test, out=said.append)
    assert result.attempted >= 20 and not result.failed, "".join(said)
