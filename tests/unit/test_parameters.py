"""Each key of the configuration changes the parameters of the jobs that depend on it alone.

What depends on a key is written down here by stage, apart from the plan.
"""

import copy
from contextlib import suppress
from fnmatch import fnmatch

import numpy as np
import pandas as pd
import pytest
import yaml
from snakemake.utils import update_config

from autoscore import configuration, plan
from autoscore.configuration import ConfigurationError, complete
from autoscore.densities.registry import KINDS
from autoscore.figures.registry import FIGURES, settings_of
from autoscore.models.registry import MODELS
from autoscore.plan import PROBES
from autoscore.samplers.registry import SAMPLERS

WRITTEN = """
densities:
  line:
    kind: mixture
    weights: [1, 2]
    means: [[0], [3]]
    standard_deviations: [1, 0.5]
    figures: [reconstruction, animation]
    sample:
      plans:
        all: {fields: [optimum], samplers: ALL, steps: [0.1], sigmas: [0.1], chains: 5, draws: 4}
        learned:
          {fields: [learned], samplers: [walk], models: [separate], sizes: [50], sigmas: [0.9]}
      figures: {traces: all}
      differences: {models: [conditioned], sigmas: [0.9]}
    train:
      models: {separate: [dae, rcae], conditioned: [dae]}
  bowl:
    kind: energy
    expression: x1**2 + x2**4
    bounds: [[-3, 3], [-2, 2]]
    train: {sizes: [50], models: {conditioned: []}}
  arc:
    kind: curve
    coordinates: [cos(t), sin(t)]
    interval: [0, 3]
    thickness: 0.1
    figures: [map]
    sample:
      plans: {way: {fields: [exact], samplers: [langevin], steps: [0.1]}}
      figures: {comparison: way, relaxation: way}
    train:
      sizes: [50]
      models: {separate: [], conditioned: []}
      variants:
        gentle: {kind: separate, objectives: [dae], schedules: {samples: {steps: 30}}}
  cloud:
    kind: curve_mixture
    dimension: 5
    components: 3
    curve_seed: 1
    sample: {plans: {way: {fields: [exact], samplers: [mala], steps: [0.1]}}, figures: {pairs: way}}
    train: {sizes: [50], models: {separate: [], conditioned: [dae]}}
  mine:
    kind: samples
    path: PATH
    columns: [x, y]
    missing: drop
    scale: columns
    train:
      sigmas: [0.2, 0.4]
      sizes: [all]
      models: {separate: [], conditioned: [dae]}
      schedules: {conditioned: {steps: 500}}
  blob:
    kind: mixture
    weights: [1]
    means: [[0, 0]]
    covariances: [[[1, 0], [0, 1]]]
    train: {sizes: [50], models: {separate: [], conditioned: []}}
  dots:
    kind: samples
    points: [[0], [1], [3]]
    figures: [field]
    train: {sizes: [exact, 3], models: {separate: [rcae]}}
optimum: {sigmas: [0.1, 0.5], order_sigmas: [0.004, 0.006]}
figures: {panel_sigmas: [0.1]}
train: {sigmas: [0.1, 0.9], sizes: [exact, 50], models: {separate: [dae]}}
images:
  sigmas: [0.1, 0.4]
  models: {plain: {kind: separate}, mixed: {kind: corrected}}
  sample: {models: [mixed]}
"""

