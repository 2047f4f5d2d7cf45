"""The suites of peers' tables are whole, and the page made of their results says what they say."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.scripts import ROOT, peers, records, runs, tables
from transportkit import Choice, DataError, Result, Value, registry
from transportkit.harness.executors import serially
from transportkit.harness.experiment import Experiment
from transportkit.harness.gather import gather
from transportkit.harness.plan import Settings, plan
from transportkit.harness.results import read_result, write_result
from transportkit.harness.store import Store
from transportkit.harness.suite import load_mapping, read_suite

Suite = peers.Suite
SUITES = sorted((ROOT / "benchmarks" / "suites").glob("*.yaml"))


@pytest.mark.parametrize("file", SUITES, ids=lambda file: file.stem)
@pytest.mark.parametrize("reduced", [False, True], ids=["full", "reduced"])
def test_a_suite_is_an_experiment(
    file: Path, reduced: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its names exist, its parameters are theirs, and its data is found where a variable says."""
    if reduced and "reduced" not in load_mapping(file, "a suite"):
        pytest.skip("it has its full protocol only")
    asked = read_suite(file, reduced)
    for folder in ("W2_BENCHMARK", "CITE"):
        monkeypatch.setenv(folder, str(tmp_path))
    for text in asked["problems"]:
        _, _, rest = text.partition("file=$W2_BENCHMARK/")
        if rest:
            (tmp_path / rest).write_bytes(b"")
    planned = Experiment(**asked).runs()
    assert len(planned) == len(asked["methods"]) * len(asked["problems"]) * len(asked["seeds"])


@pytest.mark.parametrize("file", SUITES, ids=lambda file: file.stem)
def test_published_numbers_have_the_columns_of_the_suite(file: Path) -> None:
    content = load_mapping(file, "a suite")
    published, columns = content["published"], len(content["problems"])
    assert file.stem in tables.TITLES
    assert len(published["columns"]) == columns
    asked = [metric.partition(":")[0] for metric in content["metrics"]]
    assert published["metric"] in asked
    for row in published["rows"].values():
        for key in ("values", *asked):
            assert len(row.get(key, published["columns"])) == columns


def test_the_page_shows_means_intervals_and_published_numbers() -> None:
    suite = Suite("cite", records({"otcfm": {0: 0.8, 1: 0.9}, "emd": {0: 0.75}}))
    page = tables.section(suite)
    assert "| **`otcfm`** | 0.85 ± 0.6 | · | · |" in page
    assert "| OT-CFM, published | · | · | 0.882 |" in page
    assert "| **`emd`** | 0.75 | · | · |" in page
    assert page.index("| **`otcfm`** | 0.85 ± 0.6 | · | · |") < page.index(
        "| **`emd`** | 0.75 | · | · |"
    )
    assert any("DSBM, published" in line for line in page)
    assert any(line.startswith("| discrete OT, recomputed | 0.799 |") for line in page)
    assert any(line.startswith("CITE=FOLDER tk compare ") for line in page)
    assert any("0: 0.8, 1: 0.9" in line for line in tables.details(suite))


def test_excesses_are_of_methods_whose_floors_are_known() -> None:
    bare = records({"otcfm": {0: 1.5}, "cfm": {0: 1.7}})
    floors = {"otcfm": 0.9, "cfm": None}
    column, metric = Suite("plane").columns[0], "w2:limit=2000"
    own = [replace(r, problem=column, metric=metric, floor=floors[r.method]) for r in bare]
    rows = list(tables.excesses(Suite("plane", own), metric))
    assert rows[0] == ["**`otcfm`**", "1.200", "·", "·", "·"]
    assert [row[0] for row in rows] == ["**`otcfm`**", "OT-CFM, published"]


