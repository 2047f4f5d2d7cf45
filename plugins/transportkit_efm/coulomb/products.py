"""The superposition by two matrix products per block, with the near charges taken exactly.

Squared distances come from a product of centred coordinates,

    |x - y|^2 = c (1 + u),  c = |x'|^2 + mean |y'|^2,  u = (|y'|^2 - mean |y'|^2 - 2 x'.y') / c,

with x' and y' relative to the mean of the block of charges. In high dimension u is small for all
but the near charges, so log |x - y|^2 = log c + log1p(u) loses almost nothing. Charges with u near
-1 are where the product has cancelled: their distances and terms are computed again from exact
differences. A block holds charges of one sign, so the plates never share a centre.
"""

from __future__ import annotations

import torch
from torch import Tensor

from . import weighty
from .matrices import product
from .partial import Partial
from .precision import full_products

TILE = {"cpu": (2048, 512), "cuda": (16384, 1024)}
"""Charges and points of the tile of pairs held at once: in a few buffers of 4 MiB, or of 64."""

NEAREST = 8
"""Most charges of a block taken exactly for one point; a point with more is left to others."""

ALIGNED, WIDE = 8, 64
"""Rows of products are filled up to a multiple of the one, from so many coordinates on: 785 of them
take a third longer than 792."""

_NEAR = {torch.float32: 0.25, torch.float64: 1e-3}
"""Share of c below which a squared distance is not trusted to the product."""

_SUMMED = 1.2
"""Rounding of the sums of y', of lengths sqrt(c), beside what is allowed for that of weights."""

_LOST = 4e-6
"""Share of c at which a squared distance is beyond what float32 tells."""

_NEGLIGIBLE = 30.0
"""A log weight so far below the largest is below rounding."""

_FLOOR = -80.0
"""Where log weights relative to the largest are cut off."""


def superpose(
    points: Tensor, charges: Tensor, weights: Tensor, allowed: float | None = None
) -> Partial:
    """Sum w_j (x - y_j) / |x - y_j|^p over charges (N, p) at points (M, p), in their dtype.

    Weights (N,) must not be zero; coordinates should be of order one (squares are formed).
    `allowed`, for float32, bounds what its rounding may do to a direction, by measuring pairs that
    weigh in float64. A magnitude of infinity marks a point with too many such pairs, or too many
    near charges, for this way.
    """
    count, width = points.shape
    total = Partial(
        points.new_zeros(count, width),
        points.new_zeros(count),
        points.new_full((count,), -torch.inf, dtype=torch.float64),
    )
    wide, tall = TILE.get(points.device.type, TILE["cpu"])
    # One place for the moved charges of all blocks: memory that is new costs more than the moving.
    room = points.new_empty(min(wide, len(charges)), _padded(width))
    doubt = weighty.Doubt.none(allowed, points) if allowed else None
    with full_products(points.device.type):
        for sign in (1.0, -1.0):
            chosen = (weights * sign > 0).nonzero()[:, 0]
            for start in range(0, len(chosen), wide):
                block = _Block(charges, weights, chosen[start : start + wide], room)
                for low in range(0, count, tall):
                    rows = slice(low, low + tall)
                    new = block.terms(points[rows], doubt.of(rows) if doubt else None)
                    _merge(total, rows, new, sign)
    if doubt:
        total.magnitude.masked_fill_(doubt.exceeded(), torch.inf)
    return total


def _merge(total: Partial, rows: slice, new: Partial, sign: float) -> None:
    scale = torch.maximum(total.log_scale[rows], new.log_scale)
    old = torch.exp(total.log_scale[rows] - scale).nan_to_num_(nan=0.0).to(new.vector.dtype)
    fresh = torch.exp(new.log_scale - scale).nan_to_num_(nan=0.0).to(new.vector.dtype)
    total.vector[rows].mul_(old[:, None]).addcmul_(new.vector, sign * fresh[:, None])
    total.magnitude[rows] = total.magnitude[rows] * old + new.magnitude * fresh
    total.log_scale[rows] = scale


