"""A figure, a sampler, a model, a kind of density and a baseline are each added by one module."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from tests.unit.oracles import ROOT
from tests.workflow.project import Project

pytestmark = pytest.mark.slow

TOYS = {
    "densities/toy_kind.py": """
import numpy as np
from autoscore.densities.declaration import Kind
from autoscore.densities.mixtures import GaussianMixture

KIND = Kind(
    name="toy_kind",
    about="a normal density of a given breadth",
    properties={"breadth": {"description": "its standard deviation, > 0", "type": "number",
                      "exclusiveMinimum": 0, "maximum": 100}},
    make=lambda entry: GaussianMixture([1], [[0.0]], [[[entry["breadth"] ** 2]]]),
    dimension=lambda entry: 1,
    required=("breadth",),
)
""",
    "models/toy_model/__init__.py": """
from dataclasses import replace
from autoscore.models.separate import MODEL as SEPARATE

MODEL = replace(SEPARATE, name="toy_model", about="separate again", image_settings=frozenset(),
                network="autoscore.models.toy_model.network:Toy",
                training={"samples": "autoscore.models.toy_model.network:train"},
                uses={"samples": SEPARATE.uses["samples"]}, schedules={"samples": "samples"})
""",
    "models/toy_model/network.py": """
from autoscore.models.separate.network import Separate
from autoscore.models.separate.training import train_on_samples

class Toy(Separate):
    kind = "toy_model"

def train(*told):
    stack, trace = train_on_samples(*told)
    toy = Toy(**stack.description())
    toy.theta = stack.theta
    return toy, trace
""",
    "samplers/toy_sampler.py": """
from autoscore.samplers.declaration import Sampler
from autoscore.samplers.langevin import Langevin

SAMPLERS = {"toy_sampler": Sampler("toy", "#123456", "short steps of Langevin's move",
                                   make=lambda parts: Langevin(parts.target(), parts.step))}
""",
    "baselines/toy_baseline.py": """
from autoscore.baselines.declaration import Baseline

BASELINE = Baseline(
    name="toy_baseline", about="a standard normal density",
    look={"color": "#654321", "linestyle": "-", "marker": "*", "label": "standard normal"},
    fit=lambda given: None, score=lambda estimate, x: -x, selectable=True,
)
""",
    "figures/toy_figure.py": """
import pandas as pd
from autoscore.figures.declaration import LINE, Figure, Listed
from autoscore.figures.style import save, subplots

FIGURE = Figure(section=LINE, shows=("T1",), caption="losses of a toy", scope=Listed((1,)),
                reads={"errors": "results/score/{density}.csv"})

def draw(inputs, outputs, settings):
    figure, axis = subplots()
    axis.plot(pd.read_csv(inputs["errors"])["relative_error"])
    save(figure, outputs)
""",
}
CHANGES = """
densities:
  mine:
    kind: toy_kind
    breadth: 0.7
    figures: [toy_figure]
    baselines: [toy_baseline]
    sample:
      plans:
        toy: {fields: [exact], samplers: [toy_sampler], steps: [0.01], chains: 9, draws: 5}
    train:
      models: {separate: [], conditioned: []}
      sizes: [50]
      variants: {toys: {kind: toy_model, objectives: [dae]}}
"""


@pytest.fixture
def extended(tmp_path):
    project = Project.from_sources(tmp_path / "extended")
    for name, text in TOYS.items():
        file = project.folder / "workflow/autoscore" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return project


def test_a_new_module_of_each_kind_goes_from_the_configuration_to_a_figure(extended):
    made = ["figures/mine_toy_figure.png", "results/sample/mine.csv"]
    outcome = extended.snakemake(*made, changes=CHANGES)
    assert outcome.code == 0, outcome.text
    errors = pd.read_csv(extended.folder / "results/score/mine.csv").set_index("model")
    assert np.isfinite(errors["relative_error"]).all()
    assert {"toys", "toy_baseline"} <= set(errors.index)
    chains = pd.read_csv(extended.folder / "results/sample/mine.csv")
    assert set(chains["sampler"]) == {"toy_sampler"}
    assert (extended.folder / made[0]).stat().st_size > 2000


def test_what_is_allowed_names_the_new_ones(extended):
    for key, asked, names in (
        ("figures", "[pie]", "toy_figure"),
        ("baselines", "[pie]", "toy_baseline"),
        ("kind", "pie", "toy_kind"),
    ):
        changes = f"densities: {{mixture: {{{key}: {asked}}}}}"
        outcome = extended.snakemake("--dry-run", changes=changes)
        assert outcome.code != 0
        assert names in outcome.text


GENERATED = """
from pathlib import Path
from autoscore.figures.registry import index  # of this folder, before docs finds the project's
from docs.keys import key_tables
print(index({}), key_tables(Path()))
"""


def test_the_generated_documentation_lists_the_new_ones(extended):
    there = os.environ | {"PYTHONPATH": f"{extended.folder / 'workflow'}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-c", GENERATED]
    text = subprocess.run(
        command, cwd=extended.folder, env=there, capture_output=True, check=True, text=True
    ).stdout
    for name in ("toy_kind", "toy_model", "toy_sampler", "toy_baseline", "toy_figure"):
        assert name in text


def test_a_wrong_declaration_is_told_before_any_job(extended):
    file = "workflow/autoscore/figures/toy_figure.py"
    extended.rewrite(file, lambda text: text.replace("section=LINE", "section='Toys'"))
    outcome = extended.snakemake("--dry-run", changes=CHANGES)
    assert outcome.code != 0
    assert "autoscore.figures.toy_figure: section 'Toys' is unknown: use one of" in outcome.text
    assert "rule " not in outcome.text


def test_a_figure_that_reads_what_no_rule_makes_is_told_before_any_job(extended):
    file = "workflow/autoscore/figures/toy_figure.py"
    extended.rewrite(file, lambda text: text.replace("score/{density}.csv", "toys/{density}.csv"))
    outcome = extended.snakemake("--dry-run", changes=CHANGES)
    assert outcome.code != 0
    assert "autoscore.figures.toy_figure reads results/toys/mine.csv, which no rule" in outcome.text
