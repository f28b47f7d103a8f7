"""How good drawn images are, each number beside what real images score."""

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import entr, softmax

from autoscore.images.data import Images
from autoscore.images.distances import (
    Prepared,
    likeliest_bandwidth,
    nearest_points,
    parzen_estimate,
)
from autoscore.images.errors import mean_error, share_error
from autoscore.numerics.streams import generator
from autoscore.sample.distances import median_distance, squared_mmd
from autoscore.train.rounding import moved

TUNED = 1000  # validation images that choose the bandwidth of the Parzen windows
MMD = 1000  # samples on either side, also of neighbourhoods
REPEATS = 5  # of the discrepancy between real images
PARTS = 10  # of samples, between which the discrepancy varies
NEIGHBOURS = 5  # real images in the neighbourhood of a real image, as in Naeem et al. (2020)
COPY = 0.01  # this share of held-out images is as close to a training image as a near copy
HIDDEN, EPOCHS, LEAST = 128, 3, 60_000  # units and epochs of the classifier; images shown at least

PUBLISHED = {  # Parzen-window log-likelihoods as published, in nats: value and standard error
    "deep belief network": (138.0, 2.0),
    "stacked contractive auto-encoder": (121.0, 1.6),
    "deep generative stochastic network": (214.0, 1.1),
    "generative adversarial network": (225.0, 2.0),
}


class Classifier(NamedTuple):
    """One hidden layer of rectified units, trained by scikit-learn, kept as plain arrays."""

    hidden_weights: np.ndarray
    output_weights: np.ndarray
    hidden_biases: np.ndarray
    output_biases: np.ndarray

    @classmethod
    def fit(cls, x: np.ndarray, labels: np.ndarray, seed: int) -> "Classifier":
        """Return a classifier trained for a few epochs on images x, ``(n, d)``."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPClassifier  # it takes seconds

        epochs = max(EPOCHS, round(LEAST / len(x)))
        found = MLPClassifier((HIDDEN,), max_iter=epochs, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # so few epochs are intended
            found.fit(x, labels)
        return cls(*found.coefs_, *found.intercepts_)

    def moved(self, rng: np.random.Generator) -> "Classifier":
        """Return the same with each weight moved by one unit in the last place."""
        return Classifier(*(moved(part, rng) for part in self))

    def features(self, x: np.ndarray) -> np.ndarray:
        """Return the hidden units, ``(n, units)``."""
        return np.maximum(x @ self.hidden_weights + self.hidden_biases, 0.0)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return the probabilities of the classes, ``(n, classes)``."""
        return softmax(self.features(x) @ self.output_weights + self.output_biases, axis=1)


