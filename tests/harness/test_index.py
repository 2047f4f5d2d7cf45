"""The index of a store: what it says is what the folders say, or it says nothing."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.commands import TINY, tk
from transportkit import Result, Run, gather
from transportkit.harness import index as module
from transportkit.harness.index import INDEX, sealed
from transportkit.harness.results import read_result
from transportkit.harness.signing import signed
from transportkit.harness.store import Store, finished


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """An index is written for one run, looked into for one, and waits for no clock."""
    monkeypatch.setattr("transportkit.harness.store.FEW", 0)
    monkeypatch.setattr("transportkit.harness.store.WORTH", 1)
    monkeypatch.setattr(module, "WORTH", 1)
    monkeypatch.setattr(module, "SETTLED", -1)


@pytest.fixture
def indexed(tmp_path: Path) -> tuple[Store, Run, Path]:
    """A store of one run that is in its index; the run's folder."""
    place = Path(tk(f"run linear --data moons {TINY} --json --out {tmp_path}").json["run"])
    store, run = Store(tmp_path), read_result(place).run
    store.remember([run])
    assert list(known(tmp_path)) == [place.name]
    return store, run, place


def known(folder: Path) -> dict[str, list]:
    return unsealed(folder / INDEX)["runs"]


def unsealed(file: Path) -> dict[str, Any]:
    """What an index says below its digest."""
    return json.loads(file.read_text().partition("\n")[2])


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From its call on no folder of a run can be read."""

    def read(*args: object) -> Result:
        raise AssertionError("it was read")

    def forbid() -> None:
        monkeypatch.setattr("transportkit.harness.store.finished", read)
        monkeypatch.setattr("transportkit.harness.store.read_result", read)
        monkeypatch.setattr("transportkit.harness.gather.read_result", read)

    return forbid


def test_what_is_known_is_not_read_again(
    indexed: tuple[Store, Run, Path], unread: Callable[[], None]
) -> None:
    store, run, place = indexed
    wanted = read_result(place, run)
    unread()
    assert Store(store.folder).find(run) == wanted
    assert Store(store.folder, reads=True).find(run) == wanted
    # Nothing of that name is there, so there is nothing to read.
    assert Store(store.folder).find(replace(run, seed=9)) is None
    # With the run itself, for reports and exports.
    (record,) = gather(store.folder).records
    assert record.result == replace(wanted, run=record.run)
    assert record.run.key() == run.key()
    assert tk(f"export {store.folder} --to csv").status == 0


def forge(file: Path) -> None:
    """Another value in a file of the same length."""
    text = file.read_text()
    value = json.loads(text)["metrics"]["sliced_w2"]["value"]
    text = text.replace(str(value), "9" + str(value)[1:], 1)
    file.write_text(json.dumps(signed(json.loads(text)), indent=2) + "\n")


def forge_and_date_back(file: Path) -> None:
    times = file.stat()
    forge(file)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-9])


@pytest.mark.parametrize(
    ("name", "harm"),
    [
        ("result.json", forge),
        ("result.json", forge_and_date_back),
        ("result.json", cut),
        ("samples.npz", cut),
        ("samples.npz", Path.unlink),
        ("model.safetensors", cut),
        ("model.json", Path.unlink),
    ],
)
def test_files_that_changed_are_read(
    name: str, harm: Callable[[Path], None], indexed: tuple[Store, Run, Path]
) -> None:
    store, run, place = indexed
    before = finished(place, run)
    harm(place / name)
    found = Store(store.folder).find(run)
    assert found == finished(place, run)
    assert found != before


def test_a_model_that_is_linked_once_more_is_the_same(
    indexed: tuple[Store, Run, Path], unread: Callable[[], None]
) -> None:
    store, run, place = indexed
    os.link(place / "model.safetensors", store.folder / "another")
    unread()
    assert Store(store.folder).find(run) is not None


def test_what_has_just_been_written_is_not_learnt_yet(
    indexed: tuple[Store, Run, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that changes twice within a tick of a file system's clock has one time."""
    store, run, _ = indexed
    (store.folder / INDEX).unlink()
    monkeypatch.setattr(module, "SETTLED", 3_600_000_000_000)
    Store(store.folder).remember([run])
    assert not (store.folder / INDEX).exists()