class _Block:
    """Charges of one sign around their own mean, which are kept in `room` (n or more, q)."""

    def __init__(self, charges: Tensor, weights: Tensor, chosen: Tensor, room: Tensor) -> None:
        first, last = int(chosen[0]), int(chosen[-1])
        together = last - first + 1 == len(chosen)
        self.exact = charges[first : last + 1] if together else charges[chosen]
        self.centre = self.exact.mean(0)
        plate = self.exact[:, -1]
        flat = bool((plate == plate[0]).all())
        if flat:
            # Their mean may round to another number.
            self.centre[-1] = plate[0]
        self.charges = self.moved(self.exact, room[: len(chosen)])
        self.log_weights = weights[chosen].abs().double().log()
        squares = _squares(self.exact, self.centre)
        self.mean_square = squares.mean()
        self.spread = (squares - self.mean_square).to(charges.dtype)
        self.lengths = weighty.Lengths.of(squares, self.log_weights, flat)

    def moved(self, rows: Tensor, out: Tensor) -> Tensor:
        """Rows (n, p) from the centre, in `out` (n, q), with zeros behind that products are faster
        with."""
        width = rows.shape[1]
        torch.sub(rows, self.centre, out=out[:, :width])
        out[:, width:] = 0
        return out

    def terms(self, points: Tensor, doubt: weighty.Doubt | None = None) -> Partial:
        """The sum of |w_j| (x - y_j) / |x - y_j|^p over the block at points (m, p).

        `doubt` of these points has the pairs that weigh measured again, and learns what is left.
        """
        width = points.shape[1]
        moved = self.moved(points, points.new_empty(len(points), self.charges.shape[1]))
        scale = (_squares(points, self.centre) + self.mean_square).clamp_min(1e-300)
        factor = (-2 / scale).to(points.dtype)[:, None]
        excess = product(moved, self.charges)
        excess.sub_(self.spread * 0.5).mul_(factor)
        near = _Near(self, points, excess, scale)
        terms = torch.log1p(excess.clamp_min_(_LOST - 1)).mul_(-0.5 * width)
        terms.add_(self.log_weights.to(points.dtype))
        near.leave_out(terms)
        # Rounded as the weights are, so that blocks stay in proportion.
        top = near.highest(terms.amax(dim=1).double()).to(points.dtype).double()
        level = torch.where(top > -torch.inf, top, 0.0)
        # Floored, as exp is slow where it underflows; what it leaves is beyond rounding.
        terms.sub_(level.to(points.dtype)[:, None]).clamp_min_(_FLOOR).exp_()
        log_scale = top - 0.5 * width * scale.log()
        if doubt is not None:
            turned = weighty.turned(moved, scale, near.next, width, self.lengths)
            pairs = doubt.choose(terms, log_scale, turned, self.lengths.alike)
            # Out of the product: many small terms would round away from a large one, to one side.
            terms.view(-1)[pairs] = 0
        count = terms.sum(1)
        vector = moved.mul_(count[:, None]).sub_(product(terms, self.charges.T))[:, :width]
        # By Cauchy and Schwarz, sum a r <= sqrt(sum a) sqrt(sum a r^2).
        second = (count + torch.linalg.vecdot(terms, excess)).clamp_min_(0.0)
        lengths = scale.sqrt().to(points.dtype)
        magnitude = (count * second).sqrt_().mul_(lengths)
        near.add(vector, magnitude, level)
        if doubt is not None:
            # What the sum of y' rounds to matters as much as that of steps of such a length.
            torch.maximum(magnitude, count * lengths * _SUMMED, out=magnitude)
            if len(pairs):
                self._add_exactly(vector, magnitude, points, log_scale, pairs)
        magnitude.masked_fill_(near.crowded(level), torch.inf)
        return Partial(vector, magnitude, log_scale)

    def _add_exactly(
        self, vector: Tensor, magnitude: Tensor, points: Tensor, log_scale: Tensor, pairs: Tensor
    ) -> None:
        """Add terms from float64 differences to vector (m, p) and magnitude (m,).

        pairs (k,): in order, places in a matrix (m, n) of all of the tile.
        """
        half = 0.5 * points.shape[1]
        for part in pairs.split(_rows_at_once(points)):
            rows, columns = part // len(self.exact), part % len(self.exact)
            steps = points.index_select(0, rows).double()
            steps -= self.exact.index_select(0, columns)
            squares = torch.linalg.vecdot(steps, steps)
            terms = self.log_weights[columns] - half * squares.log() - log_scale[rows]
            steps *= terms.exp_()[:, None]
            # Row by row in one order, which adding by index would not promise on every device.
            rows, counts = torch.unique_consecutive(rows, return_counts=True)
            sums = torch.segment_reduce(steps, "sum", lengths=counts)
            vector[rows] += sums.to(vector.dtype)
            sums = torch.segment_reduce(terms * squares.sqrt(), "sum", lengths=counts)
            magnitude[rows] += sums.to(magnitude.dtype)


