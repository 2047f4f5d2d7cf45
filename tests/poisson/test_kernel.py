"""The kernel of Poisson flow against its radial law, its limits, and the Coulomb field."""

from __future__ import annotations

import pytest
import torch
from scipy import stats
from torch import Tensor

from transportkit import derive
from transportkit_efm.coulomb import coulomb_field
from transportkit_poisson.kernel import from_normal, perturb, posterior_mean, to_normal

DIMENSIONS = [(2, 1), (5, 3), (3, 64), (3, 200)]
HUGE = 10**7


def normal(*shape: int, purpose: str = "x") -> Tensor:
    return torch.randn(*shape, generator=derive(5, purpose))


def p_value(values: Tensor, law) -> float:
    return float(stats.kstest(values.double().numpy(), law).pvalue)


@pytest.mark.parametrize(("dim", "extra"), DIMENSIONS)
def test_lengths_follow_the_beta_law(dim: int, extra: int) -> None:
    """R^2 / (R^2 + r^2) ~ Beta(N/2, D/2), with r = sigma sqrt(D)."""
    y, sigma = normal(4000, dim, purpose="y"), torch.full((4000,), 0.7)
    away = perturb(y, sigma, extra, derive(5, "perturb")) - y
    r2 = extra * 0.7**2
    length2 = away.square().sum(1)
    assert p_value(length2 / (length2 + r2), stats.beta(dim / 2, extra / 2).cdf) > 1e-3
    # Directions are uniform: a coordinate's sign is fair, whatever the length.
    assert abs(float(torch.sign(away[:, 0]).mean())) < 0.06


def test_as_dimensions_grow_the_kernel_becomes_normal() -> None:
    """EDM's: x = y + sigma n. With few extra dimensions it is far from that."""
    y, sigma = torch.zeros(4000, 3), torch.full((4000,), 2.0)
    for extra, near in ((HUGE, True), (4, False)):
        x = perturb(y, sigma, extra, derive(5, "perturb")) / 2
        assert (p_value(x.square().sum(1), stats.chi2(3).cdf) > 1e-3) is near


def test_as_dimensions_grow_the_mean_becomes_the_denoiser() -> None:
    charges, x = normal(300, 2, purpose="charges").double(), normal(50, 2).double()
    sigma = torch.linspace(0.3, 5, 50).double()
    logs = -torch.cdist(x, charges).square() / (2 * sigma[:, None].square())
    denoised = logs.softmax(1) @ charges
    torch.testing.assert_close(posterior_mean(x, sigma, charges, HUGE), denoised, rtol=0, atol=1e-4)
    assert (posterior_mean(x, sigma, charges, 4) - denoised).abs().max() > 0.1


@pytest.mark.parametrize("dim", [1, 2, 6])
def test_in_one_extra_dimension_the_mean_is_told_by_the_coulomb_field(dim: int) -> None:
    """E_x / E_r = (x - E[y | x, r]) / r for charges on the plane r = 0."""
    charges, x = normal(200, dim, purpose="charges").double(), 2 * normal(60, dim).double()
    r = torch.logspace(-2, 2, 60).double()
    places = torch.cat([charges, torch.zeros(200, 1).double()], 1)
    field = coulomb_field(torch.cat([x, r[:, None]], 1), places, torch.ones(200).double())
    slope = field.direction[:, :-1] / field.direction[:, -1:]
    mean = x - r[:, None] * slope
    torch.testing.assert_close(posterior_mean(x, r, charges, 1), mean, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("dim", "extra"), DIMENSIONS)
def test_far_from_gaussian_data_the_mean_has_its_expansion(dim: int, extra: int) -> None:
    """E[y | x, r] = (N + D) x / (|x|^2 + r^2) + O(1 / R^3) for data of variance 1."""
    half = normal(20_000, dim, purpose="charges").double()
    charges = torch.cat([half, -half])
    x = 100 * torch.nn.functional.normalize(normal(20, dim).double(), dim=1)
    sigma = torch.full((20,), 100.0).double()
    expected = (dim + extra) * x / (100**2 + extra * 100**2)
    found = posterior_mean(x, sigma, charges, extra)
    assert (found - expected).norm(dim=1).max() < 0.05 * expected.norm(dim=1).max()


def test_the_prior_of_one_extra_dimension_is_uniform_on_the_half_sphere() -> None:
    """The flux of a charge through a far shell is the same in all directions: Archimedes."""
    x = from_normal(normal(4000, 2), 80.0, 1)
    height = 80 / (x.square().sum(1) + 80**2).sqrt()
    assert p_value(height, stats.uniform.cdf) > 1e-3


@pytest.mark.parametrize(("dim", "extra"), [*DIMENSIONS, (64, 1)])
def test_normal_points_are_carried_to_the_prior_and_back(dim: int, extra: int) -> None:
    z = normal(2000, dim).double()
    x = from_normal(z, 3.0, extra)
    share = x.square().sum(1) / (x.square().sum(1) + extra * 9)
    assert p_value(share, stats.beta(dim / 2, extra / 2).cdf) > 1e-3
    torch.testing.assert_close(to_normal(x, 3.0, extra), z, rtol=1e-7, atol=1e-9)
