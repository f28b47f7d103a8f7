"""Trivial and classical estimators, against closed forms."""

from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal, norm

from autoscore.baselines import identity
from autoscore.baselines.declaration import Given
from autoscore.baselines.registry import BASELINES, declared
from autoscore.configuration import complete
from autoscore.declarations import DeclarationError
from autoscore.densities.mixtures import GaussianMixture
from autoscore.models.separate.training import train_on_samples
from autoscore.nulls import STANDING, Fitted, standing_points
from tests.unit.oracles import CONFIG

RNG = np.random.default_rng(3)
POINTS, VALIDATION, X = (RNG.normal(size=(n, 2)) @ [[1.0, 0.3], [0.0, 0.5]] for n in (400, 200, 9))
SIGMA = 0.3
SHAPE = {"hidden": (16, 8), "residual": "sigma", "gain": 5.0}
GIVEN = Given(POINTS, VALIDATION, np.random.default_rng(0), SHAPE)
FITTED = {name: baseline.fit(GIVEN) for name, baseline in BASELINES.items()}
RECONSTRUCTING = [name for name, baseline in BASELINES.items() if baseline.field]


@pytest.mark.parametrize("name", RECONSTRUCTING)
def test_the_derivative_of_a_reconstruction_is_that_of_its_values(name):
    field = BASELINES[name].field(FITTED[name], SIGMA)
    assert field.sigma == SIGMA
    np.testing.assert_allclose(field.score(X), (field(X) - X) / SIGMA**2, atol=1e-8)
    step = 1e-2 if name == "untrained" else 1e-5  # in single precision
    slope = [(field(X + e) - field(X - e)) / (2 * step) for e in step * np.eye(2)]
    atol = 2e-3 if name == "untrained" else 1e-6
    np.testing.assert_allclose(field.jacobian(X), np.stack(slope, axis=-1), atol=atol)


@pytest.mark.parametrize("sigma", [0.0, SIGMA])
def test_scores_are_those_of_the_noisy_estimate_in_closed_form(sigma):
    """The Gaussian is that of the points; noise widens the kernels of the kde as it should."""
    covariance = np.cov(POINTS.T, bias=True) + sigma**2 * np.eye(2)
    own = multivariate_normal(POINTS.mean(0), covariance)
    # isotropic kernels, by whitening what gaussian_kde would shape by the points' covariance
    width = np.hypot(FITTED["kde"].bandwidth, sigma)
    kernels = [multivariate_normal(point, width**2 * np.eye(2)) for point in POINTS]
    for name, log_p in (
        ("gaussian", own.logpdf),
        ("kde", lambda x: logsumexp([kernel.logpdf(x) for kernel in kernels], axis=0)),
    ):
        steps = 1e-5 * np.eye(2)
        expected = [(log_p(X + step) - log_p(X - step)) / 2e-5 for step in steps]
        score = Fitted(BASELINES[name], FITTED[name], len(POINTS)).score(sigma)
        np.testing.assert_allclose(score(X), np.stack(expected, -1), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("sigma", [0.1, SIGMA])
def test_the_untrained_network_is_where_training_starts(sigma):
    settings = {
        "sigmas": [sigma], "sizes": [len(POINTS)], "seeds": 1, "optimiser": "adam",
        "architecture": SHAPE, "warm_start": False, "noise": "fresh",
        "schedules": {"samples": {"steps": 1, "learning_rate": 1e-30, "batch": 4}},
    }  # fmt: skip
    data = {"train": POINTS[None], "validation": VALIDATION}
    start, _ = train_on_samples(data, settings, "dae", (0, "a", "dae", "separate"))
    given = replace(GIVEN, rng=np.random.default_rng(1))
    field = BASELINES["untrained"].field(BASELINES["untrained"].fit(given), sigma)
    own = field._stack
    assert own.description() == start.description()
    # the same distribution: spreads of all matrices, and units that switch at points
    theirs, ours = (stack.views(stack.theta) for stack in (start, own))
    for key in ("encoder.0.weight", "encoder.1.weight", "decoder.weight"):
        assert float(ours[key].std() / theirs[key].std()) == pytest.approx(1, abs=0.5)
    again = BASELINES["untrained"].field(BASELINES["untrained"].fit(given), sigma)
    assert not np.array_equal(again(X), field(X))  # a generator draws another one


def test_a_flat_gaussian_has_no_score():
    flat = Given(np.array([[0.0, 1.0], [1.0, 1.0]]), VALIDATION, np.random.default_rng(0), SHAPE)
    gaussian = BASELINES["gaussian"]
    assert np.isnan(gaussian.score(gaussian.fit(flat), X)).all()
    assert np.isfinite(gaussian.field(gaussian.fit(flat), SIGMA).score(X)).all()


def test_quantiles_stand_for_a_density():
    found = standing_points(GaussianMixture([1.0], [[0.4]], [[[0.25]]]))[:, 0]
    expected = norm(0.4, 0.5).ppf((np.arange(STANDING) + 0.5) / STANDING)
    assert found.mean() == pytest.approx(0.4, abs=1e-3)
    assert found.std() == pytest.approx(0.5, rel=1e-3)
    np.testing.assert_allclose(found[100:-100], expected[100:-100], atol=0.02)


def test_null_models_are_measured_unasked():
    entry = CONFIG["densities"]["ring"] | {"baselines": ["kernel"]}
    assert complete(CONFIG | {"densities": {"ring": entry}})
    assert {name for name, b in BASELINES.items() if b.null} == {
        "identity", "untrained", "gaussian", "kde",
    }  # fmt: skip


def test_looks_differ():
    looks = [tuple(sorted(baseline.look.items())) for baseline in BASELINES.values()]
    assert len(set(looks)) == len(looks)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, "toy: 'identity' is declared in .*, too: rename one"),
        ({"name": "toy", "score": None, "field": None}, "toy: it needs a score or a field"),
        ({"name": "toy", "field": None}, "toy: a null model needs a field"),
        ({"name": "toy", "selectable": True}, "toy: a null model is always measured"),
    ],
)
def test_a_wrong_declaration_names_its_module_and_the_remedy(change, message):
    toy = ModuleType("toy")
    toy.BASELINE = replace(identity.BASELINE, **change)
    with pytest.raises(DeclarationError, match=message):
        declared([identity, toy])
