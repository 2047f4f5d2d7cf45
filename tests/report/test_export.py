"""`tk export`: the rows of a comparison in formats that other programs read."""

from __future__ import annotations

import csv
import io
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.commands import tk
from tests.report.results import result, shelve
from transportkit import Budget, UsageError
from transportkit import gather as gather_runs
from transportkit.harness.compare import compare
from transportkit.harness.gather import gather
from transportkit.report.figures import three


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    shelve(
        folder,
        *(result("cfm", seed, sliced_w2=0.2 + seed / 1000, cost=3.0) for seed in range(3)),
        *(result("linear", seed, sliced_w2=0.5 + seed / 1000, cost=4.0) for seed in range(3)),
        result("emd", 0, status="failed", message="100% of {it}"),
    )
    return folder


def test_csv_has_the_rows_of_the_comparison(runs: Path) -> None:
    table = list(csv.DictReader(io.StringIO(tk("export", runs, "--to", "csv").out)))
    found = {(row["method"], row["metric"]): row for row in table}
    assert len(table) == len(found) == 4
    assert float(found["cfm", "sliced_w2"]["mean"]) == pytest.approx(0.201)
    assert float(found["linear", "sliced_w2"]["ratio"]) == pytest.approx(5.01)
    assert found["cfm", "cost"]["floor"] == ""
    cells = tk("export", runs, "--to", "csv", "--rows", "cells").out
    rows = list(csv.DictReader(io.StringIO(cells)))
    assert len(rows) == 7
    failed = next(row for row in rows if row["method"] == "emd")
    assert (failed["status"], failed["message"]) == ("failed", "100% of {it}")
    done = next(row for row in rows if row["method"] == "cfm")
    assert float(done["sliced_w2"]) == pytest.approx(0.2)
    assert float(done["sliced_w2.floor"]) == pytest.approx(0.1)
    assert json.loads(done["budget"]) == {"steps": 100}


def test_pairs_and_curves_are_rows_too(runs: Path, tmp_path: Path) -> None:
    pairs = list(
        csv.DictReader(io.StringIO(tk("export", runs, "--to", "csv", "--rows", "pairs").out))
    )
    (pair,) = pairs
    assert {pair["first"], pair["second"]} == {"cfm", "linear"}
    assert abs(float(pair["difference"])) == pytest.approx(0.3)
    assert pair["differs"] == "True"
    none = tk("export", runs, "--to", "csv", "--rows", "curves")
    assert (none.status, none.err.count("\n")) == (2, 1)
    shelve(tmp_path / "more", *(result(nfe=n, sliced_w2=1 / n) for n in (2, 4)))
    text = tk("export", tmp_path / "more", "--to", "csv", "--rows", "curves").out
    points = list(csv.DictReader(io.StringIO(text)))
    assert [
        (p["axis"], p["method"], p["row"], float(p["x"]), float(p["mean"])) for p in points
    ] == [("nfe", "cfm", f"cfm nfe={n}", n, 1 / n) for n in (2, 4)]
    paper = tk("export", tmp_path / "more", "--to", "markdown", "--rows", "curves").out
    assert paper.count("\n|") == 4


