"""The picture of a run: points of the plane and the lines they took, or grids of images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..core.metric import Evidence
from ..core.model import Field, Model
from ..core.record import Result
from ..core.status import Stop
from ..transport import Moved
from .images import pixel_range

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's palette, which stays apart without colour vision.
SOURCE, MOVED, TARGET, LOST, INK = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#333333"
GRID = 8
"""Images in a row, and rows, of a grid."""


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

    figure = Figure(figsize=(12, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 3, sharex=True, sharey=True)
    source, target = _array(evidence.start), _array(evidence.target)
    arrived = _array(moved.stop) == int(Stop.ARRIVED)
    points = _array(moved.points)

    _dots(axes[0], source, SOURCE, "source")
    _draw_lines(axes[0], start, lines, model)
    _dots(axes[0], _array(lines.points), MOVED, "moved", size=9)
    axes[0].set_title("source, and where lines lead", fontsize=10)
    _dots(axes[1], points[arrived], MOVED, "moved")
    if not arrived.all():
        _dots(axes[1], points[~arrived], LOST, "lost", size=14, marker="x")
    axes[1].set_title("moved points", fontsize=10)
    _dots(axes[2], target, TARGET, "target")
    axes[2].set_title("target, held out", fontsize=10)
    for ax in axes:
        ax.set_aspect("equal", adjustable="box")
        ax.tick_params(labelsize=8, colors=INK)
        ax.legend(loc="upper right", fontsize=8, frameon=True, framealpha=0.85, markerscale=2)
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
    _frame(axes[0], np.concatenate([source, target]))
    figure.suptitle(_title(result), fontsize=11, color=INK)
    figure.savefig(path, dpi=130)


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
    it is 1. Images are a pixel of white apart, and missing ones white."""
    _, channels, high, wide = images.shape
    sheet = np.ones((side * (high + 1) - 1, side * (wide + 1) - 1, channels))
    shown = _array(images[: side**2].permute(0, 2, 3, 1)).clip(0, 1)
    for i, image in enumerate(shown):
        top, left = i // side * (high + 1), i % side * (wide + 1)
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


def courses(start: torch.Tensor, lines: Moved, model: Model) -> np.ndarray[Any, Any]:
    """Where lines of points in the plane go, (B, K, 2); a map's go straight, with K = 2."""
    if lines.path is None or not isinstance(model, Field):
        return _array(torch.stack([start, lines.points], 1))
    steps, count = lines.path.shape[:2]
    flat = model.drop(lines.path.flatten(0, 1)).view(steps, count, 2)
    return _array(flat.transpose(0, 1))


def _draw_lines(ax: Axes, start: torch.Tensor, lines: Moved, model: Model) -> None:
    from matplotlib.collections import LineCollection

    tracks = courses(start, lines, model)
    lost = _array(lines.stop) != int(Stop.ARRIVED)
    colours = np.where(lost, LOST, INK).tolist()
    ax.add_collection(LineCollection(list(tracks), colors=colours, linewidths=0.5, alpha=0.35))


def _frame(ax: Axes, points: np.ndarray[Any, Any]) -> None:
    """Show the data with a margin, however far a lost line went."""
    low, high = points.min(0), points.max(0)
    margin = 0.12 * (high - low)
    ax.set_xlim(low[0] - margin[0], high[0] + margin[0])
    ax.set_ylim(low[1] - margin[1], high[1] + margin[1])


def _title(result: Result) -> str:
    parts = [f"{result.run.method} on {result.run.problem}, seed {result.run.seed}"]
    value = result.metrics.get("sliced_w2")
    if value is not None and value.value is not None:
        ratio = f" ({value.ratio:.2f} of the floor)" if value.ratio is not None else ""
        parts.append(f"sliced W2 {value.value:.3f}{ratio}")
    if result.finished is not None:
        parts.append(f"finished {result.finished:.1%}")
    if result.nfe is not None:
        parts.append(f"{result.nfe:.0f} evaluations a line")
    return "   ".join(parts)