class _Near:
    """The pairs of a tile whose distance the product has cancelled away.

    For each of the rows (s,) that have any, as many columns (s, k) as the row with the most of
    them needs: one sum for each row, in one order, whatever device adds. next (m,): at least u of
    what is left to the product.
    """

    def __init__(self, block: _Block, points: Tensor, excess: Tensor, scale: Tensor) -> None:
        self.block, self.points = block, points
        self.width = points.shape[1]
        bound = _NEAR[points.dtype] - 1
        self.beyond = torch.full_like(scale, -torch.inf)
        lowest = excess.amin(dim=1)
        self.next = lowest.clamp_min(bound)
        self.rows = (lowest < bound).nonzero()[:, 0]
        count = min(NEAREST + 1, excess.shape[1])
        values, columns = excess.index_select(0, self.rows).topk(count, dim=1, largest=False)
        taken = values < bound
        if count > NEAREST:
            # What the next one might weigh at most, had the product lost half its distance; where
            # it may have lost all of it, the nearest are not known.
            last = values[:, -1].double().add(1).mul(0.5)
            weight = -0.5 * self.width * last.log() + block.log_weights.amax()
            weight = torch.where(2 * last > _LOST, weight, torch.inf)
            self.beyond[self.rows] = torch.where(taken[:, -1], weight, -torch.inf)
            taken[:, -1] = False
        most = int(taken.sum(1).max()) if len(self.rows) else 0
        self.columns, self.taken = columns[:, :most], taken[:, :most]
        squares = torch.zeros(self.columns.shape, dtype=torch.float64, device=points.device)
        for part in self._parts():
            steps = self._steps(part)
            squares[part] = _squares(steps.flatten(0, 1)).view(steps.shape[:2])
        self.lengths = squares.sqrt()
        self.terms = block.log_weights[self.columns] - 0.5 * self.width * (
            squares.log() - scale[self.rows, None].log()
        )
        self.terms.masked_fill_((squares == 0) | ~self.taken, -torch.inf)

    def _parts(self) -> list[slice]:
        most = self.columns.shape[1]
        if not most:
            return []
        size = max(1, (1 << 20) // (self.width * most))
        return [slice(low, low + size) for low in range(0, len(self.rows), size)]

    def _steps(self, part: slice) -> Tensor:
        """(s, k, p) from the charges to the points of a part of the rows, in float64."""
        return self.points[self.rows[part], None].double() - self.block.exact[self.columns[part]]

    def leave_out(self, terms: Tensor) -> None:
        """Take these pairs out of the log weights (m, n) of the tile."""
        row, rank = self.taken.nonzero(as_tuple=True)
        terms[self.rows[row], self.columns[row, rank]] = -torch.inf

    def highest(self, top: Tensor) -> Tensor:
        """top (m,) or, where larger, the largest log weight of these pairs."""
        if self.columns.shape[1]:
            top[self.rows] = torch.maximum(top[self.rows], self.terms.amax(1))
        return top

    def crowded(self, level: Tensor) -> Tensor:
        """(m,) whether a point has more near charges that count than were taken exactly."""
        return self.beyond > level - _NEGLIGIBLE

    def add(self, vector: Tensor, magnitude: Tensor, level: Tensor) -> None:
        """Add these terms, relative to exp(level), to vector (m, p) and magnitude (m,)."""
        terms = torch.exp(self.terms - level[self.rows, None])
        magnitude[self.rows] += (terms * self.lengths).sum(1).to(magnitude.dtype)
        for part in self._parts():
            steps = self._steps(part)
            some = torch.einsum("sk,skp->sp", terms[part].to(steps.dtype), steps)
            vector[self.rows[part]] += some.to(vector.dtype)


def _padded(width: int) -> int:
    """Columns (q) of rows of so many coordinates, with those that products are faster with."""
    return width if width < WIDE else -(-width // ALIGNED) * ALIGNED


def _rows_at_once(like: Tensor) -> int:
    """How many rows as wide as those of `like` (n, p) are taken into float64 together: on a CPU as
    many as its nearer caches hold."""
    return max(1, (1 << (24 if like.is_cuda else 16)) // like.shape[1])


def _squares(rows: Tensor, centre: Tensor | None = None) -> Tensor:
    """Squared lengths (n,) of rows (n, p) from a centre (p,), in float64 without such a copy of
    them all."""
    size = _rows_at_once(rows)
    squares = torch.empty(len(rows), dtype=torch.float64, device=rows.device)
    room = squares.new_empty(min(size, len(rows)), rows.shape[1])
    for low in range(0, len(rows), size):
        part = room[: len(rows) - low].copy_(rows[low : low + size])
        if centre is not None:
            part.sub_(centre)
        torch.linalg.vector_norm(part, dim=1, out=squares[low : low + size])
    return squares.square_()
