"""Learned field matching against flow matching: the same network, the same processor time.

    python benchmarks/efm_against_cfm.py --seconds 10 --out benchmarks/results/efm-against-cfm.md

Both have a perceptron of (position, time), three hidden layers of 128. Seconds are those of the
processor, not of the clock, so that a busy machine favours neither; what a method spends before its
first step (following exact lines) counts. Sliced W2 is judged on
held-out points, the same for both methods.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from figures import floor_of, held_out, keep, page, shown

from transportkit import Budget, Choice, Problem, Transport, derive, registry
from transportkit.metrics.slices import SlicedW2
from transportkit.train import descent

TASKS = ("gaussians", "moons-gaussians", "swissroll")
METHODS = ("cfm", "efm")


def fit(text: str, problem: Problem, seed: int, seconds: float):
    """The model, the steps that the seconds paid for, and the seconds spent."""
    method = registry.make("method", registry.parse_choice("method", text))
    begun = time.process_time()
    objective = method.objective(problem, derive(seed, "objective"))
    left = max(0.1, seconds - (time.process_time() - begun))
    fitted = method.trainer().fit(objective, Budget(seconds=left), derive(seed, "fit"))
    return fitted.model, fitted.steps, time.process_time() - begun


def judge(text: str, model, whole: Problem, seed: int, points: int) -> tuple[float, float]:
    """Sliced W2 of held-out points, and the evaluations that a line took."""
    spec = registry.describe("method", registry.parse_choice("method", text).name).spec
    integrator = registry.make("integrator", registry.parse_choice("integrator", spec.integrator))
    x, y = held_out(whole, points, seed)
    moved = Transport(model, integrator).push(x, derive(seed, "push"))
    value = SlicedW2().distance(moved.points, y, derive(0, "metric"))
    return value, float(moved.evaluations.double().mean())


def by_the_processor(texts: Sequence[str]) -> None:
    """Keep budgets of seconds by the processor's clock, with all compiled that is."""
    torch.set_num_threads(1)
    descent.time = SimpleNamespace(perf_counter=time.process_time)
    for text in texts:
        fit(text, registry.make("problem", Choice(TASKS[0])).split(500, derive(0)), 0, 0.5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--out", type=Path)
    settings = parser.parse_args()
    by_the_processor(METHODS)
    rows: list[list[str]] = []
    for task in TASKS:
        whole = registry.make("problem", Choice(task))
        floor = floor_of(whole, settings.points)
        found = {name: [] for name in METHODS}
        for seed in range(settings.seeds):
            problem = whole.split(10_000, derive(seed, "split")).for_training()
            for name in METHODS if seed % 2 else reversed(METHODS):
                model, steps, spent = fit(name, problem, seed, settings.seconds)
                value, nfe = judge(name, model, whole, seed, settings.points)
                found[name].append((value, nfe, steps, spent))
                print(task, seed, name, f"{value:.4f} {nfe:.0f} {steps} {spent:.1f}", flush=True)
        row = [task, f"{floor:.4f}"]
        means = {}
        for name in METHODS:
            value, nfe, steps, spent = (list(each) for each in zip(*found[name], strict=True))
            means[name] = np.mean(value)
            row += [shown(value), f"{np.mean(nfe):.0f}"]
            row += [f"{np.mean(steps):.0f}", f"{np.mean(spent):.1f}"]
        rows.append([*row, f"{means['efm'] / means['cfm']:.2f}"])
    text = page(
        "`efm` against `cfm` in equal processor time",
        f"{settings.seeds} seeds, {settings.points:,} points",
        "Sliced W2, mean ± standard deviation over seeds; the floor is that between independent "
        "samples of the target. Seconds of the processor, preparation included.",
        [
            "data",
            "floor",
            *("cfm", "NFE", "steps", "s"),
            *("efm", "NFE", "steps", "s"),
            "efm / cfm",
        ],
        rows,
    )
    print(text)
    keep(text, settings.out)


if __name__ == "__main__":
    main()
