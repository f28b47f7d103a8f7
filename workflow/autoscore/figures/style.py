"""One look for all figures: every sort of line has its colour, dash and width everywhere.

Matplotlib is imported where something is drawn: every run of the pipeline reads the declarations.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module, resources
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from autoscore.baselines.registry import BASELINES
from autoscore.figures import fonts
from autoscore.files.storage import write_atomically

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Picture
else:
    Artist = Axes = Picture = Any

COLUMN = 3.4  # inches: one column of a two-column page
PAGE = 6.9  # inches: the whole width
SCREEN = 110  # pixels per inch of animations
ALIKE = 3.0  # ratio of ranges up to which both axes of a plane share one scale
EMPTY = {"ha": "center", "va": "center", "color": "0.5", "fontsize": 7}
LAST_FRAME = 2000  # milliseconds for which animations show their end
UNDATED = {"metadata": {"CreationDate": None}}
PACKED = {"pil_kwargs": {"compress_level": 3}}  # as small as with 6, in two thirds of the time
SIGMA = r"noise level $\sigma$"
ESTIMATE = r"$(r(x) - x)/\sigma^2$"

TRUTH = {"color": "black", "linestyle": "-", "linewidth": 1.6}
BEST = {  # exact optima
    "dae": {"color": "#0072B2", "linestyle": "--"},
    "rcae": {"color": "#D55E00", "linestyle": "-."},
}
OVER = {"color": "black", "linestyle": "--", "linewidth": 0.8, "zorder": 3}  # on learned ones
NAMES = {"dae": "DAE", "rcae": "RCAE"}
MODELS = {  # fields and estimators
    "exact": {"color": "black", "linestyle": "-", "marker": "", "label": "exact"},
    "conditioned": {"color": "#0072B2", "linestyle": "-", "marker": "o", "label": "conditioned"},
    "separate": {"color": "#D55E00", "linestyle": "--", "marker": "s", "label": "separate"},
    "generative": {
        "color": "#009E73",
        "linestyle": "--",
        "marker": "D",
        "label": "wide-range conditioned",
    },
    "combined": {"color": "#56B4E9", "linestyle": "-", "marker": "^", "label": "levels combined"},
    "sliced": {
        "color": "#CC79A7",
        "linestyle": "-.",
        "marker": "v",
        "label": "sliced score matching",
    },
} | {name: dict(baseline.look) for name, baseline in BASELINES.items()}
FIELDS = ("exact", "conditioned", "separate")  # side by side, in this order
FLOOR = {"color": "0.5", "linewidth": 0.8}  # lines of independent draws
BOUND = {"color": "0.3", "linewidth": 0.7, "linestyle": (0, (5, 3)), "zorder": 0.5}  # of checks
POINT = {"s": 22, "edgecolor": "black", "zorder": 5}  # fixed points on the line
# dark to light, so that grey print keeps the order
SIZES = ["#000000", "#0072B2", "#E69F00", "#56B4E9", "#CC79A7"]
MARKERS = ["o", "s", "^", "D", "v"]
# ticks within a decade: of axes that span one or two decades, and of those that span less
BETWEEN, CLOSE = (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0)


def draw_figure(
    name: str, inputs: Mapping[str, str], outputs: Mapping[str, str], settings: Any
) -> None:
    """Draw the figure of the module `name` of `autoscore.figures` in the project's style.

    The other arguments are those of the module's ``draw``, which `declaration.Figure` describes.
    """
    with applied():
        import_module(f"autoscore.figures.{name}").draw(dict(inputs), dict(outputs), settings)


@contextmanager
def applied() -> Iterator[None]:
    """Draw and save in the project's style within a ``with``, or as a function's decorator.

    Matplotlib's own settings are as they were afterwards, and change no figure.
    """
    from matplotlib import style

    sheet = resources.files("autoscore.figures") / "print.mplstyle"
    with style.context(sheet, after_reset=True):
        yield


def subplots(
    rows: int = 1, columns: int = 1, *, figsize: tuple[float, float] | None = None, **options: Any
) -> tuple[Picture, Any]:
    """Return a figure of this size in inches and its panels, as Matplotlib's ``subplots``.

    It belongs to nobody else: pyplot, and with it a notebook, does not know of it.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=figsize, layout=options.pop("layout", None))
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, **options)


