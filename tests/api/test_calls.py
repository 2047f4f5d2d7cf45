"""From Python: what the command line does, as objects."""

from __future__ import annotations

import inspect
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.strangers import Strangers
from tests.trouble import install_trouble
from transportkit import (
    Budget,
    Comparison,
    DataError,
    Pushed,
    Refusal,
    RunRecord,
    UsageError,
    available,
    compare,
    gather,
    info,
    load,
    new_plugin,
    plan,
    push,
    reproduce,
    run,
)
from transportkit.api.calls import _experiment
from transportkit.api.pushing import points_of
from transportkit.cli import main
from transportkit.cli.app import tk
from transportkit.harness.plan import Settings
from transportkit.harness.plan import plan as planned

SMALL = {"points": 200, "metrics": ["w2", "cost"]}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def comparison(runs: Path) -> Comparison:
    return compare(["linear", "emd"], "gaussians", seeds="0-1", out=runs, **SMALL)


def test_a_run_is_what_the_command_line_makes(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = run("linear", "gaussians", seed=np.int64(0), out=runs, **SMALL)
    assert record.status == "done"
    assert record.metrics["w2"].ratio is not None
    command = "run linear --data gaussians --points 200 --metric w2 --metric cost --json --out"
    with pytest.raises(SystemExit) as stop:
        main([*command.split(), str(runs)])
    assert stop.value.code == 0
    document = json.loads(capsys.readouterr().out)
    again = run("linear", "gaussians", out=runs, **SMALL)
    assert document["found"]
    assert again.found
    assert again.to_dict() == document


def test_a_comparison_is_a_table_of_runs(comparison: Comparison, runs: Path) -> None:
    assert [r.run.seed for r in comparison.records] == [0, 1, 0, 1]
    assert {(r.method, r.metric) for r in comparison.table} == {
        (method, metric) for method in ("linear", "emd") for metric in ("w2", "cost")
    }
    assert "emd" in comparison.best("w2")
    with pytest.raises(UsageError, match="there is no mmd"):
        comparison.best("mmd")
    gathered = gather(runs)
    mine = {r.run.key() for r in comparison.records}
    assert mine <= {r.run.key() for r in gathered.records}
    assert b"emd" in comparison.export("csv")
    assert b"| emd |" in comparison.export("markdown")
    with pytest.raises(UsageError, match="csv, parquet, latex, markdown"):
        comparison.export("md")  # type: ignore[arg-type]
    text, page = repr(comparison), comparison._repr_html_()
    assert "\\" not in text
    assert "|" not in text
    for shown in (text, page):
        assert "linear" in shown
        assert "emd" in shown
    assert page.count("<table>") == page.count("</table>") == 1


def test_a_run_gives_its_model_and_its_samples(comparison: Comparison) -> None:
    record = comparison.records[0]
    samples = record.samples
    moved = record.push(samples["source"])
    np.testing.assert_allclose(moved.points.numpy(), samples["moved"], atol=1e-5)
    assert moved.finished == 1.0
    for carry in (record.push, partial(push, record)):
        with pytest.warns(UserWarning, match="5 of 5 points lie far outside the source") as told:
            assert carry(samples["source"][:5] + 1e6).message
        assert told[0].filename == __file__
    again = push(record.folder, torch.as_tensor(samples["source"]))
    assert torch.equal(again.points, moved.points)
    assert load(record.folder).result == record.result
    with pytest.raises(DataError, match="moves points of shape"):
        record.push(np.zeros((3, 5)))
    with pytest.raises(UsageError, match="linear moves points by a map; leave out"):
        record.push(samples["source"], nfe=3)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_what_is_damaged_in_a_run_is_named(runs: Path, tmp_path: Path, share: float) -> None:
    harmed = tmp_path / "run"
    shutil.copytree(run("linear", "gaussians", out=runs, **SMALL).folder, harmed)
    for file in (harmed / "samples.npz", harmed / "fit.json"):
        content = file.read_bytes()
        file.write_bytes(content[: int(share * len(content))])
    record = load(load(harmed))
    with pytest.raises(DataError, match=r"samples\.npz' is damaged or missing"):
        _ = record.samples
    with pytest.raises(DataError, match=r"fit\.json' is damaged or missing"):
        _ = record.losses
    assert "linear" in Comparison([record]).report(tmp_path / "page.html").read_text()


def test_arrays_are_samples(tmp_path: Path) -> None:
    source = np.random.default_rng(0).normal(size=(80, 3))
    target = torch.as_tensor(source) * 2 + 1
    first = run("linear", source=source, target=target, out=tmp_path, metrics=["w2"])
    again = run(
        "linear", source=torch.as_tensor(source), target=target, out=tmp_path, metrics=["w2"]
    )
    assert again.found
    assert again.folder == first.folder
    np.testing.assert_allclose(first.push(source[:5]).points.numpy(), source[:5] * 2 + 1, atol=0.5)
    with pytest.raises(UsageError, match="target is missing"):
        run("linear", source=source, out=tmp_path)
    with pytest.raises(DataError, match="the source array: 80 of 80 rows have NaN"):
        run("linear", source=source * np.nan, target=target, out=tmp_path)
    for attempt in (
        lambda: run("linear", source=source * 1e20, target=target, out=tmp_path),
        lambda: first.push(source * 1e20),
        lambda: first.push(source * 1e300),
    ):
        with pytest.raises(DataError, match="beyond single precision"):
            attempt()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda x: x[:3], "the source array has 3 samples; at least 8"),
        (lambda x: x[:, :0], r"the source array has shape \(80, 0\) and so holds no points"),
        (lambda x: x[:, 0], r"the source array has shape \(80,\); points have shape"),
        (lambda x: x[:, :2], r"the source array has points of shape \(2,\) and the target array"),
        (lambda x: x * [1, 1, 0], "the source array: column 3 is constant at 0; remove it"),
        (lambda x: x * 1e-30, "the source array has values that differ by"),
        (lambda x: x * 1e-60, "the source array has values that are 0 in single precision"),
        (lambda x: x.astype(str), "the source array holds text"),
        (lambda x: x.astype(object), "the source array should be a tensor, an array or a file"),
        (lambda x: np.ma.masked_greater(x, 1), "the source array has masked values"),
        (lambda x: [[1, 2], [3]], "the source array should be a tensor, an array or a file"),
    ],
)
def test_what_is_wrong_with_an_array_is_told_of_it(
    spoil: Callable[[Any], Any], said: str, tmp_path: Path
) -> None:
    x = np.random.default_rng(0).normal(size=(80, 3))
    with pytest.raises(DataError, match=said) as error:
        run("linear", source=spoil(x), target=x + 1, out=tmp_path)
    assert ".npy" not in str(error.value)


