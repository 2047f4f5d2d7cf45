"""Vectors of eight float64 written out in LLVM's language, for a function that numba compiles.

Import this only to use numba, whose cache on disk goes by the file of a loop and not by this one:
after a change here, touch `eights.py`.
"""

from __future__ import annotations

import functools
from typing import Any

import numba
from llvmlite import ir
from numba.core import cgutils
from numba.core.registry import cpu_target

WIDE = 8
INDEX = ir.IntType(64)
ONE = ir.Constant(ir.DoubleType(), 1.0)
_INT = ir.IntType(32)
_VECTOR = ir.VectorType(ir.DoubleType(), WIDE)


@functools.cache
def usable() -> bool:
    """Whether numba compiles for a processor that has such vectors, and `rough_root`: AVX-512.

    numba offers no public way to ask.
    """
    try:
        features = cpu_target.target_context.codegen().magic_tuple()[2].split(",")
    except Exception:
        return False
    return "+avx512f" in features and not numba.config.DISABLE_JIT  # type: ignore[attr-defined]


def index(value: int) -> Any:
    return ir.Constant(INDEX, value)


def constant(value: float) -> Any:
    """The vector of eight times this value."""
    return ir.Constant(_VECTOR, [value] * WIDE)


def spread(builder: Any, value: Any) -> Any:
    """The vector of eight times a value, a float64 or an integer, that the code computes."""
    nothing = ir.Constant(ir.VectorType(value.type, WIDE), ir.Undefined)
    first = builder.insert_element(nothing, value, ir.Constant(_INT, 0))
    return builder.shuffle_vector(
        first, nothing, ir.Constant(ir.VectorType(_INT, WIDE), [0] * WIDE)
    )


def variable(builder: Any) -> Any:
    """Where a vector is kept, zero at first; the compiler makes a register of it."""
    return cgutils.alloca_once_value(builder, constant(0.0))


def buffer(builder: Any, size: int) -> Any:
    """Where so many float64, a multiple of eight, are kept between loops."""
    return cgutils.alloca_once(builder, ir.DoubleType(), size=size)


def store(builder: Any, vector: Any, place: Any) -> None:
    """Put eight float64 at `place` and behind it."""
    builder.store(vector, builder.bitcast(place, _VECTOR.as_pointer()), align=8)


def load(builder: Any, place: Any) -> Any:
    """The eight float64 that begin at `place`."""
    return builder.load(builder.bitcast(place, _VECTOR.as_pointer()), align=8)


def load_some(builder: Any, place: Any, count: Any, otherwise: Any) -> Any:
    """The first `count` of eight float64 at `place`, and those of another vector behind them."""
    lanes = ir.Constant(ir.VectorType(INDEX, WIDE), list(range(WIDE)))
    there = builder.icmp_signed("<", lanes, spread(builder, count))
    place = builder.bitcast(place, _VECTOR.as_pointer())
    given = [place, ir.Constant(_INT, 8), there, otherwise]
    return call(builder, "llvm.masked.load.v8f64.p0v8f64", _VECTOR, given)


def fma(builder: Any, first: Any, second: Any, third: Any) -> Any:
    """first * second + third, rounded once."""
    return call(builder, "llvm.fma.v8f64", _VECTOR, [first, second, third])


def rough_root(builder: Any, square: Any) -> Any:
    """1 / sqrt(square) with a relative error of 2^-14 at most."""
    everywhere = ir.Constant(ir.IntType(8), -1)
    given = [square, constant(0.0), everywhere]
    return call(builder, "llvm.x86.avx512.rsqrt14.pd.512", _VECTOR, given)


def total(builder: Any, vector: Any) -> Any:
    """The sum of the eight, by halves."""
    name, zero = "llvm.vector.reduce.fadd.v8f64", ir.Constant(ir.DoubleType(), 0.0)
    return call(builder, name, ir.DoubleType(), [zero, vector], fastmath=["reassoc"])


def call(builder: Any, name: str, result: Any, given: list[Any], **flags: Any) -> Any:
    """An operation of LLVM's own."""
    kind = ir.FunctionType(result, [value.type for value in given])
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    return builder.call(function, given, **flags)
