"""Evaluation sizes that are chosen: as many points as a difference takes to be seen."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.commands import tk
from transportkit import Run, UsageError, compare, derive, plan, registry
from transportkit.harness import probe
from transportkit.harness.draws import draws
from transportkit.harness.experiment import Experiment
from transportkit.harness.probe import noise
from transportkit.harness.sizing import LEAST, Noise, Size, Sizing, sized
from transportkit.harness.statistics.paired import two_sided
from transportkit.metrics.slices import SlicedW2

METRIC = "sliced_w2:projections=16"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("probes") / "floors"


def runs(data: str, metrics: str = METRIC, seeds: int = 5, rows: int = 2) -> list[Run]:
    methods = ["linear", "emd", "cfm", "otcfm"][:rows]
    return Experiment(methods, [data], range(seeds), metrics=metrics.split()).runs()


def size(data: str, folder: Path, asked: str = "auto", **given: Any) -> Size:
    before = runs(data, **given)
    after, (found,) = sized(before, Sizing.parse(asked), folder)
    assert after == [replace(run, points=found.points) for run in before]
    return found


@pytest.fixture
def samples(tmp_path: Path) -> str:
    """A user's own samples: 60 points and 50."""
    draw = np.random.default_rng(0)
    np.save(tmp_path / "a.npy", draw.normal(size=(60, 3)))
    np.save(tmp_path / "b.npy", draw.normal(size=(50, 3)) + 2)
    return f"samples:source={tmp_path / 'a.npy'},target={tmp_path / 'b.npy'}"


def test_what_a_size_follows(folder: Path) -> None:
    gaussian = size("gaussian-pair:dim=2", folder)
    assert gaussian.bound is None
    assert 0.85 < gaussian.seen[METRIC] / gaussian.resolve <= 1.0
    finer = size("gaussian-pair:dim=2", folder, "auto:resolve=25%,most=50000")
    assert finer.points == pytest.approx(4 * gaussian.points, rel=0.1)
    assert size("gaussian-pair:dim=2", folder, seeds=10).points < gaussian.points / 2
    assert size("gaussian-pair:dim=2", folder, rows=4).points > gaussian.points
    again = size("gaussian-pair:dim=2", folder.parent / "anew")
    assert again == gaussian


def test_a_metric_without_scatter_asks_for_no_more_points() -> None:
    for squared in (False, True):
        still = Noise(500, 2000, floor=1.0, offset=1.0, far_offset=2.0, squared=squared)
        assert still.needed(0.5, 3, 1) == 1


def test_a_probe_that_failed_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(probe, "_probed", fail)
        assert size("gaussian-pair:dim=2", tmp_path / "floors").seen == {}
    assert size("gaussian-pair:dim=2", tmp_path / "floors") == size("gaussian-pair:dim=2", folder)


def test_what_is_promised_is_seen(folder: Path) -> None:
    """Of two methods one is beside the target by what is to be seen: the paired test finds it."""
    (run, *_) = runs("gaussian-pair:dim=2")
    target, metric = registry.make("problem", run.problem).target, SlicedW2(16)
    # Close to the axis in which the target is widest.
    wide = torch.tensor([1.0, -1.0])
    resolve, seeds, trials = 0.8, 6, 40
    chosen = size("gaussian-pair:dim=2", folder, f"auto:resolve={resolve}", seeds=seeds).points
    floor = noise(run, run.metrics[0]).floor

    def differences(points: int, shift: float, count: int, purpose: str) -> np.ndarray:
        found = []
        for i in range(count):
            generator = derive(i, "promise", purpose)
            judged, near, far = (target.sample(points, generator) for _ in range(3))
            values = [metric.distance(x, judged, derive(i)) for x in (near, far + shift * wide)]
            found.append(values[1] - values[0])
        return np.array(found)

    def power(points: int) -> float:
        low, high = 0.0, 2.0
        for _ in range(10):
            shift = (low + high) / 2
            short = differences(points, shift, 30, "find").mean() < resolve * floor
            low, high = (shift, high) if short else (low, shift)
        tries = differences(points, shift, trials * seeds, "test").reshape(trials, seeds)
        p = [two_sided(x.mean(), x.std(ddof=1) / math.sqrt(seeds), seeds - 1) for x in tries]
        return float(np.mean(np.array(p) < 0.05))

    # A chance of 80%, by 40 trials; `benchmarks/sizes.py` has many more.
    assert power(chosen) > 0.67
    assert power(chosen // 6) < 0.5


@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize("seeds", [1, 4])
def test_the_points_needed_are_those_that_see_it(squared: bool, seeds: int) -> None:
    one = Noise(500, 2000, 0.2, 0.05, 0.15, 0.08, 0.5, 0.12, squared)
    for resolve in (0.3, 1.0, 3.0):
        points = one.needed(resolve, seeds, 3)
        assert one.smallest(points, seeds, 3) == pytest.approx(resolve, rel=0.02)
    limited = replace(one, limit=700)
    assert limited.needed(0.01, seeds, 3) == 700
    assert limited.smallest(9000, seeds, 3) == limited.smallest(700, seeds, 3)


def test_a_squared_distance_is_known_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "UNIT", 400)
    monkeypatch.setattr(probe, "REPEATS", 24)
    for metric, squared in (("energy", True), (METRIC, False)):
        (run, *_) = runs("moons", metric)
        assert noise(run, run.metrics[0]).squared == squared


