"""A plugin that misbehaves is shown as broken and harms no other."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.strangers import Strangers
from transportkit import API_VERSION, Choice, PluginError, derive, registry

SPEC = "from transportkit import MetricSpec\n"
SPECS = {
    "an exception": ("raise RuntimeError('boom')", "import failed: RuntimeError: boom"),
    "an exception of many lines": (
        "e = RuntimeError('boom\\nbang')\ne.add_note('a note')\nraise e",
        "import failed: RuntimeError: boom bang",
    ),
    "an exception that says nothing": (
        "class E(Exception):\n    def __str__(self): return 1 / 0\nraise E",
        "import failed: E: it cannot say why",
    ),
    "an exit": ("raise SystemExit(3)", "import failed: SystemExit: 3"),
    "an exit by the back door": ("import sys; sys.exit()", "import failed: SystemExit"),
    "a syntax error": ("def (:", "import failed: SyntaxError: invalid syntax (hostile.py, line 1)"),
    "a missing dependency": ("import no_such_thing", "No module named 'no_such_thing'"),
    "nothing there": ("", "has no attribute 'bad'"),
    "a wrong type": ("bad = 3", "'hostile:bad' is int, not MetricSpec"),
    "a module over the spec": ("import json as bad", "a module that hides the spec"),
    "a class": (SPEC + "bad = MetricSpec", "is type, not MetricSpec"),
    "another kind": (
        "from transportkit import ProblemSpec\n"
        "bad = ProblemSpec(summary='', implementation='hostile:x')",
        "is ProblemSpec, not MetricSpec",
    ),
    "a newer API": (
        SPEC + f"bad = MetricSpec(summary='', implementation='a:b', api_version={API_VERSION + 1})",
        f"plugin API {API_VERSION + 1}, newer than this transportkit's {API_VERSION}",
    ),
    "an older API": (
        SPEC + "bad = MetricSpec(summary='', implementation='a:b', api_version=0)",
        f"plugin API 0, older than this transportkit's {API_VERSION}",
    ),
    "an API that is no number": (
        SPEC + "bad = MetricSpec(summary='', implementation='a:b', api_version='1')",
        "its api_version is '1'",
    ),
    "no implementation": (
        SPEC + "bad = MetricSpec(summary='', implementation='hostile')",
        "not 'package.module:attribute'",
    ),
    "parameters that are none": (
        SPEC + "bad = MetricSpec(summary='', implementation='a:b', params=dict)",
        "not a frozen dataclass",
    ),
    "a spec that fights back": (
        SPEC + "class Bad(MetricSpec):\n"
        "    @property\n"
        "    def api_version(self): raise OSError('no')\n"
        "bad = object.__new__(Bad)",
        "OSError: no",
    ),
}


@pytest.mark.parametrize("case", SPECS)
def test_a_broken_spec_is_a_reason_and_a_traceback(case: str, strangers: Strangers) -> None:
    text, reason = SPECS[case]
    strangers.good("tk-good", "good")
    strangers.install("tk-bad", {"bad": "hostile:bad"}, {"hostile": text})
    found = {e.name: registry.read(e) for e in registry.entries("metric")}
    broken = found.pop("bad")
    assert isinstance(broken, registry.Broken)
    assert reason in broken.reason
    assert "\n" not in broken.reason
    assert isinstance(found["good"], registry.Loaded)
    assert all(isinstance(f, registry.Loaded) for f in found.values())
    with pytest.raises(PluginError, match=r"metric 'bad' of tk-bad 1\.5 is broken") as error:
        registry.describe("metric", "bad")
    if "failed" in broken.reason:
        assert "Traceback" in "".join(error.value.__notes__)


def test_an_entry_point_to_nowhere(strangers: Strangers) -> None:
    strangers.install("tk-bad", {"bad": "no_such_module:bad", "worse": "???"}, {})
    for name in ("bad", "worse"):
        with pytest.raises(PluginError, match="is broken"):
            registry.describe("metric", name)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise ValueError('late')", "ValueError: late"),
        ("import sys; sys.exit(1)", "SystemExit: 1"),
        ("import no_such_thing", "No module named"),
        ("", "has no attribute 'One'"),
    ],
)
def test_an_implementation_that_cannot_be_imported(code, reason, strangers: Strangers) -> None:
    strangers.good("tk-late", "late")
    (strangers.folder / "tk_late_code.py").write_text(code)
    assert registry.describe("metric", "late").spec.summary
    with pytest.raises(PluginError, match="'tk_late_code:One' cannot be imported") as error:
        registry.make("metric", Choice("late"))
    assert reason in str(error.value)


def test_an_interrupt_is_not_swallowed(strangers: Strangers) -> None:
    strangers.install("tk-bad", {"bad": "hostile:bad"}, {"hostile": "raise KeyboardInterrupt"})
    with pytest.raises(KeyboardInterrupt):
        registry.describe("metric", "bad")


def test_standard_output_stays_clean(strangers: Strangers, capsys: pytest.CaptureFixture) -> None:
    strangers.good("tk-loud", "loud")
    for module in ("tk_loud", "tk_loud_code"):
        file = strangers.folder / f"{module}.py"
        file.write_text(f"print('hello from {module}')\n" + file.read_text())
    registry.make("metric", Choice("loud"))
    out, err = capsys.readouterr()
    assert out == ""
    assert err.split("\n")[:2] == ["hello from tk_loud", "hello from tk_loud_code"]


def test_global_state_set_at_import_is_put_back(strangers: Strangers) -> None:
    seeding = (
        "import random, numpy, torch\n"
        "random.seed(0); numpy.random.seed(0); torch.manual_seed(0)\n"
        "torch.set_default_dtype(torch.float64)\n"
    )
    strangers.good("tk-seed", "seed")
    for module in ("tk_seed", "tk_seed_code"):
        file = strangers.folder / f"{module}.py"
        file.write_text(seeding + file.read_text())

    def numbers() -> tuple[float, float, float]:
        return random.random(), float(np.random.rand()), float(torch.rand(()))  # noqa: NPY002

    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    expected = numbers()
    ours = torch.rand(3, generator=derive(0))
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002
    torch.set_rng_state(states[2])
    registry.make("metric", Choice("seed"))
    assert numbers() == expected
    assert torch.get_default_dtype() == torch.float32
    assert torch.equal(torch.rand(3, generator=derive(0)), ours)


def test_entry_points_that_cannot_be_read_harm_no_other(strangers: Strangers) -> None:
    before = {e.name for e in registry.entries("metric")}
    strangers.install("tk-torn", "[transportkit.metrics]\nthis is no entry point\n", {})
    strangers.install("tk-nameless", {"nameless": "hostile:bad"}, {}, metadata="")
    strangers.install("tk-foreign", "", {})
    foreign = strangers.folder / "tk_foreign-1.5.dist-info" / "entry_points.txt"
    foreign.write_bytes(b"[transportkit.metrics]\nm\xfcll = tk:one\n")
    registry.refresh()
    names = {e.name for e in registry.entries("metric")}
    assert names - before == {"tk-torn", "nameless", "tk-foreign"}
    broken = registry.read(registry.find("metric", "tk-torn"))
    assert isinstance(broken, registry.Broken)
    assert "entry_points.txt" in broken.reason
    assert "Traceback" in broken.traceback
    assert registry.find("metric", "nameless").distribution == "unknown"
    assert isinstance(registry.describe("metric", "energy"), registry.Loaded)


def test_odd_places_and_folders_are_passed_over(
    strangers: Strangers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("aa", "bb"):
        strangers.good(f"tk-{name}", name)
        # Without a version, as some tools make them.
        (tmp_path / f"tk_{name}-1.5.dist-info").rename(tmp_path / f"{name}.dist-info")
    # What is no text imports nothing, but is there in notebooks.
    monkeypatch.setattr(sys, "path", [Path("nowhere"), *sys.path])
    registry.refresh()
    assert {"aa", "bb"} <= {entry.name for entry in registry.entries("metric")}
