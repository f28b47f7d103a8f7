"""The paper's kind: one auto-encoder for every noise level and seed, all stacked."""

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from autoscore.train.activations import sigmoid
from autoscore.train.stack import LearnedField, Stack

ACTIVATIONS = {  # each with its derivative, as a function of the value
    "tanh": (torch.tanh, lambda unit: 1.0 - unit**2),
    "sigmoid": (sigmoid, lambda unit: unit * (1.0 - unit)),
}
PRECISIONS = {"single": torch.float32, "double": torch.float64}


@dataclass(frozen=True)
class Architecture:
    """The shape of one auto-encoder: non-linear encoder, linear decoder.

    Attributes
    ----------
    hidden
        Units of each layer of the encoder, one or more.
    tied
        Whether the decoder is the encoder's transpose, which makes dr/dx symmetric (statement
        C4). Needs exactly one hidden layer.
    residual
        Of z, in units of the data's spread. ``"none"``: r = net(z), as in the paper. ``"sigma"``:
        r = z + sigma net(z), the network predicts noise. ``"score"``: r = z + sigma^2 net(z), the
        network is the score.
    gain
        Initial steepness of the first layer's units, in units of 1 / (spread of the data).
    activation
        ``"tanh"``, as in the paper, or ``"sigmoid"``.
    """

    hidden: tuple[int, ...]
    tied: bool = False
    residual: str = "score"
    gain: float = 4.0
    activation: str = "tanh"

    def __post_init__(self) -> None:
        """Refuse what cannot be built.

        Raises
        ------
        ValueError
            If there is no hidden layer, a tied one is not alone, or a name is unknown.
        """
        object.__setattr__(self, "hidden", tuple(self.hidden))
        if not self.hidden or min(self.hidden) < 1:
            raise ValueError(f"hidden must list one or more layer sizes >= 1, not {self.hidden}")
        if self.tied and len(self.hidden) > 1:
            raise ValueError(f"tied weights need one hidden layer, not {len(self.hidden)}")
        if self.residual not in ("none", "sigma", "score"):
            raise ValueError(f"residual must be none, sigma or score, not {self.residual!r}")
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"activation must be tanh or sigmoid, not {self.activation!r}")


