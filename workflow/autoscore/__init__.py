"""What regularized auto-encoders learn from the data-generating distribution, measured.

Arrays are NumPy arrays, points have shape (n, d), sigma is always a standard deviation, and
randomness comes from explicit generators. Nothing here imports Snakemake: every module can be used
from a notebook, and importing one changes no setting of Python, PyTorch or Matplotlib.

## A density

`autoscore.densities.base.Density` has `log_prob(x)`, `score(x)` = grad log p, `hessian(x)`,
`sample(n, rng)`, and `smoothed(sigma)`: the density p_sigma of x plus Gaussian noise, again a
density.

>>> import numpy as np
>>> from autoscore.densities.mixtures import GaussianMixture
>>> from autoscore.numerics.streams import generator
>>> p = GaussianMixture([0.6, 0.4], [[-1, 0], [1, 0.5]], [0.25 * np.eye(2), 0.09 * np.eye(2)])
>>> x = p.sample(1000, generator(2014, "points"))
>>> p.log_prob(x).shape, p.score(x).shape, p.hessian(x).shape
((1000,), (1000, 2), (1000, 2, 2))

## A field

`autoscore.fields.Field` is a reconstruction function r at one noise level, with one interface
whether it is exact, optimal or learned. Call it for r(x). `jacobian(x)` is dr/dx, `score(x)` is
(r(x) - x) / sigma^2, `hessian(x)` is (dr/dx - I) / sigma^2, and `log_ratio(x, y)` is the difference
of log p along the segment. The error of the best field falls as sigma^2 (its square, below, as
sigma^4):

>>> from autoscore.numerics.errors import relative_error
>>> from autoscore.optimum.dae import DenoisingOptimum
>>> equal = np.full(1000, 1 / 1000)
>>> for sigma in (0.2, 0.1, 0.05):
...     best = DenoisingOptimum(p, sigma)
...     print(sigma, f"{relative_error(best.score(x), p.score(x), equal):.2g}")
0.2 0.073
0.1 0.0074
0.05 0.00054

## A training

An entry of a configuration says what is trained, and on which points; what it leaves out has
defaults. A stack holds one network per noise level and seed; `field(sigma, seed, size)` takes one
out of it. `autoscore.models.registry.load_stack` reads what the pipeline has trained.

>>> from autoscore.configuration import complete
>>> from autoscore.data import draw_data
>>> from autoscore.models.registry import MODELS
>>> two = {"kind": "mixture", "weights": [0.6, 0.4], "means": [[-1, 0], [1, 0.5]]}
>>> two |= {"standard_deviations": [0.5, 0.3]}  # the same density
>>> two["train"] = {"sigmas": [0.2], "sizes": [1000], "seeds": 1}
>>> two["train"] |= {"schedules": {"samples": {"steps": 300}}}
>>> entry = complete({"densities": {"two": two}})["densities"]["two"]
>>> train = MODELS["separate"].trainer("samples")
>>> streams = (2014, "two", "dae", "separate")
>>> stack, trace = train(draw_data(2014, "two", entry), entry["train"], "dae", streams)
>>> learned = stack.field(0.2, seed=0, size=1000)
>>> noisy = p.smoothed(0.2)
>>> relative_error(learned.score(x), noisy.score(x), equal) < 0.5
True

## A sampler

A kernel is two pure functions, `init(x)` and `step(state, normals)`, on a batch of chains.
`autoscore.samplers.chains.run` drives it. The kernel's *target* computes differences of log p:
`ExactTarget` takes them from a density, `PathTarget` integrates a score along the segment,
`OnePointTarget` uses the score at one end.

>>> from autoscore.samplers.chains import run
>>> from autoscore.samplers.langevin import AdjustedLangevin
>>> from autoscore.samplers.targets import PathTarget
>>> kernel = AdjustedLangevin(PathTarget(learned, nodes=3), step_size=0.1)
>>> generators = [generator(2014, "chain", k) for k in range(50)]
>>> chains = run(kernel, x[:50], 40, generators, burn_in=100, thin=2, target_acceptance=0.574)
>>> chains.draws.shape
(50, 40, 2)
>>> bool(0.4 < chains.acceptance.mean() < 0.8)
True

Each chain has its own named generator, so that adding a chain changes no other.
`autoscore.sample.mixing` and `autoscore.sample.distances` measure the draws.

## Floors

Each floor imports only from those above it in this list:

- `declarations`, `wording`: what the modules of a registry declare; values and counts in messages
- `numerics`, `files`: random streams, quadrature, errors; atomic files, records, a user's tables
- `fields`: the interface of every reconstruction function
- `densities`: targets with exact log-density, score, Hessian and samples
- `optimum`: the reconstruction functions that no auto-encoder can beat
- `train`: stacks of networks, batches, objectives, optimisers
- `models`, `samplers`: kinds of auto-encoder; Markov chain kernels and their targets
- `baselines`, `nulls`: trivial and classical estimators of the same score; null models beside every
  trained one
- `shards`, `plan`, `figures`: what a run consists of, from its configuration alone; declared
  figures, drawn from tables
- `data`, `noise`, `validation`, `configuration`: the samples that all stages share; noise grids
  that fit them; configurations, checked
- `combination`: the clean score from several noise levels
- `score`, `geometry`, `sample`: score errors; the shape of learned fields; chains and what they are
  worth
- `images`: images: sources, models, measurements and samples
- `verify`, `report`: claims and verdicts, from tables alone; one page of verdicts and figures
"""
