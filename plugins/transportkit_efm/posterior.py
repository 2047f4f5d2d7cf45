"""The learned field in many dimensions: two posterior means, and the share of the source in E_z.

A charge at x_i of the source plate pulls along (x - x_i, z) with the size |(x - x_i, z)|^-(D+1).
Its part of E_z is the Poisson kernel

    K_z(x - x_i) proportional to z / (|x - x_i|^2 + z^2)^((D+1)/2),

the density of x_i + z c with c a Cauchy vector. So the plate's E_z is the density p_z of its
samples after that noise, and its E_x = p_z (x - m_P) / z with the posterior mean m_P(x, z) of x_i,
given x. With q_h and m_Q of the target plate, h = L - z below it, lines have the slope

    dx/dz = w (x - m_P) / z + (1 - w) (m_Q - x) / h,        w = p_z / (p_z + q_h).

All three are regressions on draws alone: m_P is what predicts x_i best from x_i + z c, and w the
chance that a noised sample came from the source. No charges are summed and no lines are followed, a
network smooths what samples leave open, and any number of them can be drawn from. In few
dimensions the sum over charges is exact and has no noise, and `slopes` learns more from it. For one
plate this is the objective of PFGM++ with one extra dimension (Xu et al. 2023, arXiv:2302.04265,
equation 8); the mean is predicted by the preconditioning of Karras et al. (2022, arXiv:2206.00364,
table 1).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor, nn

from transportkit import Game, Interval, Problem, mlp

from . import EfmParams
from .noise import cauchy
from .rising import APART, LANDED, RisingField
from .units import LEAST_SPREAD, Units, plate_gap, plate_offset, spread, warn_of_offset

NEAR = 0.25
"""Height over a plate below which lines are taken in even steps, in spreads of its sample. A noise
of height z adds about z to every coordinate, however many there are."""

LEAST = 0.07
"""Automatic height over a plate at which lines begin and end, likewise, but for one step from the
plate and one to it. Nearer, what a network errs in means is divided by ever smaller heights; from
farther, those steps are too long. Of .05, .1 and .2 the first was best for digits of one class to
another and for a badly conditioned Gaussian, the last for mixtures; this is between."""

SCALES = 64
"""Sizes of the noise that are weighed against each other at every place."""

FREEST = 64.0
"""Most directions in which samples are said to vary: lengths tell sizes of the noise to 1 in so
many, and no finer ones are weighed."""


class Parts(NamedTuple):
    """Of states (B, D): the posterior means on either plate (B, D), the scales (B, 1) of what the
    network adds to them, and the logit (B,) of the source's share in E_z."""

    source: Tensor
    target: Tensor
    scales: tuple[Tensor, Tensor]
    logit: Tensor


