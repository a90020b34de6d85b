"""The race on the first page: it runs by itself and again, from wherever its start is put, and stands still without."""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from browser import PHONE, SECONDS, Visit, Window, opened
from playwright.sync_api import Browser, Locator, Page, expect

from rmsprop_lib.playground import from_address, run
from tools.paths import SITE
from tools.site.first_race import ADDRESS, HOMES, NEAR, arrivals, looks

HOME = "chapters/index.html"
AGAIN = ".race-button"
POINTS = "e => e.getAttribute('d').split('L').length"


# Notes in every frame how many points of a path are drawn.
WATCH = """
window.seen = [];
(function look() {
  const points = document.querySelector(".race path[data-name=sgd]")?.getAttribute("d").split("L").length;
  if (points && !window.seen.includes(points)) window.seen.push(points);
  requestAnimationFrame(look);
})();
"""


def race(page: Page, selector: str) -> Locator:
    return page.locator(".race").locator(selector)


def lengths(page: Page) -> list[int]:
    """How many points of each path are drawn."""
    return [race(page, f'path[data-name="{name}"]').evaluate(POINTS) for name in HOMES]


def results(page: Page) -> dict[str, str]:
    return {name: race(page, f'.race-result[data-name="{name}"]').inner_text() for name in HOMES}


def wait_for_the_end(page: Page) -> None:
    expect(race(page, "[role=status]")).to_contain_text("First:", timeout=1000 * SECONDS)


def arrival(name: str, start: tuple[float, float]) -> str:
    """What the page says of an optimizer from another start, as Python computes it."""
    state = {**from_address(ADDRESS), "start": start}
    away = np.flatnonzero(np.hypot(*run(name, state).T) > NEAR)
    return f"{away[-1] + 1} steps" if away[-1] < state["steps"] else "not there yet"


@pytest.fixture(scope="module")
def watched(browser: Browser) -> Iterator[Window]:
    """A window that notes how the race goes on, however slow the machine is."""
    window = Window(browser)
    window.page.add_init_script(WATCH)
    yield window
    window.close()


@pytest.fixture
def still(window: Window, address: str) -> Iterator[Visit]:
    """The first page for a reader who wants no motion: every change is there at once."""
    visit = window.open(address + HOME, reduced_motion="reduce")
    wait_for_the_end(visit.page)
    yield visit
    assert not visit.errors


def test_it_runs_by_itself_once_and_says_who_was_first(watched: Window, address: str) -> None:
    visit = watched.open(address + HOME)
    wait_for_the_end(visit.page)
    seen = visit.page.evaluate("window.seen")
    assert len(seen) > 3 and min(seen) < 60, seen
    assert lengths(visit.page) == [102] * 5
    assert results(visit.page) == {name: f"{step} steps" for name, step in arrivals().items()}
    first = min(arrivals(), key=arrivals().get)
    expect(race(visit.page, "[role=status]")).to_contain_text(f"after {arrivals()[first]} steps")
    visit.page.evaluate("window.seen = []")
    visit.page.wait_for_timeout(500)
    assert visit.page.evaluate("window.seen") in ([], [102])
    assert not visit.errors


def test_it_is_over_in_less_than_five_seconds(window: Window, address: str) -> None:
    # What moves by itself for longer would need a way to stop it.
    source = (SITE / "_static" / "race.js").read_text(encoding="utf-8")
    assert float(re.search(r"const SECONDS = ([\d.]+);", source)[1]) < 5


def test_the_button_runs_it_again_by_keyboard(watched: Window, address: str) -> None:
    page = watched.open(address + HOME).page
    wait_for_the_end(page)
    page.evaluate("window.seen = []")
    race(page, AGAIN).focus()
    page.keyboard.press("Enter")
    wait_for_the_end(page)
    seen = page.evaluate("window.seen")
    assert len(seen) > 3 and min(seen) < 60, seen
    assert lengths(page) == [102] * 5


def test_the_arrow_keys_move_the_start(still: Visit) -> None:
    page = still.page
    race(page, ".race-handle").focus()
    for key in ("ArrowRight", "ArrowDown", "Shift+ArrowRight"):
        page.keyboard.press(key)
    expect(race(page, ".race-handle")).to_have_attribute("aria-label", re.compile(r"^Start at x -7\.25, y 3\.25\."))
    assert results(page) == {name: arrival(name, (-7.25, 3.25)) for name in HOMES}


