"""What a person sees while the workflow runs: what is done, what is left, what went wrong.

Snakemake's own account of every job still goes to its log file under .snakemake/log/.
"""

import builtins
import csv
import logging
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from statistics import mean
from typing import Any

from snakemake_interface_logger_plugins.common import LogEvent

STOPPING = "Terminating processes on user request"
NOISE = (
    "Select jobs to execute",
    "Execute ",
    "Assuming unrestricted shared filesystem",
    "Building DAG of jobs",
    "Using shell:",
    "Provided cores:",
    "Rules claiming more threads",
    "Shutting down, this might",
    STOPPING,
    "Exiting because a job execution failed",
    "Complete log",
    "Elapsed time",
    "Finished jobid",
    "Conda environments: ignored",
)
SECONDS = {  # that a job takes in the full run, on average: only their proportions are used
    "train": 10, "train_images": 30, "score_images": 60, "sample": 25, "sample_images": 20,
    "sample_classifier": 15, "score": 10, "geometry": 10, "optimum": 6,
}  # fmt: skip
WANT = {  # what a signal is often sent for
    "SIGKILL": "memory",
    "SIGABRT": "memory",  # as libraries in C++ end without it
    "SIGBUS": "room on a disk or in /dev/shm",
}
# how a script ended, in Snakemake's words: killed, or, as shells tell it, with 128 added
ENDED = re.compile(r"died with <Signals\.\w+: (\d+)>|non-zero exit status (\d+)")
REPORTED = {
    LogEvent.JOB_INFO,
    LogEvent.JOB_STARTED,
    LogEvent.JOB_FINISHED,
    LogEvent.JOB_ERROR,
    LogEvent.PROGRESS,
    LogEvent.RUN_INFO,
    LogEvent.RESOURCES_INFO,
    LogEvent.WORKFLOW_STARTED,
}


def install(logger: logging.Logger, workflow: Any) -> None:
    """Let `Console` speak on the terminal instead of Snakemake's default handler.

    A dry run is left to Snakemake: what would run, and why, is its subject.
    """
    for handler in logger.handlers:
        if handler.name == "DefaultStreamHandler":
            handler.addFilter(lambda record: workflow.dryrun or _is_news(record))
    if not any(isinstance(handler, Console) for handler in logger.handlers):
        console = Console(workflow)
        console.addFilter(lambda record: not workflow.dryrun)
        logger.addHandler(console)


def _is_news(record: logging.LogRecord) -> bool:
    """Return whether a record says what the console does not say itself."""
    event = getattr(record, "event", None)
    if event in REPORTED:
        return False
    text = str(record.msg or "").strip()
    if event == LogEvent.ERROR and "CalledProcessError" in text:
        return False  # the engine's view of a failed script; the job's own message was shown
    if _is_of_the_system(record):
        return False
    if text.startswith("WorkflowError:\nAt least one job did not complete"):
        return False
    return bool(text) and not text.startswith(NOISE)


def _is_of_the_system(record: logging.LogRecord) -> bool:
    """Return whether a record is of a disk, a permission or memory that stopped Snakemake."""
    error = getattr(builtins, getattr(record, "exception", None) or "", None)
    if isinstance(error, type) and issubclass(error, (OSError, MemoryError)):
        return True
    return error is RuntimeError and "start new thread" in str(record.msg)


def say(line: str) -> None:
    """Put a line on the terminal."""
    print(line, file=sys.stderr, flush=True)


def say_verdicts(table: str, project: str) -> None:
    """Say how the claims stand, if they have been checked, and where the figures are.

    Places are told from the project's folder on, or in full if the run was in another one.
    """
    here = Path() if Path.cwd() == Path(project) else Path.cwd()
    if Path(table).is_file():
        with Path(table).open(encoding="utf-8", newline="") as file:
            verdicts = Counter(row["verdict"] for row in csv.DictReader(file))
        counts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))
        text = (here / table).with_suffix(".md")
        print(f"Claims: {counts} (see {text})", file=sys.stderr)
    count = len(list(Path("figures").glob("*.pdf")))
    if count:
        print(f"Figures: {count} in {here / 'figures'}", file=sys.stderr)


def say_images(provenance: str) -> None:
    """Say which images were used, and why, if there are any."""
    if Path(provenance).is_file():
        with Path(provenance).open(encoding="utf-8", newline="") as file:
            row = next(csv.DictReader(file))
        print(f"Images: {row['name']} from {row['source']} ({row['reason']})", file=sys.stderr)


