"""The plots of the book, in one style.

Curves differ in colour and in dash pattern (:mod:`rmsprop_lib.looks`): an optimizer's are the same in every figure,
other curves' follow their order. Every function draws into the axes it is given or into
a new figure, and returns the axes, so that a cell can add a mark of its own.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from rmsprop_lib.extras import naming_extras

with naming_extras():
    import matplotlib
    import matplotlib.pyplot as plt
    from matplotlib import patheffects
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.colors import LogNorm
    from matplotlib.patches import FancyBboxPatch, Patch

from rmsprop_lib import typeface
from rmsprop_lib.descent import Trajectory
from rmsprop_lib.looks import COLOURS, LOOKS, looks, optimizer
from rmsprop_lib.problems import Problem

# A notebook's backend, when it is loaded with the first figure, switches interactive drawing on. Inside the style's
# context that would be undone at its end, and no second figure would appear: so load it now.
plt.switch_backend(matplotlib.get_backend())

STYLE: dict[Any, Any] = {
    "figure.figsize": (7.0, 3.4),
    "figure.dpi": 120,
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.titlesize": "medium",
    "grid.color": "#d0d0d0",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.8,
    "legend.frameon": False,
    "legend.handlelength": 3.0,
    "font.size": 10,
    **typeface.settings(),
}
"""The settings of Matplotlib with which every figure is drawn."""


def style() -> AbstractContextManager[Any]:
    """The book's style for a legend or a title that a cell adds itself: ``with figures.style(): ax.legend()``.

    Matplotlib chooses the typeface of a text or a legend when it is made, not when it is drawn.

    Returns
    -------
    context manager
    """
    return plt.rc_context(STYLE)


def axes(columns: int = 1, *, height: float = 3.4, share_y: bool = False) -> Any:
    """New axes in the book's style: one, or an array of shape (columns,) side by side.

    Parameters
    ----------
    columns : int, at least 1
    height : float
        Of the figure, in inches; its width is that of the text.
    share_y : bool
        Whether the panels have one vertical axis in common.

    Returns
    -------
    Axes, or array of Axes of shape (columns,)
    """
    with plt.rc_context(STYLE):
        _, ax = plt.subplots(1, columns, figsize=(7.0, height), sharey=share_y)
    return ax


def lines(
    curves: Mapping[str, Any],
    *,
    xlabel: str,
    ylabel: str,
    x: Any = None,
    xscale: str = "linear",
    yscale: str = "linear",
    markers: bool = False,
    title: str = "",
    legend: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw curves with a legend.

    Parameters
    ----------
    curves : dict of str to array of shape (T,), or to a pair of such arrays (x, y)
        Under the label that the legend shows. Drawn in their order.
    x : array of shape (T,), optional
        For curves that are not pairs; 0, 1, 2, … by default.
    xlabel, ylabel : str
        With units where there are any.
    xscale, yscale : "linear", "log" or "symlog"
    markers : bool
        Whether the points are marked, for curves with few of them.
    title : str
        Names a panel among several.
    legend : bool
        Whether there is one, if there is more than one curve.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
    """
    with plt.rc_context(STYLE):
        ax = axes() if ax is None else ax
        for look, (label, curve) in zip(looks(curves), curves.items(), strict=True):
            xs, ys = curve if isinstance(curve, tuple) else (np.arange(len(curve)) if x is None else x, curve)
            marker = look.marker if markers else None
            ax.plot(xs, ys, color=look.colour, linestyle=look.dash, marker=marker, markersize=4.5, label=label)
        ax.set(xlabel=xlabel, ylabel=ylabel, xscale=xscale, yscale=yscale, title=title)
        if legend and len(curves) > 1:
            ax.legend()
    return ax


