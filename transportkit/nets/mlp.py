"""Multilayer perceptrons, for points and for points with a time."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Generator, Tensor, nn

from ..core.random import global_seed_from
from .room import check_network

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "silu": nn.SiLU,
    "selu": nn.SELU,
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "softplus": nn.Softplus,
}


def mlp(
    inputs: int,
    outputs: int,
    *,
    width: int,
    depth: int,
    activation: str = "silu",
    generator: Generator | None = None,
) -> nn.Sequential:
    """`depth` hidden layers of `width`, and a linear layer out.

    Weights are drawn from `generator`; without one they are left as the constructor of a model
    about to be loaded needs them: uninitialised by design, so give one to train. Raises TooLarge
    for a network that this machine has no room to train.
    """
    if generator is not None:
        weights = inputs * width + (depth - 1) * width**2 + width * outputs
        check_network(weights, width, depth, generator.device)
    sizes = [inputs, *[width] * depth]

    def build() -> nn.Sequential:
        layers: list[nn.Module] = []
        for a, b in pairwise(sizes):
            layers += [nn.Linear(a, b), ACTIVATIONS[activation]()]
        return nn.Sequential(*layers, nn.Linear(sizes[-1], outputs))

    if generator is None:
        with torch.random.fork_rng(devices=[]):
            return build()
    with global_seed_from(generator):
        return build().to(generator.device)


class TimeMLP(nn.Module):
    """A perceptron of (t, x): x (B, *E) is flattened, t (B,) enters as one more input.

    The output has the shape of x. `frequencies` adds sin and cos of 2 pi k t, k = 1..frequencies.
    """

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        width: int,
        depth: int,
        activation: str = "silu",
        frequencies: int = 0,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        dim = torch.Size(event_shape).numel()
        self.frequencies = frequencies
        self.layers = mlp(
            dim + 1 + 2 * frequencies,
            dim,
            width=width,
            depth=depth,
            activation=activation,
            generator=generator,
        )

    def forward(self, t: Tensor, x: Tensor) -> Tensor:
        parts = [x.flatten(1), t[:, None]]
        if self.frequencies:
            k = torch.arange(1, self.frequencies + 1, device=t.device, dtype=t.dtype)
            angles = 2 * torch.pi * t[:, None] * k
            parts += [angles.sin(), angles.cos()]
        return self.layers(torch.cat(parts, 1)).view_as(x)
