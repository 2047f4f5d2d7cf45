"""Folders written whole or not at all, whenever the process dies."""

from __future__ import annotations

import json
import os
import random
import signal
import stat
import time
from pathlib import Path

import pytest

from transportkit.harness.atomic import clear_leftovers, filling

KILLS = 25
FILES = 4


def write(place: Path, beside: Path, content: int) -> None:
    """A folder of a few files that must agree."""
    with filling(place, beside) as folder:
        for i in range(FILES):
            (folder / f"{i}.json").write_text(json.dumps([content] * 500))


def is_whole(folder: Path) -> bool:
    contents = {(folder / f"{i}.json").read_text() for i in range(FILES)}
    return len(contents) == 1 and len(json.loads(contents.pop())) == 500


def writer(beside: Path) -> int:
    """A process that writes and replaces folders until it is killed; its id."""
    child = os.fork()
    if child == 0:
        try:
            for i in range(100_000):
                write(beside / f"run-{i % 5}", beside, i)
        finally:
            os._exit(1)
    return child


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_killed_at_any_moment(tmp_path: Path) -> None:
    draw = random.Random(0)
    for _ in range(KILLS):
        there = {p.name for p in tmp_path.glob("run-*")}
        child = writer(tmp_path)
        time.sleep(draw.uniform(0.001, 0.06))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        clear_leftovers(tmp_path)
        assert not list(tmp_path.glob(".*"))
        now = {p.name: p for p in tmp_path.glob("run-*")}
        # What was there is still there, the old or the new.
        assert there <= now.keys()
        assert all(is_whole(folder) for folder in now.values())
    assert now


def test_work_in_progress_is_no_leftover(tmp_path: Path) -> None:
    with filling(tmp_path / "run", tmp_path) as folder:
        (folder / "file").touch()
        clear_leftovers(tmp_path)
        assert (folder / "file").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_a_block_that_raises_leaves_what_was_there(tmp_path: Path) -> None:
    write(tmp_path / "run", tmp_path, 1)

    def fail() -> None:
        with filling(tmp_path / "run", tmp_path) as folder:
            (folder / "0.json").write_text("half")
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        fail()
    assert is_whole(tmp_path / "run")
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_one_that_made_way_for_nothing_goes_back(tmp_path: Path) -> None:
    write(tmp_path / "run", tmp_path, 1)
    left = tmp_path / ".replaced-dead"
    left.mkdir()
    (tmp_path / "run").rename(left / "run")
    clear_leftovers(tmp_path)
    assert is_whole(tmp_path / "run")
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_one_that_made_way_for_another_goes(tmp_path: Path) -> None:
    write(tmp_path / "fits" / "run", tmp_path, 2) if (tmp_path / "fits").mkdir() is None else None
    left = tmp_path / ".replaced-dead" / "fits" / "run"
    write(left, tmp_path, 1) if left.parent.mkdir(parents=True) is None else None
    clear_leftovers(tmp_path)
    assert json.loads((tmp_path / "fits" / "run" / "0.json").read_text())[0] == 2
    assert [p.name for p in tmp_path.iterdir()] == ["fits"]


def test_others_may_read_what_the_owner_lets_them(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write(tmp_path / "run", tmp_path, 1)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "run").stat().st_mode) == 0o755
