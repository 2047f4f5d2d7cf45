"""The accurate loop over pairs in few coordinates, eight pairs at a time, for AVX-512.

Of the loops in `kernels` the compiler makes vectors by itself, but there is no way to ask it for
the rough inverse roots of eight float64 that such a processor gives in one instruction. From these,
few operations lead to full precision, and so the vectors are written out here. Import this only to
use numba.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic

from . import vectors
from .kernels import COMPILED, FEW, TILE

_TOGETHER = 5
"""Coordinates up to which a vector of terms is added as soon as it is there. With more, the sums
would wait for it so long that the processor runs out of places to hold what waits: then all terms
of a tile come first, and the differences are formed again for the sums."""
_SHORT = 512
"""Charges of a tile that is run through twice: of nine coordinates, they fit the nearest cache."""
_Load = Callable[[Any, Any], Any]
"""Eight float64 from a place, and what to take where there is no charge any more."""


@functools.cache
def unrolled(width: int) -> Callable[..., None]:
    """What `kernels.unrolled` with `newton` 1 does, where vectors are usable.

    It is called alike. The error of a term is 2e-14 at most, as `_term` says, and that of the sum
    of lengths 5e-4.
    """
    few = width <= FEW
    tile = TILE if width <= _TOGETHER else _SHORT

    @numba.njit(**COMPILED)
    def kernel(points, charges, weights, out, low, high):  # type: ignore[no-untyped-def]
        stop = 0
        while stop < weights.shape[0]:
            start = stop
            stop = min(start + tile, weights.shape[0])
            first = weights[start]
            negative = first < 0
            for j in range(start, stop):
                if (weights[j] < 0) != negative:
                    stop = j
                    break
            w = weights[start:stop]
            even = few
            if few:
                for j in range(stop - start):
                    even &= w[j] == first
            if few and even:
                for i in range(low, high):
                    _add(width, False, points, charges, weights, out, i, start, stop)  # type: ignore[call-arg]
            else:
                for i in range(low, high):
                    _add(width, True, points, charges, weights, out, i, start, stop)  # type: ignore[call-arg]

    return kernel


@intrinsic(prefer_literal=True)
def _add(  # type: ignore[no-untyped-def]
    _context, width, weighted, points, charges, weights, out, i, start, stop
):
    """Add to row i of `out` what the charges from start to stop, of one sign, give at point i.

    Not `weighted`, their weights are all that of the first. This is one function for all widths,
    as the key of numba's cache on disk holds what a compiled function is made of, and a function
    made here would be another one in every process.
    """
    if any(array.layout != "C" for array in (points, charges, weights, out)):
        raise TypingError("expected contiguous arrays")
    given = types.void(width, weighted, points, charges, weights, out, i, start, stop)
    return given, functools.partial(_code, width.literal_value, weighted.literal_value)


def _code(  # type: ignore[no-untyped-def]
    width: int, weighted: bool, context, builder, signature, given
):
    """Write `_add`. Arrays are contiguous, so that element [i, k] of p columns is i p + k."""
    points, charges, weights, out = (
        context.make_array(kind)(context, builder, value)
        for kind, value in zip(signature.args[2:6], given[2:6], strict=True)
    )
    i, start, stop = given[6:]
    count = cgutils.unpack_tuple(builder, charges.shape)[1]

    def place(array: Any, row: Any, columns: Any, column: Any) -> Any:
        return builder.gep(array.data, [builder.add(builder.mul(row, columns), column)])

    index = vectors.index
    x = [
        vectors.spread(builder, builder.load(place(points, i, index(width), index(k))))
        for k in range(width)
    ]
    *sums, lengths = (vectors.variable(builder) for _ in range(width + 1))
    terms = None if width <= _TOGETHER else vectors.buffer(builder, _SHORT)

    def steps(j: Any, load: _Load) -> list[Any]:
        return [
            builder.fsub(at, load(place(charges, index(k), count, j), at)) for k, at in enumerate(x)
        ]

    def weigh(j: Any, load: _Load) -> None:
        w = load(builder.gep(weights.data, [j]), vectors.constant(0.0)) if weighted else None
        apart = steps(j, load)
        term, length = _term(builder, apart, w)
        builder.store(builder.fadd(length, builder.load(lengths)), lengths)
        if terms is None:
            add(term, apart)
        else:
            vectors.store(builder, term, builder.gep(terms, [builder.sub(j, start)]))

    def collect(j: Any, load: _Load) -> None:
        add(vectors.load(builder, builder.gep(terms, [builder.sub(j, start)])), steps(j, load))

    def add(term: Any, apart: list[Any]) -> None:
        for kept, step in zip(sums, apart, strict=True):
            builder.store(vectors.fma(builder, term, step, builder.load(kept)), kept)

    rest = builder.srem(builder.sub(stop, start), index(vectors.WIDE))
    full = builder.sub(stop, rest)
    by = index(vectors.WIDE)
    for run in (weigh,) if terms is None else (weigh, collect):
        with cgutils.for_range_slice(builder, start, full, by, vectors.INDEX) as (j, _):
            run(j, lambda place, _: vectors.load(builder, place))
        with builder.if_then(builder.icmp_signed(">", rest, index(0))):
            # Behind the last charge this sees some on the point itself, which give nothing.
            run(full, lambda place, at: vectors.load_some(builder, place, rest, at))

    weight = vectors.ONE if weighted else builder.load(builder.gep(weights.data, [start]))
    for k, kept in enumerate((*sums, lengths)):
        value = builder.fmul(weight, vectors.total(builder, builder.load(kept)))
        if k == width:
            value = vectors.call(builder, "llvm.fabs.f64", ir.DoubleType(), [value])
        at = place(out, i, index(width + 1), index(k))
        builder.store(builder.fadd(builder.load(at), value), at)
    return context.get_dummy_value()


def _term(builder: Any, steps: Sequence[Any], weight: Any | None) -> tuple[Any, Any]:
    """w r^-p and roughly w r^-(p-1) of eight pairs, from their p differences.

    With g a rough 1 / r and e = 1 - r^2 g^2, which is 1.3e-4 at most, r^-p = g^p (1 - e)^(-p/2).
    Of its series in e this takes four terms; the fifth is 7e-16 at p = 3 and 1.4e-14 at p = 9.
    Both are 0 for a pair without distance.
    """
    width = len(steps)
    fma, constant = functools.partial(vectors.fma, builder), vectors.constant
    # By threes, as each sum waits for the one before.
    squares = []
    for k in range(0, width, 3):
        square = builder.fmul(steps[k], steps[k])
        for step in steps[k + 1 : k + 3]:
            square = fma(step, step, square)
        squares.append(square)
    square = functools.reduce(builder.fadd, squares)
    root = vectors.rough_root(builder, square)
    inverse = builder.fmul(root, root)
    e = fma(square, builder.fneg(inverse), constant(1.0))
    factors = _powers(builder, inverse, (width - 1) // 2)
    factors += [root] * (width % 2 == 0) + [weight] * (weight is not None)
    length = functools.reduce(builder.fmul, factors)
    term = builder.fmul(length, root)
    first = width / 2
    second = first * (width + 2) / 4
    third = second * (width + 4) / 6
    series = fma(e, fma(e, constant(third), constant(second)), constant(first))
    term = fma(builder.fmul(term, e), series, term)
    apart = builder.fcmp_ordered(">", square, constant(0.0))
    return tuple(builder.select(apart, value, constant(0.0)) for value in (term, length))


def _powers(builder: Any, base: Any, exponent: int) -> list[Any]:
    """Powers of the base, by squaring, whose product is base^exponent; none for exponent 0."""
    factors = []
    while exponent:
        if exponent & 1:
            factors.append(base)
        exponent >>= 1
        if exponent:
            base = builder.fmul(base, base)
    return factors
