"""Lines in three dimensions: between the plates, or through time."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from .picture import INK, MOVED, SOURCE
from .picture import LOST as LOST_COLOUR
from .scene import DIRECT, LOST, ROUND, Array, Scene

# Told apart by lightness and dashes as well as by hue.
STYLES: dict[str, tuple[str, Any, float, float, str]] = {
    DIRECT: ("#555555", "-", 0.6, 0.5, "between the plates"),
    ROUND: ("#E69F00", "-", 1.0, 0.8, "round the outside of a plate"),
    LOST: (LOST_COLOUR, (0, (4, 2)), 1.4, 1.0, "lost"),
}
FAR = 2.0
"""How much wider than the points the space that is shown may be."""
OUTSIDE = 0.22
"""How far beyond the plates is shown, as a share of their distance."""
FADE = 0.14
"""The share of what is shown, at each of its ends, over which lines that leave it fade."""
LEVELS = 10
"""Steps in which they do."""


def draw_space(path: Path, scene: Scene) -> None:
    """Write a PNG: both plates with their points, and the lines by how they went."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.4, 7.0))
    FigureCanvasAgg(figure)
    ax = axes_of(figure, scene, (0.02, 0.12, 0.96, 0.86))
    leaving = lines(ax, scene)
    plate(ax, scene, 0.0, scene.source, SOURCE, 1)
    plate(ax, scene, scene.top, scene.moved, MOVED, 5)
    marks(ax, scene)
    legend(figure, scene)
    if leaving:
        text = f"{leaving} of {len(scene.tracks)} lines go on outside of what is shown, and fade"
        figure.text(0.5, 0.02, text, ha="center", fontsize=8.5, color=INK)
    figure.suptitle(scene.title, y=0.975, fontsize=11, color=INK)
    figure.savefig(path, dpi=150)


def frame(scene: Scene) -> tuple[Array, Array]:
    """The least and the largest coordinates (2,) of the space shown: the points', and those of the
    lines between the plates where they do not go further than `FAR`."""
    low, high = scene.box()
    middle, half = (low + high) / 2, float((high - low).max()) / 2
    direct = np.abs(scene.tracks[scene.kinds == DIRECT][..., :2] - middle)
    reach = float(direct[np.isfinite(direct)].max(initial=0.0))
    half = min(max(half, 1.02 * reach), FAR * half)
    return middle - half, middle + half


def axes_of(figure: Any, scene: Scene, place: tuple[float, float, float, float]) -> Any:
    """Axes of a space without a frame, seen from the side and a little from above; `place` is
    theirs in the figure."""
    ax = figure.add_axes(place, projection="3d", computed_zorder=False)
    low, high = frame(scene)
    beyond = OUTSIDE * scene.top if (scene.kinds == ROUND).any() else 0.02 * scene.top
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), zlim=(-beyond, scene.top + beyond))
    # An axis with marks stands beside what is shown.
    ax.set_box_aspect((1, 1, 1.0), zoom=1.12 if scene.axis.marks else 1.22)
    ax.view_init(elev=13, azim=-62)
    ax.set_axis_off()
    return ax


def lines(ax: Any, scene: Scene) -> int:
    """Draw the lines inside of the axes' space; the number of those that leave it."""
    from matplotlib.colors import to_rgba
    from mpl_toolkits.mplot3d.art3d import Line3DCollection

    limits = np.array([ax.get_xlim(), ax.get_ylim(), ax.get_zlim()])
    # Beyond the plates there is less to fade in than beside them.
    fade = FADE * (limits[:, 1] - limits[:, 0])
    fade[2] = min(fade[2], 0.6 * max(-limits[2, 0], 0.0))
    for order, kind in enumerate((DIRECT, ROUND, LOST)):
        own = pieces(scene.tracks[scene.kinds == kind], limits, fade)
        if not own:
            continue
        colour, dashes, width, alpha, _ = STYLES[kind]
        colours = [to_rgba(colour, alpha * strength) for _, strength in own]
        drawn = Line3DCollection(
            [part for part, _ in own], colors=colours, linestyles=[dashes], linewidths=width
        )
        drawn.set_zorder(2 + order)
        ax.add_collection3d(drawn)
    inside = (scene.tracks >= limits[:, 0]) & (scene.tracks <= limits[:, 1])
    return int((~inside.all((1, 2))).sum())


