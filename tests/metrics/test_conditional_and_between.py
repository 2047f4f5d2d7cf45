"""Metrics that follow the model again: conditional laws, and points on their way."""

from __future__ import annotations

import pytest
import torch
from torch import Generator, Tensor, nn

from transportkit import (
    RK4,
    Empirical,
    Euler,
    Evidence,
    IntervalField,
    Map,
    Problem,
    Refusal,
    Truth,
    derive,
    registry,
)
from transportkit.metrics.between import BetweenW1
from transportkit.metrics.conditional import ConditionalUVP, bures_square
from transportkit.metrics.exact import W1


class Given(Map):
    """A map made of a function of points and a generator."""

    config: dict[str, object] = {}  # noqa: RUF012

    def __init__(self, function: object) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor, generator: Generator) -> Tensor:
        return self.function(x, generator)


class Turning(IntervalField):
    """A quarter turn of the plane in unit time."""

    config: dict[str, object] = {}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.rate = nn.Parameter(torch.tensor(torch.pi / 2))

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        return self.rate * torch.stack([-y[:, 1], y[:, 0]], 1)


@pytest.fixture
def pair() -> Problem:
    return registry.make("problem", registry.parse_choice("problem", "entropic-pair:dim=3"))


def judged(problem: Problem, function: object, **settings: int) -> float:
    x, y = (m.sample(2000, derive(0, "judge")) for m in (problem.source, problem.target))
    evidence = Evidence(x, x, y, problem.truth, Given(function))
    return ConditionalUVP(**settings).evaluate(evidence, derive(0, "metric"))


def test_the_true_plan_scores_what_its_draws_cost(pair: Problem) -> None:
    plan, variance = pair.truth.plan, pair.truth.target_variance
    x = pair.source.sample(500, derive(1, "x"))
    share = plan.moments(x)[1].diagonal(dim1=1, dim2=2).sum(1).mean().item() / variance
    for draws in (100, 1000):
        value = judged(pair, plan.sample, points=40, draws=draws)
        assert value == pytest.approx(100 * share * (3 + 5) / (4 * draws), rel=0.4)


def test_a_shift_of_the_plan_is_seen_in_full(pair: Problem) -> None:
    plan, variance = pair.truth.plan, pair.truth.target_variance
    value = judged(pair, lambda x, g: plan.sample(x, g) + 2.0, points=40)
    assert value == pytest.approx(100 * 12 / variance, rel=0.02)


def test_the_conditional_mean_lacks_the_conditional_variance(pair: Problem) -> None:
    plan = pair.truth.plan
    value = judged(pair, lambda x, g: plan.moments(x)[0].to(x), points=200, draws=2)
    spread = plan.moments(pair.source.sample(2000, derive(0, "judge"))[:200])[1]
    expected = 100 * spread.diagonal(dim1=1, dim2=2).sum(1).mean() / pair.truth.target_variance
    assert value == pytest.approx(expected.item(), rel=1e-4)


def test_bures_between_commuting_covariances() -> None:
    a, b = torch.tensor([[4.0, 9.0]]).double(), torch.tensor([[1.0, 16.0]]).double()
    m, n = torch.zeros(1, 2).double(), torch.ones(1, 2).double()
    value = bures_square(m, a.diag_embed(), n, b.diag_embed())
    assert value.item() == pytest.approx(2 + 1 + 1)


def test_without_a_plan_or_a_model_there_is_no_value(pair: Problem) -> None:
    x = pair.source.sample(10, derive(0, "x"))
    with pytest.raises(Refusal, match="plan"):
        ConditionalUVP().evaluate(Evidence(x, x, x), derive(0, "metric"))
    with pytest.raises(Refusal, match="model"):
        ConditionalUVP().evaluate(Evidence(x, x, x, pair.truth), derive(0, "metric"))
    assert ConditionalUVP().refuses(Problem(pair.source, pair.target))


def test_w1_of_a_shift_and_of_unequal_sizes(generator: Generator) -> None:
    a = torch.randn(200, 3, generator=generator)
    shift = torch.tensor([3.0, 0.0, 4.0])
    assert W1().distance(a, a + shift, generator) == pytest.approx(5, rel=1e-5)
    line = torch.tensor([[0.0], [1.0]])
    assert W1().distance(line, torch.tensor([[0.0], [1.0], [2.0]]), generator) == pytest.approx(0.5)


def turned(share: float, saved_by: object, along: str = "auto", model: bool = True) -> float:
    """The metric for a quarter turn, whose points at `share` were observed."""
    x = torch.randn(300, 2, generator=derive(0, "x"))
    field, angle = Turning(), torch.tensor(share * torch.pi / 2)
    turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()]).view(2, 2)
    truth = Truth(between={share: Empirical(x @ turn.T)})
    end = torch.stack([-x[:, 1], x[:, 0]], 1)
    given = (field, saved_by) if model else (None, None)
    evidence = Evidence(x, end, end, truth, *given)
    return BetweenW1(along=along).evaluate(evidence, derive(0, "metric"))


@pytest.mark.parametrize("share", [0.5, 0.25, 1 / 3, 0.37])
def test_points_on_the_lines_are_those_observed(share: float) -> None:
    assert turned(share, RK4(steps=100)) < 1e-3


def test_displacement_cuts_the_corner() -> None:
    straight = turned(0.5, RK4(steps=20), along="displacement")
    assert straight > 0.2
    assert turned(0.5, None, model=False) == pytest.approx(straight)
    with pytest.raises(Refusal, match="no lines"):
        turned(0.5, None, along="lines", model=False)


def test_a_field_over_height_is_judged_on_straight_lines() -> None:
    """Its states are no points of the data, and their parameter is no time."""

    class Rising(Turning):
        def lift(self, x: Tensor) -> Tensor:
            return torch.cat([x, torch.zeros_like(x[:, :1])], 1)

    x = torch.randn(100, 2, generator=derive(0, "x"))
    truth = Truth(between={0.5: Empirical(x + 1)})
    evidence = Evidence(x, x + 2, x, truth, Rising(), RK4(steps=4))
    assert BetweenW1().evaluate(evidence, derive(0, "metric")) < 1e-5


def test_one_euler_step_is_halfway_at_half_time() -> None:
    """The states an integrator keeps may be fewer than asked for; the line between is straight."""

    class Right(Turning):
        def forward(self, t: Tensor, y: Tensor) -> Tensor:
            return self.rate * torch.ones_like(y)

    x = torch.randn(100, 2, generator=derive(0, "x"))
    truth = Truth(between={0.5: Empirical(x + torch.pi / 4)})
    evidence = Evidence(x, x, x, truth, Right(), Euler(steps=1))
    assert BetweenW1().evaluate(evidence, derive(0, "metric")) < 1e-5
