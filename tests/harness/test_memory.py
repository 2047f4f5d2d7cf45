"""What memory there is: the least that any of a process's control groups allows."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.commands import TINY, tk
from transportkit import Choice, Run, check_network, check_room, derive, registry
from transportkit.core import allowed
from transportkit.errors import TooLarge
from transportkit.harness import memory

UNLIMITED = 9223372036854771712


@pytest.mark.parametrize(
    ("said", "files", "wanted"),
    [
        ("0::/a/b", {"a/memory.max": "4096", "a/b/memory.max": "max"}, [4096]),
        ("0::/a/b", {"memory.max": "10", "a/b/memory.max": "8192"}, [8192, 10]),
        # A path of the machine, of which a container sees its own group as the root.
        ("0::/docker/1234", {"memory.max": "4096"}, [4096]),
        (
            "5:cpu:/a\n4:memory,hugetlb:/a\n0::/",
            {"memory/a/memory.limit_in_bytes": "77", "memory/memory.limit_in_bytes": "99"},
            [77, 99],
        ),
        ("nothing known", {}, []),
    ],
)
def test_control_groups(
    said: str, files: dict[str, str], wanted: list[int], tmp_path: Path
) -> None:
    own, groups = tmp_path / "own", tmp_path / "groups"
    own.write_text(f"{said}\n")
    for name, text in files.items():
        (groups / name).parent.mkdir(parents=True, exist_ok=True)
        (groups / name).write_text(f"{text}\n")
    assert list(allowed.limits(groups, own)) == wanted
    assert list(allowed.limits(groups, tmp_path / "none")) == []


def test_the_least_is_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allowed, "limits", lambda: iter([UNLIMITED, 4096]))
    assert allowed.total() == 4096
    monkeypatch.setattr(allowed, "limits", lambda: iter([UNLIMITED]))
    assert 4096 < (allowed.total() or 0) < UNLIMITED


def test_a_gpu_has_less_than_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    moons = registry.make("problem", registry.parse_choice("problem", "moons"))
    linear = registry.parse_choice("method", "linear")
    run = Run(linear, registry.parse_choice("problem", "moons"), points=2**20)
    monkeypatch.setattr(allowed, "total", lambda: 2**40)
    monkeypatch.setattr(allowed, "free", lambda device: 2**20)
    memory.check_fits(run, moons, torch.device("cpu"))
    with pytest.raises(TooLarge, match=r"there are 0\.0 free on cuda:1; lower points"):
        memory.check_fits(run, moons, torch.device("cuda:1"))


GPU = torch.device("cuda:1")


def test_what_lies_on_a_gpu_need_not_fit_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allowed, "total", lambda: 16 * 2**30)
    monkeypatch.setattr(allowed, "free", lambda device: 75 * 2**30)
    check_room(20 * 2**30, "lines", device=GPU)
    check_network(3 * 2**30, 20_000, 4, GPU)
    with pytest.raises(TooLarge, match="and there are 16; choose a smaller one"):
        check_network(2**33, 20_000, 4, GPU)
    with pytest.raises(TooLarge, match="80 GiB of memory, and there are 75 free on cuda:1"):
        check_room(80 * 2**30, "lines", device=GPU)
    with pytest.raises(TooLarge, match="20 GiB of memory, and there are 16; ask"):
        check_room(20 * 2**30, "lines", device=torch.device("cpu"))
    # Samples are drawn in the machine's memory first.
    moons = registry.parse_choice("problem", "moons")
    run = Run(registry.parse_choice("method", "linear"), moons, points=2**29)
    with pytest.raises(TooLarge, match="and there are 16; lower points"):
        memory.check_fits(run, registry.make("problem", moons), GPU)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (16 * 2**30 + 2**25, "at least 16.03 GiB of memory, and there are 16.00;"),
        (17.4 * 2**30, "at least 17 GiB of memory, and there are 16;"),
        (1e30, "at least 9.3e+20 GiB of memory, and there are 16;"),
    ],
)
def test_sizes_are_told_apart(asked: float, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allowed, "total", lambda: 16 * 2**30)
    with pytest.raises(TooLarge, match=re.escape(said)):
        check_room(asked, "lines")


@pytest.mark.parametrize(
    "choice",
    ["cfm:width=40000,depth=3", "mmv1:width=40000,depth=3", "dsbm:pairs=1000000000",
     "lightsb:components=1000000000"],
)  # fmt: skip
def test_methods_ask_the_device_that_they_train_on(
    choice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def seen(size: float, what: str, advice: str = "", device: object = None) -> None:
        asked.append((size, device))
        if device is not None:
            raise TooLarge(what)

    for module in ("nets.room", "core.allowed"):
        monkeypatch.setattr(f"transportkit.{module}.check_room", seen)
    for name in ("light", "matching"):
        monkeypatch.setattr(f"transportkit_ot.bridge.{name}.check_room", seen)
    method = registry.make("method", registry.parse_choice("method", choice))
    moons = registry.make("problem", registry.parse_choice("problem", "moons"))
    with pytest.raises(TooLarge):
        method.objective(moons, derive(0, "fit"))
    size, device = asked[-1]
    assert (size > 2**30, device) == (True, torch.device("cpu"))


@pytest.mark.parametrize(
    ("method", "data", "said"),
    [
        ("cfm:width=10000000", "moons", "the 2e+14 weights of a network with width=10000000 and"),
        ("cfm:depth=1000000000", "moons", "depth=1000000000 take at least"),
        ("mmv1:width=10000000", "moons", "a network with width=10000000 and depth="),
        ("efm:width=10000000", "moons", "a network with width=10000000 and depth="),
        ("efm:lines=100000000000", "moons", "lines=100000000000 of dimension 2 take"),
        ("efm-plates:lines=100000000000", "moons", "lines=100000000000 of dimension 2 take"),
        ("dsbm:pairs=100000000000", "moons", "pairs=100000000000 of dimension 2 take"),
        ("lightsb:components=100000000000", "moons", "components=100000000000 of dimension 2 take"),
        ("cfm:batch=100000000000", "moons", "batch=100000000000 in dimension 2 take"),
        ("linear", "gaussian-pair:dim=1000000", "the covariances of dim=1000000 take"),
        ("linear", "entropic-pair:components=100000000000", "components=100000000000 with dim=2"),
        ("linear", "icnn:width=10000000", "the layers of width=10000000 and depth=2 with dim=2"),
        ("linear", "icnn:depth=1000000000", "depth=1000000000 with dim=2 take"),
        ("linear", "lse:pieces=100000000000", "pieces=100000000000 with dim=2 take"),
        ("linear", "gaussians:modes=1000000000000", "the centres of modes=1000000000000 with"),
        ("linear", "modes:dim=10000000,stratified=true", "stratified draws with dim=10000000"),
        ("linear", "radial:dim=100000000000", "64 points of each side with dim=100000000000"),
    ],
)
def test_parameters_beyond_this_machine_are_told_before_it_is_taken(
    method: str, data: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allowed, "total", lambda: 2**36)
    answer = tk("run", method, "--data", data, "--out", tmp_path, *TINY.split())
    assert (answer.status, answer.out, answer.err.count("\n")) == (1, "", 1)
    assert said in answer.err
    assert "GiB of memory, and there are 64; " in answer.err
    # No log of a traceback, and another machine may do it.
    (place,) = tmp_path.glob("*.failed")
    assert [file.name for file in place.iterdir()] == ["result.json"]


def test_a_problem_beyond_this_machine_is_told_before_any_run(tmp_path: Path) -> None:
    line = "compare linear emd --data moons --data gaussian-pair:dim=100000000"
    answer = tk(line, "--out", tmp_path)
    assert (answer.status, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert "take at least" in answer.err
    assert not list(tmp_path.glob("*moons*"))


def test_points_beyond_this_machine_are_named_before_they_are_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allowed, "total", lambda: 23 * 2**30)
    answer = tk(f"run linear --data gaussians --points 200000000 --out {tmp_path}")
    assert (answer.status, answer.out, answer.err.count("\n")) == (1, "", 1)
    said = "200000000 points of dimension 2 take at least 26 GiB of memory, and there are 23"
    assert answer.err.endswith(f"{said}; lower points\n")


def test_what_a_shell_allows_is_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrlimit", lambda of: (5000, resource.RLIM_INFINITY))
    monkeypatch.setattr(allowed, "limits", lambda: iter(()))
    assert allowed.total() == 5000


def test_advice_names_points_where_they_are_many() -> None:
    run = Run(Choice("linear"), Choice("moons"), points=10**6)
    assert memory.advice("push", run).startswith("moving points; lower points, or batch, ")
    assert memory.advice("push", replace(run, points=2000)).startswith("moving points; lower batch")
