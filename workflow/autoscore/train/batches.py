"""What a stack of auto-encoders is shown: the density itself, or a finite sample of it.

All noise levels of one seed see the same points under the same standard normal
noise (common random numbers): levels are then compared without extra variance,
and a member trained alone sees exactly what it sees in company.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.special import ndtri

from autoscore.densities.base import Density
from autoscore.numerics.sobol import SobolSequence, neighbourly_order
from autoscore.optimum.dae import DenoisingOptimum

NODES_A_PANEL = 16
INTEGRAL = 1e-6  # by which the integral of a density over its nodes may differ from 1
NEGLIGIBLE = 1e-12  # of its maximum: where a density is not looked at
NOISES = ("sobol", "fresh", "fixed", "rare_large", "walkback")
RARE, LARGE = 0.05, 10.0  # this part of the points gets noise this much larger (authors' code)
WALK, LONGEST = 0.5, 4  # chance of another step of a walkback, and the most steps there are

Reconstruct = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Batch:
    """Inputs and targets for m members.

    Attributes
    ----------
    inputs, targets
        Shape ``(m, n, d)``: what is reconstructed, and the clean points.
    sigma
        Noise level of each input, ``(m, n)`` or ``(m, 1)``.
    weights
        Shape ``(m, n)``, each row summing to 1; None for equal weights.
    spread
        Shape ``(m, n)``: what the loss would hold besides, if the target was the mean of many;
        None for 0.
    """

    inputs: torch.Tensor
    targets: torch.Tensor
    sigma: torch.Tensor
    weights: torch.Tensor | None = None
    spread: torch.Tensor | None = None

    def mean(self, values: torch.Tensor) -> torch.Tensor:
        """Return the (weighted) mean of `values`, shape ``(m, n)``, over the points."""
        return values.mean(1) if self.weights is None else (self.weights * values).sum(1)

    def take(self, members: list[int]) -> "Batch":
        """Return what these members alone are shown."""
        return self._each(lambda tensor: tensor[members])

    def split(self, parts: int) -> list["Batch"]:
        """Return as many batches with every `parts`-th point each; their losses are as noisy."""

        def every(tensor: torch.Tensor | None, start: int) -> torch.Tensor | None:
            if tensor is None or tensor.shape[1] == 1:
                return tensor
            return tensor[:, start::parts]

        def part(start: int) -> "Batch":
            names = ("inputs", "targets", "sigma", "weights", "spread")
            found = {name: every(getattr(self, name), start) for name in names}
            if self.weights is not None:
                found["weights"] = found["weights"] / found["weights"].sum(1, keepdim=True)
            return Batch(**found)

        return [part(start) for start in range(min(parts, self.inputs.shape[1]))]

    def inward(self, shift: np.ndarray, scale: np.ndarray) -> "Batch":
        """Return the batch in the members' own coordinates, see `Stack`."""
        shift, scale = torch.as_tensor(shift)[:, None], torch.as_tensor(scale)[:, None]
        return replace(
            self,
            inputs=(self.inputs - shift) / scale[..., None],
            targets=(self.targets - shift) / scale[..., None],
            sigma=self.sigma / scale,
            spread=None if self.spread is None else self.spread / scale**2,
        )

    def to(self, device: torch.device | str) -> "Batch":
        """Return the batch on a device."""
        return self._each(lambda tensor: tensor.to(device))

    def _each(self, change: Callable[[torch.Tensor], torch.Tensor]) -> "Batch":
        """Return the batch with all of its tensors changed."""
        names = ("inputs", "targets", "sigma", "weights", "spread")
        parts = {name: getattr(self, name) for name in names}
        return Batch(**{k: None if part is None else change(part) for k, part in parts.items()})

    def spread_loss(self) -> torch.Tensor | float:
        """Return the constant that the loss holds besides, shape ``(m,)``, in units of sigma^2."""
        return 0.0 if self.spread is None else self.mean(self.spread / self.sigma**2)