def paths(
    problem: Problem,
    trajectories: Mapping[str, Trajectory | np.ndarray],
    *,
    xlim: tuple[float, float],
    ylim: tuple[float, float],
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw the paths of runs over the level lines of a problem in the plane.

    Parameters
    ----------
    problem : Problem
        Of two parameters.
    trajectories : dict of str to Trajectory or array of shape (T + 1, 2)
        Under the label that the legend shows. The start is marked, and every point.
    xlim, ylim : pair of floats
        What is shown.
    title : str
        Names a panel among several.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
    """
    with plt.rc_context(STYLE):
        ax = axes(height=4.2) if ax is None else ax
        xs, ys = np.linspace(*xlim, 201), np.linspace(*ylim, 201)
        values = problem.value(np.stack(np.meshgrid(xs, ys), axis=-1))
        levels = np.geomspace(max(values.min(), values.max() * 1e-5), values.max(), 14)
        ax.contour(xs, ys, values, levels=levels, colors="#9a9a9a", linewidths=0.7)
        for look, (label, run) in zip(looks(trajectories), trajectories.items(), strict=True):
            theta = run.theta if isinstance(run, Trajectory) else run
            ax.plot(*theta.T, color=look.colour, linestyle=look.dash, marker=look.marker, markersize=2.5, label=label)
        if problem.minimizer is not None:
            ax.plot(*problem.minimizer, marker="+", markersize=11, color="#000000", linestyle="none")
        ax.set(xlim=xlim, ylim=ylim, xlabel="θ₁", ylabel="θ₂", title=title)
        ax.grid(visible=False)
        # Below the picture, where it hides no path.
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=len(trajectories))
    return ax


def spread(
    groups: Mapping[str, Sequence[float] | np.ndarray],
    *,
    xlabel: str,
    xscale: str = "linear",
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw each run of each group as a point on the group's own line, and the group's mean as a bar.

    Parameters
    ----------
    groups : dict of str to sequence of floats
        One value a run, such as one a seed. Drawn from top to bottom in their order.
    xlabel : str
        What the values are, with their unit.
    xscale : "linear" or "log"
        On a logarithmic axis, as for ratios, the mean is the geometric one.
    title : str
        Names a panel among several.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
    """
    with plt.rc_context(STYLE):
        ax = axes(height=0.9 + 0.36 * len(groups)) if ax is None else ax
        for row, (look, values) in enumerate(zip(looks(groups), groups.values(), strict=True)):
            points: dict[str, Any] = {"marker": look.marker, "color": look.colour, "linestyle": "none", "alpha": 0.75}
            ax.plot(values, [row] * len(values), markersize=5, **points)
            mean = np.exp(np.mean(np.log(values))) if xscale == "log" else np.mean(values)
            ax.plot([mean] * 2, [row - 0.3, row + 0.3], color=look.colour, linestyle="-", linewidth=2)
        ax.set(xlabel=xlabel, xscale=xscale, yticks=range(len(groups)), yticklabels=list(groups), title=title)
        ax.set_ylim(len(groups) - 0.5, -0.5)
        ax.grid(visible=False, axis="y")
    return ax


def bands(
    groups: Mapping[str, np.ndarray],
    *,
    xlabel: str,
    ylabel: str,
    x: Any = None,
    yscale: str = "linear",
    title: str = "",
    legend: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw the mean of each group of runs as a curve, over a band from the lowest of its runs to the highest.

    Parameters
    ----------
    groups : dict of str to array of shape (runs, T)
        Under the label that the legend shows. Drawn in their order.
    xlabel, ylabel : str
        With units where there are any.
    x : array of shape (T,), optional
        0, 1, 2, … by default.
    yscale : "linear" or "log"
    title : str
        Names a panel among several.
    legend : bool
        Whether there is one.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
    """
    means = {label: np.mean(runs, axis=0) for label, runs in groups.items()}
    ax = lines(means, x=x, xlabel=xlabel, ylabel=ylabel, yscale=yscale, title=title, legend=legend, ax=ax)
    with plt.rc_context(STYLE):
        for line, runs in zip(ax.get_lines(), groups.values(), strict=True):
            low, high = np.min(runs, axis=0), np.max(runs, axis=0)
            ax.fill_between(line.get_xdata(), low, high, color=line.get_color(), alpha=0.15, linewidth=0)
    return ax


_EDGE = [patheffects.withStroke(linewidth=2.2, foreground="#202020")]


def note(
    ax: Axes,
    x: float,
    y: float,
    text: str,
    *,
    ha: str = "left",
    va: str = "center",
    rotation: float = 0.0,
    to: tuple[float, float] | None = None,
    beside: bool = False,
) -> None:
    """Write a word into a figure, in its typeface: grey on white, white with a dark edge on a map of colours.

    Parameters
    ----------
    ax : Axes
    x, y : float
        Where, in the data's units.
    text : str
        Lines are broken as given.
    ha, va : str
        Which part of the text stands there, as Matplotlib says it.
    rotation : float
        In degrees.
    to : pair of floats, optional
        Where an arrow leads from it, in the data's units.
    beside : bool
        Whether it stands beside the axes, and the layout has to make room for it.
    """
    mapped = any(isinstance(drawn, QuadMesh) for drawn in ax.collections)
    look: dict[str, Any] = {"color": "white", "path_effects": _EDGE} if mapped else {"color": "#505050"}
    look |= {"ha": ha, "va": va, "rotation": rotation, "annotation_clip": False}
    if to is not None:
        look["arrowprops"] = {"arrowstyle": "->", "color": look["color"]}
    with plt.rc_context(STYLE):
        # What reaches over the axes' edge without standing beside them was placed there.
        ax.annotate(text, (x, y) if to is None else to, (x, y), **look).set_in_layout(beside)


def map_line(
    ax: Axes,
    x: Any,
    y: Any,
    text: str = "",
    *,
    at: tuple[float, float] | None = None,
    dash: str = ":",
    ha: str = "left",
) -> None:
    """Draw a line over a map of colours, white with a dark edge, and write beside it what it is.

    Parameters
    ----------
    ax : Axes
        Of a panel of :func:`heat_map`.
    x, y : arrays of one shape
        The line's points.
    text : str
    at : pair of floats, optional
        Where the text stands, in the data's units; by the last point if it is not given.
    dash : str
        The line's, as Matplotlib says it.
    ha : str
        Which end of the text stands there.
    """
    ax.plot(x, y, color="white", linestyle=dash, linewidth=1.8, path_effects=_EDGE)
    if text:
        where = (x[-1], y[-1]) if at is None else at
        note(ax, where[0], where[1], text, ha=ha)


def _tick(level: float) -> str:
    """A level of a colour bar: a power of ten where that is shorter than the number, the number elsewhere."""
    power = round(np.log10(level))
    if not 1e-3 < level < 1e3 and np.isclose(level, 10.0**power):
        return f"$10^{{{power}}}$"
    return f"{level:g}"


def heat_map(
    panels: Mapping[str, Any],
    *,
    x: Any,
    y: Any,
    levels: Sequence[float],
    xlabel: str,
    ylabel: str | Sequence[str],
    label: str,
    lines: Sequence[float] | None = None,
    best: tuple[float, float] | None = None,
    height: float = 3.6,
) -> Any:
    """Draw maps of a positive quantity over two positive ones, all axes logarithmic, with one colour bar.

    Parameters
    ----------
    panels : dict of str to array of shape (len(x), len(y)), or to a triple of x, y and such an array
        Under the title of the panel.
    x, y : arrays
        The values along the axes of panels that bring none of their own.
    levels : sequence of at least two floats
        Where the colours begin and end, and the marks of the bar between.
    xlabel, ylabel : str
        With units where there are any; ylabel may be one for each panel.
    label : str
        Of the colour bar.
    lines : sequence of floats, optional
        Lines of equal value, drawn in the map and on the bar; all levels but the first and the last by default. A map
        that is coarse or rough reads better with few of them, or none.
    best : pair of floats, optional
        Where "best rate" stands in the first panel: every panel then has a line through the lowest value of each row.
    height : float
        Of the figure, in inches.

    Returns
    -------
    array of Axes of shape (len(panels),)
    """
    lines = levels[1:-1] if lines is None else lines
    ylabels = [ylabel] + [""] * (len(panels) - 1) if isinstance(ylabel, str) else ylabel
    with plt.rc_context(STYLE):
        _, row = plt.subplots(1, len(panels), figsize=(7.0, height), squeeze=False)
        grid, norm = row[0], LogNorm(levels[0], levels[-1])
        for ax, name, (title, panel) in zip(grid, ylabels, panels.items(), strict=True):
            xs, ys, z = panel if isinstance(panel, tuple) else (x, y, panel)
            seen = np.clip(z, levels[0], levels[-1]).T
            mesh = ax.pcolormesh(xs, ys, seen, cmap="cividis", shading="nearest", norm=norm)
            if len(lines):
                ax.contour(xs, ys, seen, levels=lines, colors="white", linewidths=0.8)
            if best is not None:
                lowest = np.asarray(xs)[np.argmin(z, axis=0)]
                ax.plot(lowest, ys, "o-", color=COLOURS[1], linewidth=1.5, markersize=3.5, markeredgewidth=0)
                if ax is grid[0]:
                    note(ax, best[0], best[1], "best rate")
            ax.set(xscale="log", yscale="log", xlim=(xs[0], xs[-1]), ylim=(ys[0], ys[-1]))
            ax.set(title=title, xlabel=xlabel, ylabel=name)
            ax.minorticks_off()
            ax.grid(visible=False)
        bar = ax.figure.colorbar(mesh, ax=list(grid), label=label, ticks=levels, extend="both")
        if len(lines):
            bar.ax.hlines(lines, 0, 1, colors="white", linewidth=0.8)
        bar.ax.set_yticklabels([_tick(level) for level in levels])
        bar.ax.minorticks_off()
    return grid


def decisions(steps: Sequence[tuple[str, str]], *, ax: Axes | None = None) -> Axes:
    """Draw a decision guide: questions below each other, the advice that ends each to its right.

    Parameters
    ----------
    steps : sequence of pairs of str
        Question and advice, in order; the last pair is what remains when every answer was no. Lines are broken as
        given.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
    """
    with plt.rc_context(STYLE):
        ax = axes(height=0.95 * len(steps)) if ax is None else ax
        ax.set_axis_off()
        ax.set(xlim=(0, 10), ylim=(-len(steps) + 0.6, 0.4))
        box: dict[str, Any] = {"height": 0.56, "boxstyle": "round,pad=0,rounding_size=0.1", "facecolor": "white"}
        arrow = {"arrowstyle": "-|>", "color": COLOURS[0], "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0}
        for row, (question, advice) in enumerate(steps):
            ax.add_patch(FancyBboxPatch((0.05, -row - 0.28), 4.9, edgecolor=COLOURS[2], **box))
            ax.add_patch(FancyBboxPatch((6.2, -row - 0.28), 3.75, edgecolor=COLOURS[1], **box))
            ax.annotate("", (6.2, -row), (4.95, -row), arrowprops=arrow)
            if row < len(steps) - 1:
                ax.annotate("", (2.5, -row - 0.72), (2.5, -row - 0.28), arrowprops=arrow)
                ax.text(5.5, -row + 0.04, "yes", ha="center", va="bottom")
                ax.text(2.65, -row - 0.5, "no", ha="left", va="center")
            ax.text(2.5, -row, question, ha="center", va="center")
            ax.text(6.4, -row, advice, ha="left", va="center")
    return ax


def tree(
    members: Mapping[str, tuple[float, float]],
    changes: Sequence[tuple[str, str, str]],
    *,
    height: float = 5.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw a family of optimizers: a box for each, an arrow for each change of one into another, and what it is.

    Parameters
    ----------
    members : dict of str to pair of floats
        By name, where the middle of the box is: across from 0 to 1, and down from 0.
    changes : sequence of (from, to, what)
        Of which ``what`` is written on the arrow; lines are broken as given.
    height : float
        Of the figure, in inches.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
    """
    with plt.rc_context(STYLE):
        ax = axes(height=height) if ax is None else ax
        boxes = {}
        for name, (x, y) in members.items():
            known = LOOKS.get(optimizer(name) or "")
            edge = {
                "boxstyle": "round,pad=0.35",
                "facecolor": "white",
                "edgecolor": known.colour if known else "#808080",
            }
            boxes[name] = ax.text(x, y, name, ha="center", va="center", bbox=edge | {"linewidth": 1.4}, zorder=3)
        for start, end, what in changes:
            arrow = {"arrowstyle": "->", "color": "#808080", "shrinkA": 4, "shrinkB": 4}
            ends = {"patchA": boxes[start].get_bbox_patch(), "patchB": boxes[end].get_bbox_patch()}
            ax.annotate("", members[end], members[start], arrowprops=arrow | ends, zorder=1)
            (x0, y0), (x1, y1) = members[start], members[end]
            plain = {"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none"}
            there = 0.5 if y0 == y1 else 0.6  # arrows from one box are further apart towards their ends
            middle = x0 + there * (x1 - x0), y0 + there * (y1 - y0)
            ax.text(*middle, what, ha="center", va="center", fontsize="small", color="#505050", bbox=plain, zorder=2)
        rows = [y for _, y in members.values()]
        ax.set(xlim=(0, 1), ylim=(max(rows) + 0.4, min(rows) - 0.4))
        ax.axis("off")
    return ax


def bars(
    groups: Mapping[str, Mapping[str, float | tuple[float, float]]],
    *,
    xlabel: str,
    second: str = "",
    marks: tuple[str, Mapping[str, float]] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw lying bars: a line for each row, and in it one bar for each group, which may have a hatched second part.

    Parameters
    ----------
    groups : dict of str to dict of str to float, or to a pair of floats
        Under the label of the legend, for each row the length of the bar, or of its two parts. Rows are drawn from top
        to bottom in the order of the first group.
    xlabel : str
        What the lengths are, with their unit.
    second : str
        What the second part is, for the legend.
    marks : pair of str and dict of str to float, optional
        What a white diamond in a row stands for, and where it is.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
    """
    rows = list(next(iter(groups.values())))
    thick = 0.76 / len(groups)
    with plt.rc_context(STYLE):
        ax = axes(height=1.0 + 0.42 * len(rows)) if ax is None else ax
        for k, (look, (label, lengths)) in enumerate(zip(looks(groups), groups.items(), strict=True)):
            at = np.arange(len(rows)) - 0.38 + (k + 0.5) * thick
            parts = np.array([lengths[row] if second else (lengths[row], 0.0) for row in rows])
            ax.barh(at, parts[:, 0], height=0.9 * thick, color=look.colour, alpha=0.85, label=label)
            if second:
                hatched: dict[str, Any] = {"hatch": "/////", "fill": False, "edgecolor": look.colour, "linewidth": 0.8}
                ax.barh(at, parts[:, 1], left=parts[:, 0], height=0.9 * thick, **hatched)
        handles, labels = ax.get_legend_handles_labels()
        if second:
            handles.append(Patch(hatch="/////", fill=False, edgecolor="#505050", linewidth=0.8))
            labels.append(second)
        if marks is not None:
            name, places = marks
            seen = [places[row] for row in rows]
            (mark,) = ax.plot(seen, range(len(rows)), "D", color="#ffffff", markeredgecolor="#000000", markersize=7)
            handles.append(mark)
            labels.append(name)
        ax.set(xlabel=xlabel, yticks=range(len(rows)), yticklabels=rows)
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.grid(visible=False, axis="y")
        ax.set_axisbelow(True)
        if len(labels) > 1:
            ax.figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))  # where it hides no bar
    return ax


def images(pictures: np.ndarray, titles: Sequence[str], *, columns: int = 10) -> Any:
    """Draw small grey pictures in rows, dark on light, each under its title.

    Parameters
    ----------
    pictures : array of shape (N, height, width)
        0 is drawn white and the largest value of all black.
    titles : sequence of str, length N
    columns : int
        Pictures in a row.

    Returns
    -------
    array of Axes, shape (rows, columns)
    """
    rows = -(-len(pictures) // columns)
    with plt.rc_context(STYLE):
        _, grid = plt.subplots(rows, columns, figsize=(7.0, 0.95 * rows), squeeze=False)
        for ax, picture, title in zip(grid.flat, pictures, titles, strict=False):
            ax.imshow(picture, cmap="Greys", vmin=0, vmax=pictures.max(), interpolation="nearest")
            ax.set_title(title, fontsize=9)
        for ax in grid.flat:
            ax.set_axis_off()
    return grid
