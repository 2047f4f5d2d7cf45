"""Maps of neural optimal transport, in the units of a frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Generator, Tensor, nn

from transportkit import Map, mlp

from ..frame import Frame
from ..preconditioned import PreconditionedFrame
from .potential import Potential


class GradientMap(Map):
    """The gradient of a potential."""

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        width: int,
        depth: int,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        self._config = {"event_shape": list(event_shape), "width": width, "depth": depth}
        self.frame = PreconditionedFrame(event_shape)
        dim = torch.Size(event_shape).numel()
        self.potential = Potential(dim, width=width, depth=depth, generator=generator)

    @property
    def config(self) -> Mapping[str, Any]:
        return self._config

    def forward(self, x: Tensor, generator: Generator) -> Tensor:
        return self.frame.to_target(self.potential.gradient(self.frame.from_source(x)))


class Residual(nn.Module):
    """x -> x + net(x, z), for x (B, D) and, where noise > 0, z (B, noise)."""

    def __init__(
        self,
        dim: int,
        *,
        width: int,
        depth: int,
        noise: int = 0,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        self.noise = noise
        self.net = mlp(dim + noise, dim, width=width, depth=depth, generator=generator)

    def forward(self, x: Tensor, z: Tensor | None = None) -> Tensor:
        return x + self.net(x if z is None else torch.cat([x, z], 1))

    def draw(self, x: Tensor, generator: Generator) -> Tensor:
        """An image (B, D) of each x (B, D), its noise drawn."""
        if not self.noise:
            return self(x)
        z = torch.randn(len(x), self.noise, generator=generator, device=generator.device)
        return self(x, z.to(x))


class ResidualMap(Map):
    """A network added to the identity; random where it has noise.

    With `preconditioned` the identity is the optimal affine map.
    """

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        width: int,
        depth: int,
        noise: int = 0,
        preconditioned: bool = True,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        self._config = {
            "event_shape": list(event_shape),
            "width": width,
            "depth": depth,
            "noise": noise,
            "preconditioned": preconditioned,
        }
        self.frame = (PreconditionedFrame if preconditioned else Frame)(event_shape)
        dim = torch.Size(event_shape).numel()
        self.residual = Residual(dim, width=width, depth=depth, noise=noise, generator=generator)

    @property
    def config(self) -> Mapping[str, Any]:
        return self._config

    def forward(self, x: Tensor, generator: Generator) -> Tensor:
        return self.frame.to_target(self.residual.draw(self.frame.from_source(x), generator))
