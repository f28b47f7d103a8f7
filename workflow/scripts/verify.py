"""Print the verdicts; fail if a claim fails or too few were tested."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the library's folder

import pandas as pd

from autoscore.verify.checking import conclusion

table = pd.read_csv(snakemake.input.table)
# failures last, where readers look
for row in table.sort_values("verdict", key=lambda one: one == "FAIL", kind="stable").itertuples():
    print(f"{row.verdict:<10}  {row.id:<24} {row.statement}", file=sys.stderr)
images = [pd.read_csv(file)["dataset"].item() for file in snakemake.input.images]
recorded = snakemake.params.recorded.get(*images) if images else None
good, said = conclusion(table, recorded, snakemake.params.left_out)
Path(snakemake.log[0]).write_text(said + "\n", encoding="utf-8")
if good:  # a failure's reason is printed by the console
    print(said, file=sys.stderr)
sys.exit(not good)
