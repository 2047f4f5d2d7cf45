"""The network that stands for the direction of a capacitor's field, and for its parts by plate."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

from transportkit import mlp

from .units import spread

BESIDE = 10.0
"""How many widths beside a sample a place is told by its length, and by coordinates no longer."""


class DirectionNet(nn.Module):
    """The unit direction of the field at states y (B, D+1), and at points of either plate the part
    of E_z that is its own.

    The network corrects a prior, the field of two charges softened to the size of the samples,
    and sees where a state stands: its side of each plate, its distances to them on logarithmic
    scales, its place on either in widths that its lines have there, and relative to the size of the
    capacitor.
    """

    source_mean: Tensor
    target_mean: Tensor
    spreads: Tensor

    def __init__(
        self,
        dim: int,
        *,
        gap: float,
        offsets: tuple[float, float],
        width: int,
        depth: int,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        self.gap, self.offsets = gap, offsets
        self.register_buffer("source_mean", torch.zeros(dim))
        self.register_buffer("target_mean", torch.zeros(dim))
        self.register_buffer("spreads", torch.ones(2))
        inputs = self._features(torch.zeros(1, dim + 1)).shape[1]
        self.body = mlp(inputs, dim + 1, width=width, depth=depth, generator=generator)
        last = self.body[-1]
        assert isinstance(last, nn.Linear)
        # Training begins at the prior.
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.parts = nn.ModuleList(
            mlp(2 * dim + 2, 1, width=max(64, width // 2), depth=2, generator=generator)
            for _ in range(2)
        )

    def set_samples(self, source: Tensor, target: Tensor) -> None:
        """Take the prior from two samples (N, D) and (M, D) in units of the data."""
        self.source_mean.copy_(source.mean(0))
        self.target_mean.copy_(target.mean(0))
        for i, x in enumerate((source, target)):
            self.spreads[i] = spread(x - x.mean(0))

    def forward(self, y: Tensor) -> Tensor:
        return _unit(self.body(self._features(y)) + self.two_charges(y, 1.0))

    def part_logit(self, x: Tensor, target: bool) -> Tensor:
        """The logit (B,) of a plate's own part of E_z on its inner side, at its points x (B, D)."""
        on = x.new_zeros(len(x), 1)
        places = [self._place(x, on, plate) for plate in (0, 1)]
        return self.parts[int(target)](torch.cat(places, 1)).squeeze(1)

    def two_charges(self, y: Tensor, softening: float) -> Tensor:
        """The direction (B, D+1) of the field of one charge at each sample's mean.

        With `softening` 1 each is spread over its sample; 0 is the field far outside.
        """
        dim = y.shape[1] - 1
        power = (dim + 1) / 2
        arms, logs = [], []
        places = ((self.source_mean, 0.0), (self.target_mean, self.gap))
        for (mean, height), extent in zip(places, self.spreads, strict=True):
            arm = torch.cat([y[:, :-1] - mean, y[:, -1:] - height], 1)
            squared = arm.square().sum(1, keepdim=True) + softening * dim * extent**2
            arms.append(arm)
            logs.append(-power * squared.clamp_min(1e-12).log())
        largest = torch.maximum(*logs)
        return _unit(arms[0] * (logs[0] - largest).exp() - arms[1] * (logs[1] - largest).exp())

    def _place(self, x: Tensor, height: Tensor, plate: int) -> Tensor:
        """Where x (B, D), a height (B, 1) from a plate, is over its sample, (B, D + 1): in widths
        that lines of the sample have there, and on a logarithmic scale as some are far beside."""
        mean = self.target_mean if plate else self.source_mean
        u = (x - mean) / (self.spreads[plate].square() + height.square()).sqrt()
        length = (1 + u.square().mean(1, keepdim=True)).sqrt()
        return torch.cat([u / (1 + length / BESIDE), length.log()], 1)

    def _features(self, y: Tensor) -> Tensor:
        x, z = y[:, :-1], y[:, -1:]
        beyond, middle = z - self.gap, z - self.gap / 2
        radius = (x.square().sum(1, keepdim=True) + middle.square()).sqrt()
        spread = (1 + x.square().mean(1, keepdim=True)).sqrt()
        return torch.cat(
            [
                x / spread,
                x / (1 + radius),
                self._place(x, z, 0),
                self._place(x, beyond, 1),
                x / (3 + 0.3 * spread),
                middle / (1 + radius),
                torch.asinh(z / self.offsets[0]) / 4,
                torch.asinh(beyond / self.offsets[1]) / 4,
                torch.asinh(z / self.spreads[0]),
                torch.asinh(beyond / self.spreads[1]),
                torch.sign(z),
                torch.sign(beyond),
                torch.log1p(radius),
                spread.log(),
                self.two_charges(y, 1.0),
            ],
            1,
        )


def _unit(v: Tensor) -> Tensor:
    return v / v.norm(dim=1, keepdim=True).clamp_min(1e-9)
