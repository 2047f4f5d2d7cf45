"""What the claims made for electrostatic field matching are worth: experiments, numbers, verdicts.

    python benchmarks/claims.py [--quick] [--jobs 2] [--out docs/claims.md] [--runs runs/claims]

The claims are those of Kolesov, Manukhov, Palyulin and Korotin, ICML 2025, and of its summaries.
Every verdict follows from the numbers by the rule that is printed with it. Finished runs are kept
in the folder --runs and not done again.
"""

from __future__ import annotations

import argparse
import datetime
import math
import platform
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from scipy.stats import chi2
from scipy.stats import t as student

from transportkit import Budget, Evidence, Lines, Result, Run, Transport, __version__, derive
from transportkit.harness.executors import in_processes, serially
from transportkit.harness.judge import Floors, evaluation_points, judge
from transportkit.harness.plan import Settings, plan
from transportkit.harness.store import Store
from transportkit.registry import make

HOLDS, CONDITIONS, FAILS = "holds", "holds under conditions", "does not hold"
PLANE = ("gaussians", "modes", "moons-gaussians")
SLACK = 0.25
"""Floors by which a mean may differ and still be called the same."""


@dataclass(frozen=True)
class Scale:
    """How much is computed: seeds without and with training, points judged, samples, steps."""

    seeds: int
    trained_seeds: int
    points: int
    train: int
    steps: int


FULL = Scale(seeds=5, trained_seeds=3, points=1000, train=4000, steps=2000)
QUICK = Scale(seeds=2, trained_seeds=2, points=500, train=2000, steps=400)


@dataclass(frozen=True)
class Interval:
    """The mean over seeds and half the width of its 95% interval (Student's t)."""

    mean: float
    half: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Interval:
        n = len(values)
        if n < 2:
            return cls(values[0], math.inf)
        spread = statistics.stdev(values) / math.sqrt(n)
        return cls(statistics.fmean(values), float(student.ppf(0.975, n - 1)) * spread)

    def __str__(self) -> str:
        return f"{self.mean:.3g} ± {self.half:.2g}"


class Laboratory:
    """Runs, each done once, and what they measured."""

    def __init__(self, scale: Scale, store: Store, jobs: int) -> None:
        self.scale, self.store, self.jobs = scale, store, jobs
        self.results: dict[tuple[str, str], list[Result]] = {}

    def measure(self, methods: Iterable[str], problems: Iterable[str], trained: bool) -> None:
        """Do what has not been done of every method on every problem."""
        seeds = range(self.scale.trained_seeds if trained else self.scale.seeds)
        pairs = [(m, p) for p in problems for m in methods if (m, p) not in self.results]
        asked: dict[str, tuple[str, str]] = {}
        runs: list[Run] = []
        for method, problem in pairs:
            for run in plan([method], [problem], seeds, self._settings(problem)):
                asked[run.key()] = (method, problem)
                runs.append(run)
        outcomes = (
            in_processes(runs, self.store, "cpu", False, self.jobs)
            if self.jobs > 1
            else serially(runs, self.store, "cpu", False)
        )
        for outcome in outcomes:
            result = outcome.result
            print(result.run.method, result.run.problem, result.run.seed, result.status, flush=True)
            if result.status != "done":
                raise SystemExit(f"{result.run.method}: {result.message}")
            self.results.setdefault(asked[result.run.key()], []).append(result)
        for pair in pairs:
            self.results[pair].sort(key=lambda result: result.run.seed)

    def _settings(self, problem: str) -> Settings:
        metrics = ["sliced_w2", "cost_ratio"]
        if problem.startswith("gaussian-pair"):
            metrics.append("l2_uvp")
        scale = self.scale
        return Settings(
            budget=Budget(steps=scale.steps),
            metrics=metrics,
            device="cpu",
            points=scale.points,
            train=scale.train,
        )

    def values(self, method: str, problem: str, name: str = "sliced_w2") -> list[float]:
        """One value a seed: sliced_w2 over its floor, another metric, or `finished`."""
        found = self.results[method, problem]
        if name == "finished":
            return [float(r.finished or 0) for r in found]
        metrics = [r.metrics[name] for r in found]
        chosen = [m.ratio if name == "sliced_w2" else m.value for m in metrics]
        return [math.nan if v is None else v for v in chosen]

    def interval(self, method: str, problem: str, name: str = "sliced_w2") -> Interval:
        return Interval.of(self.values(method, problem, name))

    @cache  # noqa: B019 - one laboratory a process
    def limit(self, problem: str) -> list[float]:
        """sliced_w2 over floor of points drawn from the training sample of Q itself, a seed each.

        No method that knows Q by that sample alone can be expected to do better.
        """
        runs = plan(["efm-exact"], [problem], range(self.scale.seeds), self._settings(problem))
        floors, found = Floors(), []
        for run in runs:
            whole = make("problem", run.problem)
            split = whole.split(run.train, derive(run.seed, "split"))
            source, target = evaluation_points(split, run.points, run.seed)
            drawn = split.target.sample(len(target), derive(run.seed, "limit"))
            values, _ = judge(run, whole, Evidence(source, drawn, target, whole.truth), floors)
            found.append(float(values["sliced_w2"].ratio or math.nan))
        return found

    def agrees(self, method: str, problem: str) -> bool:
        """Whether a method cannot be told from that limit, by the paired interval over seeds."""
        pairs = zip(self.values(method, problem), self.limit(problem), strict=False)
        difference = Interval.of([a - b for a, b in pairs])
        return difference.mean <= SLACK or difference.mean - difference.half <= 0


