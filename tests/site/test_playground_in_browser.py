"""The playground in a real browser: its numbers against the library's, its address, and everyone's ways to use it."""

import contextlib
import io
import itertools
import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from urllib.parse import quote

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import DESK, PHONE, SECONDS, Visit, Window, opened
from playground_parts import OPEN, ROWS, address_of, part, set_address, wait_for_status
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from rmsprop_lib.playground import from_address, run, to_address
from rmsprop_lib.playground.bundle import bundle
from rmsprop_lib.playground.state import OPTIMIZERS, SURFACES, defaults
from rmsprop_lib.playground.surfaces import LANDSCAPES
from tools.paths import SITE

HOME = "chapters/playground.html"
CHAPTER = "chapters/03_rmsprop.html"
CHAPTERS = ("02_adagrad", "03_rmsprop", "04_centered_rmsprop", "05_rmsprop_momentum", "06_adam", "09_moving_targets")
PLANES = [name for name, row in SURFACES.items() if "kind" not in row]
EVERYONE = "on=" + ",".join(OPTIMIZERS)


def colours_of(page: Page) -> dict[tuple[int, ...], int]:
    """The colours of the picture of the race, and how many pixels have each."""
    found = page.evaluate(
        """() => { const c = playground.mounted[0].host.shadowRoot.getElementById('race'), found = {};
            const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
            for (let k = 0; k < d.length; k += 4) {
                const colour = `${[d[k], d[k + 1], d[k + 2], d[k + 3]]}`;
                found[colour] = (found[colour] ?? 0) + 1;
            }
            return found; }"""
    )
    return {tuple(map(int, colour.split(","))): count for colour, count in found.items()}


def at_rest(page: Page, selector: str) -> dict[str, float]:
    """Where something is when the page has come to rest, which a finger's scrolling puts off."""
    before = None
    while (box := part(page, selector).bounding_box()) != before:
        before = box
        page.wait_for_timeout(300)
    return box


def python_of(line: str) -> str:
    """An equation of the page, as Python reads it."""
    line = unicodedata.normalize("NFKC", line.replace("²", "**2"))
    for sign, meant in (("−", "-"), ("·", "*"), ("^", "**"), (")(", ")*("), ("√(", "sqrt(")):
        line = line.replace(sign, meant)
    line = re.sub(r"\|(.*?)\|", r"abs(\1)", line)
    return re.sub(r"√(\d[\d.]*(?:e-?\d+)?|\w[\w\u0302]*)", r"sqrt(\1)", line)


@pytest.fixture(scope="module")
def stage(browser: Browser, address: str) -> Iterator[Window]:
    """A window for pages of which the site has none."""
    body = (
        "<!doctype html><title>p</title><figure><img alt=a></figure><p class=playground-marker>"
        "<a href='#surface=ravine'>p</a></p><script src='_static/playground.js'></script>"
    )
    policy = "default-src 'none'; script-src 'self'; img-src 'self' data: blob:"
    headers = {"Content-Type": "text/html", "Content-Security-Policy": policy}
    window = Window(browser)
    window.page.route("**/bare.html", lambda route: route.fulfill(body=body, headers=headers))
    # Notebooks run what their outputs bring, which the book's pages forbid.
    window.page.route("**/notebook.html", lambda route: route.fulfill(body="<!doctype html><article></article>"))
    yield window
    window.close()


@pytest.fixture
def bare(stage: Window, address: str) -> Iterator[Callable[..., Visit]]:
    """Opens a page with a playground and nothing else, which forbids inline scripts and styles."""

    def all_it_says(message: ConsoleMessage) -> None:
        stage.visit.errors.append(message.text)

    stage.page.on("console", all_it_says)
    yield lambda fragment="": stage.open(f"{address}bare.html{fragment}")
    stage.page.remove_listener("console", all_it_says)


@pytest.fixture(scope="module")
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The playground's own page. What a test sets here, the next one sets anew."""
    with opened(browser, address + HOME) as visit:
        yield visit.page
        assert not visit.errors


