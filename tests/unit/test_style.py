import pytest

from autoscore.figures.style import save, subplots


@pytest.mark.parametrize(
    ("low", "high", "chosen", "expected"),
    [
        (0.04, 0.16, [], ["0.04", "0.05", "0.07", "0.1", "0.15"]),
        (0.04, 2.2, [], ["0.05", "0.1", "0.2", "0.5", "1", "2"]),
        (0.009, 11, [], [rf"$\mathdefault{{10^{{{k}}}}}$" for k in (-2, -1, 0, 1)]),
        (0.04, 0.15, [0.06, 0.08], ["0.06", "0.08"]),
    ],
    ids=["half a decade", "two decades", "three decades", "chosen by the figure"],
)
def test_logarithmic_axes_have_ticks_where_one_reads_them(low, high, chosen, expected, tmp_path):
    figure, axis = subplots()
    axis.set(xscale="log", xlim=(low, high))
    if chosen:
        axis.set_xticks(chosen, [f"{tick:g}" for tick in chosen])
    save(figure, {"png": str(tmp_path / "figure.png")})
    ticks = zip(axis.get_xticks(), axis.get_xticklabels(), strict=True)
    assert [label.get_text() for place, label in ticks if low <= place <= high] == expected
