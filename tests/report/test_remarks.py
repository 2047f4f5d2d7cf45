"""What is said beside metrics."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.commands import TINY, tk
from tests.report.results import result
from transportkit import Choice, Result, Value
from transportkit.report.remarks import remarks, shared_remarks
from transportkit.report.sheet import in_floors_of


def noted(seed: int, note: str, value: float | None, metric: str = "marginals") -> Result:
    plain = result(seed=seed)
    run = replace(plain.run, metrics=(Choice(metric),))
    return replace(plain, run=run, metrics={metric: Value(value, note=note)})


def test_what_all_seeds_say_and_why_there_is_no_value_is_said() -> None:
    alike = [noted(seed, "in coordinate 3", 1.0) for seed in (0, 1)]
    assert shared_remarks(alike) == {"marginals: in coordinate 3": [0, 1]}
    assert shared_remarks([alike[0], noted(1, "in coordinate 2", 1.0)]) == {}
    lost = noted(1, "no way back", None)
    assert shared_remarks([alike[0], lost]) == {"marginals: no way back": [1]}


def test_lines_that_were_put_on_the_rim_are_told_of_a_row() -> None:
    runs = [replace(result(seed=seed, sliced_w2=0.2), rim=rim) for seed, rim in ((0, 0.1), (1, 0))]
    text = "5.0% of lines arrived beside the target and were put on its rim"
    assert shared_remarks(runs) == {text: [0, 1]}
    assert shared_remarks([replace(runs[0], rim=1e-5)]) == {}
    assert shared_remarks([replace(runs[0], rim=None)]) == {}


def test_floors_say_whose_samples_they_are_between() -> None:
    assert in_floors_of(["w2"]).endswith("samples of the target")
    assert in_floors_of(["w2", "reverse:of=w2"]).endswith("target (reverse:of=w2: of the source)")
    assert in_floors_of(["reverse"]).endswith("samples of the source")


def test_a_way_back_that_is_not_there_is_no_failure(tmp_path: Path) -> None:
    line = f"run emd --data gaussians {TINY} --metric reverse --out {tmp_path}"
    answer = tk(line)
    assert answer.status == 0
    assert "this map carries P to Q only; it has no way back" in answer.out
    found = tk(f"{line} --json").json
    assert found["found"]
    assert found["metrics"]["reverse"]["value"] is None
    assert "no way back" in found["metrics"]["reverse"]["note"]


def test_what_is_computed_unasked_need_not_apply(tmp_path: Path) -> None:
    words = f"--data gaussians --points 20 --train 40 --out {tmp_path}"
    assert "l2_uvp" not in tk(f"run linear {words}").out
    assert "not known" in tk(f"run linear {words} --metric l2_uvp").out
    assert remarks(noted(0, "as it is", 1.0)) == {"marginals": "as it is"}
