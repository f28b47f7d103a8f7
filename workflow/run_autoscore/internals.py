"""What this project uses of Snakemake beyond what its manual promises, and nowhere else.

Another version of Snakemake may change any of it; tests/workflow/test_internals.py has a test each.
"""

import re
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from snakemake.cli import get_argument_parser

from run_autoscore.code_hash import code


def is_main(workflow: Any) -> bool:
    """Return whether the file being read is the run's own workflow, not a module of another."""
    return len(workflow.modifier_stack) == 1


def is_started_by_user(workflow: Any) -> bool:
    """Return whether this is the process that plans the run, not one that runs a job for it."""
    return workflow.is_main_process


def runs_rules() -> bool:
    """Return whether more than files by name is to be run, which takes many jobs; no dry run does.

    Of what a user may ask for instead of a run, the rest is too rare to be told apart.
    """
    asked = get_argument_parser().parse_known_args()[0]
    return not asked.dryrun and all(name.isidentifier() for name in asked.targets)


def set_default(workflow: Any, rule: str) -> None:
    """Make a rule the default target, which that of an included file is not.

    A module may give it another name, or leave it out.
    """
    name = workflow.modifier.modify_rulename(rule)
    if workflow.is_rule(name):
        workflow.default_target = name


def complete_rules(workflow: Any, project: Path) -> None:
    """Give each rule of the file being read that runs something what it does not declare itself.

    The log is named after the rule and its wildcards. Without the hash of its code as a param, a
    change of the library would rerun nothing. The environment is in the project's folder.
    """
    for each in workflow.modifier.rules:
        if each.norun:
            continue
        each.conda_env = each.conda_env or str(project / "envs" / "autoscore.yaml")
        wildcards = re.findall(r"{(\w+)", each.output[0] if each.output else "")
        parts = [each.name, "_".join(f"{{{name}}}" for name in wildcards)]
        if not each.log:
            each.log_modifier = workflow.modifier.path_modifier  # set_log needs one
            each.set_log(f"results/logs/{'/'.join(filter(None, parts))}.log")
        if each.script and each.output:
            modules = [f"scripts.{Path(each.script).stem}"]
            if "figure" in each.params.keys():  # noqa: SIM118 - no mapping
                modules.append(f"autoscore.figures.{each.params.figure}")
            each.set_params(code=code(*modules))


def is_output(workflow: Any, file: str) -> bool:
    """Return whether a rule makes a file."""
    return any(rule.is_producer(file) for rule in workflow.rules)


def local_scripts(workflow: Any) -> Iterable[str]:
    """Return the script of each job that this machine is about to run."""
    jobs = workflow.dag.needrun_jobs()
    return [job.rule.script for job in jobs if job.is_local and job.rule.script]


def lift_rate_limit(workflow: Any) -> None:
    """Let jobs of this machine start as fast as they can.

    With a limit, each search for jobs schedules another a second later: after a hundred jobs
    Snakemake would search a hundred times per second. No option switches the limit off.
    """
    if workflow.local_exec:
        workflow.scheduler.job_rate_limiter = None


def quote_interpreter() -> None:
    """Quote the interpreter's path, which Snakemake puts into commands as it is."""
    if " " in sys.executable and not sys.executable.startswith("'"):
        sys.executable = shlex.quote(sys.executable)
