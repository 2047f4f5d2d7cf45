"""Gaussian mixtures fitted to samples, with the number of Gaussians that the samples bear."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from .shrinkage import shrunk

_FLOOR = 1e-6
"""Least variance of a Gaussian where densities are asked, as a part of the whole's."""
_FEWEST = 10
"""Points for each Gaussian, on average, where their number is sought: two or three lie on a line,
and the density there grows without bound."""


@dataclass(frozen=True)
class Mixture:
    """Weights (K,), means (K, D) and covariances (K, D, D) in float64.

    `freedom` is the number of parameters that the points could choose: those of a covariance count
    by the part that is not the identity's.
    """

    weights: Tensor
    means: Tensor
    covariances: Tensor
    freedom: float

    def __len__(self) -> int:
        return len(self.weights)

    def whitening(self) -> Tensor:
        """W (K, D, D), lower triangular, with W'W the inverses of the covariances.

        The covariances are raised a little: there are densities where a Gaussian has no extent.
        """
        apart = self.means - self.weights @ self.means
        variances = self.covariances.diagonal(dim1=1, dim2=2).mean(1) + apart.square().mean(1)
        floor = _FLOOR * float(self.weights @ variances) or 1e-12
        eye = torch.eye(self.means.shape[1], dtype=self.means.dtype, device=self.means.device)
        roots = torch.linalg.cholesky(self.covariances + floor * eye)
        return torch.linalg.solve_triangular(roots, eye.expand_as(roots), upper=False)

    def bic(self, x: Tensor) -> float:
        """The Bayesian information criterion on the points x (N, D); lower is better."""
        dim = x.shape[1]
        parts = log_parts(x, self.weights.log(), self.means, self.whitening())
        likelihood = float(parts.logsumexp(1).sum()) - len(x) * dim / 2 * math.log(2 * math.pi)
        return self.freedom * math.log(len(x)) - 2 * likelihood


def log_parts(x: Tensor, log_weights: Tensor, means: Tensor, whitening: Tensor) -> Tensor:
    """The log of each Gaussian's share in the density at x (B, D), less a constant: (B, K)."""
    logs = []
    for log_weight, mean, white in zip(log_weights, means, whitening, strict=True):
        log_det = white.diagonal().log().sum()
        logs.append(log_weight + log_det - ((x - mean) @ white.T).square().sum(1) / 2)
    return torch.stack(logs, 1)


def fit(x: Tensor, components: int, generator: Generator) -> Mixture:
    """Expectation-maximisation on x (N, D) by scikit-learn, on the CPU, and shrunk covariances.

    The covariance of each Gaussian is that of the points by their share in it, shrunk as
    `shrunk` does it by the effective number of these points: with few of them for many
    coordinates the likeliest covariance is far from the true one. Raises ValueError where there
    are fewer points than Gaussians.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    x = x.double()
    seed = int(torch.randint(2**31, (), generator=generator, device=generator.device))
    points = x.cpu().numpy()
    least = _FLOOR * float(points.var(0).mean()) or 1e-12
    em = GaussianMixture(components, reg_covar=least, random_state=seed)
    with warnings.catch_warnings():
        # A fit that is still moving, or clusters that coincide, are what BIC is asked about.
        warnings.simplefilter("ignore", ConvergenceWarning)
        em.fit(points)
    weights, means, shares = (
        torch.from_numpy(part).to(x.device)
        for part in (em.weights_, em.means_, em.predict_proba(points))
    )
    # No share is nothing at all, or its Gaussian had no place.
    shares = shares.clamp_min(1e-100)
    found = [shrunk(x, share) for share in shares.T]
    dim = x.shape[1]
    freedom = sum(dim + 2 + (1 - part) * (dim * (dim + 1) / 2 - 1) for _, part in found) - 1
    counts = shares.sum(0).square() / shares.square().sum(0)
    covariances = _evened(torch.stack([s for s, _ in found]), weights, counts)
    return Mixture(weights, means, covariances, freedom)


def _evened(covariances: Tensor, weights: Tensor, counts: Tensor) -> Tensor:
    """Covariances (K, D, D), those of fewer than three points raised or lowered to the common size.

    One point has no extent and two have one by chance; a map from there would blow up whatever is
    near, or collapse it. They take the mean variance of the other Gaussians, weighted by the
    weights and by the points beyond the first; of single points alone none has any.
    """
    sizes = covariances.diagonal(dim1=1, dim2=2).mean(1)
    heard = weights * (counts - 1).clamp_min(0)
    common = (heard @ sizes / heard.sum()) if heard.sum() > 1e-6 else torch.zeros_like(sizes[0])
    lone = ((3 - counts) / 2).clamp(0, 1)[:, None, None]
    eye = torch.eye(covariances.shape[1], dtype=covariances.dtype, device=covariances.device)
    return (1 - lone) * covariances + lone * common * eye


def fit_both(x: Tensor, y: Tensor, most: int, generator: Generator) -> tuple[Mixture, Mixture]:
    """Mixtures of x and y with equally many Gaussians: the larger of both sides' best numbers.

    A side that needs fewer is cut as finely as the other, or one Gaussian would go to many and
    the plan could not say which part of it goes where.
    """
    most = min(most, len(x) // _FEWEST, len(y) // _FEWEST)
    best = [_best(side, most, generator) for side in (x, y)]
    count = max(len(mixture) for mixture in best)
    first, second = (
        mixture if len(mixture) == count else fit(side, count, generator)
        for mixture, side in zip(best, (x, y), strict=True)
    )
    return first, second


def _best(x: Tensor, most: int, generator: Generator) -> Mixture:
    """The mixture of lowest BIC, its size doubled while that falls (Schwarz 1978)."""
    best = fit(x, 1, generator)
    lowest, count = best.bic(x), 2
    while count <= most:
        found = fit(x, count, generator)
        bic = found.bic(x)
        if bic >= lowest:
            break
        best, lowest = found, bic
        count *= 2
    return best
