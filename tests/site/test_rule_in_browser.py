"""A rule of a reader's own, written in the page and raced in the playground, in a real browser."""

import contextlib
import io
import re
from collections.abc import Iterator

import numpy as np
import pytest
from browser import SECONDS, Window
from playground_parts import address_of, part, set_address, wait_for_status
from playwright.sync_api import Page, expect
from served import complaints, fits_a_phone, place, reader, visited
from visits import SCHEMES

from rmsprop_lib.playground import from_address, run
from rmsprop_lib.playground.race import record

__all__ = ["place", "reader"]  # fixtures

HOME = "chapters/playground.html"
# Python starts in seconds where a machine has nothing else to do.
PATIENCE = 180_000
SIGN = "def my_rule(g, state, t):\n    return np.sign(g) / np.sqrt(t)\n"


def sign(g: np.ndarray, state: dict, t: int) -> np.ndarray:
    return np.sign(g) / np.sqrt(t)


class Racing:
    """The field with the rule, its replies, and its row in the playground."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.box = page.locator(".answer-rule")
        self.field = self.box.locator("textarea")
        self.reply = self.box.locator(".answer-reply")
        self.row = part(page, "#own tr")

    def race(self, code: str | None = None) -> str:
        """What the page says when a rule is raced."""
        if code is not None:
            self.field.fill(code)
        self.box.get_by_role("button", name="Race", exact=True).click()
        self.reply.and_(self.page.locator("[data-kind]:not([data-kind=other])")).wait_for(timeout=PATIENCE)
        return self.reply.inner_text()

    def cells(self) -> list[str]:
        """Loss, x, y and effective rate of the rule."""
        return self.row.locator("td").all_inner_texts()[1:]

    def stands_at(self, x: float, y: float) -> None:
        """Wait until the rule's row says so, to the digits it shows."""

        def shown(value: float) -> str:
            return f"{value:.4g}".replace("-", "−")

        expect(self.row.locator("td").nth(2)).to_have_text(shown(x), timeout=1000 * SECONDS)
        expect(self.row.locator("td").nth(3)).to_have_text(shown(y), timeout=1000 * SECONDS)


@pytest.fixture(scope="module")
def racing(reader: Window, place: str) -> Racing:
    """The page, with Python begun once for all tests."""
    page = visited(reader, place + HOME).page
    page.get_by_role("button", name="Race a rule of your own here").click()
    racing = Racing(page)
    racing.field.wait_for()
    racing.reply.and_(page.locator("[data-kind=ran]")).wait_for(timeout=PATIENCE)
    return racing


@pytest.fixture
def ravine(racing: Racing) -> Iterator[Racing]:
    """The race on the ravine as it is at first."""
    set_address(racing.page, "surface=ravine&start=8,6")
    yield racing


def test_the_books_rule_is_rmsprop(ravine: Racing) -> None:
    x, y = run("rmsprop", from_address("surface=ravine&start=8,6"))[-1]
    ravine.stands_at(x, y)
    assert ravine.cells()[:3] == part(ravine.page, "#entrants tr:nth-child(5) td").all_inner_texts()[1:4]
    assert ravine.cells()[3] == "–, –", "of a reader's rule no effective rate is known"


def test_a_rule_is_raced_where_and_as_the_others_are(ravine: Racing) -> None:
    assert "It races." in ravine.race(SIGN)
    for where in ("surface=ravine&start=8,6", "surface=beale", "surface=noisy&noise=2", "surface=reddi&steps=30"):
        set_address(ravine.page, where)
        ravine.stands_at(*run(sign, from_address(where), eta=0.1)[-1])


def test_its_equation_says_what_it_returned(ravine: Racing) -> None:
    part(ravine.page, "#numbers").evaluate("e => (e.open = true)")
    set_address(ravine.page, "surface=ravine&start=8,6&on=sgd&at=4")
    shown = part(ravine.page, "#equations pre").last
    expect(shown).to_contain_text("d = my_rule(g, state, 4) = 0.5")
    assert "x = 7.772 − 0.1 · 0.5 = 7.722" in shown.inner_text()


