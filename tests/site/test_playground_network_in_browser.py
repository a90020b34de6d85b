"""The playground's network in a real browser: its trainings against the library's, its work in a frame, its readers."""

import contextlib
import io
from collections.abc import Iterator

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import DESK, PHONE, SECONDS, Window, opened
from playground_parts import OPEN, ROWS, address_of, part, set_address, wait_for_status
from playwright.sync_api import Browser, Page, expect

from rmsprop_lib.playground import Training, from_address, to_address, train
from rmsprop_lib.playground.bundle import source
from rmsprop_lib.playground.state import OPTIMIZERS

HOME = "chapters/playground.html"
NETWORK = "surface=network"
EVERYONE = "on=" + ",".join(OPTIMIZERS)
FRAME = int(source("training.mjs").partition("export const FRAME = ")[2].partition(";")[0])
# What the text beside the slider says in each frame until the condition holds.
FOLLOW = """
async ([address, done]) => {
  const { host, playground: mounted } = playground.mounted[0];
  const at = () => host.shadowRoot.getElementById("at").textContent;
  mounted.set(address);
  const said = [at()];
  while (!at().startsWith(done) && said.length < 2000) {
    await new Promise(requestAnimationFrame);
    said.push(at());
  }
  return said;
}
"""


@pytest.fixture(scope="module")
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The playground's own page. What a test sets here, the next one sets anew."""
    with opened(browser, f"{address}{HOME}#{NETWORK}&steps=100") as visit:
        yield visit.page
        assert not visit.errors


def trained(page: Page, where: str, steps: int) -> None:
    """Set an address and wait until its trainings have come to their end."""
    set_address(page, where)
    expect(part(page, "#at")).to_have_text(f"{steps} of {steps}", timeout=1000 * SECONDS)


def column(page: Page, k: int) -> dict[str, str]:
    """The cells of a column of the table, from 0 after the rates, by optimizer."""
    rows = part(page, ROWS).evaluate_all(
        "(rows, k) => rows.map(row => row.querySelectorAll('td')[k + 1].textContent)", k
    )
    return dict(zip(OPTIMIZERS, rows, strict=True))


