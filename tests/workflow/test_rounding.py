"""A run whose weights are rounded as another processor might round."""

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from tests.workflow.project import Project

pytestmark = pytest.mark.slow

TRAINED = [
    "train/three_points/rcae_separate_exact.safetensors",  # in double precision
    "train/thick_spiral/dae_conditioned_samples.safetensors",
    "train/images/tied.safetensors",
    "sample/images/classifier.npz",
]
PLACES = "results/verify/places.csv"
# back, if pytest's --rounding has moved the run already
MOVED = "rounding: 1" if Project.rounding is None else "rounding: null"

MEASURED = ("numbers", "whole")  # in the classifier's file


def weights(file):
    """Return all weights in one row, without what is measured in the classifier's file."""
    if file.suffix == ".safetensors":
        named = load_file(file)
    else:
        with np.load(file) as stored:
            named = {name: stored[name] for name in stored.files if name not in MEASURED}
    return np.concatenate([part.ravel() for part in named.values()])


def test_rounding_moves_every_trained_weight_to_a_neighbour(finished, project):
    names = [f"results/{name}" for name in TRAINED]
    outcome = project.snakemake(*names, changes=MOVED)
    assert outcome.code == 0, outcome.text
    for name in names:
        before, after = (weights(one.folder / name) for one in (finished, project))
        below, above = (np.nextafter(before, before.dtype.type(end)) for end in (-np.inf, np.inf))
        at = before != 0
        assert np.array_equal((after == below) | (after == above), at), name
        assert 0.3 < (after > before)[at].mean() < 0.7, name
    for table in ("three_points/rcae_separate_exact", "thick_spiral/dae_conditioned_samples"):
        before, after = (
            (one.folder / f"results/train/{table}.csv").read_bytes() for one in (finished, project)
        )
        assert before == after  # trained alike


def test_no_verdict_of_the_quick_run_depends_on_the_last_digit(request, tmp_path):
    if not request.config.getoption("quick_run"):
        pytest.skip("two quick runs take minutes; --quick-run asks for them")
    quick = request.getfixturevalue("quick")
    project = quick.copy_to(tmp_path / "run")
    outcome = project.snakemake("verify", changes=MOVED)
    assert outcome.code == 0, outcome.text
    keys = ["check", "place"]
    before, after = (pd.read_csv(one.folder / PLACES).set_index(keys) for one in (quick, project))
    assert (before["status"] == "holds").sum() > 90
    assert after["status"].to_dict() == before["status"].to_dict()
    assert not after["value"].equals(before["value"])
