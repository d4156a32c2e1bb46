"""Cross-checks of tenants with several cells: what cannot be counted cell by cell, and what is too small to share."""

from collections.abc import Iterator

import msgspec

from gateway.core.cells import share_of
from gateway.core.mistakes import Told, Value, near, told
from gateway.core.policy.callers import Tenant
from gateway.core.policy.counting import Limit
from gateway.core.policy.document import Document
from gateway.core.revision.decode import Mistakes, Path


def check_cells(document: Document, mistakes: Mistakes) -> None:
    """Report tenants that are none, and what their cells could not keep to."""
    names = sorted({agent.tenant for agent in document.agents})
    for index, tenant in enumerate(document.tenants):
        if tenant.name not in names and not mistakes.under("agents"):
            hint = near(tenant.name, names, told("name-tenant"))
            mistakes.add(("tenants", index, "name"), "tenant-without-agent", name=tenant.name, hint=hint)
    widest = max(document.tenants, key=lambda tenant: tenant.cells, default=None)
    if widest is None or widest.cells == 1:
        return
    for index, limit in enumerate(document.limits):
        if "subject" not in limit.by:
            _limit(limit, ("limits", index), widest, mistakes)
    for index, sequence in enumerate(document.sequences):
        if sequence.by != "subject":
            mistakes.add(("sequences", index), "cells-sequence", name=sequence.name, tenant=widest.name)
    if document.holds.max_open < widest.cells:
        values: dict[str, Value] = {"most": document.holds.max_open, "cells": widest.cells, "tenant": widest.name}
        mistakes.add(("holds", "max_open"), "cells-holds", **values)


def _limit(limit: Limit, path: Path, widest: Tenant, mistakes: Mistakes) -> None:
    """A cell's share of a limit must allow at least one call, or the limit would block for ever."""
    for place, most, what in _bounds(limit):
        if most > 0 and share_of(most, widest.cells) == 0:
            more = told("larger-field", field=str(place[0]), cells=widest.cells)
            values: dict[str, Value] = {"name": limit.name, "cells": widest.cells, "tenant": widest.name}
            values |= {"what": what, "more": more if len(place) == 1 else told("larger-share")}
            mistakes.add((*path, *place), "cells-limit", **values)


def _bounds(limit: Limit) -> Iterator[tuple[Path, int, Told]]:
    """(place, how much the cells share, what that means) of each number that is shared out."""
    if limit.rate is not msgspec.UNSET and limit.rate:
        most = limit.rate if limit.burst is None else limit.burst
        yield ("burst",), most, told("lets-come", most=most)
    if limit.concurrent is not msgspec.UNSET and limit.concurrent is not None:
        yield ("concurrent",), limit.concurrent, told("lets-run", most=limit.concurrent)
    if limit.max is not msgspec.UNSET and limit.max is not None:
        yield ("max",), limit.max, told("allows", most=limit.max)
        for priority, share in () if limit.quota is None else limit.quota.shares.items():
            most = limit.max * share // 100
            if most != limit.max:
                yield ("quota", "shares", priority), most, told("allows-priority", most=most, priority=priority)
