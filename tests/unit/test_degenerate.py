"""No point at all, and one: everything that takes points, and what is left of the tables."""

import numpy as np
import pytest

from autoscore.autoencoders.conditioned import Conditioned
from autoscore.autoencoders.corrected import Corrected
from autoscore.autoencoders.ensemble import Architecture, Ensemble
from autoscore.autoencoders.stack import LearnedField
from autoscore.densities.curves import Curve
from autoscore.densities.energies import EnergyDensity
from autoscore.densities.kernels import KernelDensity
from autoscore.densities.mixtures import GaussianMixture, curve_mixture
from autoscore.extrapolation import Extrapolated
from autoscore.linear import LinearField, LinearOptimum
from autoscore.optimum.dae import DenoisingOptimum
from autoscore.optimum.rcae_1d import ContractiveOptimum1D
from autoscore.optimum.rcae_2d import ContractiveOptimum2D

pytestmark = pytest.mark.filterwarnings("error")

SPREAD = np.random.default_rng(0).normal(size=(30, 9))  # points, of which the first columns count
LINE = GaussianMixture([0.4, 0.6], [[-0.5], [0.7]], [[[0.09]], [[0.16]]])
PLANE = GaussianMixture([1, 1], [[-0.5, 0.0], [0.5, 0.3]], [0.1 * np.eye(2), 0.2 * np.eye(2)])
WELL = EnergyDensity("(x**2 - 1)**2", [[-2.0, 2.0]])
DENSITIES = {
    "mixture, d = 1": LINE,
    "mixture, d = 2": PLANE,
    "mixture, d = 9": curve_mixture(9),
    "energy, d = 1": WELL,
    "energy, d = 2": EnergyDensity("x1**2 + x1*x2 + 2*x2**2", [[-6.0, 6.0], [-6.0, 6.0]]),
    "energy that ends at its box": EnergyDensity("x1 + x2**2", [[-1.0, 1.0], [-4.0, 4.0]]),
    "constant energy": EnergyDensity("0*x", [[-1.0, 1.0]]),
    "thick curve": Curve(["cos(t)", "sin(t)"], (0.0, 3.0), 0.1),
    "kernel density, d = 1": KernelDensity(SPREAD[:, :1], 0.3),
    "kernel density, d = 2": KernelDensity(SPREAD[:, :2], 0.3),
    "kernel density, d = 9": KernelDensity(SPREAD, 0.3),
    "kernel density of one point": KernelDensity(SPREAD[:1, :2], 0.3),
}
SMOOTHED = {f"{name}, smoothed": p.smoothed(0.2) for name, p in DENSITIES.items()}
SMOOTHED["points, smoothed"] = KernelDensity(SPREAD[:, :2]).smoothed(0.2)
SMOOTHED["curve, smoothed"] = Curve(["cos(t)", "sin(t)"], (0.0, 3.0)).smoothed(0.2)
SMOOTHED["energy, d = 2, smoothed twice"] = SMOOTHED["energy, d = 2, smoothed"].smoothed(0.1)
SMOOTHED["energy, d = 2, smoothed widely"] = DENSITIES["energy, d = 2"].smoothed(5.0)
SMOOTHED["energy, d = 2, coarser"] = SMOOTHED["energy, d = 2, smoothed"].coarser()


def drawn(stack, *points):
    generators = [np.random.default_rng(seed) for seed in stack.seeds]
    stack.initialise(*points, generators)
    stack.theta = stack.theta + 0.1  # what begins as the identity shall bend, too
    return stack


def separate(dim, precision="single", **shape):
    members = ([0.2, 0.4], [0, 0], [50, 50], [[0.5] * dim] * 2, [2.0, 2.0])
    stack = Ensemble(dim, Architecture(**shape), *members, precision)
    return drawn(stack, SPREAD[:, :dim])


def conditioned(dim, **more):
    members = ([0, 1], [50, 50], [[0.5] * dim] * 2, [2.0, 2.0], [0.1, 0.1])
    return drawn(Conditioned(dim, 8, 1, 0.1, 1.0, *members, **more))


def field_of(stack, sigma=0.2):
    return LearnedField(stack, 0, sigma)


