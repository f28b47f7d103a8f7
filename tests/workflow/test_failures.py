import re

import pytest

pytestmark = pytest.mark.slow


def test_a_failing_job_says_why_in_one_line(project):
    job = "three_points_rcae_separate_exact"
    outcome = project.snakemake(
        "results/train/three_points/rcae_separate_exact.safetensors",
        changes="train: {schedules: {exact: {learning_rate: 1.0e+200}}}",
    )
    assert outcome.code != 0
    (line,) = [line for line in outcome.text.splitlines() if "DivergedError" in line]
    assert re.search(r"step \d+ for sigma 0\.1, seed [01]\b", line)
    log = f"results/logs/train/{job}.log"
    assert log in outcome.text
    assert "Traceback" in (project.folder / log).read_text(encoding="utf-8")
    for engine in ("Traceback", "CalledProcessError", "RuleException", "WorkflowError"):
        assert engine not in outcome.text
    assert not list((project.folder / "results/train/three_points").glob("rcae_separate_exact.*"))
