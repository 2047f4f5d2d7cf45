"""What comes before and after a compiled loop on the CPU, each in one pass over its arrays.

In torch these are dozens of small operations, which for a field of few points take longer than the
loop itself. Import this only to use numba.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba import types

from .kernels import COMPILED

# What is not finite is looked for here.
_EXACT: dict[str, Any] = {**COMPILED, "fastmath": False}

# Arrays of any strides: left to itself, numba compiles a pass once for the sums of several points
# and once for those of one, which have other strides.
_LINES = types.Array(types.float64, 1, "A")
_ROWS = types.Array(types.float64, 2, "A")

_SMALL = 1e-140
"""Numbers whose squares are in the range without loss of bits."""


@numba.njit(**_EXACT)
def extremes(first, second, third, fourth, found):  # type: ignore[no-untyped-def]
    """Put the largest of the bits of each of four arrays (n,), without their sign, in found (5,),
    and last the smallest of the fourth.

    Floats, read so as integers, have their own order, with infinity and then NaN last. Of integers
    the compiler makes vector instructions, and among floats NaN would be lost.
    """
    mask = found.dtype.type(0x7FFFFFFFFFFFFFFF >> (64 - 8 * found.itemsize))
    for k, bits in enumerate((first, second, third, fourth)):
        most = 0 * mask
        for j in range(bits.shape[0]):
            most = max(most, bits[j] & mask)
        found[k] = most
    least = mask
    for j in range(fourth.shape[0]):
        least = min(least, fourth[j] & mask)
    found[4] = least


@numba.njit(**_EXACT)
def changes_of_sign(weights):  # type: ignore[no-untyped-def]
    """How often weights (N,) change between negative and not."""
    count = 0
    for j in range(1, weights.shape[0]):
        count += (weights[j] < 0) != (weights[j - 1] < 0)
    return count


@functools.cache
def doubtful() -> Callable[..., Any]:
    """`_doubtful`, compiled when it is first asked for."""
    return numba.njit((_ROWS, _LINES, types.float64), **_EXACT)(_doubtful)


def _doubtful(vector, magnitude, worst):  # type: ignore[no-untyped-def]
    """The rows (K,) whose condition number, magnitude (M,) over the length of vector (M, p), is
    not below `worst`, or no number that one can have. It is 1 at least; less is a vector that left
    the range, which its lengths did not."""
    rows = np.empty(vector.shape[0], np.int64)
    count = 0
    for i in range(vector.shape[0]):
        square = 0.0
        for k in range(vector.shape[1]):
            square += vector[i, k] * vector[i, k]
        condition = magnitude[i] / math.sqrt(square)
        if not 0.5 < condition < worst:
            rows[count] = i
            count += 1
    return rows[:count]


@functools.cache
def normalise(kind: type[np.floating[Any]]) -> Callable[..., None]:
    """`_normalise` for results in float32 or float64."""
    scalar = numba.from_dtype(np.dtype(kind))
    results = types.Array(scalar, 2, "C"), types.Array(scalar, 1, "C")
    signature = (_ROWS, _LINES, types.float64, *results)
    return numba.njit(signature, **_EXACT)(_normalise)


def _normalise(vector, log_scale, log_unit, direction, log_magnitude):  # type: ignore[no-untyped-def]
    """Fill direction (M, p) with the directions of vector (M, p), and log_magnitude (M,) with the
    logs of their lengths, log_scale (M,) and log_unit added. Zero and -inf where nothing is.

    Where squares would leave the range, parts are divided by the largest of them first.
    """
    for i in range(vector.shape[0]):
        largest = 0.0
        for k in range(vector.shape[1]):
            largest = max(largest, abs(vector[i, k]))
        if largest == 0:
            for k in range(vector.shape[1]):
                direction[i, k] = 0
            log_magnitude[i] = -np.inf
            continue
        unit = 1.0 if _SMALL < largest < 1 / _SMALL else largest
        square = 0.0
        for k in range(vector.shape[1]):
            part = vector[i, k] / unit
            square += part * part
        norm = math.sqrt(square)
        for k in range(vector.shape[1]):
            direction[i, k] = vector[i, k] / unit / norm
        log_magnitude[i] = math.log(norm) + math.log(unit) + log_scale[i] + log_unit
