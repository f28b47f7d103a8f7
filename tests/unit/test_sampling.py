from dataclasses import replace
from functools import partial
from types import ModuleType

import numpy as np
import pytest
import torch
from scipy.stats import gaussian_kde, ks_2samp

from autoscore.baselines.declaration import Given
from autoscore.baselines.registry import BASELINES
from autoscore.configuration import whole_schema
from autoscore.declarations import DeclarationError
from autoscore.densities.curves import Curve
from autoscore.densities.mixtures import GaussianMixture
from autoscore.fields import Field
from autoscore.models.separate.network import Separate
from autoscore.nulls import Fitted
from autoscore.numerics.streams import generator
from autoscore.optimum.dae import DenoisingOptimum
from autoscore.plan import PROBES
from autoscore.sample.differences import FINE, NODES, difference_rows
from autoscore.sample.far_starts import STARTS, Trial, least_log_p, lost_shares
from autoscore.sample.metropolis import Likeness, rule_errors
from autoscore.sample.nulls import null_draws
from autoscore.sample.plans import Driver, Run, expand
from autoscore.sample.quality import Coverage, DrawQuality, cells_of
from autoscore.sample.runs import run_chains
from autoscore.sample.stage import COLUMNS, Sampling
from autoscore.sample.summary import sampler_table
from autoscore.samplers import langevin
from autoscore.samplers.registry import SAMPLERS, registered
from autoscore.train.stack import SideBySide

PAIR = GaussianMixture(
    [0.5, 0.5], [[-1.0, 0.0], [1.0, 0.5]], [[[0.3, 0.1], [0.1, 0.2]], [[0.2, -0.1], [-0.1, 0.4]]]
)
RING = GaussianMixture(
    np.ones(12),
    2 * np.stack([np.cos(np.arange(12) * np.pi / 6), np.sin(np.arange(12) * np.pi / 6)], axis=1),
    np.tile(0.04 * np.eye(2), (12, 1, 1)),
)
PLAN = {
    "fields": ["optimum"], "models": [], "sizes": [], "sigmas": [0.3], "samplers": ["mala"],
    "steps": [], "repeats": 1, "chains": 20, "draws": 8, "thin": 1, "burn_in": 10, "start": "data",
    "nodes": 3, "temperature": 1.0, "levels": 5, "steps_a_level": 2,
}  # fmt: skip
DATA = {
    "train": np.stack([PAIR.sample(300, generator(0, "train", k)) for k in range(2)]),
    "validation": PAIR.sample(100, generator(0, "validation")),
    "held_out": PAIR.sample(200, generator(0, "held_out")),
}
NOTHING = {"models": [], "sigmas": [0.3]}
ARCHITECTURE = {"hidden": [16], "residual": "none"}  # of the untrained null model


def sampling(plans=None, density=PAIR, learned=None, **probes):
    plans = {name: PLAN | plan for name, plan in (plans or {}).items()}
    settings = (
        {"plans": plans, "architecture": ARCHITECTURE} | dict.fromkeys(PROBES, NOTHING) | probes
    )
    return Sampling("pair", density, learned or {}, DATA, settings, seed=1)


def a_stack():
    members = ([0.3, 0.3, 0.6, 0.6], [0, 1, 0, 1], [300.0] * 4)
    stack = Separate(2, {"hidden": (8,)}, *members, np.zeros((4, 2)), [1.0] * 4, "single")
    points = torch.as_tensor(np.repeat(DATA["train"], 2, axis=0), dtype=torch.float32)
    stack.initialise(points, [generator(2, k) for k in range(4)])
    return stack


def test_the_schema_knows_every_sampler():
    known = whole_schema()["$defs"]["plan"]["properties"]["samplers"]["items"]["enum"]
    assert set(known) == set(SAMPLERS)
    assert SAMPLERS["mala"].target_acceptance(1) > SAMPLERS["mala"].target_acceptance(10)
    assert SAMPLERS["langevin"].target_acceptance(2) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, r"toy: 'mala' is declared in .*langevin, too: rename one"),
        ({"make": None}, r"toy: sampler 'toy' needs either make or descend"),
    ],
)
def test_a_wrong_registration_names_its_module_and_the_remedy(change, message):
    toy = ModuleType("toy")
    toy.SAMPLERS = {"toy" if change else "mala": replace(SAMPLERS["mala"], **change)}
    with pytest.raises(DeclarationError, match=message):
        registered([langevin, toy])


