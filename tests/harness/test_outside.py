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


@pytest.mark.parametrize(("times", "told"), [(4.9, 0), (5.1, 1)])
def test_five_times_as_far_as_the_farthest_is_far(times: float, told: int) -> None:
    known = draw("normal", 200, 1)
    middle = known.median(0).values
    farthest = (known - middle).norm(dim=1).max()
    x = (middle + times * farthest * torch.tensor([0.6, 0.8]))[None]
    count, found = far_outside(known, x)
    assert count == told
    assert found == pytest.approx(times, rel=1e-4)


@pytest.mark.parametrize(("distance", "told"), [(50e3, 0), (150e3, 1)])
def test_a_hundred_times_is_far_whatever_the_tails(distance: float, told: int) -> None:
    known = draw("normal", 200, 1) - 1e3
    known[7] = torch.tensor([1e3, 0.0])
    assert far_outside(known, torch.tensor([[0.0, distance]]))[0] == told


def write(place: Path, source: object) -> None:
    np.savez(place / "samples.npz", source=source, moved=source, target=source)


@pytest.mark.parametrize("at", [0.0, 3.0])
def test_of_samples_at_one_place_no_number_is_said(at: float, tmp_path: Path) -> None:
    write(tmp_path, np.full((5, 2), at, np.float32))
    told = outside(tmp_path, torch.full((3, 2), 1e3), "source")
    assert told.startswith(
        "3 of 3 points lie far outside the source samples of this run, which all lie at one place: "
    )
    assert outside(tmp_path, torch.full((3, 2), at), "source") == ""


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.longdouble])
def test_samples_that_are_not_finite_are_left_out(kind: type, tmp_path: Path) -> None:
    known = np.random.default_rng(0).normal(size=(50, 2)).astype(kind)
    known[3, 1], known[8, 0] = np.nan, np.inf
    write(tmp_path, known)
    x = torch.zeros(4, 2)
    assert outside(tmp_path, x, "source") == ""
    x[2] += 1e4
    assert outside(tmp_path, x, "source").startswith("1 of 4 points lie far outside")


def test_parts_of_many_numbers_are_as_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    x = draw("normal", 30, 1).repeat(1, 3)
    x[:4] += 1e3
    whole = far_outside(draw("normal", 50, 2).repeat(1, 3), x)
    monkeypatch.setattr("transportkit.harness.outside._AT_ONCE", 7)
    assert far_outside(draw("normal", 50, 2).repeat(1, 3), x) == whole
    assert whole[0] == 4


@pytest.mark.parametrize(
    "source",
    [
        None,
        np.zeros((5, 3), np.float32),
        np.zeros((0, 2), np.float32),
        np.zeros((5, 2), int),
        np.zeros((5, 2), complex),
        np.full((5, 2), np.nan),
        np.zeros(5, np.float32),
        np.float32(3),
        np.array("text"),
    ],
)
def test_without_samples_to_compare_with_that_is_said(
    source: np.ndarray | None, tmp_path: Path
) -> None:
    if source is not None:
        write(tmp_path, source)
    assert outside(tmp_path, torch.full((3, 2), 1e8), "source") == (
        f"'{tmp_path / 'samples.npz'}' is missing or holds no source samples that can be read, so "
        "it was not checked whether points lie far outside of what the model was fitted to"
    )
