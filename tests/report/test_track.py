"""`--track tensorboard`: losses and metrics of a run, once, where a reader of events finds them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.commands import TINY, tk


def test_losses_and_metrics_are_written_once(tmp_path: Path) -> None:
    reader = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator",
        reason="tensorboard is not installed",
    )
    line = f"run cfm:width=8,depth=1 --data moons {TINY} --track tensorboard --json"
    found = tk(line, "--out", tmp_path).json
    tk(line, "--out", tmp_path)
    (folder,) = (tmp_path / "tensorboard").iterdir()
    assert len(list(folder.iterdir())) == 1
    events = reader.EventAccumulator(str(folder))
    events.Reload()
    losses = events.Scalars("loss")
    assert [event.step for event in losses] == [1, 2, 3, 4, 5]
    assert losses[-1].value == pytest.approx(found["loss"], rel=1e-6)
    (value,) = events.Scalars("metrics/sliced_w2")
    assert value.value == pytest.approx(found["metrics"]["sliced_w2"]["value"], rel=1e-6)


def test_without_tensorboard_it_is_one_line(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    answer = tk(f"run cfm --data moons {TINY} --track tensorboard", "--out", tmp_path / "runs")
    assert (answer.status, answer.err.count("\n")) == (2, 1)
    assert "transportkit[tensorboard]" in answer.err
    assert not (tmp_path / "runs").exists()
