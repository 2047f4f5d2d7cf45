"""How far products in float32 are to be believed, and the pairs that are measured again.

A product of float32 matrices tells a squared distance r^2 up to a few roundings of |x'| |y'|, which
the power r^-p multiplies by p / 2. In high dimension few charges make up nearly all of a point's
field, so a few distances in float64 for each point do what float64 products of all pairs would. The
roundings of the others are independent, unless charges coincide, and their sum is known well enough
to tell how many may stay; a point with too many is left to float64.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Limits(NamedTuple):
    """What products are made in, and what they may do to a direction.

    allowed: the error that pairs may add up to, nothing for float64, where none is looked for;
    worst: the cancellation beyond which a point is left to a finer way, which multiplies it.
    """

    dtype: torch.dtype
    allowed: float | None
    worst: float


_DOUBLE = Limits(torch.float64, None, 3e3)
_FAST = Limits(torch.float32, 3e-5, 4.0)
_FINER = Limits(torch.float32, 1.2e-6, 4.0)
"""Up to 65 coordinates, as the promise is 1e-5 up to D = 64, and 5e-4 above."""

_ACCURATE = Limits(torch.float32, 1.5e-7, 2.5)
_FEWEST = 100
"""Coordinates from which on the accurate mode uses these: with fewer, too many charges weigh."""

_MOST = 48
"""Pairs of one point in one block: more take longer than the products in float64."""

_ROUNDINGS = 1.5
"""Root mean square error of r^2 at most, in roundings of |x'| |y'|: a test holds it."""

_UNEVEN = 3.0
"""Times as many where the charges are of two plates."""

_WORST = 2.5
"""And the largest that is to be expected, in root mean squares."""

_SAME = 1e-7
"""Charges are taken to coincide whose |y'|^2 differ by less of their mean."""

_SEVERAL = 0.02
"""Share of the charges that may do so by chance."""

_SEEN = 0.25
"""The least angle under which charges are taken to be seen."""

_CUTS = (0.1, 1e-2, 1e-3, 1e-4)
"""Weights, of the heaviest, that are tried one after another as what may stay in float32."""


def limits(points: Tensor, fine: bool) -> Limits:
    """Those of the field at points (M, p), in the accurate mode where `fine`."""
    width = points.shape[1]
    if points.dtype == torch.float64 or (fine and width < _FEWEST):
        return _DOUBLE
    if fine:
        return _ACCURATE
    return _FINER if width <= 65 else _FAST


class Lengths(NamedTuple):
    """What a block of charges says of the rounding of its products.

    radius (): the largest |y'|; uneven (): the largest difference of |y'|^2 from their mean;
    weights (): that of log weights; flat: whether all are on one plate, whose own coordinate then
    adds nothing to a product (that of two may outweigh all others, which round as it does); alike:
    whether charges are partly the same, so that their roundings are.
    """

    radius: Tensor
    uneven: Tensor
    weights: Tensor
    flat: bool
    alike: bool

    @classmethod
    def of(cls, squares: Tensor, log_weights: Tensor, flat: bool) -> Lengths:
        """Those of charges of these |y'|^2 (n,) and log weights (n,)."""
        mean = squares.mean()
        near = squares.sort().values.diff() <= _SAME * mean
        return cls(
            squares.amax().sqrt(),
            (squares - mean).abs().amax(),
            (log_weights - log_weights.mean()).abs().amax(),
            flat,
            bool(near.sum() > _SEVERAL * len(squares)),
        )


