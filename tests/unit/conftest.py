from functools import cache
from types import SimpleNamespace

import pytest
import torch
import yaml


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Keep sums in one order, whatever the machine."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def schema_read_once():
    """Parse the schema once: that takes twenty times as long as all the rest of a check."""
    with pytest.MonkeyPatch.context() as patch:
        once = SimpleNamespace(safe_load=cache(yaml.safe_load))
        patch.setattr("autoscore.configuration.yaml", once, raising=False)
        yield
