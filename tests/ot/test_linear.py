import pytest
import torch

from transportkit import Budget, Empirical, Problem, derive
from transportkit_ot.gaussian import LinearParams
from transportkit_ot.gaussian.affine import AffineMap, Linear
from transportkit_ot.gaussian.bures import bures_map
from transportkit_ot.gaussian.shrinkage import covariance


def solved(source: torch.Tensor, target: torch.Tensor, **params: object) -> AffineMap:
    generator = derive(0, "fit")
    method = Linear(LinearParams(**params))
    objective = method.objective(Problem(Empirical(source), Empirical(target)), generator)
    model = method.trainer().fit(objective, Budget(), generator).model
    assert isinstance(model, AffineMap)
    return model


def factor(dim: int, g: torch.Generator) -> torch.Tensor:
    """L (D, D) with L L^T of eigenvalues between 1/4 and 4 in a random basis."""
    basis, _ = torch.linalg.qr(torch.randn(dim, dim, generator=g, dtype=torch.float64))
    return basis * 4 ** (torch.rand(dim, generator=g, dtype=torch.float64) - 0.5)


def test_the_map_pushes_one_covariance_to_the_other_and_is_a_gradient():
    g = derive(0)
    s1, s2 = (f @ f.T for f in (factor(5, g), factor(5, g)))
    a = bures_map(s1, s2)
    assert torch.allclose(a @ s1 @ a.T, s2)
    assert torch.allclose(a, a.T)
    assert torch.linalg.eigvalsh((a + a.T) / 2).amin() > 0


def test_commuting_covariances_scale_each_axis():
    s1, s2 = (torch.tensor(v, dtype=torch.float64).diag() for v in ([1.0, 4.0], [9.0, 1.0]))
    expected = torch.tensor([3.0, 0.5], dtype=torch.float64).diag()
    assert torch.allclose(bures_map(s1, s2), expected)


def test_degenerate_covariances():
    s1, s2 = (torch.tensor(v, dtype=torch.float64).diag() for v in ([1.0, 0.0], [4.0, 0.0]))
    expected = torch.tensor([2.0, 0.0], dtype=torch.float64).diag()
    assert torch.allclose(bures_map(s1, s2), expected)
    assert torch.equal(bures_map(torch.zeros_like(s1), s2), torch.zeros_like(s1))


@pytest.mark.parametrize("dim", [2, 16, 128])
def test_ten_thousand_samples_give_the_true_map_to_one_per_cent(dim):
    g = derive(1)
    f1, f2 = factor(dim, g), factor(dim, g)
    m1, m2 = torch.randn(2, dim, generator=g, dtype=torch.float64)

    def sample(mean: torch.Tensor, f: torch.Tensor, n: int) -> torch.Tensor:
        return (mean + torch.randn(n, dim, generator=g, dtype=torch.float64) @ f.T).float()

    model = solved(sample(m1, f1, 10_000), sample(m2, f2, 10_000))
    x = sample(m1, f1, 4096)
    truth = m2 + (x - m1) @ bures_map(f1 @ f1.T, f2 @ f2.T)
    error = (model(x, g) - truth).square().sum(1).mean() / (f2 @ f2.T).trace()
    assert 100 * float(error) < 1


def test_shrinkage_is_the_stated_weight_or_none_where_none_is_needed():
    g = derive(0)
    x = torch.randn(5000, 2, generator=g, dtype=torch.float64) * torch.tensor([1.0, 5.0])
    plain = torch.cov(x.T)
    assert torch.allclose(covariance(x, 0.0), plain)
    assert torch.allclose(covariance(x, None), plain, atol=0.05)
    assert torch.allclose(covariance(x, 1.0), plain.trace() / 2 * torch.eye(2, dtype=x.dtype))
    few = torch.randn(10, 40, generator=g, dtype=torch.float64)
    truth = torch.eye(40, dtype=torch.float64)
    error = [(covariance(few, s) - truth).square().sum() for s in (None, 0.0)]
    assert error[0] < 0.2 * error[1]


def test_small_variances_beside_large_ones_are_kept():
    """The weight that is best for the Frobenius norm alone leaves 33 per cent here."""
    g = derive(0)
    turn, _ = torch.linalg.qr(torch.randn(2, 2, generator=g, dtype=torch.float64))
    f1, f2 = (turn @ torch.tensor(v, dtype=torch.float64).diag() for v in ([1, 0.03], [0.03, 1]))
    x, y, fresh = (
        torch.randn(500, 2, generator=g, dtype=torch.float64) @ f.T for f in (f1, f2, f1)
    )
    truth = fresh @ bures_map(f1 @ f1.T, f2 @ f2.T)
    assert 100 * (solved(x, y)(fresh, g) - truth).square().sum(1).mean() < 1


@pytest.mark.parametrize("shape", [(1,), (8, 8)])
def test_any_shape_saves_and_loads_to_the_bit(shape):
    g = derive(0)
    data = torch.rand(60, *shape, generator=g)
    model = solved(data[:25], data[25:])
    rebuilt = Linear(LinearParams()).blank(model.config)
    rebuilt.load_state_dict(model.state_dict())
    moved = model(data, g)
    assert moved.shape == data.shape
    assert moved.dtype == data.dtype
    assert torch.equal(rebuilt(data, g), moved)


def test_constant_data_is_shifted():
    model = solved(torch.ones(4, 2), torch.full((3, 2), 5.0))
    assert torch.equal(model(torch.ones(1, 2), derive(0)), torch.full((1, 2), 5.0))


def test_what_has_no_covariance_is_refused():
    method = Linear(LinearParams())
    one = Problem(Empirical(torch.zeros(1, 2)), Empirical(torch.zeros(5, 2)))
    assert "two samples" in (method.refuses(one) or "")
    wide = Problem(Empirical(torch.zeros(5, 10_000)), Empirical(torch.zeros(5, 10_000)))
    assert "10000" in (method.refuses(wide) or "")
    assert (
        method.refuses(Problem(Empirical(torch.zeros(5, 2)), Empirical(torch.ones(5, 2)))) is None
    )


def test_the_way_back_undoes_the_map_where_there_is_spread() -> None:
    model = AffineMap((2,))
    model.matrix = torch.tensor([[2.0, 0.0], [0.0, 0.0]], dtype=torch.float64)
    model.source_mean = torch.tensor([1.0, 5.0], dtype=torch.float64)
    model.target_mean = torch.tensor([-3.0, 7.0], dtype=torch.float64)
    x = torch.tensor([[4.0, 5.0], [0.0, 5.0]])
    moved = model(x, derive(0))
    torch.testing.assert_close(moved, torch.tensor([[3.0, 7.0], [-5.0, 7.0]]))
    torch.testing.assert_close(model.reverse()(moved, derive(0)), x)
