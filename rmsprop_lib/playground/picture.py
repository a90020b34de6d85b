"""A still picture of a playground's race, for paper, for readers without scripts, and for the cells of the chapters."""

import numpy as np

from rmsprop_lib.extras import naming_extras

with naming_extras():
    import matplotlib.pyplot as plt
    from matplotlib.axes import Axes

from rmsprop_lib.figures import STYLE
from rmsprop_lib.looks import looks
from rmsprop_lib.playground.network_picture import draw_network
from rmsprop_lib.playground.race import run
from rmsprop_lib.playground.state import OPTIMIZERS, SURFACES, from_address
from rmsprop_lib.playground.surfaces import LANDSCAPES, minimum


def still(address: str) -> Axes:
    """Draw the race of an address as it ends: the surface, the paths, and the loss over the steps.

    Of the network, its curvature against the edge, its points with what they are fitted by, and the loss.

    On the book's site the picture gives way to a live playground with this state. In a notebook put
    :class:`rmsprop_lib.playground.Playground` in the place of ``still``, and it moves.

    Parameters
    ----------
    address : str
        As :func:`rmsprop_lib.playground.from_address` takes it.

    Returns
    -------
    Axes
        Those of the paths, or of the curvature.
    """
    state = from_address(address)
    if "kind" in SURFACES[state["surface"]]:
        return draw_network(state)
    value, _ = LANDSCAPES[state["surface"]]
    steps = state["steps"]
    x0, x1, y0, y1 = SURFACES[state["surface"]]["box"]
    xs, ys = np.linspace(x0, x1, 161), np.linspace(y0, y1, 161)
    heights = np.array([[value(float(x), float(y), steps, state) for x in xs] for y in ys])
    heights -= heights.min()
    with plt.rc_context(STYLE):
        plane: Axes
        _, (plane, losses) = plt.subplots(1, 2, figsize=(7.0, 3.7))
        plane.contour(
            xs, ys, heights, levels=heights.max() * np.geomspace(1e-3, 1, 13), colors="#9a9a9a", linewidths=0.7
        )
        goal = minimum(steps, state)
        if goal is not None:
            plane.plot(*goal, marker="+", markersize=11, color="#000000", linestyle="none")
        shown: list[float] = []
        for name, look in zip(OPTIMIZERS, looks(row[0] for row in OPTIMIZERS.values()), strict=True):
            if name not in state["on"]:
                continue
            points = run(name, state)
            loss = np.array([value(float(x), float(y), min(t + 1, steps), state) for t, (x, y) in enumerate(points)])
            drawn = {"color": look.colour, "linestyle": look.dash, "label": OPTIMIZERS[name][0]}
            (path,) = plane.plot(*points.T, **drawn)
            path.set(marker=look.marker, markersize=6, markevery=[-1])
            losses.plot(np.where(loss > 0, loss, np.nan), **drawn)
            # A run that diverges would leave all others at the foot of the picture.
            shown += loss[(loss > 0) & (loss <= 1e4 * abs(loss[0]))].tolist()
        plane.plot(*state["start"], marker="o", markersize=9, markerfacecolor="none", color="#000000", linestyle="none")
        plane.set(xlim=(x0, x1), ylim=(y0, y1), xlabel="x", ylabel="y")
        plane.grid(visible=False)
        # A path that arrives has losses down to the smallest numbers that there are.
        losses.set(yscale="log", xlabel="step t", ylabel="loss", xlim=(-0.03 * steps, 1.03 * steps))
        if shown:
            losses.set_ylim(max(min(shown), 1e-14 * max(shown)) / 2, 2 * max(shown))
        plane.figure.legend(*losses.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return plane
