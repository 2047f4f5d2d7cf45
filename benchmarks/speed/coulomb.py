"""Speed, memory and accuracy of the Coulomb field against the published broadcast formula.

    python benchmarks/speed/coulomb.py [--quick] [--threads 1] [--accuracies] [--many 400000]
        [--out FILE]

The published formula holds the M x N x (D+1) tensor of differences. Where that does not fit it
runs on some of the points and its time is extrapolated in proportion. All ways alternate in one
process; a time is the median of CPU seconds, which other users of the machine disturb least.
"""

from __future__ import annotations

import argparse
import datetime
import math
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "plugins")]
from transportkit_efm.coulomb import choose, coulomb_field, prepare  # noqa: E402
from transportkit_efm.coulomb.matrices import product  # noqa: E402

CASES = [  # M, N, D, points the published formula runs on, least ratio, least share of the roof
    (4096, 4096, 2, 4096, 120, None),
    (4096, 4096, 8, 1024, None, None),
    (1024, 4096, 32, 1024, 60, None),
    (256, 1024, 784, 256, 100, 0.6),
    (1024, 4096, 3072, 4, 100, 0.6),
]


def published(points: Tensor, charges: Tensor, weights: Tensor) -> Tensor:
    """The field as published code forms it: differences, norm, power, sum."""
    steps = points[:, None, :] - charges[None, :, :]
    distances = torch.linalg.vector_norm(steps, dim=-1, keepdim=True)
    return (weights[None, :, None] * steps / (distances ** points.shape[1] + 1e-9)).sum(1)


def roof(points: Tensor, charges: Tensor, terms: Tensor) -> None:
    """The two bare matrix products of the shapes: distances, and weighted sum."""
    torch.mm(points, charges.T)
    torch.mm(terms, charges)


def best_roof(points: Tensor, charges: Tensor, terms: Tensor) -> None:
    """The same by oneDNN, where that is the faster library."""
    product(points, charges)
    product(terms, charges.T)


