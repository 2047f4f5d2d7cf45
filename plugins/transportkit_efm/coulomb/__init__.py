"""The Coulomb field of many charges: exact, streamed, in few or in thousands of dimensions."""

from .choice import choose
from .compiled import prepare
from .field import CoulombField, coulomb_field

__all__ = ["CoulombField", "choose", "coulomb_field", "prepare"]
