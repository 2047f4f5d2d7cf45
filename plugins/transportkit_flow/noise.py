"""Noise on the way that is so large that it hides the data."""

from __future__ import annotations

import logging

from .paths.constant import Constant

log = logging.getLogger("transportkit")

LOUD = 3.0
"""Scales of the data beyond which noise on the way is told of."""


def warn_of_noise(given: float, sigma: float, scale: float) -> None:
    """Warn of noise of size sigma that hides data of this scale; `given` is what was asked."""
    if sigma > LOUD * scale:
        log.warning(
            "sigma=%g is noise of %.3g times the size of the data, which it hides; give less",
            given,
            sigma / scale,
        )


def constant(sigma: float, scale: float) -> Constant:
    """Noise of size sigma about the path between data of this scale. Warns of so much that it hides
    them."""
    warn_of_noise(sigma, sigma, scale)
    return Constant(sigma)
