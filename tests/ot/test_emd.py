import itertools
import math

import pytest
import torch
from scipy.stats import norm

from transportkit import Budget, Empirical, Problem, Transport, derive
from transportkit_ot.discrete import EMDParams
from transportkit_ot.discrete.coupling import EMD, DisplacementMap, barycentric_images


def solved(source: torch.Tensor, target: torch.Tensor, **params: object) -> DisplacementMap:
    generator = derive(0, "fit")
    method = EMD(EMDParams(**params))
    objective = method.objective(Problem(Empirical(source), Empirical(target)), generator)
    model = method.trainer().fit(objective, Budget(), generator).model
    assert isinstance(model, DisplacementMap)
    return model


def cost(x: torch.Tensor, y: torch.Tensor) -> float:
    return float((x - y).square().sum(1).mean())


@pytest.mark.parametrize("seed", range(5))
def test_no_permutation_is_cheaper(seed):
    g = derive(seed)
    x, y = torch.randn(6, 3, generator=g), torch.randn(6, 3, generator=g) + 50
    images = barycentric_images(x, y)
    least = min(cost(x, y[list(order)]) for order in itertools.permutations(range(6)))
    assert cost(x, images) == pytest.approx(least, rel=1e-5)
    assert sorted(images.tolist()) == sorted(y.tolist())


def test_on_the_line_the_coupling_is_the_order():
    g = derive(0)
    x, y = torch.randn(200, 1, generator=g), torch.rand(200, 1, generator=g)
    images = barycentric_images(x, y)
    assert torch.equal(images[x[:, 0].argsort()], y.sort(0).values)


def test_unequal_sizes_share_the_mass():
    x = torch.tensor([[0.0], [1.0]])
    y = torch.tensor([[0.0], [1.0], [10.0]])
    # Mass 1/2 at 0 goes to 0 (1/3) and to 1 (1/6); the rest of 1 and all of 10 are for the other.
    expected = torch.tensor([[1 / 3], [7.0]])
    assert torch.allclose(barycentric_images(x, y), expected, atol=1e-6)


def test_new_points_follow_the_monotone_map():
    g = derive(0)
    x, y = torch.randn(2000, 1, generator=g), torch.rand(2000, 1, generator=g)
    fresh = torch.randn(2000, 1, generator=g)
    moved = solved(x, y)(fresh, g)
    truth = torch.from_numpy(norm.cdf(fresh.numpy()))
    assert (moved - truth).square().mean().sqrt() < 0.05


def test_samples_go_to_their_images_and_others_along_or_there():
    x, y = torch.tensor([[0.0, 0.0], [10.0, 0.0]]), torch.tensor([[1.0, 1.0], [11.0, 2.0]])
    new = torch.tensor([[0.0, 0.5]])
    along, there = solved(x, y), solved(x, y, extension="image")
    for model in (along, there):
        assert torch.allclose(model(x, derive(0)), y)
    assert torch.allclose(along(new, derive(0)), torch.tensor([[1.0, 1.5]]))
    assert torch.allclose(there(new, derive(0)), torch.tensor([[1.0, 1.0]]))
    mean = solved(x, y, neighbours=5)
    assert torch.allclose(mean(new, derive(0)), new + torch.tensor([1.0, 1.5]))


def test_small_images_of_large_points_are_exact():
    g = derive(0)
    x, y = 1e3 * torch.randn(50, 2, generator=g), 1e-3 * torch.randn(50, 2, generator=g)
    assert torch.allclose(solved(x, y)(x, g), barycentric_images(x, y), rtol=1e-6, atol=0)


def test_eight_gaussians_are_reached():
    g = derive(0)
    angles = torch.randint(8, (1000,), generator=g) * math.pi / 4
    ring = 5 * torch.stack([angles.cos(), angles.sin()], 1)
    target = ring + 0.5 * torch.randn(1000, 2, generator=g)
    model = solved(torch.randn(1000, 2, generator=g), target)
    moved = model(torch.randn(4000, 2, generator=g), g)
    corners = torch.arange(8) * math.pi / 4
    corners = 5 * torch.stack([corners.cos(), corners.sin()], 1)
    nearest = torch.cdist(moved, corners)
    counts = torch.bincount(nearest.argmin(1), minlength=8) / len(moved)
    assert (counts - 1 / 8).abs().amax() < 0.05
    assert (nearest.amin(1) < 1.5).float().mean() > 0.97


@pytest.mark.parametrize("shape", [(2,), (8, 8), (3, 10, 10)])
def test_any_shape_saves_and_loads_to_the_bit(shape):
    g = derive(0)
    data = torch.rand(60, *shape, generator=g)
    model = solved(data[:20], data[20:], points=30)
    rebuilt = EMD(EMDParams()).blank(model.config)
    rebuilt.load_state_dict(model.state_dict())
    moved = Transport(model).push(data, g, batch=7).points
    assert moved.shape == data.shape
    assert torch.equal(rebuilt(data, g), model(data, g))
    assert torch.allclose(moved, model(data, g), atol=1e-5)


def test_equal_seeds_give_equal_bits():
    data = torch.randn(100, 2, generator=derive(0))
    state = torch.get_rng_state()
    first, second = (solved(data[:50], data[50:], points=20) for _ in range(2))
    assert len(first.source) == 20
    assert torch.equal(first(data, derive(0)), second(data, derive(0)))
    assert torch.equal(torch.get_rng_state(), state)
