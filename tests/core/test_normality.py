import pytest
import torch

from transportkit import Empirical, Law, derive, is_standard_normal


def drawn(n: int, *shape: int) -> torch.Tensor:
    return torch.randn(n, *shape, generator=derive(1, "normality"))


@pytest.mark.parametrize("shape", [(1,), (2,), (3, 8, 8)])
def test_normal_samples_are_taken(shape: tuple[int, ...]) -> None:
    assert is_standard_normal(Law(lambda n, g: torch.randn(n, *shape, generator=g), shape))
    assert is_standard_normal(Empirical(drawn(300, *shape)))


@pytest.mark.parametrize(
    "change",
    [lambda x: x + 0.2, lambda x: 1.2 * x, lambda x: x.sign() * x.abs().sqrt(), lambda x: x[:5]],
    ids=["shifted", "scaled", "bent", "too few"],
)
def test_others_are_not(change) -> None:
    assert not is_standard_normal(Empirical(change(drawn(4000, 2))))


def test_a_sample_that_is_not_finite_is_not() -> None:
    x = drawn(100, 2)
    x[3] = torch.nan
    assert not is_standard_normal(Empirical(x))