class Separate(Stack):
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
        See `Stack`. One scale for all coordinates also keeps dr/dx symmetric with tied weights.
    precision
        ``"single"`` or ``"double"``. A second-order polish needs the latter; under the noise of
        minibatches the former is as good and twice as fast.

    Raises
    ------
    ValueError
        If the members' descriptions differ in length or a sigma is not positive.
    """

    kind = "separate"
    separate = True
    of_members = ("sigmas", "seeds", "sizes", "shift", "scale")

    def __init__(
        self,
        dim: int,
        architecture: Architecture | dict,
        sigmas: list[float],
        seeds: list[int],
        sizes: list[float],
        shift: list[list[float]],
        scale: list[float],
        precision: str = "double",
    ) -> None:
        self.dim = dim
        self.precision = precision
        self.dtype = PRECISIONS[precision]
        if isinstance(architecture, dict):
            architecture = Architecture(**architecture)
        self.architecture, self.is_tied = architecture, architecture.tied
        self.sigmas = np.asarray(sigmas, dtype=float)
        self.seeds = np.asarray(seeds, dtype=int)
        self.sizes = np.asarray(sizes, dtype=float)
        if not len(self.sigmas) == len(self.seeds) == len(self.sizes) == len(shift) == len(scale):
            raise ValueError("sigmas, seeds, sizes, shift and scale must name the same members")
        if not (self.sigmas > 0).all():
            raise ValueError(f"every sigma must be > 0, but one is {self.sigmas.min()}")
        self.shift, self.scale = np.asarray(shift, dtype=float), np.asarray(scale, dtype=float)

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
        """Draw starting weights.

        The first layer's units switch at data points, so that they are spread where the field
        has to bend; later layers follow Glorot, and the decoder starts small.

        Parameters
        ----------
        points
            Points x among which the switching points are drawn, shape ``(m, n, d)`` or ``(n, d)``.
        generators
            One generator a member.
        """
        rows, seen = [], torch.as_tensor(self.inward(points), dtype=self.dtype)
        for member, rng in enumerate(generators):
            named = {}
            for name, shape in self.shapes().items():
                if name.endswith("bias"):
                    named[name] = torch.zeros(shape, dtype=self.dtype)
                    continue
                spread = {"encoder.0.weight": self.architecture.gain * shape[0] ** -0.5}.get(
                    name,
                    (2.0 / sum(shape)) ** 0.5 if name.startswith("encoder") else shape[0] ** -1,
                )
                named[name] = torch.as_tensor(spread * rng.standard_normal(shape), dtype=self.dtype)
            first = named["encoder.0.weight"]
            chosen = seen[member][torch.as_tensor(rng.integers(seen.shape[1], size=first.shape[1]))]
            named["encoder.0.bias"] = -(first * chosen.T).sum(0, keepdim=True)
            rows.append(self.pack({name: part[None] for name, part in named.items()}))
        self.theta = torch.cat(rows)

    def forward(
        self, theta: torch.Tensor, x: torch.Tensor, sigma: torch.Tensor, *, jacobian: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        named = self.views(theta)
        weights = [
            named[f"encoder.{layer}.weight"] for layer in range(len(self.architecture.hidden))
        ]
        activation, derivative = ACTIVATIONS[self.architecture.activation]
        units = [x]
        for layer, weight in enumerate(weights):
            biased = torch.baddbmm(named[f"encoder.{layer}.bias"], units[-1], weight)
            units.append(activation(biased))
        decoder = self._decoder(named)
        out = torch.baddbmm(named["decoder.bias"], units[-1], decoder)
        slope = None
        if jacobian:
            steepness = [derivative(unit) for unit in units[1:]]
            slope = _network_jacobian(weights, steepness, decoder)
        return self._output(x, sigma, out, slope)

    def steepness(
        self, theta: torch.Tensor, x: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the first layer's derivative at z, ``(m, n, units)``, its weights and the decoder.

        Weights and decoder have the shapes ``(m, d, units)`` and ``(m, units, d)``.
        """
        named = self.views(theta)
        encoder = named["encoder.0.weight"]
        activation, derivative = ACTIVATIONS[self.architecture.activation]
        units = activation(torch.baddbmm(named["encoder.0.bias"], x, encoder))
        return derivative(units), encoder, self._decoder(named)

    def _decoder(self, named: dict[str, torch.Tensor]) -> torch.Tensor:
        if self.architecture.tied:
            return named["encoder.0.weight"].transpose(1, 2)
        return named["decoder.weight"]

    def _output(
        self,
        x: torch.Tensor,
        sigma: torch.Tensor,
        out: torch.Tensor,
        derivative: torch.Tensor | None,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Turn the decoder's output into r, and its derivative into dr/dx."""
        if self.architecture.residual == "none":
            return out, derivative
        scale = sigma[:, :, None] ** {"sigma": 1, "score": 2}[self.architecture.residual]
        if derivative is not None:
            identity = torch.eye(self.dim, dtype=x.dtype, device=x.device)
            derivative = identity + scale[..., None] * derivative
        return x + scale * out, derivative

    def description(self) -> dict[str, Any]:
        return {
            "dim": self.dim,
            "architecture": asdict(self.architecture),
            "sigmas": self.sigmas.tolist(),
            "seeds": self.seeds.tolist(),
            "sizes": self.sizes.tolist(),
            "shift": self.shift.tolist(),
            "scale": self.scale.tolist(),
            "precision": self.precision,
        }

    def member(self, sigma: float, seed: int, size: float = float("inf")) -> int:
        """Return the index of the member with this noise level, seed and number of points.

        Raises
        ------
        ValueError
            If there is no such member; the message lists what there is.
        """
        found = (
            np.isclose(self.sigmas, sigma, rtol=1e-9) & (self.seeds == seed) & (self.sizes == size)
        )
        if not found.any():
            raise ValueError(
                f"no member has sigma {sigma}, seed {seed}, size {size}; there are sigmas "
                f"{np.unique(self.sigmas).tolist()}, seeds {np.unique(self.seeds).tolist()}, "
                f"sizes {np.unique(self.sizes).tolist()}"
            )
        return int(np.flatnonzero(found)[0])

    def known(self, sigmas: np.ndarray) -> np.ndarray:
        near = np.isclose(np.asarray(sigmas)[:, None], self.sigmas, rtol=1e-9)
        return np.asarray(sigmas)[near.any(1)]

    def field(self, sigma: float, seed: int, size: float = float("inf")) -> LearnedField:
        """Return one trained member as a field; see `member` for what it raises."""
        return LearnedField(self, self.member(sigma, seed, size), sigma)


def _network_jacobian(
    weights: list[torch.Tensor], steepness: list[torch.Tensor], decoder: torch.Tensor
) -> torch.Tensor:
    """Return the derivative of the decoder's output by the first layer's input.

    Parameters
    ----------
    weights
        Encoder matrices, each ``(m, inputs, units)``.
    steepness
        Derivative of each layer of units, ``(m, n, units)``.
    decoder
        Shape ``(m, units, d)``.

    Returns
    -------
    torch.Tensor
        Shape ``(m, n, d, d)``: entry [..., i, j] is the derivative of output i by input j.
    """
    m, n, _ = steepness[0].shape
    d = decoder.shape[-1]
    if len(weights) == 1 and d <= n:  # with many points and few directions, not the reverse
        # sum_h V_hi steepness_h W_jh is linear in the steepness: one matrix product
        pairs = decoder[:, :, :, None] * weights[0].transpose(1, 2)[:, :, None, :]
        return torch.bmm(steepness[0], pairs.reshape(m, -1, d * d)).view(m, n, d, d)
    slope = weights[0][:, None] * steepness[0][:, :, None, :]  # (m, n, d, units)
    for weight, layer in zip(weights[1:], steepness[1:], strict=True):
        slope = torch.bmm(slope.flatten(1, 2), weight).unflatten(1, (n, d)) * layer[:, :, None, :]
    return torch.bmm(slope.flatten(1, 2), decoder).view(m, n, d, d).transpose(2, 3)
