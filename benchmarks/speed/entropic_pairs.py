"""Time of a training step with pairs of entropic transport against one with independent pairs.

    python benchmarks/speed/entropic_pairs.py [--batch 512] [--repeats 15] [--out FILE]

Steps of `cfm`, `sbcfm`, `sf2m` with entropic pairs and `uotcfm` alternate in one process, on the
same data and network, and so do our plan of a batch and those of POT for the same cost and epsilon:
`ot.sinkhorn`, which published code for such pairs calls, and `ot.bregman.sinkhorn_log`, both until
marginals are off by no more than ours, or for 500 iterations. Off: mean relative error of the sums
of rows. Times are medians of CPU seconds of this process on one thread.
"""

from __future__ import annotations

import argparse
import datetime
import platform
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import ot
import torch
from pairing import clusters, medians, textures
from torch import Tensor

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "plugins")]
import pairing  # noqa: E402

import transportkit_flow as flow  # noqa: E402
from transportkit import Empirical, Problem, derive  # noqa: E402
from transportkit_flow import methods  # noqa: E402
from transportkit_flow.couplings.entropic import EntropicOT  # noqa: E402
from transportkit_flow.couplings.sinkhorn import plan, squared_distances  # noqa: E402

CASES = [
    ("noise to clusters", 2, clusters),
    ("noise to clusters", 64, clusters),
    ("data to data", 784, textures),
]
METHODS = {
    "cfm": (methods.IndependentFlowMatching, flow.FlowParams()),
    "sbcfm": (methods.BridgeFlowMatching, flow.EntropicBridgeParams()),
    "sf2m": (methods.ScoreFlowMatching, flow.ScoreFlowParams(coupling="entropic")),
    "uotcfm": (methods.UnbalancedFlowMatching, flow.UnbalancedFlowParams()),
}


def plans(problem: Problem, batch: int) -> dict[str, Callable[[], Tensor]]:
    """Plans of one batch with the epsilon of `sbcfm`, as weights whose columns are right."""
    made = methods.BridgeFlowMatching(flow.EntropicBridgeParams())
    coupling = made.objective(problem, derive(0, "objective")).coupling
    assert isinstance(coupling, EntropicOT)
    x, y = (
        m.sample(batch, derive(1, side))
        for m, side in ((problem.source, "x"), (problem.target, "y"))
    )
    shift = x.mean(0) - y.mean(0)
    cost = squared_distances(x, y + shift)
    even = torch.full((batch,), 1 / batch, dtype=torch.float64)
    off = max(1e-4, error(plan(cost, coupling.epsilon, None))) / batch**0.5

    def theirs(solve: Callable[..., Tensor]) -> Tensor:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return solve(even, even, cost.double(), coupling.epsilon, stopThr=off, numItermax=500)

    return {
        "ours": lambda: plan(cost, coupling.epsilon, None),
        "ot.sinkhorn": lambda: theirs(ot.sinkhorn),
        "sinkhorn_log": lambda: theirs(ot.bregman.sinkhorn_log),
    }


def error(weights: Tensor) -> float:
    """Mean relative error of the sums of rows, of weights scaled to a sum of one."""
    weights = weights.double() / weights.double().sum()
    return float((weights.sum(1) * len(weights) - 1).abs().mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    pairing.BATCH = given.batch
    lines = [
        "# Pairs of entropic transport on the CPU",
        "",
        f"{datetime.date.today()}, {platform.machine()}, 1 thread, torch {torch.__version__}, POT "
        f"{ot.__version__}. Command: `python benchmarks/speed/entropic_pairs.py --batch "
        f"{given.batch} --repeats {given.repeats}`",
        "",
        f"Batch {given.batch}; the methods with their default noise, which sets epsilon. Medians "
        "of CPU milliseconds of a step, in turns; over `cfm` in brackets. Then one plan, ours and "
        "POT's for the same cost and epsilon, with the mean error of the sums of its rows.",
        "",
        "| data | D | " + " | ".join(METHODS) + " | our plan | ot.sinkhorn | sinkhorn_log |",
        "|---|---|" + "---|" * (len(METHODS) + 3),
    ]
    for name, dim, samples in CASES:
        x, y = samples(dim, derive(0, "samples"))
        problem = Problem(Empirical(x), Empirical(y))
        steps = medians(
            {m: pairing.stepper(kind, params, problem) for m, (kind, params) in METHODS.items()},
            given.repeats,
        )
        ways = plans(problem, given.batch)
        spent = medians(ways, max(3, given.repeats // 3))
        row = [f"{steps[m]:.1f} ({steps[m] / steps['cfm']:.1f})" for m in METHODS]
        row += [f"{spent[way]:.1f} ({error(solve()):.1%})" for way, solve in ways.items()]
        lines.append(f"| {name} | {dim} | {' | '.join(row)} |")
        print(lines[-1], file=sys.stderr, flush=True)
    text = "\n".join(lines) + "\n"
    if given.out:
        given.out.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