def test_parts_of_a_finite_sample_share_no_point(
    samples: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []

    def watched(*asked: Any) -> list[Any]:
        drawn.append(draws(*asked))
        return drawn[-1]

    monkeypatch.setattr(probe, "draws", watched)
    assert size(samples, tmp_path / "floors").seen[METRIC] > 0
    assert {len(parts) for parts in drawn} == {1, 2, 3}
    for parts in drawn:
        rows = [tuple(row) for part in parts for row in part.tolist()]
        assert len(set(rows)) == len(rows) == len(parts) * len(parts[0])


def test_bounds_are_kept_and_told(folder: Path, samples: str) -> None:
    few = size("gaussians", folder, "auto:resolve=0.001,most=700")
    assert (few.points, few.bound) == (700, "most")
    assert "700 points, the most allowed" in str(few)
    assert str(few).endswith("0.001 was asked.")
    least = size("gaussians", folder, "auto:resolve=900%")
    assert (least.points, least.bound) == (LEAST, None)
    held = size(samples, folder)
    assert (held.points, held.bound) == (25, "held out")
    assert "all that are held out" in str(held)
    alone = size(samples, folder, seeds=1)
    assert (alone.points, alone.seen) == (25, {})
    assert "25 points; one seed tells nothing apart on it" in str(alone)
    exact = size("gaussian-pair:dim=2", folder, "auto:resolve=0.4", metrics=f"{METRIC} w2:limit=50")
    assert exact.points > 2000
    assert exact.limits == {"w2:limit=50": 50}
    assert exact.seen["w2:limit=50"] > 0.4 >= exact.seen[METRIC]
    assert "(which uses 50 at most)" in str(exact)
    none = size("moons", folder, metrics="cost")
    assert (none.points, none.seen) == (2000, {})
    assert "no metric here has a floor" in str(none)


LINE = f"compare linear --data gaussian-pair:dim=2 --metric {METRIC} --seeds 0-4 --device cpu"


def test_a_comparison_has_the_chosen_points_and_is_found_again(tmp_path: Path) -> None:
    out = f"--points auto:resolve=200% --out {tmp_path / 'runs'}"
    planned = tk(f"{LINE} {out} --dry-run --json")
    assert not (tmp_path / "runs").exists()
    done = tk(f"{LINE} {out} --json")
    (chosen,) = done.json["sizes"]
    assert planned.json["sizes"] == [chosen]
    assert planned.json["plan"][0]["points"] == chosen["points"]
    assert {cell["points"] for cell in done.json["cells"]} == {chosen["points"]}
    assert done.err.startswith(f"gaussian-pair: {chosen['points']} points; ")
    script = "import sys; from transportkit.cli import main\ntry: main(sys.argv[1:])\n"
    script += "finally: print('torch' in sys.modules, file=sys.stderr)"
    words = [sys.executable, "-c", script, *f"{LINE} {out}".split()]
    again = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "5 of 5 runs were found finished" in again.stderr
    assert again.stderr.splitlines()[-1] == "False"
    assert f"{chosen['points']} points" in again.stdout
    # The same in a suite and from Python.
    suite = tmp_path / "suite.yaml"
    suite.write_text("points: {resolve: 200%}\n")
    asked = {"metrics": METRIC, "seeds": "0-4", "device": "cpu", "out": tmp_path / "runs"}
    both = [
        compare("linear", "gaussian-pair:dim=2", points="auto:resolve=2", **asked),
        compare("linear", "gaussian-pair:dim=2", suite=suite, **asked),
    ]
    for found in both:
        assert all(record.found for record in found.records)
        assert found.notes["sizes"] == [chosen]
    assert not plan("linear", "moons", points=50, out=tmp_path).sizes


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            "some",
            "points is a whole number, auto or auto:resolve=10%,most=50000, not the text 'some'",
        ),
        ("auto:resolve=much%", "resolve reads 0.1 or 10%, not 'much%'"),
        ("auto:resolve=0", "must be ≥ 0.001"),
        ("auto:most=9", "must be ≥ 500"),
        ("auto:resolv=1", "no parameter 'resolv'; did you mean 'resolve'?"),
    ],
)
def test_what_is_not_understood_is_one_line(asked: str, message: str, tmp_path: Path) -> None:
    answer = tk(f"compare linear --data moons --points {asked} --out {tmp_path / 'runs'}")
    assert (answer.status, answer.err.count("\n")) == (2, 1)
    assert message in answer.err
    suite = tmp_path / "suite.yaml"
    suite.write_text(f"points: '{asked}'\n")
    with pytest.raises(UsageError) as error:
        compare("linear", "moons", suite=suite, out=tmp_path)
    assert message in str(error.value)
