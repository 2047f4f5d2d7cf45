"""Noise of entropic plans and bridges that is so large that it hides the data."""

from __future__ import annotations

import logging

log = logging.getLogger("transportkit")

LOUD = 3.0
"""Noise from which nothing of the data is left in a plan, in sizes of the data."""


def warn_of_noise(given: float, epsilon: float, size: float) -> None:
    """Warn of an epsilon whose noise hides data of this size squared; `given` is what was asked.

    For the cost |x - y|^2 / 2 epsilon is the variance of the noise of a bridge in a coordinate.
    """
    if epsilon > LOUD**2 * size:
        log.warning(
            "epsilon=%g is noise of %.3g times the size of the data, which it hides; give less",
            given,
            (epsilon / size) ** 0.5,
        )
