"""Spans, marginals and problems: what they hold and what they refuse."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Generator

from transportkit import DataError, Empirical, Interval, Law, Plate, Problem, Truth, derive

DATA = torch.arange(20.0).view(10, 2)
NORMAL = Law(lambda n, generator: torch.randn(n, 2, generator=generator).double(), (2,))


@pytest.mark.parametrize("times", [(0, 0), (0, math.nan), (math.inf, 1)])
def test_an_interval_needs_two_times(times: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="two different finite times"):
        Interval(*times)
    assert Interval(0, 1).reversed() == Interval(1, 0)


@pytest.mark.parametrize(
    ("plate", "message"),
    [
        ((0, math.nan, (0.1, 0.1), 9), "finite"),
        ((0, 1, (0.1, 0.0), 9), "offset"),
        ((0, 1, (0.2, 0.8), 9), "offset"),
        ((0, 1, (0.8, 0.1), 9), "each less than half of the plate distance"),
        ((2, 0, (0.1, 1.0), 9), "each less than half of the plate distance"),
        ((1, 1, (0.1, 0.1), 9), "offset"),
        ((0, 1, (0.3, 0.1), 1.1), "beyond both plates"),
        ((-5, 1, (0.1, 0.1), 3), "beyond both plates"),
    ],
)
def test_plates_that_cannot_be_are_refused(plate, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Plate(*plate)


def test_plates_know_their_sense() -> None:
    plate = Plate(2.0, -1.0, (0.1, 0.2), 9.0)
    assert (plate.distance, plate.sense) == (3, -1)
    assert plate.reversed() == Plate(-1.0, 2.0, (0.2, 0.1), 9.0)


def test_a_law_draws_float32_from_its_generator() -> None:
    a, b = NORMAL.sample(5, derive(1)), NORMAL.sample(5, derive(1))
    assert torch.equal(a, b)
    assert a.dtype == torch.float32
    assert (NORMAL.size, NORMAL.event_shape) == (None, (2,))
    assert NORMAL.points(3, derive(1)).shape == (3, 2)


def test_a_finite_sample_gives_its_own_points(generator: Generator) -> None:
    marginal = Empirical(DATA)
    drawn = marginal.sample(1000, generator)
    assert {tuple(row) for row in drawn.tolist()} == {tuple(row) for row in DATA.tolist()}
    assert torch.equal(marginal.points(10, generator), DATA)
    assert len(marginal.points(4, generator).unique(dim=0)) == 4
    for wrong in (DATA[:0], torch.zeros(3)):
        with pytest.raises(DataError, match="shape"):
            Empirical(wrong)


def test_a_split_keeps_training_and_held_out_points_apart(generator: Generator) -> None:
    problem = Problem(Empirical(DATA), NORMAL, truth=Truth(cost=1.0), about={"a": 1})
    split = problem.split(100, generator)
    assert split.held_out is not None
    train = split.source.points(100, generator)
    held = split.held_out.source.points(100, generator)
    assert len(torch.cat([train, held]).unique(dim=0)) == 10
    assert split.target.size == 100
    assert split.held_out.target is NORMAL
    assert split.held_out.truth == problem.truth
    assert problem.split(3, generator).source.size == 3
    assert split.split(7, generator) is split


def test_a_method_sees_training_samples_alone(generator: Generator) -> None:
    seen = (
        Problem(Empirical(DATA), NORMAL, truth=Truth(cost=1.0)).split(5, generator).for_training()
    )
    assert seen.truth is None
    assert seen.held_out is None
    assert (seen.dim, seen.event_shape) == (2, (2,))


def test_shapes_must_agree() -> None:
    with pytest.raises(DataError, match=r"\(2,\).*\(3,\)"):
        Problem(Empirical(DATA), Empirical(torch.zeros(4, 3)))
