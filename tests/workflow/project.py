"""A scratch copy of the project, run and read from outside, as a user would."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
SOURCES = ["Snakefile", "workflow", "config", "profiles", "envs"]

TINY = """
profile: quick
images:
  dataset: digits
  sigmas: [0.1, 0.3]
  models:
    untied: &shown {shown: 400, batch: 20, hidden: 20, sigmas: [0.1, 0.3]}
    untrained: {hidden: 20, sigmas: [0.1, 0.3]}
    tied: *shown
    conditioned: {shown: 400, batch: 20, width: 16, hidden: 12, blocks: 1}
  sample: {samples: 30, fewer: 20, chains: 4, draws: 4, thin: 1, burn_in: 5, levels: 4}
densities:
  three_wells:
    sample:
      plans:
        truth: &short {chains: 10, draws: 8, burn_in: 10, thin: 1, repeats: 1}
        best_possible: {<<: *short, sigmas: [0.1]}
        learned: {<<: *short, sigmas: [0.1, 0.9], sizes: [50]}
      differences: {sigmas: [0.9]}
    train:
      schedules:
        conditioned: {steps: 400}  # long enough to be killed midway
  mixture:
    train:
      models: {separate: [dae], conditioned: []}
      sizes: [exact]
  three_points:
    train:
      models: {separate: [rcae]}
      variants: {large_sigma: null}
  three_bumps: null
  thick_spiral:
    figures: [map]
    sample:
      plans:
        truth: *short
        learned: {<<: *short, sigmas: [0.1, 0.9]}
      far_starts: {models: [separate], sigmas: [0.9]}
      metropolis:
        {models: [separate], pairs: [[0.9, 0.9], [0.9, 0.1]], chains: 2, draws: 5, burn_in: 5}
    train:
      sigmas: [0.1, 0.9]
      sizes: [50]
      models: {separate: [dae], conditioned: [dae]}
      architecture: {hidden: [8]}
      network: {width: 8, blocks: 1, features: 4}
      variants:
        contractive: null
        walkback: {kind: separate, objectives: [dae], noise: walkback}
        generative: {kind: conditioned, objectives: [dae], sigmas: [0.3, 2]}
      schedules:
        samples: {steps: 30}
        conditioned: {steps: 30}
  spiral: null
  sine: null
  two_bumps: null
  ninja_star: null
  eight_gaussians: null
  ring: null
  banana: null
  curve_mixture_2: null
  curve_mixture_10: null
  curve_mixture_100: null
optimum:
  plane_points: 51
  sigmas: [0.05, 0.2, 0.6]
  points: 201
  solver_points: 1001
  order_sigmas: [0.004, 0.006]
figures:
  panel_sigmas: [0.2, 0.6]
train:
  sigmas: [0.1, 0.9]
  seeds: 2
  sizes: [exact, 50]
  validation: 50
  nodes: 32
  schedules:
    exact: {steps: 20, polish: 10}
    samples: {steps: 30}
    conditioned: {steps: 30}
"""


class Outcome(NamedTuple):
    """How a command ended; `text` is all of its output."""

    code: int
    text: str
    seconds: float


class Project:
    """A folder with the project's sources, the tiny configuration and their results."""

    rounding = None  # of its runs, from pytest's --rounding

    def __init__(self, folder):
        self.folder = folder

    @classmethod
    def from_sources(cls, folder, root=ROOT, configuration=TINY):
        folder.mkdir()
        for name in SOURCES:
            if (root / name).is_dir():
                shutil.copytree(
                    root / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
                )
            else:
                shutil.copy2(root / name, folder)
        if cls.rounding is not None:
            configuration += f"\nrounding: {cls.rounding}\n"
        (folder / "tiny.yaml").write_text(configuration, encoding="utf-8")
        return cls(folder)

    @classmethod
    def quick(cls, folder):
        """Return the sources with the quick configuration, not the tiny one."""
        configuration = (ROOT / "config/quick.yaml").read_text(encoding="utf-8")
        return cls.from_sources(folder, configuration=configuration)

    def copy_to(self, folder):
        """Copy everything with its times, Snakemake's records included."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Project(folder)

    def start(self, *arguments, changes="", cores=2, through=(), **environment):
        """Start Snakemake in its own process group; `changes` override the tiny configuration.

        `through` is a command that runs the rest of its arguments.
        """
        (self.folder / "changes.yaml").write_text(changes or "{}", encoding="utf-8")
        command = [sys.executable, "-m", "snakemake", "--configfile", "tiny.yaml", "changes.yaml"]
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "SNAKEMAKE"))
        }
        return subprocess.Popen(
            [*through, *command, "--cores", str(cores), *arguments],
            cwd=self.folder,
            env=inherited | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )

    def snakemake(self, *arguments, **options):
        """Run Snakemake to its end."""
        begin = time.monotonic()
        process = self.start(*arguments, **options)
        text, _ = process.communicate()
        return Outcome(process.returncode, text, time.monotonic() - begin)

    def plan(self, *arguments, target="all", **options):
        """Return the jobs that would run, as "rule wildcard wildcard ...", without the target."""
        outcome = self.snakemake("--dry-run", *arguments, **options)
        assert outcome.code == 0, outcome.text
        jobs = []
        for line in outcome.text.splitlines():
            if rule := re.fullmatch(r"(?:local)?rule (\w+):", line):
                jobs.append(rule[1])
            elif wildcards := re.fullmatch(r" +wildcards: (.+)", line):
                jobs[-1] += "".join(f" {pair.split('=')[1]}" for pair in wildcards[1].split(", "))
        if not jobs:
            assert "Nothing to be done" in outcome.text, outcome.text
            return set()
        totals = re.findall(r"^total +(\d+)$", outcome.text, re.MULTILINE)
        assert set(totals) == {str(len(jobs))}, outcome.text
        assert jobs.count(target) == (target is not None), outcome.text
        return set(jobs) - {target}

    def rewrite(self, name, change):
        """Replace a file's text by ``change(text)``, which must differ."""
        file = self.folder / name
        before = file.read_text(encoding="utf-8")
        after = change(before)
        assert after != before, f"{name} has nothing to change"
        file.write_text(after, encoding="utf-8")

    def made(self, *patterns):
        """Return the pipeline's files that match one of the patterns, without logs."""
        return sorted(
            file
            for folder in ("results", "figures")
            for pattern in patterns
            for file in (self.folder / folder).rglob(pattern)
            if file.is_file() and "logs" not in file.parts
        )
