"""Ours: one auto-encoder conditioned on sigma for the whole range of noise levels.

r(x, sigma) = x + sigma^2 net(x, log sigma) / sqrt(sigma^2 + tau^2), a residual
network that is told the noise level, after Karras et al. (2022), "Elucidating
the design space of diffusion-based generative models". Neighbouring levels
share what they learn: far below the thickness tau of the data the network is
the score itself, which the noise then hardly changes; far above, it predicts
the noise.
"""

import math
from typing import Any, Self

import numpy as np
import torch

from autoscore.train.activations import silu, silu_slope
from autoscore.train.stack import LearnedField, Stack

DTYPE = torch.float32
MARGIN = 1.25  # by this factor it is trained beyond its levels: it is weakest at the ends


class Conditioned(Stack):
    """Conditioned auto-encoders, one per seed, in one batched matrix product.

    Parameters
    ----------
    dim
        Dimension d of the data.
    width, blocks
        Units a layer, and number of residual blocks.
    low, high
        Range of noise levels, 0 < low < high.
    seeds, sizes
        Seed and number of training points of each member, shape ``(m,)``.
    shift, scale
        See `Stack`.
    spreads
        Standard deviation v of each coordinate, shape ``(m, d)``: the network sees x - shift over
        sqrt(v^2 + sigma^2), each coordinate in units of its own. By default they are all `scale`.
    thickness
        tau, shape ``(m,)``; 0 for data without thickness, such as a bare curve.
    waves
        Number of sines and of cosines of log sigma that tell the network its noise level.
    features, frequency
        Number of sines and of cosines of random projections of the input that the network sees
        besides the input itself, and the projections' initial scale in radians per spread of the
        data (Tancik et al. 2020, "Fourier features let networks learn high frequency functions").
        They help where the field turns on scales far below the spread, and hurt where it is smooth.

    Raises
    ------
    ValueError
        If the range is empty or the members' descriptions differ in length.
    """

    kind = "conditioned"
    of_members = ("seeds", "sizes", "shift", "scale", "thickness", "spreads")

    def __init__(
        self,
        dim: int,
        width: int,
        blocks: int,
        low: float,
        high: float,
        seeds: list[int],
        sizes: list[float],
        shift: list[list[float]],
        scale: list[float],
        thickness: list[float],
        spreads: list[list[float]] | None = None,
        waves: int = 4,
        features: int = 0,
        frequency: float = 2.0,
    ) -> None:
        if not 0 < low < high:
            raise ValueError(
                f"the range of noise levels must have 0 < low < high, not {low}, {high}"
            )
        if not len(seeds) == len(sizes) == len(shift) == len(scale) == len(thickness):
            raise ValueError("seeds, sizes, shift, scale, thickness must name the same members")
        self.dim, self.width, self.blocks, self.waves = dim, width, blocks, waves
        self.features, self.frequency = features, float(frequency)
        self.low, self.high = float(low), float(high)
        self.seeds = np.asarray(seeds, dtype=int)
        self.sizes = np.asarray(sizes, dtype=float)
        self.shift, self.scale = np.asarray(shift, dtype=float), np.asarray(scale, dtype=float)
        self.thickness = np.asarray(thickness, dtype=float)
        self.spreads = np.repeat(self.scale[:, None], dim, axis=1)
        if spreads is not None:
            self.spreads = np.asarray(spreads, dtype=float)
        relative = self.spreads / self.scale[:, None]
        self._variances = torch.as_tensor(relative**2, dtype=DTYPE)[:, None]
        self._thickness = torch.as_tensor(self.thickness / self.scale, dtype=DTYPE)[:, None]
        self._lowest = torch.as_tensor(self.low / self.scale, dtype=DTYPE)[:, None]

    def shapes(self) -> dict[str, tuple[int, ...]]:
        seen = self.dim + 2 * self.features
        shapes: dict[str, tuple[int, ...]] = {"input.weight": (seen, self.width)}
        if self.features:
            shapes["features.weight"] = (self.dim, self.features)
        shapes["input.bias"] = (1, self.width)
        for block in range(self.blocks):
            shapes[f"block.{block}.level"] = (2 * self.waves + 1, self.width)
            shapes[f"block.{block}.first"] = (self.width, self.width)
            shapes[f"block.{block}.first_bias"] = (1, self.width)
            shapes[f"block.{block}.second"] = (self.width, self.width)
            shapes[f"block.{block}.second_bias"] = (1, self.width)
        shapes["output.weight"] = (self.width, self.dim)
        shapes["output.bias"] = (1, self.dim)
        return shapes

    def initialise(self, generators: list[np.random.Generator]) -> None:
        """Draw starting weights, one generator a member; every block starts as the identity."""
        rows = []
        for rng in generators:
            named = {}
            for name, shape in self.shapes().items():
                spread = 0.0 if "second" in name or name.startswith("output") else shape[0] ** -0.5
                spread = {"input.bias": 1.0, "features.weight": self.frequency}.get(name, spread)
                named[name] = torch.as_tensor(
                    spread * rng.standard_normal((1, *shape)), dtype=DTYPE
                )
            rows.append(self.pack(named))
        self.theta = torch.cat(rows)

    def forward(
        self,
        theta: torch.Tensor,
        x: torch.Tensor,
        sigma: torch.Tensor,
        *,
        jacobian: bool = False,
        along: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Reconstruct as any stack; with `along`, ``(m, n, d)``, differentiate along it alone."""
        m, n, d = x.shape
        directions = None if along is None else along[:, :, None, :]
        if jacobian:
            directions = torch.eye(d, dtype=x.dtype, device=x.device).expand(m, n, d, d)
        out, slope = self._network(self.views(theta), x, sigma, directions)
        amplitude = self._amplitude(sigma)[..., None]
        reconstruction = x + amplitude * out
        if slope is None:
            return reconstruction, None
        derivative = directions + amplitude[..., None] * slope.view(directions.shape)
        return reconstruction, derivative.transpose(2, 3) if jacobian else derivative[:, :, 0]

    def _amplitude(self, sigma: torch.Tensor) -> torch.Tensor:
        """Return what the network's output is multiplied by, in the shape of sigma."""
        return sigma**2 / torch.sqrt(sigma**2 + self._thickness**2)

    def _network(
        self,
        named: dict[str, torch.Tensor],
        x: torch.Tensor,
        sigma: torch.Tensor,
        directions: torch.Tensor | None,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return net(x, sigma) and its slope along k directions per point.

        Shapes ``(m, n, d)`` and ``(m, n k, d)``; directions ``(m, n, k, d)``.
        """
        spread = torch.sqrt(self._variances + sigma[..., None] ** 2)
        level = level_features(sigma / self._lowest, self.high / self.low, self.waves)
        turned = None if directions is None else directions / spread[:, :, None]
        seen, slope = self._see(named, x / spread, turned)
        k = 1 if directions is None else directions.shape[2]

        def steepness(h: torch.Tensor) -> torch.Tensor:
            return silu_slope(h).repeat_interleave(k, 1)

        h = torch.baddbmm(named["input.bias"], seen, named["input.weight"])
        for block in range(self.blocks):
            part = {key: named[f"block.{block}.{key}"] for key in ("level", "first", "second")}
            inner = torch.baddbmm(named[f"block.{block}.first_bias"], silu(h), part["first"])
            inner = inner + torch.bmm(level, part["level"])
            if slope is not None:
                change = torch.bmm(slope * steepness(h), part["first"]) * steepness(inner)
                slope = slope + torch.bmm(change, part["second"])
            h = h + torch.baddbmm(named[f"block.{block}.second_bias"], silu(inner), part["second"])
        out = torch.baddbmm(named["output.bias"], silu(h), named["output.weight"])
        if slope is not None:
            slope = torch.bmm(slope * steepness(h), named["output.weight"])
        return out, slope

    def _see(
        self, named: dict[str, torch.Tensor], unit: torch.Tensor, directions: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return the input with its Fourier features, and the first layer's slope along directions.

        Shapes ``(m, n, d + 2 features)`` and ``(m, n k, width)``.
        """
        m, n, d = unit.shape
        weight = named["input.weight"]
        slope = None
        if directions is not None:
            directions = directions.reshape(m, -1, d)
            slope = torch.bmm(directions, weight[:, :d])
        if not self.features:
            return unit, slope
        projection = named["features.weight"]
        angle = torch.bmm(unit, projection)
        sine, cosine = torch.sin(angle), torch.cos(angle)
        seen = torch.cat([unit, sine, cosine], dim=-1)
        if directions is None:
            return seen, None
        speed = torch.bmm(directions, projection).view(m, n, -1, self.features)
        turned = torch.cat([cosine[:, :, None] * speed, -sine[:, :, None] * speed], dim=-1)
        return seen, slope + torch.bmm(turned.view(m, -1, 2 * self.features), weight[:, d:])

    def description(self) -> dict[str, Any]:
        return {
            "dim": self.dim,
            "width": self.width,
            "blocks": self.blocks,
            "low": self.low,
            "high": self.high,
            "seeds": self.seeds.tolist(),
            "sizes": self.sizes.tolist(),
            "shift": self.shift.tolist(),
            "scale": self.scale.tolist(),
            "thickness": self.thickness.tolist(),
            "spreads": self.spreads.tolist(),
            "waves": self.waves,
            "features": self.features,
            "frequency": self.frequency,
        }

    def known(self, sigmas: np.ndarray) -> np.ndarray:
        return within(sigmas, self.low, self.high)

    def to(self, device: torch.device | str) -> Self:
        self._lowest, self._thickness = self._lowest.to(device), self._thickness.to(device)
        self._variances = self._variances.to(device)
        return super().to(device)

    def field(self, sigma: float, seed: int, size: float = float("inf")) -> LearnedField:
        """Return the member of this seed and size at any noise level of its range, as a field.

        Raises
        ------
        ValueError
            If sigma is out of range or there is no such member.
        """
        if not len(self.known([sigma])):
            raise ValueError(f"sigma must lie in [{self.low}, {self.high}], not {sigma}")
        found = np.flatnonzero((self.seeds == seed) & (self.sizes == size))
        if not len(found):
            raise ValueError(
                f"no member has seed {seed} and size {size}; there are seeds "
                f"{np.unique(self.seeds).tolist()}, sizes {np.unique(self.sizes).tolist()}"
            )
        return LearnedField(self, int(found[0]), sigma)


def within(sigmas: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return those of the noise levels that lie in a range, but for rounding."""
    sigmas = np.asarray(sigmas)
    return sigmas[(sigmas >= low * (1 - 1e-9)) & (sigmas <= high * (1 + 1e-9))]


def level_features(ratio: torch.Tensor, range_: float, waves: int) -> torch.Tensor:
    """Return where a noise level lies in its range, with sines and cosines of that.

    Parameters
    ----------
    ratio
        Noise level over the least, of any shape ``(...)``.
    range_
        The largest over the least.
    waves
        Number of sines and of cosines of the place, which runs from -1 to 1 with log sigma.

    Returns
    -------
    torch.Tensor
        Shape ``(..., 2 waves + 1)``.
    """
    position = 2.0 * torch.log(ratio) / math.log(range_) - 1.0
    numbers = torch.arange(1, waves + 1, dtype=DTYPE, device=ratio.device)
    angles = position[..., None] * math.pi * numbers / 2.0
    return torch.cat([position[..., None], torch.sin(angles), torch.cos(angles)], dim=-1)
