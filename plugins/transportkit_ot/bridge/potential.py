"""A Schroedinger bridge in closed form: the potential is a mixture of Gaussians.

Korotin, Gushchin and Burnaev 2024, arXiv:2310.01174. With the adjusted potential
v(y) = sum_k a_k N(y | r_k, eps S_k) the plan of the cost |x - y|^2 / 2 has the conditional
pi(y | x) = v(y) exp(x.y / eps) / c(x), a mixture of N(r_k + S_k x, eps S_k) (their proposition
3.2), and the bridge is known at every time between.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

from ..draws import pick

_SIZE = 0.1
"""Eigenvalues of S_k at the start, as in the paper's experiments."""


class MixturePotential(nn.Module):
    """log a (K,), r (K, D), and S = U diag(s) U' by log s (K, D) and a skew matrix of U (K, D, D).

    U is the Cayley transform of the skew matrix, the identity where covariances are `diagonal`.
    """

    def __init__(self, dim: int, *, components: int, epsilon: float, diagonal: bool) -> None:
        super().__init__()
        self.epsilon = epsilon
        self.log_weights = nn.Parameter(torch.zeros(components))
        self.centres = nn.Parameter(torch.zeros(components, dim))
        self.log_sizes = nn.Parameter(torch.full((components, dim), _SIZE).log())
        size = 0 if diagonal or dim == 1 else dim
        self.skew = nn.Parameter(torch.zeros(components, size, size))

    def axes(self) -> Tensor | None:
        """U (K, D, D); None for the identity."""
        if not self.skew.numel():
            return None
        half = (self.skew - self.skew.mT) / 2
        eye = torch.eye(half.shape[1], dtype=half.dtype, device=half.device)
        return torch.linalg.solve(eye + half, eye - half)

    def log_parts(self, x: Tensor, t: Tensor | float) -> Tensor:
        """The log weights (B, K) of the Gaussians at states x (B, D) and times t (B,).

        They are what a bridge at x will end in: log a_k - log|M|/2 + (x'(S - I)x + 2 r'x - t r'r)
        with M^-1 in between, over 2 eps, M = t S + (1 - t) I; |x|^2 / 2 eps (1 - t) is left out,
        which all have in common. At t = 0 their log sum is log c(x) - |x|^2 / 2 eps, and at t = 1
        it is log v(y) + |y|^2 / 2 eps, up to a constant.
        """
        x, r, s, time, _ = self._along(x, t)
        between = time * s + (1 - time)
        exponent = ((s - 1) * x.square() + 2 * r * x - time * r.square()) / between
        return self.log_weights + (exponent / self.epsilon - between.log()).sum(2) / 2

    def ends(self, x: Tensor, t: Tensor | float) -> Tensor:
        """Where the part k of a bridge at x (B, D) at t (B,) ends on average, (B, K, D)."""
        x, r, s, time, axes = self._along(x, t)
        inside = (s * x + (1 - time) * r) / (time * s + (1 - time))
        return inside if axes is None else torch.einsum("kde,bke->bkd", axes, inside)

    def mean(self, x: Tensor, t: Tensor | float = 0.0) -> Tensor:
        """E[y | bridge at x at time t] (B, D)."""
        return (self.log_parts(x, t).softmax(1)[:, :, None] * self.ends(x, t)).sum(1)

    def draw(self, x: Tensor, generator: Generator) -> Tensor:
        """Draws from pi(y | x), (B, D)."""
        chosen = pick(self.log_parts(x, 0.0).softmax(1), generator)
        kick = torch.randn(x.shape, generator=generator, device=generator.device).to(x)
        kick = kick * (self.epsilon * self.log_sizes[chosen].exp()).sqrt()
        if (axes := self.axes()) is not None:
            kick = torch.einsum("bde,be->bd", axes[chosen], kick)
        rows = torch.arange(len(x), device=x.device)
        return self.ends(x, 0.0)[rows, chosen] + kick

    def _along(
        self, x: Tensor, t: Tensor | float
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor | None]:
        """x (B, K, D), r (K, D) along the axes of each Gaussian, s (K, D), t (B, 1, 1), axes."""
        time = torch.as_tensor(t, dtype=x.dtype, device=x.device).view(-1, 1, 1)
        sizes, axes = self.log_sizes.exp(), self.axes()
        if axes is None:
            return x[:, None], self.centres, sizes, time, None
        turned = torch.einsum("bd,kde->bke", x, axes)
        return turned, torch.einsum("kd,kde->ke", self.centres, axes), sizes, time, axes
