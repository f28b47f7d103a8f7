"""The checker is checked: wrong science makes every family of checks fail.

A mutation changes the library in one place, or puts another field in the place of what stands for a
trained model, or changes rows of a run. Places where a family held before then fail; a family that
fails in its world in the first place has to hold somewhere then, which a run reports as well.
"""

import os
from functools import cache
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from autoscore import combination
from autoscore.configuration import complete
from autoscore.fields import Field
from autoscore.geometry import arms, line, summary
from autoscore.models.separate import training as separate_training
from autoscore.numerics.errors import FEWEST
from autoscore.optimum import losses as plane_losses
from autoscore.optimum import rcae_1d, rcae_2d
from autoscore.optimum.bias import optimal_field
from autoscore.optimum.dae import DenoisingOptimum
from autoscore.sample import differences
from autoscore.samplers import declaration, kernels, langevin, random_walk
from autoscore.samplers.targets import make_target
from autoscore.samplers.walk import AdjustedWalk
from autoscore.score import factors
from autoscore.score.references import smoothed_at
from autoscore.train.objectives import OBJECTIVES
from autoscore.verify import record
from autoscore.verify.families import read_checks, read_families
from autoscore.verify.judging import judge
from tests.unit import worlds
from tests.unit.oracles import CONFIG, ROOT
from tests.unit.worlds import Bent, fair, good, poor, weak

pytestmark = pytest.mark.slow
CLAIMS = ROOT / "config" / "claims.yaml"
MNIST = {"dataset": "mnist", "name": "MNIST"}


# --- mutations ----------------------------------------------------------------------


def given(**names):
    """Put other fields in the place of what stands for trained models."""

    def mutate(patch):
        for name, field in names.items():
            patch.setattr(worlds, name, field)

    mutate.__name__ = "_".join(f"{field.__name__}_for_{name}" for name, field in names.items())
    return mutate


def flipped(density, sigma):
    """The sign of the score is wrong."""
    return Bent(DenoisingOptimum(density, sigma), -1.0)


def unsquared(density, sigma):
    """r(x) - x is multiplied by sigma once more."""
    return Bent(DenoisingOptimum(density, sigma), sigma)


def turned(density, sigma):
    """A rotation is added, so that the field is no gradient."""
    return Bent(DenoisingOptimum(density, sigma), [[1.0, 1.0], [-1.0, 1.0]])


def sign(patch):
    right = Field.score
    patch.setattr(Field, "score", lambda field, x: -right(field, x))


class Negated:
    """p_sigma, whose score and Hessian have the wrong sign."""

    def __init__(self, smoothed):
        self._smoothed = smoothed

    def score(self, x):
        return -self._smoothed.score(x)

    def hessian(self, x):
        return -self._smoothed.hessian(x)

    def coarser(self):
        return Negated(self._smoothed.coarser())


def optimum_of(change, patch):
    """Let the best denoising reconstruction be that of another density."""
    right = DenoisingOptimum.__init__

    def init(field, density, sigma):
        right(field, density, sigma)
        field.smoothed = change(density, sigma)

    patch.setattr(DenoisingOptimum, "__init__", init)


def optimum_negated(patch):
    optimum_of(lambda density, sigma: Negated(density.smoothed(sigma)), patch)


def optimum_of_sigma_squared(patch):
    optimum_of(lambda density, sigma: density.smoothed(sigma**2), patch)


def smoothing_by_sigma_squared(patch):
    right = factors.smoothed_at
    patch.setattr(factors, "smoothed_at", lambda density, sigma: right(density, sigma**2))


def optimum_shifted(patch):
    right = DenoisingOptimum.score
    patch.setattr(DenoisingOptimum, "score", lambda field, x: right(field, x - 0.1))


def error_is_energy(patch):
    def energy(field, x):
        return -field.smoothed.log_prob(x)

    patch.setattr(DenoisingOptimum, "reconstruction_error", energy)


