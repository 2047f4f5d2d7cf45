"""A fitted model moves points."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Generator, Tensor

from tests.toys import Between, Flow, Shift, cosine, helix
from transportkit import (
    RK4,
    Euler,
    IntervalField,
    Lines,
    Plate,
    Refusal,
    Stop,
    TimeMLP,
    Transport,
    derive,
)

UP = Plate(start=0.0, end=1.0, offsets=(0.05, 0.05), reach=50.0)
X = torch.randn(25, 2, generator=derive(0, "points"))


@pytest.mark.parametrize(
    "transport",
    [
        Transport(Flow(cosine), RK4(10)),
        Transport(Between(helix, UP), Lines()),
        Transport(Between(helix, UP), RK4(5)),
        Transport(Shift()),
    ],
    ids=["interval", "lines", "by height", "map"],
)
def test_batches_do_not_change_what_is_moved(transport: Transport, generator: Generator) -> None:
    done: list[int] = []
    x = X.abs()
    whole = transport.push(x, generator)
    parts = transport.push(x, generator, batch=10, progress=done.append)
    assert done == [10, 20, 25]
    assert torch.allclose(parts.points, whole.points, atol=1e-6)
    assert torch.equal(parts.stop, whole.stop)
    assert torch.equal(parts.evaluations, whole.evaluations)
    assert whole.finished == 1
    assert whole.points.shape == x.shape
    assert whole.path is None


def test_lines_are_kept_over_batches(generator: Generator) -> None:
    moved = Transport(Between(helix, UP), Lines()).push(X, generator, batch=10, save=7)
    assert moved.path is not None
    assert moved.times is not None
    assert moved.path.shape == (7, 25, 3)
    assert moved.times.shape == (7, 25)
    assert torch.equal(moved.path[0, :, :2], X)
    assert torch.equal(moved.path[-1, :, :2], moved.points)


@pytest.mark.parametrize(
    "transport",
    [Transport(Flow(cosine), RK4(40)), Transport(Between(helix, UP), Lines(tolerance=1e-4))],
    ids=["interval", "plates"],
)
def test_the_reverse_carries_back(transport: Transport, generator: Generator) -> None:
    there = transport.push(X, generator).points
    back = transport.push(there, generator, reverse=True)
    assert torch.allclose(back.points, X, atol=2e-3)
    assert not torch.allclose(there, X, atol=0.1)


def test_a_map_has_no_reverse_and_no_path(generator: Generator) -> None:
    with pytest.raises(Refusal, match="no way back"):
        Transport(Shift()).push(X, generator, reverse=True)
    assert Transport(Shift()).push(X, generator, save=5).path is None


def test_a_map_that_is_not_finite_leaves_the_point(generator: Generator) -> None:
    x = torch.tensor([[1.0, 2.0], [-1.0, 2.0], [3.0, 0.0]])
    moved = Transport(Shift(2.0)).push(x, generator)
    assert moved.stop.tolist() == [Stop.ARRIVED, Stop.NOT_FINITE, Stop.ARRIVED]
    assert moved.points.tolist() == [[3, 4], [-1, 2], [5, 2]]
    assert moved.finished == pytest.approx(2 / 3)
    assert moved.stops["not finite"] == pytest.approx(1 / 3)
    assert not moved.points.requires_grad


def test_a_point_beyond_the_precision_of_the_data_has_not_arrived(generator: Generator) -> None:
    model = Shift().double()
    model.by.data.fill_(1e39)
    moved = Transport(model).push(torch.tensor([[1.0, 2.0]]), generator)
    assert moved.stop.tolist() == [Stop.NOT_FINITE]
    assert moved.points.tolist() == [[1, 2]]
    assert moved.points.dtype == torch.float32


class Large(Flow):
    """Lines in units of which the data have none."""

    def drop(self, y: Tensor) -> Tensor:
        return y * 1e30


def test_a_line_that_ends_beyond_all_numbers_has_not_arrived(generator: Generator) -> None:
    x = torch.tensor([[0.0, 0.0], [1e10, 0.0]])
    moved = Transport(Large(lambda t, y: torch.zeros_like(y)), Euler(2)).push(x, generator)
    assert moved.stop.tolist() == [Stop.ARRIVED, Stop.NOT_FINITE]
    assert torch.equal(moved.points, x)


@pytest.mark.parametrize(
    "transport",
    [
        Transport(Flow(cosine), Euler(3)),
        Transport(Between(helix, UP), Lines()),
        Transport(Shift()),
    ],
)
@pytest.mark.parametrize("save", [0, 4])
def test_no_points_are_moved_to_no_points(transport, save: int, generator: Generator) -> None:
    moved = transport.push(X[:0], generator, save=save)
    assert moved.points.shape == (0, 2)
    assert moved.stop.shape == moved.evaluations.shape == (0,)
    assert not math.isnan(moved.finished)


class OnTheRim(Between):
    """Lines of which all come to the rim, and the first to no finite point."""

    def at_rim(self, y: Tensor) -> Tensor:
        return torch.ones(len(y), dtype=torch.bool)

    def drop(self, y: Tensor) -> Tensor:
        return torch.where(torch.arange(len(y))[:, None] == 0, math.inf, y[:, :-1])


def test_what_came_to_no_finite_point_is_not_on_the_rim(generator: Generator) -> None:
    moved = Transport(OnTheRim(helix, UP), Lines()).push(X, generator)
    assert moved.at_rim is not None
    assert moved.stop[0] == int(Stop.NOT_FINITE)
    assert moved.at_rim.tolist() == [False] + [True] * 24


def test_parts_that_do_not_fit_are_refused_when_they_are_put_together() -> None:
    with pytest.raises(Refusal, match="needs an integrator"):
        Transport(Flow(cosine))
    with pytest.raises(Refusal, match="takes no integrator"):
        Transport(Shift(), Euler(3))
    with pytest.raises(Refusal, match="between plates"):
        Transport(Flow(cosine), Lines())


def test_a_batch_of_nothing_is_refused(generator: Generator) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Transport(Shift()).push(X, generator, batch=0)


class Learned(IntervalField):
    """A small network, as a method would make it."""

    def __init__(self, width: int, generator: Generator | None = None) -> None:
        super().__init__()
        self.width = width
        self.net = TimeMLP((2,), width=width, depth=2, frequencies=2, generator=generator)

    @property
    def config(self) -> dict[str, int]:
        return {"width": self.width}

    def forward(self, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return self.net(t, y)


def test_config_and_state_are_all_there_is_to_a_model(generator: Generator) -> None:
    model = Learned(8, derive(3))
    assert torch.equal(Learned(8, derive(3)).net.layers[0].weight, model.net.layers[0].weight)
    other = Learned(**model.config)
    other.load_state_dict(model.state_dict())
    moved, again = (Transport(m, RK4(5)).push(X, generator).points for m in (model, other))
    assert torch.equal(moved, again)
    assert model.reverse().config == model.config
    # The direction of travel is no part of the model.
    assert (
        Transport(model, RK4(5)).push(moved, generator, reverse=True).points.allclose(X, atol=1e-3)
    )


def test_time_networks_keep_event_shapes() -> None:
    net = TimeMLP((3, 4), width=5, depth=1, generator=derive(0))
    out = net(torch.rand(6), torch.randn(6, 3, 4))
    assert out.shape == (6, 3, 4)
