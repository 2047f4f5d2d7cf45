"""Games of several rounds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Generator

from tests.train.games import Quadratic
from transportkit import Budget, Descent, Progress

SETTINGS = Descent(lr=0.2, ema=0.9, batch=4)


class Moving(Quadratic):
    """In every round the centre moves on by 10 and a draw; begun from 0."""

    def __init__(self) -> None:
        super().__init__(0.0, 0.0)
        self.begun: list[tuple[int, list[float]]] = []

    @property
    def rounds(self) -> int:
        return 3

    def begin(self, round: int, generator: Generator) -> None:
        self.begun.append((round, self.net.w.tolist()))
        self.centre = self.centre + 10 + torch.rand((), generator=generator)

    def state(self) -> Mapping[str, Any]:
        return {"drawn": self.drawn, "centre": self.centre}

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self.centre = state["centre"]


def seeded() -> Generator:
    return Generator().manual_seed(7)


def test_every_round_has_a_schedule_of_its_own() -> None:
    game = Moving()
    SETTINGS.fit(game, Budget(steps=600), seeded())
    # Each round reaches its centre, which a learning rate that had fallen before would not, and
    # ends at rest there, which one that had not fallen would not.
    first, second = game.begun
    assert [first[0], second[0]] == [1, 2]
    assert first[1] == pytest.approx([1, 2], abs=0.02)
    assert second[1] == pytest.approx([11.5, 12.5], abs=0.6)
    assert game.net.w.tolist() == pytest.approx(game.centre.tolist(), abs=0.02)


def test_rounds_divide_seconds_too() -> None:
    game = Moving()
    SETTINGS.fit(game, Budget(seconds=0.3), seeded())
    assert [n for n, _ in game.begun] == [1, 2]


def test_a_fit_of_rounds_resumes_to_the_same_numbers(tmp_path: Path) -> None:
    whole, path = Moving(), tmp_path / "fit.pt"
    expected = SETTINGS.fit(whole, Budget(steps=90), seeded())

    def stop(progress: Progress) -> None:
        if progress.step == 50:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        SETTINGS.fit(Moving(), Budget(steps=90), seeded(), [stop], path)
    resumed = Moving()
    assert SETTINGS.fit(resumed, Budget(steps=90), seeded(), (), path).history == expected.history
    assert torch.equal(resumed.net.w, whole.net.w)


def test_rounds_that_a_short_budget_skips_are_not_begun() -> None:
    game = Moving()
    SETTINGS.fit(game, Budget(steps=1), seeded())
    assert game.begun == []
