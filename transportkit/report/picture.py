"""The picture of a run: points of the plane and the lines they took, or grids of images."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..core.metric import Evidence
from ..core.model import Model
from ..core.record import Result
from ..core.status import Stop
from ..transport import Moved
from .images import pixel_range
from .tracks import courses

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's palette, which stays apart without colour vision.
SOURCE, MOVED, TARGET, LOST, INK = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#333333"
GRID = 8
"""Images in a row, and rows, of a grid, at most."""


def draw_run(
    path: Path,
    result: Result,
    evidence: Evidence,
    moved: Moved,
    start: torch.Tensor,
    lines: Moved,
    model: Model,
) -> None:
    """Write a PNG: the lines from source to moved points, the moved points, the target.

    `start` (B, 2) are the points whose `lines` are drawn.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    source, target = _array(evidence.start), _array(evidence.target)
    low, high = _frame(np.concatenate([source, target]))
    # Margins of its own: a layout that is worked out takes as long as all of the drawing.
    wide, tall = (high - low) / (high - low).max()
    figure = Figure(figsize=(12, min(5.2, 1.1 + 3.9 * tall / wide)))
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 3, gridspec_kw=_margins(figure.get_figheight()))
    arrived = _array(moved.stop) == int(Stop.ARRIVED)
    points = _array(moved.points)

    _dots(axes[0], source, SOURCE, "source")
    _draw_lines(axes[0], start, lines, model)
    _dots(axes[0], _array(lines.points), MOVED, "moved", size=9)
    _dots(axes[1], points[arrived], MOVED, "moved")
    if not arrived.all():
        _dots(axes[1], points[~arrived], LOST, "lost", size=14, marker="x")
    _dots(axes[2], target, TARGET, "target")
    led = "lines lead" if lines.path is not None else "its points go"
    beyond = int((~((points >= low) & (points <= high)).all(1)).sum())
    titles = (
        f"source, and where {led}",
        "moved points" + (f", {beyond} of {len(points)} outside" if beyond else ""),
        "target, held out",
    )
    for i, (ax, title) in enumerate(zip(axes, titles, strict=True)):
        ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
        ax.set_aspect("equal", adjustable="box")
        # At a height that is given: to look for one takes longer than to draw the points.
        ax.set_title(title, fontsize=10, y=1.01)
        ax.locator_params(nbins=3)
        ax.tick_params(labelsize=8, colors=INK)
        if i:
            # All three have one frame, whose ticks stand at the first.
            ax.set(xticks=[], yticks=[])
        if len(ax.collections) > 1:
            ax.legend(loc="upper right", fontsize=8, frameon=True, framealpha=0.85, markerscale=2)
        ax.spines[["top", "right"]].set_visible(False)
    figure.suptitle(_title(result), fontsize=11, color=INK)
    figure.savefig(path, dpi=100, pil_kwargs={"compress_level": 1})


def draw_images(path: Path, result: Result, evidence: Evidence) -> None:
    """Write a PNG of three grids of images (C, H, W): source, the same ones moved, the target.

    All are shown on the range of the target's pixels.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    low, width = pixel_range(evidence.target)
    grids = (
        (evidence.start, "source"),
        (evidence.moved, "moved, in the same order"),
        (evidence.target, "target, held out"),
    )
    for ax, (images, name) in zip(figure.subplots(1, 3), grids, strict=True):
        grid = tile((images - low) / width, GRID)
        ax.imshow(grid, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        ax.set_title(name, fontsize=10)
        ax.set_axis_off()
    figure.suptitle(_title(result), fontsize=11, color=INK)
    figure.savefig(path, dpi=130)


def tile(images: torch.Tensor, side: int) -> np.ndarray[Any, np.dtype[Any]]:
    """The first side^2 of the images (n, C, H, W), in rows: (height, width, C), or without C where
    it is 1. Images are a pixel of white apart; the grid is as near to a square as holds them, and
    what is left of its last row is white."""
    channels, high, wide = images.shape[1:]
    shown = _array(images[: side**2].permute(0, 2, 3, 1)).clip(0, 1)
    columns = math.ceil(math.sqrt(len(shown)))
    rows = math.ceil(len(shown) / columns)
    sheet = np.ones((rows * (high + 1) - 1, columns * (wide + 1) - 1, channels))
    for i, image in enumerate(shown):
        top, left = i // columns * (high + 1), i % columns * (wide + 1)
        sheet[top : top + high, left : left + wide] = image
    return sheet[..., 0] if channels == 1 else sheet


def _array(values: torch.Tensor) -> np.ndarray[Any, np.dtype[Any]]:
    return values.detach().cpu().numpy()


def _dots(
    ax: Axes, points: np.ndarray[Any, Any], colour: str, name: str, size: int = 4, marker: str = "o"
) -> None:
    edge = {"linewidths": 0} if marker == "o" else {"linewidths": 0.8}
    x, y = points.T
    ax.scatter(x, y, s=size, c=colour, label=name, marker=marker, alpha=0.7, **edge)


def _draw_lines(ax: Axes, start: torch.Tensor, lines: Moved, model: Model) -> None:
    from matplotlib.collections import LineCollection

    tracks = _array(courses(start, lines, model))
    lost = _array(lines.stop) != int(Stop.ARRIVED)
    colours = np.where(lost, LOST, INK).tolist()
    ax.add_collection(LineCollection(list(tracks), colors=colours, linewidths=0.5, alpha=0.35))


def _frame(points: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Corners (2,) and (2,) of the data with a margin, however far a lost line went."""
    # In double precision: float32 has no room for a margin about one value far from 0.
    low, high = points.min(0).astype(float), points.max(0).astype(float)
    margin = np.maximum(0.12 * (high - low), 1e-9 * np.maximum(1, np.abs(high)))
    return low - margin, high + margin


def _margins(inches: float) -> dict[str, float]:
    """Those of three axes under their titles, in a figure of such a height."""
    sides = {"left": 0.04, "right": 0.99, "wspace": 0.05}
    return {**sides, "bottom": 0.35 / inches, "top": 1 - 0.65 / inches}


def _title(result: Result) -> str:
    parts = [str(result.run)]
    value = result.metrics.get("sliced_w2")
    if value is not None and value.value is not None:
        ratio = f" ({value.ratio:.2f} of the floor)" if value.ratio is not None else ""
        parts.append(f"sliced W2 {value.value:.3f}{ratio}")
    # A map has no lines that arrive.
    if result.finished is not None and (result.run.integrator is not None or result.finished < 1):
        rim = f" ({result.rim:.1%} on the rim)" if result.rim else ""
        parts.append(f"finished {result.finished:.1%}{rim}")
    if result.nfe is not None and result.run.integrator is not None:
        parts.append(f"{result.nfe:.0f} evaluations a line")
    return "   ".join(parts)
