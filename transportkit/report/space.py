"""Lines in three dimensions: between the plates, or through time."""

from __future__ import annotations

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
"""How much wider than the points the box may be."""
OUTSIDE = 0.22
"""How far beyond the plates is shown, as a share of their distance."""


def draw_space(path: Path, scene: Scene) -> None:
    """Write a PNG: both plates with their points, and the lines by how they went."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.4, 6.6))
    FigureCanvasAgg(figure)
    ax = axes_of(figure, scene)
    lines(ax, scene)
    plate(ax, scene, 0.0, scene.source, SOURCE, 1)
    plate(ax, scene, scene.top, scene.moved, MOVED, 5)
    labels(ax, scene)
    legend(ax, scene)
    figure.suptitle(scene.title, y=0.97, fontsize=11, color=INK)
    figure.savefig(path, dpi=150)


def frame(scene: Scene) -> tuple[Array, Array]:
    """The least and the largest coordinates (2,) of the box: the points', and those of the lines
    between the plates where they do not go further than `FAR`."""
    low, high = scene.box()
    middle, half = (low + high) / 2, float((high - low).max()) / 2
    direct = np.abs(scene.tracks[scene.kinds == DIRECT][..., :2] - middle)
    reach = float(direct[np.isfinite(direct)].max(initial=0.0))
    half = min(max(half, 1.02 * reach), FAR * half)
    return middle - half, middle + half


def axes_of(figure: Any, scene: Scene) -> Any:
    """Axes of a box without a frame, seen from the side and a little from above."""
    ax = figure.add_axes((0.02, 0.04, 0.96, 0.9), projection="3d", computed_zorder=False)
    low, high = frame(scene)
    beyond = OUTSIDE * scene.top if (scene.kinds == ROUND).any() else 0.05 * scene.top
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), zlim=(-beyond, scene.top + beyond))
    ax.set_box_aspect((1, 1, 1.0), zoom=1.12)
    ax.view_init(elev=13, azim=-62)
    ax.set_axis_off()
    return ax


def lines(ax: Any, scene: Scene) -> None:
    """The parts of the lines that are inside the axes' box."""
    from mpl_toolkits.mplot3d.art3d import Line3DCollection

    limits = np.array([ax.get_xlim(), ax.get_ylim(), ax.get_zlim()])
    for order, kind in enumerate((DIRECT, ROUND, LOST)):
        own = pieces(scene.tracks[scene.kinds == kind], limits)
        if not own:
            continue
        colour, dashes, width, alpha, _ = STYLES[kind]
        drawn = Line3DCollection(own, colors=colour, linestyles=[dashes], linewidths=width)
        drawn.set_alpha(alpha)
        drawn.set_zorder(2 + order)
        ax.add_collection3d(drawn)
    inside = (scene.tracks >= limits[:, 0]) & (scene.tracks <= limits[:, 1])
    if count := int((~inside.all((1, 2))).sum()):
        text = f"{count} of {len(inside)} lines go beyond the box, and are cut there"
        ax.text2D(0.97, 0.905, text, ha="right", fontsize=8.5, color=INK, transform=ax.transAxes)


def pieces(tracks: Array, limits: Array) -> list[Array]:
    """The parts of lines (B, K, 3) that lie within limits (3, 2)."""
    inside: Array = np.all((tracks >= limits[:, 0]) & (tracks <= limits[:, 1]), axis=-1)
    found = []
    for track, seen in zip(tracks, inside, strict=True):
        cuts = np.flatnonzero(np.diff(seen.astype(int))) + 1
        for part, shown in zip(np.split(track, cuts), np.split(seen, cuts), strict=True):
            if shown[0] and len(part) > 1:
                found.append(part)
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


def labels(ax: Any, scene: Scene) -> None:
    """What stands at either end of the axis, and the axis itself where it has marks."""
    low, high = frame(scene)
    begun = "source points; their lines begin elsewhere" if scene.elsewhere else "source points"
    for y, text, colour in (
        (0.03, f"{scene.axis.start}: {begun}", SOURCE),
        (0.945, f"{scene.axis.end}: moved points", MOVED),
    ):
        ax.text2D(0.03, y, text, color=colour, transform=ax.transAxes)
    if not scene.axis.marks:
        return
    # The corner of the box that is seen on the left.
    x, y = low
    ax.plot([x, x], [y, y], [0, scene.top], color=INK, linewidth=0.8)
    for share, text in scene.axis.marks:
        side, height = 0.03 * (high - low)[0], share * scene.top
        ax.plot([x - side, x], [y, y], [height, height], color=INK, linewidth=0.8)
        ax.text(x - 1.5 * side, y, height, text, ha="right", va="center", fontsize=8, color=INK)
    ax.text2D(
        -0.085, 0.5, scene.axis.name, rotation=90, va="center", color=INK, transform=ax.transAxes
    )


def legend(ax: Any, scene: Scene) -> None:
    from matplotlib.lines import Line2D

    handles = []
    for kind, (colour, dashes, width, _, name) in STYLES.items():
        count = int((scene.kinds == kind).sum())
        text = "arrived" if kind == DIRECT and not scene.plates else name
        if count:
            handles.append(
                Line2D(
                    [],
                    [],
                    color=colour,
                    linestyle=dashes,
                    linewidth=1.5 * width,
                    label=f"{text}: {count} of {len(scene.kinds)} lines",
                )
            )
    ax.legend(handles=handles, loc="lower right", fontsize=8.5, frameon=False)