def test_best_rates_tries_them_for_it_too(ravine: Racing) -> None:
    part(ravine.page, "#best").click()
    wait_for_status(ravine.page, "Your rule")
    said = float(re.search(r"Your rule ([\d.]*\d)", part(ravine.page, "#status").inner_text())[1])
    h = from_address("surface=ravine&start=8,6")
    etas = [1e-5 * 1e6 ** (k / 39) for k in range(40)]
    best = min(etas, key=lambda eta: record(sign, h, eta).loss[-30:].mean())
    assert said == pytest.approx(best, rel=0.01)
    ravine.stands_at(*run(sign, h, eta=said)[-1])


def test_the_copied_program_runs_as_pasted(ravine: Racing) -> None:
    program = python_of(ravine)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(program, {})
    last = printed.getvalue().strip().splitlines()[-1]
    x, y = map(float, re.findall(r"[xy] = (\S+?)(?:,|$)", last))
    assert last.startswith("your rule after 300 steps")
    ravine.stands_at(x, y)


def python_of(racing: Racing) -> str:
    """What "Copy as Python" copies, where nothing can be copied but by hand."""
    racing.page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(); }")
    part(racing.page, "#python").click()
    field = part(racing.page, "#status textarea")
    field.wait_for()
    return field.input_value()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def my_rule(g, state, t):\n    return g / nothing\n", "NameError: name 'nothing' is not defined"),
        ("def my_rule(g, state, t):\n    state\n", "The rule returned None at step 1"),
        ("def my_rule(g, state, t):\n    return np.ones(3)\n", "an array of shape (3,) at step 1"),
        ("def my_rule(g, state):\n    return g\n", "takes 2 positional arguments but 3 were given"),
        ("rule = 1\n", "define no function my_rule"),
        ("def my_rule(g:\n", "SyntaxError"),
    ],
)
def test_what_is_wrong_with_a_rule_is_said(ravine: Racing, code: str, said: str) -> None:
    assert said in ravine.race(code)
    assert "rmsprop_lib" not in ravine.reply.inner_text()
    expect(ravine.row.locator("td").nth(1)).to_have_text("")
    assert not ravine.row.locator("input[type=checkbox]").is_checked()


def test_a_rule_that_leaves_has_diverged(ravine: Racing) -> None:
    assert "It races." in ravine.race("def my_rule(g, state, t):\n    return -1e9 * g\n")
    expect(ravine.row.locator("td").nth(1)).to_have_text("diverged")


def test_a_loop_without_an_end_is_ended_and_not_begun_again(ravine: Racing) -> None:
    assert "Not done after 10 seconds" in ravine.race("def my_rule(g, state, t):\n    while True:\n        pass\n")
    set_address(ravine.page, "surface=beale")
    expect(part(ravine.page, "#status")).to_contain_text("Lowest loss", timeout=1000 * SECONDS)
    assert "Not done after" in ravine.reply.inner_text()
    assert "It races." in ravine.race(SIGN), "in a Python that begins anew"


def test_it_can_be_taken_out_and_let_in(ravine: Racing) -> None:
    ravine.race(SIGN)
    box = ravine.row.locator("input[type=checkbox]")
    expect(box).to_be_checked()
    box.click()
    expect(ravine.row.locator("td").nth(1)).to_have_text("")
    box.click()
    ravine.stands_at(*run(sign, from_address("surface=ravine&start=8,6"), eta=float(rate_of(ravine)))[-1])


def rate_of(racing: Racing) -> str:
    return racing.row.locator("input[type=range]").get_attribute("aria-valuetext")


def test_a_network_is_trained_without_it(ravine: Racing) -> None:
    ravine.race(SIGN)
    set_address(ravine.page, "surface=network&on=sgd")
    wait_for_status(ravine.page, "Step 4000")
    assert ravine.cells() == [""] * 4
    set_address(ravine.page, "surface=saddle")
    ravine.stands_at(*run(sign, from_address("surface=saddle"), eta=float(rate_of(ravine)))[-1])


def test_no_address_holds_it_and_the_browser_keeps_it(ravine: Racing) -> None:
    assert "own" not in address_of(ravine.page)
    assert "np.sign" in ravine.page.evaluate("Object.values(localStorage).join()")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing(racing: Racing, scheme: str) -> None:
    assert not complaints(racing.page, scheme, "answer", "own")


def test_it_fits_a_phone(racing: Racing) -> None:
    assert fits_a_phone(racing.page)
