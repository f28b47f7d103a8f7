"""Trivial and classical estimators, against closed forms."""

from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest

from autoscore.baselines import identity
from autoscore.baselines.registry import BASELINES, declared
from autoscore.configuration import complete
from autoscore.declarations import DeclarationError
from autoscore.densities.mixtures import GaussianMixture
from autoscore.models.separate.network import Separate
from tests.unit.oracles import CONFIG

RNG = np.random.default_rng(3)
POINTS, VALIDATION, X = (RNG.normal(size=(n, 2)) @ [[1.0, 0.3], [0.0, 0.5]] for n in (400, 200, 9))
SIGMA = 0.3
FITTED = {
    name: baseline.fit(POINTS, VALIDATION, np.random.default_rng(0))
    for name, baseline in BASELINES.items()
}
RECONSTRUCTING = [name for name, baseline in BASELINES.items() if baseline.field]


@pytest.mark.parametrize("name", RECONSTRUCTING)
def test_a_reconstruction_and_a_score_say_the_same(name):
    baseline, estimate = BASELINES[name], FITTED[name]
    field = baseline.field(estimate, SIGMA)
    expected = (field(X) - X) / SIGMA**2
    np.testing.assert_allclose(baseline.score(estimate, SIGMA, X), expected, atol=1e-8)
    steps = 1e-5 * np.eye(2)
    slope = [(field(X + step) - field(X - step)) / 2e-5 for step in steps]
    np.testing.assert_allclose(field.jacobian(X), np.stack(slope, axis=-1), atol=1e-6)


def test_the_gaussian_is_that_of_the_points():
    covariance = np.cov(POINTS.T, bias=True)
    for sigma in (0.0, SIGMA):
        exact = GaussianMixture([1.0], [POINTS.mean(0)], [covariance + sigma**2 * np.eye(2)])
        found = BASELINES["gaussian"].score(FITTED["gaussian"], sigma, X)
        np.testing.assert_allclose(found, exact.score(X), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("sigma", [0.1, SIGMA])
def test_the_untrained_network_is_where_training_starts(sigma):
    found = BASELINES["untrained"].score(FITTED["untrained"], sigma, X)
    shift, scale = POINTS.mean(0), POINTS.std(0).mean()
    shape = {"hidden": (32,), "residual": "none"}
    start = Separate(2, shape, [sigma], [0], [len(POINTS)], [shift], [scale])
    start.initialise(POINTS, [np.random.default_rng(0)])
    np.testing.assert_allclose(found, start.field(sigma, 0, len(POINTS)).score(X), rtol=1e-9)


def test_a_density_may_list_the_untrained_network():
    entry = CONFIG["densities"]["ring"] | {"baselines": ["untrained"]}
    completed = complete(CONFIG | {"densities": {"ring": entry}})
    assert completed["densities"]["ring"]["baselines"] == ["untrained"]
    # what has a field is in every table of held-out losses, asked for or not
    assert "untrained" not in RECONSTRUCTING


def test_looks_differ():
    looks = [tuple(sorted(baseline.look.items())) for baseline in BASELINES.values()]
    assert len(set(looks)) == len(looks)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, "toy: 'identity' is declared in .*, too: rename one"),
        ({"name": "toy", "score": None}, "toy: it needs a score, or a field and no choice"),
    ],
)
def test_a_wrong_declaration_names_its_module_and_the_remedy(change, message):
    toy = ModuleType("toy")
    toy.BASELINE = replace(identity.BASELINE, **change)
    with pytest.raises(DeclarationError, match=message):
        declared([identity, toy])
