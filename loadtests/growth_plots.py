"""The plots of growth: for each dimension what a call costs at each size, every round, and the bare hop below. SVG."""

import io
import statistics
from collections.abc import Mapping
from typing import Any, Final

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

_STYLE: Final[dict[Any, Any]] = {
    "svg.hashsalt": "pilote",  # else the names within an SVG are other ones each time
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
_CALL, _HOP = "#0072b2", "#777777"


def drawn(found: Mapping[str, Any]) -> bytes:
    """All dimensions beside each other, by one scale. The same figures are the same bytes.

    `found` is what `loadtests.growth` reports, by dimension.
    """
    made = io.BytesIO()
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(2.3 * max(len(found), 1), 2.6), layout="constrained")
        axes = figure.subplots(1, max(len(found), 1), sharey=True, squeeze=False)[0]
        for each, (name, its) in zip(axes, found.items(), strict=False):
            _dimension(each, name, its)
        axes[0].set_ylabel("CPU of a call, µs")
        axes[0].set_ylim(bottom=0)
        figure.savefig(made, format="svg", metadata={"Date": None, "Creator": None})
    return made.getvalue()


def _dimension(axes: Axes, name: str, its: Mapping[str, Any]) -> None:
    counts = [int(count) for count in its["rounds"]]
    for count, figures in its["rounds"].items():
        axes.plot([int(count)] * len(figures), figures, ".", color=_CALL, alpha=0.35, markersize=4)
    axes.plot(counts, [statistics.median(each) for each in its["rounds"].values()], "o-", color=_CALL, markersize=4)
    axes.axhline(its["hop_us"]["median"], color=_HOP, linestyle="--", linewidth=1)
    axes.annotate("bare hop", (counts[0], its["hop_us"]["median"]), color=_HOP, va="bottom", fontsize=7)
    axes.set_xscale("log")
    axes.set_xticks(counts, [f"{count:,}" for count in counts])
    axes.minorticks_off()
    axes.set_title(f"{name}: {its['rise']['median']:.2f} times", fontsize=9)
