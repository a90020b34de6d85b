"""The plots: what they draw, and that it can be told apart without colour."""

from collections.abc import Iterator
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex
from matplotlib.contour import ContourSet
from matplotlib.text import Annotation

from rmsprop_lib import figures
from rmsprop_lib.descent import descend
from rmsprop_lib.looks import DASHES, LOOKS
from rmsprop_lib.numpy_optim import SGD
from rmsprop_lib.problems import ravine


@pytest.fixture(autouse=True)
def closed_afterwards() -> Iterator[None]:
    yield
    plt.close("all")


def test_lines_draws_each_curve_under_its_label() -> None:
    ax = figures.lines({"a": np.zeros(3), "b": ([1, 2], [3, 4])}, xlabel="step", ylabel="loss", yscale="log")
    assert [line.get_label() for line in ax.lines] == ["a", "b"]
    assert ax.lines[0].get_xdata().tolist() == [0, 1, 2]
    assert ax.lines[1].get_ydata().tolist() == [3, 4]
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale()) == ("step", "loss", "log")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b"]


def test_one_curve_needs_no_legend() -> None:
    assert figures.lines({"a": [1, 2]}, xlabel="x", ylabel="y").get_legend() is None


def test_two_curves_never_share_both_colour_and_marker() -> None:
    ax = figures.lines({str(k): [k, k] for k in range(7)}, xlabel="x", ylabel="y", markers=True)
    assert len({line.get_color() for line in ax.lines}) == 7
    assert len({line.get_marker() for line in ax.lines}) == 7
    assert len({str(dash) for dash in DASHES[:6]}) == 6


def test_it_draws_into_the_axes_it_is_given() -> None:
    left, right = figures.axes(2)
    assert figures.lines({"a": [1]}, xlabel="x", ylabel="y", ax=right) is right
    assert not left.lines


def test_paths_marks_the_minimum_and_every_point() -> None:
    problem = ravine(10.0)
    ax = figures.paths(problem, {"SGD": descend(problem, SGD(0.1), 5)}, xlim=(-2, 2), ylim=(-1, 11))
    path, minimum = ax.lines
    assert len(path.get_xdata()) == 6
    assert (minimum.get_xdata()[0], minimum.get_ydata()[0]) == (0, 0)


def test_spread_shows_every_run_and_the_mean() -> None:
    ax = figures.spread({"a": [1.0, 3.0], "b": [2.0, 2.0]}, xlabel="accuracy (%)")
    points, mean, *_ = ax.lines
    assert list(points.get_xdata()) == [1, 3]
    assert set(mean.get_xdata()) == {2}
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]


def test_on_a_logarithmic_axis_the_mean_of_a_spread_is_the_geometric_one() -> None:
    ax = figures.spread({"a": [0.5, 2.0]}, xlabel="loss over Adam's", xscale="log")
    assert ax.get_xscale() == "log"
    assert ax.lines[1].get_xdata() == pytest.approx([1, 1])