class TestNumbers:
    SETTINGS = (
        "steps=1500",
        "steps=600&seed=5&rho=0.9&gamma=0.9&beta1=0.3&beta2=0.98&eps=0.001&inside=1",
        # Too fast: some of these diverge.
        "steps=600&seed=9999&" + "&".join(f"eta.{name}=3" for name in OPTIMIZERS),
    )

    @staticmethod
    def in_browser(page: Page, name: str, where: str) -> dict[str, np.ndarray]:
        found = page.evaluate(
            """([name, where]) => { const r = playground.train(name, playground.fromAddress(where).state);
                const measured = Math.floor(r.steps / 20);
                return { theta: [...r.theta], loss: [...r.loss.slice(0, r.steps + 1)], edge: [r.edge],
                    weights: [...r.weights.slice(0, 97 * (measured + 1))],
                    curvature: [...r.curvature.slice(1, measured + 1)] }; }""",
            [name, where],
        )
        return {key: np.array(values, dtype=float) for key, values in found.items()}

    @pytest.mark.parametrize("settings", SETTINGS)
    @pytest.mark.parametrize("name", OPTIMIZERS)
    def test_every_training_is_the_librarys_to_the_last_bit(self, page: Page, name: str, settings: str) -> None:
        found = self.in_browser(page, name, f"{NETWORK}&{settings}")
        expected: Training = train(name, from_address(f"{NETWORK}&{settings}"))
        np.testing.assert_array_equal(found["theta"], expected.theta)
        np.testing.assert_array_equal(found["weights"].reshape(-1, 97), expected.weights)
        np.testing.assert_array_equal(found["loss"], expected.loss)
        np.testing.assert_array_equal(found["edge"], [expected.edge])
        # Products with the Hessian are summed in another order; where every unit is saturated, the iteration has lost
        # its way in one before it has in the other.
        if settings != self.SETTINGS[2]:
            np.testing.assert_allclose(found["curvature"], expected.curvature, rtol=1e-6)

    def test_radams_is_so_to_the_end_of_its_usual_length(self, page: Page) -> None:
        # It alone takes roots of numbers that are no arrays, and late a power of one half is not the root.
        expected = train("radam", from_address(NETWORK))
        np.testing.assert_array_equal(self.in_browser(page, "radam", NETWORK)["loss"], expected.loss)

    def test_some_of_them_diverge_and_some_do_not(self) -> None:
        # Or the test above would say nothing about divergence.
        lengths = [len(train(name, from_address(f"{NETWORK}&{self.SETTINGS[2]}")).loss) for name in OPTIMIZERS]
        assert min(lengths) < 601 == max(lengths)

    def test_the_table_the_numbers_and_the_status_are_those_of_the_step(self, page: Page) -> None:
        page.evaluate(OPEN)
        trained(page, f"{NETWORK}&on=sgd,adam&steps=1500", 1500)
        set_address(page, f"{NETWORK}&on=sgd,adam&steps=1500&at=1333")
        for name in ("sgd", "adam"):
            found = train(name, from_address(f"{NETWORK}&steps=1333"))
            height = found.curvature[-1] / found.edge
            cells = [float(column(page, k)[name].replace("−", "-")) for k in range(4)]
            assert cells == pytest.approx([found.loss[-1], found.curvature[-1], found.edge, height], rel=6e-3)
            wait_for_status(page, f"{OPTIMIZERS[name][0]} {height:.2f}")
        assert column(page, 0)["rmsprop"] == ""
        blocks = part(page, "#equations > div").all_text_contents()
        assert "edge = 2 / η = 2 / 0.2 = 10" in blocks[0] and "of H after step 1320" in blocks[0]
        assert "edge = 2(1 + β₁)/(1 − β₁) / η = 38 / 0.01 = 3800" in blocks[1] and "of P⁻¹H after" in blocks[1]

    def test_the_copied_program_runs_as_pasted_and_ends_with_the_same_numbers(self, page: Page) -> None:
        where = f"{NETWORK}&steps=300&seed=4&on=momentum,adam&eta.adam=0.02&gamma=0.7"
        program = page.evaluate("where => playground.python(playground.fromAddress(where).state)", where)
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(compile(program, "pasted", "exec"), {})
        for name in ("momentum", "adam"):
            found = self.in_browser(page, name, where)
            height = found["curvature"][-1] / found["edge"][0]
            line = f"{name:9} after 300 steps: loss {found['loss'][-1]:.6g}, curvature over its edge {height:.4f}\n"
            assert line in said.getvalue()

    def test_a_sign_is_trained_without_an_edge(self, page: Page) -> None:
        page.evaluate(OPEN)
        trained(page, f"{NETWORK}&steps=100&on=sgd,lion", 100)
        assert float(column(page, 0)["lion"]) > 0 and float(column(page, 1)["lion"]) > 0
        assert [column(page, k)["lion"] for k in (2, 3)] == ["–", "–"]
        lines = part(page, "#equations > div").nth(1).text_content()
        assert "largest eigenvalue of H after step 100" in lines and "edge" not in lines
        wait_for_status(page, "Curvature over its edge: SGD")
        assert "Lion " not in part(page, "#status").text_content().partition("edge")[2]

    def test_a_training_that_diverges_is_shown_as_diverged(self, page: Page) -> None:
        trained(page, f"{NETWORK}&steps=100&on=sgd,rmsprop&eta.sgd=10", 100)
        assert column(page, 0)["sgd"] == "diverged"
        wait_for_status(page, "Diverged: SGD")


class TestWork:
    @pytest.mark.parametrize("names", ["sgd", "sgd,momentum,adagrad,rmsprop,adam", ",".join(OPTIMIZERS)])
    def test_a_frame_goes_on_by_a_bounded_number_of_steps(self, page: Page, names: str) -> None:
        set_address(page, f"{NETWORK}&steps=100")
        said = page.evaluate(FOLLOW, [f"{NETWORK}&steps=1000&seed=77&on={names}", "1000 "])
        reached = np.array([int(text.split()[0]) for text in said])
        each = FRAME // len(names.split(","))
        assert reached[0] <= each and reached[-1] == 1000
        assert 0 < np.diff(reached).max() <= each
        assert len(set(reached)) >= 1000 / each  # it is seen to grow

    def test_who_has_a_new_rate_is_trained_anew_and_the_others_stay(self, page: Page) -> None:
        trained(page, f"{NETWORK}&steps=1000", 1000)
        before = column(page, 2), column(page, 0)
        page.evaluate("a => playground.mounted[0].playground.set(a)", f"{NETWORK}&steps=1000&eta.sgd=0.4")
        assert column(page, 0)["adam"] == before[1]["adam"] and column(page, 0)["sgd"] != before[1]["sgd"]
        trained(page, f"{NETWORK}&steps=1000&eta.sgd=0.4", 1000)
        assert (before[0]["sgd"], column(page, 2)["sgd"]) == ("10", "5")
        assert float(column(page, 3)["sgd"]) == pytest.approx(1, abs=0.1)

    def test_it_plays_no_farther_than_it_is_trained(self, page: Page) -> None:
        seen = page.evaluate(
            """async where => { const { host, playground: mounted } = playground.mounted[0], seen = [];
                const root = host.shadowRoot;
                mounted.set(where);
                root.getElementById("play").click();
                for (let k = 0; k < 30; k++) {
                    await new Promise(requestAnimationFrame);
                    seen.push(Number(root.getElementById("at").textContent.split(" ")[0]));
                }
                root.getElementById("play").click();
                return seen; }""",
            f"{NETWORK}&steps=8000&seed=3&at=0&{EVERYONE}",
        )
        assert seen == sorted(seen) and 0 < seen[-1] <= 32 * FRAME // len(OPTIMIZERS)
        assert from_address(address_of(page))["at"] == seen[-1]

    def test_readers_who_want_less_motion_see_the_end_only(self, window: Window, address: str) -> None:
        page = window.open(f"{address}{HOME}#{NETWORK}&steps=100", reduced_motion="reduce").page
        expect(part(page, "#at")).to_have_text("100 of 100", timeout=1000 * SECONDS)
        said = page.evaluate(FOLLOW, [f"{NETWORK}&steps=1000&seed=5", "1000 "])
        assert len(set(said)) == 2
        part(page, "#play").click()
        assert address_of(page) == f"{NETWORK}&seed=5&steps=1000&at=0"


