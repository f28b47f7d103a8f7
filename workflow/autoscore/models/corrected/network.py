"""One conditioned auto-encoder for many dimensions that corrects the best linear one.

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
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import layer_norm

from autoscore.models.conditioned.network import level_features, parameters_of_block
from autoscore.train.activations import silu, silu_slope
from autoscore.train.stack import LearnedField, Stack

DTYPE = torch.float32
EMBEDDING = 64  # units that encode the noise level


@dataclass(eq=False)
class Corrected(Stack):
    """Conditioned corrections of one linear optimum; see `Stack` for the other fields."""

    variances: list[float]  # of the data along the axes of their covariance, one of them > 0
    width: int  # units between residual blocks
    hidden: int  # and inside
    blocks: int
    low: float
    high: float
    seeds: list[int]
    sizes: list[float]
    waves: int = 4  # sines, and cosines, of log sigma that the network sees
    kind: ClassVar[str] = "corrected"
    of_members: ClassVar[tuple[str, ...]] = ("seeds", "sizes")

    def __post_init__(self) -> None:
        if not max(self.variances) > 0:
            raise ValueError("data without any variance cannot be learned")
        self.check_range()
        self.check_members()
        self.dim, self._mean_variance = len(self.variances), float(np.mean(self.variances))
        self.shift, self.scale = np.zeros((len(self.seeds), self.dim)), np.ones(len(self.seeds))
        self.variances = torch.as_tensor(self.variances, dtype=DTYPE)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        shapes: dict[str, tuple[int, ...]] = {
            "level.weight": (2 * self.waves + 1, EMBEDDING),
            "level.bias": (1, EMBEDDING),
            "input.weight": (self.dim, self.width),
            "input.bias": (1, self.width),
        }
        for block in range(self.blocks):
            shapes |= {
                f"block.{block}.first": (self.width, self.hidden),
                f"block.{block}.first_bias": (1, self.hidden),
                f"block.{block}.scale": (EMBEDDING, self.hidden),
                f"block.{block}.shift": (EMBEDDING, self.hidden),
                f"block.{block}.second": (self.hidden, self.width),
                f"block.{block}.second_bias": (1, self.width),
            }
        return shapes | {"output.weight": (self.width, self.dim), "output.bias": (1, self.dim)}

    def initialise(self, generators: list[np.random.Generator]) -> None:
        """Draw starting weights, one generator per member; the stack starts as the filter."""
        idle = ("second", "scale", "shift", "output", "bias")

        def spread(name: str, shape: tuple[int, ...]) -> float:
            return 0.0 if any(word in name for word in idle) else shape[0] ** -0.5

        self.draw_weights(generators, spread, DTYPE)

    def unit(self, sigma: Tensor) -> Tensor:
        """Return the linear optimum's error, sum_i v_i sigma^2 / (v_i + sigma^2)."""
        noise = sigma[..., None] ** 2
        return (self.variances * noise / (self.variances + noise)).sum(-1)

    def forward(
        self, theta: Tensor, x: Tensor, sigma: Tensor, *, jacobian: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        m, n, d = x.shape
        noise = sigma[..., None] ** 2
        gain = self.variances / (self.variances + noise)
        spread = math.sqrt(self._mean_variance)
        amplitude = spread * torch.sqrt(noise / (noise + spread**2))
        filtered = gain * x
        slope = None
        if jacobian:
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
        self, named: dict[str, Tensor], seen: Tensor, level: Tensor, slope: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """Return net(seen), ``(m, n, d)``, and its slope along k directions, ``(m, n k, d)``."""
        k = 1 if slope is None else slope.shape[1] // seen.shape[1]

        def each(values: Tensor) -> Tensor:  # one row per direction
            return values.repeat_interleave(k, 1) if values.shape[1] > 1 else values

        level = silu(torch.baddbmm(named["level.bias"], level, named["level.weight"]))
        h = torch.baddbmm(named["input.bias"], seen, named["input.weight"])
        slope = None if slope is None else torch.bmm(slope, named["input.weight"])
        for block in range(self.blocks):
            part = parameters_of_block(named, block)
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

    def field(self, sigma: float, seed: int = 0, size: float | None = None) -> LearnedField:
        """Return one member as a field of z; see `Stack.field`."""
        return super().field(sigma, seed, self.sizes[0] if size is None else size)


def _norm_slope(h: Tensor, slope: Tensor, k: int) -> Tensor:
    """Return the slope of layer_norm(h), for k directions of slope at each point."""
    m, n, width = h.shape
    unit = layer_norm(h, (width,))[:, :, None]
    deviation = torch.sqrt(h.var(-1, correction=0) + 1e-5)[:, :, None, None]
    slope = slope.view(m, n, k, width)
    along = (unit * slope).mean(-1, keepdim=True)
    return ((slope - slope.mean(-1, keepdim=True) - unit * along) / deviation).view(m, n * k, width)
