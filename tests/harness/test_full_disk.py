"""A disk that is full costs what it cannot hold, and nothing that was computed."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from safetensors import SafetensorError

from tests.commands import TINY, tk

LINE = f"run cfm --data gaussian-pair:dim=3 {TINY} --json"
FULL = OSError(errno.ENOSPC, "No space left on device")
WRITERS = {
    "the model": ("transportkit.harness.saving.save", SafetensorError("I/O error: no space")),
    "the fit": ("transportkit.harness.store.save_fit", FULL),
    "the samples": ("numpy.savez_compressed", FULL),
    "the result": ("transportkit.harness.leave.write_result", FULL),
}


@pytest.mark.parametrize("what", WRITERS)
def test_the_result_is_printed_all_the_same(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, error = WRITERS[what]

    def full(*args: object, **kwargs: object) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(name, full)
        answer = tk(f"{LINE} --out {tmp_path}")
        assert answer.status == 1
        assert answer.json["status"] == "done"
        assert answer.json["run"] is None
        assert answer.json["metrics"]["sliced_w2"]["value"] > 0
        assert answer.err.startswith("Error: ")
        assert "cannot be written" in answer.err
        assert "choose another place" in answer.err
        assert answer.err.count("\n") == 1
        for left in (".partial-*", "cfm-*"):
            assert not list(tmp_path.glob(left))

        table = tk(f"compare cfm linear --data gaussian-pair:dim=3 {TINY} --out {tmp_path}")
        assert table.status == 1
        assert "linear" in table.out
        assert "2 of 2 runs could not be kept" in table.err
    again = tk(f"{LINE} --out {tmp_path}")
    assert (again.status, again.json["found"]) == (0, False)
    assert again.json["metrics"] == answer.json["metrics"]


def test_a_failure_is_told_where_it_cannot_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise FULL

    def fail(*args: object) -> None:
        raise RuntimeError("no numbers")

    monkeypatch.setattr("transportkit.harness.execute.write_result", full)
    monkeypatch.setattr("transportkit.harness.execute.judge", fail)
    answer = tk(f"{LINE} --out {tmp_path}")
    assert answer.status == 1
    assert answer.json["message"] == "RuntimeError: no numbers"
    assert "cannot be written" in answer.err


def test_a_picture_that_fails_leaves_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path, *args: object) -> None:
        path.write_bytes(b"half a picture")
        raise FULL

    line = f"run cfm --data moons {TINY} --device cpu --json --out {tmp_path}"
    with monkeypatch.context() as patched:
        patched.setattr("transportkit.harness.leave.draw_run", fail)
        answer = tk(line)
    assert (answer.status, answer.err.count("\n")) == (0, 1)
    folder = Path(answer.json["run"])
    assert (
        "could not be drawn: No space left on device; free some space, then tk plot "
        f"{folder} --what picture draws it"
    ) in answer.err
    assert (folder / "samples.npz").exists()
    assert not (folder / "picture.png").exists()
    with monkeypatch.context() as patched:
        patched.setattr("transportkit.harness.leave.draw_run", fail)
        found = tk(line)
    assert (found.json["found"], found.err.count("could not be drawn")) == (True, 0)
    assert "picture.png' cannot be written: No space left on device; free some" in found.err
    # It is made as soon as the run is asked for again, as it would have been at first.
    (folder / "lines.npz").unlink()
    assert tk(line).json["found"]
    assert (folder / "lines.npz").exists()
    drawn = (folder / "picture.png").read_bytes()
    again = tk(f"plot {folder} --what picture -o {tmp_path / 'new'}")
    assert (again.status, (tmp_path / "new" / "picture.png").read_bytes()) == (0, drawn)
    fresh = Path(tk(f"{line} --fresh").json["run"])
    assert (fresh / "picture.png").read_bytes() == drawn
