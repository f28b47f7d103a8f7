"""What the auto-encoders of images have learned, where no density is known to compare with."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter, shift

from autoscore.fields import Field, symmetric_share
from autoscore.images.data import Images
from autoscore.images.distances import Prepared, empirical_optimum
from autoscore.images.fields import FieldAt, fields_at
from autoscore.numerics.streams import generator
from autoscore.optimum.linear import LinearField
from autoscore.train.stack import Stack

SLOPES = 4  # images at which dr/dx is taken apart
BLIND = 50  # images whose noise level is estimated from each alone
TRIED = 24  # noise levels at which a conditioned model is asked for that
PATHS = 120  # paths between images, and loops of three
NODES = 16  # on each
PICTURED = 4  # images whose tangents are stored
TANGENTS = 5  # of each
STEP = 0.05  # of the difference that stands for a derivative along a random direction

Stacks = Mapping[str, Stack]


class Measure:
    """All measures of the trained models of one collection of images.

    Parameters
    ----------
    images
        What they were trained on, and the held-out ones.
    stacks
        The models by name.
    sigmas
        Noise levels of the tables, shape ``(k,)``; each model is measured at those it knows.
    seed
        Of the whole run.
    most
        Held-out images that are denoised; of training images, and by the empirical optimum, which
        looks at all of these, it is a twentieth.
    """

    def __init__(
        self, images: Images, stacks: Stacks, sigmas: np.ndarray, seed: int, most: int = 10_000
    ) -> None:
        self.images, self.stacks, self.sigmas, self.seed = images, stacks, sigmas, seed
        self.most, self.fewer = most, most // 20
        self.fields = {name: fields_at(stack, images.linear) for name, stack in stacks.items()}

    def _known(self) -> Iterator[tuple[str, float, Field]]:
        for name, stack in self.stacks.items():
            for sigma in stack.known(self.sigmas):
                yield name, float(sigma), self.fields[name](float(sigma))

    def _compared(self) -> Iterator[tuple[str, float, Field]]:
        """Yield the same after the linear optimum, whose ``model`` is ``linear``."""
        for sigma in map(float, self.sigmas):
            yield "linear", sigma, LinearField(self.images.linear, sigma)
        yield from self._known()

    def _noise(self, shape: tuple[int, ...], what: str) -> np.ndarray:
        """Return standard normal noise, the same at every level."""
        return generator(self.seed, "images", what).standard_normal(shape, np.float32)

    def _noisy(self, x: np.ndarray, sigma: float, what: str) -> np.ndarray:
        """Return x under noise that is the same at every level, but for its size."""
        return x + np.float32(sigma) * self._noise(x.shape, what)

    # --- denoising ------------------------------------------------------------

    def denoising(self) -> pd.DataFrame:
        """Return E|r(x + e) - x|^2, summed over pixels, of every model and of what to expect.

        ``identity`` leaves the noise, ``linear`` is the Wiener filter, ``empirical`` the softmax
        mean over all training images: the best if they were the truth, so the best on themselves
        (split ``train``), and wrong on others.

        Returns
        -------
        pandas.DataFrame
            Columns model, split, sigma, error, standard_error (over images), n, and over_linear,
            the error over the linear optimum's.
        """
        linear, train, rows = self.images.linear, Prepared(self.images.train), []
        for split, x in (("held_out", self.images.held_out), ("train", self.images.train)):
            few = x[: self.fewer]
            x = x[: self.most] if split == "held_out" else few
            noise = self._noise(x.shape, split)
            for model, sigma, field in self._known():
                r = field(x + np.float32(sigma) * noise)
                rows.append(_error_row(model, split, sigma, ((r - x) ** 2).sum(1)))
            filtered = linear.error(x, self.sigmas)
            for sigma, linear_errors in zip(map(float, self.sigmas), filtered, strict=True):
                y = few + np.float32(sigma) * noise[: self.fewer]
                # shares of the softmax are formed about the mean, in single precision
                best = empirical_optimum(y, train, sigma)
                parts = {
                    "identity": ((y - few) ** 2).sum(1),
                    "linear": linear_errors,
                    "empirical": ((best - few) ** 2).sum(1),
                }
                rows += [_error_row(name, split, sigma, part) for name, part in parts.items()]
        table = pd.DataFrame(rows)
        base = table[table["model"] == "linear"].set_index(["split", "sigma"])["error"]
        over = base.loc[list(zip(table["split"], table["sigma"], strict=True))].to_numpy()
        return table.assign(over_linear=table["error"] / over)

    # --- the Jacobian ---------------------------------------------------------

    def spectra(self) -> pd.DataFrame:
        """Return the eigenvalues of the symmetric part of dr/dx at noisy held-out images (C5).

        Returns
        -------
        pandas.DataFrame
            Columns model, sigma, symmetry, symmetry_beside_identity, trace, kept (eigenvalues
            above 1/2) with kept_error (standard error over images) and, from the largest,
            eigenvalue_1 and so on; means over images. The model ``linear`` is the linear optimum.
        """
        rows = []
        for model, sigma, field in self._compared():
            noisy = self._noisy(self.images.held_out[:SLOPES], sigma, "slopes")
            slopes = field.jacobian(noisy).astype(np.float32)  # no more came out of the network
            values = np.linalg.eigvalsh(0.5 * (slopes + np.swapaxes(slopes, 1, 2)))[:, ::-1]
            kept = _mean((values > 0.5).sum(1))
            row = {"model": model, "sigma": sigma, "trace": values.sum(1).mean()}
            row |= {"kept": kept["mean"], "kept_error": kept["standard_error"]}
            row["symmetry"] = symmetric_share(slopes).mean()
            beside = slopes - np.eye(field.dim, dtype=np.float32)
            row["symmetry_beside_identity"] = symmetric_share(beside).mean()
            row |= {f"eigenvalue_{k + 1}": value for k, value in enumerate(values.mean(0))}
            rows.append(row)
        return pd.DataFrame(rows)

    def tangents(self, sigma: float) -> dict[str, np.ndarray]:
        """Return, of each model that knows sigma, the directions that dr/dx keeps best.

        Returns
        -------
        dict
            ``images`` and ``noisy`` of shape ``(n, d)``; by each model's name its reconstructions,
            ``(n, d)``, as ``<model>_means``, and its directions, ``(n, k, d)``.
        """
        x = self.images.held_out[:PICTURED]
        y = self._noisy(x, sigma, "tangents")
        found = {"images": x, "noisy": y, "sigma": np.array(sigma)}
        for name, stack in self.stacks.items():
            if len(stack.known([sigma])):
                field = self.fields[name](sigma)
                slopes = field.jacobian(y).astype(np.float32)
                _, vectors = np.linalg.eigh(0.5 * (slopes + np.swapaxes(slopes, 1, 2)))
                found[f"{name}_means"] = field(y)
                found[name] = np.swapaxes(vectors[:, :, ::-1][:, :, :TANGENTS], 1, 2)
        return found

    # --- the noise level (C3) -------------------------------------------------

    def noise_levels(self) -> pd.DataFrame:
        """Return estimates of sigma from noisy held-out images, as if it were not known (C3).

        By Stein's identity E|r(y) - y|^2 = sigma^2 (d - E tr dr/dy), see
        `autoscore.geometry.reconstruction`. A separate auto-encoder is asked at its own level, for
        all images together (``seen`` is ``all``); a conditioned one, for each image alone, at which
        of its levels the two sides agree (``one``).

        Returns
        -------
        pandas.DataFrame
            Columns model, seen, sigma, estimate, for ``one`` the image, and the ratio of the
            estimate to sigma.
        """
        rows = []
        rng = generator(self.seed, "images", "probes")
        for name, stack in self.stacks.items():
            for sigma in map(float, stack.known(self.sigmas)):
                alone = not stack.separate
                x = self.images.held_out[: BLIND if alone else self.fewer]
                y = self._noisy(x, sigma, "blind")
                labels = {"model": name, "sigma": sigma, "seen": "one" if alone else "all"}
                if not alone:
                    move, shrinking = _sides(self.fields[name](sigma), y, rng)
                    estimate = np.sqrt(move.sum() / shrinking.sum())
                    rows.append(labels | {"estimate": float(estimate)})
                    continue
                levels = np.geomspace(stack.low, stack.high, TRIED)
                found = agreeing_level(self.fields[name], levels, y, rng)
                rows += [labels | {"image": k, "estimate": v} for k, v in enumerate(found)]
        table = pd.DataFrame(rows)
        return table.assign(ratio=table["estimate"] / table["sigma"])

    # --- energy ---------------------------------------------------------------

    def energies(self) -> pd.DataFrame:
        """Return differences of energy along paths, and around loops, of the learned score alone.

        Both ends of a path carry the same noise e, so that all of it has the noise level that the
        field was trained on. ``loop``: three images and back to the first, over the mean absolute
        difference of a side, 0 for a gradient. Others: what an image is turned into, less the
        image itself, E = -log p_sigma in nats.

        Returns
        -------
        pandas.DataFrame
            Columns model, sigma, path, mean, standard_error, share, how many of the differences
            are above 0 (of loops, the mean size), and share_error. The model ``linear`` is the
            linear optimum.
        """
        paths = min(PATHS, len(self.images.held_out) // 3)
        x = self.images.held_out[: 3 * paths]
        changed = self._changed(x[:paths])
        noise = generator(self.seed, "images", "paths").standard_normal(x.shape)
        rows = []
        for model, sigma, field in self._compared():
            y = x + sigma * noise
            corners = np.split(y, 3)

            def rise(a: np.ndarray, b: np.ndarray, field: Field = field) -> np.ndarray:
                return -field.log_ratio(a, b, NODES)

            sides = [rise(corners[k], corners[(k + 1) % 3]) for k in range(3)]
            loop = np.abs(sum(sides)) / np.mean(np.abs(sides), axis=0)
            labels = {"model": model, "sigma": sigma}
            rows.append(labels | {"path": "loop", "share": loop.mean()} | _mean(loop))
            for path, other in changed.items():
                found = rise(corners[0], other + sigma * noise[:paths])
                rows.append(labels | {"path": path} | _share(found > 0) | _mean(found))
        return pd.DataFrame(rows)

    def _changed(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """Return what images are turned into, each of the shape of x, ``(n, d)``."""
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


def _error_row(model: str, split: str, sigma: float, errors: np.ndarray) -> dict:
    row = {"model": model, "split": split, "sigma": sigma, "error": float(errors.mean())}
    return row | {"standard_error": float(errors.std() / np.sqrt(len(errors))), "n": len(errors)}


def _mean(values: np.ndarray) -> dict[str, float]:
    error = values.std(ddof=1) / np.sqrt(len(values))
    return {"mean": values.mean(), "standard_error": error}


def _share(hits: np.ndarray) -> dict[str, float]:
    """Return a share and its standard error, which is above 0 for all or none (Agresti 1998)."""
    n = len(hits) + 4
    likely = (hits.sum() + 2) / n
    return {"share": hits.mean(), "share_error": np.sqrt(likely * (1 - likely) / n)}


def _sides(field: Field, y: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return |r(y) - y|^2 and d - tr dr/dy, both ``(n,)``, the trace by one random direction each.

    E v.(dr/dy) v over random signs v is the trace (Hutchinson 1990); the derivative is a central
    difference over 2 `STEP` sigma.
    """
    v = rng.choice([-1.0, 1.0], size=y.shape)
    step = STEP * field.sigma
    along = (field(y + step * v) - field(y - step * v)) / (2 * step)
    return (field.move(y) ** 2).sum(1), field.dim - (v * along).sum(1)


