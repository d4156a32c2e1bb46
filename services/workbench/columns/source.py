"""What a look knows of the columns: it asks them, wherever they are."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

from numpy.typing import NDArray

from services.insights.drift.histograms import Histogram
from services.workbench.columns import sum_table
from services.workbench.columns.sum_reading import histograms
from services.workbench.columns.sums import Group, Summing


class Source(ABC):
    """Columns that can be asked, in any thread. `summing` opens what was summed up of sealed values."""

    def __init__(self, summing: Summing | None) -> None:
        self.summing = summing

    @abstractmethod
    def asked(
        self,
        text: str,
        parameters: Mapping[str, object] | None = None,
        *,
        beside: Mapping[str, Mapping[str, NDArray[Any]]] | None = None,
    ) -> Mapping[str, NDArray[Any]]:
        """What a query gives, by column; words as objects, and numbers masked where there are none.

        Tables `beside` those of the file are there for this query only, in memory.
        """

    def sums(self, *, start_hour: int, end_hour: int, least: int, most: int) -> Iterator[tuple[Group, Histogram]]:
        """The sums of hours since the epoch, up to and without `end_hour`, each series' in order.

        Of `most` series at most, those with most calls, each with `least` of them.
        """
        if self.summing is None:
            return
        found = self.asked(sum_table.BETWEEN, {"start": start_hour, "end": end_hour})
        yield from histograms(found, sealing=self.summing, least=least, most=most)

    def tenants(self) -> tuple[str, ...]:
        """Every tenant that has a decision here, by name; not those of callers whom nobody could identify."""
        found = self.asked("SELECT DISTINCT tenant FROM admitted WHERE tenant NOT IN ('', '_') ORDER BY tenant")
        return tuple(str(each) for each in found["tenant"])
