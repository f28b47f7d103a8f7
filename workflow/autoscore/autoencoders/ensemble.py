"""The paper's kind: one auto-encoder for every noise level and seed, all stacked."""

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import torch

from autoscore.autoencoders.stack import LearnedField, Stack

DTYPE = torch.float64


@dataclass(frozen=True)
class Architecture:
    """The shape of one auto-encoder: tanh encoder, linear decoder.

    Attributes
    ----------
    hidden
        Units of each tanh layer, one or more.
    tied
        Whether the decoder is the encoder's transpose, which makes dr/dx symmetric (statement
        C4). Needs exactly one hidden layer.
    residual
        ``"none"``: r = net(x), as in the paper. ``"sigma"``: r = x + sigma net(x), the network
        predicts noise. ``"score"``: r = x + sigma^2 net(x), the network is the score.
    gain
        Initial steepness of the tanh units, in units of 1 / (spread of the data).
    """

    hidden: tuple[int, ...]
    tied: bool = False
    residual: str = "score"
    gain: float = 4.0

    def __post_init__(self) -> None:
        """Refuse what cannot be built.

        Raises
        ------
        ValueError
            If there is no hidden layer, a tied one is not alone, or the residual is unknown.
        """
        object.__setattr__(self, "hidden", tuple(self.hidden))
        if not self.hidden or min(self.hidden) < 1:
            raise ValueError(f"hidden must list one or more layer sizes >= 1, not {self.hidden}")
        if self.tied and len(self.hidden) > 1:
            raise ValueError(f"tied weights need one hidden layer, not {len(self.hidden)}")
        if self.residual not in ("none", "sigma", "score"):
            raise ValueError(f"residual must be none, sigma or score, not {self.residual!r}")


