"""Run Snakemake, which looks after its jobs on the cluster every second.

Its plugin waits ten seconds longer whenever a look finds that no job has ended: a run of small jobs
would spend most of its time waiting. Called with the command to run, ``python -m snakemake ...``.
"""

import asyncio
import runpy
import sys

from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor


async def _sleep(_: RemoteExecutor) -> None:
    await asyncio.sleep(1)


RemoteExecutor.sleep = _sleep
sys.argv = sys.argv[3:]
runpy.run_module("snakemake", run_name="__main__", alter_sys=True)
