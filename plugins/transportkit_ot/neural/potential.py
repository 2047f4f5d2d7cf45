"""A potential and its gradient."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

from transportkit import mlp

_BEGIN = 0.1


class Potential(nn.Module):
    """f(x) = |x|^2 / 2 + net(x).

    The network begins small: the gradient begins near the identity. It is not held to be convex:
    unconstrained networks come nearer to the convex optimum than input-convex ones (Korotin et al.
    2021, arXiv:2106.01954, section 4; Amos 2023, arXiv:2210.12153, table 1).
    """

    def __init__(
        self, dim: int, *, width: int, depth: int, generator: Generator | None = None
    ) -> None:
        super().__init__()
        self.net = mlp(dim, 1, width=width, depth=depth, generator=generator)
        last = self.net[-1]
        assert isinstance(last, nn.Linear)
        with torch.no_grad():
            last.weight *= _BEGIN

    def forward(self, x: Tensor) -> Tensor:
        """The potential (B,) at x (B, D)."""
        return x.square().sum(1) / 2 + self.net(x).squeeze(1)

    def gradient(self, x: Tensor, *, train: bool = False) -> Tensor:
        """The gradient (B, D) at x (B, D); with `train` it can be differentiated by the weights."""
        return self.value_and_gradient(x, train=train)[1]

    def value_and_gradient(self, x: Tensor, *, train: bool = False) -> tuple[Tensor, Tensor]:
        """The potential (B,) and its gradient (B, D) at x (B, D)."""
        # A caller may have switched gradients off: these are by x.
        with torch.enable_grad():
            at = x.detach().requires_grad_(True)
            value = self(at)
            (slope,) = torch.autograd.grad(value.sum(), at, create_graph=train)
        return (value, slope) if train else (value.detach(), slope)