class OnDevice:
    """An array of another library on a CUDA device, as torch reads it and numpy does not."""

    def __init__(self, x: Any) -> None:
        self.__cuda_array_interface__ = x

    def __array__(self, *_: object, **__: object) -> None:
        raise TypeError("implicit conversion to a NumPy array is not allowed")


def test_arrays_on_a_device_are_points(monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.randn(5, 2)
    monkeypatch.setattr(torch, "as_tensor", lambda given: given.__cuda_array_interface__)
    assert torch.equal(points_of(OnDevice(x)), x)  # type: ignore[arg-type]
    assert torch.equal(points_of(x), x)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_arrays_on_a_cuda_device_are_points() -> None:
    x = torch.randn(5, 2, device="cuda")
    given = OnDevice(x.__cuda_array_interface__)
    assert torch.equal(points_of(given), x.cpu())  # type: ignore[arg-type]


def test_warnings_of_arrays_are_of_them(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    x = np.random.default_rng(0).integers(0, 120, size=(2, 80, 2))
    x = (x * [1, 100]).astype(np.uint16)
    for each in (x, x[:, ::2]):
        caplog.clear()
        run("linear", source=each[0], target=each[1], out=tmp_path, metrics="w2")
        assert "the source array: " in caplog.text
        assert ".npy" not in caplog.text


def test_what_is_wrong_raises(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'gaussians'"):
        run("linear", "gaussian", out=tmp_path)
    with pytest.raises(UsageError, match="name a problem"):
        compare("linear", out=tmp_path)
    with pytest.raises(UsageError, match="no parameter 'widt'"):
        run("cfm", "gaussians", params={"widt": 3}, out=tmp_path)
    with pytest.raises(UsageError, match="not by tuple; give samples as source="):
        run("linear", (np.zeros((4, 2)), np.ones((4, 2))), out=tmp_path)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="a method is named by text, not by int"):
        compare(["linear", 3], "gaussians", out=tmp_path)  # type: ignore[list-item]
    with pytest.raises(UsageError, match="methods is an empty list"):
        compare([], "gaussians", out=tmp_path)
    with pytest.raises(UsageError, match="complex numbers; points must be real"):
        run("linear", source=np.ones((9, 2), complex), target=np.ones((9, 2)), out=tmp_path)
    with pytest.raises(UsageError, match="unknown device 'None'; use auto"):
        run("linear", "gaussians", device=None, out=tmp_path)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="name the folder of a run, not None"):
        load(None)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="more than 100000 values are given"):
        compare("linear", "gaussians", seeds=count(), out=tmp_path)
    with pytest.raises(UsageError, match="leave out integrator and nfe"):
        run("linear", "gaussians", nfe=3, out=tmp_path)
    with pytest.raises(Refusal, match="cfm: midpoint needs at least 2"):
        run("cfm", "gaussians", integrator="midpoint", nfe=1, budget=1, out=tmp_path, points=20)


