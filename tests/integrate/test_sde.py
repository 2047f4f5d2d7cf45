"""Euler-Maruyama on the Ornstein-Uhlenbeck process, whose law is known at every time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from tests.toys import Flow
from transportkit import DiffusionField, EulerMaruyama, Midpoint, Refusal, Stop, Transport, derive


class OrnsteinUhlenbeck(DiffusionField):
    """dy = -y dt + sqrt(2) dW from N(0, variance I): the marginals stay normal."""

    def __init__(self, variance: float) -> None:
        super().__init__()
        self.variance = variance

    @property
    def config(self) -> Mapping[str, Any]:
        return {}

    def drift(self, t: Tensor, y: Tensor) -> Tensor:
        return -y

    def noise(self, t: Tensor) -> Tensor:
        return torch.full_like(t, math.sqrt(2))

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        variance = 1 + (self.variance - 1) * torch.exp(-2 * t)
        return (-1 + 1 / variance)[:, None] * y


def final_variance(variance: float) -> float:
    return 1 + (variance - 1) * math.exp(-2)


@pytest.mark.parametrize("variance", [0.25, 4.0])
def test_the_noise_and_the_lines_have_the_same_law(variance: float, generator: Generator) -> None:
    field = OrnsteinUhlenbeck(variance)
    x = variance**0.5 * torch.randn(40_000, 2, generator=generator, dtype=torch.float64)
    for integrator in (EulerMaruyama(100, denoise=False), Midpoint(20)):
        end = integrator.solve(field, x, derive(0, "push")).end
        assert end.var().item() == pytest.approx(final_variance(variance), rel=0.03)


def test_weak_order_one() -> None:
    """Started at one point the mean is (1 - h)^n, and the error halves with the step."""
    x = torch.full((200_000, 1), 2.0, dtype=torch.float64)
    field, exact = OrnsteinUhlenbeck(1.0), 2.0 * math.exp(-1)
    errors = [
        EulerMaruyama(n).solve(field, x, derive(0, "push")).end.mean().item() - exact
        for n in (2, 4)
    ]
    assert errors[0] / errors[1] == pytest.approx(2, abs=0.5)


class Bridge(DiffusionField):
    """Brownian motion that ends at 0 at time 1."""

    @property
    def config(self) -> Mapping[str, Any]:
        return {}

    def drift(self, t: Tensor, y: Tensor) -> Tensor:
        return -y / (1 - t)[:, None]

    def noise(self, t: Tensor) -> Tensor:
        return torch.ones_like(t)

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        return self.drift(t, y)


def test_a_bridge_ends_without_the_noise_of_the_last_step() -> None:
    x = torch.zeros(5000, 1)
    end = EulerMaruyama(25).solve(Bridge(), x, derive(0, "push")).end
    assert end.abs().max() < 1e-5
    noisy = EulerMaruyama(25, denoise=False).solve(Bridge(), x, derive(0, "push")).end
    assert noisy.std().item() == pytest.approx(0.2, rel=0.05)


def test_the_same_seed_gives_the_same_path(generator: Generator) -> None:
    x = torch.randn(10, 3, generator=generator)
    first, second = (
        EulerMaruyama(7).solve(OrnsteinUhlenbeck(1.0), x, derive(5, "push"), save=4)
        for _ in range(2)
    )
    assert torch.equal(first.end, second.end)
    assert first.path is not None
    assert first.times is not None
    assert first.path.shape == (4, 10, 3)
    assert torch.equal(first.path[0], x)
    assert torch.equal(first.path[-1], first.end)
    assert torch.equal(first.times[[0, -1], 0], torch.tensor([0.0, 1.0]))
    assert (first.evaluations == 7).all()


def test_a_field_without_noise_is_refused() -> None:
    with pytest.raises(Refusal, match="stochastic equation"):
        Transport(Flow(lambda t, y: y), EulerMaruyama())


def test_a_line_that_fails_keeps_its_last_finite_state() -> None:
    class Exploding(OrnsteinUhlenbeck):
        def drift(self, t: Tensor, y: Tensor) -> Tensor:
            return torch.where(y > 5, torch.inf, -y)

    x = torch.tensor([[0.0], [9.0]])
    solution = EulerMaruyama(10).solve(Exploding(1.0), x, derive(0, "push"))
    assert solution.stop.tolist() == [int(Stop.ARRIVED), int(Stop.NOT_FINITE)]
    assert solution.end.isfinite().all()