class PosteriorField(RisingField):
    """Lines from plate to plate by a network of the parts of their slope.

    Lines are followed between the heights `least` over either plate, in units of the data, and so
    over a part of [0, 1]. A step takes them from the plate to the first, and one from the last to
    the other plate.
    """

    freedoms: Tensor

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        gap: float,
        near: tuple[float, float],
        least: tuple[float, float],
        width: int,
        depth: int,
        generator: Generator | None = None,
    ) -> None:
        super().__init__(event_shape, gap=gap, near=near)
        # A config that was kept has a list of two.
        self.least = least[0], least[1]
        self.width, self.depth = width, depth
        self.dim = torch.Size(self.event_shape).numel()
        ends = self.passage.level(torch.tensor([least[0], gap - least[1]], dtype=torch.float64))
        self.reach = Interval(*ends.tolist())
        self.register_buffer("freedoms", torch.ones(2))
        # Place, height and length in; two means and a logit out.
        self.net = mlp(
            self.dim + 2, 2 * self.dim + 1, width=width, depth=depth, generator=generator
        )

    @property
    def config(self) -> Mapping[str, Any]:
        return {
            **super().config,
            "least": list(self.least),
            "width": self.width,
            "depth": self.depth,
        }

    @property
    def span(self) -> Interval:
        return self.reach

    def middle(self, s: Tensor) -> Tensor:
        """Where the axis is at s (B,), (B, D): lines end next to a plate and are as on it there."""
        first, last = self.least
        share = (self.passage.height(s) - first) / (self.passage.gap - first - last)
        return torch.lerp(self.means[0], self.means[1], share.clamp(0, 1)[:, None])

    @property
    def finishing(self) -> int:
        return 2

    def begin(self, x: Tensor, s: float) -> Tensor:
        """Points x (B, *E) of the plate next to s as states there: where their lines are at that
        height, by the slope (x - m) / h, as `landed` brings them back."""
        y = super().begin(x, s)
        at = y[:, -1]
        on_plate = self.at(y)
        place = on_plate + (on_plate - self._mean(on_plate, at))
        return torch.cat([self.passage.relative(place, at), at[:, None]], 1)

    def landed(self, y: Tensor, s: float) -> Tensor:
        """By the remaining height to the plate, in one step of Euler, which comes to m.

        That is exact for a single sample, and nearly for others: of a law of spread a the noise of
        a small height h leaves the part 1 / (1 + c h / a) in m, c a constant, for among Cauchy
        noises rare large ones matter more than the many small. Then m / a along a line does not
        depend on h, and lines are straight.
        """
        x, end = self.at(y), torch.full_like(y[:, -1], s)
        ended = (y[:, -1:] - s).abs() < LANDED
        return torch.where(ended, self._mean(x, end), x)

    def _mean(self, x: Tensor, s: Tensor) -> Tensor:
        """The posterior mean (B, D) given x (B, D), on the plate next to an end s (B,) of lines.

        Without gradients: points are moved by it, and neither trained on nor differentiated.
        """
        with torch.no_grad():
            parts = self.parts(x, s)
        below = 2 * s < self.span.t0 + self.span.t1
        return torch.where(below[:, None], parts.source, parts.target)

    def parts(self, x: Tensor, s: Tensor) -> Parts:
        """The parts of the field at places x (B, D), each from the middle, and s (B,)."""
        size = x.square().mean(1, keepdim=True)
        # Alike over either plate, however narrow its sample; in the middle lengths tell the height.
        width = self.passage.width(s).clamp_max(self.passage.spreads.max())
        u = x / width
        length = (1 + u.square().mean(1, keepdim=True)).sqrt()
        raw = self.net(torch.cat([u / length, s[:, None], length.log()], 1))
        source, target, logit = raw.split([self.dim, self.dim, 1], 1)
        below, above = (height[:, None] for height in self.heights(s))
        means, scales = [], []
        for given, height, extent, free in zip(
            (source, target), (below, above), self.passage.spreads, self.freedoms, strict=True
        ):
            kept, scale = shrinkage(size, height, extent.square(), free)
            scales.append(scale)
            means.append(kept * x + scale * given)
        known = _log_kernel(size, below, self.dim) - _log_kernel(size, above, self.dim)
        return Parts(means[0], means[1], (scales[0], scales[1]), (known + logit).squeeze(1))

    def heights(self, s: Tensor) -> tuple[Tensor, Tensor]:
        """The heights (B,) at s (B,) above the source plate and below the target plate. Adaptive
        steps may go beyond the ends, where the field is that of the end."""
        below, above = self.passage.heights(s)
        return below.clamp_min(self.least[0]), above.clamp_min(self.least[1])

    def velocity(self, s: Tensor, u: Tensor) -> Tensor:
        x = self.passage.place(u, s)
        parts = self.parts(x, s)
        slope = line_slope(x, self.heights(s), parts.source, parts.target, parts.logit.sigmoid())
        return self.passage.velocity(u, s, slope)


def line_slope(
    x: Tensor, heights: tuple[Tensor, Tensor], source: Tensor, target: Tensor, share: Tensor
) -> Tensor:
    """dx/dz (B, D) at x (B, D) and heights (B,) above the source and below the target plate, from
    the posterior means `source` and `target` (B, D) and the source's share (B,) of E_z."""
    below, above, share = heights[0][:, None], heights[1][:, None], share[:, None]
    return share * (x - source) / below + (1 - share) * (target - x) / above


def freedom(x: Tensor) -> Tensor:
    """In how many directions alike a normal sample would vary (), whose squared lengths scatter as
    those of x (N, D) of mean 0 do: 2 E[|x|^2]^2 / Var[|x|^2]. `FREEST` where all are alike, as of
    a single point, whose lengths are 0."""
    squares = x.square().sum(1)
    relative = squares / squares.mean().clamp_min(torch.finfo(x.dtype).tiny)
    return (2 / relative.var(correction=0)).clamp(1, FREEST)


