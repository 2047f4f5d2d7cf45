"""Loops over pairs for NVIDIA GPUs, compiled by Triton; import this only to use Triton.

A program takes a tile of rows of points and one share of the charges, and writes its sums as they
are: adding the shares is left to the caller, in one order, so that the same call gives the same
bits. Charges come transposed, (p, N), so that a tile's loads lie side by side. Counts are not
compiled in, so that a loop is compiled once, whatever they are.

`unrolled` is the loop of that name for the CPU. `tiled` takes exact differences for distances only:
its vector is a product of matrices around a centre, good to rounding times the distance from the
centre, which the caller has to weigh against the field.
"""

# mypy: disallow-untyped-defs=False

import triton
import triton.language as tl


@triton.jit
def _inverse(square, DOUBLE: tl.constexpr):
    """1 / sqrt(square); in float64 from a float32 root by a step of third order, or 0 where there
    is none."""
    if not DOUBLE:
        inverse = tl.rsqrt(square)
    else:
        rough = tl.rsqrt(square.to(tl.float32)).to(tl.float64)
        off = 1.0 - square * rough * rough
        inverse = rough + rough * off * (0.5 + 0.375 * off)
        inverse = tl.where(square > 0, inverse, 0.0)
    return inverse


@triton.jit
def _power(value, exponent: tl.constexpr):
    """value^exponent for a whole exponent from 1 to 65,535, by squaring."""
    result = value
    # From the highest bit down, as long as there is a bit above the one at hand.
    for place in tl.static_range(15, 0, -1):
        if (exponent >> place) > 0:
            result = result * result
            if (exponent >> (place - 1)) & 1:
                result = result * value
    return result