def contractive_negated(patch):
    for module, name in ((rcae_1d, "solve_rcae_1d"), (rcae_2d, "solve_rcae_2d")):
        right = getattr(module, name)
        patch.setattr(module, name, lambda *args, right=right: -right(*args))


def coarse_grid(patch):
    patch.setattr(worlds, "POINTS", 21)


def contraction_by_sigma(patch):
    """The contraction is weighed by sigma instead of its square."""
    right = plane_losses.contractive_loss
    for module in (line, plane_losses):
        patch.setattr(
            module, "contractive_loss", lambda r, sigma, *rest: right(r, np.sqrt(sigma), *rest)
        )


def no_training(patch):
    patch.setattr(separate_training, "fit", lambda *others, **options: None)
    patch.setattr(worlds, "trained_once", worlds.trained)


def no_contraction(patch):
    def reconstruction_alone(stack, theta, batch):
        reconstruction, _ = stack.forward(theta, batch.targets, batch.sigma)
        return batch.mean(((reconstruction - batch.targets) ** 2).sum(-1) / batch.sigma**2)

    patch.setitem(OBJECTIVES, "rcae", reconstruction_alone)
    patch.setattr(worlds, "trained_once", worlds.trained)


def levels_combined_wrongly(patch):
    """Weights are in the wrong order, and those are chosen that have the largest loss."""
    loss, weights = combination.QuadraticLoss.__call__, combination.polynomial_weights
    patch.setattr(combination.QuadraticLoss, "__call__", lambda self, w: -loss(self, w))
    patch.setattr(combination, "polynomial_weights", lambda *args: weights(*args)[::-1])


def segments_too_short(patch):
    """Segments from arm to arm end before the other arm."""
    right = arms.arm_segments

    def segments(curve):
        first, last = np.moveaxis(right(curve), 1, 0)
        return np.stack([first, first + 0.75 * (last - first)], axis=1)

    patch.setattr(arms, "arm_segments", segments)


def rules(others, patch):
    """Let other rules integrate than those that are asked for."""
    for module in (differences, declaration):
        patch.setattr(module, "make_target", lambda field, asked, *rest: make_target(
            field, others.get(asked, asked), *rest
        ))  # fmt: skip


def rules_mixed_up(patch):
    others = {3: "one-point", "one-point": 3, 2: "one-point"}
    rules(others, patch)


def exact_and_one_point_mixed_up(patch):
    rules({"exact": "one-point", "one-point": "exact"}, patch)


def one_point_rule(patch):
    rules({"even": "one-point", 3: "one-point"}, patch)


def fine_rule(patch):
    rules({"one-point": differences.FINE}, patch)


def untied(patch):
    patch.setattr(worlds, "TIED", False)


def shuffled_seeds(patch):
    right = summary.tied_gap

    def tied_gap(stack, field, sigma, seed, *others):
        return right(stack, field, sigma, (seed + 1) % FEWEST, *others)

    patch.setattr(summary, "tied_gap", tied_gap)


def ratio(change, patch):
    """Change the logarithm of the ratio by which proposals are accepted."""
    right = kernels.metropolis
    for module in (kernels, langevin, random_walk):
        patch.setattr(module, "metropolis", lambda old, new, log_ratio, *others: right(
            old, new, change(log_ratio), *others
        ))  # fmt: skip


def inverted_ratio(patch):
    ratio(np.negative, patch)


def nothing_accepted(patch):
    ratio(lambda log_ratio: np.full_like(log_ratio, -np.inf), patch)


def determinant_inverted(patch):
    right = AdjustedWalk._log_volume
    patch.setattr(AdjustedWalk, "_log_volume", lambda kernel, y: -right(kernel, y))


# of rows


def swapped(name, columns, one, other, **where):
    """Two models, or levels, stand in each other's rows, among those `where` says."""

    def change(table):
        chosen = among(table, where)
        table.loc[chosen, columns] = table.loc[chosen, columns].replace({one: other, other: one})

    return of_rows(f"{name}_{one}_for_{other}", change, name)


