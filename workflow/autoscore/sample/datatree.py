"""Chains as ArviZ reads them: an xarray.DataTree with the groups of its schema.

``posterior`` holds the draws ``x`` over ``chain``, ``draw`` and ``coordinate``, ``sample_stats``
what is known of the sampling. Both libraries read and write netCDF (``tree.to_netcdf(path)``) and,
where it is installed, Zarr. The .npz file of a run stays the raw form.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from autoscore.densities.registry import is_degenerate, is_known, make_density
from autoscore.files.storage import read_arrays
from autoscore.samplers.chains import Chains

if TYPE_CHECKING:
    from xarray import DataTree

ATTRIBUTES = (  # columns of results/sample/<density>.csv that say what a run was
    *("density", "plan", "start", "field", "model", "sampler"),
    *("sigma", "seed", "trained_on", "is_tuned"),
)


def to_datatree(
    chains: Chains | np.ndarray,
    log_prob: Callable[[np.ndarray], np.ndarray] | None = None,
    statistics: Mapping[str, Any] | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> "DataTree":
    """Return a run, or draws of shape ``(chains, draws, d)``, as a DataTree.

    `log_prob` of the target, if given, becomes ``lp`` of the sample statistics, ``(chain, draw)``.
    A run also has its ``acceptance_rate`` per chain and its ``step_size``, and names its sampler.
    `statistics` adds numbers of one value or one per chain, and `attributes` plain values on the
    root; None, NaN and "" are left out. Raises ValueError unless the draws have three dimensions.
    """
    from xarray import Dataset, DataTree  # half a second, which most plans spare

    known: dict[str, Any] = {}
    named: dict[str, Any] = {}
    if isinstance(chains, Chains):
        known["acceptance_rate"] = chains.acceptance
        known["step_size"] = getattr(chains.kernel, "step_size", None)
        named["sampler"] = chains.kernel.name
        chains = chains.draws
    if chains.ndim != 3:
        raise ValueError(f"draws must have the shape (chains, draws, d), not {chains.shape}")
    count, draws, dim = chains.shape
    names = ["x"] if dim == 1 else [f"x{i + 1}" for i in range(dim)]
    coordinates = {"chain": np.arange(count), "draw": np.arange(draws)}
    posterior = Dataset(
        {"x": (("chain", "draw", "coordinate"), chains)}, {**coordinates, "coordinate": names}
    )
    found = {
        name: (("chain",) * np.ndim(value), value)
        for name, value in _present(known | dict(statistics or {})).items()
    }
    if log_prob is not None:
        found["lp"] = (("chain", "draw"), log_prob(chains.reshape(-1, dim)).reshape(count, draws))
    groups = {"posterior": posterior, "sample_stats": Dataset(found, coordinates)}
    tree = DataTree.from_dict(groups)
    tree.attrs = _present(named | dict(attributes or {}))
    return tree


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that there are, as netCDF can hold them."""
    kept = {
        name: value
        for name, value in values.items()
        if np.ndim(value) or not (value is None or value == "" or pd.isna(value))
    }
    return {name: int(v) if isinstance(v, bool | np.bool_) else v for name, v in kept.items()}


def read_chains(path: str | Path, name: str) -> "DataTree":
    """Return a run that the pipeline has stored, from ``results/sample/<density>.npz``.

    `name` is that of its row in the table beside it, column ``chains``. Where the density is known,
    ``lp`` is its exact log p_sigma, at the run's sigma (log p if that is 0). The acceptance and
    the step are those of the whole run, of which the file may keep only the first chains. The
    attribute ``seed`` counts repeats; ``global_seed`` is the seed of the configuration.

    Raises KeyError, which lists what there is, for another name, and the errors of reading.
    """
    path = Path(path)
    table = pd.read_csv(path.with_suffix(".csv"))
    rows = table[table["chains"] == name]
    arrays = read_arrays(path)
    if name not in arrays or rows.empty:
        stored = [key for key in arrays if key in set(table["chains"])]
        raise KeyError(f"{path} has no chains {name!r}; it has {', '.join(stored)}")
    row = rows.iloc[0].to_dict()
    record = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    entry, sigma = record["settings"]["entry"], row["sigma"]
    log_prob = None
    if is_known(entry) and (sigma or not is_degenerate(entry)):
        density = make_density(entry)
        log_prob = (density.smoothed(sigma) if sigma else density).log_prob
    return to_datatree(
        arrays[name],
        log_prob,
        {"acceptance_rate": row["acceptance"], "step_size": row["step"]},
        {key: row[key] for key in ATTRIBUTES} | {"global_seed": record["seed"]},
    )
