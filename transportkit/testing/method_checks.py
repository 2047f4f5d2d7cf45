"""What is asked of a method: numbers that can be trusted whatever method they came from."""

from __future__ import annotations

import copy
import json
import re
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from .. import registry
from ..core.choice import Choice
from ..core.integrator import Integrator
from ..core.model import DiffusionField, Field, IntervalField
from ..core.problem import Empirical, Problem
from ..core.random import derive
from ..core.record import Budget
from ..core.span import Interval
from ..core.spec import MethodSpec
from ..core.status import Stop
from ..core.trainer import Progress
from ..errors import TransportkitError
from ..harness.saving import load_model, save_model
from ..integrate.field_lines import Lines
from ..integrate.ode import Dopri5
from ..transport import Moved, Transport
from . import trials
from .outcome import Skip
from .subject import QUICK, MethodSubject, push, same, starts

NEAR = 4.0
"""How many times the noise floor is near it."""

TOLERANCE = 1e-3
"""Difference allowed between ways of computing the same points, in units of the data."""

IMAGE = (1, 4, 4)

ROUNDS, CUT = Budget(steps=8), 5
"""A training of several rounds where a method has them, and a step that is not in the first.
Rounds longer than this are for the tests of the method."""


def same_seed(subject: MethodSubject) -> None:
    """Does one seed give the same samples to the bit, whatever the global random state?"""
    first, second = (subject.trial(state=state).moved for state in (1, 2))
    assert same(first, second), (
        "two fits with one seed move the same points differently; draw from the generator alone, "
        "initial weights included"
    )


def global_state(subject: MethodSubject) -> None:
    """Are the global random states of Python, NumPy and torch left as they were?"""
    # Of a second fit: what libraries do when they are first imported is not the method's doing.
    changed = subject.trial(state=2).seeded
    assert not changed, f"fitting or moving points changes the global state of {changed}"


def inputs_unchanged(subject: MethodSubject) -> None:
    """Are training samples and moved points left as they were?"""
    altered = subject.trial().altered
    assert not altered, f"changed in place: {', '.join(altered)}"


def saved_and_loaded(subject: MethodSubject) -> None:
    """Does a model that was saved and loaded move points as before, to the bit?"""
    trial = subject.trial()
    model, integrator = trial.fit.model, subject.integrator
    config = dict(model.config)
    assert json.loads(json.dumps(config)) == config, f"`config` is not JSON values: {config}"
    with tempfile.TemporaryDirectory() as folder:
        save_model(Path(folder), subject.choice, model)
        _, loaded = load_model(Path(folder))
    assert same(trial.moved, push(Transport(loaded, integrator), starts())), (
        "the loaded model moves points differently; all that matters must be in its state_dict "
        "or in `config`"
    )


def resumed(subject: MethodSubject) -> None:
    """Does a fit that is cut off, and goes on from its checkpoint, move points to the same bits?"""
    problem = trials.samples()
    whole = subject.fit(problem, ROUNDS)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder) / "fit.checkpoint"
        try:
            subject.fit(problem, ROUNDS, callbacks=[_cut], checkpoint=checkpoint)
        except _Cut:
            if not checkpoint.exists():
                raise Skip("its trainer keeps no checkpoint") from None
        else:
            raise Skip(f"it reports no step {CUT}, as one that is solved at once")
        fit = subject.fit(problem, ROUNDS, checkpoint=checkpoint)
    assert fit.history == whole.history, "the losses are not those of a fit that was not cut off"
    moved, wanted = (push(subject.transport(f), starts()) for f in (fit, whole))
    assert same(moved, wanted), (
        "a fit that was resumed moves points differently; give what it depends on in `Game.state`, "
        "and draw from the generator alone"
    )


class _Cut(KeyboardInterrupt):
    """A Ctrl-C that the check makes, which is not the user's."""


def _cut(progress: Progress) -> None:
    if progress.step == CUT:
        raise _Cut