def test_parquet_reads_back(runs: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    file = tmp_path / "cells.parquet"
    assert tk("export", runs, "--to", "parquet", "--rows", "cells", "-o", file).status == 0
    rows = parquet.read_table(file).to_pylist()
    assert len(rows) == 7
    assert sorted(r["sliced_w2"] for r in rows if r["method"] == "cfm") == [0.2, 0.201, 0.202]
    refused = tk("export", runs, "--to", "parquet")
    assert (refused.status, refused.out) == (2, "")


def test_latex_is_balanced_and_marks_the_best(runs: Path) -> None:
    text = tk("export", runs, "--to", "latex").out
    assert r"\boldmath$2.01 \pm 0.0" in text
    assert r"sliced\_w2" in text
    for part in ("table", "tabular"):
        assert text.count(rf"\begin{{{part}}}") == text.count(rf"\end{{{part}}}") == 1
    setting = "3 seeds, 50 points, budget steps=100, cpu"
    assert rf"\caption{{moons: {setting}. sliced\_w2 in units of their floor" in text
    assert "95\\% interval, or its limits where they lie unevenly. Bold: best, or not told" in text
    lines = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert {line.count("&") for line in lines} == {2}
    cells = tk("export", runs, "--to", "latex", "--rows", "cells").out
    assert "emd & moons & 0 & failed" in cells


def test_markdown_has_a_line_for_each_method(runs: Path) -> None:
    lines = tk("export", runs, "--to", "markdown").out.splitlines()
    # The first line says whose file it is, and is not shown.
    assert lines[2:5] == ["### moons", "", "3 seeds, 50 points, budget steps=100, cpu."]
    table = [line for line in lines if line.startswith("|")]
    assert [line.split("|")[1].strip() for line in table[2:]] == ["cfm", "linear", "floor"]
    assert "**2.01 ±0.0" in table[2]
    assert {line.count("|") for line in table} == {4}
    assert "± half of its 95% interval, or its limits where" in lines[-1]
    assert "Bold: best, or not told apart from it by the paired test of diff" in lines[-1]


def test_what_could_have_been_seen_stands_on_paper(tmp_path: Path) -> None:
    values = {"cfm": (0.2, 0.3, 0.25), "emd": (0.21, 0.35, 0.2)}
    shelve(tmp_path, *(result(m, i, sliced_w2=v) for m in values for i, v in enumerate(values[m])))
    (seen,) = compare(gather(tmp_path)).resolutions
    text = f"Differences show with a chance of 80% from {three((seen.smallest or 0) / 0.1)} in "
    assert f"{text}sliced\\_w2." in tk("export", tmp_path, "--to", "markdown").out
    latex = tk("export", tmp_path, "--to", "latex").out.replace("\\%", "%")
    assert f"{text}sliced\\_w2." in latex


def test_rows_stand_in_the_order_of_numbers(tmp_path: Path) -> None:
    shelve(tmp_path, *(result(nfe=n, sliced_w2=0.2) for n in (None, 20, 4)), result("a"))
    assert [r.run.nfe for r in gather(tmp_path) if str(r.run.method) == "cfm"] == [4, 20, None]
    lines = tk("export", tmp_path, "--to", "markdown").out.splitlines()
    rows = [line.split("|")[1].strip() for line in lines if line.startswith("| cfm")]
    assert rows == ["cfm nfe=4", "cfm nfe=20", "cfm nfe=own"]
    assert "One seed says nothing of the scatter of training." in lines[-1]


def test_the_newest_of_equal_work_stands(tmp_path: Path) -> None:
    shelve(tmp_path, result(versions="1", sliced_w2=0.2), result(versions="2", sliced_w2=0.3))
    for folder in tmp_path.iterdir():
        old = '"transportkit": "1"' in (folder / "result.json").read_text()
        os.utime(folder / "result.json", (1, 1) if old else (2, 2))
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "result.json").write_text("{")
    answer = tk("export", tmp_path, "--to", "csv")
    assert [float(r["mean"]) for r in csv.DictReader(io.StringIO(answer.out))] == [0.3]
    assert "1 older result is left out" in answer.err
    assert "broken/result.json' is damaged" in answer.err


def test_seeds_of_several_versions_are_warned_of(runs: Path, tmp_path: Path) -> None:
    assert "versions" not in tk("export", runs, "--to", "csv").err
    shelve(runs, *(result("cfm", seed, versions="2", sliced_w2=0.4) for seed in (3, 5)))
    text = (
        "the mean of cfm on moons mixes versions: seeds 0-2 of transportkit 1, seeds 3, 5 of "
        "transportkit 2"
    )
    answer = tk("export", runs, "--to", "csv")
    assert answer.err.count("\n") == 1
    assert text in answer.err
    told = tk("report", runs, "-o", tmp_path / "page.html").err
    assert text in told
    assert text in (tmp_path / "page.html").read_text()
    with pytest.warns(UserWarning, match=text):
        gather_runs(runs)


@pytest.mark.parametrize(
    ("said", "damaged"),
    [
        ('"value": 0.2', '"value": "<script>"'),
        ('"value": 0.2', '"value": NaN'),
        ('"status": "done"', '"status": "banana"'),
        ('"seed": 0', '"seed": "zero"'),
        ('"fit_seconds": 2.0', '"fit_seconds": [2.0]'),
        ('"transportkit": "1"', '"transportkit": null'),
    ],
)
def test_a_damaged_result_is_named_and_left_out(said: str, damaged: str, tmp_path: Path) -> None:
    shelve(tmp_path, *(result(seed=seed, sliced_w2=0.2) for seed in range(2)))
    (file,) = tmp_path.glob("cfm-moons-seed0-*/result.json")
    assert said in file.read_text()
    file.write_text(file.read_text().replace(said, damaged))
    answer = tk("export", tmp_path, "--to", "csv")
    assert [r["seeds"] for r in csv.DictReader(io.StringIO(answer.out))] == ["1"]
    assert answer.err.count("\n") == 1
    assert str(file) in answer.err
    assert "left out" in answer.err


def test_a_run_that_lost_its_result_is_named(tmp_path: Path) -> None:
    shelve(tmp_path, *(result(seed=seed, sliced_w2=0.2) for seed in range(2)))
    (place,) = tmp_path.glob("cfm-moons-seed0-*")
    (place / "samples.npz").write_bytes(b"")
    (place / "result.json").unlink()
    answer = tk("export", tmp_path, "--to", "csv")
    assert [r["seeds"] for r in csv.DictReader(io.StringIO(answer.out))] == ["1"]
    assert f"'{place}' has lost its result.json; it is left out" in answer.err


