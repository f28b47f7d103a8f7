import numpy as np
import pytest
import torch

from autoscore.configuration import complete, merge
from autoscore.data import draw_data, target
from autoscore.densities.kernels import fit_bandwidth
from autoscore.densities.registry import make_density
from autoscore.models.conditioned.network import Conditioned
from autoscore.models.conditioned.training import train as train_conditioned
from autoscore.models.separate.network import Separate
from autoscore.models.separate.training import train_exact, train_on_samples
from autoscore.numerics.errors import relative_error
from autoscore.optimum.bias import optimal_field
from autoscore.train import fit as training
from autoscore.train import setups
from autoscore.train.setups import sample_sizes, trace_rows
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


def train(kind, objective="dae", density=MIXTURE, *, data=None, members=None, **change):
    entry = density | {"train": merge(SHORT, change)}
    entry = complete({"densities": {"target": entry}})["densities"]["target"]
    data, streams = data or draw_data(0, "target", entry), (0, "target", objective, kind)
    if kind == "exact":
        exact = target(entry, data)
        return train_exact(exact, entry["train"], objective, streams, members=members)
    runner = {"samples": train_on_samples, "conditioned": train_conditioned}[kind]
    return runner(data, entry["train"], objective, streams, members=members)


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
    assert isinstance(stack, Conditioned if kind == "conditioned" else Separate)
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
    """Levels (except for the range), seeds and larger sizes may be added or removed."""
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
    (one, trace), (other, again) = train(kind), train(kind)
    assert torch.equal(one.theta, other.theta)
    assert torch.equal(torch.stack(trace.losses), torch.stack(again.losses))


@pytest.mark.parametrize(
    ("kind", "steps", "limit"),
    [("exact", 60, 1e-3), ("samples", 250, 0.1), ("conditioned", 250, 0.1)],
)
def test_a_short_training_learns_the_denoising_optimum(kind, steps, limit):
    schedule = {"steps": steps} if kind != "exact" else {"steps": steps, "polish": 150}
    schedule |= {"learning_rate": 0.02, "warm_up": 0.1}
    change = {"architecture": {"hidden": [16]}, "network": {"width": 24}, "sigmas": [0.3, 0.6]}
    change |= {"schedules": {kind: schedule | {"batch": 128}}}
    stack, _ = train(kind, seeds=1, sizes=[4000], validation=500, **change)
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


def test_degenerate_points_are_learned_exactly():
    three = {"kind": "samples", "points": [[-0.5], [0.0], [0.5]]}
    settings = {"sizes": ["exact"], "seeds": 1, "sigmas": [0.2]}
    settings |= {"schedules": {"exact": {"steps": 60, "polish": 120}}}
    stack, _ = train("exact", density=three, architecture={"hidden": [16]}, **settings)
    y = np.linspace(-0.7, 0.7, 15)[:, None]
    shares = np.exp(-0.5 * ((y - [-0.5, 0.0, 0.5]) / 0.2) ** 2)
    expected = shares @ [-0.5, 0.0, 0.5] / shares.sum(1)
    np.testing.assert_allclose(stack.field(0.2, 0)(y)[:, 0], expected, atol=0.01)


@pytest.mark.parametrize("kind", ["samples", "conditioned"])
@pytest.mark.parametrize(("given", "used"), [(57, 50), (50, 50), (10, 10), (7, 7)])
def test_a_held_out_point_under_e_and_minus_e_is_in_one_group(kind, given, used, monkeypatch):
    seen = []
    monkeypatch.setattr(setups, "fit", lambda *_, held_out, **__: seen.append(held_out))
    data = points() | {"validation": np.random.default_rng(8).standard_normal((given, 1))}
    stack, _ = train(kind, data=data)
    (held_out,) = seen
    assert held_out.inputs.shape == held_out.targets.shape == (len(stack.theta), 2 * used, 1)
    shift, scale = (np.array(stack.description()[key])[0] for key in ("shift", "scale"))
    expected = (np.tile(data["validation"][:used, 0], 2) - shift) / scale
    np.testing.assert_allclose(held_out.targets[0, :, 0], expected, rtol=1e-5, atol=1e-6)
    assert held_out.sigma.shape == (len(stack.theta), 2 * used)
    assert torch.equal(held_out.sigma[:, :used], held_out.sigma[:, used:])
    noise = (held_out.inputs - held_out.targets)[..., 0]
    assert float(noise.abs().min()) > 0
    torch.testing.assert_close(noise[:, :used], -noise[:, used:], rtol=1e-4, atol=1e-6)
    if used >= training.GROUPS:
        groups = held_out.split(training.GROUPS)
        assert len(groups) == training.GROUPS
        for group in groups:
            total = (group.inputs - group.targets).sum(1)
            torch.testing.assert_close(total, torch.zeros_like(total), rtol=0, atol=1e-5)


@pytest.mark.parametrize("objective", ["dae", "rcae"])
def test_a_warm_start_begins_at_the_level_above(objective):
    """Almost without learning, all levels of a seed and size keep the weights of the largest."""
    still = {"schedules": {"samples": {"learning_rate": 1e-9}}}
    levels = [0.2, 0.6, 0.9]
    warm, cold = (
        train("samples", objective, warm_start=start, sigmas=levels, **still)[0]
        for start in (True, False)
    )
    largest, _ = train("samples", objective, warm_start=True, sigmas=[0.9], **still)
    for size in (20, 40):
        for seed in (0, 1):
            above = largest.theta[largest.member(0.9, seed, size)]
            for sigma in levels:
                own = warm.theta[warm.member(sigma, seed, size)]
                torch.testing.assert_close(own, above, rtol=0, atol=1e-6)
    # a cold start differs by level where the noise widens the network's input
    apart = cold.theta[cold.member(0.2, 0, 20)] - cold.theta[cold.member(0.9, 0, 20)]
    assert (float(apart.abs().max()) > 0.01) == (objective == "dae")


