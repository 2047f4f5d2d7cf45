"""The method `ifm`: a network that learns the slope of the interaction field of a coupling."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from scipy.optimize import linear_sum_assignment
from torch import Generator, Tensor, nn

from transportkit import Descent, Diverged, Game, Method, Model, Problem, TimeMLP, Trainer

from . import IfmParams
from .capacitor import Capacitor
from .tubes import Profile, draw_states, tube_field
from .units import Units, plate_gap

log = logging.getLogger("transportkit")

NEAR = 0.01
"""How near a plate the field is read, as a share of the distance of the plates."""
NOWHERE = 1e6
"""Radius of the dipole's field, which an interaction field does not have: it ends at the plates."""
WIDE = 3.0
"""Width of tubes beyond which they are told to hide the data, whose size is 1 here."""


class InteractionPlates(Capacitor):
    """Plates joined by tubes: every line leaves forwards, rises all the way, and ends where it
    meets the target. The slope dx/dt of lines, t = z / gap, is that of a network."""

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        gap: float,
        width: int,
        depth: int,
        generator: Generator | None = None,
    ) -> None:
        offsets = NEAR * gap, NEAR * gap
        super().__init__(event_shape, gap=gap, offsets=offsets, radius=NOWHERE, rule="forward")
        # No line comes to a plate from beside it.
        self.radii.fill_(torch.inf)
        dim = torch.Size(self.event_shape).numel()
        self.net = TimeMLP((dim,), width=width, depth=depth, generator=generator)
        self.width, self.depth = width, depth

    @property
    def config(self) -> Mapping[str, Any]:
        return {
            "event_shape": list(self.event_shape),
            "gap": self.gap,
            "width": self.width,
            "depth": self.depth,
        }

    def slope(self, x: Tensor, t: Tensor) -> Tensor:
        """dx/dt (B, D) at x (B, D) and t (B,)."""
        return self.net(t, x)

    def direction(self, y: Tensor) -> Tensor:
        t = (y[:, -1] / self.gap).clamp(NEAR, 1 - NEAR)
        ahead = torch.cat([self.slope(y[:, :-1], t), torch.full_like(y[:, -1:], self.gap)], 1)
        return nn.functional.normalize(ahead, dim=1)

    def own_part(self, x: Tensor, target: bool) -> tuple[Tensor, int]:
        # Every line begins inside and ends where it meets the target.
        return x.new_full((len(x),), 0.5), 0


class TubeStates(NamedTuple):
    """States x (B, D) at t (B,), and the slope (B, D) of the lines there."""

    x: Tensor
    t: Tensor
    slope: Tensor


class TubeRegression(Game[TubeStates]):
    """Regression of the slope on that of the summed field of some pairs at a time.

    States are drawn on the tubes of the pairs whose fields are summed, by flux. The slope there is
    then the mean of dx/dt over the pair that a state is from, given the state and the pairs; so
    its mean over draws is the slope of the field of the whole coupling, with however few pairs at
    a time. (The paper regresses E / |E|, whose mean over draws is not the whole field's.)
    """

    def __init__(self, problem: Problem, params: IfmParams, generator: Generator) -> None:
        self.problem, self.params = problem, params
        samples = [m.points(10_000, generator).flatten(1) for m in (problem.source, problem.target)]
        units = Units.of(*samples)
        dim = samples[0].shape[1]
        gap = plate_gap(params.distance, units.scale, 3 * dim**0.5)
        self.field = InteractionPlates(
            problem.event_shape,
            gap=gap,
            width=params.width,
            depth=params.depth,
            generator=generator,
        ).to(samples[0].device)
        self.field.mean.copy_(units.mean)
        self.field.scale.copy_(units.scale)
        if params.tube > WIDE:
            log.warning(
                "tube=%g is %.3g times the size of the data, which it hides; give less",
                params.tube,
                params.tube,
            )
        self.profile = Profile(params.tube, params.opening)

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return {"field": self.field.net}

    def draw(self, n: int, generator: Generator) -> TubeStates:
        source, target = (
            self.field.lift(m.sample(n, generator))[:, :-1]
            for m in (self.problem.source, self.problem.target)
        )
        if self.params.pairs == "minibatch":
            target = _paired(source, target, self.params.chunk)
        t = torch.rand(n, generator=generator, device=generator.device).to(source)
        t = NEAR + (1 - 2 * NEAR) * t
        noise = torch.randn(source.shape, generator=generator, device=generator.device)
        x = draw_states(source, target, t, self.profile, noise.to(source))
        slope = [
            tube_field(x[group], t[group], source[group], target[group], self.profile).slope
            for group in torch.arange(n, device=x.device).split(self.params.together)
        ]
        return TubeStates(x, t, torch.cat(slope))

    def loss(self, player: str, batch: TubeStates, generator: Generator) -> Tensor:
        return (self.field.slope(batch.x, batch.t) - batch.slope).square().mean()

    def model(self) -> InteractionPlates:
        return self.field


def _paired(source: Tensor, target: Tensor, chunk: int) -> Tensor:
    """Rows of the target (N, D) in the order of the source rows that they are paired with, by
    least squared distance within each chunk."""
    parts = []
    for a, b in zip(source.split(chunk), target.split(chunk), strict=True):
        # A shift costs every pairing the same; without it the solver is faster.
        cost = -(a - a.mean(0)) @ (b - b.mean(0)).T
        if not bool(cost.isfinite().all()):
            raise Diverged("pairs need finite points; look for NaN or infinity in the samples")
        parts.append(b[torch.from_numpy(linear_sum_assignment(cost.cpu().numpy())[1]).to(b.device)])
    return torch.cat(parts)


class Ifm(Method[IfmParams]):
    """Interaction field matching."""

    def objective(self, problem: Problem, generator: Generator) -> TubeRegression:
        return TubeRegression(problem, self.params, generator)

    def trainer(self) -> Trainer:
        p = self.params
        return Descent(steps=p.steps, batch=p.batch, lr=p.lr, ema=p.ema)

    def blank(self, config: Mapping[str, Any]) -> Model:
        return InteractionPlates(**config)