def in_place(name, other, column):
    """Draws of one model have a number, and all that belongs to it, from other draws."""

    def change(table):
        columns = [one for one in table if one.startswith(column)] + ["independent"]
        (source,) = np.flatnonzero(among(table, other))
        table.loc[among(table, DRAWN), columns] = table.loc[source, columns].to_numpy()

    return of_rows(f"{column}_of_{'_'.join(other.values())}", change, name)


def computed(name, column, formula):
    """A column is computed wrongly: from the right one, and another."""

    def change(table):
        table[column] = table.eval(formula)

    return of_rows(f"{name}_{column}", change, name)


def among(table, where):
    fits = [table[column].isin(np.atleast_1d(value)) for column, value in where.items()]
    return np.logical_and.reduce([np.ones(len(table), bool), *fits])


def of_rows(name, change, file):
    def mutate(patch):
        right = worlds.save

        def save(table, path):
            if path == f"results/{file}.csv":
                table = table.reset_index(drop=True)
                change(table)
            right(table, path)

        patch.setattr(worlds, "save", save)

    mutate.__name__ = name.replace("/", "_")
    return mutate


CHAINS = "sample/curve_mixture_10_metropolis"
DENOISING, SPECTRA = "score/images_denoising", "score/images_spectra"
DRAWS, DRAWN = "sample/images", {"model": "conditioned", "sampler": "flow"}
FLOW = "C7_flow C7_flow_over_kde C7_generative C7_generative_coverage C7_generative_kde"

