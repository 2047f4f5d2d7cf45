"""The flow matching methods, from samples to moved points."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch

import transportkit_flow as flow
from transportkit import Budget, Empirical, Euler, Fit, Law, Midpoint, Problem, Transport, derive
from transportkit.core.params import coerce
from transportkit_flow.methods import IndependentFlowMatching, OTFlowMatching

METHODS: Mapping[str, tuple[Any, Any]] = {
    "cfm": (IndependentFlowMatching, flow.FlowParams(width=32, depth=2, lr=1e-2, batch=128)),
    "otcfm": (OTFlowMatching, flow.OTFlowParams(width=32, depth=2, lr=1e-2, batch=128)),
}
both = pytest.mark.parametrize("name", METHODS)
SHIFT = torch.tensor([3.0, -2.0])


def gaussians(scale: float = 1.0) -> Problem:
    """N(0, I) to N(SHIFT, I/4), by laws."""
    return Problem(
        Law(lambda n, g: scale * torch.randn(n, 2, generator=g), (2,)),
        Law(lambda n, g: scale * (SHIFT + torch.randn(n, 2, generator=g) / 2), (2,)),
    )


def fitted(name: str, problem: Problem, steps: int, seed: int = 0) -> Fit:
    method, params = METHODS[name]
    generator = derive(seed, "fit")
    made = method(params)
    objective = made.objective(problem, generator)
    return made.trainer().fit(objective, Budget(steps=steps), generator)


def pushed(fit: Fit, x: torch.Tensor, steps: int = 10) -> torch.Tensor:
    return Transport(fit.model, Midpoint(steps)).push(x, derive(0)).points


@both
def test_a_gaussian_is_carried_to_a_gaussian_and_back(name):
    fit = fitted(name, gaussians(), 300)
    x = torch.randn(4000, 2, generator=derive(1))
    moved = pushed(fit, x)
    assert (moved.mean(0) - SHIFT).abs().amax() < 0.06
    assert (torch.cov(moved.T) - torch.eye(2) / 4).abs().amax() < 0.04
    # The marginal flow between these two is the Bures map, SHIFT + x / 2, for both couplings.
    assert (moved - (SHIFT + x / 2)).square().sum(1).mean() < 0.02
    back = Transport(fit.model, Midpoint(10)).push(moved, derive(0), reverse=True).points
    assert (back - x).square().sum(1).mean() < 1e-3


def test_minibatch_pairs_straighten_the_lines():
    # From N(0, I), independent pairs start every line towards the target's mean, so that one step
    # of Euler ends there; optimal pairs start it straight towards its end.
    x = torch.randn(2000, 2, generator=derive(1))

    def missed(name: str) -> float:
        one_step = Transport(fitted(name, gaussians(), 300).model, Euler(1)).push(x, derive(0))
        return float((one_step.points - (SHIFT + x / 2)).square().sum(1).mean())

    assert missed("cfm") > 0.4
    assert missed("otcfm") < 0.1


@both
def test_units_do_not_matter(name):
    x = torch.randn(100, 2, generator=derive(1))
    small, large = fitted(name, gaussians(), 50), fitted(name, gaussians(1024.0), 50)
    assert torch.allclose(1024 * pushed(small, x), pushed(large, 1024 * x), rtol=1e-3, atol=1)


@both
def test_equal_seeds_give_equal_bits_and_touch_no_global_state(name):
    x = torch.randn(100, 2, generator=derive(1))
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = pushed(fitted(name, gaussians(), 20), x)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    assert torch.equal(first, pushed(fitted(name, gaussians(), 20), x))
    assert not torch.equal(first, pushed(fitted(name, gaussians(), 20, seed=1), x))


@both
def test_config_and_state_rebuild_the_field_to_the_bit(name):
    fit = fitted(name, gaussians(100.0), 20)
    method, params = METHODS[name]
    rebuilt = method(replace(params, width=7)).blank(fit.model.config)
    rebuilt.load_state_dict(fit.model.state_dict())
    x = torch.randn(50, 2, generator=derive(1))
    t = torch.rand(50, generator=derive(2))
    assert torch.equal(rebuilt(t, x), fit.model(t, x))


@both
@pytest.mark.parametrize("shape", [(1,), (8, 8), (3, 4, 4)])
def test_points_of_any_shape_keep_it(name, shape):
    g = derive(0)
    data = torch.rand(40, *shape, generator=g)
    problem = Problem(Empirical(data), Empirical(1 - data[:30]))
    assert pushed(fitted(name, problem, 5), data).shape == data.shape


@both
def test_point_masses_are_carried(name):
    problem = Problem(Empirical(torch.ones(5, 2)), Empirical(torch.ones(3, 2)))
    assert pushed(fitted(name, problem, 5), torch.ones(4, 2)).isfinite().all()


def test_parameters_are_read_by_their_declaration():
    params = coerce(
        flow.otcfm.params, {"ema": "none", "tolerance": "0.1", "sigma": "1e-2"}, "otcfm"
    )
    assert params == flow.OTFlowParams(ema=None, tolerance=0.1, sigma=0.01)
    assert OTFlowMatching(params).trainer().ema is None
