"""What a list keeps from one call to the next."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.commands import tk
from tests.strangers import Strangers
from transportkit import registry
from transportkit.cli.summaries import summaries


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("TK_CACHE", str(folder))
    return folder


def said(name: str) -> str:
    (found,) = [one for one in summaries(["metric"])["metric"] if one.entry.name == name]
    return found.summary or f"broken: {found.broken}"


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the specs that were read."""
    names: list[str] = []
    read = registry.read
    monkeypatch.setattr(registry, "read", lambda entry: names.append(entry.name) or read(entry))
    return names


def test_specs_are_read_once(cache: Path, strangers: Strangers, unread: list[str]) -> None:
    strangers.good("tk-one", "one")
    assert said("one") == "counts to one"
    assert "one" in unread
    unread.clear()
    assert said("one") == "counts to one"
    assert not unread


def test_a_spec_that_changed_is_read_again(cache: Path, strangers: Strangers) -> None:
    strangers.good("tk-one", "one")
    assert said("one") == "counts to one"
    file = strangers.folder / "tk_one.py"
    file.write_text(file.read_text().replace("counts to one", "counts to two"))
    # As a new process would.
    strangers.forget()
    assert said("one") == "counts to two"
    strangers.good("tk-other", "other")
    assert said("other") == "counts to one"


def test_the_module_is_that_of_the_path(
    cache: Path, tmp_path: Path, strangers: Strangers, monkeypatch: pytest.MonkeyPatch
) -> None:
    strangers.good("tk-one", "one")
    strangers.good("tk-other", "other")
    assert said("one") == "counts to one"
    first = tmp_path / "first"
    first.mkdir()
    spec = (strangers.folder / "tk_one.py").read_text().replace("to one", "anew")
    (first / "tk_one.py").write_text(spec)
    monkeypatch.syspath_prepend(first)
    strangers.forget()
    assert said("one") == "counts anew"
    assert said("other") == "counts to one"


def test_what_is_broken_is_read_again(cache: Path, strangers: Strangers) -> None:
    strangers.install("tk-bad", {"bad": "tk_bad:one"}, {"tk_bad": "import absent_module"})
    assert said("bad").startswith("broken: import failed")
    (strangers.folder / "absent_module.py").write_text("")
    strangers.modules.append("absent_module")
    (strangers.folder / "tk_bad.py").write_text(
        "from transportkit import MetricSpec\n"
        "one = MetricSpec(summary='mended', implementation='tk_bad:One')\n"
    )
    strangers.forget()
    assert said("bad") == "mended"


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"environment": 1}'])
def test_a_torn_cache_is_none(cache: Path, strangers: Strangers, text: str) -> None:
    strangers.good("tk-one", "one")
    assert said("one") == "counts to one"
    (file,) = cache.iterdir()
    whole = json.loads(file.read_text())["summaries"]
    file.write_text(text)
    assert said("one") == "counts to one"
    assert json.loads(file.read_text())["summaries"] == whole


def test_a_cache_that_cannot_be_written_is_none(
    tmp_path: Path, strangers: Strangers, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TK_CACHE", str(tmp_path / "file" / "below"))
    strangers.good("tk-one", "one")
    assert said("one") == "counts to one"


def test_a_list_from_the_cache_is_the_same(cache: Path) -> None:
    first, second = tk("list"), tk("list")
    assert list(cache.iterdir())
    assert first.out == second.out
    assert "efm" in first.out
