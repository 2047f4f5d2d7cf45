"""Sums over pairs whose squared distances are products in float64; import this only to use Triton.

`moved` lays the coordinates out. In middle dimensions `tiled` does all else for a tile of rows of
points and one share of the charges; in high ones `weighed` is what comes between two products of
matrices of a library. `gathered` adds shares up, in one order, so that the same call gives the same
bits.
"""

# mypy: disallow-untyped-defs=False

import triton
import triton.language as tl

from .gpu_kernels import _inverse, _power, _root_power


@triton.jit(do_not_specialize=["count"], do_not_specialize_on_alignment=["rows"])
def moved(
    rows,
    middle,
    flat,
    levels,
    lengths,
    squares,
    count,
    WIDTH: tl.constexpr,
    STRIDE: tl.constexpr,
    BLOCK: tl.constexpr,
    ROWS: tl.constexpr,
):
    """Rows (n, p) from the middle (p,), in float64, BLOCK coordinates at a time.

    flat (n, STRIDE) takes the first p-1 coordinates with zeros behind, levels (n,) the last one,
    lengths (n,) the squared length of the first and squares (n,) that of all.
    """
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    here = row < count
    row = row.to(tl.int64)
    start = rows + row * WIDTH
    out = flat + row * STRIDE
    length = tl.zeros([ROWS], tl.float64)
    for low in range(0, STRIDE, BLOCK):
        across = low + tl.arange(0, BLOCK)
        inside = here[:, None] & (across < WIDTH - 1)[None, :]
        value = tl.load(start[:, None] + across[None, :], mask=inside, other=0.0).to(tl.float64)
        value -= tl.load(middle + across, mask=across < WIDTH - 1, other=0.0)[None, :]
        value = tl.where(inside, value, 0.0)
        length += tl.sum(value * value, 1)
        kept = here[:, None] & (across < STRIDE)[None, :]
        tl.store(out[:, None] + across[None, :], value, mask=kept)
    level = tl.load(start + WIDTH - 1, mask=here, other=0.0).to(tl.float64)
    level -= tl.load(middle + WIDTH - 1)
    tl.store(levels + row, level, mask=here)
    tl.store(lengths + row, length, mask=here)
    tl.store(squares + row, length + level * level, mask=here)


@triton.jit(
    do_not_specialize=["count", "number", "share"], do_not_specialize_on_alignment=["weights"]
)
def tiled(
    flat,
    levels,
    lengths,
    charges,
    heights,
    squares,
    weights,
    sums,
    scalars,
    count,
    number,
    share,
    WIDTH: tl.constexpr,
    PADDED: tl.constexpr,
    LONG: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
):
    """Pairs in WIDTH coordinates, weighed against the nearest charge met so far.

    What `moved` says of the points, flat (M, PADDED), levels (M,), lengths (M,), and of the
    charges, charges (N, PADDED), heights (N,), squares (N,) (of the first p-1 coordinates); weights
    (N,). With terms t = w (b / r)^p, where b is the distance of the nearest charge of the share,
    sums (shares, M, PADDED) takes sum t y over the first p-1 coordinates and scalars (shares, 4, M)
    b^2, sum t, sum |t|, and sum t (x - y) of the last coordinate. b^2 is anything, even negative,
    where the product has cancelled. LONG says that places in these arrays take 64 bits.
    """
    rows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    here = rows < count
    part = tl.program_id(1)
    begin = part * share
    end = tl.minimum(begin + share, number)
    across = tl.arange(0, PADDED)
    row = tl.minimum(rows, count - 1)
    if LONG:
        row = row.to(tl.int64)
    x = tl.load(flat + row[:, None] * PADDED + across[None, :])
    z = tl.load(levels + row)
    x2 = tl.load(lengths + row)
    least = tl.full([ROWS], float("inf"), tl.float64)
    upper = tl.zeros([ROWS], tl.float64)
    total = tl.zeros([ROWS], tl.float64)
    weight = tl.zeros([ROWS], tl.float64)
    rise = tl.zeros([ROWS], tl.float64)
    vector = tl.zeros([ROWS, PADDED], tl.float64)
    for low in range(begin, end, COLUMNS):
        columns = low + tl.arange(0, COLUMNS)
        # What lies behind the end repeats the last charge, with no weight.
        near = tl.minimum(columns, end - 1)
        if LONG:
            near = near.to(tl.int64)
        w = tl.load(weights + near, mask=columns < end, other=0.0).to(tl.float64)
        y = tl.load(charges + near[None, :] * PADDED + across[:, None])
        last = z[:, None] - tl.load(heights + near)[None, :]
        square = x2[:, None] + tl.load(squares + near)[None, :]
        square += last * last - 2.0 * tl.dot(x, y, out_dtype=tl.float64)
        nearest = tl.minimum(least, tl.min(square, 1))
        root = _inverse(nearest, True)
        scale = nearest * root
        term = w[None, :] * _power(scale[:, None] * _inverse(square, True), WIDTH)
        kept = _power(scale * upper, WIDTH)
        upper = root
        least = nearest
        total = total * kept + tl.sum(term, 1)
        weight = weight * kept + tl.sum(tl.abs(term), 1)
        rise = rise * kept + tl.sum(term * last, 1)
        value = tl.load(charges + near[:, None] * PADDED + across[None, :])
        vector = vector * kept[:, None] + tl.dot(term, value, out_dtype=tl.float64)
    down = count
    if LONG:
        part, rows, down = part.to(tl.int64), rows.to(tl.int64), tl.cast(count, tl.int64)
    place = scalars + part * 4 * down + rows
    tl.store(place, least, mask=here)
    tl.store(place + down, total, mask=here)
    tl.store(place + 2 * down, weight, mask=here)
    tl.store(place + 3 * down, rise, mask=here)
    spot = sums + (part * down + rows)[:, None] * PADDED + across[None, :]
    tl.store(spot, vector, mask=here[:, None])


