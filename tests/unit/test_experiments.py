import numpy as np
import pytest
import torch

from autoscore.autoencoders.conditioned import Conditioned
from autoscore.autoencoders.ensemble import Ensemble
from autoscore.configuration import complete, merge
from autoscore.data import make_data, target
from autoscore.experiments import (
    sample_sizes,
    trace_rows,
    train_conditioned,
    train_exact_ensemble,
    train_sample_ensemble,
)
from autoscore.optimum.bias import optimal_field
from tests.unit.oracles import CONFIG

MIXTURE = {key: value for key, value in CONFIG["densities"]["mixture"].items() if key != "figures"}
SHORT = {
    "sigmas": [0.2, 0.6],
    "seeds": 2,
    "sizes": [20, 40],
    "validation": 50,
    "architecture": {"hidden": [8]},
    "network": {"width": 8, "blocks": 1},
    "nodes": 64,
    "schedules": {
        "exact": {"steps": 8, "polish": 7},
        "samples": {"steps": 8, "batch": 16},
        "conditioned": {"steps": 8, "batch": 16},
    },
}
INFINITE = float("inf")


def train(kind, objective="dae", density=MIXTURE, *, data=None, **change):
    entry = density | {"train": merge(SHORT, change)}
    entry = complete({"densities": {"target": entry}})["densities"]["target"]
    data, streams = data or make_data(0, "target", entry), (0, "target", objective, kind)
    if kind == "exact":
        return train_exact_ensemble(target(entry, data), entry["train"], objective, streams)
    runner = {"samples": train_sample_ensemble, "conditioned": train_conditioned}[kind]
    return runner(data, entry["train"], objective, streams)


def test_sizes_that_are_samples():
    data = {"train": np.zeros((1, 30, 2))}
    assert sample_sizes({"sizes": ["exact", 10, "all"]}, data) == [10, 30]


@pytest.mark.parametrize("objective", ["dae", "rcae"])
@pytest.mark.parametrize(
    ("kind", "members"),
    [
        ("exact", {(s, k, INFINITE) for s in (0.2, 0.6) for k in (0, 1)}),
        ("samples", {(s, k, n) for s in (0.2, 0.6) for k in (0, 1) for n in (20, 40)}),
        ("conditioned", {(None, k, n) for k in (0, 1) for n in (20, 40)}),
    ],
)
def test_there_is_a_member_for_everything_that_was_asked_for(kind, members, objective):
    stack, trace = train(kind, objective)
    assert isinstance(stack, Conditioned if kind == "conditioned" else Ensemble)
    sigmas = getattr(stack, "sigmas", [None] * len(stack.seeds))
    assert set(zip(sigmas, stack.seeds, stack.sizes, strict=True)) == members
    assert len(stack.theta) == len(members)
    assert torch.isfinite(stack.theta).all()
    rows = trace_rows(stack, trace)
    assert len(rows) == len(members) * len(trace.steps)
    last = rows[-len(members) :]
    assert {row["step"] for row in last} == {15 if kind == "exact" else 8}
    assert [row["n"] for row in last] == stack.sizes.tolist()
    assert [row["seed"] for row in last] == stack.seeds.tolist()
    assert [row["loss"] for row in last] == trace.losses[-1].tolist()


def points(seeds=2):
    rng = np.random.default_rng(6)
    found = {"train": rng.standard_normal((2, 40, 1))[:seeds]}
    return found | {"validation": rng.standard_normal((50, 1)), "held_out": np.empty((0, 1))}


@pytest.mark.parametrize("objective", ["dae", "rcae"])
@pytest.mark.parametrize("kind", ["exact", "samples", "conditioned"])
def test_a_member_is_the_same_in_other_company(kind, objective):
    """Levels (but for the range), seeds and larger sizes may come and go."""
    change = {"seeds": 1, "sizes": [20]} | ({} if kind == "conditioned" else {"sigmas": [0.6]})
    company, _ = train(kind, objective, data=points())
    alone, _ = train(kind, objective, data=points(1), **change)
    asked = (0.6, 0, INFINITE if kind == "exact" else 20)
    x = np.linspace(-2, 2, 9)[:, None]
    tolerance = 1e-7 if kind == "exact" else 1e-4  # double and single precision
    np.testing.assert_allclose(alone.field(*asked)(x), company.field(*asked)(x), atol=tolerance)


