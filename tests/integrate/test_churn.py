"""Churn on Gaussian data, whose lines are straight in the states of `edm`: steps are exact, and
what the noise put in does is known."""

from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from tests.toys import Flow
from transportkit import Churn, IntervalField, Refusal, Stop, Transport, derive
from transportkit_flow.diffusion import DenoisingField
from transportkit_poisson.field import PoissonField

CENTRE, SCALE = torch.tensor([3.0, -2.0]), 2.0


def denoiser(generator: Generator | None = None) -> DenoisingField:
    """The denoiser of N(centre, scale^2 I), or one drawn at random."""
    field = DenoisingField(
        (2,), largest=80.0, smallest=0.002, width=16, depth=2, generator=generator
    )
    field.centre, field.scale = CENTRE, torch.tensor(SCALE)
    if generator is None:
        silence(field)
    return field


def silence(field: Any) -> None:
    for weights in field.net.parameters():
        torch.nn.init.zeros_(weights)


def kept(field: IntervalField, churn: Churn) -> float:
    """The correlation of both ends of a line: each time the noise of unit data is raised it falls
    by the root of the quotient of the variances."""
    t = torch.linspace(0, 1, churn.steps + 1)[:-1]
    level, product = field.noise_level(t), 1.0
    for sigma in level.tolist():
        if churn.s_tmin <= sigma <= churn.s_tmax:
            raised = min(
                sigma * (1 + min(churn.s_churn / churn.steps, 2**0.5 - 1)), float(level[0])
            )
            product *= ((1 + sigma**2) / (1 + raised**2)) ** 0.5
    return product


@pytest.mark.parametrize("churn", [Churn(10), Churn(10, s_churn=2, s_tmin=0.5, s_tmax=5)])
def test_the_law_is_kept_and_the_start_forgotten_as_it_should(churn: Churn) -> None:
    z = torch.randn(40_000, 2, generator=derive(0))
    end = (churn.solve(denoiser(), z, derive(1)).end - CENTRE) / SCALE
    assert end.mean(0).abs().max() < 0.02
    assert end.T.cov().flatten().tolist() == pytest.approx([1, 0, 0, 1], abs=0.02)
    expected = kept(denoiser(), churn)
    assert expected < 0.9
    assert float((end * z).mean()) == pytest.approx(expected, abs=0.02)


def test_more_noise_than_is_removed_stays() -> None:
    """Noise of twice the size adds four times the variance."""
    field, z = denoiser(), torch.randn(40_000, 2, generator=derive(0))
    t = torch.full((len(z),), 0.5)
    level = field.noise_level(t)
    draw = torch.randn(z.shape, generator=derive(1))
    _, y = field.with_noise(t, CENTRE / 2 + 1.5 * z, level * 1.4, 2 * draw)
    sigma = float(level[0])
    variance = (1 + sigma**2 + 4 * (1.4**2 - 1) * sigma**2) / (1 + 1.4**2 * sigma**2)
    time, _ = field.with_noise(t, z, level * 1.4, draw)
    assert float(field.noise_level(time)[0]) == pytest.approx(1.4 * sigma, rel=1e-4)
    size = 1 + float(time[0]) * (SCALE - 1)
    assert float(y[:, 0].var()) == pytest.approx(variance * size**2, rel=0.02)


def test_without_churn_it_is_the_method_of_heun() -> None:
    field, y = denoiser(derive(0)), torch.randn(50, 2, generator=derive(1))
    found = Churn(8, s_churn=0).solve(field, y, derive(2), save=3)
    t = torch.zeros(50)
    with torch.no_grad():
        for _ in range(8):
            first = field(t, y)
            y = y + (first + field(t + 1 / 8, y + first / 8)) / 16
            t = t + 1 / 8
    torch.testing.assert_close(found.end, y)
    assert found.path is not None
    assert torch.equal(found.path[-1], found.end)
    assert (found.evaluations == 16).all()


def test_noise_is_that_of_the_kernel_in_many_extra_dimensions() -> None:
    field = PoissonField((2,), extra=4096, largest=80.0, smallest=0.005, width=8, depth=1)
    silence(field)
    x = torch.randn(10_000, 2, generator=derive(0))
    still, stirred = (
        field.drop(Churn(100, s_churn=c).solve(field, x, derive(1)).end) for c in (0, 40)
    )
    assert [float(still.var()), float(stirred.var())] == pytest.approx([1, 1], rel=0.04)
    assert float((stirred * x).mean()) < 0.3


def test_a_field_that_does_not_tell_its_noise_is_refused() -> None:
    few = PoissonField((2,), extra=1, largest=80.0, smallest=0.005, width=8, depth=1)
    for field in (Flow(lambda t, y: y), few, denoiser().reverse()):
        with pytest.raises(Refusal, match="how much noise"):
            Transport(field, Churn())


def test_a_line_that_fails_keeps_its_last_finite_state() -> None:
    class Exploding(DenoisingField):
        def forward(self, t: Tensor, y: Tensor) -> Tensor:
            return torch.where((y > 2) & (t[:, None] > 0.5), torch.inf, 0.0 * y)

    field = Exploding((2,), largest=80.0, smallest=0.002, width=8, depth=1)
    solution = Churn(10, s_churn=0).solve(
        field, torch.tensor([[0.0, 0.0], [9.0, 0.0]]), derive(0, "push")
    )
    assert solution.stop.tolist() == [int(Stop.ARRIVED), int(Stop.NOT_FINITE)]
    assert solution.end.isfinite().all()
