"""The library is a guest: neither importing it nor drawing changes what belongs to all."""

import re
import subprocess
import sys
import textwrap
import tomllib

import matplotlib as mpl
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from autoscore.figures.style import draw_figure
from tests.unit.oracles import ROOT

NAMES = {"Jinja2": "jinja2", "PyYAML": "yaml", "pillow": "PIL", "scikit-learn": "sklearn.svm"}
FURTHER = ("matplotlib.pyplot", "safetensors.torch", "scipy.special", "scipy.stats", "torch.func")
IMPORTING = """
    import importlib, os, pkgutil, random, signal, sys, warnings

    others, changes = sys.argv[1:-1], sys.argv[-1]
    for name in others:  # what they change is theirs
        importlib.import_module(name)
    import matplotlib, numpy, pandas, torch

    def state():
        return {
            "environment": dict(os.environ),
            "path": list(sys.path),
            "warnings": list(warnings.filters),
            "signals": [signal.getsignal(number) for number in signal.valid_signals()],
            "matplotlib": dict(matplotlib.rcParams.copy()),
            "backend": matplotlib.get_backend(auto_select=False),
            "random": (random.getstate(), str(numpy.random.get_state())),
            "numpy": numpy.geterr() | numpy.get_printoptions(),
            "pandas": str(pandas.describe_option(_print_desc=False)),
            "torch": [
                torch.get_num_threads(), torch.get_default_dtype(), torch.is_grad_enabled(),
                torch.are_deterministic_algorithms_enabled(), torch.initial_seed(),
                torch.get_float32_matmul_precision(), torch.get_default_device(),
            ],
        }

    before = state()
    import autoscore
    names = [found.name for found in pkgutil.walk_packages(autoscore.__path__, "autoscore.")]
    for name in names:
        importlib.import_module(name)
    exec(changes)
    after = state()
    print(len(names), [key for key in before if before[key] != after[key]])
"""


def changed_by_importing(then=""):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [re.split("[=!<>]", entry)[0] for entry in project["dependencies"]]
    others = [NAMES.get(name, name.replace("-", "_")) for name in named]
    command = [sys.executable, "-c", textwrap.dedent(IMPORTING), *others, *FURTHER, then]
    run = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE)
    count, _, changed = run.stdout.partition(" ")
    assert int(count) > 150
    return changed.strip()


def test_importing_every_module_changes_nothing_that_belongs_to_all():
    assert changed_by_importing() == "[]"


def test_the_comparison_finds_changes():
    then = "os.environ['A'] = '1'; matplotlib.use('svg'); warnings.simplefilter('ignore')"
    assert changed_by_importing(then) == "['environment', 'warnings', 'matplotlib', 'backend']"


@pytest.fixture
def settings_of_matplotlib():
    with mpl.rc_context({"font.size": 20, "savefig.dpi": 30}):
        yield dict(mpl.rcParams.copy())


def test_a_figure_has_its_style_whatever_the_settings_which_stay(settings_of_matplotlib, tmp_path):
    table = pd.DataFrame({"objective": "dae", "model": "exact", "sigma": [0.1, 0.2]})
    table.assign(difference=[0.3, 0.4]).to_csv(tmp_path / "losses.csv")
    files = [str(tmp_path / f"{name}.png") for name in ("mine", "usual")]
    draw_figure("losses", {"losses": tmp_path / "losses.csv"}, {"png": files[0]}, {"density": "a"})
    assert dict(mpl.rcParams.copy()) == settings_of_matplotlib
    assert plt.get_fignums() == []
    with mpl.rc_context():
        mpl.rcdefaults()
        draw_figure(
            "losses", {"losses": tmp_path / "losses.csv"}, {"png": files[1]}, {"density": "a"}
        )
    mine, usual = map(Image.open, files)
    assert mine.size == usual.size == (680, 520)
    assert mine.tobytes() == usual.tobytes()
