import pytest
import torch
from scipy.stats import norm

from tests.ot.fits import fitted, gaussian_pair, l2_uvp
from transportkit import derive
from transportkit_ot.slices.transfer import match


def test_quantiles_are_matched_linearly_and_shifted_beyond():
    source = torch.tensor([[0.0, 1.0, 3.0]])
    target = torch.tensor([[10.0, 10.0, 20.0]])
    x = torch.tensor([[-2.0, 0.5, 2.0, 3.0, 7.0]])
    assert torch.allclose(match(x, source, target), torch.tensor([[8.0, 10.0, 15.0, 20.0, 24.0]]))


def test_on_the_line_it_is_the_monotone_map():
    g = derive(0)
    x, y = torch.randn(5000, 1, generator=g), torch.rand(5000, 1, generator=g)
    fresh = torch.randn(2000, 1, generator=g)
    truth = torch.from_numpy(norm.cdf(fresh.numpy()))
    moved = fitted("sliced", x, y, {"start": "identity"})(fresh, g)
    assert (moved - truth).square().mean().sqrt() < 0.02


def test_after_the_affine_map_gaussians_are_carried_by_the_bures_map():
    problem, x, y = gaussian_pair(2)
    assert l2_uvp(fitted("sliced", x, y), problem) < 1


def test_few_samples_in_many_dimensions_are_not_taken_for_the_law():
    g = derive(1)
    x, y = torch.randn(90, 64, generator=g), 2 * torch.randn(90, 64, generator=g) + 3
    fresh = torch.randn(500, 64, generator=g)
    errors = [
        float((fitted("sliced", x, y, params)(fresh, g) - (2 * fresh + 3)).square().mean()) / 4
        for params in ({}, {"held_out": 0.0})
    ]
    assert errors[0] < 0.05
    # All iterations add noise that is larger than the data.
    assert errors[1] > 1


def test_iterations_go_on_while_held_out_samples_come_nearer():
    x = torch.randn(3000, 2, generator=derive(0))
    side = torch.randint(2, (3000, 1), generator=derive(1)) * 8 - 4
    y = 0.5 * torch.randn(3000, 2, generator=derive(2)) + side
    model = fitted("sliced", x, y)
    assert len(model.axes) > 3
    moved = model(torch.randn(2000, 2, generator=derive(3)), derive(0))
    # The modes are at +-4 on the diagonal, and little is left between them.
    assert (moved.abs() - 4).square().mean().sqrt() < 0.8


@pytest.mark.parametrize("dim", [2, 8])
def test_from_the_data_as_they_are_the_law_is_right_and_the_map_near(dim):
    problem, x, y = gaussian_pair(dim, 4000)
    model = fitted("sliced", x, y, {"start": "identity"})
    moved = model(problem.source.sample(4000, derive(1)), derive(0))
    fresh = problem.target.sample(4000, derive(2))
    assert (moved.mean(0) - fresh.mean(0)).norm() < 0.08 * dim**0.5
    assert (torch.cov(moved.T) - torch.cov(fresh.T)).norm() < 0.1 * torch.cov(fresh.T).norm()
    # A product of symmetric maps is not symmetric: this is not the optimal map.
    assert 0.2 < l2_uvp(model, problem) < 15


def test_a_part_of_the_step_goes_a_part_of_the_way():
    x = torch.randn(1000, 1, generator=derive(0))
    params = {"start": "identity", "iterations": 1, "step": 0.25, "levels": 1000}
    moved = fitted("sliced", x, x + 8, params)(x, derive(0))
    # The frame takes the shift; what is left is nothing.
    assert torch.allclose(moved, x + 8, atol=1e-4)
    moved = fitted("sliced", x, 3 * x, params)(x, derive(0))
    centred = x - x.mean(0)
    assert torch.allclose(moved, 3 * x.mean(0) + centred * 1.5, atol=1e-3)
