"""The learned field: a network regressed on the direction of the superposed field.

It is trained where lines go: on the states that the exact lines of training samples pass, outside
the plates as well, and on states close to both plates, with the field of all the charges one can
afford as the answer. What part of E_z at a plate is its own is learned too, from which follow the
shares of lines that begin on a side and that end: so moving points needs no charges.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor, nn

from transportkit import Lines, Method, Model, Problem, Stop, Trainer

from . import EfmPlatesParams
from .capacitor import Capacitor, Rule
from .charges import DENSE, ChargedPlates
from .network import DirectionNet
from .training import PooledGame, check_lines, muon

FAR = 10.0
"""Radius of the ball that the network knows, in sizes of a capacitor; outside a dipole's field."""


SHARE = 8
"""States in a batch for every point at which a plate's own part is learned, which is the easier."""


class LearnedPlates(Capacitor):
    """The field of a `DirectionNet`, in units of the data."""

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        gap: float,
        offsets: tuple[float, float],
        radius: float,
        rule: Rule,
        width: int,
        depth: int,
        generator: Generator | None = None,
    ) -> None:
        super().__init__(event_shape, gap=gap, offsets=offsets, radius=radius, rule=rule)
        self.net = DirectionNet(
            torch.Size(self.event_shape).numel(),
            gap=gap,
            offsets=self.offsets,
            width=width,
            depth=depth,
            generator=generator,
        )
        self.width, self.depth = width, depth

    @property
    def config(self) -> Mapping[str, Any]:
        return {**super().config, "width": self.width, "depth": self.depth}

    def direction(self, y: Tensor) -> Tensor:
        out = self.net(y)
        outside = (y - self.centre).norm(dim=1) > self.radius
        return torch.where(outside[:, None], self.net.two_charges(y, 0.0), out)

    def own_part(self, x: Tensor, target: bool) -> tuple[Tensor, int]:
        return self.net.part_logit(x, target).sigmoid(), 0


class _Watched(ChargedPlates):
    """Charged plates that keep every state at which their field was read, and the answer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.seen: list[tuple[Tensor, Tensor]] = []

    def direction(self, y: Tensor) -> Tensor:
        answer = super().direction(y)
        self.seen.append((y.clone(), answer))
        return answer


class Examples(NamedTuple):
    """States y (B, D+1) with the field's direction there; fewer points of the source and the target
    plate (b, D) with the plate's own part (b,) of E_z at each."""

    states: Tensor
    directions: Tensor
    source: Tensor
    source_part: Tensor
    target: Tensor
    target_part: Tensor


