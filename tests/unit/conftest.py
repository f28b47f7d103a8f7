from functools import cache

import pytest
import torch

from autoscore import configuration
from autoscore.images import train as image_training
from autoscore.models.separate import training as separate_training
from autoscore.train import fit as training
from autoscore.train import setups
from autoscore.train.rounding import move_weights


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
    """Move what is trained from a configuration, where --rounding says so, before it is used.

    The optimiser's own tests compare to the last bit, and have its weights as they are.
    """

    def fit_and_move(stack, *args, **kwargs):
        trace = training.fit(stack, *args, **kwargs)
        move_weights(stack, request.config.getoption("rounding"))
        return trace

    with pytest.MonkeyPatch.context() as patch:
        for module in (setups, separate_training, image_training):
            patch.setattr(module, "fit", fit_and_move)
        yield