class Doubt:
    """What float32 was left to tell, at M points, of the blocks of charges until now.

    allowed: the error of a direction that may be left; weight (M,): of all charges; left (M,): the
    weight that would bear what was left; both divided by exp(log_scale) (M,), where the heaviest
    charge weighs about 1.
    """

    def __init__(self, allowed: float, log_scale: Tensor, weight: Tensor, left: Tensor) -> None:
        self.allowed, self.log_scale, self.weight, self.left = allowed, log_scale, weight, left

    @classmethod
    def none(cls, allowed: float, like: Tensor) -> Doubt:
        """Of no blocks, at as many points as `like` (M, p) are."""
        nothing = torch.zeros(len(like), dtype=torch.float64, device=like.device)
        return cls(allowed, torch.full_like(nothing, -torch.inf), nothing, nothing.clone())

    def of(self, rows: slice) -> Doubt:
        """That of some of the points, in the same memory."""
        return Doubt(self.allowed, self.log_scale[rows], self.weight[rows], self.left[rows])

    def exceeded(self) -> Tensor:
        """(M,) whether more was left than may be, by half as much again."""
        return self.left > 1.5 * self.weight

    def choose(self, terms: Tensor, log_scale: Tensor, error: Tensor, alike: bool) -> Tensor:
        """Which of the weights terms (m, n) of a block, times exp(log_scale), to measure again.

        error (m,): as `turned` says; alike: as `Lengths` says. Returns the pairs as positions in
        the flat terms (k,).
        """
        share = self.allowed / error
        scale = torch.maximum(self.log_scale, log_scale)
        old = torch.exp(self.log_scale - scale).nan_to_num_(nan=0.0)
        new = torch.exp(log_scale - scale).nan_to_num_(nan=0.0)
        # A charge that stands alone beside this sum may weigh 1 in it. Where others weigh more, a
        # part of their share comes to it, half again of which may add up over many blocks.
        weight = terms.sum(1).double().clamp_min_(1.0)
        allowed = share * (weight + old * self.weight / 16 / new.clamp_min(1e-30))
        if bool((allowed >= weight).all()):
            pairs, left = allowed.new_empty(0, dtype=torch.int64), weight
        else:
            pairs, left = _heaviest(terms, allowed, alike)
        self.left.mul_(old).add_(new * left / share)
        self.weight.mul_(old).add_(new * weight)
        self.log_scale.copy_(scale)
        return pairs


def turned(points: Tensor, scale: Tensor, least: Tensor, width: int, lengths: Lengths) -> Tensor:
    """How far the rounding of a charge's weight turns the field of its block (m,), as a root of a
    mean square.

    points (m, q): from the centre of the charges, in `width` coordinates with zeros behind; scale
    (m,): c of the points; least (m,): u of their nearest charge. The error of a log weight is p/2
    of that of r^2, and turns the direction by as much of the angle under which charges are seen.
    Some of that is left to far points, as other blocks may pull in another direction.
    """
    along = points[:, : width - 1] if lengths.flat else points
    roundings = _ROUNDINGS if lengths.flat else _ROUNDINGS * _UNEVEN
    product = torch.linalg.vector_norm(along, dim=1).double() * lengths.radius + lengths.uneven / 2
    weight = roundings * width / 2 * product / (scale * (1 + least)) + lengths.weights
    angle = (lengths.radius / scale.sqrt()).clamp(_SEEN, 1.0)
    return (2.0**-24 * weight * angle).clamp_min(1e-30)


def _heaviest(terms: Tensor, allowed: Tensor, alike: bool) -> tuple[Tensor, Tensor]:
    """As many of the weights terms (m, n) as leave no more than is allowed (m,), and what is left.

    Their positions in the flat terms (k,), and what those left add up to (m,). Points that would
    need too many get none.
    """
    rest = _size(terms, alike)
    cut = torch.full_like(rest, torch.inf)
    rows = (rest > allowed).nonzero()[:, 0]
    for bound in _CUTS:
        if not len(rows):
            break
        some = terms[rows]
        rest[rows] = _size(torch.where(some < bound, some, 0.0), alike)
        cut[rows] = bound
        rows = rows[rest[rows] > allowed[rows]]
    heavy = terms >= cut.to(terms.dtype)[:, None]
    many = heavy.sum(1) > _MOST
    many[rows] = True
    heavy &= ~many[:, None]
    rest[many] = _size(terms[many], alike)
    return heavy.view(-1).nonzero()[:, 0], rest


def _size(terms: Tensor, alike: bool) -> Tensor:
    """(m,) how roundings of weights (m, n) add up: at their worst where they may be alike."""
    if alike:
        return terms.sum(1).double() * _WORST
    return torch.linalg.vector_norm(terms, dim=1).double()
