"""Problems with a known answer: the answers are right, whatever made the samples."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Generator, Tensor

from transportkit import Problem, Truth, registry
from transportkit.problems.log_sum_exp import LogSumExp
from transportkit.problems.quantiles import LINES


def make(text: str) -> Problem:
    return registry.make("problem", registry.parse_choice("problem", text))


def known(text: str) -> tuple[Problem, Truth]:
    problem = make(text)
    assert problem.truth is not None
    return problem, problem.truth


@pytest.fixture
def potential(generator: Generator) -> LogSumExp:
    w, b = torch.randn(5, 3, generator=generator), torch.randn(5, generator=generator)
    return LogSumExp(w.double(), b.double(), strength=0.4, tau=0.3)


def test_the_gradient_and_hessian_of_log_sum_exp(
    potential: LogSumExp, generator: Generator
) -> None:
    x = torch.randn(20, 3, dtype=torch.float64, generator=generator)
    assert torch.allclose(potential.gradient(x), super(LogSumExp, potential).gradient(x))
    one = torch.func.jacrev(torch.func.grad(lambda point: potential.value(point[None])[0]))
    assert torch.allclose(potential.hessian(x), torch.func.vmap(one)(x))


@pytest.mark.parametrize("text", ["lse:softness=0.02", "lse:dim=16", "icnn", "icnn:dim=8"])
def test_the_map_of_a_potential_is_inverted(text: str, generator: Generator) -> None:
    problem, truth = known(text)
    x = problem.source.sample(100, generator).double()
    assert truth.map is not None
    assert truth.log_density is not None
    y = truth.map(x)
    # The density at y is that at x over the Jacobian, here by automatic differentiation.
    # The map is not differentiable through; difference quotients stand in for its Jacobian.
    step = 1e-6
    columns = [
        (truth.map(x + step * e) - truth.map(x - step * e)) / (2 * step)
        for e in torch.eye(problem.dim, dtype=torch.float64)
    ]
    jacobian = torch.stack(columns, 2)
    assert torch.allclose(jacobian, jacobian.mT, atol=1e-5)
    normal = -0.5 * x.square().sum(1) - problem.dim / 2 * math.log(2 * math.pi)
    expected = normal - torch.linalg.slogdet(jacobian).logabsdet
    assert torch.allclose(truth.log_density(y), expected, atol=1e-3)


@pytest.mark.parametrize("text", ["lse:strength=1", "radial"])
def test_a_density_of_the_plane_has_mass_one(text: str) -> None:
    _, truth = known(text)
    assert truth.log_density is not None
    side = torch.linspace(-8, 8, 101, dtype=torch.float64)
    grid = torch.cartesian_prod(side, side)
    mass = truth.log_density(grid).exp().sum().item() * (16 / 100) ** 2
    assert mass == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("name", LINES)
def test_laws_on_the_line(name: str) -> None:
    line = LINES[name]
    u = (torch.arange(400_000, dtype=torch.float64) + 0.5) / 400_000
    x = line.quantile(u)
    assert x.mean().item() == pytest.approx(0, abs=1e-3)
    assert x.square().mean().item() == pytest.approx(1, abs=2e-3)
    assert torch.allclose(line.share(x), u, atol=1e-9)
    inner = x[4000:-4000:4000].requires_grad_()
    slope = torch.autograd.grad(line.share(inner).sum(), inner)[0]
    assert torch.allclose(line.log_density(inner), slope.log(), atol=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        "quantile-1d",
        "quantile-1d:source=laplace,target=arcsine",
        "quantile-product:dim=4,targets=uniform/logistic/normal",
        "radial:dim=3",
        "radial:dim=40,inner=0,radius=7",
    ],
)
def test_the_map_carries_the_law_at_the_stated_cost(text: str, generator: Generator) -> None:
    """Samples of Q are drawn without the map here, so that the two are compared."""
    problem, truth = known(text)
    x, y = (m.sample(50_000, generator).double() for m in (problem.source, problem.target))
    assert truth.map is not None
    moved = truth.map(x)
    for k in range(min(problem.dim, 4)):
        gap = moved[:, k].sort().values - y[:, k].sort().values
        assert gap.square().mean().sqrt() < 0.05
    assert (moved.norm(dim=1).sort().values - y.norm(dim=1).sort().values).abs().mean() < 0.05
    cost = (moved - x).square().sum(1).mean().item()
    assert cost == pytest.approx(truth.cost, rel=0.05)


def test_a_shell_is_a_shell(generator: Generator) -> None:
    problem, truth = known("radial:dim=5,inner=1,radius=2")
    length = problem.target.sample(5000, generator).double().norm(dim=1)
    assert length.min() > 1 - 1e-6
    assert length.max() < 2 + 1e-6
    assert truth.log_density is not None
    outside = torch.tensor([[0.5, 0, 0, 0, 0], [3, 0, 0, 0, 0.0]])
    assert truth.log_density(outside).isneginf().all()


def log_plan(x: Tensor, y: Tensor, plan: object) -> Tensor:
    """log pi(y|x) of the mixture, for all pairs of x (n, D) and y (m, D)."""
    means, weights = plan.means(x), plan.weights(x)
    rows = [
        torch.distributions.MultivariateNormal(means[:, k, None], scale_tril=root).log_prob(y)
        + weights[:, k, None].log()
        for k, root in enumerate(plan.roots)
    ]
    return torch.stack(rows).logsumexp(0)


@pytest.mark.parametrize("choice", ["dim=2", "dim=3,epsilon=0.3,condition=1", "dim=4,epsilon=8"])
def test_the_plan_is_entropic(choice: str, generator: Generator) -> None:
    """A plan is the entropic one where log pi(y|x) = x.y / epsilon + f(x) + g(y)."""
    problem, truth = known(f"entropic-pair:{choice}")
    assert truth.plan is not None
    x, y = (m.sample(30, generator).double() for m in (problem.source, problem.target))
    rest = log_plan(x, y, truth.plan.moments.__self__) - x @ y.mT / truth.plan.epsilon
    apart = rest - rest[:1] - rest[:, :1] + rest[:1, :1]
    assert apart.abs().max() < 1e-8


def test_the_moments_of_the_plan_are_those_of_its_draws(generator: Generator) -> None:
    problem, truth = known("entropic-pair:dim=3,components=4")
    assert truth.plan is not None
    x = problem.source.sample(3, generator)
    mean, covariance = truth.plan.moments(x)
    for k in range(3):
        y = truth.plan.sample(x[k : k + 1].expand(50_000, -1), generator).double()
        assert torch.allclose(y.mean(0), mean[k], atol=0.05)
        assert torch.allclose(y.T.cov(), covariance[k], atol=0.1)


def test_one_gaussian_gives_the_plan_between_gaussians(generator: Generator) -> None:
    """Cross-covariance (B + epsilon^2 / 4)^(1/2) - epsilon / 2 between N(0, I) and N(0, B)."""
    epsilon = 0.7
    problem, truth = known(f"entropic-pair:dim=3,components=1,radius=0,epsilon={epsilon}")
    assert truth.plan is not None
    identity = torch.eye(3, dtype=torch.float64)
    cross = truth.plan.moments(identity)[0]
    b = cross @ cross.mT + truth.plan.moments(identity)[1][0]
    values, vectors = torch.linalg.eigh(b)
    expected = (vectors * (values + epsilon**2 / 4).sqrt()) @ vectors.mT - epsilon / 2 * identity
    assert torch.allclose(cross, expected, atol=1e-8)
    y = problem.target.sample(50_000, generator).double()
    assert torch.allclose(y.T.cov(), b, atol=0.03)
