"""Small worlds: settings of seconds, measured by the library's own code into result tables.

A world writes tables with their real names and columns to the working folder. Where training would
cost too much, what stands for a trained model is a field that is known, in the place of the model.
"""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from autoscore.configuration import complete, merge
from autoscore.densities.mixtures import GaussianMixture
from autoscore.densities.registry import make_density
from autoscore.geometry import line, stage, summary
from autoscore.geometry.arms import arm_rows
from autoscore.geometry.curve import tangent_profile
from autoscore.models.conditioned.network import MARGIN
from autoscore.models.separate.network import Separate
from autoscore.models.separate.training import train_exact
from autoscore.nulls import fits
from autoscore.numerics.errors import FEWEST
from autoscore.numerics.streams import generator
from autoscore.optimum import losses as plane_losses
from autoscore.optimum.bias import bias_table, optimal_field, order_table
from autoscore.optimum.curves import curve_grid
from autoscore.optimum.dae import DenoisingOptimum, ScoreField
from autoscore.sample.stage import Sampling
from autoscore.score.stage import measure as score_stage
from tests.unit.oracles import CONFIG, QUICK

SEED = 2014
LEVELS = [0.2, 0.6]
NO_DATA = {part: np.empty((0, 1)) for part in ("validation", "held_out")}
ARCHITECTURE = {"hidden": (8,), "residual": "none"}  # of untrained networks
ROWS = Path(__file__).parent / "honest_rows.csv"
POINTS, TIED = 161, True  # of a grid; whether tied weights are


@cache
def entry_of(name, quick=False):
    return complete(merge(CONFIG, QUICK) if quick else CONFIG)["densities"][name]


@cache
def density_of(name):
    return make_density(entry_of(name))


def save(table, path):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(table).to_csv(path, index=False)


# --- what stands for trained models ---------------------------------------------


class Bent(ScoreField):
    """A field whose score is another's times a matrix: the right one, or a wrong one."""

    def __init__(self, field, matrix):
        self.sigma, self.dim, self._field = field.sigma, field.dim, field
        self._matrix = np.eye(field.dim) * matrix if np.ndim(matrix) == 0 else np.array(matrix)

    def score(self, x):
        return self._field.score(x) @ self._matrix.T

    def jacobian(self, x):
        return np.eye(self.dim) + self.sigma**2 * self._matrix @ self._field.hessian(x)


def good(density, sigma):
    """Stand for what is well trained."""
    return Bent(DenoisingOptimum(density, sigma), 1.0)


def fair(density, sigma):
    """Stand for what is less well trained."""
    return Bent(DenoisingOptimum(density, sigma), 0.8)


def weak(density, sigma):
    """Stand for what is hardly trained."""
    return Bent(DenoisingOptimum(density, sigma), 0.05)


def wild(density, sigma):
    """Stand for what overshoots."""
    return Bent(DenoisingOptimum(density, sigma), 10.0)


def poor(density, sigma):
    """Stand for what knows the mean and the covariance alone."""
    x = density.sample(2000, generator(0))
    gaussian = GaussianMixture([1.0], x.mean(0)[None], np.atleast_2d(np.cov(x.T))[None])
    return DenoisingOptimum(gaussian, sigma)


def contractive(density, sigma):
    return optimal_field(density, "rcae", sigma, 2001)


class Known:
    """Stands for a trained stack, whose fields are known."""

    is_tied = False

    def __init__(self, density, field, sigmas, size=10_000, separate=True, seeds=3):
        self.density, self.separate, self.dim, self._field = density, separate, density.dim, field
        self.sigmas = np.repeat(sigmas, seeds).astype(float)
        self.seeds, self.sizes = np.arange(seeds), np.full(seeds, float(size))
        self.low, self.high = min(sigmas) / MARGIN, max(sigmas) * MARGIN

    def levels(self, sigmas):
        return np.unique(self.sigmas) if self.separate else self.known(sigmas)

    def known(self, sigmas):
        sigmas = np.asarray(sigmas)
        if self.separate:
            return sigmas[np.isin(sigmas, self.sigmas)]
        return sigmas[(sigmas >= self.low) & (sigmas <= self.high)]

    def trained(self):
        return sorted(set(zip(self.sizes.tolist(), self.seeds.tolist(), strict=True)))

    def member(self, sigma, seed, size):
        return int(seed)

    def field(self, sigma, seed=0, size=np.inf):
        return globals()[self._field](self.density, float(sigma))  # which mutations replace


