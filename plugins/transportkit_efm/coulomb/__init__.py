"""The Coulomb field of many charges: exact, streamed, in few or in thousands of dimensions."""

from .choice import choose, choose_once
from .compiled import prepare
from .field import CoulombField, coulomb_field

__all__ = ["CoulombField", "choose", "choose_once", "coulomb_field", "prepare"]