class Ensemble(Stack):
    """Separate auto-encoders in one batched matrix product.

    Parameters
    ----------
    dim
        Dimension d of the data.
    architecture
        Shape of every member (an `Architecture` or its fields as a dict).
    sigmas
        Noise level of each member, shape ``(m,)``.
    seeds
        Seed of each member, shape ``(m,)``.
    sizes
        Number of training points of each member, shape ``(m,)``; ``inf`` for the density itself.
    shift, scale
        Inputs are seen as (x - shift) / scale; shapes ``(m, d)`` and ``(m,)``. One scale for all
        coordinates, so that tied weights keep dr/dx symmetric.

    Raises
    ------
    ValueError
        If the members' descriptions differ in length or a sigma is not positive.
    """

    def __init__(
        self,
        dim: int,
        architecture: Architecture | dict,
        sigmas: list[float],
        seeds: list[int],
        sizes: list[float],
        shift: list[list[float]],
        scale: list[float],
    ) -> None:
        self.dim = dim
        if isinstance(architecture, dict):
            architecture = Architecture(**architecture)
        self.architecture = architecture
        self.sigmas = np.asarray(sigmas, dtype=float)
        self.seeds = np.asarray(seeds, dtype=int)
        self.sizes = np.asarray(sizes, dtype=float)
        if not len(self.sigmas) == len(self.seeds) == len(self.sizes) == len(shift) == len(scale):
            raise ValueError("sigmas, seeds, sizes, shift and scale must name the same members")
        if not (self.sigmas > 0).all():
            raise ValueError(f"every sigma must be > 0, but one is {self.sigmas.min()}")
        self._sigma = torch.as_tensor(self.sigmas, dtype=DTYPE)
        self._shift = torch.as_tensor(shift, dtype=DTYPE)
        self._scale = torch.as_tensor(scale, dtype=DTYPE)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        widths = (self.dim, *self.architecture.hidden)
        shapes: dict[str, tuple[int, ...]] = {}
        for layer, (inputs, units) in enumerate(zip(widths[:-1], widths[1:], strict=True)):
            shapes[f"encoder.{layer}.weight"] = (inputs, units)
            shapes[f"encoder.{layer}.bias"] = (1, units)
        if not self.architecture.tied:
            shapes["decoder.weight"] = (widths[-1], self.dim)
        shapes["decoder.bias"] = (1, self.dim)
        return shapes

    def initialise(self, points: torch.Tensor, generators: list[np.random.Generator]) -> None:
        """Draw starting weights.

        The first layer's units switch at data points, so that they are spread where the field
        has to bend; later layers follow Glorot, and the decoder starts small.

        Parameters
        ----------
        points
            Points among which the switching points are drawn, shape ``(m, n, d)``.
        generators
            One generator a member.
        """
        rows = []
        for member, rng in enumerate(generators):
            named = {}
            for name, shape in self.shapes().items():
                if name.endswith("bias"):
                    named[name] = torch.zeros(shape, dtype=DTYPE)
                    continue
                spread = {"encoder.0.weight": self.architecture.gain * shape[0] ** -0.5}.get(
                    name, (2.0 / sum(shape)) ** 0.5 if name.startswith("encoder") else shape[0] ** -1
                )
                named[name] = torch.as_tensor(spread * rng.standard_normal(shape))
            first = named["encoder.0.weight"]
            chosen = points[member][torch.as_tensor(rng.integers(points.shape[1], size=first.shape[1]))]
            standard = (chosen - self._shift[member]) / self._scale[member]
            named["encoder.0.bias"] = -(first * standard.T).sum(0, keepdim=True)
            rows.append(self.pack({name: part[None] for name, part in named.items()}))
        self.theta = torch.cat(rows)

    def levels(self, samples: int) -> torch.Tensor:
        return self._sigma[:, None].expand(-1, samples)

    def forward(
        self, theta: torch.Tensor, x: torch.Tensor, sigma: torch.Tensor, *, jacobian: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        named = self.views(theta)
        m, n, d = x.shape
        unit = (x - self._shift[:, None, :]) / self._scale[:, None, None]
        slope = None  # derivative of the current layer by the input, shape (m, n, d, units)
        for layer in range(len(self.architecture.hidden)):
            weight = named[f"encoder.{layer}.weight"]
            unit = torch.tanh(torch.baddbmm(named[f"encoder.{layer}.bias"], unit, weight))
            if jacobian:
                steepness = (1.0 - unit**2)[:, :, None, :]
                if slope is None:
                    slope = weight[:, None] * steepness
                else:
                    slope = torch.bmm(slope.view(m, n * d, -1), weight).view(m, n, d, -1) * steepness
        decoder = self._decoder(named)
        out = torch.baddbmm(named["decoder.bias"], unit, decoder)
        derivative = None
        if jacobian:
            derivative = torch.bmm(slope.reshape(m, n * d, -1), decoder).view(m, n, d, d)
            derivative = derivative.transpose(2, 3) / self._scale[:, None, None, None]
        return self._output(x, sigma, out, derivative)

    def _decoder(self, named: dict[str, torch.Tensor]) -> torch.Tensor:
        if self.architecture.tied:
            return named["encoder.0.weight"].transpose(1, 2)
        return named["decoder.weight"]

    def _output(
        self, x: torch.Tensor, sigma: torch.Tensor, out: torch.Tensor, derivative: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Turn the decoder's output into r, and its derivative into dr/dx."""
        if self.architecture.residual == "none":
            scale = self._scale[:, None, None]
            skip, base = 0.0, self._shift[:, None, :]
        else:
            power = {"sigma": 1, "score": 2}[self.architecture.residual]
            scale = sigma[:, :, None] ** power
            skip, base = 1.0, x
        reconstruction = base + scale * out
        if derivative is not None:
            identity = torch.eye(self.dim, dtype=x.dtype)
            derivative = skip * identity + scale[..., None] * derivative
        return reconstruction, derivative

    def description(self) -> dict[str, Any]:
        return {
            "dim": self.dim,
            "architecture": asdict(self.architecture),
            "sigmas": self.sigmas.tolist(),
            "seeds": self.seeds.tolist(),
            "sizes": self.sizes.tolist(),
            "shift": self._shift.tolist(),
            "scale": self._scale.tolist(),
        }

    def take(self, members: list[int]) -> Self:
        described = self.description()
        picked = {
            key: [described[key][member] for member in members]
            for key in ("sigmas", "seeds", "sizes", "shift", "scale")
        }
        stack = type(self)(self.dim, self.architecture, **picked)
        stack.theta = self.theta[members].clone()
        return stack

    def member(self, sigma: float, seed: int, size: float = float("inf")) -> int:
        """Return the index of the member with this noise level, seed and number of points.

        Raises
        ------
        ValueError
            If there is no such member; the message lists what there is.
        """
        found = np.isclose(self.sigmas, sigma, rtol=1e-9) & (self.seeds == seed) & (self.sizes == size)
        if not found.any():
            raise ValueError(
                f"no member has sigma {sigma}, seed {seed}, size {size}; there are sigmas "
                f"{np.unique(self.sigmas).tolist()}, seeds {np.unique(self.seeds).tolist()}, "
                f"sizes {np.unique(self.sizes).tolist()}"
            )
        return int(np.flatnonzero(found)[0])

    def field(self, sigma: float, seed: int, size: float = float("inf")) -> LearnedField:
        """Return one trained member as a field; see `member` for what it raises."""
        return LearnedField(self, self.member(sigma, seed, size), sigma)
