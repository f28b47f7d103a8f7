from functools import cache

import pytest
import torch

from autoscore import configuration


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Keep sums in one order, whatever the machine."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def schema_read_once():
    """Parse the schema once: that takes twenty times as long as all the rest of a check."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(configuration, "read_yaml", cache(configuration.read_yaml))
        yield
