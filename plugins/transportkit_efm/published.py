"""The rule of the code published with the paper of field matching, as a baseline.

It departs from the lines of the superposed field in three ways. The field of each plate is
normalised to a unit vector before the two are added. Every line starts inwards. A line that meets
the target plate where the field goes on behind it is followed there for a fixed number of steps,
and taken where it then is.

Behind the target both unit vectors nearly agree and cancel, so that lines do not come back. Those
that did not are lost here, and counted as such; their points are where they stopped.

Source: github.com/justkolesov/FieldMatching, the released code of Kolesov, Manukhov, Palyulin and
Korotin 2025; its steps of equal height between the plates are replaced by adaptive ones.
"""

from __future__ import annotations

import torch
from torch import Tensor

from transportkit import Contact

from .charges import ChargedPlates
from .coulomb import choose_once, coulomb_field

STEPS = 60
"""Steps behind the target plate."""
WAY = 2.0
"""Length of all of them, in distances of the plates and widths of the wider sample together."""


class UnitVectorPlates(ChargedPlates):
    """Charged plates whose two fields are normalised before they are added."""

    def direction(self, y: Tensor) -> Tensor:
        n, way = self.counts[0], choose_once(y.shape[1], len(self.charges), y.device, y.dtype)
        total = torch.zeros_like(y)
        for plate in (slice(n), slice(n, None)):
            charges, weights = self.charges[plate], self.weights[plate]
            total = total + coulomb_field(y, charges, weights, method=way).direction
        return torch.nn.functional.normalize(total, dim=1)

    def log_magnitude(self, y: Tensor) -> None:
        return None

    def ends(self, y: Tensor, through: Tensor, sense: float) -> tuple[Tensor, int]:
        # Where the field comes back from behind; E_z points from P to Q, for either sense.
        return self.direction(through)[:, -1] <= 0, 1

    def touch(self, y: Tensor, sense: float) -> Contact:
        met = super().touch(y, sense)
        behind = (met.y[:, -1] - (self.gap if sense > 0 else 0.0)) * sense > 0
        if not behind.any():
            return met
        return self._go_behind(met, behind.nonzero().squeeze(1), sense)

    def mirror(self, y: Tensor, slope: Tensor, sense: float) -> Tensor:
        """No lines come back from afar: this field is not a dipole's there."""
        return y

    def _go_behind(self, met: Contact, rows: Tensor, sense: float) -> Contact:
        """Follow the lines at `rows` behind their target plate until they return to it."""
        plate, offset = (self.gap if sense > 0 else 0.0), self.offsets[int(sense > 0)]
        y, arrived = met.y.clone(), met.arrived.clone()
        evaluations = torch.zeros(len(y), dtype=torch.long, device=y.device) + met.evaluations
        stride = sense * WAY / STEPS * (self.gap + 2 * float(self.radii.max()))
        going = rows
        for _ in range(STEPS):
            before = y[going]
            after = before + stride * self.direction(before)
            evaluations[going] += 1
            back = (after[:, -1] - plate) * sense <= offset
            rise = torch.where(back, after[:, -1] - before[:, -1], torch.ones_like(before[:, -1]))
            part = ((plate - before[:, -1]) / rise)[:, None]
            landed = before + part * (after - before)
            landed[:, -1] = plate
            y[going] = torch.where(back[:, None], landed, after)
            arrived[going[back]] = True
            going = going[~back]
            if len(going) == 0:
                break
        lost = torch.zeros_like(arrived)
        lost[going] = True
        return Contact(y, arrived, evaluations, lost)