def known(density, fields, levels, **options):
    return {
        ("dae", name, "samples"): Known(density, field, levels, **options)
        for name, field in fields.items()
    }


def data_of(density, n=300, others=3000):
    """Return points of a density as models are given them."""
    parts = {part: density.sample(others, generator(SEED, part)) for part in NO_DATA}
    seeds = [density.sample(n, generator(SEED, "data", k)) for k in range(3)]
    return parts | {"train": np.stack(seeds)}


def nulls(density):
    data = NO_DATA if density.dim == 1 else data_of(density)
    return fits(density, data, ARCHITECTURE, (SEED, "nulls"))


# --- worlds -----------------------------------------------------------------------


def trained(objective):
    settings = entry_of("mixture", quick=True)["train"] | {"sigmas": LEVELS}
    streams = (SEED, "train", "mixture", objective)
    return train_exact(density_of("mixture"), settings, objective, streams)[0]


def line_optima():
    """Both optima on the line."""
    mixture, window = density_of("mixture"), np.array([0.003, 0.006])
    bias = bias_table(mixture, np.array([*window, 0.01, 0.0125, *LEVELS]), 125 * POINTS)
    save(bias, "results/optimum/mixture.csv")
    save(order_table(bias, window).assign(density="mixture"), "results/score/order.csv")
    wells = bias_table(density_of("three_wells"), np.array([0.1]), 2001)
    save(wells, "results/optimum/three_wells.csv")


def line_learned():
    """Trained models of the mixture, and stand-ins for models of points."""
    mixture = density_of("mixture")
    stacks = {(what, "separate", "exact"): trained_once(what) for what in ("dae", "rcae")}
    stacks["rcae", "separate", "samples"] = Known(mixture, "contractive", LEVELS)
    settings = entry_of("mixture")["train"] | {"sigmas": LEVELS, "baselines": []}
    data = NO_DATA | {"train": data_of(mixture)["train"]}
    tables = score_stage("mixture", settings, data, mixture, stacks, (SEED, "score"))
    save(tables["errors"], "results/score/errors.csv")


def line_losses():
    """Both losses; the mixture stands for the three wells."""
    mixture = density_of("mixture")
    stacks = {
        (what, "separate", "exact"): Known(mixture, "fair", [0.01, 0.014, 0.5], np.inf, seeds=1)
        for what in ("dae", "rcae")
    }
    table = line.loss_table(mixture, stacks, np.array([0.01, 0.014, 0.5]), nulls(mixture))
    save(table, "results/geometry/three_wells_losses.csv")


def line_points():
    """Fixed points between three points."""
    points = density_of("three_points")
    stacks = {("dae", "separate", "exact"): Known(points, "good", [0.1], np.inf)}
    x = curve_grid(points, 2001, 0.1)
    curves = line.displacement_curves(points, stacks, {"sigmas": [0.1]}, x)
    save(
        line.fixed_point_table(curves, stacks, nulls(points)),
        "results/geometry/three_points_fixed_points.csv",
    )


def plane_optima():
    """Both optima in the plane; a smooth mixture stands for the two bumps."""
    means, covariances = np.array([[1.4, 0], [-1.4, 0]]), np.array([4 * np.eye(2)] * 2)
    smooth = GaussianMixture([0.5, 0.5], means, covariances)
    save(bias_table(smooth, np.array([0.08, 0.16]), POINTS), "results/optimum/two_bumps.csv")
    ninja = density_of("ninja_star")
    ninja = bias_table(ninja, np.array([0.05, 0.1, 0.2]), min(POINTS, 121))
    save(ninja, "results/optimum/ninja_star.csv")


