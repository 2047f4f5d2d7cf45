"""Field lines between plates, followed in arc length, each with its own steps and landing.

torchdiffeq ends a whole batch at the first event; here every line ends by itself. A step that
crosses a surface z = end ± offset is redone with z as the independent variable (Henon, "On the
numerical computation of Poincare maps", Physica D 5, 1982): dx/dz = E_x / E_z from where the step
began lands on the surface exactly, at the order of the scheme, with no root finding.
"""

from __future__ import annotations

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

_GOING = 255
_SAFETY, _SHRINK, _GROW = 0.9, 0.2, 5.0


@dataclass(frozen=True)
class Lines(Integrator):
    """Adaptive steps per line by an embedded pair, or fixed ones where `step` is given.

    `tolerance` bounds the estimated error of one step, as the Euclidean norm in the field's
    lifted units. Every line is independent of the others in its batch. A line that passes through
    the far plate goes on behind it and can return (`PlateField.meet` decides).
    """

    scheme: Literal["bosh3", "heun2", "dopri5"] = "bosh3"
    tolerance: float = 1e-3
    step: float | None = None
    max_steps: int = 2000

    def refuses(self, span: Span) -> str | None:
        if isinstance(span, Plate):
            return None
        return "'lines' follows fields between plates; use euler, midpoint, rk4 or dopri5 here"

    def with_evaluations(self, nfe: int) -> Integrator:
        raise Refusal(
            "field lines have different lengths, so 'lines' chooses its own evaluations; set "
            "lines:tolerance=..., or use rk4 with --nfe for lines that do not turn"
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
        left = field.leave(start, generator)
        count, device = len(start), start.device
        self.y = left.y.clone()
        self.stop = torch.full((count,), _GOING, dtype=torch.uint8, device=device)
        self.evaluations = torch.full((count,), left.evaluations, device=device)
        self.length = torch.zeros(count, dtype=start.dtype, device=device)
        first = settings.step or min(self.span.offset, 0.05 * self.span.distance)
        self.step = torch.full((count,), first, dtype=start.dtype, device=device)
        self.slope = self._direction(self.y, torch.arange(count, device=device))
        # Lines past the far plate meet its back next.
        self.behind = self._height(self.y) > 0
        self.trace: list[tuple[Tensor, Tensor, Tensor]] | None = None
        if record:
            rows = torch.arange(count, device=device)
            self.trace = [(rows, self.length.clone(), start.clone())]
            self._record(rows)

    def solution(self, save: int) -> Solution:
        bad = ~(self.y.isfinite().all(1) & self.slope.isfinite().all(1))
        self.y[bad] = self.trace[0][2][bad] if self.trace else torch.nan_to_num(self.y[bad])
        self.stop[bad] = int(Stop.NOT_FINITE)
        for _ in range(self.settings.max_steps):
            live = (self.stop == _GOING).nonzero().squeeze(1)
            if len(live) == 0:
                break
            self._advance(live)
        self.stop[self.stop == _GOING] = int(Stop.STEP_LIMIT)
        times, path = self._resampled(save) if self.trace is not None else (None, None)
        return Solution(self.y, self.stop, self.evaluations, times, path)

    def _height(self, y: Tensor) -> Tensor:
        """Signed distance past the far plate, (B,)."""
        return (y[:, -1] - self.span.end) * self.span.sense

    def _direction(self, y: Tensor, rows: Tensor) -> Tensor:
        self.evaluations[rows] += 1
        return self.field(self.length[rows], y)

    def _advance(self, live: Tensor) -> None:
        """Try one step of every live line."""
        y, h = self.y[live], self.step[live]
        new, error, last, finite = self._arc_step(y, self.slope[live], h, live)
        ratio = error / self.settings.tolerance
        accepted = finite & ((ratio <= 1) | (self.settings.step is not None))

        height, behind = self._height(new), self.behind[live]
        edge = self.span.offset
        crossing = accepted & torch.where(behind, height <= edge, height >= -edge)
        moved = accepted & ~crossing
        self._keep(live[moved], new[moved], h[moved], last[moved])
        landed = self._land(live[crossing]) if crossing.any() else None

        if self.settings.step is None:
            factor = _SAFETY * ratio.clamp_min(1e-12) ** (-1 / self.table.order)
            factor = torch.where(finite, factor, _SHRINK).clamp(_SHRINK, _GROW)
            self.step[live] = h * factor
        if landed is not None:
            rows = live[crossing]
            self.step[rows[~landed]] = h[crossing][~landed] / 2
        self._give_up(live, finite)

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
        self.y[rows] = new
        self.length[rows] += h
        if self.table.first_same_as_last:
            self.slope[rows] = last
        elif len(rows):
            self.slope[rows] = self._direction(new, rows)
        self._record(rows)
        outside = new.abs().amax(1) > self.span.reach
        self.stop[rows[outside]] = int(Stop.LEFT_BOX)

    def _land(self, rows: Tensor) -> Tensor:
        """Redo the steps of these lines in z, onto the surface ahead; whether each succeeded."""
        y, slope, behind = self.y[rows], self.slope[rows], self.behind[rows]
        edge = torch.where(behind, 1, -1).to(y.dtype) * self.span.offset
        surface = self.span.end + self.span.sense * edge
        dz = surface - y[:, -1]
        rising = torch.where(behind, -self.span.sense, self.span.sense)

        ok = slope[:, -1] * rising > 0
        stages = [_per_height(slope, ok)]
        for coefficients in self.table.a[1:]:
            ahead = y + dz[:, None] * _combine(coefficients, stages)
            direction = self._direction(ahead, rows)
            ok = ok & (direction[:, -1] * rising > 0)
            stages.append(_per_height(direction, ok))
        at = y + dz[:, None] * _combine(self.table.b, stages)
        at[:, -1] = surface
        error = (dz[:, None] * _combine(self.table.error, stages)).norm(dim=1)
        # A step that starts on its surface, dz = 0, has landed whatever the slopes are.
        still = dz == 0
        ok = (ok & at.isfinite().all(1)) | still
        at = torch.where(still[:, None], y, at)
        if self.settings.step is None:
            ok &= (error <= self.settings.tolerance) | still
        self._meet(rows[ok], at[ok], (at - y).norm(dim=1)[ok])
        return ok

    def _meet(self, rows: Tensor, at: Tensor, length: Tensor) -> None:
        """Lines on a surface of the far plate: end them there or let them pass."""
        if len(rows) == 0:
            return
        self.y[rows] = at
        self.length[rows] += length
        self._record(rows)
        met = self.field.meet(at)
        self.evaluations[rows] += met.evaluations
        self.y[rows] = met.y
        self.length[rows] += (met.y - at).norm(dim=1)
        self.stop[rows[met.arrived]] = int(Stop.ARRIVED)
        on = rows[~met.arrived]
        if len(on):
            self.behind[on] = ~self.behind[on]
            self.slope[on] = self._direction(self.y[on], on)
        self._record(rows)

    def _give_up(self, live: Tensor, finite: Tensor) -> None:
        """Stop lines whose step shrank to nothing: the field is not finite ahead of them."""
        tiny = self.step[live] < 1e-7 * self.span.offset
        lost = live[tiny & (self.stop[live] == _GOING)]
        self.stop[lost] = int(Stop.STEP_LIMIT)
        self.stop[live[tiny & ~finite]] = int(Stop.NOT_FINITE)
        if self.settings.step is not None:
            self.stop[live[~finite]] = int(Stop.NOT_FINITE)

    def _record(self, rows: Tensor) -> None:
        if self.trace is not None and len(rows):
            self.trace.append((rows, self.length[rows].clone(), self.y[rows].clone()))

    def _resampled(self, save: int) -> tuple[Tensor, Tensor]:
        """`save` states of each line at equal parts of its own length, between its steps linear."""
        assert self.trace is not None
        rows = torch.cat([r for r, _, _ in self.trace])
        lengths = torch.cat([s for _, s, _ in self.trace])
        states = torch.cat([y for _, _, y in self.trace])
        times = torch.linspace(0, 1, save, dtype=lengths.dtype, device=rows.device)[:, None]
        times = times * self.length
        path = torch.empty(save, *self.y.shape, dtype=self.y.dtype, device=rows.device)
        order = torch.argsort(rows, stable=True)
        counts = torch.bincount(rows, minlength=len(self.y)).tolist()
        for line, own in enumerate(torch.split(order, counts)):
            s, y, t = lengths[own].contiguous(), states[own], times[:, line].contiguous()
            right = torch.searchsorted(s, t).clamp(1, len(s) - 1)
            gap = (s[right] - s[right - 1]).clamp_min(torch.finfo(s.dtype).tiny)
            part = ((t - s[right - 1]) / gap).clamp(0, 1)[:, None]
            path[:, line] = y[right - 1] + part * (y[right] - y[right - 1])
        return times, path


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
