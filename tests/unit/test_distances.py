import numpy as np
import pytest
from scipy.stats import energy_distance as scipy_energy_distance
from scipy.stats import entropy, multivariate_normal, norm

from autoscore.densities.mixtures import GaussianMixture
from autoscore.numerics.streams import generator
from autoscore.sample import distances
from autoscore.sample.distances import (
    Cells,
    Discrepancies,
    histogram_kl,
    mean_log_p,
    median_distance,
    squared_mmd,
)

GAUSSIAN = GaussianMixture([1], [[0.2, -0.1]], [[[1.0, 0.0], [0.0, 0.5]]])
SHIFTED = GaussianMixture([1], [[0.5, -0.1]], [[[1.0, 0.0], [0.0, 0.5]]])
EDGES = (np.linspace(-3, 3, 9), np.linspace(-2, 2.5, 6))
CELLS = Cells.of(GAUSSIAN, EDGES, order=8)


def test_cells_hold_the_probabilities_of_scipy():
    sides = [
        np.diff(norm.cdf(edges, mean, np.sqrt(variance)))
        for edges, mean, variance in zip(EDGES, GAUSSIAN.means[0], [1.0, 0.5], strict=True)
    ]
    p = np.exp(CELLS.log_probabilities)
    np.testing.assert_allclose(p[:-1], np.outer(*sides).ravel(), rtol=1e-9)
    assert p.sum() == pytest.approx(1.0, abs=1e-13)


def test_cells_in_one_dimension_and_nothing_outside():
    density = GaussianMixture([1], [[0.0]], [[[1.0]]])
    cells = Cells.of(density, [np.linspace(-12, 12, 49)])
    expected = np.diff(norm.cdf(np.linspace(-12, 12, 49)))
    np.testing.assert_allclose(np.exp(cells.log_probabilities[20:28]), expected[20:28], rtol=1e-9)
    assert cells.log_probabilities[-1] >= np.log(2.0**-52) - 1e-9
    stray = np.full((1, 1), 99.0)
    assert histogram_kl(stray, cells) == pytest.approx(-cells.log_probabilities[-1])


def test_counts_are_where_the_samples_are():
    samples = np.array([[-2.9, -1.9], [-2.9, 2.4], [2.9, 2.4], [0.0, 9.0], [np.nan, 0.0]])
    counts = CELLS.counts(samples)
    assert counts[[0, 4, 39, 40]].tolist() == [1, 1, 1, 2]
    assert counts.sum() == 5


def test_the_plain_divergence_is_that_of_scipy():
    samples = SHIFTED.sample(3000, np.random.default_rng(2))
    expected = entropy(CELLS.counts(samples), np.exp(CELLS.log_probabilities))
    assert histogram_kl(samples, CELLS) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("n", [100, 1000])
@pytest.mark.parametrize("density", [GAUSSIAN, SHIFTED], ids=["same", "shifted"])
def test_the_corrected_divergence_has_next_to_no_bias(density, n):
    q = np.exp(Cells.of(density, EDGES, order=8).log_probabilities)
    expected = entropy(q, np.exp(CELLS.log_probabilities))
    samples = density.sample(200 * n, np.random.default_rng(3)).reshape(200, n, 2)
    corrected = np.array([histogram_kl(part, CELLS, corrected=True) for part in samples])
    plain = np.mean([histogram_kl(part, CELLS) for part in samples])
    bias = corrected.mean() - expected
    # 5 standard errors (6e-7), and what is left of the bias, 3% of the plain one
    assert abs(bias) < 5 * corrected.std() / np.sqrt(200) + 0.03 * (plain - expected)
    assert plain - expected > 5 * abs(bias)
    assert plain - expected == pytest.approx(40 / (2 * n), rel=0.4)  # 41 cells, few of them empty


X, Y = GAUSSIAN.sample(70, np.random.default_rng(5)), SHIFTED.sample(45, np.random.default_rng(6))


