"""What image models have learned, without a known density to compare with."""

from collections.abc import Iterator
from functools import lru_cache, partial

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter, shift

from autoscore.fields import Field, FieldAt, symmetric_share
from autoscore.images.data import Images
from autoscore.images.distances import Prepared, kernel_optima, likeliest_bandwidth
from autoscore.images.errors import mean_error, share_error
from autoscore.images.fields import fields_at
from autoscore.images.symmetry import PARTS
from autoscore.numerics.streams import generator
from autoscore.optimum.linear import LinearField
from autoscore.train.stack import Stack

SLOPES = 8  # images at which dr/dx is decomposed
TUNED = 500  # validation images that choose the bandwidth of the kernel density estimate
BLIND = 50  # images whose noise level is estimated one by one
TRIED = 24  # noise levels that such an estimate tries
PATHS = 60  # paths between images, and loops of three
NODES = 16  # on each
PICTURED = 4  # images whose tangents are stored
TANGENTS = 5  # of each
STEP = 0.05  # of central differences along random directions, in units of sigma


class Evaluation:
    """What trained models, by name, have learned from one collection of images.

    Each model is evaluated at those noise levels `sigmas` ``(k,)`` that it knows. At most `most`
    held-out images are denoised; denoising of training images takes a twentieth, and estimates that
    look at all training images half as many. `seed` is that of the whole run, and draws which
    held-out images stand for all where some do. In tables `n` is the number of images behind each
    standard error, and ``gaussian`` the linear optimum, the best for the Gaussian fitted to them.
    """

    def __init__(
        self, images: Images, stacks: dict[str, Stack], sigmas: np.ndarray, seed: int, most: int
    ) -> None:
        self.images, self.stacks, self.sigmas, self.seed = images, stacks, sigmas, seed
        self.most, self.fewer = most, most // 20
        self.fields = {name: fields_at(stack, images.linear) for name, stack in stacks.items()}
        drawn = generator(seed, "images", "held_out").permutation(len(images.held_out))
        self.held_out = images.held_out[drawn]

    def _known(self) -> Iterator[tuple[str, float, Field]]:
        for name, stack in self.stacks.items():
            for sigma in stack.known(self.sigmas):
                yield name, float(sigma), self.fields[name](float(sigma))

    def _compared(self) -> Iterator[tuple[str, float, Field]]:
        """Yield the linear optimum, and then the known fields."""
        for sigma in map(float, self.sigmas):
            yield "gaussian", sigma, LinearField(self.images.linear, sigma)
        yield from self._known()

    def _noisy(self, x: np.ndarray, sigma: float, what: str) -> np.ndarray:
        """Return x under noise that is the same at every level, but for its size."""
        return x + np.float32(sigma) * self._noise(self.seed, what, x.shape)

    @staticmethod
    @lru_cache(maxsize=2)  # of all splits: every model and level has the same
    def _noise(seed: int, what: str, shape: tuple[int, int]) -> np.ndarray:
        return generator(seed, "images", what).standard_normal(shape, np.float32)

    def denoising(self) -> pd.DataFrame:
        """Return E|r(x + e) - x|^2, summed over pixels, of every model and of baselines.

        ``identity`` keeps the noise, ``gaussian`` is the Wiener filter, ``empirical`` the softmax
        mean over all training images: it would be the best if they were the truth, so it is the
        best on themselves (split ``train``) and poor on others. ``kde`` is the best for the kernel
        density estimate that is likeliest on validation images. ``standard_error`` is over images,
        ``over_linear`` the error over the linear optimum's.
        """
        train, rows = Prepared(self.images.train), []
        bandwidth = likeliest_bandwidth(self.images.train, self.images.validation[:TUNED])
        splits = {"held_out": self.held_out[: self.most]}
        splits["train"] = self.images.train[: self.fewer]
        for split, x in splits.items():
            filtered = self.images.linear.error(x, self.sigmas)
            linear = dict(zip(map(float, self.sigmas), filtered, strict=True))
            errors = [
                (model, sigma, ((field(self._noisy(x, sigma, split)) - x) ** 2).sum(1))
                for model, sigma, field in self._known()
            ]
            few = x[: self.fewer // 2]
            for sigma, linear_errors in linear.items():
                y = self._noisy(few, sigma, split)
                errors.append(("identity", sigma, ((y - few) ** 2).sum(1)))
                errors.append(("gaussian", sigma, linear_errors))
                best = kernel_optima(y, train, sigma, (0.0, bandwidth))
                for name, found in zip(("empirical", "kde"), best, strict=True):
                    errors.append((name, sigma, ((found - few) ** 2).sum(1)))
            rows += [
                {
                    "model": model,
                    "split": split,
                    "sigma": sigma,
                    "error": float(found.mean()),
                    "standard_error": float(found.std() / np.sqrt(len(found))),
                    "n": len(found),
                    "over_linear": float(found.mean()) / linear[sigma].mean(),
                }
                for model, sigma, found in errors
            ]
        return pd.DataFrame(rows)

    def spectra(self) -> pd.DataFrame:
        """Return the eigenvalues of the symmetric part of dr/dx at noisy held-out images (C5).

        All columns are means over `n` images: the trace, ``kept``, the number of eigenvalues above
        1/2, the symmetry of dr/dx, and that without the trace, each with its standard error
        ``..._error``, and ``eigenvalue_1``, the largest, and so on.
        """
        rows = []
        for model, sigma, field in self._compared():
            noisy = self._noisy(self.held_out[:SLOPES], sigma, "slopes")
            # the Gaussian's dr/dx is the same everywhere
            slopes, symmetric = _slopes(field, noisy[:1] if model == "gaussian" else noisy)
            values = np.linalg.eigvalsh(symmetric)[:, ::-1]
            measured = {"trace": values.sum(1), "kept": (values > 0.5).sum(1)}
            measured |= {
                name: symmetric_share(slopes, traceless=part) for name, part in PARTS.items()
            }
            row = {"model": model, "sigma": sigma, "n": len(noisy)}
            for name, found in measured.items():
                row |= {name: found.mean(), f"{name}_error": mean_error(found)}
            rows.append(row | {f"eigenvalue_{k + 1}": v for k, v in enumerate(values.mean(0))})
        return pd.DataFrame(rows)

    def tangents(self, sigma: float) -> dict[str, np.ndarray]:
        """Return the directions that dr/dx keeps best, for each model that knows sigma.

        The arrays are ``images`` and ``noisy``, ``(n, d)``, ``sigma``, and for each model
        ``<model>_means``, its reconstructions ``(n, d)``, and ``<model>``, the directions
        ``(n, k, d)``.
        """
        x = self.images.held_out[:PICTURED]
        y = self._noisy(x, sigma, "tangents")
        found = {"images": x, "noisy": y, "sigma": np.array(sigma)}
        for name, stack in self.stacks.items():
            if len(stack.known([sigma])):
                field = self.fields[name](sigma)
                _, vectors = np.linalg.eigh(_slopes(field, y)[1])
                found[f"{name}_means"] = field(y)
                found[name] = np.swapaxes(vectors[:, :, ::-1][:, :, :TANGENTS], 1, 2)
        return found

    def noise_levels(self) -> pd.DataFrame:
        """Return estimates of sigma from noisy held-out images, as if it were unknown (C3).

        By Stein's identity E|r(y) - y|^2 = sigma^2 (d - E tr dr/dy), see
        `autoscore.geometry.reconstruction`. A separate auto-encoder estimates its own level from
        all images together (``seen`` is ``all``); a conditioned one finds, for each ``image``
        alone, the level at which the two sides agree (``one``). The Gaussian does both. ``ratio``
        is estimate / sigma, ``standard_error`` that of the ratio over the `n` images that it rests
        on.
        """
        rows, wiener = [], partial(LinearField, self.images.linear)
        for name, stack in self.stacks.items():
            for sigma in map(float, stack.known(self.sigmas)):
                if stack.separate:
                    rows.append({"model": name} | self._of_all(self.fields[name], sigma))
                else:
                    ends = stack.low, stack.high
                    found = self._of_each(self.fields[name], sigma, ends)
                    rows += [{"model": name} | row for row in found]
        ends = 0.5 * self.sigmas[0], 2.0 * self.sigmas[-1]
        for sigma in map(float, self.sigmas):
            found = [self._of_all(wiener, sigma), *self._of_each(wiener, sigma, ends)]
            rows += [{"model": "gaussian"} | row for row in found]
        table = pd.DataFrame(rows)
        return table.assign(ratio=table["estimate"] / table["sigma"])

    def _of_all(self, field_at: FieldAt, sigma: float) -> dict:
        """Return the noise level estimated from all images together, of which sigma is the true."""
        y = self._noisy(self.held_out[: self.fewer], sigma, "blind")
        move, shrinking = _stein(field_at(sigma), y, generator(self.seed, "images", "probes"))
        ratio = np.sqrt(move.sum() / shrinking.sum()) / sigma
        # the ratio's change with each image, to first order
        change = 0.5 * ratio * (move / move.mean() - shrinking / shrinking.mean())
        labels = {"sigma": sigma, "seen": "all", "n": len(y), "estimate": float(ratio * sigma)}
        return labels | {"standard_error": mean_error(change)}

    def _of_each(
        self, field_at: FieldAt, sigma: float, ends: tuple[float, float]
    ) -> Iterator[dict]:
        """Yield the noise level of each image alone, between both `ends`."""
        y = self._noisy(self.held_out[:BLIND], sigma, "blind")
        levels, rng = np.geomspace(*ends, TRIED), generator(self.seed, "images", "probes")
        for k, found in enumerate(agreeing_level(field_at, levels, y, rng)):
            yield {"sigma": sigma, "seen": "one", "n": 1, "image": k, "estimate": found}

    def energies(self) -> pd.DataFrame:
        """Return differences of E = -log p_sigma in nats, integrated from the score along paths.

        Both ends of a path carry the same noise, so that all of it has the noise level of the
        field. The path ``loop`` visits three images and returns: its values are over the mean
        absolute difference of a side, 0 for a gradient field, and ``share`` is their mean. Other
        paths lead from an image to what it is changed into, and ``share`` is the share of positive
        differences, with ``share_error``. Every row has `n` paths.
        """
        paths = min(PATHS, len(self.held_out) // 3)
        x = self.held_out[: 3 * paths]
        changed = self._changed(x[:paths])
        noise = generator(self.seed, "images", "paths").standard_normal(x.shape)
        rows = []
        for model, sigma, field in self._compared():
            labels = {"model": model, "sigma": sigma, "n": paths}
            one, two, three = np.split(x + sigma * noise, 3)
            sides = [
                -field.log_ratio(start, end, NODES)
                for start, end in ((one, two), (two, three), (three, one))
            ]
            loop = np.abs(sum(sides)) / np.mean(np.abs(sides), axis=0)
            share = {"share": loop.mean(), "share_error": mean_error(loop)}
            rows.append(labels | {"path": "loop"} | share | _mean(loop))
            for path, other in changed.items():
                rise = -field.log_ratio(one, other + sigma * noise[:paths], NODES)
                share = {"share": (rise > 0).mean(), "share_error": share_error(rise > 0)}
                rows.append(labels | {"path": path} | share | _mean(rise))
        return pd.DataFrame(rows)

    def _changed(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """Return what images x ``(n, d)`` are changed into, each of the same shape."""
        pictures = x.reshape(-1, *self.images.shape)
        rng, pixel = generator(self.seed, "images", "changed"), self.images.shape[0] / 28.0
        gaussian = self.images.linear.sample(len(x), rng)
        blurred = gaussian_filter(pictures, (0, 1.5 * pixel, 1.5 * pixel))
        return {
            "another image": np.roll(x, 1, axis=0),
            "shifted": shift(pictures, (0, 0, 3 * pixel), order=1).reshape(x.shape),
            "blurred": blurred.reshape(x.shape),
            "Gaussian": gaussian,
            "pixels shuffled": x[:, rng.permutation(x.shape[1])],
            "inverted": 1.0 - x,
        }


def _slopes(field: Field, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return dr/dx and its symmetric part, in single precision: networks have no more."""
    slopes = field.jacobian(x).astype(np.float32)
    return slopes, 0.5 * (slopes + np.swapaxes(slopes, 1, 2))


def _mean(values: np.ndarray) -> dict[str, float]:
    return {"mean": values.mean(), "standard_error": mean_error(values)}


def _stein(field: Field, y: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return |r(y) - y|^2 and d - tr dr/dy, ``(n,)``, by one direction each (Hutchinson 1990)."""
    v = rng.choice([-1.0, 1.0], size=y.shape)
    step = STEP * field.sigma
    along = (field(y + step * v) - field(y - step * v)) / (2 * step)
    return (field.move(y) ** 2).sum(1), field.dim - (v * along).sum(1)


def agreeing_level(
    field_at: FieldAt, levels: np.ndarray, y: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return, for each noisy y, the noise level at which |r(y) - y|^2 = sigma^2 (d - tr dr/dy).

    Logarithms are interpolated between the increasing `levels`. The result, ``(n,)``, is the first
    or last level where both sides agree at none. `rng` draws the directions that estimate traces.
    """
    gaps = []
    for level in map(float, levels):
        move, shrinking = _stein(field_at(level), y, rng)
        gaps.append(np.log(np.maximum(move, 1e-12)) - np.log(np.maximum(shrinking, 1e-12)))
    gap = np.array(gaps) - 2 * np.log(levels)[:, None]  # falls through 0 at the level
    below = gap < 0
    after = np.where(below.any(0), below.argmax(0), len(levels) - 1)
    before, each = np.maximum(after - 1, 0), np.arange(gap.shape[1])
    fall = gap[before, each] - gap[after, each]
    share = np.where(fall > 0, gap[before, each] / np.where(fall > 0, fall, 1.0), 0.0)
    low, high = np.log(levels[before]), np.log(levels[after])
    return np.exp(low + np.clip(share, 0.0, 1.0) * (high - low))
