"""What a run prints: jobs that start and end, time left, reasons for failures.

Snakemake's own messages still go to its log file under .snakemake/log/.
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
SECONDS = {  # mean duration of a job in the full run, 1 if not listed; only the ratios matter
    "train": 10, "train_images": 30, "score_images": 60, "sample": 25, "sample_images": 20,
    "sample_classifier": 15, "score": 10, "geometry": 10, "optimum": 6,
}  # fmt: skip
WANT = {  # what a process killed by this signal often lacked
    "SIGKILL": "memory",
    "SIGABRT": "memory",  # C++ libraries abort without it
    "SIGBUS": "room on a disk or in /dev/shm",
}
# a signal; shells report it as an exit status above 128
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
    """Let `Console` replace Snakemake's output on the terminal, except in a dry run."""
    for handler in logger.handlers:
        if handler.name == "DefaultStreamHandler":
            handler.addFilter(lambda record: workflow.dryrun or _is_news(record))
    if not any(isinstance(handler, Console) for handler in logger.handlers):
        console = Console(workflow)
        console.addFilter(lambda record: not workflow.dryrun)
        logger.addHandler(console)


def _is_news(record: logging.LogRecord) -> bool:
    """Return whether the console does not already print what a record says."""
    event = getattr(record, "event", None)
    text = str(record.msg or "").strip()
    # the failed job reports this itself
    of_a_script = event == LogEvent.ERROR and "CalledProcessError" in text
    if event in REPORTED or of_a_script or _is_of_the_system(record):
        return False
    failed = text.startswith("WorkflowError:\nAt least one job did not complete")
    return bool(text) and not failed and not text.startswith(NOISE)


def _is_of_the_system(record: logging.LogRecord) -> bool:
    """Return whether a disk, a permission or memory stopped Snakemake itself."""
    error = getattr(builtins, getattr(record, "exception", None) or "", None)
    if isinstance(error, type) and issubclass(error, (OSError, MemoryError)):
        return True
    return error is RuntimeError and "start new thread" in str(record.msg)


def say(line: str) -> None:
    """Print a line on the terminal."""
    print(line, file=sys.stderr, flush=True)


def say_verdicts(table: str, project: str) -> None:
    """Print how many statements have which verdict, if any, and the folder of the figures.

    Paths are relative to the project's folder, or absolute in a run elsewhere.
    """
    here = Path() if Path.cwd() == Path(project) else Path.cwd()
    if Path(table).is_file():
        verdicts = Counter(row["verdict"] for row in _rows(table))
        counts = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common())
        say(f"Statements: {counts} (see {(here / table).with_name('verdicts.md')})")
    if count := len(list(Path("figures").rglob("*.pdf"))):
        say(f"Figures: {count} in {here / 'figures'}")


def say_images(provenance: str) -> None:
    """Print which images were used, and why, if there are any."""
    if Path(provenance).is_file():
        row = _rows(provenance)[0]
        say(f"Images: {row['name']} from {row['source']} ({row['reason']})")


def say_held_out(densities: Iterable[str]) -> None:
    """Print the mean loss of each model and baseline on the held-out points of sample files."""
    for name in densities:
        table = Path(f"results/score/{name}_held_out.csv")
        if not table.is_file():
            continue
        losses: dict[str, list[float]] = {}
        for row in _rows(table):
            losses.setdefault(row["model"], []).append(float(row["denoising_loss"]))
        means = ", ".join(f"{model} {mean(values):.3f}" for model, values in losses.items())
        say(f"Held-out loss of {name}, mean over noise levels, lower is better: {means}")


