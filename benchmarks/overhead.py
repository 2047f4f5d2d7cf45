"""What the harness adds to a cell, over the calls that the numbers need.

    python -W ignore benchmarks/overhead.py > benchmarks/results/overhead.md

A cell is executed through the harness (found missing, fitted, pushed, judged, written with its
samples, model and picture) and by the bare calls: split, objective, fit, push, and every metric
once. It is asserted that both compute the same numbers. The two are done at the same time by two
processes that share one core, which the system gives to each in turn for milliseconds, and each
process's own seconds of the processor are compared: whatever else the machine does in the meantime
slows both alike, where cells one after another differ by several times what the harness adds. The
two processes change roles from pair to pair. Bare calls in both show what is left of chance.

Noise floors belong to a problem and not to a cell: a cell before the first one measures them, and
imports what draws pictures. The picture of a run, in the plane, is drawn once a run and is in the
figures; what a cell waits for the disk is not.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from math import comb
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Literal

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
    ("tiny, in the plane", "linear", "moons", 1, 20),
    ("tiny, 16 dimensions", "linear", "gaussian-pair:dim=16", 1, 20),
    ("tiny network", "cfm:width=32", "moons", 20, 20),
    ("about 10 s, in the plane", "cfm", "moons", 2000, 9),
)
"""What a cell is, its method, data and steps, and how many pairs of it are done."""
METRICS = ("sliced_w2", "energy", "cost")
Way = Literal["bare", "harness"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, help="how often each is done")
    asked = parser.parse_args().pairs
    if not hasattr(os, "sched_setaffinity"):
        sys.exit("two processes are put on one core by sched_setaffinity, which Linux has")
    print("# Overhead of the harness\n")
    print(f"`python -W ignore benchmarks/overhead.py`, {date.today()}, "
          f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, "
          f"torch {torch.__version__}, one thread.\n")  # fmt: skip
    print("Seconds of the processor, medians over pairs of a cell done by the harness and one done")
    print("by the bare calls at the same time, on the same core. More: the median of the pairs'")
    print("differences with an interval that has it with a probability of at least 95%, and its")
    print("share of the bare calls. Chance: the same with the bare calls on both sides.\n")
    print("| cell | method | data | steps | pairs | bare | harness | more | share | chance |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name, method, data, steps, often in CELLS:
        settings = Settings(
            budget=Budget(steps=steps), metrics=METRICS, device="cpu", points=2000, train=10_000
        )
        count = asked or often
        first, *runs = plan([method], [data], range(count + 1), settings)
        with duel(replace(first, budget=Budget(steps=1))) as sides:
            pairs = [compared(sides, i, run, "harness") for i, run in enumerate(runs)]
            nulls = [compared(sides, i, run, "bare") for i, run in enumerate(runs)]
        bare = median(pair[0] for pair in pairs)
        more, chance = (Shift.of([b - a for a, b in each]) for each in (pairs, nulls))
        print(f"| {name} | `{method}` | `{data}` | {steps} | {count} | {bare:.3f} s | "
              f"{median(pair[1] for pair in pairs):.3f} s | {more} | {more.share(bare)} | "
              f"{chance} |", flush=True)  # fmt: skip


@dataclass(frozen=True)
class Shift:
    """The median of differences and bounds of it, order statistics: 2 P(B < k) is the chance that
    it lies outside of the k-th smallest and largest, B binomial (Conover 1999, section 3.2)."""

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, differences: Sequence[float]) -> Shift:
        ordered, n = sorted(differences), len(differences)
        k = 1
        while 2 * sum(comb(n, i) for i in range(k + 1)) <= 0.05 * 2**n:
            k += 1
        return cls(median(ordered), ordered[k - 1], ordered[-k])

    def __str__(self) -> str:
        return f"{self.middle:.3f} s ({self.low:.3f} to {self.high:.3f})"

    def share(self, whole: float) -> str:
        return f"{self.middle / whole:.1%} ({self.low / whole:.1%} to {self.high / whole:.1%})"


@dataclass(frozen=True)
class Done:
    """The processor's seconds of a cell and the values of its metrics."""

    seconds: float
    values: list[float | None]


@contextmanager
def duel(first: Run) -> Iterator[list[Connection]]:
    """Two processes on one core that do runs as they are told, each done with `first`."""
    context = multiprocessing.get_context("spawn")
    core = max(os.sched_getaffinity(0))
    sides, workers = [], []
    for _ in range(2):
        here, there = context.Pipe()
        workers.append(context.Process(target=work, args=(there, first, core)))
        workers[-1].start()
        sides.append(here)
    for side in sides:
        side.recv()
    yield sides
    for side in sides:
        side.send(None)
    for worker in workers:
        worker.join()


def compared(sides: Sequence[Connection], i: int, run: Run, other: Way) -> tuple[float, float]:
    """Processor seconds of the bare calls and of the `other` way, done at the same time."""
    bare, against = sides if i % 2 else reversed(sides)
    bare.send(("bare", run))
    against.send((other, run))
    one, two = bare.recv(), against.recv()
    assert one.values == two.values, f"{run}: {one.values} by the bare calls, else {two.values}"
    return one.seconds, two.seconds


def work(told: Connection, first: Run, core: int) -> None:
    """A side: do the runs that it is told of in the way that it is told."""
    os.sched_setaffinity(0, {core})
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        executor = Executor(Store(Path(folder)), "cpu")
        through(executor, first)
        by_hand(first)
        told.send("ready")
        while (order := told.recv()) is not None:
            way, run = order
            begun = time.process_time()
            values = by_hand(run) if way == "bare" else through(executor, run)
            told.send(Done(time.process_time() - begun, values))


def by_hand(run: Run) -> list[float | None]:
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
    return [
        float(make("metric", choice).evaluate(evidence, derive(run.seed, "metric", choice.name)))
        for choice in run.metrics
    ]


def through(executor: Executor, run: Run) -> list[float | None]:
    """Those of the run by the harness."""
    outcome = executor.execute(run)
    assert not outcome.found
    assert outcome.result.status == "done", outcome.result.message
    return [outcome.result.metrics[choice.name].value for choice in run.metrics]


if __name__ == "__main__":
    main()
