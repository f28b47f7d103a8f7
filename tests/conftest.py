from tests.workflow.project import Project


def pytest_addoption(parser):
    parser.addoption(
        "--rounding",
        type=int,
        metavar="SEED",
        help="move every trained weight by one unit in the last place, as another processor might",
    )


def pytest_configure(config):
    Project.rounding = config.getoption("rounding")
