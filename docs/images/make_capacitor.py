"""Draws capacitor.png: field lines between two plates of charge, by the exact field of `efm-exact`.

    python docs/images/make_capacitor.py

One coordinate of data, so that the lifted space is the plane of the paper.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from scipy.stats import norm

from transportkit import Lines, Solution, derive
from transportkit_efm.charges import ChargedPlates

FORWARD, BACKWARD, RETURNS = "#0072B2", "#E69F00", "#CC3311"
SOURCE, TARGET, INK = "#0072B2", "#009E73", "#333333"
DISTANCE, SHOWN = 2.0, 44


def quantiles(count: int, centres: list[float], std: float) -> torch.Tensor:
    """Evenly spaced quantiles (count, 1) of the equal mixture of N(c, std^2)."""
    x = np.linspace(min(centres) - 5 * std, max(centres) + 5 * std, 20_001)
    cumulative = np.mean([norm.cdf(x, c, std) for c in centres], 0)
    levels = (np.arange(count) + 0.5) / count
    return torch.from_numpy(np.interp(levels, cumulative, x))[:, None]


def followed(field: ChargedPlates) -> Solution:
    """Lines that start evenly in probability."""
    start = quantiles(SHOWN, [0.0], 1.0)
    lines = Lines(scheme="dopri5", tolerance=1e-8, max_steps=20_000)
    return lines.solve(field, start, derive(2, "capacitor"), save=20_000)


def main(out: Path) -> None:
    source, target = quantiles(3000, [0.0], 1.0), quantiles(3000, [-2.0, 2.0], 0.35)
    field = ChargedPlates.of(
        source, target, (1,), distance=DISTANCE, offset=0.02, rule="plate", far=300.0
    ).double()
    solution = followed(field)
    assert solution.path is not None
    paths = solution.path.transpose(0, 1).numpy()
    scale, mean = float(field.scale), float(field.mean)
    paths = np.stack([paths[..., 0] * scale + mean, paths[..., 1] * scale], -1)

    figure = Figure(figsize=(9, 6), layout="constrained")
    FigureCanvasAgg(figure)
    ax = figure.subplots()
    groups: dict[str, list[np.ndarray]] = {FORWARD: [], BACKWARD: [], RETURNS: []}
    for path, ok in zip(paths, solution.arrived.tolist(), strict=True):
        if ok:
            groups[kind(path)].append(path)
    names = {
        FORWARD: "leaves towards the target and ends there",
        BACKWARD: "leaves backwards, runs round, arrives from behind",
        RETURNS: "passes through the target plate and returns from behind",
    }
    for colour, own in groups.items():
        strong = colour == RETURNS
        ax.add_collection(
            LineCollection(
                own, colors=colour, linewidths=1.6 if strong else 0.9, zorder=3 if strong else 2
            )
        )
        ax.plot([], [], color=colour, linewidth=2, label=f"{names[colour]} ({len(own)})")
        for path in own:
            ax.plot(*path[0], "o", color=colour, markersize=2.5, zorder=4)
            ax.plot(*path[-1], "s", color=colour, markersize=2.5, zorder=4)
    plates(ax)
    ax.set_xlim(-5.2, 5.2)
    ax.set_ylim(-1.9, 3.9)
    ax.set_aspect("equal")
    ax.set_xlabel("x, the data")
    ax.set_ylabel("z, the extra coordinate")
    figure.legend(loc="outside lower center", ncols=1, fontsize=9, frameon=False)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    figure.savefig(out, dpi=150)


def kind(path: np.ndarray) -> str:
    """Which of the three kinds a line (K, 2) is of."""
    z = path[:, 1]
    if (z < -1e-6).any():
        return BACKWARD
    return RETURNS if (z > DISTANCE + 1e-6).any() else FORWARD


def plates(ax) -> None:
    """The two plates, and the densities on them."""
    x = np.linspace(-5.2, 5.2, 800)
    p = norm.pdf(x)
    q = (norm.pdf(x, -2, 0.35) + norm.pdf(x, 2, 0.35)) / 2
    for z, density, colour, name, sense in (
        (0.0, p, SOURCE, "source P, positive charge, z = 0", -1),
        (DISTANCE, q, TARGET, "target Q, negative charge, z = L", 1),
    ):
        ax.axhline(z, color=INK, linewidth=1, zorder=1)
        ax.fill_between(x, z, z + sense * 0.9 * density, color=colour, alpha=0.25, linewidth=0)
        box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.5}
        ax.text(-5.15, z + 0.1, name, fontsize=8, color=INK, bbox=box, zorder=5)


if __name__ == "__main__":
    here = Path(__file__).with_name("capacitor.png")
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else here)
