"""What people do about findings: each change is noted in the log, and written over nobody else's."""

from collections.abc import Callable, Sequence
from typing import Final

from gateway.adapters.webhooks import Webhooks
from gateway.core.errors import Reason
from gateway.redis_clients import Client
from pilote.decision.v1 import decision_pb2
from services.control.access.account_store import AccountStore
from services.control.access.principals import Principal
from services.control.changes import Changes
from services.control.drafts.drafting import Drafting
from services.control.drafts.edits import Edit
from services.control.findings.ruling import rule_of
from services.control.findings.shown import etag_of, name_of, sees, told, unchanged
from services.control.policy import ActivePolicy
from services.control.preconditions import ANY, Match, Unmatched
from services.control.probes.desk import ProbeDesk
from services.control.probes.evidence import name_for, text_for
from services.control.undone import Undone, reason_given, storing
from services.findings.changing import MOST_CHARACTERS, SENT, Wanted, changed, linked, reviewed, sent
from services.findings.failing import looked_through
from services.findings.finding import Finding, Link, impersonal, reviewer_of
from services.findings.store import FindingChanged, FindingStore
from services.findings.wording import title
from services.probes.store import KeptSuite

_TRIES: Final = 10
_LATEST_MS: Final = 10 * 365 * 86_400_000
"""How long from now on something may be due."""
Change = Callable[[Finding], Finding]


