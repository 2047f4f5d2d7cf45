"""What a page shows of a run's points: clouds and lines in the plane, images as images."""

from __future__ import annotations

import base64
import io
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from ...core.record import Result
from ...errors import DataError
from ..images import is_image, pixel_range

POINTS, LINES, STATES = 500, 60, 30
IMAGES = 10
TRACKS = "lines.npz"

Array = np.ndarray[Any, np.dtype[Any]]


def view(result: Result) -> dict[str, Any] | None:
    """The points of a run in a form for the page; None where nothing can be shown of them."""
    shape, folder = result.event_shape, result.folder
    if shape is None or folder is None:
        return None
    from ...harness.store import read_samples

    try:
        samples = read_samples(Path(folder))
        sets = {name: samples[name] for name in ("source", "moved", "target")}
    except DataError:
        return None
    if shape == (2,):
        return {"kind": "plane", "seed": result.run.seed, **_plane(sets, Path(folder))}
    if is_image(shape):
        low, width = pixel_range(sets["target"])
        rows = {name: _strip(points[:IMAGES], low, width) for name, points in sets.items()}
        return {"kind": "images", "seed": result.run.seed, **rows}
    return None


def _plane(sets: dict[str, Array], folder: Path) -> dict[str, Any]:
    shown = {name: points[:POINTS] for name, points in sets.items()}
    everything = np.concatenate([shown["source"], shown["target"]])
    low, high = everything.min(0), everything.max(0)
    centre, half = (low + high) / 2, float((high - low).max()) * 0.56 or 1.0
    lines, straight = _tracks(folder, sets)

    def whole(points: Array) -> list[Any]:
        """Coordinates as whole numbers, 0 to 1000 across the frame."""
        scaled = 500 + 500 * (points - centre) / half
        inside = np.clip(np.nan_to_num(scaled), -9999, 9999).round()
        numbers: list[Any] = inside.astype(int).tolist()
        return numbers

    return {
        **{name: whole(points) for name, points in shown.items()},
        "lines": whole(lines),
        "straight": straight,
    }


def _tracks(folder: Path, sets: dict[str, Array]) -> tuple[Array, bool]:
    """Lines (B, K, 2); straight ones from source to moved points where none were kept."""
    try:
        with np.load(folder / TRACKS, allow_pickle=False) as stored:
            tracks = stored["tracks"][:LINES]
        steps = np.linspace(0, tracks.shape[1] - 1, min(STATES, tracks.shape[1])).round()
        return tracks[:, steps.astype(int)], tracks.shape[1] == 2
    except (OSError, ValueError, KeyError, IndexError, EOFError, zipfile.BadZipFile, zlib.error):
        return np.stack([sets["source"][:LINES], sets["moved"][:LINES]], 1), True


def _strip(images: Array, low: float, width: float) -> str:
    """Images (n, C, H, W) side by side as a PNG in a data URL; `low` is black, `low + width`
    white."""
    from matplotlib.image import imsave

    pixels = np.clip((np.nan_to_num(images) - low) / width, 0, 1).transpose(0, 2, 3, 1)
    framed = np.pad(pixels, ((0, 0), (0, 0), (0, 1), (0, 0)), constant_values=0.5)
    strip = np.concatenate(list(framed), 1)[:, :-1]
    if strip.shape[2] == 1:
        strip = strip.repeat(3, 2)
    stream = io.BytesIO()
    imsave(stream, strip, format="png")
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()
