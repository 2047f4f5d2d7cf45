"""Gradient training of one player and of several."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from torch import Generator, Tensor

from tests.train.games import Quadratic, Saddle, Solved
from transportkit import Budget, Descent, Direct, Diverged, Progress, Refusal

PLAIN = Descent(lr=0.1, schedule="constant", ema=None, clip=None, batch=8)


def test_a_quadratic_is_lowered_to_its_optimum(generator: Generator) -> None:
    game = Quadratic(5.0, -3.0, 0.0)
    fit = Descent(steps=400, lr=0.1, ema=None).fit(game, Budget(), generator)
    assert torch.allclose(game.net.w, game.centre, atol=1e-3)
    assert fit.steps == 400
    assert fit.history[0][1] > 1 > 1e-5 > fit.history[-1][1]
    assert fit.history[-1][0] == 400
    assert not fit.model.training


def test_a_budget_of_steps_wins_over_the_default(generator: Generator) -> None:
    game = Quadratic(5.0)
    fit = Descent(steps=400).fit(game, Budget(steps=7), generator)
    assert (fit.steps, game.drawn) == (7, 7)


def test_a_budget_of_seconds_ends_the_fit(generator: Generator) -> None:
    seen: list[Progress] = []
    fit = Descent().fit(Quadratic(5.0), Budget(seconds=0.1), generator, [seen.append])
    assert fit.seconds >= 0.1
    assert fit.steps > 0
    assert seen[-1].step == fit.steps
    assert all(p.total is None for p in seen)


def test_callbacks_see_the_way(generator: Generator) -> None:
    seen: list[Progress] = []
    fit = Descent(ema=None).fit(Quadratic(5.0), Budget(steps=1000), generator, [seen.append])
    assert len(seen) == 200
    assert [p.step for p in seen] == list(range(5, 1001, 5))
    assert {p.total for p in seen} == {1000}
    assert tuple((p.step, p.loss) for p in seen) == fit.history
    assert all(a.seconds <= b.seconds for a, b in pairwise(seen))


def test_the_average_is_the_one_of_the_formula(generator: Generator) -> None:
    plain, averaged = Quadratic(5.0, 0.0), Quadratic(5.0, 0.0)
    weights = [plain.net.w.detach().clone()]
    steps = 40

    class Watched(Quadratic):
        def loss(self, player: str, batch: Tensor, generator: Generator) -> Tensor:
            weights.append(self.net.w.detach().clone())
            return super().loss(player, batch, generator)

    watched = Watched(5.0, 0.0)
    PLAIN.fit(watched, Budget(steps=steps), generator)
    settings = Descent(lr=0.1, schedule="constant", ema=0.9, clip=None, batch=8)
    settings.fit(averaged, Budget(steps=steps), generator)
    expected = weights[0]
    for step, w in enumerate([*weights[2:], watched.net.w.detach()], start=1):
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * w
    assert torch.allclose(averaged.net.w, expected, atol=1e-5)
    assert not torch.allclose(watched.net.w, expected, atol=1e-2)


def test_clipping_bounds_the_gradient_of_a_move(generator: Generator) -> None:
    norms: list[float] = []

    class Watched(Quadratic):
        def draw(self, n: int, generator: Generator) -> Tensor:
            if self.net.w.grad is not None:
                norms.append(float(self.net.w.grad.norm()))
            return super().draw(n, generator)

    Descent(clip=0.5).fit(Watched(50.0, -30.0), Budget(steps=5), generator)
    assert norms == pytest.approx([0.5] * 4, rel=1e-4)


def test_the_schedule_falls_as_a_cosine_after_a_warmup(generator: Generator) -> None:
    moved: list[float] = []

    class Steep(Quadratic):
        def loss(self, player: str, batch: Tensor, generator: Generator) -> Tensor:
            moved.append(self.net.w.item())
            return self.net.w.sum()

    settings = Descent(lr=1.0, ema=None, warmup=0.25, schedule="cosine")
    settings.fit(Steep(0.0), Budget(steps=40), generator)
    # On a constant gradient AdamW moves by its learning rate.
    rates = [a - b for a, b in pairwise(moved)]
    assert rates[5] == pytest.approx(0.5, abs=0.01)
    assert rates[20] == pytest.approx(0.5, abs=0.01)
    assert rates[38] == pytest.approx(0.5 * (1 + math.cos(math.pi * 38 / 40)), abs=1e-3)


def test_each_player_moves_alone_and_in_turn(generator: Generator) -> None:
    game = Saddle()
    settings = Descent(steps=300, lr=0.05, schedule="cosine", ema=None, rates={"x": 0.5})
    settings.fit(game, Budget(), generator)
    assert [entry[0] for entry in game.log[:8]] == ["x", "y", "y", "y"] * 2
    for (player, gx, gy, x, y), (_, _, _, x2, y2) in pairwise(game.log):
        assert (gx, gy) == (player == "x", player == "y")
        assert (y2 == y) if player == "x" else (x2 == x)
    first = abs(game.log[1][3] - game.log[0][3]), abs(game.log[2][4] - game.log[1][4])
    assert first == pytest.approx((0.025, 0.05), rel=1e-3)
    assert abs(game.x.w.item()) < 1e-2
    assert abs(game.y.w.item()) < 1e-2


@pytest.mark.parametrize("make", [Saddle, lambda: Quadratic(5.0)])
def test_requires_grad_is_left_as_it_was(make, generator: Generator) -> None:
    game = make()
    before = {n: w.requires_grad for p in game.players.values() for n, w in p.named_parameters()}
    PLAIN.fit(game, Budget(steps=3), generator)
    for player in game.players.values():
        assert {n: w.requires_grad for n, w in player.named_parameters()} == before
        assert torch.equal(player.frozen, torch.ones(2))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_is_reported(bad: float, generator: Generator) -> None:
    class Bursting(Quadratic):
        def loss(self, player: str, batch: Tensor, generator: Generator) -> Tensor:
            return super().loss(player, batch, generator) * (bad if self.drawn == 30 else 1)

    game = Bursting(1.5)
    with pytest.raises(Diverged, match="lower lr"):
        PLAIN.fit(game, Budget(steps=4000), generator)
    assert game.drawn <= 60
    assert game.net.w.requires_grad


def test_any_player_can_diverge(generator: Generator) -> None:
    class Lopsided(Saddle):
        def loss(self, player: str, batch: None, generator: Generator) -> Tensor:
            if player == "x":
                return self.x.w.sum() * math.nan
            return self.y.w.square().sum()

    with pytest.raises(Diverged):
        PLAIN.fit(Lopsided(), Budget(steps=100), generator)


def test_weights_ruined_by_the_last_step_are_reported(generator: Generator) -> None:
    class Cusp(Quadratic):
        def loss(self, player: str, batch: Tensor, generator: Generator) -> Tensor:
            return (self.net.w * 0).sqrt().sum()

    with pytest.raises(Diverged, match="weights of net"):
        PLAIN.fit(Cusp(1.0), Budget(steps=1), generator)


def test_bf16_reaches_the_optimum_roughly(generator: Generator) -> None:
    seen: list[torch.dtype] = []

    class Linear(Quadratic):
        def loss(self, player: str, batch: Tensor, generator: Generator) -> Tensor:
            out = torch.nn.functional.linear(torch.eye(2), self.net.w.diag())
            seen.append(out.dtype)
            return (out.float().sum(0) - self.centre).square().sum()

    game = Linear(5.0, -3.0)
    Descent(lr=0.1, ema=None, precision="bf16").fit(game, Budget(steps=150), generator)
    assert set(seen) == {torch.bfloat16}
    assert game.net.w.dtype == torch.float32
    assert torch.allclose(game.net.w, game.centre, atol=0.05)


def test_direct_solves_once(generator: Generator) -> None:
    fit = Direct().fit(Solved(), Budget(steps=5), generator)
    assert (fit.steps, fit.history) == (0, ())
    assert not fit.model.training


def test_the_wrong_objective_is_refused(generator: Generator) -> None:
    with pytest.raises(Refusal, match="use Direct"):
        Descent().fit(Solved(), Budget(), generator)
    with pytest.raises(Refusal, match="use Descent"):
        Direct().fit(Quadratic(1.0), Budget(), generator)