class TestNumbers:
    SETTINGS = (
        "steps=500",
        "steps=500&angle=37&noise=0.7&seed=5&rho=0.97&beta2=0.9&gamma=0.8",
        "steps=500&angle=71&inside=1&eps=0.001&kappa=700&noise=2&seed=9999&beta1=0&rho=0&speed=0.11&share=0.3&large=11",
        # Far too fast: most of these diverge, or end on a wild cycle.
        "steps=500&angle=12&" + "&".join(f"eta.{name}=5" for name in OPTIMIZERS),
    )

    @pytest.mark.parametrize("settings", SETTINGS)
    @pytest.mark.parametrize("surface", PLANES)
    def test_every_path_and_loss_is_the_librarys(self, page: Page, surface: str, settings: str) -> None:
        where = f"surface={surface}&{settings}"
        found = page.evaluate(
            """([where, names]) => names.map(name => {
                const r = playground.run(name, playground.fromAddress(where).state);
                return [[...r.theta.slice(0, 2 * r.steps + 2)], [...r.loss.slice(0, r.steps + 1)], r.diverged];
            })""",
            [where, list(OPTIMIZERS)],
        )
        h = from_address(where)
        value, _ = LANDSCAPES[surface]
        for name, (theta, loss, diverged) in zip(OPTIMIZERS, found, strict=True):
            expected = run(name, h)
            measured = np.array(theta, dtype=float).reshape(-1, 2)
            assert measured.shape == expected.shape, name
            assert diverged == (len(expected) < 501)
            # Relative to how far out the run is: near 0 a coordinate is a difference of larger numbers.
            assert np.abs(measured - expected).max() <= 1e-12 * np.abs(expected).max(), name
            losses = [value(float(x), float(y), min(t + 1, 500), h) for t, (x, y) in enumerate(expected)]
            np.testing.assert_allclose(
                np.array(loss, dtype=float), losses, rtol=1e-12, atol=1e-12 * np.abs(losses).max()
            )

    def test_some_of_them_diverge_and_some_do_not(self, page: Page) -> None:
        # Or the test above would say nothing about divergence.
        lengths = [len(run(name, from_address(self.SETTINGS[3]))) for name in OPTIMIZERS]
        assert min(lengths) < 501 == max(lengths)

    def test_the_map_holds_the_mean_of_the_last_tenth(self, page: Page) -> None:
        where = "surface=noisy&noise=0.5&steps=100"
        losses = page.evaluate("where => [...playground.map('rmsprop', playground.fromAddress(where).state)]", where)
        assert len(losses) == 40 * 24
        etas = 1e-5 * 1e6 ** (np.arange(40) / 39)
        decays = 1 - 10 ** (-4 * np.arange(24) / 23)
        h = from_address(where)
        value, _ = LANDSCAPES["noisy"]
        for row, column in ((0, 20), (6, 25), (15, 30), (23, 10)):
            points = run("rmsprop", {**h, "rho": decays[row], "eta": {"rmsprop": etas[column]}})
            ending = np.mean([value(float(x), float(y), 1, h) for x, y in points[-10:]])
            assert losses[40 * row + column] == pytest.approx(ending, rel=1e-9)

    @pytest.mark.parametrize(
        "where",
        [
            "surface=ravine&angle=45&start=-3.21,4.5&on=sgd,centered,rmspropm&eta.sgd=0.0123",
            "surface=noisy&noise=1.5&seed=77&inside=1&eps=1e-7&steps=120",
            "surface=reddi&beta1=0&beta2=0.06&on=adam,adagrad",
            "surface=ravine&on=sgd&eta.sgd=1",
        ],
    )
    def test_the_copied_program_runs_as_pasted_and_reaches_the_same_points(self, page: Page, where: str) -> None:
        program, ends = page.evaluate(
            """where => { const { state } = playground.fromAddress(where);
                const end = name => { const r = playground.run(name, state);
                                      return [r.steps, r.theta[2 * r.steps], r.theta[2 * r.steps + 1]]; };
                return [playground.python(state), Object.fromEntries(state.on.map(name => [name, end(name)]))]; }""",
            where,
        )
        said, names = io.StringIO(), {}
        with contextlib.redirect_stdout(said):
            exec(compile(program, "pasted", "exec"), names)
        for name, (steps, x, y) in ends.items():
            assert f"{name:9} after {steps} steps: x = {x:.6g}, y = {y:.6g}\n" in said.getvalue()
        np.testing.assert_allclose(names["theta"][-1], ends[names["optimizer"]][1:], rtol=1e-12)

    def test_the_equations_hold_the_numbers_of_their_step(self, page: Page) -> None:
        page.evaluate(OPEN)
        set_address(page, f"surface=ravine&{EVERYONE}&at=1&start=2,8&steps=50")
        blocks = part(page, "#equations > div").all_text_contents()
        assert len(blocks) == len(OPTIMIZERS)
        shown = dict(zip(OPTIMIZERS, blocks, strict=True))
        assert "g = 200" in shown["sgd"] and "x = 2 − 0.01 · 200 = 0" in shown["sgd"]
        assert "d = 200 + 0.9 · 200 = 380" in shown["nesterov"]
        assert "v = 0.9 · 0 + 0.1 · 200² = 4000" in shown["rmsprop"]
        assert "d = 200 / (√4000 + 1e−8) = 3.162" in shown["rmsprop"]
        assert "v = 0.9 · 0 + 0.09 · (200 − 0)² = 3600" in shown["centered"]
        assert "m̂ = 20 / (1 − 0.9^1) = 200" in shown["adam"]
        assert "d = √(0 + 1e−8) / √(4000 + 1e−8) · 200 = 3.162e−4" in shown["adadelta"]
        assert "u = max(0.999 · 0, |200| + 1e−8) = 200" in shown["adamax"]
        assert "n = 0.9 · 20 / (1 − 0.9^2) + 0.1 · 200 / (1 − 0.9^1) = 294.7" in shown["nadam"]
        assert "r = 0, as ℓ is at most 5" in shown["radam"] and "d = m̂ = 200" in shown["radam"]
        assert "m = 0.9 · 0 + 0.1 · 200 / (√v̂ + 1e−8) = 0.1" in shown["laprop"]
        assert "s = 0.999 · 0 + 0.001 · (200 − 20)² + 1e−8 = 32.4" in shown["adabelief"]
        assert "v = 0 + 0.001 · 200² = 40" in shown["yogi"]
        assert "d = sign(0.9 · 0 + 0.1 · 200) = 1" in shown["lion"]

    @pytest.mark.parametrize("at", [1, 2, 9, 40])
    @pytest.mark.parametrize("settings", ["kappa=3", "kappa=3&inside=1&eps=0.5&beta1=0.6&beta2=0.9&rho=0.7&gamma=0.5"])
    def test_every_equation_is_true(self, page: Page, settings: str, at: int) -> None:
        page.evaluate(OPEN)
        set_address(page, f"surface=ravine&{settings}&start=2,8&noise=3&{EVERYONE}&at={at}&steps=50")
        blocks = part(page, "#equations > div pre").all_text_contents()
        counted = 0
        for name, block in zip(OPTIMIZERS, blocks, strict=True):
            known = {"sign": np.sign, "sqrt": np.sqrt, "max": max, "abs": abs}
            for line in block.splitlines():
                symbol, *terms = python_of(line.partition(", as")[0]).split(" = ")
                values = [eval(term, dict(known)) for term in terms]  # of the page under test
                known[symbol] = values[-1]
                counted += len(values) - 1
                # Every number has four digits, and of what is subtracted fewer are left.
                assert values == pytest.approx([values[-1]] * len(values), rel=0.01, abs=0.01), (name, line)
        assert counted > 50

    def test_divergence_is_shown_as_divergence(self, page: Page) -> None:
        page.evaluate(OPEN)
        set_address(page, "surface=rosenbrock&on=sgd,rmsprop&eta.sgd=1")
        row = part(page, "#entrants tr").nth(0).locator("td").all_text_contents()
        assert "diverged" in row
        assert "Diverged." in part(page, "#equations > div").nth(0).text_content()
        # The others are drawn as ever.
        assert len(colours_of(page)) > 100


