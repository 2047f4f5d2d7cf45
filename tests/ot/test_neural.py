import pytest
import torch

from tests.ot.fits import fitted
from transportkit import Map, derive
from transportkit_ot.neural.duals import ascend
from transportkit_ot.neural.gap import fitting_loss, monge_gap
from transportkit_ot.neural.potential import Potential

TURN = torch.tensor([[0.8, -0.6], [0.6, 0.8]])


def square(n: int, seed: int) -> torch.Tensor:
    """Uniform draws from a turned square."""
    return torch.rand(n, 2, generator=derive(seed)) @ TURN.T


def bent(x: torch.Tensor) -> torch.Tensor:
    """The gradient of a convex function that squares both coordinates along the square's sides."""
    return (x @ TURN).square() @ TURN.T


def test_the_monge_gap_learns_what_no_affine_map_does():
    # It begins with the affine map: without training it is no better.
    x, y, fresh = square(4000, 0), bent(square(4000, 1)), square(2000, 2)
    affine, learned = (
        fitted(kind, x, y, params, steps=steps)
        for kind, params, steps in (
            ("linear", {}, None),
            ("monge-gap", {"width": 32, "depth": 2, "batch": 128, "lr": 1e-2}, 100),
        )
    )
    errors = []
    for model in (affine, learned):
        assert isinstance(model, Map)
        with torch.no_grad():
            errors.append(float((model(fresh, derive(0)) - bent(fresh)).square().mean()))
    assert errors[1] < 0.3 * errors[0]


@pytest.mark.parametrize(("gamma", "spread"), [(1.0, 2.0), (0.5, 3.0)])
def test_the_weak_plan_of_gaussians_is_the_known_one(gamma, spread):
    # Between N(0, 1) and N(0, s^2) the best T(x, z) = a x + b z has a = min(s, 1 / gamma).
    x, y = (torch.randn(4000, 1, generator=derive(i)) for i in range(2))
    params = {"width": 16, "depth": 2, "batch": 256, "weak": gamma, "lr": 5e-3, "ema": 0.98}
    model = fitted("not", x, spread * y, params, steps=150)
    assert isinstance(model, Map)
    fresh = torch.randn(4000, 1, generator=derive(2))
    with torch.no_grad():
        images = model(fresh, derive(3))
    slope = (fresh * images).mean() / fresh.square().mean()
    assert float(slope) == pytest.approx(1 / gamma, abs=0.2 / gamma)
    assert float(images.std()) == pytest.approx(spread, rel=0.2)
    assert not torch.equal(images, model(fresh, derive(4)))


def test_ascent_finds_conjugates_and_never_harms():
    potential = Potential(2, width=16, depth=2, generator=derive(0))
    y, x = torch.randn(2, 64, 2, generator=derive(1))
    found = ascend(potential, y, x, 30)
    slopes = potential.gradient(found)
    assert (slopes - y).norm(dim=1).mean() < 1e-3
    before, after = ((z * y).sum(1) - potential(z) for z in (x, ascend(potential, y, x, 1)))
    assert (after >= before).all()


def test_the_monge_gap_is_zero_for_gradients_and_their_scale_else():
    x = torch.randn(300, 2, generator=derive(0))
    assert float(monge_gap(x, 2 * x + 1)) == pytest.approx(0, abs=1e-5)
    # A half turn costs E |x - (-x)|^2 / 2, and the least cost of where it leads is about nothing.
    both = torch.cat([x, -x])
    assert float(monge_gap(both, -both)) == pytest.approx(
        2 * float(both.square().sum(1).mean()), rel=1e-4
    )


def test_the_fitting_loss_draws_shifted_points_back_and_leaves_alone_what_fits():
    x = torch.randn(200, 2, generator=derive(0)).requires_grad_()
    shift = torch.tensor([1.0, -2.0])
    (slope,) = torch.autograd.grad(fitting_loss(x, x.detach() + shift, 0.1, 200), x)
    assert torch.allclose(slope.sum(0), -shift, atol=0.05)
    # In high dimension a batch is far from every other, and still neither shrinks nor grows.
    scale = torch.ones(()).requires_grad_()
    draws = torch.randn(10, 2, 128, 16, generator=derive(1))
    (slope,) = torch.autograd.grad(
        sum(fitting_loss(scale * a, b, 0.8, 20) for a, b in draws), scale
    )
    assert abs(float(slope)) / len(draws) < 0.05 * 16