def test_bars_have_a_hatched_second_part_and_a_mark_in_each_row() -> None:
    ax = figures.bars(
        {"small": {"loop": (2.0, 0.5), "fused": (1.0, 0.0)}, "large": {"loop": (3.0, 4.0), "fused": (1.5, 0.0)}},
        xlabel="time",
        second="the system's",
        marks=("predicted", {"loop": 2.5, "fused": 1.0}),
    )
    lengths = [[bar.get_width() for bar in container] for container in ax.containers]
    assert lengths == [[2.0, 1.0], [0.5, 0.0], [3.0, 1.5], [4.0, 0.0]]
    assert [bar.get_x() for bar in ax.containers[3]] == [3.0, 1.5]
    assert all(bar.get_hatch() for bar in ax.containers[1]) and not any(bar.get_hatch() for bar in ax.containers[0])
    assert list(ax.lines[0].get_xdata()) == [2.5, 1.0]
    (legend,) = ax.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["small", "large", "the system's", "predicted"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["loop", "fused"]


def test_bars_of_one_group_need_no_legend() -> None:
    ax = figures.bars({"time": {"loop": 2.0, "fused": 1.0}}, xlabel="time")
    assert not ax.figure.legends
    assert [bar.get_width() for bar in ax.patches] == [2.0, 1.0]


def heat_map(**settings: Any) -> Any:
    """Two panels, the second with axes of its own."""
    z = np.array([[1.0, 9.0], [0.01, 3.0], [5.0, 0.1]])
    return figures.heat_map(
        {"a": z, "b": ([1, 10], [1, 10], [[1, 2], [2, 1]])},
        x=np.array([0.1, 1, 10]),
        y=np.array([1, 100]),
        **{"levels": (0.01, 0.1, 1, 10), "xlabel": "η", "ylabel": "ε", "label": "loss"} | settings,
    )


def marks_of(maps: Any) -> list[str]:
    """What stands at the ticks of the colour bar."""
    return [text.get_text() for text in maps[0].figure.axes[-1].get_yticklabels()]


def test_a_heat_map_has_a_line_through_the_best_of_each_row_and_says_what_it_is() -> None:
    maps = heat_map(best=(1, 10))
    (best,) = maps[0].lines
    assert list(best.get_xdata()) == [1, 10] and best.get_linestyle() == "-"
    assert (maps[0].get_title(), maps[0].get_xlabel(), maps[0].get_xscale(), maps[1].get_title()) == (
        "a",
        "η",
        "log",
        "b",
    )
    assert [text.get_text() for text in maps[0].texts] == ["best rate"] and not maps[1].texts
    assert len(maps[1].lines) == 1
    assert not heat_map()[0].lines


def test_the_colour_bar_of_a_heat_map_is_named_and_marked_at_the_levels() -> None:
    maps = heat_map()
    assert maps[0].figure.axes[-1].get_ylabel() == "loss"
    assert marks_of(maps) == ["0.01", "0.1", "1", "10"]
    assert marks_of(heat_map(levels=(1e-8, 3e-3, 5.0, 1e4))) == ["$10^{-8}$", "0.003", "5", "$10^{4}$"]


def test_a_heat_map_has_the_lines_of_equal_value_that_it_is_asked_for() -> None:
    def drawn(**settings: Any) -> tuple[list[float], list[float]]:
        ax = heat_map(**settings)[0]
        in_map = [level for c in ax.collections if isinstance(c, ContourSet) for level in c.levels]
        white = [
            c for c in ax.figure.axes[-1].collections if isinstance(c, LineCollection) and c.get_color()[0][0] == 1
        ]
        return in_map, [float(segment[0, 1]) for c in white for segment in c.get_segments()]

    assert drawn() == ([0.1, 1], [0.1, 1])
    assert drawn(lines=[1.0]) == ([1], [1])
    assert drawn(lines=[]) == ([], [])


def test_the_panels_of_a_heat_map_may_have_vertical_axes_of_their_own() -> None:
    assert [ax.get_ylabel() for ax in heat_map()] == ["ε", ""]
    assert [ax.get_ylabel() for ax in heat_map(ylabel=("ε", "ρ"))] == ["ε", "ρ"]


def test_a_line_on_a_map_and_its_name_are_seen_on_light_and_dark_colours() -> None:
    ax = heat_map()[0]
    figures.map_line(ax, [0.1, 10], [1, 100], "edge", at=(1, 10))
    (line,), (text,) = ax.lines, ax.texts
    assert (text.get_text(), text.get_position()) == ("edge", (1, 10))
    for drawn in (line, text):
        assert drawn.get_color() == "white" and drawn.get_path_effects()


def test_a_note_on_white_is_grey_and_moves_no_axes() -> None:
    ax = figures.axes()
    figures.note(ax, 0.5, 0.5, "a word")
    ax.fill_between([0, 1], [0, 1], [1, 2])
    figures.note(ax, 0.5, 0.5, "on a band")
    assert ax.texts[1].get_color() == "#505050"
    assert ax.texts[0].get_color() == "#505050" and not ax.texts[0].get_path_effects()
    assert not ax.texts[0].get_in_layout()
    assert ax.texts[0].get_fontfamily() == figures.axes().xaxis.label.get_fontfamily()


def test_a_note_may_lead_to_a_point_and_stand_beside_the_axes() -> None:
    ax = figures.axes()
    figures.note(ax, 0.5, 0.5, "there", to=(0.1, 0.2))
    figures.note(ax, 1.2, 0.5, "outside", beside=True)
    pointing, outside = ax.texts
    assert pointing.get_position() == (0.5, 0.5) and pointing.xy == (0.1, 0.2)
    assert pointing.arrow_patch.get_edgecolor()[:3] == pytest.approx((80 / 255,) * 3)
    assert not hasattr(outside, "arrow_patch") or outside.arrow_patch is None
    ax.figure.canvas.draw()
    seen = outside.get_tightbbox()  # without width if it is not drawn
    assert seen.width > 0 and seen.x0 > ax.bbox.x1 and seen.x1 <= ax.figure.bbox.width


def test_bands_reach_from_the_lowest_run_to_the_highest_around_the_mean() -> None:
    runs = {"a": np.array([[1.0, 2.0], [3.0, 6.0]]), "b": np.array([[0.0, 1.0], [0.0, 1.0]])}
    ax = figures.bands(runs, x=[10, 20], xlabel="step", ylabel="loss")
    assert list(ax.lines[0].get_ydata()) == [2, 4] and list(ax.lines[0].get_xdata()) == [10, 20]
    low, high = ax.collections[0].get_paths()[0].get_extents().intervaly
    assert (low, high) == (1, 6)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b"]


def test_images_draws_one_picture_under_each_title() -> None:
    grid = figures.images(np.eye(4).reshape(1, 4, 4).repeat(3, axis=0), ["0", "1", "2"], columns=2)
    assert grid.shape == (2, 2)
    assert [ax.get_title() for ax in grid.flat] == ["0", "1", "2", ""]


def test_the_style_stays_inside() -> None:
    before = dict(matplotlib.rcParams)
    figures.lines({"a": [1, 2]}, xlabel="x", ylabel="y")
    assert dict(matplotlib.rcParams) == before


def test_what_a_cell_adds_in_the_style_has_the_figures_typeface() -> None:
    ax = figures.lines({"a": [1, 2], "b": [2, 1]}, xlabel="x", ylabel="y")
    with figures.style():
        note, legend = ax.text(0, 1, "best"), ax.legend()
    assert note.get_fontfamily() == ax.xaxis.label.get_fontfamily() == legend.get_texts()[0].get_fontfamily()
    assert ax.text(0, 1, "outside").get_fontfamily() != note.get_fontfamily()


def test_a_decision_guide_says_every_question_and_every_advice_once() -> None:
    ax = figures.decisions([("Does it move?", "RMSprop"), ("Is it a network?", "Adam"), ("Otherwise", "AdaGrad")])
    said = [text.get_text() for text in ax.texts if text.get_text()]
    # Two of the three are questions, with a yes to the right and a no downward.
    assert sorted(said) == sorted(
        ["Does it move?", "RMSprop", "Is it a network?", "Adam", "Otherwise", "AdaGrad"] + ["yes", "no"] * 2
    )


def test_the_arrows_of_a_decision_guide_touch_its_boxes() -> None:
    ax = figures.decisions([("Does it move?", "RMSprop"), ("Is it a network?", "Adam"), ("Otherwise", "AdaGrad")])
    boxes = [patch.get_extents().transformed(ax.transData.inverted()) for patch in ax.patches]
    edges = {round(x, 2) for box in boxes for x in (box.x0, box.x1)} | {
        round(y, 2) for box in boxes for y in (box.y0, box.y1)
    }
    arrows = [text for text in ax.texts if isinstance(text, Annotation)]
    assert len(boxes) == 6 and len(arrows) == 5
    for arrow in arrows:
        (x0, y0), (x1, y1) = arrow.xyann, arrow.xy
        assert {round(x0, 2), round(x1, 2)} <= edges if y0 == y1 else {round(y0, 2), round(y1, 2)} <= edges


def test_a_tree_has_a_box_for_each_member_in_its_colour_and_an_arrow_for_each_change() -> None:
    members = {"RMSprop": (0.2, 0.0), "Adam": (0.8, 1.0), "someone": (0.2, 1.0)}
    ax = figures.tree(members, [("RMSprop", "Adam", "average g"), ("RMSprop", "someone", "else")], height=2)
    texts = {text.get_text(): text for text in ax.texts}
    assert set(texts) == {*members, "average g", "else", ""}
    edge = to_hex(texts["Adam"].get_bbox_patch().get_edgecolor()).upper()
    assert edge == LOOKS["Adam"].colour
    assert [(a.xyann, a.xy) for a in ax.texts if isinstance(a, Annotation)] == [
        ((0.2, 0.0), (0.8, 1.0)),
        ((0.2, 0.0), (0.2, 1.0)),
    ]
    # What an arrow means is written on it, nearer to where it leads.
    assert texts["average g"].get_position() == pytest.approx((0.56, 0.6))
