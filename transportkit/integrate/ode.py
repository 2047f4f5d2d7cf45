"""Fields over an interval through torchdiffeq; plate fields where they rise from plate to plate.

Between plates the height z serves as time: dx/dz = E_x / E_z. That follows only lines whose
E_z keeps its sign; a line that turns is reported as `Stop.TURNED`, and stands where it was seen to
turn (by an adaptive scheme also in a trial step that it would have taken back).
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

Velocity = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(t (B,), y (B, *S), rows (B,)) -> (B, *S); rows say which lines of the solve these are."""


class _OutOfSteps(Exception):
    """The evaluations allowed to a batch are used up."""


class _Underflow(Exception):
    """The step of an adaptive scheme shrank to nothing."""


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
        if isinstance(span, Plate) and not span.surfaces:
            return "these lines end at charges, not on a plate; use the integrator 'lines'"
        return None

    def follow(self, field: Field, x: Tensor, generator: Generator, save: int) -> Solution:
        if isinstance(field, PlateField):
            return self._between_plates(field, x, generator, save)
        span = field.span
        assert isinstance(span, Interval)
        return self._solve(lambda t, y, rows: field(t, y), field.lift(x), span.t0, span.t1, save)

    def _solve(self, velocity: Velocity, y: Tensor, t0: float, t1: float, save: int) -> Solution:
        """Every line from y (B, *S) over [t0, t1].

        An adaptive scheme gives up the whole batch at a velocity that is not finite. The lines
        that had it are then left out, as `Stop.NOT_FINITE` at their start, and the others
        followed anew, as if those had never been there; what was spent is counted.
        """
        times = torch.linspace(t0, t1, max(2, save), dtype=y.dtype, device=y.device)
        states = y.expand(len(times), *y.shape).clone()
        stop = torch.zeros(len(y), dtype=torch.uint8, device=y.device)
        evaluations = torch.zeros(len(y), dtype=torch.long, device=y.device)
        rows = torch.arange(len(y), device=y.device)
        while len(rows):
            batch = _Batch(velocity, rows, self.limit)
            try:
                with torch.no_grad():
                    states[:, rows] = _odeint(batch, y[rows], times, self.options(t0, t1))
                done = True
            except _OutOfSteps:
                stop[rows], done = int(Stop.STEP_LIMIT), True
            except _Underflow:
                lost, done = batch.lost, not batch.lost.any()
                stop[rows[lost]] = int(Stop.NOT_FINITE)
                if done:
                    stop[rows] = int(Stop.STEP_LIMIT)
            evaluations[rows] += batch.count
            if done:
                break
            rows = rows[~lost]
        finite = states[-1].flatten(1).isfinite().all(1)
        stop[~finite] = int(Stop.NOT_FINITE)
        end = torch.where(finite.view(-1, *[1] * (y.ndim - 1)), states[-1], y)
        if not save:
            return Solution(end, stop, evaluations)
        return Solution(end, stop, evaluations, times[:, None].expand(-1, len(y)), states)

    def _between_plates(
        self, field: PlateField, x: Tensor, generator: Generator, save: int
    ) -> Solution:
        span = field.span
        assert isinstance(span, Plate)
        start = field.lift(x)
        left = field.leave(start, generator)
        sense = span.sense
        begin, finish = span.start + sense * span.offsets[0], span.end - sense * span.offsets[1]
        turned = (left.y[:, -1] - span.start) * sense < 0
        height = torch.where(turned, left.y[:, -1], finish)

        def slope(z: Tensor, x: Tensor, rows: Tensor) -> Tensor:
            direction = field(torch.zeros_like(z), torch.cat([x, z[:, None]], 1))
            rise = direction[:, -1]
            turns = (rise * sense <= 0) & ~turned[rows]
            height[rows[turns]] = z[turns]
            turned[rows[turns]] = True
            gone = turned[rows]
            safe = torch.where(gone, torch.ones_like(rise), rise)
            return torch.where(gone[:, None], 0.0, direction[:, :-1] / safe[:, None])

        flat = self._solve(slope, left.y[:, :-1], begin, finish, save)
        end = torch.cat([flat.end, height[:, None]], 1)
        arrived = flat.arrived
        end[~arrived] = left.y[~arrived]
        stop = torch.where(arrived & turned, int(Stop.TURNED), flat.stop).to(flat.stop)
        evaluations = flat.evaluations + left.evaluations
        there = (arrived & ~turned).nonzero().squeeze(1)
        if len(there):
            met = field.meet(end[there])
            evaluations[there] += met.evaluations
            # One that passes through goes on behind the plate, where z no longer grows with it.
            stop[there[~met.arrived]] = int(Stop.TURNED)
            end[there[met.arrived]] = met.y[met.arrived]
        if flat.path is None or flat.times is None:
            return Solution(end, stop, evaluations)
        times = flat.times.clone()
        times[0], times[-1] = span.start, span.end
        path = torch.cat([flat.path, flat.times[..., None]], -1)
        path[:, turned, -1] = torch.where(
            (path[:, turned, -1] - height[turned]) * sense > 0, height[turned], path[:, turned, -1]
        )
        path[0], path[-1] = start, end
        return Solution(end, stop, evaluations, times, path)


class _Batch:
    """The velocity of some of the lines, with the evaluations counted and the last one watched."""

    def __init__(self, velocity: Velocity, rows: Tensor, limit: int | None) -> None:
        self.velocity, self.rows, self.limit = velocity, rows, limit
        self.count = 0
        self.lost = torch.zeros_like(rows, dtype=torch.bool)

    def __call__(self, t: Tensor, y: Tensor) -> Tensor:
        if self.limit is not None and self.count >= self.limit:
            raise _OutOfSteps
        self.count += 1
        velocity = self.velocity(t.to(y).expand(len(y)), y, self.rows)
        if self.limit is not None:
            # Kept on the device: looked at only after a failure.
            self.lost = ~(velocity.flatten(1).isfinite().all(1) & y.flatten(1).isfinite().all(1))
            if self.count == 1 and self.lost.any():
                raise _Underflow
        return velocity


def _odeint(batch: _Batch, y: Tensor, times: Tensor, options: dict[str, Any]) -> Tensor:
    """`torchdiffeq.odeint`, whose assertion that its step underflows becomes `_Underflow`."""
    try:
        return torchdiffeq.odeint(batch, y, times, **options)
    except AssertionError as error:
        if str(error).startswith(("underflow in dt", "non-finite values")):
            raise _Underflow from None
        raise


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
    what else is in the batch; a run records its batch size. `max_steps` bounds the evaluations."""

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
            "nfe, or set dopri5:rtol=...,atol=..."
        )