def test_a_plan_is_the_product_of_its_parts():
    plans = {"all": PLAN | {"sigmas": [0.1, 0.3], "repeats": 3, "samplers": ["mala", "flow"]}}
    runs = list(expand(plans, {}))
    assert len(runs) == len({run.key for run in runs}) == 2 * 3 * 2
    steps = {"mala": 0.1, "langevin": 0.2}
    plan = PLAN | {"fields": ["exact"], "samplers": list(steps), "steps": steps}
    assert [run.step for run in expand({"all": plan}, {})] == [0.1, 0.2]
    plan = PLAN | {"samplers": ["mala"], "steps": [0.1, 0.2]}
    assert len({run.key for run in expand({"all": plan}, {})}) == 2


def test_learned_runs_are_those_that_were_trained():
    learned = {("dae", "separate", "samples"): a_stack()}
    plan = {"fields": ["learned"], "models": ["separate"], "sigmas": [0.3, 0.6], "repeats": 5}
    runs = list(expand({"all": PLAN | plan}, learned))
    assert [(run.sigma, run.seed) for run in runs] == [(0.3, 0), (0.3, 1), (0.6, 0), (0.6, 1)]
    table, stored = sampling({"all": plan | {"samplers": ["mala", "flow"]}}, learned=learned).run()
    own = table[table["model"] == "separate"]
    assert len(own) == 8
    assert {key for key in stored if "learned" in key} == set(own["chains"][own["seed"] == 0])
    # each null model has a row in place of each learned one
    place = ["density", "plan", "start", "field", "sampler", "sigma", "seed", "trained_on", "n"]
    for name in ("gaussian", "kde", "empirical"):
        null = table[table["model"] == name]
        assert null[place].reset_index(drop=True).equals(own[place].reset_index(drop=True))
        assert null[["kl_excess", "kl_corrected", "log_p_short", "coverage"]].notna().all(axis=None)
        # draws that do not depend on sampler and sigma are measured once per seed; chains do
        assert null.groupby("seed")["kl"].nunique().tolist() == [1, 1]
    untrained = table[table["model"] == "untrained"]
    kde = table[table["model"] == "kde"]  # which has seen the points
    assert untrained["kl_excess"].min() > kde["kl_excess"].max()
    assert untrained["kl_excess"].nunique() == len(untrained) == 8
    assert untrained["chains"].isna().all()


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_runs_and_is_measured(sampler):
    table, stored = sampling({"all": {"samplers": [sampler]}}).run()
    row = table.iloc[0]
    assert list(table.columns) == COLUMNS
    measured = ["acceptance", "kl", "kl_floor", "mmd2", "mean_log_p", "coverage", "ess", "seconds"]
    assert np.isfinite(row[measured].astype(float)).all()
    assert row["n"] == 160
    draws = stored[row["chains"]]
    assert draws.shape == ((160, 1, 2) if SAMPLERS[sampler].descends else (20, 8, 2))
    assert np.isfinite(draws).all()
    assert row["score_evaluations"] >= 160


@pytest.mark.parametrize("sampler", ["random_walk", "mala"])
def test_chains_on_the_exact_score_are_as_good_as_independent_draws(sampler):
    plan = {"fields": ["exact"], "samplers": [sampler], "chains": 500, "draws": 40, "thin": 20}
    table, _ = sampling({"all": plan | {"burn_in": 100}}).run()
    row = table.iloc[0]
    assert row["kl"] < 1.3 * row["kl_floor"]
    assert row["rhat"] < 1.05
    assert abs(row["mean_log_p"] - row["mean_log_p_floor"]) < 0.05
    assert row["acceptance"] == pytest.approx(SAMPLERS[sampler].target_acceptance(2), abs=0.1)


