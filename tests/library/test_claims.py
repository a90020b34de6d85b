"""Claims and verdicts: what they print when they hold, and that nothing false gets past them."""

import math
import re
from typing import Any

import numpy as np
import pytest
import torch
from nbval.plugin import get_sanitize_patterns

from rmsprop_lib.claims import VERDICT_MIME, ClaimError, claim, linked, verdict
from tools.paths import MEASURED

NAN = math.nan


class TestClaimsThatHold:
    @pytest.mark.parametrize(
        ("arguments", "line"),
        [
            (dict(measured=True), "✓ It is so"),
            (dict(measured=np.array([True, True])), "✓ It is so"),
            (
                dict(measured=0.30000000000000004, expected=0.3, atol=1e-12),
                "✓ It is so: 0.3 (within 1e-12) [off by 5.6e-17]",
            ),
            (dict(measured=99.5, expected=100, rtol=0.01), "✓ It is so: 100 (relative tolerance 0.01) [measured 99.5]"),
            (
                dict(measured=98, expected=100, rtol=0.01, atol=1, unit=" %"),
                "✓ It is so: 100 % (within 1 % and relative tolerance 0.01) [measured 98]",
            ),
            (dict(measured=2, expected=2), "✓ It is so: 2 (exactly)"),
            (dict(measured=0, expected=0.0), "✓ It is so: 0 (exactly)"),
            (dict(measured=math.inf, expected=math.inf), "✓ It is so: inf (exactly)"),
            (dict(measured=1 / 3, expected=1 / 3), "✓ It is so: 0.333333 (exactly)"),
            (dict(measured=-1, below=0), "✓ It is so: below 0 [measured -1]"),
            (dict(measured=1e-9, above=0), "✓ It is so: above 0 [measured 1e-09]"),
            (dict(measured=0.5, below=1, above=0, unit=" s"), "✓ It is so: above 0 s and below 1 s [measured 0.5]"),
            (dict(measured=[1, 2], expected=[1, 2]), "✓ It is so: [1, 2] (exactly)"),
            (dict(measured=np.ones(3), expected=1, atol=0.1), "✓ It is so: 1 (within 0.1) [off by at most 0]"),
            (dict(measured=[0.95, 1.02], expected=1, atol=0.1), "✓ It is so: 1 (within 0.1) [measured 0.95 to 1.02]"),
            (dict(measured=[1.5, 2], expected=[1, 2], atol=1), "✓ It is so: [1, 2] (within 1) [measured 1.5, 2]"),
            (
                dict(measured=np.arange(5) + 0.5, expected=np.arange(5), atol=1),
                "✓ It is so: all 5 values (within 1) [off by at most 0.5]",
            ),
            (
                dict(measured=[math.inf, 1], expected=[math.inf, 1], rtol=1),
                "✓ It is so: [inf, 1] (relative tolerance 1) [off by at most 0]",
            ),
            (dict(measured=np.arange(7), expected=np.arange(7)), "✓ It is so: all 7 values (exactly)"),
            (
                dict(measured=torch.tensor([0.25, 0.5], requires_grad=True), below=1),
                "✓ It is so: below 1 [measured 0.25 to 0.5]",
            ),
            (dict(measured=torch.tensor([True])), "✓ It is so"),
            (dict(measured=np.float32(0.1), expected=torch.tensor(0.1)), "✓ It is so: 0.1 (exactly)"),
        ],
    )
    def test_one_line_states_the_expected_number_and_its_tolerance(self, capsys, arguments, line):
        assert claim("It is so", **arguments) is None
        assert capsys.readouterr().out == line + "\n"

    def test_what_the_notebooks_compare_does_not_depend_on_what_was_measured(self, capsys):
        patterns = get_sanitize_patterns(MEASURED.read_text(encoding="utf-8"))
        for measured in (0.499, 0.499999999, 0.5, 0.500001):
            claim("Half [sic]", measured, expected=0.5, atol=1e-2)
        for measured in (0.25, [0.25, 0.75], np.linspace(0.25, 0.75, 9)):
            claim("Less", measured, below=1)
        lines = capsys.readouterr().out
        assert len(set(lines.splitlines())) == 6
        for pattern, replacement in patterns:
            lines = re.sub(pattern, replacement, lines)
        assert set(lines.splitlines()) == {"✓ Half [sic]: 0.5 (within 0.01) [measured]", "✓ Less: below 1 [measured]"}

    def test_tolerances_are_inclusive_and_add_up(self):
        claim("edge", 101.0, expected=100, atol=1)
        claim("edge", 103.0, expected=100, atol=1, rtol=0.02)
        claim("of a negative number", -98.0, expected=-100, rtol=0.02)


