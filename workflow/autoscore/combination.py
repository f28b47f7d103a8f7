"""The clean score from several noise levels: Richardson extrapolation, and fitted weights.

The score that is read off level sigma_i errs by sigma_i^2 c(x) + O(sigma_i^4)
(statement C1), so sums w_i s_i with sum w_i = 1 and sum w_i sigma_i^2 = 0 are free of
the leading term (Richardson 1911, "The approximate arithmetical solution by finite
differences"). Which levels to combine, and how, is chosen by the implicit
score-matching loss on samples, without looking at the truth.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from autoscore.fields import Field
from autoscore.numerics.score_matching import QuadraticLoss

BLOCK = 2_000_000  # numbers held at once: 16 MB of doubles
FOLDS = 5  # parts of the held-out samples
RIDGES = np.logspace(-6, 0, 7)  # in units of trace(G) / m
COLUMNS = ["kind", "low", "high", "levels", "degree", "ridge", "implicit_loss"]


def polynomial_weights(sigmas: np.ndarray, degree: int, exponent: float = 1.0) -> np.ndarray:
    """Return the weights with which a polynomial fit in sigma^2 takes its value at sigma = 0.

    They sum to 1, and sum w sigma^(2k) = 0 for k = 1, ..., degree. Among all such weights they
    are those of least variance if the levels err independently with sd proportional to
    sigma^-exponent.

    Parameters
    ----------
    sigmas
        Different noise levels, shape ``(m,)`` with m > degree.
    degree
        Of the polynomial, >= 0.
    exponent
        1 where r(x) - x errs in proportion to sigma, 2 where it errs alike at all levels.

    Raises
    ------
    ValueError
        If there are too few different levels.
    """
    sigmas = np.asarray(sigmas, dtype=float)
    if degree < 0 or len(np.unique(sigmas)) <= degree:
        raise ValueError(
            f"degree {degree} needs more different noise levels than {sigmas.tolist()}"
        )
    unit = sigmas / sigmas.max()
    precision = unit**exponent
    powers = np.vander(unit**2, degree + 1, increasing=True)
    return np.linalg.pinv(precision[:, None] * powers, rcond=1e-14)[0] * precision


class Extrapolated(Field):
    """A weighted sum of score estimates, as the field of the smallest of their noise levels.

    Parameters
    ----------
    fields
        Fields of one target; those of weight 0 are left out.
    weights
        Shape ``(m,)``, finite and not all 0.

    Raises
    ------
    ValueError
        If weights and fields do not match, or the dimensions differ.
    """

    def __init__(self, fields: Sequence[Field], weights: np.ndarray) -> None:
        weights = np.asarray(weights, dtype=float)
        if weights.shape != (len(fields),) or not np.isfinite(weights).all() or not weights.any():
            raise ValueError(f"{len(fields)} fields need as many weights, not {weights.tolist()}")
        self.dim = _common_dim(fields)
        kept = np.flatnonzero(weights)
        self.fields, self.weights = [fields[index] for index in kept], weights[kept]
        self.sigma = min(field.sigma for field in self.fields)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return x + self.sigma**2 * self.score(x)

    def jacobian(self, x: np.ndarray) -> np.ndarray:
        return np.eye(self.dim) + self.sigma**2 * self.hessian(x)

    def score(self, x: np.ndarray) -> np.ndarray:
        pairs = zip(self.weights, self.fields, strict=True)
        return sum(weight * field.score(x) for weight, field in pairs)

    def hessian(self, x: np.ndarray) -> np.ndarray:
        pairs = zip(self.weights, self.fields, strict=True)
        return sum(weight * field.hessian(x) for weight, field in pairs)


def quadratic_loss(fields: Sequence[Field], x: np.ndarray) -> QuadraticLoss:
    """Return the implicit loss of sum_i w_i s_i at samples x as a function of the weights.

    Each field is evaluated once at each point.

    Parameters
    ----------
    fields
        m fields of one target.
    x
        Samples of the target, shape ``(n, d)``.

    Raises
    ------
    ValueError
        If there are no samples, or a field is not finite at them.
    """
    dim, count = _common_dim(fields), len(fields)
    gram, divergence = np.zeros((count, count)), np.zeros(count)
    for block in _blocks(x, dim * max(dim, count)):
        scores = np.stack([field.score(block).ravel() for field in fields])
        gram += scores @ scores.T
        divergence += [np.trace(field.hessian(block), axis1=1, axis2=2).sum() for field in fields]
    if not np.isfinite(gram).all() or not np.isfinite(divergence).all():
        raise ValueError("a field is not finite at the samples")
    return QuadraticLoss(gram / len(x), divergence / len(x))


@dataclass(frozen=True)
class Choice:
    """Combinations of levels, compared.

    Attributes
    ----------
    fields
        The m levels, by increasing sigma.
    table
        A row a combination, in the columns `COLUMNS`. Kinds are ``"polynomial"``
        (`polynomial_weights` over consecutive levels; degree 0 over one level is that level),
        ``"affine"`` (fitted weights that sum to 1) and ``"linear"`` (any fitted weights).
    weights
        Shape ``(rows, m)``.
    fold_losses
        Implicit loss of each combination on each fold of the held-out samples, ``(rows, folds)``;
        the table has their mean.
    """

    fields: Sequence[Field]
    table: pd.DataFrame
    weights: np.ndarray
    fold_losses: np.ndarray

    def best(self, kind: str | None = None) -> int:
        """Return the row of least implicit loss within a kind, or within the best kind.

        The least of many losses is partly luck, and polynomials are many. Kinds are therefore
        compared on each fold by the row that is best on the others.
        """
        if kind is None:
            kind = min(self.table["kind"].unique(), key=self.expected_loss)
        return int(self.table["implicit_loss"][self.table["kind"] == kind].idxmin())

    def expected_loss(self, kind: str) -> float:
        """Return the cross-validated implicit loss of choosing within a kind by that loss."""
        losses = self.fold_losses[(self.table["kind"] == kind).to_numpy()]
        others = losses.sum(1, keepdims=True) - losses
        return float(losses[others.argmin(0), np.arange(losses.shape[1])].mean())

    def field(self, row: int | None = None) -> Extrapolated:
        """Return the combination of a row, of the best one if none is named."""
        return Extrapolated(self.fields, self.weights[self.best() if row is None else row])

    def relative_errors(self, x: np.ndarray, reference: np.ndarray) -> np.ndarray:
        """Return the squared relative error of every combination, shape ``(rows,)``.

        Where the truth is known, this says what a choice that looks at it would have made.

        Parameters
        ----------
        x, reference
            Points and the true score there, both of shape ``(n, d)``.
        """
        total = np.zeros(len(self.weights))
        width = self.fields[0].dim * max(self.weights.shape)
        for block, exact in zip(_blocks(x, width), _blocks(reference, width), strict=True):
            scores = np.stack([field.score(block).ravel() for field in self.fields])
            total += ((self.weights @ scores - exact.ravel()) ** 2).sum(-1)
        return total / (reference**2).sum()


def choose(
    fields: Sequence[Field],
    held_out: np.ndarray,
    training: np.ndarray | None = None,
    *,
    degrees: Sequence[int] = (0, 1, 2),
    exponent: float = 1.0,
) -> Choice:
    """Compare combinations of levels by their implicit loss on held-out samples.

    Candidates are all windows of consecutive levels with all degrees, and the weights over all
    levels that minimise the implicit loss, for several ridges. Fitted weights are no
    extrapolation: they need not cancel anything, but balance bias against the levels' estimation
    error. They are cross-fitted: the loss on each fold of the held-out samples is that of weights
    fitted on the others (and on the training points), the weights returned are fitted on all.

    Parameters
    ----------
    fields
        m fields of one target at different noise levels.
    held_out
        Samples of the target, shape ``(n, d)``, on which no field was trained, n >= `FOLDS`.
    training
        Samples of shape ``(n', d)`` to fit weights on besides. The fields may have been trained on
        them: if they have learned them by heart, the held-out loss of such weights is high.
    degrees
        Of the polynomials in sigma^2.
    exponent
        As for `polynomial_weights`.

    Raises
    ------
    ValueError
        If there are no fields, their dimensions differ or noise levels repeat, there are fewer
        samples than folds, or a field is not finite at them.
    """
    fields = sorted(fields, key=lambda field: field.sigma)
    sigmas = np.array([field.sigma for field in fields])
    if len(np.unique(sigmas)) < len(sigmas):
        raise ValueError(f"noise levels must differ: {sigmas.tolist()}")
    if len(held_out) < FOLDS:
        raise ValueError(f"{len(held_out)} held-out samples are too few for {FOLDS} folds")
    folds = [quadratic_loss(fields, held_out[k::FOLDS]) for k in range(FOLDS)]
    more = [] if training is None else [quadratic_loss(fields, training)]
    counts = [len(held_out) / FOLDS] * FOLDS + [len(training) for _ in more]
    found = [
        *_polynomials(sigmas, degrees, exponent, folds),
        *_fitted(sigmas, folds, [*folds, *more], np.array(counts)),
    ]
    rows, weights, losses = zip(*found, strict=True)
    table = pd.DataFrame(rows).assign(implicit_loss=np.mean(losses, axis=1))
    table = table[COLUMNS].astype({"degree": "Int64"})
    return Choice(fields, table, np.stack(weights), np.stack(losses))


Row = tuple[dict, np.ndarray, np.ndarray]  # labels, weights (m,), losses (folds,)


def _polynomials(
    sigmas: np.ndarray, degrees: Sequence[int], exponent: float, folds: list[QuadraticLoss]
) -> Iterator[Row]:
    """Yield all windows of consecutive levels."""
    for degree in degrees:
        for first in range(len(sigmas)):
            for last in range(first + degree, len(sigmas)):
                window = slice(first, last + 1)
                weights = np.zeros(len(sigmas))
                weights[window] = polynomial_weights(sigmas[window], degree, exponent)
                losses = np.array([loss(weights) for loss in folds])
                yield _label("polynomial", sigmas[window], degree=degree), weights, losses


def _fitted(
    sigmas: np.ndarray,
    folds: list[QuadraticLoss],
    parts: list[QuadraticLoss],
    counts: np.ndarray,
) -> Iterator[Row]:
    """Yield the weights over all levels that minimise the loss on all parts, for all ridges.

    The folds are the first of the parts, of `counts` samples each.
    """
    whole = _pool(parts, counts)
    rests = [_pool(parts, np.where(np.arange(len(parts)) == k, 0, counts)) for k in range(FOLDS)]
    scale = np.trace(whole.gram) / len(sigmas) * np.eye(len(sigmas))
    for kind, total in (("affine", 1.0), ("linear", None)):
        for ridge in RIDGES:
            weights = whole.minimiser(ridge * scale, total)
            crossed = [rest.minimiser(ridge * scale, total) for rest in rests]
            losses = [loss(fitted) for loss, fitted in zip(folds, crossed, strict=True)]
            yield _label(kind, sigmas, ridge=ridge), weights, np.array(losses)


def _pool(parts: list[QuadraticLoss], counts: np.ndarray) -> QuadraticLoss:
    """Return the loss over the union of samples."""
    grams, linears = [part.gram for part in parts], [part.linear for part in parts]
    return QuadraticLoss(
        np.average(grams, axis=0, weights=counts), np.average(linears, axis=0, weights=counts)
    )


def _label(
    kind: str, window: np.ndarray, *, degree: int | None = None, ridge: float = np.nan
) -> dict:
    ends = {"low": window[0], "high": window[-1], "levels": len(window)}
    return {"kind": kind, **ends, "degree": degree, "ridge": ridge}


def _common_dim(fields: Sequence[Field]) -> int:
    dims = {field.dim for field in fields}
    if len(dims) != 1:
        raise ValueError(f"one or more fields of one dimension are needed, not of {sorted(dims)}")
    return dims.pop()


def _blocks(x: np.ndarray, width: int) -> Iterator[np.ndarray]:
    """Yield parts of x such that `width` numbers for each point fit into `BLOCK`."""
    if not len(x):
        raise ValueError("there are no samples")
    size = max(1, BLOCK // width)
    for start in range(0, len(x), size):
        yield x[start : start + size]
