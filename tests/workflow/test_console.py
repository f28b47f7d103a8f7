"""The console is a plugin that the profile asks for; what a user asks for goes before."""

import pytest

from tests.workflow.project import Project

OTHER = """
import logging

from snakemake_interface_logger_plugins.base import LogHandlerBase


class LogHandler(LogHandlerBase):
    writes_to_stream, writes_to_file, needs_rulegraph = True, False, False
    has_filter = has_formatter = True

    def __post_init__(self):
        logging.Handler.__init__(self)  # older interfaces leave it to the plugin

    def emit(self, record):
        print("the other:", record.levelname, flush=True)
"""
# Python reads this at its start, after .pth files: where `make setup` was not run
WITHOUT = (
    'import sys\nsys.path = [one for one in sys.path if not one.rstrip("/").endswith("workflow")]\n'
)
DATA = "results/data/mixture.npz"
BEGUN, DONE, PLAIN = "        start  data mixture\n", "  1/1   done   data mixture", "rule data:"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return Project.from_sources(tmp_path_factory.mktemp("console") / "project")


def said(project, *arguments, **environment):
    outcome = project.snakemake("--forcerun", "data", *arguments, "--", DATA, **environment)
    assert outcome.code == 0, outcome.text
    return outcome.text


def test_it_prints_when_jobs_start_and_end_and_snakemake_does_not(project):
    text = said(project)
    assert BEGUN in text
    assert DONE in text
    assert PLAIN not in text


@pytest.mark.parametrize(
    ("quiet", "begun", "done"),
    [((), False, False), (("all",), False, False), (("progress",), True, False)],
)
def test_quiet_means_what_it_always_means(project, quiet, begun, done):
    text = said(project, "--quiet", *quiet)
    assert PLAIN not in text
    assert (BEGUN in text, DONE in text) == (begun, done)


def test_another_logger_replaces_it(project, tmp_path):
    plugin = tmp_path / "snakemake_logger_plugin_other/__init__.py"
    plugin.parent.mkdir()
    plugin.write_text(OTHER, encoding="utf-8")
    text = said(project, "--logger", "other", PYTHONPATH=str(tmp_path))
    assert "the other: INFO" in text
    assert BEGUN not in text


def test_a_dry_run_is_snakemake_s_own(project):
    text = said(project, "--dry-run")
    assert PLAIN in text
    assert BEGUN not in text


def test_where_it_is_not_installed_snakemake_speaks_itself(project, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(WITHOUT, encoding="utf-8")
    text = said(project, PYTHONPATH=str(tmp_path))
    assert PLAIN in text
    assert BEGUN not in text
