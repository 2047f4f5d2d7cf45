"""Memorising told from generalising."""

from __future__ import annotations

import pytest
import torch

from transportkit import Empirical, Evidence, Problem, Refusal, derive
from transportkit.metrics.nearest import Memorization


def normal(n: int, name: str) -> torch.Tensor:
    return torch.randn(n, 1, 2, 2, generator=derive(7, name))


@pytest.mark.parametrize(
    ("moved", "expected"),
    [
        (normal(500, "train")[:300], 0.0),
        (normal(300, "new"), 1.0),
        (normal(500, "train")[:300] + 100, None),
    ],
)
def test_copies_have_none_of_the_distance_and_fresh_points_all_of_it(moved, expected) -> None:
    train, held_out = normal(500, "train"), normal(300, "held out")
    training = Problem(Empirical(train), Empirical(train))
    evidence = Evidence(held_out, moved, held_out, training=training)
    value = Memorization().evaluate(evidence, derive(0, "metric"))
    if expected is None:
        assert value > 50
    else:
        assert value == pytest.approx(expected, abs=0.1)


def test_without_training_samples_it_says_nothing() -> None:
    x = normal(5, "x")
    with pytest.raises(Refusal, match="training samples"):
        Memorization().evaluate(Evidence(x, x, x), derive(0, "metric"))
