"""The one-dimensional field: r(x) - x on a grid, where it vanishes, and both of its losses (P1).

For v = (r - x) / sigma^2 that has a limit, L_DAE - L_RCAE is
sigma^6 E_p[lap div v + v . lap v] + O(sigma^8), while the losses are sigma^2 d + O(sigma^4).
If v is the score of p to leading order, the coefficient is an integral of div(p lap v), which
vanishes. If r does not approach the identity, the difference is sigma^2 E_p[(r - x) . lap r] +
O(sigma^4): of the same order as the contraction itself, unless r is linear.

Such small differences need nearly exact integrals over x and the noise. On the line a lattice of
noisy points y provides them: the trapezoidal rule converges faster than any power for what is as
smooth as a Gaussian times a network (Trefethen and Weideman 2014), and r is evaluated once at
each y, however many x it may come from.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from autoscore.densities.base import Density
from autoscore.fields import Field
from autoscore.models.registry import MODELS, Learned
from autoscore.nulls import Fits, places
from autoscore.numerics.errors import fixed_points
from autoscore.numerics.grids import noise_levels
from autoscore.optimum.bias import GRID_POINTS, optimal_field
from autoscore.optimum.losses import contractive_loss
from autoscore.train.stack import Stack
from autoscore.wording import require

REACH = 9.0  # standard deviations of noise beyond the outermost clean points
SPACING = 0.25  # of the lattice, in units of sigma
OBJECTIVES = ("dae", "rcae")
FINEST = 4000  # points of the lattice at least, for trained models at large sigma
LOSSES = [
    "objective", "model", "seed", "sigma", "denoising", "contractive", "difference", "matching_gap",
]  # fmt: skip


def displacement_curves(
    density: Density, learned: Learned, settings: dict, x: np.ndarray
) -> dict[str, np.ndarray]:
    """Return r(x) - x of the best and of the learned reconstructions on a grid ``(n,)``.

    Learned are separate auto-encoders of the density itself, or else of the most points. Beside
    the grid ``x`` and the levels ``sigmas`` there are, per objective, such as dae, ``best_dae``
    ``(levels, n)`` and ``dae`` ``(levels, seeds, n)``. Each variant adds, at levels of its own,
    ``sigmas_<variant>`` and ``dae_<variant>``.
    """
    sigmas = noise_levels(settings["sigmas"])
    columns = x[:, None]
    curves = {"x": x, "sigmas": sigmas}
    for objective in OBJECTIVES:
        if (stack := _separate(learned, objective)) is None:
            continue
        curves[objective] = _moves(stack, sigmas, columns)
        if objective == "dae" or not density.is_degenerate:
            best = [optimal_field(density, objective, sigma, GRID_POINTS) for sigma in sigmas]
            curves[f"best_{objective}"] = np.array([r.move(columns)[:, 0] for r in best])
    for (objective, model, _), stack in learned.items():
        name = f"{objective}_{model}"
        if objective in OBJECTIVES and model not in MODELS and name not in curves:
            curves[f"sigmas_{model}"] = levels = stack.levels(sigmas)
            curves[name] = _moves(stack, levels, columns)
    return curves


def _moves(stack: Stack, sigmas: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return r(x) - x of every seed at points ``(n, 1)``, ``(levels, seeds, n)``."""
    seeds, size = np.unique(stack.seeds), stack.sizes.max()
    fields = [[stack.field(sigma, seed, size) for seed in seeds] for sigma in sigmas]
    return np.array([[field.move(columns)[:, 0] for field in level] for level in fields])


def fixed_point_table(
    curves: dict[str, np.ndarray], learned: Learned | None = None, fits: Fits | None = None
) -> pd.DataFrame:
    """Return the fixed points of `displacement_curves` and of null models, a row each.

    Columns: objective, model (``exact``, ``separate`` or a null model), sigma, seed, x, stable.
    """
    rows = []
    for objective in OBJECTIVES:
        for level, sigma in enumerate(curves["sigmas"]):
            found = []
            if f"best_{objective}" in curves:
                found.append(("exact", None, curves[f"best_{objective}"][level]))
            if objective in curves:
                seeds = enumerate(curves[objective][level])
                found += [("separate", seed, displacement) for seed, displacement in seeds]
            if fits and (stack := _separate(learned, objective)):
                columns, size = curves["x"][:, None], stack.sizes.max()
                found += [
                    (fitted.name, seed, fitted.field(sigma).move(columns)[:, 0])
                    for seed in np.unique(stack.seeds).tolist()
                    for fitted in fits(size, seed)
                ]
            for model, seed, displacement in found:
                labels = {"objective": objective, "model": model, "sigma": sigma, "seed": seed}
                points = zip(*fixed_points(curves["x"], displacement), strict=True)
                rows += [labels | {"x": x, "stable": stable} for x, stable in points]
    columns = ["objective", "model", "sigma", "seed", "x", "stable"]
    return pd.DataFrame(rows, columns=columns).astype({"seed": "Int64"})