def plane_of_losses():
    table = plane_losses.loss_table(density_of("eight_gaussians"), np.array([0.02, 0.04]), 121)
    save(table, "results/optimum/eight_gaussians_losses.csv")


def score_of_points():
    """Models of two bumps, and several levels of one of them."""
    density, levels = density_of("two_bumps"), [0.01, 0.02, 0.5, 1.0]
    stacks = known(density, {"separate": "fair", "paper": "fair", "paper_solved": "good"}, levels)
    stacks["dae", "conditioned", "samples"] = Known(density, "good", levels, separate=False)
    settings = entry_of("two_bumps")["train"] | {"sigmas": levels, "baselines": []}
    data = data_of(density, others=4000)
    tables = score_stage("two_bumps", settings, data, density, stacks, (SEED, "score"))
    for name in ("errors", "factors"):
        save(tables[name], f"results/score/{name}.csv")


def sampling(name, settings, stacks=None):
    density = density_of(name)
    settings = entry_of(name)["sample"] | settings | {"architecture": ARCHITECTURE}
    return Sampling(name, density, stacks or {}, data_of(density), settings, SEED)


def energy_differences():
    """Energy differences of the three wells, and of a model of the mixture."""
    asked = {"differences": {"models": ["conditioned"], "sigmas": []}}
    wells = density_of("three_wells")
    stacks = known(wells, {"conditioned": "good"}, [0.05])
    table = sampling("three_wells", asked, stacks).differences()
    save(table, "results/sample/three_wells_differences.csv")
    bumps = density_of("two_bumps")
    stacks = known(bumps, {"conditioned": "fair"}, [0.5], separate=False)
    asked = {"differences": {"models": ["conditioned"], "sigmas": [0.5]}}
    table = sampling("two_bumps", asked, stacks).differences()
    save(table, "results/sample/two_bumps_differences.csv")


def far_starts():
    """Chains from far away, of models of eight Gaussians that are well and badly trained."""
    density, levels = density_of("eight_gaussians"), [0.02, 0.1]
    fields = {
        "fresh_noise": "weak", "rare_large_noise": "good", "walkback": "good",
        "fresh_noise_longer": "weak", "walkback_longer": "good",
    }  # fmt: skip
    asked = {"far_starts": {"models": [*fields], "sigmas": levels}}
    stacks = known(density, fields, levels, separate=False, seeds=1)
    table = sampling("eight_gaussians", asked, stacks).far_starts()
    save(table, "results/sample/eight_gaussians_far_starts.csv")


def shape():
    """The shape of models of eight Gaussians."""
    fields = {"separate": "good", "conditioned": "good"}
    _geometry(fields, ["map"], {"summary": "", "fixed_points": "_fixed_points"})


def basins():
    """Where iterated models of eight Gaussians come to rest, well and badly trained ones."""
    fields = {
        "paper": "poor", "paper_solved": "good", "fresh_noise": "poor", "rare_large_noise": "good",
        "walkback": "good",
    }  # fmt: skip
    _geometry(fields, [], {"attractors": "_attractors"}, seeds=1)


def wild_basins():
    """Where an iterated model of eight Gaussians leads that overshoots."""
    _geometry({"paper": "wild"}, [], {"attractors": "_attractors"}, seeds=1)


def _geometry(fields, figures, names, seeds=3):
    density, levels = density_of("eight_gaussians"), [0.2]
    asked = {"sigmas": levels, "figures": figures, "points": 0, "architecture": ARCHITECTURE}
    asked["shown"] = {"sigma": 0.2, "windows": [], "attractors": not figures}
    stacks = known(density, fields, levels, separate=False, seeds=seeds)
    tables = stage.measure(density, stacks, data_of(density), asked, (SEED, "shape"))[1]
    for name, ending in names.items():
        save(tables[name], f"results/geometry/eight_gaussians{ending}.csv")