def grid(
    count: int, columns: int, row: float, margin: float, **options: Any
) -> tuple[Picture, np.ndarray]:
    """Return a page-wide figure and its panels ``(rows, columns)``, of which `count` are shown.

    In inches, a row is `row` high, and all rows together have a `margin`.
    """
    rows = max(1, -(-count // columns))
    size = (PAGE, row * rows + margin)
    figure, axes = subplots(rows, columns, figsize=size, squeeze=False, **options)
    for axis in axes.flat[count:]:
        axis.set_visible(False)
    return figure, axes


def label_edges(axes: np.ndarray, x: str = "", y: str = "") -> None:
    """Label the x axes of the lowest panels and the y axes of the leftmost."""
    for axis in axes[-1]:
        axis.set_xlabel(x)
    for axis in axes[:, 0]:
        axis.set_ylabel(y)


def title(name: str) -> str:
    """Return a density's name as a person would write it."""
    return name.replace("_", " ")


def look_at(axis: Axes, window: np.ndarray) -> None:
    """Show a window of the plane, ``(2, 2)``: low and high of both coordinates."""
    axis.set(xlim=window[0], ylim=window[1], aspect="auto")
    axis.set_box_aspect(proportion(window))
    axis.locator_params(nbins=4)


def proportion(window: np.ndarray) -> float:
    """Return a panel's height over its width: 1, unless both axes can share one scale."""
    width, height = np.ptp(window, axis=1)
    return height / width if max(width, height) <= ALIKE * min(width, height) else 1.0


def common_legend(figure: Picture, columns: int, side: str = "upper") -> None:
    """Put one legend above all panels, or below (side ``lower``), each label once."""
    found: dict[str, Artist] = {}
    for axis in figure.axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    if found:
        figure.legend(found.values(), found.keys(), loc=f"outside {side} center", ncols=columns)


def model_look(model: str) -> dict:
    """Return a model's line style and label; variants that only a configuration names are grey."""
    grey = {"color": "0.4", "linestyle": "-", "marker": ".", "label": title(model)}
    return MODELS.get(model, grey)


def drawable(values: pd.Series | np.ndarray) -> pd.Series | np.ndarray:
    """Return values for a logarithmic axis: NaN if none is above 0, which it cannot show.

    Set the scale before drawing: an axis without data keeps limits that it cannot have afterwards.
    """
    return values if (np.asarray(values) > 0).any() else np.nan * values


def mean_and_range(axis: Axes, table: pd.DataFrame, x: str, y: str, **look: Any) -> None:
    """Draw the mean of column y over the rows that share x, in a band of their range.

    Rows without a y are left out. The look needs a ``color``, which the band shares.
    """
    if table.empty:
        return
    groups = table.dropna(subset=[y]).groupby(x)[y]
    mean, low, high = groups.mean(), groups.min(), groups.max()
    if axis.get_yscale() == "log":
        mean, low, high = map(drawable, (mean, low, high))
    axis.plot(mean.index, mean, markeredgewidth=0.5, **look)  # a cross is all edge
    axis.fill_between(mean.index, low, high, color=look["color"], alpha=0.2, linewidth=0)


def each_model(
    axis: Axes, table: pd.DataFrame, models: tuple[str, ...], x: str, y: str, size: float
) -> None:
    """Draw `mean_and_range` of some models' rows, markers of one size."""
    for model in models:
        rows = table[table["model"] == model]
        mean_and_range(axis, rows, x, y, markersize=size, **MODELS[model])


def mark_bounds(axis: Axes, *values: float, upright: bool = False) -> None:
    """Draw a thin grey line at each bound of a check, across (or `upright`), beside any data."""
    for value in values if axis.has_data() else ():
        look = BOUND | {"label": "bound of a check" if value == values[0] else None}
        ends = [[0.0, 1.0], [value, value]]  # axhline would warn where all data are one value
        if upright:
            axis.plot(*ends[::-1], transform=axis.get_xaxis_transform(), **look)
        else:
            axis.plot(*ends, transform=axis.get_yaxis_transform(), **look)


def mark_levels(axis: Axes, sigmas: pd.Series) -> None:
    """Put a tick at each noise level of a logarithmic axis, and no other."""
    levels = sorted(sigmas.unique())
    axis.set_xticks(levels, [f"{level:g}" for level in levels])
    axis.set_xticks([], minor=True)


def save(figure: Picture, outputs: dict[str, str]) -> None:
    """Write a figure to every file in `outputs`, the same bytes each time.

    Panels without data say so.
    """
    for panel in figure.axes:
        if panel.get_visible() and not np.isfinite(panel.dataLim.get_points()).all():
            panel.text(0.5, 0.5, "nothing to show", transform=panel.transAxes, **EMPTY)
    _choose_ticks(figure)
    with _laid_out(figure), fonts.light():
        for path in outputs.values():
            stamp = UNDATED if path.endswith(".pdf") else PACKED
            write_atomically(path, lambda file, stamp=stamp: figure.savefig(file, **stamp))


def prepare() -> None:
    """Draw a figure for nothing, after which a process, and each fork of it, draws others faster.

    Matplotlib then knows the fonts, and the formulas at the ticks of logarithmic axes.
    """
    with applied(), fonts.reading_ahead():
        figure, (left, right) = subplots(1, 2)
        for axis, low, high in ((left, 1e-8, 1e-2), (right, 1e-2, 1e4)):
            axis.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high))
            axis.set(xlabel=SIGMA, ylabel=ESTIMATE, title="title")
            axis.set_xticks(10.0 ** np.arange(*np.log10([low, 10.0 * high]).round()))
            axis.set_yticks(axis.get_xticks())
        with _laid_out(figure):
            for kind in ("pdf", "png"):
                figure.savefig(BytesIO(), format=kind)


