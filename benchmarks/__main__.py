"""Run the benchmarks that are named, or all of them."""

import sys
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow"))  # where the library is

NAMES = ("solver", "ensemble")

for name in sys.argv[1:] or NAMES:
    if name not in NAMES:
        sys.exit(f"there is no benchmark {name!r}; there are {', '.join(NAMES)}")
    import_module(f"benchmarks.{name}").run()
    print()
