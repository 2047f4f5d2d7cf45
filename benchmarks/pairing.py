"""What it costs to pair N source with N target points, and how near to the least the pairs are.

    python benchmarks/pairing.py --out benchmarks/results/pairing.md

Exact field lines, the coupling that `efm-flow` distils, of at most 10,000 charges on each plate,
with ends drawn by flux and assigned; exact optimal transport (POT's network simplex); the same
within minibatches of 512; and Sinkhorn's algorithm, streamed over blocks of rows, for a fixed
number of iterations at an entropic scale of 0.05 of the mean cost. From N(0, I) to eight Gaussians.
"""

from __future__ import annotations

import argparse
import platform
import shlex
import sys
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import ot
import torch
from torch import Tensor

from transportkit import Choice, Empirical, derive, registry
from transportkit_efm.coupling import Ends, LineCoupling

SIZES = (1000, 3000, 10_000, 30_000, 100_000)
BATCH, ITERATIONS, SCALE = 512, 20, 0.05
CHARGES = 10_000


Found = tuple[Tensor, Tensor]
"""Source points, in an order of the way's own, and what they are paired with."""


def by_lines(x: Tensor, y: Tensor, ends: Ends) -> Found:
    coupling = LineCoupling(
        x[:CHARGES], y[:CHARGES], Empirical(y), distance=None, offset=None, ends=ends
    )
    found = coupling.pair(x, derive(0, "pair"))
    return found.x, found.y


def by_simplex(x: Tensor, y: Tensor) -> Found:
    cost = torch.cdist(x.double(), y.double()).square().numpy()
    plan = ot.emd([], [], cost, numItermax=10**8)
    return x, y[torch.from_numpy(plan.argmax(1))]


def by_minibatches(x: Tensor, y: Tensor) -> Found:
    pairs = zip(x.split(BATCH), y.split(BATCH), strict=True)
    return x, torch.cat([by_simplex(a, b)[1] for a, b in pairs])


def by_sinkhorn(x: Tensor, y: Tensor) -> Found:
    """The conditional mean of the entropic plan, by log-domain iterations over blocks of rows."""
    scale = SCALE * float((x[:1000, None] - y[None, :1000]).square().sum(2).mean())
    f, g = x.new_zeros(len(x)), y.new_zeros(len(y))
    size = max(1, 4_000_000 // len(x))

    def soft(a: Tensor, b: Tensor, h: Tensor) -> Tensor:
        out = [
            -scale * torch.logsumexp((h - torch.cdist(rows, b).square()) / scale, 1)
            for rows in a.split(size)
        ]
        return torch.cat(out) + scale * torch.log(x.new_tensor(float(len(b))))

    for _ in range(ITERATIONS):
        f = soft(x, y, g)
        g = soft(y, x, f)
    means = [((g - torch.cdist(rows, y).square()) / scale).softmax(1) @ y for rows in x.split(size)]
    return x, torch.cat(means)


WAYS = {
    "lines, ends by flux": (partial(by_lines, ends="flux"), 100_000),
    "lines, ends assigned": (partial(by_lines, ends="assigned"), 100_000),
    "exact OT": (by_simplex, 10_000),
    "minibatch OT": (by_minibatches, 100_000),
    "Sinkhorn": (by_sinkhorn, 10_000),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--dim", type=int, default=2)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path)
    settings = parser.parse_args()
    torch.set_num_threads(settings.threads)
    whole = registry.make("problem", Choice("gaussians", {"stratified": True, "dim": settings.dim}))
    rows = []
    for ends in ("flux", "assigned"):  # compile
        by_lines(*(m.sample(200, derive(1)) for m in (whole.source, whole.target)), ends)
    for size in sorted(settings.sizes):
        x, y = (m.sample(size, derive(0, m is whole.source)) for m in (whole.source, whole.target))
        found = {}
        for name, (way, largest) in WAYS.items():
            if size > largest or name not in settings.ways:
                continue
            wall, begun = time.perf_counter(), time.process_time()
            start, moved = way(x, y)
            spent, wall = time.process_time() - begun, time.perf_counter() - wall
            found[name] = spent, wall, float((moved - start).square().sum(1).mean())
        # W2^2 is that of these samples; where it takes too long there is no ratio.
        least = found["exact OT"][2] if "exact OT" in found else float("nan")
        for name, (spent, wall, cost) in found.items():
            ratio = f"{cost / least:.3f}" if least == least else ""
            rows.append(f"| {size:,} | {name} | {spent:.2f} | {wall:.2f} | {cost:.3f} | {ratio} |")
            print(rows[-1], flush=True)
    command = shlex.join(["python", "benchmarks/pairing.py", *sys.argv[1:]])
    text = "\n".join(
        [
            "# Pairing N source points with N target points",
            "",
            f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, {settings.threads} thread(s), "
            f"torch {torch.__version__}. Command: `{command}`",
            "",
            f"N(0, I) to eight Gaussians in {settings.dim} dimensions. Cost is the mean squared "
            "displacement; ratio is that over W2^2 of the two samples, where exact OT was "
            f"computed. Lines are those of at most {CHARGES:,} charges on each plate. Sinkhorn "
            "moves points to conditional means, which shortens their ways.",
            "",
            "| N | way | processor s | clock s | cost | ratio |",
            "|---|---|---|---|---|---|",
            *rows,
        ]
    )
    if settings.out:
        settings.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
