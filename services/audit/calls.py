"""What is summed of a call: one narrow row for each decision that took a route, and the minutes of routes. Pure."""

from collections.abc import Iterable
from typing import Final

import msgspec

from gateway.core.call import Operation
from gateway.core.failing import failed, refused_by_policy
from gateway.core.record import Exposure, Outcome, Record, Settlement, Verdict
from gateway.records.conclusion import Conclusion

ID_LENGTH: Final = 32

Scope = tuple[str, str, str]
"""What arms belong to: tenant, "route" or "experiment", and name."""


class New(msgspec.Struct, frozen=True):
    """A decision that is stored for the first time."""

    rowid: int
    """The store's own number of it; 0 in a store that has none."""
    record: Record
    outcome: Outcome
    conclusion: Conclusion
    tenant: str
    settlement: Settlement | None

    @property
    def route(self) -> Scope:
        """The route that it took."""
        return self.tenant, "route", self.record.route


class CallRow(msgspec.Struct, frozen=True):
    """What is kept of a call for sums; see the comments of the schema's table `call`."""

    arm: str
    at_ms: int
    unit: bytes | None
    revision: int
    admitted: bool
    refused: bool
    contact: bool
    failed: bool
    total_us: int | None
    costs: str | None
    decision: bytes
    inference: bytes | None
    led_ms: int | None
    led: Scope | None
    led_arm: str | None
    stood_in: bool
    upstream: str


class Minutes:
    """What a batch adds to the minutes of routes."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, int], list[int]] = {}

    def add(self, route: str, at_ms: int, *, admitted: int = 0, failed: int = 0, slow: int = 0) -> None:
        """Add a call's counts to the minute in which it was received, whenever they come."""
        counts = self._counts.setdefault((route, at_ms // 60_000), [0, 0, 0])
        counts[0] += admitted
        counts[1] += failed
        counts[2] += slow

    def add_new(self, new: New) -> None:
        """Add a call that was let through."""
        if new.conclusion.verdict is Verdict.ALLOW:
            ended = new.settlement
            self.add(
                new.record.route,
                new.record.received_ms,
                admitted=1,
                failed=ended is not None and failed(ended),
                slow=ended is not None and ended.slow,
            )

    def rows(self) -> list[tuple[str, int, int, int, int]]:
        """(route, minute, admitted, failed, slow), where any of them changes."""
        return [(route, minute, *counts) for (route, minute), counts in self._counts.items() if any(counts)]  # type: ignore[misc]


def counts(new: New) -> bool:
    """Whether it is a call of its own, and over or under way: no repeat, and not put off until somebody decides.

    Where another arm took over, the call counts for the arm that it was assigned to.
    """
    if not new.record.route or new.outcome.first or new.record.standby:
        return False
    return new.conclusion.verdict in (Verdict.ALLOW, Verdict.DENY)


def row_of(new: New) -> CallRow:
    """What is kept of a call."""
    record, ended = new.record, new.settlement
    admitted = new.conclusion.verdict is Verdict.ALLOW
    contact = admitted and record.operation == Operation.CONTACT and not (ended is not None and ended.gave_back)
    unit = "" if record.named else record.unit_ref or record.subject_ref
    estimates = _estimates(record) if admitted and record.buckets else None
    inference, led_ms, led, led_arm = _led(new) if contact else (None, None, None, None)
    return CallRow(
        arm=record.arm,
        at_ms=record.received_ms,
        unit=short(unit) if unit else None,
        revision=record.revision,
        admitted=admitted,
        refused=refused_by_policy(new.conclusion.verdict, new.conclusion.reason),
        contact=contact,
        failed=ended is not None and failed(ended),
        total_us=None if ended is None else ended.total_us,
        costs=estimates if ended is None else costs_after(estimates, ended),
        decision=bytes.fromhex(record.id),
        inference=inference,
        led_ms=led_ms,
        led=led,
        led_arm=led_arm,
        stood_in=ended is not None and bool(ended.arm),
        upstream=record.upstream,
    )


def shown_to(record: Record, shown: Exposure) -> bytes | None:
    """Pseudonym of what a variation was assigned by, where that is not the call's unit."""
    unit = shown.unit or (record.unit_ref or record.subject_ref if record.named else "")
    return short(unit) if unit else None


def scopes_of(news: Iterable[New]) -> set[Scope]:
    """All routes and experiments that these decisions name."""
    wanted = set()
    for new in news:
        wanted.add(new.route)
        if (led := _led_by(new)) is not None:
            wanted.add(led)
        wanted.update((new.tenant, "experiment", shown.experiment) for shown in new.record.exposures)
    return wanted


def costs_after(estimates: str | None, settlement: Settlement) -> str | None:
    """What a call has cost by budget, as JSON: what was not carried out costs nothing but what it really did."""
    if settlement.gave_back or estimates is None:
        return msgspec.json.encode(settlement.costs).decode() if settlement.costs else None
    if not settlement.costs:
        return estimates
    return msgspec.json.encode({**msgspec.json.decode(estimates), **settlement.costs}).decode()


def short(unit: str) -> bytes:
    """A pseudonym in half the space, where it is one of ours."""
    try:
        return bytes.fromhex(unit)
    except ValueError:
        return unit.encode()


def _led(new: New) -> tuple[bytes | None, int, Scope | None, str | None]:
    """What led to a contact: inference, time, and the route and its arm."""
    record, led = new.record, _led_by(new)
    inference = record.inference.removeprefix("decisions/")
    known = len(inference) == ID_LENGTH  # what a caller names may be anything
    return (
        bytes.fromhex(inference) if known else None,
        int(inference[:12], 16) if known else record.received_ms,
        led,
        record.lineage.arm if led is not None and record.lineage is not None else None,
    )


def _led_by(new: New) -> Scope | None:
    lineage = new.record.lineage
    return None if lineage is None or not lineage.route else (new.tenant, "route", lineage.route)


def _estimates(record: Record) -> str | None:
    asked = {bucket.limit: bucket.cost for bucket in record.buckets if bucket.kind == "budget"}
    return msgspec.json.encode(asked).decode() if asked else None