class FindingDesk:
    """Findings of all tenants. `clock_ms` is milliseconds since the epoch.

    Every method raises `Undone`: STORE_UNAVAILABLE; what changes something also where it cannot be noted.
    """

    def __init__(
        self,
        redis: Client,
        policy: ActivePolicy,
        changes: Changes,
        *,
        drafts: Drafting,
        probes: ProbeDesk,
        clock_ms: Callable[[], int],
    ) -> None:
        self._redis = redis
        self._store = FindingStore(redis)
        self._webhooks = Webhooks(redis)
        self._accounts = AccountStore(redis)
        self._policy = policy
        self._changes = changes
        self._drafts = drafts
        self._probes = probes
        self._clock_ms = clock_ms

    async def list(self, tenants: Sequence[str], *, to: Principal) -> tuple[Finding, ...]:
        """All of these tenants that they may see, closed ones too, the gravest first."""
        found = [each for tenant in tenants for each in await self._all(tenant) if sees(to, each)]
        return tuple(sorted(found, key=lambda each: (-each.score, name_of(each))))

    async def get(self, tenant: str, finding: str, *, to: Principal) -> Finding:
        """One of them.

        Raises:
            Undone: NOT_FOUND, also where they may not see it.
        """
        with storing():
            found = await self._store.get(tenant, finding)
        if found is None or not sees(to, found):
            raise Undone(Reason.NOT_FOUND, "finding-none", name=f"findings/{tenant}/{finding}")
        return found

    async def change(self, tenant: str, finding: str, wanted: Wanted, *, who: Principal, match: Match = ANY) -> Finding:
        """Take it on, close it, give it to somebody or say by when it is due; as it was seen.

        Raises:
            Undone: NOT_FOUND; ARGUMENT_INVALID for an owner whom nobody knows, a time that is past, or a long text;
                CONFLICT where it is about how they review.
            Unmatched: FINDING_CHANGED where somebody has changed it since; that it was seen anew is no change.
        """
        text = reason_given(wanted.text, most=MOST_CHARACTERS) if wanted.text.strip() else ""
        if wanted.owner and wanted.owner != who.name and not await self._known(wanted.owner):
            raise Undone(Reason.ARGUMENT_INVALID, "finding-owner", field="owner", owner=wanted.owner)
        if wanted.due_ms is not None and not 0 <= wanted.due_ms - self._clock_ms() <= _LATEST_MS:
            raise Undone(Reason.ARGUMENT_INVALID, "finding-due", field="dueTime")
        if reviewer_of((await self.get(tenant, finding, to=who)).seen) == who.name:
            raise Undone(Reason.CONFLICT, "finding-own", name=f"findings/{tenant}/{finding}")
        now = Wanted(state=wanted.state, owner=wanted.owner, due_ms=wanted.due_ms, text=text)
        return await self._written(
            tenant,
            finding,
            lambda each: changed(each, now, by=who.name, now_ms=self._clock_ms()),
            who=who,
            operation="update",
            reason=text,
            match=match,
        )

    async def comment(self, tenant: str, finding: str, text: str, *, who: Principal) -> Finding:
        """Say something about it, 1 to 1000 characters.

        Raises:
            Undone: NOT_FOUND; ARGUMENT_INVALID for a text that says nothing, or too much.
        """
        wanted = Wanted(text=reason_given(text, most=MOST_CHARACTERS))
        return await self._written(
            tenant,
            finding,
            lambda each: changed(each, wanted, by=who.name, now_ms=self._clock_ms()),
            who=who,
            operation="comment",
            reason=wanted.text,
        )

    async def link(self, tenant: str, finding: str, link: Link, *, who: Principal) -> Finding:
        """Say what was made of it.

        Raises:
            Undone: NOT_FOUND.
        """
        return await self._written(
            tenant,
            finding,
            lambda each: linked(each, link, by=who.name, now_ms=self._clock_ms()),
            who=who,
            operation="link",
            reason=link.name,
        )

    async def reviewed(self, tenant: str, finding: str, reviews: Sequence[str], *, who: Principal) -> Finding:
        """Keep the names of the reviews that its decisions are judged in.

        Raises:
            Undone: NOT_FOUND.
        """
        return await self._written(
            tenant,
            finding,
            lambda each: reviewed(each, reviews, by=who.name, now_ms=self._clock_ms()),
            who=who,
            operation="review",
            reason="",
        )

    async def send(self, tenant: str, finding: str, *, who: Principal) -> Finding:
        """Tell other systems of it, such as where the product team keeps its tasks; each time is an event of its own.

        Raises:
            Undone: NOT_FOUND; ARGUMENT_INVALID where no webhook wants such events, or it is about how somebody reviews.
        """
        if reviewer_of((await self.get(tenant, finding, to=who)).seen):
            raise Undone(Reason.ARGUMENT_INVALID, "finding-personal")
        with storing():
            endpoints = await self._webhooks.endpoints()
        if not any(each.wants(SENT, tenant=tenant) for each in endpoints):
            raise Undone(Reason.ARGUMENT_INVALID, "finding-nobody-told", tenant=tenant)
        return await self._written(
            tenant,
            finding,
            lambda each: sent(each, by=who.name, now_ms=self._clock_ms()),
            who=who,
            operation="send",
            reason="",
        )

    async def draft(self, tenant: str, finding: str, *, who: Principal, language: str) -> tuple[Finding, str]:
        """A draft of the active policy with a rule against it, which only watches yet; gives its id too.

        Raises:
            Undone: NOT_FOUND; FINDING_NO_RULE where it is about nothing that a rule can ask a call.
            EditRefused, DraftProblem: no such draft can be made.
        """
        found = await self.get(tenant, finding, to=who)
        named = title(impersonal(found.seen), language=language)  # a policy is no place for anybody's pseudonym
        rule = rule_of(found, title=named)
        if rule is None:
            raise Undone(Reason.ARGUMENT_INVALID, "finding-no-rule")
        draft = await self._drafts.begin(named, (Edit(kind="add", section="rules", value=rule),), who=who)
        after = await self.link(tenant, finding, Link("draft", f"policy-drafts/{draft}"), who=who)
        return after, draft

    async def probe(
        self, tenant: str, finding: str, decisions: Sequence[decision_pb2.Decision], *, who: Principal, language: str
    ) -> tuple[Finding, KeptSuite]:
        """A suite of probes out of its evidence, kept and linked; the one that there is where it was made before.

        `decisions` are those of its evidence that are still kept.

        Raises:
            Undone: NOT_FOUND; ARGUMENT_INVALID where none can be made of them, or it is about how somebody reviews;
                LIMIT_EXCEEDED.
        """
        found = await self.get(tenant, finding, to=who)
        if reviewer_of(found.seen):
            raise Undone(Reason.ARGUMENT_INVALID, "finding-personal")
        named = name_for(found)
        kept = await self._probes.there(tenant, named)
        if kept is None:
            revision = self._policy.revision
            text = revision and text_for(found, decisions, revision, of=name_of(found), language=language)
            if not text:
                raise Undone(Reason.ARGUMENT_INVALID, "finding-no-probe")
            try:
                kept = await self._probes.save(tenant, named, text, who=who, match=None, made_of=name_of(found))
            except Unmatched:  # somebody else was faster
                kept = await self._probes.get(tenant, named)
        return await self.link(tenant, finding, Link("probe", f"probes/{kept.name}"), who=who), kept

    async def _written(
        self,
        tenant: str,
        finding: str,
        change: Change,
        *,
        who: Principal,
        operation: str,
        reason: str,
        match: Match = ANY,
    ) -> Finding:
        """It as it is changed, also where something is seen or said of it at the same time."""
        there: Finding | None = None
        for _ in range(_TRIES):
            there = await self.get(tenant, finding, to=who)
            if not unchanged(there, match):
                raise Unmatched("finding-changed", etag=etag_of(there))
            after = change(there)
            if after is there:
                return there
            recording = self._changes.recording(
                who,
                operation=operation,
                resource=name_of(there),
                tenant=tenant,
                before=told(there),
                after=told(after),
                reason="" if reviewer_of(there.seen) else reason,  # many more people may read the log
            )
            try:
                async with recording:
                    with storing():
                        return await self._store.write(after)
            except FindingChanged:
                continue
        raise Unmatched("finding-changed", etag=etag_of(there) if there else "")

    async def _all(self, tenant: str) -> tuple[Finding, ...]:
        with storing():
            return await looked_through(self._redis, self._store, tenant, now_ms=self._clock_ms())

    async def _known(self, name: str) -> bool:
        """Whether there is somebody of that name: with an account, or in the active policy."""
        revision = self._policy.revision
        if revision is not None and any(person.name == name for person in revision.document.people):
            return True
        with storing():
            return await self._accounts.read(name) is not None