def _some(x: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    return x[rng.choice(len(x), count, replace=False)]


def neighbourhoods(samples: np.ndarray, real: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which samples ``(n, d)`` are near a real point ``(m, d)``, and which of these has one.

    The neighbourhood of a real point reaches to its fifth nearest real one. The shares are the
    precision of Kynkaanniemi et al. (2019) and the coverage of Naeem et al. (2020); for the
    latter's value if both have the same distribution see `expected_coverage`.
    """
    radius = np.partition(cdist(real, real), NEIGHBOURS, axis=1)[:, NEIGHBOURS]
    inside = cdist(samples, real) <= radius
    return inside.any(1), inside.any(0)


def expected_coverage(samples: int, real: int) -> float:
    """Return the expected coverage by samples that have the distribution of the real points.

    No sample is inside if the nearest points, real ones and samples in random order, are all real.
    """
    nearest = np.arange(NEIGHBOURS)
    return float(1 - np.prod((real - 1 - nearest) / (real - 1 + samples - nearest)))


@dataclass(frozen=True)
class Quality:
    """References for drawn images: real ones, and a classifier trained on them.

    `accuracy` is the classifier's on held-out images. An image closer to a training image than
    `near` is a near copy. `bandwidth` is that of the kernel discrepancy, and `floor` the root mean
    square of the discrepancy between real images. Parzen windows take at most `most` test images
    and samples; nearest images are found for 500. `seed` draws which real images stand for all.
    """

    images: Images
    classifier: Classifier
    accuracy: float
    near: float
    bandwidth: float
    floor: float
    most: int
    seed: int

    @classmethod
    def of(
        cls, images: Images, seed: int, most: int = 10_000, rounding: int | None = None
    ) -> "Quality":
        """Train the classifier with the run's seed, and measure held-out images as if drawn.

        `most` is 10,000 in the literature. `rounding`, if given, is the seed by which the weights
        are moved; see `autoscore.train.rounding`.
        """
        classifier = Classifier.fit(images.train, images.labels["train"], seed)
        if rounding is not None:
            classifier = classifier.moved(generator(rounding, "rounding", "images", "classifier"))
        right = classifier(images.held_out).argmax(1) == images.labels["held_out"]
        few = images.held_out[: max(1000, most // 4)]
        distances, _ = nearest_points(few, Prepared(images.train))
        bandwidth = median_distance(images.held_out.astype(float), MMD)
        rng, held_out = generator(seed, "images", "floor"), images.held_out
        size = min(MMD, len(held_out))
        rounds = [
            squared_mmd(_some(images.train, size, rng), _some(held_out, size, rng), bandwidth)
            for _ in range(REPEATS)
        ]
        near = float(np.quantile(distances, COPY))
        floor = float(np.sqrt(np.mean(np.square(rounds))))
        return cls(images, classifier, float(right.mean()), near, bandwidth, floor, most, seed)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all but the images, to be stored."""
        numbers = [self.accuracy, self.near, self.bandwidth, self.floor]
        whole = {"whole": np.array([self.most, self.seed])}
        return {"numbers": np.array(numbers)} | whole | self.classifier._asdict()

    @classmethod
    def restored(cls, images: Images, arrays: dict[str, np.ndarray]) -> "Quality":
        """Return the quality from what `arrays` returned."""
        classifier = Classifier(*(arrays[name] for name in Classifier._fields))
        return cls(images, classifier, *arrays["numbers"].tolist(), *arrays["whole"].tolist())

    @cached_property
    def prepared(self) -> Prepared:
        """The training images, ready for looking up near ones."""
        return Prepared(self.images.train)

    @property
    def tuned(self) -> int:
        """Number of validation images that choose the bandwidth of the Parzen windows."""
        return min(TUNED, len(self.images.validation) // 2)

    def row(self, samples: np.ndarray, chains: int = 0) -> dict:
        """Return the measures of samples ``(n, d)``, drawn independently or, in turn, by chains.

        ``parzen...`` are those of `parzen_estimate`. ``nearest`` is the median distance to a
        training image, ``copies`` the share of near copies, ``memorised`` that of samples nearer to
        a training image than to any held-out one (see ``memorised_expected``). By the classifier,
        ``classes`` counts those with at least 1 % of the samples, ``balance`` is the entropy of the
        classes over its maximum, ``confidence`` the mean probability of the likeliest class, and
        ``switching`` the share of a chain's draws with another class than the draw before; by its
        hidden units, ``precision`` and ``coverage`` are the shares of `neighbourhoods`. ``mmd2`` is
        the squared discrepancy from held-out images. ``..._expected`` is the value of samples from
        the images' own distribution, ``..._error`` a standard error over the ``independent``
        samples or chains; that of the coverage is over real images, that of ``mmd2`` over ten
        parts.
        """
        images, samples = self.images, samples.astype(np.float32)
        parzen, parzen_error, parzen_bandwidth = parzen_estimate(
            samples[: self.most], images.validation[: self.tuned], images.held_out[: self.most]
        )
        # evenly spaced, so that every chain has its share
        chosen = np.linspace(0, len(samples) - 1, min(MMD, len(samples))).astype(int)
        some, count = samples[chosen], chains or len(samples)
        groups = np.arange(len(samples)) * count // len(samples)
        looked = groups[chosen[::2]]  # nearest images cost more than all else
        distances, _ = nearest_points(some[::2], self.prepared)
        copies = distances < self.near
        memorised = distances < nearest_points(some[::2], Prepared(images.held_out))[0]
        sizes = len(images.train), len(images.held_out)
        probabilities = self.classifier(samples)
        found, confidence = probabilities.argmax(1), probabilities.max(1)
        shares = np.bincount(found, minlength=probabilities.shape[1]) / len(found)
        size, rng = min(MMD, len(images.held_out)), generator(self.seed, "images", "mmd")
        real = _some(images.held_out, size, rng)
        near, covered = neighbourhoods(*map(self.classifier.features, (some, real)))
        parts = [squared_mmd(some[k::PARTS], real[k::PARTS], self.bandwidth) for k in range(PARTS)]
        row = {
            "n": len(samples),
            "independent": count,
            "parzen": parzen,
            "parzen_error": parzen_error,
            "parzen_bandwidth": parzen_bandwidth,
            "nearest": float(np.median(distances)),
            "copies": float(copies.mean()),
            "copies_error": share_error(copies, looked),
            "memorised": float(memorised.mean()),
            "memorised_error": share_error(memorised, looked),
            "memorised_expected": sizes[0] / sum(sizes),
            "classes": int((shares >= 0.01).sum()),
            "balance": float(entr(shares).sum() / np.log(len(shares))),
            "balance_error": mean_error(-np.log(shares[found]), groups) / np.log(len(shares)),
            "accuracy": self.accuracy,
            "confidence": float(confidence.mean()),
            "confidence_error": mean_error(confidence, groups),
            "precision": float(near.mean()),
            "precision_error": share_error(near, groups[chosen]),
            "coverage": float(covered.mean()),
            "coverage_error": share_error(covered),
            "coverage_expected": expected_coverage(len(some), size),
            "mmd2": squared_mmd(some, real, self.bandwidth),
            "mmd2_error": float(np.std(parts, ddof=1) / np.sqrt(PARTS)),
            "mmd2_floor": self.floor,
        }
        if chains:
            path = found.reshape(chains, -1)
            row["switching"] = float((path[:, 1:] != path[:, :-1]).mean())
        return row

    def reference_rows(self) -> list[dict]:
        """Return the rows of real images, of null models, and, for MNIST, of published values.

        ``gaussian`` shares the mean and covariance of the training images, and nothing else;
        ``kde`` is the kernel density estimate of them that is likeliest on validation images. Their
        draws are exact, as those of a perfect ``flow`` from ``noise``, by which name they go.
        """
        images, flow = self.images, {"sampler": "flow", "start": "noise"}
        gaussian = images.linear.sample(self.most, generator(self.seed, "images", "Gaussian"))
        bandwidth = likeliest_bandwidth(images.train, images.validation[: self.tuned])
        rng = generator(self.seed, "images", "kde")
        kernels = images.train[rng.integers(len(images.train), size=self.most)]
        kernels = kernels + bandwidth * rng.standard_normal(kernels.shape)
        rows = [
            {"source": source, "model": name} | labels | self.row(x[: self.most])
            for source, name, labels, x in (
                ("real images", "training images", {}, images.train),
                ("real images", "held-out images", {}, images.validation[self.tuned :]),
                ("null model", "gaussian", flow, gaussian),
                ("null model", "kde", flow, kernels),
            )
        ]
        if images.shape == (28, 28):
            rows += [
                {"source": "published", "model": name, "parzen": value, "parzen_error": error}
                for name, (value, error) in PUBLISHED.items()
            ]
        return rows
