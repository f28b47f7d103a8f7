"""The checker is checked: wrong science, in one place of the library, makes named checks fail.

Each world is a small setting measured by the library's own code into tables with their real names
and columns, which the project's own families then judge.
"""

from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from autoscore.configuration import complete, merge
from autoscore.data import draw_data
from autoscore.densities.registry import make_density
from autoscore.fields import Field
from autoscore.geometry import line, stage, summary
from autoscore.geometry.arms import arm_rows
from autoscore.images.data import restored, stored
from autoscore.images.quality import Quality
from autoscore.images.score import Evaluation
from autoscore.images.sources import scikit_digits
from autoscore.models.conditioned.training import train as train_conditioned
from autoscore.models.separate import training as separate_training
from autoscore.models.separate.network import Separate
from autoscore.models.separate.training import train_exact
from autoscore.nulls import fits
from autoscore.numerics.errors import FEWEST
from autoscore.numerics.streams import generator
from autoscore.optimum import losses as plane_losses
from autoscore.optimum.bias import bias_table, optimal_field, order_table
from autoscore.optimum.dae import DenoisingOptimum
from autoscore.optimum.linear import LinearField
from autoscore.sample.stage import Sampling
from autoscore.samplers import kernels, langevin
from autoscore.samplers.walk import AdjustedWalk
from autoscore.score.stage import measure as score_stage
from autoscore.train import setups
from autoscore.train.objectives import OBJECTIVES
from autoscore.train.stack import LearnedField
from autoscore.verify.families import read_checks
from autoscore.verify.judging import judge
from autoscore.verify.record import read
from tests.unit.oracles import CONFIG, QUICK, ROOT

pytestmark = pytest.mark.slow
SEED = 2014
WINDOW = np.array([0.003, 0.006])
LEVELS = [0.2, 0.6]
EMPTY = {part: np.empty((0, 1)) for part in ("validation", "held_out")}


def nothing(size, seed):
    """No null models."""
    return []


@cache
def configured(profile):
    return complete(merge(CONFIG, QUICK) if profile == "quick" else CONFIG)


def entry_of(name, quick=False):
    return configured("quick" if quick else "full")["densities"][name]


def checks_of(names, profile="full"):
    """The project's checks of these names, or of families of these names."""
    checks = read_checks(ROOT / "config/claims.yaml", configured(profile))
    return [check for check in checks if {check["id"], check["family"]} & set(names)]


def outcomes(checks, targets=tuple(CONFIG["densities"]), images=None):
    """Whether each check fails anywhere, or holds somewhere and fails nowhere; all are measured."""
    places = judge(checks, read("none", "full"), targets, images)
    unmeasured = places.loc[places["value"].isna(), "reason"]
    assert unmeasured.str.contains("no rows|no number").all(), unmeasured.tolist()
    found = {}
    for name, outcome in places.groupby("check")["outcome"]:
        held = "holds" if (outcome == "holds").any() else "unclear"
        # a field without sources has no rows of them
        found[name] = "fails" if outcome.isin(["fails", "not tested"]).any() else held
    return found


@cache
def density_of(name):
    return make_density(entry_of(name))


def save(table, path):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, index=False)


# --- worlds -------------------------------------------------------------------


def train(objective):
    settings = entry_of("mixture", quick=True)["train"] | {"sigmas": LEVELS}
    streams = (SEED, "train", "mixture", objective)
    return train_exact(density_of("mixture"), settings, objective, streams)[0]


trained = cache(train)


def score():
    """Both optima of the mixture and what was learned of it."""
    optimal_field.cache_clear()
    mixture = density_of("mixture")
    bias = bias_table(mixture, np.sort([*WINDOW, *LEVELS]), 20_001)
    save(bias, "results/optimum/mixture.csv")
    save(order_table(bias, WINDOW).assign(density="mixture"), "results/score/order.csv")
    learned = {(what, "separate", "exact"): trained(what) for what in ("dae", "rcae")}
    settings = {"sigmas": LEVELS, "baselines": [], "architecture": {"hidden": (8,)}}
    tables = score_stage("mixture", settings, EMPTY, mixture, learned, (SEED, "score"))
    save(tables["errors"], "results/score/errors.csv")