def test_a_smaller_size_changes_no_larger_one():
    x, asked = np.linspace(-2, 2, 9)[:, None], (0.6, 0, 40)
    company, alone = (train("samples", data=points(), sizes=n)[0] for n in ([20, 40], [40]))
    np.testing.assert_allclose(company.field(*asked)(x), alone.field(*asked)(x), atol=1e-4)


@pytest.mark.parametrize("kind", ["exact", "samples", "conditioned"])
def test_seeds_and_objectives_differ(kind):
    size = INFINITE if kind == "exact" else 20
    stack, x = train(kind)[0], np.linspace(-2, 2, 9)[:, None]
    fields = [stack.field(0.6, seed, size)(x) for seed in (0, 1)]
    fields.append(train(kind, "rcae")[0].field(0.6, 0, size)(x))
    for first, second in ((0, 1), (0, 2)):
        assert np.abs(fields[first] - fields[second]).max() > 1e-4


@pytest.mark.parametrize("kind", ["exact", "samples", "conditioned"])
def test_the_same_seed_gives_the_same_bits(kind):
    assert torch.equal(train(kind)[0].theta, train(kind)[0].theta)


@pytest.mark.parametrize(
    ("kind", "steps", "limit"),
    [("exact", 60, 1e-3), ("samples", 250, 0.1), ("conditioned", 250, 0.1)],
)
def test_a_short_training_learns_the_denoising_optimum(kind, steps, limit):
    schedule = {"steps": steps} if kind != "exact" else {"steps": steps, "polish": 150}
    schedule |= {"learning_rate": 0.02, "warm_up": 0.1}
    stack, _ = train(
        kind,
        seeds=1,
        sizes=[4000],
        sigmas=[0.3, 0.6],
        validation=500,
        architecture={"hidden": [16]},
        network={"width": 24},
        schedules={kind: schedule | {"batch": 128}},
    )
    density = complete({"densities": {"target": MIXTURE}})["densities"]["target"]
    best = optimal_field(target(density, {}), "dae", 0.6, 0)
    x, weights = best.smoothed.quadrature()
    estimate = stack.field(0.6, 0, INFINITE if kind == "exact" else 4000).score(x)
    error = weights @ (estimate - best.score(x)) ** 2 / (weights @ best.score(x) ** 2)
    assert float(error[0]) < limit


def test_points_in_the_plane_can_be_learned(tmp_path):
    np.save(tmp_path / "points.npy", np.random.default_rng(0).standard_normal((50, 2)))
    file = {"kind": "samples", "path": str(tmp_path / "points.npy")}
    x = np.zeros((3, 2))
    for kind in ("samples", "conditioned"):
        for objective in ("dae", "rcae"):
            stack, _ = train(kind, objective, density=file, sizes=["all"])
            field = stack.field(0.6, 1, 30)
            assert field(x).shape == (3, 2)
            assert field.jacobian(x).shape == (3, 2, 2)


def test_bare_points_are_learned_exactly():
    three = {"kind": "samples", "points": [[-0.5], [0.0], [0.5]]}
    settings = {"sizes": ["exact"], "seeds": 1, "sigmas": [0.2]}
    settings |= {"schedules": {"exact": {"steps": 60, "polish": 120}}}
    stack, _ = train("exact", density=three, architecture={"hidden": [16]}, **settings)
    y = np.linspace(-0.7, 0.7, 15)[:, None]
    shares = np.exp(-0.5 * ((y - [-0.5, 0.0, 0.5]) / 0.2) ** 2)
    expected = shares @ [-0.5, 0.0, 0.5] / shares.sum(1)
    np.testing.assert_allclose(stack.field(0.2, 0)(y)[:, 0], expected, atol=0.01)
