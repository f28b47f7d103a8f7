"""One number per field: symmetry, Hessian, rotation, rank correlation, noise estimates."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from types import SimpleNamespace

import numpy as np

from autoscore.densities.base import Density
from autoscore.densities.kernels import KernelDensity
from autoscore.fields import Field, symmetric_share
from autoscore.geometry.potential import asymmetry, helmholtz_split, potential_gap, tied_potential
from autoscore.geometry.reconstruction import energy_correlation, estimate_noise, loss_shortfall
from autoscore.geometry.windows import uniform_points
from autoscore.models.registry import Learned
from autoscore.nulls import Fits, places
from autoscore.numerics.errors import share
from autoscore.numerics.grids import noise_levels
from autoscore.optimum.dae import DenoisingOptimum
from autoscore.train.stack import Stack
from autoscore.wording import require

CELLS = 40  # of the Helmholtz split, along each side of the window
PAIRED = 10  # most dimensions in which pairs of points are differentiated: n d^2 numbers a point
FEWEST = 200  # points drawn in a window, at least


class Remembered(Field):
    """A field that is evaluated once at the same points: a sum over pairs of points takes long."""

    def __init__(self, field: Field) -> None:
        self.sigma, self.dim, self._field = field.sigma, field.dim, field
        self._known: dict[tuple[str, bytes], np.ndarray] = {}

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return x + self.move(x)

    def move(self, x: np.ndarray) -> np.ndarray:
        return self._once("move", x)

    def jacobian(self, x: np.ndarray) -> np.ndarray:
        return self._once("jacobian", x)

    def _once(self, what: str, x: np.ndarray) -> np.ndarray:
        at = what, x.tobytes()
        if at not in self._known:
            self._known[at] = getattr(self._field, what)(x)
        return self._known[at]


def hessian_error(field: Field, density: Density, x: np.ndarray, weights: np.ndarray) -> float:
    """Return E|(dr/dx - I)/sigma^2 - Hess log p|^2 / E|Hess log p|^2, Frobenius norms (C5).

    With ``p.smoothed(field.sigma)`` for p all of it is estimation error. Points have shape
    ``(n, d)``, weights ``(n,)``; raise ValueError without points.
    """
    require("the error of a Hessian", len(x))
    exact = density.hessian(x)
    difference = weights @ ((field.hessian(x) - exact) ** 2).sum((1, 2))
    return share(difference, weights @ (exact**2).sum((1, 2)))


@dataclass(frozen=True)
class Points:
    """Where the fields of one seed are measured, ``(m, d)`` each."""

    x: np.ndarray  # held-out draws
    noise: np.ndarray  # of unit variance
    around: np.ndarray  # in the window

    @classmethod
    def drawn(cls, x: np.ndarray, window: np.ndarray, rng: np.random.Generator) -> "Points":
        """Draw the noise, and points in a window ``(d, 2)``."""
        noise = rng.standard_normal(x.shape)
        return cls(x, noise, uniform_points(window, max(len(x), FEWEST), rng))

    def first(self, n: int | None) -> "Points":
        """Return the same at the first n points."""
        return Points(self.x[:n], self.noise[:n], self.around[:n])


def summary_rows(
    density: Density,
    learned: Learned,
    fits: Fits,
    sigmas: dict | list,
    points: Callable[[int | None], Points],
    window: np.ndarray,
) -> Iterator[dict]:
    """Yield a row for each quantity of each learned field: ``quantity``, ``value`` and labels.

    Null models have the same rows, without what is undefined for them. The rank correlation is
    there for the best denoising field as well: model ``exact``, no seed.

    `points` are those of a seed, or of None for exact fields; the window, ``(d, 2)``, d >= 2, is
    a box around them. `sigmas` are the levels of conditioned stacks; separate ones have their own.
    """
    smoothed_at = cache(density.smoothed)

    @cache
    def exact_at(sigma: float, seed: int | None) -> SimpleNamespace | None:
        """Stand for p_sigma at the points where a seed's fields are compared, evaluated once."""
        if isinstance(density, KernelDensity) or density.dim > 2:
            return None
        smoothed, at = smoothed_at(sigma), points(seed)
        hessian, log_prob = smoothed.hessian(at.x + sigma * at.noise), smoothed.log_prob(at.around)
        return SimpleNamespace(
            hessian=lambda x: hessian[: len(x)], log_prob=lambda x: log_prob[: len(x)]
        )

    levels = noise_levels(sigmas).tolist()
    for sigma in levels:
        if (exact := exact_at(sigma, None)) is not None:
            best = DenoisingOptimum(density, sigma)
            value = energy_correlation(best, exact, points(None).around)
            labels = {"objective": "dae", "model": "exact", "sigma": sigma}
            yield labels | {"quantity": "energy_correlation", "value": value}
    shown = {run: stack for run, stack in learned.items() if run[0] != "ssm"}
    for (objective, model, _), stack in shown.items():
        size = stack.sizes.max()
        for sigma in stack.levels(np.array(levels)).tolist():
            for seed in np.unique(stack.seeds).tolist():
                field, at = stack.field(sigma, seed, size), points(seed)
                labels = {"objective": objective, "model": model, "sigma": sigma, "seed": seed}
                numbers = _quantities(field, exact_at(sigma, seed), at)
                if field.dim == 2:
                    numbers["rotational_fraction"] = helmholtz_split(field, window, CELLS).fraction
                if stack.is_tied and len(at.x) > 1:  # a segment has two ends
                    numbers["potential_gap"] = tied_gap(stack, field, sigma, seed, size, at.x)
                for quantity, value in numbers.items():
                    yield labels | {"n": size, "quantity": quantity, "value": value}
    for (size, seed), at_level in places(shown, np.array(levels), largest=True).items():
        for fitted in fits(size, seed):
            if fitted.most and density.dim > PAIRED:
                continue
            at = points(seed).first(fitted.most)
            for sigma, objectives in at_level.items():
                field = fitted.field(sigma)
                numbers = _quantities(field, exact_at(sigma, seed), at)
                if field.dim == 2 and fitted.most is None:
                    numbers["rotational_fraction"] = helmholtz_split(field, window, CELLS).fraction
                labels = {"model": fitted.name, "sigma": sigma, "seed": seed, "n": size}
                for objective, (quantity, value) in product(objectives, numbers.items()):
                    if not np.isnan(value):
                        yield labels | {
                            "objective": objective, "quantity": quantity, "value": value,
                        }  # fmt: skip


def _quantities(field: Field, exact: SimpleNamespace | None, at: Points) -> dict[str, float]:
    equal = np.full(len(at.x), 1.0 / len(at.x))
    field, y = Remembered(field), at.x + field.sigma * at.noise
    slopes = field.jacobian(y)
    numbers = {
        "symmetry": float(symmetric_share(slopes).mean()),
        "symmetry_beside_identity": float(symmetric_share(slopes - np.eye(field.dim)).mean()),
        "asymmetry_traceless": asymmetry(slopes, equal, traceless=True),
        "loss_shortfall": loss_shortfall(field, at.x, at.noise),
    }
    if exact is not None:
        numbers["hessian_error"] = hessian_error(field, exact, y, equal)
        numbers["energy_correlation"] = energy_correlation(field, exact, at.around)
    for row in estimate_noise(field, at.x, at.noise).itertuples():
        numbers[f"sigma_{row.estimator}"] = row.sigma / field.sigma
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
