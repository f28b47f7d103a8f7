"""Checks before a run starts: limits, writable folders, file times, known targets."""

import difflib
import math
import os
import shutil
import sys
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path

try:
    import resource
except ImportError:  # not on Windows
    resource = None

GROUP = Path("/proc/self/cgroup")  # names the control groups of a process
MADE = ("results", "figures")
MIB = 1 << 20
ROOM = MIB  # bytes of disk for Snakemake's own files
LEAST_ADDRESSES = 1024 * MIB  # below, some libraries hang silently
LEAST_MEMORY = 512 * MIB  # for Snakemake and one small job
LEAST_FILES = 64
TICK = 0.001  # seconds between corrected times


def refuse_too_small_limits(groups: Path = Path("/sys/fs/cgroup")) -> None:
    """End with a message if this process has less memory or files than the smallest run needs.

    Call it before importing the libraries, which would end in a traceback or hang.
    """
    for most, whose, needed, remedy in (
        (_limit("RLIMIT_AS"), "ulimit -v", LEAST_ADDRESSES, "ulimit -v unlimited"),
        (_group_memory(groups), "a container's or a cgroup's limit", LEAST_MEMORY, "raise it"),
    ):
        if most < needed:
            sys.exit(
                f"This run may use {most // MIB:.0f} MiB of memory ({whose}), and needs "
                f"{needed // MIB} at the very least: allow more ({remedy}) and run again."
            )
    most = _limit("RLIMIT_NOFILE")
    if most < LEAST_FILES:
        sys.exit(
            f"This run may open {most} files at once (ulimit -n), and needs {LEAST_FILES}: allow "
            "more (ulimit -n 1024) and run again."
        )


def _limit(name: str) -> float:
    """Return an operating system's limit for this process, infinity if there is none."""
    if resource is None or not hasattr(resource, name):
        return math.inf
    soft, _ = resource.getrlimit(getattr(resource, name))
    return math.inf if soft == resource.RLIM_INFINITY else soft


def _group_memory(groups: Path) -> float:
    """Return the memory limit of this process's control group, infinity if unknown."""
    most = math.inf
    for line in GROUP.read_text(encoding="utf-8").splitlines() if GROUP.is_file() else []:
        _, kinds, place = line.split(":", maxsplit=2)
        if kinds in ("", "memory"):  # version 2, version 1
            name = "memory.limit_in_bytes" if kinds else "memory.max"
            # a container sees its own group as the root
            for folder in (groups / kinds / place.lstrip("/"), groups / kinds):
                with suppress(OSError, ValueError):  # no such file, or it says max
                    most = min(most, int((folder / name).read_text(encoding="utf-8")))
    return most


def refuse_what_cannot_be_written() -> None:
    """End with a message if results cannot be written here."""
    made = [folder for name in MADE for folder in [Path(name), *Path(name).rglob("*/")]]
    for folder in [Path(), Path(".snakemake"), *made]:
        if folder.exists() and not folder.is_dir():
            sys.exit(f"{folder} is a file where a folder must be: move the file away.")
        if folder.exists() and not os.access(folder, os.W_OK | os.X_OK):
            sys.exit(
                f"{'This folder' if folder == Path() else folder} cannot be written to: make it "
                "writable (chmod u+w), or give another place with --directory (make DIR=folder)."
            )
    free = shutil.disk_usage(".").free
    if free < ROOM:
        sys.exit(f"The disk is full ({free} bytes are free): make room on it and run again.")


def refuse_configuration_files(paths: Collection[str | Path]) -> None:
    """End with a message, before Snakemake reads them, if configuration files are unusable."""
    from autoscore.configuration import ConfigurationError, check_files

    try:
        check_files(paths)
    except ConfigurationError as error:
        sys.exit(str(error))


def bring_times_back() -> None:
    """Date files from the future to now, keeping their order.

    After a clock is set back, no output could be newer than such an input.
    """
    now = time.time()
    files = [file for folder in MADE for file in Path(folder).rglob("*") if file.is_file()]
    late = [file for file in files if file.stat().st_mtime > now]
    late.sort(key=lambda file: file.stat().st_mtime, reverse=True)
    for steps, file in enumerate(late):
        os.utime(file, (now, now - TICK * steps))


def refuse_figures_that_are_not_drawn(
    asked: Collection[str], drawn: Collection[str], densities: Collection[str]
) -> None:
    """End with a message if the command line names a figure that this configuration lacks.

    Snakemake would train for it first and fail when drawing.
    """
    stems = sorted({Path(file).stem for file in drawn})
    for file in asked:
        if not file.startswith("figures/") or file in drawn:
            continue
        of = _density_of(Path(file).stem, densities)
        if of:
            has = [stem for stem in stems if _density_of(stem, densities) == of]
            sys.exit(
                f"{file} is not drawn: with this configuration {of} has "
                f"{', '.join(has) or 'no figure'}. Name what is to be drawn of it under "
                f"densities.{of}.figures or densities.{of}.sample.figures."
            )
        near = difflib.get_close_matches(Path(file).stem, stems, n=1)
        meant = f" Did you mean {near[0]}?" if near else ""
        sys.exit(f"{file} is not drawn with this configuration.{meant} See figures/README.md.")


def refuse_unknown_trainings(asked: Collection[str], config: Mapping) -> None:
    """End with a message if the command line names a training that this configuration lacks."""
    from autoscore import plan

    for file in asked:
        match Path(file).parts:
            case ("results", "train", density, name, *_) if density in config["densities"]:
                has = [Path(made).stem for made in plan.trained_files(config, density)]
                if name.partition(".")[0] not in has:
                    sys.exit(
                        f"{file} is not trained: with this configuration {density} has "
                        f"{', '.join(has)}. Name what is to be trained under "
                        f"densities.{density}.train.models or .variants."
                    )


def refuse_unmade_results(config: Mapping, is_made: Callable[[str], bool]) -> None:
    """End with a message if a figure of a completed configuration reads a file without a rule."""
    from autoscore.figures.registry import FIGURES

    for name, figure in FIGURES.items():
        for density in figure.scope.subjects(name, config):
            for file in figure.inputs(config).values():
                path = file.format(density=density)
                if not is_made(path):
                    sys.exit(
                        f"autoscore.figures.{name} reads {path}, which no rule makes: name a "
                        "result of results/, or add a rule that makes it."
                    )


def _density_of(stem: str, densities: Collection[str]) -> str:
    """Return the density in a figure's name, "" if there is none."""
    return max((name for name in densities if stem.startswith(f"{name}_")), key=len, default="")
