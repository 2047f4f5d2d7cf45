"""Plugins of every kind that conform, as source: what the mutants are made of."""

# ruff: noqa: E501

MAP = """
import itertools, random
from dataclasses import dataclass, replace
import torch
from transportkit import Direct, Map, Method, MethodSpec, Solvable, param

counter = itertools.count()

@dataclass(frozen=True)
class Params:
    points: int = param(10_000, "most training samples of each side", ge=1)

spec = MethodSpec(summary="moments", implementation="specimen_plugin:Moments", params=Params, model="map")

class MomentMap(Map):
    def __init__(self, event_shape):
        super().__init__()
        self.event_shape = tuple(event_shape)
        self.register_buffer("by", torch.zeros(self.event_shape))
        self.register_buffer("slope", torch.ones(self.event_shape))
    @property
    def config(self):
        return {"event_shape": list(self.event_shape)}
    def forward(self, x, generator):
        return self.by + self.slope * x

class Fit(Solvable):
    def __init__(self, problem, params):
        self.problem, self.params = problem, params
    def solve(self, generator):
        model = MomentMap(self.problem.event_shape).to(generator.device)
        x, y = (m.points(self.params.points, generator) for m in (self.problem.source, self.problem.target))
        model.slope = y.std(0) / x.std(0).clamp_min(1e-6)
        model.by = y.mean(0) - model.slope * x.mean(0)
        return model

class Moments(Method):
    def refuses(self, problem):
        return "two samples are needed" if 1 in (problem.source.size, problem.target.size) else None
    def objective(self, problem, generator):
        return Fit(problem, self.params)
    def trainer(self):
        return Direct()
    def blank(self, config):
        return MomentMap(**config)
"""

FIELD = """
import torch
from transportkit import Descent, Direct, Interval, IntervalField, Method, MethodSpec, Solvable

spec = MethodSpec(
    summary="moments", implementation="specimen_plugin:Moments", integrator="midpoint:steps=4", reversible=True
)

class MomentField(IntervalField):
    inside = False
    def __init__(self, event_shape):
        super().__init__()
        self.event_shape = tuple(event_shape)
        for name in ("m0", "m1", "s0", "s1"):
            self.register_buffer(name, torch.ones(self.event_shape))
    @property
    def config(self):
        return {"event_shape": list(self.event_shape)}
    def forward(self, t, y):
        t = t.view(-1, *[1] * (y.ndim - 1))
        mean, std = torch.lerp(self.m0, self.m1, t), torch.lerp(self.s0, self.s1, t)
        return self.m1 - self.m0 + (self.s1 - self.s0) * (y - mean) / std

class Fit(Solvable):
    def __init__(self, problem):
        self.problem = problem
    def solve(self, generator):
        model = MomentField(self.problem.event_shape).to(generator.device)
        for i, marginal in enumerate((self.problem.source, self.problem.target)):
            points = marginal.points(100_000, generator)
            setattr(model, f"m{i}", points.mean(0))
            setattr(model, f"s{i}", points.std(0).clamp_min(1e-2))
        return model

class Moments(Method):
    def refuses(self, problem):
        return "two samples are needed" if 1 in (problem.source.size, problem.target.size) else None
    def objective(self, problem, generator):
        return Fit(problem)
    def trainer(self):
        return Direct()
    def blank(self, config):
        return MomentField(**config)
"""

PROBLEM = """
import itertools, random
import torch
from torch import Generator
from transportkit import EntropicPlan, Empirical, Law, Problem, ProblemSpec, Truth

counter = itertools.count()
spec = ProblemSpec(summary="a shift", implementation="specimen_plugin:make")

def draw(n, generator):
    return torch.randn(n, 2, generator=generator)

def optimal(x):
    return x + 3

def moments(x):
    return torch.full(x.shape, 3.0).double(), torch.eye(2).double().expand(len(x), 2, 2)

def make(params):
    source = Law(draw, (2,))
    target = Law(lambda n, generator: 3 + torch.randn(n, 2, generator=generator), (2,))
    # Where the regularisation is without end, the plan is that of independent pairs.
    plan = EntropicPlan(1e9, moments, lambda x, generator: 3 + torch.randn(x.shape, generator=generator))
    return Problem(source, target, truth=Truth(map=optimal, cost=18.0, target_variance=2.0, plan=plan))
"""

METRIC = """
import itertools, random
from dataclasses import dataclass
import torch
from transportkit import DistributionMetric, MetricSpec

counter = itertools.count()
spec = MetricSpec(summary="means", implementation="specimen_plugin:Gap", better="lower")

@dataclass(frozen=True)
class Gap(DistributionMetric):
    def distance(self, a, b, generator):
        gap = a.flatten(1).mean(0) - b.flatten(1).mean(0)
        return float(gap.norm())
"""

INTEGRATOR = """
import itertools
from dataclasses import dataclass, replace
import torch
from transportkit import Integrator, IntegratorSpec, Interval, Refusal, Solution, Stop, param

counter = itertools.count()

@dataclass(frozen=True)
class Params:
    steps: int = param(20, "equal steps", ge=1)

spec = IntegratorSpec(
    summary="Heun", implementation="specimen_plugin:Heun", params=Params, spans=("interval", "noisy interval")
)

@dataclass(frozen=True)
class Heun(Integrator):
    steps: int = 20
    def refuses(self, span):
        return None if isinstance(span, Interval) else "it follows fields over time"
    def with_evaluations(self, nfe):
        return replace(self, steps=nfe // 2)
    @torch.no_grad()
    def follow(self, field, x, generator, save):
        y = start = field.lift(x)
        times = torch.linspace(field.span.t0, field.span.t1, self.steps + 1).to(y)
        states = [y]
        for t, after in zip(times[:-1], times[1:]):
            h = after - t
            first = field(t.expand(len(y)), y)
            second = field(after.expand(len(y)), y + h * first)
            y = y + h * (first + second) / 2
            states.append(y)
        finite = y.flatten(1).isfinite().all(1)
        stop = torch.where(finite, int(Stop.ARRIVED), int(Stop.NOT_FINITE)).to(torch.uint8)
        end = torch.where(finite[:, None], y, start)
        evaluations = torch.full((len(y),), 2 * self.steps)
        if not save:
            return Solution(end, stop, evaluations)
        kept = torch.linspace(0, self.steps, save).round().long()
        path = torch.stack([states[k] for k in kept.tolist()])
        return Solution(end, stop, evaluations, times[kept, None].expand(-1, len(y)), path)
"""
