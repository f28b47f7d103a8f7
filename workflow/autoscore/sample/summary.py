"""The table of samplers: every kind of run over its seeds."""

import pandas as pd

RUN = ["density", "plan", "field", "model", "sampler", "sigma", "step", "trained_on", "n"]
AVERAGED = [
    "acceptance", "kl", "kl_floor", "kl_excess", "kl_corrected", "mmd2", "energy_distance",
    "mean_log_p", "mean_log_p_floor", "log_p_short", "coverage", "coverage_floor", "rhat",
    "ess_per_evaluation", "ess_per_second", "seconds",
]  # fmt: skip


def sampler_table(diagnostics: pd.DataFrame) -> pd.DataFrame:
    """Return the medians over seeds and the extreme divergences, one row per kind of run.

    `diagnostics` are rows of `autoscore.sample.stage`, of all densities.
    """
    runs = diagnostics.assign(
        model=diagnostics["model"].fillna(""),
        step=diagnostics["step"].where(~diagnostics["is_tuned"]),  # tuned ones differ a little
        ess_per_evaluation=diagnostics["ess"] / diagnostics["score_evaluations"],
    )
    grouped = runs.groupby(RUN, dropna=False, sort=False)
    table = grouped[AVERAGED].median()
    table.insert(0, "seeds", grouped.size())
    table["kl_least"], table["kl_largest"] = grouped["kl"].min(), grouped["kl"].max()
    return table.reset_index()
