"""Points far outside of a sample are told, and those of its own law are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from transportkit.harness.outside import far_outside, outside


def draw(law: str, n: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn((n, 2), generator=generator)
    if law == "lognormal":
        return x.exp()
    if law == "one point":
        return torch.full((n, 2), 1e3) * (1 + 1e-7 * x)
    if law == "normal":
        return 1e3 + x
    # Student's t: over the root of a mean of `freedom` squares.
    freedom = int(law)
    squares = torch.randn((n, 2, freedom), generator=generator).square().mean(2)
    return x / squares.sqrt()


@pytest.mark.parametrize("law", ["normal", "lognormal", "3", "2", "one point"])
@pytest.mark.parametrize(("known", "moved"), [(2000, 2000), (64, 2000), (200, 20), (64, 1)])
def test_points_of_the_same_law_are_not_far(law: str, known: int, moved: int) -> None:
    told = [
        far_outside(draw(law, known, seed), draw(law, moved, seed + 100))[0] for seed in range(20)
    ]
    assert sum(count > 0 for count in told) <= 1


@pytest.mark.parametrize("law", ["normal", "lognormal", "3", "2", "1", "one point"])
@pytest.mark.parametrize("few", [1, 20])
def test_points_far_away_are_counted(law: str, few: int) -> None:
    x = draw(law, 200, 1)
    x[:few] += 1e8
    count, times = far_outside(draw(law, 200, 2), x)
    assert count == few
    assert times > 100


def test_one_wild_point_among_many_is_told() -> None:
    x = draw("normal", 100_000, 1)
    x[77] = 1e6
    assert far_outside(draw("normal", 64, 2), x)[0] == 1
    assert far_outside(draw("normal", 64, 2), 1e3 * draw("normal", 100_000, 1))[0] == 100_000


@pytest.mark.parametrize(
    "source",
    [None, np.zeros((5, 3), np.float32), np.zeros((0, 2), np.float32), np.zeros((5, 2), int)],
)
def test_without_samples_to_compare_with_nothing_is_said(
    source: np.ndarray | None, tmp_path: Path
) -> None:
    if source is not None:
        np.savez(tmp_path / "samples.npz", source=source, moved=source, target=source)
    assert outside(tmp_path, torch.full((3, 2), 1e8), "source") == ""