class TestAddresses:
    @pytest.mark.parametrize(
        "where", [NETWORK, f"{NETWORK}&seed=2&rho=0.9&steps=8000&on=sgd&eta.sgd=0.35&at=7999", f"{NETWORK}&gamma=0.9"]
    )
    def test_a_link_opens_the_state_that_it_was_made_from(self, page: Page, where: str) -> None:
        written = page.evaluate("where => playground.toAddress(playground.fromAddress(where).state)", where)
        assert written == to_address(from_address(where)) == where

    @pytest.mark.parametrize(
        ("given", "taken", "named"),
        [
            ("steps=9000", f"{NETWORK}&steps=8000", "steps"),
            ("steps=10", f"{NETWORK}&steps=100", "steps"),
            ("start=1,1", NETWORK, "start"),
        ],
    )
    def test_what_it_cannot_have_is_brought_into_its_range_with_a_notice(
        self, page: Page, given: str, taken: str, named: str
    ) -> None:
        set_address(page, f"{NETWORK}&{given}")
        assert address_of(page) == taken
        wait_for_status(page, f"not allowed: {named}")

    def test_a_race_and_a_training_have_their_own_lengths(self, page: Page) -> None:
        set_address(page, "surface=ravine&steps=700&seed=3")
        part(page, "#surface").select_option("network")
        assert address_of(page) == f"{NETWORK}&seed=3"
        part(page, "#surface").select_option("beale")
        assert address_of(page) == "surface=beale&seed=3"

    def test_chapter_15_leads_to_it(self, window: Window, address: str) -> None:
        page = window.open(f"{address}chapters/15_edge_of_stability.html").page
        page.locator('article a[href*="playground.html#surface=network"]').first.click()
        page.wait_for_url("**/playground.html#surface=network*")
        assert address_of(page) == f"{NETWORK}&on=sgd"
        assert part(page, "#race").get_attribute("aria-label").startswith("Network at its edge")


