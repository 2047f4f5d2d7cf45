"""Ctrl-C: one line, status 130, and the same command goes on to the same numbers."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands import TINY, same, tk
from transportkit.cli.console import Bars

DATA = "--data gaussian-pair:dim=3"
RUN = f"run cfm {DATA} --budget steps=40 --points 64 --train 200 --metric sliced_w2 --json"


@pytest.fixture
def ctrl_c(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], None]:
    """Have Ctrl-C struck when a phase has been heard of so often."""

    def strike(phase: str, times: int) -> None:
        heard, listen = [0], Bars.listen

        def listening(self: Bars, now: str, *rest: object) -> None:
            heard[0] += now == phase
            if now == phase and heard[0] == times:
                os.kill(os.getpid(), signal.SIGINT)
            listen(self, now, *rest)  # type: ignore[arg-type]

        monkeypatch.setattr(Bars, "listen", listening)

    return strike


def test_training_goes_on_to_the_same_bits(
    ctrl_c: Callable[[str, int], None], tmp_path: Path
) -> None:
    whole = tk(f"{RUN} --out {tmp_path / 'whole'}").json
    ctrl_c("fit", 20)
    cut = tk(f"{RUN} --out {tmp_path / 'cut'}")
    assert (cut.status, cut.out) == (130, "")
    assert cut.err == (
        "\nInterrupted. What was trained is kept; the same command goes on from there.\n"
    )
    assert len(list((tmp_path / "cut" / "fits").glob("*.checkpoint"))) == 1
    resumed = tk(f"{RUN} --out {tmp_path / 'cut'}").json
    assert resumed["found"] is False
    assert resumed["metrics"] == whole["metrics"]
    assert same(resumed["run"], whole["run"])
    assert not list((tmp_path / "cut" / "fits").glob("*.checkpoint"))


@pytest.mark.parametrize("phase", ["push", "judge", "write"])
def test_what_is_fitted_is_kept(
    phase: str, ctrl_c: Callable[[str, int], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctrl_c(phase, 1)
    cut = tk(f"{RUN} --out {tmp_path}")
    assert cut.status == 130
    assert "What was trained is kept" in cut.err

    def trained(*args: object, **kwargs: object) -> None:
        raise AssertionError("it was trained again")

    monkeypatch.setattr("transportkit.train.descent.Descent.fit", trained)
    assert tk(f"{RUN} --out {tmp_path}").json["status"] == "done"
    assert not list(tmp_path.glob(".partial-*"))


def test_fresh_says_how_to_go_on(ctrl_c: Callable[[str, int], None], tmp_path: Path) -> None:
    ctrl_c("fit", 20)
    cut = tk(f"{RUN} --fresh --out {tmp_path}")
    assert cut.err.endswith("the same command without --fresh goes on from there.\n")


def test_a_damaged_checkpoint_is_left_behind(
    ctrl_c: Callable[[str, int], None], tmp_path: Path
) -> None:
    ctrl_c("fit", 20)
    tk(f"{RUN} --out {tmp_path}")
    (checkpoint,) = (tmp_path / "fits").glob("*.checkpoint")
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    answer = tk(f"{RUN} --out {tmp_path}")
    assert answer.json["steps"] == 40
    assert answer.err.startswith("Warning: ")
    assert "the fit begins anew" in answer.err
    assert answer.err.count("\n") == 1


def test_a_comparison_keeps_what_is_finished(
    ctrl_c: Callable[[str, int], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    track = {"tensorboard": lambda folder: lambda result: told.append(str(result.run.method))}
    monkeypatch.setattr("transportkit.report.track.TRACKERS", track)
    line = f"compare linear emd cfm {DATA} {TINY} --json --track tensorboard --out {tmp_path}"
    ctrl_c("fit", 5)
    cut = tk(line)
    # A tracker has heard of what is finished.
    assert told == ["linear", "emd"]
    assert (cut.status, cut.out) == (130, "")
    assert "Interrupted. 2 of 3 runs are finished and kept in" in cut.err
    cells = tk(line).json["cells"]
    assert {c["method"]: c["found"] for c in cells} == {"linear": True, "emd": True, "cfm": False}
    assert all(c["status"] == "done" for c in cells)
    assert told == ["linear", "emd", "cfm"]


def test_an_interrupt_that_was_swallowed_comes_back(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def swallow(*args: object) -> None:
        with contextlib.suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)

    def disguise(*args: object) -> None:
        swallow()
        raise ImportError("half a module")

    line = f"run cfm {DATA} {TINY} --out {tmp_path}"
    monkeypatch.setattr("transportkit_flow.methods.IndependentFlowMatching.refuses", swallow)
    assert (tk(line).status, list(tmp_path.glob("cfm-*"))) == (130, [])
    monkeypatch.setattr("transportkit_flow.methods.IndependentFlowMatching.refuses", disguise)
    assert tk(line).status == 130


def test_a_file_that_ends_too_early_is_no_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    def ends(*args: object) -> None:
        raise EOFError("no more")

    monkeypatch.setattr("transportkit.cli.catalogue.list_plugins", ends)
    answer = tk("list")
    assert answer.status == 1
    assert answer.err.strip() == "Error: EOFError: no more (--debug shows the traceback)"


def test_no_import_is_cut_in_half(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    module = tmp_path / "imported_in_part.py"
    module.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nwhole = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    seen = []

    def refuses(*args: object) -> None:
        seen.append(importlib.import_module("imported_in_part").whole)

    monkeypatch.setattr("transportkit_flow.methods.IndependentFlowMatching.refuses", refuses)
    assert tk(f"run cfm {DATA} {TINY} --out {tmp_path / 'runs'}").status == 130
    assert seen == [True]


def test_a_real_interrupt(tmp_path: Path) -> None:
    line = f"run cfm {DATA} --budget steps=1000000 --train 200 --out {tmp_path / 'runs'}"
    process = subprocess.Popen(
        [sys.executable, "-m", "transportkit", *line.split()],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (tmp_path / "runs").exists() and process.poll() is None:
        time.sleep(0.05)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, ""), err
    assert err.startswith("\nInterrupted. ")
    assert err.count("\n") == 2
