import pytest
import torch
from torch import Tensor

from tests.ot.fits import fitted
from transportkit import Empirical, Problem, derive, registry
from transportkit_ot.bridge import LightParams
from transportkit_ot.bridge.light import LightMap, LightSB
from transportkit_ot.bridge.potential import MixturePotential
from transportkit_ot.gaussian.bures import bures_cost


def moments(model: LightMap, x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (B, D) and covariance (B, D, D) of the model's conditional at data points x (B, D)."""
    potential, frame = model.potential.double(), model.frame.double()
    inside = frame.from_source(x.double())
    with torch.no_grad():
        weights, means = potential.log_parts(inside, 0.0).softmax(1), potential.ends(inside, 0.0)
        sizes = potential.epsilon * potential.log_sizes.exp()
        axes = potential.axes()
        axes = torch.eye(x.shape[1]).double().expand(len(sizes), -1, -1) if axes is None else axes
        spread = torch.einsum("kde,ke,kfe->kdf", axes, sizes, axes)
        mean = torch.einsum("bk,bki->bi", weights, means)
        gap = means - mean[:, None]
        covariance = torch.einsum("bk,kij->bij", weights, spread)
        covariance += torch.einsum("bk,bki,bkj->bij", weights, gap, gap)
        return frame.to_target(mean), covariance * frame.scale**2


def root(s: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(s)
    return (vectors * values.sqrt()) @ vectors.T


@pytest.mark.parametrize("name", ["lightsb", "lightsb-m"])
def test_gaussians_couple_as_in_the_closed_form(name):
    g = derive(0)
    a = torch.tensor([[2.0, 0.6], [0.6, 0.5]]).double()
    b = torch.tensor([[1.0, -0.5], [-0.5, 3.0]]).double()
    draws = torch.randn(2, 20_000, 2, generator=g, dtype=torch.float64)
    x, y = (draws[0] @ root(a)).float(), (draws[1] @ root(b)).float() + 3
    epsilon = 1.0
    params = {"components": 1, "epsilon": epsilon, "unit": "data", "lr": 0.1}
    model = fitted(name, x, y, params, steps=300)
    assert isinstance(model, LightMap)
    half = root(a)
    inner = root(half @ b @ half + epsilon**2 / 4 * torch.eye(2).double())
    cross = half @ inner @ torch.linalg.inv(half) - epsilon / 2 * torch.eye(2).double()
    slope = cross.T @ torch.linalg.inv(a)
    mean, covariance = moments(model, x[:1000])
    error = (mean - 3 - x[:1000].double() @ slope.T).square().sum(1).mean()
    assert error < 0.01 * b.trace()
    assert (covariance[0] - (b - slope @ cross)).abs().amax() < 0.2


@pytest.mark.parametrize(("name", "most"), [("lightsb", 0.5), ("lightsb-m", 1.0)])
def test_the_plan_of_the_entropic_pair_is_found(name, most):
    problem = registry.make("problem", registry.parse_choice("problem", "entropic-pair"))
    assert isinstance(problem, Problem)
    assert problem.truth is not None
    assert problem.truth.plan is not None
    assert problem.truth.target_variance is not None
    x, y = (
        side.sample(20_000, derive(0, i)) for i, side in enumerate((problem.source, problem.target))
    )
    params = {"components": 8, "epsilon": 1.0, "unit": "data", "lr": 0.03}
    model = fitted(name, x, y, params, steps=300)
    assert isinstance(model, LightMap)
    fresh = problem.source.sample(200, derive(1))
    ours, true = moments(model, fresh), problem.truth.plan.moments(fresh)
    gaps = [
        (m - n.double()).square().sum() + bures_cost(a, b.double())
        for m, n, a, b in zip(ours[0], true[0], ours[1], true[1], strict=True)
    ]
    # cBW2-UVP (Gushchin et al. 2023, arXiv:2306.10161), in per cent.
    error = 100 * float(torch.stack(gaps).mean()) / (problem.truth.target_variance / 2)
    assert error < most


def test_a_bridge_ends_as_the_plan_says_whatever_the_time():
    # E over x_t of E[y | x_t] is E[y | x], for x_t drawn from the bridge that starts at x.
    g = derive(0)
    potential = MixturePotential(2, components=3, epsilon=0.7, diagonal=False)
    for weights in potential.parameters():
        weights.data += 0.5 * torch.randn(weights.shape, generator=g)
    x = torch.tensor([[0.4, -0.3]])
    y = potential.draw(x.expand(100_000, 2), g).detach()
    t = torch.full((len(y),), 0.6)
    noise = torch.randn(y.shape, generator=g)
    state = x + 0.6 * (y - x) + (0.7 * 0.6 * 0.4) ** 0.5 * noise
    with torch.no_grad():
        assert (potential.mean(state, t).mean(0) - potential.mean(x)[0]).abs().amax() < 0.01
        # What is left is not foreseen: the error of the mean is uncorrelated with the state.
        left = y - potential.mean(state, t)
        assert ((left.T @ (state - state.mean(0))) / len(y)).abs().amax() < 0.02
        assert (y.mean(0) - potential.mean(x)[0]).abs().amax() < 0.01


def test_draws_repeat_with_the_generator_and_means_do_not_vary():
    x = torch.randn(300, 2, generator=derive(0))
    y = torch.randn(300, 2, generator=derive(1)) * 2
    model = fitted("lightsb", x, y, {"components": 4}, steps=20)
    assert torch.equal(model(x, derive(5)), model(x, derive(5)))
    assert not torch.equal(model(x, derive(5)), model(x, derive(6)))
    mean = fitted("lightsb", x, y, {"components": 4, "output": "mean"}, steps=20)
    assert torch.equal(mean(x, derive(5)), mean(x, derive(6)))
    draws = model(x[:5].repeat(4000, 1), derive(0)).view(4000, 5, 2).mean(0)
    assert (draws - mean(x[:5], derive(0))).abs().amax() < 0.05


def test_high_dimensions_have_diagonal_covariances():
    data = Problem(Empirical(torch.randn(20, 100, generator=derive(0))), Empirical(torch.eye(100)))
    game = LightSB(LightParams(components=3)).objective(data, derive(0))
    assert game.fitted.config["diagonal"]
    assert game.fitted.potential.skew.numel() == 0
