"""The Coulomb field on a CUDA device, beside the published formula, KeOps and FlexAttention.

    python benchmarks/speed/coulomb_gpu.py [--quick] [--dims D ...] [--out FILE]

Times are medians of CUDA events, ours and the published formula alternating in one process, the
others each in one of its own. The published formula holds the M x N x (D+1) tensor of differences;
where that does not fit it runs on some of the points and its time is extrapolated in proportion.
KeOps and FlexAttention are written here as their users would write them, and left out where they
do not install or do not compile.

The roof: above D = 8 the two bare float32 matrix products of the shapes. Up to D = 8, where the
work is no matrix product, 3 (D+1) + 8 operations for each pair at the rate of a large float32
matrix product: D+1 differences, squares and sums each, and a power with its weight.
"""

from __future__ import annotations

import argparse
import datetime
import json
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "plugins"), str(Path(__file__).parent)]
from coulomb import plates, published, reference, roof  # noqa: E402

from transportkit_efm.coulomb import choose, coulomb_field, prepare  # noqa: E402
from transportkit_efm.coulomb.compiled import widest  # noqa: E402

CASES = [  # M, N, D, points the published formula runs on
    (4096, 4096, 2, 4096),
    (65536, 65536, 2, 2048),
    (65536, 65536, 8, 1024),
    (1024, 4096, 32, 1024),
    (65536, 65536, 32, 256),
    (65536, 65536, 64, 64),
    (65536, 65536, 128, 32),
    (256, 1024, 784, 256),
    (1024, 4096, 3072, 16),
    (1024, 50000, 3072, 4),
]
LONG = 300.0
"""Milliseconds of a call that takes long."""
Way = Callable[[], object]


def keops(points: Tensor, charges: Tensor, weights: Tensor) -> Way:
    """The sum as a symbolic matrix, reduced by a kernel that KeOps compiles for the formula."""
    from pykeops.torch import LazyTensor

    steps = LazyTensor(points[:, None]) - LazyTensor(charges[None])
    power = (steps**2).sum(-1) ** (-0.5 * points.shape[1])
    terms = power * LazyTensor(weights[None, :, None]) * steps
    return lambda: terms.sum(1)


def flex_attention(points: Tensor, charges: Tensor, weights: Tensor) -> Way:
    """The weights as a softmax of -(D+1)/2 log |x - y|^2, in one call of FlexAttention."""
    from torch.nn.attention.flex_attention import flex_attention as attention

    width = points.shape[1]
    padded = max(16, 1 << width.bit_length())
    at, charged = (
        torch.nn.functional.pad(t, (0, padded - width))[None, None] for t in (points, charges)
    )
    signs = weights.sign()
    values = torch.zeros_like(charged)
    values[0, 0, :, :width], values[0, 0, :, width] = signs[:, None] * charges, signs
    x2, y2, logs = points.square().sum(1), charges.square().sum(1), weights.abs().log()

    def score(dots: Tensor, batch: Tensor, head: Tensor, row: Tensor, column: Tensor) -> Tensor:
        return logs[column] - 0.5 * width * torch.log(x2[row] + y2[column] - 2 * dots)

    compiled = torch.compile(attention, dynamic=False) if points.is_cuda else attention

    def run() -> Tensor:
        out = compiled(at, charged, values, score_mod=score, scale=1.0)[0, 0]
        return out[:, width, None] * points - out[:, :width]

    return run


PEERS = {"KeOps": (keops, (2, 8, 32)), "FlexAttention": (flex_attention, (2, 32, 64))}
"""How each is made, and the dimensions in which it is asked for many points."""


NAMES = tuple(PEERS)


def times(runs: dict[str, Way], repeats: int) -> dict[str, float]:
    """Median milliseconds of each run, alternating, after one that is not counted; of three where
    one takes long."""
    first = {name: once(run) for name, run in runs.items()}
    rounds = repeats if max(first.values()) < LONG else min(repeats, 3)
    spent = [{name: once(run) for name, run in runs.items()} for _ in range(rounds)]
    return {name: statistics.median(each[name] for each in spent) for name in runs}


def once(run: Way) -> float:
    """Milliseconds of one call."""
    began, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    began.record()
    run()
    ended.record()
    ended.synchronize()
    return began.elapsed_time(ended)


def rate() -> float:
    """Float32 operations a millisecond (a multiplication with its addition is one) of a product."""
    size = 8192
    x = torch.randn(size, size, device="cuda")
    return size**3 / times({"product": lambda: x @ x}, 5)["product"]


def peak_megabytes(run: Way) -> float:
    """Peak memory of one call above what was there before."""
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    run()
    return (torch.cuda.max_memory_allocated() - before) / 2**20


def error(direction: Tensor, truth: Tensor) -> str:
    found = torch.nn.functional.normalize(direction[: len(truth)].double(), dim=1)
    return f"{float(torch.linalg.vector_norm(found - truth, dim=1).max()):.0e}"


def compiled_for(dim: int) -> bool:
    """Whether a loop of Triton may serve in so many dimensions."""
    return dim + 1 <= widest(torch.device("cuda"), torch.float32)


def print_peer(name: str, case: tuple[int, int, int]) -> None:
    """The child of `peer`: milliseconds, ours beside them, error, seconds of the first call."""
    given = tuple(t.cuda() for t in plates(*case))
    began = time.perf_counter()
    run = PEERS[name][0](*given)
    run()
    torch.cuda.synchronize()
    first = time.perf_counter() - began
    if compiled_for(case[2]):
        prepare(case[2] + 1, device="cuda")
    found = times({"peer": run, "ours": lambda: coulomb_field(*given)}, 7)
    truth = reference(given[0][:32].cpu(), *(t.cpu() for t in given[1:])).cuda()
    print(json.dumps({**found, "error": error(run(), truth), "first": first}))


