"""Down the noise grid: annealed Langevin, and the deterministic flow. Beyond the paper.

Both take a callable that gives the field at any noise level they ask for: a look-up among separate
models, or one that is conditioned on sigma.
"""

from collections import deque
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from autoscore.fields import Field
from autoscore.numerics.grids import gauss_legendre
from autoscore.samplers.chains import check, normals_by_step
from autoscore.samplers.kernels import Kernel
from autoscore.samplers.langevin import NoiseKeeping
from autoscore.samplers.registration import Sampler

FieldAt = Callable[[float], Field]
Progress = Callable[[int, float, np.ndarray], None]


def spaced_levels(high: float, low: float, count: int, power: float = 7.0) -> np.ndarray:
    """Return noise levels from high to low, even in sigma^(1/power), shape ``(count,)``.

    Equation 5 of Karras, Aittala, Aila and Laine (2022), "Elucidating the design space of
    diffusion-based generative models".
    """
    return np.linspace(high ** (1 / power), low ** (1 / power), count) ** power


def annealed_langevin(
    field_at: FieldAt,
    x: np.ndarray,
    sigmas: np.ndarray,
    steps: int,
    generators: Sequence[np.random.Generator],
    make_kernel: Callable[[Field], Kernel] = lambda field: NoiseKeeping(field, 0.3),
    progress: Progress | None = None,
) -> np.ndarray:
    """Run chains for some steps at each noise level, from the largest to the smallest.

    Parameters
    ----------
    field_at
        The field at a noise level.
    x
        Where the chains begin, shape ``(n, d)``: usually noise of the first level.
    sigmas
        Noise levels in the order of visit, all > 0.
    steps
        Steps at each level.
    generators
        One a chain, or one for each of several groups of as many chains that follow one another.
    make_kernel
        The kernel that moves chains at the level of a field: `NoiseKeeping` by default; unadjusted
        Langevin with e = a sigma^2 is
        ``lambda field: Langevin(PathTarget(field, 1), a * field.sigma**2)``.
    progress
        Called after each level with its number, sigma, and the positions.

    Returns
    -------
    numpy.ndarray
        Last positions, shape ``(n, d)``: near p_sigma at the last level.

    Raises
    ------
    FloatingPointError
        If a chain is no longer finite; the message names kernel, sigma and step.
    """
    for level, sigma in enumerate(sigmas):
        kernel = make_kernel(field_at(float(sigma)))
        state, shape = kernel.init(x), (len(x), kernel.normals(x.shape[1]))
        for step, normals in enumerate(normals_by_step(generators, steps, shape)):
            state, _ = kernel.step(state, normals)
            check(state.x, kernel.name, kernel.sigma, step)
        x = state.x
        if progress is not None:
            progress(level, float(sigma), x)
    return x


def flow(
    field_at: FieldAt,
    x: np.ndarray,
    sigmas: np.ndarray,
    order: int = 3,
    progress: Progress | None = None,
) -> np.ndarray:
    """Carry noise to data along the probability flow dx/dsigma = (x - r(x, sigma)) / sigma.

    With l = -log sigma it is dx/dl = r - x. What is linear in it is solved exactly, and r is
    continued as the polynomial in l through its values at the last few levels: an exponential
    Adams-Bashforth method (Hochbruck and Ostermann 2010, "Exponential integrators"; for samplers,
    Zhang and Chen 2023, "Fast sampling of diffusion models with exponential integrator"). Every
    level costs one evaluation. Where the grid ends in 0 the last step is the reconstruction at the
    last level before.

    Parameters
    ----------
    field_at
        The field at a noise level.
    x
        Draws from p_sigma at the first level, shape ``(n, d)``.
    sigmas
        Decreasing noise levels; the last may be 0.
    order
        Levels that the polynomial goes through, once there are as many.
    progress
        Called after each step with its number, the sigma that it reached, and the positions.

    Returns
    -------
    numpy.ndarray
        Positions at the last level, shape ``(n, d)``.

    Raises
    ------
    ValueError
        If the levels do not fall.
    FloatingPointError
        If a position is no longer finite; the message names sigma and step.
    """
    if not (np.diff(sigmas) < 0).all() or sigmas[-1] < 0:
        raise ValueError(f"the noise levels must fall, and not below 0: {list(sigmas)}")
    known: deque[tuple[float, np.ndarray]] = deque(maxlen=order)
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
        if progress is not None:
            progress(step, after, x)
    return x


def _continuation(known: list[float], end: float) -> np.ndarray:
    """Return the weights of r at known l in the integral of exp(l - end) r from the last to end.

    r is the polynomial through its values: each weight is the integral of a Lagrange polynomial.
    """
    nodes, weights = gauss_legendre(known[-1], end, 1)
    weights = weights * np.exp(nodes - end)
    lagrange = [
        np.prod([(nodes - other) / (at - other) for other in known if other != at], axis=0)
        for at in known
    ]
    return np.array([(weights * polynomial).sum() for polynomial in lagrange])


def _anneal(
    field_at: FieldAt,
    x: np.ndarray,
    levels: np.ndarray,
    steps: int,
    generators: Sequence[np.random.Generator],
) -> tuple[np.ndarray, int]:
    ends = annealed_langevin(field_at, x, levels, steps, generators)
    return ends, steps * len(levels) * len(x)


def _flow(
    field_at: FieldAt,
    x: np.ndarray,
    levels: np.ndarray,
    steps: int,
    generators: Sequence[np.random.Generator],
) -> tuple[np.ndarray, int]:
    return flow(field_at, x, levels), (len(levels) - 1) * len(x)


SAMPLERS = {
    "annealed_langevin": Sampler(
        label="annealed Langevin",
        colour="#56B4E9",
        about="noise-keeping moves down the noise grid, from its top",
        descend=_anneal,
        needs_target=False,
    ),
    "flow": Sampler(
        label="flow",
        colour="#0072B2",
        about="deterministic, down the noise grid, from its top",
        descend=_flow,
        needs_target=False,
    ),
}
