"""Symmetry of dr/dx through the training of separate auto-encoders (statement C4)."""

from collections.abc import Callable

import numpy as np
import torch

from autoscore.fields import symmetric_share
from autoscore.images.errors import mean_error
from autoscore.models.corrected.network import Corrected
from autoscore.models.separate.network import Separate
from autoscore.numerics.streams import generator
from autoscore.train.fit import Trace

PROBES = 6  # noisy validation images: each Jacobian costs as much as hundreds of reconstructions
PARTS = {"symmetry": False, "symmetry_traceless": True}  # columns, and whether without the trace


def follow_symmetry(
    stack: Separate, points: np.ndarray, streams: tuple
) -> Callable[[torch.Tensor], np.ndarray]:
    """Return a function of theta, ``(m, parameters)``, that measures symmetry at noisy points.

    Its result ``(m, parts, n)`` has the symmetry of dr/dx, and that without the trace, which is
    that of dr/dx - I, too; see `symmetric_share`. Each member sees its own noise level.
    """
    x = points[:PROBES]
    noise = generator(*streams, "symmetry").standard_normal(x.shape)
    noisy = torch.as_tensor(x + stack.sigmas[:, None, None] * noise, dtype=stack.theta.dtype)
    levels = torch.as_tensor(stack.sigmas, dtype=stack.theta.dtype)[:, None]

    def measure(theta: torch.Tensor) -> np.ndarray:
        found = []
        with torch.no_grad(), torch.autocast(theta.device.type, enabled=False):
            for point in noisy.to(theta.device).split(1, dim=1):  # all at once fill the memory
                _, slopes = stack.forward(theta, point, levels.to(theta.device), jacobian=True)
                slopes = slopes[:, 0].cpu().numpy()
                found.append([symmetric_share(slopes, traceless=part) for part in PARTS.values()])
        return np.moveaxis(found, (0, 1, 2), (2, 1, 0))

    return measure


def symmetry_rows(stack: Separate | Corrected, trace: Trace) -> list[dict]:
    """Return rows of what `follow_symmetry` observed: means over `n` images, standard errors."""
    rows = []
    for step, seen in zip(trace.observed_steps, trace.observed, strict=True):
        for sigma, parts in zip(stack.sigmas, seen, strict=True):
            row = {"step": step, "sigma": sigma, "n": parts.shape[1]}
            for name, values in zip(PARTS, parts, strict=True):
                row |= {name: values.mean(), f"{name}_error": mean_error(values)}
            rows.append(row)
    return rows
