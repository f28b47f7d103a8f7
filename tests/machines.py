"""The tests, once under each set of kernels that this processor has.

``python -m tests.machines [arguments of pytest]``, or ``make test-machines``. Libraries of linear
algebra choose their kernels by the processor, and each rounds in its own way: to choose others is
to test on other processors. The variables that do it are set for the tests alone. Those that the
environment sets stay as they are.
"""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PROCESSOR = Path("/proc/cpuinfo")
OPENBLAS, TORCH, MKL = "OPENBLAS_CORETYPE", "ATEN_CPU_CAPABILITY", "MKL_ENABLE_INSTRUCTIONS"
SIDE_BY_SIDE = ["-n=auto", "--maxprocesses=4", "--dist=loadfile", "--no-loadscope-reorder"]
IN_USE = """
import json, sys
sys.path.insert(0, "workflow")
import numpy, scipy.linalg, torch
from autoscore.files.records import kernels
print(json.dumps(kernels()))
"""


class Kernels(NamedTuple):
    """A set of kernels: what the processor has to have for it, and the variables that choose it."""

    name: str
    flags: frozenset[str]
    chosen: dict[str, str]


def _x86(name: str, flags: str, openblas: str, torch: str, mkl: str) -> Kernels:
    return Kernels(name, frozenset(flags.split()), {OPENBLAS: openblas, TORCH: torch, MKL: mkl})


AVX512 = "avx512f avx512dq avx512cd avx512bw avx512vl"
SETS = {
    "x86_64": [
        _x86("SSE", "sse4_2", "Nehalem", "default", "SSE4_2"),
        _x86("AVX", "avx", "Sandybridge", "default", "AVX"),
        _x86("AVX2", "avx2 fma", "Haswell", "avx2", "AVX2"),
        _x86("Zen", "avx2 fma sse4a", "Zen", "avx2", "AVX2"),
        _x86("AVX-512", f"avx2 fma {AVX512}", "SkylakeX", "avx512", "AVX512"),
    ],
    "aarch64": [
        Kernels("ARMv8", frozenset({"asimd"}), {OPENBLAS: "ARMV8", TORCH: "default"}),
        Kernels("Neoverse N1", frozenset({"asimd", "asimddp"}), {OPENBLAS: "NEOVERSEN1"}),
        Kernels("Neoverse V1", frozenset({"asimd", "sve"}), {OPENBLAS: "NEOVERSEV1"}),
    ],
}


def flags_of(text: str) -> set[str]:
    """Return what a processor can do, from what Linux says of it."""
    lines = (line.partition(":") for line in text.splitlines())
    words = (line[2] for line in lines if line[0].strip() in ("flags", "Features"))
    return set(next(words, "").split())


def available(machine: str, flags: Collection[str]) -> list[Kernels]:
    """Return the sets of a processor; one that chooses nothing where none are known."""
    found = [one for one in SETS.get(machine, []) if one.flags <= set(flags)]
    return found or [Kernels("default", frozenset(), {})]


def settled(sets: list[Kernels], environment: Mapping[str, str]) -> Iterator[Kernels]:
    """Yield each set less what the environment has chosen, but none that is then another again."""
    seen = []
    for one in sets:
        chosen = {name: value for name, value in one.chosen.items() if name not in environment}
        if chosen not in seen:
            seen.append(chosen)
            yield one._replace(chosen=chosen)


def not_in_use(chosen: Mapping[str, str], told: dict) -> list[str]:
    """Return what was chosen in vain, from what `autoscore.files.records.kernels` says.

    A library may be built without some kernels, and then takes others. MKL does not tell.
    """
    found = {
        OPENBLAS: [one["architecture"] for one in told["libraries"] if "architecture" in one],
        TORCH: [told["instructions"]["torch"]],
    }
    return [
        f"{name}={chosen[name]} gives {used}"
        for name in found.keys() & chosen.keys()
        for used in sorted(set(found[name]))
        if used.lower() != chosen[name].lower()
    ]


def run(kernels: Kernels, arguments: list[str]) -> tuple[str, bool | None]:
    """Run the tests, and return the outcome in words, and whether they passed: None if not run."""
    environment = os.environ | kernels.chosen
    command = [sys.executable, "-c", IN_USE]
    told = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True, text=True
    ).stdout
    if vain := not_in_use(kernels.chosen, json.loads(told)):
        return f"NOT RUN: {', '.join(vain)}", None
    begin, failed = time.monotonic(), []
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", *SIDE_BY_SIDE, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as tests:
        for line in tests.stdout:
            print(line, end="", flush=True)
            if line.startswith(("FAILED ", "ERROR ")):  # pytest's summary names each
                failed.append(line.split(" - ")[0].strip())
    passed, seconds = tests.returncode == 0, time.monotonic() - begin
    outcome = "passed" if passed else f"failed (pytest ended with {tests.returncode})"
    return "\n    ".join([f"{outcome} in {seconds:.0f} s", *failed]), passed


def main(arguments: list[str]) -> int:
    """Run the tests under each set, tell the outcome of each, and return the exit code."""
    if not PROCESSOR.is_file():
        print(f"Which kernels a processor has is read from {PROCESSOR}: this needs Linux.")
        return 1
    flags = flags_of(PROCESSOR.read_text(encoding="utf-8"))
    for name in (OPENBLAS, TORCH, MKL):
        if name in os.environ:
            print(f"{name}={os.environ[name]} is set, and stays.")
    outcomes, passed = [], []
    for one in settled(available(platform.machine(), flags), os.environ):
        chosen = " ".join(f"{name}={value}" for name, value in one.chosen.items())
        print(f"\n=== {one.name}: {chosen or 'as the libraries choose'}", flush=True)
        words, ended = run(one, arguments)
        outcomes.append(f"{one.name}: {words}")
        passed.append(ended)
    print("", *outcomes, sep="\n")
    return int(False in passed or True not in passed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