@pytest.mark.parametrize(
    "given",
    [
        {
            "seeds": np.int64(1),
            "points": np.int64(400),
            "budget": np.int64(7),
            "nfe": [np.int64(4)],
        },
        {"seeds": np.array(1), "points": torch.tensor(400), "budget": [7], "nfe": np.array([4, 4])},
    ],
)
def test_any_whole_number_is_a_number(given: dict[str, Any], tmp_path: Path) -> None:
    plain = Settings(points=400, budget=Budget(steps=7), nfe=4, metrics=["w2"], device="cpu")
    asked = _experiment(
        "cfm", "gaussians", None, None, given["seeds"], given["budget"], None, given["nfe"], None,
        None, False, tmp_path, points=given["points"], metrics="w2", device="cpu",
    )  # fmt: skip
    (ours,) = asked.runs()
    assert ours.key() == planned(["cfm"], ["gaussians"], [1], plain)[0].key()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"seeds": [-1]}, "a seed must be at least 0, not -1"),
        ({"seeds": 1.5}, "a seed must be a whole number, not 1.5"),
        ({"budget": True}, "a budget's steps must be a whole number, not True"),
        ({"budget": 100.0}, "a budget's steps must be a whole number, not 100.0"),
        ({"nfe": [4.0]}, "nfe must be a whole number, not 4.0"),
        ({"points": True}, "points must be a whole number, not True"),
        ({"metrics": 3}, "a metric is named by text, not by int"),
        ({"integrator": 3.0}, "an integrator is named by text, not by float"),
    ],
)
def test_what_is_no_whole_number_is_refused(
    given: dict[str, Any], said: str, tmp_path: Path
) -> None:
    for ask in (plan, compare):
        with pytest.raises(UsageError, match=said):
            ask("cfm", "gaussians", out=tmp_path, **given)
    with pytest.raises(UsageError, match="jobs must be at least 1"):
        compare("cfm", "gaussians", out=tmp_path, jobs=0)
    with pytest.raises(UsageError, match="a seed must be at least 0"):
        run("cfm", "gaussians", out=tmp_path, seed=-1)


