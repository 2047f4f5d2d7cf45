"""Time of a training step with pairs of optimal transport against one without.

    python benchmarks/speed/pairing.py [--width 128] [--repeats 15] [--out pairing-cpu.md]

One step of `otcfm` and one of `cfm` alternate in one process, on the same data and network, and so
do the pairing alone and, where torchcfm is installed, its sampler of exact pairs. Times are medians
of CPU seconds of this process, which other users of the machine disturb least; everything runs on
one thread. The excess is that of a pairing's mean squared distance over the least, by scipy.
"""

from __future__ import annotations

import argparse
import datetime
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from scipy.optimize import linear_sum_assignment
from torch import Generator, Tensor

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "plugins")]
import transportkit_flow as flow  # noqa: E402
from transportkit import Empirical, Problem, derive  # noqa: E402
from transportkit_flow.methods import IndependentFlowMatching, OTFlowMatching  # noqa: E402

BATCH = 1024


N = 10_000


def clusters(dim: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """N points of N(0, I), and of eight Gaussians on a circle in the first two coordinates."""
    n = N
    x, y = torch.randn(n, dim, generator=generator), 0.5 * torch.randn(n, dim, generator=generator)
    angle = torch.randint(8, (n,), generator=generator) * (torch.pi / 4)
    y[:, 0] += 5 * angle.cos()
    y[:, 1] += 5 * angle.sin()
    return x, y


def textures(dim: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """N points on both sides of Gaussians whose variances fall as the power 1.5 of their number, as
    those of images do, the target's in another order and not as far apart."""
    spread = torch.arange(1, dim + 1) ** -0.75
    turn, _ = torch.linalg.qr(torch.randn(dim, dim, generator=generator))
    x, y = (spread * torch.randn(N, dim, generator=generator) for _ in range(2))
    y[:, :64] = 0.8 * y[:, torch.randperm(64, generator=generator)]
    return x @ turn, y @ turn


CASES = [
    ("noise to clusters", 2, clusters),
    ("noise to clusters", 784, clusters),
    ("data to data", 784, textures),
]


def stepper(method: type, params: object, problem: Problem) -> Callable[[], None]:
    """A function that makes one training step."""
    made = method(params)
    game = made.objective(problem, derive(0, "objective"))
    weights = [w for player in game.players.values() for w in player.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=1e-3)
    generator = derive(0, "fit")

    def step() -> None:
        batch = game.draw(BATCH, generator)
        optimizer.zero_grad(set_to_none=True)
        for player in game.players:
            game.loss(player, batch, generator).backward()
        optimizer.step()

    return step


def pairings(problem: Problem, params: flow.OTFlowParams) -> dict[str, Callable[[], float]]:
    """Ways to pair a batch, each giving the excess of its cost when asked."""
    generator = derive(1)
    coupling = OTFlowMatching(params).coupling(1.0).fitted(problem, derive(2))
    batch = [m.sample(BATCH, generator) for m in (problem.source, problem.target)]
    ways = {"ours": lambda: coupling.pair(*batch, generator)}
    try:
        from torchcfm.optimal_transport import OTPlanSampler
    except ImportError:
        print("torchcfm is not installed: its sampler is left out", file=sys.stderr)
    else:
        sampler = OTPlanSampler(method="exact")
        ways["torchcfm"] = lambda: sampler.sample_plan(*batch)
    return ways


def excess(pair: tuple[Tensor, Tensor]) -> float:
    """The relative excess of the mean cost of pairs over the least, of the points paired."""
    x, y = (side.double() for side in pair)
    cost = torch.cdist(x, y).square()
    rows, columns = linear_sum_assignment(cost.numpy())
    return float(cost.diagonal().mean() / cost[rows, columns].mean()) - 1


def medians(ways: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Milliseconds of CPU of each way, taken in turns."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(repeats + 2):
        for name, way in ways.items():
            begun = time.process_time()
            way()
            # The first turns compile and warm up.
            if turn >= 2:
                times[name].append(1e3 * (time.process_time() - begun))
    return {name: statistics.median(each) for name, each in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    lines = [
        "# Pairs of optimal transport on the CPU",
        "",
        f"{datetime.date.today()}, {platform.processor() or platform.machine()}, 1 thread, "
        f"torch {torch.__version__}. Command: `python benchmarks/speed/pairing.py --width "
        f"{arguments.width} --repeats {arguments.repeats}`",
        "",
        f"Batch {BATCH}. Noise to clusters: N(0, I) to eight Gaussians of standard deviation .5 on "
        "a circle of radius 5. Data to data: variances that fall as the power 1.5 of their number, "
        "on both sides. Medians of CPU milliseconds, taken in turns.",
        "",
        "| data | D | cfm step | otcfm step | ratio | pairing | its excess | torchcfm's pairing | "
        "torchcfm over cfm step |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, dim, samples in CASES:
        x, y = samples(dim, derive(0, "samples"))
        problem = Problem(Empirical(x), Empirical(y))
        plain = flow.FlowParams(width=arguments.width)
        paired = flow.OTFlowParams(width=arguments.width)
        steps = medians(
            {
                "cfm": stepper(IndependentFlowMatching, plain, problem),
                "otcfm": stepper(OTFlowMatching, paired, problem),
            },
            arguments.repeats,
        )
        ways = pairings(problem, paired)
        times = medians(ways, max(3, arguments.repeats // 3))
        theirs = times.get("torchcfm")
        lines.append(
            f"| {name} | {dim} | {steps['cfm']:.1f} | {steps['otcfm']:.1f} | "
            f"{steps['otcfm'] / steps['cfm']:.2f} | {times['ours']:.1f} | "
            f"{100 * excess(ways['ours']()):.2f}% | "
            + (f"{theirs:.0f} | {theirs / steps['cfm']:.1f} |" if theirs else "- | - |")
        )
        print(lines[-1], file=sys.stderr, flush=True)
    text = "\n".join(lines) + "\n"
    if arguments.out:
        arguments.out.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
