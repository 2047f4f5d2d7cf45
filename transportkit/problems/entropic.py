"""A pair of laws whose entropic plan is known."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from ..core.allowed import check_room
from ..core.problem import EntropicPlan, Law, Problem, Truth
from ..core.random import derive
from . import EntropicPairParams
from .bures import rotation
from .mixtures import normal

_VARIANCE_DRAWS = 2**14


class Conditional:
    """pi(y|x) in proportion to v(y) exp(-|x - y|^2 / (2 epsilon)), v a mixture of Gaussians.

    With v = sum_k a_k N(m_k, C_k) it is a mixture of Gaussians with covariances epsilon S_k and
    means r_k + S_k x, where S_k = (I + epsilon C_k^-1)^-1 and r_k = (I - S_k) m_k, and weights in
    proportion to a_k N(x; m_k, C_k + epsilon I). Every such pi is the entropic plan between its
    marginals (Gushchin et al. 2023, arXiv:2306.10161; Korotin, Gushchin and Burnaev 2024,
    arXiv:2310.01174).
    """

    def __init__(self, means: Tensor, covariances: Tensor, epsilon: float) -> None:
        """Equal a_k, m_k the rows of means (K, D), C_k those of covariances (K, D, D), float64."""
        identity = torch.eye(means.shape[1], dtype=means.dtype)
        wide = covariances + epsilon * identity
        self.centres = means
        self.precisions = torch.linalg.inv(wide)
        self.log_scale = -0.5 * torch.linalg.slogdet(wide).logabsdet
        self.slopes = covariances @ self.precisions
        self.offsets = torch.einsum("kij,kj->ki", identity - self.slopes, means)
        self.spreads = epsilon * (self.slopes + self.slopes.mT) / 2
        self.roots = torch.linalg.cholesky(self.spreads)

    def weights(self, x: Tensor) -> Tensor:
        """The weights (B, K) of the components at x (B, D)."""
        gap = x[:, None] - self.centres
        squares = torch.einsum("bki,kij,bkj->bk", gap, self.precisions, gap)
        return (self.log_scale - squares / 2).softmax(1)

    def means(self, x: Tensor) -> Tensor:
        """The means (B, K, D) of the components at x (B, D)."""
        return self.offsets + torch.einsum("kij,bj->bki", self.slopes, x)

    def moments(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The mean (B, D) and covariance (B, D, D) of y given x (B, D)."""
        device, x = x.device, x.double().cpu()
        weights, means = self.weights(x), self.means(x)
        mean = torch.einsum("bk,bki->bi", weights, means)
        gap = means - mean[:, None]
        covariance = torch.einsum("bk,kij->bij", weights, self.spreads)
        covariance += torch.einsum("bk,bki,bkj->bij", weights, gap, gap)
        return mean.to(device), covariance.to(device)

    def sample(self, x: Tensor, generator: Generator) -> Tensor:
        """One draw of y for each of x (B, D)."""
        given, x = x, x.double().cpu()
        label = torch.multinomial(self.weights(x), 1, generator=generator)[:, 0]
        z = torch.randn(x.shape, dtype=torch.float64, generator=generator)
        y = torch.empty_like(x)
        for k in range(len(self.centres)):
            own = label == k
            y[own] = self.offsets[k] + x[own] @ self.slopes[k].mT + z[own] @ self.roots[k].mT
        return y.to(given)


def entropic_pair(params: EntropicPairParams) -> Problem:
    """N(0, I) to the second marginal of a known plan.

    The components of v have centres at `radius` in random directions, and covariances with
    variances spaced evenly in the logarithm about `variance`, largest over smallest `condition`,
    along axes turned at random, all as `instance` says.
    """
    # Covariances, axes, precisions, slopes, spreads and their roots.
    check_room(
        6 * 8 * params.components * params.dim**2,
        f"the covariances of components={params.components} with dim={params.dim}",
    )
    dim, generator = params.dim, derive(params.instance, "entropic-pair", params.dim)
    directions = torch.randn(params.components, dim, dtype=torch.float64, generator=generator)
    centres = params.radius * directions / directions.norm(dim=1, keepdim=True)
    exponents = (torch.arange(dim, dtype=torch.float64) + 0.5) / dim - 0.5
    spectrum = params.variance * params.condition**exponents
    turns = [rotation(dim, generator) for _ in range(params.components)]
    covariances = torch.stack([(axes * spectrum) @ axes.mT for axes in turns])
    plan = Conditional(centres, covariances, params.epsilon)
    source = normal(dim)

    def draw(n: int, generator: Generator) -> Tensor:
        return plan.sample(source.draw(n, generator).double(), generator)

    target = Law(draw, (dim,))
    drawn = target.draw(_VARIANCE_DRAWS, derive(0, "moments"))
    truth = Truth(
        target_variance=drawn.var(0).sum().item(),
        plan=EntropicPlan(params.epsilon, plan.moments, plan.sample),
    )
    about = {
        "definition": f"N(0, I) in {dim} dimensions to the second marginal of an entropic plan of "
        f"epsilon {params.epsilon:g} for the cost |x - y|^2 / 2, whose potential is a mixture of "
        f"{params.components} Gaussians of variance {params.variance:g} at distance "
        f"{params.radius:g} (instance {params.instance})",
        "epsilon": params.epsilon,
    }
    return Problem(source, target, truth, about=about)
