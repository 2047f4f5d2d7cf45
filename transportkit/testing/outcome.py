"""What a conformance suite found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Status = Literal["passed", "failed", "skipped", "expected to fail", "passed unexpectedly"]
STATUSES: tuple[Status, ...] = (
    "passed",
    "failed",
    "skipped",
    "expected to fail",
    "passed unexpectedly",
)


class Skip(Exception):
    """Raised by a check that has nothing to ask of this plugin or on this machine; says why."""


@dataclass(frozen=True)
class Outcome:
    """What came of one check. `asks` is what it asked, `message` why it did not simply pass."""

    check: str
    asks: str
    status: Status
    message: str = ""
    seconds: float = 0.0
    traceback: str = ""


@dataclass(frozen=True)
class Report:
    """Every check of one plugin."""

    kind: str
    name: str
    outcomes: Sequence[Outcome]

    @property
    def counts(self) -> Mapping[Status, int]:
        """How many checks ended with each status."""
        return {s: sum(o.status == s for o in self.outcomes) for s in STATUSES}

    @property
    def ran(self) -> int:
        """How many checks were not skipped."""
        return len(self.outcomes) - self.counts["skipped"]

    @property
    def conforms(self) -> bool:
        """Whether nothing failed, and nothing passed that was declared to fail."""
        return not self.counts["failed"] and not self.counts["passed unexpectedly"]

    @property
    def summary(self) -> str:
        """The counts in one line."""
        rare = "passed unexpectedly"
        parts = [f"{n} {status}" for status, n in self.counts.items() if n or status != rare]
        return f"{self.ran} checks ran: " + ", ".join(parts)

    def __repr__(self) -> str:
        lines = [f"{self.kind} {self.name}"]
        for o in self.outcomes:
            lines.append(f"  {o.check:<20}  {o.status:<16}  {o.message}".rstrip())
            if o.status == "failed":
                lines.append(f"  {'':<20}  {'':<16}  it asks: {o.asks}")
        return "\n".join([*lines, "", self.summary])

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON data."""
        return {
            "kind": self.kind,
            "name": self.name,
            "conforms": self.conforms,
            "ran": self.ran,
            "counts": dict(self.counts),
            "checks": [
                {
                    "check": o.check,
                    "status": o.status,
                    "message": o.message,
                    "asks": o.asks,
                    "seconds": round(o.seconds, 3),
                }
                for o in self.outcomes
            ],
        }
