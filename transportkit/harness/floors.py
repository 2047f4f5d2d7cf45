"""Noise floors: a metric between independent samples of the target, measured once and kept."""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from .. import registry
from ..core.choice import Choice
from ..core.metric import DistributionMetric
from ..core.problem import Problem
from ..core.random import derive
from ..core.record import FLOOR_PAIRS, JUDGING, Run
from .atomic import write_whole

log = logging.getLogger("transportkit")


@dataclass(frozen=True)
class Floor:
    """A metric's value between independent target samples of the evaluated size."""

    mean: float
    std: float


class Floors:
    """Noise floors, each computed once, and kept in a folder where one is given.

    A floor belongs to a problem, a metric and a sample size; it does not depend on a run's seed or
    method, so that seeds and methods are measured against the same number. In the folder it is
    found by these and by the versions of what it is computed with; `fresh` computes it anew.
    """

    def __init__(self, folder: Path | None = None, fresh: bool = False) -> None:
        self.folder, self.fresh = folder, fresh
        self.known: dict[str, Floor] = {}

    def of(
        self, run: Run, problem: Problem, choice: Choice, metric: DistributionMetric, n: int
    ) -> Floor:
        """The floor of `choice`, which made `metric`, on the run's whole problem at n points."""
        told = {
            "problem": asdict(run.problem),
            "metric": asdict(choice),
            "points": n,
            "threads": run.threads,
            "versions": _versions(run, choice),
        }
        key = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]
        if key not in self.known:
            kept = None if self.fresh else self._kept(key)
            self.known[key] = kept or self._keep(key, measure(problem, metric, n), told)
        return self.known[key]

    def _kept(self, key: str) -> Floor | None:
        if self.folder is None:
            return None
        with suppress(OSError, ValueError, KeyError, TypeError):
            content = json.loads((self.folder / f"{key}.json").read_bytes())
            floor = Floor(float(content["mean"]), float(content["std"]))
            if math.isfinite(floor.mean) and math.isfinite(floor.std):
                return floor
        return None

    def _keep(self, key: str, floor: Floor, told: Mapping[str, object]) -> Floor:
        if self.folder is not None and math.isfinite(floor.mean) and math.isfinite(floor.std):
            text = json.dumps({**asdict(floor), **told}, indent=2, allow_nan=False)
            try:
                self.folder.mkdir(exist_ok=True)
                write_whole(f"{text}\n".encode(), self.folder / f"{key}.json", self.folder.parent)
            except OSError as error:
                # A full disk costs the next comparison the time, and this one nothing.
                log.debug("the floor %s could not be kept: %s", key, error)
        return floor


def measure(problem: Problem, metric: DistributionMetric, n: int) -> Floor:
    """The floor of a metric at n points: mean and standard deviation over pairs of samples."""
    values = torch.tensor(
        [
            metric.distance(a, b, derive(0, "floor", "metric", i, device=a.device))
            for i, (a, b) in enumerate(_target_pairs(problem, n))
        ],
        dtype=torch.float64,
    )
    return Floor(float(values.mean()), float(values.std()))


def _target_pairs(problem: Problem, n: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Pairs of independent target samples (n, *E): fresh, or disjoint parts of a finite one."""
    targets = [problem.target]
    if problem.held_out is not None:
        targets.append(problem.held_out.target)
    endless = [t for t in targets if t.size is None]
    for i in range(FLOOR_PAIRS):
        generator = derive(0, "floor", i)
        if endless:
            yield endless[-1].sample(n, generator), endless[-1].sample(n, generator)
            continue
        # Distinct points in a random order: any two parts of them are disjoint.
        pool = torch.cat([t.points(2 * n, generator) for t in targets])
        order = torch.randperm(len(pool), generator=generator)
        yield pool[order[:n]], pool[order[n : 2 * n]]


def _versions(run: Run, metric: Choice) -> dict[str, str]:
    """Those of the run's versions that its floor under a metric depends on."""
    own = {_package("problem", run.problem), f"metric:{_package('metric', metric)}"}
    method = _package("method", run.method)
    judging = tuple(f"{kind}:" for kind in JUDGING)
    return {
        name: version
        for name, version in run.versions.items()
        if name in own or (name != method and not name.startswith(judging))
    }


def _package(kind: str, choice: Choice) -> str:
    spec = registry.describe(kind, choice.name).spec
    return spec.implementation.partition(":")[0].partition(".")[0]