class TestAddresses:
    WRITTEN = (
        "surface=ravine",
        "surface=ravine&angle=45&eps=1.5e-7&steps=1000&at=999",
        "surface=noisy&kappa=123.456&noise=0&seed=0&start=-0.000012,5.25&on=sgd&eta.sgd=0.00001&eta.adam=9.99999",
        "surface=drifting&rho=0.9999&gamma=0&eps=1e-12&inside=1",
    )

    @pytest.mark.parametrize("where", WRITTEN)
    def test_both_sides_write_a_state_in_the_same_way(self, page: Page, where: str) -> None:
        written = page.evaluate("where => playground.toAddress(playground.fromAddress(where).state)", where)
        assert written == to_address(from_address(where)) == where

    def test_both_sides_have_the_same_defaults(self, page: Page) -> None:
        for surface in SURFACES:
            state = page.evaluate("surface => playground.fromAddress(`surface=${surface}`).state", surface)
            assert state == json.loads(json.dumps(defaults(surface)))

    HOSTILE = (
        "rho=NaN",
        "rho=Infinity",
        "eps=1e999",
        "rho=0x1",
        "steps=",
        "surface=__proto__",
        "surface=constructor",
        "__proto__=1&rho=oops",
        "constructor.prototype.on=1",
        "eta.__proto__=1",
        "eta.=1",
        "on=",
        "on=sgd,hasOwnProperty",
        "start=1",
        "start=NaN,Infinity",
        "start=1,2,3",
        "rho=%E0%A4%A",
        "%=%&%%%=1",
        "=",
        "a=" + "&" * 50 + "=" * 50,
        "surface=<img src=x onerror=window.hacked=1>",
        "surface=javascript:window.hacked=1",
        "rho=0.5&" * 5000,
        "rho=" + "9" * 1900,
        "\u202e=\u0000",
    )

    @pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
    def test_a_damaged_address_gives_the_defaults_and_a_notice(self, bare: Callable[..., Visit], hostile: str) -> None:
        visit = bare("#" + quote(hostile, safe="=&%,."))
        page = visit.page
        assert page.evaluate("playground.mounted.length") == 1
        wait_for_status(page, "Not as the address has it")
        state = page.evaluate(
            "() => playground.fromAddress(playground.mounted[0].playground.address).state",
        )
        usual = json.loads(json.dumps(defaults()))
        differs = {key for key in usual if state[key] != usual[key]}
        # A number too large for its range is brought into it.
        assert differs <= ({"rho"} if hostile.startswith("rho=99") else set())
        assert page.evaluate("window.hacked === undefined && {}.on === undefined && ({}).rho === undefined")
        assert part(page, "img").count() == 0
        assert not visit.errors

    @pytest.mark.parametrize(
        ("given", "taken"),
        [
            ("steps=1e9", "surface=ravine&steps=1000"),
            ("steps=-5", "surface=ravine&steps=10"),
            ("start=1e6,-1e6", "surface=ravine&start=11,-11"),
            ("rho=2&eta.sgd=1e-99", "surface=ravine&rho=0.9999&eta.sgd=0.00001"),
            ("rho=0.5&rho=0.6", "surface=ravine&rho=0.5"),
            ("at=100000", "surface=ravine"),
        ],
    )
    def test_what_is_out_of_its_range_is_brought_into_it_with_a_notice(
        self, page: Page, given: str, taken: str
    ) -> None:
        set_address(page, given)
        assert address_of(page) == taken
        wait_for_status(page, given.partition("=")[0])

    def test_old_addresses_give_the_states_that_they_gave(self, page: Page) -> None:
        # Who was shown before the family came, and at which rates.
        eight = ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "centered", "rmspropm", "adam"]
        usual = {
            "ravine": [0.01, 0.003, 0.003, 1, 0.1, 0.05, 0.02, 0.2],
            "rosenbrock": [0.003, 0.002, 0.002, 1.5, 0.02, 0.005, 0.002, 0.5],
            "beale": [0.03, 0.01, 0.01, 1, 0.01, 0.003, 0.001, 0.2],
            "saddle": [0.01, 0.003, 0.003, 1, 0.1, 0.05, 0.02, 0.2],
            "noisy": [0.01, 0.003, 0.003, 1, 0.1, 0.05, 0.02, 0.2],
            "drifting": [0.5, 0.1, 0.1, 1, 0.1, 0.05, 0.02, 0.2],
            "sparse": [0.5, 0.05, 0.05, 1, 0.1, 0.05, 0.02, 0.2],
            "bumps": [0.1, 0.03, 0.05, 1, 0.1, 0.05, 0.02, 0.2],
            "reddi": [0.01, 0.003, 0.003, 1, 0.1, 0.05, 0.02, 0.2],
            "network": [0.2, 0.2, 0.1, 0.05, 0.001, 0.0005, 0.0005, 0.01],
        }
        assert list(usual) == list(SURFACES)
        for surface, rates in usual.items():
            state = page.evaluate("a => playground.fromAddress(a).state", f"surface={surface}")
            assert state["on"] == ["sgd", "momentum", "adagrad", "rmsprop", "adam"]
            assert {name: state["eta"][name] for name in eight} == dict(zip(eight, rates, strict=True))
        full = f"surface=ravine&on={','.join(eight)}&" + "&".join(f"eta.{name}=0.015" for name in eight)
        assert page.evaluate("a => playground.toAddress(playground.fromAddress(a).state)", full) == full

    def test_the_windows_address_follows_and_can_be_opened_again(self, window: Window, address: str) -> None:
        page = window.open(address + HOME).page
        assert "#" not in page.url
        part(page, "#surface").select_option("beale")
        part(page, "#back").click()
        page.wait_for_url("**#surface=beale&at=299")
        assert address_of(window.open(page.url).page) == "surface=beale&at=299"

    def test_a_link_to_a_section_leaves_the_race_alone(self, window: Window, address: str) -> None:
        page = window.open(f"{address}{HOME}#experiments").page
        assert address_of(page).startswith("surface=ravine&kappa=20&angle=25")
        assert "Not as" not in part(page, "#status").text_content()

    def test_the_copied_link_opens_the_same_state(self, browser: Browser, address: str) -> None:
        with opened(browser, address + CHAPTER, permissions=["clipboard-read", "clipboard-write"]) as visit:
            set_address(visit.page, "surface=saddle&noise=1")
            part(visit.page, "#link").click()
            wait_for_status(visit.page, "has been copied")
            link = visit.page.evaluate("navigator.clipboard.readText()")
        assert link == f"{address}{HOME}#surface=saddle&noise=1"

    def test_where_nothing_can_be_copied_the_text_is_shown(self, window: Window, address: str) -> None:
        page = window.open(address + HOME).page
        page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(); }")
        part(page, "#python").click()
        assert "from rmsprop_lib.playground import run" in part(page, "textarea").input_value()

    def test_the_picture_can_be_saved(self, page: Page) -> None:
        with page.expect_download() as download:
            part(page, "#save").click()
        assert download.value.suggested_filename == "race.png"
        assert download.value.path().read_bytes().startswith(b"\x89PNG")