# Jobs by key, as patterns; the first line that fits a key counts. {d} is the density that the key
# is of. Keys under train and under images.models stand below: they depend on the model.
DEPENDENT = {
    "profile": ["verify_tables"],
    "seed": [
        "data *", "train *", "score *", "geometry *", "sample *", "train_images *",
        "score_images", "sample_images *", "sample_classifier",
    ],
    "rounding": ["train *", "train_images *", "sample_classifier"],
    "optimum.points": ["optimum line", "optimum dots", "geometry line", "geometry dots"],
    "optimum.plane_points": ["optimum bowl", "optimum arc", "optimum mine", "optimum blob"],
    "optimum.order_sigmas*": ["optimum line", "optimum dots"],
    "optimum.*": ["optimum line", "optimum dots"],
    "figures.panel_sigmas*": ["plot_optimum *"],
    "figures.field_sigma": ["plot_field dots", "plot_reconstruction line"],
    "figures.frames_per_second": ["plot_animation line", "plot_relaxation arc"],
    "densities.*.baselines": ["score {d}"],
    "densities.*.order_sigmas*": ["optimum {d}"],
    "densities.*.sample.figures.*": ["plot_{key} {d}"],
    "densities.*.sample.*": ["sample {d}"],
    "densities.*": [
        "data {d}", "optimum {d}", "train {d} *", "score {d}", "geometry {d}", "sample {d}",
    ],
    "images.budget": ["train_images *"],
    "images.device": ["train_images *", "score_images", "sample_images *"],
    "images.held_out": ["score_images", "sample_classifier"],
    "images.sigmas*": ["score_images"],
    "images.shown_sigma": ["score_images", "plot_images_energies"],
    "images.sample.models": ["sample_images *", "plot_images_chains", "plot_images_samples"],
    "images.sample.*": ["sample_images *"],
    "images.*": ["data_images"],
}  # fmt: skip
# keys under train that a training uses, by kind of model and source
TRAINING = {
    ("separate", "exact"): "architecture.* device nodes seeds sigmas schedules.exact.* shard",
    ("separate", "samples"): (
        "architecture.* device noise optimiser seeds sigmas sizes schedules.samples.* warm_start "
        "shard"
    ),
    ("conditioned", "samples"): (
        "network.* device noise seeds sigmas sizes schedules.conditioned.* shard"
    ),
}
# other stages of a density that depend on keys under its train
STAGES = {
    "data": "seeds sizes validation held_out variants.*.seeds variants.*.sizes",
    "optimum": "sigmas",  # in the plane
    "score": "sigmas architecture.* models.* variants.*.objectives",
    "geometry": "sigmas architecture.* models.* variants.*.objectives",
    "sample": "architecture.*",
}
KNOWN = ("bowl", "arc", "cloud", "blob")  # in two and more dimensions
LINE, PLANE = ("line", "dots"), ("bowl", "arc", "mine", "blob")
# keys of a model of images that its training uses, by kind
OF_IMAGES = "average axes batch hidden kind learning_rate precision shown sigmas validation"
IMAGE_MODELS = {"plain": f"{OF_IMAGES} output start tied", "mixed": f"{OF_IMAGES} blocks width"}


def any_fits(name, patterns):
    return any(fnmatch(name, pattern) for pattern in patterns)


def lies_under(mapping, keys):
    for key in keys:
        if not isinstance(mapping, dict) or key not in mapping:
            return False
        mapping = mapping[key]
    return True


def depends_on_training(job, density, keys, moved, written):
    """Whether a job depends on a key under the `train` of its density."""
    rule, *training = job.split()
    if rule.startswith("plot") or training[:1] != [density]:
        return False
    if rule not in ("train", "train_shard"):
        dependent = any_fits(".".join(keys), STAGES.get(rule, "").split())
        return dependent and (rule != "optimum" or density in PLANE)
    objective, model, source = training[1:4]
    variants = written["densities"][density]["train"].get("variants", {})
    match keys:
        case ["models", name] | ["variants", name, "objectives"]:
            return name == model and objective in moved
        case ["variants", name, "kind"]:
            return name == model
        case ["variants", name, *own]:
            if name != model:
                return False
            keys = own
        case _ if lies_under(variants.get(model, {}), keys):
            return False
    kind = variants[model]["kind"] if model in variants else model
    return any_fits(".".join(keys), TRAINING[kind, source].split())


