"""Separate auto-encoders by linear least squares: random encoders, each with its best decoder.

With r(x) = V tanh(W x + b) + c and (W, b) drawn at random, the denoising loss is quadratic in
(V, c): one ridge regression minimises it (random features, Rahimi and Recht 2007; extreme learning
machines, Huang, Zhu and Siew 2006). Where a plane has to be covered, a thousand such units come
closer to the best reconstruction than gradients in a hundred times as long.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from autoscore.densities.kernels import KernelDensity
from autoscore.models.separate.network import Separate
from autoscore.optimum.dae import DenoisingOptimum
from autoscore.train.batches import Batch
from autoscore.train.fit import DivergedError, Trace
from autoscore.train.objectives import denoising

RIDGES = 10.0 ** np.arange(-3, -8, -1)  # in units of each hidden unit's mean square
UNCHECKED = 1e-5  # ridge without validation points
AT_ONCE = 1600  # points whose units are held at once


def average_targets(batch: Batch, points: Sequence[np.ndarray]) -> Batch:
    """Return the batch with E[x | y] over each member's clean points, ``(n, d)``, for targets.

    Noisy inputs y are those of a batch with a noise level per member. The expectation over which
    point became y is taken in closed form: the loss keeps its minimum and loses the targets'
    variance (Rao-Blackwell; the stable target field of Xu, Tong and Jaakkola 2023).
    """
    rows = [
        DenoisingOptimum(KernelDensity(clean), float(sigma))(noisy)
        for clean, noisy, sigma in zip(
            points, batch.inputs.double().numpy(), batch.sigma[:, 0], strict=True
        )
    ]
    return replace(batch, targets=torch.as_tensor(np.stack(rows), dtype=batch.targets.dtype))


def solve_decoders(
    stack: Separate, batch: Batch, held_out: Batch | None, report: Callable[[str], None]
) -> Trace:
    """Give every member the best decoder for its encoder's units on a batch.

    Of `RIDGES`, each member takes that of the least loss on `held_out` points. Encoders stay as
    they are. Raise DivergedError if no ridge can be solved for.
    """
    losses = []
    for member in range(len(stack.theta)):
        one = stack.take([member])
        tried = [*_solutions(one, batch.take([member]), RIDGES if held_out else [UNCHECKED])]
        if not tried:
            raise DivergedError(f"the decoder for seed {stack.seeds[member]} cannot be solved for")
        judged = batch if held_out is None else held_out
        found = [
            (float(denoising(one, theta[None], judged.take([member]))), theta) for theta in tried
        ]
        loss, stack.theta[member] = min(found, key=lambda pair: pair[0])
        losses.append(loss)
        report(f"decoder {member + 1} of {len(stack.theta)}, loss {loss:.6g}")
    return Trace([1], [torch.tensor(losses)])


def _solutions(stack: Separate, batch: Batch, ridges: np.ndarray) -> list[torch.Tensor]:
    """Return one member's weights for every ridge that double precision can solve for."""
    named = stack.views(stack.theta.double())
    inputs, sigma = batch.inputs.double(), batch.sigma[..., None].double()
    # what the network has to give, so that r is the target
    power = {"none": None, "sigma": 1, "score": 2}[stack.architecture.residual]
    targets = batch.targets.double()
    wanted = targets if power is None else (targets - inputs) / sigma**power
    gram, right, solved = 0.0, 0.0, []
    for some, goal in zip(inputs.split(AT_ONCE, 1), wanted[0].split(AT_ONCE), strict=True):
        units = stack.units(named, some)[-1][0].numpy()
        units = np.column_stack([units, np.ones(len(units))])
        gram, right = gram + units.T @ units, right + units.T @ goal.numpy()
    for ridge in ridges:
        try:
            factor = cho_factor(gram + np.diag(ridge * np.diag(gram)), overwrite_a=True)
        except LinAlgError:
            continue
        decoder = torch.as_tensor(cho_solve(factor, right))
        change = {"decoder.weight": decoder[None, :-1], "decoder.bias": decoder[None, -1:]}
        solved.append(stack.pack(named | change)[0].to(stack.dtype))
    return solved
