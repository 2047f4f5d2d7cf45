"""Entropic plans of a batch, balanced or not, by Sinkhorn's scaling."""

from __future__ import annotations

import logging
from functools import cache

import torch
from torch import Tensor

_CHECK_EVERY = 10
_MOST_ITERATIONS = 500
# Scalings beyond exp(+-this) are absorbed into the potentials: single precision reaches exp(88).
_LARGEST_LOG = 20.0
# Entropy below which iterations begin at the prices of an assignment, relative to the mean cost,
# and how near to the best these are. Tried on noise, moons, digits and Gaussians in 2 to 64
# dimensions: 0.02, 0.005 and 0.001.
_LITTLE, _OF_PRICES = 0.1, 0.002


def plan(cost: Tensor, epsilon: float, penalty: float | None, tolerance: float = 0.01) -> Tensor:
    """The coupling weights (n, n), up to a factor, that minimise for a = b = 1/n

        <cost, pi> + epsilon KL(pi | a b) + penalty KL(pi 1 | a) + penalty KL(pi' 1 | b);

    without a penalty the marginals are held. Chizat et al. 2018, "Scaling algorithms for unbalanced
    optimal transport problems", algorithm 1, with its absorption of large scalings (section 3.3);
    the balance of both potentials, which it finds slowly at a large penalty, is put right now and
    then (Sejourne, Vialard and Peyre 2022, arXiv:2201.00730). Iterates until rows sum to their
    share within `tolerance` on average, or, unbalanced, until the scalings change by no more;
    after 500 iterations it warns, once, and takes what there is.
    """
    power = 1.0 if penalty is None else penalty / (penalty + epsilon)
    f, g = _balanced(*_first(cost, epsilon, penalty), penalty)
    kernel, u, v = _absorbed(cost, f, g, epsilon)
    for i in range(1, _MOST_ITERATIONS + 1):
        before = u
        u = _scaling(kernel @ v, f, power, epsilon)
        v = _scaling(u @ kernel, g, power, epsilon)
        if i % _CHECK_EVERY == 0:
            now, last = (u * (kernel @ v) / len(u), 1.0) if penalty is None else (u, before)
            largest = torch.cat([u, v]).log().abs().amax()
            error, largest = torch.stack([(now / last - 1).abs().mean(), largest]).tolist()
            if error <= tolerance:
                break
            if penalty is not None or not largest <= _LARGEST_LOG:
                f, g = _balanced(f + epsilon * _log(u), g + epsilon * _log(v), penalty)
                kernel, u, v = _absorbed(cost, f, g, epsilon)
    else:
        _warn(balanced=penalty is None)
    return u[:, None] * kernel * v


@cache
def _warn(balanced: bool) -> None:
    """Say it once, not for every batch."""
    text = (
        "after %d iterations the plan of a batch misplaces a hundredth of its mass; raise sigma"
        if balanced
        else "after %d iterations the unbalanced plan of a batch still changes; raise epsilon"
    )
    logging.getLogger("transportkit").warning(text, _MOST_ITERATIONS)


def _first(cost: Tensor, epsilon: float, penalty: float | None) -> tuple[Tensor, Tensor]:
    """Potentials (n,) to begin with, by which every row of the kernel has an entry of size 1.

    Of little entropy a balanced plan is nearly the assignment, whose prices are found in the time
    of some tens of iterations, and spare hundreds. Else, and on a GPU, they are c-transforms.
    """
    if penalty is None and cost.device.type == "cpu" and epsilon < _LITTLE * float(cost.mean()):
        # Loads a compiler, which few batches are worth.
        from .assignment import prices

        g = -torch.from_numpy(prices(cost.float().numpy(), _OF_PRICES)).to(cost)
        return (cost - g).amin(1), g
    f = cost.amin(1)
    return f, (cost - f[:, None]).amin(0)


def _balanced(f: Tensor, g: Tensor, penalty: float | None) -> tuple[Tensor, Tensor]:
    """f + c and g - c with the best constant c for the penalties; their sum stays."""
    if penalty is None:
        return f, g
    c = penalty / 2 * (torch.logsumexp(-f / penalty, 0) - torch.logsumexp(-g / penalty, 0))
    return f + c, g - c


def _absorbed(cost: Tensor, f: Tensor, g: Tensor, epsilon: float) -> tuple[Tensor, Tensor, Tensor]:
    kernel = ((f[:, None] + g - cost) / epsilon).exp()
    return kernel, torch.ones_like(f), torch.ones_like(g)


def _scaling(sums: Tensor, potential: Tensor, power: float, epsilon: float) -> Tensor:
    """exp of (new potential - potential) / epsilon, from sums of the kernel over the other side."""
    scaling = (sums / len(sums)).clamp_min(1e-30).pow(-power)
    if power == 1.0:
        return scaling
    return scaling * (-(1 - power) / epsilon * potential).exp()


def _log(scaling: Tensor) -> Tensor:
    return scaling.clamp(1e-37, 1e37).log()


def squared_distances(x0: Tensor, x1: Tensor) -> Tensor:
    """|x0_i - x1_j|^2 (n, n) of points (n, *E), about their common centre."""
    a, b = x0.flatten(1), x1.flatten(1)
    centre = b.mean(0)
    a, b = a - centre, b - centre
    squares = a.square().sum(1)[:, None] + b.square().sum(1)
    return torch.addmm(squares, a, b.T, alpha=-2).clamp_min(0)


def partners(weights: Tensor, generator: torch.Generator) -> Tensor:
    """One column (n,) for each row of the weights (n, m), drawn in proportion to them."""
    reach = weights.cumsum(1)
    draw = torch.rand(len(weights), 1, generator=generator, device=generator.device)
    at = torch.searchsorted(reach, draw.to(reach) * reach[:, -1:]).squeeze(1)
    return at.clamp_max(weights.shape[1] - 1)
