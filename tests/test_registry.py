"""Plugins are found from metadata, described by specs, and made when they are used."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from tests.strangers import Strangers
from transportkit import Budget, Choice, Metric, PluginError, UsageError, registry


def test_first_party_plugins_come_by_the_same_door() -> None:
    for kind in registry.KINDS:
        for entry in registry.entries(kind):
            assert entry.kind == kind
            if entry.distribution == "transportkit":
                assert isinstance(registry.read(entry), registry.Loaded), registry.read(entry)
                module, _, name = entry.target.partition(":")
                # Once imported, a submodule of the spec's name would take its place.
                assert importlib.util.find_spec(f"{module}.{name}") is None
    assert {"euler", "lines"} <= {e.name for e in registry.entries("integrator")}


def test_a_distribution_is_seen_after_refresh(strangers: Strangers) -> None:
    before = registry.entries("metric")
    strangers.good("tk-one", "one")
    new = set(registry.entries("metric")) - set(before)
    assert [(e.name, e.distribution, e.version) for e in new] == [("one", "tk-one", "1.5")]
    loaded = registry.describe("metric", "one")
    assert loaded.spec.summary == "counts to one"
    assert "tk_one_code" not in sys.modules
    made = registry.make("metric", Choice("one"))
    assert isinstance(made, Metric)
    assert made.evaluate(None, None) == 1.0


def test_an_unknown_name_is_met_with_the_near_one() -> None:
    with pytest.raises(UsageError, match="unknown integrator 'eular'; did you mean 'euler'"):
        registry.find("integrator", "eular")


def test_two_distributions_with_one_name(strangers: Strangers) -> None:
    strangers.good("tk-one", "twice")
    strangers.good("tk-two", "twice")
    with pytest.raises(UsageError, match="'tk-one:twice' or 'tk-two:twice'"):
        registry.describe("metric", "twice")
    for name in ("tk-two:twice", "TK_Two:twice"):
        assert registry.describe("metric", name).entry.distribution == "tk-two"
    choice = registry.parse_choice("metric", "tk-one:twice")
    assert choice.name == "tk-one:twice"
    assert isinstance(registry.make("metric", choice), Metric)
    with pytest.raises(UsageError, match="'tk-three' offers no metric 'twice'; 'tk-one', 'tk-two'"):
        registry.describe("metric", "tk-three:twice")


@pytest.mark.parametrize(
    ("text", "name", "values"),
    [
        ("efm", "efm", {}),
        ("efm:lr=1e-3", "efm", {"lr": "1e-3"}),
        ("efm:lr=1e-3,hidden=3/4", "efm", {"lr": "1e-3", "hidden": "3/4"}),
        ("dist:efm", "dist:efm", {}),
        ("dist:efm:lr=1,b=2", "dist:efm", {"lr": "1", "b": "2"}),
        ("samples:source=C:/a b.npy", "samples", {"source": "C:/a b.npy"}),
        ("samples:source=/x:y/a.npy,target=s3://b", "samples", {"source": "/x:y/a.npy", "target": "s3://b"}),
        ("a: k = v , l = w ", "a", {"k": "v", "l": "w"}),
        ("a:k=b=c", "a", {"k": "b=c"}),
        ("a:k=", "a", {"k": ""}),
    ],
)  # fmt: skip
def test_choices_are_split(text: str, name: str, values: dict[str, str]) -> None:
    assert registry.split_choice(text) == (name, values)


@pytest.mark.parametrize("text", ["", ":", "a:", ":k=v", "a:k=v,", "a:=v", "a:k=v,w", "a:k=v,k=w"])
def test_choices_that_say_nothing_clear_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="name:key=value"):
        registry.split_choice(text)


def test_a_choice_holds_every_parameter() -> None:
    choice = registry.parse_choice("integrator", "dopri5:rtol=1e-6", {"max-steps": 50})
    assert choice == Choice("dopri5", {"rtol": 1e-6, "atol": 1e-4, "max_steps": 50})
    assert registry.make("integrator", choice).rtol == 1e-6
    with pytest.raises(UsageError, match="integrator 'dopri5' has no parameter 'tol'"):
        registry.parse_choice("integrator", "dopri5:tol=1")
    overridden = registry.parse_choice("integrator", "dopri5:rtol=1e-6", {"rtol": "1e-2"})
    assert overridden.params["rtol"] == 1e-2


def test_what_is_made_must_keep_its_contract(strangers: Strangers) -> None:
    strangers.good("tk-odd", "odd")
    (strangers.folder / "tk_odd_code.py").write_text("def One(): return 3\n")
    with pytest.raises(PluginError, match="'tk_odd_code:One' gives int, not Metric"):
        registry.make("metric", Choice("odd"))


def test_listing_and_describing_load_no_torch() -> None:
    script = (
        "import sys; from transportkit import registry\n"
        "for kind in registry.KINDS:\n"
        "    for entry in registry.entries(kind): registry.read(entry)\n"
        "print(sorted({'torch', 'numpy', 'ot', 'matplotlib', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_public_names_are_all_there() -> None:
    import transportkit

    assert all(getattr(transportkit, name) is not None for name in transportkit.__all__)
    assert transportkit.Budget is Budget
    assert set(transportkit.__all__) <= set(dir(transportkit))