def energy_distance(x, y):
    return Discrepancies(y, [np.sqrt])(x)[0]


def pairs(x, y, f):
    values = f(((x[:, None] - y) ** 2).sum(-1))
    if x is y:
        return values[~np.eye(len(x), dtype=bool)].mean()
    return values.mean()


@pytest.fixture(params=[1000, 10, 1])
def _rows(request, monkeypatch):
    monkeypatch.setattr(distances, "ROWS", request.param)


@pytest.mark.usefixtures("_rows")
def test_distances_are_those_of_brute_force():
    def kernel(squared):
        return np.exp(-squared / (2 * 0.7**2))

    expected = pairs(X, X, kernel) + pairs(Y, Y, kernel) - 2 * pairs(X, Y, kernel)
    assert squared_mmd(X, Y, 0.7) == pytest.approx(expected, rel=1e-10)
    expected = 2 * pairs(X, Y, np.sqrt) - pairs(X, X, np.sqrt) - pairs(Y, Y, np.sqrt)
    assert energy_distance(X, Y) == pytest.approx(expected, rel=1e-10)


def test_the_energy_distance_is_that_of_scipy_but_for_the_diagonal():
    x, y = X[:, :1], Y[:, :1]
    # SciPy's counts each point's distance of 0 to itself, and takes a root
    surplus = sum(pairs(part, part, np.sqrt) / len(part) for part in (x, y))
    expected = scipy_energy_distance(x[:, 0], y[:, 0]) ** 2 - surplus
    assert energy_distance(x, y) == pytest.approx(expected, rel=1e-10)


def test_mmd_is_unbiased():
    h = 0.8

    def mean_kernel(a, b):  # E k(x, y) = (2 pi h^2)^(d/2) times a Gaussian of the difference
        covariance = a.covariances[0] + b.covariances[0] + h**2 * np.eye(2)
        return 2 * np.pi * h**2 * multivariate_normal(a.means[0], covariance).pdf(b.means[0])

    within = mean_kernel(GAUSSIAN, GAUSSIAN) + mean_kernel(SHIFTED, SHIFTED)
    expected = within - 2 * mean_kernel(GAUSSIAN, SHIFTED)
    rng = np.random.default_rng(7)
    for density, truth in ((SHIFTED, expected), (GAUSSIAN, 0.0)):
        values = np.array(
            [squared_mmd(GAUSSIAN.sample(50, rng), density.sample(40, rng), h) for _ in range(500)]
        )
        # 5 standard errors: 6e-7 each
        assert values.mean() == pytest.approx(truth, abs=5 * values.std() / np.sqrt(500))


def test_distances_in_many_dimensions_come_from_products_and_are_the_same(monkeypatch):
    rng = np.random.default_rng(12)
    x, y = rng.standard_normal((30, 80)), rng.standard_normal((40, 80)) + 0.2
    found = squared_mmd(x, y, 9.0), energy_distance(x, y)
    monkeypatch.setattr(distances, "WIDE", 1000)
    expected = squared_mmd(x, y, 9.0), energy_distance(x, y)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_the_median_distance_leaves_the_diagonal_out():
    assert median_distance(np.array([[0.0], [1.0], [5.0]])) == 4.0
    assert median_distance(np.array([[0.0], [1.0], [5.0]]), most=2) == 1.0


def test_the_mean_log_density_of_draws_is_minus_the_entropy():
    draws = [GAUSSIAN.sample(400, generator(0, k)) for k in range(100)]
    values = np.array([mean_log_p(x, GAUSSIAN) for x in draws])
    expected = -multivariate_normal(cov=GAUSSIAN.covariances[0]).entropy()
    # log p varies by d / 2 = 1; 5 standard errors (6e-7)
    assert values.mean() == pytest.approx(expected, abs=5 / np.sqrt(400 * 100))
    assert values.std() == pytest.approx(1 / 20, rel=0.3)