def test_the_flow_of_the_best_auto_encoder_draws_from_the_noisy_data():
    plan = {"samplers": ["flow"], "chains": 4000, "draws": 1, "levels": 30, "sigmas": [0.05]}
    table, _ = sampling({"all": plan | {"repeats": 6}}).run()
    # both sides of one run's ratio vary by a tenth
    assert table["kl"].mean() < 1.15 * table["kl_floor"].mean()
    assert table["coverage"].min() > 0.95


@pytest.mark.parametrize(("high", "settled"), [(1.0, True), (6.0, False)])
def test_the_way_down_settles_only_where_the_data_still_show(high, settled):
    optimum = partial(DenoisingOptimum, PAIR)
    levels = np.array([0.1, high])
    driver = Driver(optimum(0.1), optimum(0.1), optimum, levels, continuous=True)
    run = Run("all", "optimum", "", "flow", 0.1, 0, np.inf, None)
    plan = PLAN | {"draws": 50, "levels": 20}
    streams = [generator(3, chain) for chain in range(20)]
    ends = run_chains(run, plan, driver, DATA["train"][0], streams)
    assert ends.draws.shape == (1000, 1, 2)
    assert len(np.unique(ends.draws, axis=0)) == 1000
    assert (ends.evaluations > 19 * 1000) == settled
    exact = PAIR.smoothed(0.1).sample(100_000, generator(3, "exact"))
    for k in range(2):
        drawn = ks_2samp(ends.draws[:, 0, k], exact[:, k])
        assert drawn.pvalue > 0.001


@pytest.mark.parametrize("name", ["mala", "flow"])
def test_a_stopped_job_goes_on_from_its_finished_runs(name, tmp_path):
    plans = {"all": {"samplers": ["mala", name], "sigmas": [0.2, 0.3]}}
    whole, stored = sampling(plans).run()
    sampling({"all": plans["all"] | {"sigmas": [0.2]}}).run(checkpoints=tmp_path)
    resumed, again = sampling(plans).run(checkpoints=tmp_path)
    times = ["seconds", "ess_per_second"]
    assert resumed.drop(columns=times).equals(whole.drop(columns=times))
    assert all((stored[key] == again[key]).all() for key in stored)


def test_the_table_of_samplers_has_a_row_a_kind():
    plans = {"all": {"samplers": ["mala", "walk"], "repeats": 3}}
    table = sampler_table(sampling(plans).run()[0])
    assert list(table["sampler"]) == ["mala", "walk"]
    assert list(table["seeds"]) == [3, 3]
    assert (table["kl_least"] <= table["kl"]).all()
    assert (table["kl"] <= table["kl_largest"]).all()


def test_the_floor_is_that_of_counting():
    cells = cells_of(PAIR)
    occupied = (cells.counts(PAIR.sample(100_000, generator(3))) > 0).sum()
    floor = DrawQuality(PAIR, cells, partial(generator, 0)).floor(100_000, "draws")
    # to first order (cells - 1) / (2 n); cells that are hardly ever hit count for less
    assert floor["kl_floor"] == pytest.approx(occupied / 200_000, rel=0.25)
    assert floor["coverage_floor"] == pytest.approx(1 - 2**-5, abs=0.02)


def normal(mean, variances):
    return GaussianMixture([1.0], [mean], [np.diag(variances)])


@pytest.mark.parametrize("n", [5000, 40_000])
@pytest.mark.parametrize(("shift", "scale"), [(0.0, 1.0), (0.6, 1.0), (0.3, 0.7)])
def test_the_excess_is_the_divergence_whatever_the_number_of_draws(n, shift, scale):
    p, q = normal([0.0, 0.0], [1.0, 0.5]), normal([shift, 0.0], [scale, 0.5])
    found = DrawQuality(p, cells_of(p), partial(generator, 4, n)).row(
        q.sample(n, generator(5, n)), "q"
    )
    # KL(N(m, v) || N(0, 1)) of the first coordinate, in closed form; cells hide a little of it
    divergence = 0.5 * (scale + shift**2 - 1 - np.log(scale))
    assert found["kl_excess"] == pytest.approx(divergence, abs=0.01 + 40 / n)
    # -E_p log p - (-E_q log p)
    assert found["log_p_short"] == pytest.approx(0.5 * (scale + shift**2 - 1), abs=0.05)


