"""A separate auto-encoder with its first weights: what training begins with.

Its shape is the density's ``architecture``; weights are drawn as those that are then trained, the
same ones at every noise level. A conditioned auto-encoder, by contrast, begins as the identity.
"""

from typing import TYPE_CHECKING

import numpy as np

from autoscore.baselines.declaration import Baseline, Given

if TYPE_CHECKING:
    from autoscore.fields import Field

SHOWN = 256  # points among which the units' switching points are drawn, as for training


def _field(estimate: tuple[Given, int], sigma: float) -> "Field":
    from autoscore.models.separate.network import Separate  # PyTorch, which plans do without

    given, seed = estimate
    count, dim = given.points.shape
    scale = np.hypot(given.points.std(0).mean(), sigma)
    place = ([sigma], [0], [count], [given.points.mean(0)], [scale], "single")
    network = Separate(dim, dict(given.architecture), *place)
    shown = given.points[np.arange(SHOWN) % count]
    network.initialise(shown, [np.random.default_rng(seed)])
    return network.field(sigma, 0, count)


BASELINE = Baseline(
    name="untrained",
    about="a separate auto-encoder with its first weights",
    look={"color": "#999933", "linestyle": "--", "marker": "P", "label": "untrained"},
    fit=lambda given: (given, int(given.rng.integers(2**63))),
    field=_field,
    null=True,
)