@dataclass(frozen=True)
class Answer:
    """A verdict, the sentence that gives its reason, the rule of judging, and tables."""

    verdict: str
    reason: str
    rule: str
    tables: tuple[str, ...]


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def exact(distance: float, rule: str = "plate") -> str:
    return f"efm-exact:rule={rule},distance={distance:g}"


SAME = (
    f"the same as the limit if the mean difference over seeds is at most {SLACK} floors, or its "
    "95% interval reaches 0"
)


def transfer_is_exact(lab: Laboratory) -> Answer:
    rules, distances = ("plate", "forward", "published"), (2.0, 6.0, 30.0)
    lab.measure([exact(d, r) for r in rules for d in distances], PLANE, trained=False)
    right = {r: [lab.agrees(exact(d, r), p) for p in PLANE for d in distances] for r in rules}
    rows = [
        [p, rule, *(lab.interval(exact(d, rule), p) for d in distances), Interval.of(lab.limit(p))]
        for p in PLANE
        for rule in rules
    ]
    counts = ", ".join(f"{rule} in {sum(v)} of {len(v)} cases" for rule, v in right.items())
    verdict = FAILS
    if all(right["plate"]):
        verdict = HOLDS if all(map(all, right.values())) else CONDITIONS
    return Answer(
        verdict,
        f"The moved points are as near to Q as its training sample: {counts}. The conditions: "
        "lines leave on both sides of the plate in proportion to the flux, and a line that meets "
        "the target where the field goes on passes through and returns (`plate`).",
        "sliced W2 over its floor, exact field of the samples; the limit is the training sample "
        f"of Q itself; {SAME}",
        (table(["problem", "rule", *(f"L = {d:g}" for d in distances), "limit"], rows),),
    )


def generation_and_transfer(lab: Laboratory) -> Answer:
    tasks = {
        "gaussians": "generation",
        "swissroll": "generation",
        "digits": "generation",
        "moons-gaussians": "transfer",
        "digits:source=3,target=8": "transfer",
    }
    methods = ("efm", "efm-exact", "cfm")
    lab.measure(methods, tasks, trained=True)
    good = {p: lab.interval("efm", p).mean <= 2 for p in tasks}
    rows = [[tasks[p], p, *(lab.interval(m, p) for m in methods)] for p in tasks]
    return Answer(
        HOLDS if all(good.values()) else CONDITIONS if any(good.values()) else FAILS,
        "The learned field comes within twice the floor on "
        + (", ".join(p for p, g in good.items() if g) or "none")
        + " and not on "
        + (", ".join(p for p, g in good.items() if not g) or "none")
        + ". `digits` has 64 dimensions, the others 2.",
        "suitable if the mean sliced W2 of `efm` is at most twice its floor",
        (table(["task", "problem", *methods], rows),),
    )


def from_plate_to_plate(lab: Laboratory) -> Answer:
    methods = [exact(d, r) for r in ("plate", "published") for d in (2.0, 6.0, 30.0)]
    lab.measure(methods, PLANE, trained=False)
    rows = [[m, *(lab.interval(m, p, "finished") for p in PLANE)] for m in methods]
    least = {
        r: min(min(lab.values(exact(d, r), p, "finished")) for d in (2.0, 6.0, 30.0) for p in PLANE)
        for r in ("plate", "published")
    }
    captured, statistic = captures(range(lab.scale.seeds))
    verdict = FAILS if min(least["plate"], captured) < 0.99 else CONDITIONS
    return Answer(
        HOLDS if verdict == CONDITIONS and least["published"] > 0.99 else verdict,
        f"Of the lines of the summed field at least {least['plate']:.1%} arrive in every run. "
        f"From 40 charges to 40, {captured:.2%} of lines started in all directions end on a "
        f"charge, equally many on each (chi-square per degree of freedom {statistic}; 95% of "
        f"equal counts give less than {chi2.ppf(0.95, 39) / 39:.2f}). The condition is the sum of "
        "the fields: with each plate's field made a unit vector first, as in the published code, "
        f"as few as {least['published']:.1%} arrive.",
        "share of lines that arrive: at least 99% in every run",
        (table(["method", *PLANE], rows),),
    )


