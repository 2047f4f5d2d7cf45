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
_COMPILED: dict[str, Any] = {
    "nogil": True,
    "cache": True,
    "error_model": "numpy",
    "fastmath": {"nsz", "arcp", "contract", "reassoc", "afn"},
}
_TILE = 2048
_TILE_BYTES = 262144


@functools.cache
def unrolled(width: int, newton: int) -> Callable[..., None]:
    """Loop over pairs in `width` coordinates, known to the compiler.

    Called with points (M, p), charges (p, N), weights (N,), rows low to high, and
    out (M, p+1) float64, to which it adds the vector and the sum of lengths of the terms. With
    `newton` 0 the inputs are float32, and a pair without distance gives NaN; with 1 or 2 they
    are float64, and the inverse distance starts from a float32 root and gets so many steps of
    Newton's rule (errors 3e-14 and 3e-16), cheaper than a root and a division in float64,
    and a pair without distance gives nothing. Terms may overflow. A tile ends where the sign of
    the weights changes, so that lengths need no absolute value each: charges come sorted by sign.
    """
    half, odd = width // 2, width % 2 == 1
    last = width - 1
    single = np.float32
    one = np.float32(1)

    @numba.njit(**_COMPILED)
    def kernel(points, charges, weights, out, low, high):  # type: ignore[no-untyped-def]
        zero = weights.dtype.type(0)
        unit = weights.dtype.type(1)
        stop = 0
        while stop < weights.shape[0]:
            start = stop
            stop = min(start + _TILE, weights.shape[0])
            negative = weights[start] < zero
            for j in range(start, stop):
                if (weights[j] < zero) != negative:
                    stop = j
                    break
            w = weights[start:stop]
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
                for k in range(width):
                    out[i, k] += sums[k]
                out[i, width] += -length if negative else length

    return kernel


@functools.cache
def tiled() -> Callable[..., None]:
    """Loop over pairs in any number of coordinates, tile by tile in the first-level cache.

    Called with points (M, p), charges (p, N), weights (N,), rows low to high, and out
    (M, p+4) float64 that starts as zeros with infinity in column p. Adds the vector; column p is
    the smallest squared distance b of the row, p+1 the sum of |w| (b / r^2)^(p/2), p+2 the same
    with another r^2 / b, p+3 the number of pairs without distance. Everything is relative to
    b^(-p/2), so that no power leaves the range however large p is.
    """

    @numba.njit(**_COMPILED)
    def kernel(points, charges, weights, out, low, high):  # type: ignore[no-untyped-def]
        width, count = charges.shape
        kind = weights.dtype.type
        zero, one = kind(0), kind(1)
        by_four = width // 4 * 4
        tile = min(1024, max(32, _TILE_BYTES // (width * weights.itemsize) // 32 * 32))
        squares = np.empty(tile, weights.dtype)
        ratios = np.empty(tile, weights.dtype)
        terms = np.empty(tile, weights.dtype)
        for start in range(0, count, tile):
            stop = min(start + tile, count)
            size = stop - start
            w = weights[start:stop]
            for i in range(low, high):
                squares[:size] = zero
                for k in range(0, by_four, 4):
                    x0, x1 = points[i, k], points[i, k + 1]
                    x2, x3 = points[i, k + 2], points[i, k + 3]
                    y0, y1 = charges[k, start:stop], charges[k + 1, start:stop]
                    y2, y3 = charges[k + 2, start:stop], charges[k + 3, start:stop]
                    for j in range(size):
                        d0, d1, d2, d3 = x0 - y0[j], x1 - y1[j], x2 - y2[j], x3 - y3[j]
                        squares[j] += d0 * d0 + d1 * d1 + d2 * d2 + d3 * d3
                for k in range(by_four, width):
                    x0 = points[i, k]
                    y0 = charges[k, start:stop]
                    for j in range(size):
                        d0 = x0 - y0[j]
                        squares[j] += d0 * d0
                touching = zero
                for j in range(size):
                    touching += one if squares[j] == zero else zero
                    ratios[j] = one / squares[j] if squares[j] > zero else zero
                # The largest inverse by halving: a running maximum would not become vectors.
                half = size
                terms[:size] = ratios[:size]
                while half > 1:
                    odd = half % 2
                    half = half // 2
                    for j in range(half):
                        a, b = terms[j], terms[half + j]
                        terms[j] = a if a > b else b
                    if odd and terms[2 * half] > terms[0]:
                        terms[0] = terms[2 * half]
                out[i, width + 3] += touching
                if not terms[0] > zero:
                    continue
                least = one / terms[0]
                if least < out[i, width]:
                    kept = (least / out[i, width]) ** (0.5 * width)
                    for k in range(width):
                        out[i, k] *= kept
                    out[i, width + 1] *= kept
                    out[i, width + 2] *= kept * (out[i, width] / least) if kept > 0 else 0.0
                    out[i, width] = least
                best = kind(out[i, width])
                odd_root = width % 2 == 1
                for j in range(size):
                    ratios[j] *= best
                    terms[j] = w[j] * math.sqrt(ratios[j]) if odd_root else w[j]
                power = width // 2
                while power:
                    if power % 2:
                        for j in range(size):
                            terms[j] *= ratios[j]
                    power //= 2
                    if power:
                        for j in range(size):
                            ratios[j] *= ratios[j]
                total = moment = zero
                over = one / best
                for j in range(size):
                    total += abs(terms[j])
                    moment += abs(terms[j]) * (squares[j] * over)
                out[i, width + 1] += total
                out[i, width + 2] += moment
                for k in range(0, by_four, 4):
                    x0, x1 = points[i, k], points[i, k + 1]
                    x2, x3 = points[i, k + 2], points[i, k + 3]
                    y0, y1 = charges[k, start:stop], charges[k + 1, start:stop]
                    y2, y3 = charges[k + 2, start:stop], charges[k + 3, start:stop]
                    e0 = e1 = e2 = e3 = zero
                    for j in range(size):
                        e0 += terms[j] * (x0 - y0[j])
                        e1 += terms[j] * (x1 - y1[j])
                        e2 += terms[j] * (x2 - y2[j])
                        e3 += terms[j] * (x3 - y3[j])
                    out[i, k] += e0
                    out[i, k + 1] += e1
                    out[i, k + 2] += e2
                    out[i, k + 3] += e3
                for k in range(by_four, width):
                    x0 = points[i, k]
                    y0 = charges[k, start:stop]
                    e0 = zero
                    for j in range(size):
                        e0 += terms[j] * (x0 - y0[j])
                    out[i, k] += e0

    return kernel