@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize("objective", ["dae", "rcae"])
def test_weights_handed_down_mean_the_same_at_every_level(objective, warm):
    """Then r - x grows as sigma^2 and is otherwise the same field."""
    data = points()
    stack, _ = train("samples", objective, data=data, warm_start=warm, sigmas=[0.2, 0.9])
    own = data["train"][1, :20].std()
    expected = own if warm or objective == "rcae" else np.hypot(own, [0.2, 0.9])
    members = [stack.member(sigma, 1, 20) for sigma in (0.2, 0.9)]
    scales = np.array(stack.description()["scale"])[members]
    np.testing.assert_allclose(scales, np.broadcast_to(expected, 2), rtol=1e-6)
    stack.theta[members[0]] = stack.theta[members[1]]
    x = np.linspace(-2, 2, 9)[:, None]
    low, high = (stack.field(sigma, 1, 20).score(x) for sigma in (0.2, 0.9))
    assert np.allclose(low, high, rtol=1e-4) == (warm or objective == "rcae")


def test_every_level_of_a_warm_start_begins_where_the_one_above_ended(monkeypatch):
    begun, ended, fit = {}, {}, setups.fit

    def spy(stack, *args, **kwargs):
        (sigma,) = set(stack.sigmas.tolist())
        begun[sigma] = stack.theta.clone()
        trace = fit(stack, *args, **kwargs)
        ended[sigma] = stack.theta.clone(), trace
        return trace

    monkeypatch.setattr(setups, "fit", spy)
    stack, trace = train("samples", warm_start=True, sigmas=[0.2, 0.6, 0.9])
    assert list(begun) == [0.9, 0.6, 0.2]
    for below, above in ((0.2, 0.6), (0.6, 0.9)):
        assert torch.equal(begun[below], ended[above][0])
        assert not torch.equal(ended[below][0], begun[below])
    for sigma, (theta, own) in ended.items():
        members = np.flatnonzero(stack.sigmas == sigma)
        assert torch.equal(stack.theta[members], theta)
        assert trace.steps == own.steps
        for whole, part in zip(trace.losses, own.losses, strict=True):
            assert torch.equal(whole[members], part)
    monkeypatch.undo()
    # the largest level is trained as it would be alone
    alone, _ = train("samples", warm_start=True, sigmas=[0.9])
    assert torch.equal(alone.theta, stack.theta[np.flatnonzero(stack.sigmas == 0.9)])


@pytest.mark.parametrize("noise", ["rare_large", "walkback"])
@pytest.mark.parametrize("kind", ["samples", "conditioned"])
def test_other_kinds_of_noise_train_another_model(kind, noise):
    x = np.linspace(-2, 2, 9)[:, None]
    fields = [train(kind, noise=name)[0].field(0.6, 0, 20) for name in (noise, "fresh")]
    assert np.isfinite(fields[0](x)).all()
    assert np.abs(fields[0](x) - fields[1](x)).max() > 1e-4


@pytest.mark.parametrize("objective", ["dae", "rcae", "ssm"])
def test_a_conditioned_model_reaches_beyond_its_levels(objective):
    stack, _ = train("conditioned", objective)
    assert stack.low == pytest.approx(0.2 / 1.25)
    assert stack.high == pytest.approx(0.6 * 1.25)


def test_the_thickness_is_the_bandwidth_of_the_same_points():
    data = points()
    stack, _ = train("conditioned", data=data)
    found = stack.description()["thickness"]
    for seed, size, thickness in zip(stack.seeds, stack.sizes, found, strict=True):
        estimate = fit_bandwidth(data["train"][seed, : int(size)], data["validation"])
        assert thickness == pytest.approx(estimate.bandwidth, rel=1e-6)


def test_a_curve_without_thickness_looks_thin_and_a_gaussian_thick():
    sizes, plane = [400], {"kind": "mixture", "weights": [1], "means": [[0, 0]]}
    circle = {"kind": "curve", "coordinates": ["cos(t)", "sin(t)"], "interval": [0, 6.2831853]}
    thin, thick = (
        train("conditioned", density=density, sizes=sizes, validation=400)[0].description()
        for density in (circle, plane | {"standard_deviations": [0.7]})
    )
    # neighbours on the circle are 2 pi / 400 = 0.016 apart; n^(-1/6) of 0.7 is 0.26
    assert max(thin["thickness"]) < 0.05
    assert min(thick["thickness"]) > 0.15


@pytest.mark.parametrize("dim", [1, 2])
def test_sliced_score_matching_learns_the_clean_score(dim):
    gaussian = {"kind": "mixture", "weights": [1], "means": [[0.3] * dim]}
    gaussian |= {"standard_deviations": [0.5]}
    change = {"network": {"width": 16}, "sizes": [4000], "validation": 500, "seeds": 1}
    change["schedules"] = {"conditioned": {"steps": 300, "learning_rate": 0.01, "batch": 128}}
    stack, _ = train("conditioned", "ssm", gaussian, **change)
    x = make_density(gaussian).sample(2000, np.random.default_rng(7))
    estimate, equal = stack.field(stack.high, 0, 4000).score(x), np.full(2000, 1 / 2000)
    assert relative_error(estimate, -(x - 0.3) / 0.25, equal) < 0.05
    # the score under the nominal noise of 0.75 is a third as steep
    assert relative_error(estimate, -(x - 0.3) / (0.25 + 0.75**2), equal) > 1
