"""Draws lines.png: the field lines of a run of `tk run efm --data gaussians`, and where they lead.

    python docs/images/make_lines.py runs/efm-gaussians-seed0-...

Left: the lines between the plates, in the space with one coordinate more. The plates are far apart,
and most of the way lines only spread and gather: heights are drawn on the logarithmic scales of
`transportkit_efm.passage`. Right: the moved points of the run beside held-out target points.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d.art3d import Line3DCollection

from transportkit import Midpoint, Transport, derive
from transportkit.harness.saving import load_model
from transportkit_efm.rising import RisingField

SOURCE, MOVED, TARGET, INK = "#0072B2", "#D55E00", "#009E73", "#555555"
SHOWN, HALF = 260, 7.5


def main(run: Path, out: Path) -> None:
    _, model = load_model(run)
    assert isinstance(model, RisingField)
    samples = np.load(run / "samples.npz")
    transport = Transport(model, Midpoint(steps=100))
    start = torch.from_numpy(samples["source"][:SHOWN])
    lines = transport.push(start, derive(0, "picture"), save=200)
    assert lines.path is not None
    states, count = lines.path.shape[:2]
    x = model.along(lines.path.flatten(0, 1)).view(states, count, 2)
    tracks = torch.cat([x, lines.path[..., -1:]], -1).transpose(0, 1).numpy()
    inside = (np.abs(tracks[..., :2]) < HALF).all(-1)

    figure = Figure(figsize=(11, 5.2))
    FigureCanvasAgg(figure)
    space = figure.add_axes((0.0, -0.02, 0.58, 1.04), projection="3d", computed_zorder=False)
    plane = figure.add_axes((0.61, 0.08, 0.38, 0.82))
    space.add_collection3d(
        Line3DCollection(pieces(tracks, inside), colors=INK, linewidths=0.6, alpha=0.45, zorder=2)
    )
    plate(space, 0.0, samples["source"], SOURCE, 1)
    plate(space, 1.0, samples["moved"], MOVED, 3)
    space.set(xlim=(-HALF, HALF), ylim=(-HALF, HALF), zlim=(-0.15, 1.15))
    space.set_box_aspect((1, 1, 1.05), zoom=1.18)
    space.view_init(elev=14, azim=-62)
    space.set_axis_off()
    space.text2D(0.03, 0.06, "source plate: N(0, I)", color=SOURCE, transform=space.transAxes)
    space.text2D(0.03, 0.93, "target plate: moved points", color=MOVED, transform=space.transAxes)

    for points, colour, name in (
        (samples["target"], TARGET, "target, held out"),
        (samples["moved"], MOVED, "moved by field lines"),
        (samples["source"], SOURCE, "source"),
    ):
        plane.scatter(*points.T, s=5, c=colour, label=name, alpha=0.6, linewidths=0)
    plane.set_aspect("equal")
    plane.set(xlim=(-HALF, HALF), ylim=(-HALF, HALF))
    plane.legend(
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=3,
        frameon=False,
        markerscale=3,
        columnspacing=1,
        handletextpad=0.1,
    )
    for side in ("top", "right"):
        plane.spines[side].set_visible(False)
    figure.savefig(out, dpi=130)


def pieces(tracks: np.ndarray, inside: np.ndarray) -> list[np.ndarray]:
    """The parts of the lines (B, K, 3) that are inside the frame."""
    found = []
    for track, seen in zip(tracks, inside, strict=True):
        cuts = np.flatnonzero(np.diff(seen.astype(int))) + 1
        for part, shown in zip(np.split(track, cuts), np.split(seen, cuts), strict=True):
            if shown[0] and len(part) > 1:
                found.append(part)
    return found


def plate(ax, z: float, points: np.ndarray, colour: str, order: int) -> None:
    """A plate and the points on it."""
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * HALF
    x, y = corners[[0, 1, 3, 2]].T.reshape(2, 2, 2)
    ax.plot_surface(x, y, np.full_like(x, z), color=colour, alpha=0.08, zorder=order)
    ax.scatter(*points.T, z, s=3, c=colour, alpha=0.7, linewidths=0, zorder=order)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(__file__).with_name("lines.png"))
