"""A fit that was interrupted goes on to the same numbers."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from tests.train.games import Quadratic, Saddle
from transportkit import Budget, Descent, Diverged, Progress, UsageError

SETTINGS = Descent(lr=0.05, ema=0.99, batch=16, warmup=0.1)
BUDGET = Budget(steps=150)


def noisy() -> Quadratic:
    return Quadratic(5.0, -3.0, noise=1.0)


def stop_at(step: int):
    def stop(progress: Progress) -> None:
        if progress.step == step:
            raise KeyboardInterrupt

    return stop


def seeded() -> Generator:
    return Generator().manual_seed(7)


@pytest.mark.parametrize("make", [noisy, Saddle])
@pytest.mark.parametrize("step", [1, 75, 149])
def test_a_fit_resumes_to_the_same_bits_after_an_interrupt(make, step, tmp_path: Path) -> None:
    whole = make()
    expected = SETTINGS.fit(whole, BUDGET, seeded())

    path = tmp_path / "deep" / "fit.pt"
    with pytest.raises(KeyboardInterrupt):
        SETTINGS.fit(make(), BUDGET, seeded(), [stop_at(step)], path)
    assert [p.name for p in path.parent.iterdir()] == ["fit.pt"]
    resumed = make()
    generator = Generator().manual_seed(99)
    fit = SETTINGS.fit(resumed, BUDGET, generator, (), path)
    assert fit.history == expected.history
    assert fit.steps == 150
    for name, player in resumed.players.items():
        for a, b in zip(player.parameters(), whole.players[name].parameters(), strict=True):
            assert torch.equal(a, b)
    if isinstance(whole, Quadratic):
        assert resumed.drawn == whole.drawn


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_fit_on_a_gpu_resumes_with_its_global_generator(tmp_path: Path) -> None:
    """A game that draws as dropout does, from the device's global generator."""

    class Global(Quadratic):
        def __init__(self) -> None:
            super().__init__(5.0, -3.0)
            self.net.cuda()

        def draw(self, n: int, generator: Generator) -> Tensor:
            return torch.randn(n, 2, device="cuda")

    def fitted(*given: Any) -> Any:
        return SETTINGS.fit(Global(), BUDGET, Generator("cuda").manual_seed(7), *given)

    path = tmp_path / "fit.pt"
    with pytest.raises(KeyboardInterrupt):
        fitted([stop_at(75)], path)
    assert fitted((), path).history == fitted().history


def test_periodic_checkpoints_do_not_change_the_fit(tmp_path: Path) -> None:
    plain, kept = noisy(), noisy()
    path = tmp_path / "fit.pt"
    often = Descent(lr=0.05, ema=0.99, batch=16, warmup=0.1, checkpoint_seconds=0)
    expected = SETTINGS.fit(plain, BUDGET, seeded())
    assert often.fit(kept, BUDGET, seeded(), (), path).history == expected.history
    assert torch.equal(plain.net.w, kept.net.w)
    # Resuming what had ended does nothing more.
    again = noisy()
    fit = often.fit(again, BUDGET, seeded(), (), path)
    assert (fit.steps, fit.history) == (150, expected.history)
    assert torch.equal(plain.net.w, again.net.w)


def leave(*_: object) -> None:
    """What a scheduler's library does where the machine is taken away."""
    sys.exit(-1)


@pytest.mark.parametrize(
    ("number", "handler", "raised"),
    [
        (signal.SIGINT, signal.default_int_handler, KeyboardInterrupt),
        (signal.SIGUSR2, leave, SystemExit),
        (signal.SIGTERM, leave, SystemExit),
    ],
)
def test_a_signal_in_the_middle_of_a_step_waits_for_its_end(
    tmp_path: Path, number: int, handler: Any, raised: type[BaseException]
) -> None:
    class Interrupted(Quadratic):
        def loss(self, player: str, batch: Tensor, generator: Generator) -> Tensor:
            if self.drawn == 73:
                os.kill(os.getpid(), number)
            return super().loss(player, batch, generator)

    whole, path = noisy(), tmp_path / "fit.pt"
    SETTINGS.fit(whole, BUDGET, seeded())
    before = signal.signal(number, handler)
    try:
        with pytest.raises(raised):
            SETTINGS.fit(Interrupted(5.0, -3.0, noise=1.0), BUDGET, seeded(), (), path)
        assert signal.getsignal(number) is handler
    finally:
        signal.signal(number, before)
    resumed = noisy()
    SETTINGS.fit(resumed, BUDGET, Generator(), (), path)
    assert torch.equal(resumed.net.w, whole.net.w)


def test_a_signal_in_a_step_that_fails_is_handled_all_the_same(tmp_path: Path) -> None:
    class Failing(Quadratic):
        def loss(self, player: str, batch: Tensor, generator: Generator) -> Tensor:
            os.kill(os.getpid(), signal.SIGUSR2)
            raise Diverged("far away")

    before = signal.signal(signal.SIGUSR2, leave)
    try:
        with pytest.raises(SystemExit):
            SETTINGS.fit(Failing(5.0), BUDGET, seeded(), (), tmp_path / "fit.pt")
    finally:
        signal.signal(signal.SIGUSR2, before)


def test_a_step_that_was_torn_is_not_kept(tmp_path: Path) -> None:
    class Torn(Quadratic):
        def loss(self, player: str, batch: Tensor, generator: Generator) -> Tensor:
            raise KeyboardInterrupt

    path = tmp_path / "fit.pt"
    with pytest.raises(KeyboardInterrupt):
        SETTINGS.fit(Torn(5.0), BUDGET, seeded(), (), path)
    assert not path.exists()


@pytest.mark.parametrize("content", [b"", b"nonsense", None])
def test_a_checkpoint_of_something_else_is_refused(content, tmp_path: Path) -> None:
    path = tmp_path / "fit.pt"
    if content is None:
        with pytest.raises(KeyboardInterrupt):
            SETTINGS.fit(Saddle(), BUDGET, seeded(), [stop_at(2)], path)
    else:
        path.write_bytes(content)
    with pytest.raises(UsageError, match="not a checkpoint of this fit"):
        SETTINGS.fit(noisy(), BUDGET, seeded(), (), path)