def quadrature_batch(density: Density, objective: str, sigmas: np.ndarray, nodes: int) -> Batch:
    """Return the one batch that stands for a one-dimensional density itself.

    Contractive: nodes x and weights of p. Denoising: the expectation over x given y = x + e is
    taken first, E|r(y) - x|^2 = |r(y) - E[x|y]|^2 + Var[x|y], which leaves nodes y and weights
    of p_sigma. No random number is left, only optimisation.

    Parameters
    ----------
    density
        Target with d = 1 (or bare points, where the contractive loss lives on the points).
    objective
        ``"dae"`` or ``"rcae"``.
    sigmas
        Noise level of each member, shape ``(m,)``.
    nodes
        Number of Gauss-Legendre nodes over the density's support, rounded up to whole panels;
        another number where these do not resolve it.
    """
    panels = -(-nodes // NODES_A_PANEL)
    rows = []
    for sigma in np.unique(sigmas):
        if objective == "rcae":
            x, weights = density.quadrature(panels, within=INTEGRAL)
            rows.append((x, x, weights, np.zeros(len(x))))
            continue
        optimum = DenoisingOptimum(density, sigma)
        y, weights = optimum.smoothed.quadrature(panels, within=INTEGRAL, cut=NEGLIGIBLE)
        rows.append((y, optimum(y), weights, density.posterior_variance(y, sigma)))
    longest = max(len(row[0]) for row in rows)
    rows = [tuple(_padded(part, longest) for part in row) for row in rows]
    each = np.searchsorted(np.unique(sigmas), sigmas)
    inputs, targets, weights, spread = (
        torch.as_tensor(np.stack(part)[each]) for part in zip(*rows, strict=True)
    )
    return Batch(inputs, targets, torch.as_tensor(sigmas)[:, None], weights, spread)


def _padded(values: np.ndarray, length: int) -> np.ndarray:
    """Return a longer array: points repeat the last one, and weights end in zeros."""
    missing = length - len(values)
    if values.ndim == 1:
        return np.pad(values, (0, missing))
    return np.pad(values, ((0, missing), (0, 0)), mode="edge")


class SampleBatches:
    """Minibatches from finite samples under noise.

    Parameters
    ----------
    points
        Clean samples, shape ``(seeds, n, d)``: seed k trains on ``points[k]``.
    sizes
        How many of its points each member may use, shape ``(m,)``.
    seeds
        Index of each member's seed, shape ``(m,)``.
    sigmas
        Noise level of each member, ``(m,)``; or a range ``(low, high)`` from which a level is drawn
        log-uniformly for every sample.
    generators
        One generator a seed.
    noise
        ``"fresh"``: independent at every step, as are the points and the levels. ``"sobol"``: new
        at every step, too, but points, levels and noise are spread evenly together, over a step
        and over all steps, which leaves the loss as it is and takes most of the noise out of its
        gradient. ``"fixed"``: each point has one noisy copy, drawn once; ``"rare_large"``: fresh,
        ten times as large for one point in twenty; ``"walkback"``: the noisy point is reconstructed
        and corrupted again, and so on (Bengio et al. 2013, "Generalized denoising auto-encoders as
        generative models").
    corrupt
        Whether inputs are noisy (denoising) or clean (contractive).
    paired
        Whether every point is shown under e and -e, which cancels the noise of the gradient that
        grows as 1 / sigma. None is yes for noise from a sequence if a member knows one level, as it
        learns little of a small one otherwise; where levels are drawn from a range, as many points
        again are worth a little more.
    shift, scale
        The members' own coordinates, in which batches are handed out, see `Stack`; the points and
        the noise levels are in those of the user. By default they are the same.
    dtype, device
        Type of the tensors that are handed out, and where they lie. Numbers are drawn by the
        processor, the same on every device.

    Raises
    ------
    ValueError
        If the kind of noise is unknown, or noise is paired that is not new at every step.
    """

    def __init__(
        self,
        points: np.ndarray,
        sizes: np.ndarray,
        seeds: np.ndarray,
        sigmas: np.ndarray | tuple[float, float],
        generators: list[np.random.Generator],
        *,
        noise: str = "fresh",
        corrupt: bool = True,
        paired: bool | None = None,
        shift: np.ndarray | None = None,
        scale: np.ndarray | None = None,
        dtype: torch.dtype = torch.float64,
        device: torch.device | str = "cpu",
    ) -> None:
        if noise not in NOISES:
            raise ValueError(f"noise must be one of {', '.join(NOISES)}, not {noise!r}")
        if paired is None:
            paired = corrupt and noise == "sobol" and not isinstance(sigmas, tuple)
        elif paired and not (corrupt and noise in ("sobol", "fresh")):
            raise ValueError("only noise that is new at every step can be paired")
        self._points = points
        self._sizes = np.asarray(sizes)
        self._seeds = np.asarray(seeds)
        self._shift = np.zeros((len(seeds), points.shape[-1])) if shift is None else shift
        self._scale = np.ones(len(seeds)) if scale is None else scale
        self._range = sigmas if isinstance(sigmas, tuple) else None
        self._sigmas = None if self._range else np.asarray(sigmas, dtype=float)
        # those of seeds that have no member here are left alone
        present, self._streams = np.unique(self._seeds, return_inverse=True)
        self._generators = [generators[seed] for seed in present]
        self._corrupt, self._paired = corrupt, paired
        self._kind = noise if corrupt else None
        self._place = {"dtype": dtype, "device": device}
        self._fixed = None
        if noise == "fixed":
            self._fixed = np.stack(
                [rng.standard_normal(points.shape[1:]) for rng in self._generators]
            )
        self._sequences: list[SobolSequence] = []
        if noise == "sobol":
            dim = 1 + (self._range is not None) + corrupt * points.shape[-1]
            self._sequences = [SobolSequence(rng, dim) for rng in self._generators]
            self._orders = _neighbourly_orders(points, self._seeds, self._sizes)

    def state(self) -> list[str]:
        """Return where each generator and each sequence stands, as JSON."""
        drawn = [sequence.drawn for sequence in self._sequences] or [0] * len(self._generators)
        states = [rng.bit_generator.state for rng in self._generators]
        return [json.dumps(pair) for pair in zip(states, drawn, strict=True)]

    def go_on(self, state: list[str]) -> None:
        """Bring new batches to where others stood when they returned their `state`."""
        for k, (generator, drawn) in enumerate(map(json.loads, state)):
            self._generators[k].bit_generator.state = generator
            if self._sequences:
                self._sequences[k].skip(drawn)

    def draw(self, n: int, reconstruct: Reconstruct | None = None) -> Batch:
        """Return the next batch of n points a member, of n + 1 if n is odd and they are paired.

        Parameters
        ----------
        n
            Number of points.
        reconstruct
            Present reconstruction of points ``(m, n, d)`` at noise levels ``(m, n or 1)``, for
            walkback.
        """
        # one draw a seed, from which all its members are served
        draw = self._draw_even if self._sequences else self._draw_random
        place, level, normal = self._pairs(*draw((n + 1) // 2)) if self._paired else draw(n)
        chosen = np.floor(place * self._sizes[:, None]).astype(int)
        if self._sequences:
            chosen = np.stack([order[at] for order, at in zip(self._orders, chosen, strict=True)])
        clean = self._points[self._seeds[:, None], chosen] - self._shift[:, None]
        clean /= self._scale[:, None, None]
        sigma = self._sigmas[:, None] if level is None else self._level(level)
        sigma = sigma / self._scale[:, None]
        inputs = clean + self._noise(normal, chosen) * sigma[..., None] if self._corrupt else clean
        batch = Batch(*(torch.as_tensor(part, **self._place) for part in (inputs, clean, sigma)))
        if self._kind == "walkback" and reconstruct is not None:
            batch = replace(batch, inputs=self._walk_back(batch, reconstruct))
        return batch

    def _draw_random(self, n: int) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
        """Return what a batch is made of, the same for all members of a seed.

        Places among the points, ``(m, n)``, and among the levels, if there is a range of them, both
        in [0, 1), and standard normal numbers, ``(m, n, d)``, if they are needed.
        """
        place = self._draw_uniform(n)
        level = self._draw_uniform(n) if self._range else None
        fresh = self._corrupt and self._fixed is None
        return place, level, self._draw_normal((n, self._points.shape[-1])) if fresh else None

    def _draw_even(self, n: int) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
        """Return the same from the seeds' sequences."""
        even = np.stack([sequence.draw(n) for sequence in self._sequences])
        used = 1 + (self._range is not None)
        level = even[..., 1][self._streams] if self._range else None
        normal = ndtri(even[..., used:])[self._streams] if self._corrupt else None
        return even[..., 0][self._streams], level, normal

    @staticmethod
    def _pairs(
        place: np.ndarray, level: np.ndarray | None, normal: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
        """Return draws twice, the second time with noise of the other sign."""
        level = None if level is None else np.tile(level, 2)
        return np.tile(place, 2), level, np.concatenate([normal, -normal], 1)

    def _walk_back(self, batch: Batch, reconstruct: Reconstruct) -> torch.Tensor:
        """Return the inputs after as many more steps as each point happens to take."""
        inputs = batch.inputs
        chance = torch.as_tensor(self._draw_uniform(inputs.shape[1]), **self._place)
        for step in range(1, LONGEST):
            moved = reconstruct(inputs, batch.sigma)
            fresh = torch.as_tensor(self._draw_normal(inputs.shape[1:]), **self._place)
            moved = moved + fresh * batch.sigma[..., None]
            inputs = torch.where((chance < WALK**step)[..., None], moved, inputs)
        return inputs

    def _draw_uniform(self, n: int) -> np.ndarray:
        """Return uniform numbers, (m, n), the same for all members of a seed."""
        return np.stack([rng.random(n) for rng in self._generators])[self._streams]

    def _draw_normal(self, shape: tuple[int, int]) -> np.ndarray:
        """Return standard normal numbers, (m, n, d), the same for all members of a seed."""
        return np.stack([rng.standard_normal(shape) for rng in self._generators])[self._streams]

    def _level(self, place: np.ndarray) -> np.ndarray:
        """Return the noise levels at these places, from 0 to 1, of the range."""
        low, high = np.log(self._range)
        return np.exp(low + (high - low) * place)

    def _noise(self, normal: np.ndarray | None, chosen: np.ndarray) -> np.ndarray:
        """Return the noise of the chosen points, (m, n, d), in units of sigma."""
        if self._fixed is not None:
            return self._fixed[self._streams[:, None], chosen]
        if self._kind == "rare_large":
            large = self._draw_uniform(normal.shape[1]) < RARE
            return normal * np.where(large, LARGE, 1.0)[..., None]
        return normal


def _neighbourly_orders(
    points: np.ndarray, seeds: np.ndarray, sizes: np.ndarray
) -> list[np.ndarray]:
    """Return the order of each member's points in which neighbours follow one another."""
    pairs = list(zip(seeds.tolist(), sizes.tolist(), strict=True))
    found = {(k, n): neighbourly_order(points[k, : int(n)]) for k, n in set(pairs)}
    return [found[pair] for pair in pairs]
