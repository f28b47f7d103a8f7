"""The authors' training: every point under noise that is drawn once, and BFGS on all weights.

Starting weights, loss and optimiser are those of their code for the spiral
(github.com/gyom/denoising_autoencoder, iclr2013_paper).
"""

from collections.abc import Callable

import numpy as np
import torch

from autoscore.models.separate.network import Separate
from autoscore.train import bfgs
from autoscore.train.batches import Batch
from autoscore.train.fit import DivergedError, Trace

AT_ONCE = 200_000  # units whose values are held at once: 0.8 MB, which fits a cache


def start(stack: Separate, generators: list[np.random.Generator]) -> None:
    """Draw matrices from U(-1, 1) and biases from U(-0.1, 0.1), with one generator per member."""
    rows = []
    for rng in generators:
        drawn = {
            name: (0.1 if name.endswith("bias") else 1.0) * rng.uniform(-1.0, 1.0, (1, *shape))
            for name, shape in stack.shapes().items()
        }
        rows.append(
            stack.pack(
                {name: torch.as_tensor(part).to(stack.dtype) for name, part in drawn.items()}
            )
        )
    stack.theta = torch.cat(rows)


def follow(
    stack: Separate, batch: Batch, iterations: int, checks: int, report: Callable[[str], None]
) -> Trace:
    """Train members one after another on every point of a batch, and return their losses.

    Weights are in double precision while they are trained. A member that cannot lower its loss any
    further stops there, and says so. A loss that is not finite raises DivergedError.
    """
    every = max(1, iterations // checks)
    losses = np.empty((len(stack.theta), iterations))
    for member, weights in enumerate(stack.theta.double().numpy()):
        loss = _Loss(stack, batch, member)
        losses[member], done = loss(weights)[0] / loss.unit, 0
        name = f"auto-encoder {member + 1} of {len(losses)}"
        for done, (value, theta) in enumerate(bfgs.descend(loss, weights, iterations), 1):
            losses[member, done - 1 :] = value / loss.unit
            stack.theta[member] = torch.as_tensor(theta)
            if done % every == 0:
                shown = losses[member, -1]
                report(f"{name}, iteration {done} of {iterations}, loss {shown:.6g}")
        if done < iterations:
            report(f"{name} ends after iteration {done}: no step lowers its loss")
    steps = [*range(every, iterations, every), iterations]
    return Trace(steps, [torch.as_tensor(losses[:, step - 1]) for step in steps])


class _Loss:
    """A member's summed loss and its gradient, both finite; `unit` makes it a mean over sigma^2."""

    def __init__(self, stack: Separate, batch: Batch, member: int) -> None:
        self._of = f"sigma {stack.sigmas[member]:.6g}, seed {stack.seeds[member]}"
        inputs, targets = (part[member].double().numpy() for part in (batch.inputs, batch.targets))
        self._points = inputs, targets
        self.unit = len(inputs) * float(batch.sigma[member, 0]) ** 2

    def __call__(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        with np.errstate(over="ignore", invalid="ignore"):
            value, gradient = summed_loss(theta, *self._points)
        if not (np.isfinite(value) and np.isfinite(gradient).all()):
            raise DivergedError(
                f"the loss or its gradient is not finite for {self._of}: bfgs works in the data's "
                "own units, which have to be of the order of one"
            )
        return value, gradient


def summed_loss(
    theta: np.ndarray, inputs: np.ndarray, targets: np.ndarray
) -> tuple[float, np.ndarray]:
    """Return the sum over all points of |r(y) - x|^2, and its gradient by theta ``(p,)``.

    Theta has the order of `Separate.pack`, for one layer of tanh; noisy inputs y and targets x have
    the shape ``(n, d)``. Units are computed in single precision, twice as fast as in double, and
    summed over blocks of points in double. Seeds end with the same errors, which they do not with
    theta itself in single precision: then the search soon finds no step.
    """
    n, d = inputs.shape
    units = (len(theta) - d) // (2 * d + 1)
    encoder, decoder = np.split(theta, [(d + 1) * units])
    encoder, decoder = encoder.reshape(d + 1, units), decoder.reshape(units + 1, d)
    narrow = [part.astype(np.float32) for part in (encoder, decoder)]
    shown = np.column_stack([inputs, np.ones(n)]).astype(np.float32)  # 1 for the bias
    value, slopes = 0.0, (np.zeros_like(encoder), np.zeros_like(decoder))
    size = max(1, AT_ONCE // units)
    for k in range(0, n, size):
        seen = shown[k : k + size]
        unit = seen @ narrow[0]
        np.tanh(unit, out=unit)
        error = (unit @ narrow[1][:-1]) + decoder[-1] - targets[k : k + size]
        value += (error**2).sum()
        slopes[1][-1] += error.sum(0)
        error = error.astype(np.float32)
        slopes[1][:-1] += (error.T @ unit).T
        into = error @ narrow[1][:-1].T
        np.multiply(unit, unit, out=unit)
        np.subtract(1.0, unit, out=unit)
        into *= unit
        slopes[0][:] += seen.T @ into
    return value, 2.0 * np.concatenate([slope.ravel() for slope in slopes])
