"""What all tests share."""

from __future__ import annotations

import pytest
from torch import Generator

from tests.strangers import strangers as strangers


@pytest.fixture
def generator() -> Generator:
    return Generator().manual_seed(0)