def shapes(subject: MethodSubject) -> None:
    """Do points of the plane keep shape and type, and come without a gradient? And no points?"""
    _check_shapes(subject, (2,))
    none = push(subject.trial().transport, starts()[:0]).points
    assert none.shape == (0, 2), f"no points are moved to {tuple(none.shape)}"


def images(subject: MethodSubject) -> None:
    """Are points of any shape served, or refused with a reason?"""
    _check_shapes(subject, IMAGE)


def _check_shapes(subject: MethodSubject, shape: tuple[int, ...]) -> None:
    x, moved = starts(shape), subject.trial(shape).moved
    assert moved.points.shape == x.shape, (
        f"points {tuple(x.shape)} are moved to {tuple(moved.points.shape)}"
    )
    assert moved.points.dtype == x.dtype, f"float32 points become {moved.points.dtype}"
    assert not moved.points.requires_grad, "moved points carry a gradient"


def finite(subject: MethodSubject) -> None:
    """Are moved points finite, hardly trained as the method is?"""
    moved = subject.trial().moved
    lost = 1 - moved.finished
    assert moved.points.isfinite().all(), "some moved points are not finite"
    assert not (moved.stop == Stop.NOT_FINITE).any(), (
        f"{lost:.0%} of the lines stopped: {moved.stops}"
    )


def double_precision(subject: MethodSubject) -> None:
    """Does the model in float64 move float64 points to about where it does in float32?"""
    trial = subject.trial()
    model = copy.deepcopy(trial.fit.model).double()
    try:
        moved = push(Transport(model, subject.integrator), starts().double())
    except TransportkitError as error:
        raise Skip(f"float64 is not served: {error}") from None
    assert moved.points.dtype == torch.float64, f"float64 points become {moved.points.dtype}"
    gap = _typical_gap(moved.points.float(), trial.moved.points)
    assert gap < 10 * TOLERANCE, f"float64 and float32 differ by {gap:.2g}"


def devices(subject: MethodSubject) -> None:
    """Does it fit and move points on a CUDA device, and agree there with the CPU?"""
    if not torch.cuda.is_available():
        raise Skip("no CUDA device here")
    fit = subject.fit(trials.samples(), device="cuda")
    there = subject.transport(fit)
    moved = push(there, starts())
    assert moved.points.device.type == "cuda", "points moved on CUDA come back elsewhere"
    if _is_random(there, moved):
        raise Skip("fits and moves points on CUDA; a random model draws other numbers there")
    here = push(Transport(copy.deepcopy(fit.model).cpu(), subject.integrator), starts())
    gap = _typical_gap(moved.points.cpu(), here.points)
    assert gap < 10 * TOLERANCE, f"CUDA and the CPU differ by {gap:.2g}"


def batch_independence(subject: MethodSubject) -> None:
    """Does a point go to the same place whatever else is in its batch?"""
    transport, x = subject.trial().transport, starts()
    if _is_random(transport, subject.trial().moved):
        raise Skip("the model is random: which numbers a point draws depends on its place")
    whole = subject.trial().moved.points
    order = torch.randperm(len(x), generator=derive(0, "order"))
    mixed = torch.empty_like(whole)
    mixed[order] = push(transport, x[order], batch=23).points
    gap = float((whole - mixed).abs().max())
    assert gap < TOLERANCE, f"in other batches points go up to {gap:.2g} elsewhere"


def evaluations_counted(subject: MethodSubject) -> None:
    """Are evaluations of the field counted for each line, and none left out?"""
    transport, x = subject.trial().transport, starts()
    if not isinstance(transport.model, Field):
        raise Skip("a map has no field to evaluate")
    rows = 0

    def count(module: object, given: tuple[torch.Tensor, ...], out: object) -> None:
        nonlocal rows
        rows += len(given[1])

    hook = transport.model.register_forward_hook(count)
    try:
        moved = push(transport, x)
    finally:
        hook.remove()
    assert (moved.evaluations > 0).all(), "some lines report no evaluation"
    reported = int(moved.evaluations.sum())
    assert reported >= rows, f"{rows} evaluations were made and {reported} reported"