# worlds, their mutations, and the families that each of these breaks
MUTATIONS = {
    worlds.line_optima: {
        optimum_of_sigma_squared: "T1_tweedie C1_order C1_squared_order C5_order C1_leading_term"
        " C1_leading_term_line C1_apart_closer",
        optimum_negated: "T1_tweedie C1_order C5_order C1_apart",
        contractive_negated: "T2_order T2_hessian C1_apart C1_apart_closer",
        coarse_grid: "C1_discretisation",
    },
    worlds.line_learned: {
        no_training: "T1_learned T2_learned",
        sign: "T1_learned T2_learned C1_learned",
        no_contraction: "T2_learned",
        contractive_negated: "T2_bias T2_learned",
        optimum_negated: "C1_bias",
        given(contractive=flipped): "T2_points",
    },
    worlds.line_losses: {
        contraction_by_sigma: "P1_optimum P1_learned P1_fixed",
        optimum_of_sigma_squared: "T1_best C9_matching",
        contractive_negated: "T2_best P1_optimum",
    },
    worlds.line_points: {
        optimum_negated: "C2_between C2_between_learned",
        optimum_shifted: "C2_half_way C2_half_way_learned C2_points_left C2_points_middle"
        " C2_points_right C2_points_learned_left C2_points_learned_middle C2_points_learned_right",
    },
    worlds.plane_optima: {
        contractive_negated: "T2_order_plane T2_hessian_plane T2_rate T2_hessian_rate"
        " C1_apart_plane C1_apart_rate C1_apart_closer plane_solver_small plane_solver_middle"
        " plane_solver_large",
        coarse_grid: "T2_step T2_step_hessian plane_grid",
    },
    worlds.plane_of_losses: {
        contraction_by_sigma: "P1_plane P1_rate P1_plane_wrong P1_plane_slow P1_plane_fixed"
    },
    worlds.score_of_points: {
        given(good=poor, fair=poor): "T1_separate T1_points T1_paper T1_paper_solved C1_points"
        " C3_constant C3_direction C3_over_gaussian C3_clean extrapolation",
        given(good=unsquared, fair=unsquared): "T1_separate T1_points C3_factor",
        given(good=fair, fair=good): "conditioned_over_separate",
        smoothing_by_sigma_squared: "C3_clean_order",
        levels_combined_wrongly: "extrapolation_over_single combination_over_single",
    },
    worlds.energy_differences: {
        rules_mixed_up: "C6_three_nodes C6_one_point C6_one_point_learned C6_order_one_point"
        " C6_order_gauss C6_even C6_quadrature",
        one_point_rule: "C6_order_even C6_quadrature_even",
        fine_rule: "C6_quadrature_one_point",
        given(fair=flipped): "C6_learned",
    },
    worlds.shape: {
        optimum_negated: "C2_sources C2_rank_sources C8_sinks",
        error_is_energy: "C2_rank",
        given(good=flipped): "C2_sources_learned C3_loss C5_hessian",
        given(good=unsquared): "C3_loss C3_divergence",
        given(good=turned): "C4_untied",
    },
    worlds.basins: {
        given(good=poor, poor=good): "C8_chains C8_starts C8_published C8_solved C8_solved_starts",
    },
    worlds.wild_basins: {given(wild=good): "C8_published_away"},
    worlds.curves: {
        optimum_negated: "C2_arms_exact C5_tangent C5_normal",
        segments_too_short: "C2_arms_exact_place C2_arms_place C2_figure_5_place",
        given(good=flipped): "C2_arms C2_arms_sources C2_figure_5 C2_figure_5_sources"
        " C5_tangent_learned C5_normal_learned",
    },
    worlds.tied_energy: {untied: "C4_tied", shuffled_seeds: "C9_tied_energy"},
    worlds.far_starts: {
        given(good=weak, weak=good): "C8_rare C8_walkback C8_walkback_longer C8_longer",
        swapped("sample/eight_gaussians_far_starts", "sigma", 0.02, 0.1): "C8_larger",
        optimum_negated: "C8_optimum",
    },
    worlds.exact_chains: {
        inverted_ratio: "C7_exact C7_exact_log_p",
        nothing_accepted: "C7_exact_coverage C7_mixing",
    },
    worlds.repository: {
        exact_and_one_point_mixed_up: "C7_one_point",
        determinant_inverted: "C7_jacobian",
    },
    worlds.learned_chains: {given(good=poor): f"C7_learned {FLOW}"},
    worlds.rows_of_a_run: {
        computed(CHAINS, "rule_error", "one_point_error"): "C6_ten_dimensions",
        swapped(CHAINS, "model", "paper", "gaussian"): "C7_pairs_gaussian",
        swapped(CHAINS, "step", 0.1, 0.01, field="learned", model="paper"): "C7_pairs_field"
        " C7_pairs_distance C7_proposal_accepted C7_proposal_small C7_proposal_coverage",
        swapped(CHAINS, "step", 0.3, 0.01): "C7_proposal_large",
        swapped(CHAINS, ["sigma", "step"], 0.1, 0.4, field="learned"): "C7_training_large"
        " C7_training_blur",
        computed(CHAINS, "improbable", "1 - improbable"): "C7_training_small C7_training_right",
        swapped("sample/diagnostics", "step", 0.002, 0.016): "C7_unadjusted",
        swapped(DENOISING, "model", "gaussian", "tied"): "T1_images",
        swapped(DENOISING, "model", "gaussian", "empirical"): "T1_images_empirical",
        swapped(DENOISING, "model", "gaussian", "conditioned"): "conditioned_images",
        swapped(DENOISING, "model", "untied", "conditioned"): "conditioned_images_over_separate",
        computed("score/images_noise_levels", "ratio", "ratio * sigma"): "C3_images",
        swapped("train/images/untied_symmetry", "step", 1, 235): "C4_images_rise",
        swapped(SPECTRA, "model", "untied", "tied"): "C4_images_tied_symmetry",
        swapped(SPECTRA, "model", "untied", "conditioned"): "C4_images C4_images_plain",
        swapped(SPECTRA, "sigma", 0.1, 0.3): "C5_images",
        swapped(SPECTRA, "model", "gaussian", "tied"): "C5_images_linear",
        swapped("score/images_energies", "model", "untied", "tied"): "C4_images_tied"
        " C4_images_loops",
        computed("score/images_energies", "share", "1 - share"): "C6_images",
        in_place(DRAWS, {"model": "generative adversarial network"}, "parzen"): "C7_images_parzen",
        in_place(DRAWS, {"model": "held-out images"}, "coverage"): "C7_images_coverage",
        in_place(DRAWS, {"model": "training images"}, "copies"): "C7_images_copies",
        in_place(DRAWS, {"sampler": "dae_chain"}, "balance"): "C7_images_balance",
        swapped(DRAWS, "model", "gaussian", "conditioned"): "C7_images_confidence",
        swapped(DRAWS, "model", "untied", "conditioned"): "C7_images_over_separate",
    },
}
HOLDS, FAILS = "holds", "fails"
# what does not hold in its world in the first place: its outcome there, and after the mutation
OTHERS = {
    "T1_images": (FAILS, HOLDS),
    "C7_images_parzen": (FAILS, HOLDS),
    "C7_images_coverage": (FAILS, HOLDS),
    "C7_pairs_distance": ("unclear", FAILS),
}
# where null models pass in their world, too: such places are calibration, and no support
CALIBRATION = {
    "C1_learned", "C2_points_learned_middle", "C3_over_gaussian", "C3_loss", "C3_divergence",
    "C2_arms_sources", "C2_arms_place", "C2_figure_5_sources", "C2_figure_5_place", "C8_larger",
    "C7_generative_coverage", "C3_images", "C4_images", "C4_images_plain", "C4_images_loops",
    "C5_images", "C6_images", "C7_images_balance", "C7_images_copies",
    "conditioned_images_over_separate", "C6_quadrature", "C6_quadrature_even",
    "C7_training_small", "C7_images_confidence", "C7_images_over_separate",
    "C8_chains", "C8_starts", "C8_published", "C8_solved", "C8_solved_starts",
}  # fmt: skip