def agreeing_level(
    field_at: FieldAt, levels: np.ndarray, y: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return, for each y, the noise level at which |r(y) - y|^2 = sigma^2 (d - tr dr/dy).

    Parameters
    ----------
    field_at
        Gives the field of a noise level.
    levels
        Increasing levels that are tried; between two of them the logarithms are interpolated.
    y
        Noisy points, shape ``(n, d)``.
    rng
        Draws the directions in which the trace is estimated.

    Returns
    -------
    numpy.ndarray
        Shape ``(n,)``; the first or last level where both sides agree at none.
    """
    gaps = []
    for level in map(float, levels):
        move, shrinking = _sides(field_at(level), y, rng)
        gaps.append(np.log(np.maximum(move, 1e-12)) - np.log(np.maximum(shrinking, 1e-12)))
    gap = np.array(gaps) - 2 * np.log(levels)[:, None]  # falls through 0 at the level
    below = gap < 0
    after = np.where(below.any(0), below.argmax(0), len(levels) - 1)
    before, each = np.maximum(after - 1, 0), np.arange(gap.shape[1])
    fall = gap[before, each] - gap[after, each]
    share = np.where(fall > 0, gap[before, each] / np.where(fall > 0, fall, 1.0), 0.0)
    low, high = np.log(levels[before]), np.log(levels[after])
    return np.exp(low + np.clip(share, 0.0, 1.0) * (high - low))