def noise_told(subject: MethodSubject) -> None:
    """Does a field that removes noise say how much there is, and put in as much as it is asked?"""
    field = subject.trial().transport.model
    span = field.span if isinstance(field, Field) else None
    if not isinstance(field, IntervalField) or not isinstance(span, Interval):
        raise Skip("no field over an interval")
    if not span.denoising and not span.noisy:
        raise Skip("its lines are deterministic, and say nothing of noise")
    y = field.lift(starts())
    times = torch.linspace(span.t0, span.t1, len(y) + 2)[1:-1]
    if span.noisy:
        assert isinstance(field, DiffusionField), "its span is noisy, and it is no DiffusionField"
        drift, noise = field.drift(times, y), field.noise(times)
        assert drift.shape == y.shape, f"the drift is {tuple(drift.shape)}"
        assert noise.shape == times.shape, f"the noise is {tuple(noise.shape)}, not one per line"
        assert drift.isfinite().all(), "the drift is not finite"
        assert (noise >= 0).all(), "the size of the noise is not a number of at least 0"
    if span.denoising:
        level = field.noise_level(times)
        assert (level.diff() < 0).all(), "the level of noise does not fall with time"
        more = level.roll(8).where(level.roll(8) > level, level)
        draw = torch.randn(y.shape, generator=derive(0, "noise"))
        earlier, noised = field.with_noise(times, y, more, draw)
        torch.testing.assert_close(field.noise_level(earlier), more, rtol=1e-3, atol=1e-6)
        assert noised.shape == y.shape, f"states with noise are {tuple(noised.shape)}"
        _, same_states = field.with_noise(times, y, level, draw)
        torch.testing.assert_close(same_states, y, rtol=1e-3, atol=1e-3)


def reverse(subject: MethodSubject) -> None:
    """Does it run backwards exactly where its spec says so?"""
    transport = subject.trial().transport
    x = trials.gaussians().target.sample(16, derive(2, "starts"))
    try:
        moved = transport.push(x, derive(0, "push"), reverse=True)
    except TransportkitError as error:
        if subject.spec.reversible:
            raise AssertionError(f"the spec says reversible, the model: {error}") from error
        raise Skip(f"not reversible: {error}") from None
    assert subject.spec.reversible, "the model runs backwards; say `reversible=True` in the spec"
    assert moved.points.shape == x.shape
    assert moved.points.isfinite().all(), "points carried backwards are not finite"


def tiny_budget(subject: MethodSubject) -> None:
    """Is a budget of a few steps kept, and are none made by what says that it is solved?"""
    fit, told = subject.trial().fit, subject.trial().told
    assert QUICK.steps is not None
    spec = registry.describe("method", subject.choice.name).spec
    if isinstance(spec, MethodSpec) and spec.solved:
        assert fit.steps == 0, f"its spec says that it is solved, and {fit.steps} steps were made"
    assert fit.steps <= QUICK.steps, f"{fit.steps} steps were made, {QUICK.steps} allowed"
    assert all(p.step <= QUICK.steps for p in told), "more steps were reported than allowed"
    assert not fit.model.training, "the fitted model is in training mode; call eval()"


