"""Figures with their intervals, as a reader sees them."""

from __future__ import annotations

import pytest

from transportkit.report.figures import four, three, with_limits


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        ((2.0, 1.7, 2.3), "2.00 ±0.30"),
        ((1.19, 0.62, 2.3), "1.19 (0.62 to 2.3)"),
        ((1.02, 0.036, 31.0), "1.02 (0.036 to 31)"),
        ((1.07, 0.0053, 254.0), "1.07 ±?"),
        ((1.2, 1.1e-6, 2e6), "1.20 ±?"),
        ((1.2, 0.0, float("inf")), "1.20 ±?"),
        ((1.0, 0.0, 9.0), "1.00 (0 to 9)"),
        ((1.2, -9.0, 900.0), "1.20 (-9 to 900)"),
        ((1.0, 1e-4, 1.9999), "1.0 ±1.0"),
        ((5.003, 4.999, 5.010), "5.00 ±0.01"),
        ((1.0, 1.0, 1.0), "1.00 ±0.00"),
        ((0.0, 0.0, 0.0), "0 ±0"),
    ],
)
def test_limits_that_lie_unevenly_are_named(
    interval: tuple[float, float, float], text: str
) -> None:
    assert with_limits(*interval) == text


def test_figures_keep_the_zeros_that_mean_something() -> None:
    assert [four(v) for v in (1.0, 0.003069, 14.2, 12345.6, 2e-7, None)] == [
        "1.000", "0.003069", "14.20", "12346", "2.00e-07", "-",
    ]  # fmt: skip
    assert [three(v) for v in (1.0, 0.7756, 2e-7)] == ["1.00", "0.776", "2.0e-07"]
