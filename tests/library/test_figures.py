"""The plots: what they draw, and that it can be told apart without colour."""

from collections.abc import Iterator

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

from rmsprop_lib import figures
from rmsprop_lib.descent import descend
from rmsprop_lib.looks import DASHES
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


def test_a_heat_map_marks_the_best_of_each_row_and_its_lines_on_the_colour_bar() -> None:
    z = np.array([[1.0, 9.0], [0.01, 3.0], [5.0, 0.1]])
    maps = figures.heat_map(
        {"a": z, "b": ([1, 10], [1, 10], [[1, 2], [2, 1]])},
        x=np.array([0.1, 1, 10]),
        y=np.array([1, 100]),
        levels=(0.01, 0.1, 1, 10),
        xlabel="η",
        ylabel="ε",
        label="loss",
    )
    (best,) = maps[0].lines
    assert list(best.get_xdata()) == [1, 10]
    assert (maps[0].get_title(), maps[0].get_xlabel(), maps[0].get_xscale(), maps[1].get_title()) == (
        "a",
        "η",
        "log",
        "b",
    )
    bar = maps[0].figure.axes[-1]
    assert [text.get_text() for text in bar.get_yticklabels()] == ["0.01", "0.1", "1", "10"]
    assert bar.get_ylabel() == "loss"


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


def test_a_decision_guide_says_every_question_and_every_advice_once() -> None:
    ax = figures.decisions([("Does it move?", "RMSprop"), ("Is it a network?", "Adam"), ("Otherwise", "AdaGrad")])
    said = [text.get_text() for text in ax.texts if text.get_text()]
    # Two of the three are questions, with a yes to the right and a no downward.
    assert sorted(said) == sorted(
        ["Does it move?", "RMSprop", "Is it a network?", "Adam", "Otherwise", "AdaGrad"] + ["yes", "no"] * 2
    )
