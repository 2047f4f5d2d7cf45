"""A folder of runs that cannot be written: what is finished there is found, and nothing is left."""

from __future__ import annotations

import errno
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.commands import TINY, tk
from transportkit import UsageError, compare, run

DONE = f"linear --data gaussian-pair:dim=3 {TINY} --json --out"
ASKED = {
    "data": "gaussian-pair:dim=3",
    "points": 64,
    "train": 200,
    "budget": 5,
    "metrics": "sliced_w2",
}
SUITE = """methods: [linear]
data: [gaussian-pair:dim=3]
metrics: [sliced_w2]
budget: steps=5
points: 64
train: 200
"""


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a finished run, in which no file can be made any more.

    Whoever may write everywhere is not kept out by permissions, so it is the first attempt that
    fails, and the last, as the tests see to.
    """
    folder = tmp_path / "runs"
    assert tk(f"run {DONE} {folder}").status == 0

    def refused(*args: object, **kwargs: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(tempfile, "TemporaryFile", refused)
    return folder


def state(folder: Path) -> dict[str, tuple[int, int]]:
    """What is in a folder, and when it was last written."""
    there = [folder, *folder.rglob("*")]
    return {str(file): (file.stat().st_size, file.stat().st_mtime_ns) for file in there}


def test_what_is_finished_is_found(out: Path, tmp_path: Path) -> None:
    suite = tmp_path / "suite.yaml"
    suite.write_text(SUITE)
    before = state(out)
    answer = tk(f"run {DONE} {out}")
    assert (answer.status, answer.json["found"]) == (0, True)
    for line in (f"compare {DONE} {out} --seeds 0", f"compare --suite {suite} --json --out {out}"):
        answer = tk(line)
        assert (answer.status, answer.json["cells"][0]["found"]) == (0, True), answer.err
        assert "could not be copied" not in answer.err
    assert run("linear", out=out, **ASKED).found
    assert compare("linear", seeds=[0], out=out, **ASKED).records[0].found
    assert state(out) == before


@pytest.mark.parametrize("more", ["--seed 1", "--fresh"])
def test_what_is_not_is_refused_before_it_is_done(
    more: str, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def attempt(*args: object) -> None:
        raise AssertionError("it was begun")

    monkeypatch.setattr("transportkit.harness.execute.Executor._attempt", attempt)
    before = state(out)
    for line in (
        f"run {DONE} {out} {more}",
        f"compare {DONE} {out} {more.replace('d 1', 'ds 0,1')}",
    ):
        answer = tk(line)
        assert (answer.status, answer.out) == (2, "")
        assert answer.err.startswith(f"Error: '{out}' cannot be written: Read-only file system")
        assert answer.err.count("\n") == 1
    with pytest.raises(UsageError, match="cannot be written"):
        run("linear", seed=2, out=out, **ASKED)
    assert state(out) == before


def test_points_are_not_chosen_for_what_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes seconds; for what is finished the choice is kept beside the runs."""
    line = "compare linear --data gaussian-pair:dim=3 --metric sliced_w2 --train 200 --json"
    line += f" --points auto:resolve=9,most=500 --out {tmp_path / 'runs'}"
    assert tk(f"{line} --seeds 0").status == 0

    def refused(*args: object, **kwargs: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    def probe(*args: object) -> None:
        raise AssertionError("it was measured")

    monkeypatch.setattr(tempfile, "TemporaryFile", refused)
    monkeypatch.setattr("transportkit.harness.probe.noise", probe)
    assert tk(f"{line} --seeds 0").json["cells"][0]["found"]
    for more in ("--seeds 0 --fresh", "--seeds 0 --data moons"):
        answer = tk(f"{line} {more}")
        assert (answer.status, answer.out) == (2, "")
        assert "cannot be written: Read-only file system" in answer.err
        assert answer.err.count("\n") == 1
