"""How good drawn images are, each number beside what real images score."""

import warnings
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import entr, softmax

from autoscore.images.data import Images
from autoscore.images.distances import Prepared, nearest_points, parzen_estimate
from autoscore.numerics.streams import generator
from autoscore.sample.distances import median_distance, squared_mmd
from autoscore.train.rounding import moved

TUNED = 1000  # validation images by which its bandwidth is chosen
MMD = 1000  # samples on either side
REPEATS = 5  # of the discrepancy between real images
COPY = 0.01  # this share of held-out images is as near to a training image as a near copy
HIDDEN, EPOCHS, LEAST = 128, 3, 60_000  # units and epochs of the classifier; images shown at least

PUBLISHED = {  # Parzen-window log-likelihoods in the papers, in nats: value and standard error
    "deep belief network": (138.0, 2.0),
    "stacked contractive auto-encoder": (121.0, 1.6),
    "deep generative stochastic network": (214.0, 1.1),
    "generative adversarial network": (225.0, 2.0),
}


@dataclass(frozen=True)
class Classifier:
    """One hidden layer of rectified units, trained by scikit-learn, kept as plain arrays.

    Attributes
    ----------
    weights, biases : tuple of numpy.ndarray
        Of the hidden layer and of the output.
    """

    weights: tuple[np.ndarray, np.ndarray]
    biases: tuple[np.ndarray, np.ndarray]

    @classmethod
    def fit(cls, x: np.ndarray, labels: np.ndarray, seed: int) -> "Classifier":
        """Return a classifier trained for a few epochs on images x, ``(n, d)``."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPClassifier  # it takes seconds

        epochs = max(EPOCHS, round(LEAST / len(x)))
        found = MLPClassifier((HIDDEN,), max_iter=epochs, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # so few epochs are meant
            found.fit(x, labels)
        return cls(tuple(found.coefs_), tuple(found.intercepts_))

    def moved(self, rng: np.random.Generator) -> "Classifier":
        """Return the same with each weight moved by one unit in the last place."""
        weights, biases = ([moved(part, rng) for part in of] for of in (self.weights, self.biases))
        return Classifier(tuple(weights), tuple(biases))

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return the probabilities of the classes, ``(n, classes)``."""
        hidden = np.maximum(x @ self.weights[0] + self.biases[0], 0.0)
        return softmax(hidden @ self.weights[1] + self.biases[1], axis=1)