def test_what_cannot_be_exported_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "samples.npy").touch()
    for folder, reason in (
        (tmp_path / "no", "there is no folder"),
        (tmp_path / "samples.npy", "is a file; name the folder where runs are kept"),
        (tmp_path, "holds no run"),
    ):
        answer = tk("export", folder, "--to", "csv")
        assert (answer.status, answer.out, answer.err.count("\n")) == (2, "", 1)
        assert reason in answer.err
    shelve(tmp_path, result(status="failed", message="no"))
    assert "no run here has figures" in tk("export", tmp_path, "--to", "csv").err
    (tmp_path / "file").touch()
    for place, status in (("a/b", 2), ("file/b", 2), ("b" * 300, 2)):
        unwritable = tk(
            "export", tmp_path, "--to", "csv", "--rows", "cells", "-o", tmp_path / place
        )
        assert (unwritable.status, unwritable.err.count("\n")) == (status, 1)
        assert f"'{tmp_path / place}' cannot be written" in unwritable.err
    for place in ("", ".", "/", tmp_path):
        unwritable = tk("export", tmp_path, "--to", "csv", "--rows", "cells", "-o", place)
        assert (unwritable.status, unwritable.err.count("\n")) == (2, 1)
        assert "is a folder; name a file" in unwritable.err
    # A link is followed, and what is no file is written to, not replaced by one.
    (tmp_path / "link").symlink_to(tmp_path / "file")
    for place in (tmp_path / "link", "/dev/null"):
        assert tk("export", tmp_path, "--to", "csv", "--rows", "cells", "-o", place).status == 0
    assert (tmp_path / "file").stat().st_size > 0
    assert (tmp_path / "link").is_symlink()
    assert Path("/dev/null").is_char_device()
    with pytest.raises(UsageError, match="no rows 'nothing'; there are table, cells"):
        gather_runs(tmp_path).export("csv", rows="nothing")  # type: ignore[arg-type]


def test_names_that_are_no_text_are_written(tmp_path: Path) -> None:
    """File systems take any bytes, which Python reads as signs that no text in UTF-8 has."""
    strange, plain = ({"source": f"/{n}.npy", "target": "/q.npy"} for n in ("\udcff", "p"))
    shelve(
        tmp_path / "runs",
        result("cfm", data="samples", sliced_w2=0.2, data_params=strange),
        result("cfm", data="samples", sliced_w2=0.2, data_params=plain),
        result("emd", status="failed", message="of '/\udcff.npy'"),
    )
    for rows in ("table", "cells"):
        for to in ("csv", "latex", "markdown"):
            file = tmp_path / f"{rows}{to}"
            answer = tk("export", tmp_path / "runs", "--to", to, "--rows", rows, "-o", file)
            assert (answer.status, answer.err) == (0, f"3 results to {file}\n")
            text = file.read_text(encoding="utf-8")
            # On paper, cells leave out their long columns.
            assert "udcff" in text or (rows, to) in {("cells", "latex"), ("cells", "markdown")}
    assert tk("report", tmp_path / "runs", "-o", tmp_path / "page").status == 0
    page = (tmp_path / "page").read_text(encoding="utf-8")
    assert '"source":"/\\udcff.npy"' in page


def test_files_of_others_are_not_replaced(runs: Path, tmp_path: Path) -> None:
    run = next(runs.glob("cfm*"))
    (tmp_path / "samples.npy").write_text("samples")
    (tmp_path / "link.html").symlink_to(tmp_path / "samples.npy")
    before = {file: file.read_bytes() for file in (*run.iterdir(), tmp_path / "samples.npy")}
    ends, kept = "ends in .", "is in the folder of a run"
    for line, file, said in (
        ("report {} -o", tmp_path / "samples.npy", f"{ends}npy; html goes to a file that ends in"),
        ("report {} -o", tmp_path / "link.html", f"{ends}npy"),
        ("report {} -o", run / "result.json", f"{ends}json"),
        ("report {} -o", run / "page.html", kept),
        ("report {} -o", run / "page", kept),
        ("export {} --to latex -o", tmp_path / "samples.npy", f"{ends}npy; latex goes to a file"),
        ("export {} --to csv -o", tmp_path / "table.md", f"{ends}md"),
        ("export {} --to csv -o", run / "table.csv", kept),
        (f"push {run} {tmp_path / 'samples.npy'} -o", run / "samples.npz", kept),
    ):
        answer = tk(line.format(runs), file)
        assert (answer.status, answer.err.count("\n")) == (2, 1), line
        assert said in answer.err
    with pytest.raises(UsageError, match=r"ends in \.npy"):
        gather_runs(runs).report(tmp_path / "samples.npy")
    with pytest.raises(UsageError, match="in the folder of a run"):
        gather_runs(runs).export("csv", run / "table.csv")
    assert before == {file: file.read_bytes() for file in before}
    assert set(run.iterdir()) <= set(before)
    for place in ("page.HTM", "page"):
        assert tk("report", runs, "-o", tmp_path / place).status == 0