class TestForEveryone:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_axe_finds_nothing(self, window: Window, address: str, scheme: str) -> None:
        page = window.open(f"{address}{HOME}#{NETWORK}&steps=100&{EVERYONE}", color_scheme=scheme).page
        page.evaluate(OPEN)
        page.evaluate("() => document.querySelectorAll('pre, mjx-container').forEach(e => e.remove())")
        expect(part(page, "#at")).to_have_text("100 of 100", timeout=1000 * SECONDS)
        found = Axe().run(page, context=".playground-live")
        assert found.response["violations"] == [], found.generate_report()

    @pytest.mark.parametrize("width", [320, 375, 1280])
    def test_it_fits_its_column(self, page: Page, width: int) -> None:
        page.set_viewport_size({"width": width, "height": 800})
        page.evaluate(OPEN)
        trained(page, f"{NETWORK}&steps=100&{EVERYONE}", 100)
        wide = page.evaluate(
            """() => { const { host } = playground.mounted[0]; const edge = host.getBoundingClientRect().right + 1;
                return [...host.shadowRoot.querySelectorAll('*')].filter(e => {
                    const box = e.getBoundingClientRect();
                    return box.width && box.right > edge && !e.closest('.scroll');
                }).map(e => e.outerHTML.slice(0, 80)); }"""
        )
        whole = page.evaluate("document.scrollingElement.scrollWidth")
        page.set_viewport_size(DESK)
        assert not wide and whole <= width + 1

    def test_every_target_is_large_enough(self, page: Page) -> None:
        page.set_viewport_size(PHONE)
        page.evaluate(OPEN)
        set_address(page, f"{NETWORK}&steps=100")
        small = page.evaluate(
            """() => [...playground.mounted[0].host.shadowRoot.querySelectorAll('button, select, input, summary')]
                .map(e => [e.getBoundingClientRect(), e.outerHTML.slice(0, 80)])
                .filter(([box]) => box.width && (box.width < 24 || box.height < 24)).map(([, html]) => html)"""
        )
        page.set_viewport_size(DESK)
        assert not small

    def test_the_keyboard_sets_a_rate_a_step_and_the_length(self, page: Page) -> None:
        page.evaluate(OPEN)
        trained(page, f"{NETWORK}&steps=100", 100)
        rate = part(page, 'input[aria-label="learning rate of SGD"]')
        rate.focus()
        page.keyboard.press("ArrowRight")
        assert from_address(address_of(page))["eta"]["sgd"] > 0.2
        part(page, "#step").focus()
        page.keyboard.press("ArrowLeft")
        assert address_of(page).endswith("&at=99")
        part(page, 'input[aria-label^="steps"]').focus()
        page.keyboard.press("End")
        assert from_address(address_of(page))["steps"] == 8000
        page.keyboard.press("Home")
        assert from_address(address_of(page))["steps"] == 100

    def test_the_keyboard_reaches_what_there_is_and_nothing_of_a_plane(self, page: Page) -> None:
        page.evaluate(OPEN)
        set_address(page, f"{NETWORK}&steps=100")
        names = page.evaluate(
            """() => [...playground.mounted[0].host.shadowRoot.querySelectorAll('button, select, input, summary')]
                .map((e, k) => [e, (e.dataset.place = String(k))])
                .filter(([e]) => e.getBoundingClientRect().width).map(([, place]) => place)"""
        )
        part(page, "#surface").focus()
        reached = []
        for _ in range(len(names) + 3):
            reached.append(page.evaluate("() => playground.mounted[0].host.shadowRoot.activeElement?.dataset.place"))
            page.keyboard.press("Tab")
        assert [place for place in reached if place is not None] == names
        for hidden in ("#handle", "#best", "#map", "#coordinate"):
            assert not part(page, hidden).is_visible()
        assert "standard deviation of the noise" in part(page, 'input[aria-label^="σ"]').get_attribute("aria-label")
        assert not part(page, 'input[aria-label^="σ"]').is_visible()
        set_address(page, "surface=ravine")
        assert part(page, "#handle").is_visible() and part(page, 'input[aria-label^="σ"]').is_visible()

    def test_the_live_region_is_quiet_while_it_trains_and_speaks_when_it_has(self, page: Page) -> None:
        trained(page, f"{NETWORK}&steps=100", 100)
        wait_for_status(page, "Curvature over its edge")
        page.evaluate(
            """() => { window.spoken = []; const root = playground.mounted[0].host.shadowRoot;
                const e = root.getElementById('status'), at = root.getElementById('at');
                window.listener = new MutationObserver(() => spoken.push([at.textContent, e.textContent]));
                listener.observe(e, { childList: true, characterData: true, subtree: true }); }"""
        )
        trained(page, f"{NETWORK}&steps=2000&seed=8&{EVERYONE}", 2000)
        wait_for_status(page, "Step 2000. Lowest loss")
        spoken = page.evaluate("() => { listener.disconnect(); return spoken; }")
        assert len(spoken) == 1 and spoken[0][0] == "2000 of 2000"
        assert "Curvature over its edge: SGD " in spoken[0][1]

    def test_the_pictures_say_what_they_show(self, page: Page) -> None:
        trained(page, f"{NETWORK}&steps=100&on=sgd,adam", 100)
        labels = part(page, ".main canvas").evaluate_all("found => found.map(e => e.getAttribute('aria-label'))")
        assert labels[0].startswith("Network at its edge: the largest curvature of SGD, Adam over the edge of each")
        assert labels[0].endswith("up to step 100. The table of optimizers has the numbers.")
        assert [label.split(",")[0] for label in labels[1:]] == [
            "The twenty points",
            "loss over the steps",
            "curvature λ over the steps",
        ]
        inked = part(page, ".main canvas").evaluate_all(
            """found => found.map(c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data
                .filter((value, k) => k % 4 == 3 && value).length)"""
        )
        assert len(inked) == 4 and min(inked) > 300
