"""Run the benchmarks that are named, or all of them, and write what they found."""

import os
import sys
from importlib import import_module

from run_autoscore.preloaded import MEMORY

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[threads] = "1"  # before NumPy is imported: one thread for ours and for the others
os.environ.setdefault("MKL_CBWR", "AUTO")  # as in the pipeline's jobs

MODULES = {
    "machine": "machine",
    "solver": "solver",
    "scaling": "scaling",
    "training": "training",
    "stacks": "stacks",
    "optimisers": "optimisers",
    "images": "images",
    "planning": "planning",
    "chains": "chains",
    "largest": "largest",
    "sampling": "sampling",  # last: JAX's threads do not survive a fork
}


def main(names: list[str]) -> None:
    """Run these benchmarks and draw the plot; the table keeps its rows of all others."""
    from benchmarks.plot import draw
    from benchmarks.table import measured, write

    for name in names:
        if name not in MODULES:
            sys.exit(f"no benchmark {name!r}; choose from {', '.join(MODULES)}")
    for name in names:
        print(f"== {name}", flush=True)
        write(name, *measured(import_module(f"benchmarks.{MODULES[name]}").run))
    draw()


if __name__ == "__main__":  # benchmarks start processes, which import this file
    if not os.environ.items() >= MEMORY.items():  # as in the pipeline's jobs, for all alike
        os.execve(sys.executable, sys.orig_argv, os.environ | MEMORY)  # noqa: S606 (ours)
    main(sys.argv[1:] or list(MODULES))
