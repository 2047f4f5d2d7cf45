"""Methods of the family against what is known of them."""

import math
from typing import Any

import pytest
import torch

import transportkit_flow as flow
from transportkit import (
    Budget,
    Empirical,
    Euler,
    EulerMaruyama,
    Fit,
    Interval,
    Law,
    Midpoint,
    Problem,
    Transport,
    derive,
    registry,
)
from transportkit_flow.diffusion import DenoisingField, Diffusion
from transportkit_flow.methods import (
    BridgeFlowMatching,
    FlowFromNoise,
    IndependentFlowMatching,
    ScoreFlowMatching,
    StochasticInterpolant,
)
from transportkit_flow.reflow import DistilledRectifiedFlow, RectifiedFlow

SMALL: dict[str, Any] = {"width": 32, "depth": 2, "lr": 1e-2, "batch": 256}
SHIFT = torch.tensor([3.0, -2.0])
TURNED = torch.tensor([[1.5, 1.2], [1.2, 1.5]])
"""A covariance whose axes are turned by 45 degrees to the coordinates'."""


def normal(mean: Any, covariance: torch.Tensor) -> Law:
    root = torch.linalg.cholesky(covariance)
    dim = len(root)
    return Law(lambda n, g: torch.randn(n, dim, generator=g) @ root.T + mean, (dim,))


def fitted(made: Any, problem: Problem, steps: int) -> Fit:
    generator = derive(0, "fit")
    objective = made.objective(problem, generator)
    return made.trainer().fit(objective, Budget(steps=steps), generator)


BRIDGE: dict[str, Any] = {**SMALL, "batch": 128, "sigma": 1.0, "units": "data"}


@pytest.mark.parametrize(
    "made",
    [
        ScoreFlowMatching(flow.ScoreFlowParams(**BRIDGE, coupling="exact")),
        ScoreFlowMatching(flow.ScoreFlowParams(**BRIDGE, coupling="entropic")),
        BridgeFlowMatching(flow.EntropicBridgeParams(**BRIDGE)),
    ],
    ids=["sf2m exact", "sf2m entropic", "sbcfm"],
)
def test_bridges_have_the_variance_of_the_schroedinger_bridge(made):
    one = torch.eye(1)
    problem = Problem(normal(-1.0, one), normal(1.0, one))
    fit = fitted(made, problem, 300)
    scored = isinstance(made, ScoreFlowMatching)
    assert fit.model.span == Interval(0.0, 1.0, noisy=scored)
    x = problem.source.sample(8000, derive(1))
    # Bridges of the noise between optimal pairs, or the Schroedinger bridge.
    exact = getattr(made.params, "coupling", "entropic") == "exact"
    middle = 1.0 + 0.25 if exact else 0.5 + math.sqrt(5) / 4
    for integrator in (Midpoint(10), EulerMaruyama(50))[: 1 + scored]:
        path = integrator.solve(fit.model, x, derive(2), save=3).path
        assert path is not None
        assert float(path[1].var()) == pytest.approx(middle, rel=0.08)
        assert float(path[2].var()) == pytest.approx(1.0, rel=0.08)
        assert float(path[2].mean()) == pytest.approx(1.0, abs=0.08)


def test_the_score_of_an_interpolant_is_that_of_its_marginal():
    problem = Problem(normal(0.0, torch.eye(2)), normal(SHIFT, torch.eye(2) / 4))
    params = flow.InterpolantParams(**SMALL, sigma=1.0, units="data")
    field: Any = fitted(StochasticInterpolant(params), problem, 400).model
    g = derive(1)
    # At half time both weights are the root of a half, and the noise has variance 1/4.
    variance = 0.5 + 0.125 + 0.25
    mean = SHIFT / math.sqrt(2)
    y = mean + math.sqrt(variance) * torch.randn(2000, 2, generator=g)
    error = field.score(torch.full((2000,), 0.5), y) + (y - mean) / variance
    assert error.square().mean() < 0.02 / variance


def test_an_interpolant_without_noise_has_no_stochastic_equation():
    problem = Problem(normal(0.0, torch.eye(2)), normal(SHIFT, torch.eye(2) / 4))
    fit = fitted(StochasticInterpolant(flow.InterpolantParams(**SMALL, sigma=0.0)), problem, 5)
    assert fit.model.span == Interval(0.0, 1.0)


