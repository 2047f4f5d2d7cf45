"""One call for every way to superpose, with the rows that a way gives up done again exactly."""

from __future__ import annotations

from torch import Tensor

from . import differences
from .choice import Accuracy, Way
from .partial import Partial


def superpose(
    points: Tensor, charges: Tensor, weights: Tensor, way: Way, accuracy: Accuracy
) -> Partial:
    """Sum w_j (x - y_j) / |x - y_j|^p at points (M, p) over charges (N, p) of weight not zero."""
    return differences.superpose(points.double(), charges.double(), weights.double())