def pieces(tracks: Array, limits: Array, fade: Array) -> list[tuple[Array, float]]:
    """The parts of lines (B, K, 3) within limits (3, 2), each with its strength: 1, and less
    towards limits that its line passes, from `fade` (3,) before them on."""
    room = np.minimum(tracks - limits[:, 0], limits[:, 1] - tracks)
    # What is not finite is outside as well.
    outside = ~(room >= 0).all(-1)
    shares = np.where(fade > 0, room / np.maximum(fade, 1e-300), 1.0)
    strengths = np.clip(shares, 0, 1).prod(-1)
    strengths = np.where(outside.any(1, keepdims=True), strengths, 1.0)
    steps = np.nan_to_num(np.ceil(LEVELS * strengths)).astype(int) * ~outside
    found = []
    for track, own in zip(tracks, steps, strict=True):
        starts = [0, *(np.flatnonzero(np.diff(own)) + 1), len(own)]
        for begin, end in pairwise(starts):
            # With the first state of what follows, so that the line has no gap.
            part = track[begin : min(end + 1, len(own))]
            follows = end < len(own) and own[end] > 0
            part = part if follows else part[: end - begin]
            if own[begin] and len(part) > 1:
                found.append((part, own[begin] / LEVELS))
    return found


def plate(ax: Any, scene: Scene, height: float, points: Array, colour: str, order: int) -> None:
    """A plate, or the plane of a time, and the points on it."""
    low, high = scene.box()
    x, y = np.meshgrid(*np.stack([low, high], 1))
    ax.plot_surface(x, y, np.full_like(x, height), color=colour, alpha=0.09, zorder=order)
    edge = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]) * (high - low) + low
    ax.plot(*edge.T, height, color=colour, linewidth=0.8, alpha=0.7, zorder=order)
    shown = points[((points >= low) & (points <= high)).all(1)]
    ax.scatter(*shown.T, height, s=4, c=colour, alpha=0.75, linewidths=0, zorder=order)


def marks(ax: Any, scene: Scene) -> None:
    """The axis from one end of lines to the other, where it has marks."""
    if not scene.axis.marks:
        return
    low, high = frame(scene)
    # The corner of the space that is seen on the left.
    x, y = low
    ax.plot([x, x], [y, y], [0, scene.top], color=INK, linewidth=0.8)
    for share, text in scene.axis.marks:
        side, height = 0.03 * (high - low)[0], share * scene.top
        ax.plot([x - side, x], [y, y], [height, height], color=INK, linewidth=0.8)
        ax.text(x - 1.5 * side, y, height, text, ha="right", va="center", fontsize=8, color=INK)
    ax.figure.text(0.02, 0.53, scene.axis.name, rotation=90, va="center", fontsize=9, color=INK)


def legend(figure: Any, scene: Scene) -> None:
    """What is drawn, below the drawing: points by their plates, lines by how they went."""
    from matplotlib.lines import Line2D

    begun = "source points; their lines begin elsewhere" if scene.elsewhere else "source points"
    handles = [
        Line2D([], [], color=colour, linestyle="", marker="o", markersize=4, label=text)
        for colour, text in (
            (MOVED, f"{scene.axis.end}: moved points"),
            (SOURCE, f"{scene.axis.start}: {begun}"),
        )
    ]
    for kind, (colour, dashes, width, _, name) in STYLES.items():
        count = int((scene.kinds == kind).sum())
        text = "arrived" if kind == DIRECT and not scene.plates else name
        if count:
            text = f"{text}: {count} of {len(scene.kinds)} lines"
            handles.append(
                Line2D([], [], color=colour, linestyle=dashes, linewidth=1.5 * width, label=text)
            )
    figure.legend(
        handles=handles,
        loc="lower center",
        bbox_to_anchor=(0.5, 0.035),
        ncols=2,
        fontsize=9,
        frameon=False,
    )