class FieldRegression(PooledGame[Examples]):
    """Regression of a `LearnedPlates` on the field of training samples."""

    def __init__(self, problem: Problem, params: EfmPlatesParams, generator: Generator) -> None:
        self.params = params
        exact = _Watched.of(
            problem.source.points(params.charges, generator).flatten(1),
            problem.target.points(params.charges, generator).flatten(1),
            problem.event_shape,
            distance=params.distance,
            offset=params.offset,
            rule=None if params.rule == "auto" else params.rule,
            spacing=params.spacing,
            far=FAR,
            harms=("far", "near") if problem.dim <= DENSE else ("far",),
        )
        assert isinstance(exact, _Watched)
        self.exact = exact
        self.field = LearnedPlates(
            problem.event_shape,
            gap=exact.gap,
            offsets=exact.offsets,
            radius=exact.radius,
            rule=exact.rule,
            width=params.width,
            depth=params.depth,
            generator=generator,
        ).to(exact.charges.device)
        for name in ("mean", "scale", "dipole", "centre", "middles", "radii", "spreads"):
            getattr(self.field, name).copy_(getattr(exact, name))
        n = exact.counts[0]
        self.source, self.target = exact.charges[:n, :-1], exact.charges[n:, :-1]
        self.field.net.set_samples(self.source, self.target)
        self.places, self.parts = self._parts(generator)
        self.start(params.refresh, exact.charges.device, generator)

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return {"field": self.field.net}

    def pick(self, n: int, generator: Generator) -> Examples:
        states, source, target = (
            torch.randint(len(each), (count,), generator=generator, device=generator.device)
            for each, count in (
                (self.states, n),
                (self.places[0], max(1, n // SHARE)),
                (self.places[1], max(1, n // SHARE)),
            )
        )
        return Examples(
            self.states[states],
            self.directions[states],
            self.places[0][source],
            self.parts[0][source],
            self.places[1][target],
            self.parts[1][target],
        )

    def loss(self, player: str, batch: Examples, generator: Generator) -> Tensor:
        error = (self.field.net(batch.states) - batch.directions).square().sum(1).mean()
        if self.field.rule == "forward":
            return error
        cross_entropy = nn.functional.binary_cross_entropy_with_logits
        for x, part, side in (
            (batch.source, batch.source_part, False),
            (batch.target, batch.target_part, True),
        ):
            error = error + cross_entropy(self.field.net.part_logit(x, side), part)
        return error

    def model(self) -> LearnedPlates:
        return self.field

    def _parts(self, generator: Generator) -> tuple[list[Tensor], list[Tensor]]:
        """Points (N, D) of either plate, and its own part (N,) of E_z there.

        Half of them are its samples, where lines begin. The others lie between samples of both
        plates, where lines come to it beside its own.
        """
        n = max(len(self.source), len(self.target))
        device = self.source.device
        source, target = (
            x[torch.randint(len(x), (n,), generator=generator, device=device)]
            for x in (self.source, self.target)
        )
        way = torch.rand((n, 1), generator=generator, device=device)
        between = torch.lerp(source, target, way.to(source))
        places = [torch.cat([x, between]) for x in (source, target)]
        exact = self.exact
        return places, [
            exact.own_part(x, side)[0] for x, side in zip(places, (False, True), strict=True)
        ]

    def gather(self, generator: Generator) -> None:
        """Follow exact lines from training samples and keep what they passed.

        The examples depend on the seed and on how often they were refreshed, so that a resumed fit
        finds the same ones.
        """
        exact, params = self.exact, self.params
        device = exact.charges.device
        check_lines(params.lines, self.source.shape[1], device)
        rows = torch.randint(len(self.source), (params.lines,), generator=generator, device=device)
        exact.seen = []
        followed = Lines().solve(
            exact, exact.drop(exact.charges[: exact.counts[0]][rows]), generator
        )
        # What lost lines passed has a field as well, and is trained on.
        self.tell(followed.stop == Stop.ARRIVED, "field lines arrived")
        plates = zip((self.source, self.target), (0.0, exact.gap), exact.offsets, strict=True)
        for samples, plate, offset in plates:
            count = int(params.near * params.lines * 10)
            rows = torch.randint(len(samples), (count,), generator=generator, device=device)
            around = torch.randn(
                (count, samples.shape[1] + 1), generator=generator, device=device
            ) * (2 * offset)
            depth = offset * (1 + around[:, -1:].abs() / offset * 0.15)
            height = plate + torch.sign(around[:, -1:]) * depth
            exact.direction(torch.cat([samples[rows] + around[:, :-1], height], 1))
        states = torch.cat([y for y, _ in exact.seen])
        directions = torch.cat([d for _, d in exact.seen])
        exact.seen = []
        inside = (states - exact.centre).norm(dim=1) < 1.5 * exact.radius
        self.need(directions[inside].isfinite().all(1), "states of field lines are finite")
        known = inside & directions.isfinite().all(1)
        self.states, self.directions = states[known], directions[known]


class EfmPlates(Method[EfmPlatesParams]):
    """Electrostatic field matching with a learned field about plates at any distance."""

    def objective(self, problem: Problem, generator: Generator) -> FieldRegression:
        return FieldRegression(problem, self.params, generator)

    def trainer(self) -> Trainer:
        return muon(self.params)

    def blank(self, config: Mapping[str, Any]) -> Model:
        return LearnedPlates(**config)