class TestClaimsThatAreFalse:
    @pytest.mark.parametrize(
        "arguments",
        [
            dict(measured=False),
            dict(measured=np.array([True, False])),
            dict(measured=1.01, expected=1, atol=0.001),
            dict(measured=101.5, expected=100, rtol=0.01),
            dict(measured=-101.5, expected=-100, rtol=0.01),
            dict(measured=1 + 1e-15, expected=1),
            dict(measured=0.0, below=0),
            dict(measured=0.0, above=0),
            dict(measured=1.0, below=1, above=0),
            dict(measured=0.0, below=1, above=0),
            dict(measured=[0.5, 1.5], below=1),
            dict(measured=[1, 2, 3], expected=[1, 2, 4], atol=0.5),
            dict(measured=torch.tensor([0.5, 2.0]), below=1),
            dict(measured=math.inf, above=0, below=1e300),
            dict(measured=math.inf, expected=1, rtol=1.0),
            dict(measured=NAN, expected=1, atol=math.inf),
            dict(measured=NAN, below=math.inf),
            dict(measured=NAN, above=-math.inf),
            dict(measured=[1.0, NAN], expected=1),
            dict(measured=torch.tensor([0.5, NAN]), below=1),
            dict(measured=1.0, expected=NAN, atol=1),
            dict(measured=1.0, expected=1, atol=NAN),
            dict(measured=1.0, below=NAN),
        ],
    )
    def test_nothing_is_printed_and_the_cell_fails(self, capsys, arguments):
        with pytest.raises(ClaimError, match=r"It is so.* — this is false: measured"):
            claim("It is so", **arguments)
        assert capsys.readouterr().out == ""

    def test_the_message_holds_what_was_stated_and_what_was_measured(self):
        with pytest.raises(ClaimError) as info:
            claim("The loss", 0.625, expected=0.5, atol=0.01, unit=" nats")
        assert str(info.value) == "The loss: 0.5 nats (within 0.01 nats) — this is false: measured 0.625"

    def test_a_finite_number_is_not_infinite_within_any_relative_tolerance(self):
        with pytest.raises(ClaimError):
            claim("It diverges", 1.0, expected=math.inf, rtol=0.01)

    @pytest.mark.parametrize("arguments", [dict(), dict(expected=1.0), dict(below=1.0)])
    def test_nothing_measured_proves_nothing(self, arguments):
        measured: Any = np.array([], dtype=float if arguments else bool)
        with pytest.raises(ClaimError):
            claim("All of them", measured, **arguments)

    def test_an_imaginary_part_is_not_dropped(self):
        with pytest.raises((ClaimError, TypeError)):
            claim("It is one", 1 + 5j, expected=1)

    def test_it_is_an_assertion_error(self):
        assert issubclass(ClaimError, AssertionError)


class TestMisuse:
    @pytest.mark.parametrize(
        "arguments", [dict(), dict(rtol=0.1), dict(expected=1, below=2), dict(expected=1, above=0)]
    )
    def test_a_number_needs_either_a_number_to_equal_or_bounds(self, arguments):
        with pytest.raises(TypeError, match="either expected"):
            claim("It is so", 1.0, **arguments)

    @pytest.mark.parametrize("arguments", [dict(expected=True), dict(below=2), dict(above=0)])
    def test_a_condition_needs_neither(self, arguments):
        with pytest.raises(TypeError, match="a condition is true or false"):
            claim("It is so", True, **arguments)


VERDICT = dict(
    identifier="R9",
    statement="v < G & more",
    judgement="holds when",
    because="if ρ < 1",
    number="0.5 <b>s</b>",
)


class TestVerdicts:
    @pytest.mark.parametrize("shown", [True, [True, True], np.array([True]), np.bool_(True), torch.tensor([True])])
    def test_in_a_plain_interpreter_text_is_printed(self, capsys, shown):
        verdict(**VERDICT, shown=shown)
        assert capsys.readouterr().out == (
            "R9  “v < G & more”\n    holds when: if ρ < 1\n    decided by: 0.5 <b>s</b>\n"
        )

    def test_who_says_so_is_named_and_the_address_is_a_link(self, capsys):
        verdict(**VERDICT, shown=True, source="A & B, Title, section 2 (https://example.org/a?b=c), 2020.")
        assert "\n    said in: A & B, Title, section 2 (https://example.org/a?b=c), 2020.\n" in capsys.readouterr().out
        assert linked("see https://example.org/a.b, p. 3.") == (
            'see <a href="https://example.org/a.b">https://example.org/a.b</a>, p. 3.'
        )

    @pytest.mark.parametrize(
        "shown", [False, [True, False], [], np.array([], bool), 1.0, [1], "yes", None, torch.tensor([False])]
    )
    def test_what_was_not_shown_is_refused(self, capsys, shown):
        with pytest.raises((ClaimError, ValueError)):
            verdict(**VERDICT, shown=shown)
        assert capsys.readouterr().out == ""

    def test_the_message_names_the_verdict(self):
        with pytest.raises(ClaimError, match="R9 “v < G & more”: the verdict “holds when” is not what was measured"):
            verdict(**VERDICT, shown=[True, False])

    def test_in_a_notebook_the_fields_and_escaped_html_are_displayed(self, capsys, monkeypatch):
        displayed = []
        monkeypatch.setattr("IPython.get_ipython", lambda: object())
        monkeypatch.setattr("IPython.display.display", lambda data, raw: displayed.append((data, raw)))
        verdict(**VERDICT, shown=True)
        ((data, raw),) = displayed
        assert raw and data[VERDICT_MIME] == VERDICT
        assert data["text/plain"].startswith("R9  “v < G & more”")
        html = data["text/html"]
        assert "v &lt; G &amp; more" in html and "0.5 &lt;b&gt;s&lt;/b&gt;" in html and "if ρ &lt; 1" in html
        assert "<b>s</b>" not in html
        assert capsys.readouterr().out == ""

    @pytest.mark.parametrize(("judgement", "sign"), [("holds", "✓"), ("holds when", "◐"), ("does not hold", "✗")])
    def test_each_judgement_has_its_sign(self, monkeypatch, judgement, sign):
        displayed = []
        monkeypatch.setattr("IPython.get_ipython", lambda: object())
        monkeypatch.setattr("IPython.display.display", lambda data, raw: displayed.append(data))
        verdict(**{**VERDICT, "judgement": judgement}, shown=True)
        assert f"{sign} <b>{judgement}</b>" in displayed[0]["text/html"]