def test_runs_that_are_gone_leave_the_index(indexed: tuple[Store, Run, Path]) -> None:
    store, run, place = indexed
    shutil.rmtree(place)
    other = tk(f"run linear --data moons --seed 1 {TINY} --json --out {store.folder}").json["run"]
    fresh = Store(store.folder)
    assert fresh.find(run) is None
    fresh.remember([read_result(Path(other)).run])
    assert list(known(store.folder)) == [Path(other).name]


def test_a_run_that_was_done_again_is_learnt_anew(indexed: tuple[Store, Run, Path]) -> None:
    store, run, place = indexed
    forge(place / "result.json")
    stale = known(store.folder)
    Store(store.folder).remember([run])
    assert known(store.folder) != stale
    assert Store(store.folder).find(run) == finished(place, run)


def test_parts_that_no_run_has_leave_the_index(
    indexed: tuple[Store, Run, Path], unread: Callable[[], None]
) -> None:
    store, run, place = indexed
    file = store.folder / INDEX
    content = unsealed(file)
    used = len(content["parts"])
    # What earlier versions left: parts before and behind those in use.
    content["parts"] = [*({"gone": i} for i in range(used)), *content["parts"], "gone"]
    shared = [content["fields"].index(name) for name in module.SHARED]
    for _, _, coded in content["runs"].values():
        for i in shared:
            coded[i] += used
    file.write_bytes(sealed(json.dumps(content).encode()))
    forge(place / "result.json")
    Store(store.folder).remember([run])
    assert len(unsealed(file)["parts"]) == used
    wanted = finished(place, run)
    unread()
    assert Store(store.folder).find(run) == wanted
    (record,) = gather(store.folder).records
    assert record.result == replace(wanted, run=record.run)
    assert record.run.key() == run.key()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        "[" * 100_000 + "]" * 100_000,
        '{"fields": FIELDS, "parts": [], "runs": {"NAME": 3}}',
        '{"fields": FIELDS, "parts": [], "runs": {"NAME": [STAMP, {"status": 1}, []]}}',
        '{"fields": ["other"], "parts": [], "runs": {"NAME": [STAMP, {}, []]}}',
    ],
)
def test_an_index_that_is_damaged_or_gone_is_none(
    text: str, indexed: tuple[Store, Run, Path]
) -> None:
    store, run, place = indexed
    file = store.folder / INDEX
    content = unsealed(file)
    stamp, fields = json.dumps(content["runs"][place.name][0]), json.dumps(content["fields"])
    text = text.replace("NAME", place.name).replace("STAMP", stamp).replace("FIELDS", fields)
    file.write_bytes(sealed(text.encode()))
    assert Store(store.folder).find(run) == finished(place, run)
    assert len(gather(store.folder).records) == 1
    file.unlink()
    assert Store(store.folder).find(run) == finished(place, run)


def test_a_full_disk_costs_the_index_alone(
    indexed: tuple[Store, Run, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, run, _ = indexed
    (store.folder / INDEX).write_text("{}")

    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("transportkit.harness.atomic.os.replace", full)
    fresh = Store(store.folder)
    assert fresh.find(run) is not None
    fresh.remember([run])
    assert (store.folder / INDEX).read_text() == "{}"
    assert not list(store.folder.glob(".partial-*"))


def test_an_index_that_was_edited_tells_nothing(indexed: tuple[Store, Run, Path]) -> None:
    store, run, place = indexed
    wanted = finished(place, run)
    assert wanted is not None
    file, value = store.folder / INDEX, wanted.metrics["sliced_w2"].value
    assert str(value) in file.read_text()
    file.write_text(file.read_text().replace(str(value), "0.001"))
    assert Store(store.folder).find(run) == wanted
    assert gather(store.folder).records[0].result == wanted
