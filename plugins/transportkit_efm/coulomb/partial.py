"""The sum over charges before it is normalised, shared by every way of computing it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Partial:
    """A superposition of terms w (x - y) / |x - y|^p at M points, kept away from overflow.

    vector (M, p): the sum of the terms, divided by exp(log_scale).
    magnitude (M,): the sum of the lengths of the terms (or a close upper bound of it), likewise
        divided. magnitude / |vector| is the condition number of the direction: how many times
        rounding is amplified because charges cancel.
    log_scale (M,): natural logarithm of what the other two were divided by.
    """

    vector: Tensor
    magnitude: Tensor
    log_scale: Tensor

    def condition(self) -> Tensor:
        """(M,) magnitude / |vector|; infinite where the terms cancel, NaN where there are none."""
        return self.magnitude / torch.linalg.vector_norm(self.vector, dim=1)

    def overwrite(self, rows: Tensor, other: Partial) -> None:
        """Put another superposition, of K points, in the place of the given rows (K,)."""
        self.vector[rows] = other.vector.to(self.vector.dtype)
        self.magnitude[rows] = other.magnitude.to(self.magnitude.dtype)
        self.log_scale[rows] = other.log_scale.to(self.log_scale.dtype)