def losses_of_the_optima():
    """Both losses of the best reconstructions; the mixture stands for the three wells."""
    optimal_field.cache_clear()
    table = line.loss_table(density_of("mixture"), {}, np.array([0.05, 0.1, 0.5]), nothing)
    save(table, "results/geometry/three_wells_losses.csv")


def losses_in_the_plane():
    """Both losses of the best reconstructions of the eight Gaussians."""
    optimal_field.cache_clear()
    table = plane_losses.loss_table(density_of("eight_gaussians"), np.array([0.02, 0.04]), 121)
    save(table, "results/optimum/eight_gaussians_losses.csv")


def learn():
    """The ring, as the quick run learns it from points."""
    entry, streams = entry_of("ring", quick=True), (SEED, "train", "ring", "dae")
    data = draw_data(SEED, "ring", entry)
    return data, train_conditioned(data, entry["train"], "dae", streams)[0]


learned = cache(learn)


def shape():
    """The shape of what was learned of the ring."""
    entry, (data, stack) = entry_of("ring", quick=True), learned()
    named = {("dae", "conditioned", "samples"): stack}
    asked = entry["train"] | {"shown": entry["shown"], "figures": entry["figures"], "points": 0}
    tables = stage.measure(density_of("ring"), named, data, asked, (SEED, "geometry", "ring"))[1]
    save(tables["summary"], "results/geometry/ring.csv")
    save(tables["fixed_points"], "results/geometry/ring_fixed_points.csv")


def error():
    """The error of what was learned of the ring."""
    data, stack = learned()
    named = {("dae", "conditioned", "samples"): stack}
    settings = entry_of("ring", quick=True)["train"] | {"baselines": []}
    tables = score_stage("ring", settings, data, density_of("ring"), named, (SEED, "score"))
    save(tables["errors"], "results/score/errors.csv")
    save(tables["factors"], "results/score/factors.csv")


def tied_energy():
    """The closed-form energy of tied weights; it holds before any training."""
    points = np.random.default_rng(0).standard_normal((40, 2))
    architecture = {"hidden": (8,), "tied": True, "activation": "sigmoid", "residual": "none"}
    members = ([0.1] * FEWEST, range(FEWEST), [40.0] * FEWEST)
    stack = Separate(2, architecture, *members, np.zeros((FEWEST, 2)), [1.0] * FEWEST)
    generators = [generator(1, k) for k in range(FEWEST)]
    stack.initialise(torch.as_tensor(np.stack([points] * FEWEST)), generators)
    named, box = {("dae", "tied", "samples"): stack}, np.array([[-3.0, 3.0]] * 2)
    at = summary.Points.drawn(points, box, generator(2))
    rows = summary.summary_rows(density_of("spiral"), named, nothing, [0.1], lambda seed: at, box)
    save(pd.DataFrame(rows), "results/geometry/spiral.csv")


def sample(name, plan, **changes):
    settings = entry_of(name)["sample"]
    settings = settings | {"plans": {plan: settings["plans"][plan] | changes}}
    clean = density_of(name).sample(500, generator(SEED, "data"))
    data = {"train": clean[None], "validation": clean, "held_out": clean}
    chains = Sampling(name, density_of(name), {}, data, settings, SEED)
    save(chains.run(lambda message: None)[0], "results/sample/diagnostics.csv")


def chains():
    """Chains on the three wells, driven by the exact score."""
    sample("three_wells", "truth", repeats=3, chains=50, draws=40)


def walks():
    """The walk of the authors' repository on the ninja star, with the determinant and without."""
    sample(
        "ninja_star", "repository_2013_walk",
        samplers=["adjusted_walk", "repository_walk"], repeats=FEWEST, chains=1000, draws=5,
        thin=8, burn_in=60,
    )  # fmt: skip


# --- mutations ----------------------------------------------------------------


def sign(patch):
    right = Field.score
    patch.setattr(Field, "score", lambda field, x: -right(field, x))


def sign_of_the_optimum(patch):
    right = DenoisingOptimum.score
    patch.setattr(DenoisingOptimum, "score", lambda field, x: -right(field, x))


