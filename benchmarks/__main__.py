"""Run the benchmarks that are named, or all of them, and write what they found."""

import os
import sys
from importlib import import_module
from pathlib import Path

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[threads] = "1"  # before NumPy is imported: one thread for us and for the peers
sys.path.insert(0, str(Path(__file__).parents[1] / "workflow"))  # where the library is

MODULES = {
    "machine": "machine",
    "solver": "solver",
    "scaling": "scaling",
    "training": "training",
    "optimisers": "optimisers",
    "images": "images",
    "planning": "planning",
    "chains": "chains",
    "largest": "largest",
    "sampling": "sampling",  # last: JAX has threads, which do not bear a fork
}


def main(names: list[str]) -> None:
    """Run these benchmarks and draw the plot; what the table had of others stays in it."""
    from benchmarks.plot import draw
    from benchmarks.table import measured, write

    for name in names:
        if name not in MODULES:
            sys.exit(f"there is no benchmark {name!r}; there are {', '.join(MODULES)}")
    for name in names:
        print(f"== {name}", flush=True)
        write(name, *measured(import_module(f"benchmarks.{MODULES[name]}").run))
    draw()


if __name__ == "__main__":  # processes that a benchmark starts import this file, too
    main(sys.argv[1:] or list(MODULES))
