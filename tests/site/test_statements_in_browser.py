"""The page of statements as a game, as a list for readers without scripts, and on paper; and what chapters fold."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from book_pages import built_page
from browser import PHONE, Window, opened
from bs4 import Tag
from playwright.sync_api import Browser, Locator, Page, expect
from visits import SCHEMES, STILL, violations

from rmsprop_lib.claims import stored_verdicts
from rmsprop_lib.statements import CARDS, arranged
from tools.paths import CHAPTERS

HOME = "chapters/claims.html"
FIRST, OTHERS = arranged(stored_verdicts(CHAPTERS))
VERDICTS = [*FIRST, *OTHERS]
KEY = "statements judged"
FOLDED = "chapters/06_adam.html"


def squeezed(text: str) -> str:
    return " ".join(text.split())


def card_of(page: Page, verdict: dict[str, str]) -> Locator:
    return page.locator(f"#card-{verdict['identifier'].lower()}")


def choice(card: Locator, judgement: str) -> Locator:
    return card.locator(f'input[value="{judgement}"]')


def click(card: Locator, judgement: str) -> None:
    card.locator("label", has=card.page.locator(f'input[value="{judgement}"]')).click()


def score(page: Page) -> str:
    return page.get_by_role("status").inner_text()


@pytest.fixture
def page(window: Window, address: str) -> Iterator[Page]:
    seen = window.open(address + HOME)
    seen.settle()  # or what is still on its way would fail when the page is loaded again
    yield seen.page
    assert not seen.errors and not seen.failed


class TestAsItIsBuilt:
    @pytest.mark.parametrize("verdict", VERDICTS, ids=lambda v: v["identifier"])
    def test_a_card_has_the_verdict_what_decides_it_and_who_says_so(self, verdict: dict[str, str]) -> None:
        card = built_page(HOME).find(id=f"card-{verdict['identifier'].lower()}")
        text = squeezed(card.get_text())
        assert f"“{squeezed(verdict['statement'])}”" in text
        assert card["data-judgement"] == verdict["judgement"]
        for part in (verdict["because"], verdict.get("source", ""), *verdict["number"].split("; ")):
            assert squeezed(part) in text
        link = card.select_one(".statement-place a")
        assert link["href"].endswith(
            verdict["notebook"].replace(".ipynb", f".html#statement-{verdict['identifier'].lower()}")
        )

    @pytest.mark.parametrize("verdict", VERDICTS, ids=lambda v: v["identifier"])
    def test_its_picture_is_the_chapter_s(self, verdict: dict[str, str]) -> None:
        card = built_page(HOME).find(id=f"card-{verdict['identifier'].lower()}")
        figure = CARDS[verdict["identifier"]].figure
        pictures = [image["src"] for image in card.select("img")]
        assert bool(pictures) == bool(figure)
        if figure:
            link = card.select(".statement-place a")[-1]["href"]
            assert link.endswith(f"#{figure}")
            original: Tag = built_page(f"chapters/{link.partition('#')[0]}").find("figure", id=figure)
            assert pictures == [image["src"] for image in original.select("img")]

    def test_a_verdict_in_a_chapter_leads_to_its_card(self) -> None:
        links = built_page(FOLDED).select(".verdict b > a")
        assert [link["href"] for link in links] == [
            f"claims.html#card-{v['identifier'].lower()}" for v in sorted_as_on_the_page(links)
        ]

    def test_nobody_else_loads_its_script(self) -> None:
        for name, wanted in ((HOME, True), (FOLDED, False), ("chapters/index.html", False)):
            loaded = [tag.get("src") or tag.get("href") for tag in built_page(name).select("script[src], link[href]")]
            assert any("/statements." in url for url in loaded) == wanted, name


def sorted_as_on_the_page(links: list[Tag]) -> list[dict[str, str]]:
    known = {v["identifier"]: v for v in VERDICTS}
    return [known[link.get_text()] for link in links]


class TestTheGame:
    def test_nothing_is_given_away(self, page: Page) -> None:
        expect(page.locator(".statement-vote")).to_have_count(len(VERDICTS))
        expect(page.locator(".statement-found:visible")).to_have_count(0)
        assert score(page) == f"{len(VERDICTS)} statements. Which do you believe?"

    def test_it_is_played_with_the_keyboard(self, page: Page) -> None:
        verdict, card = FIRST[0], card_of(page, FIRST[0])
        page.get_by_role("button", name="Show every verdict").focus()
        page.keyboard.press("Tab")
        expect(choice(card, "holds")).to_be_focused()
        page.keyboard.press("ArrowRight")
        expect(choice(card, "holds when")).to_be_checked()
        # To choose is not yet to judge, or the arrows would.
        expect(card.locator(".statement-found")).to_be_hidden()
        expect(card.get_by_role("button", name="See the verdict")).to_be_visible()
        page.keyboard.press("Enter")
        expect(card.locator(".statement-found")).to_be_visible()
        expect(card.locator(".statement-answer")).to_be_focused()
        like = verdict["judgement"] == "holds when"
        expect(card.locator(".statement-answer")).to_contain_text("and so do" if like else "the measurements say")
        assert score(page) == f"You judged {int(like)} of 1 like the measurements; {len(VERDICTS) - 1} to go."
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('.statement-card').id") == card.get_attribute("id")

    def test_space_and_the_button_do_as_well(self, page: Page) -> None:
        card = card_of(page, FIRST[1])
        choice(card, "does not hold").focus()
        page.keyboard.press("Space")
        expect(card.locator(".statement-found")).to_be_hidden()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(card.locator(".statement-found")).to_be_visible()

    def test_enter_without_a_choice_judges_nothing(self, page: Page) -> None:
        card = card_of(page, FIRST[0])
        choice(card, "holds").focus()
        page.keyboard.press("Enter")
        expect(card.locator(".statement-found")).to_be_hidden()

    def test_a_click_judges_at_once(self, page: Page) -> None:
        for verdict in FIRST[:3]:
            click(card_of(page, verdict), verdict["judgement"])
        wrong = "holds" if FIRST[3]["judgement"] != "holds" else "does not hold"
        click(card_of(page, FIRST[3]), wrong)
        expect(card_of(page, FIRST[3]).locator(".statement-answer")).to_contain_text(
            "the measurements say " + FIRST[3]["judgement"]
        )
        assert score(page) == f"You judged 3 of 4 like the measurements; {len(VERDICTS) - 4} to go."

    def test_a_picture_comes_when_its_card_opens(self, window: Window, address: str) -> None:
        seen = window.open(address + HOME)
        seen.settle()
        before = set(seen.requested)
        assert not [url for url in before if "/_images/" in url]
        click(card_of(seen.page, FIRST[0]), "holds")
        picture = card_of(seen.page, FIRST[0]).locator("img")
        picture.scroll_into_view_if_needed()
        seen.settle()
        assert picture.evaluate("e => e.complete && e.naturalWidth > 0")
        # Nobody is told what was judged, this site neither.
        assert {url.rpartition("/")[0] for url in set(seen.requested) - before} == {address + "_images"}

    def test_judgements_stay_and_can_be_begun_anew(self, page: Page) -> None:
        click(card_of(page, FIRST[0]), "holds")
        click(card_of(page, FIRST[2]), FIRST[2]["judgement"])
        before = score(page)
        page.reload()
        assert score(page) == before
        expect(page.locator(".statement-found:visible")).to_have_count(2)
        page.get_by_role("button", name="Start again").click()
        expect(page.locator(".statement-found:visible")).to_have_count(0)
        expect(page.get_by_role("button", name="Start again")).to_have_count(0)
        expect(page.get_by_label("Show", exact=True)).to_be_focused()
        assert page.evaluate("localStorage.getItem('" + KEY + "')") is None
        page.reload()
        expect(page.locator(".statement-vote")).to_have_count(len(VERDICTS))

    @pytest.mark.parametrize("stored", ["nonsense", "null", '"x"', '{"h1": "perhaps", "h99": "holds"}'])
    def test_what_else_may_be_stored_does_no_harm(self, page: Page, stored: str) -> None:
        page.evaluate(f"text => localStorage.setItem('{KEY}', text)", stored)
        page.reload()
        click(card_of(page, FIRST[1]), FIRST[1]["judgement"])
        assert score(page).startswith("You judged 1 of 1 ")

    def test_the_last_judgement_gives_the_result(self, page: Page) -> None:
        judged = {v["identifier"].lower(): "holds" for v in VERDICTS[1:]}
        page.evaluate(f"judged => localStorage.setItem('{KEY}', judged)", json.dumps(judged))
        page.reload()
        click(card_of(page, VERDICTS[0]), "holds")
        count = [sum(v["judgement"] == judgement for v in VERDICTS) for judgement in ("holds", "holds when")]
        assert score(page) == (
            f"You judged {count[0]} of {len(VERDICTS)} like the measurements. "
            f"“Holds when …” every time would have been right for {count[1]}."
        )

    def test_a_method_or_a_chapter_can_be_chosen(self, page: Page) -> None:
        show = page.get_by_label("Show", exact=True)
        show.select_option("about:AdaGrad")
        of_adagrad = [v for v in VERDICTS if "AdaGrad" in CARDS[v["identifier"]].about]
        expect(page.locator(".statement-card:visible")).to_have_count(len(of_adagrad))
        show.select_option(label="1. Gradient Descent and Momentum")
        in_chapter_1 = [v for v in VERDICTS if v["notebook"].startswith("01_")]
        expect(page.locator(".statement-card:visible")).to_have_count(len(in_chapter_1))
        expect(page.get_by_role("heading", name=re.compile("^Ten to begin with"))).to_be_hidden()
        show.select_option("apart")
        expect(page.get_by_text("There is none.")).to_be_visible()
        show.select_option("all")
        expect(page.locator(".statement-card:visible")).to_have_count(len(VERDICTS))

    def test_all_can_be_read(self, page: Page) -> None:
        button = page.get_by_role("button", name="Show every verdict")
        button.click()
        expect(page.locator(".statement-found:visible")).to_have_count(len(VERDICTS))
        expect(page.locator(".statement-vote:visible")).to_have_count(0)
        assert button.get_attribute("aria-pressed") == "true"
        button.click()
        expect(page.locator(".statement-found:visible")).to_have_count(0)

    def test_an_address_leads_to_its_card(self, window: Window, address: str) -> None:
        seen = window.open(f"{address}{HOME}#card-{VERDICTS[-1]['identifier'].lower()}")
        seen.settle()
        expect(card_of(seen.page, VERDICTS[-1])).to_be_in_viewport()


class TestEveryone:
    @pytest.mark.parametrize("scheme", SCHEMES)
    def test_axe_finds_nothing_while_it_is_played(self, window: Window, address: str, scheme: str) -> None:
        page = window.open(address + HOME, color_scheme=scheme).page
        page.add_style_tag(content=STILL)
        for verdict in FIRST[:4]:
            click(card_of(page, verdict), "holds")
        choice(card_of(page, FIRST[4]), "holds").focus()
        page.keyboard.press("Space")
        assert not violations(page)

    def test_it_fits_a_phone(self, page: Page) -> None:
        page.set_viewport_size(PHONE)
        click(card_of(page, FIRST[0]), "holds")
        page.get_by_role("button", name="Show every verdict").click()
        assert page.evaluate("document.scrollingElement.scrollWidth") <= PHONE["width"]

    @pytest.mark.parametrize(("motion", "name"), [("reduce", "none"), ("no-preference", "statement-opens")])
    def test_it_moves_for_those_alone_who_like_it(self, window: Window, address: str, motion: Any, name: str) -> None:
        page = window.open(address + HOME, reduced_motion=motion).page
        click(card_of(page, FIRST[0]), "holds")
        assert (
            card_of(page, FIRST[0]).locator(".statement-found").evaluate("e => getComputedStyle(e).animationName")
            == name
        )

    def test_paper_has_the_whole_list(self, page: Page) -> None:
        click(card_of(page, FIRST[0]), "holds")
        page.get_by_label("Show", exact=True).select_option("about:AdaGrad")
        page.emulate_media(media="print")
        expect(page.locator(".statement-found:visible")).to_have_count(len(VERDICTS))
        expect(page.locator(".statement-game:visible, .statement-picture:visible")).to_have_count(0)

    def test_without_scripts_it_is_a_list(self, browser: Browser, address: str) -> None:
        with opened(browser, address + HOME, java_script_enabled=False) as seen:
            expect(seen.page.locator(".statement-found:visible")).to_have_count(len(VERDICTS))
            expect(seen.page.locator("article :is(input, select)")).to_have_count(0)


class TestFurtherStatements:
    def test_they_stand_folded_at_the_end_of_their_section(self) -> None:
        folded = built_page(FOLDED).select("details.further-statements")
        assert [squeezed(part.summary.get_text()) for part in folded] == ["Further statements tested here (2)"]
        (part,) = folded
        assert not part.has_attr("open")
        section = part.find_parent("section")
        assert section.find("h2").get_text().endswith("What is often said#")
        assert section.find_all(recursive=False)[-1] is part
        assert [b.get_text() for b in part.select(".verdict b > a")] == ["L3", "R15"]

    def test_a_link_to_one_opens_it(self, window: Window, address: str) -> None:
        page = window.open(f"{address}{FOLDED}#statement-r13").page
        expect(page.locator("#statement-l3")).to_be_hidden()
        page.evaluate("location.hash = '#statement-l3'")
        expect(page.locator("#statement-l3")).to_be_visible()
        page = window.open(f"{address}{FOLDED}#statement-r15").page
        expect(page.locator("#statement-r15")).to_be_in_viewport()
