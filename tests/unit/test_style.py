import zlib
from io import BytesIO

import pytest
from fontTools import subset
from fontTools.ttLib import TTFont

from autoscore.figures.fonts import LAYOUT
from autoscore.figures.style import applied, prepare, save, subplots


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


def drawn(folder):
    """Draw a figure, and return its PDF."""
    with applied():
        figure, axis = subplots()
        axis.set_title(r"words and $\sigma^2$")
        save(figure, {"pdf": str(folder / "figure.pdf")})
    return (folder / "figure.pdf").read_bytes()


def test_fonts_in_a_pdf_are_truetype_without_tables_that_lay_out_lines(tmp_path):
    usual, content = subset.load_font, drawn(tmp_path)
    streams = [part.split(b"endstream")[0] for part in content.split(b"stream\n")[1:]]
    unpacked = [zlib.decompress(stream.strip(b"\r\n")) for stream in streams if stream[:1] == b"x"]
    fonts = [TTFont(BytesIO(data)) for data in unpacked if data[:4] in (b"\0\1\0\0", b"true")]
    assert len(fonts) >= 2
    assert b"/FontFile2" in content
    assert all("glyf" in font and not set(font.keys()) & set(LAYOUT) for font in fonts)
    assert subset.load_font is usual


def test_a_figure_whose_fonts_were_read_ahead_is_the_same_and_reads_none(tmp_path, monkeypatch):
    alone, read = drawn(tmp_path), []
    prepare()
    usual = subset.load_font
    monkeypatch.setattr(subset, "load_font", lambda *a, **b: read.append(a) or usual(*a, **b))
    assert drawn(tmp_path) == alone
    assert not read
    while not read:  # each font that was read ahead serves once
        assert drawn(tmp_path) == alone
