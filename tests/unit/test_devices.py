import pytest
import torch
import yaml

from autoscore.configuration import ConfigurationError, complete
from autoscore.numerics.devices import device_of
from tests.workflow.project import ROOT


@pytest.fixture
def config():
    return yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))


def test_auto_is_the_gpu_only_where_there_is_one(monkeypatch):
    for found, expected in ((False, "cpu"), (True, "cuda")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda found=found: found)
        assert device_of("auto") == torch.device(expected)
        assert device_of("cpu") == torch.device("cpu")


def test_a_missing_gpu_is_an_error_only_where_one_is_asked_for(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="PyTorch finds no GPU: use auto or cpu"):
        device_of("cuda")


def test_variants_are_trained_where_their_density_says(config):
    spiral = config["densities"]["spiral"]["train"]
    spiral["device"] = "auto"
    spiral["variants"]["tied"]["device"] = "cpu"
    train = complete(config)["densities"]["spiral"]["train"]
    assert train["variants"]["paper"]["device"] == train["device"] == "auto"
    assert train["variants"]["tied"]["device"] == "cpu"
    assert complete(config)["densities"]["sine"]["train"]["device"] == "cpu"


def test_an_unknown_device_is_named(config):
    config["train"] = config.get("train", {}) | {"device": "tpu"}
    with pytest.raises(ConfigurationError, match=r"train\.device is 'tpu'; allowed: .*cuda"):
        complete(config)
