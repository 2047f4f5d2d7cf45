"""Units in which both samples have one covariance."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from transportkit import Problem

from .frame import Frame
from .gaussian.bures import bures_map, power
from .gaussian.shrinkage import covariance

_POINTS, _LARGEST = 10_000, 512
_LEAST, _MOST = 1e-4, 1e4
"""Eigenvalues of the affine map are held to these, so that both ways are well conditioned."""


class PreconditionedFrame(Frame):
    """x -> R (x - m_P) / scale and y -> R^-1 (y - m_Q) / scale, with R R the optimal affine map.

    Inner products x.y stay as they are, so optimal plans for the squared cost do, for any R; with
    this one both sides have the same covariance, and the identity is what the affine map was.
    """

    root: Tensor
    inverse: Tensor

    def __init__(self, event_shape: tuple[int, ...]) -> None:
        super().__init__(event_shape)
        dim = torch.Size(event_shape).numel()
        size = dim if dim <= _LARGEST else 0
        self.register_buffer("root", torch.eye(size))
        self.register_buffer("inverse", torch.eye(size))

    @classmethod
    def of(cls, problem: Problem, generator: Generator) -> PreconditionedFrame:
        plain = Frame.of(problem, generator)
        frame = cls(problem.event_shape).to(plain.scale.device)
        frame.load_state_dict(plain.state_dict(), strict=False)
        if not frame.root.numel():
            return frame
        x = plain.from_source(problem.source.points(_POINTS, generator).double())
        y = plain.from_target(problem.target.points(_POINTS, generator).double())
        if min(len(x), len(y)) > 1:
            affine = bures_map(covariance(x, None), covariance(y, None))
            frame.root.copy_(power(affine, 0.5, least=_LEAST, most=_MOST))
            frame.inverse.copy_(power(affine, -0.5, least=_LEAST, most=_MOST))
        return frame

    def from_source(self, x: Tensor) -> Tensor:
        plain = super().from_source(x)
        return plain @ self.root if self.root.numel() else plain

    def from_target(self, y: Tensor) -> Tensor:
        plain = super().from_target(y)
        return plain @ self.inverse if self.root.numel() else plain

    def to_target(self, y: Tensor) -> Tensor:
        return super().to_target(self.straightened(y))

    def straightened(self, y: Tensor) -> Tensor:
        """Target points (B, D) of this frame in units that are the same for all directions."""
        return y @ self.root if self.root.numel() else y
