"""What memory there is: the least that any of a process's control groups allows."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from transportkit import Run, registry
from transportkit.harness import allowed, memory

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
    monkeypatch.setattr(memory, "total", lambda: 2**40)
    monkeypatch.setattr(memory, "free", lambda device: 2**20)
    memory.check_fits(run, moons, torch.device("cpu"))
    with pytest.raises(memory.TooLarge, match="there are 0 free on cuda:1; ask for fewer"):
        memory.check_fits(run, moons, torch.device("cuda:1"))
