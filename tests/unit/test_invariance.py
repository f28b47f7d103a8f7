"""The same density in other units and far from the origin gives the same relative numbers."""

import tracemalloc

import numpy as np
import pytest

from autoscore.configuration import complete
from autoscore.data import draw_data, target
from autoscore.geometry.stage import measure as geometry_stage
from autoscore.models.conditioned.training import train as train_conditioned
from autoscore.models.separate.training import train_exact, train_on_samples
from autoscore.score.stage import measure as score_stage

LEVELS = np.array([0.1, 0.3, 1.0])
POINTS = np.random.default_rng(5).standard_normal((150, 2)) * [1.0, 0.5]
POINTS[:60] += [3.0, 0.0]


def mixture(unit, origin):
    means = [[origin - unit], [origin + 1.5 * unit]]
    spreads = [unit, unit / 2]
    return {"kind": "mixture", "weights": [1, 2], "means": means, "standard_deviations": spreads}


def energy(unit, origin):
    x = f"((x - {origin!r}) / {unit!r})"
    bounds = [[origin - 6 * unit, origin + 6 * unit]]
    return {"kind": "energy", "expression": f"({x}**2 - 1)**2", "bounds": bounds}


def ring(unit, origin):
    x, y = (f"((x{k} - {origin!r}) / {unit!r})" for k in (1, 2))
    bounds = [[origin - 4 * unit, origin + 4 * unit]] * 2
    expression = f"(sqrt({x}**2 + {y}**2) - 2)**2 / 0.2"
    return {"kind": "energy", "expression": expression, "bounds": bounds}


def curve(unit, origin):
    path = [f"{origin!r} + {unit!r} * {wave}(t)" for wave in ("cos", "sin")]
    return {"kind": "curve", "coordinates": path, "interval": [0, 5], "thickness": 0.2 * unit}


def points(unit, origin, folder):
    np.save(folder / "points.npy", origin + unit * POINTS)
    return {"kind": "samples", "path": str(folder / "points.npy")}


MADE = {"mixture": mixture, "energy": energy, "ring": ring, "curve": curve, "points": points}


def settings(name, unit):
    """A short training, on noise levels in units of the density."""
    gaussian = {"kind": "mixture", "weights": [1], "means": [[0]], "standard_deviations": [1]}
    own = {
        "sigmas": (unit * LEVELS).tolist(),
        "seeds": 2,
        "sizes": [300],
        "validation": 100,
        "nodes": 64,
        "architecture": {"hidden": [12]},
        "network": {"width": 16, "blocks": 1},
        "schedules": {
            "exact": {"steps": 40, "polish": 40},
            "samples": {"steps": 60},
            "conditioned": {"steps": 100},
        },
    }
    completed = complete({"densities": {"a": gaussian | {"train": own}}})["densities"]["a"]["train"]
    return completed | {"sizes": ["all"] if name == "points" else [300]}


def numbers(name, unit, deviations, folder, watched=True):
    """Relative errors of what is trained on a density, its fixed points, and the peak of memory.

    To watch the memory takes as long as all the rest; the peak is 0 without.
    """
    where = (unit, deviations * unit, *([folder] if name == "points" else []))
    train, streams = settings(name, unit), (1, name, "dae", "model")
    entry = MADE[name](*where) | {"train": train}
    if watched:
        tracemalloc.start()
    data = draw_data(1, name, entry)
    density = target(entry, data)
    learned = {
        ("dae", "conditioned", "samples"): train_conditioned(data, train, "dae", streams)[0],
        ("dae", "separate", "samples"): train_on_samples(data, train, "dae", streams)[0],
    }
    if density.dim == 1:
        exact = train_exact(density, train, "rcae", streams)[0]
        learned["rcae", "separate", "exact"] = exact
    asked = train | {"baselines": []}
    table = score_stage(name, asked, data, density, learned, (1, "score"))["errors"]
    fixed = None
    if name not in ("ring", "curve"):  # nearly all of which is at rest: where exactly, is chance
        view = {"sigma": 0.3 * unit, "windows": [], "attractors": False}
        shown = {"shown": view, "figures": ["map"], "points": 101}
        tables = geometry_stage(density, learned, data, train | shown, (1, "geometry"))[1]
        fixed = tables["fixed_points"]
        exact = fixed["field" if "field" in fixed else "model"] == "exact"
        fixed = fixed[exact].filter(regex=r"^x\d*$")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert table["resolved"].all()
    table["sigma"] = (table["sigma"] / unit).round(6)
    keys = ["objective", "model", "sigma", "seed", "reference", "n"]
    return table.set_index(keys)["relative_error"], fixed, peak


def spread_of_seeds(errors):
    """The range over seeds of each error, in every row."""
    alike = [name for name in errors.index.names if name != "seed"]
    groups = errors.groupby(alike, dropna=False)
    return groups.transform("max") - groups.transform("min")


WATCHED = [(1e-6, 1e7), (1e6, 1e4)]
PLACES = [*WATCHED, (1.0, 1e7), (1e6, 0.0)]


@pytest.mark.slow
@pytest.mark.parametrize("name", MADE)
def test_units_and_origin_change_no_relative_number(name, tmp_path):
    expected, fixed, memory = numbers(name, 1.0, 0.0, tmp_path)
    models = expected.index.get_level_values("model")
    assert expected[models.isin(["conditioned", "separate"])].median() < 0.8
    # trainings of curves and in the plane take longest
    for place in WATCHED if name in ("ring", "curve") else PLACES:
        unit, deviations = place
        found, points, peak = numbers(name, *place, tmp_path, watched=place in WATCHED)
        # an origin 10^7 deviations away leaves nine of the 16 digits of a coordinate: second-order
        # training in double precision then ends elsewhere, as near as another seed's
        allowed = 1e-6 + 0.02 * expected
        if deviations >= 1e7:
            allowed = 1e-3 + np.maximum(0.1 * expected, spread_of_seeds(expected))
        assert ((found - expected).abs() <= allowed).all()
        assert peak < 1.2 * memory
        if fixed is not None:
            back = (points - deviations * unit) / unit
            np.testing.assert_allclose(back.to_numpy(float), fixed.to_numpy(float), atol=5e-3)
