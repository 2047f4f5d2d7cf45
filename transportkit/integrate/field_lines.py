"""Field lines between plates, followed in arc length, each with its own steps and landing.

torchdiffeq ends a whole batch at the first event; here every line ends by itself. A step that
crosses a surface at the offset of a plate is redone with z as the independent variable (Henon,
"On the numerical computation of Poincare maps", Physica D 5, 1982): dx/dz = E_x / E_z from where
the step began lands on the surface exactly, at the order of the scheme, with no root finding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor

from ..core.integrator import Integrator, Solution
from ..core.model import Field, PlateField
from ..core.span import Plate, Span
from ..core.status import Stop
from ..errors import Refusal
from .tableaux import SCHEMES, Tableau
from .trace import Trace

_GOING = 255
_SAFETY, _SHRINK, _GROW = 0.9, 0.2, 5.0
# Steps change by eighths of an octave, chosen by comparison. A power of the error would differ in
# its last bit between vectorised and scalar code, and so make a line depend on its batch.
_FACTORS = sorted({_SHRINK, _GROW, *(2 ** (k / 8) for k in range(-18, 19))}, reverse=True)


@dataclass(frozen=True)
class Lines(Integrator):
    """Adaptive steps per line by an embedded pair, or fixed ones where `step` is given.

    `tolerance` bounds the estimated error of one step, a Euclidean norm, as a share of its length
    and the nearer plate's offset together, so that near a plate it is absolute and far away
    relative. Every line is independent of the others in its batch, to the bit where the field's own
    rows are. A line that passes through a plate goes on behind it and can return (`PlateField.meet`
    decides).
    """

    scheme: Literal["bosh3", "heun2", "dopri5"] = "bosh3"
    tolerance: float = 1e-2
    step: float | None = None
    max_steps: int = 2000

    def refuses(self, span: Span) -> str | None:
        if isinstance(span, Plate):
            return None
        return "'lines' follows fields between plates; use euler, midpoint, rk4 or dopri5 here"

    def with_evaluations(self, nfe: int) -> Integrator:
        raise Refusal(
            "field lines have different lengths, so 'lines' chooses its own evaluations; set "
            "lines:tolerance=..., or use rk4 with nfe for lines that do not turn"
        )

    def follow(self, field: Field, x: Tensor, generator: Generator, save: int) -> Solution:
        assert isinstance(field, PlateField)
        with torch.no_grad():
            return _Following(self, field, x, generator, save > 0).solution(save)


class _Following:
    """The state of one solve. Arrays over all lines; `live` holds the rows still on their way."""

    def __init__(
        self, settings: Lines, field: PlateField, x: Tensor, generator: Generator, record: bool
    ) -> None:
        self.settings, self.field = settings, field
        self.table: Tableau = SCHEMES[settings.scheme]
        self.span = field.span
        start = field.lift(x)
        self._check_resolution(start.dtype)
        left = field.leave(start, generator)
        count, device = len(start), start.device
        rows = torch.arange(count, device=device)
        self.y = left.y.clone()
        self.stop = torch.full((count,), _GOING, dtype=torch.uint8, device=device)
        self.evaluations = torch.zeros(count, dtype=torch.long, device=device) + left.evaluations
        self.length = torch.zeros(count, dtype=start.dtype, device=device)
        step = settings.step or min(self.span.offsets[0], 0.05 * self.span.distance)
        self.step = torch.full((count,), step, dtype=start.dtype, device=device)
        self.limits = start.new_tensor([(_SAFETY / f) ** self.table.order for f in _FACTORS])
        self.factors = start.new_tensor(_FACTORS)
        self.slope = self._direction(self.y, rows).clone()
        span, sense = self.span, self.span.sense
        self.offsets = start.new_tensor(span.offsets)
        first, last = (sense * offset for offset in span.offsets)
        # The surfaces that bound each region, towards the source and towards the target.
        self.low = start.new_tensor([-math.inf * sense, span.start + first, span.end + last])
        self.high = start.new_tensor([span.start - first, span.end - last, math.inf * sense])
        if not span.surfaces:
            self.low[:], self.high[:] = -math.inf * sense, math.inf * sense
        self.region = self._region(self.y)
        self.trace = Trace(start) if record else None
        self._record(rows)
        astray = ~self.y.isfinite().all(1)
        self.stop[astray | ~self.slope.isfinite().all(1)] = int(Stop.NOT_FINITE)
        self.y[astray] = start[astray]

    def solution(self, save: int) -> Solution:
        for _ in range(self.settings.max_steps):
            live = (self.stop == _GOING).nonzero().squeeze(1)
            if len(live) == 0:
                break
            self._advance(live)
        self.stop[self.stop == _GOING] = int(Stop.STEP_LIMIT)
        times, path = (None, None)
        if self.trace is not None:
            times, path = self.trace.resampled(save, self.length, self.y)
        return Solution(self.y, self.stop, self.evaluations, times, path)

    def _check_resolution(self, dtype: torch.dtype) -> None:
        """The two sides of a plate must be different numbers."""
        span = self.span
        for z, offset in zip((span.start, span.end), span.offsets, strict=True):
            least = 4 * abs(z) * torch.finfo(dtype).eps
            if offset < least:
                raise Refusal(
                    f"the offset {offset:g} (in the field's units) from the plate at z = {z:g} is "
                    f"too small for {dtype}; take one {1.01 * least / offset:.3g} times as large"
                )

    def _region(self, y: Tensor) -> Tensor:
        """Where states are, (B,): 0 outside the source plate, 1 between, 2 outside the target."""
        z, span = y[:, -1] * self.span.sense, self.span
        past_source = (z > span.start * span.sense).long()
        return past_source + (z > span.end * span.sense).long()

    def _direction(self, y: Tensor, rows: Tensor) -> Tensor:
        self.evaluations[rows] += 1
        return self.field(self.length[rows], y)

    def _advance(self, live: Tensor) -> None:
        """Try one step of every live line."""
        y, h = self.y[live], self.step[live]
        if (longest := self.field.pace(y)) is not None:
            h = torch.minimum(h, longest)
        new, error, last, finite = self._arc_step(y, self.slope[live], h, live)
        ratio = error / self._allowed(y, h)
        accepted = finite & ((ratio <= 1) | (self.settings.step is not None))

        low, high = self.low[self.region[live]], self.high[self.region[live]]
        z, sense = new[:, -1], self.span.sense
        # A line that runs along a surface has not crossed it.
        onward = (z - high) * sense > 0
        crossing = accepted & (onward | ((z - low) * sense < 0))
        surface = torch.where(onward, high, low)
        moved = accepted & ~crossing
        tiny = self._tiny(y)
        self._keep(live[moved], new[moved], h[moved], last[moved])

        if self.settings.step is None:
            # Where the error is not finite the comparison fails for every factor but the least.
            chosen = torch.bucketize(ratio, self.limits).clamp_max(len(_FACTORS) - 1)
            factor = torch.where(finite, self.factors[chosen], _SHRINK)
            self.step[live] = h * factor
        else:
            self.step[live] = (2 * h).clamp_max(self.settings.step)
        if crossing.any():
            rows = live[crossing]
            grazing = h[crossing] <= tiny[crossing]
            landed = self._land(rows, surface[crossing], onward[crossing], grazing)
            self.step[rows[~landed]] = torch.maximum(h / 2, tiny)[crossing][~landed]
        self._give_up(live, finite, tiny)

    def _offset(self, y: Tensor) -> Tensor:
        """The offset (B,) of the plate that is nearer to states y (B, D+1)."""
        late = (y[:, -1] - (self.span.start + self.span.end) / 2) * self.span.sense > 0
        return self.offsets[late.long()]

    def _allowed(self, y: Tensor, length: Tensor) -> Tensor:
        """The error (B,) allowed to steps of these lengths at, or onto a surface at, y (B, D+1)."""
        return self.settings.tolerance * (self._offset(y) + length)

    def _tiny(self, y: Tensor) -> Tensor:
        """The step below which a line does not move: a few roundings of its coordinates."""
        rounding = 4 * torch.finfo(y.dtype).eps * y.abs().amax(1)
        return torch.maximum(rounding, 1e-7 * self._offset(y))

    def _arc_step(
        self, y: Tensor, first: Tensor, h: Tensor, rows: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """One step in arc length: the new state, its error, the last stage, whether finite."""
        stages = [first]
        for coefficients in self.table.a[1:]:
            ahead = y + h[:, None] * _combine(coefficients, stages)
            stages.append(self._direction(ahead, rows))
        new = y + h[:, None] * _combine(self.table.b, stages)
        error = (h[:, None] * _combine(self.table.error, stages)).norm(dim=1)
        last = stages[-1]
        finite = new.isfinite().all(1) & error.isfinite() & last.isfinite().all(1)
        return new, error, last, finite

    def _keep(self, rows: Tensor, new: Tensor, h: Tensor, last: Tensor) -> None:
        """Accept a step that met no surface."""
        if len(rows) == 0:
            return
        self.y[rows] = new
        self.length[rows] += h
        if self.table.first_same_as_last:
            self.slope[rows] = last
        else:
            self.slope[rows] = self._direction(new, rows)
        self._record(rows)
        new = self._leap(rows, new)
        rows, new = self._capture(rows, new)
        outside = new.abs().amax(1) > self.span.reach
        self.stop[rows[outside]] = int(Stop.LEFT_BOX)

    def _leap(self, rows: Tensor, y: Tensor) -> Tensor:
        """Lines that the field can carry on at once; where they are after that."""
        there = self.field.leap(y, self.slope[rows])
        leapt = (there != y).any(1) & there.isfinite().all(1)
        if leapt.any():
            moved = rows[leapt]
            self.y[moved] = there[leapt]
            self.length[moved] += (there - y)[leapt].norm(dim=1)
            self.region[moved] = self._region(there[leapt])
            self.slope[moved] = self._direction(there[leapt], moved)
            self._record(moved)
        return self.y[rows]

    def _capture(self, rows: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """End the lines that the field captures; the others."""
        met = self.field.capture(y)
        self.evaluations[rows] += met.evaluations
        caught = met.arrived
        if caught.any():
            ended = rows[caught]
            self.y[ended] = met.y[caught]
            self.length[ended] += (met.y - y)[caught].norm(dim=1)
            self.stop[ended] = int(Stop.ARRIVED)
            self._record(ended)
        return rows[~caught], y[~caught]

    def _land(self, rows: Tensor, surface: Tensor, onward: Tensor, grazing: Tensor) -> Tensor:
        """Redo the steps of these lines in z, onto the surface ahead; whether each succeeded.

        `onward` tells the lines that meet it on the way from source to target.

        It fails where the line does not rise towards the surface all the way: a line that leaves
        its surface and arches back onto it within the step, or one that bends away before it. A
        smaller step tells. A line that is `grazing`, its step too small to move it, touches the
        surface where it is.
        """
        y, slope = self.y[rows], self.slope[rows]
        rising = torch.where(onward, self.span.sense, -self.span.sense)
        dz = surface - y[:, -1]

        ok = slope[:, -1] * rising > 0
        stages = [_per_height(slope, ok)]
        for coefficients in self.table.a[1:]:
            ahead = y + dz[:, None] * _combine(coefficients, stages)
            direction = self._direction(ahead, rows)
            ok = ok & (direction[:, -1] * rising > 0)
            stages.append(_per_height(direction, ok))
        at = y + dz[:, None] * _combine(self.table.b, stages)
        error = (dz[:, None] * _combine(self.table.error, stages)).norm(dim=1)
        ok &= at.isfinite().all(1)
        if self.settings.step is None:
            ok &= error <= self._allowed(at, dz.abs())
        at = torch.where(ok[:, None], at, y)
        at[:, -1] = surface
        ok |= grazing
        self._meet(rows[ok], at[ok], (at - y).norm(dim=1)[ok])
        return ok

    def _meet(self, rows: Tensor, at: Tensor, length: Tensor) -> None:
        """Lines on a surface of a plate: end them there or let them pass."""
        if len(rows) == 0:
            return
        self.y[rows] = at
        self.length[rows] += length
        self._record(rows)
        met = self.field.meet(at)
        self.evaluations[rows] += met.evaluations
        finite = met.y.isfinite().all(1)
        self.stop[rows[met.arrived]] = int(Stop.ARRIVED)
        ended = met.arrived
        if met.given_up is not None:
            self.stop[rows[met.given_up]] = int(Stop.STEP_LIMIT)
            ended = ended | met.given_up
        self.stop[rows[~finite]] = int(Stop.NOT_FINITE)
        rows, y, at, ended = rows[finite], met.y[finite], at[finite], ended[finite]
        self.y[rows] = y
        self.length[rows] += (y - at).norm(dim=1)
        on = rows[~ended]
        if len(on):
            self.region[on] = self._region(self.y[on])
            self.slope[on] = self._direction(self.y[on], on)
        self._record(rows)

    def _give_up(self, live: Tensor, finite: Tensor, tiny: Tensor) -> None:
        """Stop lines whose step shrank to nothing, or that meet no finite field at a fixed one."""
        going = self.stop[live] == _GOING
        stuck = going & (self.step[live] < tiny)
        self.stop[live[stuck & finite]] = int(Stop.STEP_LIMIT)
        hopeless = stuck | (self.settings.step is not None)
        self.stop[live[going & hopeless & ~finite]] = int(Stop.NOT_FINITE)

    def _record(self, rows: Tensor) -> None:
        if self.trace is not None and len(rows):
            self.trace.add(rows, self.length[rows], self.y[rows])


def _combine(coefficients: tuple[float, ...], stages: list[Tensor]) -> Tensor:
    total = torch.zeros_like(stages[0])
    for c, stage in zip(coefficients, stages, strict=False):
        if c:
            total = total + c * stage
    return total


def _per_height(direction: Tensor, ok: Tensor) -> Tensor:
    """dy/dz (B, D+1) of a direction; zero where it does not rise, which the caller rejects."""
    rise = torch.where(ok, direction[:, -1], torch.ones_like(direction[:, -1]))
    return torch.where(ok[:, None], direction / rise[:, None], 0.0)
