"""What regularized auto-encoders learn from the data-generating distribution, measured.

    data -> optimum -> train -> score, geometry, sample -> figures -> verify

A stage has one name everywhere: workflow/rules/train.smk holds its rules, workflow/scripts/train.py
runs them, results/train/ holds what they write. docs/architecture.md says where everything is.
"""

import os
import shlex
import sys

from snakemake.logging import logger
from snakemake.utils import min_version

min_version("9.0")

sys.path.insert(0, os.path.join(workflow.basedir, "workflow"))

from run import preflight

preflight.refuse_too_small_limits()  # before imports that take memory

from run import checksums
from run import code_hash
from run import console
from run import locking
from run import preloaded
from run import rules as rules_in_common
from autoscore.verify.families import left_out, read_checks, read_families
from autoscore.verify.families import tables as checked_tables
from autoscore.verify.record import read as read_record
from autoscore.verify.statements import read_statements
from autoscore.configuration import ConfigurationError, complete
from autoscore.noise import cautions

# Snakemake does not quote the interpreter's path, which may contain spaces
if " " in sys.executable and not sys.executable.startswith("'"):
    sys.executable = shlex.quote(sys.executable)
CONFIGURED = os.path.join(workflow.basedir, "config", "config.yaml")
CLAIMED = os.path.join(workflow.basedir, "config", "claims.yaml")
STATED = os.path.join(workflow.basedir, "config", "statements.yaml")
RECORD = os.path.join(workflow.basedir, "config", "record.csv")
STABILITY = os.path.join(workflow.basedir, "docs", "stability.csv")
console.install(logger, workflow)
if workflow.is_main_process:
    preflight.refuse_what_cannot_be_written()
    preflight.refuse_configuration_files([CONFIGURED, *workflow.configfiles, CLAIMED])
else:
    preloaded.decline()


configfile: CONFIGURED


try:
    known = config.get("densities")  # including those set to null
    config = complete(config, checked=not workflow.is_main_process)
    CHECKS = read_checks(CLAIMED, config, known)
    STATEMENTS = read_statements(STATED, read_families(CLAIMED)[1])
except ConfigurationError as error:
    sys.exit(str(error))
if workflow.is_main_process:
    for name, entry in config["densities"].items():
        for caution in cautions(name, entry):
            console.say(f"Note: {caution}")


wildcard_constraints:
    density="|".join(config["densities"]),
    objective="dae|rcae|ssm",
    model="[a-z][a-z0-9_]*",
    image_model="|".join(config.get("images", {"models": ["none"]})["models"]),
    source="exact|samples",
    shard="[0-9]+",


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/optimum.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/score.smk"
include: "workflow/rules/geometry.smk"
include: "workflow/rules/sample.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/verify.smk"
include: "workflow/rules/report.smk"


# On a cluster these and all rules with `localrule: True` run beside Snakemake: downloads, because
# nodes may have no network, and jobs of seconds, which are not worth queueing.
localrules:
    all,
    toy,
    mnist,
    paper,
    figures,
    verify,
    gallery,


# the figures in README.md
GALLERY = [
    "learned_error.png",
    "eight_gaussians_map.png",
    "images_samples.png",
    "three_points_field.png",
    "three_wells_bias.png",
]


rule all:
    default_target: True
    input:
        figure_files(config),
        paper_files(config),
        plan.sample_tables(config),
        plan.image_tables(config),
        "results/verify/statements.csv",


rule toy:
    input:
        figure_files(config, of_images=False),
        plan.sample_tables(config),


rule mnist:
    input:
        figure_files(config, of_images=True),
        plan.image_tables(config),


rule paper:
    input:
        paper_files(config),


rule figures:
    input:
        figure_files(config),


rule verify:
    input:
        places="results/verify/places.csv",
        statements="results/verify/statements.csv",
    params:
        left_out=lambda wildcards: left_out(os.path.dirname(CLAIMED), config),
        profile=config["profile"],
    script:
        "workflow/scripts/verify.py"


rule gallery:
    input:
        expand("figures/{figure}", figure=GALLERY),
    shell:
        "cp {input:q} docs/gallery/ 2> {log:q}"


rules_in_common.complete_rules(workflow)

if workflow.is_main_process:
    preflight.refuse_unmade_results(
        config, lambda file: any(rule.is_producer(file) for rule in workflow.rules)
    )
    preflight.refuse_figures_that_are_not_drawn(
        sys.argv[1:], figure_files(config) + paper_files(config), config["densities"]
    )
    preflight.refuse_unknown_trainings(sys.argv[1:], config)

if workflow.is_main_process:
    code_hash.keep()
    if locking.lift_stale_locks():
        preflight.bring_times_back()
        checksums.set_aside_changed(
            lambda file: not file.startswith("results/logs/")
            and any(rule.is_producer(file) for rule in workflow.rules)
        )


onstart:
    if workflow.local_exec:
        # With a rate limit, each search for jobs schedules another a second later: after a hundred
        # jobs Snakemake would search a hundred times per second. One machine needs no limit.
        workflow.scheduler.job_rate_limiter = None
    jobs = [job for job in workflow.dag.needrun_jobs() if job.is_local]
    preloaded.start([job.rule.script for job in jobs if job.rule.script])


onsuccess:
    if IMAGES:
        console.say_images("results/data/images.csv")
    console.say_held_out(name for name, entry in config["densities"].items() if "path" in entry)
    console.say_verdicts("results/verify/statements.csv", workflow.basedir)
