"""Every check can fail: for each there is a plugin that is right but for that."""

# A change and what it changes are easier to read side by side.
# ruff: noqa: E501

from __future__ import annotations

import pytest
import torch

from tests.strangers import Strangers
from tests.testing import plugins
from transportkit.testing import Skip, checks

MUTANTS: dict[tuple[str, str], tuple[str, str]] = {
    ("MAP", "described"): ('summary="moments"', 'summary=" "'),
    ("MAP", "parameters_declared"): ('param(10_000, "most training samples of each side", ge=1)', "10_000"),
    ("MAP", "same_seed"): ("return model", "model.by += 1e-4 * next(counter)\n        return model"),
    ("MAP", "global_state"): ("return Fit(", "random.seed(0)\n        return Fit("),
    ("MAP", "inputs_unchanged"): ("self.slope * x", "x.mul_(self.slope)"),
    ("MAP", "saved_and_loaded"): ('self.register_buffer("by", torch.zeros(self.event_shape))',
                                  "self.by = torch.zeros(self.event_shape)"),
    ("MAP", "images"): ("self.slope * x", "self.slope * (x if x.ndim == 2 else x[:, :, :2])"),
    ("MAP", "double_precision"): ("return self.by +", "return self.by * (x.dtype == torch.float32) +"),
    ("MAP", "batch_independence"): ("self.slope * x", "self.slope * (x - x.mean(0) if len(x) > 8 else x)"),
    ("MAP", "tiny_budget"): ("return Direct()", "return Slow()\n\nclass Slow(Direct):\n"
                             "    def fit(self, *given, **also):\n"
                             "        return replace(super().fit(*given, **also), steps=10)\n\n"
                             "class Moments(Moments):"),
    ("MAP", "refusals"): ('"two samples are needed"', '""'),
    ("MAP", "held_out"): ("return Fit(", "problem.held_out\n        return Fit("),
    ("MAP", "not_a_number"): ("model.by = y", "x, y = x.nan_to_num(0, 0, 0), y.nan_to_num(0, 0, 0)\n"
                              "        model.slope = y.std(0) / x.std(0).clamp_min(1e-6)\n"
                              "        model.by = y"),
    ("MAP", "transports"): ("model.by = y.mean(0)", "model.by = 0.7 * y.mean(0)"),
    ("FIELD", "evaluations_counted"): ("        t = t.view", "        if not self.inside:\n"
                                       "            self.inside = True\n"
                                       "            self(t, y)\n"
                                       "            self.inside = False\n"
                                       "        t = t.view"),
    ("FIELD", "noise_told"): ("    inside = False", "    inside = False\n"
                              "    span = Interval(denoising=True)"),
    ("FIELD", "reverse"): ("reversible=True", "reversible=False"),
    ("PROBLEM", "same_draws"): ("return torch.randn(n, 2, generator=generator)\n\ndef optimal",
                                "return torch.randn(n, 2, generator=generator) + 1e-4 * next(counter)\n\ndef optimal"),
    ("PROBLEM", "other_draws"): ("return torch.randn(n, 2, generator=generator)\n\ndef optimal",
                                 "return torch.randn(n, 2, generator=Generator().manual_seed(0) if n == 50 "
                                 "else generator)\n\ndef optimal"),
    ("PROBLEM", "global_state"): ("def draw(n, generator):", "def draw(n, generator):\n    random.random()"),
    ("PROBLEM", "shapes"): ("torch.randn(n, 2, generator=generator)\n\ndef optimal",
                            "torch.randn(n - (n == 33), 2, generator=generator)\n\ndef optimal"),
    ("PROBLEM", "finite"): ("    return torch.randn(n, 2, generator=generator)\n\ndef optimal",
                            "    x = torch.randn(n, 2, generator=generator)\n"
                            "    return x.log() if n == 1000 else x\n\ndef optimal"),
    ("PROBLEM", "held_out"): ("source = Law(draw, (2,))",
                              "source = Empirical(draw(1000, Generator().manual_seed(0)).repeat(2, 1))"),
    ("PROBLEM", "truth"): ("cost=18.0", "cost=17.0"),
    ("PROBLEM", "plan"): ("lambda x, generator: 3 +", "lambda x, generator: 2 +"),
    ("METRIC", "one_number"): ("return float(gap.norm())", "return gap.norm()"),
    ("METRIC", "same_seed"): ("gap.norm())", "gap.norm()) + 1e-9 * next(counter)"),
    ("METRIC", "global_state"): ("gap = a", "random.random()\n        gap = a"),
    ("METRIC", "inputs_unchanged"): ("gap = a", "b.copy_(b.flip(0))\n        gap = a"),
    ("METRIC", "sees_a_difference"): ('better="lower"', 'better="higher"'),
    ("METRIC", "side"): ('better="lower"', 'better="lower", side="source"'),
    ("METRIC", "symmetric"): ("float(gap.norm())", "float(gap.norm()) * (2 if gap[0] > 0 else 1)"),
    ("INTEGRATOR", "refusals"): ('"it follows fields over time"', "None"),
    ("INTEGRATOR", "accurate"): ("h * (first + second) / 2", "h * 0.9 * (first + second) / 2"),
    ("INTEGRATOR", "evaluations_counted"): ("2 * self.steps)", "self.steps)"),
    ("INTEGRATOR", "evaluations_limited"): ("return replace(self, steps=nfe // 2)", "return self"),
    ("INTEGRATOR", "path_saved"): ("return Solution(end, stop, evaluations, times",
                                   "return Solution(end, stop, evaluations, times.flip(0)[:3]"),
    ("INTEGRATOR", "same_lines"): ("end = torch.where(finite[:, None], y, start)",
                                   "y = states[-1] = y + 1e-6 * next(counter)\n"
                                   "        end = torch.where(finite[:, None], y, start)"),
    ("INTEGRATOR", "laws_kept"): ("field.lift(x)", "field.lift(x) * (1 if len(x) < 1000 else 2)"),
    ("INTEGRATOR", "not_finite"): ("int(Stop.NOT_FINITE)", "int(Stop.TURNED)"),
}  # fmt: skip
"""What turns the plugin of a name in `plugins` into one that fails one check, and no other."""

