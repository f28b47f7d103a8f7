from tests.workflow.project import Project


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