def test_a_warning_points_at_who_asked(
    tmp_path: Path, strangers: Strangers, recwarn: pytest.WarningsRecorder
) -> None:
    install_trouble(strangers)
    ask: dict[str, Any] = {"points": 20, "metrics": ["brittle"], "out": tmp_path}
    run("linear", "gaussians", **ask)
    compare("linear", "gaussians", **ask)
    assert [warning.filename for warning in recwarn] == [__file__] * 2


def test_a_refusal_is_a_row_of_a_comparison(tmp_path: Path) -> None:
    both = compare(
        ["cfm:width=8", "linear"], "gaussians", integrator="midpoint", nfe=1, budget=1,
        out=tmp_path, **SMALL,
    )  # fmt: skip
    assert [r.status for r in both.records] == ["refused", "done"]
    assert not both.failed
    assert "midpoint needs at least 2" in repr(both)


def test_plugins_describe_themselves() -> None:
    assert {"linear", "efm"} <= set(available("methods").names)
    assert {about.kind for about in available()} >= {"method", "problem", "metric", "integrator"}
    about = info("linear")
    assert about.to_dict()["params"]["points"]["default"] == 100_000
    assert "Olkin" in repr(about)
    assert "<td>shrinkage</td>" in about._repr_html_()
    with pytest.raises(UsageError, match="did you mean 'linear'"):
        info("linar")
    assert info("linear", kind="methods") == info("linear", kind="method") == about
    for ask in (available, lambda kind: info("linear", kind=kind)):
        with pytest.raises(UsageError, match="no kind of plugin is called 'methds'"):
            ask("methds")
    assert "<b>a&lt;b</b>" in replace(about, name="a<b")._repr_html_()


def test_a_plan_says_what_would_be_done(
    comparison: Comparison, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = plan(["linear", "cfm"], "gaussians", seeds="0-2", out=runs, **SMALL)
    command = "compare linear cfm --data gaussians --seeds 0-2 --points 200 --metric w2"
    with pytest.raises(SystemExit):
        main([*command.split(), "--metric", "cost", "--dry-run", "--json", "--out", str(runs)])
    assert asked.to_dict() == json.loads(capsys.readouterr().out)
    assert [(line.method, line.cells, line.found) for line in asked.lines] == [
        ("linear", 3, 2),
        ("cfm", 3, 0),
    ]
    assert "6 cells, 2 of them found finished; about" in repr(asked)
    one = plan("linear", "gaussians", seeds=0, out=runs, **SMALL)
    assert "\n1 cell, 1 of them found finished." in repr(one)
    anew = plan("cfm", "gaussians", seeds=0, out=runs / "none", **SMALL)
    assert "\n1 cell, 0 of them found finished; what the rest takes is not known." in repr(anew)
    for sweep, cells in (("8,16", 2), ((8, 16), 2), (np.array([8, 16]), 2), ("8", 1), (8, 1)):
        assert plan("cfm", "gaussians", sweep={"width": sweep}, out=runs, **SMALL).cells == cells


def test_a_plan_writes_nothing(tmp_path: Path) -> None:
    source = np.random.default_rng(0).normal(size=(80, 3))
    ask: dict[str, Any] = {"source": source, "target": source + 1, "metrics": ["w2"]}
    ask["out"] = tmp_path / "runs"
    assert (plan("linear", **ask).found, list(tmp_path.iterdir())) == (0, [])
    run("linear", **ask)
    dead = tmp_path / "runs" / ".partial-dead"
    dead.mkdir()
    (dead / "result.json").touch()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("*")}
    assert plan("linear", **ask).found == 1
    assert plan(["linear", "emd"], **{**ask, "source": source + 2}).found == 0
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("*")} == before
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="samples' cannot be written"):
        run("linear", **{**ask, "out": tmp_path / "file"})


