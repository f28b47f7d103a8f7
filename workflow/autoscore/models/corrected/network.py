"""Ours for many dimensions: one conditioned auto-encoder that corrects the best linear one.

In the coordinates z in which the data's covariance is diagonal, with variances v_i, the Wiener
filter is z_i v_i / (v_i + sigma^2): the best linear reconstruction at every noise level at once.
The network sees that filter's output, in which the noise is gone from directions that hold little,
and learns what is left to correct, in units of what the filter leaves on average:

    r(z, sigma) = w(z, sigma) + a(sigma) net(w, log sigma),  w_i = z_i v_i / (v_i + sigma^2)

With zero weights it is the Wiener filter. The preconditioning of Karras et al. (2022) is the same
with one variance for all directions. Blocks are residual, with layer norm (Ba, Kiros and Hinton
2016) and a scale and shift by noise level (Perez et al. 2018, "FiLM").
"""

import math
from typing import Any, Self

import numpy as np
import torch
from torch.nn.functional import layer_norm

from autoscore.models.conditioned.network import level_features, within
from autoscore.train.activations import silu, silu_slope
from autoscore.train.stack import LearnedField, Stack

DTYPE = torch.float32
EMBEDDING = 64  # units that the noise level is turned into


class Corrected(Stack):
    """Conditioned corrections of one linear optimum, one per seed.

    Parameters
    ----------
    variances
        v, shape ``(d,)``: of the data, along the axes of their covariance.
    width, hidden, blocks
        Units between the blocks and inside of them, and number of residual blocks.
    low, high
        Range of noise levels, 0 < low < high.
    seeds, sizes
        Seed and number of training points of each member, shape ``(m,)``.
    waves
        Number of sines and of cosines of log sigma that tell the network its noise level.

    Raises
    ------
    ValueError
        If the range is empty, the members' descriptions differ in length, or no variance is > 0.
    """

    kind = "corrected"
    of_members = ("seeds", "sizes")

    def __init__(
        self,
        variances: list[float],
        width: int,
        hidden: int,
        blocks: int,
        low: float,
        high: float,
        seeds: list[int],
        sizes: list[float],
        waves: int = 4,
    ) -> None:
        if not 0 < low < high:
            raise ValueError(
                f"the range of noise levels must have 0 < low < high, not {low}, {high}"
            )
        if len(seeds) != len(sizes):
            raise ValueError("seeds and sizes must name the same members")
        if not max(variances) > 0:
            raise ValueError("data without any variance cannot be learned")
        self.dim, self.width, self.hidden, self.blocks = len(variances), width, hidden, blocks
        self.waves, self.low, self.high = waves, float(low), float(high)
        self.shift, self.scale = np.zeros((len(seeds), self.dim)), np.ones(len(seeds))
        self.seeds = np.asarray(seeds, dtype=int)
        self.sizes = np.asarray(sizes, dtype=float)
        self._variances = torch.as_tensor(variances, dtype=DTYPE)
        self._mean_variance = float(np.mean(variances))

    def shapes(self) -> dict[str, tuple[int, ...]]:
        shapes: dict[str, tuple[int, ...]] = {
            "level.weight": (2 * self.waves + 1, EMBEDDING),
            "level.bias": (1, EMBEDDING),
            "input.weight": (self.dim, self.width),
            "input.bias": (1, self.width),
        }
        for block in range(self.blocks):
            shapes[f"block.{block}.first"] = (self.width, self.hidden)
            shapes[f"block.{block}.first_bias"] = (1, self.hidden)
            shapes[f"block.{block}.scale"] = (EMBEDDING, self.hidden)
            shapes[f"block.{block}.shift"] = (EMBEDDING, self.hidden)
            shapes[f"block.{block}.second"] = (self.hidden, self.width)
            shapes[f"block.{block}.second_bias"] = (1, self.width)
        shapes["output.weight"] = (self.width, self.dim)
        shapes["output.bias"] = (1, self.dim)
        return shapes

    def initialise(self, generators: list[np.random.Generator]) -> None:
        """Draw starting weights, one generator a member; all together start as the filter."""
        idle = ("second", "scale", "shift", "output", "bias")
        rows = []
        for rng in generators:
            named = {}
            for name, shape in self.shapes().items():
                spread = 0.0 if any(word in name for word in idle) else shape[0] ** -0.5
                drawn = spread * rng.standard_normal((1, *shape))
                named[name] = torch.as_tensor(drawn, dtype=DTYPE)
            rows.append(self.pack(named))
        self.theta = torch.cat(rows)

    def unit(self, sigma: torch.Tensor) -> torch.Tensor:
        """Return the linear optimum's error, sum_i v_i sigma^2 / (v_i + sigma^2)."""
        noise = sigma[..., None] ** 2
        return (self._variances * noise / (self._variances + noise)).sum(-1)

    def forward(
        self, theta: torch.Tensor, x: torch.Tensor, sigma: torch.Tensor, *, jacobian: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        m, n, d = x.shape
        noise = sigma[..., None] ** 2
        gain = self._variances / (self._variances + noise)
        spread = math.sqrt(self._mean_variance)
        amplitude = spread * torch.sqrt(noise / (noise + spread**2))
        filtered = gain * x
        slope = None
        if jacobian:  # each point's d unit directions, one below the other
            slope = torch.diag_embed(gain.expand(m, n, d))
        out, change = self._network(
            self.views(theta),
            filtered / spread,
            level_features(sigma / self.low, self.high / self.low, self.waves),
            None if slope is None else (slope / spread).view(m, n * d, d),
        )
        reconstruction = filtered + amplitude * out
        if slope is None:
            return reconstruction, None
        derivative = slope + amplitude[..., None] * change.view(m, n, d, d)
        return reconstruction, derivative.transpose(2, 3)

    def _network(
        self,
        named: dict[str, torch.Tensor],
        seen: torch.Tensor,
        level: torch.Tensor,
        slope: torch.Tensor | None,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return net(seen), ``(m, n, d)``, and its slope, k directions a point, ``(m, n k, d)``."""
        k = 1 if slope is None else slope.shape[1] // seen.shape[1]

        def each(values: torch.Tensor) -> torch.Tensor:  # a row a direction
            return values.repeat_interleave(k, 1) if values.shape[1] > 1 else values

        level = silu(torch.baddbmm(named["level.bias"], level, named["level.weight"]))
        h = torch.baddbmm(named["input.bias"], seen, named["input.weight"])
        slope = None if slope is None else torch.bmm(slope, named["input.weight"])
        for block in range(self.blocks):
            part = {
                key.removeprefix(f"block.{block}."): value
                for key, value in named.items()
                if key.startswith(f"block.{block}.")
            }
            scale = 1.0 + torch.bmm(level, part["scale"])
            unit = layer_norm(h, (self.width,))
            inner = torch.baddbmm(part["first_bias"], unit, part["first"])
            inner = inner * scale + torch.bmm(level, part["shift"])
            if slope is not None:
                change = torch.bmm(_norm_slope(h, slope, k), part["first"]) * each(scale)
                slope = slope + torch.bmm(change * each(silu_slope(inner)), part["second"])
            h = h + torch.baddbmm(part["second_bias"], silu(inner), part["second"])
        unit = layer_norm(h, (self.width,))
        if slope is not None:
            slope = _norm_slope(h, slope, k) * each(silu_slope(unit))
            slope = torch.bmm(slope, named["output.weight"])
        return torch.baddbmm(named["output.bias"], silu(unit), named["output.weight"]), slope

    def description(self) -> dict[str, Any]:
        return {
            "variances": self._variances.tolist(),
            "width": self.width,
            "hidden": self.hidden,
            "blocks": self.blocks,
            "low": self.low,
            "high": self.high,
            "seeds": self.seeds.tolist(),
            "sizes": self.sizes.tolist(),
            "waves": self.waves,
        }

    def known(self, sigmas: np.ndarray) -> np.ndarray:
        return within(sigmas, self.low, self.high)

    def to(self, device: torch.device | str) -> Self:
        self._variances = self._variances.to(device)
        return super().to(device)

    def field(self, sigma: float, seed: int = 0) -> LearnedField:
        """Return the member of this seed at any noise level of its range, as a field of z.

        Raises
        ------
        ValueError
            If sigma is out of range or there is no such member.
        """
        if not len(self.known([sigma])):
            raise ValueError(f"sigma must lie in [{self.low}, {self.high}], not {sigma}")
        found = np.flatnonzero(self.seeds == seed)
        if not len(found):
            raise ValueError(f"no member has seed {seed}; there are {self.seeds.tolist()}")
        return LearnedField(self, int(found[0]), sigma)


def _norm_slope(h: torch.Tensor, slope: torch.Tensor, k: int) -> torch.Tensor:
    """Return the slope of layer_norm(h), for k directions of slope at each point."""
    m, n, width = h.shape
    unit = layer_norm(h, (width,))[:, :, None]
    deviation = torch.sqrt(h.var(-1, correction=0) + 1e-5)[:, :, None, None]
    slope = slope.view(m, n, k, width)
    along = (unit * slope).mean(-1, keepdim=True)
    return ((slope - slope.mean(-1, keepdim=True) - unit * along) / deviation).view(m, n * k, width)