def test_cells_of_the_full_protocol_stand_apart() -> None:
    reduced = Suite("cite", records({"otcfm": {0: 0.8}, "emd": {0: 0.75}}))
    full = Suite("cite", records({"otcfm": {0: 0.7}}, "full"))
    page = tables.section(reduced, full)
    place = page.index("By the full protocol, as far as cells of it were run:")
    assert page.index("| **`otcfm`** | 0.8 | · | · |") < place
    assert page.index("| **`otcfm`** | 0.7 | · | · |") > place
    assert page.count("| **`emd`** | 0.75 | · | · |") == 1
    assert sum("DSBM, published" in line for line in page) == 1


def test_the_records_make_the_pages() -> None:
    made = peers.pages({name: peers.recorded(name) for name in tables.TITLES})
    assert peers.PAGE in made
    for file, text in made.items():
        assert file.read_text(encoding="utf-8") == text, f"{file}: run python benchmarks/peers.py"


def test_a_problem_is_known_wherever_its_files_lie() -> None:
    text = read_suite(ROOT / "benchmarks" / "suites" / "cite.yaml")["problems"][1]
    problem = registry.parse_choice("problem", text)
    files = f"/data/{Path(problem.params['files']).name}"
    elsewhere = Choice(problem.name, {**problem.params, "files": files})
    assert runs.column_of(elsewhere, Suite("cite")) == "day 4"
    other = Choice(problem.name, {**problem.params, "columns": 7})
    assert runs.column_of(other, Suite("cite")) is None
    # A run of earlier code, before there was a parameter.
    fewer = Choice(problem.name, {k: v for k, v in problem.params.items() if k != "columns"})
    assert runs.column_of(fewer, Suite("cite")) is None


def test_metrics_to_complete_are_those_of_the_protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    assert runs.metrics_of("plane", "reduced") == runs.metrics_of("plane", "full") == ["npe"]
    said = {True: ["w2:limit=10", "npe:points=1"], False: ["w2:limit=20", "npe:points=2"]}
    monkeypatch.setattr(runs, "read_suite", lambda file, reduced: {"metrics": said[reduced]})
    assert runs.metrics_of("plane", "reduced") == ["npe:points=1"]
    assert runs.metrics_of("plane", "full") == ["npe:points=2"]


