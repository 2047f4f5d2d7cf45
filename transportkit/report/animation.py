"""The transport as it goes: points on their lines, between plates or through time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..core.span import Axis
from .picture import INK, MOVED, SOURCE, TARGET
from .picture import LOST as LOST_COLOUR
from .scene import LOST, Array, Scene
from .space import axes_of, marks, plate

FRAMES, HOLD = 36, 8
"""Frames of the way, and further ones that hold the end."""


def draw_animation(path: Path, scene: Scene) -> None:
    """Write a GIF. Between plates a frame is a share of each line's own length, without them of
    time."""
    from matplotlib.animation import FuncAnimation, PillowWriter
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.6, 5.4))
    FigureCanvasAgg(figure)
    shares = np.concatenate([np.linspace(0, 1, FRAMES), np.ones(HOLD)])
    states = np.round(shares * (scene.tracks.shape[1] - 1)).astype(int)
    lost = scene.kinds == LOST
    # Lines over an axis with marks go far and come back: beside it one sees where they are.
    solid = scene.plates or bool(scene.axis.marks)
    if solid:
        left = 0.08 if scene.axis.marks else 0.02
        ax = axes_of(figure, scene, (left, 0.08, 0.98 - left, 0.86))
        plate(ax, scene, 0.0, scene.source[:0], SOURCE, 1)
        plate(ax, scene, scene.top, scene.target, TARGET, 2)
        marks(ax, scene)
        for x, text, colour in (
            (0.04, scene.axis.start, SOURCE),
            (0.40, f"{scene.axis.end}: held-out target", TARGET),
        ):
            figure.text(x, 0.03, text, fontsize=9, color=colour)
        limits = np.array([ax.get_xlim(), ax.get_ylim(), ax.get_zlim()])
        dots = ax.scatter([], [], [], s=9, c=MOVED, depthshade=False, linewidths=0, zorder=6)
        astray = ax.scatter([], [], [], s=22, c=LOST_COLOUR, marker="x", depthshade=False, zorder=7)
    else:
        ax = figure.add_axes((0.09, 0.07, 0.88, 0.84))
        low, high = scene.box()
        ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
        x, y = scene.target.T
        ax.scatter(x, y, s=5, c=TARGET, alpha=0.35, linewidths=0, label="target")
        dots = ax.scatter([], [], s=9, c=MOVED, linewidths=0, label="moving points")
        astray = ax.scatter([], [], s=22, c=LOST_COLOUR, marker="x")
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
        ax.legend(loc="upper right", fontsize=8, framealpha=0.85)
        limits = np.stack([low, high], 1)
    what = "t = {:.2f}" if scene.axis == Axis() else "{:.0%} of the way"

    def place(points: Array, scatter: Any) -> int:
        """Put these points there; how many of them are outside of what is shown."""
        width = len(limits)
        seen = ((points[:, :width] >= limits[:, 0]) & (points[:, :width] <= limits[:, 1])).all(1)
        if solid:
            scatter._offsets3d = tuple(points[seen].T)
        else:
            scatter.set_offsets(points[seen, :2])
        return int((~seen).sum())

    def show(frame: int) -> list[Any]:
        now = scene.tracks[:, states[frame]]
        outside = place(now[~lost], dots) + place(now[lost], astray)
        text = f"{scene.title}   {what.format(shares[frame])}"
        text += f"   {outside} of {len(now)} points outside" if outside else ""
        figure.suptitle(text, fontsize=10, color=INK)
        return [dots, astray]

    moving = FuncAnimation(figure, show, frames=len(states), blit=False)
    moving.save(path, writer=PillowWriter(fps=12), dpi=90)