def _separate(learned: Learned, objective: str) -> Stack | None:
    """Return the separate auto-encoders of the density itself, or else of points, if any."""
    exact, samples = ((objective, "separate", source) for source in ("exact", "samples"))
    return learned.get(exact, learned.get(samples))


@dataclass(frozen=True)
class Pairs:
    """Clean points x ``(n, 1)``, noisy points y ``(m, 1)`` and the weights of all pairs, d = 1.

    Clean points have weights ``(n,)``, pairs ``(m, n)``, of which each column sums to that of its
    clean point.
    """

    x: np.ndarray
    y: np.ndarray
    clean: np.ndarray
    joint: np.ndarray


def noisy_pairs(x: np.ndarray, weights: np.ndarray, sigma: float) -> Pairs:
    """Return the rule for expectations over clean and noisy points, from a quadrature over p.

    Its nodes have shape ``(n, 1)``; raise ValueError for d > 1, or without nodes.
    """
    require("the lattice of noisy points", len(x))
    if x.shape[1] != 1:
        raise ValueError(f"the lattice of noisy points needs d = 1, not {x.shape[1]}")
    low, high = x.min() - REACH * sigma, x.max() + REACH * sigma
    count = max(FINEST, int(np.ceil((high - low) / (SPACING * sigma))) + 1)
    y = np.linspace(low, high, count)[:, None]
    joint = np.exp(-0.5 * ((y - x[:, 0]) / sigma) ** 2)
    return Pairs(x, y, weights, joint * (weights / joint.sum(0)))


def denoising_loss(found: np.ndarray, pairs: Pairs) -> float:
    """Return L_DAE(r) = E|r(y) - x|^2, where `found` is r(y), of shape ``(m, 1)``."""
    return float((pairs.joint * (found - pairs.x[:, 0]) ** 2).sum())


def both_losses(field: Field, sigma: float, pairs: Pairs) -> dict[str, float]:
    """Return ``denoising``, ``contractive`` and their ``difference``, the first minus the second.

    The field's own noise level may be another than `sigma`, that of the pairs.
    """
    denoising = denoising_loss(field(pairs.y), pairs)
    contractive = contractive_loss(field, sigma, pairs.x, pairs.clean)
    difference = denoising - contractive
    return {"denoising": denoising, "contractive": contractive, "difference": difference}


def matching_gap(learned: np.ndarray, best: np.ndarray, pairs: Pairs) -> float:
    """Return the excess denoising loss minus the score-matching loss, relative to the latter (C9).

    For r = x + sigma^2 s_theta, L_DAE(r) exceeds the least loss by sigma^4 E|s_theta - s_sigma|^2
    under p_sigma (Vincent 2011). Both are computed independently, from r(y) ``(m, 1)`` of a
    learned reconstruction and of the best one.
    """
    excess = denoising_loss(learned, pairs) - denoising_loss(best, pairs)
    matching = float(pairs.joint.sum(1) @ ((learned - best) ** 2)[:, 0])
    return abs(excess - matching) / matching


def loss_table(density: Density, learned: Learned, sigmas: np.ndarray, fits: Fits) -> pd.DataFrame:
    """Return both losses of the exact optima and of models trained on the density itself (P1).

    A row per objective, model, seed and sigma, in the columns `LOSSES`: those of `both_losses`,
    and `matching_gap` for trained models and null models. The model ``fixed`` is the best denoising
    reconstruction at the largest noise level, kept at all levels: P1 does not hold for it.
    """
    quadrature = density.quadrature()
    trained = {run: stack for run, stack in learned.items() if run[2] == "exact"}
    fixed = optimal_field(density, "dae", sigmas.max(), GRID_POINTS)
    rows = []
    for sigma in sigmas:
        pairs = noisy_pairs(*quadrature, sigma)
        best = {o: optimal_field(density, o, sigma, GRID_POINTS) for o in ("dae", "rcae")}
        fields = [(objective, "exact", None, field) for objective, field in best.items()]
        fields.append(("dae", "fixed", None, fixed))
        fields += [
            (objective, model, seed, stack.field(sigma, seed))
            for (objective, model, _), stack in trained.items()
            for seed in np.unique(stack.seeds).tolist()
        ]
        fields += [
            (objective, fitted.name, seed, fitted.field(sigma))
            for (size, seed), levels in places(trained, sigmas).items()
            for fitted in fits(size, seed)
            for objective in levels.get(sigma, [])
        ]
        ideal = best["dae"](pairs.y)
        for objective, model, seed, field in fields:
            row = {"objective": objective, "model": model, "seed": seed, "sigma": sigma}
            row |= both_losses(field, sigma, pairs)
            if seed is not None:
                row["matching_gap"] = matching_gap(field(pairs.y), ideal, pairs)
            rows.append(row)
    return pd.DataFrame(rows, columns=LOSSES).astype({"seed": "Int64"})
