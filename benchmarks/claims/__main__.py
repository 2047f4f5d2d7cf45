"""What the claims made for electrostatic field matching are worth: experiments, numbers, verdicts.

    python -m benchmarks.claims [--scale page] [--jobs 2] [--out FILE] [--runs FOLDER]

The claims are those of Kolesov, Manukhov, Palyulin and Korotin, ICML 2025, and of its summaries.
Finished runs are kept in the folder --runs and not done again.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from transportkit.harness.store import Store

from .laboratory import SCALES, Laboratory
from .page import page
from .questions import CLAIMS

ROOT = Path(__file__).parents[2]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.claims",
        description="What the claims made for electrostatic field matching are worth.",
    )
    parser.add_argument("--scale", choices=SCALES, default="page", help="how much is computed")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "claims.md")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "claims")
    given = parser.parse_args(arguments)
    lab = Laboratory(SCALES[given.scale], Store(given.runs), given.jobs)
    # What is found answers the next command of the same scale, so an interrupted one goes on.
    answers = {claim: ask(lab) for claim, ask in CLAIMS.items()}
    more = "" if given.scale == "page" else f" --scale {given.scale}"
    command = f"python -m benchmarks.claims{more}"
    given.out.write_text(page(answers, command, lab.scale))


if __name__ == "__main__":
    main()