def test_every_seed_and_every_run_has_independent_draws_of_its_own():
    table = sampling({"all": {"samplers": ["mala", "walk"], "repeats": 2}}).run()[0]
    assert table["kl_floor"].nunique() == 4
    one, other = (sampling()._quality(0.0, seed) for seed in range(2))
    draws = PAIR.sample(500, generator(6))
    assert one.row(draws, "a")["energy_distance"] != other.row(draws, "a")["energy_distance"]


def test_null_draws_have_the_moments_of_scipy_s_estimates():
    points, validation = PAIR.sample(2000, generator(7)), PAIR.sample(500, generator(8))
    given = Given(points, validation, generator(10), ARCHITECTURE)
    fitted = {
        name: Fitted(BASELINES[name], BASELINES[name].fit(given), len(points))
        for name in ("gaussian", "kde")
    }
    draws = {
        name: draw(40_000, generator(9), 0.5) for name, draw in null_draws(points, fitted).items()
    }
    noise = 0.25 * np.eye(2)
    for name in ("gaussian", "empirical"):
        np.testing.assert_allclose(np.cov(draws[name].T), np.cov(points.T) + noise, atol=0.03)
    bandwidth = fitted["kde"].estimate.bandwidth
    # one Gaussian in place of two bumps is seen; scipy's estimate has the same draws as ours
    estimate = gaussian_kde(points.T, np.hypot(bandwidth, 0.5))
    estimate.covariance = np.hypot(bandwidth, 0.5) ** 2 * np.eye(2)
    estimate.cho_cov = np.linalg.cholesky(estimate.covariance)
    own = estimate.resample(40_000, seed=np.random.default_rng(1)).T
    projected = [drawn @ [1.0, 0.7] for drawn in (draws["kde"], own, draws["gaussian"])]
    assert ks_2samp(projected[0], projected[1]).pvalue > 0.001
    assert ks_2samp(projected[2], projected[1]).pvalue < 1e-6


def test_a_missing_arc_is_seen():
    reference, draws = (RING.sample(2000, generator(4, k)) for k in range(2))
    assert Coverage(reference)(draws) > 0.95
    arc = np.abs(np.arctan2(draws[:, 1], draws[:, 0])) < 0.26  # one of twelve components
    assert Coverage(reference)(draws[~arc]) < 0.93


def test_on_a_bare_curve_everything_is_measured_under_the_noise_of_the_field():
    curve = Curve(["cos(t)", "sin(t)"], (0.0, 3.0))
    data = {
        part: curve.sample(300, generator(0, part)) for part in ("train", "validation", "held_out")
    }
    plan = {"fields": ["learned"], "models": ["separate"], "sigmas": [0.3, 0.6], "chains": 200}
    settings = {"plans": {"all": PLAN | plan}, "architecture": ARCHITECTURE}
    learned = {("dae", "separate", "samples"): a_stack()}
    data["train"] = np.stack([data["train"]] * 2)
    table, _ = Sampling("curve", curve, learned, data, settings, seed=1).run()
    # an estimate with the same noise is about as good as independent draws, at either level
    kde = table[table["model"] == "kde"]
    assert (kde["kl"] < 1.3 * kde["kl_floor"]).all()
    assert kde["kl"].nunique() == kde["sigma"].nunique() == 2


def test_more_nodes_make_differences_of_energy_better():
    rows = list(difference_rows(PAIR, PAIR, DATA["held_out"], generator(5)))
    assert len(rows) == 8 * len(NODES)
    last = rows[-len(NODES) :]
    assert [(row["rule"], row["nodes"]) for row in last if row["rule"] == "even"] == [("even", 20)]
    longest = {row["nodes"]: row for row in last if row["rule"] != "even"}
    errors = [longest[nodes]["acceptance_error"] for nodes in (0, 1, 3, 20)]
    assert errors == sorted(errors, reverse=True)
    assert longest[20]["median_error"] < 1e-9
    assert longest[20]["path_gap"] < 1e-9  # a gradient
    assert longest[20]["quadrature_error"] == 0
    # on the exact score, a rule's own error is all that there is
    assert longest[3]["quadrature_error"] == pytest.approx(longest[3]["median_error"], rel=1e-6)