def sigma(patch):
    patch.setattr(Field, "score", lambda field, x: (field(x) - x) / field.sigma)


def sigma_of_the_optimum(patch):
    right = DenoisingOptimum.__init__
    patch.setattr(
        DenoisingOptimum, "__init__", lambda field, density, sigma: right(field, density, sigma**2)
    )


def no_training(patch):
    for module in (setups, separate_training):
        patch.setattr(module, "fit", lambda *others, **options: None)
    patch.setattr("tests.unit.test_mutations.learned", learn)


def no_move(patch):
    patch.setattr(LearnedField, "move", lambda field, x: np.zeros_like(x))
    patch.setattr(
        LearnedField, "jacobian", lambda field, x: np.tile(np.eye(field.dim), (len(x), 1, 1))
    )


def no_contraction(patch):
    def reconstruction_alone(stack, theta, batch):
        reconstruction, _ = stack.forward(theta, batch.targets, batch.sigma)
        return batch.mean(((reconstruction - batch.targets) ** 2).sum(-1) / batch.sigma**2)

    patch.setitem(OBJECTIVES, "rcae", reconstruction_alone)
    patch.setattr("tests.unit.test_mutations.trained", train)


def no_contraction_measured(patch):
    for module in (line, plane_losses):
        patch.setattr(
            module, "contractive_loss", lambda r, _, x, weights: weights @ r.reconstruction_error(x)
        )


def no_determinant(patch):
    patch.setattr(AdjustedWalk, "_log_volume", lambda kernel, y: np.zeros(len(y)))


def inverted_ratio(patch):
    right = kernels.metropolis

    def metropolis(old, new, log_acceptance, *others):
        return right(old, new, -log_acceptance, *others)

    patch.setattr(kernels, "metropolis", metropolis)
    patch.setattr(langevin, "metropolis", metropolis)


def shuffled_seeds(patch):
    right = summary.tied_gap

    def tied_gap(stack, field, sigma, seed, *others):
        return right(stack, field, sigma, (seed + 1) % FEWEST, *others)

    patch.setattr(summary, "tied_gap", tied_gap)


WORLDS = {  # and the profile whose checks are about them
    score: "quick",
    losses_of_the_optima: "quick",
    losses_in_the_plane: "full",
    shape: "quick",
    error: "quick",
    chains: "quick",
    walks: "full",
    tied_energy: "full",
}
SHAPE = ["C3_divergence_ring", "C4_untied_ring", "C5_hessian_ring", "C2_sources_learned_ring"]
FACTOR = ["C3_factor_ring", "C3_direction_ring"]
MUTATIONS = [
    (no_training, error, ["T1_points_ring", *FACTOR]),
    (no_move, error, FACTOR),
    (no_move, shape, SHAPE),
    (sign, score, ["T1_learned_mixture", "T2_learned_mixture"]),
    (sign_of_the_optimum, score, ["C1_leading_term_mixture", "C1_apart_mixture"]),
    (sigma, score, ["T1_learned_mixture", "T2_learned_mixture"]),
    (sigma_of_the_optimum, score, ["C1_order_mixture", "C1_leading_term_mixture"]),
    (no_contraction, score, ["T2_learned_mixture"]),
    (no_contraction_measured, losses_of_the_optima, ["P1_optimum_three_wells"]),
    (no_contraction_measured, losses_in_the_plane, ["P1_plane_eight_gaussians"]),
    (no_determinant, walks, ["C7_jacobian_ninja_star"]),
    (inverted_ratio, chains, ["C7_exact_three_wells"]),
    (shuffled_seeds, tied_energy, ["C9_tied_energy_spiral"]),
]