LINEAR = LinearOptimum.fit(SPREAD[:, :2])
FIELDS = {
    "denoising optimum, d = 1": DenoisingOptimum(LINE, 0.2),
    "denoising optimum, d = 2": DenoisingOptimum(PLANE, 0.2),
    "denoising optimum of points": DenoisingOptimum(KernelDensity(SPREAD[:, :2]), 0.2),
    "denoising optimum of a curve": DenoisingOptimum(Curve(["t", "t**2"], (-1.0, 1.0)), 0.2),
    "contractive optimum, d = 1": ContractiveOptimum1D(LINE, 0.2, 201),
    "contractive optimum, d = 2": ContractiveOptimum2D.solve(PLANE, 0.2, 41),
    "linear": LinearField(LINEAR, 0.2),
    "linear, of one point": LinearField(LinearOptimum.fit(SPREAD[:1, :2]), 0.2),
    "extrapolated": Extrapolated([LinearField(LINEAR, s) for s in (0.1, 0.2)], [1.5, -0.5]),
    "separate, d = 1": field_of(separate(1, "double", hidden=(8,), residual="none")),
    "separate, d = 2": field_of(separate(2, hidden=(8,))),
    "separate, tied": field_of(separate(2, hidden=(8,), tied=True, residual="sigma")),
    "separate, deep": field_of(separate(2, hidden=(8, 8, 8), activation="sigmoid")),
    "conditioned": field_of(conditioned(2)),
    "conditioned, with features": field_of(conditioned(2, features=4)),
    "corrected": field_of(drawn(Corrected([1.0, 0.5, 0.0], 8, 6, 2, 0.1, 1.0, [0], [50]))),
}
OF_DENSITIES = {
    "log_prob": lambda p, x: p.log_prob(x),
    "score": lambda p, x: p.score(x),
    "both, log_prob": lambda p, x: p.log_prob_and_score(x)[0],
    "both, score": lambda p, x: p.log_prob_and_score(x)[1],
    "hessian": lambda p, x: p.hessian(x),
    "score_laplacian": lambda p, x: p.score_laplacian(x),
    "posterior_variance": lambda p, x: p.posterior_variance(x, 0.2),
}
OF_FIELDS = {
    "call": lambda r, x: r(x),
    "move": lambda r, x: r.move(x),
    "rounding": lambda r, x: r.rounding(x),
    "jacobian": lambda r, x: r.jacobian(x),
    "score": lambda r, x: r.score(x),
    "hessian": lambda r, x: r.hessian(x),
    "reconstruction_error": lambda r, x: r.reconstruction_error(x),
    "symmetry": lambda r, x: r.symmetry(x),
    "symmetry beside the identity": lambda r, x: r.symmetry(x, beside_identity=True),
    "log_ratio": lambda r, x: r.log_ratio(x, x + 0.1),
    "curl": lambda r, x: r.curl(x),
}


def check_rows(function, dim):
    """No point gives no row, and one the row that it gives among others."""
    x = 0.7 * SPREAD[:5, :dim]
    many, one, none = (np.asarray(function(x[:n])) for n in (5, 1, 0))
    assert many.shape[0] == 5
    assert one.shape == (1, *many.shape[1:])
    assert none.shape == (0, *many.shape[1:])
    assert none.dtype == many.dtype == float
    assert np.isfinite(many).all()
    scale = np.abs(many).max()
    np.testing.assert_allclose(one, many[:1], rtol=1e-6, atol=1e-6 * scale + 1e-12)


@pytest.mark.parametrize("what", OF_DENSITIES)
@pytest.mark.parametrize("name", DENSITIES | SMOOTHED)
def test_a_density_takes_no_point_and_one(name, what):
    density = (DENSITIES | SMOOTHED)[name]
    check_rows(lambda x: OF_DENSITIES[what](density, x), density.dim)


@pytest.mark.parametrize("what", OF_FIELDS)
@pytest.mark.parametrize("name", FIELDS)
def test_a_field_takes_no_point_and_one(name, what):
    field = FIELDS[name]
    if what == "curl" and field.dim != 2:
        pytest.skip("needs the plane")
    check_rows(lambda x: OF_FIELDS[what](field, x), field.dim)
