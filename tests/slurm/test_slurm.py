"""The pipeline through a real Slurm, if there is one to be had."""

import shutil

import pytest

from tests.slurm.cluster import Cluster, missing

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing()), reason=f"no Slurm here: {', '.join(missing())}"),
]
