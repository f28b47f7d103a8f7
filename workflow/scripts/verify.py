"""Print the statements' verdicts; fail if anything differs from the record, either way."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the library's folder

import pandas as pd

from autoscore.verify.text import conclusion, differences, lines

places = pd.read_csv(snakemake.input.places, keep_default_na=False, na_values={"value": [""]})
statements = pd.read_csv(snakemake.input.statements, keep_default_na=False)
print("\n".join([*lines(statements), *differences(places)]), file=sys.stderr)
good, said = conclusion(places, snakemake.params.left_out)
if (profile := snakemake.params.profile) != "full":
    said += f"; trained less, the {profile} run decides no statement: see docs/paper.md"
Path(snakemake.log[0]).write_text(said + "\n", encoding="utf-8")
if good:  # a failure's reason is printed by the console
    print(said, file=sys.stderr)
sys.exit(not good)
