"""The 8x8 images of digits that scikit-learn carries."""

from __future__ import annotations

import torch

from ..core.problem import Empirical, Law, Marginal, Problem
from . import DigitsParams

SHAPE = (1, 8, 8)


def digits(params: DigitsParams) -> Problem:
    """Noise, or the images of one digit, to the images of one digit or of all 1,797.

    Pixels are 0 to 16 in the data and -1 to 1 here. One digit has 174 to 183 images.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = torch.from_numpy(bunch.images).float().reshape(-1, *SHAPE) / 8 - 1
    labels = torch.from_numpy(bunch.target)

    def named(name: str) -> Marginal:
        if name == "noise":
            return Law(lambda n, g: torch.randn(n, *SHAPE, generator=g), SHAPE)
        return Empirical(images if name == "all" else images[labels == int(name)])

    about = {
        "image": list(SHAPE),
        "pixels": [-1.0, 1.0],
        "definition": "8x8 images of handwritten digits (UCI optical digits, scikit-learn), "
        "pixels 0 to 16 scaled to -1 to 1",
    }
    return Problem(named(params.source), named(params.target), about=about)
