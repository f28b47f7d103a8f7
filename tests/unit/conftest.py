from functools import cache

import pytest
import torch

from autoscore import configuration, training
from autoscore.rounding import move_weights


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


@pytest.fixture(scope="session", autouse=True)
def moved_weights(request):
    """Move the weights with which each training ends, where --rounding says so."""
    finish = training._Keeper.finish

    def finish_and_move(keeper):
        finish(keeper)
        move_weights(keeper._stack, request.config.getoption("rounding"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training._Keeper, "finish", finish_and_move)
        yield
