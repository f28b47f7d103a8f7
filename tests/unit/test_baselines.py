"""Trivial and classical estimators, against closed forms."""

from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest

from autoscore.baselines import identity
from autoscore.baselines.registry import BASELINES, declared
from autoscore.declarations import DeclarationError
from autoscore.densities.mixtures import GaussianMixture

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


def test_an_estimator_of_the_clean_score_refuses_noise():
    with pytest.raises(ValueError, match="the clean score alone"):
        BASELINES["kernel"].score(FITTED["kernel"], SIGMA, X)


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
