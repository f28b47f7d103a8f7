"""What a stack of auto-encoders trains on: the density itself, or a finite sample of it.

All noise levels of one seed see the same points under the same standard normal noise (common random
numbers). Levels are then compared without extra variance, and a member trained alone sees exactly
what it sees beside others.
"""

import json
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, replace

import numpy as np
import torch
from scipy.special import ndtri
from torch import Tensor

from autoscore.densities.base import Density
from autoscore.numerics.sobol import SobolSequence, neighbourly_order
from autoscore.optimum.dae import DenoisingOptimum
from autoscore.train.products import affine

NODES_A_PANEL = 16
INTEGRAL = 1e-6  # by which the integral of a density over its nodes may differ from 1
NEGLIGIBLE = 1e-12  # share of its maximum below which a density is ignored
NOISES = ("sobol", "fresh", "fixed", "rare_large", "walkback")
RARE, LARGE = 0.05, 10.0  # this share of the points gets noise this much larger (authors' code)
WALK, LONGEST = 0.5, 4  # chance of another step of a walkback, and the largest number of steps

Reconstruct = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Batch:
    """Inputs and clean targets for m members.

    `sigma` is the noise level of each input, `weights` sum to 1 in each row (None for equal ones),
    and `spread` is the variance of clean points about a target that is their mean (None for 0).
    """

    inputs: Tensor  # (m, n, d)
    targets: Tensor  # (m, n, d)
    sigma: Tensor  # (m, n) or (m, 1)
    weights: Tensor | None = None  # (m, n)
    spread: Tensor | None = None  # (m, n)

    def mean(self, values: Tensor) -> Tensor:
        """Return the (weighted) mean of `values`, shape ``(m, n)``, over the points."""
        return values.mean(1) if self.weights is None else (self.weights * values).sum(1)

    def take(self, members: list[int]) -> "Batch":
        """Return the batch of these members alone."""
        return self._each(lambda tensor: tensor[members])

    def split(self, parts: int) -> list["Batch"]:
        """Split into `parts` interleaved batches, whose sizes differ by at most one point."""

        def part(start: int) -> "Batch":  # levels of members, (m, 1), are no points
            return self._each(lambda part: part[:, start::parts] if part.shape[1] > 1 else part)

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

    def _each(self, change: Callable[[Tensor], Tensor]) -> "Batch":
        tensors = (self.inputs, self.targets, self.sigma, self.weights, self.spread)
        return Batch(*(None if tensor is None else change(tensor) for tensor in tensors))

    def spread_loss(self) -> Tensor | float:
        """Return the part of the loss that is due to `spread`, ``(m,)``, in units of sigma^2."""
        return 0.0 if self.spread is None else self.mean(self.spread / self.sigma**2)