SPOILS_MORE = {
    ("MAP", "constructs"): ('implementation="specimen_plugin:Moments"', 'implementation="specimen_plugin:Params"'),
    ("MAP", "finite"): ("return self.by +", "return self.by / (x.sum() * 0) +"),
    ("MAP", "shapes"): ("self.by + self.slope * x", "(self.by + self.slope * x)[:, :1]"),
}  # fmt: skip
"""The same where other checks cannot but fail as well: a model without finite points has no
transport to ask about."""

ELSEWHERE = {
    ("method", "light_spec"): "test_suite.py",
    ("method", "resumed"): "test_suite.py",
    ("method", "devices"): "needs a CUDA device",
    ("problem", "devices"): "needs a CUDA device",
}
KIND = {"MAP": "method", "FIELD": "method"}


def install(strangers: Strangers, source: str, old: str = "", new: str = "") -> str:
    text = getattr(plugins, source)
    kind = KIND.get(source, source.lower())
    assert not old or old in text
    changed = text.replace(old, new, 1) if old else text
    strangers.install(
        "tk-specimen", {"specimen": "specimen_plugin:spec"}, {"specimen_plugin": changed}, kind
    )
    return kind


def failures(kind: str) -> set[str]:
    """The checks that the specimen fails; all but `light_spec`, which starts a process."""
    failed = set()
    for check in checks(kind, "specimen"):
        try:
            if check.name != "light_spec":
                check()
        except Skip:
            continue
        except Exception:
            failed.add(check.name)
    return failed


@pytest.mark.parametrize("source", ["MAP", "FIELD", "PROBLEM", "METRIC", "INTEGRATOR"])
def test_what_mutants_are_made_of_conforms(source: str, strangers: Strangers) -> None:
    assert failures(install(strangers, source)) == set()


@pytest.mark.parametrize(("source", "check"), MUTANTS, ids=lambda text: text)
def test_a_mutant_fails_that_check_and_no_other(
    source: str, check: str, strangers: Strangers
) -> None:
    kind = install(strangers, source, *MUTANTS[source, check])
    # What is no buffer does not move with the others to a CUDA device either.
    also = {"devices"} if check == "saved_and_loaded" and torch.cuda.is_available() else set()
    assert failures(kind) == {check} | also


@pytest.mark.parametrize(("source", "check"), SPOILS_MORE, ids=lambda text: text)
def test_a_mutant_fails_that_check(source: str, check: str, strangers: Strangers) -> None:
    kind = install(strangers, source, *SPOILS_MORE[source, check])
    (asked,) = (c for c in checks(kind, "specimen") if c.name == check)
    with pytest.raises(Exception, match=r".") as error:
        asked()
    assert not isinstance(error.value, KeyError)


def test_every_check_has_a_mutant() -> None:
    spoiled = {
        (KIND.get(source, source.lower()), check) for source, check in [*MUTANTS, *SPOILS_MORE]
    }
    of_all = {"light_spec", "described", "parameters_declared", "constructs"}
    for kind, name in (
        ("method", "linear"),
        ("problem", "moons"),
        ("metric", "w2"),
        ("integrator", "rk4"),
    ):
        for check in checks(kind, name):
            place = ("method" if check.name in of_all else kind, check.name)
            assert place in spoiled or place in ELSEWHERE, place


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_model_that_stays_behind_fails_on_cuda(strangers: Strangers) -> None:
    kind = install(
        strangers,
        "MAP",
        "slope * x.mean(0)\n",
        "slope * x.mean(0)\n        model.by = model.by.cpu()\n",
    )
    (asked,) = (c for c in checks(kind, "specimen") if c.name == "devices")
    with pytest.raises(Exception, match="device"):
        asked()
