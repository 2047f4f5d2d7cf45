"""Folders written whole or not at all, whenever the process dies."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import stat
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from transportkit.harness.atomic import clear_leftovers, filling

FILES = 4
SYSTEM = ("posix", "_io", "fcntl")
"""Modules of Python whose functions ask something of the system."""


def write(place: Path, beside: Path, content: int) -> None:
    """A folder of a few files that must agree."""
    with filling(place, beside) as folder:
        for i in range(FILES):
            (folder / f"{i}.json").write_text(json.dumps([content] * 500))


def is_whole(folder: Path) -> bool:
    contents = {(folder / f"{i}.json").read_text() for i in range(FILES)}
    return len(contents) == 1 and len(json.loads(contents.pop())) == 500


def killed_before(call: int, beside: Path, content: int) -> bool:
    """Whether a process that writes the folder ``run`` was killed before a system call of it.

    The calls are counted and not timed, so that every moment is met, however busy the machine is.
    """
    child = os.fork()
    if child == 0:
        calls = itertools.count(1)

        def count(frame: FrameType, event: str, function: Any) -> None:
            called = event == "c_call" and getattr(function, "__module__", None) in SYSTEM
            if called and next(calls) == call:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.setprofile(count)
        try:
            write(beside / "run", beside, content)
        finally:
            sys.setprofile(None)
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("older", [True, False])
def test_killed_at_any_moment(older: bool, tmp_path: Path) -> None:
    run = tmp_path / "run"
    if older:
        write(run, tmp_path, 0)
    for call in itertools.count(1):
        if not older:
            shutil.rmtree(run, ignore_errors=True)
        killed = killed_before(call, tmp_path, call)
        clear_leftovers(tmp_path)
        assert not list(tmp_path.glob(".*"))
        # What was there is still there, the old or the new.
        assert is_whole(run) if run.exists() else killed and not older
        if not killed:
            break
    assert call > 20
    assert json.loads((run / "0.json").read_text())[0] == call


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
