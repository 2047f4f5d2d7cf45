"""The page that the answers make."""

from __future__ import annotations

import datetime
import platform
from collections.abc import Mapping

import torch

from transportkit import __version__

from .laboratory import SCALES, Scale
from .questions import Answer, table


def page(answers: Mapping[str, Answer], command: str, scale: Scale) -> str:
    summary = table(["Claim", "Verdict"], [[c, f"**{a.verdict}**"] for c, a in answers.items()])
    more = "" if scale == SCALES["full"] else "; `--scale full` asks for more of each"
    parts = [
        "# Claims",
        "What is said of electrostatic field matching, by its paper (Kolesov, Manukhov, Palyulin "
        "and Korotin, ICML 2025) or by those who sum it up, and what comes of it when measured.",
        summary,
        f"Written by `{command}` on {datetime.date.today().isoformat()}: transportkit "
        f"{__version__}, torch {torch.__version__}, {platform.machine()}, CPU. "
        f"{scale.seeds} seeds, {scale.train} training samples, {scale.points} points judged, "
        f"{scale.steps} training steps{more}. Values are means over seeds with 95% intervals "
        "(Student's t); sliced W2 stands over its floor, which is its mean between independent "
        "samples of Q. Lost lines are judged where they stopped. L is the distance of the plates, "
        "in the units of the data.",
    ]
    for claim, answer in answers.items():
        parts += [f"## {claim}", f"**{answer.verdict.capitalize()}.** {answer.reason}"]
        parts += [*answer.tables, f"Judged by: {answer.rule}."]
    return "\n\n".join(parts) + "\n"
