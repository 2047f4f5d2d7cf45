"""Curves in the plane, with the scales of the literature: Swiss roll, two moons, S-curve.

The shapes are those of scikit-learn (make_swiss_roll, make_moons, make_s_curve), drawn here from
the generator. "Standardised" is as De Bortoli et al. (2021) do it: one mean and one standard
deviation over all coordinates together; here they are those of the law and not of a sample, so
that the law does not depend on how many points are drawn.
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from ..core.problem import Law, Problem
from . import MoonsGaussiansParams, MoonsParams, SCurveParams, SwissRollParams
from .mixtures import mixture, normal, ring

_PI = math.pi
_DSB_SCALE = 7.0
TORCHCFM_STD = 0.1**0.25
"""torchcfm passes the covariance sqrt(0.1) I, so that the standard deviation is 0.1^(1/4)."""


def _roll(n: int, noise: float, generator: Generator) -> Tensor:
    """(t cos t, t sin t), t uniform in [3 pi / 2, 9 pi / 2], plus noise."""
    t = 1.5 * _PI * (1 + 2 * torch.rand(n, generator=generator))
    curve = torch.stack([t * t.cos(), t * t.sin()], 1)
    return curve + noise * torch.randn(n, 2, generator=generator)


def _s(n: int, noise: float, generator: Generator) -> Tensor:
    """(sin t, sign(t) (cos t - 1)), t uniform in [-3 pi / 2, 3 pi / 2], plus noise."""
    t = 3 * _PI * (torch.rand(n, generator=generator) - 0.5)
    curve = torch.stack([t.sin(), t.sign() * (t.cos() - 1)], 1)
    return curve + noise * torch.randn(n, 2, generator=generator)


def _moons(n: int, generator: Generator) -> Tensor:
    """The half circles (cos t, sin t) and (1 - cos t, 1/2 - sin t), t uniform in [0, pi]."""
    t = _PI * torch.rand(n, generator=generator)
    inner = torch.randint(2, (n,), generator=generator).bool()
    x = torch.where(inner, 1 - t.cos(), t.cos())
    y = torch.where(inner, 0.5 - t.sin(), t.sin())
    return torch.stack([x, y], 1)


def _standardised(points: Tensor, mean: float, square: float) -> Tensor:
    """Points scaled by the mean and mean square of a coordinate of their law, times 7."""
    return _DSB_SCALE * (points - mean) / math.sqrt(square - mean**2)


def roll_law(definition: str) -> Law:
    """The Swiss roll: ``compact``, ``ffjord`` or ``dsb``."""
    if definition == "dsb":
        first, last = 1.5 * _PI, 4.5 * _PI
        # Integrals of t cos t and t sin t over [first, last], and of t^2 / 2.
        along = (last * math.sin(last) + math.cos(last)) - (
            first * math.sin(first) + math.cos(first)
        )
        across = (math.sin(last) - last * math.cos(last)) - (
            math.sin(first) - first * math.cos(first)
        )
        mean = (along + across) / 2 / (last - first)
        square = (last**3 - first**3) / 6 / (last - first) + 0.1**2
        return Law(lambda n, g: _standardised(_roll(n, 0.1, g), mean, square), (2,))
    noise, scale = {"compact": (0.8, 7.5), "ffjord": (1.0, 5.0)}[definition]
    return Law(lambda n, g: _roll(n, noise, g) / scale, (2,))


def moons_law(definition: str) -> Law:
    """Two moons: ``torchcfm``, ``runner`` or ``dsb``."""
    if definition == "runner":
        shift = torch.tensor([1.0, 0.0])
        return Law(
            lambda n, g: 2 * (_moons(n, g) + 0.05 * torch.randn(n, 2, generator=g)) - shift, (2,)
        )
    if definition == "torchcfm":
        # torchcfm's noise is uniform in [0, 0.2] and the same for both coordinates of a point.
        return Law(lambda n, g: 3 * (_moons(n, g) + 0.2 * torch.rand(n, 1, generator=g)) - 1, (2,))
    mean = 0.375
    square = (1 + (0.5 + 0.75 - 2 / _PI) / 2) / 2 + 0.1**2
    return Law(
        lambda n, g: _standardised(
            _moons(n, g) + 0.1 * torch.randn(n, 2, generator=g), mean, square
        ),
        (2,),
    )


def s_law(definition: str) -> Law:
    """The S-curve: ``unit``, ``runner`` or ``dsb``."""
    if definition in ("unit", "runner"):
        scale = 1.5 if definition == "runner" else 1.0
        return Law(lambda n, g: scale * _s(n, 0.05, g), (2,))
    # By symmetry the mean is 0. The squares of sin t and of cos t - 1 have means 1/2 and
    # 3/2 - 2 E cos t, and E cos t = -2 / (3 pi).
    square = (0.5 + 1.5 + 4 / (3 * _PI)) / 2 + 0.1**2
    return Law(lambda n, g: _standardised(_s(n, 0.1, g), 0.0, square), (2,))


_ROLLS = {
    "compact": "Swiss roll with noise 0.8, divided by 7.5",
    "ffjord": "Swiss roll with noise 1, divided by 5 (Grathwohl et al. 2019)",
    "dsb": "Swiss roll with noise 0.1, standardised, times 7 (De Bortoli et al. 2021)",
}
_MOONS = {
    "torchcfm": "two moons with torchcfm's noise 0.2, times 3 minus 1",
    "runner": "two moons with noise 0.05, times 2, minus (1, 0) (torchcfm's runner)",
    "dsb": "two moons with noise 0.1, standardised, times 7 (De Bortoli et al. 2021)",
}
_RINGS = {
    "torchcfm": "eight Gaussians of standard deviation 0.5623 on a circle of radius 5 (torchcfm)",
    "dsb": "eight Gaussians of standard deviation 1.5 on a circle of radius 12",
}
_CURVES = {
    "unit": "S-curve with noise 0.05, in [-1, 1] x [-2, 2]",
    "runner": "S-curve with noise 0.05, times 1.5 (torchcfm's runner)",
    "dsb": "S-curve with noise 0.1, standardised, times 7 (De Bortoli et al. 2021)",
}


def swissroll(params: SwissRollParams) -> Problem:
    """N(0, I) to the Swiss roll."""
    about = {"definition": _ROLLS[params.definition]}
    return Problem(normal(2), roll_law(params.definition), about=about)


def moons(params: MoonsParams) -> Problem:
    """N(0, I) to two moons."""
    about = {"definition": _MOONS[params.definition]}
    return Problem(normal(2), moons_law(params.definition), about=about)


def _moons_and_ring(params: MoonsGaussiansParams) -> tuple[Law, Law]:
    radius, std = {"torchcfm": (5.0, TORCHCFM_STD), "dsb": (12.0, 1.5)}[params.definition]
    return moons_law(params.definition), mixture(ring(8, radius), std, params.stratified)


def moons_gaussians(params: MoonsGaussiansParams) -> Problem:
    """Two moons to eight Gaussians, in either of the two definitions that circulate."""
    source, target = _moons_and_ring(params)
    about = {"definition": f"{_MOONS[params.definition]}; {_RINGS[params.definition]}"}
    return Problem(source, target, about=about)


def gaussians_moons(params: MoonsGaussiansParams) -> Problem:
    """Eight Gaussians to two moons, in either of the two definitions that circulate."""
    target, source = _moons_and_ring(params)
    about = {"definition": f"{_RINGS[params.definition]}; {_MOONS[params.definition]}"}
    return Problem(source, target, about=about)


def scurve(params: SCurveParams) -> Problem:
    """N(0, I) to the S-curve."""
    about = {"definition": _CURVES[params.definition]}
    return Problem(normal(2), s_law(params.definition), about=about)
