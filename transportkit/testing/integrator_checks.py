"""What is asked of an integrator: lines followed to their end, honestly counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from ..core.integrator import Integrator, Solution
from ..core.model import DiffusionField, Field, IntervalField
from ..core.random import derive
from ..core.span import Interval, Plate, Span
from ..core.spec import IntegratorSpec
from ..core.status import Stop
from ..errors import Refusal
from .outcome import Skip
from .subject import Subject, starts

ACCURACY = 0.05
SPREAD = 0.1
"""Relative error allowed to the standard deviation of where 4,000 lines end."""

SPANS: Mapping[str, Span] = {
    "interval": Interval(),
    "noisy interval": Interval(noisy=True),
    "denoising interval": Interval(denoising=True),
    "plate": Plate(0.0, 3.0, (0.1, 0.1), 10.0),
}


FAINT = 1e-3
"""Level of the noise of a trial that should have none."""

LEFT = 0.25
"""Variance that is left where noise of the rest of 1 is removed."""


class Trial(IntervalField):
    """y' = f(t, y), which counts the lines that it is evaluated on."""

    def __init__(self, velocity: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.velocity, self.rows = velocity, 0

    @property
    def config(self) -> Mapping[str, Any]:
        return {}

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        assert t.shape == y.shape[:1], f"times have shape {tuple(t.shape)}, not one per line"
        self.rows += len(y)
        return self.velocity(t, y)


class NoisyTrial(Trial, DiffusionField):
    """The same field, for those that follow no other than one with a stochastic equation or a level
    of noise: here there is none of it."""

    @property
    def span(self) -> Interval:
        return Interval(noisy=True, denoising=True)

    def drift(self, t: Tensor, y: Tensor) -> Tensor:
        return self(t, y)

    def noise(self, t: Tensor) -> Tensor:
        return torch.zeros_like(t)

    def noise_level(self, t: Tensor) -> Tensor:
        return FAINT * (1 - t)

    def with_noise(
        self, t: Tensor, y: Tensor, level: Tensor, draw: Tensor
    ) -> tuple[Tensor, Tensor]:
        more = (level.square() - self.noise_level(t).square()).clamp_min(0).sqrt()
        return 1 - level / FAINT, y + more[:, None] * draw


class Settling(NoisyTrial):
    """What becomes of N(0, 1) of which all but `LEFT` of the variance is noise that is removed.

    At time t the noise has size s = (1 - t) (1 - LEFT)^(1/2), and states the variance LEFT + s^2,
    by the lines, by the stochastic equation, and where noise is put in on the way.
    """

    def __init__(self) -> None:
        super().__init__(lambda t, y: self._rate(t)[:, None] * y)

    def noise_level(self, t: Tensor) -> Tensor:
        return (1 - t) * (1 - LEFT) ** 0.5

    def _rate(self, t: Tensor) -> Tensor:
        return -((1 - LEFT) ** 0.5) * self.noise_level(t) / (LEFT + self.noise_level(t).square())

    def drift(self, t: Tensor, y: Tensor) -> Tensor:
        return 2 * self(t, y)

    def noise(self, t: Tensor) -> Tensor:
        return (2 * (1 - LEFT) ** 0.5 * self.noise_level(t)).sqrt()

    def with_noise(
        self, t: Tensor, y: Tensor, level: Tensor, draw: Tensor
    ) -> tuple[Tensor, Tensor]:
        more = (level.square() - self.noise_level(t).square()).clamp_min(0).sqrt()
        return 1 - level / (1 - LEFT) ** 0.5, y + more[:, None] * draw


def _growth(t: Tensor, y: Tensor) -> Tensor:
    """y' = y cos t, whose lines are y(t) = y(0) exp(sin t)."""
    return y * torch.cos(t)[:, None]


def refusals(subject: Subject) -> None:
    """Does it serve the spans that its spec names, and refuse others with a reason?"""
    spec, integrator = subject.loaded.spec, _integrator(subject)
    assert isinstance(spec, IntegratorSpec)
    for kind, span in SPANS.items():
        reason = integrator.refuses(span)
        # To whom does not ask for noise levels a denoising interval is like any other.
        named = kind in spec.spans or (kind == "denoising interval" and "interval" in spec.spans)
        if named:
            assert reason is None, f"the spec serves spans of kind {kind}, but: {reason}"
        else:
            assert isinstance(reason, str), f"spans of kind {kind} are not refused"
            assert reason.strip(), f"spans of kind {kind} are refused without a reason"


def accurate(subject: Subject) -> None:
    """Do lines end where they should, both ways in time?"""
    field = _trial(subject, _growth)
    growth = float(torch.sin(torch.ones(())).exp())
    for trial, factor in ((field, growth), (field.reverse(), 1 / growth)):
        if _integrator(subject).refuses(trial.span):
            continue
        solution = _solve(subject, trial)
        error = float((solution.end - factor * starts()).abs().max())
        assert solution.arrived.all(), f"lines did not arrive: {solution.shares()}"
        assert error < ACCURACY, f"lines end up to {error:.2g} from where they should"


def evaluations_counted(subject: Subject) -> None:
    """Are evaluations counted for each line, and none left out?"""
    field = _trial(subject, _growth)
    solution = _solve(subject, field)
    reported = int(solution.evaluations.sum())
    assert reported == field.rows, f"{field.rows} evaluations were made, {reported} reported"


def evaluations_limited(subject: Subject) -> None:
    """Is a limit on evaluations kept, or refused with a reason?"""
    try:
        limited = _integrator(subject).with_evaluations(8)
    except Refusal as refusal:
        raise Skip(f"refused: {refusal}") from None
    solution = limited.solve(_trial(subject, _growth), starts(), derive(0, "push"))
    assert (solution.evaluations <= 8).all(), f"{int(solution.evaluations.max())} made, 8 allowed"


def path_saved(subject: Subject) -> None:
    """Are as many states kept as were asked for, from the start of a line to its end?"""
    x = starts()
    solution = _integrator(subject).solve(_trial(subject, _growth), x, derive(0, "push"), save=5)
    assert solution.path is not None, "no path is kept"
    assert solution.times is not None, "no times are kept"
    assert solution.path.shape == (5, *x.shape), f"the path is {tuple(solution.path.shape)}"
    assert solution.times.shape == (5, len(x)), f"the times are {tuple(solution.times.shape)}"
    torch.testing.assert_close(solution.path[0], x)
    torch.testing.assert_close(solution.path[-1], solution.end)


def same_lines(subject: Subject) -> None:
    """Are the same lines followed to the same end, to the bit?"""
    first, second = (_solve(subject, _trial(subject, _growth)) for _ in range(2))
    assert torch.equal(first.end, second.end), "the same lines end elsewhere"


def laws_kept(subject: Subject) -> None:
    """Do lines of a field that removes noise end with the law that it has, whatever noise the
    integrator puts in?"""
    x = torch.randn(4000, 2, generator=derive(0, "starts"))
    solution = _integrator(subject).solve(_served(subject, Settling()), x, derive(0, "push"))
    found = float(solution.end.square().mean().sqrt() / LEFT**0.5)
    assert abs(found - 1) < SPREAD, (
        f"ends have {found:.2f} times the standard deviation they should"
    )


def not_finite(subject: Subject) -> None:
    """Is a line whose field is not finite given a status, and the others followed to the end?"""

    def velocity(t: Tensor, y: Tensor) -> Tensor:
        right = torch.tensor([1.0, 0.0]).to(y).expand_as(y)
        return torch.where(y[:, 1:] <= 0, right, torch.nan)

    x = starts()
    solution = _integrator(subject).solve(_trial(subject, velocity), x, derive(0, "push"))
    bad = x[:, 1] > 0
    assert solution.arrived[~bad].all(), "lines on which the field is finite did not arrive"
    assert not solution.arrived[bad].any(), "lines on which the field is not finite arrived"
    assert (solution.stop[bad] == int(Stop.NOT_FINITE)).all(), f"they say {solution.shares()}"
    assert solution.end.isfinite().all(), "lines that failed end at a state that is not finite"


def _integrator(subject: Subject) -> Integrator:
    made = subject.make()
    assert isinstance(made, Integrator)
    return made


def _trial(subject: Subject, velocity: Callable[[Tensor, Tensor], Tensor]) -> Trial:
    """A trial that the integrator follows. Skips where it follows none over an interval."""
    plain = Trial(velocity)
    if _integrator(subject).refuses(plain.span) is None:
        return plain
    noisy = NoisyTrial(velocity)
    _served(subject, noisy)
    return noisy


def _served(subject: Subject, field: Field) -> Field:
    if reason := _integrator(subject).refuses(field.span):
        raise Skip(f"refused: {reason}")
    return field


def _solve(subject: Subject, field: Field) -> Solution:
    return _integrator(subject).solve(_served(subject, field), starts(), derive(0, "push"))


ALL = (
    refusals,
    accurate,
    evaluations_counted,
    evaluations_limited,
    path_saved,
    same_lines,
    laws_kept,
    not_finite,
)
