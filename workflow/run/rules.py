"""What every rule has in common: its environment, its log, and the hash of its code."""

import re
from pathlib import Path
from typing import Any

from run.code_hash import code


def complete_rules(workflow: Any) -> None:
    """Give each rule of a workflow that runs something what it does not declare itself.

    The log is named after the rule and its wildcards. Without the hash as a param, a change of the
    library would rerun nothing.
    """
    for each in workflow.rules:
        if each.norun:
            continue
        each.conda_env = str(Path(workflow.basedir) / "envs" / "autoscore.yaml")
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