def _rows(table: str | Path) -> list[dict[str, str]]:
    with Path(table).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def duration(seconds: float) -> str:
    """Return a time span in seconds or minutes."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _signal(error: str) -> str:
    """Return the name of the signal that ended a script, "" if none did."""
    if found := ENDED.search(error):
        number = int(found[1]) if found[1] else int(found[2]) - 128
        if number in set(signal.Signals):
            return signal.Signals(number).name
    return ""


def _reason(logs: list[Path], killed_by: str, is_target: bool) -> str:
    """Return the last line of a failed job's log, or how the job ended if that line is progress."""
    texts = [log.read_text(errors="replace") for log in logs if log.exists()]
    lines = [line for text in texts for line in text.splitlines() if line.strip()]
    explained = is_target or any("Traceback" in text for text in texts)
    if lines and explained and not killed_by:
        return lines[-1]
    how = f"it was killed ({killed_by})" if killed_by else "it ended without saying why"
    how += f", perhaps for lack of {WANT[killed_by]}" if killed_by in WANT else ""
    return f"{how}; {f'its log ends with: {lines[-1]}' if lines else 'it wrote no log'}"


class Console(logging.Handler):
    """Prints when a job starts and ends, and why it failed."""

    def __init__(self, workflow: Any) -> None:
        super().__init__()
        self._workflow = workflow
        self._killed_by: dict[int, str] = {}  # by thread
        self._titles: dict[int, str] = {}  # by job
        self._begun: dict[int, tuple[float, float]] = {}  # by job: when, and its mean duration
        self._done, self._total = 0, 0
        self._work, self._work_done = 0.0, 0.0
        self._begin = time.monotonic()
        self._stopping = False

    def emit(self, record: logging.LogRecord) -> None:
        """Turn one of Snakemake's events into a line on the terminal."""
        match getattr(record, "event", None):
            case LogEvent.RUN_INFO:
                self._total = record.stats.get("total", 0)
                jobs = record.stats.items() - {("total", self._total)}
                self._work = sum(count * SECONDS.get(rule, 1.0) for rule, count in jobs)
                self._begin = time.monotonic()
                say(f"{self._total} jobs to run")
            case LogEvent.JOB_INFO:
                names = [record.rule_name, *record.wildcards.values()]
                self._titles[record.jobid] = " ".join(map(str, names))
                self._begun[record.jobid] = time.monotonic(), SECONDS.get(record.rule_name, 1.0)
                if not self._is_target(record.jobid):
                    say(f"        start  {self._titles[record.jobid]}")
            case LogEvent.JOB_FINISHED:
                self._finish(record.job_id)
            case LogEvent.JOB_ERROR if not self._stopping:
                self._explain(record)
            case LogEvent.ERROR if "CalledProcessError" in str(record.msg):
                # the same thread then reports which job it was
                self._killed_by[record.thread] = _signal(str(record.msg))
            case _ if str(record.msg).startswith(STOPPING):
                self._stopping = True
                say("STOPPED. Finished results are kept: the same command continues from here.")
            case LogEvent.ERROR if _is_of_the_system(record):
                reason = str(record.msg).strip().splitlines()[-1]
                say(f"STOPPED by the system: {reason}. Fix that and run again.")

    def _is_target(self, job: int) -> bool:
        return self._titles.get(job) in self._targets()

    def _targets(self) -> set[str]:
        """Return the rules without output; some are not known yet when this is installed."""
        return {rule.name for rule in self._workflow.rules if not rule.output}

    def _finish(self, job: int) -> None:
        self._done += 1
        began, weight = self._begun.get(job, (0.0, 0.0))
        self._work_done += weight
        if self._is_target(job) or job not in self._titles:
            return
        now = time.monotonic()
        left = (now - self._begin) * (self._work / max(self._work_done, 1e-9) - 1.0)
        say(
            f"{self._done:3d}/{self._total:<3d} done   {self._titles[job]} "
            f"({duration(now - began)}); about {duration(left)} left"
        )

    def _explain(self, record: logging.LogRecord) -> None:
        title = self._titles.get(record.jobid, record.rule_name)
        logs = [Path(log) for log in record.log]
        killed_by = self._killed_by.pop(record.thread, "")
        say(f"FAILED  {title}: {_reason(logs, killed_by, title in self._targets())}")
        for log in logs:
            say(f"        full log: {log}")
