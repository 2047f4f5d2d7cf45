"""Convex networks: the gradient of one is an optimal map, however it was made.

Of a network whose weights between layers are not negative and whose activations are convex and do
not fall, the output is convex in the input (Amos, Xu and Kolter 2017, proposition 1).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn.functional import celu, softplus

from ..core.allowed import check_room
from ..core.problem import Problem
from ..core.random import derive
from . import ConvexNetworkParams
from .mixtures import normal
from .potentials import Potential, fixed_draws, gradient_problem, how_many, normal_log_density


class ByAutograd(Potential):
    """A potential whose Hessian is that of its value, by automatic differentiation."""

    def hessian(self, x: Tensor) -> Tensor:
        def one(point: Tensor) -> Tensor:
            return self.value(point[None])[0]

        return torch.func.vmap(torch.func.jacrev(torch.func.grad(one)))(x)


class ConvexNetwork(ByAutograd):
    """c (a |x|^2 / 2 + sum v.h_L - m.x): h_1 = g(A_1 x + b_1), h_k = g(W_k h_{k-1} + A_k x + b_k).

    g is the softplus; W_k and v are not negative.
    """

    def __init__(
        self,
        inputs: Sequence[Tensor],
        biases: Sequence[Tensor],
        hidden: Sequence[Tensor],
        last: Tensor,
        strength: float,
    ) -> None:
        self.inputs, self.biases, self.hidden = inputs, biases, hidden
        self.last, self.strength = last, strength
        self.shift, self.scale = torch.zeros_like(inputs[0][0]), 1.0

    def value(self, x: Tensor) -> Tensor:
        h = softplus(x @ self.inputs[0].to(x).mT + self.biases[0].to(x))
        for a, b, w in zip(self.inputs[1:], self.biases[1:], self.hidden, strict=True):
            h = softplus(h @ w.to(x).mT + x @ a.to(x).mT + b.to(x))
        quadratic = self.strength / 2 * x.square().sum(1)
        linear = (x * self.shift.to(x)).sum(1)
        return self.scale * (quadratic + h @ self.last.to(x) - linear)

    def standardised(self, x: Tensor) -> ConvexNetwork:
        """This network with m and c such that the gradients at x have mean 0 and variance 1."""
        y = self.gradient(x)
        other = ConvexNetwork(self.inputs, self.biases, self.hidden, self.last, self.strength)
        other.shift = y.mean(0)
        other.scale = 1 / y.std(0).square().mean().sqrt().item()
        return other


def _drawn(params: ConvexNetworkParams, generator: Generator) -> ConvexNetwork:
    def normals(*shape: int) -> Tensor:
        return torch.randn(*shape, dtype=torch.float64, generator=generator)

    width, dim = params.width, params.dim
    # Weights, and what each layer makes of the fixed draws.
    check_room(
        8 * (width * dim * params.depth + width**2 * (params.depth - 1))
        + (8 * how_many(dim) * width + 1024) * params.depth,
        f"the layers of width={width} and depth={params.depth} with dim={dim}",
    )
    inputs = [params.gain / math.sqrt(dim) * normals(width, dim) for _ in range(params.depth)]
    biases = [params.gain * normals(width) for _ in range(params.depth)]
    hidden = [normals(width, width).abs() / width for _ in range(params.depth - 1)]
    # The network's share of the gradient is then the same in every dimension.
    last = math.sqrt(dim) * normals(width).abs() / width
    return ConvexNetwork(inputs, biases, hidden, last, params.strength)


def icnn(params: ConvexNetworkParams) -> Problem:
    """N(0, I) to its image under the gradient of a network drawn as `instance` says, scaled so
    that the image has mean 0 and mean variance 1."""
    network = _drawn(params, derive(params.instance, "icnn", params.dim, params.width))
    source = normal(params.dim)
    network = network.standardised(fixed_draws(source, 1).double())
    about = (
        f"N(0, I) in {params.dim} dimensions to its image under the gradient of a convex network "
        f"of {params.depth} layers of {params.width} with gain {params.gain:g} and strength "
        f"{params.strength:g} (instance {params.instance}), standardised"
    )
    return gradient_problem(source, normal_log_density, network, about)


@dataclass(frozen=True)
class QuadraticLayer:
    """q(x) = sum_r (x.A_r)^2 + W x + b: factors A (D, R, O), weight W (O, D), bias b (O,)."""

    factors: Tensor
    weight: Tensor
    bias: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        factors = self.factors.to(x)
        squares = (x @ factors.flatten(1)).unflatten(1, factors.shape[1:]).square().sum(1)
        return squares + x @ self.weight.to(x).mT + self.bias.to(x)


class DenseConvexNetwork(ByAutograd):
    """h_0 = q_0(x), h_k = celu(W_{k-1} h_{k-1} + q_k(x)); psi = w.h_last + 0.01 |x|^2 / 2.

    The DenseICNN of Korotin et al. (2021, arXiv:2106.01954, appendix B).
    """

    STRENGTH = 0.01

    def __init__(
        self, quadratic: Sequence[QuadraticLayer], hidden: Sequence[Tensor], last: Tensor
    ) -> None:
        self.quadratic, self.hidden, self.last = quadratic, hidden, last

    def value(self, x: Tensor) -> Tensor:
        h = self.quadratic[0](x)
        for layer, w in zip(self.quadratic[1:], self.hidden, strict=True):
            h = celu(h @ w.to(x).mT + layer(x))
        return (h @ self.last.to(x).mT).squeeze(1) + self.STRENGTH / 2 * x.square().sum(1)
