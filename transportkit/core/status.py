"""Why a line stopped."""

from __future__ import annotations

from enum import IntEnum


class Stop(IntEnum):
    """The status of one line; `text` is the message for the user."""

    ARRIVED = 0
    TURNED = 1
    LEFT_BOX = 2
    STEP_LIMIT = 3
    NOT_FINITE = 4

    @property
    def text(self) -> str:
        return _TEXTS[self]

    @property
    def label(self) -> str:
        return self.name.lower().replace("_", " ")


_TEXTS = {
    Stop.ARRIVED: "the line reached the target",
    Stop.TURNED: "the line turned back, which an integrator that steps in z cannot follow; "
    "use the integrator 'lines'",
    Stop.LEFT_BOX: "the line left the box around the plates; enlarge the box",
    Stop.STEP_LIMIT: "the line used up its steps; allow more steps or a larger tolerance",
    Stop.NOT_FINITE: "the field or the state was not finite on the line",
}
