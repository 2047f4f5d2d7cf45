"""Whether samples may be taken for a density."""

from __future__ import annotations

import torch
from torch import Tensor

from .units import nearest_neighbour_distance

MANY, PART = 6, 0.25
"""A sample is one of points where this part of it, or more, lies on places of so many each."""

FLAT = 0.05
"""A sample is flat where its spread in some direction is less, in distances of neighbours."""

LAYERS = 4.0
"""A sample lies in layers where the values of some coordinate are farther apart, likewise."""


def is_dense(x: Tensor) -> bool:
    """Whether a sample (N, D) can stand for a density on its plate.

    It cannot where it is one of points, lines or layers: few distinct values, a coordinate that is
    constant or follows from the others, or one that is a label. Lines leave those to all sides,
    where those of a density leave its plate on two.
    """
    counts = x.unique(dim=0, return_counts=True)[1]
    near = nearest_neighbour_distance(x)
    if near == 0 or int(counts[counts >= MANY].sum()) >= PART * len(x):
        return False
    thinnest = torch.linalg.eigvalsh(torch.cov(x.T.double()).reshape(x.shape[1], -1))[0]
    if float(thinnest.clamp_min(0).sqrt()) < FLAT * near:
        return False
    apart = max(float(values.unique().diff().median()) for values in x.T)
    return apart < LAYERS * near