class Turning(Field):
    """A field with rotation: r(x) - x = sigma^2 (-x_2, x_1)."""

    sigma, dim = 0.5, 2

    def __call__(self, x):
        return x + self.sigma**2 * np.stack([-x[:, 1], x[:, 0]], axis=1)

    def jacobian(self, x):
        return np.tile(np.eye(2) + self.sigma**2 * np.array([[0, -1], [1, 0]]), (len(x), 1, 1))


def test_path_dependence_of_a_rotation_is_seen():
    rows = list(difference_rows(Turning(), PAIR, DATA["held_out"], generator(5)))
    # the two paths enclose half of a rectangle of sides a and b: a curl of 2 makes a b of that
    assert rows[-2]["nodes"] == FINE
    assert rows[-2]["path_gap"] > 0.1


class Spurious(DenoisingOptimum):
    """The best reconstruction, but for an attractor in a corner without data."""

    def move(self, x):
        far = np.linalg.norm(x - [4.0, 4.0], axis=1) < 1.5
        return np.where(far[:, None], 4.0 - x, self.sigma**2 * super().score(x))

    def score(self, x):
        return self.move(x) / self.sigma**2


def test_spurious_attractors_are_found_and_the_optimum_has_none():
    clean, smoothed = DATA["train"][0], PAIR.smoothed(0.3)
    least = least_log_p(smoothed, generator(7))
    one, other = (Trial(0.3, smoothed, least, clean, generator(6)) for _ in range(2))
    (best,) = lost_shares(DenoisingOptimum(PAIR, 0.3).score, [one])
    assert best["lost"] < 0.01
    (spurious,) = lost_shares(Spurious(PAIR, 0.3).score, [other])
    assert 0.02 < spurious["lost"] < 0.5
    assert spurious["escaped"] == 0


def test_trials_side_by_side_end_as_each_alone():
    stack, smoothed = a_stack(), PAIR.smoothed(0.3)

    def trials():
        sigmas = (0.3, 0.6)
        return [Trial(s, smoothed, -5.0, DATA["train"][0], generator(6, s)) for s in sigmas]

    together = list(lost_shares(SideBySide(stack, [0, 2], STARTS).score, trials()))
    alone = [
        next(lost_shares(stack.field(trial.sigma, 0, 300).score, [trial])) for trial in trials()
    ]
    for one, other in zip(together, alone, strict=True):
        assert one == pytest.approx(other, abs=3 / STARTS)  # single precision, and thresholds
    assert together[0] != together[1]


def test_probes_are_tables_of_every_seed_and_the_truth():
    learned = {("dae", "separate", "samples"): a_stack()}
    asked = {"models": ["separate"], "sigmas": [0.3, 0.6]}
    both = sampling(learned=learned, differences=asked, far_starts=asked)
    differences, lost = both.differences(), both.far_starts()
    assert set(differences["field"]) == {"exact", "learned"}
    assert len(differences) == 8 * len(NODES) * (1 + 2 * 2 * 4)
    models = {"separate": 4, "identity": 4, "untrained": 4, "gaussian": 4}
    assert lost["model"].value_counts(dropna=True).to_dict() == models
    assert lost.groupby("field").size().to_dict() == {"learned": 16, "optimum": 2}
    # the score of nothing accepts every step: wrong by what exact differences would refuse
    identity = differences[differences["model"] == "identity"]
    assert identity["acceptance_error"].groupby(identity["length"]).nunique().max() <= 2 * 2
    assert identity["path_gap"].max() == 0
    assert sampling().differences().empty
    assert sampling().far_starts().empty


