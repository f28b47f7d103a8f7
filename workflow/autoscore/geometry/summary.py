"""One number a field: symmetry, Hessian, rotation, rank correlation, noise estimates."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from autoscore.densities.base import Density
from autoscore.densities.kernels import KernelDensity
from autoscore.fields import Field, symmetric_share
from autoscore.geometry.energy import potential_gap, residual_potential
from autoscore.geometry.helmholtz import asymmetry, helmholtz_split
from autoscore.geometry.hessian import hessian_error
from autoscore.geometry.noise_estimate import estimate_noise, loss_shortfall
from autoscore.geometry.reconstruction import energy_correlation
from autoscore.geometry.windows import uniform_points
from autoscore.models.registry import Learned
from autoscore.numerics.grids import noise_levels
from autoscore.optimum.dae import DenoisingOptimum
from autoscore.train.stack import Stack

CELLS = 40  # of the Helmholtz split, along each side of the window
FEWEST = 200  # points that are drawn in a window, at least


@dataclass(frozen=True)
class Known:
    """A density under noise, evaluated once where all fields of a level are compared.

    Attributes
    ----------
    at_noisy
        The Hessian of log p_sigma at the noisy points, ``(m, d, d)``.
    at_window
        log p_sigma at the points of the window, ``(m,)``.
    """

    at_noisy: np.ndarray
    at_window: np.ndarray

    def hessian(self, x: np.ndarray) -> np.ndarray:
        """Return the Hessian, whatever points are named: they are always the same."""
        return self.at_noisy

    def log_prob(self, x: np.ndarray) -> np.ndarray:
        """Return the log-density, whatever points are named."""
        return self.at_window


def summary_rows(
    density: Density,
    learned: Learned,
    sigmas: dict | list,
    x: np.ndarray,
    rng: np.random.Generator,
    window: np.ndarray,
) -> Iterator[dict]:
    """Yield a row for each quantity of each learned field: quantity, value and what it is of.

    The rank correlation is there for the best denoising field, too: model ``exact``, no seed.

    Parameters
    ----------
    density
        What was learned, d >= 2.
    learned
        Trained stacks by (objective, model, source).
    sigmas
        Noise levels of conditioned stacks; an separate has its own.
    x
        Held-out points ``(m, d)``.
    rng
        Draws noise, and points in a window.
    window
        A box around the data, shape ``(d, 2)``.
    """
    noise = rng.standard_normal(x.shape)
    around = uniform_points(window, max(len(x), FEWEST), rng)

    @cache
    def exact_at(sigma: float) -> Known | None:
        if isinstance(density, KernelDensity) or density.dim > 2:
            return None
        smoothed = density.smoothed(sigma)
        return Known(smoothed.hessian(x + sigma * noise), smoothed.log_prob(around))

    for sigma in noise_levels(sigmas):
        if (known := exact_at(float(sigma))) is not None:
            value = energy_correlation(DenoisingOptimum(density, float(sigma)), known, around)
            labels = {"objective": "dae", "model": "exact", "sigma": sigma}
            yield labels | {"quantity": "energy_correlation", "value": value}
    for (objective, model, _), stack in learned.items():
        if objective == "ssm":
            continue
        size = stack.sizes.max()
        for sigma in stack.levels(noise_levels(sigmas)):
            known = exact_at(float(sigma))
            for seed in np.unique(stack.seeds):
                field = stack.field(sigma, seed, size)
                labels = {"objective": objective, "model": model, "sigma": sigma, "seed": seed}
                labels["n"] = size
                numbers = _numbers(field, known, x, noise, around, window)
                for row in estimate_noise(field, x, rng).itertuples():
                    numbers[f"sigma_{row.estimator}"] = row.sigma / sigma
                if stack.is_tied and len(x) > 1:  # a segment has two ends
                    numbers["potential_gap"] = tied_gap(stack, field, sigma, seed, size, x)
                for quantity, value in numbers.items():
                    yield labels | {"quantity": quantity, "value": value}


def _numbers(
    field: Field,
    known: Known | None,
    x: np.ndarray,
    noise: np.ndarray,
    around: np.ndarray,
    window: np.ndarray,
) -> dict[str, float]:
    """Return the quantities of one field; see README.md of results for what they are."""
    equal = np.full(len(x), 1.0 / len(x))
    y = x + field.sigma * noise
    slopes = field.jacobian(y)
    beside = slopes - np.eye(field.dim)
    numbers = {
        "symmetry": float(symmetric_share(slopes).mean()),
        "symmetry_beside_identity": float(symmetric_share(beside).mean()),
        "asymmetry_traceless": asymmetry(slopes, equal, traceless=True),
        "loss_shortfall": loss_shortfall(field, x, noise),
    }
    if field.dim == 2:
        numbers["rotational_fraction"] = helmholtz_split(field, window, CELLS).fraction
    if known is not None:
        numbers["hessian_error"] = hessian_error(field, known, y, equal)
        numbers["energy_correlation"] = energy_correlation(field, known, around)
    return numbers


def tied_gap(
    stack: Stack, field: Field, sigma: float, seed: int, size: float, x: np.ndarray
) -> float:
    """Return the largest relative gap of path integrals to the closed-form energy (C9)."""
    member = stack.take([stack.member(sigma, seed, size)])
    named = {name: part[0].double().numpy() for name, part in member.views(member.theta).items()}
    scale = float(member.scale[0])

    def potential(points: np.ndarray) -> np.ndarray:
        return scale**2 * residual_potential(
            named["encoder.0.weight"].T,
            named["encoder.0.bias"][0],
            named["decoder.bias"][0],
            member.inward(points)[0],
            member.architecture.activation,
            sigma=sigma / scale,
            residual=member.architecture.residual,
        )

    half = len(x) // 2
    return potential_gap(field, potential, x[:half], x[half : 2 * half])
