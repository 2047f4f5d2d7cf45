"""`tk compare`: every cell, one table, and no cell that another can harm."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.commands import TINY, same, tk
from transportkit import registry
from transportkit.report.sheet import entries_of

DATA = "--data gaussian-pair:dim=3"


@pytest.fixture(scope="module")
def line(files: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Three methods on a problem and a user's own samples, two seeds; it has run once."""
    own = f"--source {files / 'a.npy'} --target {files / 'b.npy'}"
    out = tmp_path_factory.mktemp("compared")
    compared = f"compare cfm emd linear {DATA} {own} --seeds 0-1 {TINY} --metric cost"
    return f"{compared} --device cpu --out {out}"


@pytest.fixture(scope="module")
def document(line: str) -> dict:
    answer = tk(f"{line} --json")
    assert (answer.status, answer.err) == (0, "")
    return answer.json


def test_one_document_of_cells_and_table(document: dict) -> None:
    parts = {"cells", "table", "pairs", "resolution", "curves", "protocol", "published", "sizes"}
    assert document.keys() == parts
    cells = {(c["method"], c["data"], c["seed"]) for c in document["cells"]}
    assert len(document["cells"]) == len(cells) == 3 * 2 * 2
    assert {c["data"] for c in document["cells"]} == {"gaussian-pair", "samples"}
    table = {(r["method"], r["data"], r["metric"]): r for r in document["table"]}
    assert len(document["table"]) == len(table) == 3 * 2 * 2
    for (method, data, metric), row in table.items():
        values = [
            c["metrics"][metric]["value"]
            for c in document["cells"]
            if (c["method"], c["data"]) == (method, data)
        ]
        assert row["seeds"] == 2
        assert row["mean"] == pytest.approx(np.mean(values))
        assert row["low"] <= row["mean"] <= row["high"]
        if metric == "sliced_w2":
            assert row["ratio"] == pytest.approx(row["mean"] / row["floor"])
            assert row["rank"] >= 1
        else:
            assert row["floor"] is row["ratio"] is row["rank"] is None


def test_a_sweep_that_is_typed_twice_has_the_values_of_both(tmp_path: Path) -> None:
    swept = f"compare cfm {DATA} --sweep lr=1e-3 --sweep lr=1e-4,1e-3 --dry-run --json"
    lines = tk(swept, "--points", "1e3", "--out", tmp_path).json["plan"]
    assert [(each["method"], each["points"]) for each in lines] == [
        ("cfm:lr=0.001", 1000),
        ("cfm:lr=0.0001", 1000),
    ]


def test_again_is_found_and_a_cell_more_is_one_cell(line: str, document: dict) -> None:
    again = tk(f"{line} --json")
    assert all(cell["found"] for cell in again.json["cells"])
    assert again.json["table"] == document["table"]
    assert again.err.startswith("12 of 12 runs were found finished in ")
    assert again.err.count("\n") == 1
    more = tk(f"{line} --json".replace("--seeds 0-1", "--seeds 0-1,5"))
    assert [c["seed"] for c in more.json["cells"] if not c["found"]] == [5] * 6
    assert tk(f"{line} --json -q").err == ""


