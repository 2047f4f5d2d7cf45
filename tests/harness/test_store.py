"""The store: what is found there is whole."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.commands import TINY, tk
from transportkit import Choice, DataError, Run
from transportkit.harness.atomic import marked
from transportkit.harness.results import read_result
from transportkit.harness.signing import signed
from transportkit.harness.store import Store
from transportkit.problems.files import read_points


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("store")
    return Path(tk(f"run cfm --data moons {TINY} --json --out {out}").json["run"])


@pytest.fixture
def copied(folder: Path, tmp_path: Path) -> tuple[Store, Run, Path]:
    """A store with one run, and the run's folder in it."""
    run = read_result(folder).run
    place = tmp_path / folder.name
    fit = tmp_path / "fits" / f"cfm-{run.fit_key()}"
    for target in (place, fit):
        target.mkdir(parents=True)
        for file in folder.iterdir():
            (target / file.name).write_bytes(file.read_bytes())
    return Store(tmp_path), run, place


def test_a_result_reads_back_as_it_was(folder: Path) -> None:
    result = read_result(folder)
    assert result.status == "done"
    assert result.event_shape == (2,)
    assert Store(folder.parent).place(result.run) == folder
    assert Store(folder.parent).find(result.run) == result
    assert list(Store(folder.parent).results()) == [result]
    assert Store(folder.parent).find(replace(result.run, seed=9)) is None


def test_names_with_a_slash_stay_in_the_folder(copied: tuple[Store, Run, Path]) -> None:
    store, run, _ = copied
    strange = replace(run, method=Choice("../x/y", run.method.params))
    assert store.place(strange).parent == store.folder
    assert store.checkpoint(strange).parent == store.folder / "fits"


def nest(file: Path) -> None:
    """Values in values, deeper than Python follows."""
    file.write_text("[" * 100_000 + "]" * 100_000)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def lengthen(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"more")


@pytest.mark.parametrize("harm", [cut, nest, Path.unlink])
@pytest.mark.parametrize("name", ["result.json", "samples.npz", "model.json", "model.safetensors"])
def test_a_run_that_is_not_whole_is_not_found(
    name: str, harm: Callable[[Path], None], copied: tuple[Store, Run, Path]
) -> None:
    store, run, place = copied
    assert store.find(run) is not None
    harm(place / name)
    assert store.find(run) is None


def test_weights_of_another_length_are_not_found(copied: tuple[Store, Run, Path]) -> None:
    store, run, place = copied
    lengthen(place / "model.safetensors")
    assert store.find(run) is None


@pytest.mark.parametrize("harm", [cut, nest, Path.unlink])
@pytest.mark.parametrize("name", ["fit.json", "model.json", "model.safetensors"])
def test_a_fit_that_is_not_whole_is_not_found(
    name: str, harm: Callable[[Path], None], copied: tuple[Store, Run, Path]
) -> None:
    store, run, _ = copied
    fit = store.find_fit(run, "cpu")
    assert fit is not None
    assert fit.steps == 5
    harm(store.folder / "fits" / f"cfm-{run.fit_key()}" / name)
    assert store.find_fit(run, "cpu") is None