def depends(job, path, value, other, written):
    """Whether a job depends on a change of a key, by what is written above."""
    names = [one for both in (value, other) if isinstance(both, list) for one in both]
    moved = [one for one in names if names.count(one) == 1]
    match path:
        case ["train", *keys]:
            entries = written["densities"].items()
            inheriting = [name for name, entry in entries if not lies_under(entry["train"], keys)]
            return any(depends_on_training(job, name, keys, moved, written) for name in inheriting)
        case ["densities", density, "train", "models", "conditioned"] if job == "plot_combinations":
            return density in KNOWN and "dae" in moved
        case ["densities", density, "train", *keys]:
            return depends_on_training(job, density, keys, moved, written)
        case ["densities", density, "figures"]:
            shown = density not in LINE and job == f"geometry {density}"
            return shown or job in [f"plot_{name} {density}" for name in moved]
        case ["densities", density, "shown", _]:
            return density not in LINE and job == f"geometry {density}"
        case ["densities", density, "sample", probe, "models"] if probe in PROBES:
            drawn = bool(value) != bool(other) and job == f"plot_{probe} {density}"
            return drawn or job == f"sample {density}"
        case ["images", "models", model, key]:
            uses = any_fits(key, IMAGE_MODELS[model].split())
            drawn = key == "kind" and job == "plot_images_symmetry"
            return drawn or (uses and job == f"train_images {model}")
    key = ".".join(path)
    patterns = next(jobs for pattern, jobs in DEPENDENT.items() if fnmatch(key, pattern))
    return any_fits(job, [text.format(d=path[1:2] and path[1], key=path[-1]) for text in patterns])


def parameters(config, written):
    """The parameters of every job, and those of figures and verdicts, by rule and wildcards."""
    found = {" ".join(job): value for job, value in plan.parameters(config).items()}
    for name, figure in FIGURES.items():
        for density in figure.scope.subjects(name, config):
            found[f"plot_{name} {density}".strip()] = settings_of(name, config, density)
    found["verify_tables"] = [config["profile"], list(config["densities"])]
    return found


def changed_jobs(before, after):
    """Jobs whose parameters read otherwise, as Snakemake compares them, or that are new or gone."""
    names = before.keys() | after.keys()
    return {name for name in names if repr(before.get(name)) != repr(after.get(name))}


def resolve(schema, value, root):
    """The part of a schema that describes this form of a value."""
    while "$ref" in schema or "anyOf" in schema:
        if "$ref" in schema:
            part = root
            for name in schema["$ref"].split("/")[1:]:
                part = part[name]
            schema = part | {key: own for key, own in schema.items() if key != "$ref"}
        else:
            kinds = {dict: "object", list: "array", str: "string"}
            forms = [resolve(form, value, root) for form in schema["anyOf"]]
            fitting = [form for form in forms if form.get("type") == kinds.get(type(value))]
            schema = (fitting or forms)[0]
    return schema


def is_grid(value):
    return value.keys() == {"low", "high", "count"}


def leaves(schema, value, root, path=()):
    """Yield path, value and schema of every key that holds no further keys."""
    schema = resolve(schema, value, root)
    parts, others = schema.get("properties", {}), schema.get("additionalProperties")
    if isinstance(value, dict) and value and not is_grid(value) and (parts or others):
        for key, part in value.items():
            yield from leaves(parts.get(key, others), part, root, (*path, key))
    else:
        yield path, value, schema


def others(value, schema):
    """Yield other values, of which the first is taken that is allowed."""
    match value:
        case bool():
            yield not value
        case int() | float():
            yield from (value + 1, value + 2, value / 2 or 0.5, value - 1)
        case str() if value.endswith(".csv"):
            yield value.replace("mine", "other")
        case str():
            yield from (one for one in schema.get("enum", [f"2*({value})"]) if one != value)
        case dict() if value:
            yield value | {"count": value["count"] + 1}
        case list():
            items = schema.get("items", {})
            yield from ([*value, one] for one in items.get("enum", []) if one not in value)
            if value:
                yield from ([*value[:-1], one] for one in others(value[-1], items))
                yield value[:-1]
            yield from ([*value, one] for one in (7, "dae", [1, 2, 3]))
        case None:
            yield from (7, "other")