def test_the_start_can_be_dragged_and_stays_in_the_picture(still: Visit) -> None:
    page = still.page
    box = race(page, "svg").bounding_box()
    ring = race(page, ".race-handle").bounding_box()
    page.mouse.move(ring["x"] + 14, ring["y"] + 14)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 0.25 * box["height"], steps=3)
    page.mouse.up()
    expect(race(page, ".race-handle")).to_have_attribute(
        "aria-label", re.compile(r"^Start at x (?:1|0\.99|1\.0\d?), y 2\.[45]\d?\.")
    )
    path = race(page, 'path[data-name="sgd"]').get_attribute("d")
    x, y = map(float, path.partition("L")[0].removeprefix("M").split())
    assert (x, y) == pytest.approx((660, 104.5), abs=4)
    page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 0.25 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] - 300, box["y"] - 300, steps=3)
    page.mouse.up()
    expect(race(page, ".race-handle")).to_have_attribute("aria-label", re.compile(r"^Start at x -10\.7, y 4\.1\."))


def test_a_touch_moves_it_and_does_not_scroll(browser: Browser, address: str) -> None:
    with opened(browser, address + HOME, viewport=PHONE, has_touch=True, reduced_motion="reduce") as visit:
        wait_for_the_end(visit.page)
        assert race(visit.page, ".race-handle").evaluate("e => getComputedStyle(e).touchAction") == "none"
        box = race(visit.page, "svg").bounding_box()
        visit.page.touchscreen.tap(box["x"] + box["width"] / 4, box["y"] + box["height"] / 4)
        expect(race(visit.page, ".race-handle")).to_have_attribute(
            "aria-label", re.compile(r"^Start at x -[67][.,\d]*, y 2\.")
        )


def test_who_wants_no_motion_sees_none(still: Visit) -> None:
    assert lengths(still.page) == [102] * 5
    race(still.page, AGAIN).click()
    assert lengths(still.page) == [102] * 5


def test_without_scripts_it_is_a_picture_with_its_names(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address + HOME)
    picture = race(page, "svg")
    assert picture.is_visible() and len(picture.get_attribute("aria-label")) > 100
    assert race(page, "button").count() == 0
    names = race(page, ".race-names li")
    assert names.count() == 5
    assert [a.get_attribute("href") for a in names.locator("a").all()] == [f"{home}.html" for home in HOMES.values()]
    assert "steps" in names.first.inner_text()
    context.close()


def test_in_print_it_is_a_picture_without_buttons(still: Visit) -> None:
    still.page.emulate_media(media="print")
    assert race(still.page, "svg").is_visible()
    for button in race(still.page, "button").all():
        assert not button.is_visible()


@pytest.mark.parametrize(("scheme", "place"), [("light", 0), ("dark", 1)])
def test_it_has_the_colours_of_the_playground(window: Window, address: str, scheme: str, place: int) -> None:
    page = window.open(address + HOME, color_scheme=scheme, reduced_motion="reduce").page
    for name in HOMES:
        colour = race(page, f'path[data-name="{name}"]').evaluate("e => getComputedStyle(e).stroke")
        wanted = looks()[name][place]
        assert colour == f"rgb({int(wanted[1:3], 16)}, {int(wanted[3:5], 16)}, {int(wanted[5:], 16)})", name


@pytest.mark.parametrize("width", [320, 375, 1280])
def test_it_is_large_enough_to_touch_and_fits(still: Visit, width: int) -> None:
    still.page.set_viewport_size({"width": width, "height": 800})
    for button in race(still.page, "button").all():
        box = button.bounding_box()
        assert box["width"] >= 24 and box["height"] >= 24
    assert still.page.evaluate("document.scrollingElement.scrollWidth") <= width + 1


def test_at_a_desk_the_race_and_its_names_need_no_scrolling(still: Visit) -> None:
    assert race(still.page, ".race-names").evaluate("e => e.getBoundingClientRect().bottom") < 900


def test_it_runs_from_the_disk(window: Window) -> None:
    visit = window.open((SITE / HOME).as_uri(), reduced_motion="reduce")
    wait_for_the_end(visit.page)
    assert not visit.errors


def test_no_other_page_loads_it() -> None:
    found: list[Any] = [p.name for p in SITE.glob("chapters/*.html") if "race.js" in p.read_text(encoding="utf-8")]
    assert found == ["index.html"]