def plates(count: int, number: int, dimension: int) -> tuple[Tensor, Tensor, Tensor]:
    """Points, most between two charged plates and an eighth 1e-3 from one, charges, weights."""
    generator = torch.Generator().manual_seed(0)
    gap = 6 * math.sqrt(dimension) if dimension > 8 else 6.0

    def lifted(n: int, height: Tensor) -> Tensor:
        flat = torch.randn(n, dimension, generator=generator)
        return torch.cat([flat, height[:, None]], 1)

    half = number // 2
    charges = torch.cat([lifted(half, torch.zeros(half)), lifted(half, torch.full((half,), gap))])
    weights = torch.cat([torch.ones(half), -torch.ones(half)]) / half
    heights = torch.rand(count, generator=generator) * gap
    heights[: count // 8] = 1e-3
    return lifted(count, heights), charges, weights


def reference(points: Tensor, charges: Tensor, weights: Tensor) -> Tensor:
    """Directions in float64, in log space, one point at a time."""
    directions = []
    for point in points.double():
        steps = point - charges.double()
        logs = -points.shape[1] * torch.linalg.vector_norm(steps, dim=1).log()
        vector = (weights.double() * torch.exp(logs - logs.max())) @ steps
        directions.append(vector / torch.linalg.vector_norm(vector))
    return torch.stack(directions)


def times(runs: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median CPU seconds of each run, alternating."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for repeat in range(repeats + 1):
        for name, run in runs.items():
            began = time.process_time()
            run()
            if repeat:
                seconds[name].append(time.process_time() - began)
    return {name: statistics.median(values) for name, values in seconds.items()}


def peak_megabytes(case: tuple[int, int, int], what: str, threads: int) -> float:
    """Peak resident memory of one call above what was there before, in a process of its own."""
    command = [sys.executable, __file__, "--peak", what, "--threads", str(threads)]
    command += ["--case", *(str(size) for size in case)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def print_peak(case: tuple[int, int, int], what: str) -> None:
    """The child of `peak_megabytes`: a small call first, for what libraries load once."""
    points, charges, weights = plates(*case)
    way = way_of(points, charges)
    runs: dict[str, Callable[[Tensor], object]] = {
        "published": lambda some: published(some, charges, weights),
        "fast": lambda some: coulomb_field(some, charges, weights, method=way),
    }
    runs[what](points[:2])
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = _status("VmRSS")
    runs[what](points)
    print((_status("VmHWM") - before) / 1024)


def _status(field: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(field)))


def way_of(points: Tensor, charges: Tensor) -> str:
    """What "auto" settles on once its loop is compiled."""
    if points.shape[1] <= 97:
        prepare(points.shape[1])
    return choose(points, charges)


def measured(case: tuple, threads: int, repeats: int) -> tuple[str, list[str]]:  # type: ignore[type-arg]
    """One case as a row of the table, and the goals that it missed."""
    count, number, dimension, rows, least, share = case
    points, charges, weights = plates(count, number, dimension)
    terms = torch.rand(count, number)
    way = way_of(points, charges)
    runs: dict[str, Callable[[], object]] = {
        "published": lambda: published(points[:rows], charges, weights),
        "roof": lambda: roof(points, charges, terms),
        "best roof": lambda: best_roof(points, charges, terms),
        "fast": lambda: coulomb_field(points, charges, weights, method=way),
        "accurate": lambda: coulomb_field(
            points, charges, weights, method=way, accuracy="accurate"
        ),
    }
    found = times(runs, repeats)
    found["published"] *= count / rows
    some = torch.cat([points[: min(64, count)], points[-64:]])
    truth = reference(some, charges, weights)
    errors = []
    for field in (
        torch.nn.functional.normalize(published(some[:8], charges, weights)),
        coulomb_field(some, charges, weights, method=way)[0],
        coulomb_field(some, charges, weights, method=way, accuracy="accurate")[0],
    ):
        error = torch.linalg.vector_norm(field.double() - truth[: len(field)], dim=1).max()
        errors.append(f"{float(error):.0e}")
    tensor = count * number * (dimension + 1) * 4 / 2**20
    large = (
        peak_megabytes((count, number, dimension), "published", threads)
        if (tensor < 1000 and rows == count) or 500 < tensor < 1000
        else 3 * tensor
    )
    small = peak_megabytes((count, number, dimension), "fast", threads)
    ratio, roofed = found["published"] / found["fast"], found["roof"] / found["fast"]
    best = f" / {found['best roof'] / found['fast']:.2f}"
    goal = f" (goal {least})" if least else ""
    roof_goal = f" (goal {share})" if share else ""
    missed = []
    if least and round(ratio) < least:
        missed.append(f"{ratio:.0f} times at D = {dimension}, not {least}")
    if share and round(roofed, 2) < share:
        missed.append(f"{roofed:.2f} of the roof at D = {dimension}, not {share}")
    if tensor > 400 and large < 100 * small:
        missed.append(f"memory {large / small:.0f} times below at D = {dimension}, not 100")
    row = (
        f"| {count}, {number}, {dimension} | {way} | {found['published']:.3g} "
        f"| {found['fast']:.3g} | {ratio:.0f}{goal} | {roofed:.2f}{roof_goal}{best} "
        f"| {found['accurate'] / found['fast']:.1f} | {large:.0f} | {small:.1f} "
        f"| {large / max(small, 0.1):.0f} | {' / '.join(errors)} |"
    )
    return row, missed


def accuracies() -> list[str]:
    """What accuracy costs where nothing but the two runs, so that all stays in the caches."""
    rows = ["", "Fast and accurate alone, 4096 charges at 4096 points:", ""]
    rows += ["| D | fast ms | accurate ms | accurate / fast |", "|---|---|---|---|"]
    for dimension in (1, 2, 3, 5, 8, 16, 32):
        given = plates(4096, 4096, dimension)
        way = way_of(*given[:2])
        prepare(dimension + 1, accuracy="accurate")
        runs: dict[str, Callable[[], object]] = {
            accuracy: lambda accuracy=accuracy, given=given, way=way: coulomb_field(
                *given, method=way, accuracy=accuracy
            )
            for accuracy in ("fast", "accurate")
        }
        fast, accurate = times(runs, 41).values()
        rows.append(
            f"| {dimension} | {1000 * fast:.2f} | {1000 * accurate:.2f} | {accurate / fast:.2f} |"
        )
    return rows


def many(count: int) -> list[str]:
    """What so many charges and points cost in D = 2, once: by pairs, and by the fast multipoles."""
    points, charges, weights = plates(count, count, 2)
    some = torch.cat([points[:32], points[-32:]])
    truth = reference(some, charges, weights)
    prepare(3)
    prepare(3, accuracy="accurate")
    rows = ["", f"{count:,} charges at {count:,} points in D = 2, one run:", ""]
    rows += ["| way | s | error |", "|---|---|---|"]
    for way in ("unrolled", "fmm"):
        try:
            choose(points, charges, method=way)
        except ValueError as error:
            rows.append(f"| {way} | {error} | |")
            continue
        began = time.process_time()
        found = coulomb_field(points, charges, weights, method=way)[0]
        spent = time.process_time() - began
        seen = torch.cat([found[:32], found[-32:]]).double()
        worst = float(torch.linalg.vector_norm(seen - truth, dim=1).max())
        rows.append(f"| {way} | {spent:.1f} | {worst:.0e} |")
    return rows


def compile_times() -> str:
    """First-call seconds with an empty cache on disk, in a process of its own."""
    program = (
        "import os, sys, tempfile; os.environ['NUMBA_CACHE_DIR'] = tempfile.mkdtemp(); "
        f"sys.path[:0] = [{str(Path(__file__).resolve().parents[2] / 'plugins')!r}]; "
        "from transportkit_efm.coulomb import prepare; "
        "print(f'{prepare(3):.1f} s in D = 2 (with the import of numba), {prepare(9):.1f} s in "
        "D = 8, {prepare(33):.1f} s for D = 9 to 96 together')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    return done.stdout.strip()


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(": ")[1] for line in lines if line.startswith("model name")), "unknown")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer repeats, small cases only")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--many", type=int, help="so many charges and points in D = 2 as well")
    parser.add_argument("--accuracies", action="store_true", help="fast against accurate as well")
    parser.add_argument("--out", type=Path, help="write the table to this file as well")
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    parser.add_argument("--case", type=int, nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    if given.peak:
        print_peak(tuple(given.case), given.peak)
        return
    import numba

    head = [
        "# Coulomb field on the CPU",
        "",
        f"{datetime.date.today()}, {processor()} ({platform.machine()}), "
        f"{given.threads} thread(s), torch {torch.__version__}, numba {numba.__version__}.",
        f"Command: `python benchmarks/speed/coulomb.py {' '.join(sys.argv[1:])}`",
        "",
        "Times are medians of CPU seconds of alternating runs. The roof is the time of the two "
        "bare float32 matrix products over ours: by torch.mm, and by the faster of torch's two "
        "libraries, which ours uses. Memory is peak resident MB of one call, three "
        "tensors of differences where the published formula would not fit. Errors are the "
        "largest of a direction against float64, published / fast / accurate.",
        "",
        "| M, N, D | way | published s | fast s | ratio | roof | accurate / fast "
        "| published MB | fast MB | ratio | errors |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    print("\n".join(head))
    cases = CASES[:4] if given.quick else CASES
    table: list[str] = []
    missed: list[str] = []
    for case in cases:
        large = case[2] > 1000
        repeats = 3 if given.quick or large else 9
        row, short = measured(case, given.threads, repeats)
        table.append(row)
        missed += short
        print(table[-1], flush=True)
    tail = ["", f"Goals missed in this run: {'; '.join(missed) or 'none'}."]
    if given.accuracies:
        tail += accuracies()
    if given.many:
        tail += many(given.many)
    tail += ["", f"Compiling, once for each machine: {compile_times()}."]
    print("\n".join(tail))
    if given.out:
        given.out.write_text("\n".join(head + table + tail) + "\n")


if __name__ == "__main__":
    main()
