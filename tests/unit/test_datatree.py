import json

import arviz_stats
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from autoscore.densities.registry import make_density
from autoscore.files.storage import write_arrays, write_table
from autoscore.numerics.streams import generator
from autoscore.sample.datatree import read_chains, to_datatree
from autoscore.sample.mixing import effective_sample_size, rhat
from autoscore.samplers.chains import run
from autoscore.samplers.random_walk import RandomWalk
from autoscore.samplers.targets import ExactTarget

ENTRY = {
    "kind": "mixture",
    "weights": [0.6, 0.4],
    "means": [[-1, 0], [1, 0.5]],
    "standard_deviations": [0.5, 0.3],
}
P = make_density(ENTRY)
NAME = "truth-exact-random_walk-0.1-0"


@pytest.fixture(scope="module")
def chains():
    generators = [generator(1, "datatree", k) for k in range(6)]
    kernel = RandomWalk(ExactTarget(P), step_size=0.7)
    return run(kernel, P.sample(6, generator(1, "start")), 50, generators, burn_in=20)


@pytest.fixture
def stored(chains, tmp_path):
    row = {"density": "two", "plan": "truth", "start": "data", "field": "exact", "model": ""}
    row |= {"sampler": "random_walk", "sigma": 0.1, "seed": 0, "trained_on": np.inf}
    row |= {"step": 0.7, "is_tuned": True, "acceptance": 0.5, "chains": NAME}
    path = tmp_path / "two.npz"
    write_arrays(path, {NAME: chains.draws, "reference": np.zeros((3, 2))})
    write_table(path.with_suffix(".csv"), pd.DataFrame([row, row | {"chains": np.nan}]))
    record = {"seed": 2014, "settings": {"entry": ENTRY}}
    path.with_suffix(".json").write_text(json.dumps(record), encoding="utf-8")
    return path


def test_a_run_has_named_dimensions_and_its_statistics(chains):
    tree = to_datatree(chains, P.log_prob, attributes={"density": "two", "sigma": 0.0})
    x, stats = tree["posterior"]["x"], tree["sample_stats"]
    assert dict(x.sizes) == {"chain": 6, "draw": 50, "coordinate": 2}
    assert x["coordinate"].to_numpy().tolist() == ["x1", "x2"]
    np.testing.assert_array_equal(x, chains.draws)
    np.testing.assert_array_equal(stats["acceptance_rate"], chains.acceptance)
    np.testing.assert_array_equal(stats["lp"].sel(chain=3), P.log_prob(chains.draws[3]))
    assert stats["step_size"] == 0.7
    assert tree.attrs == {"sampler": chains.kernel.name, "density": "two", "sigma": 0.0}


def test_draws_on_the_line_do(chains):
    tree = to_datatree(chains.draws[..., :1])
    assert tree["posterior"]["coordinate"].to_numpy().tolist() == ["x"]
    assert "lp" not in tree["sample_stats"]


def test_draws_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"\(chains, draws, d\), not \(5, 2\)"):
        to_datatree(np.zeros((5, 2)))


def test_arviz_computes_the_same_as_the_project(chains):
    tree = to_datatree(chains)
    for theirs, ours in ((arviz_stats.ess, effective_sample_size), (arviz_stats.rhat, rhat)):
        np.testing.assert_allclose(theirs(tree)["x"], ours(chains.draws), rtol=1e-12)


def test_stored_chains_come_back_from_netcdf(stored, chains, tmp_path):
    tree = read_chains(stored, NAME)
    tree.to_netcdf(tmp_path / "chains.nc")
    with xr.open_datatree(tmp_path / "chains.nc") as again:
        assert again.identical(tree)
        np.testing.assert_array_equal(again["posterior"]["x"], chains.draws)
        smoothed = P.smoothed(0.1).log_prob(chains.draws.reshape(-1, 2)).reshape(6, 50)
        np.testing.assert_array_equal(again["sample_stats"]["lp"], smoothed)
        assert again["sample_stats"]["acceptance_rate"] == 0.5
        assert again.attrs["global_seed"] == 2014
        assert again.attrs["is_tuned"] == 1
        assert again.attrs["sampler"] == "random_walk"
        assert "model" not in again.attrs


def test_an_unknown_density_has_no_log_density(stored):
    record = {"seed": 1, "settings": {"entry": {"kind": "samples", "path": "points.csv"}}}
    stored.with_suffix(".json").write_text(json.dumps(record), encoding="utf-8")
    assert "lp" not in read_chains(stored, NAME)["sample_stats"]


@pytest.mark.parametrize("name", ["reference", "nothing"])
def test_another_name_is_answered_with_those_that_are_there(name, stored):
    with pytest.raises(KeyError, match=f"no chains '{name}'; it has {NAME}"):
        read_chains(stored, name)