SWEPT = {
    "models": ["separate"], "pairs": [[0.3, 0.4], [0.6, 0.4], [0.6, 0.001]],
    "chains": 3, "draws": 8, "thin": 5, "burn_in": 10, "nodes": 2,
}  # fmt: skip


def test_fields_side_by_side_are_those_alone():
    stack, x = a_stack(), generator(8).standard_normal((2 * 4 * 5, 2))
    found = SideBySide(stack, [3, 0, 2, 1], 5).score(x).reshape(2, 4, 5, 2)
    rows = x.reshape(2, 4, 5, 2)
    for k, (sigma, seed) in enumerate([(0.6, 1), (0.3, 0), (0.6, 0), (0.3, 1)]):
        for part in range(2):
            alone = stack.field(sigma, seed, 300).score(rows[part, k])
            np.testing.assert_allclose(found[part, k], alone, rtol=1e-4, atol=1e-4)


def test_metropolis_sweeps_every_pair_and_seed_as_each_run_would_go_alone():
    learned = {("dae", "separate", "samples"): a_stack()}
    table, draws = sampling(learned=learned, metropolis=SWEPT).metropolis()
    own = table[table["model"] == "separate"]
    # two seeds, two references
    counts = {"learned": 12, "exact": 4, "p": 4, "p_sigma": 8}
    assert own.groupby("field").size().to_dict() == counts
    place = ["sigma", "step", "seed", "reference", "n"]
    learned_places = own.loc[own["field"] == "learned", place].sort_values(place)
    for name in ("gaussian", "kde", "empirical"):
        null = table[table["model"] == name].sort_values(place)
        assert set(null["field"]) == {"learned"}
        assert (null[place].to_numpy() == learned_places.to_numpy()).all()
        assert null.loc[null["reference"] == "p", "coverage"].nunique() <= 2
    assert {part.shape for part in draws.values()} == {(3, 8, 2)}
    alone = SWEPT | {"pairs": [[0.6, 0.4]]}
    (one,) = sampling(learned=learned, metropolis=alone).metropolis()[1].values()
    np.testing.assert_allclose(one, draws["metropolis-separate-0.6-0.4"], atol=1e-3)
    still = own[(own["field"] == "learned") & (own["step"] == 0.001)]
    assert (still["acceptance"] > 0.99).all()
    assert (still["move"] < 0.02).all()
    assert sampling().metropolis()[0].empty


def test_draws_of_a_density_are_like_it_and_those_of_another_are_not():
    likeness = Likeness(PAIR, lambda *names: generator(9, *names))
    own = likeness(PAIR.sample(2000, generator(10)))
    assert abs(own["energy_distance"]) < 0.01
    assert own["coverage"] > 0.93
    assert abs(own["log_p_short"]) < 0.1
    assert own["improbable"] < 0.005
    other = likeness(PAIR.smoothed(1.0).sample(2000, generator(11)))
    assert other["energy_distance"] > 0.02
    assert other["log_p_short"] > 0.5
    assert other["improbable"] > 0.01


def test_the_error_of_a_rule_is_that_of_its_acceptance_probability():
    draws, steps = PAIR.sample(6 * 20, generator(12)).reshape(6, 20, 2), np.repeat([0.01, 0.3], 3)
    errors = rule_errors(PAIR, draws, steps, 1, generator(13))
    x = draws[3:].swapaxes(0, 1)
    noise = generator(13).standard_normal((20, 6, 2))[:, 3:]
    y = (x + 0.3 * noise).reshape(-1, 2)
    x = x.reshape(-1, 2)
    exact = np.exp(np.minimum(PAIR.log_prob(y) - PAIR.log_prob(x), 0))
    first = np.exp(np.minimum((PAIR.score(x) * (y - x)).sum(1), 0))
    by_chain = np.abs(first - exact).reshape(20, 3).mean(0)
    np.testing.assert_allclose(errors["one_point_error"][3:], by_chain, atol=1e-9)
    assert (errors["rule_error"] < errors["one_point_error"]).all()
    assert (errors["one_point_error"][:3] < errors["one_point_error"][3:].min()).all()
