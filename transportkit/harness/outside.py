"""Points far outside of what a run's model was fitted to, by the samples that the run keeps."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from ..errors import DataError
from .store import read_samples

FAR, FARTHEST = 5.0, 100.0
"""How many times as far from the middle as the farthest known sample is far outside: as many times
as that one lies farther out than half of them, for so do laws with heavy tails, within limits."""

ROUNDING = 1e-6
"""Share of its distance from 0 that a sample is known by in single precision."""


def outside(folder: Path, x: Tensor, side: str) -> str:
    """What to say of points x (N, *E) far outside the samples of a side, ``source`` or ``target``,
    that the run in `folder` was judged on; nothing where none are, or no samples can be read."""
    try:
        known = read_samples(folder)[side]
    except DataError:
        return ""
    if known.dtype.kind != "f" or known.shape != (len(known) or 1, *x.shape[1:]):
        return ""
    count, times = far_outside(torch.from_numpy(known), x)
    if not count:
        return ""
    points = "1 point lies" if len(x) == 1 else f"{count} of {len(x)} points lie"
    return (
        f"{points} far outside the {side} samples of this run, up to {times:.2g} times as far from "
        "their middle as any of those: the model was not fitted there, so where it carries such "
        "points means nothing; bring them to the units of the run, or fit on samples that reach as "
        "far"
    )


def far_outside(known: Tensor, x: Tensor) -> tuple[int, float]:
    """How many of the points x (N, *E) lie far outside a sample (M, *E), and how many times as far
    from its middle as any of that the farthest lies.

    Of more points than the sample has, the farthest lie further out: the k-th of N is as the
    farthest of N / k, which grows at most with the root of their number where there is a variance.
    """
    known, x = known.flatten(1).double(), x.flatten(1).double()
    middle = known.median(0).values
    distances = (known - middle).norm(dim=1)
    reach = distances.max().clamp_min(ROUNDING * middle.abs().max()).clamp_min(1e-300)
    factor = (reach / distances.median().clamp_min(1e-300)).clamp(FAR, FARTHEST)
    times = (x - middle).norm(dim=1).sort(descending=True).values / reach
    more = len(x) / len(known) / torch.arange(1, len(x) + 1, device=x.device)
    far = (times > factor * more.clamp_min(1).sqrt()).nonzero()
    return (int(far.max()) + 1, float(times[0])) if len(far) else (0, float(times[0]))
