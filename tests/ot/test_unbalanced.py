import pytest
import torch

from tests.ot.fits import fitted
from transportkit import Diverged, derive
from transportkit_ot.discrete import entropic
from transportkit_ot.discrete.unbalanced import solve_unbalanced


def clouds() -> tuple[torch.Tensor, torch.Tensor]:
    g = derive(0)
    x, y = torch.randn(60, 2, generator=g), 1.5 * torch.randn(40, 2, generator=g) + 1
    centre = torch.cat([x, y]).mean(0)
    return x - centre, y - centre


def joint(x: torch.Tensor, y: torch.Tensor, plan: entropic.EntropicPlan, epsilon: float):
    logs = plan.u[:, None] + entropic.logits(x, y, plan.v, epsilon)
    return logs.double().exp() / (len(x) * len(y))


@pytest.mark.parametrize("strictness", [0.5, 5.0])
def test_the_plan_is_that_of_pot(strictness):
    import ot

    x, y = (side.double() for side in clouds())
    plan = solve_unbalanced(x, y, 0.3, strictness, tolerance=1e-9, most=5000)
    cost = (torch.cdist(x, y).square() / 2).numpy()
    weights = torch.full((60,), 1 / 60).double().numpy(), torch.full((40,), 1 / 40).double().numpy()
    theirs = ot.unbalanced.sinkhorn_unbalanced(
        *weights, cost, 0.3, strictness, numItermax=20_000, stopThr=1e-12
    )
    ours = joint(x, y, plan, 0.3)
    assert torch.allclose(ours, torch.from_numpy(theirs), atol=1e-7)
    assert ours.sum() < 0.98


def test_a_large_strictness_tends_to_the_balanced_plan():
    x, y = clouds()
    balanced = joint(x, y, entropic.solve(x, y, 0.2, tolerance=1e-5, most=5000), 0.2)
    gaps = []
    for strictness in (1.0, 10.0, 100.0, 1000.0):
        plan = solve_unbalanced(x, y, 0.2, strictness, tolerance=1e-6, most=5000)
        # Within a few hundred iterations: potentials do not creep.
        assert plan.iterations < 500
        gaps.append(float((joint(x, y, plan, 0.2) - balanced).abs().sum()))
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] < 0.02
    first, second = (
        fitted(name, x, y, {"epsilon": 0.1, "tolerance": 1e-4, **params})(x, derive(0))
        for name, params in (("sinkhorn", {}), ("unbalanced", {"strictness": 1e4}))
    )
    assert torch.allclose(first, second, atol=0.01)


def test_a_far_shift_costs_no_precision():
    x, y = clouds()
    moved = fitted("unbalanced", x, y + 1e4, {"epsilon": 0.1, "tolerance": 1e-4})(x, derive(0))
    balanced = fitted("sinkhorn", x, y, {"epsilon": 0.1, "tolerance": 1e-4})(x, derive(0))
    assert torch.allclose(moved - 1e4, balanced, atol=0.02)


def test_outliers_are_left_behind():
    x, y = torch.randn(500, 2, generator=derive(0)), torch.randn(500, 2, generator=derive(1))
    y[:25] = torch.tensor([40.0, 0.0]) + 0.1 * torch.randn(25, 2, generator=derive(2))
    reached = {}
    for name, params in (("sinkhorn", {}), ("unbalanced", {"strictness": 2.0})):
        given = {"output": "draw", "epsilon": 0.2, "unit": "data", **params}
        moved = fitted(name, x, y, {**given})(x, derive(0))
        reached[name] = float((moved[:, 0] > 20).float().mean())
    assert reached["sinkhorn"] > 0.03
    assert reached["unbalanced"] < 0.002


def test_what_has_not_converged_is_not_returned():
    x, y = clouds()
    with pytest.raises(Diverged, match=r"after 2 iterations .* raise epsilon"):
        fitted("unbalanced", x, y, {"epsilon": 1e-3, "tolerance": 1e-6, "iterations": 2})
