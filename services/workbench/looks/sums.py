"""Histograms by hour of what calls were decided by: by agent, version, segment and measure, out of the sums."""

from collections.abc import Mapping
from typing import Final

import msgspec

from services.insights.drift.histograms import Histogram
from services.workbench.columns.source import Source
from services.workbench.columns.sums import LATENCY, VERDICT
from services.workbench.looks.series import MEASURES, Hours, Measure, Served

MOST_SERIES: Final = 400
"""That are looked at, those with most calls: each one more asks for more certainty of all others."""
_SEGMENTED: Final = {
    each.name: msgspec.structs.replace(each, sealed=True) for each in MEASURES if each.name in {VERDICT, LATENCY}
}


def sums_of(columns: Source, *, start_hour: int, end_hour: int, least: int) -> Mapping[Measure, Hours]:
    """What was summed up in hours since the epoch, up to and without `end_hour`, of series with `least` calls."""
    found: dict[Measure, dict[Served, dict[int, Histogram]]] = {}
    for group, histogram in columns.sums(start_hour=start_hour, end_hour=end_hour, least=least, most=MOST_SERIES):
        served = Served(group.tenant, group.agent, group.version, group.method, group.segment)
        measure = _measure(group.measure, group.field, numbers=group.numbers)
        found.setdefault(measure, {}).setdefault(served, {})[group.at_hour] = histogram
    return found


def _measure(name: str, field: str, *, numbers: bool) -> Measure:
    """The measure of a sum; of a segment's verdicts decisions can be found by them."""
    if name in _SEGMENTED:
        return _SEGMENTED[name]
    return Measure(name=name, value="''", numbers=numbers, of=field, sealed=True)
