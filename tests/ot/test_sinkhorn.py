import pytest
import torch
from scipy.stats import norm

from transportkit import Budget, Diverged, Empirical, Problem, Transport, derive
from transportkit_ot.discrete import SinkhornParams, entropic
from transportkit_ot.discrete.coupling import barycentric_images
from transportkit_ot.discrete.entropic_map import EntropicMap, Sinkhorn


def solved(source: torch.Tensor, target: torch.Tensor, **params: object) -> EntropicMap:
    generator = derive(0, "fit")
    method = Sinkhorn(SinkhornParams(**params))
    objective = method.objective(Problem(Empirical(source), Empirical(target)), generator)
    model = method.trainer().fit(objective, Budget(), generator).model
    assert isinstance(model, EntropicMap)
    return model


def clouds(n: int, m: int, dim: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    g = derive(0)
    return torch.randn(n, dim, generator=g), 2 * torch.randn(m, dim, generator=g) + 5


@pytest.mark.parametrize("epsilon", [0.3, 0.03])
def test_gaussians_couple_as_in_the_closed_form(epsilon):
    # Cross-covariance of the entropic plan from N(0, 1) to N(0, b) with the cost (x - y)^2 / 2.
    b = 4.0
    g = derive(0)
    x = norm.ppf((torch.arange(400) + 0.5)[:, None] / 400)
    x = torch.from_numpy(x).float()
    model = solved(x, b**0.5 * x, epsilon=epsilon, tolerance=1e-3)
    e = model.epsilon
    assert e == pytest.approx(epsilon * (1 + b) / 2, rel=0.02)
    slope = (b + e**2 / 4) ** 0.5 - e / 2
    grid = torch.linspace(-1.5, 1.5, 31)[:, None]
    assert (model(grid, g) - slope * grid).abs().amax() < 0.02
    weights = model.conditional(grid[15:16])[0]
    spread = (weights * model.target[:, 0].square()).sum() - (weights @ model.target[:, 0]) ** 2
    assert float(spread) == pytest.approx(b - slope**2, rel=0.05)


def test_both_marginals_are_kept():
    x, y = clouds(60, 40)
    x, y = x - x.mean(0), y - y.mean(0)
    plan = entropic.solve(x, y, 0.2, tolerance=1e-4, most=5000)
    joint = (plan.u[:, None] + entropic.logits(x, y, plan.v, 0.2)).exp() / (60 * 40)
    assert (joint.sum(0) - 1 / 40).abs().sum() < 1e-4
    error = float((joint.sum(1) - 1 / 60).abs().sum()) / 2
    assert error == pytest.approx(plan.error, rel=0.2, abs=1e-5)
    assert plan.error <= 1e-4


def test_a_small_epsilon_tends_to_the_exact_coupling():
    x, y = clouds(20, 20)
    exact = barycentric_images(x, y)

    def gap(epsilon: float) -> float:
        model = solved(x, y, epsilon=epsilon, tolerance=1e-3, iterations=20_000)
        return float((model(x, derive(0)) - exact).square().sum(1).mean())

    gaps = [gap(epsilon) for epsilon in (1.0, 0.1, 0.01, 0.001, 0.0003)]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] < 1e-3


def test_draws_have_the_targets_distribution_and_means_a_smaller_spread():
    x, y = clouds(500, 500)
    drawn = solved(x, y, epsilon=0.2, output="draw")(x, derive(1))
    mean = solved(x, y, epsilon=0.2)(x, derive(1))
    assert (drawn.mean(0) - y.mean(0)).abs().amax() < 0.3
    assert (torch.cov(drawn.T) - torch.cov(y.T)).abs().amax() < 0.8
    assert torch.cov(mean.T).trace() < 0.9 * torch.cov(y.T).trace()
    assert (drawn[:50, None] - y).norm(dim=2).amin(1).amax() < 1e-4


def test_a_far_shift_costs_no_precision():
    x, y = clouds(200, 200)
    near, far = solved(x, y), solved(x - 1000, y + 1000)
    moved = far(x - 1000, derive(0)) - 1000
    assert (moved - near(x, derive(0))).abs().amax() < 0.02


@pytest.mark.parametrize(("small", "large"), [(1e-3, 1e3), (1e3, 1e-3), (1e-20, 1e-20)])
def test_sizes_do_not_blur_the_plan(small, large):
    x, y = clouds(200, 200)
    x, y = x - x.mean(0), y - y.mean(0)
    plain, scaled = solved(x, y), solved(small * x, large * y)
    gap = scaled(small * x, derive(0)) / large - plain(x, derive(0))
    assert gap.square().mean() < 0.05 * y.square().mean()


def test_blocks_change_nothing(monkeypatch):
    x, y = clouds(101, 77)
    whole = entropic.soft_maximum(x, y, torch.zeros(77), 0.1)
    monkeypatch.setattr(entropic, "_BLOCK", 1000)
    assert torch.allclose(entropic.soft_maximum(x, y, torch.zeros(77), 0.1), whole, atol=1e-5)
    direct = (x @ y.T / 0.1).double().logsumexp(1) - torch.tensor(77.0).log()
    assert torch.allclose(whole.double(), direct, atol=1e-3)


def test_what_has_not_converged_is_not_returned():
    x, y = clouds(100, 100)
    with pytest.raises(Diverged, match=r"after 2 iterations .* raise epsilon"):
        solved(x, y, epsilon=1e-3, tolerance=1e-6, iterations=2)


def test_point_masses_are_carried():
    model = solved(torch.zeros(3, 2), torch.ones(4, 2))
    assert torch.equal(model(torch.zeros(2, 2), derive(0)), torch.ones(2, 2))


@pytest.mark.parametrize("shape", [(2,), (8, 8), (3, 10, 10)])
@pytest.mark.parametrize("output", ["mean", "draw"])
def test_any_shape_saves_and_loads_to_the_bit(shape, output):
    g = derive(0)
    data = torch.rand(60, *shape, generator=g)
    model = solved(data[:20], data[20:], points=30, output=output)
    rebuilt = Sinkhorn(SinkhornParams()).blank(model.config)
    rebuilt.load_state_dict(model.state_dict())
    moved = Transport(model).push(data, derive(1)).points
    assert moved.shape == data.shape
    assert torch.equal(Transport(rebuilt).push(data, derive(1)).points, moved)


def test_equal_seeds_give_equal_bits():
    data = torch.randn(100, 2, generator=derive(0))
    state = torch.get_rng_state()
    first, second = (solved(data[:50], data[50:], points=20, output="draw") for _ in range(2))
    assert torch.equal(first(data, derive(0)), second(data, derive(0)))
    assert torch.equal(torch.get_rng_state(), state)
