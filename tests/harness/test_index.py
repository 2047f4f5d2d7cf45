"""The index of a store: what it says is what the folders say, or it says nothing."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.commands import TINY, tk
from transportkit import Run
from transportkit.harness.index import INDEX, Index
from transportkit.harness.store import Store, read_result


@pytest.fixture
def indexed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Store, Run, Path]:
    """A store of one run that is in its index; the run's folder."""
    monkeypatch.setattr("transportkit.harness.index.WORTH", 1)
    place = Path(tk(f"run linear --data moons {TINY} --json --out {tmp_path}").json["run"])
    store, run = Store(tmp_path), read_result(place).run
    index = Index(store)
    assert index.find(run) == store.find(run)
    index.keep()
    assert list(json.loads((tmp_path / INDEX).read_text())) == [place.name]
    return store, run, place


def test_what_is_known_is_not_read_again(
    indexed: tuple[Store, Run, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, run, place = indexed
    wanted = read_result(place, run)

    def read(*args: object) -> None:
        raise AssertionError("it was read")

    monkeypatch.setattr(Store, "find", read)
    assert Index(store).find(run) == wanted
    # Nothing of that name is there, so there is nothing to read.
    assert Index(store).find(replace(run, seed=9)) is None


def forge(file: Path) -> None:
    """Another value in a file of the same length."""
    text = file.read_text()
    value = json.loads(text)["metrics"]["sliced_w2"]["value"]
    file.write_text(text.replace(str(value), "9" + str(value)[1:], 1))


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-9])


@pytest.mark.parametrize(
    ("name", "harm"),
    [
        ("result.json", forge),
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
    before = store.find(run)
    harm(place / name)
    found = Index(store).find(run)
    assert found == store.find(run)
    assert found != before


@pytest.mark.parametrize("text", ["", "[]", '{"NAME": 3}', '{"NAME": [STAMP, {"status": 1}]}', "{"])
def test_an_index_that_is_damaged_or_gone_is_none(
    text: str, indexed: tuple[Store, Run, Path]
) -> None:
    store, run, place = indexed
    file = store.folder / INDEX
    stamp = json.dumps(json.loads(file.read_text())[place.name][0])
    file.write_text(text.replace("NAME", place.name).replace("STAMP", stamp))
    assert Index(store).find(run) == store.find(run)
    file.unlink()
    assert Index(store).find(run) == store.find(run)


def test_a_full_disk_costs_the_index_alone(
    indexed: tuple[Store, Run, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, run, _ = indexed
    (store.folder / INDEX).write_text("{}")

    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("transportkit.harness.atomic.os.replace", full)
    index = Index(store)
    assert index.find(run) is not None
    index.keep()
    assert (store.folder / INDEX).read_text() == "{}"
    assert not list(store.folder.glob(".partial-*"))