@triton.jit
def _root_power(value, exponent: tl.constexpr):
    """value^(exponent / 2): rounds half as much as powers of a root would."""
    result = _power(value, exponent // 2)
    if exponent % 2:
        result = result * tl.sqrt(value)
    return result


@triton.jit
def _squares(row, column, down, along, MANY: tl.constexpr):
    """Sum of the squares of MANY differences of coordinates, each further on by down and along."""
    step = tl.load(row)[:, None] - tl.load(column)[None, :]
    square = step * step
    for k in tl.static_range(1, MANY):
        step = tl.load(row + k * down)[:, None] - tl.load(column + k * along)[None, :]
        square += step * step
    return square


@triton.jit(
    do_not_specialize=["count", "number", "share"],
    do_not_specialize_on_alignment=["points", "weights"],
)
def unrolled(
    points,
    charges,
    weights,
    out,
    count,
    number,
    share,
    WIDTH: tl.constexpr,
    DOUBLE: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    FLUSH: tl.constexpr,
):
    """Pairs in WIDTH coordinates (2 to 9), each coordinate a value of its own.

    points (M, p), charges (p, N), weights (N,); out (shares, p+1, M) float64 takes the vector and
    the sum of the lengths of the terms. Sums in the inputs' dtype go no further than FLUSH
    charges, a multiple of COLUMNS as is `share`. A pair without distance gives NaN in float32 and
    nothing in float64. Terms may overflow.
    """
    rows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    here = rows < count
    begin = tl.program_id(1) * share
    end = tl.minimum(begin + share, number)
    row = points + tl.minimum(rows, count - 1).to(tl.int64) * WIDTH
    x0 = tl.load(row)[:, None]
    x1 = tl.load(row + 1)[:, None]
    x2 = tl.load(row + min(2, WIDTH - 1))[:, None]
    x3 = tl.load(row + min(3, WIDTH - 1))[:, None]
    x4 = tl.load(row + min(4, WIDTH - 1))[:, None]
    x5 = tl.load(row + min(5, WIDTH - 1))[:, None]
    x6 = tl.load(row + min(6, WIDTH - 1))[:, None]
    x7 = tl.load(row + min(7, WIDTH - 1))[:, None]
    x8 = tl.load(row + min(8, WIDTH - 1))[:, None]
    along = tl.cast(number, tl.int64)
    zero = tl.zeros([ROWS, COLUMNS], points.dtype.element_ty)
    nothing = tl.zeros([ROWS], tl.float64)
    sum0, sum1, sum2, sum3, sum4 = nothing, nothing, nothing, nothing, nothing
    sum5, sum6, sum7, sum8, lengths = nothing, nothing, nothing, nothing, nothing
    for start in range(begin, end, FLUSH):
        e0, e1, e2, e3, e4 = zero, zero, zero, zero, zero
        e5, e6, e7, e8, length = zero, zero, zero, zero, zero
        for low in range(start, tl.minimum(start + FLUSH, end), COLUMNS):
            columns = low + tl.arange(0, COLUMNS)
            w = tl.load(weights + columns, mask=columns < end, other=0.0)[None, :]
            column = charges + tl.minimum(columns, number - 1)
            d0 = x0 - tl.load(column)[None, :]
            d1 = x1 - tl.load(column + along)[None, :]
            square = d0 * d0 + d1 * d1
            if WIDTH > 2:
                d2 = x2 - tl.load(column + 2 * along)[None, :]
                square += d2 * d2
            if WIDTH > 3:
                d3 = x3 - tl.load(column + 3 * along)[None, :]
                square += d3 * d3
            if WIDTH > 4:
                d4 = x4 - tl.load(column + 4 * along)[None, :]
                square += d4 * d4
            if WIDTH > 5:
                d5 = x5 - tl.load(column + 5 * along)[None, :]
                square += d5 * d5
            if WIDTH > 6:
                d6 = x6 - tl.load(column + 6 * along)[None, :]
                square += d6 * d6
            if WIDTH > 7:
                d7 = x7 - tl.load(column + 7 * along)[None, :]
                square += d7 * d7
            if WIDTH > 8:
                d8 = x8 - tl.load(column + 8 * along)[None, :]
                square += d8 * d8
            inverse = _inverse(square, DOUBLE)
            # w r^-(p-1), the length of the term, and then w r^-p.
            power = w * _power(inverse, WIDTH - 1)
            length += tl.abs(power)
            term = power * inverse
            e0 += term * d0
            e1 += term * d1
            if WIDTH > 2:
                e2 += term * d2
            if WIDTH > 3:
                e3 += term * d3
            if WIDTH > 4:
                e4 += term * d4
            if WIDTH > 5:
                e5 += term * d5
            if WIDTH > 6:
                e6 += term * d6
            if WIDTH > 7:
                e7 += term * d7
            if WIDTH > 8:
                e8 += term * d8
        lengths += tl.sum(length.to(tl.float64), 1)
        sum0 += tl.sum(e0.to(tl.float64), 1)
        sum1 += tl.sum(e1.to(tl.float64), 1)
        if WIDTH > 2:
            sum2 += tl.sum(e2.to(tl.float64), 1)
        if WIDTH > 3:
            sum3 += tl.sum(e3.to(tl.float64), 1)
        if WIDTH > 4:
            sum4 += tl.sum(e4.to(tl.float64), 1)
        if WIDTH > 5:
            sum5 += tl.sum(e5.to(tl.float64), 1)
        if WIDTH > 6:
            sum6 += tl.sum(e6.to(tl.float64), 1)
        if WIDTH > 7:
            sum7 += tl.sum(e7.to(tl.float64), 1)
        if WIDTH > 8:
            sum8 += tl.sum(e8.to(tl.float64), 1)
    down = tl.cast(count, tl.int64)
    place = out + tl.program_id(1) * (WIDTH + 1) * down + rows
    tl.store(place, sum0, mask=here)
    tl.store(place + down, sum1, mask=here)
    if WIDTH > 2:
        tl.store(place + 2 * down, sum2, mask=here)
    if WIDTH > 3:
        tl.store(place + 3 * down, sum3, mask=here)
    if WIDTH > 4:
        tl.store(place + 4 * down, sum4, mask=here)
    if WIDTH > 5:
        tl.store(place + 5 * down, sum5, mask=here)
    if WIDTH > 6:
        tl.store(place + 6 * down, sum6, mask=here)
    if WIDTH > 7:
        tl.store(place + 7 * down, sum7, mask=here)
    if WIDTH > 8:
        tl.store(place + 8 * down, sum8, mask=here)
    tl.store(place + WIDTH * down, lengths, mask=here)


@triton.jit(do_not_specialize=["count", "number", "first", "stop", "share"])
def tiled(
    points,
    charges,
    flat,
    weights,
    sums,
    scalars,
    count,
    number,
    first,
    stop,
    share,
    WIDTH: tl.constexpr,
    PADDED: tl.constexpr,
    DOUBLE: tl.constexpr,
    LONG: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
):
    """Pairs in WIDTH coordinates, weighed against the nearest charge met so far.

    points (p, M), charges (p, N), flat (N, PADDED) the charges' first p-1 coordinates around a
    centre with zeros behind, weights (N,); charges first to stop count. With terms
    t = w (b / r)^p, where b is the distance of the nearest charge of the share, sums
    (shares, M, PADDED) takes sum t y over the flat coordinates and scalars (shares, 3, M) 1 / b^2,
    sum t, and sum t (x - y) of the last coordinate. A pair without distance gives NaN in float32
    and nothing in float64. LONG says that places in these arrays take 64 bits.
    """
    rows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    here = rows < count
    begin = first + tl.program_id(1) * share
    end = tl.minimum(begin + share, stop)
    row = points + tl.minimum(rows, count - 1)
    kind = points.dtype.element_ty
    best = tl.zeros([ROWS], kind)
    total = tl.zeros([ROWS], kind)
    rise = tl.zeros([ROWS], kind)
    vector = tl.zeros([ROWS, PADDED], kind)
    across = tl.arange(0, PADDED)
    down, along = count, number
    if LONG:
        # Not always: these take a fourth more registers.
        down, along = tl.cast(count, tl.int64), tl.cast(number, tl.int64)
    for low in range(begin, end, COLUMNS):
        columns = low + tl.arange(0, COLUMNS)
        near = tl.minimum(columns, end - 1)
        w = tl.load(weights + columns, mask=columns < end, other=0.0)
        square = tl.zeros([ROWS, COLUMNS], kind)
        # Four at a time, for fewer roundings of the sum.
        for k in range(0, (WIDTH - 1) // 4 * 4, 4):
            square += _squares(row + k * down, charges + k * along + near, down, along, 4)
        if (WIDTH - 1) % 4 > 0:
            k = (WIDTH - 1) // 4 * 4
            rest: tl.constexpr = (WIDTH - 1) % 4
            square += _squares(row + k * down, charges + k * along + near, down, along, rest)
        last = (
            tl.load(row + (WIDTH - 1) * down)[:, None]
            - tl.load(charges + (WIDTH - 1) * along + near)[None, :]
        )
        square += last * last
        if not DOUBLE:
            inverse = 1.0 / square
        else:
            root = _inverse(square, DOUBLE)
            inverse = root * root
        # What lies behind the end repeats the last charge, with no weight.
        nearest = tl.maximum(best, tl.max(inverse, 1))
        some = tl.where(nearest > 0, nearest, 1.0)
        term = w[None, :] * _root_power(inverse * (1.0 / some)[:, None], WIDTH)
        kept = _root_power(best / some, WIDTH)
        total = total * kept + tl.sum(term, 1)
        rise = rise * kept + tl.sum(term * last, 1)
        y = tl.load(flat + near.to(tl.int64)[:, None] * PADDED + across[None, :])
        # Into sums of its own: the matrix units round their running sums towards zero.
        if not DOUBLE:
            fresh = tl.dot(term, y, input_precision="tf32x3")
        else:
            fresh = tl.dot(term, y, out_dtype=tl.float64)
        vector = vector * kept[:, None] + fresh
        best = nearest
    part = tl.program_id(1)
    place = scalars + part * 3 * down + rows
    tl.store(place, best, mask=here)
    tl.store(place + down, total, mask=here)
    tl.store(place + 2 * down, rise, mask=here)
    spot = sums + (part * down + rows)[:, None] * PADDED + across[None, :]
    tl.store(spot, vector, mask=here[:, None])
