"""Exact lines as a coupling for a straight field."""

from __future__ import annotations

import pytest
import torch

from tests.efm.samples import eight, normal, ratio
from transportkit import Budget, Empirical, Midpoint, Problem, Transport, derive
from transportkit_efm import EfmFlowParams
from transportkit_efm.distilled import EfmFlow, LineDistillation, StraightField

PARAMS = EfmFlowParams(steps=400, charges=1500, pairs=1200, ema=0.99, refresh=300)


def objective(params: EfmFlowParams = PARAMS) -> LineDistillation:
    problem = Problem(Empirical(normal(1500, 2, "p")), Empirical(eight(1500, "q")))
    return EfmFlow(params).objective(problem, derive(3, "objective"))


@pytest.fixture(scope="module")
def field() -> StraightField:
    model = EfmFlow(PARAMS).trainer().fit(objective(), Budget(), derive(3, "fit")).model
    assert isinstance(model, StraightField)
    return model


def test_a_short_fit_transports_in_four_evaluations(field: StraightField) -> None:
    moved = Transport(field, Midpoint(steps=2)).push(normal(1000, 2, "x"), derive(3, "push"))
    assert float(moved.evaluations.double().mean()) == 4
    assert ratio(moved.points, eight) < 2.5


def test_pairs_lead_from_the_source_onto_the_target() -> None:
    pairs = objective()
    assert ratio(pairs.y[:800], eight) < 1.6
    assert float(pairs.x.std()) == pytest.approx(1.0, abs=0.1)


def test_new_pairs_come_from_the_seed_and_the_round_alone() -> None:
    first, second = objective(), objective()
    assert torch.equal(first.y, second.y)
    for _ in range(PARAMS.refresh + 1):
        first.draw(2, derive(3, "draw"))
    assert not torch.equal(first.y, second.y)
    second.restore(first.state())
    assert torch.equal(first.y, second.y)


def test_saved_and_loaded_it_is_the_same(field: StraightField) -> None:
    again = EfmFlow(PARAMS).blank(field.config)
    again.load_state_dict(field.state_dict())
    t, y = torch.rand(20, generator=derive(3, "t")), normal(20, 2, "x")
    assert torch.equal(field(t, y), again(t, y))
