"""What it costs to pair N source with N target points, and how near to the least the pairs are.

    python benchmarks/pairing.py --out benchmarks/results/pairing.md

Exact field lines, the coupling that `efm-flow` distils, of at most 10,000 charges on each plate;
exact optimal transport (POT's network simplex); the same within minibatches of 512; and Sinkhorn's
algorithm, streamed over blocks of rows, for a fixed number of iterations at an entropic scale of
0.05 of the mean cost. From N(0, I) to eight Gaussians in the plane.
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import ot
import torch
from torch import Tensor

from transportkit import Choice, Lines, Transport, derive, registry
from transportkit_efm.charges import ChargedPlates

SIZES = (1000, 3000, 10_000, 30_000, 100_000)
BATCH, ITERATIONS, SCALE = 512, 20, 0.05
CHARGES = 10_000


def by_lines(x: Tensor, y: Tensor) -> Tensor:
    field = ChargedPlates.of(x[:CHARGES], y[:CHARGES], (2,), distance=None, offset=None, rule=None)
    return Transport(field, Lines()).push(x, derive(0, "push")).points


def by_simplex(x: Tensor, y: Tensor) -> Tensor:
    cost = torch.cdist(x.double(), y.double()).square().numpy()
    plan = ot.emd([], [], cost, numItermax=10**8)
    return y[torch.from_numpy(plan.argmax(1))]


def by_minibatches(x: Tensor, y: Tensor) -> Tensor:
    pairs = zip(x.split(BATCH), y.split(BATCH), strict=True)
    return torch.cat([by_simplex(a, b) for a, b in pairs])


def by_sinkhorn(x: Tensor, y: Tensor) -> Tensor:
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
    return torch.cat(means)


WAYS = {
    "lines": (by_lines, 100_000),
    "exact OT": (by_simplex, 3000),
    "minibatch OT": (by_minibatches, 100_000),
    "Sinkhorn": (by_sinkhorn, 10_000),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path)
    settings = parser.parse_args()
    torch.set_num_threads(settings.threads)
    whole = registry.make("problem", Choice("gaussians", {"stratified": True}))
    rows = []
    by_lines(*(m.sample(200, derive(1)) for m in (whole.source, whole.target)))  # compile
    for size in settings.sizes:
        x, y = (m.sample(size, derive(0, m is whole.source)) for m in (whole.source, whole.target))
        least = None
        if size <= WAYS["exact OT"][1]:
            least = float((by_simplex(x, y) - x).square().sum(1).mean())
        for name, (way, largest) in WAYS.items():
            if size > largest:
                continue
            wall, begun = time.perf_counter(), time.process_time()
            moved = way(x, y)
            spent, wall = time.process_time() - begun, time.perf_counter() - wall
            cost = float((moved - x).square().sum(1).mean())
            ratio = f"{cost / least:.3f}" if least else ""
            rows.append(f"| {size:,} | {name} | {spent:.2f} | {wall:.2f} | {cost:.3f} | {ratio} |")
            print(rows[-1], flush=True)
    command = " ".join(["python benchmarks/pairing.py", *sys.argv[1:]])
    text = "\n".join(
        [
            "# Pairing N source points with N target points",
            "",
            f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, {settings.threads} thread(s), "
            f"torch {torch.__version__}. Command: `{command}`",
            "",
            "N(0, I) to eight Gaussians in the plane. Cost is the mean squared displacement; ratio "
            "is that over W2^2 of the two samples, where exact OT is affordable. Lines are those "
            f"of at most {CHARGES:,} charges on each plate. Sinkhorn moves points to conditional "
            "means, which shortens their ways.",
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
