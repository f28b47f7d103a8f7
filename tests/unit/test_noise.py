"""Noise grids that fit the data, units of columns, windows, and losses on held-out points."""

import re

import numpy as np
import pytest

from autoscore.configuration import complete
from autoscore.data import draw_data
from autoscore.densities.mixtures import GaussianMixture
from autoscore.densities.samples import Lengths, Units, load_sample
from autoscore.geometry.windows import windows_of
from autoscore.noise import cautions
from autoscore.nulls import fits
from autoscore.score.held_out import held_out_table

UNLIKE = np.random.default_rng(0).standard_normal((200, 2)) * [1.0, 100.0] + [5.0, -300.0]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "points.csv"
    np.savetxt(path, UNLIKE, delimiter=",", header="a,b", comments="")
    return str(path)


def entry_of(file, **more):
    config = complete({"densities": {"mine": {"kind": "samples", "path": file} | more}})
    return config["densities"]["mine"]


def test_lengths_are_those_of_a_lattice():
    lattice = np.stack(np.meshgrid(np.arange(10.0), np.arange(10.0)), axis=-1).reshape(-1, 2)
    found = Lengths.of(3.0 * np.concatenate([lattice, lattice]))  # each place twice
    assert found.nearest == pytest.approx(3.0)
    assert found.spread == pytest.approx(3.0 * np.sqrt((10**2 - 1) / 12))


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_the_grid_of_a_file_is_in_its_units(file, tmp_path, unit):
    plain, other = entry_of(file), str(tmp_path / "other.npy")
    np.save(other, unit * UNLIKE)
    grid, expected = entry_of(other)["train"]["sigmas"], plain["train"]["sigmas"]
    assert grid["count"] == expected["count"] == 8
    for end in ("low", "high"):
        assert grid[end] / unit == pytest.approx(expected[end], rel=0.06)  # two digits
    assert set(plain["figures"]) == {"quiver", "map", "held_out"}


def test_a_grid_may_be_relative_to_the_spread(file):
    relative = {"low": 0.1, "high": 1, "count": 3, "relative": True}
    grid = entry_of(file, train={"sigmas": relative})["train"]["sigmas"]
    spread = np.sqrt(UNLIKE.var(0).mean())
    assert grid == pytest.approx({"low": 0.1 * spread, "high": spread, "count": 3}, rel=0.01)
    known = {"kind": "mixture", "weights": [1], "means": [[0]], "standard_deviations": [50]}
    known |= {"train": {"sigmas": relative}}
    found = complete({"densities": {"a": known}})["densities"]["a"]["train"]["sigmas"]
    assert found["high"] == pytest.approx(50, rel=0.05)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, r"spread of column b is \d+ times that of column a"),
        ({"scale": "columns"}, None),
        ({"scale": "columns", "train": {"sigmas": [1e-5, 2e-5]}}, "far below the distance"),
        ({"scale": "columns", "train": {"sigmas": [50, 90]}}, "far above the spread"),
    ],
)
def test_what_is_likely_to_disappoint_is_said(file, more, said):
    told = list(cautions("mine", entry_of(file, **more)))
    assert len(told) == (said is not None)
    if said:
        assert re.search(said, told[0])


def test_columns_are_standardised_and_told_in_their_own_units(file):
    sample = load_sample({"kind": "samples", "path": file, "scale": "columns"})
    np.testing.assert_allclose(sample.points.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(sample.points.std(0), 1)
    np.testing.assert_allclose(sample.units.outward(sample.points), UNLIKE)
    assert sample.units.titles == ("a", "b")
    data = draw_data(1, "mine", entry_of(file, scale="columns"))
    again = Units.stored(data)
    everything = np.concatenate([data["train"][0], data["validation"], data["held_out"]])
    order = np.argsort(UNLIKE[:, 0])
    back = again.outward(everything)
    np.testing.assert_allclose(back[np.argsort(back[:, 0])], UNLIKE[order])


@pytest.mark.parametrize(("apart", "windows"), [(3.0, 1), (200.0, 2)])
def test_clusters_far_apart_get_a_window_each(apart, windows):
    rng = np.random.default_rng(2)
    x = rng.standard_normal((300, 2)) + apart * (rng.random((300, 1)) < 0.4)
    found = windows_of(x, 0.1)
    assert len(found) == windows
    inside = [((x >= box[:, 0]) & (x <= box[:, 1])).all(1) for box in found]
    assert np.any(inside, axis=0).all()
    if windows == 2:
        assert not np.logical_and(*inside).any()


def test_held_out_losses_are_those_of_a_gaussian():
    """With covariance C the best loss is tr C (C + sigma^2 I)^-1 / d."""
    covariance = np.diag([1.0, 0.25])
    gaussian = GaussianMixture([1], [[2.0, -1.0]], covariance[None])
    rng = np.random.default_rng(3)
    names = {"train": (1, 4000), "validation": (500,), "held_out": (4000,)}
    data = {
        name: gaussian.sample(int(np.prod(size)), rng).reshape(*size, 2)
        for name, size in names.items()
    }
    fitted = fits(gaussian, data, {"hidden": (8,)}, (3,), ["training points"])
    baselines = fitted(4000, 0)
    table = held_out_table(data["held_out"], {}, baselines, np.array([0.3, 1.0]), (3,)).set_index(
        ["model", "sigma"]
    )
    identity = table.loc["identity"]
    np.testing.assert_allclose(identity["denoising_loss"], 1.0)
    np.testing.assert_allclose(identity["score_matching_loss"], 0.0)
    for sigma, row in table.loc["gaussian"].iterrows():
        variances = np.diag(covariance)
        share = variances / (variances + sigma**2)
        # four standard errors, and those of the training points' covariance
        assert row["denoising_loss"] == pytest.approx(share.mean(), abs=5 * row["standard_error"])
        expected = -0.5 * sigma**2 * (1 / (variances + sigma**2)).mean()
        assert row["score_matching_loss"] == pytest.approx(expected, rel=0.1)
    losses = table["denoising_loss"].unstack()
    assert (losses.loc["gaussian"] < losses.loc["kde"]).all()
    assert (losses.loc["gaussian"] < losses.loc["training points"]).all()
