"""The Wasserstein-2 benchmark and time courses, from files of their formats that are made here."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Generator

from transportkit import DataError, Problem, registry
from transportkit.harness.provenance import digest
from transportkit.testing import Skip, checks

WIDTHS = (6, 5, 4)


def make(name: str, **params: object) -> Problem:
    return registry.make("problem", registry.parse_choice("problem", name, params))


def potentials(dim: int = 3) -> dict[str, np.ndarray]:
    """Two small networks with a mixture, in the benchmark's format."""
    rng = np.random.default_rng(0)
    arrays = {
        "centers": rng.normal(size=(2, dim)),
        "maps": 0.4 * rng.normal(size=(2, dim, dim)),
        "out_mean": rng.normal(size=dim).astype(np.float32),
        "out_scale": np.float32(1.7),
    }
    for v in ("v1", "v2"):
        for k, width in enumerate(WIDTHS):
            layer = f"{v}.quadratic_layers.{k}"
            arrays[f"{layer}.quadratic_decomposed"] = 0.3 * rng.normal(size=(dim, 2, width))
            arrays[f"{layer}.weight"] = rng.normal(size=(width, dim))
            arrays[f"{layer}.bias"] = rng.normal(size=width)
        for k in range(2):
            arrays[f"{v}.convex_layers.{k}.weight"] = rng.random(size=(WIDTHS[k + 1], WIDTHS[k]))
        arrays[f"{v}.final_layer.weight"] = rng.random(size=(1, WIDTHS[-1]))
    return arrays


def psi(a: dict[str, np.ndarray], v: str, x: np.ndarray) -> float:
    """The potential at one point, written out."""

    def q(k: int) -> np.ndarray:
        layer = f"{v}.quadratic_layers.{k}"
        squares = np.einsum("d,dro->ro", x, a[f"{layer}.quadratic_decomposed"]) ** 2
        return squares.sum(0) + a[f"{layer}.weight"] @ x + a[f"{layer}.bias"]

    h = q(0)
    for k in (1, 2):
        z = a[f"{v}.convex_layers.{k - 1}.weight"] @ h + q(k)
        h = np.maximum(z, 0) + np.minimum(0, np.exp(np.minimum(z, 0)) - 1)
    return float(a[f"{v}.final_layer.weight"][0] @ h + 0.005 * x @ x)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    np.savez(tmp_path / "potentials.npz", **potentials())
    return tmp_path / "potentials.npz"


def test_the_benchmark_s_map_is_the_gradient_of_its_formula(file: Path) -> None:
    a, problem = potentials(), make("w2-benchmark", file=str(file))
    assert problem.truth is not None
    assert problem.truth.map is not None
    x = np.random.default_rng(1).normal(size=(5, 3))
    moved = problem.truth.map(torch.from_numpy(x)).numpy()
    step = 1e-5
    for point, image in zip(x, moved, strict=True):
        slopes = [
            sum(psi(a, v, point + step * e) - psi(a, v, point - step * e) for v in ("v1", "v2"))
            / (2 * step)
            for e in np.eye(3)
        ]
        assert np.allclose(image, (np.array(slopes) - a["out_mean"]) / a["out_scale"], atol=1e-6)


def test_the_benchmark_s_source_is_its_mixture(file: Path, generator: Generator) -> None:
    a, problem = potentials(), make("w2-benchmark", file=str(file))
    x = problem.source.sample(100_000, generator).double().numpy()
    within = np.mean([m @ m.T for m in a["maps"]], 0)
    gap = a["centers"] - a["centers"].mean(0)
    assert np.allclose(x.mean(0), a["centers"].mean(0), atol=0.03)
    assert np.allclose(np.cov(x.T), within + gap.T @ gap / 2, atol=0.05)


def test_problems_from_files_conform(file: Path, tmp_path: Path) -> None:
    course(tmp_path)
    given = {"w2-benchmark": {"file": str(file)}, "timecourse": {"files": f"{tmp_path}/day_*.npy"}}
    for name, params in given.items():
        for check in checks("problem", name, params=params):
            with contextlib.suppress(Skip):
                check()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"maps": np.zeros((2, 2, 2))}, "do not fit"),
        ({"v1.final_layer.weight": -np.ones((1, 4))}, "negative"),
        ({"v2.convex_layers.1.weight": np.ones((3, 3))}, "do not fit"),
        ({"out_mean": np.array([np.nan, 0, 0])}, "finite"),
        ({"centers": None}, "no array 'centers'"),
    ],
)
def test_potentials_that_cannot_be_used(
    change: dict[str, np.ndarray | None], words: str, tmp_path: Path
) -> None:
    arrays = {k: v for k, v in {**potentials(), **change}.items() if v is not None}
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(DataError, match=words) as caught:
        make("w2-benchmark", file=str(tmp_path / "bad.npz"))
    assert "\n" not in str(caught.value)


def test_files_that_are_not_potentials(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no file"):
        make("w2-benchmark", file=str(tmp_path / "none.npz"))
    (tmp_path / "noise.npz").write_bytes(b"noise")
    with pytest.raises(DataError, match="damaged"):
        make("w2-benchmark", file=str(tmp_path / "noise.npz"))


def course(folder: Path, days: tuple[int, ...] = (2, 3, 10), columns: int = 4) -> str:
    rng = np.random.default_rng(0)
    for day in days:
        x = day + (1 + np.arange(columns)) * rng.normal(size=(500 + day, columns))
        np.save(folder / f"day_{day}.npy", x.astype(np.float32))
    return f"{folder}/day_*.npy"


def test_a_time_course_leaves_one_time_out(tmp_path: Path) -> None:
    files = course(tmp_path, days=(2, 3, 10, 11))
    problem = make("timecourse", files=files, leave=2, columns=3, whiten=False)
    assert problem.truth is not None
    left = problem.truth.between[0.5]
    assert (problem.source.size, left.size, problem.target.size) == (503, 510, 511)
    assert problem.event_shape == (3,)
    assert torch.equal(left.data, torch.from_numpy(np.load(tmp_path / "day_10.npy")[:, :3]))
    assert problem.for_training().truth is None


def test_whitening_is_over_all_times(tmp_path: Path) -> None:
    problem = make("timecourse", files=course(tmp_path))
    assert problem.truth is not None
    marginals = [problem.source, problem.truth.between[0.5], problem.target]
    every = torch.cat([m.data for m in marginals]).double()
    assert torch.allclose(every.mean(0), torch.zeros(4, dtype=torch.float64), atol=1e-5)
    assert torch.allclose(every.std(0, correction=0), torch.ones(4, dtype=torch.float64))


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"files": "none_*.npy"}, "names 0 files"),
        ({"leave": 2}, "leave must be 1 to 1"),
        ({"columns": 9}, "4 columns, fewer than columns=9"),
    ],
)
def test_time_courses_that_cannot_be_used(
    params: dict[str, object], words: str, tmp_path: Path
) -> None:
    given = {"files": course(tmp_path), **params}
    with pytest.raises(DataError, match=words):
        make("timecourse", **given)


def test_a_pattern_s_digest_follows_every_file(tmp_path: Path) -> None:
    pattern = Path(course(tmp_path))
    before = digest(pattern)
    np.save(tmp_path / "day_3.npy", np.ones((9, 4), dtype=np.float32))
    assert digest(pattern) != before
