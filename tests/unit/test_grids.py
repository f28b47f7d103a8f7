import numpy as np
import pytest

from autoscore.numerics.grids import gauss_legendre, noise_levels


def exact_integral(power, low, high):
    return (high ** (power + 1) - low ** (power + 1)) / (power + 1)


@pytest.mark.parametrize("panels", [1, 3])
@pytest.mark.parametrize("power", [0, 1, 2, 17, 30, 31])
def test_sixteen_nodes_are_exact_to_degree_31(power, panels):
    nodes, weights = gauss_legendre(-0.6, 1.1, panels)
    assert nodes.shape == weights.shape == (16 * panels,)
    assert weights @ nodes**power == pytest.approx(exact_integral(power, -0.6, 1.1), rel=1e-13)


def test_degree_32_is_not_exact():
    nodes, weights = gauss_legendre(-1.0, 1.0, 1)
    # the rule's error term, f^(2n) 2^(2n+1) (n!)^4 / ((2n+1) ((2n)!)^3) with n = 16, is 7.2e-10
    assert exact_integral(32, -1, 1) - weights @ nodes**32 == pytest.approx(7.2e-10, rel=0.01)


def test_the_order_is_the_number_of_nodes_per_panel():
    nodes, weights = gauss_legendre(0.0, 2.0, 5, order=3)
    assert nodes.shape == (15,)
    assert weights @ nodes**5 == pytest.approx(exact_integral(5, 0, 2), rel=1e-14)
    assert (np.diff(nodes) > 0).all()
    assert ((nodes > 0) & (nodes < 2)).all()


def test_many_intervals_at_once():
    low, high = np.array([[0.0, -1.0], [2.0, 3.0]]), np.array([[1.0, 1.0], [2.5, 7.0]])
    nodes, weights = gauss_legendre(low, high, 2)
    assert nodes.shape == weights.shape == (2, 2, 32)
    for index in np.ndindex(2, 2):
        alone = gauss_legendre(low[index], high[index], 2)
        np.testing.assert_allclose((nodes[index], weights[index]), alone, rtol=1e-15)


def test_one_end_may_be_shared():
    nodes, weights = gauss_legendre(np.array([0.0, 0.5]), 1.0, 1)
    np.testing.assert_allclose((weights * nodes).sum(-1), [0.5, 0.375], rtol=1e-14)


def test_noise_levels_are_geometric_or_listed():
    levels = noise_levels({"low": 0.01, "high": 1.0, "count": 5})
    np.testing.assert_allclose(levels, 10.0 ** np.array([-2, -1.5, -1, -0.5, 0]), rtol=1e-14)
    assert noise_levels([1, 2.5]).dtype == float
    np.testing.assert_array_equal(noise_levels([1, 2.5]), [1.0, 2.5])