def shrinkage(size: Tensor, height: Tensor, square: Tensor, free: Tensor) -> tuple[Tensor, Tensor]:
    """What of a place is its sample: k (B, 1) with m = k x, and the standard deviation (B, 1) of
    the sample's coordinates about m.

    At places of mean square `size` (B, 1) by noise of a `height` (B, 1), of samples of a normal law
    with mean square `square` in `free` directions. That is Cauchy: normal noise whose variance
    v = (height / g)^2 is random, g normal. Near the plate much larger ones than height^2 are rare,
    and yet most of what one sees; far from it the length of x tells v. So

        k = E[a / (a + v)],   deviation^2 = E[a v / (a + v)] + Var[a / (a + v)] size,

    with a = `square`, over the law of v given `size`, as a sum over values of log v.
    """
    steps = torch.linspace(0, 1, SCALES, device=size.device, dtype=size.dtype)
    low = (height.square() / 16).log()
    high = (100 * (size + square + height.square())).log()
    v = torch.exp(low + (high - low) * steps)
    logs = (
        0.5 * (height.square() / v).log()
        - 0.5 * height.square() / v
        - 0.5 * free * ((square + v).log() + size / (square + v))
    )
    weights = logs.softmax(1)
    kept = square / (square + v)
    mean = (weights * kept).sum(1, keepdim=True)
    within = (weights * kept * v).sum(1, keepdim=True)
    between = (weights * (kept - mean).square()).sum(1, keepdim=True)
    return mean, (within + between * size).sqrt()


def _log_kernel(size: Tensor, height: Tensor, dim: int) -> Tensor:
    """The log of E_z, but for a constant, of a charge in the middle of its plate, at places of mean
    square `size`: what is known of a plate's E_z far from it."""
    return height.log() - (dim + 1) / 2 * (height.square() + dim * size).log()


class Noised(NamedTuple):
    """Samples (B, D) in units of the data from their means, with noise of the height of s (B,) they
    are at `place` (B, D); whether each is one of the target's (B,)."""

    s: Tensor
    sample: Tensor
    place: Tensor
    of_target: Tensor


class PosteriorRegression(Game[Noised]):
    """Regression of a `PosteriorField` on noised samples of both plates, half a batch from each."""

    def __init__(self, problem: Problem, params: EfmParams, generator: Generator) -> None:
        self.source, self.target = problem.source, problem.target
        p, q = (
            side.points(params.charges, generator).flatten(1) for side in (self.source, self.target)
        )
        means = torch.stack([p.mean(0), q.mean(0)])
        p, q = p - means[0], q - means[1]
        # Of centred samples: how far apart the means are says nothing of lengths.
        scale = Units.of(p, q).scale
        p, q = p / scale, q / scale
        dim = p.shape[1]
        gap = plate_gap(params.distance, scale, APART * math.sqrt(dim))
        spreads = float(spread(p)), float(spread(q))
        below, above = (LEAST * x for x in spreads)
        if params.offset is not None:
            given = plate_offset(params.offset, scale, gap, 1 / 4)
            warn_of_offset(params.offset, given, (below, above), ("far",))
            # As near as automatic heights may be.
            below = above = max(given, LEAST * LEAST_SPREAD)
        self.field = PosteriorField(
            problem.event_shape,
            gap=gap,
            near=(min(NEAR * spreads[0], gap / 4), min(NEAR * spreads[1], gap / 4)),
            least=(min(below, gap / 4), min(above, gap / 4)),
            width=params.width,
            depth=params.depth,
            generator=generator,
        ).to(p.device)
        self.field.means.copy_(means)
        self.field.scale.copy_(scale)
        self.field.passage.set_samples(p, q)
        self.field.freedoms.copy_(torch.stack([freedom(p), freedom(q)]))

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return {"field": self.field.net}

    def draw(self, n: int, generator: Generator) -> Noised:
        field, half = self.field, n // 2
        drawn = [
            side.sample(count, generator).flatten(1) - mean
            for side, count, mean in zip(
                (self.source, self.target), (half, n - half), field.means, strict=True
            )
        ]
        sample = torch.cat(drawn) / field.scale
        first, last = field.span.t0, field.span.t1
        s = torch.rand(n, generator=generator, device=generator.device).to(sample)
        s = first + (last - first) * s
        below, above = field.heights(s)
        of_target = torch.arange(n, device=sample.device) >= half
        noise = torch.where(of_target, above, below)
        return Noised(s, sample, sample + noise[:, None] * cauchy(sample, generator), of_target)

    def loss(self, player: str, batch: Noised, generator: Generator) -> Tensor:
        parts = self.field.parts(batch.place, batch.s)
        source, target = (
            (mean - batch.sample) / scale
            for mean, scale in zip((parts.source, parts.target), parts.scales, strict=True)
        )
        error = torch.where(batch.of_target[:, None], target, source).square().mean()
        of_source = (~batch.of_target).to(parts.logit)
        return error + nn.functional.binary_cross_entropy_with_logits(parts.logit, of_source)

    def model(self) -> PosteriorField:
        return self.field
