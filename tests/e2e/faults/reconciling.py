"""One account of a fault: what callers were told, what the CRM really did, what the store counts, what the log holds.

Whatever happened, nothing may be lost, doubled or let through:

- what a caller was told had gone through, the CRM did, once; what a caller was told was refused, it did not;
- no intent was done twice, and no customer contacted more often than the cap allows;
- every decision that a caller was told of is recorded, and every call that the CRM received was admitted before;
- the slots that the cap's bucket holds are the calls that were admitted and not given back;
- the audit service holds every record, once, and no other.
"""

import time
from collections import Counter
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from pilote.decision.v1 import decision_pb2
from tests.e2e.faults.load import AS_EVER, Answer
from tests.e2e.faults.site import MOST, Arrived, Site
from tests.e2e.waiting import eventually
from tests.e2e.world import Auditor, Kept, auditing

NOT_DONE: Final = frozenset(
    {"CAP_EXCEEDED", "LIMIT_EXCEEDED", "STORE_UNAVAILABLE", "UPSTREAM_UNAVAILABLE", "DRAINING", "REVISION_MISSING"}
    | {"IDEMPOTENCY_KEY_RUNNING"}
)
"""Reasons by which a caller is told that nothing was done."""
UNKNOWN: Final = frozenset({"UPSTREAM_IN_DOUBT", "DEADLINE_EXCEEDED", "UNAVAILABLE", "CANCELLED"})
"""What leaves open whether it was done; the last two where a connection broke before a gateway had answered."""


@dataclass(frozen=True)
class Account:
    """What a fault came to. Times are seconds after it was lifted."""

    answers: Counter[str]
    arrived: int
    doubtful: int
    """Calls that arrived and whose caller does not know it."""
    slots: int
    records: int
    first_success_s: float
    """Until the first call, begun since, that went through."""
    last_failure_s: float
    """When the last call began that failed for the fault's sake; 0 where none began since."""
    slowest_s: float

    def table(self, title: str) -> str:
        """For people."""
        said = ", ".join(f"{what} {count}" for what, count in self.answers.most_common())
        return (
            f"\n{title}\n"
            f"  callers were told    {said}; slowest {self.slowest_s:.2f} s\n"
            f"  the CRM did          {self.arrived}, of which {self.doubtful} without their callers knowing\n"
            f"  the store counts     {self.slots} slots of the cap\n"
            f"  the log holds        {self.records} decisions, each once\n"
            f"  after it was lifted  first success {self.first_success_s:.2f} s,"
            f" last failure began {self.last_failure_s:.2f} s"
        )


async def reconciled(
    site: Site,
    *,
    lifted_s: float,
    auditor: Auditor | None = None,
    most: int = MOST,
    slots: bool = True,
    unrecorded: AbstractSet[str] = frozenset(),
) -> Account:
    """The account of all of a site's load. The fault was lifted at `lifted_s`, of the monotonic clock.

    `auditor`: the audit service that has watched; without one, one is started that reads everything now. Without
    `slots` the cap's bucket is not looked at, where a gateway's clock was wrong on purpose. `unrecorded` are refusals
    that need not be recorded, since neither the store nor a disk took them.
    """
    answers = site.load.answers
    decided = {each.decision for each in answers if each.decision} - unrecorded
    kept = await _recorded(site, decided)
    arrived = site.arrived()
    _nothing_lost(answers, kept, {each.decision for each in arrived})
    _nothing_doubled(arrived, kept)
    assert max(Counter(each.customer for each in arrived).values()) <= most
    taken = 0
    if slots:
        taken = await _counted(site)
    if auditor is not None:
        records = await _audited(site, auditor)
    else:
        async with auditing(site.world.redis_url, site.world.home / "account") as reader:
            records = await _audited(site, reader)
    told_of = {each.decision for each in answers if each.what == "OK"}
    firsts = {kept[each].outcome.first for each in told_of}
    since = [each for each in answers if each.began_s >= lifted_s]
    successes = [each.ended_s for each in since if each.what == "OK"]
    assert successes, "nothing went through after the fault was lifted"
    failures = [each.began_s for each in since if each.what not in AS_EVER]
    return Account(
        answers=Counter(each.what for each in answers),
        arrived=len(arrived),
        doubtful=len({each.decision for each in arrived if each.intended} - told_of - firsts),
        slots=taken,
        records=records,
        first_success_s=min(successes) - lifted_s,
        last_failure_s=max(failures, default=lifted_s) - lifted_s,
        slowest_s=max(each.ended_s - each.began_s for each in answers),
    )


def _nothing_lost(answers: list[Answer], kept: dict[str, Kept], arrived: set[str]) -> None:
    """What was said to have gone through did; what was said to have been refused did not."""
    for each in answers:
        if each.what == "OK":
            assert (kept[each.decision].outcome.first or each.decision) in arrived, each
        else:
            assert each.what in NOT_DONE | UNKNOWN, each
            assert each.what in UNKNOWN or each.decision not in arrived, each


def _nothing_doubled(arrived: list[Arrived], kept: dict[str, Kept]) -> None:
    """No decision, key or intent arrived twice, and all that arrived was admitted and is not given back."""
    assert _most(Counter(each.decision for each in arrived)) <= 1
    assert _most(Counter(each.key for each in arrived if each.key != "-")) <= 1
    assert _most(Counter(each.said for each in arrived if each.intended)) <= 1
    for each in arrived:
        its = kept[each.decision]
        assert its.outcome.granted
        assert its.settlement is None or not its.settlement.gave_back


def _most(counts: Counter[str]) -> int:
    return max(counts.values(), default=0)


async def _recorded(site: Site, decided: set[str]) -> dict[str, Kept]:
    """All records, once nothing waits on disk and there is one of everything that callers were told of."""

    async def look() -> dict[str, Kept] | None:
        spools = (file for home in site.homes for file in (home / "spool").glob("*.spool"))
        if any(file.stat().st_size for file in spools):
            return None
        kept = await site.world.kept()
        return kept if decided <= kept.keys() else None

    return await eventually(look, what="a record of every call")


async def _counted(site: Site) -> int:
    """How many slots are taken, once they are those of all calls that were admitted and not given back."""

    async def look() -> int | None:
        kept = (await site.world.kept()).values()
        standing = sum(
            each.outcome.granted
            and not each.outcome.first
            and not (each.settlement is not None and each.settlement.gave_back)
            for each in kept
        )
        return standing if await site.world.taken() == standing else None

    return await eventually(look, what="a slot for each call that stands")


async def _audited(site: Site, auditor: Auditor) -> int:
    """How many decisions the audit service holds, once those are all that were recorded, ended as they were."""

    async def look() -> list[decision_pb2.Decision] | None:
        found = [each for each in await auditor.listed() if each.tenant == "acme"]
        kept = await site.world.kept()
        ended = {
            each.name.removeprefix("decisions/") for each in found if each.state == decision_pb2.DECISION_STATE_SETTLED
        }
        settled = {name for name, its in kept.items() if its.settlement is not None and not its.settlement.in_doubt}
        return found if len(found) >= len(kept) and settled <= ended else None

    found = await eventually(look, what="every record in the log, ended as it was", within=60)
    names = [each.name.removeprefix("decisions/") for each in found]
    assert Counter(names) == Counter((await site.world.kept()).keys())
    return len(names)


def now_s() -> float:
    """The clock of these accounts."""
    return time.monotonic()
