"""Auto-encoders of images, from their training to what is drawn from them, on the small digits."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.neural_network import MLPClassifier

from autoscore.fields import symmetric_share
from autoscore.geometry.potential import asymmetry
from autoscore.images.data import PARTS, intensities, restored, stored
from autoscore.images.errors import mean_error, share_error
from autoscore.images.fields import PixelField, fields_at
from autoscore.images.quality import (
    EPOCHS,
    HIDDEN,
    LEAST,
    Classifier,
    Quality,
    expected_coverage,
    neighbourhoods,
)
from autoscore.images.sample import SHOWN, draw_all, drawn_row, noise_schedule, shown_arrays
from autoscore.images.score import SLOPES, Evaluation, agreeing_level
from autoscore.images.sources import cache_folder, scikit_digits
from autoscore.images.symmetry import PROBES, follow_symmetry, symmetry_rows
from autoscore.images.train import has_fast_bfloat16, lifted, train_images
from autoscore.models.separate.network import Architecture, Separate
from autoscore.models.separate.starts import start_linear, start_solved
from autoscore.numerics.streams import generator
from autoscore.optimum.linear import LinearField

FOUND = scikit_digits("a test")
IMAGES = restored(stored(FOUND))
COMMON = {"shown": 400, "batch": 20, "learning_rate": 0.002, "average": 0.9, "validation": 40}
COMMON |= {"precision": "single"}
SEPARATE = COMMON | {"kind": "separate", "sigmas": [0.2, 0.4], "hidden": 80, "tied": False}
SEPARATE |= {"start": "solved", "axes": 64, "output": "linear"}
SIGMOIDS = SEPARATE | {"start": "random", "output": "sigmoid"}
OURS = COMMON | {"kind": "corrected", "sigmas": [0.1, 2.0], "hidden": 12, "width": 16}
OURS |= {"blocks": 1, "axes": 20}
SAMPLE = {"samples": 30, "fewer": 20, "sigma": 0.4, "chains": 4, "draws": 6, "thin": 1}
SAMPLE |= {"burn_in": 5, "levels": 4, "steps_a_level": 2, "last": 0.15}


def train(settings, name="a", **options):
    return train_images(IMAGES, settings, (0, "images", name), torch.device("cpu"), **options)


@pytest.fixture(scope="module")
def stacks():
    settings = {
        "untied": SEPARATE,
        "tied": SEPARATE | {"tied": True, "start": "linear"},
        "conditioned": OURS,
    }
    return {name: train(asked, name)[0] for name, asked in settings.items()}


# --- data ----------------------------------------------------------------------


def test_stored_images_are_restored():
    for part in PARTS:
        expected = intensities(FOUND.arrays[part], 16)
        np.testing.assert_array_equal(getattr(IMAGES, part), expected)
        np.testing.assert_array_equal(IMAGES.labels[part], FOUND.arrays[f"{part}_labels"])
    assert IMAGES.shape == (8, 8)
    assert dict(stored(FOUND)["provenance"].tolist()) == FOUND.provenance
    assert IMAGES.name == FOUND.provenance["name"]
    covariance = np.cov(IMAGES.train.T.astype(float), bias=True)
    axes, variances = IMAGES.linear.axes, IMAGES.linear.variances
    np.testing.assert_allclose((axes * variances) @ axes.T, covariance, atol=1e-9)
    assert (np.diff(variances) <= 0).all()


def test_downloads_are_kept_in_the_cache_of_the_system(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "autoscore" / "mnist"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder().parts[-3:] == (".cache", "autoscore", "mnist")


# --- starting and training -----------------------------------------------------


def separate(tied=False, hidden=(400,), **changes):
    shape = Architecture(**({"hidden": hidden, "tied": tied, "residual": "none"} | changes))
    mean = [IMAGES.linear.mean.tolist()] * 2
    return Separate(64, shape, [0.1, 0.5], [0, 0], [9, 9], mean, [1.0, 1.0], precision="single")


def generators():
    return [np.random.default_rng(k) for k in range(2)]


@pytest.mark.parametrize("tied", [False, True])
def test_a_linear_start_is_nearly_the_linear_optimum(tied):
    stack, x = separate(tied), IMAGES.held_out[:100].astype(float)
    start_linear(stack, IMAGES.linear, generators())
    for sigma in stack.sigmas:
        expected = IMAGES.linear(x, sigma)
        # tanh bends it by about a sixth of the square of what a unit sees
        gap = ((stack.field(sigma, 0, 9)(x) - expected) ** 2).sum()
        assert gap < 2e-3 * ((expected - IMAGES.linear.mean) ** 2).sum()


def test_a_solved_decoder_cannot_be_improved_by_its_own_points():
    stack = separate(hidden=(30,))
    start_solved(stack, IMAGES.linear, IMAGES.train, generators())
    rng, x = np.random.default_rng(9), IMAGES.train
    for member, sigma in enumerate(stack.sigmas):
        y = x + sigma * rng.standard_normal(x.shape)
        named = {
            name: part[member].double().numpy() for name, part in stack.views(stack.theta).items()
        }
        hidden = np.tanh(
            (y - IMAGES.linear.mean) @ named["encoder.0.weight"] + named["encoder.0.bias"]
        )
        reached = ((stack.field(sigma, 0, 9)(y) - x) ** 2).sum(1).mean()
        centred = np.column_stack([hidden, np.ones(len(y))])
        best = centred @ np.linalg.lstsq(centred, x, rcond=None)[0]
        # the best for this noise, which the solver has not seen
        assert reached < 1.1 * ((best - x) ** 2).sum(1).mean()


@pytest.mark.parametrize(
    "changes",
    [{"hidden": (9, 9)}, {"activation": "sigmoid"}, {"residual": "sigma"}, {"output": "sigmoid"}],
)
def test_other_architectures_have_no_such_start(changes):
    for start in (start_linear, lambda *parts: start_solved(*parts[:2], IMAGES.train, parts[2])):
        with pytest.raises(ValueError, match="one layer of tanh"):
            start(separate(**changes), IMAGES.linear, generators())


def test_tied_weights_have_no_solved_start():
    with pytest.raises(ValueError, match="tied"):
        start_solved(separate(tied=True), IMAGES.linear, IMAGES.train, generators())


@pytest.mark.parametrize("tied", [False, True])
def test_lifted_auto_encoders_reconstruct_the_same_in_pixels(tied):
    k = 20
    shape = Architecture((9,), tied, residual="none")
    stack = Separate(k, shape, [0.3], [0], [9], [[0.0] * k], [1.0], precision="single")
    stack.initialise(torch.randn(1, 30, k), [np.random.default_rng(0)])
    stack.theta = stack.theta + 0.1
    found = lifted(stack, IMAGES.linear).field(0.3, 0, 9)
    x, axes, mean = IMAGES.held_out[:5].astype(float), IMAGES.linear.axes, IMAGES.linear.mean
    inner = stack.field(0.3, 0, 9)((x - mean) @ axes[:, :k])
    np.testing.assert_allclose(found(x), mean + inner @ axes[:, :k].T, atol=1e-5)
    if tied:
        np.testing.assert_allclose(symmetric_share(found.jacobian(x)), 1.0, atol=1e-6)


def denoising_error(reconstruct):
    """Return E|r(x + e) - x|^2 over held-out images x, at the noise level 0.4."""
    noise = np.random.default_rng(5).standard_normal(IMAGES.held_out.shape)
    errors = reconstruct(IMAGES.held_out + 0.4 * noise) - IMAGES.held_out
    return (errors**2).sum(1).mean()


@pytest.mark.parametrize("settings", [SEPARATE, OURS])
def test_training_beats_the_linear_optimum(settings):
    longer = settings | {"shown": 20_000, "hidden": 80}
    stack, _ = train(longer | ({"width": 48} if settings is OURS else {}))
    learned = denoising_error(fields_at(stack, IMAGES.linear)(0.4))
    assert learned < 0.97 * denoising_error(LinearField(IMAGES.linear, 0.4))


def test_a_stopped_training_resumes(tmp_path, monkeypatch):
    monkeypatch.setattr("autoscore.train.fit.SAVED", 0.0)
    expected = train(OURS)[0]

    def stop(message):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(OURS, report=stop, checkpoint=tmp_path / "a.npz")
    assert (tmp_path / "a.npz").exists()
    found, _ = train(OURS, checkpoint=tmp_path / "a.npz")
    assert torch.equal(found.theta, expected.theta)


@pytest.mark.parametrize("settings", [SEPARATE, OURS])
def test_half_precision_learns_nearly_the_same(settings):
    errors = {}
    for precision in ("single", "bfloat16"):
        stack, _ = train(settings | {"shown": 4000, "precision": precision})
        assert stack.theta.dtype == torch.float32
        errors[precision] = denoising_error(fields_at(stack, IMAGES.linear)(0.4))
    assert errors["bfloat16"] != errors["single"]
    assert errors["bfloat16"] == pytest.approx(errors["single"], rel=0.05)


def test_precision_is_chosen_by_what_the_processor_has(monkeypatch):
    cpu = torch.device("cpu")
    for found in (True, False):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda found=found: found)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
        assert has_fast_bfloat16(cpu) == found


# --- fields --------------------------------------------------------------------


def test_pixel_fields_are_their_inner_field_along_the_axes(stacks):
    sigma, x = 0.4, IMAGES.held_out[:3].astype(float)
    field = fields_at(stacks["conditioned"], IMAGES.linear)(sigma)
    assert isinstance(field, PixelField)
    axes, mean = IMAGES.linear.axes, IMAGES.linear.mean
    inner = stacks["conditioned"].field(sigma)((x - mean) @ axes[:, :20])
    np.testing.assert_allclose((field(x) - mean) @ axes[:, :20], inner, atol=1e-5)
    linear = (IMAGES.linear(x, sigma) - mean) @ axes[:, 20:]
    np.testing.assert_allclose((field(x) - mean) @ axes[:, 20:], linear, atol=1e-5)
    step, slope = 1e-2, field.jacobian(x)
    moved = field(x + step * np.eye(64)[5]) - field(x - step * np.eye(64)[5])
    np.testing.assert_allclose(slope[:, :, 5], moved / (2 * step), atol=2e-3)
    # chains go down the noise grid in these coordinates
    principal = fields_at(stacks["conditioned"], IMAGES.linear, principal=True)(sigma)
    z = (x - mean) @ axes
    np.testing.assert_allclose(principal(z), (field(x) - mean) @ axes, atol=1e-5)
    np.testing.assert_allclose(axes @ principal.jacobian(z) @ axes.T, slope, atol=1e-5)


def test_models_know_their_own_levels_or_a_range(stacks):
    sigmas = np.array([0.05, 0.1, 0.2, 0.4, 3.0])
    assert stacks["untied"].known(sigmas).tolist() == [0.2, 0.4]
    assert stacks["conditioned"].known(sigmas).tolist() == [0.1, 0.2, 0.4]


# --- measures ------------------------------------------------------------------


def test_symmetry_without_the_trace_is_that_of_both_jacobians():
    a = np.random.default_rng(3).standard_normal((4, 30, 30)) + 5.0 * np.eye(30)
    away = a - np.trace(a, axis1=1, axis2=2)[:, None, None] / 30 * np.eye(30)
    expected = symmetric_share(away)
    np.testing.assert_allclose(symmetric_share(a, traceless=True), expected)
    np.testing.assert_allclose(symmetric_share(a - np.eye(30), traceless=True), expected)
    for one, found in zip(a, expected, strict=True):  # what densities are judged by
        skew = asymmetry(one[None], np.ones(1), traceless=True)
        assert found == pytest.approx(1.0 - skew)


def test_a_sigmoid_output_has_the_slope_that_autograd_finds():
    stack, _ = train(SIGMOIDS)
    x = torch.as_tensor(IMAGES.held_out[:3])
    sigma = torch.as_tensor(stack.sigmas, dtype=torch.float32)[:, None]
    found, slope = stack.forward(stack.theta, x.expand(2, 3, 64), sigma, jacobian=True)
    assert ((found > 0) & (found < 1)).all()
    for member in range(2):
        one = stack.take([member])
        for k in range(3):
            expected = torch.autograd.functional.jacobian(
                lambda z, one=one, member=member: one.forward(
                    one.theta, z[None, None], sigma[member : member + 1]
                )[0][0, 0],
                x[k],
            )
            torch.testing.assert_close(slope[member, k], expected, atol=1e-6, rtol=1e-4)


def test_a_sigmoid_output_learns_in_pixels():
    untaught, _ = train(SIGMOIDS | {"shown": 0})
    stack, _ = train(SIGMOIDS | {"shown": 20_000})
    assert not stack.shift.any()
    before, after = (
        denoising_error(one.field(0.4, 0, len(IMAGES.train))) for one in (untaught, stack)
    )
    assert after < 0.5 * before


@pytest.mark.parametrize("changes", [{"tied": True}, {"residual": "sigma"}])
def test_a_sigmoid_output_needs_untied_weights_alone(changes):
    with pytest.raises(ValueError, match="sigmoid output"):
        separate(output="sigmoid", **changes)


def test_without_training_images_models_keep_their_start():
    settings = SEPARATE | {"shown": 0}
    stack, trace = train(settings, "untrained")
    assert symmetry_rows(stack, trace)[0]["step"] == 0
    linear = denoising_error(LinearField(IMAGES.linear, 0.4))
    # the best decoder of random units is no worse a start than that
    assert denoising_error(stack.field(0.4, 0, len(IMAGES.train))) < 1.3 * linear


def test_followed_symmetry_is_that_of_the_jacobian(stacks):
    stack, streams = stacks["untied"], (0, "images", "a")
    found = follow_symmetry(stack, IMAGES.validation, streams)(stack.theta)
    x = IMAGES.validation[:PROBES]
    noise = generator(*streams, "symmetry").standard_normal(x.shape)
    for member, sigma in enumerate(stack.sigmas):
        # networks see what is centred
        points = x + sigma * noise + stack.shift[member]
        slopes = stack.field(sigma, 0, len(IMAGES.train)).jacobian(points)
        np.testing.assert_allclose(found[member, 0], symmetric_share(slopes), atol=1e-5)
        without = symmetric_share(slopes, traceless=True)
        np.testing.assert_allclose(found[member, 1], without, atol=1e-5)


def test_symmetry_is_followed_from_the_start():
    table = pd.DataFrame(symmetry_rows(*train(SEPARATE | {"start": "random"})))
    assert (table["n"] == PROBES).all()
    assert (table["symmetry_traceless"] < table["symmetry"]).all()
    assert table["step"].unique().tolist() == [0, 1, 2, 4, 8, 16, 20]
    first, last = (table.loc[table["step"] == step, "symmetry"] for step in (0, 20))
    assert (abs(first - 0.5) < 0.05).all()  # a random matrix
    assert (last > 0.6).all()


wiener = partial(LinearField, IMAGES.linear)  # exact for the Gaussian with the data's covariance


@pytest.mark.parametrize("sigma", [0.1, 0.45, 1.0])
def test_the_noise_level_of_gaussian_images_is_found(sigma):
    rng = np.random.default_rng(6)
    y = IMAGES.linear.sample(400, rng, sigma)
    levels = np.geomspace(0.05, 2.0, 24)
    found = agreeing_level(wiener, levels, y, rng)
    # each image alone has only 64 numbers, mostly noise
    assert np.median(found) == pytest.approx(sigma, rel=0.05)
    assert (abs(found / sigma - 1) < 0.6).mean() > 0.95


def test_noise_beyond_all_levels_gives_the_nearest_one():
    y = IMAGES.linear.sample(5, np.random.default_rng(0), 1.0)
    rng = np.random.default_rng(1)
    for levels, nearest in (([0.01, 0.02], 0.02), ([30.0, 60.0], 30.0)):
        np.testing.assert_allclose(agreeing_level(wiener, np.array(levels), y, rng), nearest)


def test_gaussian_starts_have_the_data_s_moments():
    x = IMAGES.linear.sample(40_000, np.random.default_rng(7), 0.5)
    covariance = np.cov(IMAGES.train.T.astype(float), bias=True) + 0.25 * np.eye(64)
    # 64 means and 4096 covariances within 5 standard errors or so
    np.testing.assert_allclose(x.mean(0), IMAGES.linear.mean, atol=0.02)
    np.testing.assert_allclose(np.cov(x.T), covariance, atol=0.02)


def test_models_are_evaluated_at_all_levels_that_they_know(stacks):
    evaluation = Evaluation(IMAGES, stacks, np.array([0.2, 0.4, 3.0]), 0, 2000)
    denoising = evaluation.denoising()
    learned = denoising[denoising["model"].isin(stacks)]
    assert len(learned) == 2 * 3 * 2  # splits, models, levels
    identity = denoising[denoising["model"] == "identity"]
    # a chi-square of 64 degrees, a mean of 299 or more: 4 standard errors are 4 %
    np.testing.assert_allclose(identity["error"], 64 * identity["sigma"] ** 2, rtol=0.045)
    wide = denoising.pivot_table(index="model", columns=["split", "sigma"], values="error")
    # the empirical optimum has memorised its own images
    assert wide.loc["empirical", ("train", 0.2)] < 0.3 * wide.loc["gaussian", ("train", 0.2)]
    assert wide.loc["empirical", ("held_out", 0.2)] > wide.loc["gaussian", ("held_out", 0.2)]
    assert wide.loc["kde", ("held_out", 0.2)] < wide.loc["empirical", ("held_out", 0.2)]
    spectra = evaluation.spectra()
    assert len(spectra) == 3 + 6  # the linear optimum knows all levels
    linear = spectra[spectra["model"] == "gaussian"].set_index("sigma")
    gains = IMAGES.linear.variances / (IMAGES.linear.variances + 0.2**2)
    assert linear.loc[0.2, ["kept", "kept_error"]].tolist() == [(gains > 0.5).sum(), 0.0]
    tied = spectra[spectra["model"] == "tied"]
    np.testing.assert_allclose(tied[["symmetry", "symmetry_traceless"]], 1.0, atol=1e-5)
    assert (spectra["n"] == SLOPES).all()
    assert (tied["trace_error"] > 0).all()
    values = spectra.filter(like="eigenvalue_")
    np.testing.assert_allclose(values.sum(axis=1), spectra["trace"], rtol=1e-6)
    tangents = evaluation.tangents(0.4)
    assert tangents["tied"].shape == (4, 5, 64)
    assert "tied" not in evaluation.tangents(0.15)  # separate models do not know it


def test_ratios_of_noise_levels_err_as_they_vary_between_sets_of_images():
    evaluation = Evaluation(IMAGES, {}, np.array([0.4]), 0, 2000)
    held_out, evaluation.fewer, rows = evaluation.held_out, 15, []
    for part in range(len(held_out) // 15):
        evaluation.held_out, evaluation.seed = held_out[15 * part :], part
        rows.append(evaluation._of_all(wiener, 0.4))
    table = pd.DataFrame(rows)
    spread = (table["estimate"] / 0.4).std()  # of 19 or more: known to a fifth
    assert (table["n"] == 15).all()
    assert table["standard_error"].mean() == pytest.approx(spread, rel=0.6)


def test_energies_close_where_the_field_is_a_gradient(stacks):
    evaluation = Evaluation(IMAGES, {"tied": stacks["tied"]}, np.array([0.4]), 0, 10_000)
    table = evaluation.energies().set_index(["model", "path"])
    assert table.loc[("tied", "loop"), "mean"] < 1e-4
    assert table.loc[("gaussian", "loop"), "mean"] < 1e-9
    # the Gaussian's energy is known
    x = IMAGES.held_out[: len(IMAGES.held_out) // 3].astype(float)
    precision = np.linalg.inv(
        (IMAGES.linear.axes * (IMAGES.linear.variances + 0.16)) @ IMAGES.linear.axes.T
    )

    def energy(points):
        away = points - IMAGES.linear.mean
        return 0.5 * np.einsum("ni,ij,nj->n", away, precision, away)

    expected = (energy(1 - x) - energy(x)).mean()  # noise has the mean 0
    found = table.loc[("gaussian", "inverted")]
    assert found["mean"] == pytest.approx(expected, abs=5 * found["standard_error"])
    assert found["share"] > 0.95


# --- samples -------------------------------------------------------------------


@pytest.fixture(scope="module")
def measured():
    return Quality.of(IMAGES, 0)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_classifier_is_scikit_learn_s():
    x, labels = IMAGES.train[:300], IMAGES.labels["train"][:300]
    found = Classifier.fit(x, labels, 3)
    epochs = max(EPOCHS, round(LEAST / 300))
    expected = MLPClassifier((HIDDEN,), max_iter=epochs, random_state=3).fit(x, labels)
    np.testing.assert_allclose(
        found(IMAGES.held_out), expected.predict_proba(IMAGES.held_out), atol=1e-5
    )


def test_real_images_look_real_and_copies_are_detected(measured):
    assert measured.accuracy > 0.9
    real = measured.row(IMAGES.held_out)
    assert real["classes"] == 10
    assert real["balance"] > 0.98
    assert real["copies"] < 0.04
    assert abs(real["mmd2"]) < 10 * measured.floor
    copied = measured.row(IMAGES.train)
    assert copied["copies"] == 1.0
    assert copied["nearest"] == 0.0


def test_poor_samples_score_worse_than_real_images(measured):
    real = measured.row(IMAGES.held_out)
    one = measured.row(np.repeat(IMAGES.held_out[:1], 100, axis=0), chains=10)
    assert one["classes"] == 1
    assert one["balance"] == pytest.approx(0.0, abs=1e-9)
    assert one["switching"] == 0.0
    assert one["mmd2"] > 100 * measured.floor
    noise = measured.row(np.random.default_rng(0).random((100, 64)))
    assert noise["parzen"] < real["parzen"] - 20
    assert noise["nearest"] > real["nearest"]


def test_a_stored_quality_is_restored(measured):
    again = Quality.restored(IMAGES, measured.arrays())
    assert again.row(IMAGES.held_out[:50]) == measured.row(IMAGES.held_out[:50])


def test_published_values_stand_beside_mnist_alone(measured):
    sources = [row["source"] for row in measured.reference_rows()]
    assert sources == ["real images", "real images", "null model", "null model"]


def test_what_a_null_model_draws_is_told_from_real_images(measured):
    rows = {row["model"]: row for row in measured.reference_rows()}
    real, drawn, copied = (rows[name] for name in ("held-out images", "gaussian", "kde"))
    # neither of its own: the training images' number sets what is expected
    expected = real["memorised_expected"]
    assert abs(real["memorised"] - expected) < 4 * real["memorised_error"]
    assert abs(drawn["memorised"] - expected) < 4 * drawn["memorised_error"] + 0.1
    assert copied["memorised"] > expected + 4 * copied["memorised_error"]
    assert drawn["coverage"] < real["coverage"] - 2 * drawn["coverage_error"]
    assert drawn["precision"] < real["precision"] - 2 * drawn["precision_error"]


def test_coverage_of_a_distribution_by_itself_is_as_expected():
    rng = np.random.default_rng(8)
    rounds = [
        neighbourhoods(rng.standard_normal((120, 3)), rng.standard_normal((80, 3)))[1].mean()
        for _ in range(60)
    ]
    error = mean_error(np.array(rounds))
    assert np.mean(rounds) == pytest.approx(expected_coverage(120, 80), abs=4 * error)
    assert expected_coverage(10**6, 10**6) == pytest.approx(1 - 2.0**-5, abs=1e-5)


def test_draws_of_a_chain_count_as_one():
    rng = np.random.default_rng(9)
    groups = np.repeat(np.arange(20), 50)
    chains = rng.standard_normal(20)
    assert mean_error(chains[groups], groups) == pytest.approx(mean_error(chains))
    assert mean_error(chains[groups]) < 0.2 * mean_error(chains)
    hits = chains[groups] > 0
    assert share_error(hits, groups) == pytest.approx(mean_error(chains > 0))
    assert share_error(np.ones(50, bool)) > 0
    assert mean_error(np.ones(1)) == 0.0


def test_every_sampler_runs(stacks, measured):
    for name, stack in stacks.items():
        drawn = {
            (one.sampler, one.start): one
            for one in draw_all(IMAGES, name, stack, SAMPLE, 0, lambda text: None)
        }
        ways = {("annealed_langevin", "noise"): 20, ("flow", "noise"): 20}
        if name == "conditioned":
            expected = ways | {("flow", "noise"): 30}
        else:
            pairs = [("dae_chain", "data"), ("dae_chain", "noise"), ("walkback", "data")]
            pairs += [("mala", "data"), ("mala", "noise")]
            expected = ways | dict.fromkeys(pairs, 24)
        assert {key: len(one.samples) for key, one in drawn.items()} == expected
        for one in drawn.values():
            assert np.isfinite(one.samples).all()
            row = drawn_row(one, measured)
            assert ("switching" in row) == bool(one.chains)
            arrays = shown_arrays(one, measured)
            assert arrays[one.name].shape == (SHOWN, 64)
            assert (f"{one.name}-consecutive" in arrays) == bool(one.chains)


def test_further_chains_leave_the_others_unchanged(stacks):
    def first(chains):
        asked = SAMPLE | {"chains": chains}
        one = next(iter(draw_all(IMAGES, "tied", stacks["tied"], asked, 0, lambda text: None)))
        return one.samples.reshape(chains, -1, 64)

    np.testing.assert_allclose(first(3), first(8)[:3], atol=1e-5)


def test_descents_visit_trained_levels(stacks):
    assert noise_schedule(stacks["untied"], 9, 0.3).tolist() == [0.4, 0.2]
    for last, end in ((0.3, 0.3), (0.01, 0.1)):
        levels = noise_schedule(stacks["conditioned"], 9, last)
        assert len(levels) == 9
        np.testing.assert_allclose(levels[[0, -1]], [2.0, end])
    assert (np.diff(levels) < 0).all()