class TestPages:
    def test_only_pages_that_need_it_load_the_script(self) -> None:
        for path in sorted(SITE.glob("chapters/*.html")):
            needed = path.stem in (*CHAPTERS, "playground")
            assert ("playground.js" in path.read_text(encoding="utf-8")) == needed, path.name

    @pytest.mark.parametrize("chapter", CHAPTERS)
    def test_a_guided_link_sets_the_playground_above_it_in_place(
        self, window: Window, address: str, chapter: str
    ) -> None:
        visit = window.open(f"{address}chapters/{chapter}.html")
        page = visit.page
        links = page.locator('article a[href*="#surface="]:visible')
        assert links.count() >= 2
        for k in range(links.count()):
            target = links.nth(k).get_attribute("href").partition("#")[2]
            links.nth(k).click()
            assert page.url.endswith(f"{chapter}.html")
            assert address_of(page) == to_address(from_address(target))
        assert not visit.errors

    def test_chapter_20_leads_to_a_race_of_the_family(self, window: Window, address: str) -> None:
        page = window.open(f"{address}chapters/20_family.html").page
        page.locator('article a[href*="playground.html#surface=sparse"]').click()
        page.wait_for_url("**/playground.html#surface=sparse*")
        assert address_of(page) == "surface=sparse&beta2=0.5&on=adam,laprop"
        assert part(page, "#unfold").get_attribute("aria-expanded") == "true"

    def test_on_its_own_page_a_guided_link_sets_it_too(self, window: Window, address: str) -> None:
        page = window.open(address + HOME).page
        links = page.locator('article a[href*="#surface="]:visible')
        assert links.count() >= 6
        links.nth(3).click()
        assert address_of(page) == "surface=ravine&angle=45&steps=1000"
        assert part(page, "canvas").first.is_visible()
        page.go_back()
        assert page.url.startswith(address + HOME)

    @pytest.mark.parametrize("name", [HOME, CHAPTER])
    def test_without_scripts_there_is_the_picture_and_a_link(self, browser: Browser, address: str, name: str) -> None:
        context = browser.new_context(java_script_enabled=False)
        page = context.new_page()
        page.goto(address + name)
        marker = page.locator(".playground-marker")
        image = page.locator("figure:has(+ .playground-marker) img")
        assert image.is_visible() and len(image.get_attribute("alt")) > 50
        assert marker.is_visible()
        assert marker.locator("a").get_attribute("href").partition("#")[0] in ("", "playground.html")
        context.close()

    def test_in_print_there_is_the_picture(self, window: Window, address: str) -> None:
        page = window.open(address + CHAPTER).page
        page.emulate_media(media="print")
        assert page.locator(".playground-still").is_visible()
        assert not page.locator(".playground-live").is_visible()
        assert not page.locator(".playground-marker").is_visible()

    def test_it_works_from_the_disk(self, window: Window) -> None:
        visit = window.open((SITE / HOME).as_uri() + "#surface=saddle")
        assert address_of(visit.page) == "surface=saddle"
        part(visit.page, "#back").click()
        visit.page.wait_for_url("**#surface=saddle&at=299")
        assert not visit.errors

    def test_it_works_under_a_policy_that_forbids_inline_scripts_and_styles(self, bare: Callable[..., Visit]) -> None:
        visit = bare()
        visit.page.evaluate(OPEN)
        assert part(visit.page, "#race").bounding_box()["width"] > 200
        assert part(visit.page, ".main").evaluate("e => getComputedStyle(e).display") == "grid"
        assert not visit.errors


