"""What is asked of a problem: draws that can be had again, and a truth that is true."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from ..core.problem import Marginal, Problem
from ..core.random import derive
from . import trials
from .outcome import Skip
from .subject import Subject

MANY = 4000
DEVIATIONS = 5.0


def same_draws(subject: Subject) -> None:
    """Does one seed draw the same points to the bit, whatever the global random state?"""
    for (side, a), (_, b) in zip(_sides(subject), _sides(subject), strict=True):
        with trials.other_global_state(1):
            first = a.sample(50, derive(0, "draw")), a.points(50, derive(0, "draw"))
        with trials.other_global_state(2):
            second = b.sample(50, derive(0, "draw")), b.points(50, derive(0, "draw"))
        equal = all(torch.equal(x, y) for x, y in zip(first, second, strict=True))
        assert equal, f"the {side} draws other points with the same seed"


def other_draws(subject: Subject) -> None:
    """Do other seeds draw other points?"""
    for side, marginal in _sides(subject):
        if marginal.size == 1:
            continue
        a, b = (marginal.sample(50, derive(seed, "draw")) for seed in (0, 1))
        assert not torch.equal(a, b), f"the {side} draws the same points whatever the seed"


def global_state(subject: Subject) -> None:
    """Are the global random states of Python, NumPy and torch left as they were?"""
    with trials.unchanged_global_state() as changed:
        for _, marginal in _sides(subject):
            marginal.sample(20, derive(0, "draw"))
    assert not changed, f"making or drawing changes the global state of {changed}"


def shapes(subject: Subject) -> None:
    """Are draws float32 of the stated shape, on both sides, however many are asked for?"""
    for side, marginal in _sides(subject):
        for n in (1, 33):
            x = marginal.sample(n, derive(0, "draw"))
            stated = (n, *marginal.event_shape)
            assert tuple(x.shape) == stated, f"the {side} draws {tuple(x.shape)}, not {stated}"
            assert x.dtype == torch.float32, f"the {side} draws {x.dtype}, not float32"
        few = marginal.points(7, derive(0, "draw"))
        assert len(few) <= 7, f"the {side} gives {len(few)} points where 7 are the limit"


def finite(subject: Subject) -> None:
    """Are draws finite?"""
    for side, marginal in _sides(subject):
        assert marginal.sample(1000, derive(0, "draw")).isfinite().all(), f"the {side} is not"


def held_out(subject: Subject) -> None:
    """Do training and held-out samples have no draw in common, and are there enough of both?"""
    problem = _problem(subject).split(500, derive(0, "split"))
    assert problem.held_out is not None, "`split` holds nothing out"
    for side in ("source", "target"):
        train: Marginal = getattr(problem, side)
        rest: Marginal = getattr(problem.held_out, side)
        a, b = train.points(500, derive(0, "a")), rest.points(500, derive(0, "b"))
        shared = (torch.cdist(a.flatten(1).double(), b.flatten(1).double()) == 0).sum()
        distinct = len(torch.unique(torch.cat([a, b]).flatten(1), dim=0))
        if distinct < 0.9 * (len(a) + len(b)) and shared == 0:
            continue
        assert shared <= 0.02 * len(a), f"{int(shared)} {side} points are trained on and held out"


def truth(subject: Subject) -> None:
    """Does the true map carry P onto Q, at the true cost?"""
    problem = _problem(subject)
    if problem.truth is None or problem.truth.map is None:
        raise Skip("no true map is known")
    x, y = (m.sample(MANY, derive(0, side)) for side, m in _sides(subject))
    moved = problem.truth.map(x)
    assert moved.shape == x.shape, f"the true map gives {tuple(moved.shape)}"
    error = (moved.mean(0) - y.mean(0)).abs()
    allowed = DEVIATIONS * ((moved.var(0) + y.var(0)) / MANY).sqrt() + 1e-6
    assert (error <= allowed).all(), "the true map carries the mean of P elsewhere than Q's"
    ratio = moved.var(0).sum() / y.var(0).sum()
    assert 0.8 < ratio < 1.25, f"the image of P has {ratio:.2f} times the variance of Q"
    if problem.truth.cost is not None:
        each = (moved - x).flatten(1).square().sum(1)
        allowed_cost = DEVIATIONS * float(each.std()) / MANY**0.5 + 1e-6
        gap = abs(float(each.mean()) - problem.truth.cost)
        assert gap <= allowed_cost, f"the true map costs {float(each.mean()):.4g}, not the cost"


def plan(subject: Subject) -> None:
    """Does the true entropic plan carry P onto Q, with the conditional moments that it states?"""
    problem = _problem(subject)
    if problem.truth is None or problem.truth.plan is None:
        raise Skip("no entropic plan is known")
    x, y = (m.sample(MANY, derive(0, side)) for side, m in _sides(subject))
    drawn = problem.truth.plan.sample(x, derive(0, "plan"))
    assert drawn.shape == x.shape, f"the plan draws {tuple(drawn.shape)}"
    error = (drawn.mean(0) - y.mean(0)).abs()
    allowed = DEVIATIONS * ((drawn.var(0) + y.var(0)) / MANY).sqrt() + 1e-6
    assert (error <= allowed).all(), "the plan carries the mean of P elsewhere than Q's"
    mean, covariance = problem.truth.plan.moments(x)
    within = covariance.diagonal(dim1=1, dim2=2).mean(0)
    total = (mean.var(0) + within).sum() / y.flatten(1).double().var(0).sum()
    assert 0.8 < total < 1.25, f"its moments give {total:.2f} times the variance of Q"


def devices(subject: Subject) -> None:
    """Do draws live on the device that is asked for?"""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    problem = _problem(subject).to(device)
    for side in ("source", "target"):
        x = getattr(problem, side).sample(5, derive(0, "draw", device=device))
        assert x.device.type == device, f"the {side} draws on {x.device}, not on {device}"


def _problem(subject: Subject) -> Problem:
    made = subject.make()
    assert isinstance(made, Problem)
    return made


def _sides(subject: Subject) -> Iterator[tuple[str, Marginal]]:
    problem = _problem(subject)
    yield "source", problem.source
    yield "target", problem.target


ALL = (
    same_draws,
    other_draws,
    global_state,
    shapes,
    finite,
    held_out,
    truth,
    plan,
    devices,
)
