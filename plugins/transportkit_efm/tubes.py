"""The interaction field of pairs: every pair of charges joined by a tube of field lines of its own.

Manukhov, Kolesov, Palyulin and Korotin, "Interaction Field Matching: Overcoming Limitations of
Electrostatic Models", ICLR 2026, ask of the field of one pair that its lines begin at the one
charge and end at the other, and that its flux is conserved; the field of a coupling is the sum over
its pairs, and its lines then carry P onto Q as those of the Coulomb field do. Their example is a
tube with a Gaussian profile, as the strong interaction makes between quarks, that opens and closes
near the charges with the shape of a sine. It is taken over here, and made exact: with m the point
of the pair's segment at height z and s the width of the tube there,

    E_z = N(x; m(z), s(z)^2 I),   E_x = E_z (m'(z) + (x - m(z)) s'(z) / s(z)),

which has divergence 0, flux 1 through every plane between the plates, and none outside. Each line
of the pair is x = m(z) + c s(z), and none turns back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

_BLOCK = 2**21
"""Numbers in the largest array that is made at once."""


@dataclass(frozen=True)
class Profile:
    """The width of a tube at the share t of the way from plate to plate.

    It grows as a quarter of a sine from 0 to `width` over the share `opening` of the way, is
    constant, and shrinks alike. `opening` is at most 1/2, which is half a sine and no flat part.
    """

    width: float
    opening: float

    def at(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """s and ds/dt at t, of any shape."""
        near = torch.minimum(t, 1 - t).clamp(0, self.opening)
        angle = near * (math.pi / 2 / self.opening)
        rate = self.width * angle.cos() * (math.pi / 2 / self.opening)
        return self.width * angle.sin(), torch.where(t < 0.5, rate, -rate)


class TubeField(NamedTuple):
    """A field at M points: the slope dx/dt = E_x / E_t (M, D) of its lines, and log E_t (M,), the
    logarithm of the flux through planes per unit of area."""

    slope: Tensor
    log_flux: Tensor


def tube_field(x: Tensor, t: Tensor, source: Tensor, target: Tensor, profile: Profile) -> TubeField:
    """The mean field of N pairs at x (M, D) and t (M,), 0 < t < 1; row i of source (N, D) is paired
    with row i of target (N, D).

    By differences and in log space, a block of points at a time. The flux of the mean is 1.
    """
    n, dim = source.shape
    rows = max(1, _BLOCK // max(1, n * dim))
    parts = [
        _some(a, b, source, target, profile)
        for a, b in zip(x.split(rows), t.split(rows), strict=True)
    ]
    return TubeField(*(torch.cat(each) for each in zip(*parts, strict=True)))


def _some(
    x: Tensor, t: Tensor, source: Tensor, target: Tensor, profile: Profile
) -> tuple[Tensor, Tensor]:
    n, dim = source.shape
    width, rate = (v[:, None] for v in profile.at(t))
    away = x[:, None] - torch.lerp(source, target, t[:, None, None])
    logs = -away.square().sum(2) / (2 * width.square())
    weights = logs.softmax(1)
    middle = torch.einsum("mn,mnd->md", weights, away)
    slope = weights @ (target - source) + middle * rate / width
    log_unit = -dim * (0.5 * math.log(2 * math.pi) + width.squeeze(1).log()) - math.log(n)
    return slope, logs.logsumexp(1) + log_unit


def draw_states(
    source: Tensor, target: Tensor, t: Tensor, profile: Profile, noise: Tensor
) -> Tensor:
    """A point (N, D) on the tube of each pair at t (N,), by flux; `noise` (N, D) is normal."""
    width, _ = profile.at(t)
    return torch.lerp(source, target, t[:, None]) + width[:, None] * noise
