"""Down the noise grid: annealed Langevin, and the deterministic flow. Beyond the paper."""

from collections import deque
from itertools import chain, pairwise

import numpy as np

from autoscore.fields import FieldAt
from autoscore.numerics.grids import gauss_legendre
from autoscore.samplers.chains import Generators, check, chunks_of_normals
from autoscore.samplers.declaration import Sampler
from autoscore.samplers.langevin import NoiseKeeping

REPLACED = 0.3  # share of the noise that a step of annealed Langevin replaces
ORDER = 3  # levels through which the flow's polynomial goes


def spaced_levels(high: float, low: float, count: int, power: float = 7.0) -> np.ndarray:
    """Return noise levels from high to low, even in sigma^(1/power), shape ``(count,)``.

    Equation 5 of Karras, Aittala, Aila and Laine (2022), "Elucidating the design space of
    diffusion-based generative models".
    """
    return np.linspace(high ** (1 / power), low ** (1 / power), count) ** power


def annealed_langevin(
    field_at: FieldAt, x: np.ndarray, sigmas: np.ndarray, steps: int, generators: Generators
) -> np.ndarray:
    """Run chains that begin at x, ``(n, d)``, for some steps of `NoiseKeeping` at each level.

    Returns the last positions, near p_sigma at the last of the `sigmas`. Usually x is noise of the
    first. Each generator serves one chain, or an equal group of consecutive ones. Raises
    FloatingPointError if a chain is no longer finite.
    """
    for sigma in sigmas:
        kernel = NoiseKeeping(field_at(float(sigma)), REPLACED)
        state = kernel.init(x)
        chunks = chunks_of_normals(generators, steps, x.shape)
        for step, normals in enumerate(chain.from_iterable(chunks)):
            state, _ = kernel.step(state, normals)
            check(state.x, kernel.name, kernel.sigma, step)
        x = state.x
    return x


def flow(field_at: FieldAt, x: np.ndarray, sigmas: np.ndarray) -> np.ndarray:
    """Carry noise to data along the probability flow dx/dsigma = (x - r(x, sigma)) / sigma.

    x are draws from p_sigma, ``(n, d)``, at the first of the decreasing `sigmas`; returned are the
    positions at the last. If that is 0, the last step is the reconstruction at the level before.
    Raises ValueError if the levels do not fall, FloatingPointError if a position is not finite.

    With l = -log sigma it is dx/dl = r - x. The linear part is solved exactly, and r is continued
    as the polynomial in l through its values at the last few levels: an exponential
    Adams-Bashforth method (Hochbruck and Ostermann 2010, "Exponential integrators"; for samplers,
    Zhang and Chen 2023, "Fast sampling of diffusion models with exponential integrator"). Every
    level costs one evaluation.
    """
    if not (np.diff(sigmas) < 0).all() or sigmas[-1] < 0:
        raise ValueError(f"the noise levels must fall, and not below 0: {list(sigmas)}")
    known: deque[tuple[float, np.ndarray]] = deque(maxlen=ORDER)
    for step, (sigma, after) in enumerate(pairwise(map(float, sigmas))):
        known.append((-np.log(sigma), field_at(sigma)(x)))
        if after > 0:
            weights = _continuation([at for at, _ in known], -np.log(after))
            x = (after / sigma) * x
            for weight, (_, reconstruction) in zip(weights, known, strict=True):
                x += weight * reconstruction
        else:
            x = known[-1][1]
        check(x, "deterministic flow", sigma, step)
    return x


def _continuation(known: list[float], end: float) -> np.ndarray:
    """Return the weights of r's known values in the integral of exp(l - end) r to the end."""
    nodes, weights = gauss_legendre(known[-1], end, 1)
    weights = weights * np.exp(nodes - end)
    lagrange = [
        np.prod([(nodes - other) / (at - other) for other in known if other != at], axis=0)
        for at in known
    ]
    return np.array([(weights * polynomial).sum() for polynomial in lagrange])


SAMPLERS = {
    "annealed_langevin": Sampler(
        label="annealed Langevin",
        color="#56B4E9",
        about="noise-keeping moves down the noise grid, from its top",
        descend=lambda field_at, x, levels, steps, generators: (
            annealed_langevin(field_at, x, levels, steps, generators),
            steps * len(levels) * len(x),
        ),
        needs_target=False,
    ),
    "flow": Sampler(
        label="flow",
        color="#0072B2",
        about="deterministic, down the noise grid, from its top",
        descend=lambda field_at, x, levels, steps, generators: (
            flow(field_at, x, levels),
            (len(levels) - 1) * len(x),
        ),
        needs_target=False,
    ),
}
