import numpy as np
import pytest

from autoscore.models.conditioned.network import Conditioned


@pytest.fixture(scope="module")
def field():
    stack = Conditioned(2, 4, 1, 0.1, 1.0, [0], [9], [[0.0, 0.0]], [1.0], [0.0])
    stack.initialise([np.random.default_rng(0)])
    return stack.field(0.5, 0, 9)


@pytest.mark.parametrize("shape", [(5, 3), (2,), (1, 5, 2)])
@pytest.mark.parametrize("call", ["__call__", "jacobian", "score", "hessian"])
def test_points_of_another_dimension_are_refused(field, call, shape):
    with pytest.raises(ValueError, match=r"shape \(n, 2\), not"):
        getattr(field, call)(np.zeros(shape))
