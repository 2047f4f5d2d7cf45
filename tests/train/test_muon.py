"""Muon: its update is an orthogonal matrix, whatever the gradient's size and shape."""

from __future__ import annotations

import pytest
import torch

from transportkit import derive
from transportkit.train.muon import Muon, orthogonal


@pytest.mark.parametrize("shape", [(3, 32, 32), (2, 16, 48), (1, 48, 16)])
@pytest.mark.parametrize("size", [1e-4, 1.0, 1e4])
def test_the_polar_factor_is_found_about(shape: tuple[int, ...], size: float) -> None:
    generator = derive(7, "matrix", *shape)
    left, _, right = torch.linalg.svd(torch.randn(shape, generator=generator), full_matrices=False)
    values = torch.linspace(1, 0.2, left.shape[2])
    found = orthogonal(size * left * values @ right)
    singular = torch.linalg.svdvals(found)
    assert float(singular.min()) > 0.6
    assert float(singular.max()) < 1.3
    assert float((found - left @ right).abs().max()) < 0.35


def test_steps_have_the_length_of_their_rate_and_lower_a_quadratic() -> None:
    target = torch.randn(8, 8, generator=derive(7, "target"))
    weight = torch.nn.Parameter(torch.zeros(8, 8))
    optimizer = Muon([weight], lr=0.1)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = (weight - target).square().sum()
        loss.backward()
        before = weight.detach().clone()
        optimizer.step()
        losses.append(float(loss))
        assert float(torch.linalg.matrix_norm(weight.detach() - before, 2)) < 0.13
    assert losses[-1] < 0.05 * losses[0]


def test_it_is_for_matrices() -> None:
    with pytest.raises(ValueError, match="matrices"):
        Muon([torch.nn.Parameter(torch.zeros(3))], lr=0.1)
