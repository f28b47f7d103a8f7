"""A run as a Workflow Run RO-Crate: what made each result, in a form that other tools read.

The metadata file stands in the run's folder and describes what lies there. It follows the profiles
Process Run Crate and Workflow Run Crate, version 0.5 (Leo et al. 2024, PLOS ONE 19): one action for
the run and one for each job that has left a record (`autoscore.files.records`).
"""

import argparse
import json
import shutil
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autoscore.files.records import hashes

if TYPE_CHECKING:
    from rocrate.model import Entity
    from rocrate.rocrate import ROCrate

ROOT = Path(__file__).parents[3]
METADATA = "ro-crate-metadata.json"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
LICENCE = "https://creativecommons.org/licenses/by/4.0/"
SHA256 = "https://w3id.org/ro/terms/workflow-run#sha256"
ENCODINGS = {  # by suffix
    ".csv": "text/csv",
    ".json": "application/json",
    ".md": "text/markdown",
    ".npz": "application/zip",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".gif": "image/gif",
}


class NoRecordsError(ValueError):
    """There is nothing to describe, or it is not what its records say; the message has more."""


def read_records(folder: Path) -> dict[str, dict]:
    """Return the records of the jobs of a run, by file, those that ended first before the others.

    Raises NoRecordsError if there is none, or if an output is missing or not as it was recorded.
    """
    found = {}
    for path in sorted((folder / "results").rglob("*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(record, dict) and {"rule", "outputs", "finished"} <= record.keys():
            found[path.relative_to(folder).as_posix()] = record
    if not found:
        raise NoRecordsError(f"{folder}: expected records of a run in results/, found none")
    for path, record in found.items():
        for name, digest in record["outputs"].items():
            if _digest(folder, name) != digest:
                raise NoRecordsError(f"{name} is missing or not what {path} recorded: run again")
    return dict(sorted(found.items(), key=lambda item: (item[1]["finished"], item[0])))


def _digest(folder: Path, name: str) -> str | None:
    path = folder / name
    return next(iter(hashes([path]).values())) if path.is_file() else None


def write_crate(folder: Path) -> Path:
    """Describe the run in a folder, and return the metadata file; errors of `read_records`.

    Files that the run read from elsewhere are named, with their SHA-256, but are no part of it. The
    Snakefile is copied into a folder that lacks it.
    """
    from rocrate.rocrate import ROCrate  # half a second

    records = read_records(folder)
    if not (folder / "Snakefile").exists():
        shutil.copy(ROOT / "Snakefile", folder)
    crate = ROCrate(version="1.1")
    crate.metadata.extra_terms["sha256"] = SHA256
    _Writer(crate, folder, records).write()
    crate.metadata.write(folder)
    return folder / METADATA


class _Writer:
    """Adds a run to an empty crate."""

    def __init__(self, crate: "ROCrate", folder: Path, records: dict[str, dict]) -> None:
        self.crate, self.folder, self.records = crate, folder, records
        self.made = {k: d for record in records.values() for k, d in record["outputs"].items()}

    def write(self) -> None:
        """Add the workflow, every file, every job and the run."""
        ends = [datetime.fromisoformat(record["finished"]) for record in self.records.values()]
        begins = [_begin(record) for record in self.records.values()]
        self._describe(max(ends))
        seed = self._seed()
        workflow = self._workflow()
        jobs = [self._job(path, record) for path, record in self.records.items()]
        read = {k: d for record in self.records.values() for k, d in record["inputs"].items()}
        given = {name: digest for name, digest in read.items() if name not in self.made}
        run = self._entity(
            "#run",
            "CreateAction",
            name="Run of the pipeline",
            description="All jobs that have left a record",
            instrument=workflow,
            object=_plain([seed, *(self._file(k, d) for k, d in given.items())]),
            result=_plain([self._file(k, d) for k, d in sorted(self.made.items())]),
            startTime=min(begins).isoformat(timespec="seconds"),
            endTime=max(ends).isoformat(),
        )
        self.crate.root_dataset["mentions"] = [run, *jobs]

    def _describe(self, published: datetime) -> None:
        root = self.crate.root_dataset
        root["name"] = "What auto-encoders learn: a run of the replication"
        root["description"] = (
            "Results of a replication of Alain and Bengio (2014), What Regularized Auto-Encoders "
            "Learn from the Data-Generating Distribution, with what made each of them."
        )
        root["datePublished"] = published.isoformat()
        root["license"] = self._entity(
            LICENCE,
            "CreativeWork",
            name="CC BY 4.0",
            description="Creative Commons Attribution 4.0 International",
        )
        root["conformsTo"] = [
            self._entity(address, "CreativeWork", name=name, version=address.rsplit("/", 1)[1])
            for address, name in PROFILES.items()
        ]

    def _entity(self, key: str, kind: str, /, **properties: Any) -> "Entity":
        from rocrate.model import ContextEntity

        if known := self.crate.get(key):
            return known
        return self.crate.add(ContextEntity(self.crate, key, {"@type": kind} | properties))

    def _seed(self) -> "Entity":
        (seed,) = {r["seed"] for r in self.records.values()} - {None} or {None}
        self._entity("#seed-parameter", "FormalParameter", name="seed", additionalType="Integer")
        meant = self.crate.get("#seed-parameter")
        return self._entity(
            "#seed", "PropertyValue", name="seed", value=str(seed), exampleOfWork=meant
        )

    def _workflow(self) -> "Entity":
        language = self._entity(
            "#snakemake",
            "ComputerLanguage",
            name="Snakemake",
            url="https://snakemake.readthedocs.io",
            identifier="https://snakemake.readthedocs.io",
        )
        workflow = self.crate.add_workflow(self.folder / "Snakefile", "Snakefile", main=True)
        workflow["name"] = "Snakefile"
        workflow["description"] = "The stages from data to verdicts"
        workflow["encodingFormat"] = "text/plain"
        workflow["programmingLanguage"] = language
        workflow["input"] = self.crate.get("#seed-parameter")
        return workflow

    def _job(self, path: str, record: dict) -> "Entity":
        rule = self._entity(
            f"#{record['rule']}-{record['code']}",
            "SoftwareApplication",
            name=f"rule {record['rule']}",
            description=f"Its code has the hash {record['code']}",
            softwareVersion=str(record["code"]),
            url="https://snakemake.readthedocs.io",
        )
        wildcards = ", ".join(record["wildcards"].values())
        made = [self._file(name, digest) for name, digest in record["outputs"].items()]
        return self._entity(
            f"#{path}",
            "CreateAction",
            name=f"{record['rule']} {wildcards}".strip(),
            description=f"Settings, versions, machine and cost are in {path}",
            instrument=rule,
            object=_plain([self._file(name, digest) for name, digest in record["inputs"].items()]),
            result=_plain([*made, self._file(path, _digest(self.folder, path))]),
            startTime=_begin(record).isoformat(timespec="seconds"),
            endTime=record["finished"],
        )

    def _file(self, name: str, digest: str | None) -> "Entity":
        """Add a file once; what is not in the folder, or has changed there, is named alone."""
        if _digest(self.folder, name) != digest:
            return self._entity(f"#{name}", "CreativeWork", name=name, sha256=digest)
        if known := self.crate.get(name):
            return known
        encoding = ENCODINGS.get(Path(name).suffix, "application/octet-stream")
        about = {"name": name, "sha256": digest, "encodingFormat": encoding}
        return self.crate.add_file(self.folder / name, dest_path=name, properties=about)


def _plain(entities: list["Entity"]) -> "Entity | list[Entity]":
    """Return a single entity as such, as the specification of JSON-LD wants it."""
    return entities[0] if len(entities) == 1 else entities


def _begin(record: dict) -> datetime:
    return datetime.fromisoformat(record["finished"]) - timedelta(seconds=record["wall_seconds"])


def main(arguments: Iterable[str] | None = None) -> None:
    """Describe the run in a folder, that of the command line or the current one."""
    parser = argparse.ArgumentParser(description="Describe a run as a Workflow Run RO-Crate.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path())
    try:
        print(write_crate(parser.parse_args(arguments).folder))
    except NoRecordsError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
