"""What the harness adds to a cell, over the calls that the numbers need.

    python -W ignore benchmarks/overhead.py > benchmarks/results/overhead.md

A cell is executed through the harness (found missing, fitted, pushed, judged, written with its
samples, model and picture) and, in turn with it in the same process, by the bare calls: split,
objective, fit, push, and every metric once. Both have the same seeds, and it is asserted that they
compute the same numbers. Noise floors belong to a problem and not to a cell: a cell before the
first one measures them, and imports what draws pictures. Seconds are of the processor, user and
system, with the time on the clock beside them, as waiting for the disk is in it. Where other work
on the machine makes cells of seconds differ by more than the harness adds, the last column tells:
what a cell takes outside of its fit, push and metrics by its own clock, as a share of it.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import torch

from transportkit.core.metric import Evidence
from transportkit.core.random import derive
from transportkit.core.record import Budget, Run
from transportkit.harness.execute import Executor
from transportkit.harness.judge import evaluation_points
from transportkit.harness.plan import Settings, plan
from transportkit.harness.store import Store
from transportkit.registry import make
from transportkit.transport import Transport

CELLS = (
    ("tiny, in the plane", "linear", "moons", 1, 15),
    ("tiny, 16 dimensions", "linear", "gaussian-pair:dim=16", 1, 15),
    ("tiny network", "cfm:width=32", "moons", 20, 15),
    ("about 10 s, in the plane", "cfm", "moons", 2000, 5),
)
"""What a cell is, its method, data and steps, and how often it is done."""
METRICS = ("sliced_w2", "energy", "cost")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, help="how often each is done")
    times = parser.parse_args().cells
    torch.set_num_threads(1)
    print("# Overhead of the harness\n")
    print(f"`python -W ignore benchmarks/overhead.py`, {date.today()}, "
          f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, "
          f"torch {torch.__version__}, one thread.\n")  # fmt: skip
    print("Medians over cells of different seeds, harness and bare calls in turn; seconds of the")
    print("processor, and in brackets on the clock. Outside: of fit, push and metrics, on the")
    print("clock.\n")
    print("| cell | method | data | steps | cells | bare | harness | more | share | outside |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name, method, data, steps, often in CELLS:
        settings = Settings(
            budget=Budget(steps=steps), metrics=METRICS, device="cpu", points=2000, train=10_000
        )
        count = times or often
        runs = plan([method], [data], range(count + 1), settings)
        bare, harness = measured(runs)
        more = [h.processor - b.processor for b, h in zip(bare, harness, strict=True)]
        share = median(more) / median(b.processor for b in bare)
        outside = median(h.clock - h.inside for h in harness)
        part = median((h.clock - h.inside) / h.clock for h in harness)
        print(f"| {name} | `{method}` | `{data}` | {steps} | {count} | {shown(bare)} | "
              f"{shown(harness)} | {median(more):.3f} s | {share:.1%} | "
              f"{outside:.3f} s, {part:.1%} |", flush=True)  # fmt: skip


@dataclass(frozen=True)
class Times:
    """Seconds of one cell; `inside` those on the clock that its fit, push and metrics took."""

    processor: float
    clock: float
    inside: float = 0.0


@dataclass(frozen=True)
class Done:
    """The values of a cell's metrics, and the seconds that it took inside of its work."""

    values: list[float | None]
    inside: float = 0.0


def measured(runs: list[Run]) -> tuple[list[Times], list[Times]]:
    """The bare calls and the harness on each run but the first."""
    bare: list[Times] = []
    harness: list[Times] = []
    with TemporaryDirectory() as folder:
        executor = Executor(Store(Path(folder)), "cpu")
        through(executor, runs[0])
        by_hand(runs[0])
        for i, run in enumerate(runs[1:]):
            # Whichever comes second finds warmer caches.
            ways = [(bare, by_hand), (harness, partial(through, executor))]
            found = []
            for times, work in ways if i % 2 else reversed(ways):
                taken, done = timed(work, run)
                times.append(taken)
                found.append(done.values)
            assert found[0] == found[1], f"{run}: the two ways compute {found[0]} and {found[1]}"
    return bare, harness


def by_hand(run: Run) -> Done:
    """The numbers of a run by the calls that they need, and nothing kept."""
    whole = make("problem", run.problem)
    problem = whole.split(run.train, derive(run.seed, "split"))
    method, view = make("method", run.method), problem.for_training()
    integrator = make("integrator", run.integrator) if run.integrator else None
    objective = method.objective(view, derive(run.seed, "objective"))
    fit = method.trainer().fit(objective, run.budget, derive(run.seed, "fit"))
    source, target = evaluation_points(problem, run.points, run.seed)
    moved = Transport(fit.model, integrator).push(source, derive(run.seed, "push"), batch=run.batch)
    evidence = Evidence(source, moved.points, target, whole.truth, fit.model, integrator, view)
    values = [
        float(make("metric", choice).evaluate(evidence, derive(run.seed, "metric", choice.name)))
        for choice in run.metrics
    ]
    return Done(values)


def through(executor: Executor, run: Run) -> Done:
    """Do the run by the harness."""
    outcome = executor.execute(run)
    result = outcome.result
    assert not outcome.found
    assert result.status == "done", result.message
    parts = (result.fit_seconds, result.push_seconds, result.judge_seconds)
    values = [result.metrics[choice.name].value for choice in run.metrics]
    return Done(values, sum(part or 0.0 for part in parts))


def timed(work: Callable[[Run], Done], run: Run) -> tuple[Times, Done]:
    clock, processor = time.perf_counter(), time.process_time()
    done = work(run)
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    return Times(processor, clock, done.inside), done


def shown(times: list[Times]) -> str:
    return f"{median(t.processor for t in times):.3f} s ({median(t.clock for t in times):.3f})"


if __name__ == "__main__":
    main()
