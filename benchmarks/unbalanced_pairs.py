"""What unbalanced pairs do to outliers, to clusters of other shares and to clean data, by penalty.

    python benchmarks/unbalanced_pairs.py [--out unbalanced-pairs.md]

Pairs of `uotcfm` in batches of 512, at its default entropy and penalties about its default. The
outliers are 5% of the target, at a distance of 10, 20 or 40 standard deviations: the share of pairs
that end there. The clusters have shares .3 and .7 in the source and .7 and .3 in the target, where
balanced pairs must carry 40% across. The clean data are N(0, I) to eight Gaussians, whose total
variances the pairs should keep. Last, `uotcfm` and `otcfm` trained with outliers at 20: the energy
distance of moved points to the target without them.
"""

from __future__ import annotations

import argparse
import datetime
import sys
from pathlib import Path

import torch
from torch import Generator, Tensor

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "plugins")]
import transportkit_flow as flow  # noqa: E402
from transportkit import Budget, Empirical, Midpoint, Problem, derive  # noqa: E402
from transportkit_flow.couplings.unbalanced import UnbalancedOT  # noqa: E402
from transportkit_flow.methods import OTFlowMatching, UnbalancedFlowMatching  # noqa: E402

BATCH, BATCHES, OUTLIERS = 512, 8, 0.05
PENALTIES = (1.0, 2.0, 5.0, 10.0, 20.0)


def with_outliers(n: int, distance: float, g: Generator) -> tuple[Tensor, Tensor]:
    """N(0, I), and N((3, 0), I) with a share of outliers at (0, distance)."""
    x, y = torch.randn(n, 2, generator=g), torch.randn(n, 2, generator=g)
    count = round(OUTLIERS * n)
    y[:, 0] += 3
    y[:count] += torch.tensor([-3.0, distance])
    return x, y


def clusters(n: int, g: Generator) -> tuple[Tensor, Tensor]:
    """Two clusters at -4 and 4, of shares .7 and .3, and of .3 and .7."""

    def side(share: float) -> Tensor:
        x = torch.randn(n, 2, generator=g) / 2
        x[:, 0] += torch.where(torch.rand(n, generator=g) < share, 4.0, -4.0)
        return x

    return side(0.3), side(0.7)


def clean(n: int, g: Generator) -> tuple[Tensor, Tensor]:
    """N(0, I), and eight Gaussians on a circle of radius 5."""
    angle = torch.randint(8, (n,), generator=g) * torch.pi / 4
    y = 5 * torch.stack([angle.cos(), angle.sin()], 1) + torch.randn(n, 2, generator=g) / 2
    return torch.randn(n, 2, generator=g), y


def row(penalty: float) -> list[str]:
    """What pairs of one penalty do."""
    coupling = UnbalancedOT(flow.UnbalancedFlowParams().epsilon, penalty)
    g = derive(0, "pairs")
    cells = []
    for distance in (10.0, 20.0, 40.0):
        ends = [coupling.pair(*with_outliers(BATCH, distance, g), g)[1] for _ in range(BATCHES)]
        cells.append(f"{100 * float((torch.cat(ends)[:, 1] > distance / 2).float().mean()):.2f}%")
    pairs = [coupling.pair(*clusters(BATCH, g), g) for _ in range(BATCHES)]
    crossed = torch.cat([a[:, 0] * b[:, 0] < 0 for a, b in pairs]).float().mean()
    cells.append(f"{100 * float(crossed):.1f}%")
    given = [clean(BATCH, g) for _ in range(BATCHES)]
    kept = [coupling.pair(*sides, g) for sides in given]
    for side in (0, 1):
        whole, drawn = (torch.cat([pair[side] for pair in all_]) for all_ in (given, kept))
        cells.append(f"{float(drawn.var(0).sum() / whole.var(0).sum()):.3f}")
    return cells


def energy(a: Tensor, b: Tensor) -> float:
    """The energy distance of two samples."""
    return float(2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean())


def trained(method: type, params: object, steps: int) -> float:
    """The energy distance of moved points to the target without outliers."""
    x, y = with_outliers(10_000, 20.0, derive(0, "train"))
    generator, made = derive(0, "fit"), method(params)
    game = made.objective(Problem(Empirical(x), Empirical(y)), generator)
    field = made.trainer().fit(game, Budget(steps=steps), generator).model
    fresh, target = (torch.randn(4000, 2, generator=derive(1, str(i))) for i in range(2))
    return energy(Midpoint(20).solve(field, fresh, derive(2)).end, target + torch.tensor([3.0, 0]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    default = flow.UnbalancedFlowParams()
    lines = [
        "# Unbalanced pairs by penalty",
        "",
        f"{datetime.date.today()}, torch {torch.__version__}. Command: `python "
        f"benchmarks/unbalanced_pairs.py --steps {arguments.steps}`",
        "",
        f"Entropy {default.epsilon}, batches of {BATCH}; default penalty {default.penalty:g}.",
        "",
        "| penalty | outliers at 10 | at 20 | at 40 | carried across | variance of the clean "
        "source | of the clean target |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += ["| " + " | ".join([f"{p:g}", *row(p)]) + " |" for p in PENALTIES]
    lines.append("| balanced | 5% | 5% | 5% | 40% | 1 | 1 |")
    small = {"width": 64, "batch": 256}
    errors = {
        "uotcfm": trained(
            UnbalancedFlowMatching, flow.UnbalancedFlowParams(**small), arguments.steps
        ),
        "otcfm": trained(OTFlowMatching, flow.OTFlowParams(**small), arguments.steps),
    }
    lines += [
        "",
        f"Trained for {arguments.steps} steps with 5% of outliers at 20, energy distance to the "
        "target without them: " + ", ".join(f"`{k}` {v:.4f}" for k, v in errors.items()) + ".",
    ]
    text = "\n".join(lines) + "\n"
    if arguments.out:
        arguments.out.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