def executed(method: str, problem: str, metrics: list[str], folder: Path) -> Result:
    asked = Settings(metrics=metrics, points=200, train=500)
    (run,) = plan([method], [problem], [0], asked)
    (outcome,) = serially([run], Store(folder), "cpu", fresh=False)
    return outcome.result


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Peers' tables without records."""
    monkeypatch.setattr(peers, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(peers, "PAGE", tmp_path / "peers.md")
    peers.RESULTS.mkdir()


def write_runs(folder: Path, methods: list[str], value: Value, message: str = "") -> None:
    """Results of runs on the first column of the suite "entropic", in folders by number."""
    asked = Settings(metrics=["cbw2_uvp"])
    for place, run in enumerate(plan(methods, ["entropic-pair:dim=2,epsilon=1"], [0], asked)):
        (folder / str(place)).mkdir(parents=True)
        result = Result(run, "done", message, metrics={"cbw2_uvp": value})
        write_result(folder / str(place), result)


@pytest.mark.usefixtures("empty")
def test_runs_in_a_folder_are_recorded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "RUNS" / "entropic-full"
    write_runs(folder, ["lightsb:steps=2", "linear"], Value(1 / 3, note="in two\nlines"))
    peers.make(tmp_path / "RUNS")
    # A suite without records has no file.
    assert {file.name for file in peers.RESULTS.iterdir()} == {"entropic.csv", "entropic.md"}
    assert "no cell is for linear on entropic-pair" in capsys.readouterr().out
    (record,) = peers.recorded("entropic")
    assert record.cell == ("full", "lightsb", "2", 0, "cbw2_uvp")
    assert record.value == pytest.approx(1 / 3, rel=1e-8)
    assert (record.origin, record.message) == ("run", "in two lines")
    assert record.settings["steps"] == "2"
    assert "| **`lightsb`** | 0.333 | · | · | · |" in peers.PAGE.read_text()
    before = (peers.RESULTS / "entropic.csv").read_bytes()
    peers.make(tmp_path / "RUNS")
    assert (peers.RESULTS / "entropic.csv").read_bytes() == before
    with pytest.raises(DataError, match="has no folder of runs that is called plane, plane-full,"):
        peers.make(tmp_path / "elsewhere")


@pytest.mark.usefixtures("empty")
def test_the_newer_of_two_settings_in_a_folder_is_taken_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "entropic"
    write_runs(folder, ["lightsb:steps=2", "lightsb:steps=3"], Value(0.5))
    # Of which the first by name was done last.
    os.utime(folder / "1" / "result.json", (1e9, 1e9))
    peers.make(tmp_path)
    (record,) = peers.recorded("entropic")
    assert record.settings["steps"] == "2"
    told = capsys.readouterr().out
    assert told.count("were run in two settings (steps: 3 and 2); the newer runs are taken") == 1
    assert "values of 1 run, 1 in new cells" in told


@pytest.mark.usefixtures("empty")
def test_what_is_wrong_is_found_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_runs(tmp_path / "entropic", ["lightsb"], Value(0.5))
    broken = records({"otcfm": {0: math.inf}})
    with monkeypatch.context() as patch:
        of = peers.with_runs
        patch.setattr(peers, "with_runs", lambda *a: broken if a[0] == "cite" else of(*a))
        with pytest.raises(DataError, match="value should be a finite number"):
            peers.make(tmp_path)
    assert list(peers.RESULTS.iterdir()) == []
    monkeypatch.setattr(peers, "PAGE", tmp_path / "nowhere" / "peers.md")
    with pytest.raises(DataError, match=r"peers\.md' cannot be written"):
        peers.make(tmp_path)


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize("message", ["cbw2_uvp is\nnot finite", ""])
def test_a_run_whose_metric_failed_is_recorded_and_read_again(message: str, tmp_path: Path) -> None:
    write_runs(tmp_path / "entropic", ["lightsb"], Value(None), message)
    peers.make(tmp_path)
    (record,) = peers.recorded("entropic")
    assert (record.value, record.message) == (None, " ".join(message.split()) or "done")


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize("status", ["done", "failed"])
def test_a_newer_run_that_failed_leaves_the_value(
    status: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_runs(tmp_path / "entropic", ["lightsb"], Value(0.5))
    peers.make(tmp_path)
    file = tmp_path / "entropic" / "0"
    worse = replace(read_result(file), status=status, message="not finite")
    write_result(file, replace(worse, metrics={"cbw2_uvp": Value(None)}))
    capsys.readouterr()
    peers.make(tmp_path)
    (record,) = peers.recorded("entropic")
    assert record.value == 0.5
    what = "cbw2_uvp" if status == "done" else "figures"
    told = capsys.readouterr().out
    assert f"by the reduced protocol came to no {what}; what is recorded of it stays" in told
    assert "left out" not in told
    peers.make(tmp_path, replace=True)
    (record,) = peers.recorded("entropic")
    assert (record.value, record.message) == (None, "not finite")
    assert "entropic: 1 value left out, of runs that came to none now" in capsys.readouterr().out


def test_a_metric_that_a_run_lacks_is_what_the_run_would_have_had(tmp_path: Path) -> None:
    given = executed("linear", "gaussian-pair", ["cost"], tmp_path / "a")
    metrics = ["cost", "l2_uvp", "cost_ratio"]
    whole = executed("linear", "gaussian-pair", metrics, tmp_path / "b")
    file = Path(str(given.folder)) / "result.json"
    os.utime(file, (1e9, 1e9))
    completed = runs.completed(given, whole.run.metrics)
    assert file.stat().st_mtime == 1e9
    assert completed.metrics == whole.metrics
    assert gather(tmp_path / "a")[0].metrics == whole.metrics
