"""The typeface of the figures, with the package that has it and without."""

import logging
import re

import matplotlib.pyplot as plt
import pytest
from matplotlib import font_manager

from rmsprop_lib import figures, typeface


def test_figures_are_drawn_in_the_typeface_of_the_text() -> None:
    with plt.rc_context(figures.STYLE):
        path = font_manager.findfont(font_manager.FontProperties())
    assert re.search(r"SourceSerif4\[", path)


def test_a_character_that_it_lacks_is_drawn_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    ax = figures.lines({"speed ∝ σ": [1, 2], "2⁻⁸": [2, 1]}, xlabel=r"$\theta_t$", ylabel="10⁻³")
    with caplog.at_level(logging.WARNING):
        ax.figure.canvas.draw()
    plt.close(ax.figure)
    assert not caplog.records


def test_without_it_figures_keep_matplotlibs_own_and_say_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert typeface.settings("fontpkg_of_no_such_name") == {}
    assert not caplog.records
