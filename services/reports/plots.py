"""Pictures of reports, drawn by matplotlib: SVG for pages and PDF, PNG for mails. The same plot is the same bytes."""

import io
from functools import lru_cache
from typing import Any, Final

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from services.findings.wording import number
from services.reports.document import Plot

_LOOKS: Final = (("#0072b2", ""), ("#56b4e9", ".."), ("#e69f00", "//"), ("#b5442b", "xx"))
"""Colours that people who see few colours can tell apart (Okabe and Ito), and hatches for who sees none."""
_STYLE: Final[dict[Any, Any]] = {
    "svg.hashsalt": "pilote",  # else the names within an SVG are other ones each time
    "svg.fonttype": "path",  # so that it looks the same where the font is not there
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.parse_math": False,  # a dollar is one
    "hatch.linewidth": 0.4,
    "figure.dpi": 100,
}
_MOST_TICKS: Final = 8
_LONGEST_LABEL: Final = 40


@lru_cache(maxsize=32)  # a page and its PDF have the same pictures
def svg(plot: Plot, *, language: str) -> bytes:
    """The picture as SVG."""
    return _drawn(plot, "svg", language)


def png(plot: Plot, *, language: str) -> bytes:
    """The picture as PNG, 1,320 pixels wide, for programs that show no SVG."""
    return _drawn(plot, "png", language)


def _drawn(plot: Plot, form: str, language: str) -> bytes:
    made = io.BytesIO()
    with matplotlib.rc_context(_STYLE):
        height = 0.7 + 0.24 * max(len(plot.labels), 1) if plot.shape == "bars" else 2.4
        figure = Figure(figsize=(6.6, height), layout="constrained")
        axes = figure.subplots()
        _SHAPES[plot.shape](axes, plot, language)
        metadata = {"Date": None, "Creator": None} if form == "svg" else {"Software": None}
        figure.savefig(made, format=form, metadata=metadata, dpi=200)
    return made.getvalue()


def _columns(axes: Axes, plot: Plot, language: str) -> None:
    below = [0.0] * len(plot.labels)
    places = range(len(plot.labels))
    for (colour, hatch), series in zip(_LOOKS, plot.series, strict=False):
        axes.bar(places, series.values, bottom=below, color=colour, hatch=hatch, edgecolor="white", label=series.name)
        below = [one + other for one, other in zip(below, series.values, strict=True)]
    step = -(-len(plot.labels) // _MOST_TICKS) or 1
    axes.set_xticks(list(places)[::step], [_short(each) for each in plot.labels[::step]])
    axes.set_ylabel(_short(plot.unit))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    axes.yaxis.set_major_formatter(_written(language))
    if len(plot.series) > 1:
        axes.figure.legend(loc="outside upper left", ncols=len(plot.series), frameon=False)


def _bars(axes: Axes, plot: Plot, language: str) -> None:
    values = plot.series[0].values if plot.series else ()
    colour, _ = _LOOKS[0]
    drawn = axes.barh(range(len(values)), values, color=colour, height=0.7)
    axes.bar_label(drawn, [number(each, language=language) for each in values], padding=3)
    axes.set_yticks(range(len(values)), [_short(each) for each in plot.labels])
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xlabel(_short(plot.unit))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    axes.xaxis.set_major_formatter(_written(language))


def _ranges(axes: Axes, plot: Plot, language: str) -> None:
    values, lows, highs = (each.values for each in plot.series)
    places = range(len(plot.labels))
    around = (
        [max(0.0, value - low) for value, low in zip(values, lows, strict=True)],
        [max(0.0, high - value) for value, high in zip(values, highs, strict=True)],
    )
    colour, _ = _LOOKS[0]
    axes.errorbar(places, values, yerr=around, fmt="o", color=colour, capsize=4)
    step = -(-len(plot.labels) // _MOST_TICKS) or 1
    axes.set_xticks(list(places)[::step], [_short(each) for each in plot.labels[::step]])
    axes.set_ylim(bottom=min(0.0, *lows))
    axes.set_ylabel(_short(plot.unit))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.yaxis.set_major_formatter(_written(language))


_SHAPES: Final = {"columns": _columns, "bars": _bars, "ranges": _ranges}


def _short(text: str) -> str:
    """A text that is not longer than there is place for."""
    return text if len(text) <= _LONGEST_LABEL else text[: _LONGEST_LABEL - 1] + "…"


def _written(language: str) -> FuncFormatter:
    return FuncFormatter(lambda value, _: number(value, language=language))
