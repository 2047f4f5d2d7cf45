"""Compiled loops over pairs for the CPU, one query after another; import this only to use numba.

The loops release the GIL and leave threads to the caller: numba's own thread pools abort under
concurrent callers or after a fork. Charges come transposed, (p, N), so that the innermost loop
runs over charges and becomes vector instructions. Sums leave a tile in float64.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

# Not "nnan" or "ninf": what overflows must come out as such, for the caller to notice.
COMPILED: dict[str, Any] = {
    "nogil": True,
    "cache": True,
    "error_model": "numpy",
    "fastmath": {"nsz", "arcp", "contract", "reassoc", "afn"},
}
TILE = 2048
"""Charges of a tile, which all points run through before the next."""
FEW = 3
"""Coordinates up to which a loop for weights that are all the same pays. Beyond, a multiplication
less is nothing beside the others, and two loops instead of one cost more than that."""
_TILE_BYTES = 131072


@functools.cache
def unrolled(width: int, newton: int) -> Callable[..., None]:
    """Loop over pairs in `width` coordinates, known to the compiler.

    Called with points (M, p), charges (p, N), weights (N,), rows low to high, and
    out (M, p+1) float64, to which it adds the vector and the sum of lengths of the terms. With
    `newton` 0 the inputs are float32, and a pair without distance gives NaN; with 1 or 2 they
    are float64, and the inverse distance starts from a float32 root and gets so many steps of
    Newton's rule (errors 3e-14 and 3e-16), cheaper than a root and a division in float64,
    and a pair without distance gives nothing; 1 is for processors that `eights` does not serve.
    Terms may overflow. A tile ends where the sign of the weights changes, so that lengths need no
    absolute value each: charges come sorted by sign. Where a tile's weights are all the same, as
    those of a plate usually are, its sums are weighed instead of its terms, up to three
    coordinates.
    """
    half, odd = width // 2, width % 2 == 1
    few = width <= FEW
    last = width - 1
    single = np.float32
    one = np.float32(1)

    @numba.njit(**COMPILED)
    def kernel(points, charges, weights, out, low, high):  # type: ignore[no-untyped-def]
        zero = weights.dtype.type(0)
        unit = weights.dtype.type(1)
        stop = 0
        while stop < weights.shape[0]:
            start = stop
            stop = min(start + TILE, weights.shape[0])
            first = weights[start]
            negative = first < zero
            for j in range(start, stop):
                if (weights[j] < zero) != negative:
                    stop = j
                    break
            w = weights[start:stop]
            even = True
            if few:
                for j in range(stop - start):
                    even &= w[j] == first
            y0 = charges[0, start:stop]
            y1 = charges[1, start:stop]
            y2 = charges[min(2, last), start:stop]
            y3 = charges[min(3, last), start:stop]
            y4 = charges[min(4, last), start:stop]
            y5 = charges[min(5, last), start:stop]
            y6 = charges[min(6, last), start:stop]
            y7 = charges[min(7, last), start:stop]
            y8 = charges[min(8, last), start:stop]
            for i in range(low, high):
                x0 = points[i, 0]
                x1 = points[i, 1]
                x2 = points[i, min(2, last)]
                x3 = points[i, min(3, last)]
                x4 = points[i, min(4, last)]
                x5 = points[i, min(5, last)]
                x6 = points[i, min(6, last)]
                x7 = points[i, min(7, last)]
                x8 = points[i, min(8, last)]
                e0 = e1 = e2 = e3 = e4 = e5 = e6 = e7 = e8 = length = zero
                for j in range(stop - start):
                    d0 = x0 - y0[j]
                    d1 = x1 - y1[j]
                    d2 = x2 - y2[j] if width > 2 else zero
                    d3 = x3 - y3[j] if width > 3 else zero
                    d4 = x4 - y4[j] if width > 4 else zero
                    d5 = x5 - y5[j] if width > 5 else zero
                    d6 = x6 - y6[j] if width > 6 else zero
                    d7 = x7 - y7[j] if width > 7 else zero
                    d8 = x8 - y8[j] if width > 8 else zero
                    square = d0 * d0 + d1 * d1 + d2 * d2
                    if width > 3:
                        square += d3 * d3 + d4 * d4 + d5 * d5
                    if width > 6:
                        square += d6 * d6 + d7 * d7 + d8 * d8
                    if newton:
                        inverse = np.float64(one / math.sqrt(single(square)))
                        for _ in range(newton):
                            inverse *= 1.5 - 0.5 * square * inverse * inverse
                    else:
                        inverse = unit / math.sqrt(square)
                    if newton:
                        inverse = inverse if square > zero else zero
                    # w r^-(p-1), the length of the term, and then w r^-p.
                    if few and even:
                        power = unit if odd else inverse
                    else:
                        power = w[j] if odd else w[j] * inverse
                    for _ in range(half if odd else half - 1):
                        power *= inverse * inverse
                    length += power
                    term = power * inverse
                    e0 += term * d0
                    e1 += term * d1
                    if width > 2:
                        e2 += term * d2
                    if width > 3:
                        e3 += term * d3
                    if width > 4:
                        e4 += term * d4
                    if width > 5:
                        e5 += term * d5
                    if width > 6:
                        e6 += term * d6
                    if width > 7:
                        e7 += term * d7
                    if width > 8:
                        e8 += term * d8
                sums = (e0, e1, e2, e3, e4, e5, e6, e7, e8)
                factor = first if few and even else unit
                for k in range(width):
                    out[i, k] += factor * sums[k]
                out[i, width] += abs(factor * length)

    return kernel


@functools.cache
def tiled() -> Callable[..., None]:
    """Loop over pairs in any number of coordinates, tile by tile in the nearer caches.

    Called with points (M, p), charges (p, N), weights (N,), rows low to high, and out
    (M, p+4) float64 that starts as zeros with infinity in column p. Adds the vector; column p is
    the smallest squared distance b of the row, p+1 the sum of |w| (b / r^2)^(p/2), p+2 the same
    with another r^2 / b, p+3 the number of pairs without distance. Everything is relative to
    b^(-p/2), so that no power leaves the range however large p is.

    Two rows share each reading of the charges, which come from the second-level cache; both
    undergo the same operations, so that a row's bits do not depend on its neighbour.
    """

    @numba.njit(**COMPILED)
    def kernel(points, charges, weights, out, low, high):  # type: ignore[no-untyped-def]
        width, count = charges.shape
        zero = weights.dtype.type(0)
        by_four, by_three = width // 4 * 4, width // 3 * 3
        tile = min(1024, max(32, _TILE_BYTES // (width * weights.itemsize) // 32 * 32))
        squares_a = np.empty(tile, weights.dtype)
        squares_b = np.empty(tile, weights.dtype)
        terms_a = np.empty(tile, weights.dtype)
        terms_b = np.empty(tile, weights.dtype)
        for start in range(0, count, tile):
            stop = min(start + tile, count)
            size = stop - start
            w = weights[start:stop]
            for a in range(low, high, 2):
                # The last row of an odd number is its own neighbour, and added once.
                b = min(a + 1, high - 1)
                squares_a[:size] = zero
                squares_b[:size] = zero
                for k in range(0, by_four, 4):
                    a0, a1 = points[a, k], points[a, k + 1]
                    a2, a3 = points[a, k + 2], points[a, k + 3]
                    b0, b1 = points[b, k], points[b, k + 1]
                    b2, b3 = points[b, k + 2], points[b, k + 3]
                    y0, y1 = charges[k, start:stop], charges[k + 1, start:stop]
                    y2, y3 = charges[k + 2, start:stop], charges[k + 3, start:stop]
                    for j in range(size):
                        d0, d1, d2, d3 = a0 - y0[j], a1 - y1[j], a2 - y2[j], a3 - y3[j]
                        squares_a[j] += d0 * d0 + d1 * d1 + d2 * d2 + d3 * d3
                        d0, d1, d2, d3 = b0 - y0[j], b1 - y1[j], b2 - y2[j], b3 - y3[j]
                        squares_b[j] += d0 * d0 + d1 * d1 + d2 * d2 + d3 * d3
                for k in range(by_four, width):
                    a0, b0 = points[a, k], points[b, k]
                    y0 = charges[k, start:stop]
                    for j in range(size):
                        d0, d1 = a0 - y0[j], b0 - y0[j]
                        squares_a[j] += d0 * d0
                        squares_b[j] += d1 * d1
                _weigh(squares_a[:size], w, terms_a, out[a])
                if b > a:
                    _weigh(squares_b[:size], w, terms_b, out[b])
                else:
                    terms_b[:size] = zero
                for k in range(0, by_three, 3):
                    a0, a1, a2 = points[a, k], points[a, k + 1], points[a, k + 2]
                    b0, b1, b2 = points[b, k], points[b, k + 1], points[b, k + 2]
                    y0, y1 = charges[k, start:stop], charges[k + 1, start:stop]
                    y2 = charges[k + 2, start:stop]
                    e0 = e1 = e2 = f0 = f1 = f2 = zero
                    for j in range(size):
                        e0 += terms_a[j] * (a0 - y0[j])
                        f0 += terms_b[j] * (b0 - y0[j])
                        e1 += terms_a[j] * (a1 - y1[j])
                        f1 += terms_b[j] * (b1 - y1[j])
                        e2 += terms_a[j] * (a2 - y2[j])
                        f2 += terms_b[j] * (b2 - y2[j])
                    out[a, k] += e0
                    out[a, k + 1] += e1
                    out[a, k + 2] += e2
                    out[b, k] += f0
                    out[b, k + 1] += f1
                    out[b, k + 2] += f2
                for k in range(by_three, width):
                    a0, b0 = points[a, k], points[b, k]
                    y0 = charges[k, start:stop]
                    e0 = f0 = zero
                    for j in range(size):
                        e0 += terms_a[j] * (a0 - y0[j])
                        f0 += terms_b[j] * (b0 - y0[j])
                    out[a, k] += e0
                    out[b, k] += f0

    return kernel


@numba.njit(**COMPILED)
def _weigh(squares, weights, terms, sums):  # type: ignore[no-untyped-def]
    """Fill terms with w (b / r^2)^(p/2) for one row of `tiled`, and bring its sums up to date.

    squares (n,) and weights (n,) are a tile's, sums (p+4,) the row of `out`, brought to the
    smallest square b so far if the tile has a smaller one. The power is formed by squaring, with
    ones for the factors that its binary digits leave out: a loop without branches, so of six
    digits; the others, from p = 128 on, come before it.
    """
    kind = weights.dtype.type
    zero, one = kind(0), kind(1)
    size, width = squares.shape[0], sums.shape[0] - 4
    least = _smallest(squares)
    if not least > zero:
        touching = 0
        least = kind(np.inf)
        for j in range(size):
            if squares[j] > zero:
                least = min(least, squares[j])
            else:
                touching += 1
        sums[width + 3] += touching
    if least == np.inf:
        # All of the tile touches the point, or is too far for its squares.
        terms[:size] = zero
        return
    if least < sums[width]:
        kept = (least / sums[width]) ** (0.5 * width)
        for k in range(width):
            sums[k] *= kept
        sums[width + 1] *= kept
        sums[width + 2] *= kept * (sums[width] / least) if kept > 0 else 0.0
        sums[width] = least
    best = kind(sums[width])
    over = one / best
    root = width % 2 == 1
    power = width // 2
    n0, n1, n2 = kind(power & 1), kind(power >> 1 & 1), kind(power >> 2 & 1)
    n3, n4, n5 = kind(power >> 3 & 1), kind(power >> 4 & 1), kind(power >> 5 & 1)
    m0, m1, m2, m3, m4, m5 = one - n0, one - n1, one - n2, one - n3, one - n4, one - n5
    factors = weights
    if power >> 6:
        for j in range(size):
            ratio = best / squares[j] if squares[j] > zero else zero
            terms[j] = weights[j] * ratio ** (power >> 6 << 6)
        factors = terms[:size]
    total = moment = zero
    for j in range(size):
        square = squares[j]
        ratio = best / square if square > zero else zero
        term = factors[j]
        if root:
            term *= math.sqrt(ratio)
        term *= n0 * ratio + m0
        ratio *= ratio
        term *= n1 * ratio + m1
        ratio *= ratio
        term *= n2 * ratio + m2
        ratio *= ratio
        term *= n3 * ratio + m3
        ratio *= ratio
        term *= n4 * ratio + m4
        ratio *= ratio
        term *= n5 * ratio + m5
        terms[j] = term
        total += abs(term)
        moment += abs(term) * (square * over)
    sums[width + 1] += total
    sums[width + 2] += moment


@numba.njit(**COMPILED)
def _smallest(squares):  # type: ignore[no-untyped-def]
    """The least of some numbers that are not negative: their bits, as integers, have their order.

    A minimum of integers becomes vector instructions, one of floats does not.
    """
    found = np.empty(1, squares.dtype)
    if squares.itemsize == 4:
        short = squares.view(np.int32)
        least = short[0]
        for j in range(short.shape[0]):
            least = min(least, short[j])
        found.view(np.int32)[0] = least
    else:
        long = squares.view(np.int64)
        lowest = long[0]
        for j in range(long.shape[0]):
            lowest = min(lowest, long[j])
        found.view(np.int64)[0] = lowest
    return found[0]
