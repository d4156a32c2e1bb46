"""Cross-checks of tenants with several cells: what cannot be counted cell by cell, and what is too small to share."""

import difflib
from collections.abc import Iterator

import msgspec

from gateway.core.cells import share_of
from gateway.core.policy.callers import Tenant
from gateway.core.policy.counting import Limit
from gateway.core.policy.document import Document
from gateway.core.revision.decode import Mistakes, Path


def check_cells(document: Document, mistakes: Mistakes) -> None:
    """Report tenants that are none, and what their cells could not keep to."""
    names = sorted({agent.tenant for agent in document.agents})
    for index, tenant in enumerate(document.tenants):
        if tenant.name not in names and not mistakes.under("agents"):
            near = difflib.get_close_matches(tenant.name, names, n=1)
            fix = f"did you mean {near[0]!r}?" if near else "remove it, or name it in `tenant` of an agent"
            mistakes.add(("tenants", index, "name"), f"the tenant {tenant.name!r} has no agent", fix=fix)
    widest = max(document.tenants, key=lambda tenant: tenant.cells, default=None)
    if widest is None or widest.cells == 1:
        return
    for index, limit in enumerate(document.limits):
        if "subject" not in limit.by:
            _limit(limit, ("limits", index), widest, mistakes)
    for index, sequence in enumerate(document.sequences):
        if sequence.by != "subject":
            problem = f"the steps of {sequence.name!r} may lie in different cells, where one cannot see the other"
            fix = f"count it by subject, or give {widest.name} one cell"
            mistakes.add(("sequences", index), problem, fix=fix)
    if document.holds.max_open < widest.cells:
        problem = f"{document.holds.max_open} calls may wait at a time, too few for {widest.cells} cells"
        fix = f"let {widest.cells} or more wait, or give {widest.name} fewer cells"
        mistakes.add(("holds", "max_open"), problem, fix=fix)


def _limit(limit: Limit, path: Path, widest: Tenant, mistakes: Mistakes) -> None:
    """A cell's share of a limit must allow at least one call, or the limit would block for ever."""
    for place, most, what in _bounds(limit):
        if most > 0 and share_of(most, widest.cells) == 0:
            problem = f"the limit {limit.name!r} {what.format(most=most)}, too few for {widest.cells} cells"
            more = f"a `{place[0]}` of {widest.cells} or more" if len(place) == 1 else "a larger share"
            fix = f"give it {more}, count it by subject, or give {widest.name} fewer cells"
            mistakes.add((*path, *place), problem, fix=fix)


def _bounds(limit: Limit) -> Iterator[tuple[Path, int, str]]:
    """(place, how much the cells share, what that means) of each number that is shared out."""
    if limit.rate is not msgspec.UNSET and limit.rate:
        yield ("burst",), limit.rate if limit.burst is None else limit.burst, "lets {most} calls come at once"
    if limit.concurrent is not msgspec.UNSET and limit.concurrent is not None:
        yield ("concurrent",), limit.concurrent, "lets {most} calls run at a time"
    if limit.max is not msgspec.UNSET and limit.max is not None:
        yield ("max",), limit.max, "allows {most}"
        for priority, share in () if limit.quota is None else limit.quota.shares.items():
            most = limit.max * share // 100
            if most != limit.max:
                yield ("quota", "shares", priority), most, f"allows {{most}} to priority {priority}"