def captures(seeds: Iterable[int]) -> tuple[float, Interval]:
    """Share of lines from 40 charges that 40 others capture; chi-square per degree of freedom."""
    # The command line loads plugins by name; here one is the subject.
    from transportkit_efm.discrete import PointCharges

    finished, statistics_ = [], []
    for seed in seeds:
        problem = make("problem", plan(["linear"], ["gaussians"], [0], Settings())[0].problem)
        p = problem.source.sample(40, derive(seed, "p"))
        q = problem.target.sample(40, derive(seed, "q"))
        for distance in (2.0, 6.0, 30.0):
            field = PointCharges.of(p, q, (2,), distance=distance, offset=None, rule="discrete")
            moved = Transport(field, Lines()).push(p.repeat(40, 1), derive(seed, "push"))
            which = (moved.points[:, None] - q).norm(dim=2).argmin(1)
            counts = torch.bincount(which, minlength=40).double()
            finished.append(moved.finished)
            statistics_.append(float((counts - 40).square().sum() / 40 / 39))
    return statistics.fmean(finished), Interval.of(statistics_)


def monge_kantorovich(lab: Laboratory) -> Answer:
    problems = ("gaussian-pair", "gaussian-pair:condition=100,instance=1", "moons-gaussians")
    methods = [exact(6.0), exact(100.0), "linear"]
    lab.measure(methods, problems, trained=False)
    rows = [
        [
            p,
            m,
            lab.interval(m, p, "cost_ratio"),
            lab.interval(m, p, "l2_uvp") if p.startswith("gaussian-pair") else "",
        ]
        for p in problems
        for m in methods
    ]
    costs = {(p, m): lab.interval(m, p, "cost_ratio") for p in problems for m in methods[:2]}
    worst = max(costs, key=lambda pair: costs[pair].mean)
    dearer = sum(c.mean - c.half > 1.02 for c in costs.values())
    return Answer(
        FAILS if dearer else HOLDS,
        f"The lines cost more than optimal transport in {dearer} of {len(costs)} cases, at worst "
        f"{costs[worst]} times as much ({worst[1]} on {worst[0]}). Between Gaussians, where the "
        "optimal map is known and `linear` finds it, the map of the lines is another one "
        "(`l2_uvp`, in percent, 0 for the optimal map).",
        "mean squared displacement over W2^2 of the same samples: does not hold if its 95% "
        "interval lies above 1.02 anywhere",
        (table(["problem", "method", "cost_ratio", "l2_uvp"], rows),),
    )


def better_than_others(lab: Laboratory) -> Answer:
    ours = ("efm", "efm-flow")
    others = ("cfm", "otcfm", "sinkhorn", "emd", "linear")
    lab.measure([*ours, *others], PLANE, trained=True)
    rows = [[p, *(lab.interval(m, p) for m in (*ours, *others))] for p in PLANE]
    lines, wins, losses, cases = [], 0, 0, 0
    for one in ours:
        cells = []
        for other in others:
            score = [0, 0, 0]
            for p in PLANE:
                pairs = zip(lab.values(one, p), lab.values(other, p), strict=True)
                difference = Interval.of([b - a for a, b in pairs])
                told = abs(difference.mean) > difference.half
                score[(0 if difference.mean > 0 else 2) if told else 1] += 1
            cells.append("{} / {} / {}".format(*score))
            wins, losses, cases = wins + score[0], losses + score[2], cases + len(PLANE)
        lines.append([one, *cells])
    verdict = CONDITIONS if wins else FAILS
    return Answer(
        HOLDS if wins == cases else verdict,
        f"In {cases} comparisons on equal training steps the two learned forms of field matching "
        f"are better beyond doubt in {wins}, worse in {losses}, and not told apart in "
        f"{cases - wins - losses}.",
        "sliced W2 over its floor, paired 95% interval of the difference over seeds: holds if "
        "better in all comparisons, under conditions if in some",
        (
            table(["problem", *ours, *others], rows),
            table(["better / not told apart / worse than", *others], lines),
        ),
    )