def moments(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return x.mean(0), torch.cov(x.T)


def test_reflow_keeps_the_marginals_while_the_cost_falls():
    # Between these the lines of independent pairs do not make the optimal map.
    narrow = torch.diag(torch.tensor([3.0, 0.3]))
    problem = Problem(normal(0.0, narrow), normal(0.0, TURNED))
    x = problem.source.sample(4000, derive(1))
    costs = []
    for reflows in (0, 2):
        params = flow.RectifiedParams(
            **{**SMALL, "batch": 512}, reflows=reflows, pairs=4000, reflow_steps=10
        )
        fit = fitted(RectifiedFlow(params), problem, 300 * (1 + reflows))
        moved = Transport(fit.model, Midpoint(20)).push(x, derive(0)).points
        assert (torch.cov(moved.T) - TURNED).abs().amax() < 0.15
        costs.append(float((moved - x).square().sum(1).mean()))
    assert costs[1] < 0.985 * costs[0]


def test_each_marginal_makes_half_of_the_pairs_of_a_reflow():
    few, many = torch.randn(20, 2, generator=derive(1)), torch.randn(300, 2, generator=derive(2))
    for x, y in ((few, many), (many, few)):
        made = RectifiedFlow(flow.RectifiedParams(width=4, depth=1, reflow_steps=2))
        game: Any = made.objective(Problem(Empirical(x), Empirical(y)), derive(0))
        game.begin(1, derive(1))
        pool = game.pool
        for side, own in ((pool.x0, x), (pool.x1, y)):
            assert torch.isin(side[:, 0], own[:, 0]).float().mean() == 0.5


def test_one_step_suffices_after_reflow_and_distillation():
    problem = Problem(normal(0.0, torch.eye(2)), normal(SHIFT, torch.eye(2) / 4))
    x = torch.randn(2000, 2, generator=derive(1))

    def missed(made: Any, steps: int) -> float:
        model = fitted(made, problem, steps).model
        integrator = None if isinstance(made, DistilledRectifiedFlow) else Euler(1)
        moved = Transport(model, integrator).push(x, derive(0)).points
        return float((moved - (SHIFT + x / 2)).square().sum(1).mean())

    small = {**SMALL, "batch": 128}
    params = flow.RectifiedParams(**small, pairs=4000, reflow_steps=10)
    assert missed(IndependentFlowMatching(flow.FlowParams(**small)), 150) > 0.4
    assert missed(RectifiedFlow(params), 360) < 0.05
    assert missed(DistilledRectifiedFlow(params), 450) < 0.02


def test_the_denoiser_of_a_gaussian_is_linear():
    spread = torch.tensor([3.0, 0.5])
    problem = Problem(normal(0.0, torch.eye(2)), normal(SHIFT, torch.diag(spread.square())))
    params = flow.DiffusionParams(width=32, depth=2, lr=1e-2, batch=256)
    field: Any = fitted(Diffusion(params), problem, 400).model
    share = spread.square() / spread.square().mean()
    for sigma in (0.1, 0.5, 2.0):
        y = (share + sigma**2).sqrt() * torch.randn(2000, 2, generator=derive(1))
        denoised = field.denoised(y, torch.full((2000,), sigma))
        exact = share / (share + sigma**2) * y
        # The mean squared error of the best denoiser is the unit here.
        best = (share * sigma**2 / (share + sigma**2)).mean()
        assert (denoised - exact).square().mean() < 0.05 * best
    x = torch.randn(4000, 2, generator=derive(1))
    moved = Transport(field, Midpoint(25)).push(x, derive(0))
    assert torch.allclose(moved.points.std(0), spread, rtol=0.08)
    back = Transport(field, Midpoint(25)).push(moved.points, derive(0), reverse=True).points
    assert (back - x).square().mean() < 0.02


class Exact(DenoisingField):
    """The denoiser of N(centre, diag(variances))."""

    variances = torch.tensor([1.7, 0.3])

    def residual(self, y, sigma):
        square = sigma[:, None].square()
        denoised = self.variances / (self.variances + square) * y
        return (denoised - y / (1 + square)) * (1 + 1 / square).sqrt()


def test_the_stochastic_equation_of_diffusion_ends_in_the_gaussian_and_forgets_the_noise():
    field = Exact((2,), largest=80.0, smallest=0.002, width=4, depth=1, generator=derive(0))
    field.centre, field.scale = SHIFT, torch.tensor(3.0)
    x = torch.randn(4000, 2, generator=derive(1))
    wanted = torch.diag(9 * Exact.variances)
    for integrator, same in ((Midpoint(50), 1.0), (EulerMaruyama(200), 0.0)):
        moved = Transport(field, integrator).push(x, derive(2)).points
        assert (moved.mean(0) - SHIFT).abs().amax() < 0.2
        assert (torch.cov(moved.T) - wanted).abs().amax() < 0.06 * wanted.amax()
        kept = torch.corrcoef(torch.stack([x[:, 0], moved[:, 0]]))[0, 1]
        assert float(kept) == pytest.approx(same, abs=0.05)


@pytest.mark.parametrize(
    "made", [FlowFromNoise(flow.FromNoiseParams()), Diffusion(flow.DiffusionParams())]
)
def test_generation_from_noise_refuses_another_source(made):
    two = torch.eye(2)
    assert made.refuses(Problem(normal(0.0, two), normal(SHIFT, two))) is None
    reason = made.refuses(Problem(normal(SHIFT, two), normal(0.0, two)))
    assert "N(0, I)" in reason


@pytest.mark.parametrize(
    "method",
    [
        "interpolant:sigma=",
        "sf2m:sigma=",
        "sbcfm:sigma=",
        "cfm:sigma=",
        "otcfm:sigma=",
        "uotcfm:sigma=",
        "vpcfm:sigma=",
        "rectified:sigma=",
        "ifm:tube=",
    ],
)
def test_noise_that_hides_the_data_is_told_of(
    method: str, caplog: pytest.LogCaptureFixture
) -> None:
    problem = Problem(normal(0.0, torch.eye(2)), normal(SHIFT, torch.eye(2)))
    for size, told in ((1.0, False), (100.0, True)):
        choice = registry.parse_choice("method", f"{method}{size}")
        registry.make("method", choice).objective(problem, derive(0))
        assert ("which it hides" in caplog.text) == told
