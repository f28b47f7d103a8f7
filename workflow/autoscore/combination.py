"""The clean score from several noise levels: Richardson extrapolation, and fitted weights.

The score at level sigma_i errs by sigma_i^2 c(x) + O(sigma_i^4) (statement C1), so sums w_i s_i
with sum w_i = 1 and sum w_i sigma_i^2 = 0 are free of the leading term (Richardson 1911, "The
approximate arithmetical solution by finite differences"). Which levels to combine, and how, is
chosen by the implicit score-matching loss on samples, without looking at the truth.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from autoscore.fields import Field
from autoscore.numerics.score_matching import QuadraticLoss

DEGREES = (0, 1, 2)  # of the polynomials
CHUNK = 2_000_000  # numbers held at once: 16 MB of doubles
FOLDS = 5  # of the held-out samples
RIDGES = np.logspace(-6, 0, 7)  # in units of trace(G) / m
COLUMNS = ["kind", "low", "high", "levels", "degree", "ridge", "implicit_loss"]


def polynomial_weights(sigmas: np.ndarray, degree: int) -> np.ndarray:
    """Return the weights ``(m,)`` that give a polynomial fit in sigma^2 its value at sigma = 0.

    They sum to 1, and sum w sigma^(2k) = 0 for k = 1, ..., degree. Among all such weights they
    are those of least variance if the levels err independently with sd proportional to 1 / sigma,
    as where r(x) - x errs in proportion to sigma. There must be more levels, all different, than
    the degree.
    """
    unit = sigmas / sigmas.max()
    powers = np.vander(unit**2, degree + 1, increasing=True)
    return np.linalg.pinv(unit[:, None] * powers, rcond=1e-14)[0] * unit


class Extrapolated(Field):
    """A weighted sum of score estimates of one target, as the field of their least noise level.

    Weights are finite, not all 0, and as many as fields, all of one dimension, or ValueError is
    raised; fields of weight 0 are left out.
    """

    def __init__(self, fields: Sequence[Field], weights: np.ndarray) -> None:
        weights = np.asarray(weights, dtype=float)
        if weights.shape != (len(fields),) or not np.isfinite(weights).all() or not weights.any():
            raise ValueError(f"{len(fields)} fields need as many weights, not {weights.tolist()}")
        self.dim = _common_dim(fields)
        kept = np.flatnonzero(weights)
        self.fields, self.weights = [fields[int(index)] for index in kept], weights[kept]
        self.sigma = min(field.sigma for field in self.fields)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return x + self.sigma**2 * self.score(x)

    def jacobian(self, x: np.ndarray) -> np.ndarray:
        return np.eye(self.dim) + self.sigma**2 * self.hessian(x)

    def score(self, x: np.ndarray) -> np.ndarray:
        return sum(w * field.score(x) for w, field in zip(self.weights, self.fields, strict=True))

    def hessian(self, x: np.ndarray) -> np.ndarray:
        return sum(w * field.hessian(x) for w, field in zip(self.weights, self.fields, strict=True))


def quadratic_loss(fields: Sequence[Field], x: np.ndarray) -> QuadraticLoss:
    """Return the implicit loss of sum_i w_i s_i at samples x, ``(n, d)``, as a function of w.

    Raises ValueError if there are no samples, or a field is not finite at them.
    """
    dim, count = _common_dim(fields), len(fields)
    gram, divergence = np.zeros((count, count)), np.zeros(count)
    for chunk in _chunks(x, dim * max(dim, count)):
        scores = np.stack([field.score(chunk).ravel() for field in fields])
        gram += scores @ scores.T
        divergence += [np.trace(field.hessian(chunk), axis1=1, axis2=2).sum() for field in fields]
    if not np.isfinite(gram).all() or not np.isfinite(divergence).all():
        raise ValueError("a field is not finite at the samples")
    return QuadraticLoss(gram / len(x), divergence / len(x))


@dataclass(frozen=True)
class Choice:
    """Combinations of levels, compared.

    The `table` has one row per combination, in `COLUMNS`; `weights` ``(rows, m)`` are those of the
    m fields, which are sorted by sigma. Kinds are ``"polynomial"`` (`polynomial_weights` over
    consecutive levels; degree 0 over one level is that level), ``"affine"`` (fitted weights that
    sum to 1) and ``"linear"`` (any fitted weights). The losses on the folds of the held-out
    samples are ``(rows, folds)``; the table has their mean.
    """

    fields: Sequence[Field]
    table: pd.DataFrame
    weights: np.ndarray
    fold_losses: np.ndarray

    def best(self, kind: str | None = None) -> int:
        """Return the row of least implicit loss within a kind, or within the best kind."""
        if kind is None:
            kind = min(self.table["kind"].unique(), key=self.expected_loss)
        return int(self.table["implicit_loss"][self.table["kind"] == kind].idxmin())

    def expected_loss(self, kind: str) -> float:
        """Return the cross-validated implicit loss of choosing within a kind by that loss.

        The least of many losses is partly luck, and polynomials are many: the loss on each fold is
        that of the row which is best on the others.
        """
        losses = self.fold_losses[(self.table["kind"] == kind).to_numpy()]
        others = losses.sum(1, keepdims=True) - losses
        return float(losses[others.argmin(0), np.arange(losses.shape[1])].mean())

    def field(self, row: int | None = None) -> Extrapolated:
        """Return the combination of a row, by default of the best one."""
        return Extrapolated(self.fields, self.weights[self.best() if row is None else row])

    def relative_errors(self, x: np.ndarray, reference: np.ndarray) -> np.ndarray:
        """Return the squared relative error of every combination, shape ``(rows,)``.

        `reference` is the true score at x, both of shape ``(n, d)``.
        """
        total = np.zeros(len(self.weights))
        width = self.fields[0].dim * max(self.weights.shape)
        for chunk, exact in zip(_chunks(x, width), _chunks(reference, width), strict=True):
            scores = np.stack([field.score(chunk).ravel() for field in self.fields])
            total += ((self.weights @ scores - exact.ravel()) ** 2).sum(-1)
        return total / (reference**2).sum()


def choose(
    fields: Sequence[Field], held_out: np.ndarray, training: np.ndarray | None = None
) -> Choice:
    """Compare combinations of m levels by their implicit loss on held-out samples ``(n, d)``.

    Candidates are all windows of consecutive levels with all degrees, and the weights over all
    levels that minimise the implicit loss, for several ridges. Fitted weights are no
    extrapolation: they need not cancel anything, but balance bias against the levels' estimation
    error. They are cross-fitted: the loss on each fold of the held-out samples is that of weights
    fitted on the others and on the training samples, the weights returned are fitted on all. If
    the fields have memorised the training samples, the held-out loss of such weights is high.

    Raises ValueError if there are no fields, their dimensions differ or noise levels repeat, there
    are fewer held-out samples than folds, or a field is not finite at them.

    Examples
    --------
    The bias of the best auto-encoder falls as sigma^2; two levels together cancel most of it. The
    choice needs samples alone, not the density.

    >>> from autoscore.densities.mixtures import GaussianMixture
    >>> from autoscore.numerics.errors import relative_error
    >>> from autoscore.numerics.streams import generator
    >>> from autoscore.optimum.dae import DenoisingOptimum
    >>> p = GaussianMixture([0.5, 0.5], [[-1], [1]], [[[0.25]], [[0.25]]])
    >>> x = p.sample(2000, generator(1, "points"))
    >>> choice = choose([DenoisingOptimum(p, sigma) for sigma in (0.2, 0.3)], x)
    >>> for field in (DenoisingOptimum(p, 0.2), choice.field()):
    ...     print(f"{relative_error(field.score(x), p.score(x), np.full(2000, 1 / 2000)):.1g}")
    0.03
    0.002
    """
    fields = sorted(fields, key=lambda field: field.sigma)
    sigmas = np.array([field.sigma for field in fields])
    if len(np.unique(sigmas)) < len(sigmas):
        raise ValueError(f"noise levels must differ: {sigmas.tolist()}")
    if len(held_out) < FOLDS:
        raise ValueError(f"{len(held_out)} held-out samples are too few for {FOLDS} folds")
    folds = [quadratic_loss(fields, held_out[k::FOLDS]) for k in range(FOLDS)]
    more = [] if training is None else [quadratic_loss(fields, training)]
    counts = [len(held_out) / FOLDS] * FOLDS + ([] if training is None else [len(training)])
    fitted = _fitted(sigmas, [*folds, *more], np.array(counts))
    rows, weights, losses = zip(*_polynomials(sigmas, folds), *fitted, strict=True)
    table = pd.DataFrame(rows).assign(implicit_loss=np.mean(losses, axis=1))
    table = table[COLUMNS].astype({"degree": "Int64"})
    return Choice(fields, table, np.stack(weights), np.stack(losses))


Row = tuple[dict, np.ndarray, np.ndarray]  # labels, weights (m,), losses (folds,)


def _polynomials(sigmas: np.ndarray, folds: list[QuadraticLoss]) -> Iterator[Row]:
    """Yield all windows of consecutive levels."""
    for degree in DEGREES:
        for first in range(len(sigmas)):
            for last in range(first + degree, len(sigmas)):
                window = slice(first, last + 1)
                weights = np.zeros(len(sigmas))
                weights[window] = polynomial_weights(sigmas[window], degree)
                losses = np.array([loss(weights) for loss in folds])
                label = {"kind": "polynomial", "low": sigmas[first], "high": sigmas[last]}
                yield label | {"levels": last - first + 1, "degree": degree}, weights, losses


def _fitted(sigmas: np.ndarray, losses: list[QuadraticLoss], counts: np.ndarray) -> Iterator[Row]:
    """Yield weights over all levels of least loss; losses, folds first, are means over counts."""
    whole = _pool(losses, counts)
    rests = [_pool(losses, np.where(np.arange(len(losses)) == k, 0, counts)) for k in range(FOLDS)]
    scale = np.trace(whole.gram) / len(sigmas) * np.eye(len(sigmas))
    for kind, total in (("affine", 1.0), ("linear", None)):
        for ridge in RIDGES:
            weights = whole.minimiser(ridge * scale, total)
            crossed = [rest.minimiser(ridge * scale, total) for rest in rests]
            held_out = [loss(fitted) for loss, fitted in zip(losses, crossed, strict=False)]
            label = {"kind": kind, "low": sigmas[0], "high": sigmas[-1], "levels": len(sigmas)}
            yield label | {"ridge": ridge}, weights, np.array(held_out)


def _pool(losses: list[QuadraticLoss], counts: np.ndarray) -> QuadraticLoss:
    """Return the loss over the union of samples."""
    gram = np.average([loss.gram for loss in losses], axis=0, weights=counts)
    linear = np.average([loss.linear for loss in losses], axis=0, weights=counts)
    return QuadraticLoss(gram, linear)


def _common_dim(fields: Sequence[Field]) -> int:
    dims = {field.dim for field in fields}
    if len(dims) != 1:
        raise ValueError(f"one or more fields of one dimension are needed, not of {sorted(dims)}")
    return dims.pop()


def _chunks(x: np.ndarray, width: int) -> Iterator[np.ndarray]:
    """Yield chunks of x such that `width` numbers for each point fit into `CHUNK`."""
    if not len(x):
        raise ValueError("there are no samples")
    size = max(1, CHUNK // width)
    for start in range(0, len(x), size):
        yield x[start : start + size]
