"""The units in which a field is computed: pooled data of mean 0 and variance 1 per coordinate."""

from __future__ import annotations

import logging
import math
from collections.abc import Collection
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from transportkit import Refusal

log = logging.getLogger("transportkit")

Harm = Literal["far", "near"]
"""On which side an offset that is far from the automatic one does harm."""

AWAY = 30.0
"""Times the automatic offset that another one may be, or it the other, without a word."""

NEAREST, FARTHEST = 1e-3, 1e4
"""Distances of the plates that are served, in standard deviations of the data."""

LEAST_SPREAD = 1e-3
"""The least spread of a sample in units of the data, so that a single point has a scale."""


class Units(NamedTuple):
    """One shift (D,) and one scale (), common to source and target, so that angles are kept."""

    mean: Tensor
    scale: Tensor

    @classmethod
    def of(cls, source: Tensor, target: Tensor) -> Units:
        """The units of two samples (N, D) and (M, D), each with half of the weight."""
        mean = (source.mean(0) + target.mean(0)) / 2
        spread = [(x - mean).square().mean() for x in (source, target)]
        scale = torch.stack(spread).mean().sqrt()
        return cls(mean, scale if scale > 0 else torch.ones_like(scale))


def spread(x: Tensor) -> Tensor:
    """The spread () of a sample (N, D) of mean 0, by coordinate."""
    return x.square().mean().sqrt().clamp_min(LEAST_SPREAD)


def plate_gap(distance: float | None, scale: Tensor, apart: float) -> float:
    """The distance of the plates in units of the data, `apart` where none is given in their own.

    Raises Refusal for one at which nothing is left of the field in float32.
    """
    if distance is None:
        return apart
    gap = distance / float(scale)
    if not NEAREST <= gap <= FARTHEST:
        least, most = NEAREST * float(scale), FARTHEST * float(scale)
        raise Refusal(
            f"distance={distance:g} puts the plates {gap:.3g} standard deviations of the data "
            f"apart; choose between {least:.3g} and {most:.3g}, or auto"
        )
    return gap


def plate_offset(offset: float, scale: Tensor, gap: float, share: float) -> float:
    """An offset given in the units of the data in those of the field, where the plates are `gap`
    apart.

    Raises Refusal beyond a `share` of that.
    """
    distance = gap * float(scale)
    if offset > share * distance:
        # Less than the bound in its third digit, so that it is not refused itself.
        raise Refusal(
            f"offset={offset:g} is too far from a plate, as the other stands {distance:.3g} away; "
            f"choose at most {0.995 * share * distance:.3g}, or auto"
        )
    return offset / float(scale)


def warn_of_offset(
    given: float,
    offset: float,
    automatic: Collection[float],
    harms: tuple[Harm, ...],
    narrower: float = math.inf,
) -> None:
    """Warn of an offset that is far from all automatic ones, on a side that `harms` the method, or
    more than the root mean square distance of the `narrower` sample from its mean.

    `given` is what was asked, `offset` the same in units of the data, as that distance is. On
    10,000 samples in the plane one 30 times as far from a plate as the automatic one made energy
    distances 3 to 60 times as large; one 30 times as near up to 3 times, and the exact field's
    lines then end on samples. Of few samples, whose neighbours are far, 30 times the automatic one
    may be beyond what is served; twice the narrower spread in the plane made energy distances of
    100 and 1,000 samples 2 to 13 times as large.
    """
    if "far" in harms and offset > narrower:
        log.warning(
            "offset=%g is %.3g times the radius of the narrower side, which it blurs; give less, "
            "or auto",
            given,
            offset / narrower,
        )
        return
    if not automatic:
        return
    if "far" in harms and offset > AWAY * max(automatic):
        log.warning(
            "offset=%g is %.0f times the automatic one, and blurs what is smaller; give less, or "
            "auto",
            given,
            offset / max(automatic),
        )
    if "near" in harms and offset < min(automatic) / AWAY:
        log.warning(
            "offset=%g is %.0f times nearer a plate than the automatic one, where the field is of "
            "single samples; give more, or auto",
            given,
            min(automatic) / offset,
        )


def nearest_neighbour_distance(x: Tensor, limit: int = 1000) -> float:
    """The median distance of points (N, D) to their nearest other point, over `limit` of them."""
    distances = []
    for rows in x[:limit].split(256):
        # Differences, not products: close neighbours would cancel.
        pairs = torch.cdist(rows, x, compute_mode="donot_use_mm_for_euclid_dist")
        pairs[pairs == 0] = float("inf")
        distances.append(pairs.amin(1))
    nearest = torch.cat(distances)
    nearest = nearest[nearest.isfinite()]
    return float(nearest.median()) if len(nearest) else 0.0
