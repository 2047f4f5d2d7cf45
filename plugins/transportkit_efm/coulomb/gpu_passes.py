"""What comes before and after a loop on a CUDA device, as kernels; import this only to use Triton.

In torch these are some forty operations, whose starts take longer than the loop itself for a field
of a few thousand points. They are those of `passes` for the CPU.
"""

# mypy: disallow-untyped-defs=False

import triton
import triton.language as tl


@triton.jit
def _size(value):
    """|value|, or infinity for NaN, which maxima would drop."""
    size = tl.abs(value)
    return tl.where(size < float("inf"), size, float("inf"))


@triton.jit(
    do_not_specialize=["many", "some", "number", "WIDTH"],
    do_not_specialize_on_alignment=["points", "charges", "weights"],
)
def extremes(points, charges, weights, found, many, some, number, WIDTH, BLOCK: tl.constexpr):
    """The largest |value| of points (many values), of charges (some), of charges' differences from
    the first one in each of WIDTH coordinates, of weights (number,), and the largest -|weight|.

    found (5, programs) takes them by programs, each of which looks at blocks here and there.
    """
    part, parts = tl.program_id(0), tl.num_programs(0)
    first, stride = tl.cast(part * BLOCK, tl.int64), parts * BLOCK
    place = tl.arange(0, BLOCK)
    kind = points.dtype.element_ty
    nothing = tl.zeros([BLOCK], kind)
    farthest, outermost, extent, heaviest = nothing, nothing, nothing, nothing
    lightest = nothing + float("inf")
    for low in range(first, tl.cast(many, tl.int64), stride):
        at = low + place
        farthest = tl.maximum(farthest, _size(tl.load(points + at, mask=at < many, other=0.0)))
    for low in range(first, tl.cast(some, tl.int64), stride):
        at = low + place
        value = tl.load(charges + at, mask=at < some, other=0.0)
        outermost = tl.maximum(outermost, _size(value))
        step = value - tl.load(charges + at % WIDTH)
        extent = tl.maximum(extent, tl.where(at < some, _size(step), 0.0))
    for low in range(first, tl.cast(number, tl.int64), stride):
        at = low + place
        size = _size(tl.load(weights + at, mask=at < number, other=0.0))
        heaviest = tl.maximum(heaviest, size)
        lightest = tl.where(at < number, tl.minimum(lightest, size), lightest)
    tl.store(found + part, tl.max(farthest, 0))
    tl.store(found + parts + part, tl.max(outermost, 0))
    tl.store(found + 2 * parts + part, tl.max(extent, 0))
    tl.store(found + 3 * parts + part, tl.max(heaviest, 0))
    tl.store(found + 4 * parts + part, -tl.min(lightest, 0))


@triton.jit(
    do_not_specialize=["count", "down", "along"], do_not_specialize_on_alignment=["magnitude"]
)
def doubtful(
    vector,
    magnitude,
    flags,
    count,
    down,
    along,
    worst,
    WIDTH: tl.constexpr,
    PADDED: tl.constexpr,
    ROWS: tl.constexpr,
):
    """Flag the rows whose condition number is not below `worst`, or no number that one can have.

    vector (M, p) of float64, `down` and `along` apart; magnitude (M,); flags (M + 1,) of int32,
    zeros in front, whose last one counts the others.
    """
    rows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    across = tl.arange(0, PADDED)
    here = rows < count
    spot = vector + rows.to(tl.int64)[:, None] * down + across.to(tl.int64)[None, :] * along
    value = tl.load(spot, mask=here[:, None] & (across < WIDTH)[None, :], other=0.0)
    condition = tl.load(magnitude + rows, mask=here, other=1.0) / tl.sqrt(tl.sum(value * value, 1))
    # It is 1 at least; less is a vector that left the range, which its lengths did not.
    fine = (condition > 0.5) & (condition < worst)
    flag = tl.where(here & (fine == 0), 1, 0)
    tl.store(flags + rows, flag, mask=here)
    bad = tl.sum(flag, 0)
    if bad > 0:
        tl.atomic_add(flags + count, bad)


@triton.jit(
    do_not_specialize=["count", "down", "along"], do_not_specialize_on_alignment=["log_scale"]
)
def normalise(
    vector,
    log_scale,
    direction,
    log_magnitude,
    count,
    down,
    along,
    unit,
    rest,
    WIDTH: tl.constexpr,
    PADDED: tl.constexpr,
    ROWS: tl.constexpr,
):
    """Fill direction (M, p) with the directions of vector (M, p), as above, and log_magnitude (M,)
    with the logs of their lengths, log_scale (M,) and unit + rest (float32 each) added. Zero and
    -inf where nothing is."""
    rows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    across = tl.arange(0, PADDED)
    here = rows < count
    inside = here[:, None] & (across < WIDTH)[None, :]
    spot = vector + rows.to(tl.int64)[:, None] * down + across.to(tl.int64)[None, :] * along
    value = tl.load(spot, mask=inside, other=0.0)
    largest = tl.max(tl.abs(value), 1)
    some = largest > 0
    value = value / tl.where(some, largest, 1.0)[:, None]
    norm = tl.sqrt(tl.sum(value * value, 1))
    value = value / tl.where(some, norm, 1.0)[:, None]
    out = direction + rows.to(tl.int64)[:, None] * WIDTH + across[None, :]
    tl.store(out, value.to(direction.dtype.element_ty), mask=inside)
    logs = tl.log(tl.where(some, norm, 1.0)) + tl.log(tl.where(some, largest, 1.0))
    logs += tl.load(log_scale + rows, mask=here, other=0.0)
    logs += tl.cast(unit, tl.float64) + tl.cast(rest, tl.float64)
    logs = tl.where(some, logs, -float("inf"))
    tl.store(log_magnitude + rows, logs.to(log_magnitude.dtype.element_ty), mask=here)
