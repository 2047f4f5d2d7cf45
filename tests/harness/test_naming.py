"""Names of rows tell apart what differs, and nothing else."""

from __future__ import annotations

from dataclasses import replace

from transportkit import Budget, Choice, Run
from transportkit.harness.naming import label, row_labels


def test_labels_name_what_differs() -> None:
    one, two, other = Choice("m", {"a": 1, "b": 2}), Choice("m", {"a": 1, "b": 3}), Choice("n")
    assert label(one, [one, other]) == "m"
    assert label(one, [one, two]) == "m:b=2"


def test_files_are_named_by_as_much_of_their_end_as_differs() -> None:
    def source(path: str, *others: str) -> str:
        first, *rest = (Choice("samples", {"source": each}) for each in (path, *others))
        return label(first, rest)

    assert source("/data/x.npy", "/data/y.npy") == "samples:source=x.npy"
    assert source("/data/a/x.npy", "/data/b/x.npy") == "samples:source=a/x.npy"
    assert source("/x.npy", "/a/x.npy") == "samples:source=/x.npy"
    assert source("/a/x.npy", "/x.npy") == "samples:source=a/x.npy"
    assert source("/a/x.npy", "/b/a/x.npy", "/c/a/x.npy") == "samples:source=/a/x.npy"


def test_rows_that_differ_in_how_they_are_pushed_or_trained() -> None:
    flow = Run(Choice("cfm", {"width": 64}), Choice("moons"), integrator=Choice("euler"))
    plain = Run(Choice("emd"), Choice("moons"))
    pushed = [replace(flow, nfe=nfe) for nfe in (2, None)]
    assert row_labels([*pushed, plain, plain]) == ["cfm nfe=2", "cfm nfe=own", "emd", "emd"]
    runs = [flow, replace(flow, integrator=Choice("rk4"), budget=Budget(steps=5)), plain]
    assert row_labels(runs) == ["cfm euler default", "cfm rk4 steps=5", "emd"]
    assert row_labels([flow, replace(flow, seed=1)]) == ["cfm", "cfm"]
    wide = replace(flow, method=Choice("cfm", {"width": [64, 32]}), points=9)
    assert row_labels([flow, wide]) == ["cfm:width=64 points=2000", "cfm:width=64/32 points=9"]
