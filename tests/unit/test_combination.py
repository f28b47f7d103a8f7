import numpy as np
import pytest
from scipy.stats import spearmanr

from autoscore.combination import (
    COLUMNS,
    FOLDS,
    Extrapolated,
    choose,
    polynomial_weights,
    quadratic_loss,
)
from autoscore.densities.mixtures import GaussianMixture
from autoscore.fields import Field
from autoscore.numerics.errors import fitted_order, relative_error
from autoscore.optimum.dae import DenoisingOptimum
from tests.unit.oracles import difference, implicit_score_loss

ANGLES = 2 * np.pi * np.arange(8) / 8
CIRCLE = GaussianMixture(
    np.ones(8),
    2 * np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1),
    np.broadcast_to(0.04 * np.eye(2), (8, 2, 2)),
)


def levels(sigmas):
    return [DenoisingOptimum(CIRCLE, sigma) for sigma in sigmas]


def draw(n, seed=0):
    return CIRCLE.sample(n, np.random.default_rng(seed))


def divergence(target, x):
    return np.trace(target.hessian(x), axis1=1, axis2=2)


def error(field, x):
    return relative_error(field.score(x), CIRCLE.score(x), np.full(len(x), 1 / len(x)))


@pytest.mark.parametrize("sigmas", [[0.1, 0.2, 0.3], [1.0, 0.01, 0.2, 0.5, 0.07]])
@pytest.mark.parametrize("degree", [0, 1, 2])
def test_polynomial_weights_have_the_moments_of_a_delta(sigmas, degree):
    weights = polynomial_weights(np.array(sigmas), degree)
    for power in range(degree + 1):
        moment = weights @ np.array(sigmas) ** (2 * power)
        assert moment == pytest.approx(float(power == 0), abs=1e-11)


@pytest.mark.parametrize("degree", [0, 1, 2])
def test_polynomial_weights_are_the_fit_of_numpy(degree):
    sigmas = np.geomspace(0.05, 0.8, 6)
    values = np.random.default_rng(0).standard_normal(6)
    fit = np.polynomial.polynomial.polyfit(sigmas**2, values, degree, w=sigmas)
    assert polynomial_weights(sigmas, degree) @ values == pytest.approx(fit[0])


@pytest.mark.parametrize(("degree", "count"), [(0, 1), (0, 3), (1, 2), (1, 3), (2, 3), (2, 5)])
def test_the_error_of_exact_fields_is_of_order_two_more_a_degree(degree, count):
    x, scales = draw(300), np.array([0.006, 0.009, 0.0135])
    errors = []
    for scale in scales:
        sigmas = scale * np.linspace(1.0, 2.0, count)
        field = Extrapolated(levels(sigmas), polynomial_weights(sigmas, degree))
        errors.append(error(field, x))
    assert fitted_order(scales, np.array(errors)) == pytest.approx(2 * degree + 2, abs=0.1)


