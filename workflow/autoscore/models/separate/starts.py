"""Closed-form starts of auto-encoders with one layer of tanh and r = net(x).

In many dimensions most of a training goes into what has a closed form: the best linear map, and
the best decoder of given units. These starts leave the rest to the gradient.
"""

import numpy as np
import torch

from autoscore.models.separate.network import Separate
from autoscore.optimum.linear import LinearOptimum

STEEPNESS = 0.3  # spread of a unit's input: tanh bends it a little, and passes on what is linear
RIDGE = 1e-4  # of the decoder, in units of the mean square of a unit
SOLVED = 25_000  # points for the decoder's regression: more hardly change it


def start_linear(
    stack: Separate, linear: LinearOptimum, generators: list[np.random.Generator]
) -> None:
    """Start every member close to the best linear auto-encoder of its noise level.

    The filter A diag(g) A^T is factored through as many units as there are, turned by a random
    orthogonal matrix Q, so that every unit sees a little of every direction and tanh stays in its
    linear range: r = (A sqrt(g) Q^T) tanh((A sqrt(g) Q^T)^T x). The decoder is the encoder's
    transpose, which serves tied weights as well. The stack's inputs are centred on the data's mean,
    and not scaled; `linear` is the data's, and each member has a generator.

    Raises ValueError for several hidden layers, other units, or another r than net(x).
    """
    units, rows = _units(stack), []
    kept = min(stack.dim, units)
    for sigma, rng in zip(stack.sigmas, generators, strict=True):
        gain = linear.variances[:kept] / (linear.variances[:kept] + sigma**2)
        turn, _ = np.linalg.qr(rng.standard_normal((units, kept)))
        encoder = (linear.axes[:, :kept] * np.sqrt(gain)) @ turn.T
        rows.append((encoder, np.zeros(units), encoder.T, np.zeros(stack.dim)))
    _set(stack, rows)


def start_solved(
    stack: Separate,
    linear: LinearOptimum,
    points: np.ndarray,
    generators: list[np.random.Generator],
) -> None:
    """Start every member with random units and the decoder that is best for them.

    Units see random projections of the Wiener filter's output and switch at data points; the
    decoder is the ridge regression of clean points, ``(n, d)``, on the units under noise (an
    extreme learning machine: Huang, Zhu and Siew 2006). On MNIST this alone is better than minutes
    of gradients. See `start_linear`; tied weights raise ValueError, too.
    """
    units, rows = _units(stack), []
    if stack.architecture.tied:
        raise ValueError("tied weights leave no decoder to solve for: start linear or random")
    for sigma, rng in zip(stack.sigmas, generators, strict=True):
        seen = linear.variances + sigma**2
        inner = rng.standard_normal((stack.dim, units)) * (linear.variances / seen)[:, None]
        inner *= STEEPNESS / np.sqrt((inner**2 * seen[:, None]).sum(0))
        encoder = linear.axes @ inner
        chosen = points[rng.integers(len(points), size=units)] - linear.mean
        bias = -(encoder * chosen.T).sum(0)
        clean = (points[:SOLVED] - linear.mean).astype(np.float32)
        noisy = clean + np.float32(sigma) * rng.standard_normal(clean.shape, np.float32)
        features = np.tanh(noisy @ encoder.astype(np.float32) + bias.astype(np.float32))
        features = np.column_stack([features, np.ones(len(features), np.float32)])
        # units that hardly bend are nearly dependent: single precision would not suffice
        gram = (features.T @ features).astype(float)
        gram += RIDGE * np.trace(gram) / units * np.eye(units + 1)
        solved = np.linalg.solve(gram, features.T @ clean)
        rows.append((encoder, bias, solved[:-1], solved[-1]))
    _set(stack, rows)


def _units(stack: Separate) -> int:
    shape = stack.architecture
    unlike = shape.activation != "tanh" or shape.residual != "none" or shape.output != "linear"
    if len(shape.hidden) > 1 or unlike:
        raise ValueError(f"this start needs one layer of tanh and linear r = net(x), not {shape}")
    return shape.hidden[0]


def _set(stack: Separate, rows: list[tuple[np.ndarray, ...]]) -> None:
    """Set theta from each member's encoder, its bias, decoder and its bias."""
    names = ("encoder.0.weight", "encoder.0.bias", "decoder.weight", "decoder.bias")
    parts = dict(zip(names, map(np.stack, zip(*rows, strict=True)), strict=True))
    named = {
        name: torch.as_tensor(parts[name].reshape(len(rows), *shape), dtype=stack.dtype)
        for name, shape in stack.shapes().items()
    }
    stack.theta = stack.pack(named)
