import os

from tests.workflow.project import Project

os.environ.setdefault("MKL_CBWR", "AUTO")  # as in the pipeline's jobs


def pytest_addoption(parser):
    parser.addoption(
        "--rounding",
        type=int,
        metavar="SEED",
        help="move every trained weight by one unit in the last place, as another processor might",
    )
    parser.addoption(
        "--quick-run", action="store_true", help="test the quick run, too, which takes minutes"
    )


def pytest_configure(config):
    Project.rounding = config.getoption("rounding")


def pytest_collection_modifyitems(items):
    # the longest first, so that no worker waits for it at the end
    items.sort(
        key=lambda item: ("interruption" not in item.path.name, "workflow" not in item.path.parts)
    )
