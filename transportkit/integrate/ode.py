"""Fields over an interval through torchdiffeq; plate fields where they rise from plate to plate.

Between plates the height z serves as time: dx/dz = E_x / E_z. That follows only lines whose
E_z keeps its sign; a line that turns is reported as `Stop.TURNED`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
import torchdiffeq
from torch import Generator, Tensor

from ..core.integrator import Integrator, Solution
from ..core.model import Field, PlateField
from ..core.span import Interval, Plate, Span
from ..core.status import Stop
from ..errors import Refusal

Velocity = Callable[[Tensor, Tensor], Tensor]


class _OutOfSteps(Exception):
    """The evaluations allowed to a batch are used up."""


class OdeIntegrator(Integrator):
    """What the torchdiffeq adapters share: a solve over [t0, t1] with evaluations counted."""

    scheme: str

    @abstractmethod
    def options(self, t0: float, t1: float) -> dict[str, Any]:
        """The keyword arguments of `torchdiffeq.odeint`."""

    @property
    def limit(self) -> int | None:
        """The number of evaluations after which a batch is given up."""
        return None

    def refuses(self, span: Span) -> str | None:
        return None

    def follow(self, field: Field, x: Tensor, generator: Generator, save: int) -> Solution:
        if isinstance(field, PlateField):
            return self._between_plates(field, x, generator, save)
        span = field.span
        assert isinstance(span, Interval)
        return self._odeint(lambda t, y: field(t, y), field.lift(x), span.t0, span.t1, save)

    def _odeint(self, velocity: Velocity, y: Tensor, t0: float, t1: float, save: int) -> Solution:
        lines = len(y)
        count = 0

        def counted(t: Tensor, y: Tensor) -> Tensor:
            nonlocal count
            if self.limit is not None and count >= self.limit:
                raise _OutOfSteps
            count += 1
            return velocity(t.to(y).expand(lines), y)

        times = torch.linspace(t0, t1, max(2, save), dtype=y.dtype, device=y.device)
        failure = None
        try:
            with torch.no_grad():
                states = torchdiffeq.odeint(counted, y, times, **self.options(t0, t1))
        except _OutOfSteps:
            failure, states = Stop.STEP_LIMIT, y.expand(len(times), *y.shape)
        except AssertionError:
            # torchdiffeq asserts when its step underflows, which is how it meets a state or a
            # velocity that is not finite; it gives up the whole batch.
            failure, states = Stop.NOT_FINITE, y.expand(len(times), *y.shape)
        end = states[-1]
        finite = end.flatten(1).isfinite().all(1)
        stop = torch.full((lines,), int(failure or Stop.ARRIVED), dtype=torch.uint8)
        stop[~finite.cpu()] = int(Stop.NOT_FINITE)
        end = torch.where(finite.view(-1, *[1] * (y.ndim - 1)), end, y)
        return Solution(
            end,
            stop.to(y.device),
            torch.full((lines,), count, device=y.device),
            times[:, None].expand(-1, lines) if save else None,
            states if save else None,
        )

    def _between_plates(
        self, field: PlateField, x: Tensor, generator: Generator, save: int
    ) -> Solution:
        span = field.span
        assert isinstance(span, Plate)
        left = field.leave(field.lift(x), generator)
        sense = span.sense
        turned = (left.y[:, -1] - span.start) * sense < 0

        def slope(z: Tensor, x: Tensor) -> Tensor:
            direction = field(torch.zeros_like(z), torch.cat([x, z[:, None]], 1))
            rise = direction[:, -1]
            turned.logical_or_(rise * sense <= 0)
            safe = torch.where(turned, torch.ones_like(rise), rise)
            return torch.where(turned[:, None], 0.0, direction[:, :-1] / safe[:, None])

        begin, finish = span.start + sense * span.offset, span.end - sense * span.offset
        flat = self._odeint(slope, left.y[:, :-1], begin, finish, save)
        end = torch.cat([flat.end, torch.full_like(flat.end[:, :1], finish)], 1)
        end = torch.where(turned[:, None], left.y, end)
        met = field.meet(end)
        ok = flat.stop == int(Stop.ARRIVED)
        stop = torch.where(ok & (turned | ~met.arrived), int(Stop.TURNED), flat.stop).to(flat.stop)
        landed = (ok & ~turned & met.arrived)[:, None]
        path = None
        if flat.path is not None and flat.times is not None:
            path = torch.cat([flat.path, flat.times[..., None]], -1)
        evaluations = flat.evaluations + left.evaluations + met.evaluations
        return Solution(torch.where(landed, met.y, end), stop, evaluations, flat.times, path)


@dataclass(frozen=True)
class FixedSteps(OdeIntegrator):
    """Equal steps; every line costs the same evaluations, whatever else is in the batch."""

    steps: int = 100

    evaluations_per_step = 1

    def options(self, t0: float, t1: float) -> dict[str, Any]:
        def grid(func: object, y: Tensor, t: Tensor) -> Tensor:
            return torch.linspace(t0, t1, self.steps + 1, dtype=t.dtype, device=t.device)

        return {"method": self.scheme, "options": {"grid_constructor": grid}}

    def with_evaluations(self, nfe: int) -> FixedSteps:
        if nfe < self.evaluations_per_step:
            raise Refusal(
                f"{type(self).__name__.lower()} needs at least {self.evaluations_per_step} "
                f"evaluations, not {nfe}"
            )
        return replace(self, steps=nfe // self.evaluations_per_step)


@dataclass(frozen=True)
class Euler(FixedSteps):
    """Euler's method, order 1."""

    scheme = "euler"


@dataclass(frozen=True)
class Midpoint(FixedSteps):
    """The explicit midpoint rule, order 2."""

    scheme = "midpoint"
    evaluations_per_step = 2


@dataclass(frozen=True)
class RK4(FixedSteps):
    """The 3/8 rule of Kutta 1901, order 4, which is what torchdiffeq calls rk4."""

    scheme = "rk4"
    evaluations_per_step = 4


@dataclass(frozen=True)
class Dopri5(OdeIntegrator):
    """Dormand-Prince 5(4). One step is chosen for the whole batch, so that a result depends on
    what else is in the batch; a run records its batch size."""

    rtol: float = 1e-4
    atol: float = 1e-4
    max_steps: int = 10_000

    scheme = "dopri5"

    @property
    def limit(self) -> int:
        return self.max_steps

    def options(self, t0: float, t1: float) -> dict[str, Any]:
        return {"method": self.scheme, "rtol": self.rtol, "atol": self.atol}

    def with_evaluations(self, nfe: int) -> Integrator:
        raise Refusal(
            "dopri5 chooses its own number of evaluations; use euler, midpoint or rk4 with "
            "--nfe, or set dopri5:rtol=...,atol=..."
        )
