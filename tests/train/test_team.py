"""Several processes that train one model: the same losses as one process has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.commands import TINY, tk
from tests.train.games import Quadratic
from transportkit import (
    Budget,
    Descent,
    Empirical,
    Game,
    Problem,
    TransportkitError,
    UsageError,
    derive,
    registry,
)
from transportkit.harness import torchrun
from transportkit.train.team import Team


@dataclass(frozen=True)
class Pair:
    x: Tensor
    scale: float


def test_shares_are_the_rows_of_a_batch() -> None:
    x = torch.arange(24.0).view(8, 3)
    batch = {"pair": Pair(x, 2.0), "more": (x[:, 0], [torch.ones(5)]), "none": None}
    parts = [Team(rank, 4).share(batch, 8) for rank in range(4)]
    assert torch.equal(torch.cat([part["pair"].x for part in parts]), x)
    assert torch.equal(torch.cat([part["more"][0] for part in parts]), x[:, 0])
    assert all(part["pair"].scale == 2.0 and part["none"] is None for part in parts)
    assert all(len(part["more"][1][0]) == 5 for part in parts)
    assert Team().share(batch, 8) is batch
    with pytest.raises(TransportkitError, match="shared out equally"):
        Team(0, 3).share(batch, 8)


def game(name: str) -> Game[Any]:
    """The game of a method, on points of the plane."""
    x, y = (torch.randn(100, 2, generator=derive(i)) for i in range(2))
    method = registry.make("method", registry.parse_choice("method", name, {}))
    found = method.objective(Problem(Empirical(x), Empirical(y + 1)), derive(2))
    assert isinstance(found, Game)
    return found


@pytest.mark.parametrize("name", ["cfm", "dsbm", "lightsb-m", "lightsb", "mmv1", "not"])
def test_the_loss_of_a_batch_is_the_mean_of_its_parts(name: str) -> None:
    played = game(name)
    assert played.separable
    for player in played.players:
        batch = played.draw(64, derive(3))
        whole = played.loss(player, batch, derive(4)).item()
        parts = [
            played.loss(player, Team(rank, 2).share(batch, 64), derive(5)).item()
            for rank in range(2)
        ]
        assert parts[0] != parts[1]
        assert sum(parts) / 2 == pytest.approx(whole, rel=1e-4, abs=1e-5)


def test_a_loss_of_whole_batches_is_trained_by_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    class Whole(Quadratic):
        separable = False

    assert not game("monge-gap").separable
    assert not game("not:weak=1").separable
    assert Descent(steps=2, batch=4).fit(Whole(0.0), Budget(), derive(0)).steps == 2
    monkeypatch.setattr(Team, "here", lambda: Team(1, 2))
    with pytest.raises(TransportkitError, match="train it on one"):
        Descent(steps=2, batch=4).fit(Whole(0.0), Budget(), derive(0))


def test_each_process_has_a_gpu_of_its_own_or_says_that_there_are_too_few(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torchrun.devices, "kind", lambda name: name.partition(":")[0])
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert [torchrun.own_device(name) for name in ("cuda", "cuda:0", "cpu")] == [
        "cuda:1",
        "cuda:0",
        "cpu",
    ]
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(UsageError, match="--nproc-per-node 2, or ask tk for --device cpu"):
        torchrun.own_device("cuda")


PARTING = """
import weakref
from torch.distributed import group
from tests.train.games import Quadratic
from transportkit import Budget, Descent, derive
from transportkit.harness import torchrun

torchrun.started = lambda: True
with torchrun.joined("cpu"):
    made = weakref.ref(group.WORLD)
    Descent(steps=1, batch=4).fit(Quadratic(0.0), Budget(), derive(0))
assert made() is None
"""


def test_a_process_group_is_gone_when_the_team_parts() -> None:
    # One that is held keeps its threads, which now and then abort the process at its end. What
    # holds it is an import, so that only a fresh process can tell.
    alone = {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0"}
    done = subprocess.run(
        [sys.executable, "-c", PARTING],
        env={**os.environ, **alone},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr


def test_two_processes_have_the_losses_of_one(tmp_path: Path) -> None:
    line = f"run cfm:width=16,depth=1 --data moons {TINY} --device cpu --json"
    alone = tk(line, "--out", tmp_path / "one").json
    launch = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    words = [*launch, "-m", "transportkit", *line.split(), "--out", str(tmp_path / "two")]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    # The first process alone prints, and one document is all that there is.
    together = json.loads(done.stdout)
    assert together["key"] == alone["key"]
    losses = [
        [loss for _, loss in json.loads((Path(each["run"]) / "fit.json").read_text())["history"]]
        for each in (alone, together)
    ]
    assert len(losses[0]) == 5
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)
    found = together["metrics"]["sliced_w2"]["value"]
    assert found == pytest.approx(alone["metrics"]["sliced_w2"]["value"], rel=1e-3)