@triton.jit(do_not_specialize=["count", "number"], do_not_specialize_on_alignment=["weights"])
def weighed(
    products,
    levels,
    lengths,
    heights,
    squares,
    weights,
    scalars,
    factor,
    count,
    number,
    FIRST: tl.constexpr,
    WIDTH: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """The terms of a block of charges at one point, in place of the products x'.y' (M, N).

    Of the points levels and lengths (M,), of the charges heights, squares and weights (N,), as in
    `tiled`, as are the scalars (4, M), those of the blocks until now but for the FIRST; factor (M,)
    takes what the vector of those blocks is to be multiplied by.
    """
    row = tl.program_id(0)
    start = products + tl.cast(row, tl.int64) * number
    z = tl.load(levels + row)
    x2 = tl.load(lengths + row)
    block = tl.arange(0, BLOCK)
    lowest = tl.full([BLOCK], float("inf"), tl.float64)
    for low in range(0, number, BLOCK):
        column = low + block
        inside = column < number
        last = z - tl.load(heights + column, mask=inside, other=0.0)
        square = x2 + tl.load(squares + column, mask=inside, other=float("inf"))
        square += last * last - 2.0 * tl.load(start + column, mask=inside, other=0.0)
        lowest = tl.minimum(lowest, square)
    least = tl.min(lowest, 0)
    before = least
    if not FIRST:
        before = tl.load(scalars + row)
        least = tl.minimum(least, before)
    root = _inverse(least, True)
    scale = least * root
    total = tl.zeros([BLOCK], tl.float64)
    weight = tl.zeros([BLOCK], tl.float64)
    rise = tl.zeros([BLOCK], tl.float64)
    for low in range(0, number, BLOCK):
        column = low + block
        inside = column < number
        w = tl.load(weights + column, mask=inside, other=0.0).to(tl.float64)
        last = z - tl.load(heights + column, mask=inside, other=0.0)
        square = x2 + tl.load(squares + column, mask=inside, other=1.0)
        square += last * last - 2.0 * tl.load(start + column, mask=inside, other=0.0)
        term = w * _power(scale * _inverse(square, True), WIDTH)
        tl.store(start + column, term, mask=inside)
        total += term
        weight += tl.abs(term)
        rise += term * last
    kept = _power(scale * _inverse(before, True), WIDTH)
    all_of_it, all_weight, all_rise = tl.sum(total, 0), tl.sum(weight, 0), tl.sum(rise, 0)
    if not FIRST:
        all_of_it += kept * tl.load(scalars + count + row)
        all_weight += kept * tl.load(scalars + 2 * count + row)
        all_rise += kept * tl.load(scalars + 3 * count + row)
    tl.store(scalars + row, least)
    tl.store(scalars + count + row, all_of_it)
    tl.store(scalars + 2 * count + row, all_weight)
    tl.store(scalars + 3 * count + row, all_rise)
    tl.store(factor + row, kept)


@triton.jit(do_not_specialize=["count", "parts"])
def gathered(
    sums,
    scalars,
    flat,
    lengths,
    farthest,
    vector,
    magnitude,
    log_scale,
    count,
    parts,
    WIDTH: tl.constexpr,
    STRIDE: tl.constexpr,
    BLOCK: tl.constexpr,
    ROWS: tl.constexpr,
):
    """The shares' sums as a Partial: vector (M, p), magnitude (M,) and log_scale (M,).

    sums (shares, M, STRIDE) and scalars (shares, 4, M) as `tiled` leaves them; of the points flat
    (M, STRIDE) and their whole squared lengths (M,), and farthest (), that of the farthest charge.
    magnitude is what bounds the error: see `gpu_products`. A program has BLOCK coordinates.
    """
    rows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    here = rows < count
    across = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    known = (across < STRIDE)[None, :]
    down = tl.cast(count, tl.int64)
    row = tl.minimum(rows, count - 1).to(tl.int64)
    least = tl.full([ROWS], float("inf"), tl.float64)
    for part in range(parts):
        least = tl.minimum(least, tl.load(scalars + part * 4 * down + row))
    total = tl.zeros([ROWS], tl.float64)
    weight = tl.zeros([ROWS], tl.float64)
    rise = tl.zeros([ROWS], tl.float64)
    drawn = tl.zeros([ROWS, BLOCK], tl.float64)
    for part in range(parts):
        place = scalars + part * 4 * down + row
        kept = _root_power(least / tl.load(place), WIDTH)
        total += kept * tl.load(place + down)
        weight += kept * tl.load(place + 2 * down)
        rise += kept * tl.load(place + 3 * down)
        spot = sums + (part * down + row)[:, None] * STRIDE + across[None, :]
        drawn += kept[:, None] * tl.load(spot, mask=known, other=0.0)
    x = tl.load(flat + row[:, None] * STRIDE + across[None, :], mask=known, other=0.0)
    out = vector + row * WIDTH
    inside = here[:, None] & (across < WIDTH - 1)[None, :]
    tl.store(out[:, None] + across[None, :], x * total[:, None] - drawn, mask=inside)
    length = tl.load(lengths + row)
    reach = tl.load(farthest)
    bound = weight * (tl.sqrt(length) + tl.sqrt(reach)) * tl.sqrt((length + reach) / least)
    once = rows < tl.where(tl.program_id(1) == 0, count, 0)
    tl.store(out + WIDTH - 1, rise, mask=once)
    tl.store(magnitude + row, tl.where(least > 0, bound, float("nan")), mask=once)
    tl.store(log_scale + row, -0.5 * WIDTH * tl.log(least), mask=once)
