import numpy as np

from autoscore.sample.mixing import effective_sample_size, rhat


def test_effective_sample_size_is_that_of_an_autoregression():
    rng, memory = np.random.default_rng(0), np.array([0.0, 0.5, 0.9])
    draws = np.empty((8, 4000, 3))
    draws[:, 0] = rng.standard_normal((8, 3))
    for t in range(1, 4000):
        fresh = rng.standard_normal((8, 3))
        draws[:, t] = memory * draws[:, t - 1] + np.sqrt(1 - memory**2) * fresh
    expected = 8 * 4000 * (1 - memory) / (1 + memory)
    np.testing.assert_allclose(effective_sample_size(draws), expected, rtol=0.1)


def test_rhat_sees_the_coordinate_whose_chains_disagree():
    draws = np.random.default_rng(1).standard_normal((6, 500, 3))
    draws[:3, :, 1] += 2.0
    draws[:, :250, 2] += 2.0  # all chains alike, but none at rest
    found = rhat(draws)
    assert found.shape == (3,)
    assert found[0] < 1.01
    assert (found[1:] > 1.3).all()
