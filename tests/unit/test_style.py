import pytest

from autoscore.figures.style import save, subplots


def labels(low, high, tmp_path, ticks=None):
    """The labels within a logarithmic axis as a saved figure has them."""
    figure, axis = subplots()
    axis.set(xscale="log", xlim=(low, high))
    if ticks:
        axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    save(figure, {"png": str(tmp_path / "figure.png")})
    ticks = zip(axis.get_xticks(), axis.get_xticklabels(), strict=True)
    return [label.get_text() for place, label in ticks if low <= place <= high]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.04, 0.16, ["0.04", "0.05", "0.07", "0.1", "0.15"]),
        (0.04, 2.2, ["0.05", "0.1", "0.2", "0.5", "1", "2"]),
        (0.009, 11, [rf"$\mathdefault{{10^{{{k}}}}}$" for k in (-2, -1, 0, 1)]),
    ],
    ids=["half a decade", "two decades", "three decades"],
)
def test_logarithmic_axes_have_ticks_where_one_reads_them(low, high, expected, tmp_path):
    assert labels(low, high, tmp_path) == expected


def test_ticks_that_a_figure_chose_stay(tmp_path):
    assert labels(0.04, 0.15, tmp_path, ticks=[0.06, 0.08]) == ["0.06", "0.08"]
