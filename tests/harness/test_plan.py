"""Plans: what is asked for, in full."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from transportkit import Budget, Choice, UsageError
from transportkit.harness.plan import Settings, parse_seeds, plan, problem
from transportkit.harness.provenance import digest


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("0", [0]), ("0-4", [0, 1, 2, 3, 4]), ("3,0,7-9", [3, 0, 7, 8, 9]), ("1,1-2", [1, 2])],
)
def test_seeds(text: str, seeds: list[int]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "a", "1-", "-1", "0--3", "5-2", "1,,2", "0-99999999", "1.5"])
def test_no_seeds(text: str) -> None:
    with pytest.raises(UsageError, match=r"seeds read 0-4|names no seed|more than 100000"):
        parse_seeds(text)


def test_every_combination_once_with_shared_fits_together() -> None:
    settings = Settings(budget=Budget(steps=3), metrics=["cost", "cost", Choice("cost")])
    runs = plan(["cfm", "emd"], ["moons", Choice("gaussian-pair", {"dim": 3})], [0, 1], settings)
    assert len({run.key() for run in runs}) == len(runs) == 8
    assert [len(run.metrics) for run in runs] == [1] * 8
    assert {run.problem.params.get("dim") for run in runs} == {None, 3}
    assert all(run.integrator is None for run in runs if run.method.name == "emd")
    assert all(run.integrator is not None for run in runs if run.method.name == "cfm")


def test_keys_follow_what_can_change_a_result() -> None:
    def key(**changed: object) -> str:
        asked = {"points": 10, "train": 10, "device": "cpu", **changed}
        (run,) = plan(["cfm"], ["moons"], [0], Settings(**asked))  # type: ignore[arg-type]
        return run.key()

    assert key() == key()
    variants = [
        key(),
        key(points=11),
        key(train=11),
        key(nfe=4),
        key(batch=5),
        key(integrator="rk4"),
    ]
    variants += [key(budget=Budget(steps=1)), key(budget=Budget(seconds=1)), key(metrics=["cost"])]
    assert len(set(variants)) == len(variants)


def test_overrides_win_over_what_is_in_the_text_or_the_choice() -> None:
    settings = Settings(metrics=["cost"])
    for asked in ("cfm:steps=3,batch=7", Choice("cfm", {"steps": 3, "batch": 7})):
        (run,) = plan([asked], ["moons"], [0], settings, {"steps": "5"})
        assert (run.method.params["steps"], run.method.params["batch"]) == (5, 7)


def test_files_are_named_by_path_and_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    np.save("a.npy", np.ones((3, 2)))
    settings = Settings(metrics=["cost"])

    def key(source: str) -> str:
        own = Choice("samples", {"source": source, "target": "a.npy"})
        return plan(["linear"], [own], [0], settings)[0].key()

    first = key("a.npy")
    assert first == key("~/a.npy") == key(str(tmp_path / "a.npy"))
    np.save("a.npy", np.zeros((3, 2)))
    assert key("a.npy") != first


def test_a_part_of_a_file_has_the_files_digest(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"one")
    (tmp_path / "a#b.npz").write_bytes(b"two")
    assert digest(tmp_path / "a.npz#x") == digest(tmp_path / "a.npz")
    assert (
        digest(tmp_path / "a#b.npz") == digest(tmp_path / "a#b.npz#x") != digest(tmp_path / "a.npz")
    )


def test_one_file_is_one_problem_however_it_is_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub").mkdir()
    np.save(tmp_path / "a.npy", np.zeros((8, 2)))
    (tmp_path / "link.npy").symlink_to(tmp_path / "a.npy")
    (tmp_path / "elsewhere").symlink_to(tmp_path / "sub")

    def stored(folder: str, path: str) -> str:
        monkeypatch.chdir(tmp_path / folder)
        found = problem(f"samples:source={path},target={tmp_path}/a.npy").params["source"]
        return Path(str(found)).relative_to(tmp_path.resolve()).as_posix()

    ways = [(".", "a.npy"), (".", "sub/../a.npy"), ("sub", "../a.npy")]
    ways += [(".", "elsewhere/../a.npy"), (".", f"{tmp_path}//a.npy")]
    assert {stored(*way) for way in ways} == {"a.npy"}
    assert stored("sub", "../a.npy#points") == "a.npy#points"
    # What tables show is the name that was given, and it may be all that names the format.
    assert stored("sub", "../link.npy") == "link.npy"
    assert stored("sub", "../day_*.npy") == "day_*.npy"
    (tmp_path / "a#b.npy").symlink_to(tmp_path / "a.npy")
    assert stored(".", "a#b.npy") == "a#b.npy"
