import pytest
import torch

from tests.ot.fits import fitted, gaussian_pair, l2_uvp
from transportkit import derive
from transportkit_ot.gaussian.components import Mixture, fit, fit_both
from transportkit_ot.gaussian.mixture import MixtureMap, mixture_plan


def blobs(centres: list[float], shares: list[int], std: float, seed: int) -> torch.Tensor:
    """Clusters on the first axis of the plane, of the given sizes."""
    parts = []
    for centre, n in zip(centres, shares, strict=True):
        noise = std * torch.randn(n, 2, generator=derive(seed, centre))
        parts.append(noise + torch.tensor([centre, 0.0]))
    return torch.cat(parts)


@pytest.mark.parametrize("dim", [2, 16])
def test_one_gaussian_on_each_side_is_found_and_carried_by_the_bures_map(dim):
    problem, x, y = gaussian_pair(dim, 5000)
    model = fitted("gmm", x, y)
    assert isinstance(model, MixtureMap)
    assert model.components == 1
    assert l2_uvp(model, problem) < 0.5


@pytest.mark.parametrize(("dim", "count"), [(64, 90), (16, 40), (2, 10)])
def test_few_samples_of_gaussians_in_many_dimensions_are_carried_as_by_linear(dim, count):
    g = derive(1)
    x, y = torch.randn(count, dim, generator=g), 2 * torch.randn(count, dim, generator=g) + 3
    fresh = torch.randn(500, dim, generator=g)
    auto, one, linear = (
        fitted(name, x, y, params)(fresh, derive(0))
        for name, params in (("gmm", {}), ("gmm", {"components": 1}), ("linear", {}))
    )
    assert torch.allclose(auto, linear, atol=1e-5)
    assert torch.allclose(one, linear, atol=1e-5)
    # Cut in too many pieces, each of few points, it still stays in proportion.
    cut = fitted("gmm", x, y, {"components": 4})(fresh, derive(0)) if dim > 2 else linear
    assert (cut - (2 * fresh + 3)).square().mean() < 0.5 * 4


@pytest.mark.parametrize(("count", "components"), [(5, 3), (3, 3), (8, 4)])
def test_gaussians_of_single_points_do_not_blow_up_what_is_near(count, components):
    for seed in range(3):
        g = derive(seed)
        x, y = torch.randn(count, 2, generator=g), 2 * torch.randn(count, 2, generator=g) + 1
        moved = fitted("gmm", x, y, {"components": components})(torch.randn(300, 2, generator=g), g)
        assert moved.isfinite().all()
        assert (moved - y.mean(0)).norm(dim=1).median() < 10


def test_clusters_are_found_in_few_samples_of_many_dimensions():
    x = torch.randn(80, 16, generator=derive(0))
    x[40:, :] += 20
    assert [len(side) for side in fit_both(x, x, 32, derive(0))] == [2, 2]


def test_the_plan_between_gaussians_is_the_cheapest():
    # Equal isotropic covariances, so that the cost is that of the means; on a line the plan is
    # the order: 0.3 and 0.1 of the first go to 5 and 6, and all of the second to 6.
    eye = torch.eye(2, dtype=torch.float64).expand(2, 2, 2)
    along = torch.tensor([[0.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
    weights = torch.tensor([[0.4, 0.6], [0.3, 0.7]], dtype=torch.float64)
    first = Mixture(weights[0], along, eye, 0.0)
    second = Mixture(weights[1], along + 5, 4 * eye, 0.0)
    expected = torch.tensor([[0.3, 0.1], [0.0, 0.6]], dtype=torch.float64)
    assert torch.allclose(mixture_plan(first, second), expected)


def test_clusters_go_whole_to_clusters_in_order():
    x = blobs([-6.0, 6.0], [1500, 1500], 1.0, seed=0)
    y = blobs([-2.0, 30.0], [1500, 1500], 0.5, seed=1)
    model = fitted("gmm", x, y)
    fresh = blobs([-6.0, 6.0], [500, 500], 1.0, seed=2)
    left, first_axis = fresh[:, :1] < 0, torch.tensor([1.0, 0.0])
    near = fresh - torch.where(left, -6.0, 6.0) * first_axis
    true = 0.5 * near + torch.where(left, -2.0, 30.0) * first_axis
    assert (model(fresh, derive(0)) - true).square().sum(1).mean() < 0.01


def test_draws_have_the_targets_distribution_where_means_do_not():
    x = torch.randn(4000, 2, generator=derive(0))
    y = blobs([-6.0, 6.0], [2000, 2000], 0.5, seed=1)
    fresh = torch.randn(2000, 2, generator=derive(1))
    drawn, mean = (
        fitted("gmm", x, y, {"output": output})(fresh, derive(0)) for output in ("draw", "mean")
    )
    assert abs(float((drawn[:, 0] > 0).float().mean()) - 0.5) < 0.04
    offset = (drawn[:, 0].abs() - 6).square().mean().sqrt()
    assert float(offset) == pytest.approx(0.5, abs=0.05)
    # Means of two maps lie between the modes, where there is nothing.
    assert (mean[:, 0].abs() < 3).float().mean() > 0.1


def test_both_sides_are_cut_equally_finely():
    x = torch.randn(2000, 2, generator=derive(0))
    y = blobs([-9.0, -3.0, 3.0, 9.0], [500] * 4, 0.3, seed=1)
    sides = fit_both(x, y, 32, derive(0))
    assert [len(side) for side in sides] == [4, 4]
    assert fit(x, 1, derive(0)).bic(x) < fit(x, 8, derive(0)).bic(x)


def test_too_few_samples_are_refused():
    from transportkit import Empirical, Problem
    from transportkit_ot.gaussian import MixtureParams
    from transportkit_ot.gaussian.mixture import GaussianMixtures

    few = Problem(Empirical(torch.zeros(3, 2)), Empirical(torch.zeros(9, 2)))
    assert "needs 4 samples" in (GaussianMixtures(MixtureParams(components=4)).refuses(few) or "")
