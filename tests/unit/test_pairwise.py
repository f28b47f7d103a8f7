import numpy as np
import pytest
from scipy.spatial.distance import cdist

from autoscore.numerics.pairwise import Distances


@pytest.mark.parametrize("settings", [{"products_from": 99}, {}, {"order": "x, points"}])
@pytest.mark.parametrize("more", [{}, {"fast": True}, {"centred": False, "order": "both"}])
@pytest.mark.parametrize("dim", [1, 2, 20])
def test_chunks_hold_the_distances_of_scipy(dim, settings, more):
    x, points = np.split(3.0 + np.random.default_rng(0).standard_normal((17, dim)), [10])
    sizes = []
    for rows, squares in Distances(points, **settings | more).chunks(x, 21):
        np.testing.assert_allclose(squares, cdist(x[rows], points, "sqeuclidean"), atol=1e-12)
        sizes.append(len(squares))
    assert sizes == [3, 3, 3, 1]