@pytest.mark.parametrize("text", ["", "3", "[]", "null", "{}", '{"run": 3}', '{"run": {}}', "\x00"])
def test_what_is_no_result(text: str, tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text(text)
    with pytest.raises(DataError, match="is damaged") as error:
        read_result(tmp_path)
    assert "\n" not in str(error.value)


def test_a_result_without_metrics_is_damaged(folder: Path, tmp_path: Path) -> None:
    content = json.loads((folder / "result.json").read_text())
    lacking = ({"metrics": 3}, {"metrics": {}}, {"metrics": {"w2": {"worth": 3}}})
    strange = [
        {"run": {**content["run"], **part}}
        for part in (
            {"method": {"name": 3, "params": {}}},
            {"problem": {"name": "moons", "params": []}},
            {"versions": None},
            {"nfe": float("inf")},
        )
    ]
    for changed in (*lacking, *strange, {"event_shape": 3}, {"event_shape": ["x"]}):
        (tmp_path / "result.json").write_text(json.dumps({**content, **changed}))
        with pytest.raises(DataError, match="is damaged"):
            read_result(tmp_path)


def changed(result: dict[str, Any], path: str, value: Any) -> str:
    """A result as signed JSON with another value, or none for ..., where `path` leads to."""
    result = json.loads(json.dumps(result))
    *way, last = [int(step) if step.isdigit() else step for step in path.split()]
    inner: Any = result
    for step in way:
        inner = inner[step]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return json.dumps(signed(result))


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        ("metrics", 3, "metrics should hold values by name, not 3"),
        ("metrics sliced_w2", 3, "what it says of sliced_w2 should hold values by name, not 3"),
        ("metrics sliced_w2", None, "what it says of sliced_w2 should hold values by name"),
        ("metrics sliced_w2 of", 3, "what it says of sliced_w2 holds 'of', which is not known"),
        ("metrics sliced_w2 value", ..., "is damaged: it says nothing of 'value'"),
        ("metrics sliced_w2 value", "1", "the value of sliced_w2 should be a number, not '1'"),
        ("metrics sliced_w2 note", 3, "the note of sliced_w2 should be a text"),
        ("metrics sliced_w2 value", 10**400, "the value of sliced_w2 should be a number, not 1000"),
        ("stops", 3, "stops should hold values by name, not 3"),
        ("alone", 3, "alone should be true or false, not 3"),
        ("of", 3, "it holds 'of', which is not known here"),
        ("status", ..., "is damaged: it says nothing of 'status'"),
        ("run", 3, "run should hold values by name, not 3"),
        ("run of", 3, "run holds 'of', which is not known here"),
        ("run nfe", "x", "nfe should be a whole number, not 'x'"),
        ("run tf32", "x", "tf32 should be true or false, not 'x'"),
        ("run device", 3, "device should be a text, not 3"),
        ("run versions", None, "versions should hold values by name, not None"),
        ("run versions numpy", None, "the version of numpy should be a text, not None"),
        ("run versions numpy", ["2"], "the version of numpy should be a text, not ['2']"),
        ("run budget", 3, "budget should hold values by name, not 3"),
        ("run budget of", 3, "budget holds 'of', which is not known here"),
        ("run integrator", 0, "integrator should hold values by name, not 0"),
        ("run method name", 3, "the name of method should be a text, not 3"),
        ("run method params", [], "params of method should hold values by name, not []"),
        ("run metrics", 3, "the metrics of run should be a list, not 3"),
        ("run metrics 0", "w2", "one of the metrics should hold values by name, not 'w2'"),
        ("run metrics 0 of", 3, "one of the metrics holds 'of', which is not known here"),
    ],
)
def test_a_damaged_result_says_in_what(
    path: str, value: Any, text: str, folder: Path, tmp_path: Path
) -> None:
    result = json.loads((folder / "result.json").read_text())
    (tmp_path / "result.json").write_text(changed(result, path, value))
    with pytest.raises(DataError, match="is damaged") as error:
        read_result(tmp_path)
    assert text in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        ("metrics 0 params of", 3, "metric 'sliced_w2' has no parameter 'of'"),
        ("metrics 0 params projections", "x", "parameter 'projections' of metric 'sliced_w2' must"),
        ("method params of", 3, "method 'cfm' has no parameter 'of'"),
        ("problem params of", 3, "problem 'moons' has no parameter 'of'"),
        ("integrator params of", 3, "integrator 'midpoint' has no parameter 'of'"),
    ],
)
def test_parameters_that_a_plugin_does_not_have_are_named(
    path: str,
    value: Any,
    text: str,
    folder: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Other versions of it may have had them, so the run is read all the same, and once for all."""
    result = json.loads((folder / "result.json").read_text())
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "result.json").write_text(changed(result, f"run {path}", value))
        assert read_result(tmp_path / name).status == "done"
    (record,) = caplog.records
    assert str(tmp_path / "one" / "result.json") in record.getMessage()
    assert text in record.getMessage()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metrics sliced_w2 value", 1e-3),
        ("run seed", 5),
        ("run problem params definition", "dsb"),
        ("fit_seconds", 1.0),
        ("digest", None),
    ],
)
def test_a_result_that_was_changed_is_not_found_finished(
    path: str, value: Any, copied: tuple[Store, Run, Path]
) -> None:
    store, run, place = copied
    assert store.find(run) is not None
    result = json.loads((place / "result.json").read_text())
    edited = json.loads(changed(result, path, value)) | {"digest": result["digest"]}
    if path == "digest":
        edited["digest"] = value
    (place / "result.json").write_text(json.dumps(edited))
    assert store.find(run) is None
    with pytest.raises(DataError, match="it says something else than was saved"):
        read_result(place)


def test_a_result_without_a_digest_is_read(copied: tuple[Store, Run, Path]) -> None:
    store, run, place = copied
    result = json.loads((place / "result.json").read_text())
    del result["digest"]
    (place / "result.json").write_text(json.dumps(result))
    assert store.find(run) is not None


def test_a_fit_that_was_changed_is_not_found(copied: tuple[Store, Run, Path]) -> None:
    store, run, _ = copied
    file = store.folder / "fits" / f"cfm-{run.fit_key()}" / "fit.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"seconds": 1000.0}))
    assert store.find_fit(run, "cpu") is None


def test_leftovers_of_the_dead_are_cleared_when_a_store_is_opened(tmp_path: Path) -> None:
    (tmp_path / ".partial-dead").mkdir()
    (tmp_path / ".partial-dead" / "result.json").touch()
    host, ended = socket.gethostname(), subprocess.Popen(["true"])
    ended.wait()
    (tmp_path / f".plan-{host}-dead").mkdir()
    kept = [f"a.checkpoint.{host}.{os.getpid()}.partial", "a.checkpoint.other.1.partial"]
    (tmp_path / "fits").mkdir()
    for name in (f"a.checkpoint.{host}.{ended.pid}.partial", "a.checkpoint", *kept):
        (tmp_path / "fits" / name).touch()
    (tmp_path / ".plan-other-1").mkdir()
    store = Store(tmp_path)
    # Nothing tells of other machines whether their processes live.
    assert {p.name for p in tmp_path.iterdir()} == {"fits", ".plan-other-1"}
    assert {p.name for p in (tmp_path / "fits").iterdir()} == {"a.checkpoint", *kept}
    with marked(tmp_path) as mark:
        Store(tmp_path)
        assert mark.exists()
    assert not mark.exists()
    with store.writing(tmp_path / "run") as partial:
        Store(tmp_path)
        assert partial.exists()


def test_a_folder_may_have_a_name_that_is_no_text_in_utf8(
    copied: tuple[Store, Run, Path], tmp_path: Path
) -> None:
    _, run, place = copied
    other = tmp_path / os.fsdecode(b"runs-\xff")
    try:
        other.mkdir()
    except OSError:
        pytest.skip("the file system has no such names")
    shutil.copytree(place, other / place.name)
    shutil.copytree(tmp_path / "fits", other / "fits")
    assert Store(other).find_fit(run, "cpu") is not None
    np.save(tmp_path / "x.npy", np.zeros((3, 2), np.float32))
    moved = other / "y.safetensors"
    assert tk("push", other / place.name, tmp_path / "x.npy", "-o", moved).status == 0
    assert read_points(moved).shape == (3, 2)
