"""The gradient of a log-sum-exp potential: a known optimal map, and density, in any dimension."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..core.allowed import check_room
from ..core.problem import Problem
from ..core.random import derive
from . import LogSumExpParams
from .mixtures import normal
from .potentials import Potential, gradient_problem, how_many, normal_log_density


class LogSumExp(Potential):
    """psi(x) = a |x|^2 / 2 + tau log sum_k exp((w_k.x + b_k) / tau), weights w (K, D).

    T(x) = a x + sum_k s_k(x) w_k, with s the soft-max of (w_k.x + b_k) / tau, and
    T'(x) = a I + Cov_s(w) / tau.
    """

    def __init__(self, weights: Tensor, bias: Tensor, strength: float, tau: float) -> None:
        self.weights, self.bias, self.strength, self.tau = weights, bias, strength, tau

    def _scores(self, x: Tensor) -> Tensor:
        return (x @ self.weights.to(x).mT + self.bias.to(x)) / self.tau

    def value(self, x: Tensor) -> Tensor:
        return self.strength / 2 * x.square().sum(1) + self.tau * self._scores(x).logsumexp(1)

    def gradient(self, x: Tensor) -> Tensor:
        return self.strength * x + self._scores(x).softmax(1) @ self.weights.to(x)

    def hessian(self, x: Tensor) -> Tensor:
        share, w = self._scores(x).softmax(1), self.weights.to(x)
        gap = w - (share @ w)[:, None]
        spread = torch.einsum("bk,bki,bkj->bij", share, gap, gap)
        identity = torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
        return self.strength * identity + spread / self.tau


def lse(params: LogSumExpParams) -> Problem:
    """N(0, I) to its image. The weights are `spread` times standard normal, as `instance` says;
    the biases and tau are in units of the standard deviation of w.x, spread sqrt(D)."""
    generator = derive(params.instance, "lse", params.dim, params.pieces)
    asked = 8 * params.pieces * (params.dim + how_many(params.dim))
    check_room(asked, f"pieces={params.pieces} with dim={params.dim}")
    scale = params.spread * math.sqrt(params.dim)
    shape = (params.pieces, params.dim)
    weights = params.spread * torch.randn(shape, dtype=torch.float64, generator=generator)
    bias = 0.5 * scale * torch.randn(params.pieces, dtype=torch.float64, generator=generator)
    potential = LogSumExp(weights, bias, params.strength, params.softness * scale)
    about = (
        f"N(0, I) in {params.dim} dimensions to its image under the gradient of a log-sum-exp of "
        f"{params.pieces} pieces with spread {params.spread:g}, softness {params.softness:g} and "
        f"strength {params.strength:g} (instance {params.instance})"
    )
    return gradient_problem(normal(params.dim), normal_log_density, potential, about)
