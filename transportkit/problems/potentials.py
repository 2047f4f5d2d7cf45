"""Convex potentials: the gradient of one is the optimal map from any law onto its image."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Generator, Tensor

from ..core.problem import Law, Problem, Truth
from ..core.random import derive

_FEWEST_DRAWS, _MOST_DRAWS = 16, 2**15
_MOST_COORDINATES = 2**21
_NEWTON_STEPS = 100
_HALVINGS = 30
_TOLERANCE = 1e-12


class Potential(ABC):
    """A strongly convex function psi of x (B, D), in the precision of x.

    Its gradient T is the optimal map for the squared distance from any law P onto T#P (Brenier
    1991), and where P has a density p, T#P has the density p(x) / det psi''(x) at T(x).
    """

    @abstractmethod
    def value(self, x: Tensor) -> Tensor:
        """psi(x), (B,)."""

    @abstractmethod
    def hessian(self, x: Tensor) -> Tensor:
        """psi''(x), (B, D, D)."""

    def gradient(self, x: Tensor) -> Tensor:
        """psi'(x), (B, D), without a graph."""
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            return torch.autograd.grad(self.value(x).sum(), x)[0]

    def inverse(self, y: Tensor) -> Tensor:
        """The x (B, D), float64, whose gradient is y: where psi(x) - x.y is least.

        By Newton's method, whose steps are halved until the function falls (Boyd and Vandenberghe
        2004, section 9.5).
        """
        x = torch.zeros_like(y)
        for _ in range(_NEWTON_STEPS):
            residual = self.gradient(x) - y
            if residual.abs().max() <= _TOLERANCE * (1 + y.abs().max()):
                break
            step = torch.linalg.solve(self.hessian(x), residual)
            here, slope = self.value(x) - (x * y).sum(1), (residual * step).sum(1)
            size = torch.ones_like(here)
            for _ in range(_HALVINGS):
                there = x - size[:, None] * step
                # The slack lets a step pass whose gain is below the rounding of the value.
                enough = here - 1e-4 * size * slope + 1e-13 * (1 + here.abs())
                high = self.value(there) - (there * y).sum(1) > enough
                if not high.any():
                    break
                size = torch.where(high, size / 2, size)
            x = x - size[:, None] * step
        return x


def gradient_problem(
    source: Law, log_density: Callable[[Tensor], Tensor] | None, potential: Potential, about: str
) -> Problem:
    """P to psi'#P. `log_density` is that of P, where it is known.

    The cost and the target's variance are means over fixed draws: a formula is not known.
    """

    def draw(n: int, generator: Generator) -> Tensor:
        return potential.gradient(source.draw(n, generator))

    def optimal(x: Tensor) -> Tensor:
        return potential.gradient(x.double()).to(x.dtype)

    def density(y: Tensor) -> Tensor:
        assert log_density is not None
        x = potential.inverse(y.double())
        return (log_density(x) - torch.linalg.slogdet(potential.hessian(x)).logabsdet).to(y.dtype)

    x = fixed_draws(source, 0)
    x, y = x.double(), potential.gradient(x).double()
    truth = Truth(
        map=optimal,
        cost=(y - x).square().sum(1).mean().item(),
        target_variance=y.var(0).sum().item(),
        log_density=density if log_density else None,
    )
    return Problem(source, Law(draw, source.shape), truth, about={"definition": about})


def normal_log_density(x: Tensor) -> Tensor:
    """That of N(0, I), (B,)."""
    return -0.5 * (x.square().sum(1) + x.shape[1] * math.log(2 * math.pi))


def fixed_draws(law: Law, seed: int) -> Tensor:
    """Draws (n, D) that are the same for every run: 32,768, fewer in more than 64 dimensions."""
    return law.draw(how_many(law.shape[0]), derive(seed, "moments"))


def how_many(dim: int) -> int:
    """The number of fixed draws in `dim` dimensions."""
    return max(_FEWEST_DRAWS, min(_MOST_DRAWS, _MOST_COORDINATES // dim))
