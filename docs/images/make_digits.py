"""Draws digits.png: images that methods make of noise, and of another digit.

    tk compare efm efm-flow cfm --data digits --data digits:source=3,target=8 --seeds 0-2 \
        --metric energy --metric sliced_w2 --metric memorization
    python docs/images/make_digits.py runs

From the first seed's runs. Every column begins at one source point, which is noise above and the
first row below; the images of the target are held out, and in no order.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from transportkit import RunRecord, gather

METHODS, COLUMNS = ("efm", "efm-flow", "cfm"), 24


def main(runs: Path, out: Path) -> None:
    found = {
        (r.result.run.problem.params["source"], r.result.run.method.name): r
        for r in gather(runs).records
        if r.result.run.seed == 0
    }
    blocks = [rows(found, source) for source in ("noise", "3")]
    heights = [len(block) for block in blocks]
    figure = Figure(figsize=(11, 0.46 * (sum(heights) + 1)))
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(2, 1, height_ratios=heights, left=0.15, right=0.995, top=0.99,
                               bottom=0.01, hspace=0.12)  # fmt: skip
    for cell, block in zip(grid, blocks, strict=True):
        axis = figure.add_subplot(cell)
        axis.imshow(np.concatenate([strip for _, strip in block]), cmap="gray_r", vmin=-1, vmax=1)
        axis.set_xticks([])
        axis.set_yticks(4 + 9 * np.arange(len(block)), [name for name, _ in block])
        axis.tick_params(length=0)
        for side in axis.spines.values():
            side.set_visible(False)
    figure.savefig(out, dpi=130)


def rows(found: dict[tuple[str, str], RunRecord], source: str) -> list[tuple[str, np.ndarray]]:
    """Names and strips of images: the source where it has images, moved ones, the target."""
    samples = {method: found[source, method].samples for method in METHODS}
    first = samples[METHODS[0]]
    begun = [] if source == "noise" else [("source: 3", strip(first["source"]))]
    moved = [(f"{method}, {'noise' if source == 'noise' else '3 to 8'}", strip(s["moved"]))
             for method, s in samples.items()]  # fmt: skip
    return [*begun, *moved, ("held out", strip(first["target"]))]


def strip(images: np.ndarray) -> np.ndarray:
    """The first images (N, 1, 8, 8), beside each other, with a white line between."""
    few = np.asarray(images)[:COLUMNS, 0]
    return np.concatenate([np.pad(image, ((0, 1), (0, 1)), constant_values=-1) for image in few], 1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(__file__).with_name("digits.png"))
