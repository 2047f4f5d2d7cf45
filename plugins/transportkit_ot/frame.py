"""Units for fitting: both samples centred, one length for all coordinates."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

from transportkit import DataError, Problem

from .noise import warn_of_noise

_MOST, _FEWEST, _ELEMENTS = 100_000, 100, 2**23
"""Points that means and the unit are taken of: the most, the fewest, and the most numbers in them
between, which is what memory is asked for."""


class Frame(nn.Module):
    """Data points (B, *E) as flat points (B, D) about their mean, in units of `scale`, and back.

    Shifts of either side and a common scale leave optimal couplings for the squared cost as they
    are, so a map or a plan may be sought here and read off there. In these units the mean of both
    total variances is D.
    """

    source_mean: Tensor
    target_mean: Tensor
    scale: Tensor

    def __init__(self, event_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.event_shape = event_shape
        dim = torch.Size(event_shape).numel()
        self.register_buffer("source_mean", torch.zeros(dim))
        self.register_buffer("target_mean", torch.zeros(dim))
        self.register_buffer("scale", torch.ones(()))

    @classmethod
    def of(cls, problem: Problem, generator: Generator) -> Frame:
        """The frame of a problem's training samples. Raises DataError where one is not finite."""
        ends = {"source": problem.source, "target": problem.target}
        limit = min(_MOST, max(_FEWEST, _ELEMENTS // problem.dim))
        samples = {n: m.points(limit, generator).flatten(1) for n, m in ends.items()}
        for name, x in samples.items():
            if not x.isfinite().all():
                raise DataError(f"the {name} samples hold values that are not finite")
        x, y = (s.double() for s in samples.values())
        frame = cls(problem.event_shape).to(x.device)
        frame.source_mean.copy_(x.mean(0))
        frame.target_mean.copy_(y.mean(0))
        spread = ((x - x.mean(0)).square().mean() + (y - y.mean(0)).square().mean()) / 2
        # Two point masses have no length of their own.
        frame.scale.copy_(spread.sqrt() if spread > 0 else torch.ones_like(spread))
        return frame

    def from_source(self, x: Tensor) -> Tensor:
        return (x.flatten(1) - self.source_mean) / self.scale

    def from_target(self, y: Tensor) -> Tensor:
        return (y.flatten(1) - self.target_mean) / self.scale

    def to_target(self, y: Tensor) -> Tensor:
        return (y * self.scale + self.target_mean).view(len(y), *self.event_shape)

    def epsilon(self, given: float, unit: str) -> float:
        """The variance that a bridge's noise has in a coordinate for the unit of time, here.

        It is the regularisation of its plan for the cost |x - y|^2 / 2. `given` is relative to the
        mean variance of a coordinate, of both sides (unit "variance"), or in the data's units
        squared (unit "data"). Warns of so much that it hides the data.
        """
        epsilon = given if unit == "variance" else given / float(self.scale) ** 2
        warn_of_noise(given, epsilon, 1.0)
        return epsilon
