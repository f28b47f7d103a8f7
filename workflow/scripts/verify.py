"""Show the verdicts, and fail if a claim does."""

import sys
from pathlib import Path

import pandas as pd

table = pd.read_csv(snakemake.input[0])
for row in table.itertuples():
    print(f"{row.verdict:<10}  {row.id:<24} {row.statement}", file=sys.stderr)
failed = table.loc[table.verdict == "FAIL", "id"].tolist()
verdict = f"{len(table)} claims, {len(failed)} failed: {', '.join(failed) or 'none'}"
Path(snakemake.log[0]).write_text(verdict + "\n", encoding="utf-8")
sys.exit(bool(failed))
