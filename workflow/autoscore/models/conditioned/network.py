"""One auto-encoder for a whole range of noise levels, with sigma as an input.

r(x, sigma) = x + sigma^2 net(x, log sigma) / sqrt(sigma^2 + tau^2), a residual network after
Karras et al. (2022), "Elucidating the design space of diffusion-based generative models".
Neighbouring levels share what they learn: far below the thickness tau of the data the network is
the score itself, which the noise then hardly changes; far above, it predicts the noise.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from autoscore.train.activations import silu, silu_slope
from autoscore.train.products import affine
from autoscore.train.stack import Stack

DTYPE = torch.float32
MARGIN = 1.25  # factor by which the range extends beyond the levels: networks are worst at its ends


@dataclass(eq=False)
class Conditioned(Stack):
    """Conditioned auto-encoders in one batched matrix product; see `Stack` for the other fields.

    The network sees (x - shift) / sqrt(v^2 + sigma^2), with the spread v of each coordinate; sines
    and cosines of log sigma, `waves` each; and of random projections of the input, `features` each,
    whose initial scale is `frequency`, in radians per spread of the data (Tancik et al. 2020,
    "Fourier features let networks learn high frequency functions"). The latter help where the field
    turns on scales far below the spread, and hurt where it is smooth.
    """

    dim: int
    width: int  # units per layer
    blocks: int  # residual blocks
    low: float
    high: float
    seeds: list[int]
    sizes: list[float]
    shift: list[list[float]]
    scale: list[float]
    thickness: list[float]  # tau, 0 for data without thickness, like a curve
    spreads: list[list[float]] | None = None  # v, (m, d), by default `scale` throughout
    waves: int = 4
    features: int = 0
    frequency: float = 2.0
    kind: ClassVar[str] = "conditioned"
    of_members: ClassVar = ("seeds", "sizes", "shift", "scale", "thickness", "spreads")

    def __post_init__(self) -> None:
        if self.spreads is None:
            self.spreads = [[one] * self.dim for one in self.scale]
        self.check_range()
        self.check_members()
        relative = self.spreads / self.scale[:, None]
        self._variances = torch.as_tensor(relative**2, dtype=DTYPE)[:, None]
        self._thickness = torch.as_tensor(self.thickness / self.scale, dtype=DTYPE)[:, None]
        self._lowest = torch.as_tensor(self.low / self.scale, dtype=DTYPE)[:, None]

    def shapes(self) -> dict[str, tuple[int, ...]]:
        width, shapes = self.width, {"input.weight": (self.dim + 2 * self.features, self.width)}
        if self.features:
            shapes["features.weight"] = (self.dim, self.features)
        shapes["input.bias"] = (1, width)
        for block in range(self.blocks):
            shapes |= {
                f"block.{block}.level": (2 * self.waves + 1, width),
                f"block.{block}.first": (width, width),
                f"block.{block}.first_bias": (1, width),
                f"block.{block}.second": (width, width),
                f"block.{block}.second_bias": (1, width),
            }
        return shapes | {"output.weight": (width, self.dim), "output.bias": (1, self.dim)}

    def initialise(self, generators: list[np.random.Generator]) -> None:
        """Draw starting weights, one generator per member; every block starts as the identity."""
        fixed = {"input.bias": 1.0, "features.weight": self.frequency}

        def spread(name: str, shape: tuple[int, ...]) -> float:
            idle = "second" in name or name.startswith("output")
            return fixed.get(name, 0.0 if idle else shape[0] ** -0.5)

        self.draw_weights(generators, spread, DTYPE)

    def forward(
        self,
        theta: Tensor,
        x: Tensor,
        sigma: Tensor,
        *,
        jacobian: bool = False,
        along: Tensor | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """Reconstruct like any stack; with `along`, ``(m, n, d)``, return (dr/dx) along instead."""
        m, n, d = x.shape
        directions = None if along is None else along[:, :, None, :]
        if jacobian:
            directions = torch.eye(d, dtype=x.dtype, device=x.device).expand(m, n, d, d)
        out, slope = self._network(self.views(theta), x, sigma, directions)
        amplitude = (sigma**2 / torch.sqrt(sigma**2 + self._thickness**2))[..., None]
        reconstruction = x + amplitude * out
        if slope is None:
            return reconstruction, None
        derivative = directions + amplitude[..., None] * slope.view(directions.shape)
        return reconstruction, derivative.transpose(2, 3) if jacobian else derivative[:, :, 0]

    def _network(
        self, named: dict[str, Tensor], x: Tensor, sigma: Tensor, directions: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """Return net(x, sigma), ``(m, n, d)``, and its slope along k directions, ``(m, n k, d)``.

        Directions have the shape ``(m, n, k, d)``.
        """
        spread = torch.sqrt(self._variances + sigma[..., None] ** 2)
        level = level_features(sigma / self._lowest, self.high / self.low, self.waves)
        turned = None if directions is None else directions / spread[:, :, None]
        seen, slope = self._see(named, x / spread, turned)
        (m, n, _), k = x.shape, 1 if directions is None else directions.shape[2]

        def steepened(slope: Tensor, h: Tensor) -> Tensor:
            return (slope.view(m, n, k, -1) * silu_slope(h)[:, :, None]).view(m, n * k, -1)

        h = torch.baddbmm(named["input.bias"], seen, named["input.weight"])
        for block in range(self.blocks):
            part = parameters_of_block(named, block)
            bias = torch.baddbmm(part["first_bias"], level, part["level"])
            inner = torch.baddbmm(bias, silu(h), part["first"])
            if slope is not None:
                change = torch.bmm(steepened(slope, h), part["first"])
                slope = torch.baddbmm(slope, steepened(change, inner), part["second"])
            h = h + torch.baddbmm(part["second_bias"], silu(inner), part["second"])
        out = affine(named["output.bias"], silu(h), named["output.weight"])
        if slope is not None:
            slope = affine(None, steepened(slope, h), named["output.weight"])
        return out, slope

    def _see(
        self, named: dict[str, Tensor], unit: Tensor, directions: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
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


def parameters_of_block(named: dict[str, Tensor], block: int) -> dict[str, Tensor]:
    """Return the parameters of one residual block, by their names in the block."""
    prefix = f"block.{block}."
    return {key.removeprefix(prefix): part for key, part in named.items() if key.startswith(prefix)}


def level_features(ratio: Tensor, range_: float, waves: int) -> Tensor:
    """Return the place of log sigma in its range, from -1 to 1, with its sines and cosines.

    `ratio`, ``(...)``, is the noise level over the least one, `range_` the largest over the least;
    the result, with `waves` sines and cosines, has the shape ``(..., 2 waves + 1)``.
    """
    position = 2.0 * torch.log(ratio) / math.log(range_) - 1.0
    numbers = torch.arange(1, waves + 1, dtype=DTYPE, device=ratio.device)
    angles = position[..., None] * math.pi * numbers / 2.0
    return torch.cat([position[..., None], torch.sin(angles), torch.cos(angles)], dim=-1)
