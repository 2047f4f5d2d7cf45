"""Gaussian mixtures fitted to samples, with the number of Gaussians that the samples bear."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Generator, Tensor


@dataclass(frozen=True)
class Mixture:
    """Weights (K,), means (K, D) and covariances (K, D, D) in float64; `bic`, lower is better."""

    weights: Tensor
    means: Tensor
    covariances: Tensor
    bic: float

    def __len__(self) -> int:
        return len(self.weights)


def fit(x: Tensor, components: int, generator: Generator) -> Mixture:
    """Expectation-maximisation on x (N, D) by scikit-learn, on the CPU.

    Raises ValueError where there are fewer points than Gaussians.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    seed = int(torch.randint(2**31, (), generator=generator, device=generator.device))
    points = x.double().cpu().numpy()
    least = 1e-6 * float(points.var(0).mean()) or 1e-12
    found = GaussianMixture(components, reg_covar=least, random_state=seed)
    with warnings.catch_warnings():
        # A fit that is still moving, or clusters that coincide, are what BIC is asked about.
        warnings.simplefilter("ignore", ConvergenceWarning)
        found.fit(points)
        bic = float(found.bic(points))
    weights, means, covariances = (
        torch.from_numpy(part).to(x.device)
        for part in (found.weights_, found.means_, found.covariances_)
    )
    return Mixture(weights, means, covariances, bic)


def fit_both(x: Tensor, y: Tensor, most: int, generator: Generator) -> tuple[Mixture, Mixture]:
    """Mixtures of x and y with equally many Gaussians: the larger of both sides' best numbers.

    A side that needs fewer is cut as finely as the other, or one Gaussian would go to many and
    the plan could not say which part of it goes where.
    """
    best = [_best(side, most, generator) for side in (x, y)]
    count = max(len(mixture) for mixture in best)
    count = min(count, len(x), len(y))
    first, second = (
        mixture if len(mixture) == count else fit(side, count, generator)
        for mixture, side in zip(best, (x, y), strict=True)
    )
    return first, second


def _best(x: Tensor, most: int, generator: Generator) -> Mixture:
    """The mixture of lowest BIC, its size doubled while that falls (Schwarz 1978)."""
    best: Mixture | None = None
    for count in _sizes(min(most, len(x))):
        found = fit(x, count, generator)
        if best is not None and found.bic >= best.bic:
            break
        best = found
    assert best is not None
    return best


def _sizes(most: int) -> Iterator[int]:
    count = 1
    while count <= most:
        yield count
        count *= 2
