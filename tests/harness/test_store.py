"""The store: what is found there is whole."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.commands import TINY, tk
from transportkit import Choice, DataError, Run
from transportkit.harness.atomic import marked
from transportkit.harness.results import read_result
from transportkit.harness.store import Store


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


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def lengthen(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"more")


@pytest.mark.parametrize("harm", [cut, Path.unlink])
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


@pytest.mark.parametrize("harm", [cut, Path.unlink])
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
