"""Where iterated reconstructions come to rest."""

import numpy as np
import pytest

from autoscore.densities.kernels import KernelDensity
from autoscore.fields import Field
from autoscore.geometry.attractors import (
    DATA,
    ESCAPED,
    MOVING,
    SPURIOUS,
    Likely,
    Several,
    lost_chains,
    relax,
)
from autoscore.optimum.dae import DenoisingOptimum

SIGMA = 0.05
POINTS = np.stack([np.linspace(-0.5, 0.5, 50), np.zeros(50)], axis=-1)
WINDOW = np.array([[-1.0, 1.0], [-1.0, 1.0]])


class Pulled(Field):
    """Moves half of the way to the line of data or, above y = 0.5, to a place without data."""

    sigma, dim = SIGMA, 2
    place = np.array([0.0, 0.8])

    def __call__(self, x):
        return x + self.move(x)

    jacobian = None  # where points come to rest, no slope is asked for

    def move(self, x):
        home = np.stack([np.clip(x[:, 0], -0.5, 0.5), np.zeros(len(x))], axis=-1)
        return 0.5 * (np.where(x[:, 1:] > 0.5, self.place, home) - x)


class Pushed(Pulled):
    """Moves everything away from the origin."""

    def move(self, x):
        return 0.5 * x


class Turned(Pulled):
    """Turns everything around the origin for ever."""

    def move(self, x):
        return x @ np.array([[0.0, 1.0], [-1.0, 0.0]]) - x


@pytest.fixture(scope="module")
def likely():
    return Likely(KernelDensity(POINTS), SIGMA, np.random.default_rng(0))


def test_data_lie_where_draws_from_p_sigma_lie(likely):
    rng = np.random.default_rng(3)
    draws = POINTS[rng.integers(50, size=5000)] + SIGMA * rng.standard_normal((5000, 2))
    assert likely(draws).mean() > 0.99
    assert not likely(np.array([[0.0, 0.8], [0.9, 0.0], [5.0, 5.0]])).any()


@pytest.mark.parametrize(
    ("field", "start", "end"),
    [
        (Pulled(), (0.3, 0.4), DATA),
        (Pulled(), (0.3, 0.6), SPURIOUS),
        (Pushed(), (0.3, 0.6), ESCAPED),
        (Turned(), (0.0, 0.8), MOVING),
    ],
)
def test_each_start_ends_where_its_field_leads(likely, field, start, end):
    ends = relax(Several([field]), np.array([start]), likely, WINDOW)
    assert ends.label.tolist() == [[end]]
    if end == SPURIOUS:
        np.testing.assert_allclose(ends.x[0, 0], Pulled.place, atol=1e-3)


def test_fields_side_by_side_end_where_each_would_alone(likely):
    fields = [Pulled(), Pushed(), Turned()]
    starts = np.array([[0.3, 0.4], [0.3, 0.6], [0.0, 0.8], [0.9, -0.9]])
    together = relax(Several(fields), starts, likely, WINDOW)
    streams = [np.random.default_rng(k) for k in range(3)]
    path, lost = lost_chains(Several(fields), [POINTS] * 3, likely, streams)
    for k, field in enumerate(fields):
        alone = relax(Several([field]), starts, likely, WINDOW)
        np.testing.assert_array_equal(together.label[k], alone.label[0])
        np.testing.assert_array_equal(together.x[k], alone.x[0])
        own = lost_chains(Several([field]), [POINTS], likely, [np.random.default_rng(k)])
        np.testing.assert_array_equal(path[:, k], own[0][:, 0])
        np.testing.assert_array_equal(lost[k], own[1][0])


def test_the_best_reconstruction_loses_no_chain_and_another_field_all(likely):
    rng = np.random.default_rng(1)
    best = DenoisingOptimum(KernelDensity(POINTS), SIGMA)
    path, lost = lost_chains(Several([best]), [POINTS], likely, [rng])
    assert lost.mean() <= 0.01
    assert path.shape[1:] == (1, lost.size, 2)
    assert lost_chains(Several([Pushed()]), [POINTS], likely, [rng])[1].mean() > 0.95