def test_an_extrapolated_field_hangs_together():
    field = Extrapolated(levels([0.3, 0.1, 0.2]), np.array([0.5, 0.0, -0.2]))
    x = draw(20)
    assert (field.sigma, field.dim, len(field.fields)) == (0.2, 2, 2)
    expected = 0.5 * CIRCLE.smoothed(0.3).score(x) - 0.2 * CIRCLE.smoothed(0.2).score(x)
    np.testing.assert_allclose(field.score(x), expected, rtol=1e-12)
    np.testing.assert_allclose(Field.score(field, x), expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(field.jacobian(x), difference(field, x), atol=1e-7)
    np.testing.assert_allclose(Field.hessian(field, x), field.hessian(x), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("weights", [[1.0], [0.0, 0.0], [np.nan, 1.0], [[0.5, 0.5]]])
def test_weights_that_make_no_field(weights):
    with pytest.raises(ValueError, match="2 fields need as many weights"):
        Extrapolated(levels([0.1, 0.2]), np.array(weights))


def test_the_loss_through_the_gram_matrix_is_the_direct_one(monkeypatch):
    fields, x = levels([0.05, 0.1, 0.3]), draw(50)
    rng = np.random.default_rng(1)
    for chunk in (2_000_000, 42):  # all points at once, seven at a time
        monkeypatch.setattr("autoscore.combination.CHUNK", chunk)
        loss = quadratic_loss(fields, x)
        for weights in rng.standard_normal((5, 3)):
            field = Extrapolated(fields, weights)
            direct = implicit_score_loss(field.score(x), divergence(field, x))
            assert loss(weights) == pytest.approx(direct, rel=1e-10)


def test_the_implicit_loss_ranks_as_the_true_error_does():
    n = 20_000
    fields, x = levels(np.geomspace(0.02, 0.6, 8)), draw(n)
    choice, exact = choose(fields, x), CIRCLE.score(x)
    rows = (choice.table["kind"] == "polynomial").to_numpy()
    errors = choice.relative_errors(x, exact)[rows]
    least = implicit_score_loss(exact, divergence(CIRCLE, x))
    excess = choice.table["implicit_loss"].to_numpy()[rows] - least
    # with a = s - exact, the excess is the mean of |a|^2 / 2 and of exact . a + div a, which is 0
    terms = np.stack([(exact * field.score(x)).sum(-1) + divergence(field, x) for field in fields])
    terms = choice.weights[rows] @ terms - (exact**2).sum(-1) - divergence(CIRCLE, x)
    half = 0.5 * (exact**2).sum(-1).mean() * errors
    np.testing.assert_allclose(excess, half + terms.mean(1), rtol=1e-6, atol=1e-9)
    # 6 standard errors for each of 85 rows: false alarm below 2e-7
    assert len(excess) == 85
    assert (np.abs(excess - half) < 6 * terms.std(1) / np.sqrt(n)).all()
    assert spearmanr(excess, errors).statistic > 0.99
    assert errors[excess.argmin()] < 1e-4 * np.median(errors)


def test_each_row_of_the_table_says_what_it_combines():
    sigmas = np.array([0.3, 0.05, 0.1, 0.2])
    held_out = draw(200)
    choice = choose(levels(sigmas), held_out)
    table = choice.table
    assert list(table.columns) == COLUMNS
    assert [field.sigma for field in choice.fields] == sorted(sigmas)
    assert table["degree"].value_counts().to_dict() == {0: 10, 1: 6, 2: 3}
    assert set(table["kind"]) == {"polynomial", "affine", "linear"}
    row = table.query("degree == 1 and low == 0.05 and high == 0.2").iloc[0]
    assert (row["kind"], row["levels"]) == ("polynomial", 3)
    expected = np.array([*polynomial_weights(np.array([0.05, 0.1, 0.2]), 1), 0.0])
    np.testing.assert_allclose(choice.weights[row.name], expected)
    sums = choice.weights.sum(1)
    np.testing.assert_allclose(sums[(table["kind"] != "linear").to_numpy()], 1.0)
    field = choice.field(row.name)
    direct = implicit_score_loss(field.score(held_out), divergence(field, held_out))
    assert row["implicit_loss"] == pytest.approx(direct)
    x = draw(100, 1)
    errors = choice.relative_errors(x, CIRCLE.score(x))
    assert errors[row.name] == pytest.approx(error(field, x))
    assert error(choice.field(), x) == pytest.approx(errors[choice.best()])


class Noisy(DenoisingOptimum):
    """The optimum, whose score errs by waves as large as 1 / sigma."""

    def score(self, x):
        return super().score(x) + self._waves(x, np.cos) * self._turn / self.sigma

    def hessian(self, x):
        slope = -self._waves(x, np.sin)[..., None] * self._turn[:, None] * self._turn
        return super().hessian(x) + 3.0 * slope / self.sigma

    @property
    def _turn(self):
        angle = 1e4 * self.sigma  # each level another direction
        return 0.15 * np.array([np.cos(angle), np.sin(angle)])

    def _waves(self, x, wave):
        return wave(3.0 * x @ self._turn[:, None])


def noisy():
    return [Noisy(CIRCLE, sigma) for sigma in np.geomspace(0.02, 0.6, 8)]


def test_the_noisy_levels_have_the_divergence_that_they_say():
    x = draw(10)
    for field in noisy()[1:7:3]:
        np.testing.assert_allclose(field.hessian(x), difference(field.score, x), atol=1e-5)


def test_combinations_beat_the_best_level_of_noisy_ones():
    held_out, training, x = draw(1000), draw(5000, 1), draw(5000, 2)
    choice = choose(noisy(), held_out, training)
    errors = choice.relative_errors(x, CIRCLE.score(x))
    single = errors[(choice.table["levels"] == 1).to_numpy()].min()
    kinds = ("polynomial", "linear", None)
    polynomial, fitted, best = (errors[choice.best(kind)] for kind in kinds)
    assert max(polynomial, fitted) < 0.8 * single
    assert best <= max(polynomial, fitted)
    assert best < 1.5 * errors.min()


def test_fitted_weights_are_cross_fitted():
    """A level that has learned the training points by heart is found out."""
    training = draw(40, 1)
    held_out = draw(400)

    class ByHeart(DenoisingOptimum):
        """Its divergence is far below the truth at the training points, and there alone."""

        def hessian(self, x):
            seen = (x[:, None] == training).all(-1).any(1)
            return super().hessian(x) - 50.0 * seen[:, None, None] * np.eye(2)

    fields = [DenoisingOptimum(CIRCLE, 0.1), ByHeart(CIRCLE, 0.3)]
    choice = choose(fields, held_out, training)
    table = choice.table
    fitted = table.query("kind == 'affine' and ridge == ridge.min()").iloc[0]
    whole = quadratic_loss(fields, np.concatenate([held_out, training]))
    penalty = fitted["ridge"] * np.trace(whole.gram) / 2 * np.eye(2)
    by_hand = []
    for k in range(FOLDS):
        rest = np.concatenate([held_out[j::FOLDS] for j in range(FOLDS) if j != k] + [training])
        weights = quadratic_loss(fields, rest).minimiser(penalty, 1.0)
        by_hand.append(quadratic_loss(fields, held_out[k::FOLDS])(weights))
    assert fitted["implicit_loss"] == pytest.approx(np.mean(by_hand))
    np.testing.assert_allclose(choice.fold_losses[fitted.name], by_hand)
    # fitted on the training points alone, the weights follow the level that cheats
    alone = quadratic_loss(fields, training).minimiser(1e-6 * np.eye(2), 1.0)
    assert abs(alone[1]) > 3 * abs(choice.weights[fitted.name, 1])


def test_kinds_are_compared_by_rows_chosen_on_other_folds():
    choice = choose(noisy(), draw(300))
    for kind in ("polynomial", "affine", "linear"):
        rows = np.flatnonzero(choice.table["kind"] == kind)
        losses = choice.fold_losses[rows]
        expected = np.mean(
            [losses[np.delete(losses, k, 1).mean(1).argmin(), k] for k in range(FOLDS)]
        )
        assert choice.expected_loss(kind) == pytest.approx(expected)
        assert choice.expected_loss(kind) >= choice.table["implicit_loss"][rows].min()
        assert choice.best(kind) in rows
    kinds = choice.table["kind"].unique()
    assert choice.table["kind"][choice.best()] == min(kinds, key=choice.expected_loss)


class Broken(DenoisingOptimum):
    def score(self, x):
        return np.full(x.shape, np.nan)


LINE = DenoisingOptimum(GaussianMixture([1.0], [[0.0]], [[[1.0]]]), 0.3)


@pytest.mark.parametrize(
    ("fields", "held_out", "message"),
    [
        ([], 10, "one or more fields"),
        (levels([0.1, 0.1]), 10, "noise levels must differ"),
        (levels([0.1, 0.2]), 4, "too few for 5 folds"),
        ([*levels([0.1]), LINE], 10, r"not of \[1, 2\]"),
        ([*levels([0.1]), Broken(CIRCLE, 0.2)], 10, "not finite at the samples"),
    ],
)
def test_what_cannot_be_compared(fields, held_out, message):
    with pytest.raises(ValueError, match=message):
        choose(fields, draw(held_out))


def test_a_loss_needs_samples():
    with pytest.raises(ValueError, match="no samples"):
        quadratic_loss(levels([0.1]), draw(0))
