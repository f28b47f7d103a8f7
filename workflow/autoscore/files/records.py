"""What made a result: a record beside it, from which it could be made again.

Times and machines stand here and nowhere else, so that tables and arrays are the same each time. No
record names a folder outside the project, a user or a host.
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
    resource = None  # type: ignore[assignment]

PACKAGES = [  # by the names under which they are imported
    "arviz_stats",
    "matplotlib",
    "numba",
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
CHOOSING = [  # variables by which a user, or a test, chooses the kernels
    "ATEN_CPU_CAPABILITY",
    "MKL_ENABLE_INSTRUCTIONS",
    "NPY_DISABLE_CPU_FEATURES",
    "OPENBLAS_CORETYPE",
]


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that this process has imported so far."""
    imported = {name: sys.modules[name].__version__ for name in PACKAGES if name in sys.modules}
    return {"python": platform.python_version()} | imported


def machine() -> dict[str, str | int | float | None]:
    """Return processor, cores, memory (GiB, None if unknown) and operating system: no names."""
    memory = None
    if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", ()):
        memory = round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1)
    described = Path("/proc/cpuinfo")  # on Linux
    lines = described.read_text(encoding="utf-8").splitlines() if described.is_file() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return {
        "processor": next(models, platform.machine()),
        "cores": os.cpu_count(),
        "memory_gib": memory,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def kernels() -> dict[str, Any]:
    """Return which kernels the libraries that this process has imported chose.

    Other kernels change the last digits of the same code's results. ``libraries`` are those of
    linear algebra and threads, ``instructions`` those of NumPy and PyTorch, and ``chosen`` the
    variables in `CHOOSING`.
    """
    recorded = ("internal_api", "version", "architecture", "threading_layer")
    libraries = [
        {key: library[key] for key in recorded if library.get(key)} for library in threadpool_info()
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
    """Return a job's wall time, and the CPU time and peak memory of this process so far.

    The CPU time includes children that have ended; the peak is that of the largest process.
    """
    peak = None
    if resource is not None:
        users = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        unit = 1 if sys.platform == "darwin" else 1024  # bytes
        peak = round(max(resource.getrusage(user).ru_maxrss for user in users) * unit / 2**20)
    return {
        "wall_seconds": round(wall_seconds, 2),
        "cpu_seconds": round(sum(os.times()[:4]), 2),  # the fifth is the wall time
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
    """Return plain values as JSON can hold them, with private paths cut to their last part.

    Private are paths that leave the project, as they may name a user. Infinities and NaN become
    words.
    """
    if isinstance(value, Mapping):
        return {str(key): without_folders(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [without_folders(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, str | Path):
        path = Path(value)
        private = path.is_absolute() or ".." in path.parts or path.parts[:1] == ("~",)
        return path.name if private else str(value)
    return value


def write_record(
    path: str | Path,
    rule: str,
    wildcards: Mapping[str, str],
    params: Mapping[str, Any],
    inputs: Iterable[str | Path],
    outputs: Mapping[str, str],
    threads: int,
    wall_seconds: float,
) -> None:
    """Write the record of a finished job as JSON, with the hashes of its inputs and outputs.

    `outputs` has those of the outputs by name, so that none is computed twice. ``seed`` and
    ``code`` of `params` get keys of their own, the others become ``settings``.
    """
    settings = dict(params)
    record = {
        "rule": rule,
        "wildcards": dict(wildcards),
        "seed": settings.pop("seed", None),
        "code": settings.pop("code", None),
        "settings": without_folders(settings),
        "inputs": hashes(inputs),
        "outputs": {without_folders(file): checksum for file, checksum in outputs.items()},
        "versions": versions(),
        "machine": machine(),
        "kernels": kernels(),
        "threads": threads,
        **cost(wall_seconds),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    text = json.dumps(record, indent=2, allow_nan=False) + "\n"
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
