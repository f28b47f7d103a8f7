"""One number per field: symmetry, Hessian, rotation, rank correlation, noise estimates."""

from collections.abc import Iterator
from functools import cache
from types import SimpleNamespace

import numpy as np

from autoscore.densities.base import Density
from autoscore.densities.kernels import KernelDensity
from autoscore.fields import Field, symmetric_share
from autoscore.geometry.potential import asymmetry, helmholtz_split, potential_gap, tied_potential
from autoscore.geometry.reconstruction import energy_correlation, estimate_noise, loss_shortfall
from autoscore.geometry.windows import uniform_points
from autoscore.models.registry import Learned
from autoscore.numerics.errors import share
from autoscore.numerics.grids import noise_levels
from autoscore.optimum.dae import DenoisingOptimum
from autoscore.train.stack import Stack
from autoscore.wording import require

CELLS = 40  # of the Helmholtz split, along each side of the window
FEWEST = 200  # points drawn in a window, at least


def hessian_error(field: Field, density: Density, x: np.ndarray, weights: np.ndarray) -> float:
    """Return E|(dr/dx - I)/sigma^2 - Hess log p|^2 / E|Hess log p|^2, Frobenius norms (C5).

    With ``p.smoothed(field.sigma)`` for p all of it is estimation error. Points have shape
    ``(n, d)``, weights ``(n,)``; raise ValueError without points.
    """
    require("the error of a Hessian", len(x))
    exact = density.hessian(x)
    difference = weights @ ((field.hessian(x) - exact) ** 2).sum((1, 2))
    return share(difference, weights @ (exact**2).sum((1, 2)))


def summary_rows(
    density: Density,
    learned: Learned,
    sigmas: dict | list,
    x: np.ndarray,
    rng: np.random.Generator,
    window: np.ndarray,
) -> Iterator[dict]:
    """Yield a row for each quantity of each learned field: ``quantity``, ``value`` and labels.

    The rank correlation is there for the best denoising field as well: model ``exact``, no seed.

    The window, ``(d, 2)``, is a box around the held-out points x ``(m, d)``, d >= 2; `rng` draws
    noise, and points in it. `sigmas` are the levels of conditioned stacks; separate ones have
    their own.
    """
    noise = rng.standard_normal(x.shape)
    around = uniform_points(window, max(len(x), FEWEST), rng)

    @cache
    def exact_at(sigma: float) -> SimpleNamespace | None:
        """Stand for p_sigma at the points where all fields are compared, evaluated once."""
        if isinstance(density, KernelDensity) or density.dim > 2:
            return None
        smoothed = density.smoothed(sigma)
        hessian, log_prob = smoothed.hessian(x + sigma * noise), smoothed.log_prob(around)
        return SimpleNamespace(hessian=lambda _: hessian, log_prob=lambda _: log_prob)

    for sigma in noise_levels(sigmas):
        if (exact := exact_at(float(sigma))) is not None:
            value = energy_correlation(DenoisingOptimum(density, float(sigma)), exact, around)
            labels = {"objective": "dae", "model": "exact", "sigma": sigma}
            yield labels | {"quantity": "energy_correlation", "value": value}
    for (objective, model, _), stack in learned.items():
        if objective == "ssm":
            continue
        size = stack.sizes.max()
        for sigma in stack.levels(noise_levels(sigmas)):
            exact = exact_at(float(sigma))
            for seed in np.unique(stack.seeds):
                field = stack.field(sigma, seed, size)
                labels = {"objective": objective, "model": model, "sigma": sigma, "seed": seed}
                labels["n"] = size
                numbers = _quantities(field, exact, x, noise, around, window)
                for row in estimate_noise(field, x, rng).itertuples():
                    numbers[f"sigma_{row.estimator}"] = row.sigma / sigma
                if stack.is_tied and len(x) > 1:  # a segment has two ends
                    numbers["potential_gap"] = tied_gap(stack, field, sigma, seed, size, x)
                for quantity, value in numbers.items():
                    yield labels | {"quantity": quantity, "value": value}


def _quantities(
    field: Field,
    exact: SimpleNamespace | None,
    x: np.ndarray,
    noise: np.ndarray,
    around: np.ndarray,
    window: np.ndarray,
) -> dict[str, float]:
    equal = np.full(len(x), 1.0 / len(x))
    y = x + field.sigma * noise
    slopes = field.jacobian(y)
    numbers = {
        "symmetry": float(symmetric_share(slopes).mean()),
        "symmetry_beside_identity": float(symmetric_share(slopes - np.eye(field.dim)).mean()),
        "asymmetry_traceless": asymmetry(slopes, equal, traceless=True),
        "loss_shortfall": loss_shortfall(field, x, noise),
    }
    if field.dim == 2:
        numbers["rotational_fraction"] = helmholtz_split(field, window, CELLS).fraction
    if exact is not None:
        numbers["hessian_error"] = hessian_error(field, exact, y, equal)
        numbers["energy_correlation"] = energy_correlation(field, exact, around)
    return numbers


def tied_gap(
    stack: Stack, field: Field, sigma: float, seed: int, size: float, x: np.ndarray
) -> float:
    """Return the largest relative gap of path integrals to the closed-form energy (C9)."""
    member = stack.take([stack.member(sigma, seed, size)])
    named = {name: part[0].double().numpy() for name, part in member.views(member.theta).items()}
    scale = float(member.scale[0])

    def potential(points: np.ndarray) -> np.ndarray:
        return scale**2 * tied_potential(
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
