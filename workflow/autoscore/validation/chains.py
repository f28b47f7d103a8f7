"""Mistakes in the plans of chains."""

from collections.abc import Iterator
from typing import cast

import numpy as np

from autoscore.densities.base import Density
from autoscore.densities.kernels import KernelDensity
from autoscore.figures.declaration import Charted
from autoscore.figures.registry import FIGURES
from autoscore.models.registry import MODELS
from autoscore.numerics.grids import noise_levels
from autoscore.samplers.registry import SAMPLERS
from autoscore.validation.schemas import RENAMED
from autoscore.validation.shared import grid_mistakes, refused
from autoscore.wording import shown


def sample_mistakes(key: str, entry: dict, density: Density) -> Iterator[str]:
    """Yield what is wrong with the ``sample`` section of a density's completed entry."""
    sample, models = entry["sample"], _denoisers(entry["train"])
    for name, plan in sample["plans"].items():
        place = f"{key}.plans.{name}"
        if name in RENAMED:
            yield f"{place} is now called {key}.plans.{RENAMED[name]}: rename it"
        yield from grid_mistakes(f"{place}.sigmas", plan["sigmas"])
        yield from _plan_mistakes(place, plan, density)
        if {"learned", "extrapolated"} & set(plan["fields"]):
            yield from _model_mistakes(place, plan, models, "learned" in plan["fields"])
    for figure, name in sample["figures"].items():
        if name not in sample["plans"]:
            known = ", ".join(sample["plans"]) or "none"
            yield refused(f"{key}.figures.{figure}", name, f"a plan, of which there are {known}")
        scope = cast(Charted, FIGURES[figure].scope)
        if not scope.least <= density.dim <= scope.most:
            yield f"{key}.figures.{figure} is {shown(name)}; not available for d = {density.dim}"
    for part in ("differences", "far_starts"):
        yield from grid_mistakes(f"{key}.{part}.sigmas", sample[part]["sigmas"])
        yield from _model_mistakes(f"{key}.{part}", sample[part], models, levels=True)
    yield from _metropolis_mistakes(f"{key}.metropolis", sample["metropolis"], models, density)


def _denoisers(train: dict) -> dict[str, dict]:
    """Return the settings of every model that is trained on samples with the denoising loss."""
    models = {
        name: train | {"kind": name, "objectives": objectives}
        for name, objectives in train["models"].items()
    }
    return {
        name: settings
        for name, settings in (models | train["variants"]).items()
        if "dae" in settings["objectives"] and set(settings["sizes"]) != {"exact"}
    }


def _plan_mistakes(key: str, plan: dict, density: Density) -> Iterator[str]:
    """Yield what a plan asks of this density that no field of it can do."""
    fields, samplers, steps = set(plan["fields"]), set(plan["samplers"]), plan["steps"]
    descents = {name for name in samplers if SAMPLERS[name].descends}
    tuned = {name for name in samplers if SAMPLERS[name].acceptance}
    if isinstance(density, KernelDensity):
        yield f"{key} is given; allowed: no plans for a density that is known by samples alone"
    without_levels = fields & {"exact", "extrapolated"}
    if density.is_degenerate and without_levels:
        allowed = "optimum and learned, as a curve without thickness has no score"
        yield refused(f"{key}.fields", plan["fields"], allowed)
    if without_levels and (descents or plan["start"] == "flow"):
        allowed = "optimum and learned, as only these have noise levels to go down"
        yield refused(f"{key}.fields", plan["fields"], allowed)
    for name in sorted(samplers) if plan["temperature"] != 1 else []:
        if not SAMPLERS[name].needs_target:
            given = f"{key}.temperature is {plan['temperature']:g}"
            yield f"{given}; allowed: 1, as {name} moves by the field alone"
    by_name = isinstance(steps, dict)
    needy = samplers - tuned - descents - set(map(str, steps))
    if "exact" in fields and needy and (by_name or not steps):
        yield refused(f"{key}.steps", steps, f"one for {min(needy)}, as exact has no sigma")
    for name in sorted(set(steps) - samplers) if by_name else []:
        yield f"{key}.steps has {shown(name)}; allowed: samplers of this plan"
    for name in sorted(samplers):
        given, largest = steps.get(name, []) if by_name else steps, SAMPLERS[name].largest_step
        if np.max(given, initial=0) > largest:
            yield refused(f"{key}.steps", steps, f"at most {largest:g} for {name}")


def _metropolis_mistakes(key: str, asked: dict, models: dict, density: Density) -> Iterator[str]:
    sigmas = sorted({sigma for sigma, _ in asked["pairs"]})
    yield from _model_mistakes(key, asked | {"sigmas": sigmas}, models, levels=True)
    for name in asked["models"]:
        if name in models and not MODELS[models[name]["kind"]].separate:
            yield refused(f"{key}.models", name, "models with an auto-encoder per noise level")
        if density.is_degenerate or isinstance(density, KernelDensity):
            yield f"{key}.models has {shown(name)}; allowed: none for a density without a log p"


def _model_mistakes(key: str, plan: dict, models: dict[str, dict], levels: bool) -> Iterator[str]:
    """Yield models, sizes and noise levels that are asked for but not trained."""
    for name in plan["models"]:
        if name not in models:
            known = ", ".join(models) or "none"
            yield f"{key}.models has {shown(name)}; allowed, as trained by dae on samples: {known}"
            continue
        settings = models[name]
        trained = noise_levels(settings["sigmas"])
        for size in sorted(set(plan.get("sizes", [])) - set(settings["sizes"]))[:1]:
            yield f"{key}.sizes has {size}; allowed for {name}: {shown(settings['sizes'])}"
        for sigma in noise_levels(plan["sigmas"]) if levels else []:
            known = trained.min() <= sigma <= trained.max()
            if MODELS[settings["kind"]].separate:
                known = np.isclose(trained, sigma, rtol=1e-9).any()
            if not known:
                yield f"{key}.sigmas has {sigma:g}; allowed for {name}: {shown(settings['sigmas'])}"
