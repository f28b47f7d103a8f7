"""Run the benchmarks that are named, or all of them."""

import os
import sys
from importlib import import_module
from pathlib import Path

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[threads] = "1"  # before NumPy is imported: one thread for us and for the peers
sys.path.insert(0, str(Path(__file__).parents[1] / "workflow"))  # where the library is

MODULES = {
    "solver": "solver",
    "ensemble": "ensemble",
    "scaling": "scaling",
    "training": "training",
    "recipe": "recipe_2013",
    "sampling": "sampling",
}

if __name__ == "__main__":  # processes that a benchmark starts import this file, too
    for name in sys.argv[1:] or MODULES:
        if name not in MODULES:
            sys.exit(f"there is no benchmark {name!r}; there are {', '.join(MODULES)}")
        import_module(f"benchmarks.{MODULES[name]}").run()
        print()
