"""The kernel of Poisson flow: how a charge looks from D extra dimensions away.

A unit charge at y in N dimensions has, at (x, r) with r the distance in D extra dimensions, a field
along (x - y, r) of size (|x - y|^2 + r^2)^(-(N + D)/2) (Xu et al. 2023, arXiv:2302.04265, equation
4). So its lines cross the shell of radius r at places of the density

    p_r(x | y)  proportional to  (|x - y|^2 + r^2)^(-(N + D)/2)                     (theirs, eq. 7)

and with sigma = r / sqrt(D) this tends to N(y, sigma^2 I) as D grows. Everything here is in sigma.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy import special
from torch import Generator, Tensor


def perturb(y: Tensor, sigma: Tensor, extra: int, generator: Generator) -> Tensor:
    """A draw (B, N) from p_r(x | y) for points y (B, N) at sigma (B,), with `extra` = D.

    The direction of x - y is uniform, and its length R has R^2 / (R^2 + r^2) ~ Beta(N/2, D/2)
    (appendix B of Xu et al. 2023): a normal vector over the root of an independent chi-square.
    """
    noise = torch.randn(y.shape, generator=generator, device=generator.device).to(y)
    return y + noise * (sigma / _root_gamma(len(y), extra, generator).to(y))[:, None]


def _root_gamma(n: int, extra: int, generator: Generator) -> Tensor:
    """Draws (n,) of sqrt(chi2_D / D)."""
    if extra <= 64:
        normals = torch.randn(n, extra, generator=generator, device=generator.device)
        return normals.square().mean(1).sqrt().clamp_min(1e-6)
    # By the quantile function: torch draws no gamma from a generator.
    u = torch.rand(n, generator=generator, device=generator.device, dtype=torch.float64)
    quantile = special.gammaincinv(extra / 2, u.cpu().numpy()) * 2 / extra
    return torch.from_numpy(np.sqrt(quantile)).to(u.device)


def posterior_mean(x: Tensor, sigma: Tensor, charges: Tensor, extra: int) -> Tensor:
    """E[y | x, r] (B, N) of the empirical law of charges (M, N) at x (B, N), sigma (B,).

    The direction of the summed field of the charges at (x, r) is that of (x - E[y | x, r], r): the
    weights of the mean are the sizes of the charges' fields.
    """
    distances = torch.cdist(x, charges, compute_mode="donot_use_mm_for_euclid_dist")
    power = (x.shape[1] + extra) / 2
    # log1p of the quotient: for many extra dimensions it is a small number times a large one.
    logs = -power * torch.log1p((distances / (math.sqrt(extra) * sigma[:, None])).square())
    return logs.softmax(1) @ charges


def from_normal(z: Tensor, sigma: float, extra: int) -> Tensor:
    """Points z (B, N) of N(0, I) carried to p_r(x | 0), each along its ray, in order of length.

    Both laws are isotropic, so that matching the quantiles of the length is exact.
    """
    shape, dof = z.shape[1] / 2, extra / 2
    half = z.double().square().sum(1).cpu().numpy() / 2
    below, above = special.gammainc(shape, half), special.gammaincc(shape, half)
    # From the nearer end, where the probability has all its digits.
    near, far = special.betaincinv(shape, dof, below), special.betaincinv(dof, shape, above)
    with np.errstate(divide="ignore"):
        odds = np.where(below < above, near / (1 - near), (1 - far) / far)
    return _along(z, sigma * np.sqrt(extra * odds))


def to_normal(x: Tensor, sigma: float, extra: int) -> Tensor:
    """The inverse of `from_normal`."""
    shape, dof = x.shape[1] / 2, extra / 2
    odds = x.double().square().sum(1).cpu().numpy() / (extra * sigma**2)
    below = special.betainc(shape, dof, odds / (1 + odds))
    above = special.betainc(dof, shape, 1 / (1 + odds))
    half = np.where(
        below < above, special.gammaincinv(shape, below), special.gammainccinv(shape, above)
    )
    return _along(x, np.sqrt(2 * half))


def _along(x: Tensor, length: np.ndarray) -> Tensor:
    """Points in the directions of x (B, N) at these lengths (B,)."""
    unit = torch.nn.functional.normalize(x.double(), dim=1)
    return (unit * torch.from_numpy(length).to(unit)[:, None]).to(x.dtype)
