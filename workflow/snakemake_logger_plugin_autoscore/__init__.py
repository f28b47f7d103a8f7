"""What a run prints: jobs that start and end, time left, reasons for failures.

A logger plugin of Snakemake, which finds it by its name, as ``--logger autoscore``, where the
folder above is on Python's path. Snakemake's own messages still go to its log file.
"""

import builtins
import logging
import re
import signal
import sys
import time
from pathlib import Path

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

STOPPING = "Terminating processes on user request"
NOISE = (
    "Select jobs to execute",
    "Execute ",
    "Assuming unrestricted shared filesystem",
    "Building DAG of jobs",
    "Using shell:",
    "Provided cores:",
    "host:",
    "Waiting for more resources",
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


def _is_news(record: logging.LogRecord) -> bool:
    """Return whether the console does not already print what a record says."""
    event = getattr(record, "event", None)
    text = str(record.msg or "").strip()
    # the failed job reports this itself
    of_a_script = event == LogEvent.ERROR and "CalledProcessError" in text
    if event in REPORTED or of_a_script or _is_of_the_system(record):
        return False
    failed = text.startswith("WorkflowError:\nAt least one job did not complete")
    return text not in ("", "None") and not failed and not text.startswith(NOISE)


def _is_of_the_system(record: logging.LogRecord) -> bool:
    """Return whether a disk, a permission or memory stopped Snakemake itself."""
    error = getattr(builtins, getattr(record, "exception", None) or "", None)
    if isinstance(error, type) and issubclass(error, (OSError, MemoryError)):
        return True
    return error is RuntimeError and "start new thread" in str(record.msg)


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


class LogHandler(LogHandlerBase):
    """Prints when a job starts and ends, and why it failed; the rest as Snakemake would.

    Snakemake's own filter comes before it, so that ``--quiet`` means what it always means.
    """

    writes_to_stream = True
    writes_to_file = False
    has_filter = False
    has_formatter = False
    needs_rulegraph = False

    def __post_init__(self) -> None:
        """Begin with no job."""
        logging.Handler.__init__(self)  # older interfaces leave it to the plugin
        self._killed_by: dict[int, str] = {}  # by thread
        self._titles: dict[int, str] = {}  # by job, of all but targets
        self._begun: dict[int, tuple[float, float]] = {}  # by job: when, and its mean duration
        self._failed: set[int] = set()  # jobs, until they start again
        self._done, self._total = 0, 0
        self._work, self._work_done = 0.0, 0.0
        self._begin = time.monotonic()
        self._stopping = False

    def emit(self, record: logging.LogRecord) -> None:
        """Turn one of Snakemake's events into a line on the terminal."""
        if self.common_settings.dryrun or _is_news(record):
            self._say(self.format(record))
            return
        match getattr(record, "event", None):
            case LogEvent.RUN_INFO:
                self._total = record.stats.get("total", 0)
                jobs = record.stats.items() - {("total", self._total)}
                self._work = sum(count * SECONDS.get(rule, 1.0) for rule, count in jobs)
                self._begin = time.monotonic()
                self._say(f"{self._total} jobs to run")
            case LogEvent.JOB_INFO:
                self._failed.discard(record.jobid)
                self._begun[record.jobid] = time.monotonic(), SECONDS.get(record.rule_name, 1.0)
                if record.output:
                    names = [record.rule_name, *record.wildcards.values()]
                    self._titles[record.jobid] = " ".join(map(str, names))
                    self._say(f"        start  {self._titles[record.jobid]}")
            case LogEvent.JOB_FINISHED:
                self._finish(record.job_id)
            # Snakemake 9.11 reports a failure twice
            case LogEvent.JOB_ERROR if not self._stopping and record.jobid not in self._failed:
                self._failed.add(record.jobid)
                self._explain(record)
            case LogEvent.ERROR if "CalledProcessError" in str(record.msg):
                # the same thread then reports which job it was
                self._killed_by[record.thread] = _signal(str(record.msg))
            case _ if str(record.msg).startswith(STOPPING):
                self._stopping = True
                self._say(
                    "STOPPED. Finished results are kept: the same command continues from here."
                )
            case LogEvent.ERROR if _is_of_the_system(record):
                reason = str(record.msg).strip().splitlines()[-1]
                self._say(f"STOPPED by the system: {reason}. Fix that and run again.")

    def _say(self, line: str) -> None:
        stream = sys.stdout if self.common_settings.stdout else sys.stderr
        print(line, file=stream, flush=True)

    def _finish(self, job: int) -> None:
        self._done += 1
        began, weight = self._begun.get(job, (0.0, 0.0))
        self._work_done += weight
        if job not in self._titles:
            return
        now = time.monotonic()
        left = (now - self._begin) * (self._work / max(self._work_done, 1e-9) - 1.0)
        self._say(
            f"{self._done:3d}/{self._total:<3d} done   {self._titles[job]} "
            f"({duration(now - began)}); about {duration(left)} left"
        )

    def _explain(self, record: logging.LogRecord) -> None:
        title = self._titles.get(record.jobid, record.rule_name)
        logs = [Path(log) for log in record.log]
        killed_by = self._killed_by.pop(record.thread, "")
        self._say(f"FAILED  {title}: {_reason(logs, killed_by, is_target=not record.output)}")
        for log in logs:
            self._say(f"        full log: {log}")