def test_pages_pictures_points_and_reproductions(comparison: Comparison, tmp_path: Path) -> None:
    page = comparison.report(tmp_path / "report.html", title="Two maps")
    assert "<title>Two maps</title>" in page.read_text()
    field = run("cfm:width=8", "gaussians", budget=2, out=tmp_path / "runs", points=40)
    (drawn,) = field.plot("lines", lines=5, output=tmp_path / "pictures")
    assert drawn.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UsageError, match="there is no picture 'line'"):
        field.plot("line")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="names a picture"):
        field.plot("lines", output="lines.png")
    with pytest.raises(Refusal, match="no lines to draw"):
        comparison.records[0].plot()
    pushed = field.push(field.samples["source"])
    saved = pushed.save(tmp_path / "moved.npy")
    assert np.array_equal(np.load(saved), pushed.points.numpy())
    again = reproduce(field.folder)
    assert again.equal
    assert repr(again).endswith("agrees to the bit")
    stored = field.folder / "samples.npz"
    stored.write_bytes(stored.read_bytes()[:200])
    with pytest.raises(DataError, match="is damaged or missing"):
        field.plot("lines", output=tmp_path / "pictures")


@pytest.mark.parametrize(
    ("call", "command"),
    [
        (run, "run"),
        (compare, "compare"),
        (RunRecord.plot, "plot"),
        (Pushed.save, "push"),
        (Comparison.export, "export"),
        (Comparison.report, "report"),
        (new_plugin, "plugin new"),
    ],
)
def test_where_things_go_is_named_as_at_the_command_line(call: Any, command: str) -> None:
    """`out` is where runs are kept, `output` what a call writes."""
    found: Any = tk
    for word in command.split():
        found = found.commands[word]
    names = {"out", "output", "file"}
    typed = {option.removeprefix("--") for p in found.params for option in p.opts} & names
    assert names & set(inspect.signature(call).parameters) == typed


def test_a_package_to_begin_from(tmp_path: Path) -> None:
    files = new_plugin("beginning", "metric", tmp_path / "new")
    assert all(file.is_file() for file in files)
    with pytest.raises(UsageError, match="did you mean 'metric'"):
        new_plugin("beginning", "metrics", tmp_path / "other")  # type: ignore[arg-type]


def test_a_frame_asks_for_pandas_alone(comparison: Comparison) -> None:
    pandas = pytest.importorskip("pandas")
    frame = comparison.to_frame()
    assert isinstance(frame, pandas.DataFrame)
    assert len(frame) == len(comparison.table)
    assert len(comparison.to_frame("cells")) == 4


def test_importing_names_loads_what_they_need_and_no_more() -> None:
    script = (
        "import sys, transportkit\n"
        "from transportkit import info, available\n"
        "info('linear'), available()\n"
        "assert not {'torch', 'numpy', 'pandas', 'IPython'} & set(sys.modules)\n"
        "from transportkit import run\n"
        "assert 'pandas' not in sys.modules and 'IPython' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize(
    ("call", "given", "text"),
    [
        (run, {"out": 3}, "out must be the path of a file or folder, not 3"),
        (run, {"params": 3}, "params must hold values by name, such as {'lr': 1e-3}, not 3"),
        (run, {"fresh": "no"}, "fresh must be True or False, not 'no'"),
        (compare, {"out": 3}, "out must be the path"),
        (compare, {"suite": 3}, "suite must be the path"),
        (compare, {"sweep": ["lr"]}, "sweep must hold values by name"),
        (compare, {"executor": 3}, "an executor is named by text, not by int"),
        (plan, {"tf32": "off"}, "tf32 must be True or False"),
    ],
)
def test_what_is_of_another_type(call: Any, given: dict[str, Any], text: str) -> None:
    with pytest.raises(UsageError, match=re.escape(text)):
        call("linear", "moons", **given)