@pytest.mark.parametrize("to", ["csv", "parquet", "latex", "markdown", "html"])
def test_only_an_earlier_table_is_replaced(to: str, runs: Path, tmp_path: Path) -> None:
    if to == "parquet":
        pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    line = f"report {runs}" if to == "html" else f"export {runs} --to {to}"
    file = tmp_path / "file"
    for content in (b"0.1,0.2\n0.3,0.4\n", b"\xff\x00", b"method,data\n1,2\n", b"\\section{Mine}"):
        file.write_bytes(content)
        answer = tk(line, "-o", file)
        assert (answer.status, answer.err.count("\n")) == (2, 1)
        assert "is there already and is not an earlier" in answer.err
        marked = " with the mark 'written by transportkit'; name another" in answer.err
        assert marked == (to in ("latex", "markdown", "html"))
        assert answer.err.endswith("name another file, or remove that one\n")
        assert file.read_bytes() == content
    if to != "html":
        with pytest.raises(UsageError, match="is there already"):
            gather_runs(runs).export(to, file)  # type: ignore[arg-type]
    # What holds nothing is nobody's loss.
    file.write_bytes(b"")
    # A name is bytes, which need not be text.
    for place in (file, file, *[tmp_path / "caf\udce9"] * 2):
        assert tk(line, "-o", place).status == 0
    for rows in () if to == "html" else ("cells", "pairs", "table"):
        assert tk(line, "--rows", rows, "-o", file).status == 0


def test_a_table_says_on_how_much_its_figures_rest(tmp_path: Path) -> None:
    few = result("emd", sliced_w2=0.3)
    trained = result("otcfm", sliced_w2=0.4)
    trained = replace(trained, run=replace(trained.run, budget=Budget(steps=7)))
    others = result("cfm", sliced_w2=0.2), result("cfm", 1, sliced_w2=0.2)
    shelve(tmp_path, replace(few, points=9), trained, *others)
    setting = (
        "2 seeds (cfm) and 1 (emd, otcfm), 50 points (cfm, otcfm) and 9 (emd), "
        "budget steps=100 (cfm) and steps=7 (otcfm), cpu"
    )
    answer = tk("export", tmp_path, "--to", "markdown")
    assert f"\n{setting}.\n" in answer.out
    assert "Distances on different numbers of points do not compare." in answer.out
    assert "mixes figures on 50 points (cfm, otcfm) and 9 (emd)" in answer.err
    assert "mixes the budgets steps=100 (cfm) and steps=7 (otcfm)" in answer.err
    assert rf"\caption{{moons: {setting}. " in tk("export", tmp_path, "--to", "latex").out
    with pytest.warns(UserWarning, match="mixes"):
        assert setting in repr(gather_runs(tmp_path))
    rows = csv.DictReader(io.StringIO(tk("export", tmp_path, "--to", "csv").out))
    assert [(r["method"], r["points"], r["budget"]) for r in rows] == [
        ("cfm", "50", "steps=100"),
        ("emd", "9", "steps=100"),
        ("otcfm", "50", "steps=7"),
    ]


def test_what_the_names_of_rows_say_is_not_said_again(tmp_path: Path) -> None:
    one = result(sliced_w2=0.2)
    other = replace(one, run=replace(one.run, budget=Budget(steps=7)))
    shelve(tmp_path, one, other)
    answer = tk("export", tmp_path, "--to", "markdown")
    assert "| cfm steps=7 |" in answer.out
    assert "budget steps=7 and steps=100," in answer.out
    assert answer.err == ""


def test_files_go_by_short_names(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        files = {side: f"/data/{folder}/{side}.csv" for side in ("source", "target")}
        shelve(tmp_path, result(data="samples", data_params=files, sliced_w2=0.2))
    for to in ("markdown", "latex", "csv"):
        text = tk("export", tmp_path, "--to", to).out
        assert "/data" not in text
        assert "samples:source=two/source.csv,target=two/target.csv" in text


def test_results_of_other_data_files_stand_beside_each_other(tmp_path: Path) -> None:
    one = result(data="samples", sliced_w2=0.2)
    for digest in ("a", "b"):
        run = replace(one.run, versions={"transportkit": digest, "samples source": digest})
        shelve(tmp_path, replace(one, run=run))
    assert len(gather(tmp_path)) == 2
