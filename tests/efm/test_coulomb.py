"""The Coulomb field against closed forms and its laws."""

from __future__ import annotations

import math

import pytest
import torch
from transportkit_efm.coulomb import coulomb_field


def test_one_charge_has_the_field_of_its_formula() -> None:
    point = torch.tensor([[3.0, 4.0, 0.0]], dtype=torch.float64)
    field = coulomb_field(point, torch.zeros_like(point), torch.ones(1, dtype=torch.float64))
    torch.testing.assert_close(field.direction, point / 5)
    assert float(field.log_magnitude) == pytest.approx(-math.log(4 * math.pi * 25))
