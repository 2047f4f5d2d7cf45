"""A slice through the field of two plates: where it points, and how strong it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ..core.model import PlateField
from .picture import INK, MOVED, SOURCE
from .scene import ROUND, Scene, slice_of

CELLS = 120
BEYOND = 0.4
"""How far beyond the plates is shown, as a share of their distance."""
WITHIN = 0.01
"""How far from the plates the field is read, where it is read between them alone."""
NEAR = 0.08
"""Half the thickness of the slab whose points are shown, as a share of the picture's width."""


def draw_section(path: Path, scene: Scene, field: PlateField) -> None:
    """Write a PNG of the plane through the middle of the data: stream lines of the direction over
    the log magnitude, or over the vertical part of the direction where only that is known."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patheffects import Normal, Stroke
    from matplotlib.ticker import MaxNLocator

    low, high = scene.box()
    middle = float(np.median(scene.moved[:, 1]))
    x = torch.linspace(low[0], high[0], CELLS).double()
    # Where no line leaves the space between the plates, there may be no field outside of it.
    beyond = BEYOND if (scene.kinds == ROUND).any() else -WITHIN
    z = torch.linspace(-beyond * scene.top, (1 + beyond) * scene.top, CELLS).double()
    direction, log = slice_of(field, x, middle, z)
    figure = Figure(figsize=(7.4, 5.8), layout="constrained")
    FigureCanvasAgg(figure)
    ax = figure.subplots()
    if log is None:
        shade, name = direction[..., 1], "E_z / |E|"
        bottom, top, extend = float(shade.min()), float(shade.max()), "neither"
    else:
        shade, name = log / np.log(10), "log₁₀ of |E|, up to a constant"
        bottom, top = np.quantile(shade[np.isfinite(shade)], [0.02, 0.995])
        extend = "both"
    levels = np.linspace(bottom, max(top, bottom + 1e-6), 21)
    # One sequence of lightness, that reads in grey as well.
    drawn = ax.contourf(x, z, shade, levels=levels, cmap="cividis", extend=extend)
    figure.colorbar(drawn, ax=ax, shrink=0.85, label=name, ticks=MaxNLocator(6))
    streams = ax.streamplot(
        x.numpy(),
        z.numpy(),
        direction[..., 0],
        direction[..., 1],
        color="white",
        linewidth=0.7,
        density=1.5,
        arrowsize=0.8,
    )
    # White alone is lost where the field is strong.
    streams.lines.set_path_effects([Stroke(linewidth=1.5, foreground="#444444"), Normal()])
    for height, points, colour, text in (
        (0.0, scene.source, SOURCE, "source plate (+)"),
        (scene.top, scene.moved, MOVED, "target plate (−)"),
    ):
        ax.axhline(height, color="white", linewidth=2.6)
        ax.axhline(height, color=colour, linewidth=1.4)
        close = points[np.abs(points[:, 1] - middle) < NEAR * (high - low)[1]]
        ax.plot(
            close[:, 0],
            np.full(len(close), height),
            "o",
            color=colour,
            markersize=3.5,
            markeredgecolor="white",
            markeredgewidth=0.4,
            clip_on=True,
        )
        box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.5}
        ax.text(
            0.01,
            height + (0.02 if height == 0 else -0.02) * scene.top,
            text,
            color=colour,
            fontsize=9,
            bbox=box,
            transform=ax.get_yaxis_transform(),
            va="bottom" if height == 0 else "top",
        )
    ends = min(float(z[0]), -0.02 * scene.top), max(float(z[-1]), 1.02 * scene.top)
    ax.set(xlim=(low[0], high[0]), ylim=ends)
    ax.set_xlabel(f"x₁ (slice at x₂ = {middle:.2f}, and the points near it)")
    ax.set_ylabel("z, the extra coordinate")
    ax.set_title(scene.title, fontsize=11, color=INK)
    figure.savefig(path, dpi=150)
