"""Metrics of the map: cost, its ratio to the optimum, and the error to a known map."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Generator

from transportkit import Empirical, Evidence, Problem, Truth, registry
from transportkit.core.choice import Choice
from transportkit.errors import Refusal
from transportkit.metrics.displacement import Cost, CostRatio
from transportkit.metrics.true_map import L2UVP, Cosine


@pytest.fixture
def pair() -> Problem:
    choice = registry.parse_choice("problem", "gaussian-pair:dim=5,condition=6,shift=1")
    return registry.make("problem", choice)


def test_cost_is_the_mean_squared_displacement(generator: Generator) -> None:
    x = torch.randn(100, 1, 8, 8, generator=generator)
    evidence = Evidence(x, x + 0.5, x)
    assert Cost().evaluate(evidence, generator) == pytest.approx(64 * 0.25, rel=1e-5)


def test_ratio_is_one_for_gradients_of_convex_functions(generator: Generator) -> None:
    x = torch.randn(400, 3, generator=generator)
    for moved in (x + 2, 3 * x, x.clone(), x * torch.tensor([1.0, 2.0, 0.1])):
        value = CostRatio().evaluate(Evidence(x, moved, x), generator)
        assert value == pytest.approx(1, abs=1e-6)


def test_ratio_tells_a_worse_pairing_of_the_same_clouds(generator: Generator) -> None:
    x = torch.randn(400, 2, generator=generator)
    shuffled = x[torch.randperm(400, generator=generator)] + 1
    value = CostRatio().evaluate(Evidence(x, shuffled, x), generator)
    # Shuffling adds E|x - x'|^2 = 4 to the optimal cost of 2.
    assert value == pytest.approx(3, rel=0.15)


def test_ratio_uses_pairs_when_it_draws(generator: Generator) -> None:
    x = torch.randn(3000, 2, generator=generator)
    value = CostRatio(limit=100).evaluate(Evidence(x, 2 * x, x), generator)
    assert value == pytest.approx(1, abs=1e-6)


def test_the_true_map_has_no_error(pair: Problem, generator: Generator) -> None:
    x, y = pair.source.sample(500, generator), pair.target.sample(500, generator)
    evidence = Evidence(x, pair.truth.map(x), y, pair.truth)
    assert L2UVP().evaluate(evidence, generator) < 1e-9
    assert Cosine().evaluate(evidence, generator) == pytest.approx(1, abs=1e-6)
    assert CostRatio().evaluate(evidence, generator) == pytest.approx(1, abs=1e-5)


def test_the_constant_map_to_the_mean_scores_a_hundred(pair: Problem, generator: Generator) -> None:
    x, y = pair.source.sample(20_000, generator), pair.target.sample(20_000, generator)
    evidence = Evidence(x, y.mean(0).expand_as(x), y, pair.truth)
    assert L2UVP().evaluate(evidence, generator) == pytest.approx(100, rel=0.03)


def test_cosine_knows_direction_but_not_length(generator: Generator) -> None:
    x = torch.randn(300, 3, generator=generator)
    truth = Truth(map=lambda p: p + 1)
    for factor, expected in ((1.0, 1.0), (0.2, 1.0), (-3.0, -1.0), (0.0, 0.0)):
        value = Cosine().evaluate(Evidence(x, x + factor, x, truth), generator)
        assert value == pytest.approx(expected, abs=1e-6)
    assert math.isnan(Cosine().evaluate(Evidence(x, x / 0, x, truth), generator))


def test_without_a_variance_the_target_s_own_is_used(generator: Generator) -> None:
    x = torch.randn(4000, 3, generator=generator)
    evidence = Evidence(x, x + 1, 2 * x, Truth(map=lambda p: p))
    assert L2UVP().evaluate(evidence, generator) == pytest.approx(100 * 3 / 12, rel=0.05)


@pytest.mark.parametrize("metric", [L2UVP(), Cosine()])
def test_an_unknown_map_is_refused(metric: L2UVP | Cosine, pair: Problem) -> None:
    assert metric.refuses(pair) is None
    x = torch.randn(4, 2)
    for truth in (None, Truth(cost=1.0)):
        problem = Problem(Empirical(x), Empirical(x), truth)
        reason = metric.refuses(problem)
        assert reason
        assert "\n" not in reason
        with pytest.raises(Refusal, match=reason):
            metric.evaluate(Evidence(x, x, x, truth), Generator())


@pytest.mark.parametrize(
    "name", ["w2", "sliced_w2", "energy", "mmd", "cost", "cost_ratio", "l2_uvp", "cosine"]
)
def test_every_metric_is_made_by_name(name: str, pair: Problem, generator: Generator) -> None:
    metric = registry.make("metric", registry.parse_choice("metric", name))
    x, y = pair.source.sample(50, generator), pair.target.sample(50, generator)
    value = metric.evaluate(Evidence(x, x + 0.1, y, pair.truth), generator)
    assert isinstance(value, float)
    assert math.isfinite(value)


def test_settings_reach_the_metric() -> None:
    made = registry.make("metric", Choice("w2", {"limit": 50}))
    assert made.limit == 50
    made = registry.make("metric", registry.parse_choice("metric", "mmd:bandwidth=0.5"))
    assert made.bandwidth == 0.5
