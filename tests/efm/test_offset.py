"""An offset that is far from the automatic one is told of where it does harm."""

from __future__ import annotations

import pytest
import torch

from transportkit import Empirical, Problem, derive, registry
from transportkit_efm.charges import ChargedPlates


@pytest.fixture
def problem() -> Problem:
    """Samples whose neighbours are 0.1 apart, so that automatic offsets are some tenths."""
    side = torch.arange(20.0) / 10
    grid = torch.cartesian_prod(side, side)
    return Problem(Empirical(grid), Empirical(grid + 3))


@pytest.mark.parametrize(
    ("method", "told"),
    [
        ("efm:spacing=0.1", ""),
        ("efm:spacing=0.1,offset=0.05", ""),
        ("efm:spacing=0.1,offset=0.31", "offset=0.31 is 31 times the automatic one"),
        ("efm:offset=1e-4", ""),
        # 30 times the automatic one would be 6; the samples are 0.82 from their mean.
        ("efm:offset=0.55", ""),
        ("efm:offset=1.2", "offset=1.2 is 1.47 times the radius of the narrower side"),
        ("efm-plates:offset=1.2", "offset=1.2 is 1.47 times the radius of the narrower side"),
        ("efm-flow:offset=3", ""),
        ("efm-plates:spacing=0.1,offset=0.31", "offset=0.31 is 31 times the automatic one"),
        ("efm-plates:offset=0.001", "times nearer a plate than the automatic one"),
        ("efm-exact:offset=0.01", ""),
        ("efm-exact:rule=plate,offset=0.0005", "times nearer a plate than the automatic one"),
        ("efm-exact:rule=discrete,offset=0.0005", ""),
    ],
)
def test_on_the_side_on_which_it_harms(
    method: str, told: str, problem: Problem, caplog: pytest.LogCaptureFixture
) -> None:
    made = registry.make("method", registry.parse_choice("method", method))
    objective = made.objective(problem, derive(0))
    if hasattr(objective, "solve"):
        objective.solve(derive(0))
    said = [r.message for r in caplog.records if "offset" in r.message]
    assert len(said) == bool(told)
    assert all(told in text for text in said)


@pytest.mark.parametrize("dim", [2, 16, 64, 192])
def test_not_of_the_automatic_one(dim: int, caplog: pytest.LogCaptureFixture) -> None:
    source, target = torch.randn(2, 300, dim, generator=derive(0))
    lengths = {"distance": None, "rule": None, "harms": ("near", "far")}
    field = ChargedPlates.of(source, target, (dim,), offset=None, **lengths)
    for offset in field.offsets:
        ChargedPlates.of(source, target, (dim,), offset=offset * float(field.scale), **lengths)
    assert "offset" not in caplog.text


def test_above_8_dimensions(caplog: pytest.LogCaptureFixture) -> None:
    # .07 standard deviations are the automatic one.
    x = torch.randn(100, 16, generator=derive(0))
    for offset, told in ((1.9, False), (2.3, True)):
        method = registry.parse_choice("method", f"efm:offset={offset}")
        registry.make("method", method).objective(Problem(Empirical(x), Empirical(x)), derive(0))
        assert ("times the automatic one" in caplog.text) == told


def test_samples_without_neighbours_have_nothing_to_be_far_from(
    caplog: pytest.LogCaptureFixture,
) -> None:
    points = Problem(Empirical(torch.zeros(5, 2)), Empirical(torch.ones(5, 2)))
    method = registry.parse_choice("method", "efm-exact:rule=plate,offset=0.5")
    registry.make("method", method).objective(points, derive(0)).solve(derive(0))
    assert "offset" not in caplog.text