# --- tests ----------------------------------------------------------------------------


def places(world):
    """Return what the families that a world is for say of its tables, by check and place."""
    here, families = Path.cwd(), " ".join(MUTATIONS[world].values()).split()
    with TemporaryDirectory() as folder:
        os.chdir(folder)
        optimal_field.cache_clear()
        smoothed_at.cache_clear()
        try:
            world()
            checks = [check for check in all_checks() if check["family"] in families]
            found = judge(checks, record.read("none", "full"), whole()["densities"], MNIST)
        finally:
            os.chdir(here)
    return found[found["outcome"] != "not tested"].set_index(["check", "place"])


right = cache(places)


@cache
def whole():
    return complete(CONFIG)


@cache
def all_checks():
    return read_checks(CLAIMS, whole())


def test_every_family_has_a_mutation():
    covered = " ".join(chain.from_iterable(cases.values() for cases in MUTATIONS.values())).split()
    assert set(covered) == {family["id"] for family in read_families(CLAIMS)[1]}


@pytest.mark.parametrize("world", MUTATIONS, ids=lambda world: world.__name__)
def test_families_hold_of_the_code_as_it_is(world):
    families = set(" ".join(MUTATIONS[world].values()).split())
    holding = right(world).query("outcome == 'holds'")
    assert families - set(holding["family"]) == families & set(OTHERS)
    counted = holding.query("counts != 'calibration'")
    assert set(holding["family"]) - set(counted["family"]) == families & CALIBRATION


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore:An input array is constant")
@pytest.mark.parametrize(
    ("world", "mutate", "families"),
    [(world, *case) for world, cases in MUTATIONS.items() for case in cases.items()],
    ids=lambda part: getattr(part, "__name__", ""),
)
def test_wrong_science_breaks_its_families(world, mutate, families, monkeypatch):
    before = right(world)
    mutate(monkeypatch)
    after = places(world)["outcome"].reindex(before.index)
    expected = [OTHERS.get(family, (HOLDS, FAILS)) for family in before["family"]]
    pairs = list(zip(before["outcome"], after, strict=True))
    broken = {
        family
        for family, was, found in zip(before["family"], expected, pairs, strict=True)
        if was == found
    }
    assert set(families.split()) <= broken
