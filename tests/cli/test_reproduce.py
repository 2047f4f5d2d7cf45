"""`tk reproduce`: the same to the bit here, within noise elsewhere, or exit status 1."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.commands import TINY, tk
from transportkit.harness.signing import signed


@pytest.fixture
def cell(out: Path, tmp_path: Path) -> Callable[..., Path]:
    """A copy of a finished run on the CPU, where bits are promised, with something changed."""
    cfm = tk(f"run cfm --data gaussians --json {TINY} --metric cost --device cpu --out", out)

    def changed(change: Callable[[dict[str, Any]], None] = lambda content: None) -> Path:
        place = tmp_path / Path(cfm.json["run"]).name
        shutil.copytree(cfm.json["run"], place)
        content = json.loads((place / "result.json").read_text())
        change(content)
        (place / "result.json").write_text(json.dumps(signed(content)))
        return place

    return changed


def test_the_same_to_the_bit(cell: Callable[..., Path], tmp_path: Path) -> None:
    place = cell()
    answer = tk(f"reproduce {place} --json")
    assert (answer.status, answer.err) == (0, "")
    found = answer.json
    assert (found["agrees"], found["equal"], found["exact"], found["largest"]) == (True,) * 3 + (0,)
    assert found["changed"] == {}
    assert {m["then"] - m["now"] for m in found["metrics"].values() if m["then"]} == {0}
    assert "agrees to the bit" in tk(f"reproduce {place}").out
    assert list(tmp_path.iterdir()) == [place]


def test_a_figure_that_was_touched_is_found_out(cell: Callable[..., Path]) -> None:
    def touch(content: dict[str, Any]) -> None:
        content["metrics"]["sliced_w2"]["value"] *= 1 + 1e-9

    answer = tk(f"reproduce {cell(touch)}")
    assert answer.status == 1
    assert "disagrees: nothing has changed" in answer.out


@pytest.mark.parametrize(("factor", "status"), [(1 + 1e-9, 0), (1000.0, 1)])
def test_with_other_versions_noise_is_allowed(
    factor: float, status: int, cell: Callable[..., Path]
) -> None:
    def touch(content: dict[str, Any]) -> None:
        content["run"]["versions"]["torch"] = "0.1"
        content["metrics"]["sliced_w2"]["value"] *= factor

    answer = tk(f"reproduce {cell(touch)} --json")
    assert (answer.status, answer.json["agrees"], answer.json["equal"]) == (
        status,
        not status,
        False,
    )
    assert answer.json["changed"]["torch"][0] == "0.1"
    assert answer.json["metrics"]["sliced_w2"]["allowed"] > 0


def test_what_cannot_be_done_again(cell: Callable[..., Path], tmp_path: Path) -> None:
    answer = tk(f"reproduce {tmp_path}")
    assert (answer.status, answer.err.count("\n")) == (2, 1)
    incomplete = cell()
    (incomplete / "samples.npz").unlink()
    for of in ("", " --json"):
        answer = tk(f"reproduce {incomplete}{of}")
        assert (answer.status, answer.out, answer.err.count("\n")) == (2, "", 1)
        assert "samples.npz' is damaged or missing" in answer.err
    shutil.rmtree(incomplete)
    for name in ("model.safetensors", "model.json"):
        damaged = cell()
        os.truncate(damaged / name, 60)
        answer = tk(f"reproduce {damaged}")
        assert (answer.status, answer.out, answer.err.count("\n")) == (2, "", 1)
        assert f"'{damaged}' holds no whole model; the same tk run" in answer.err
        shutil.rmtree(damaged)
    for status, ended in {"failed": "failed", "out of memory": "ran out of memory"}.items():
        without = cell(lambda content, status=status: content.update(status=status))
        said = f"'{without}' holds a run that {ended}, so there is no figure to repeat"
        assert said in tk(f"reproduce {without}").err
        shutil.rmtree(without)


def test_threads_that_this_machine_cannot_give_are_refused(cell: Callable[..., Path]) -> None:
    answer = tk(f"reproduce {cell(lambda content: content['run'].update(threads=100_000))}")
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.startswith("Error: threads must be at most ")
    assert answer.err.count("\n") == 1
