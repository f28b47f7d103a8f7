"""What made a result: a record beside it, from which it could be made again.

Times and machines are told here and nowhere else, so that tables and arrays are the same each time.
No record names a folder outside the project, a user or a host.
"""

import hashlib
import json
import math
import os
import platform
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_info

from autoscore.files.storage import write_atomically

try:
    import resource
except ImportError:  # not on Windows, where the peak of memory stays unknown
    resource = None

PACKAGES = [  # by the names under which they are imported
    "arviz_stats",
    "matplotlib",
    "numpy",
    "pandas",
    "pyamg",
    "safetensors",
    "scipy",
    "seaborn",
    "sklearn",
    "snakemake",
    "sympy",
    "torch",
]


CHOOSING = (  # variables by which a user, or a test, chooses the kernels
    "ATEN_CPU_CAPABILITY", "MKL_ENABLE_INSTRUCTIONS", "NPY_DISABLE_CPU_FEATURES",
    "OPENBLAS_CORETYPE",
)  # fmt: skip


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that this process has imported so far."""
    imported = {name: sys.modules[name].__version__ for name in PACKAGES if name in sys.modules}
    return {"python": platform.python_version()} | imported


def machine() -> dict[str, str | int | float | None]:
    """Return processor, cores, memory (GiB, None if unknown) and operating system: no names."""
    memory = None
    if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", ()):
        memory = round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1)
    return {
        "processor": _processor(Path("/proc/cpuinfo")),
        "cores": os.cpu_count(),
        "memory_gib": memory,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def _processor(file: Path) -> str:
    """Return the processor's model as Linux tells it in `file`, elsewhere its architecture."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.machine())


def kernels() -> dict[str, Any]:
    """Return which kernels the libraries chose that this process has imported so far.

    The same code gives other last digits with others: ``libraries`` of linear algebra and threads
    with their version and architecture, the ``instructions`` of NumPy and PyTorch, and what was
    ``chosen`` by variables.
    """
    told = ("internal_api", "version", "architecture", "threading_layer")
    libraries = [
        {key: library[key] for key in told if library.get(key)} for library in threadpool_info()
    ]
    instructions = {}
    if "numpy" in sys.modules:
        found = sys.modules["numpy"].show_config(mode="dicts")["SIMD Extensions"]
        instructions["numpy"] = [*found["baseline"], *found.get("found", [])]
    if "torch" in sys.modules:
        instructions["torch"] = sys.modules["torch"].backends.cpu.get_cpu_capability()
    return {
        "libraries": sorted(libraries, key=lambda one: sorted(one.items())),
        "instructions": instructions,
        "chosen": {name: os.environ[name] for name in CHOOSING if name in os.environ},
    }


def cost(wall_seconds: float) -> dict[str, float | None]:
    """Return a job's wall time beside the CPU time and the peak memory of this process so far.

    Children that have ended count: their CPU time is added, and the largest one's memory is the
    peak if it is above this process's own.
    """
    times = os.times()
    peak = None
    if resource is not None:
        users = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        unit = 1 if sys.platform == "darwin" else 1024  # bytes
        peak = round(max(resource.getrusage(user).ru_maxrss for user in users) * unit / 2**20)
    cpu = times.user + times.system + times.children_user + times.children_system
    return {
        "wall_seconds": round(wall_seconds, 2),
        "cpu_seconds": round(cpu, 2),
        "peak_memory_mib": peak,
    }


def hashes(paths: Iterable[str | Path]) -> dict[str, str]:
    """Return the SHA-256 of each file's content by the file's name; see `without_folders`."""
    found = {}
    for path in paths:
        with Path(path).open("rb") as file:
            found[without_folders(str(path))] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def without_folders(value: Any) -> Any:
    """Return plain values as JSON can hold them, less the folders of paths that leave the project.

    Such a path, which may name a user, keeps its last part. Infinities and NaN become words.
    """
    if isinstance(value, Mapping):
        return {str(key): without_folders(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [without_folders(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, str | Path) and _leaves_the_project(Path(value)):
        return Path(value).name
    return str(value) if isinstance(value, Path) else value


def _leaves_the_project(path: Path) -> bool:
    return path.is_absolute() or ".." in path.parts or path.parts[:1] == ("~",)


def write_record(
    path: str | Path,
    rule: str,
    wildcards: Mapping[str, str],
    params: Mapping[str, Any],
    inputs: Iterable[str | Path],
    outputs: Iterable[str | Path],
    threads: int,
    wall_seconds: float,
) -> None:
    """Write the record of a job that has come to its end.

    Parameters
    ----------
    path
        Where, as JSON.
    rule, wildcards, params, inputs, outputs, threads
        What the workflow ran and how; ``seed`` and ``code`` among `params` stand by themselves, the
        others are the ``settings``. The files must exist: their hashes are taken.
    wall_seconds
        How long the job took.
    """
    settings = dict(params)
    seed, code = settings.pop("seed", None), settings.pop("code", None)
    record = {
        "rule": rule,
        "wildcards": dict(wildcards),
        "seed": seed,
        "code": code,
        "settings": without_folders(settings),
        "inputs": hashes(inputs),
        "outputs": hashes(outputs),
        "versions": versions(),
        "machine": machine(),
        "kernels": kernels(),
        "threads": threads,
        **cost(wall_seconds),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    text = json.dumps(record, indent=2, allow_nan=False) + "\n"
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
