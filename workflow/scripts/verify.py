"""Show the verdicts, and fail if a claim does."""

import sys
from pathlib import Path

import pandas as pd

table = pd.read_csv(snakemake.input[0])
# what failed stands last, where one looks
for row in table.sort_values("verdict", key=lambda one: one == "FAIL", kind="stable").itertuples():
    print(f"{row.verdict:<10}  {row.id:<24} {row.statement}", file=sys.stderr)
failed = table.loc[table.verdict == "FAIL", "id"].tolist()
verdict = f"{len(table)} claims, {len(failed)} failed: {', '.join(failed) or 'none'}"
Path(snakemake.log[0]).write_text(verdict + "\n", encoding="utf-8")
sys.exit(bool(failed))
