"""Plugins named by the environment, a bare run, and imports without end."""

from __future__ import annotations

import json
import threading

import pytest

from tests.strangers import Strangers
from transportkit import Choice, Metric, PluginError, UsageError, registry
from transportkit.cli import main

SPEC = "from transportkit import MetricSpec\none = MetricSpec(summary='', implementation='{}')\n"


@pytest.fixture
def loose(strangers: Strangers, monkeypatch: pytest.MonkeyPatch) -> Strangers:
    """A metric that is installed, whose module a variable names once more."""
    strangers.good("tk-one", "one")
    monkeypatch.setenv("TK_PLUGINS", " metric:extra=tk_one:one, metric : one = tk_one:one ,")
    registry.refresh()
    return strangers


def test_a_variable_adds_plugins(loose: Strangers) -> None:
    assert isinstance(registry.make("metric", Choice("extra")), Metric)
    with pytest.raises(UsageError, match="'TK_PLUGINS:one' or 'tk-one:one'"):
        registry.find("metric", "one")
    assert registry.find("metric", "TK_PLUGINS:one").target == "tk_one:one"
    assert "extra" not in {e.name for e in registry.entries("method")}


@pytest.mark.parametrize("text", ["one", "one=tk_one", "=a:b", "figure:one=a:b", "a b=c:d", "x=y:"])
def test_a_variable_that_says_nothing_clear(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TK_PLUGINS", text)
    registry.refresh()
    with pytest.raises(UsageError, match="TK_PLUGINS should read name=module:object"):
        registry.entries("metric")
    monkeypatch.undo()
    registry.refresh()


def test_a_variable_that_names_two_things_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TK_PLUGINS", "metric:one=a:b,one=a:d,metric:one=a:b,metric:one=a:c")
    registry.refresh()
    with pytest.raises(UsageError, match="names two things metric 'one': a:b and a:c"):
        registry.entries("metric")
    monkeypatch.undo()
    registry.refresh()


def test_a_bare_run_has_first_party_plugins_alone(
    loose: Strangers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TK_DISABLE_PLUGINS", "1")
    registry.refresh()
    owners = {e.distribution for kind in registry.KINDS for e in registry.entries(kind)}
    assert owners == {"transportkit"}
    monkeypatch.setenv("TK_DISABLE_PLUGINS", "0")
    registry.refresh()
    assert "one" in {e.name for e in registry.entries("metric")}


def test_health_is_listed(loose: Strangers, capsys: pytest.CaptureFixture[str]) -> None:
    loose.install("tk-bad", {"bad": "hostile:bad"}, {"hostile": "raise RuntimeError('boom')"})

    def tk(*arguments: str) -> tuple[str, str]:
        with pytest.raises(SystemExit) as stop:
            main(["plugin", "list", *arguments])
        assert stop.value.code == 0
        return tuple(capsys.readouterr())

    rows = {(r["distribution"], r["name"]): r for r in json.loads(tk("--json")[0])["plugins"]}
    assert rows["transportkit", "energy"]["health"] == "works"
    assert rows["transportkit", "energy"]["api"] == 1
    assert rows["transportkit", "energy"]["origin"].endswith("__init__.py")
    assert rows["TK_PLUGINS", "extra"]["health"] == "works"
    assert rows["tk-one", "one"]["health"] == rows["TK_PLUGINS", "one"]["health"] == "clashes"
    assert "boom" in rows["tk-bad", "bad"]["reason"]
    assert rows["tk-bad", "bad"]["origin"] == "hostile:bad"
    out, err = tk()
    assert "'tk-one:one'" in out
    assert "1 broken" in out
    assert "Traceback" not in out + err
    assert "Traceback" in tk("--traceback")[1]


ENDLESS = {
    "a loop": "while True: pass",
    "a loop that swallows": (
        "import time\nfor _ in range(600):\n    try: time.sleep(0.1)\n    except Exception: pass"
    ),
    "a sleep": "import time; time.sleep(60)",
}


@pytest.mark.parametrize("code", ENDLESS.values(), ids=ENDLESS)
def test_an_endless_import_is_cut_off_by_name(
    code: str, strangers: Strangers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TK_IMPORT_SECONDS", "0.3")
    strangers.good("tk-good", "good")
    strangers.install("tk-endless", {"endless": "endless:bad"}, {"endless": code})
    with pytest.raises(
        PluginError, match=r"metric 'endless' of tk-endless .* took more than 0.3 s"
    ):
        registry.describe("metric", "endless")
    assert isinstance(registry.describe("metric", "good"), registry.Loaded)


def test_an_import_that_swallows_the_limit_is_named(
    strangers: Strangers, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TK_IMPORT_SECONDS", "0.1")
    code = (
        "import time\nfor _ in range(4):\n    try: time.sleep(9)\n    except BaseException: pass\n"
    )
    strangers.install("tk-deaf", {"deaf": "deaf_spec:one"}, {"deaf_spec": code + "one = 1"})
    assert isinstance(registry.read(registry.find("metric", "deaf")), registry.Broken)
    assert caplog.text.count("metric 'deaf' of tk-deaf 1.5 takes more than 0.1 s") == 1
    assert "cannot be stopped" in caplog.text


def test_an_endless_implementation_is_cut_off(
    strangers: Strangers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TK_IMPORT_SECONDS", "0.3")
    strangers.good("tk-late", "late")
    (strangers.folder / "tk_late_code.py").write_text("while True: pass")
    with pytest.raises(PluginError, match="TK_IMPORT_SECONDS sets the limit"):
        registry.make("metric", Choice("late"))


def test_another_thread_is_told_whom_it_waits_for(
    strangers: Strangers, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TK_IMPORT_SECONDS", "0.1")
    slow = "import time; time.sleep(0.6)\n" + SPEC.format("a:b")
    strangers.install("tk-slow", {"slow": "slow_spec:one"}, {"slow_spec": slow})
    found = []
    thread = threading.Thread(target=lambda: found.append(registry.describe("metric", "slow")))
    thread.start()
    thread.join()
    assert isinstance(found[0], registry.Loaded)
    assert "metric 'slow' of tk-slow 1.5 takes more than 0.1 s" in caplog.text
