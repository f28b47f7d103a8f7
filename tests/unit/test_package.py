"""The library as the package index would have it: built, installed and used elsewhere."""

import subprocess
import sys
import sysconfig
import tarfile
import textwrap
import venv
from pathlib import Path

import pytest

from tests.unit.oracles import ROOT

pytestmark = pytest.mark.slow

BUILD = "import sys, hatchling.build as backend; print(getattr(backend, sys.argv[1])(sys.argv[2]))"
USE = """
    import sys
    from pathlib import Path

    import numpy as np

    import autoscore
    from autoscore.configuration import complete, read_yaml, shipped
    from autoscore.data import draw_data, target
    from autoscore.models.registry import MODELS
    from autoscore.numerics.errors import relative_error
    from autoscore.numerics.streams import generator
    from autoscore.samplers.chains import run
    from autoscore.samplers.langevin import AdjustedLangevin
    from autoscore.samplers.targets import PathTarget
    from autoscore.verify.families import read_checks, read_families
    from autoscore.verify.record import read
    from autoscore.verify.statements import read_statements

    assert Path(autoscore.__file__).is_relative_to(sys.prefix), autoscore.__file__

    claims = shipped("claims.yaml")
    families = read_families(claims)[1]
    print(len(read_checks(claims, complete(read_yaml(shipped("config.yaml"))))) > len(families))
    print(len(read_statements(shipped("statements.yaml"), families)) > 10)
    print(len(read(shipped("record.csv"), "full")) > 100)

    normal = {"kind": "mixture", "weights": [1], "means": [[0, 0]], "standard_deviations": [1]}
    normal["train"] = {"sigmas": [0.5], "sizes": [500], "schedules": {"samples": {"steps": 300}}}
    entry = complete({"densities": {"normal": normal}})["densities"]["normal"]
    data = draw_data(1, "normal", entry)
    train = MODELS["separate"].trainer("samples")
    stack, _ = train(data, entry["train"], "dae", (1, "normal", "dae", "separate"))
    field, x = stack.field(0.5, seed=0, size=500), data["held_out"]
    truth = target(entry, data).smoothed(0.5).score(x)
    print(relative_error(field.score(x), truth, np.full(len(x), 1 / len(x))) < 0.2)

    kernel = AdjustedLangevin(PathTarget(field, nodes=3), step_size=0.1)
    chains = run(kernel, x[:10], 20, [generator(1, "chain", k) for k in range(10)], burn_in=20)
    print(chains.draws.shape, 0 < chains.acceptance.mean() <= 1)
"""


def python(*arguments, executable=sys.executable, folder=ROOT):
    return subprocess.run(
        [executable, *arguments], cwd=folder, check=True, text=True, stdout=subprocess.PIPE
    ).stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Python of an environment with the packages of this one, but our library from its wheel."""
    made = tmp_path_factory.mktemp("package")
    archive = made / python("-c", BUILD, "build_sdist", made).strip()
    with tarfile.open(archive) as file:
        file.extractall(made / "sources", filter="data")
    (sources,) = (made / "sources").iterdir()
    wheel = made / python("-c", BUILD, "build_wheel", made, folder=sources).strip()
    venv.create(made / "env", symlinks=True)
    own = made / "env" / "bin" / "python"
    site = python("-c", "import sysconfig; print(sysconfig.get_path('purelib'))", executable=own)
    # Python reads no .pth file in a folder that another one names: our sources stay unknown
    packages = sysconfig.get_path("purelib")
    (made / site.strip() / "packages.pth").write_text(f"{packages}\n", encoding="utf-8")
    python("-m", "pip", "--python", own, "install", "--quiet", "--no-deps", "--no-index", wheel)
    return own


def test_the_installed_library_trains_and_samples_in_an_empty_folder(installed, tmp_path):
    told = python("-I", "-c", textwrap.dedent(USE), executable=installed, folder=tmp_path)
    assert told.splitlines() == [*["True"] * 4, "(10, 20, 2) True"]
    assert list(tmp_path.iterdir()) == []


def test_the_wheel_has_every_file_of_the_library(installed):
    found = python("-I", "-c", "import autoscore; print(*autoscore.__path__)", executable=installed)
    folder, sources = Path(found.strip()), ROOT / "workflow" / "autoscore"
    names = {path.relative_to(sources) for path in sources.rglob("*") if path.is_file()}
    names = {name for name in names if name.suffix != ".pyc"}
    assert {name for name in names if not (folder / name).is_file()} == set()
