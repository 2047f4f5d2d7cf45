"""A map regressed directly, held near optimality by the Monge gap."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Generator, Tensor, nn

from transportkit import Descent, Diverged, Game, Method, Problem

from ..ends import Ends, draw_ends
from ..preconditioned import PreconditionedFrame
from . import MongeGapParams
from .maps import ResidualMap


class MongeGapGame(Game[Ends]):
    """S_eps(T#P, Q) + gap (E |x - T(x)|^2 - W2^2(P, T#P)) / 2, each on a batch.

    Uscidu and Cuturi 2023, equation 10. The fitting loss is a Sinkhorn divergence; the gap, which
    is 0 if and only if T is optimal for where it leads, takes the exact assignment instead of a
    regularised plan, which makes it non-negative on every batch.
    """

    def __init__(self, problem: Problem, params: MongeGapParams, generator: Generator) -> None:
        self.problem, self.params = problem, params
        self.fitted = ResidualMap(
            problem.event_shape, width=params.width, depth=params.depth, generator=generator
        )
        self.frame = PreconditionedFrame.of(problem, generator)
        self.fitted.frame = self.frame
        self.fitted = self.fitted.to(self.frame.scale.device)
        self.epsilon = params.epsilon * problem.dim

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return {"map": self.fitted.residual}

    @property
    def separable(self) -> bool:
        # Both terms compare whole batches.
        return False

    def draw(self, n: int, generator: Generator) -> Ends:
        return draw_ends(self.problem, self.frame, n, generator)

    def loss(self, player: str, batch: Ends, generator: Generator) -> Tensor:
        images = self.fitted.residual(batch.x)
        # Misfit counts as it does between data, where directions of large variance weigh more.
        moved, target = (self.frame.straightened(side) for side in (images, batch.y))
        fit = fitting_loss(moved, target, self.epsilon, self.params.iterations)
        return fit + self.params.gap * monge_gap(batch.x, images)

    def model(self) -> ResidualMap:
        return self.fitted


def monge_gap(x: Tensor, images: Tensor) -> Tensor:
    """E |x - T(x)|^2 / 2 less the least such cost between x (B, D) and images (B, D), a scalar.

    By the envelope theorem the gradient is that of the two costs at the best assignment.
    """
    from scipy.optimize import linear_sum_assignment

    with torch.no_grad():
        a, b = x - x.mean(0), images - images.mean(0)
        gains = (a @ b.T).cpu()
    if not gains.isfinite().all():
        raise Diverged("images of the map are not finite; lower lr, or check the data's scale")
    _, partners = linear_sum_assignment(gains.numpy(), maximize=True)
    best = images[torch.from_numpy(partners).to(x.device)]
    return (x * (best - images)).sum(1).mean()


def fitting_loss(x: Tensor, y: Tensor, epsilon: float, iterations: int) -> Tensor:
    """W(x, y) - W(x, x') / 2 for the cost |x - y|^2 / 2, as a function of x (N, D); the term of
    y (N, D) alone is constant.

    A Sinkhorn divergence (Feydy et al. 2019, arXiv:1810.08278) with independent halves x, x' of the
    batch. Its mean is least where both laws are one, for batches of any size; that of a batch with
    itself, whose points are their own partners, would shrink x in high dimension.
    """
    half = max(1, len(x) // 2)
    first, second = x[:half], x[-half:]
    onto = entropic_cost(first, y[:half], epsilon, iterations)
    onto = onto + entropic_cost(second, y[-half:], epsilon, iterations)
    return (onto - entropic_cost(first, second, epsilon, iterations)) / 2


def entropic_cost(x: Tensor, y: Tensor, epsilon: float, iterations: int) -> Tensor:
    """The dual value of the entropic plan; its potentials are held as x and y vary.

    Averaged updates of both sides at once, epsilon falling to its last value over the first half
    of the iterations.
    """
    cost = (x.square().sum(1)[:, None] + y.square().sum(1) - 2 * x @ y.T) / 2
    with torch.no_grad():
        f, g = torch.zeros_like(cost[:, 0]), torch.zeros_like(cost[0])
        start = max(epsilon, float(cost.mean()))
        for i in range(iterations):
            now = max(epsilon, start * (epsilon / start) ** min(1.0, 2 * i / max(1, iterations)))
            onto_x, onto_y = _soft_minimum(cost, g, now), _soft_minimum(cost.T, f, now)
            f, g = (f + onto_x) / 2, (g + onto_y) / 2
    # One more update of each side, through which the gradient is that of the plan.
    onto_x, onto_y = _soft_minimum(cost, g, epsilon), _soft_minimum(cost.T, f, epsilon)
    return (onto_x.mean() + onto_y.mean() + f.mean() + g.mean()) / 2


def _soft_minimum(cost: Tensor, g: Tensor, epsilon: float) -> Tensor:
    """-eps log of the mean over columns of exp((g - cost) / eps), (N,)."""
    return -epsilon * (((g - cost) / epsilon).logsumexp(1) - math.log(cost.shape[1]))


class MongeGap(Method[MongeGapParams]):
    def objective(self, problem: Problem, generator: Generator) -> MongeGapGame:
        return MongeGapGame(problem, self.params, generator)

    def trainer(self) -> Descent:
        p = self.params
        return Descent(steps=p.steps, batch=p.batch, lr=p.lr, ema=p.ema)

    def blank(self, config: Mapping[str, Any]) -> ResidualMap:
        return ResidualMap(**{**config, "event_shape": tuple(config["event_shape"])})
