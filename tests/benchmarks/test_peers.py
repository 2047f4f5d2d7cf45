"""The suites of peers' tables are whole, and the page made of their results says what they say."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

from transportkit import Budget, Choice, Result, Run, Value, registry
from transportkit.harness.executors import serially
from transportkit.harness.experiment import Experiment
from transportkit.harness.gather import gather
from transportkit.harness.plan import Settings, plan
from transportkit.harness.store import Store
from transportkit.harness.suite import load_mapping, read_suite

ROOT = Path(__file__).parents[2]
SUITES = sorted((ROOT / "benchmarks" / "suites").glob("*.yaml"))


@pytest.fixture(scope="module")
def peers() -> ModuleType:
    # A script finds its neighbours in its own folder.
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "benchmarks")
        return importlib.import_module("peers")


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
    runs = Experiment(**asked).runs()
    assert len(runs) == len(asked["methods"]) * len(asked["problems"]) * len(asked["seeds"])


@pytest.mark.parametrize("file", SUITES, ids=lambda file: file.stem)
def test_published_numbers_have_the_columns_of_the_suite(file: Path, peers: ModuleType) -> None:
    content = load_mapping(file, "a suite")
    published, columns = content["published"], len(content["problems"])
    assert file.stem in peers.TITLES
    assert len(published["columns"]) == columns
    asked = [metric.partition(":")[0] for metric in content["metrics"]]
    assert published["metric"] in asked
    for row in published["rows"].values():
        for key in ("values", *asked):
            assert len(row.get(key, published["columns"])) == columns


def results(values: dict[str, dict[int, float]]) -> list[Result]:
    """Made-up results on the day 3 of the suite of single cells."""
    text = read_suite(ROOT / "benchmarks" / "suites" / "cite.yaml")["problems"][0]
    problem = registry.parse_choice("problem", text)
    elsewhere = Choice(
        problem.name,
        {**problem.params, "files": f"/data/{Path(problem.params['files']).name}"},
    )
    return [
        Result(
            Run(Choice(method), elsewhere, seed, Budget(steps=10)),
            "done",
            metrics={"between_w1:limit=2500": Value(value)},
            fit_seconds=1.0,
            points=2500,
        )
        for method, by_seed in values.items()
        for seed, value in by_seed.items()
    ]


def test_the_page_shows_means_intervals_and_published_numbers(peers: ModuleType) -> None:
    suite = peers.Suite("cite", results({"otcfm": {0: 0.8, 1: 0.9}, "emd": {0: 0.75}}))
    page = peers.section(suite)
    assert "| **`otcfm`** | 0.85 ± 0.6 | · | · |" in page
    assert "| OT-CFM, published | · | · | 0.882 |" in page
    assert "| **`emd`** | 0.75 | · | · |" in page
    assert page.index("| **`otcfm`** | 0.85 ± 0.6 | · | · |") < page.index(
        "| **`emd`** | 0.75 | · | · |"
    )
    assert any("DSBM, published" in line for line in page)
    assert any(line.startswith("| discrete OT, recomputed | 0.799 |") for line in page)
    assert any(line.startswith("CITE=FOLDER tk compare ") for line in page)
    assert any("0: 0.8, 1: 0.9" in line for line in peers.details(suite))


def test_cells_of_the_full_protocol_stand_apart(peers: ModuleType) -> None:
    reduced = peers.Suite("cite", results({"otcfm": {0: 0.8}, "emd": {0: 0.75}}))
    full = peers.Suite("cite", results({"otcfm": {0: 0.7}}))
    page = peers.section(reduced, full)
    place = page.index("By the full protocol, as far as cells of it were run:")
    assert page.index("| **`otcfm`** | 0.8 | · | · |") < place
    assert page.index("| **`otcfm`** | 0.7 | · | · |") > place
    assert page.count("| **`emd`** | 0.75 | · | · |") == 1
    assert sum("DSBM, published" in line for line in page) == 1


def test_a_metric_that_a_run_lacks_is_what_the_run_would_have_had(
    peers: ModuleType, tmp_path: Path
) -> None:
    recorded = sys.modules[peers.Suite.__module__]

    def executed(name: str, metrics: list[str]) -> Result:
        asked = Settings(metrics=metrics, points=200, train=500)
        (run,) = plan(["linear"], ["gaussian-pair"], [0], asked)
        (outcome,) = serially([run], Store(tmp_path / name), "cpu", fresh=False)
        return outcome.result

    given, whole = executed("a", ["cost"]), executed("b", ["cost", "l2_uvp", "cost_ratio"])
    completed = recorded.completed(given, whole.run.metrics)
    assert completed.metrics == whole.metrics
    assert gather(tmp_path / "a")[0].metrics == whole.metrics
