"""Several processes that train one model: the same losses as one process has."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.commands import TINY, tk
from transportkit import TransportkitError
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


def test_two_processes_have_the_losses_of_one(tmp_path: Path) -> None:
    line = f"run cfm:width=16,depth=1 --data moons {TINY} --json"
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
