import pytest
import torch

from tests.ot.fits import fitted
from transportkit import Empirical, Problem, derive, registry


def sides(dim: int = 2, wide: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    g = derive(0)
    return torch.randn(200, dim, generator=g), wide * torch.randn(200, dim, generator=g) + 5


@pytest.mark.parametrize("name", ["lightsb", "lightsb-m", "dsbm", "sinkhorn", "unbalanced"])
def test_noise_that_hides_the_data_is_told_of(name, caplog):
    problem = Problem(*map(Empirical, sides()))
    for epsilon, unit, told in ((2.0, "variance", False), (20.0, "data", True), (1e9, "", True)):
        params = {"epsilon": epsilon, "unit": unit or "variance"}
        method = registry.make("method", registry.parse_choice("method", name, params))
        objective = method.objective(problem, derive(0))
        if hasattr(objective, "solve"):
            objective.solve(derive(0))
        assert ("times the size of the data, which it hides" in caplog.text) == told
        caplog.clear()


def test_in_many_dimensions_it_is_the_plan_that_tells(caplog):
    # The default is ten times the variance of a coordinate here, and couples all the same.
    fitted("sinkhorn", *sides(1000), {"iterations": 10_000})
    assert "hides" not in caplog.text
    fitted("sinkhorn", *sides(1000), {"epsilon": 1.0})
    assert "hides" in caplog.text
    caplog.clear()
    # Where one side is a point there is nothing to hide.
    fitted("sinkhorn", sides()[0], torch.ones(50, 2), {"epsilon": 1e3})
    assert "hides" not in caplog.text