def refusals(subject: MethodSubject) -> None:
    """Is what a method cannot do refused with a reason, before work starts?"""
    one, many = trials.samples(n=1, m=1), trials.samples(n=40, m=56)
    alike = Empirical(torch.ones(32, 2))
    cases: dict[str, Callable[[], Problem]] = {
        "samples of unequal sizes": lambda: many,
        "one sample on each side": lambda: one,
        "samples that are all alike": lambda: Problem(alike, Empirical(alike.data + 1)),
        "points with one coordinate": lambda: trials.samples((1,)),
    }
    for case, make in cases.items():
        problem = make()
        reason = subject.make().refuses(problem.for_training())
        if reason is not None:
            assert str(reason).strip(), f"{case}: refused without a reason"
            continue
        try:
            transport = Transport(subject.fit(problem).model, _impatient(subject.integrator))
            moved = push(transport, starts(problem.event_shape, 8))
        except Exception as error:
            raise AssertionError(
                f"{case}: `refuses` says None, then {type(error).__name__}: {error}"
            ) from error
        assert moved.points.isfinite().all(), f"{case}: moved points are not finite"


def _impatient(integrator: Integrator | None) -> Integrator | None:
    """The integrator, which gives lines up soon where it knows a limit: those of a field that is
    hardly trained may have no end."""
    if isinstance(integrator, Lines | Dopri5):
        return replace(integrator, max_steps=min(integrator.max_steps, 100))
    return integrator


def held_out(subject: MethodSubject) -> None:
    """Does it leave the held-out samples and the truth alone?"""
    touched = subject.trial().touched
    assert not touched, f"the method reads `problem.{touched[0]}`"


def not_a_number(subject: MethodSubject) -> None:
    """Do samples that are not finite give a clear error instead of silence?"""
    plain = trials.samples()
    spoiled = {
        "NaN in the source": trials.spoiled(plain, "source", torch.nan),
        "infinity in the target": trials.spoiled(plain, "target", torch.inf),
    }
    for case, problem in spoiled.items():
        try:
            moved = push(subject.transport(subject.fit(problem)), starts(n=16))
        except (TransportkitError, Skip):
            continue
        except Exception as error:
            if re.search(r"finite|\bnan\b", str(error), re.IGNORECASE):
                continue
            raise AssertionError(
                f"{case} ends in {type(error).__name__}: {error}; refuse it, or "
                "raise DataError or Diverged"
            ) from error
        lost = int((moved.stop != Stop.ARRIVED).sum())
        raise AssertionError(
            f"{case} is taken in silence; {lost} of {len(moved.stop)} points are lost afterwards"
        )


def transports(subject: MethodSubject) -> None:
    """Is a Gaussian carried onto a shifted, narrower one, to near the noise floor?"""
    whole = trials.gaussians()
    problem = whole.split(1500, derive(0, "split"))
    transport = subject.transport(subject.fit(problem, subject.budget))
    metric = registry.make("metric", Choice("sliced_w2"))
    x, y, z = (
        m.sample(1000, derive(3, name))
        for m, name in ((whole.source, "x"), (whole.target, "y"), (whole.target, "z"))
    )
    moved = push(transport, x)
    assert moved.finished > 0.99, f"only {moved.finished:.0%} of the lines arrived: {moved.stops}"
    value = metric.distance(moved.points, y, derive(0, "metric"))
    floor = metric.distance(z, y, derive(0, "metric"))
    start = metric.distance(x, y, derive(0, "metric"))
    assert value <= NEAR * floor, (
        f"sliced_w2 is {value:.3g}, {value / floor:.1f} floors (it began at {start:.3g}); "
        f"at most {NEAR:g} floors are asked"
    )


def _is_random(transport: Transport, moved: Moved) -> bool:
    """Whether points go elsewhere with draws other than those that `moved` them."""
    return not torch.equal(moved.points, push(transport, starts(), seed=1).points)


def _typical_gap(a: torch.Tensor, b: torch.Tensor) -> float:
    """The median distance: lines near a watershed may part for a rounding error."""
    return float((a - b).flatten(1).norm(dim=1).median())


ALL = (
    same_seed,
    global_state,
    inputs_unchanged,
    saved_and_loaded,
    resumed,
    shapes,
    images,
    finite,
    double_precision,
    devices,
    batch_independence,
    evaluations_counted,
    noise_told,
    reverse,
    tiny_budget,
    refusals,
    held_out,
    not_a_number,
    transports,
)
