"""Pictures of images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.report.results import result
from transportkit import Choice, Evidence, Result, Run
from transportkit.report.images import is_image, pixel_range
from transportkit.report.picture import _frame, _title, draw_images, tile


@pytest.mark.parametrize(
    ("shape", "images"),
    [((1, 8, 8), True), ((3, 4, 6), True), ((2, 8, 8), False), ((64,), False), (None, False)],
)
def test_channels_height_and_width_make_an_image(shape, images: bool) -> None:
    assert is_image(shape) is images


@pytest.mark.parametrize("low", [-1.0, 0.0])
def test_pixels_are_shown_from_the_lowest_to_the_highest(low: float) -> None:
    values = torch.linspace(low, 1.0, 5)
    assert pixel_range(values) == pixel_range(values.numpy()) == (low, 1.0 - low)
    assert pixel_range(torch.zeros(2)) == (0.0, 1.0)


def test_a_grid_holds_the_images_in_rows() -> None:
    images = torch.arange(3.0).view(3, 1, 1, 1).expand(3, 1, 2, 2) / 4
    grid = tile(images, 2)
    expected = np.ones((5, 5))
    expected[:2, :2], expected[:2, 3:], expected[3:, :2] = 0, 0.25, 0.5
    np.testing.assert_allclose(grid, expected)
    assert tile(images.expand(3, 3, 2, 2), 2).shape == (5, 5, 3)


@pytest.mark.parametrize(("n", "rows", "columns"), [(1, 1, 1), (2, 1, 2), (7, 3, 3), (99, 8, 8)])
def test_a_grid_has_as_many_rows_as_its_images_fill(n: int, rows: int, columns: int) -> None:
    grid = tile(torch.zeros(n, 1, 2, 2), 8)
    assert grid.shape == (3 * rows - 1, 3 * columns - 1)


def test_three_grids_are_drawn(tmp_path: Path) -> None:
    x = torch.rand(10, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    run = Run(Choice("efm"), Choice("digits"))
    draw_images(tmp_path / "grid.png", Result(run, "done"), Evidence(x, x, x))
    assert (tmp_path / "grid.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("value", [0.0, 3e8, -3e8])
def test_a_coordinate_of_one_value_has_room_about_it(value: float) -> None:
    low, high = _frame(np.full((5, 2), value, np.float32))
    assert (low < value).all()
    assert (high > value).all()


def test_only_lines_are_said_to_take_evaluations() -> None:
    drawn = result(sliced_w2=0.2)
    assert "10 evaluations a line" in _title(drawn)
    assert "evaluations" not in _title(replace(drawn, run=replace(drawn.run, integrator=None)))
