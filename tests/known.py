"""Methods on problems whose optimal map is known."""

from __future__ import annotations

from functools import cache

from transportkit import Budget, Empirical, Field, Midpoint, Problem, Transport, derive, registry


@cache
def l2_uvp(method: str, problem: str, steps: int | None = None, seed: int = 0) -> float:
    """100 E|T - T*|^2 / Var(Q) on fresh points, of a method fitted to 4,000 samples of each side.

    Lines are followed in 20 evaluations. Both arguments are as on the command line.
    """
    made = registry.make("problem", registry.parse_choice("problem", problem))
    assert isinstance(made, Problem)
    truth = made.truth
    assert truth is not None
    assert truth.map is not None
    assert truth.target_variance is not None
    sides = (m.sample(4000, derive(seed, i)) for i, m in enumerate((made.source, made.target)))
    samples = Problem(*(Empirical(side) for side in sides))
    fitted = registry.make("method", registry.parse_choice("method", method))
    assert fitted.refuses(samples) is None
    objective = fitted.objective(samples, derive(seed, "objective"))
    model = fitted.trainer().fit(objective, Budget(steps=steps), derive(seed, "fit")).model
    x = made.source.sample(4096, derive(seed, "fresh"))
    transport = Transport(model, Midpoint(10) if isinstance(model, Field) else None)
    moved = transport.push(x, derive(seed, "push")).points
    error = (moved - truth.map(x.double())).square().sum(1).mean()
    return 100 * float(error) / truth.target_variance


def share_of_linear(method: str, problem: str, steps: int | None = None, seed: int = 0) -> float:
    """A method's error over that of the optimal affine map, which is fitted to the same samples.

    The identity is no better than that map, nor is a method that trains from it and learns nothing.
    """
    return l2_uvp(method, problem, steps, seed) / l2_uvp("linear", problem, None, seed)
