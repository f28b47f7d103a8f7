import copy
import json
import re

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autoscore.configuration import SCHEMA, ConfigurationError, complete, merge, whole_schema
from autoscore.data import training_points
from tests.unit.oracles import CONFIG, QUICK, ROOT

MIXTURE = {
    "kind": "mixture",
    "weights": [0.5, 0.5],
    "means": [[0.0], [1.0]],
    "standard_deviations": [0.3, 0.2],
}
ENERGY = {"kind": "energy", "expression": "x**2", "bounds": [[-1, 1]]}
POINTS = {"kind": "samples", "points": [[-0.5], [0.5]], "train": {"sizes": ["exact"]}}
CURVE = {"kind": "curve", "coordinates": ["t", "sin(t)"], "interval": [0, 1]}
PLANE = MIXTURE | {"means": [[0.0, 0.0], [1.0, 1.0]], "train": {"sizes": [100]}}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Sample files as a user might have them."""
    monkeypatch.chdir(tmp_path)
    np.save("ten.npy", np.arange(20.0).reshape(10, 2))
    np.save("two.npy", np.array([[0.0], [1.0]]))
    np.save("one.npy", np.array([[1.0]]))
    np.save("line.npy", np.array([[0.0], [1.0], [3.0]]))
    np.save("same.npy", np.full((3, 2), 0.1))
    np.save("nan.npy", np.array([[0.0], [np.nan]]))
    (tmp_path / "nan.csv").write_text("x\n1\nnan\n", encoding="utf-8")
    (tmp_path / "table.csv").write_text("n,x\na,1\nb,NA\nc,3\nd,4\n", encoding="utf-8")
    (tmp_path / "words.csv").write_text("x\none\n", encoding="utf-8")


def configured(entry, **top):
    return {"densities": {"target": copy.deepcopy(entry)}, **top}


def samples(path, **train):
    return {"kind": "samples", "path": path, "train": train}


def filed(path, **train):
    """A configuration of one sample file."""
    return configured(samples(path, **train))


def of_file(change):
    """A configuration of one sample file with other keys."""
    return configured(samples("ten.npy") | change)


def of_points(change):
    """A configuration of points written out, with other keys."""
    return configured(POINTS | change)


def target(change):
    """A configuration of one mixture with other keys."""
    return configured(MIXTURE | change)


DENOISING = {"models": {"separate": ["dae"]}}
RECIPE = DENOISING | {"optimiser": "bfgs", "noise": "fixed", "sizes": [100]}


def trained(train):
    """A configuration of one mixture with common training settings."""
    return configured(MIXTURE, train=train)


def mistakes(config):
    with pytest.raises(ConfigurationError) as error:
        complete(config)
    first, *lines = str(error.value).splitlines()
    assert first == "The configuration cannot be run:"
    return [line.strip() for line in lines]


VARIANT = {"kind": "separate", "objectives": ["dae"]}


def sampled(plan, entry=PLANE, **more):
    """A density from which chains are drawn by one plan, with a conditioned model to drive them."""
    train = {"models": {"conditioned": ["dae"]}, "sigmas": [0.1, 0.5]} | entry.get("train", {})
    return configured(entry | {"sample": {"plans": {"one": plan}} | more, "train": train})


def varied(change, name="other", entry=MIXTURE, **train):
    """A density with one variant, and what its train section says besides."""
    train = entry.get("train", {}) | train | {"variants": {name: VARIANT | change}}
    return configured(entry | {"train": train})


SLICED = {"kind": "conditioned", "objectives": ["ssm"]}
SLICED_WHERE = "other.objectives is ['ssm']; allowed: ssm only where the density is known and d > 1"


GRID = "noise levels > 0"
MISTAKES = [
    # unknown keys
    (configured(MIXTURE, optimun={}), "optimun is not a key; did you mean optimum?"),
    (configured(MIXTURE, zzz=1), "zzz is not a key; allowed are densities, "),
    (
        trained({"seed": 1}),
        "train.seed is not a key; did you mean seeds? allowed are architecture, ",
    ),
    (target({"mean": []}), "densities.target.mean is not a key; did you mean means?"),
    (
        target({"train": {"schedules": {"exact": {"step": 3}}}}),
        "target.train.schedules.exact.step is not a key; did you mean steps?",
    ),
    # noise levels
    (trained({"sigmas": [0, 0.1]}), "train.sigmas is [0, 0.1]", GRID),
    (configured(MIXTURE, optimum={"sigmas": [-0.1]}), "optimum.sigmas is [-0.1]", GRID),
    (trained({"sigmas": {"low": 0, "high": 1, "count": 3}}), "train.sigmas is {'low': 0", GRID),
    (trained({"sigmas": []}), "train.sigmas is []", GRID),
    (
        trained({"sigmas": {"low": 0.1, "high": 1}}),
        "train.sigmas is {'low': 0.1, 'high': 1}",
        "{low, high, count}",
    ),
    (trained({"sigmas": {"low": 0.1, "high": 1, "count": 1}}), "'count': 1}", "count >= 2"),
    (trained({"sigmas": "0.1"}), "train.sigmas is '0.1'", GRID),
    (
        trained({"sigmas": [0.2, 0.1]}),
        "train.sigmas is [0.2, 0.1]; allowed: noise levels in increasing order, none twice",
    ),
    (
        configured(MIXTURE, figures={"panel_sigmas": [0.1, 0.1]}),
        "figures.panel_sigmas is [0.1, 0.1]; allowed: noise levels in increasing order",
    ),
    (
        configured(MIXTURE, optimum={"order_sigmas": {"low": 1, "high": 0.1, "count": 3}}),
        "optimum.order_sigmas is {'low': 1, 'high': 0.1, 'count': 3}; allowed: low < high",
    ),
    (
        configured(MIXTURE, optimum={"order_sigmas": [0.1]}),
        "optimum.order_sigmas is [0.1]; allowed: 2 noise levels or more",
    ),
    (
        target({"train": {"sigmas": [0.2, 0.1]}}),
        "target.train.sigmas is [0.2, 0.1]; allowed: noise levels in increasing order",
    ),
    # values
    (
        configured({"kind": "cauchy"}),
        "target.kind is 'cauchy'; allowed: one of curve_mixture, curve, energy, mixture",
    ),
    (
        trained({"models": {"separate": ["vae"]}}),
        "train.models.separate.0 is 'vae'; allowed: one of dae, rcae",
    ),
    (trained({"noise": "salt"}), "train.noise is 'salt'; allowed: one of sobol, fresh, fixed"),
    (target({"figures": ["pie"]}), "target.figures.0 is 'pie'; allowed: one of density, animation"),
    (trained({"seeds": 0}), "train.seeds is 0; ", "number >= 1"),
    (trained({"seeds": True}), "train.seeds is True; ", ">= 1"),
    (configured(MIXTURE, seed=-1), "seed is -1; allowed: ", "a whole number >= 0"),
    (configured(MIXTURE, rounding=0.5), "rounding is 0.5; allowed: ", " or null"),
    (configured(MIXTURE, profile="slow"), "profile is 'slow'; allowed: one of full"),
    (trained({"held_out": 0.5}), "train.held_out is 0.5; ", ">= 0 and <= 0.4"),
    (trained({"sizes": []}), "train.sizes is []; allowed: "),
    (trained({"architecture": {"gain": 0}}), "train.architecture.gain is 0; ", "> 0"),
    (
        trained({"schedules": {"exact": {"steps": 1.5}}}),
        "train.schedules.exact.steps is 1.5; ",
        "a whole number >= 1",
    ),
    # densities
    ({}, "the configuration lacks densities"),
    ({"densities": {}}, "densities is {}; allowed: "),
    (
        {"densities": {"A-b": MIXTURE}},
        "densities: 'A-b' is not a name; allowed: lower-case letters, digits and _",
    ),
    (
        configured({"kind": "mixture", "weights": [1], "standard_deviations": [1]}),
        "densities.target lacks means",
    ),
    (configured({"kind": "energy", "expression": "x"}), "target lacks bounds"),
    (
        target({"covariances": [[[1.0]], [[1.0]]]}),
        "allowed: either covariances or standard_deviations",
    ),
    (
        configured({"kind": "mixture", "weights": [1], "means": [[0]]}),
        "allowed: either covariances or standard_deviations",
    ),
    (
        target({"weights": [1, -1]}),
        "target.weights is [1, -1]; ",
        "must be positive, not [1.0, -1.0]",
    ),
    (target({"weights": [1]}), "2 means need as many weights"),
    (
        configured({"kind": "mixture", "weights": [1], "means": [[0]], "covariances": [[[-1.0]]]}),
        "positive definite",
    ),
    (
        configured(ENERGY | {"expression": "x.real"}),
        "target.expression is 'x.real'; 'x.real' in 'x.real' is not understood: allowed",
    ),
    (configured(ENERGY | {"bounds": [[1, -1]]}), "low < high", "target.bounds is [[1, -1]]"),
    (
        of_points({"path": "ten.npy"}),
        "is of kind samples; allowed: either path or points, not both",
    ),
    (configured({"kind": "samples"}), "allowed: either path or points"),
    # files
    (
        filed("none.csv"),
        "target.path is 'none.csv'; cannot read samples from none.csv",
        "No such file",
    ),
    (filed("a.txt"), "its name must end in .npy or .csv"),
    (filed("words.csv"), "line 2, column 'x' has 'one' where"),
    (filed("nan.csv"), "path is 'nan.csv'", "line 3, column 'x' is nan"),
    (filed("nan.npy"), "path is 'nan.npy'", "points[1, 0] is nan"),
    (
        of_points({"columns": ["x"]}),
        "target.columns is ['x']; allowed: with the path of a file, not with points",
    ),
    (
        of_points({"missing": "drop"}),
        "target.missing is 'drop'; allowed: with the path of a file, not with points",
    ),
    (
        of_file({"columns": ["x"]}),
        "target.path is 'ten.npy'; ",
        "by which columns are picked: only a .csv file has",
    ),
    (
        configured(samples("words.csv") | {"columns": ["y"]}),
        "target.path is 'words.csv'; ",
        "its first row has no title 'y', but ['x']",
    ),
    (
        of_file({"columns": [1]}),
        "target.columns.0 is 1; allowed: a title, in quotation marks if it is a number",
    ),
    (of_file({"missing": "ignore"}), "target.missing is 'ignore'; allowed: one of refuse, drop"),
    (target({"columns": ["x"]}), "target.columns is not a key of kind mixture"),
    (
        target({"peers": ["kde"]}),
        "target.peers is now called densities.target.baselines: rename it",
    ),
    (
        sampled({"samplers": ["adjusted_walk_2013"]}),
        "samplers.0 is 'adjusted_walk_2013', which is now called repository_walk: rename it",
    ),
    (
        sampled({}, plans={"paper_2013": {}}),
        "plans.paper_2013 is now called densities.target.sample.plans.repository_2013: rename it",
    ),
    (
        of_file({"baselines": ["kernel"]}),
        "target.baselines is ['kernel']; allowed: none for samples",
    ),
    (filed("ten.npy", sizes=[3, 7]), "target.train.sizes is [3, 7]; allowed: at most 6 points"),
    (filed("two.npy", held_out=0.4), "target.path is 'two.npy'; allowed: a file of more points"),
    (filed("one.npy"), "target.path is 'one.npy'; allowed: a file of more points, at least 3"),
    (
        configured(samples("line.npy", held_out=0) | {"figures": ["held_out"]}),
        "target.train.held_out is 0; allowed: more than ",
    ),
    (
        of_points({"figures": ["held_out"]}),
        "target.figures is ['held_out']; allowed: held_out only with the path",
    ),
    (
        filed("ten.npy", held_out=0.01),
        "target.train.held_out is 0.01; allowed: more than 0.05, so that of 10 points",
    ),
    (
        configured({"kind": "samples", "points": [[0.0, 0.0], [1.0, 1.0]]}),
        "allowed: points on a line; for d = 2, where some points are held out, give the path",
    ),
    (filed("same.npy"), "all of its 3 points are the same"),
    # combinations
    (
        target({"bounds": [[-1, 1]]}),
        "target.bounds is not a key of kind mixture; allowed are covariances, means, ",
        "; a new density needs a name that config.yaml does not have",
    ),
    (
        trained({"sigmas": ["1e-2", "1e-1"]}),
        "train.sigmas is ['1e-2', '1e-1']; allowed: ",
        "; for YAML 1e-2 is text: write 0.01",
    ),
    (
        trained({"schedules": {"exact": {"steps": "1e3"}}}),
        "train.schedules.exact.steps is '1e3'; allowed: ",
        "; for YAML 1e3 is text: write 1000",
    ),
    (
        trained({"sizes": ["exact", "1e3"]}),
        "train.sizes.1 is '1e3'; allowed: ",
        "; for YAML 1e3 is text: write 1000",
    ),
    (trained({"sigmas": ["1e-20", 0.1]}), "; for YAML 1e-20 is text: write 1.0e-20"),
    (
        trained({"sigmas": {"low": 0.1, "high": 1, "count": 10**9}}),
        "train.sigmas is {'low': 0.1, 'high': 1, 'count': 1000000000}; allowed: ",
        "at most 1000",
    ),
    (
        trained({"sigmas": [1e-300, 0.1]}),
        "train.sigmas is [1e-300, 0.1]; allowed: ",
        "each from 1e-100 to 1e100",
    ),
    (
        configured(MIXTURE, seed=10**4000),
        "seed is a whole number of 13288 bits; allowed: ",
        "<= 9223372036854775807",
    ),
    (trained({"seeds": 10**9}), "train.seeds is 1000000000; allowed: ", "<= 1000"),
    (
        target({"means": [[10**400], [0]]}),
        "target.means.0.0 is a whole number of 1329 bits; allowed: a number >= -1e+100",
    ),
    ({"densities": {"errors": MIXTURE}}, "'errors' is not a name; allowed: "),
    ({"densities": {"images_x": MIXTURE}}, "'images_x' is not a name; allowed:"),
    ({"densities": {"a" * 61: MIXTURE}}, "is not a name; allowed: ", "at most 60"),
    ({"densities": {"a\n": MIXTURE}}, "'a\\n' is not a name; allowed: "),
    (varied({}, "a\n"), "'a\\n' is not a name; allowed: "),
    (
        configured(PLANE | {"sample": {"plans": {"a\n": {"fields": ["exact"]}}}}),
        "'a\\n' is not a name; allowed: ",
    ),
    (
        {"densities": {"a": MIXTURE, "a_order": MIXTURE}},
        "densities.a_order is given beside a, one of whose tables has this name; allowed: another",
    ),
    (["densities"], "it is ['densities']; allowed: keys with values"),
    (
        configured(
            samples("line.npy") | {"figures": ["field"], "train": {"models": {"separate": []}}}
        ),
        "target.train.models.separate is []; allowed: dae, rcae or both, since figures field show",
    ),
    (
        trained({"architecture": {"hidden": [4, 4], "tied": True}}),
        "train.architecture.hidden is [4, 4]; allowed: one layer, because tied is true",
    ),
    (
        trained({"schedules": {"samples": {"polish": 5}}}),
        "train.schedules.samples.polish is 5; allowed: 0, because the noise changes",
    ),
    (
        trained(DENOISING | {"optimiser": "bfgs", "architecture": {"residual": "none"}}),
        "train.noise is 'sobol'; allowed: fixed for bfgs",
    ),
    (
        trained(RECIPE),
        "train.architecture.residual is 'score'; allowed: none for bfgs, as published",
    ),
    (
        trained(RECIPE | {"architecture": {"tied": True, "residual": "none"}}),
        "train.architecture.tied is True; allowed: false for bfgs, as published",
    ),
    (
        trained(RECIPE | {"architecture": {"activation": "sigmoid", "residual": "none"}}),
        "train.architecture.activation is 'sigmoid'; allowed: tanh for bfgs, as published",
    ),
    (
        trained(
            RECIPE
            | {"architecture": {"residual": "none"}, "schedules": {"samples": {"polish": 400}}}
        ),
        "train.schedules.samples.polish is 400; allowed: 0, because bfgs takes as many iterations",
    ),
    (
        trained(RECIPE | {"architecture": {"residual": "none"}, "sizes": [100, 400]}),
        "train.sizes is [100, 400]; allowed: one of them for bfgs",
    ),
    (
        trained(RECIPE | {"architecture": {"hidden": [4, 4], "residual": "none"}}),
        "train.architecture.hidden is [4, 4]; allowed: one layer for bfgs, as published",
    ),
    (
        trained(DENOISING | {"optimiser": "least_squares", "noise": "walkback"}),
        "train.noise is 'walkback'; allowed: fixed or fresh or sobol for least_squares",
    ),
    (
        trained(DENOISING | {"optimiser": "least_squares", "architecture": {"tied": True}}),
        "train.architecture.tied is True; allowed: false for least_squares",
    ),
    (
        trained(DENOISING | {"optimiser": "least_squares", "warm_start": True}),
        "train.warm_start is True; allowed: false for least_squares",
    ),
    (
        trained({"optimiser": "least_squares", "models": {"separate": ["rcae"]}}),
        "train.optimiser is 'least_squares'; allowed: adam, because the others minimise dae alone",
    ),
    (
        configured(PLANE | {"train": {"sizes": ["exact"]}}),
        "train.sizes is ['exact']; allowed: no exact, because d = 2",
    ),
    (
        configured(PLANE | {"figures": ["bias"]}),
        "figures is ['bias']; allowed for kind mixture with d = 2 are: quiver, map, shape",
    ),
    (
        trained({"sizes": ["all"]}),
        "train.sizes is ['all']; allowed: no all, because any number of samples",
    ),
    # variants
    (
        varied({"objectivs": []}),
        "target.train.variants.other.objectivs is not a key; did you mean objectives?",
    ),
    (
        varied({"architecture": {"hiden": [3]}}),
        "variants.other.architecture.hiden is not a key; did you mean hidden?",
    ),
    (varied({"validation": 5}), "target.train.variants.other.validation is not a key; "),
    (
        varied({}, "separate"),
        "target.train.variants: 'separate' is not a name; allowed: ",
        "not the name of another model",
    ),
    (varied({}, "Big"), "variants: 'Big' is not a name"),
    (trained({"variants": {"other": {"objectives": ["dae"]}}}), "variants.other lacks kind"),
    (
        varied({"kind": "kde"}),
        "variants.other.kind is 'kde'; allowed: one of conditioned, separate",
    ),
    (varied({"objectives": []}), "variants.other.objectives is []; allowed"),
    (
        varied({"objectives": ["dae", "ssm"]}, entry=PLANE),
        "variants.other.objectives is ['dae', 'ssm']; allowed: ssm for conditioned alone",
    ),
    (varied(SLICED), SLICED_WHERE),
    (varied(SLICED, entry=ENERGY), SLICED_WHERE),
    (varied(SLICED, entry=samples("ten.npy")), SLICED_WHERE),
    (
        trained({"models": {"conditioned": ["ssm"]}}),
        "train.models.conditioned.0 is 'ssm'; allowed: one of dae, rcae",
    ),
    (
        varied({"kind": "conditioned", "sizes": ["exact"]}),
        "variants.other.sizes is ['exact']; allowed: samples for conditioned",
    ),
    (
        varied({"kind": "conditioned", "sigmas": [0.1]}),
        "variants.other.sigmas is [0.1]; allowed: two or more for conditioned",
    ),
    (
        varied({"sigmas": [0.2, 0.1]}),
        "variants.other.sigmas is [0.2, 0.1]; allowed: noise levels in increasing order",
    ),
    (
        varied({"schedules": {"samples": {"polish": 3}}}),
        "variants.other.schedules.samples.polish is 3; allowed: 0",
    ),
    (
        varied({"architecture": {"tied": True, "hidden": [3, 3]}}),
        "variants.other.architecture.hidden is [3, 3]; allowed: one layer",
    ),
    (
        varied({"architecture": {"tied": True}}, architecture={"hidden": [3, 3]}),
        "variants.other.architecture.hidden is [3, 3]; allowed: one layer",
    ),
    (
        configured(PLANE, train={"variants": {"other": VARIANT | {"objectives": ["ssm"]}}}),
        "target.train.variants.other.objectives is ['ssm']; allowed: ssm for conditioned",
    ),
    (
        sampled({"models": ["paper"]}),
        "plans.one.models has 'paper'; allowed, as trained by dae on samples: conditioned",
    ),
    (sampled({"sizes": [50]}), "plans.one.sizes has 50; allowed for conditioned: [100]"),
    (
        sampled({"sigmas": [0.05, 0.2]}),
        "plans.one.sigmas has 0.05; allowed for conditioned: [0.1, 0.5]",
    ),
    (
        sampled({"models": ["separate"], "sigmas": [0.2]}),
        "plans.one.sigmas has 0.2; allowed for separate: [0.1, 0.5]",
    ),
    (
        sampled({"samplers": ["gibbs"]}),
        "plans.one.samplers.0 is 'gibbs'; allowed: one of annealed_langevin, ",
    ),
    (
        sampled({"fields": ["exact"], "samplers": ["flow"]}),
        "plans.one.fields is ['exact']; allowed: optimum and learned",
    ),
    (
        sampled({"fields": ["exact"], "samplers": ["mala", "langevin"]}),
        "plans.one.steps is []; allowed: one for langevin, as exact has no sigma",
    ),
    (
        sampled({"samplers": ["mala", "walk"], "temperature": 2.0}),
        "plans.one.temperature is 2; allowed: 1, as walk moves by the field alone",
    ),
    (
        sampled({"steps": {"walk": 0.1}}),
        "plans.one.steps has 'walk'; allowed: samplers of this plan",
    ),
    (
        sampled({"samplers": ["noise_keeping"], "steps": [0.5, 1.5]}),
        "plans.one.steps is [0.5, 1.5]; allowed: at most 1 for noise_keeping",
    ),
    (
        sampled({"samplers": ["noise_keeping"], "steps": {"noise_keeping": 2.0}}),
        "plans.one.steps is {'noise_keeping': 2.0}; allowed: at most 1 for noise_keeping",
    ),
    (
        sampled({"fields": ["exact"]}, CURVE | {"train": {"sizes": [100]}}),
        "plans.one.fields is ['exact']; allowed: optimum and learned, as a curve without",
    ),
    (
        sampled({}, figures={"levels": "two"}),
        "sample.figures.levels is 'two'; allowed: a plan, of which there are one",
    ),
    (
        sampled({}, figures={"pairs": "one"}),
        "sample.figures.pairs is 'one'; not available for d = 2",
    ),
    (
        sampled({}, far_starts={"models": ["ghost"]}),
        "sample.far_starts.models has 'ghost'; allowed, as trained by dae on samples: ",
    ),
    (
        sampled({}, metropolis={"models": ["conditioned"]}),
        "sample.metropolis.models is 'conditioned'; allowed: models with an auto-encoder per noise",
    ),
    (
        sampled({}, metropolis={"models": ["separate"], "pairs": [[0.123, 0.1]]}),
        "sample.metropolis.sigmas has 0.123; allowed for separate: ",
    ),
    (
        of_points({"figures": ["density"]}),
        "figures is ['density']; allowed for kind samples with d = 1 are: field",
    ),
    # what would fail only in a job
    (trained({"seeds": 2.0}), "train.seeds is 2.0; allowed: a whole number"),
    (trained({"sigmas": [0.1, float("nan")]}), "train.sigmas is [0.1, nan]"),
    (trained({"sigmas": [0.1, float("inf")]}), "train.sigmas is [0.1, inf]"),
    (target({"means": [[float("nan")], [0.0]]}), "means.0.0 is nan; allowed: a number"),
    (target({"standard_deviations": [-0.3, 0.2]}), "standard_deviations.0 is -0.3"),
    (configured(ENERGY | {"bounds": [[0, np.inf]]}), "bounds.0.1 is inf; allowed: a number"),
    (configured(ENERGY | {"expression": "log(x)"}), "expression is 'log(x)'; "),
    (of_points({"train": {}}), "target.train.sizes is ['exact', 1000, 10000]; allowed:"),
    (filed("ten.npy", held_out=0), "target.train.held_out is 0; allowed: more than 0.05"),
    (
        trained({"sigmas": [0.1], "models": {"conditioned": ["dae"]}}),
        "target.train.sigmas is [0.1]; allowed: two or more for conditioned",
    ),
    (
        configured(MIXTURE, optimum={"solver_points": 2000}),
        "solver_points is 2000; allowed: an odd",
    ),
    (configured({}), "densities.target lacks kind"),
    (
        trained({"sizes": ["many"]}),
        "train.sizes.0 is 'many'; allowed: exact, all, or a whole number",
    ),
    (trained({1: 2}), "train.1 is not a key"),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake[1])
def test_a_mistake_is_one_line_with_key_value_and_what_is_allowed(mistake):
    config, *parts = mistake
    untouched = copy.deepcopy(config)
    (line,) = mistakes(config)
    for part in parts:
        assert part in line
    assert config == untouched


TAKEN = ["separate", "conditioned", "exact", "kde", "kernel", "single", "extrapolated"]


@pytest.mark.parametrize("name", [*TAKEN, "combined", "fixed"])
def test_a_variant_has_no_name_that_tables_give_to_something_else(name):
    (line,) = mistakes(varied({}, name))
    assert f"variants: {name!r} is not a name" in line
    complete(varied({}, f"{name}_2"))


def test_sliced_score_matching_is_for_known_densities_beyond_the_line():
    train = complete(varied(SLICED, entry=PLANE))["densities"]["target"]["train"]
    assert train["variants"]["other"]["objectives"] == ["ssm"]


def test_one_line_says_all_that_is_lacking():
    (line,) = mistakes(trained({"variants": {"other": {}}}))
    assert line == "train.variants.other lacks kind, objectives"


def test_every_mistake_is_listed():
    config = configured(MIXTURE, seed=-1, profile="slow", train={"seeds": 0, "nodes": 3})
    assert len(mistakes(config)) == 4
    config = configured(MIXTURE | {"weights": [1]}, train={"sigmas": [0.2, 0.1]})
    assert len(mistakes(config)) == 2
    first, second = mistakes(configured(MIXTURE, sede=1, figurs={}))
    assert "figurs is not a key" in first
    assert "sede is not a key" in second


# --- what is filled in -------------------------------------------------------


def test_defaults_are_those_of_the_schema():
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    config = complete(configured(MIXTURE))
    assert config["seed"] == schema["properties"]["seed"]["default"]
    for section in ("optimum", "figures"):
        for key, part in schema["properties"][section]["properties"].items():
            assert config[section][key] == part["default"]
    train = schema["$defs"]["train"]["properties"]
    for filled in (config["train"], config["densities"]["target"]["train"]):
        assert filled.keys() == train.keys()
        assert filled["seeds"] == train["seeds"]["default"]
        assert filled["sigmas"] == train["sigmas"]["default"]
        for section in ("architecture", "network", "models"):
            defaults = {key: p["default"] for key, p in train[section]["properties"].items()}
            assert filled[section] == defaults
        for name, part in train["schedules"]["properties"].items():
            schedule = schema["$defs"]["schedule"]["properties"]
            common = {key: p["default"] for key, p in schedule.items() if "default" in p}
            assert filled["schedules"][name] == common | part["default"]


def test_samples_have_no_baselines():
    assert complete(configured(POINTS))["densities"]["target"]["baselines"] == []
    assert (
        complete(configured(POINTS | {"baselines": []}))["densities"]["target"]["baselines"] == []
    )
    assert complete(configured(MIXTURE))["densities"]["target"]["baselines"] == []


def test_what_is_given_stays():
    config = complete(
        configured(
            MIXTURE,
            seed=7,
            train={
                "seeds": 2,
                "architecture": {"hidden": [5]},
                "schedules": {"exact": {"steps": 9}},
            },
        )
    )
    assert config["seed"] == 7
    for train in (config["train"], config["densities"]["target"]["train"]):
        assert train["seeds"] == 2
        assert train["architecture"] == complete(configured(MIXTURE))["train"]["architecture"] | {
            "hidden": [5]
        }
        schedules = complete(configured(MIXTURE))["train"]["schedules"]
        assert train["schedules"] == schedules | {"exact": schedules["exact"] | {"steps": 9}}


def test_a_density_overrides_what_it_names_and_nothing_else():
    own = {"seeds": 3, "sigmas": [0.1], "schedules": {"exact": {"polish": 7}}}
    config = complete(
        {
            "densities": {"own": MIXTURE | {"train": own}, "common": MIXTURE},
            "train": {"seeds": 2, "nodes": 64, "schedules": {"exact": {"steps": 9}}},
        }
    )
    common = config["densities"]["common"]["train"]
    assert common == config["train"]
    changed = config["densities"]["own"]["train"]
    assert (changed["seeds"], changed["nodes"], changed["sigmas"]) == (3, 64, [0.1])
    assert changed["schedules"]["exact"] == common["schedules"]["exact"] | {"polish": 7}
    for key in changed.keys() - own.keys():
        assert changed[key] == common[key]


def test_a_variant_has_all_settings_of_its_density_but_what_it_changes():
    change = {"seeds": 1, "architecture": {"gain": 2.5}, "schedules": {"exact": {"polish": 7}}}
    config = complete(
        {
            "densities": {
                "own": MIXTURE | {"train": {"nodes": 64, "architecture": {"hidden": [5]}}},
                "common": MIXTURE,
            },
            "train": {
                "noise": "fresh",
                "schedules": {"exact": {"steps": 9}},
                "variants": {"other": VARIANT | change, "same": VARIANT},
            },
        }
    )
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    known = schema["$defs"]["variant"]["properties"].keys()
    for name, nodes, hidden in (("own", 64, [5]), ("common", 256, [32])):
        train = config["densities"][name]["train"]
        shared = {key: train[key] for key in known - {"kind", "objectives"}}
        assert (shared["nodes"], shared["noise"]) == (nodes, "fresh")
        assert train["variants"]["same"] == shared | VARIANT
        found = train["variants"]["other"]
        assert found.keys() == known
        assert found["seeds"] == 1
        assert found["architecture"] == shared["architecture"] | {"gain": 2.5}
        assert found["architecture"]["hidden"] == hidden
        exact = shared["schedules"]["exact"] | {"polish": 7}
        assert exact["steps"] == 9
        assert found["schedules"] == shared["schedules"] | {"exact": exact}
        for key in known - change.keys() - VARIANT.keys():
            assert found[key] == shared[key]


def test_a_density_adds_to_the_common_variants_and_overrides_them():
    common = {"one": VARIANT | {"seeds": 4, "nodes": 32}, "two": VARIANT}
    own = {"one": VARIANT | {"seeds": 3}, "three": VARIANT | {"warm_start": True}}
    config = complete(
        configured(MIXTURE | {"train": {"variants": own}}, train={"variants": common})
    )
    found = config["densities"]["target"]["train"]["variants"]
    assert {
        name: (one["seeds"], one["nodes"], one["warm_start"]) for name, one in found.items()
    } == {"one": (3, 32, False), "two": (5, 256, False), "three": (5, 256, True)}


@pytest.mark.parametrize("where", ["density", "variant", "common variant"])
def test_what_is_set_to_nothing_is_taken_away(where):
    """A later file can so leave out what an earlier one has."""
    first = {
        "densities": {"kept": MIXTURE, "target": MIXTURE | {"train": {"variants": {"a": VARIANT}}}},
        "train": {"variants": {"b": VARIANT}},
    }
    second = {
        "density": {"densities": {"target": None}},
        "variant": {"densities": {"target": {"train": {"variants": {"a": None}}}}},
        "common variant": {"train": {"variants": {"b": None}}},
    }[where]
    densities = complete(merge(first, second))["densities"]
    found = {name: set(entry["train"]["variants"]) for name, entry in densities.items()}
    assert (
        found
        == {
            "density": {"kept": {"b"}},
            "variant": {"kept": {"b"}, "target": {"b"}},
            "common variant": {"kept": set(), "target": {"a"}},
        }[where]
    )


@pytest.mark.parametrize("n", [2, 10, 100])
def test_a_mixture_along_a_curve_needs_its_dimension_alone(n):
    entry = {"kind": "curve_mixture", "dimension": n, "train": {"sizes": [100]}}
    found = complete(configured(entry))["densities"]["target"]
    assert found["dimension"] == n
    (line,) = mistakes(configured({"kind": "curve_mixture"}))
    assert "densities.target lacks dimension" in line
    (line,) = mistakes(configured(entry | {"dimension": 1}))
    assert "densities.target.dimension is 1; allowed: " in line
    assert ">= 2" in line


def test_a_sample_file_is_trained_on_as_it_is():
    config = complete(configured({"kind": "samples", "path": "ten.npy"}, train={"sizes": [1000]}))
    assert config["densities"]["target"]["train"]["sizes"] == ["all"]
    config = complete(filed("ten.npy", sizes=[6]))
    assert config["densities"]["target"]["train"]["sizes"] == [6]


@pytest.mark.parametrize("common", [{}, {"sizes": ["exact", 50]}])
def test_the_usual_sizes_are_those_that_fit_the_dimension(common):
    usual = common.get("sizes", ["exact", 1000, 10000])
    train = {"variants": {"other": VARIANT}}
    plane = PLANE | {"train": train}
    config = configured(plane, train=common)
    config["densities"]["line"] = MIXTURE | {"train": train}
    found = complete(config)["densities"]
    for name, sizes in (("target", usual[1:]), ("line", usual)):
        assert found[name]["train"]["sizes"] == sizes
        assert found[name]["train"]["variants"]["other"]["sizes"] == sizes


EXAMPLES = {
    "mixture": lambda: configured(MIXTURE),
    "energy": lambda: configured(ENERGY | {"figures": ["density"]}, train={"seeds": 2}),
    "points": lambda: configured(POINTS | {"figures": ["field"]}),
    "file": lambda: filed("ten.npy"),
    "variants": lambda: configured(
        MIXTURE, train={"variants": {"other": VARIANT | {"seeds": 1, "architecture": {"gain": 2}}}}
    ),
    "columns": lambda: configured(
        samples("words.csv") | {"path": "table.csv", "columns": ["x"], "missing": "drop"}
    ),
    "config.yaml": lambda: CONFIG,
    "quick.yaml": lambda: merge(CONFIG, QUICK),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_completing_twice_changes_nothing(name):
    config = EXAMPLES[name]()
    untouched = copy.deepcopy(config)
    once = complete(config)
    assert complete(once) == once
    assert config == untouched


IMAGES = {"models": {"one": {"kind": "separate"}}}


@pytest.mark.parametrize(
    ("images", "parts"),
    [
        ({}, ("images", "lacks models")),
        (IMAGES | {"dataset": "letters"}, ("images.dataset", "letters", "auto, mnist, digits")),
        (IMAGES | {"budget": 0}, ("images.budget", "0", "> 0")),
        (IMAGES | {"sample": {"modles": []}}, ("images.sample.modles", "did you mean models")),
        (IMAGES | {"sample": {"models": ["two"]}}, ("images.sample.models", "two", "one")),
        (IMAGES | {"sigmas": [0.2, 0.1]}, ("images.sigmas", "increasing")),
        (
            {"models": {"one": {"kind": "separate", "output": "sigmoid", "start": "linear"}}},
            ("images.models.one.output", "start: random"),
        ),
        ({"models": {"one": {"kind": "flow"}}}, ("images.models.one.kind", "flow")),
        (
            {"models": {"one": {"kind": "corrected", "sigmas": [0.1]}}},
            ("images.models.one.sigmas", "two or more"),
        ),
    ],
)
def test_a_mistake_about_images_is_one_line(images, parts):
    (line,) = mistakes(configured(MIXTURE) | {"images": images})
    for part in parts:
        assert part in line


def test_images_are_left_out_by_null():
    assert "images" not in complete(configured(MIXTURE) | {"images": None})


@pytest.mark.parametrize(
    "name", ["identity", "gaussian", "kde", "empirical", "classifier", "references"]
)
def test_a_model_of_images_has_no_name_that_tables_give_to_something_else(name):
    (line,) = mistakes(configured(MIXTURE) | {"images": {"models": {name: {"kind": "separate"}}}})
    assert f"images.models: {name!r} is not a name" in line


def test_a_model_of_images_has_no_name_that_is_another_s_table():
    models = {"one": {"kind": "separate"}, "one_symmetry": {"kind": "separate"}}
    (line,) = mistakes(configured(MIXTURE) | {"images": {"models": models}})
    assert "images.models.one_symmetry is given beside one" in line


def test_merge_goes_into_dictionaries_and_copies():
    base, change = {"a": {"b": 1, "c": [1]}, "d": 1}, {"a": {"c": [2]}, "d": {"e": 3}}
    merged = merge(base, change)
    assert merged == {"a": {"b": 1, "c": [2]}, "d": {"e": 3}}
    merged["a"]["c"].append(0)
    merged["d"]["e"] = 0
    assert base == {"a": {"b": 1, "c": [1]}, "d": 1}
    assert change == {"a": {"c": [2]}, "d": {"e": 3}}


@pytest.mark.parametrize(
    ("n", "held_out", "expected"), [(10, 0.2, 6), (10, 0.0, 10), (3, 0.4, 1), (1, 0.4, 1)]
)
def test_held_out_points_are_taken_twice(n, held_out, expected):
    assert training_points(n, held_out) == expected


# --- any configuration --------------------------------------------------------


def numbers_of(node):
    """Every part of a schema that allows numbers."""
    if isinstance(node, dict):
        kinds = node.get("type", [])
        if (
            {"integer", "number"} & {kinds, *kinds}
            if isinstance(kinds, str)
            else "integer" in kinds
        ):
            yield node
        for part in node.values():
            yield from numbers_of(part)
    elif isinstance(node, list):
        for part in node:
            yield from numbers_of(part)


def test_every_number_of_the_schema_has_an_end():
    found = list(numbers_of(whole_schema()))
    assert len(found) > 30
    for node in found:
        assert {"minimum", "exclusiveMinimum"} & node.keys(), node
        assert {"maximum", "exclusiveMaximum"} & node.keys(), node


RULES = "\n".join(
    file.read_text(encoding="utf-8") for file in (ROOT / "workflow/rules").glob("*.smk")
)


def test_names_of_files_of_all_densities_are_reserved():
    """What the rules write beside the files of a density."""
    folders = set(re.findall(r'"(results/\w+)/\{density\}[_.]', RULES))
    assert {"results/score", "results/sample", "results/data"} <= folders
    fixed = re.findall(r'"(results/\w+)/([a-z]\w*)[./]', RULES)
    names = {name for folder, name in fixed if folder in folders}
    assert {"errors", "order", "diagnostics", "images"} <= names
    for name in names:
        (line,) = mistakes({"densities": {name: MIXTURE}})
        assert "is not a name" in line


def test_names_of_another_density_s_files_are_refused():
    suffixes = set(re.findall(r'"results/\w+/\{density\}_(\w+)\.', RULES))
    assert {"order", "choices", "far_starts"} <= suffixes
    for suffix in suffixes:
        (line,) = mistakes({"densities": {"a": MIXTURE, f"a_{suffix}": MIXTURE}})
        assert f"densities.a_{suffix} is given beside a" in line
        complete({"densities": {"a": MIXTURE, f"b_{suffix}": MIXTURE}})


def bomb(levels):
    """Lists within lists: nine of the one before on each level."""
    value = ["x"] * 9
    for _ in range(levels):
        value = [value] * 9
    return value


def endless():
    """A list that holds itself."""
    value = []
    value.append(value)
    return value


LARGE = {
    "a bomb": bomb(3),
    "a larger one": bomb(30),
    "itself": endless(),
    "digits": 16**20_000,
    "a text": "x" * 10**6,
}


@pytest.mark.parametrize("name", LARGE)
def test_a_message_stays_short_however_large_the_value(name):
    value = LARGE[name]
    for config in ({"densities": value}, {"densities": {"a": value}}, configured(MIXTURE, z=value)):
        with pytest.raises(ConfigurationError) as error:
            complete(config)
        assert len(str(error.value)) < 2000


def test_a_message_lists_no_thousands_of_mistakes():
    with pytest.raises(ConfigurationError, match="and 950 more mistakes") as error:
        complete({"densities": {f"A{k}": MIXTURE for k in range(10_000)}})
    assert len(str(error.value).splitlines()) == 52


VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**3), 10**3) | st.integers(),
        st.floats(),
        st.sampled_from(["1e3", "exact", "all", "ten.npy", "table.csv", "drop", "x", "dae", "a\n"]),
        st.text(max_size=5),
    ),
    lambda value: (
        st.lists(value, max_size=3)
        | st.dictionaries(st.text(max_size=3) | st.sampled_from(["low", "kind"]), value, max_size=3)
    ),
    max_leaves=6,
)


def paths_of(value, path=()):
    """Every place in a configuration."""
    yield path
    items = {dict: lambda: value.items(), list: lambda: enumerate(value)}
    for key, part in items.get(type(value), list)():
        yield from paths_of(part, (*path, key))


def replaced(value, path, part):
    """A configuration with one part put in the place of another."""
    if not path:
        return part
    value = copy.copy(value)
    value[path[0]] = replaced(value[path[0]], path[1:], part)
    return value


PLACES = [
    (config, path)
    for config in (
        complete(configured(MIXTURE) | {"images": IMAGES}),
        complete(configured(PLANE | {"sample": {"plans": {"one": {"fields": ["exact"]}}}})),
        configured(samples("table.csv", sizes=[1]) | {"columns": ["x"], "missing": "drop"}),
        configured(POINTS | {"figures": ["field"]}),
        configured(ENERGY),
    )
    for path in paths_of(config)
]


@settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # the files stay as they are
)
@given(place=st.sampled_from(PLACES), value=VALUES)
def test_any_configuration_is_completed_or_refused_in_words(place, value):
    config, path = place
    try:
        complete(replaced(config, path, value))
    except ConfigurationError as error:
        lines = str(error).splitlines()
        assert 1 < len(lines) <= 52
        assert all(len(line) < 1000 for line in lines)


def backwards(value):
    """The same value with the keys of all its dictionaries in the opposite order."""
    if isinstance(value, dict):
        return {key: backwards(part) for key, part in reversed(value.items())}
    return [backwards(part) for part in value] if isinstance(value, list) else value


FULL = CONFIG
PARTS = ["seed", "optimum", "figures", *whole_schema()["$defs"]["train"]["properties"]]


@pytest.mark.parametrize("part", PARTS)
def test_an_overlay_that_says_what_holds_anyhow_changes_no_parameter(part):
    expected = complete(copy.deepcopy(FULL))
    if part in expected and part != "train":
        stated = {part: backwards(expected[part])}
    else:  # every density has its own; one whose entry does not name it holds the default
        name = next(n for n, e in FULL["densities"].items() if part not in e.get("train", {}))
        train = expected["densities"][name]["train"]
        stated = {"densities": {name: {"train": {part: backwards(train.get(part))}}}}
    found = complete(merge(copy.deepcopy(FULL), stated))
    assert json.dumps(found) == json.dumps(expected)