def any_distance(lab: Laboratory) -> Answer:
    distances = (0.5, 2.0, 6.0, 30.0, 100.0)
    rules, problem, deep = ("plate", "forward"), "gaussians", "gaussians:dim=16"
    lab.measure([exact(d, r) for r in rules for d in distances], [problem], trained=False)
    learned = [f"efm-plates:distance={d:g}" for d in distances]
    lab.measure(learned, [problem], trained=True)
    lab.measure([exact(d, "auto") for d in distances], [deep], trained=False)
    rows = [[r, problem, *(lab.interval(exact(d, r), problem) for d in distances)] for r in rules]
    rows.append(["learned", problem, *(lab.interval(m, problem) for m in learned)])
    rows.append(
        ["auto (`sphere`)", deep, *(lab.interval(exact(d, "auto"), deep) for d in distances)]
    )
    rows.append(["limit", problem, Interval.of(lab.limit(problem)), *[""] * 4])
    rows.append(["limit", deep, Interval.of(lab.limit(deep)), *[""] * 4])

    def right(methods: Iterable[str], problem: str) -> str:
        kept = [f"{d:g}" for d, m in zip(distances, methods, strict=True) if lab.agrees(m, problem)]
        return ", ".join(kept) if kept else "none"

    every = ", ".join(f"{d:g}" for d in distances)
    names = {
        "both ways, passing and returning": right([exact(d) for d in distances], problem),
        "forward only": right([exact(d, "forward") for d in distances], problem),
        "learned": right(learned, problem),
        "from samples in 16 dimensions": right([exact(d, "auto") for d in distances], deep),
    }
    verdict = CONDITIONS if names["both ways, passing and returning"] == every else FAILS
    return Answer(
        HOLDS if all(v == every for v in names.values()) else verdict,
        "Distances at which the result is the limit's: "
        + "; ".join(f"{k}: {v}" for k, v in names.items())
        + ".",
        f"as for the first claim; L of {every}, in the units of the data",
        (table(["rule", "problem", *(f"L = {d:g}" for d in distances)], rows),),
    )


CLAIMS: dict[str, Callable[[Laboratory], Answer]] = {
    "Distribution transfer is exact": transfer_is_exact,
    "It is suitable for generation and for transfer": generation_and_transfer,
    "Field lines lead from plate to plate": from_plate_to_plate,
    "It is optimal in the Monge–Kantorovich sense": monge_kantorovich,
    "It is better than other unsupervised matching methods": better_than_others,
    "One may place the plates at any distance": any_distance,
}


def page(answers: dict[str, Answer], command: str, scale: Scale) -> str:
    summary = table(["Claim", "Verdict"], [[c, f"**{a.verdict}**"] for c, a in answers.items()])
    parts = [
        "# Claims",
        "What is said of electrostatic field matching, by its paper (Kolesov, Manukhov, Palyulin "
        "and Korotin, ICML 2025) or by those who sum it up, and what comes of it when measured.",
        summary,
        f"Written by `{command}` on {datetime.date.today().isoformat()}: transportkit "
        f"{__version__}, torch {torch.__version__}, {platform.machine()}, CPU. "
        f"{scale.seeds} seeds ({scale.trained_seeds} where a network is trained), {scale.train} "
        f"training samples, {scale.points} points judged, {scale.steps} training steps. Values "
        "are means over seeds with 95% intervals (Student's t); sliced W2 stands over its floor, "
        "which is its mean between independent samples of Q. Lost lines are judged where they "
        "stopped. L is the distance of the plates.",
    ]
    for claim, answer in answers.items():
        parts += [f"## {claim}", f"**{answer.verdict.capitalize()}.** {answer.reason}"]
        parts += [*answer.tables, f"Judged by: {answer.rule}."]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer seeds, points and steps")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    root = Path(__file__).parents[1]
    parser.add_argument("--out", type=Path, default=root / "docs" / "claims.md")
    parser.add_argument("--runs", type=Path, default=root / "runs" / "claims")
    given = parser.parse_args()
    scale = QUICK if given.quick else FULL
    lab = Laboratory(scale, Store(given.runs), given.jobs)
    answers = {claim: ask(lab) for claim, ask in CLAIMS.items()}
    command = "python benchmarks/claims.py" + " --quick" * given.quick
    given.out.write_text(page(answers, command, scale))


if __name__ == "__main__":
    main()
