"""The learned field between distant plates: a network of the slope of lines that rise.

For plates far apart the backward half of the flux from a point lands where the forward half does:
the share that leaves forwards is (1 + q_L / p) / 2, and q_L, the target's density smoothed over
the distance L, vanishes as L^-D. That holds for plates that face each other. The lines of two
distant charges leave and arrive alike about the axis that joins them, so if it is aslant some that
leave forwards arrive from behind; each sample is therefore taken from its own mean. Then forward
lines alone are enough, and they are functions of their height, in the coordinates of `Passage`
nearly straight ones. A network is regressed on their velocity there. Its targets are exact, not
random as those of flow matching are, and its lines are followed in few steps.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor, nn

from transportkit import Descent, Game, IntervalField, Method, Model, Problem, TimeMLP, Trainer

from . import EfmParams
from .charges import ChargedPlates
from .passage import Passage

APART = 8.0
"""Automatic distance of the plates, in units of the data and sqrt(D)."""

NEAR = 0.14
"""Height below which lines are taken in even steps, likewise."""

STATIONS = 12
"""Steps along an exact line, each of two evaluations, whose states are trained on."""

COMMON = 3.0
"""Length of velocity up to which errors count in full; those of faster states count relative to
it. Few lines are so fast: they leave from tails, where a plate hardly holds them."""

LEAST_RISE = 1e-3
"""The least E_z / |E| that a slope is divided by."""


class RisingField(IntervalField):
    """Lines from plate to plate over s in [0, 1], by a network, in the units of the data.

    States are (u, s) (B, D+1), the coordinates of `passage`.
    """

    means: Tensor
    scale: Tensor
    radii: Tensor

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        gap: float,
        near: float,
        width: int,
        depth: int,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        self.event_shape, self.width, self.depth = tuple(event_shape), width, depth
        dim = torch.Size(self.event_shape).numel()
        self.passage = Passage(gap=gap, near=near)
        self.register_buffer("means", torch.zeros(2, dim))
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("radii", torch.ones(2))
        self.net = TimeMLP((dim,), width=width, depth=depth, generator=generator)

    @property
    def config(self) -> Mapping[str, Any]:
        return {
            "event_shape": list(self.event_shape),
            "gap": self.passage.gap,
            "near": self.passage.near,
            "width": self.width,
            "depth": self.depth,
        }

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        return torch.cat([self.net(t, y[:, :-1]), torch.ones_like(y[:, -1:])], 1)

    def lift(self, x: Tensor) -> Tensor:
        return self.begin(x, 0.0)

    def begin(self, x: Tensor, s: float) -> Tensor:
        """Points x (B, *E) as states on the plate at s, which is 0 or 1."""
        flat = (x.flatten(1) - self.means[round(s)]) / self.scale
        at = torch.full_like(flat[:, 0], s)
        return torch.cat([self.passage.relative(flat, at), at[:, None]], 1)

    def drop(self, y: Tensor) -> Tensor:
        s = y[:, -1].clamp(0, 1)
        x = self.passage.place(y[:, :-1], s)
        for radius, there in zip(self.radii, (s < 1e-4, s > 1 - 1e-4), strict=True):
            x = torch.where(there[:, None], _within(x, radius), x)
        share = self.passage.height(s)[:, None] / self.passage.gap
        middle = torch.lerp(self.means[0], self.means[1], share)
        return (x * self.scale + middle).view(-1, *self.event_shape)

    def reverse(self) -> IntervalField:
        return FallingField(self)


def _within(x: Tensor, radius: Tensor) -> Tensor:
    """Where lines that come to a plate at x (B, D) end: those beside all of its charges find
    nothing to end on, and run along it to the first of them."""
    return x * (radius / x.norm(dim=1, keepdim=True).clamp_min(1e-12)).clamp_max(1)


class FallingField(IntervalField):
    """The lines of a `RisingField` from Q to P."""

    def __init__(self, field: RisingField) -> None:
        super().__init__()
        self.field = field

    @property
    def config(self) -> Mapping[str, Any]:
        return self.field.config

    @property
    def span(self) -> Any:
        return self.field.span.reversed()

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        return self.field(t, y)

    def lift(self, x: Tensor) -> Tensor:
        return self.field.begin(x, 1.0)

    def drop(self, y: Tensor) -> Tensor:
        return self.field.drop(y)

    def reverse(self) -> IntervalField:
        return self.field


class States(NamedTuple):
    """Heights s (B,), places u (B, D) on exact lines, and the velocity du/ds (B, D) there."""

    s: Tensor
    u: Tensor
    velocity: Tensor


class SlopeRegression(Game[States]):
    """Regression of a `RisingField` on exact lines from training samples."""

    def __init__(self, problem: Problem, params: EfmParams, generator: Generator) -> None:
        self.params = params
        samples = [
            marginal.points(params.charges, generator).flatten(1)
            for marginal in (problem.source, problem.target)
        ]
        means = torch.stack([x.mean(0) for x in samples])
        self.exact = ChargedPlates.of(
            samples[0] - means[0],
            samples[1] - means[1],
            problem.event_shape,
            distance=params.distance,
            offset=params.offset,
            rule="forward",
            spacing=params.spacing,
            apart=APART,
        )
        exact = self.exact
        self.field = RisingField(
            problem.event_shape,
            gap=exact.gap,
            near=min(NEAR * math.sqrt(problem.dim), exact.gap / 4),
            width=params.width,
            depth=params.depth,
            generator=generator,
        ).to(exact.charges.device)
        self.field.means.copy_(means)
        self.field.scale.copy_(exact.scale)
        self.field.radii.copy_(exact.radii)
        n = exact.counts[0]
        self.source = exact.charges[:n, :-1]
        self.field.passage.set_samples(self.source, exact.charges[n:, :-1])
        self.seed = int(torch.randint(2**62, (), generator=generator, device=generator.device))
        self.draws = 0
        self._gather()

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return {"slope": self.field.net}

    def draw(self, n: int, generator: Generator) -> States:
        if self.draws and self.draws % self.params.refresh == 0:
            self._gather()
        self.draws += 1
        rows = torch.randint(len(self.pool.s), (n,), generator=generator, device=generator.device)
        return States(*(each[rows] for each in self.pool))

    def loss(self, player: str, batch: States, generator: Generator) -> Tensor:
        error = (self.field.net(batch.s, batch.u) - batch.velocity).square().sum(1)
        weight = 1 / (1 + batch.velocity.square().sum(1) / (COMMON**2 * batch.u.shape[1] / 2))
        return (weight * error).mean()

    def model(self) -> RisingField:
        return self.field

    def state(self) -> Mapping[str, Any]:
        return {"draws": self.draws}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.draws = state["draws"]
        self._gather()

    def velocity(self, s: Tensor, u: Tensor) -> Tensor:
        """du/ds (B, D) of the exact line through u (B, D) at s (B,); within the offset of a plate
        a line keeps the slope that it has there."""
        exact, passage = self.exact, self.field.passage
        z = passage.height(s).clamp(exact.offset, exact.gap - exact.offset)
        direction = exact.direction(torch.cat([passage.place(u, s), z[:, None]], 1))
        slope = direction[:, :-1] / direction[:, -1:].clamp_min(LEAST_RISE)
        return passage.velocity(u, s, slope)

    def _gather(self) -> None:
        """Follow exact lines from training samples, by the midpoint rule, and keep what they pass.

        Every line has its own steps, so that heights of all kinds occur. What is kept depends on
        the seed and on how often it was renewed, so that a resumed fit finds the same.
        """
        params, device = self.params, self.exact.charges.device
        round_ = self.draws // params.refresh
        generator = Generator(device).manual_seed((self.seed + round_) % 2**63)
        rows = torch.randint(len(self.source), (params.lines,), generator=generator, device=device)
        s = self.source.new_zeros(params.lines)
        u = self.field.passage.relative(self.source[rows], s)
        first = torch.rand(params.lines, generator=generator, device=device)
        seen: list[States] = []
        for station in range(STATIONS + 1):
            step = ((station + first) / STATIONS).clamp_max(1) - s
            seen.append(States(s, u, self.velocity(s, u)))
            s_half, u_half = s + step / 2, u + step[:, None] / 2 * seen[-1].velocity
            seen.append(States(s_half, u_half, self.velocity(s_half, u_half)))
            s, u = s + step, u + step[:, None] * seen[-1].velocity
        seen.append(States(s, u, self.velocity(s, u)))
        states = States(*(torch.cat(each) for each in zip(*seen, strict=True)))
        known = states.velocity.isfinite().all(1) & states.u.isfinite().all(1)
        self.pool = States(*(each[known] for each in states))


class Efm(Method[EfmParams]):
    """Electrostatic field matching with a learned field between distant plates."""

    def objective(self, problem: Problem, generator: Generator) -> SlopeRegression:
        return SlopeRegression(problem, self.params, generator)

    def trainer(self) -> Trainer:
        p = self.params
        return Descent(
            steps=p.steps,
            batch=p.batch,
            optimizer="muon",
            lr=p.lr,
            muon_lr=p.muon_lr,
            warmup=0.05,
            betas=(0.9, 0.99),
            clip=None,
            ema=p.ema,
        )

    def blank(self, config: Mapping[str, Any]) -> Model:
        return RisingField(**config)
