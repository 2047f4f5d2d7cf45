"""A potential and its gradient."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import linear, silu

from transportkit import check_network

_BEGIN = 0.1


class QuadraticLayers(nn.Module):
    """h_1 = q_1(x), h_k = g(W_k h_{k-1} + q_k(x)), q_k(x) = (A_k x)^2 + B_k x + b_k; w.h_L.

    The DenseICNN of Korotin et al. (2021, arXiv:2106.01954, appendix B) with squares of rank 1,
    weights of either sign, and the SiLU for g. Squares of the input in every layer, whose gradients
    are linear, learn maps in far fewer steps than a perceptron does.
    """

    def __init__(
        self, dim: int, *, width: int, depth: int, generator: Generator | None = None
    ) -> None:
        super().__init__()

        if generator is not None:
            weights = 2 * depth * width * dim + (depth - 1) * width**2
            check_network(weights, width, depth, generator.device)

        def drawn(*shape: int, size: float) -> nn.Parameter:
            if generator is None:
                return nn.Parameter(torch.empty(shape))
            draw = torch.randn(shape, generator=generator, device=generator.device)
            return nn.Parameter(size * draw)

        def layers(count: int, *shape: int, size: float) -> nn.ParameterList:
            return nn.ParameterList(drawn(*shape, size=size) for _ in range(count))

        self.factors = layers(depth, width, dim, size=dim**-0.5)
        self.weights = layers(depth, width, dim, size=dim**-0.5)
        self.biases = layers(depth, width, size=0.5)
        self.hidden = layers(depth - 1, width, width, size=width**-0.5)
        self.last = drawn(1, width, size=_BEGIN * width**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        """The value (B,) at x (B, D)."""
        quadratic = [
            linear(x, a).square() + linear(x, w, b)
            for a, w, b in zip(self.factors, self.weights, self.biases, strict=True)
        ]
        h = quadratic[0]
        for w, q in zip(self.hidden, quadratic[1:], strict=True):
            h = silu(linear(h, w) + q)
        return linear(h, self.last).squeeze(1)


class Potential(nn.Module):
    """f(x) = |x|^2 / 2 + net(x).

    The network begins small: the gradient begins near the identity. It is not held to be convex:
    unconstrained networks come nearer to the convex optimum than input-convex ones (Korotin et al.
    2021, arXiv:2106.01954, section 4; Amos 2023, arXiv:2210.12153, table 1).
    """

    def __init__(
        self, dim: int, *, width: int, depth: int, generator: Generator | None = None
    ) -> None:
        super().__init__()
        self.net = QuadraticLayers(dim, width=width, depth=depth, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        """The potential (B,) at x (B, D)."""
        return x.square().sum(1) / 2 + self.net(x)

    def gradient(self, x: Tensor, *, train: bool = False) -> Tensor:
        """The gradient (B, D) at x (B, D); with `train` it can be differentiated by the weights."""
        return self.value_and_gradient(x, train=train)[1]

    def value_and_gradient(self, x: Tensor, *, train: bool = False) -> tuple[Tensor, Tensor]:
        """The potential (B,) and its gradient (B, D) at x (B, D)."""
        # A caller may have switched gradients off: these are by x.
        with torch.enable_grad():
            at = x.detach().requires_grad_(True)
            value = self(at)
            (slope,) = torch.autograd.grad(value.sum(), at, create_graph=train)
        return (value, slope) if train else (value.detach(), slope)
