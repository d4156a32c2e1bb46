"""What people do about decisions that are to be judged: each change is noted in the log.

The log says who has judged what and when, not what they said: whoever is to judge it too could read it there.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from gateway.core.errors import Reason
from gateway.redis_clients import Client
from pilote.decision.v1 import decision_pb2
from services.control.changes import Changes, Who
from services.control.preconditions import ANY, Match, Unmatched, quoted
from services.control.reviews.shown import name_of
from services.control.undone import Undone, reason_given, storing
from services.reviews.drawing import due_from
from services.reviews.evaluation import Evaluation, Reviewed, Version, evaluations
from services.reviews.item import MOST_CHARACTERS, Answer, Flag, Item, Label, Unfit, Why, fitting, flagged, id_of
from services.reviews.numbers import WINDOW_MS
from services.reviews.rules import ReviewRules
from services.reviews.ruling import RuleBook
from services.reviews.store import ItemChanged, Lease, NotLeased, ReviewStore
from services.reviews.telling import Told, read_hours, told

_TRIES: Final = 10
_VERDICTS: Final = decision_pb2.Verdict
Held = tuple[Item, Lease | None]
"""An item, and who looks at it."""


class ReviewDesk:
    """The queues of all tenants. `clock_ms` is milliseconds since the epoch.

    Every method raises `Undone`: STORE_UNAVAILABLE; what changes something also where it cannot be noted.
    """

    def __init__(self, redis: Client, changes: Changes, *, clock_ms: Callable[[], int]) -> None:
        self._store = ReviewStore(redis)
        self._rules = RuleBook(redis)
        self._changes = changes
        self._clock_ms = clock_ms

    @property
    def now_ms(self) -> int:
        """The time, milliseconds since the epoch."""
        return self._clock_ms()

    async def next(self, tenants: Sequence[str], who: str, *, own: Sequence[str]) -> Held | None:
        """What they look at already in one of their `own` tenants, or the next one of `tenants` that they may judge.

        It is theirs for a quarter of an hour; `None`: there is none.
        """
        with storing():
            for tenant in own:
                held = await self._store.held(tenant, who, now_ms=self._clock_ms())
                if held is not None:
                    return held
            for tenant in tenants:
                item = await self._store.take(tenant, who, now_ms=self._clock_ms())
                if item is not None:
                    return item, await self._store.lease(tenant, item.id, now_ms=self._clock_ms())
        return None

    async def get(self, tenant: str, review: str) -> Held:
        """One item, and who looks at it.

        Raises:
            Undone: NOT_FOUND.
        """
        with storing():
            found = await self._store.get(tenant, review)
            lease = await self._store.lease(tenant, review, now_ms=self._clock_ms())
        if found is None:
            raise Undone(Reason.NOT_FOUND, "review-none", name=f"reviews/{tenant}/{review}")
        return found, lease

    async def held(self, items: Sequence[Item]) -> tuple[Held, ...]:
        """These, each with who looks at it."""
        leases = dict[tuple[str, str], Lease]()
        with storing():
            for tenant in {each.tenant for each in items}:
                ids = [each.id for each in items if each.tenant == tenant]
                found = await self._store.leases(tenant, ids, now_ms=self._clock_ms())
                leases |= {(tenant, item): lease for item, lease in found.items()}
        return tuple((each, leases.get((each.tenant, each.id))) for each in items)

    async def open(self, tenants: Sequence[str]) -> tuple[Item, ...]:
        """All that wait in these tenants."""
        with storing():
            found = [await self._store.open(tenant) for tenant in tenants]
        return tuple(each for some in found for each in some)

    async def settled(self, tenants: Sequence[str], *, since_ms: int) -> tuple[Item, ...]:
        """All that were settled from then on."""
        with storing():
            found = [await self._store.settled(tenant, start_ms=since_ms) for tenant in tenants]
        return tuple(each for some in found for each in some)

    async def renew(self, tenant: str, review: str, who: str) -> Held:
        """Keep it for another quarter of an hour.

        Raises:
            Undone: CONFLICT where they have it not, or not any more; NOT_FOUND.
        """
        await self.get(tenant, review)
        with storing():
            kept = await self._store.renew(tenant, review, who, now_ms=self._clock_ms())
        if not kept:
            raise _not_theirs(tenant, review)
        return await self.get(tenant, review)

    async def release(self, tenant: str, review: str, who: str) -> Held:
        """Give it back; nothing happens where they have it not.

        Raises:
            Undone: NOT_FOUND.
        """
        await self.get(tenant, review)
        with storing():
            await self._store.release(tenant, review, who)
        return await self.get(tenant, review)

    async def answer(
        self, tenant: str, review: str, label: Label, *, corrected: str = "", text: str = "", who: Who
    ) -> Item:
        """Say what they think of the one that they have.

        Raises:
            Undone: CONFLICT where they have it not, or not any more; NOT_FOUND; ARGUMENT_INVALID for a label that the
                decision cannot have, or a long text.
        """
        said = reason_given(text, most=MOST_CHARACTERS) if text.strip() else ""
        before, _ = await self.get(tenant, review)
        now_ms = self._clock_ms()
        answer = Answer(by=who.name, label=label, corrected=corrected, text=said, begun_ms=now_ms, at_ms=now_ms)
        try:
            fitting(answer, verdict=before.verdict)
        except Unfit as error:
            raise Undone(Reason.ARGUMENT_INVALID, "review-unfit", field="label", verdict=before.verdict) from error
        with storing():
            theirs = await self._store.lease(tenant, review, now_ms=0)  # also one that is over
        if theirs is None or theirs.holder != who.name:
            raise _not_theirs(tenant, review)
        after = {"answers": len(before.answers) + 1}
        async with self._changes.recording(
            who, operation="judge", resource=name_of(before), tenant=tenant, before=None, after=after
        ):
            try:
                with storing():
                    return await self._store.answer(tenant, review, answer)
            except (NotLeased, Unfit, ItemChanged) as error:
                raise _not_theirs(tenant, review) from error

    async def flag(self, decision: decision_pb2.Decision, text: str, *, who: Who, finding: str = "") -> Item:
        """Ask that somebody judges a decision; whoever asks does not judge it themselves.

        `finding` is the name of one that it shows: once is enough for it, whoever asks.

        Raises:
            Undone: ARGUMENT_INVALID without a text; CONFLICT where it was judged already.
        """
        said, tenant, now_ms = reason_given(text, most=MOST_CHARACTERS), decision.tenant, self._clock_ms()
        with storing():
            rules = await self._rules.read(tenant)
        flag = Flag(by=who.name, at_ms=now_ms, text=said, finding=finding)
        secret, due_ms = await self._secret(tenant), due_from(rules, now_ms=now_ms)
        new = _item(decision, secret=secret, why=Why.FLAGGED, wanted=rules.reviewers, due_ms=due_ms)
        new = msgspec.structs.replace(new, created_ms=now_ms)
        with storing():
            there = await self._store.get(tenant, new.id)
        if there is not None and there.settled_ms:
            raise Undone(Reason.CONFLICT, "review-settled", name=name_of(there))
        if there is not None and flagged(there, flag) is there:
            return there
        async with self._changes.recording(
            who, operation="flag", resource=name_of(new), tenant=tenant, after={"decision": decision.name}, reason=said
        ):
            for _ in range(_TRIES):
                with storing():
                    there = await self._store.get(tenant, new.id)
                    if there is not None and there.settled_ms:
                        raise Undone(Reason.CONFLICT, "review-settled", name=name_of(there))
                    after = flagged(there or new, flag)
                    if after is there:
                        return there
                    after = msgspec.structs.replace(after, version=1 if there is None else there.version + 1)
                    if await self._store.put(after):
                        return after
        raise Undone(Reason.CONFLICT, "review-busy", name=name_of(new))

    async def know(self, decision: decision_pb2.Decision, label: Label, text: str, *, who: Who) -> None:
        """Keep a decision whose right answer they know, to be shown among others; it does not tell them apart.

        Raises:
            Undone: ARGUMENT_INVALID without a text, or for a label that it cannot have; LIMIT_EXCEEDED where there are
                too many.
        """
        said, tenant, now_ms = reason_given(text, most=MOST_CHARACTERS), decision.tenant, self._clock_ms()
        item = _item(decision, secret=await self._secret(tenant), why=Why.KNOWN, wanted=1, due_ms=0)
        item = msgspec.structs.replace(item, known=label, barred=(who.name,))
        try:
            fitting(Answer(by=who.name, label=label, begun_ms=0, at_ms=0), verdict=item.verdict)
        except Unfit as error:
            raise Undone(Reason.ARGUMENT_INVALID, "review-unfit", field="label", verdict=item.verdict) from error
        item = msgspec.structs.replace(item, flags=(Flag(by=who.name, at_ms=now_ms, text=said),))
        resource = f"review-rules/{tenant}"
        async with self._changes.recording(who, operation="know", resource=resource, tenant=tenant, reason=said):
            with storing():
                kept = await self._rules.know(item)
            if not kept:
                raise Undone(Reason.LIMIT_EXCEEDED, "review-known-full")

    async def rules(self, tenant: str) -> ReviewRules:
        """How a tenant's decisions are reviewed."""
        with storing():
            return await self._rules.read(tenant)

    async def set_rules(self, tenant: str, rules: ReviewRules, *, who: Who, match: Match = ANY) -> ReviewRules:
        """Say how they are from now on.

        Raises:
            Unmatched: REVIEW_RULES_CHANGED where somebody has changed them since.
        """
        before = await self.rules(tenant)
        if not match.holds(etag_of(before)):
            raise Unmatched("review-rules-changed", etag=etag_of(before))
        async with self._changes.recording(
            who, operation="update", resource=f"review-rules/{tenant}", tenant=tenant, before=before, after=rules
        ):
            with storing():
                written = await self._rules.write(tenant, rules, before=before)
            if not written:
                raise Unmatched("review-rules-changed", etag=etag_of(await self.rules(tenant)))
        return rules

    async def numbers(self, tenant: str) -> Told:
        """What the reviews of the last 28 days tell; how many wait, and how many of them are overdue."""
        with storing():
            return await told(self._store, tenant, now_ms=self._clock_ms())

    async def evaluations(self, tenants: Sequence[str]) -> Mapping[Version, Evaluation]:
        """What the reviews of the last 28 days in these tenants say of each version that they say anything of."""
        since_ms = self._clock_ms() - WINDOW_MS
        with storing():
            found = [
                Reviewed(
                    await self._store.settled(tenant, start_ms=since_ms),
                    read_hours(await self._store.hours(tenant), since_ms=since_ms),
                )
                for tenant in tenants
            ]
        return await asyncio.to_thread(evaluations, found)

    async def _secret(self, tenant: str) -> int:
        with storing():
            return await self._rules.seed(tenant, new=secrets.randbits(63))


def etag_of(rules: ReviewRules) -> str:
    """What tells these rules from others, as HTTP writes it."""
    return quoted(hashlib.blake2b(msgspec.json.encode(rules), digest_size=8).hexdigest())


def _item(decision: decision_pb2.Decision, *, secret: int, why: Why, wanted: int, due_ms: int) -> Item:
    known_as = decision.name.removeprefix("decisions/")
    return Item(
        id=id_of(decision.tenant, known_as, secret=secret),
        tenant=decision.tenant,
        decision=known_as,
        agent=decision.agent,
        model=decision.model or decision.lineage.model,
        model_version=decision.served_version or decision.model_version,
        verdict=_VERDICTS.Name(decision.verdict).removeprefix("VERDICT_"),
        why=why,
        received_ms=decision.receive_time.ToMilliseconds(),
        created_ms=0,
        due_ms=due_ms,
        wanted=wanted,
    )


def _not_theirs(tenant: str, review: str) -> Undone:
    return Undone(Reason.CONFLICT, "review-not-yours", name=f"reviews/{tenant}/{review}")
