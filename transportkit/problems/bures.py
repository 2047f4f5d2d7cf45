"""Two Gaussians, whose optimal map is known in any dimension."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from ..core.allowed import check_room
from ..core.gaussians import bures_cost, root
from ..core.problem import Law, Problem, Truth
from ..core.random import derive
from . import GaussianPairParams


def bures_map(a: Tensor, b: Tensor) -> Tensor:
    """The matrix of the optimal linear map from N(0, a) to N(0, b), a positive definite.

    A^(-1/2) (A^(1/2) B A^(1/2))^(1/2) A^(-1/2): symmetric, and M A M = B (Dowson and Landau 1982;
    Bhatia, Jain and Lim 2019).
    """
    half = root(a)
    inverse = torch.linalg.inv(half)
    linear = inverse @ root(half @ b @ half) @ inverse
    return (linear + linear.mT) / 2


def rotation(dim: int, generator: Generator) -> Tensor:
    """A rotation or reflection drawn uniformly (Mezzadri 2007)."""
    q, r = torch.linalg.qr(torch.randn(dim, dim, dtype=torch.float64, generator=generator))
    return q * r.diagonal().sign()


def _gaussian(mean: Tensor, covariance: Tensor) -> Law:
    half = root(covariance)

    def draw(n: int, generator: Generator) -> Tensor:
        return mean + torch.randn(n, len(mean), dtype=torch.float64, generator=generator) @ half

    return Law(draw, tuple(mean.shape))


def gaussian_pair(params: GaussianPairParams) -> Problem:
    """N(0, A) to N(m, B).

    A and B have variances spaced evenly in the logarithm from condition^(-1/2) to condition^(1/2)
    along axes turned at random, and m points at random, all as `instance` says.
    """
    # Both, their axes, the map and its roots at least.
    check_room(6 * 8 * params.dim**2, f"the covariances of dim={params.dim}", "lower dim")
    generator = derive(params.instance, "gaussian-pair", params.dim)
    exponents = torch.linspace(-0.5, 0.5, params.dim, dtype=torch.float64)
    spectra = params.condition**exponents, params.condition ** (-exponents)
    a, b = (
        (axes * spectrum) @ axes.mT
        for spectrum in spectra
        for axes in [rotation(params.dim, generator)]
    )
    direction = torch.randn(params.dim, dtype=torch.float64, generator=generator)
    mean = params.shift * direction / direction.norm()
    linear = bures_map(a, b)

    def optimal(x: Tensor) -> Tensor:
        return (x.double() @ linear.to(x.device) + mean.to(x.device)).to(x.dtype)

    truth = Truth(
        map=optimal,
        cost=(bures_cost(a, b) + mean.square().sum()).item(),
        target_variance=b.trace().item(),
    )
    about = {
        "definition": f"two Gaussians in {params.dim} dimensions, each with variances from "
        f"{params.condition**-0.5:.3g} to {params.condition**0.5:.3g}, their means "
        f"{params.shift:g} apart (instance {params.instance})"
    }
    return Problem(_gaussian(torch.zeros_like(mean), a), _gaussian(mean, b), truth, about=about)
