"""Points far outside of what a run's model was fitted to, by the samples that the run keeps."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from ..errors import DataError
from .store import read_samples
from .whole import SAMPLES

FAR, FARTHEST = 5.0, 100.0
"""From how many times the farthest known sample's distance a point counts as far outside: that
sample's distance over the median one, held between these, as laws with heavy tails reach further.
"""

ROUNDING = 1e-6
"""Share of its distance from 0 that a sample is known by in single precision."""

_AT_ONCE = 1 << 20
"""Numbers that are reckoned with in double precision at once."""


def outside(folder: Path, x: Tensor, side: str) -> str:
    """What to say of points x (N, *E) far outside the samples of a side, ``source`` or ``target``,
    that the run in `folder` was judged on; nothing where none are, and that they were not checked
    where there are no such samples."""
    known = _known(folder, side, tuple(x.shape[1:]))
    if known is None:
        return (
            f"'{folder / SAMPLES}' is missing or holds no {side} samples that can be read, so it "
            "was not checked whether points lie far outside of what the model was fitted to"
        )
    count, times = far_outside(known, x)
    if not count:
        return ""
    points = "1 point lies" if len(x) == 1 else f"{count} of {len(x)} points lie"
    how = f"up to {times:.2g} times as far from their middle as any of those"
    if math.isinf(times):
        how = "which all lie at one place"
    return (
        f"{points} far outside the {side} samples of this run, {how}: the model was not fitted "
        "there, so where it carries such points means nothing; bring them to the units of the run, "
        "or fit on samples that reach as far"
    )


def _known(folder: Path, side: str, event_shape: tuple[int, ...]) -> Tensor | None:
    """The finite samples (M, D) of a side, M ≥ 1; None where there are none of that shape."""
    try:
        known = read_samples(folder)[side]
    except DataError:
        return None
    if known.dtype.kind != "f" or not known.size or known.shape[1:] != event_shape:
        return None
    # Half precision has no median, and longer numbers than double no tensor.
    wide = known.astype("float32" if known.dtype.itemsize <= 4 else "float64", copy=False)
    rows = torch.from_numpy(wide).flatten(1)
    finite = _by_rows(lambda part: part.isfinite().all(1), rows)
    if not finite.all():
        rows = rows[finite]
    return rows if len(rows) else None


def far_outside(known: Tensor, x: Tensor) -> tuple[int, float]:
    """How many of the points x (N, *E) lie far outside a sample (M, *E), and how many times as far
    from its middle as any of that the farthest lies: inf where the sample lies at one place.

    Of more points than the sample has, the farthest lie further out: the k-th of N is as the
    farthest of N / k, which grows at most with the root of their number where there is a variance.
    """
    known, x = known.flatten(1), x.flatten(1)
    columns = known.split(max(1, _AT_ONCE // len(known)), dim=1)
    middle = torch.cat([part.median(0).values for part in columns]).double()

    def distance(part: Tensor) -> Tensor:
        return (part.double() - middle).norm(dim=1)

    distances = _by_rows(distance, known)
    spread = distances.max()
    reach = spread.clamp_min(ROUNDING * middle.abs().max()).clamp_min(1e-300)
    factor = (reach / distances.median().clamp_min(1e-300)).clamp(FAR, FARTHEST)
    times = _by_rows(distance, x).sort(descending=True).values / reach
    more = len(x) / len(known) / torch.arange(1, len(x) + 1, device=x.device)
    far = (times > factor * more.clamp_min(1).sqrt()).nonzero()
    farthest = float(times[0]) if reach == spread else math.inf
    return (int(far.max()) + 1, farthest) if len(far) else (0, farthest)


def _by_rows(of: Callable[[Tensor], Tensor], rows: Tensor) -> Tensor:
    """A value (N,) of each of the rows (N, D), a part of them at a time."""
    return torch.cat([of(part) for part in rows.split(max(1, _AT_ONCE // rows.shape[1]))])
