"""One auto-encoder for every noise level and seed, all stacked."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from autoscore.models.separate.derivatives import Reconstruction, network_jacobian
from autoscore.train.activations import ACTIVATIONS, Activation
from autoscore.train.products import affine
from autoscore.train.stack import Stack

PRECISIONS = {"single": torch.float32, "double": torch.float64}


@dataclass(frozen=True)
class Architecture:
    """The shape of one auto-encoder: non-linear encoder, linear decoder.

    A tied decoder is the encoder's transpose, which makes dr/dx symmetric (statement C4), and needs
    exactly one hidden layer. The `residual` is ``"none"``: r = net(z), as in the paper;
    ``"sigma"``: r = z + sigma net(z), the network predicts the noise; or ``"score"``:
    r = z + sigma^2 net(z), the network is the score. A ``"sigmoid"`` output stays between 0 and 1,
    where the data must be, too. What cannot be built raises ValueError.
    """

    hidden: tuple[int, ...]  # units of each layer of the encoder
    tied: bool = False
    residual: str = "score"
    gain: float = 4.0  # initial steepness of the first layer's units, times the spread of the data
    activation: str = "tanh"  # as in the paper
    output: str = "linear"

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", tuple(self.hidden))
        if not self.hidden or min(self.hidden) < 1:
            raise ValueError(f"hidden must list one or more layer sizes >= 1, not {self.hidden}")
        if self.tied and len(self.hidden) > 1:
            raise ValueError(f"tied weights need one hidden layer, not {len(self.hidden)}")
        if self.residual not in ("none", "sigma", "score"):
            raise ValueError(f"residual must be none, sigma or score, not {self.residual!r}")
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"activation must be tanh or sigmoid, not {self.activation!r}")
        if self.output not in ("linear", "sigmoid"):
            raise ValueError(f"output must be linear or sigmoid, not {self.output!r}")
        if self.output == "sigmoid" and (self.tied or self.residual != "none"):
            raise ValueError("a sigmoid output needs untied weights and r = net(x)")


@dataclass(eq=False)
class Separate(Stack):
    """Separate auto-encoders in one batched matrix product, each with its noise level > 0.

    One scale for all coordinates also keeps dr/dx symmetric with tied weights. A second-order
    polish needs double precision; under the noise of minibatches single precision is as good and
    twice as fast.
    """

    dim: int
    architecture: Architecture | dict
    sigmas: list[float]
    seeds: list[int]
    sizes: list[float]
    shift: list[list[float]]
    scale: list[float]
    precision: str = "double"
    kind: ClassVar[str] = "separate"
    separate: ClassVar[bool] = True
    of_members: ClassVar[tuple[str, ...]] = ("sigmas", "seeds", "sizes", "shift", "scale")

    def __post_init__(self) -> None:
        if isinstance(self.architecture, dict):
            self.architecture = Architecture(**self.architecture)
        self.is_tied, self.dtype = self.architecture.tied, PRECISIONS[self.precision]
        self.check_members()
        if not (self.sigmas > 0).all():
            raise ValueError(f"every sigma must be > 0, but one is {self.sigmas.min()}")

    def shapes(self) -> dict[str, tuple[int, ...]]:
        widths = (self.dim, *self.architecture.hidden)
        shapes: dict[str, tuple[int, ...]] = {}
        for layer, (inputs, units) in enumerate(pairwise(widths)):
            shapes[f"encoder.{layer}.weight"] = (inputs, units)
            shapes[f"encoder.{layer}.bias"] = (1, units)
        if not self.architecture.tied:
            shapes["decoder.weight"] = (widths[-1], self.dim)
        shapes["decoder.bias"] = (1, self.dim)
        return shapes

    def initialise(self, points: np.ndarray, generators: list[np.random.Generator]) -> None:
        """Draw starting weights, with one generator per member.

        The first layer's units switch at points drawn from `points`, shape ``(m, n, d)`` or
        ``(n, d)``, so that they are spread where the field has to bend; later layers follow
        Glorot, and the decoder starts small.
        """
        rows, points = [], np.asarray(points)
        for member, rng in enumerate(generators):
            seen = points[member] if points.ndim == 3 else points
            named = {}
            for name, shape in self.shapes().items():
                if name.endswith("bias"):
                    named[name] = torch.zeros(shape, dtype=self.dtype)
                    continue
                if name == "encoder.0.weight":
                    spread = self.architecture.gain * shape[0] ** -0.5
                elif name.startswith("encoder"):
                    spread = (2.0 / sum(shape)) ** 0.5
                else:
                    spread = shape[0] ** -1
                named[name] = torch.as_tensor(spread * rng.standard_normal(shape), dtype=self.dtype)
            first = named["encoder.0.weight"]
            chosen = seen[rng.integers(len(seen), size=first.shape[1])].astype(float)
            chosen = (chosen - self.shift[member]) / self.scale[member]
            at = torch.as_tensor(chosen, dtype=self.dtype)
            named["encoder.0.bias"] = -(first * at.T).sum(0, keepdim=True)
            rows.append(self.pack({name: part[None] for name, part in named.items()}))
        self.theta = torch.cat(rows)

    def forward(
        self, theta: Tensor, x: Tensor, sigma: Tensor, *, jacobian: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        if not jacobian:
            return Reconstruction.apply(self, theta, x, sigma), None
        named = self.views(theta)
        slope, bend = self.activation.slope, self.bend
        units, decoder = self.units(named, x), self.decoder(named)
        out = affine(named["decoder.bias"], units[-1], decoder)
        out = out if bend is None else bend.value(out)
        weights = [named[f"encoder.{layer}.weight"] for layer in range(len(units))]
        derivative = network_jacobian(weights, [slope(unit) for unit in units], decoder)
        derivative = derivative if bend is None else bend.slope(out)[..., None] * derivative
        if (scale := self.scale_of_output(sigma)) is None:
            return out, derivative
        identity = torch.eye(self.dim, dtype=x.dtype, device=x.device)
        return x + scale * out, identity + scale[..., None] * derivative

    def units(
        self, named: dict[str, Tensor], x: Tensor, of: Callable[[Tensor], Tensor] | None = None
    ) -> list[Tensor]:
        """Return each layer's units at z, ``(m, n, units)``, for the weights of `views`.

        `of` is the activation's differentiable form by default.
        """
        of, units = of or self.activation.value, []
        for layer in range(len(self.architecture.hidden)):
            bias, weight = (named[f"encoder.{layer}.{part}"] for part in ("bias", "weight"))
            units.append(of(torch.baddbmm(bias, units[-1] if units else x, weight)))
        return units

    def decoder(self, named: dict[str, Tensor]) -> Tensor:
        """Return the decoder's weight, ``(m, units, d)``."""
        if self.architecture.tied:
            return named["encoder.0.weight"].transpose(1, 2)
        return named["decoder.weight"]

    @property
    def activation(self) -> Activation:
        """The function of the hidden units."""
        return ACTIVATIONS[self.architecture.activation]

    @property
    def bend(self) -> Activation | None:
        """The function of the output, None for a linear one."""
        return ACTIVATIONS.get(self.architecture.output)

    def scale_of_output(self, sigma: Tensor) -> Tensor | None:
        """Return what multiplies the network's output before z is added, None without either."""
        if self.architecture.residual == "none":
            return None
        return sigma[:, :, None] ** {"sigma": 1, "score": 2}[self.architecture.residual]