def say_held_out(densities: Iterable[str]) -> None:
    """Say how well points of sample files are denoised that were held out, beside baselines."""
    for name in densities:
        table = Path(f"results/score/{name}_held_out.csv")
        if not table.is_file():
            continue
        losses: dict[str, list[float]] = {}
        with table.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                losses.setdefault(row["model"], []).append(float(row["denoising_loss"]))
        told = [f"{model} {mean(values):.3f}" for model, values in losses.items()]
        say(f"Held-out loss of {name}, mean over noise levels, lower is better: {', '.join(told)}")


def duration(seconds: float) -> str:
    """Return a time span as a person would say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min"


def _weight(rule: str) -> float:
    return SECONDS.get(rule, 1.0)


def _signal(error: str) -> str:
    """Return the name of the signal that ended a script, if one did, by Snakemake's error."""
    found = ENDED.search(error)
    if found:
        number = int(found[1]) if found[1] else int(found[2]) - 128
        if number in set(signal.Signals):
            return signal.Signals(number).name
    return ""


def _reason(logs: list[Path], killed_by: str, is_target: bool) -> str:
    """Return the last line of a failed job's log, unless it tells of progress and not of why."""
    texts = [log.read_text(errors="replace") for log in logs if log.exists()]
    lines = [line for text in texts for line in text.splitlines() if line.strip()]
    told = is_target or any("Traceback" in text for text in texts)
    if lines and told and not killed_by:
        return lines[-1]
    how = f"it was killed ({killed_by})" if killed_by else "it ended without saying why"
    how += f", perhaps for want of {WANT[killed_by]}" if killed_by in WANT else ""
    return f"{how}; {f'its log ends with: {lines[-1]}' if lines else 'it wrote no log'}"


class Console(logging.Handler):
    """One line when a job starts, one when it ends, and a failed job's own words."""

    def __init__(self, workflow: Any) -> None:
        super().__init__()
        self._workflow = workflow
        self._killed_by: dict[int, str] = {}
        self._titles: dict[int, str] = {}
        self._started: dict[int, float] = {}
        self._done, self._total = 0, 0
        self._weights: dict[int, float] = {}
        self._work, self._work_done = 0.0, 0.0
        self._begin = time.monotonic()
        self._stopping = False

    def emit(self, record: logging.LogRecord) -> None:
        """Turn one of Snakemake's events into a line on the terminal."""
        match getattr(record, "event", None):
            case LogEvent.RUN_INFO:
                self._total = record.stats.get("total", 0)
                jobs = {rule: count for rule, count in record.stats.items() if rule != "total"}
                self._work = sum(count * _weight(rule) for rule, count in jobs.items())
                self._begin = time.monotonic()
                self._say(f"{self._total} jobs to run")
            case LogEvent.JOB_INFO:
                names = [record.rule_name, *record.wildcards.values()]
                self._titles[record.jobid] = " ".join(map(str, names))
                self._started[record.jobid] = time.monotonic()
                self._weights[record.jobid] = _weight(record.rule_name)
                if not self._is_target(record.jobid):
                    self._say(f"        start  {self._titles[record.jobid]}")
            case LogEvent.JOB_FINISHED:
                self._finish(record.job_id)
            case LogEvent.JOB_ERROR if not self._stopping:
                self._explain(record)
            case LogEvent.ERROR if "CalledProcessError" in str(record.msg):
                # which job that was, Snakemake says next, in the same thread
                self._killed_by[record.thread] = _signal(str(record.msg))
            case _ if str(record.msg).startswith(STOPPING):
                self._stopping = True
                self._say("STOPPED. What is done is kept: the same command goes on from here.")
            case LogEvent.ERROR if _is_of_the_system(record):
                reason = str(record.msg).strip().splitlines()[-1]
                self._say(f"STOPPED by the system: {reason}. Mend that and run again.")

    def _is_target(self, job: int) -> bool:
        return self._titles.get(job) in self._targets()

    def _targets(self) -> set[str]:
        """Return the rules that make nothing; not all are known when this is installed."""
        return {rule.name for rule in self._workflow.rules if not rule.output}

    def _finish(self, job: int) -> None:
        self._done += 1
        self._work_done += self._weights.get(job, 0.0)
        if self._is_target(job) or job not in self._titles:
            return
        now = time.monotonic()
        left = (now - self._begin) * (self._work / max(self._work_done, 1e-9) - 1.0)
        self._say(
            f"{self._done:3d}/{self._total:<3d} done   {self._titles[job]} "
            f"({duration(now - self._started[job])}); about {duration(left)} left"
        )

    def _explain(self, record: logging.LogRecord) -> None:
        title = self._titles.get(record.jobid, record.rule_name)
        logs = [Path(log) for log in record.log]
        killed_by = self._killed_by.pop(record.thread, "")
        self._say(f"FAILED  {title}: {_reason(logs, killed_by, title in self._targets())}")
        for log in logs:
            self._say(f"        the whole log: {log}")

    @staticmethod
    def _say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)
