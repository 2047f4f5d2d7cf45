"""The maker of the page of claims: at the smallest scale, and its rules of judging."""

from __future__ import annotations

import pytest

from benchmarks.claims.laboratory import SCALES, Interval, Laboratory
from benchmarks.claims.page import page
from benchmarks.claims.questions import CLAIMS, CONDITIONS, FAILS, HOLDS
from transportkit.harness.store import Store

QUICK = ("Field lines lead from plate to plate",)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Laboratory:
    return Laboratory(SCALES["tiny"], Store(tmp_path_factory.mktemp("claims")), jobs=1)


def test_answers_make_a_page(lab: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    # Lines between charges, thousands of them, are tested with the field.
    monkeypatch.setattr(
        "benchmarks.claims.questions.captures", lambda *_: (1.0, Interval(0.9, 0.1))
    )
    answers = {claim: CLAIMS[claim](lab) for claim in QUICK}
    text = page(answers, "python -m benchmarks.claims --scale tiny", lab.scale)
    for claim, answer in answers.items():
        assert answer.verdict in (HOLDS, CONDITIONS, FAILS)
        assert f"| {claim} | **{answer.verdict}** |" in text
        assert f"## {claim}" in text
    assert "2 seeds, 60 training samples, 40 points judged, 2 training steps" in text
    assert "nan" not in text


def test_intervals_are_students() -> None:
    interval = Interval.of([1.0, 2.0, 3.0])
    assert interval.mean == 2
    assert interval.half == pytest.approx(4.3027 * 1 / 3**0.5, rel=1e-4)
