"""Counts what reports say: of the audit service by facets, of the store the findings and who agreed to revisions.

Nothing here lists decisions one by one but those that waited for a person, of which there are few.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final

import grpc

from gateway.adapters.revisions import RevisionStore
from gateway.redis_clients import Client
from gateway.rpc.times import timestamp
from pilote.audit.v1 import audit_service_pb2, personal_pb2, summaries_pb2
from pilote.decision.v1 import decision_pb2
from services.control.filters import both, is_, since
from services.control.times import iso
from services.findings.finding import Finding, reviewer_of
from services.findings.pressure import Pressure, PressureStore
from services.findings.store import FindingStore
from services.proof.notes import Malformed, read_checkpoint, read_key, read_note, signed_by
from services.report_versions import Versions
from services.reports.counted import Bucket, Checkpoint, Counted, Deed, Held, Made, Period

SECONDS: Final = 120.0
"""Longest time that one answer may take: a million decisions take some seconds."""
MOST_NOTES: Final = 20_000
MOST_HOLDS: Final = 1_000
MOST_REVISIONS: Final = 500
LEAST_KEPT_DAYS: Final = 183
"""Six months, which articles 19 and 26 of the AI Act ask for."""
_PAGE: Final = 1_000
_STEPS: Final = 9
"""Of progress: questions that take long, and what is left after them."""
_TOP: Final = 1_000
"""More values than are shown, so that those that have none are always among them."""
_FIELDS: Final = ("verdict", "reason", "agent", "method", "operation", "model_version", "rule", "revision", "state")
_OF_CONTACTS: Final = ("channel", "category", "agent")
Progress = Callable[[int, int], None]
Metadata = tuple[tuple[str, str], ...]


class Counting:
    """Asks for whoever may see what `metadata` says, see `services.control.audit_client`."""

    def __init__(self, audit: Any, redis: Client, *, metadata: Metadata = ()) -> None:
        self._audit = audit
        self._redis = redis
        self._metadata = metadata
        self.versions: Final = Versions(redis)

    async def period(
        self,
        *,
        tenants: Sequence[str],
        start_ms: int,
        end_ms: int,
        now_ms: int,
        tenant: str = "",
        more: str = "",
        progress: Progress | None = None,
    ) -> Period:
        """What was counted from `start_ms` to before `end_ms`, of a tenant, or of `tenants` where none is given.

        `more` is a further part of the filter, such as that of a model version.

        Raises:
            grpc.aio.AioRpcError: the audit service does not answer, or refuses.
            RedisError: the store does not answer.
        """
        until = f'receive_time < "{iso(end_ms)}"'
        own = (tenant,) if tenant else tuple(tenants)
        base = both(since(start_ms), until, tenant and is_("tenant", tenant), more)
        steps = iter(range(1, _STEPS))

        async def counted(text: str, *fields: str) -> summaries_pb2.SummarizeDecisionsResponse:
            found = await self._summed(text, fields)
            if progress is not None:
                progress(next(steps), _STEPS)
            return found

        all_ = await counted(base, *_FIELDS)
        facets = _facets(all_)
        refused = await counted(f"{base} AND verdict = DENY", "agent", "model_version", "method")
        contacts = await counted(f"{base} AND operation = CONTACT AND verdict = ALLOW", *_OF_CONTACTS)
        about = f"{base} AND subject_ref:*"
        values: dict[str, Any] = {
            "reviewed": (await counted(f"{base} AND reviewer:*")).total_count,
            "about_people": (await counted(about)).total_count,
            "acted_alone": (
                await counted(f"{about} AND (verdict = ALLOW OR verdict = DENY) AND NOT reviewer:*")
            ).total_count,
            "short_kept": (await counted(f"{base} AND retention_days < {LEAST_KEPT_DAYS}")).total_count,
        }
        chart = await self._chart(base, start_ms, end_ms)
        deeds = [each async for each in self._deeds(start_ms, end_ms, tenant)]
        return Period(
            tenant=tenant,
            start_ms=start_ms,
            end_ms=end_ms,
            made_ms=now_ms,
            total=all_.total_count,
            facets=facets,
            refused=_facets(refused),
            contacts=_facets(contacts),
            contacted=contacts.total_count,
            held=facets["verdict"].of("HOLD"),
            buckets=tuple(_bucket(each) for each in chart.buckets),
            width_ms=chart.bucket_width.ToMilliseconds(),
            waits=await self._waits(base, deeds),
            deeds=tuple(deeds[:MOST_NOTES]),
            deeds_cut=len(deeds) > MOST_NOTES,
            revisions=await self._revisions(start_ms, end_ms),
            findings=await self._findings(own, start_ms, end_ms),
            pressures=await self._pressures(own, start_ms, end_ms),
            unreadable=tuple(all_.unreadable_segments),
            checkpoint=await newest_checkpoint(self._audit, metadata=self._metadata),
            **values,
        )

    async def _summed(self, text: str, fields: Sequence[str]) -> summaries_pb2.SummarizeDecisionsResponse:
        asked = summaries_pb2.SummarizeDecisionsRequest(filter=text, fields=fields, top_size=_TOP)
        return await self._ask(self._audit.SummarizeDecisions, asked)  # type: ignore[no-any-return]

    async def _chart(self, text: str, start_ms: int, end_ms: int) -> summaries_pb2.ChartDecisionsResponse:
        asked = summaries_pb2.ChartDecisionsRequest(
            filter=text, start_time=timestamp(start_ms), end_time=timestamp(end_ms)
        )
        return await self._ask(self._audit.ChartDecisions, asked)  # type: ignore[no-any-return]

    async def _deeds(self, start_ms: int, end_ms: int, tenant: str) -> AsyncIterator[Deed]:
        """What people did, the newest first, and not what was begun only: at most one page more than is told."""
        token, read, undone = "", 0, set[str]()
        while read <= MOST_NOTES:
            asked = personal_pb2.ListNotesRequest(
                page_size=_PAGE,
                page_token=token,
                start_time=timestamp(start_ms),
                end_time=timestamp(end_ms),
                tenants=[tenant] if tenant else [],
            )
            page = await self._ask(self._audit.ListNotes, asked)
            for note in page.notes:
                if note.change.stage == personal_pb2.CHANGE_STAGE_NOT_DONE:  # noted after what was begun
                    undone.add(note.change.request_id)
                elif note.change.stage != personal_pb2.CHANGE_STAGE_DONE and note.change.request_id not in undone:
                    read += 1
                    yield _deed(note)
            token = page.next_page_token
            if not token:
                return

    async def _waits(self, base: str, deeds: Sequence[Deed]) -> tuple[Held, ...]:
        """How long calls waited that were kept in the period and that somebody has decided on within it."""
        decided = {
            each.resource: each.at_ms
            for each in deeds
            if each.resource.startswith("holds/") and each.operation in ("approve", "refuse")
        }
        if not decided:
            return ()
        asked = audit_service_pb2.ListDecisionsRequest(filter=f"{base} AND verdict = HOLD", page_size=MOST_HOLDS)
        kept = (await self._ask(self._audit.ListDecisions, asked)).decisions
        found = ((each.receive_time.ToMilliseconds(), decided.get(each.hold)) for each in kept)
        return tuple(Held(kept_ms, at_ms) for kept_ms, at_ms in found if at_ms is not None and at_ms >= kept_ms)

    async def _revisions(self, start_ms: int, end_ms: int) -> tuple[Made, ...]:
        """Those that became active in the period, the oldest first."""
        store = RevisionStore(self._redis)
        head = await store.active()
        entries = await store.entries(range(head, max(0, head - MOST_REVISIONS), -1))
        return tuple(
            Made(
                number=number,
                author=entry.statement.author,
                approvers=tuple(each.vote.person for each in entry.approvals),
                how=entry.statement.how,
                activated_ms=entry.activated_ms,
            )
            for number, entry in sorted(entries.items())
            if start_ms <= entry.activated_ms < end_ms
        )

    async def _findings(self, tenants: Sequence[str], start_ms: int, end_ms: int) -> tuple[Finding, ...]:
        store = FindingStore(self._redis)
        all_ = [each for tenant in tenants for each in await store.all(tenant) if not reviewer_of(each.seen)]
        within = [
            each
            for each in all_
            if (each.first_ms < end_ms and each.seen.end_ms > start_ms) or start_ms <= each.closed_ms < end_ms
        ]
        return tuple(sorted(within, key=lambda each: (-each.score, each.id)))

    async def _pressures(self, tenants: Sequence[str], start_ms: int, end_ms: int) -> tuple[Pressure, ...]:
        found = await PressureStore(self._redis).of(tenants)
        return tuple(each for each in found if each.start_ms < end_ms and each.end_ms > start_ms)

    async def _ask(self, method: Callable[..., Any], asked: Any) -> Any:
        return await method(asked, timeout=SECONDS, metadata=self._metadata)


async def newest_checkpoint(audit: Any, *, metadata: Metadata = ()) -> Checkpoint | None:
    """The newest that the log has signed; `None` where there is none yet.

    Raises:
        grpc.aio.AioRpcError: the audit service does not answer, or refuses.
    """
    asked = audit_service_pb2.GetCheckpointRequest()
    try:
        answer = await audit.GetCheckpoint(asked, timeout=SECONDS, metadata=metadata)
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.NOT_FOUND:
            return None
        raise
    found = answer.checkpoint
    origin, size, root = _said(found.note, answer.verifier_key)
    return Checkpoint(
        origin=origin,
        size=found.tree_size,
        root=found.root_hash.hex(),
        signed_ms=found.sign_time.ToMilliseconds(),
        note=found.note,
        key=answer.verifier_key,
        valid=(size, root) == (found.tree_size, found.root_hash),
    )


def _facets(answer: summaries_pb2.SummarizeDecisionsResponse) -> dict[str, Counted]:
    return {
        each.field: Counted(tuple((value.value, value.count) for value in each.values), each.more_values)
        for each in answer.facets
    }


def _bucket(bucket: summaries_pb2.ChartBucket) -> Bucket:
    named = {decision_pb2.Verdict.Name(each.verdict).removeprefix("VERDICT_"): each.count for each in bucket.verdicts}
    return Bucket(bucket.start_time.ToMilliseconds(), named)


def _deed(note: personal_pb2.Note) -> Deed:
    return Deed(
        kind=note.kind,
        operation=note.change.operation,
        resource=note.resource,
        person=note.person,
        at_ms=note.note_time.ToMilliseconds(),
    )


def _said(note: str, key: str) -> tuple[str, int, bytes]:
    """What the note says of the log, where that key has signed it: its origin, size and root."""
    try:
        read = read_note(note)
        known, said = read_key(key), read_checkpoint(read.text)
        if not signed_by(read, known) or said.origin != known.name:
            return said.origin, -1, b""
    except Malformed:
        return "", -1, b""
    return said.origin, said.size, said.root
