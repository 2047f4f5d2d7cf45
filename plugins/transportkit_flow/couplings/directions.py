"""The directions in which the points of two samples differ together."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

_ROUNDS, _MORE = 2, 16


def common_directions(x: Tensor, y: Tensor, most: int, generator: Generator) -> Tensor:
    """At most `most` orthonormal directions (D, k), those that matter most for pairs first.

    Which pairing of x (N, D) and y (M, D) is cheap, lies in the products x_i . y_j of centred
    samples alone. Left out of a space, they have the variance trace(S_x S_y) of the covariances
    there, so it is the leading space of S_x S_y + S_y S_x that is wanted; it is found by subspace
    iteration (Halko, Martinsson and Tropp 2011, algorithm 4.4), without any D x D matrix.
    """
    x, y = ((side - side.mean(0)).float() for side in (x, y))

    def times(v: Tensor) -> Tensor:
        sx, sy = (lambda u, s=side: s.T @ (s @ u) for side in (x, y))
        return sx(sy(v)) + sy(sx(v))

    start = torch.randn(x.shape[1], min(most + _MORE, x.shape[1]), generator=generator,
                        device=generator.device)  # fmt: skip
    basis, _ = torch.linalg.qr(start.to(x))
    for _ in range(_ROUNDS):
        basis, _ = torch.linalg.qr(times(basis))
    _, turn = torch.linalg.eigh(basis.T @ times(basis))
    return basis @ turn.flip(1)[:, :most]
