"""Embedded Runge-Kutta pairs as tables."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tableau:
    """An explicit embedded pair.

    a: the strictly lower triangle, row by row; b: weights of the solution that is kept; error: b
    minus the weights of the embedded solution; order: of the solution that is kept;
    first_same_as_last: whether the last stage is the first of the next step.
    """

    a: tuple[tuple[float, ...], ...]
    b: tuple[float, ...]
    error: tuple[float, ...]
    order: int
    first_same_as_last: bool

    @property
    def stages(self) -> int:
        return len(self.b)


HEUN2 = Tableau(
    a=((), (1.0,)),
    b=(1 / 2, 1 / 2),
    error=(-1 / 2, 1 / 2),
    order=2,
    first_same_as_last=False,
)
"""Heun's method of order 2 with Euler embedded."""

BOSH3 = Tableau(
    a=((), (1 / 2,), (0.0, 3 / 4), (2 / 9, 1 / 3, 4 / 9)),
    b=(2 / 9, 1 / 3, 4 / 9, 0.0),
    error=(2 / 9 - 7 / 24, 1 / 3 - 1 / 4, 4 / 9 - 1 / 3, -1 / 8),
    order=3,
    first_same_as_last=True,
)
"""Bogacki and Shampine 1989, 3(2)."""

DOPRI5 = Tableau(
    a=(
        (),
        (1 / 5,),
        (3 / 40, 9 / 40),
        (44 / 45, -56 / 15, 32 / 9),
        (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
        (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
        (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
    ),
    b=(35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84, 0.0),
    error=(
        71 / 57600,
        0.0,
        -71 / 16695,
        71 / 1920,
        -17253 / 339200,
        22 / 525,
        -1 / 40,
    ),
    order=5,
    first_same_as_last=True,
)
"""Dormand and Prince 1980, 5(4)."""

SCHEMES = {"heun2": HEUN2, "bosh3": BOSH3, "dopri5": DOPRI5}
