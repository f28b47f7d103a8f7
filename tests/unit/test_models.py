"""What model kinds declare."""

import copy
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest

from autoscore.configuration import complete
from autoscore.declarations import DeclarationError
from autoscore.densities.mixtures import GaussianMixture
from autoscore.models import separate
from autoscore.models.registry import MODELS, declared, load_stack
from autoscore.train.rounding import move_weights

READ_BY_SCRIPTS = {"kind", "device"}  # which training runs, and where
SHORT = {"steps": 3, "batch": 4}
TRAIN = {
    "seeds": 1,
    "sigmas": [0.2, 0.4],
    "sizes": [8],
    "nodes": 16,
    "architecture": {"hidden": [4]},
    "network": {"width": 4, "blocks": 1},
    "schedules": dict.fromkeys(("exact", "samples", "conditioned"), SHORT),
}
LINE = {"kind": "mixture", "weights": [1], "means": [[0]], "standard_deviations": [1]}
TRAINED = [(name, source) for name, model in MODELS.items() for source in model.training]


class Watched(dict):
    """Settings that record which of them are read."""

    def __init__(self, settings):
        super().__init__(settings)
        self.seen = set()

    def __getitem__(self, key):
        self.seen.add(key)
        return super().__getitem__(key)

    def get(self, key, default=None):
        self.seen.add(key)
        return super().get(key, default)


def settings_of(**change):
    common = {"densities": {"line": copy.deepcopy(LINE)}, "train": TRAIN | change}
    return complete(common)["densities"]["line"]["train"]


def train(name, source, settings, objective="dae"):
    rng = np.random.default_rng(1)
    data = {"train": rng.normal(size=(1, 8, 1)), "validation": rng.normal(size=(20, 1))}
    learned = GaussianMixture([1], [[0.0]], [[[1.0]]]) if source == "exact" else data
    return MODELS[name].trainer(source)(learned, settings, objective, (1, "line", objective, name))


@pytest.mark.parametrize(("name", "source"), TRAINED)
def test_a_training_reads_exactly_the_settings_that_its_kind_declares(name, source):
    seen = set()
    for objective in set(MODELS[name].objectives) - {"ssm"}:
        settings = Watched(settings_of())
        train(name, source, settings, objective)
        seen |= settings.seen
    assert seen | READ_BY_SCRIPTS == MODELS[name].uses[source] | {"schedules"}


@pytest.mark.parametrize(("name", "source"), TRAINED)
def test_a_training_needs_no_other_setting(name, source):
    model, settings = MODELS[name], settings_of()
    schedule = model.schedules[source]
    needed = {key: settings[key] for key in model.uses[source] & settings.keys()}
    needed["schedules"] = {schedule: settings["schedules"][schedule]}
    found, expected = (train(name, source, given)[0].theta for given in (needed, settings))
    assert found.equal(expected)


@pytest.mark.parametrize(("name", "source"), TRAINED)
def test_a_weights_file_names_its_kind(name, source, tmp_path):
    stack, _ = train(name, source, settings_of())
    stack.save(tmp_path / "a.safetensors")
    again = load_stack(tmp_path / "a.safetensors")
    assert type(again) is MODELS[name].load()
    assert again.theta.equal(stack.theta)
    move_weights(again, 1)
    assert not again.theta.equal(stack.theta)


@pytest.mark.parametrize(("name", "source"), TRAINED)
def test_costs_are_those_of_the_networks(name, source):
    wide = {"architecture": {"hidden": [64, 64]}, "network": {"width": 64, "blocks": 1}}
    settings = settings_of(**wide)
    settings["schedules"]["exact"]["polish"] = 5
    stack, _ = train(name, source, settings)
    costs = {what: MODELS[name].cost(settings, what, source, 1) for what in ("dae", "rcae", "ssm")}
    cost = costs["dae"]
    # beside the weights there are biases, and the input of the noise level
    assert cost.weights <= stack.theta.shape[1] < 1.5 * cost.weights
    assert cost.units == 64 + (2 if name == "conditioned" else 1) * 64 + 1
    assert (cost.points, cost.steps) == ((16, 8) if source == "exact" else (4, 3))
    assert cost.number == stack.theta.element_size()
    assert [costs[what].directions for what in ("dae", "rcae", "ssm")] == [1, 2, 3]


def module(name, model):
    made = ModuleType(name)
    made.MODEL = model
    return made


def test_a_wrong_declaration_names_its_module_and_the_remedy():
    twice = [separate, module("one.toy", separate.MODEL)]
    with pytest.raises(DeclarationError, match=r"one\.toy: .* is declared in .*, too: rename one"):
        declared(twice)
    for change, message in (
        ({"uses": {}}, "trained on exact, it needs uses"),
        ({"cost": None}, "cost"),
    ):
        wrong = replace(separate.MODEL, name="toy", **change)
        with pytest.raises(DeclarationError, match=rf"one\.toy: .*{message}"):
            declared([module("one.toy", wrong)])
