"""Ways to learn the field, each beside flow matching: the same network and processor time.

    python benchmarks/efm_ways.py --seconds 3 --out benchmarks/results/efm-ways.md

What a way is good for shows beside the others only: each has its plates, its points to train on and
its own way of moving points. Seconds are those of the processor and hold what comes before the
first step. Every way has a perceptron of three hidden layers of 128.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from efm_against_cfm import TASKS, by_the_processor, fit, judge
from figures import floor_of, keep, page

from transportkit import Choice, derive, registry

WAYS = {
    "cfm": "flow matching, to compare with",
    "efm": "distant plates, states on exact rising lines, the direction by height",
    "efm:distance=11": "the same, plates at 11 instead of 8 sqrt(D) standard deviations",
    "efm:distance=200": "the same, plates at 200",
    "efm:lines=500": "the same, a sixth of the lines to train on",
    "efm-plates": "near plates, both directions by flux, states on exact lines and near the plates",
    "efm-plates:near=0": "the same, no states near the plates beside those of lines",
    "efm-plates:rule=forward": "near plates, all lines start inwards",
    "efm-plates:rule=forward,distance=60": "distant plates, all lines start inwards",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--out", type=Path)
    settings = parser.parse_args()
    by_the_processor(list(WAYS))
    ratios: dict[str, list[str]] = {way: [] for way in WAYS}
    evaluations: dict[str, list[float]] = {way: [] for way in WAYS}
    steps: dict[str, list[int]] = {way: [] for way in WAYS}
    floors = []
    for task in TASKS:
        whole = registry.make("problem", Choice(task))
        floors.append(f"{task} {floor_of(whole, settings.points):.4f}")
        found: dict[str, list[float]] = {way: [] for way in WAYS}
        for seed in range(settings.seeds):
            problem = whole.split(10_000, derive(seed, "split")).for_training()
            for way in WAYS:
                model, count, _ = fit(way, problem, seed, settings.seconds)
                value, nfe = judge(way, model, whole, seed, settings.points)
                found[way].append(value)
                evaluations[way].append(nfe)
                steps[way].append(count)
                print(task, seed, way, f"{value:.4f} {nfe:.0f} {count}", flush=True)
        base = np.mean(found["cfm"])
        for way, values in found.items():
            ratios[way].append(f"{np.mean(values):.3f} ({np.mean(values) / base:.2f})")
    rows = [
        [
            f"`{way}`",
            said,
            *ratios[way],
            f"{np.mean(evaluations[way]):.0f}",
            f"{np.mean(steps[way]):.0f}",
        ]
        for way, said in WAYS.items()
    ]
    text = page(
        "Ways to learn the field",
        f"{settings.seeds} seeds, {settings.points:,} points, {settings.seconds:g} s to train",
        "Sliced W2, mean over seeds, in brackets over that of `cfm`; the floor, between "
        f"independent samples of the target: {', '.join(floors)}.",
        ["way", "what it is", *TASKS, "NFE", "steps"],
        rows,
    )
    print(text)
    keep(text, settings.out)


if __name__ == "__main__":
    main()
