"""What somebody looks for, as the address of the page says it: filter, time, order and columns. Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlencode

import msgspec

from pilote.audit.v1 import audit_service_pb2, summaries_pb2
from services.control.decisions.columns import COLUMNS, USUAL
from services.control.decisions.terms import with_term, without_term

SPANS: Final[Mapping[str, int]] = {
    "1h": 3_600_000,
    "24h": 86_400_000,
    "7d": 604_800_000,
    "30d": 2_592_000_000,
}
"""Times to look back, in milliseconds."""
ALL: Final = "all"
DEFAULT_SPAN: Final = "24h"
ORDERS: Final = ("", "receive_time asc", "latency desc", "overhead desc", "upstream_latency desc")
"""Orders that are offered; any other may stand in an address."""
NEWEST: Final = ("", "receive_time desc")
LONGEST_FILTER: Final = 4_000
PAGE: Final = 50
_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d)(:\d\d(?:\.\d{1,3})?)?Z?", re.ASCII)


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody looks for."""

    filter: str = ""
    """As they wrote it, on one line."""
    since: str = DEFAULT_SPAN
    """One of `SPANS`, or `ALL`; counts where neither `start` nor `end` is given."""
    start: str = ""
    """From when on, RFC 3339 in UTC; empty: no bound."""
    end: str = ""
    """Before when."""
    order: str = ""
    columns: tuple[str, ...] = USUAL
    usual: tuple[str, ...] = USUAL
    """Columns that an address need not name: those of whoever looks; empty: it names any."""
    view: str = ""
    """Name of the saved view that it began with."""
    page: str = ""
    """Token of the page; empty: the first."""

    @property
    def bounded(self) -> bool:
        """Whether it names times of its own."""
        return bool(self.start or self.end)

    @property
    def asked(self) -> str:
        """The whole filter, time included."""
        bounds = [
            f'receive_time >= "{self.start}"' if self.start else "",
            f'receive_time < "{self.end}"' if self.end else "",
        ]
        if not self.bounded and self.since in SPANS:
            bounds = [f"since({self.since})"]
        parts = [part for part in (" AND ".join(filter(None, bounds)), self.filter) if part]
        return " AND ".join(parts)

    def query(self, **changes: object) -> str:
        """The address's query with these changes; back on the first page unless they say which."""
        changed = msgspec.structs.replace(self, **{"page": "", **changes})
        values = {
            "filter": changed.filter,
            "since": "" if changed.bounded or changed.since == DEFAULT_SPAN else changed.since,
            "from": changed.start,
            "to": changed.end,
            "order": changed.order,
            "columns": "" if changed.columns == changed.usual else ",".join(changed.columns),
            "view": changed.view,
            "page": changed.page,
        }
        return urlencode({name: value for name, value in values.items() if value})

    def path(self, **changes: object) -> str:
        """The address of the list with these changes."""
        query = self.query(**changes)
        return f"/decisions?{query}" if query else "/decisions"

    @property
    def link(self) -> str:
        """The address as it is given to somebody else, who may have chosen other columns."""
        return self.path(usual=(), page=self.page)

    def toggled(self, term: str, *, on: bool) -> str:
        """The address with a term of the filter put in, or taken out."""
        change = with_term if on else without_term
        return self.path(filter=change(self.filter, term))

    def listing(self, *, size: int = PAGE) -> audit_service_pb2.ListDecisionsRequest:
        """The question for one page."""
        return audit_service_pb2.ListDecisionsRequest(
            filter=self.asked, order_by=self.order, page_size=size, page_token=self.page
        )

    def charting(self, *, now_ms: int) -> summaries_pb2.ChartDecisionsRequest:
        """The question for counts by time; `now_ms` is milliseconds since the epoch."""
        asked = summaries_pb2.ChartDecisionsRequest(filter=self.asked)
        if not self.bounded and self.since in SPANS:
            asked.start_time.FromMilliseconds(now_ms - SPANS[self.since])
            asked.end_time.FromMilliseconds(now_ms)
        return asked


def look_of(values: Mapping[str, str], *, usual: tuple[str, ...] = USUAL) -> Look:
    """What the parameters of an address ask for; what cannot be read is as if it were not there.

    `usual` are the columns where it names none.
    """
    since = values.get("since", "")
    return Look(
        filter=" ".join(values.get("filter", "").splitlines()).strip(),
        since=since if since in SPANS or since == ALL else DEFAULT_SPAN,
        start=_time(values.get("from", "")),
        end=_time(values.get("to", "")),
        order="" if (order := " ".join(values.get("order", "").split())) in NEWEST else order,
        columns=columns_of(values.get("columns", "").split(",")) or usual,
        usual=usual,
        view=values.get("view", "")[:63],
        page=values.get("page", ""),
    )


def columns_of(names: Iterable[str]) -> tuple[str, ...]:
    """Those of the names that are columns, each once, in their order."""
    return tuple(name for name in dict.fromkeys(names) if name in COLUMNS)


def _time(text: str) -> str:
    """A time as browsers and addresses have it, in UTC, as filters have it; empty for none."""
    found = _TIME.fullmatch(text.strip())
    return f"{found[1]}{found[2] or ':00'}Z" if found else ""
