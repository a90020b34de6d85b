"""Exercises answered in the page, in a real browser: Python starts, names mistakes, and is ended when it must be."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from browser import DESK, PHONE, Visit, Window
from playwright.sync_api import Browser, Locator, Page, expect
from served import ASKED, place, reader, visited
from visits import CONTRAST, SCHEMES, violations

from rmsprop_lib import check
from rmsprop_lib.exercises import progress
from tools.paths import SITE
from tools.site.answers import NEEDS_TORCH
from tools.site.python_folder import FOLDER

__all__ = ["place", "reader"]  # fixtures

CHAPTER = "chapters/03_rmsprop.html"
EXERCISE = "rmsprop-step"
RIGHT = """def my_step(g, v, rho, eps):
    v = rho * v + (1 - rho) * g**2
    return g / (np.sqrt(v) + eps), v
"""
EPS_INSIDE = RIGHT.replace("(np.sqrt(v) + eps)", "np.sqrt(v + eps)")
LOOP = "while True:\n    pass\n"
# Python starts in seconds where a machine has nothing else to do.
PATIENCE = 120_000
ANSWERED = ".answer-reply[data-kind]:not([data-kind=other])"


class Desk:
    """One exercise on a page, and what a reader does there."""

    def __init__(self, visit: Visit, exercise: str = EXERCISE) -> None:
        self.visit, self.page = visit, visit.page
        self.place = self.page.locator(f'.answer-here[data-exercise="{exercise}"]')
        self.field = self.place.locator("textarea")
        self.reply = self.place.locator(".answer-reply")

    def open(self) -> "Desk":
        self.place.get_by_role("button").click()
        self.field.wait_for()
        return self

    def button(self, name: str) -> Locator:
        return self.place.get_by_role("button", name=name, exact=True)

    def press(self, name: str, code: str | None = None) -> str:
        """What the page says when a button is pressed, with this in the field."""
        if code is not None:
            self.field.fill(code)
        self.button(name).click()
        return self.said()

    def said(self) -> str:
        self.place.locator(ANSWERED).wait_for(timeout=PATIENCE)
        expect(self.button("Check")).to_be_enabled(timeout=PATIENCE)
        return self.reply.inner_text()


@pytest.fixture(scope="module")
def before(reader: Window, place: str) -> list[str]:
    """What is loaded before anybody presses the button."""
    ASKED.clear()
    visit = visited(reader, place + CHAPTER)
    visit.settle()
    return list(visit.requested)


@pytest.fixture(scope="module")
def desk(reader: Window, place: str, before: list[str]) -> Desk:
    """The exercise, its field open, Python started once for all tests."""
    desk = Desk(reader.visit).open()
    desk.press("Run", "1 + 1")
    return desk


def test_nothing_of_it_is_loaded_before_the_click(before: list[str]) -> None:
    assert not [url for url in before if f"/{FOLDER}/" in url]
    assert len([url for url in before if "answer" in url]) == 1
    assert (SITE / "_static" / "answer.js").stat().st_size < 2500


def test_a_right_answer_is_right(desk: Desk) -> None:
    assert desk.press("Check", RIGHT).startswith(f"✓ {EXERCISE}. Right.")
    assert desk.reply.get_attribute("data-kind") == "right"


def test_a_mistake_is_named_as_the_library_names_it(desk: Desk) -> None:
    names: dict[str, Any] = {}
    exec(f"import numpy as np\n{EPS_INSIDE}", names)
    reply = check(EXERCISE, names["my_step"])
    assert reply.mistake
    said = desk.press("Check", EPS_INSIDE)
    assert re.sub(r"\s+", " ", said) == re.sub(r"\s+", " ", " ".join([reply.head(), *reply.body()]))


def test_a_cell_is_run_and_shows_what_a_notebook_would(desk: Desk) -> None:
    said = desk.press("Run", f"{RIGHT}\nprint('step')\nmy_step(3.0, 0.0, 0.9, 0.0)")
    assert re.search(r"It printed:\s+step\n\((np\.float64\()?3\.16\d+\)?, 0\.\d+\)", said), said


def test_an_error_shows_its_last_lines_and_none_of_the_machinery(desk: Desk) -> None:
    said = desk.press("Run", "def f(x):\n    return x / nothing\n\nf(1)\n")
    assert "NameError: name 'nothing' is not defined" in said and "return x / nothing" in said
    assert "in_the_page" not in said and "rmsprop_lib" not in said
    assert "SyntaxError" in desk.press("Check", "def my_step(g:\n")


def test_what_python_says_is_text(desk: Desk) -> None:
    said = desk.press("Run", "print('<img src=x onerror=\"document.title=1\"><b>bold</b>')")
    assert "<img src=x" in said
    assert desk.reply.locator("img, b").count() == 0


def test_a_flood_of_output_is_cut(desk: Desk) -> None:
    assert len(desk.press("Run", "for k in range(100_000):\n    print(k)")) < 6000


def test_there_are_two_hints_in_the_library_s_words(desk: Desk) -> None:
    first, second = desk.press("Hint"), desk.press("Hint")
    assert "Hint 1 of 2" in first and "says more" not in first
    assert "Hint 2 of 2" in second


def test_python_talks_to_nobody(desk: Desk) -> None:
    ways = {"js.XMLHttpRequest.new()": "AttributeError", "js.eval('1')": "Content Security Policy"}
    for way, sign in ways.items():
        assert sign in desk.press("Run", f"import js\n{way}"), way
    ASKED.clear()
    desk.press("Run", "import js\njs.fetch('/chapters/index.html')\njs.fetch('https://example.org/')")
    desk.page.wait_for_timeout(300)
    assert not ASKED


def test_an_endless_loop_is_ended_and_python_starts_anew(desk: Desk) -> None:
    said = desk.press("Check", LOOP)
    assert "Not done after 10 seconds: is there a loop without an end?" in said
    assert "Right." in desk.press("Check", RIGHT)


def test_a_reader_need_not_wait_for_the_end(desk: Desk) -> None:
    desk.field.fill(LOOP)
    desk.button("Run").click()
    desk.button("Stop").click()
    assert "Stopped." in desk.said()
    assert not desk.button("Stop").is_visible()


def test_a_library_that_was_bent_is_straight_after_a_stop(desk: Desk) -> None:
    desk.press("Run", "import numpy\nnumpy.sqrt = None\nwhile True:\n    pass")
    assert "Right." in desk.press("Check", RIGHT)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing(desk: Desk, scheme: str) -> None:
    desk.press("Check", EPS_INSIDE)
    desk.place.locator("details").evaluate("e => (e.open = true)")
    desk.page.emulate_media(color_scheme=scheme)
    desk.page.locator(f"html[data-theme={scheme}]").wait_for(state="attached")
    assert not [line for line in violations(desk.page) if "answer" in line or "pce-" in line or "token" in line]
    desk.page.emulate_media(color_scheme="light")


def test_the_colours_of_the_code_stand_out(desk: Desk) -> None:
    desk.field.fill('@decorated\ndef f(x: int) -> str:  # a comment\n    return "text" if x > 1.5 else None\n')
    for scheme in SCHEMES:
        desk.page.emulate_media(color_scheme=scheme)
        desk.page.locator(f"html[data-theme={scheme}]").wait_for(state="attached")
        found = desk.page.evaluate(CONTRAST, ".answer .token, .answer button:enabled, .answer p")
        assert len(found) > 10
        assert not [(round(ratio, 2), text) for ratio, text in found if ratio < 4.5]
    desk.page.emulate_media(color_scheme="light")


def test_it_fits_a_phone(desk: Desk) -> None:
    desk.press("Check", EPS_INSIDE)
    desk.page.set_viewport_size(PHONE)
    assert desk.page.evaluate("document.scrollingElement.scrollWidth") <= PHONE["width"] + 1
    for button in desk.place.get_by_role("button").all():
        if button.is_visible():
            assert button.bounding_box()["height"] >= 24
    desk.page.set_viewport_size(DESK)


def test_by_keyboard_alone(reader: Window, desk: Desk) -> None:
    other = Desk(reader.visit, "ema-weights")
    other.place.get_by_role("button").focus()
    page = desk.page
    page.keyboard.press("Enter")
    other.field.wait_for()
    expect(other.field).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type("def my_weights(rho, t):\nk = np.arange(t - 1, -1, -1)\nreturn (1 - rho) * rho**k")
    assert other.field.input_value().splitlines()[1:] == [
        "    k = np.arange(t - 1, -1, -1)",
        "    return (1 - rho) * rho**k",
    ]
    last = "return (1 - rho) * rho**k"
    page.keyboard.press("Tab")
    assert other.field.input_value().endswith(f"    {last}   ")
    page.keyboard.press("Shift+Tab")
    assert other.field.input_value().endswith(f"\n{last}   ")
    page.keyboard.press("Home")
    page.keyboard.press("Tab")
    assert other.field.input_value().endswith(f"    {last}   ")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(other.button("Check")).to_be_focused()
    page.keyboard.press("Enter")
    assert "✓ ema-weights. Right." in other.said()
    assert other.reply.get_attribute("role") == "status"
    described = other.field.get_attribute("aria-describedby")
    assert "Esc, then Tab leaves" in page.locator(f"#{described}").inner_text()


def test_a_reload_keeps_the_answer_and_a_second_visit_loads_no_python(reader: Window, place: str, desk: Desk) -> None:
    desk.field.fill(RIGHT)
    ASKED.clear()
    again = Desk(visited(reader, place + CHAPTER))
    expect(again.place.get_by_role("button")).to_have_text("Go on with your answer")
    again.open()
    assert again.field.input_value() == RIGHT
    assert "Right." in again.press("Check")
    heavy = [path for path in ASKED if re.search(r"pyodide|\.zip|\.whl|\.bin|worker", path)]
    assert not heavy
    assert not again.visit.errors


def test_answers_go_into_a_file_and_out_of_it(
    reader: Window, browser: Browser, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Desk(visited(reader, place + CHAPTER)).open()
    here.place.locator("summary").click()
    with reader.page.expect_download() as download:
        here.button("Save to a file").click()
    assert download.value.suggested_filename == progress.FILE
    file = tmp_path / progress.FILE
    download.value.save_as(file)
    assert json.loads(file.read_text(encoding="utf-8"))["answers"][EXERCISE] == RIGHT
    monkeypatch.setenv("RMSPROP_LIB_PROGRESS", str(file))
    assert {EXERCISE, "ema-weights"} <= progress.done()

    window = Window(browser)
    there = Desk(window.open(place + CHAPTER)).open()
    there.place.locator("summary").click()
    window.page.on("dialog", lambda dialog: dialog.accept())
    there.place.locator("input[type=file]").set_input_files(file)
    expect(there.field).to_have_value(RIGHT)
    there.place.locator("input[type=file]").set_input_files(
        {"name": "x.json", "mimeType": "application/json", "buffer": b'["no answers"]'}
    )
    expect(there.place.locator(".answer-store")).to_contain_text("nothing was changed")
    expect(there.field).to_have_value(RIGHT)
    window.close()


STUB = "def my_step(g, v, rho, eps):"
HOSTILE = [
    "no JSON",
    "null",
    "[]",
    '{"done": 3}',
    '{"done": [], "answers": ["x"]}',
    '{"done": [{"a": 1}, null, "<b>"], "answers": {"rmsprop-step": ["x"], "ema-weights": 7}}',
    '{"done": [], "answers": {"__proto__": {"rmsprop-step": "x"}, "constructor": "y"}}',
    json.dumps({"done": ["a"] * 100_000, "answers": {EXERCISE: "x" * 100_000}}),
]


def test_a_damaged_state_is_not_taken(reader: Window, place: str) -> None:
    visit = visited(reader, place + CHAPTER)
    folder = visit.page.locator("[data-folder]").first.get_attribute("data-folder")
    code = """async ([address, texts]) => {
      const { read } = await import(new URL(address, document.baseURI).href);
      return texts.map((text) => {
        const found = read(text);
        return found && [[...found.done], [...found.answers.keys()]];
      });
    }"""
    found = visit.page.evaluate(code, [f"{folder}kept.mjs", HOSTILE])
    assert found[:4] == [None] * 4
    assert found[4:7] == [[[], []], [[], []], [[], ["constructor"]]]
    assert found[7] == [["a"], []]
    assert visit.page.evaluate("({}).x") is None
    for state in (HOSTILE[0], HOSTILE[5]):
        visit.page.evaluate("state => localStorage.setItem('answers of /', state)", state)
        desk = Desk(visited(reader, place + CHAPTER)).open()
        assert desk.field.input_value().startswith(STUB)
        desk.field.fill("# mine")
        kept = json.loads(desk.page.evaluate("localStorage.getItem('answers of /')"))
        assert kept["answers"][EXERCISE] == "# mine"
        assert not desk.visit.errors


def test_reset_asks_and_puts_the_stub_back(reader: Window, place: str) -> None:
    desk = Desk(visited(reader, place + CHAPTER)).open()
    desk.field.fill("# mine")
    reader.page.once("dialog", lambda dialog: dialog.dismiss())
    desk.button("Reset").click()
    assert desk.field.input_value() == "# mine"
    reader.page.once("dialog", lambda dialog: dialog.accept())
    desk.button("Reset").click()
    assert desk.field.input_value().startswith(STUB)


def test_without_the_editor_there_is_a_plain_field(reader: Window, place: str) -> None:
    def without_editor(route: Any) -> None:
        text = route.fetch().text()
        route.fulfill(body=re.sub(r"EDITOR = .*?;", "EDITOR = null;", text), content_type="text/javascript")

    reader.page.route("**/settings.mjs", without_editor)
    desk = Desk(visited(reader, place + CHAPTER)).open()
    assert desk.place.locator(".prism-code-editor").count() == 0
    assert desk.field.input_value().startswith(STUB)
    desk.field.fill("")
    reader.page.keyboard.type("if x:\ny")
    assert desk.field.input_value() == "if x:\n    y"
    reader.page.unroute("**/settings.mjs")


def test_where_python_cannot_be_loaded_the_page_says_so(browser: Browser, place: str) -> None:
    window = Window(browser, service_workers="block")
    window.page.context.route("**/*.whl", lambda route: route.abort())
    desk = Desk(window.open(place + CHAPTER)).open()
    assert "Python could not be loaded." in desk.said()
    window.close()


def test_from_the_disk_and_without_scripts_a_sentence_says_why(browser: Browser, window: Window, place: str) -> None:
    visit = window.open((SITE / CHAPTER).as_uri())
    expect(Desk(visit).place).to_contain_text("opened from disk")
    assert Desk(visit).place.get_by_role("button").count() == 0
    context = browser.new_context(java_script_enabled=False)
    page: Page = context.new_page()
    page.goto(place + CHAPTER)
    assert "Where scripts run" in page.locator(f'.answer-here[data-exercise="{EXERCISE}"]').inner_text()
    context.close()


def test_what_needs_torch_has_no_button(window: Window, place: str) -> None:
    assert {"torch-rmsprop"} == NEEDS_TORCH
    page = window.open(f"{place}chapters/07_mnist.html").page
    assert page.locator('.answer-here[data-exercise="torch-rmsprop"]').count() == 0
    expect(page.locator(".answer-here:not([data-exercise])")).to_contain_text("needs PyTorch")
