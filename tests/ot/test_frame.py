import pytest
import torch
from torch import Generator

from transportkit import Empirical, Law, Problem, derive
from transportkit_ot.frame import Frame


@pytest.mark.parametrize(("dim", "most"), [(2, 100_000), (100_000, 100)])
def test_the_unit_is_taken_of_as_many_draws_as_memory_bears(dim, most):
    asked = []

    def draw(n: int, generator: Generator) -> torch.Tensor:
        asked.append(n)
        return 3 + 2 * torch.randn(n, 1, generator=generator).expand(n, dim)

    frame = Frame.of(Problem(Law(draw, (dim,)), Law(draw, (dim,))), derive(0))
    assert asked == [most, most]
    assert float(frame.scale) == pytest.approx(2, rel=0.3)


@pytest.mark.parametrize("dim", [1, 50])
def test_a_bridges_noise_is_a_part_of_each_coordinate_in_any_dimension(dim):
    x = 3 * torch.randn(2000, dim, generator=derive(0))
    frame = Frame.of(Problem(Empirical(x), Empirical(x + 1)), derive(0))
    noise = [frame.epsilon(given, unit) for given, unit in ((0.1, "variance"), (0.9, "data"))]
    assert noise == pytest.approx([0.1, 0.1], rel=0.1)
