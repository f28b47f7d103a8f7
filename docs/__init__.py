"""The generated parts of the documentation; ``python -m docs`` writes them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow"))  # where the library is
