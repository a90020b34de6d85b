"""A still picture of the playground's trainings, as ``static/network_view.mjs`` draws them."""

import numpy as np

from rmsprop_lib.extras import naming_extras

with naming_extras():
    import matplotlib.pyplot as plt
    from matplotlib.axes import Axes

from rmsprop_lib.figures import STYLE, note
from rmsprop_lib.looks import looks
from rmsprop_lib.playground.network import INPUTS, OUTPUTS, fit
from rmsprop_lib.playground.state import OPTIMIZERS, Settings
from rmsprop_lib.playground.training import EVERY, train

TOP = 1.75
"""The upper end of the picture, in units of the edge."""


def draw_network(state: Settings) -> Axes:
    """Draw the curvature over the edge of each optimizer, the fit at the end, and the loss.

    Parameters
    ----------
    state : dict
        As :func:`rmsprop_lib.playground.from_address` gives it.

    Returns
    -------
    Axes
        Those of the curvature.
    """
    steps = state["steps"]
    with plt.rc_context(STYLE):
        figure, axes = plt.subplot_mosaic("ef;el", figsize=(7.0, 4.1), width_ratios=[1.6, 1])
        edge, fits, losses = (axes[name] for name in "efl")
        edge.axhspan(1, TOP, color="#000000", alpha=0.06, linewidth=0)
        edge.axhline(1, color="#c00000", linewidth=1.2)
        note(edge, 0.02 * steps, 1.62, "above the edge: unstable", ha="left")
        between = np.linspace(-1, 1, 201)[:, None]
        for name, look in zip(OPTIMIZERS, looks(row[0] for row in OPTIMIZERS.values()), strict=True):
            if name not in state["on"]:
                continue
            training = train(name, state)
            drawn = {"color": look.colour, "linestyle": look.dash, "label": OPTIMIZERS[name][0]}
            measured = EVERY * np.arange(1, len(training.curvature) + 1)
            (height,) = edge.plot(measured, training.curvature / training.edge, **drawn)
            height.set(marker=look.marker, markersize=6, markevery=[-1])
            fits.plot(between, fit(training.theta, between), **drawn)
            losses.plot(EVERY * np.arange(len(training.weights)), training.loss[::EVERY], **drawn)
        fits.plot(INPUTS, OUTPUTS, marker="o", markersize=3, color="#000000", linestyle="none")
        edge.set(xlim=(-0.03 * steps, 1.03 * steps), ylim=(0, TOP), xlabel="step t", ylabel="curvature λ over the edge")
        fits.set(xlim=(-1.05, 1.05), ylim=(-1.5, 1.5), xlabel="x", ylabel="output")
        losses.set(xlim=(-0.03 * steps, 1.03 * steps), yscale="log", xlabel="step t", ylabel="loss")
        figure.legend(*edge.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return edge