def peer(name: str, case: tuple[int, int, int], notes: list[str]) -> str:
    """One peer in a process of its own, as what it compiles may bring a process down."""
    words = [sys.executable, __file__, "--peer", name, "--case", *map(str, case)]
    where = f"{name} at {', '.join(map(str, case))}"
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired:
        notes.append(f"{where}: not done after 60 s.")
        return ""
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"ended by {ending(done.returncode)}"]
        notes.append(f"{where}: {last[0][:300]}; not asked again.")
        del PEERS[name]
        return ""
    found = json.loads(done.stdout.strip().splitlines()[-1])
    notes.append(f"{where}: first call {found['first']:.1f} s; ours beside it {found['ours']:.3g}.")
    return f"{found['peer']:.3g} ({found['error']})"


def ending(code: int) -> str:
    """What an exit status says."""
    return signal.Signals(-code).name if code < 0 else f"exit status {code}"


def measured(case: tuple[int, int, int, int], operations: float, notes: list[str]) -> str:
    """One case as a row of the table."""
    count, number, dim, rows = case
    given = tuple(t.cuda() for t in plates(count, number, dim))
    points, charges, weights = given
    if compiled_for(dim):
        spent = prepare(dim + 1, device="cuda")
        notes.append(f"Triton at D = {dim}, both accuracies: {spent:.1f} s.")
    way = choose(points, charges)
    plain = "differences" if dim <= 8 else "products"
    runs: dict[str, Way] = {
        "published": lambda: published(points[:rows], charges, weights),
        "plain": lambda: coulomb_field(*given, method=plain),
        "fast": lambda: coulomb_field(*given, method=way),
        "accurate": lambda: coulomb_field(*given, method=way, accuracy="accurate"),
    }
    if dim > 8:
        some = min(number, 16384)
        terms = torch.rand(count, some, device="cuda")
        runs["roof"] = lambda: roof(points, charges[:some], terms)
    found = times(runs, 7)
    found["published"] *= count / rows
    if dim > 8:
        found["roof"] *= number / some
    else:
        found["roof"] = count * number * (3 * dim + 11) / operations
    truth = reference(points[:32].cpu(), charges.cpu(), weights.cpu()).cuda()
    # Of the whole field, as fewer points may be computed in another way.
    errors = [
        error(coulomb_field(*given, method=way, accuracy=how)[0], truth)
        for how in ("fast", "accurate")
    ]
    peak = peak_megabytes(runs["fast"])
    shape = (count, number, dim)
    shown = [
        peer(name, shape, notes) if dim in PEERS.get(name, ((), ()))[1] and count > 10_000 else ""
        for name in NAMES
    ]
    tensor = 3 * count * number * (dim + 1) * 4 / 2**20
    return (
        f"| {count}, {number}, {dim} | {way} | {found['published']:.3g} | {found['plain']:.3g} "
        f"| {' | '.join(shown)} | {found['fast']:.3g} | {found['published'] / found['fast']:.3g} "
        f"| {found['roof'] / found['fast']:.2f} | {found['accurate'] / found['fast']:.1f} "
        f"| {tensor:,.0f} | {peak:,.0f} | {' / '.join(errors)} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the first and the fourth case only")
    parser.add_argument("--dims", type=int, nargs="+", help="the cases of these dimensions only")
    parser.add_argument("--out", type=Path, help="write the table to this file as well")
    parser.add_argument("--peer", choices=PEERS, help=argparse.SUPPRESS)
    parser.add_argument("--case", type=int, nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.peer:
        print_peer(given.peer, tuple(given.case))
        return
    if not torch.cuda.is_available():
        sys.exit("this benchmark needs a CUDA device; benchmarks/speed/coulomb.py is for the CPU")
    torch.set_float32_matmul_precision("highest")
    operations = rate()
    head = [
        "# Coulomb field on a GPU",
        "",
        f"{datetime.date.today()}, {torch.cuda.get_device_name()}, torch {torch.__version__}.",
        f"Command: `python benchmarks/speed/coulomb_gpu.py {' '.join(sys.argv[1:])}`",
        "",
        "Milliseconds, medians of CUDA events, alternating. Plain: ours without a compiler. The "
        "roof is the time of the two bare float32 matrix products over ours, up to D = 8 that of "
        f"3 (D+1) + 8 operations a pair at the rate of a product of 8,192 ({operations / 1e9:.0f} "
        "million million a second). Memory is the peak of one call in MB, for the published "
        "formula three tensors of differences. In brackets and last: the largest error of a "
        "direction against float64.",
        "",
        "| M, N, D | way | published | plain | KeOps | FlexAttention | fast | published / fast "
        "| roof | accurate / fast | published MB | fast MB | errors, fast / accurate |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    print("\n".join(head))
    notes: list[str] = []
    table = []
    for case in CASES[0:4:3] if given.quick else CASES:
        if given.dims and case[2] not in given.dims:
            continue
        table.append(measured(case, operations, notes))
        print(table[-1], flush=True)
        torch.cuda.empty_cache()
    tail = ["", "First calls and what did not run:", "", *(f"- {note}" for note in notes)]
    print("\n".join(tail))
    if given.out:
        given.out.write_text("\n".join(head + table + tail) + "\n")


if __name__ == "__main__":
    main()