def animate(
    figure: Picture,
    show: Callable[[int], list[Artist]],
    count: int,
    path: str,
    frames_per_second: float,
) -> None:
    """Write an animated GIF of `count` frames, the last of which stays.

    `show(k)` sets the k-th frame and returns every artist that it changes; the rest is drawn once.
    """
    from PIL import Image

    changing = show(0)
    with _laid_out(figure, SCREEN):  # nothing else may move
        for artist in changing:
            artist.set_animated(True)
        figure.canvas.draw()
    still = figure.canvas.copy_from_bbox(figure.bbox)
    frames = []
    for frame in range(count):
        changed = show(frame)
        figure.canvas.restore_region(still)
        for artist in changed:
            figure.draw_artist(artist)
        pixels = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("RGB")
        frames.append(pixels.quantize(32))
    durations = [round(1000 / frames_per_second)] * (count - 1) + [LAST_FRAME]
    options = {"append_images": frames[1:], "duration": durations, "loop": 0}
    write_atomically(path, lambda file: frames[0].save(file, save_all=True, **options))


def _choose_ticks(figure: Picture) -> None:
    """Put readable ticks on logarithmic axes, unless the figure has chosen its own."""
    from matplotlib.ticker import LogLocator, NullLocator

    for panel in figure.axes:
        for axis in (panel.xaxis, panel.yaxis):
            low, high = sorted(axis.get_view_interval())
            if axis.get_scale() != "log" or not isinstance(axis.get_major_locator(), LogLocator):
                continue
            axis.set_minor_locator(NullLocator())
            if high < 100 * low:
                axis.set_major_locator(LogLocator(subs=BETWEEN if high > 5 * low else CLOSE))
                axis.set_major_formatter(lambda value, _: f"{value:g}")


@contextmanager
def _laid_out(figure: Picture, dots: float | None = None) -> Iterator[None]:
    """Lay a figure out, once: each file that is written within would do so again and draw it twice.

    Words are measured for the dots per inch of the pictures, as they will be drawn.
    """
    import matplotlib as mpl

    dots = mpl.rcParams["savefig.dpi"] if dots is None else dots
    if dots != "figure":
        figure.set_dpi(dots)
    if (engine := figure.get_layout_engine()) is not None:
        engine.execute(figure)
    with mpl.rc_context({"figure.constrained_layout.use": False}):  # which None would bring back
        figure.set_layout_engine(None)
        yield