@dataclass(frozen=True)
class Quality:
    """What images are judged by: real ones, and a classifier of them.

    Attributes
    ----------
    images : Images
        The collection.
    classifier : Classifier
        Trained on the training images.
    accuracy : float
        Its share of right answers on held-out images.
    near : float
        Distance below which an image is a near copy of a training image.
    bandwidth, floor : float
        Of the kernel of the discrepancy, and the root mean square of that between real images.
    most : int
        Test images, and samples, of the Parzen windows; nearest images are looked for of a fifth.
    """

    images: Images
    classifier: Classifier
    accuracy: float
    near: float
    bandwidth: float
    floor: float
    most: int

    @classmethod
    def of(
        cls, images: Images, seed: int, most: int = 10_000, rounding: int | None = None
    ) -> "Quality":
        """Train the classifier, and measure held-out images as if they were samples.

        Parameters
        ----------
        images
            The collection.
        seed
            Of the whole run.
        most
            Test images, and samples, of the Parzen windows: 10,000 in the literature.
        rounding
            If given, the seed by which its weights are moved; see `autoscore.train.rounding`.
        """
        classifier = Classifier.fit(images.train, images.labels["train"], seed)
        if rounding is not None:
            classifier = classifier.moved(generator(rounding, "rounding", "images", "classifier"))
        right = classifier(images.held_out).argmax(1) == images.labels["held_out"]
        distances, _ = nearest_points(images.held_out[: max(1000, most // 2)], images.train)
        bandwidth = median_distance(images.held_out.astype(float), MMD)
        rng = generator(seed, "images", "floor")
        size = min(MMD, len(images.held_out))
        rounds = [
            squared_mmd(
                images.train[rng.choice(len(images.train), size, replace=False)],
                images.held_out[rng.choice(len(images.held_out), size, replace=False)],
                bandwidth,
            )
            for _ in range(REPEATS)
        ]
        near = float(np.quantile(distances, COPY))
        floor = float(np.sqrt(np.mean(np.square(rounds))))
        return cls(images, classifier, float(right.mean()), near, bandwidth, floor, most)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all but the images, to be stored."""
        numbers = [self.accuracy, self.near, self.bandwidth, self.floor, self.most]
        parts = {"numbers": np.array(numbers)}
        for name in ("weights", "biases"):
            hidden, output = getattr(self.classifier, name)
            parts |= {f"hidden_{name}": hidden, f"output_{name}": output}
        return parts

    @classmethod
    def restored(cls, images: Images, arrays: dict[str, np.ndarray]) -> "Quality":
        """Return the quality of whom `arrays` were stored."""
        weights, biases = (
            (arrays[f"hidden_{name}"], arrays[f"output_{name}"]) for name in ("weights", "biases")
        )
        *numbers, most = arrays["numbers"].tolist()
        return cls(images, Classifier(weights, biases), *numbers, int(most))

    @cached_property
    def prepared(self) -> Prepared:
        """The training images, for looking near ones up."""
        return Prepared(self.images.train)

    @property
    def tuned(self) -> int:
        """Validation images by which the Parzen windows' bandwidth is chosen."""
        return min(TUNED, len(self.images.validation) // 2)

    def row(self, samples: np.ndarray, chains: int = 0) -> dict:
        """Return the measures of samples.

        Parameters
        ----------
        samples
            Shape ``(n, d)``.
        chains
            Number of chains that drew them, each its share one after another; 0 if they are
            independent.

        Returns
        -------
        dict
            n; parzen with parzen_error and parzen_bandwidth (`parzen_estimate`, of at most `most`
            samples); nearest, the median distance to a training image, and copies, the share that
            is nearer than 1 % of held-out images are; classes, the number with at least 1 % of the
            samples, balance (the entropy of the classes over its maximum), confidence (the mean
            probability of the likeliest class, by a classifier of this accuracy) with
            confidence_error (its standard error) and switching (the
            share of a chain's steps from one draw to the next that change the class); mmd2 against
            held-out images.
        """
        images, samples = self.images, samples.astype(np.float32)
        parzen = parzen_estimate(
            samples[: self.most], images.validation[: self.tuned], images.held_out[: self.most]
        )
        # every sampler's samples in their own order: of chains, some of each
        fewer = min(max(MMD, self.most // 5), len(samples))
        some = samples[np.linspace(0, len(samples) - 1, fewer).astype(int)]
        distances, _ = nearest_points(some, self.prepared)
        probabilities = self.classifier(samples)
        found = probabilities.argmax(1)
        shares = np.bincount(found, minlength=probabilities.shape[1]) / len(found)
        rng = generator(0, "images", "mmd")
        size = min(MMD, len(images.held_out))
        real = images.held_out[rng.choice(len(images.held_out), size, replace=False)]
        row = {
            "n": len(samples),
            "parzen": parzen.log_likelihood,
            "parzen_error": parzen.standard_error,
            "parzen_bandwidth": parzen.bandwidth,
            "nearest": float(np.median(distances)),
            "copies": float((distances < self.near).mean()),
            "classes": int((shares >= 0.01).sum()),
            "balance": float(entr(shares).sum() / np.log(len(shares))),
            "accuracy": self.accuracy,
            "confidence": float(probabilities.max(1).mean()),
            "confidence_error": float(probabilities.max(1).std() / np.sqrt(len(samples))),
            "mmd2": squared_mmd(some[:MMD], real, self.bandwidth),
            "mmd2_floor": self.floor,
        }
        if chains:
            path = found.reshape(chains, -1)
            row["switching"] = float((path[:, 1:] != path[:, :-1]).mean())
        return row

    def reference_rows(self) -> list[dict]:
        """Return the same of real images and of a Gaussian, and published values, as rows.

        The Gaussian has the mean and covariance of the training images: what it scores, it owes to
        no more than these.
        """
        drawn = self.images.linear.sample(self.most, generator(0, "images", "Gaussian"))
        rows = [
            {"source": source, "model": name} | self.row(x[: self.most])
            for source, name, x in (
                ("real images", "training images", self.images.train),
                ("real images", "held-out images", self.images.validation[self.tuned :]),
                ("covariance alone", "Gaussian", drawn),
            )
        ]
        if self.images.shape != (28, 28):  # they are of MNIST
            return rows
        return rows + [
            {"source": "published", "model": name, "parzen": value, "parzen_error": error}
            for name, (value, error) in PUBLISHED.items()
        ]
