"""An optimizer looks the same in every figure, and no two curves of a figure look alike."""

import re

import pytest
from matplotlib.colors import rgb_to_hsv, to_rgb

from rmsprop_lib import figures
from rmsprop_lib.looks import ALSO, LOOKS, PALETTE, looks, optimizer
from rmsprop_lib.playground.bundle import source
from rmsprop_lib.playground.state import OPTIMIZERS


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("RMSprop", "RMSprop"),
        ("RMSprop, ρ = 0.99", "RMSprop"),
        ("RMSprop (η = 0.1)", "RMSprop"),
        ("RMSprop, corrected", "RMSprop, corrected"),
        ("RMSprop with momentum", "RMSprop with momentum"),
        ("RMSprop, centered", "centered"),
        ("heavy ball, γ = 0.9", "momentum"),
        ("gradient descent with momentum", "momentum"),
        ("gradient descent", "SGD"),
        ("Momentum", "momentum"),
        ("AdamW", "AdamW"),
        ("Adam", "Adam"),
        ("AdaGrad's bound", None),
        ("Adamant", None),
        ("ρ = 0.9", None),
        ("512 units", None),
    ],
)
def test_a_label_names_the_optimizer_at_its_beginning(label: str, name: str | None) -> None:
    assert optimizer(label) == name


def test_an_optimizer_keeps_its_look_whatever_stands_beside_it() -> None:
    for beside in ([], ["Adam"], ["a", "b"], ["SGD", "AdaGrad", "centered"]):
        assert looks([*beside, "RMSprop, ρ = 0.9"])[-1] == LOOKS["RMSprop"]


def test_no_two_optimizers_look_alike() -> None:
    colours, dashes = ({str(look[k]) for look in LOOKS.values()} for k in (0, 1))
    assert len(colours) == len(LOOKS) and len({(str(v.dash), v.marker) for v in LOOKS.values()}) == len(LOOKS)
    assert len(dashes) >= 7
    assert set(ALSO.values()) <= set(LOOKS)


def test_curves_of_one_figure_never_look_alike() -> None:
    labels = ["RMSprop, ρ = 0.9", "RMSprop, ρ = 0.99", "RMSprop, ρ = 0.999", "limit", "Adam", "bound", "SGD"]
    found = looks(labels)
    assert len({look.colour for look in found}) == len({(str(look.dash), look.colour) for look in found}) == 7
    assert found[3].colour not in {LOOKS[name].colour for name in ("RMSprop", "Adam", "SGD")}
    assert looks(["a", "b", "c"]) == list(PALETTE[:3])


def test_the_figures_draw_by_name() -> None:
    ax = figures.lines({"a": [1, 2], "Adam": [1, 2], "RMSprop": [2, 1]}, xlabel="x", ylabel="y")
    assert [line.get_color() for line in ax.lines] == ["#000000", LOOKS["Adam"].colour, LOOKS["RMSprop"].colour]
    bars = figures.spread({"RMSprop": [1.0, 2.0], "Adam": [2.0, 3.0]}, xlabel="x").lines
    assert bars[0].get_color() == LOOKS["RMSprop"].colour and bars[2].get_color() == LOOKS["Adam"].colour


def in_the_playground() -> dict[str, tuple[str, str, str, str]]:
    """For each optimizer its colour on white, that on black, its dashes and its mark."""
    row = re.compile(r'^  (\w+): \["(#\w{6})", "(#\w{6})", \[([\d, ]*)\], "(.)"\],$', re.MULTILINE)
    return {name: look for name, *look in row.findall(source("colours.mjs"))}


def contrast(colour: str, paper: str) -> float:
    """As WCAG defines it."""
    light, dark = sorted(
        (
            0.05
            + sum(
                w * (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4)
                for w, c in zip(WEIGHTS, to_rgb(x), strict=True)
            )
            for x in (colour, paper)
        ),
        reverse=True,
    )
    return light / dark


WEIGHTS = (0.2126, 0.7152, 0.0722)


def test_in_the_playground_none_looks_like_another_without_colour_and_all_stand_out_from_the_paper() -> None:
    found = in_the_playground().values()
    assert len({mark for *_, mark in found}) == len(OPTIMIZERS)
    for place, paper in ((0, "#ffffff"), (1, "#12161c")):
        assert len({look[place] for look in found}) == len(OPTIMIZERS)
        assert min(contrast(look[place], paper) for look in found) > 4.5
    family = [dashes for name, (*_, dashes, _) in in_the_playground().items() if len(OPTIMIZERS[name]) == 6]
    others = {dashes for name, (*_, dashes, _) in in_the_playground().items() if len(OPTIMIZERS[name]) < 6}
    assert len(set(family)) == len(family) == len(set(family) - others)


def test_the_playground_has_the_hues_of_the_figures() -> None:
    drawn = {name: look[0] for name, look in in_the_playground().items()}
    assert list(drawn) == list(OPTIMIZERS)
    for name, row in OPTIMIZERS.items():
        look = LOOKS[optimizer(row[0]) or ""]
        (hue, grey, _), (hue_drawn, grey_drawn, _) = (
            rgb_to_hsv(to_rgb(colour)) for colour in (look.colour, drawn[name])
        )
        assert (grey < 0.1) == (grey_drawn < 0.1)
        assert grey < 0.1 or abs(hue - hue_drawn) < 20 / 360, name