def put(config, path, value):
    """Write a key into a configuration, before the others of its section."""
    *sections, key = path
    for section in sections:
        config = config.setdefault(section, {})
    rest = dict(config)
    config.clear()
    config |= {key: value} | {name: part for name, part in rest.items() if name != key}


def overlaid(config, path, value):
    """A configuration as Snakemake puts a second file over it."""
    for key in reversed(path):
        value = {key: value}
    config = copy.deepcopy(config)
    update_config(config, value)
    return config


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("points")
    for name in ("mine", "other"):
        columns = {name: np.arange(20) ** 2 for name in ("x", "y", "2*(y)")}
        pd.DataFrame(columns).to_csv(folder / f"{name}.csv")
    text = WRITTEN.replace("PATH", str(folder / "mine.csv"))
    return yaml.safe_load(text.replace("ALL", str(list(SAMPLERS))))


@pytest.fixture(scope="module")
def schema():
    """The whole schema; to put it together takes most of the time of a completion."""
    whole = configuration.whole_schema()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(configuration, "whole_schema", lambda: whole)
        yield whole


@pytest.fixture(scope="module")
def completed(written, schema):
    return complete(written)


@pytest.fixture(scope="module")
def keys(completed, schema):
    """Path, value and schema of every key that holds no further keys."""
    return list(leaves(schema, completed, schema))


def test_the_configuration_has_one_of_each_kind(completed):
    densities = completed["densities"].values()
    assert {entry["kind"] for entry in densities} == KINDS.keys()
    assert set(completed["densities"]["line"]["sample"]["plans"]["all"]["samplers"]) == set(
        SAMPLERS
    )
    models = {"separate", "conditioned"}
    assert models | {one["kind"] for one in completed["images"]["models"].values()} == MODELS.keys()


def names_in(schema):
    """The names of all keys that a schema knows."""
    parts = (
        schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    )
    own = schema.get("properties", {}) if isinstance(schema, dict) else {}
    return set(own).union(*map(names_in, parts))


def test_no_key_of_the_schema_is_left_out(schema, keys):
    of_grids = {"low", "high", "count", "relative"}
    assert names_in(schema) - {name for path, _, _ in keys for name in path} == of_grids


def test_a_key_set_to_the_value_that_it_has_changes_nothing(written, completed, keys):
    changed = [
        path
        for path, value, _ in keys
        if repr(complete(overlaid(written, path, value), checked=True)) != repr(completed)
    ]
    assert changed == []


def test_a_changed_key_changes_exactly_the_jobs_that_depend_on_it(written, completed, keys):
    before, wrong, unchanged = parameters(completed, written), [], []
    for path, value, schema in keys:
        # another kind of density needs other keys, which only a whole check sees
        checked = path[-1] != "kind"
        for other in others(value, schema):
            with suppress(ConfigurationError):
                changed = complete(overlaid(written, path, other), checked=checked)
                break
        else:
            unchanged.append(path)
            continue
        edited = copy.deepcopy(written)
        put(edited, path, other)
        assert repr(complete(edited, checked=checked)) == repr(changed), path
        after = parameters(changed, written)
        found = changed_jobs(before, after)
        jobs = before.keys() | after.keys()
        expected = {job for job in jobs if depends(job, path, value, other, written)}
        if found != expected:
            wrong.append((".".join(path), value, other, found - expected, expected - found))
    assert wrong == []
    # nothing of theirs is there to change, and a kind does not change alone
    assert {path[-1] for path in unchanged} <= {"variants", "plans", "figures", "kind"}
