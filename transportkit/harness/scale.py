"""Whether what a problem draws can be reckoned with in single precision, whatever draws it.

Files are checked where they are read, all of them; of a law a few draws tell its scale.
"""

from __future__ import annotations

from ..core.problem import Problem
from ..core.random import derive
from ..errors import DataError
from ..problems.checks import check_range, check_spread
from ..problems.oddities import warn_of_sizes
from ..problems.own import FAR
from .memory import FEW


def check_scale(problem: Problem, name: str) -> None:
    """Raise DataError where a side of the problem of this name draws points that are not finite,
    whose squares or distances float32 does not hold, or, in a table, that are rounded to one.

    Warns of laws of which one is many times the other's size.
    """
    sides = {"source": problem.source, "target": problem.target}
    looked_at = []
    for side, marginal in sides.items():
        points = marginal.points(FEW, derive(0, "scale", side)).cpu()
        owner = f"the {side} of problem '{name}'"
        if not points.isfinite().all():
            raise DataError(f"{owner} has values that are not finite; check its parameters")
        check_range(points, owner, "choose parameters that leave")
        check_spread(points, owner, "choose parameters that leave")
        alike = (points == points[0]).all(0) & (points[0].abs() > FAR)
        if points.ndim == 2 and len(points) > 1 and alike.any():
            column = int(alike.nonzero()[0])
            raise DataError(
                f"{owner}: column {column + 1} is constant at {float(points[0, column]):g} in "
                "single precision; choose parameters that bring it nearer to 0"
            )
        looked_at.append(points)
    # Of files all points were looked at where they were read.
    if all(marginal.size is None for marginal in sides.values()):
        way = "choose parameters that bring both to like units"
        warn_of_sizes(looked_at[0], looked_at[1], f" of problem '{name}'", way)