def verdicts(world, folder, patch, names):
    """Make a world's tables in a folder and return what the checks named say of them."""
    patch.chdir(folder)
    world()
    checks = checks_of(names, WORLDS[world])
    assert sorted(check["id"] for check in checks) == sorted(names)
    return outcomes(checks)


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.__name__)
def test_the_checks_hold_of_the_code_as_it_is(world, tmp_path, monkeypatch):
    named = {name for _, place, names in MUTATIONS if place is world for name in names}
    found = verdicts(world, tmp_path, monkeypatch, named)
    assert found == dict.fromkeys(named, "holds")


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore:An input array is constant")
@pytest.mark.parametrize(
    ("mutate", "world", "named"),
    MUTATIONS,
    ids=[f"{mutate.__name__}-{world.__name__}" for mutate, world, _ in MUTATIONS],
)
def test_wrong_science_makes_its_checks_fail(mutate, world, named, tmp_path, monkeypatch):
    mutate(monkeypatch)
    found = verdicts(world, tmp_path, monkeypatch, named)
    assert found == dict.fromkeys(named, "fails")


def test_null_models_do_not_pass_for_a_field_between_arms(tmp_path, monkeypatch):
    """The exact field does, in the place of what was trained; a Gaussian's and untrained do not."""
    monkeypatch.chdir(tmp_path)
    spiral = density_of("spiral")
    entry = entry_of("spiral")["train"]
    data = {"train": np.stack([spiral.sample(500, generator(SEED, k)) for k in range(FEWEST)])}
    data["validation"] = spiral.sample(100, generator(SEED))
    members = np.repeat([0.01, 0.05], FEWEST), [*range(FEWEST)] * 2, [500.0] * 2 * FEWEST
    idle = Separate(2, {"hidden": (4,)}, *members, np.zeros((2 * FEWEST, 2)), [1.0] * 2 * FEWEST)
    idle.initialise(data["train"][0, :20][None].repeat(2 * FEWEST, 0), [generator(0)] * 2 * FEWEST)
    fitted = fits(spiral, data, entry["architecture"], (SEED, "nulls"))
    learned = {("dae", "separate", "samples"): idle}
    rows = pd.DataFrame(arm_rows(spiral, learned, fitted, [0.01, 0.05]))
    checks = checks_of(["C2_arms_spiral", "C2_arms_sources_spiral", "C2_arms_place_spiral"])
    checks = [check | {"nulls": {}} for check in checks]
    seeds = pd.DataFrame({"seed": range(FEWEST)})
    for model, outcome in (
        ("exact", "holds"), ("identity", "fails"), ("gaussian", "fails"), ("untrained", "fails"),
    ):  # fmt: skip
        table = rows[rows["model"] == model]
        if model == "exact":
            table = table.drop(columns="seed").merge(seeds, how="cross")
        n = entry_of("spiral")["train"]["sizes"][-1]
        table = pd.concat([table.assign(model=name, n=n) for name in ("separate", "conditioned")])
        save(table, "results/geometry/spiral_arms.csv")
        assert set(outcomes(checks).values()) == {outcome}, model


# --- images -------------------------------------------------------------------


class Linear:
    """Stands for a model of images that knows all levels, and has learned the linear optimum."""

    separate = True  # asked as the separate ones are
    known = staticmethod(np.asarray)


def test_the_linear_optimum_does_not_pass_for_what_was_learned_of_images(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    images = restored(stored(scikit_digits("a test")))
    models = dict.fromkeys(("untied", "conditioned"), Linear())
    seen = Evaluation(images, models, np.array([0.1, 0.4, 1.0]), SEED, 10_000)
    seen.fields = dict.fromkeys(models, partial(LinearField, images.linear))
    for table in ("denoising", "spectra", "energies"):
        save(getattr(seen, table)(), f"results/score/images_{table}.csv")
    quality = Quality.of(images, SEED)
    drawn = quality.row(images.linear.sample(1000, generator(SEED)))
    rows = [{"model": model, "sampler": "flow"} | drawn for model in models]
    save(pd.DataFrame(quality.reference_rows() + rows), "results/sample/images.csv")
    named = {
        "T1_images", "conditioned_images", "conditioned_images_over_separate", "C4_images_loops",
        "C5_images_linear", "C6_images", "C7_images_parzen", "C7_images_confidence",
        "C7_images_over_separate",
    }  # fmt: skip
    checks = checks_of(named)
    assert outcomes(checks, [], {"dataset": "mnist", "name": "digits"}) == dict.fromkeys(
        named, "fails"
    )
