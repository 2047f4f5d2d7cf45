"""Figures as a reader wants them: as many digits as mean something."""

from __future__ import annotations

UNEVEN = 1.5
"""Times as far as one limit of an interval may lie from the mean as the other, to be half of it."""
UNTOLD = 1000
"""Times the lower limit of an uneven interval beyond which the upper one makes it tell nothing."""


def number(value: float | None) -> str:
    """Four significant digits, or three far from 1."""
    if value is None:
        return "-"
    if value != 0 and not 1e-3 <= abs(value) < 1e5:
        return f"{value:.2e}"
    return f"{value:.4g}"


def three(value: float | None) -> str:
    """Three significant digits, or two far from 1, with the zeros that belong to them."""
    return _digits(value, 3)


def four(value: float | None) -> str:
    """Four of them, or three far from 1."""
    return _digits(value, 4)


def _digits(value: float | None, digits: int) -> str:
    if value is None:
        return "-"
    if value != 0 and not 1e-3 <= abs(value) < 1e5:
        return f"{value:.{digits - 2}e}"
    return f"{value:.{_places(value, digits)}f}"


def with_half(mean: float, half: float) -> str:
    """A mean with half the width of its interval, to the digits that the interval leaves."""
    if not 1e-3 <= max(abs(mean), half) < 1e5:
        return f"{mean:.1e} ±{half:.0e}" if mean or half else "0 ±0"
    places = min(_places(half, 2), _places(mean, 3)) if half else _places(mean, 3)
    if abs(mean) < half:
        places = _places(half, 2)
    return f"{mean:.{places}f} ±{half:.{places}f}"


def with_limits(mean: float, low: float, high: float) -> str:
    """A mean with half the width of its interval, or with its limits where they lie unevenly.

    Half of a width would say of an interval from 0.4 to 9 about 1.5 that values below 0 may be.
    Limits that are orders of magnitude apart, as those of two seeds may be, are not named.
    """
    if untold(mean, low, high):
        return f"{three(mean)} ±?"
    if _even(mean, low, high):
        return with_half(mean, (high - low) / 2)
    return f"{three(mean)} ({_two(low)} to {_two(high)})"


def untold(mean: float, low: float, high: float) -> bool:
    """Whether the interval is so wide that it tells nothing of the mean.

    One from 0 on tells how much it is at most, unless that is far from the mean.
    """
    if _even(mean, low, high) or low < 0:
        return False
    return high > UNTOLD * (low if low > 0 else abs(mean))


def _even(mean: float, low: float, high: float) -> bool:
    below, above = mean - low, high - mean
    return high - low < abs(mean) / 5 or max(below, above) <= UNEVEN * min(below, above)


def seconds(value: float | None) -> str:
    """Seconds to about a hundredth, or to three digits."""
    if value is None:
        return "-"
    return "<0.01" if value < 0.01 else f"{value:.{min(2, _places(value, 3))}f}"


def _two(value: float) -> str:
    """Two significant digits, or one far from 1."""
    if value != 0 and not 1e-3 <= abs(value) < 1e5:
        return f"{value:.0e}"
    return f"{float(f'{value:.2g}'):g}"


def _places(value: float, digits: int) -> int:
    """Decimal places that show so many significant digits of `value`."""
    if value == 0:
        return 0
    # Of the rounded value: .9996 with three digits is 1.00.
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])
    return max(0, digits - 1 - exponent)
