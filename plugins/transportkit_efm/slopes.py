"""The learned field between distant plates: a network of the slope of lines that rise.

A network is regressed on the velocity of exact lines in the coordinates of `Passage`. Its targets
are exact, not random as those of flow matching are, and its lines are followed in few steps.

A line that begins on a charge is led by that charge first: straight up, which lines of the law are
not. Where many charges are as near as the offset, one of them does not matter. In 8 dimensions it
is most of the field at its own place, where no new point begins, and a network that learns from
such lines carries points to too narrow a law. So where samples are sparse a line is followed in the
field without some of the charges, of which one is its beginning.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor, nn

from transportkit import Problem, TimeMLP

from . import EfmParams
from .rising import BoundedRisingField, ExactRisingField
from .training import PooledGame, check_lines

STATIONS = 12
"""Steps along an exact line, each of two evaluations, whose states are trained on."""

COMMON = 3.0
"""Length of velocity, over sqrt(D / 2), at which a squared error counts half; the weight is
1 / (1 + v^2 / (COMMON^2 D / 2)). Few lines are so fast: they leave from tails, where a plate hardly
holds them."""


FILLED = 4
"""Dimensions up to which one charge is little beside those that are as near as the offset."""

SPACINGS = (2, (2.0, 2.0)), (FILLED, (2.0, 0.8)), (math.inf, (1.25, 1.25))
"""Automatic offsets of source and target up to these dimensions, in distances of nearest
neighbours. A ball of that radius holds about three charges in the plane and from 5 to 8 dimensions;
larger ones blur. No line begins on the target, so its offset may be less, as a network of the mean
slope of the lines that pass a place keeps their law, however they scatter. In the plane neighbours
are near in any case; where samples are sparse less makes round laws too narrow by as much as it
mends narrow ones."""

WIDEST = 1 / 4, 1 / 2
"""The largest automatic offset up to FILLED dimensions and above, in spreads of the sample and
sqrt(D). Neighbours of 10,000 normal points in 8 dimensions are nearly a spread apart."""

PARTS = 10
"""Parts of the source's charges above these dimensions, each left out of the field of the lines
that begin on it. A tenth of the charges is missed little."""


class LearnedRisingField(BoundedRisingField):
    """Lines from plate to plate by a network."""

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        gap: float,
        near: tuple[float, float],
        width: int,
        depth: int,
        generator: Generator | None = None,
    ) -> None:
        super().__init__(event_shape, gap=gap, near=near)
        self.width, self.depth = width, depth
        dim = torch.Size(self.event_shape).numel()
        self.net = TimeMLP((dim,), width=width, depth=depth, generator=generator)

    @property
    def config(self) -> Mapping[str, Any]:
        return {**super().config, "width": self.width, "depth": self.depth}

    def velocity(self, s: Tensor, u: Tensor) -> Tensor:
        velocity: Tensor = self.net(s, u)
        return velocity


class States(NamedTuple):
    """Heights s (B,), places u (B, D) on exact lines, and the velocity du/ds (B, D) there."""

    s: Tensor
    u: Tensor
    velocity: Tensor


class SlopeRegression(PooledGame[States]):
    """Regression of a `LearnedRisingField` on exact lines from training samples."""

    def __init__(self, problem: Problem, params: EfmParams, generator: Generator) -> None:
        self.params = params
        sparse = problem.dim > FILLED
        exact = ExactRisingField.of(
            problem.source.points(params.charges, generator).flatten(1),
            problem.target.points(params.charges, generator).flatten(1),
            problem.event_shape,
            distance=params.distance,
            offset=params.offset,
            spacing=params.spacing or next(k for d, k in SPACINGS if problem.dim <= d),
            widest=WIDEST[sparse],
            harms=("far",),
        )
        self.exact = exact
        self.field = LearnedRisingField(
            problem.event_shape,
            gap=exact.passage.gap,
            near=exact.passage.near,
            width=params.width,
            depth=params.depth,
            generator=generator,
        ).to(exact.scale.device)
        for name in ("means", "scale", "radii"):
            getattr(self.field, name).copy_(getattr(exact, name))
        self.field.passage.load_state_dict(exact.passage.state_dict())
        self.start(params.refresh, exact.scale.device, generator)

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return {"slope": self.field.net}

    def pick(self, n: int, generator: Generator) -> States:
        rows = torch.randint(len(self.pool.s), (n,), generator=generator, device=generator.device)
        return States(*(each[rows] for each in self.pool))

    def loss(self, player: str, batch: States, generator: Generator) -> Tensor:
        error = (self.field.net(batch.s, batch.u) - batch.velocity).square().sum(1)
        weight = 1 / (1 + batch.velocity.square().sum(1) / (COMMON**2 * batch.u.shape[1] / 2))
        return (weight * error).mean()

    def model(self) -> LearnedRisingField:
        return self.field

    def gather(self, generator: Generator) -> None:
        """Follow exact lines from training samples, and keep what they pass.

        What is kept depends on the seed and on how often it was renewed, so that a resumed fit
        finds the same.
        """
        lines, exact = self.params.lines, self.exact
        check_lines(lines, exact.source.shape[1], exact.scale.device)
        device, count = exact.scale.device, len(exact.source)
        rows = torch.randint(count, (lines,), generator=generator, device=device)
        first = torch.rand(lines, generator=generator, device=device)
        parts = PARTS if exact.source.shape[1] > FILLED and count >= PARTS else 1
        seen: list[States] = []
        for part in (rows % parts).unique().tolist():
            left_out = torch.arange(part, count, parts, device=device)
            others = exact.without(left_out) if parts > 1 else exact
            begun = rows % parts == part
            seen += follow(others, exact.source[rows[begun]], first[begun])
        states = States(*(torch.cat(each) for each in zip(*seen, strict=True)))
        known = states.velocity.isfinite().all(1) & states.u.isfinite().all(1)
        self.need(known, "states of field lines are finite")
        self.pool = States(*(each[known] for each in states))


def follow(exact: ExactRisingField, x: Tensor, first: Tensor) -> list[States]:
    """States on exact lines from x (B, D) on the source plate, by the midpoint rule.

    Every line has its own steps, by the share (B,) of one that its first is, so that heights of all
    kinds occur.
    """
    s = torch.zeros_like(first)
    u = exact.passage.relative(x, s)
    seen: list[States] = []
    for station in range(STATIONS + 1):
        step = ((station + first) / STATIONS).clamp_max(1) - s
        seen.append(States(s, u, exact.velocity(s, u)))
        s_half, u_half = s + step / 2, u + step[:, None] / 2 * seen[-1].velocity
        seen.append(States(s_half, u_half, exact.velocity(s_half, u_half)))
        s, u = s + step, u + step[:, None] * seen[-1].velocity
    seen.append(States(s, u, exact.velocity(s, u)))
    return seen
