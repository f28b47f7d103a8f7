import copy
import sys
from dataclasses import replace
from math import ceil

import numpy as np
import yaml

from autoscore.configuration import complete
from autoscore.models.declaration import Cost
from autoscore.models.registry import MODELS
from autoscore.train import fit as training
from run_autoscore import demands
from tests.workflow.project import ROOT

CONFIG = complete(yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8")))
SEPARATE = CONFIG["densities"]["ninja_star"]["train"] | {"kind": "separate"}
CONDITIONED = SEPARATE | {"kind": "conditioned"}
PLANS = CONFIG["densities"]["ninja_star"]["sample"]["plans"]


def test_demands_follow_from_the_cost_that_a_model_declares(monkeypatch):
    cost = Cost(weights=1000, units=50, points=20, steps=10**7, directions=3, number=4)
    model = replace(MODELS["separate"], name="toy", cost=lambda *asked: cost)
    monkeypatch.setitem(demands.MODELS, "toy", model)
    settings = {"kind": "toy", "validation": 100, "seeds": 2, "sizes": [500]}
    found = demands.training(settings, "dae", "samples", 2, 30)
    # weights and activations in 8 copies, a tenth of the held-out points in 4, and all points
    numbers = 30 * (8 * (1000 + 60 * 50) + 4 * 20 * 3 * 50)
    points = 2 * 500 + 30 * 200
    assert found["mem_mb"] == 1500 + ceil((4 * numbers + 4 * 8 * points * 2) / 2**20)
    assert found["runtime"] == 10 + ceil(6 * 30 * 1000 * 60 * 10**7 / 5e9 / 60)


def test_longer_trainings_ask_for_more_time_and_larger_ones_for_more_memory():
    longer = copy.deepcopy(CONDITIONED)
    longer["schedules"]["conditioned"]["steps"] *= 100
    wider = copy.deepcopy(CONDITIONED)
    wider["network"]["width"] *= 100
    least = demands.training(CONDITIONED, "dae", "samples", 2, 5)
    assert demands.training(longer, "dae", "samples", 2, 5)["runtime"] > least["runtime"]
    assert demands.training(wider, "dae", "samples", 2, 5)["mem_mb"] > least["mem_mb"]
    once, twice = (demands.training(longer, what, "samples", 2, 5) for what in ("dae", "rcae"))
    assert twice["runtime"] > once["runtime"]
    shard = demands.training(longer, "dae", "samples", 2, 2)
    assert demands.BASE < shard["mem_mb"] < once["mem_mb"]
    assert demands.START < shard["runtime"] < once["runtime"]


def test_more_chains_ask_for_more_time_and_memory():
    more = {name: plan | {"chains": 100 * plan["chains"]} for name, plan in PLANS.items()}
    few, many = demands.sampling(PLANS, 2), demands.sampling(more, 2)
    assert many["runtime"] > few["runtime"]
    assert many["mem_mb"] > few["mem_mb"]
    assert demands.sampling({}, 2) == {"mem_mb": demands.BASE, "runtime": demands.START}


def test_more_points_ask_for_more_memory():
    more = SEPARATE | {"sizes": [10_000_000]}
    least = demands.training(SEPARATE, "dae", "samples", 2, 5)["mem_mb"]
    assert demands.training(more, "dae", "samples", 2, 5)["mem_mb"] > least + 1000
    train = CONFIG["densities"]["ninja_star"]["train"]
    varied = train | {"variants": {"large": more}}
    least = demands.measuring(train, 2)["mem_mb"]
    assert demands.measuring(varied, 2)["mem_mb"] > least + 1000
    assert demands.measuring(train, 2, plane_points=2000)["mem_mb"] > least + 3000


def test_training_splits_held_out_points_into_as_many_groups():
    assert demands.GROUPS == training.GROUPS


def test_each_chain_needs_memory_for_its_generator_however_few_its_draws():
    one = PLANS["truth"] | {"chains": 10_000_000, "draws": 1}
    streams = 10_000_000 * sys.getsizeof(np.random.default_rng(0).bit_generator.state) / 2**20
    assert demands.sampling({"one": one}, 1)["mem_mb"] > streams


def test_decoders_are_solved_for_one_after_another_and_the_recipe_keeps_its_steps():
    train = CONFIG["densities"]["spiral"]["train"]
    solved = train | {"kind": "separate"}
    one, all_of_them = (demands.training(solved, "dae", "samples", 2, n) for n in (1, 45))
    # 20,000 points, 1,001 units and their products, in double precision
    assert one["mem_mb"] > demands.BASE + 8 * 20_000 * 1001 / 2**20
    assert all_of_them["mem_mb"] < 1.1 * one["mem_mb"]
    assert all_of_them["runtime"] > one["runtime"]
    recipe = train["variants"]["paper"]
    settings = recipe | {"validation": train["validation"]}
    asked = demands.training(settings, "dae", "samples", 2, 3)
    # 1,000 steps of 5,002 weights, and as many changes of the gradient
    assert demands.BASE + 2 * 8 * 1000 * 5002 / 2**20 < asked["mem_mb"] < 2 * one["mem_mb"]
    assert asked["mem_mb"] == demands.training(settings, "dae", "samples", 2, 1)["mem_mb"]
    longer = copy.deepcopy(settings)
    longer["schedules"]["samples"]["steps"] *= 100
    assert demands.training(longer, "dae", "samples", 2, 3)["runtime"] > 5 * asked["runtime"]
