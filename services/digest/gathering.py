"""Puts together what a digest tells of a week, from what is kept in the store; nothing is counted anew."""

from collections.abc import Sequence
from typing import Final

from gateway.adapters.progress import ObjectiveStore
from gateway.adapters.revisions import RevisionStore
from gateway.core.objectives import bounds
from gateway.core.policy.objectives import LESS_IS_BETTER, Objective
from gateway.redis_clients import Client
from services.cockpit.alerting import WatchStore
from services.cockpit.store import KpiStore
from services.cockpit.viewing import Part, Span, view
from services.digest.told import Changed, Goal, Numbers, Ruled, Told
from services.digest.week import Week
from services.findings.finding import CLOSED, Seen, impersonal, reviewer_of
from services.findings.objectives import AT_RISK
from services.findings.store import FindingStore

COURSE_WEEKS: Final = 8
MOST_RULES: Final = 5
MOST_FINDINGS: Final = 5
MOST_CHANGES: Final = 10
_REVISIONS: Final = 500


class Gathering:
    """Asks the store. Every method raises `RedisError` where it does not answer."""

    def __init__(self, redis: Client) -> None:
        self._days = KpiStore(redis)
        self._objectives = ObjectiveStore(redis)
        self._watches = WatchStore(redis)
        self._findings = FindingStore(redis)
        self._revisions = RevisionStore(redis)

    async def told(self, tenant: str, week: Week, *, objectives: Sequence[Objective], now_ms: int) -> Told:
        """What is known of it now. `objectives` are those of the active policy."""
        whole = await view(self._days, tenant, week.span, by="rule")
        course = await self._course(tenant, week)
        opened, count = await self._opened(tenant, week)
        return Told(
            tenant=tenant,
            week=week.name,
            made_ms=now_ms,
            currency=whole.currency,
            now=_numbers(whole.whole),
            before=await self._week(tenant, week.before()),
            settled=await self._week(tenant, week.settled),
            settled_before=await self._week(tenant, week.settled.before()),
            course=course,
            rules=tuple(_ruled(each) for each in whole.parts[:MOST_RULES] if each.refusals),
            goals=await self._goals(tenant, week, objectives),
            findings=opened,
            open_findings=count,
            changes=await self._changes(week),
        )

    async def _week(self, tenant: str, week: Week) -> Numbers:
        return _numbers((await view(self._days, tenant, week.span, by="rule")).whole)

    async def _course(self, tenant: str, week: Week) -> tuple[tuple[str, Numbers], ...]:
        span = Span(first=week.before(COURSE_WEEKS - 1).first, last=week.span.last)
        found = await view(self._days, tenant, span, by="rule")
        known = [(Week(each.span.first).name, _numbers(each)) for each in found.course]
        begun = next((at for at, (_, each) in enumerate(known) if each.contacts or each.refusals), len(known))
        return tuple(known[begun:])

    async def _goals(self, tenant: str, week: Week, objectives: Sequence[Objective]) -> tuple[Goal, ...]:
        known, watches = await self._objectives.get(tenant), await self._watches.get(tenant)
        found = []
        for each in objectives:
            start_ms, end_ms = bounds(each.period)
            if each.tenant != tenant or start_ms >= week.end_ms or end_ms <= week.start_ms:
                continue
            goal = Goal(
                name=each.name,
                title={} if each.title is None else {"en": each.title.en, "fr": each.title.fr},
                kpi=each.kpi,
                target=each.target,
                less_is_better=each.kpi in LESS_IS_BETTER,
                start_ms=start_ms,
                end_ms=end_ms,
                contacts=each.budget.contacts,
                progress=known.get(each.name),
                watch=watches.get(each.name),
            )
            found.append(goal)
        return tuple(sorted(found, key=lambda each: (not (each.watch and each.watch.at_risk), each.name)))

    async def _opened(self, tenant: str, week: Week) -> tuple[tuple[Seen, ...], int]:
        found = [
            each
            for each in await self._findings.all(tenant)
            if each.state not in CLOSED and not reviewer_of(each.seen) and each.seen.kind != AT_RISK
        ]
        within = [impersonal(each.seen) for each in found if week.start_ms <= each.first_ms < week.end_ms]
        return tuple(within[:MOST_FINDINGS]), len(found)

    async def _changes(self, week: Week) -> tuple[Changed, ...]:
        head = await self._revisions.active()
        entries = await self._revisions.entries(range(head, max(0, head - _REVISIONS), -1))
        made = [
            Changed(
                number=number,
                author=entry.statement.author,
                approvers=tuple(each.vote.person for each in entry.approvals),
                how=entry.statement.how,
                reason=entry.statement.reason,
                activated_ms=entry.activated_ms,
            )
            for number, entry in sorted(entries.items())
            if week.start_ms <= entry.activated_ms < week.end_ms
        ]
        return tuple(made[-MOST_CHANGES:])


def _numbers(part: Part) -> Numbers:
    figures = {name: each.figure for name, each in part.numbers.items()}
    return Numbers(contacts=part.contacts, refusals=part.refusals, figures=figures)


def _ruled(part: Part) -> Ruled:
    figures = part.numbers
    return Ruled(
        rule=part.key,
        refusals=part.refusals,
        blocked=figures["blocked_revenue_cents"].figure,
        protected=figures["protected_value_cents"].figure,
    )