class TestForEveryone:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("name", [HOME, CHAPTER])
    def test_axe_finds_nothing(self, window: Window, address: str, name: str, scheme: str) -> None:
        page = window.open(address + name, color_scheme=scheme).page
        page.evaluate(OPEN)
        # It would go through all the code of the chapter, too.
        page.evaluate("() => document.querySelectorAll('pre, mjx-container').forEach(e => e.remove())")
        found = Axe().run(page, context=".playground-live")
        assert found.response["violations"] == [], found.generate_report()

    @pytest.mark.parametrize("width", [320, 375, 600, 1280, 2560])
    def test_it_fits_its_column(self, page: Page, width: int) -> None:
        page.set_viewport_size({"width": width, "height": 800})
        page.evaluate(OPEN)
        set_address(page, f"surface=noisy&{EVERYONE}&at=77")
        wide = page.evaluate(
            """() => { const { host } = playground.mounted[0]; const edge = host.getBoundingClientRect().right + 1;
                return [...host.shadowRoot.querySelectorAll('*')].filter(e => {
                    const box = e.getBoundingClientRect();
                    return box.width && box.right > edge && !e.closest('.scroll');
                }).map(e => e.outerHTML.slice(0, 80)); }"""
        )
        whole = page.evaluate("document.scrollingElement.scrollWidth")
        page.set_viewport_size(DESK)
        assert not wide
        assert whole <= width + 1

    def test_every_target_is_large_enough(self, page: Page) -> None:
        page.set_viewport_size(PHONE)
        page.evaluate(OPEN)
        small = page.evaluate(
            """() => [...playground.mounted[0].host.shadowRoot.querySelectorAll('button, select, input, summary')]
                .map(e => [e.getBoundingClientRect(), e.outerHTML.slice(0, 80)])
                .filter(([box]) => box.width && (box.width < 24 || box.height < 24)).map(([, html]) => html)"""
        )
        page.set_viewport_size(DESK)
        assert not small

    def test_the_keyboard_reaches_everything(self, page: Page) -> None:
        page.evaluate(OPEN)
        set_address(page, "surface=ravine")
        names = page.evaluate(
            """() => [...playground.mounted[0].host.shadowRoot.querySelectorAll('button, select, input, summary')]
                .filter(e => e.getBoundingClientRect().width).map((e, k) => (e.dataset.place = String(k)))"""
        )
        part(page, "#surface").focus()
        reached = []
        for _ in range(len(names) + 3):  # and the table, which scrolls
            place = page.evaluate("() => playground.mounted[0].host.shadowRoot.activeElement?.dataset.place")
            if place is not None:
                reached.append(place)
            page.keyboard.press("Tab")
        assert reached == names

    def test_the_keyboard_operates_everything(self, page: Page) -> None:
        page.evaluate(OPEN)
        set_address(page, "surface=ravine")
        part(page, "#handle").focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Shift+ArrowDown")
        assert address_of(page) == "surface=ravine&start=1.22,7.8"
        part(page, "#step").focus()
        page.keyboard.press("ArrowLeft")
        assert address_of(page).endswith("&at=299")
        part(page, "#entrants input[type=checkbox]").nth(1).focus()
        page.keyboard.press("Space")
        assert "on=sgd,adagrad,rmsprop,adam" in address_of(page)
        set_address(page, "surface=ravine&steps=100")
        part(page, "#map").focus()
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowLeft")
        state = from_address(address_of(page))
        assert state["rho"] > 0.9 and state["eta"]["rmsprop"] < 0.1
        expect(part(page, "#map:not(.stale)")).to_have_count(1, timeout=1000 * SECONDS)
        page.keyboard.press("Enter")
        best = from_address(address_of(page))
        losses = page.evaluate("a => [...playground.map('rmsprop', playground.fromAddress(a).state)]", address_of(page))
        column, row = int(np.argmin(losses)) % 40, int(np.argmin(losses)) // 40
        assert best["eta"]["rmsprop"] == pytest.approx(1e-5 * 1e6 ** (column / 39), rel=0.01)
        assert 1 - best["rho"] == pytest.approx(10 ** (-4 * row / 23), rel=0.06)

    def test_a_slider_speaks_its_value_and_its_name(self, page: Page) -> None:
        set_address(page, "surface=ravine&rho=0.97&eps=1e-7&eta.adam=0.003")
        spoken = part(page, 'input[type="range"]').evaluate_all(
            "found => found.map(e => [e.getAttribute('aria-label'), e.getAttribute('aria-valuetext')])"
        )
        assert ["ρ, decay of the average of squares", "0.97"] in spoken
        assert ["ε, added to the denominator", "1e−7"] in spoken
        assert ["learning rate of Adam", "0.003"] in spoken
        assert ["Step", "300 of 300"] in spoken
        assert all(name and value for name, value in spoken)

    def test_a_slider_reaches_both_ends_of_its_range(self, page: Page) -> None:
        set_address(page, "surface=ravine")
        slider = part(page, 'input[aria-label^="ε,"]')
        slider.focus()
        page.keyboard.press("Home")
        assert from_address(address_of(page))["eps"] == 1e-12
        page.keyboard.press("End")
        assert from_address(address_of(page))["eps"] == 10

    def test_the_live_region_is_quiet_while_it_plays_and_speaks_when_it_rests(self, page: Page) -> None:
        set_address(page, "surface=ravine&steps=1000")
        wait_for_status(page, "Step 1000")
        page.evaluate(
            """() => { window.spoken = []; const e = playground.mounted[0].host.shadowRoot.getElementById('status');
                window.listener = new MutationObserver(() => spoken.push(e.textContent));
                listener.observe(e, { childList: true, characterData: true, subtree: true }); }"""
        )
        part(page, "#step").evaluate("e => { e.value = 0; e.dispatchEvent(new Event('input')); }")
        wait_for_status(page, "Step 0.")
        page.evaluate("window.spoken.length = 0")
        part(page, "#play").click()
        page.wait_for_timeout(1000)
        assert part(page, "#play").text_content() == "Pause"
        assert page.evaluate("window.spoken.length") == 0
        part(page, "#play").click()
        assert part(page, "#play").text_content() == "Play"
        at = from_address(address_of(page))["at"]
        assert 0 < at < 1000
        wait_for_status(page, f"Step {at}.")
        page.evaluate("listener.disconnect()")

    def test_nothing_moves_for_readers_who_want_less_of_it(self, window: Window, address: str) -> None:
        page = window.open(f"{address}{HOME}#surface=ravine", reduced_motion="reduce").page
        part(page, "#play").click()
        assert address_of(page) == "surface=ravine&at=0"
        page.wait_for_timeout(300)
        assert address_of(page) == "surface=ravine&at=0"

    def test_nothing_plays_by_itself(self, page: Page) -> None:
        set_address(page, "surface=ravine&at=5")
        page.wait_for_timeout(300)
        assert address_of(page) == "surface=ravine&at=5"

    def test_a_finger_scrolls_over_the_picture_and_drags_the_start(self, browser: Browser, address: str) -> None:
        with opened(browser, address + HOME, has_touch=True) as visit:
            touch = part(visit.page, "canvas, #map, #handle").evaluate_all(
                "found => found.map(e => [e.id, getComputedStyle(e).touchAction])"
            )
            assert [name for name, action in touch if action == "none"] == ["handle"]

    def test_the_start_is_dragged_with_the_pointer(self, page: Page) -> None:
        set_address(page, "surface=ravine")
        part(page, "#race").scroll_into_view_if_needed()
        box, ring = part(page, "#race").bounding_box(), part(page, "#handle").bounding_box()
        page.mouse.move(ring["x"] + ring["width"] / 2, ring["y"] + ring["height"] / 2)
        page.mouse.down()
        page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 0.25 * box["height"], steps=4)
        page.mouse.up()
        assert from_address(address_of(page))["start"] == pytest.approx((5.5, 5.5), abs=0.15)

    def test_a_mouse_drags_the_start_from_anywhere(self, page: Page) -> None:
        set_address(page, "surface=ravine&start=-8,-8")
        part(page, "#race").scroll_into_view_if_needed()
        box = part(page, "#race").bounding_box()
        page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.75 * box["height"])
        page.mouse.down()
        assert from_address(address_of(page))["start"] == pytest.approx((0, -5.5), abs=0.15)
        page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 0.5 * box["height"], steps=4)
        assert from_address(address_of(page))["start"] == pytest.approx((-5.5, 0), abs=0.15)
        page.mouse.up()
        page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 0.9 * box["height"])
        assert from_address(address_of(page))["start"] == pytest.approx((-5.5, 0), abs=0.15)

    def test_a_finger_drags_the_ring_and_not_the_picture(self, browser: Browser, address: str) -> None:
        with opened(browser, f"{address}{HOME}#surface=ravine", has_touch=True, viewport=PHONE) as visit:
            page = visit.page
            page.set_viewport_size(PHONE)
            part(page, "#race").scroll_into_view_if_needed()
            visit.settle()  # fonts and equations move what is below them
            fingers = page.context.new_cdp_session(page)

            def drag(places: list[tuple[float, float]]) -> None:
                kinds = ["touchStart", *["touchMove"] * (len(places) - 1)]
                for kind, (x, y) in zip(kinds, places, strict=True):
                    fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
                fingers.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

            box = part(page, "#race").bounding_box()
            middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            drag([middle, (middle[0], middle[1] - 40), (middle[0], middle[1] - 80)])
            assert address_of(page) == "surface=ravine"
            visit.settle()
            box = at_rest(page, "#race")
            ring = part(page, "#handle").bounding_box()
            aside = (box["x"] + 0.2 * box["width"], box["y"] + 0.4 * box["height"])
            between = (box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
            drag([(ring["x"] + ring["width"] / 2, ring["y"] + ring["height"] / 2), between, aside])
            assert from_address(address_of(page))["start"] == pytest.approx((-6.6, 2.2), abs=0.3)
            assert part(page, "#race").bounding_box() == box

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_the_surface_is_in_colour_and_brighter_where_it_is_lower(
        self, window: Window, address: str, scheme: str
    ) -> None:
        page = window.open(f"{address}{HOME}#surface=ravine&kappa=1&on=sgd&at=0", color_scheme=scheme).page
        shades = page.evaluate(
            """() => { const c = playground.mounted[0].host.shadowRoot.getElementById('race');
                const ctx = c.getContext('2d');
                return Array.from({ length: 60 }, (_, k) => [...ctx.getImageData(
                    c.width * (0.55 + 0.44 * k / 60), c.height * (0.55 + 0.44 * k / 60), 1, 1).data]); }"""
        )
        light = [
            sum(w * ((v / 255) ** 2.2) for w, v in zip((0.2126, 0.7152, 0.0722), rgb[:3], strict=True))
            for rgb in shades
        ]
        # A level line is darker in the light, and lighter in the dark: what lies between is what is compared.
        smooth = [np.median(light[max(0, k - 3) : k + 4]) for k in range(60)]
        assert all(a >= b - 0.01 for a, b in itertools.pairwise(smooth))
        assert smooth[0] > 1.4 * smooth[-1]
        assert len(colours_of(page)) > 100

    @pytest.mark.parametrize(("width", "beside"), [(1280, True), (375, False)])
    def test_the_curves_stand_beside_the_surface_where_there_is_room(
        self, page: Page, width: int, beside: bool
    ) -> None:
        page.set_viewport_size({"width": width, "height": 800})
        surface, curves = (part(page, name).bounding_box() for name in ("#race", "#curves"))
        column = part(page, ".playground").bounding_box()
        page.set_viewport_size(DESK)
        if beside:
            assert curves["x"] > surface["x"] + surface["width"]
            assert curves["y"] + curves["height"] == pytest.approx(surface["y"] + surface["height"], abs=3)
            assert surface["width"] > 0.55 * column["width"]
        else:
            assert curves["y"] > surface["y"] + surface["height"]
            assert surface["width"] == pytest.approx(column["width"], abs=1)

    def test_few_controls_come_first_and_each_slider_has_a_name_beside_its_symbol(
        self, window: Window, address: str
    ) -> None:
        page = window.open(f"{address}{HOME}#surface=ravine").page
        # Playwright takes what is folded for visible.
        named = part(page, ".slider .words").evaluate_all(
            "found => found.filter(e => e.checkVisibility({ contentVisibilityAuto: true })).map(e => e.textContent)"
        )
        assert named == ["condition number κ", "angle"]
        assert part(page, "#columns th").nth(1).text_content() == "learning rate η"
        page.evaluate(OPEN)
        names = part(page, "#settings .words").all_text_contents()
        assert {"decay of squares ρ", "momentum γ", "noise σ"} <= set(names)

    def test_the_family_is_folded_until_it_is_asked_for_or_in_the_race(self, window: Window, address: str) -> None:
        page = window.open(f"{address}{HOME}#surface=ravine").page
        button, rows = part(page, "#unfold"), part(page, "#family tr:has(input)")
        assert rows.count() == 8

        def seen() -> list[bool]:
            return [row.is_visible() for row in rows.all()]

        assert button.get_attribute("aria-expanded") == "false" and not any(seen())
        height = part(page, "table").bounding_box()["height"]
        button.focus()
        page.keyboard.press("Enter")
        assert button.get_attribute("aria-expanded") == "true" and all(seen())
        assert part(page, "table").bounding_box()["height"] > 1.5 * height
        page.keyboard.press("Space")
        assert button.get_attribute("aria-expanded") == "false" and not any(seen())
        assert address_of(page) == "surface=ravine"
        set_address(page, "surface=ravine&on=adam,lion")
        assert button.get_attribute("aria-expanded") == "true" and all(seen())
        set_address(page, "surface=ravine")  # what a reader has before him is not folded away
        assert all(seen())

    def test_a_sign_has_no_effective_rate_and_adadeltas_is_that_of_its_step(self, page: Page) -> None:
        where = "surface=ravine&on=adadelta,lion&eps=0.0001&at=40"
        page.evaluate(OPEN)
        set_address(page, where)
        rows = dict(zip(OPTIMIZERS, part(page, ROWS).all(), strict=True))
        assert rows["lion"].locator("td").last.text_content() == "–, –"
        points = run("adadelta", from_address(where))
        _, gradient = LANDSCAPES["ravine"]
        g = np.array(gradient(*map(float, points[39]), 40, from_address(where)))
        shown = [float(text) for text in rows["adadelta"].locator("td").last.text_content().split(", ")]
        assert shown == pytest.approx((points[39] - points[40]) / g, rel=6e-3)

    def test_forced_colours_are_taken_over(self, window: Window, address: str) -> None:
        page = window.open(address + HOME, forced_colors="active").page
        colours = page.evaluate(
            """() => { const root = playground.mounted[0].host.shadowRoot; const c = root.getElementById('race');
                const ink = getComputedStyle(root.firstElementChild).color.match(/\\d+/g).slice(0, 3).map(Number);
                const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; const found = new Set();
                for (let k = 0; k < d.length; k += 4)
                    if (d[k + 3] === 255) found.add(`${[d[k], d[k + 1], d[k + 2]]}`);
                return [`${ink}`, [...found]]; }"""
        )
        assert colours[1] == [colours[0]]

    def test_the_picture_has_its_numbers_in_a_table(self, page: Page) -> None:
        set_address(page, "surface=ravine&on=sgd,adam&at=100")
        end = run("adam", from_address("surface=ravine"))[100]
        row = part(page, "#entrants tr").nth(7)
        assert row.locator("th").text_content().endswith("Adam")
        cells = [text.replace("−", "-") for text in row.locator("td").all_text_contents()]
        assert [float(cells[2]), float(cells[3])] == pytest.approx(end.tolist(), rel=1e-3)


class TestInANotebook:
    MODEL = """
    window.model = { values: { address: "surface=ravine&angle=45" }, saved: [], listeners: {},
        get(name) { return this.values[name]; },
        set(name, value) { this.values[name] = value; },
        save_changes() { this.saved.push(this.values.address); },
        on(event, f) { this.listeners[event] = f; }, off(event) { delete this.listeners[event]; },
        fromPython(address) { this.values.address = address; this.listeners["change:address"](); } };
    """

    @pytest.fixture
    def cell(self, stage: Window, address: str) -> Iterator[Page]:
        """An output cell into which the widget's module, the one that anywidget loads, has rendered."""
        visit = stage.open(address + "notebook.html")
        visit.page.evaluate(self.MODEL)
        visit.page.evaluate(
            """async text => { const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
                const widget = (await import(url)).default;
                window.el = document.createElement("div"); el.className = "playground-live";
                document.querySelector("article").append(el);
                window.remove = widget.render({ model, el }); }""",
            bundle("widget.mjs"),
        )
        yield visit.page
        assert not visit.errors

    def test_it_shows_the_state_that_python_gave_and_sends_nothing_back(self, cell: Page) -> None:
        assert part(cell, "#race").get_attribute("aria-label").startswith("Ravine")
        assert part(cell, 'input[aria-label^="angle"]').get_attribute("aria-valuetext") == "45"
        assert cell.evaluate("model.saved") == []

    def test_what_python_sets_is_shown_and_not_echoed(self, cell: Page) -> None:
        cell.evaluate("model.fromPython('surface=beale&start=2,-1&at=7')")
        assert part(cell, "#surface").input_value() == "beale"
        assert part(cell, "#at").text_content() == "7 of 300"
        assert cell.evaluate("model.saved") == []

    def test_the_network_is_trained_there_too(self, cell: Page) -> None:
        cell.evaluate("model.fromPython('surface=network&steps=100&on=sgd')")
        expect(part(cell, "#at")).to_have_text("100 of 100", timeout=1000 * SECONDS)
        assert part(cell, "#race").get_attribute("aria-label").startswith("Network at its edge")
        part(cell, 'input[aria-label="learning rate of SGD"]').focus()
        cell.keyboard.press("ArrowRight")
        assert from_address(cell.evaluate("model.saved[0]"))["eta"]["sgd"] > 0.2

    def test_what_is_done_in_the_picture_reaches_python(self, cell: Page) -> None:
        part(cell, "#handle").focus()
        cell.keyboard.press("ArrowUp")
        assert cell.evaluate("model.saved") == ["surface=ravine&angle=45&start=1,10.22"]
        assert from_address(cell.evaluate("model.saved[0]"))["start"] == (1.0, 10.22)

    def test_a_cell_that_is_cleared_listens_no_more(self, cell: Page) -> None:
        cell.evaluate("remove()")
        assert cell.evaluate("Object.keys(model.listeners)") == []