def quadrature_batch(density: Density, objective: str, sigmas: np.ndarray, nodes: int) -> Batch:
    """Return the one batch that stands for a one-dimensional density itself.

    Contractive (``"rcae"``): nodes x and weights of p. Denoising (``"dae"``): the expectation over
    x given y = x + e is taken first, E|r(y) - x|^2 = |r(y) - E[x|y]|^2 + Var[x|y], which leaves
    nodes y and weights of p_sigma. Nothing random is left, only optimisation.

    `density` may be degenerate (points), where the contractive loss lives on the points. `nodes` is
    the number of Gauss-Legendre nodes over its support, rounded up to whole panels, and raised
    where these do not resolve it. Each member has a noise level, ``(m,)``.
    """
    panels = -(-nodes // NODES_A_PANEL)
    levels, level_of_member = np.unique(sigmas, return_inverse=True)
    rows = []
    for sigma in levels:
        if objective == "rcae":
            x, weights = density.quadrature(panels, within=INTEGRAL)
            rows.append((x, x, weights, np.zeros(len(x))))
            continue
        optimum = DenoisingOptimum(density, sigma)
        y, weights = optimum.smoothed.quadrature(panels, within=INTEGRAL, cut=NEGLIGIBLE)
        rows.append((y, optimum(y), weights, density.posterior_variance(y, sigma)))
    longest = max(len(row[0]) for row in rows)
    inputs, targets, weights, spread = (
        torch.as_tensor(np.stack([_padded(part, longest) for part in parts])[level_of_member])
        for parts in zip(*rows, strict=True)
    )
    return Batch(inputs, targets, torch.as_tensor(sigmas)[:, None], weights, spread)


def _padded(values: np.ndarray, length: int) -> np.ndarray:
    """Return a longer array: points repeat the last one, and weights end in zeros."""
    missing = length - len(values)
    if values.ndim == 1:
        return np.pad(values, (0, missing))
    return np.pad(values, ((0, missing), (0, 0)), mode="edge")


def average_over_batch(batch: Batch) -> Batch:
    """Return the batch with E[x | y, the batch's clean points] for targets.

    Each point of the batch has become one noisy point y, all under Gaussian noise of the level of
    y: knowing y and the points, but not which of them it was, the clean one has this mean.
    The denoising loss keeps its minimum, since E[x | y] is the mean of such means, and its gradient
    loses most of its noise where points are close together (Rao-Blackwell; the stable target field
    of Xu, Tong and Jaakkola 2023). `spread` has the mean of the variance that the targets lose.
    """
    clean, precision = batch.targets, batch.sigma[..., None] ** -2
    half = 0.5 * (clean**2).sum(-1, keepdim=True)
    # (y x - |x|^2 / 2) / sigma^2 is one product
    noisy = torch.cat([batch.inputs * precision, -precision.expand_as(half)], dim=-1)
    near = torch.bmm(noisy, torch.cat([clean, half], dim=-1).transpose(1, 2))
    mean = affine(None, torch.softmax(near, dim=-1), clean)
    return replace(batch, targets=mean, spread=((clean - mean) ** 2).sum(-1))


@dataclass
class SampleBatches:
    """Minibatches from finite samples under noise.

    Seed k trains on ``points[k]``, of which each member may use the first ones, as many as its
    size. A range of noise levels stands for a level per sample, drawn log-uniformly.

    The noise is ``"fresh"``: independent points, levels and noise at every step. ``"sobol"``: also
    new at every step, but points, levels and noise are spread evenly together, over a step and over
    all steps, which leaves the expected loss as it is and removes most of the noise of its
    gradient. ``"fixed"``: each point has one noisy copy, drawn once. ``"rare_large"``: fresh, ten
    times as large for one point in twenty. ``"walkback"``: the noisy point is reconstructed and
    corrupted again, and so on (Bengio et al. 2013, "Generalized denoising auto-encoders as
    generative models").

    Pairs show every point under e and -e, which cancels the noise of the gradient that grows as
    1 / sigma; the noise must be new at every step. By default ``"sobol"`` noise is paired if
    members have one level: they learn little of a small one otherwise.

    Averaged targets are the posterior means of `average_over_batch`, for noise that is new at every
    step and Gaussian. By default the targets of ``"sobol"`` noise over a range are averaged unless
    it is paired.

    Numbers are drawn on the CPU, the same for all devices.
    """

    points: np.ndarray  # clean, (seeds, n, d)
    sizes: np.ndarray  # (m,)
    seeds: np.ndarray  # (m,), their indices
    sigmas: np.ndarray | tuple[float, float]  # (m,), or low, high
    generators: list[np.random.Generator]  # one per seed
    _: KW_ONLY
    noise: str = "fresh"
    corrupt: bool = True  # noisy inputs (denoising) or clean ones (contractive)
    paired: bool | None = None
    averaged: bool | None = None
    shift: np.ndarray | None = None  # members' coordinates, in which batches are returned (`Stack`)
    scale: np.ndarray | None = None
    dtype: torch.dtype = torch.float64
    device: torch.device | str = "cpu"

    def __post_init__(self) -> None:
        noise, corrupt, dim = self.noise, self.corrupt, self.points.shape[-1]
        ranged = isinstance(self.sigmas, tuple)
        if noise not in NOISES:
            raise ValueError(f"noise must be one of {', '.join(NOISES)}, not {noise!r}")
        if self.paired is None:
            self.paired = corrupt and noise == "sobol" and not ranged
        elif self.paired and not (corrupt and noise in ("sobol", "fresh")):
            raise ValueError("only noise that is new at every step can be paired")
        if self.averaged is None:
            self.averaged = corrupt and noise == "sobol" and not self.paired and ranged
        elif self.averaged and not (corrupt and noise in ("sobol", "fresh")):
            raise ValueError("only targets of noise that is new at every step can be averaged")
        self.sizes, self.seeds = np.asarray(self.sizes), np.asarray(self.seeds)
        if self.shift is None:
            self.shift, self.scale = np.zeros((len(self.seeds), dim)), np.ones(len(self.seeds))
        self._range = np.log(self.sigmas) if ranged else None
        # generators of seeds without a member here stay untouched
        present, self._stream = np.unique(self.seeds, return_inverse=True)
        self._present = [self.generators[seed] for seed in present]
        # members of one seed and size see the same points, which are chosen once
        members = np.column_stack([self._stream, self.sizes])
        pairs, self._pair = np.unique(members, axis=0, return_inverse=True)
        self._pair_stream, self._pair_size = pairs[:, 0].astype(int), pairs[:, 1]
        self._pair_seed = present[self._pair_stream]
        self._place = {"dtype": self.dtype, "device": self.device}
        if noise == "fixed":
            shape = self.points.shape[1:]
            self._fixed = np.stack([rng.standard_normal(shape) for rng in self._present])
        self._sequences: list[SobolSequence] = []
        if noise == "sobol":
            numbers = 1 + ranged + corrupt * dim
            self._sequences = [SobolSequence(rng, numbers) for rng in self._present]
            self._orders = [
                neighbourly_order(self.points[seed, : int(size)])
                for seed, size in zip(self._pair_seed, self._pair_size, strict=True)
            ]

    def state(self) -> list[str]:
        """Return the state of each generator and each sequence, as JSON."""
        drawn = [sequence.drawn for sequence in self._sequences] or [0] * len(self._present)
        states = [rng.bit_generator.state for rng in self._present]
        return [json.dumps(pair) for pair in zip(states, drawn, strict=True)]

    def restore(self, state: list[str]) -> None:
        """Bring new batches to the `state` of others."""
        for k, (generator, drawn) in enumerate(map(json.loads, state)):
            self._present[k].bit_generator.state = generator
            if self._sequences:
                self._sequences[k].skip(drawn)

    def every_point(self) -> Batch:
        """Return each member's points, once each, under noise that was drawn once.

        Raises ValueError for noise that is not ``"fixed"``, or if members have not all as many
        points.
        """
        if self.noise != "fixed":
            raise ValueError(
                f"noise must be fixed, so that a batch can be all there is, not {self.noise}"
            )
        n, *others = {int(size) for size in self.sizes}
        if others:
            raise ValueError(f"members must have equally many points, not {sorted([n, *others])}")
        return self._batch(np.tile(np.arange(n), (len(self._pair_size), 1)), None, None)

    def draw(self, n: int, reconstruct: Reconstruct | None = None) -> Batch:
        """Return the next batch of n points per member, of n + 1 if n is odd and they are paired.

        Walkback calls `reconstruct` with points ``(m, n, d)`` and noise levels ``(m, n or 1)``.
        """
        draw = self._draw_even if self._sequences else self._draw_random
        place, level, normal = draw((n + 1) // 2 if self.paired else n)
        if self.paired:
            place, level = np.tile(place, 2), None if level is None else np.tile(level, 2)
            normal = np.concatenate([normal, -normal], 1)
        chosen = np.floor(place[self._pair_stream] * self._pair_size[:, None]).astype(int)
        if self._sequences:
            chosen = np.stack([order[at] for order, at in zip(self._orders, chosen, strict=True)])
        batch = self._batch(chosen, level, normal)
        if self.noise == "walkback" and self.corrupt and reconstruct is not None:
            batch = replace(batch, inputs=self._walk_back(batch, reconstruct))
        return average_over_batch(batch) if self.averaged else batch

    def _batch(
        self, chosen: np.ndarray, level: np.ndarray | None, normal: np.ndarray | None
    ) -> Batch:
        """Return the points chosen for each pair of a seed and a size, ``(pairs, n)``, under noise.

        The seeds' places in the range and normal numbers have shapes ``(seeds, n)`` and
        ``(seeds, n, d)``.
        """
        clean = self.points[self._pair_seed[:, None], chosen][self._pair] - self.shift[:, None]
        clean /= self.scale[:, None, None]
        if self._range is None:
            sigma = np.asarray(self.sigmas, dtype=float)[:, None]
        else:
            low, high = self._range
            sigma = np.exp(low + (high - low) * level)[self._stream]
        sigma = sigma / self.scale[:, None]
        inputs = clean
        if self.corrupt:
            if self.noise == "fixed":
                inputs = self._fixed[self._pair_stream[:, None], chosen][self._pair]
            else:
                inputs = normal[self._stream]
            inputs *= sigma[..., None]
            inputs += clean
        return Batch(*(torch.as_tensor(part, **self._place) for part in (inputs, clean, sigma)))

    def _draw_random(self, n: int) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
        """Return each seed's places in points and range, in [0, 1), and noise / sigma.

        Shapes are ``(seeds, n)``, and ``(seeds, n, d)`` for the noise; a range or noise that is not
        new gives None.
        """
        place = self._draw_uniform(n)
        level = None if self._range is None else self._draw_uniform(n)
        if not self.corrupt or self.noise == "fixed":
            return place, level, None
        normal = self._draw_normal((n, self.points.shape[-1]))
        if self.noise == "rare_large":
            large = self._draw_uniform(n) < RARE
            normal = normal * np.where(large, LARGE, 1.0)[..., None]
        return place, level, normal

    def _draw_even(self, n: int) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
        """Return the same from the seeds' sequences."""
        even = np.stack([sequence.draw(n) for sequence in self._sequences])
        used = 1 + (self._range is not None)
        level = None if self._range is None else even[..., 1]
        return even[..., 0], level, ndtri(even[..., used:]) if self.corrupt else None

    def _walk_back(self, batch: Batch, reconstruct: Reconstruct) -> Tensor:
        """Return the inputs after as many more steps as each point happens to take."""
        inputs = batch.inputs
        drawn = self._draw_uniform(inputs.shape[1])[self._stream]
        chance = torch.as_tensor(drawn, **self._place)
        for step in range(1, LONGEST):
            moved = reconstruct(inputs, batch.sigma)
            drawn = self._draw_normal(inputs.shape[1:])[self._stream]
            fresh = torch.as_tensor(drawn, **self._place)
            moved = moved + fresh * batch.sigma[..., None]
            inputs = torch.where((chance < WALK**step)[..., None], moved, inputs)
        return inputs

    def _draw_uniform(self, n: int) -> np.ndarray:
        return np.stack([rng.random(n) for rng in self._present])

    def _draw_normal(self, shape: tuple[int, int]) -> np.ndarray:
        return np.stack([rng.standard_normal(shape) for rng in self._present])