def tied_energy():
    """Tied weights, whose energy has a closed form before any training."""
    points = np.random.default_rng(0).standard_normal((40, 2))
    architecture = {"hidden": (8,), "tied": TIED, "activation": "sigmoid", "residual": "none"}
    members = ([0.1] * FEWEST, range(FEWEST), [10_000.0] * FEWEST)
    stack = Separate(2, architecture, *members, np.zeros((FEWEST, 2)), [1.0] * FEWEST)
    generators = [generator(1, k) for k in range(FEWEST)]
    stack.initialise(torch.as_tensor(np.stack([points] * FEWEST)), generators)
    named, box = {("dae", "tied", "samples"): stack}, np.array([[-3.0, 3.0]] * 2)
    at = summary.Points.drawn(points, box, generator(2))
    asked = (density_of("spiral"), named, lambda size, seed: [], [0.1], lambda seed: at, box)
    rows = summary.summary_rows(*asked)
    save(rows, "results/geometry/spiral.csv")


def chains(name, plans, stacks=None, of=None):
    """Run chains of a density by plans, `of` another density's, with some changes."""
    listed = entry_of(of or name)["sample"]["plans"]
    plans = {plan: listed[plan] | changes for plan, changes in plans.items()}
    return sampling(name, {"plans": plans}, stacks).run(lambda message: None)[0]


def exact_chains():
    """Chains on the exact score of the three wells."""
    table = chains("three_wells", {"truth": {"repeats": 3, "chains": 50, "draws": 40}})
    save(table, "results/sample/diagnostics.csv")


def repository():
    """Samplers of the authors' repository on the three wells."""
    walks = {"samplers": ["adjusted_walk", "repository_walk"], "steps": [0.3], "burn_in": 30}
    # from data: far away, the drift of one of the two is cut, and that of the other is not
    mala = {"samplers": ["mala", "mala_one_point"], "steps": [0.02], "start": "data"}
    few = {"repeats": FEWEST, "chains": 300, "thin": 3}
    plans = {
        "repository_2013_walk": few | walks | {"draws": 5},
        "repository_2013": few | mala | {"draws": 10, "burn_in": 20},
    }
    table = chains("three_wells", plans, of="ninja_star")
    save(table, "results/sample/diagnostics.csv")


def learned_chains():
    """Chains and flows of models: of the mixture, of eight Gaussians, and in ten dimensions."""
    gaussians, curve = density_of("eight_gaussians"), density_of("curve_mixture_10")
    few = {"repeats": 3, "chains": 500, "draws": 4}
    stacks = known(gaussians, {"conditioned": "good"}, [0.05, 0.8], separate=False)
    plan = {"levels": few | {"sigmas": [0.05], "models": ["conditioned"], "samplers": ["mala"]}}
    tables = [chains("eight_gaussians", plan, stacks)]
    stacks = known(gaussians, {"generative": "good"}, [0.03, 5], separate=False)
    plan = {"flow": few | {"chains": 2000, "draws": 1, "models": ["generative"]}}
    tables.append(chains("eight_gaussians", plan, stacks, of="ninja_star"))
    stacks = known(curve, {"generative": "good"}, [0.004, 4], separate=False)
    plan = {"generative": few | {"draws": 2, "burn_in": 10}}
    tables.append(chains("curve_mixture_10", plan, stacks))
    save(pd.concat(tables), "results/sample/diagnostics.csv")


def curves():
    """Between the arms of the spiral, and along the sine."""
    spiral, sine, levels = density_of("spiral"), density_of("sine"), [0.01]
    fields = dict.fromkeys(("separate", "paper", "paper_solved"), "good")
    stacks = known(spiral, fields, levels, seeds=1)
    rows = arm_rows(spiral, stacks, nulls(spiral), levels)
    save(rows, "results/geometry/spiral_arms.csv")
    fields = {"exact": DenoisingOptimum(sine, 0.003), "separate": good(sine, 0.003)}
    table = tangent_profile(sine, fields).assign(profile="tangent", seed=np.nan)
    save(table, "results/geometry/sine_profiles.csv")


def rows_of_a_run():
    """Rows of whole runs: images (MNIST, the quick run), and the paper's chains in ten dimensions.

    Shortened to the columns that are read, and to some of the rows.
    """
    for name, table in pd.read_csv(ROWS).groupby("table"):
        save(table.dropna(axis=1, how="all"), f"results/{name}.csv")


trained_once = cache(trained)