def test_what_is_finished_is_found_without_torch(line: str, document: dict) -> None:
    script = "import sys; from transportkit.cli import main\ntry: main(sys.argv[1:])\n"
    script += "finally: print('torch' in sys.modules, file=sys.stderr)"
    words = [sys.executable, "-c", script, *line.split(), "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["table"] == document["table"]
    assert done.stderr.splitlines()[-1] == "False"


def test_a_table_for_people(line: str, document: dict) -> None:
    answer = tk(line)
    assert answer.status == 0
    for word in ("gaussian-pair: 2 seeds", "samples: 2 seeds", "cfm", "emd", "linear", "cost"):
        assert word in answer.out
    # The same figures as on a page or in a paper, half of an interval that need not be symmetric.
    for row in document["table"]:
        assert entries_of([row], row["ratio"] is not None)[0].text in answer.out
    assert "Solved at once, whatever the budget: emd, linear." in " ".join(answer.out.split())
    bounded = tk(f"{line} --nfe 2")
    assert "budget steps=5, at most 2 evaluations, cpu" in bounded.out


def test_every_method_where_none_is_named(tmp_path: Path) -> None:
    # One evaluation a line, or a refusal: the untrained network of an expensive method costs none.
    # In three dimensions, as in the plane every run draws a picture.
    data = "gaussian-pair:dim=3"
    answer = tk(f"compare --data {data} {TINY} --integrator euler --nfe 1 --json --out {tmp_path}")
    assert answer.status in (0, 1)
    assert {c["method"] for c in answer.json["cells"]} == {
        entry.name for entry in registry.entries("method")
    }
    assert all(c["status"] in ("done", "refused") for c in answer.json["cells"]), answer.err


def test_a_suite_is_kept_beside_what_it_made(tmp_path: Path) -> None:
    suite, out = tmp_path / "small.yaml", tmp_path / "runs"
    suite.write_text("methods: linear\nproblems: {name: gaussian-pair, dim: 3}\n")
    for _ in range(2):
        assert tk(f"compare --suite {suite} {TINY} --out {out}").status == 0
    (kept,) = (out / "suites").iterdir()
    assert kept.name.startswith("small-")
    assert kept.read_bytes() == suite.read_bytes()


def test_some_methods_of_a_suite(tmp_path: Path) -> None:
    suite = tmp_path / "small.yaml"
    suite.write_text(
        "methods: [cfm, linear]\nproblems: {name: gaussian-pair, dim: 3}\n"
        "overrides: {cfm: {width: 8}}\n"
    )
    # The overrides are those of the method that is left out here.
    assert tk(f"compare linear --suite {suite} {TINY} --out {tmp_path}").status == 0


def test_trouble_stays_in_its_row(trouble: None, tmp_path: Path) -> None:
    methods = "bursts hungry picky absent exits a/../b linear"
    line = f"compare {methods} {DATA} --seeds 0-1 {TINY} --out {tmp_path / 'runs'}"
    answer = tk(f"{line} --json")
    assert answer.status == 1
    cells = {(c["method"], c["seed"]): c for c in answer.json["cells"]}
    status = {method: cells[method, 1]["status"] for method in methods.split()}
    assert status == {
        "bursts": "failed",
        "hungry": "out of memory",
        "picky": "refused",
        "absent": "failed",
        "exits": "failed",
        "a/../b": "failed",
        "linear": "done",
    }
    bursts = cells["bursts", 0]
    assert bursts["message"] == "RuntimeError: a pipe burst"
    assert "in objective" in (Path(bursts["run"]) / "log.txt").read_text()
    assert "module 'strange_plugin' has no attribute" in cells["absent", 0]["message"]
    assert {row["method"] for row in answer.json["table"]} == {"linear"}
    assert cells["exits", 0]["message"] == "SystemExit: 0"
    assert "leaving" in answer.err
    assert Path(cells["a/../b", 0]["run"]).parent == tmp_path / "runs"
    assert "bursts on gaussian-pair, seed 0: failed, RuntimeError: a pipe burst; see" in answer.err

    table = tk(line)
    assert table.status == 1
    rows = {row.split()[0]: row for row in table.out.splitlines() if row[:1].strip()}
    assert rows["picky"].endswith("refused: this is not to its taste")
    assert "failed: RuntimeError: a pipe burst" in rows["bursts"]
    assert "out of memory" in rows["hungry"]
    again = {(c["method"], c["seed"]): c["found"] for c in tk(f"{line} --json").json["cells"]}
    assert again == {key: key[0] in ("linear", "picky") for key in cells}


def test_a_run_that_fails(trouble: None, tmp_path: Path) -> None:
    line = f"run bursts {DATA} {TINY} --out {tmp_path / 'runs'}"
    answer = tk(line)
    assert (answer.status, answer.out) == (1, "")
    assert answer.err.startswith("Error: bursts: RuntimeError: a pipe burst\nThe traceback is in ")
    assert answer.err.count("\n") == 2
    document = tk(f"{line} --json")
    assert (document.status, document.json["status"]) == (1, "failed")
    assert "Traceback" in tk(f"{line} --debug").err
    refused = tk(line.replace("bursts", "picky"))
    assert (refused.status, refused.err) == (2, "Error: picky: this is not to its taste\n")


def test_a_broken_plugin_is_named(trouble: None, tmp_path: Path) -> None:
    answer = tk(f"compare shattered linear {DATA} {TINY} --out {tmp_path / 'runs'}")
    assert answer.status == 1
    assert "method 'shattered' of strange-plugin 1.5 is broken" in answer.err
    assert answer.err.count("\n") == 1


def test_a_metric_that_fails_costs_its_own_value(trouble: None, tmp_path: Path) -> None:
    line = f"run linear {DATA} {TINY} --metric brittle --metric endless --json"
    answer = tk(f"{line} --out {tmp_path / 'runs'}")
    assert answer.status == 0
    assert answer.json["status"] == "done"
    assert answer.json["metrics"]["sliced_w2"]["value"] > 0
    assert answer.json["metrics"]["brittle"]["value"] is None
    assert answer.json["metrics"]["endless"]["value"] is None
    assert "brittle failed: ZeroDivisionError: nothing to divide by" in answer.err
    assert "endless is not finite" in answer.err


def test_processes_give_the_same_numbers_and_survive_one_that_dies(
    trouble: None, document: dict, tmp_path: Path
) -> None:
    methods, other = "compare dies cfm linear", tmp_path / "runs"
    line = f"{DATA} {TINY} --metric cost --jobs 2 --device cpu --json --out {other}"
    answer = tk(f"{methods} {line}")
    assert answer.status == 1
    cells = {cell["method"]: cell for cell in answer.json["cells"]}
    assert cells["dies"]["message"].startswith("its process died (exit status 3)")
    for cell in document["cells"]:
        if cell["method"] in cells and (cell["data"], cell["seed"]) == ("gaussian-pair", 0):
            assert cells[cell["method"]]["metrics"] == cell["metrics"]
            assert same(cells[cell["method"]]["run"], cell["run"])
    again = tk(f"compare cfm linear {line}")
    assert all(cell["found"] for cell in again.json["cells"])
