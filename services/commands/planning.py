"""What a policy would change, before it is active: in words, how far it reaches, and how many calls that is."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.activation.loading import canonical, load_stored
from gateway.adapters.revisions import RevisionStore
from gateway.clock import clock_ms
from gateway.core.change_words import in_words
from gateway.core.changes import Change, changes
from gateway.core.movement import carried
from gateway.core.policy.document import Document
from gateway.core.reach import Count, Reach, Sides, reach, touched
from gateway.core.revision.compiled import Revision
from gateway.core.revision.decode import PolicyInvalid
from gateway.core.texts import number as with_digits
from gateway.core.texts import span
from gateway.redis_clients import Client
from pilote.audit.v1 import planning_pb2
from services.commands.plan_texts import say

if TYPE_CHECKING:  # the asynchronous stub exists for type checkers only
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub

WEEK_MS: Final = 7 * 86_400_000
ANSWER_SECONDS: Final = 30.0
_SHOWN: Final = 3
"""Names that are shown of many."""
_NOTHING: Final = Document(agents=(), upstreams=(), routes=(), rules=())


class Touching(msgspec.Struct, frozen=True):
    """One change, and how far it reaches."""

    change: Change
    reach: Reach
    calls: int | None
    """Calls of the time looked at that it may touch; `None` where nobody knows."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a policy would change."""

    active: int
    """Number of the active revision; 0 for none."""
    changes: tuple[Touching, ...]
    calls: int | None
    """Calls that any of the changes may touch; `None` where nobody knows."""
    all_calls: int
    methods: int
    """Methods that either policy describes."""


class ActiveUnreadable(Exception):
    """The active revision cannot be compiled by this version."""

    def __init__(self, number: int) -> None:
        super().__init__(f"revision {number} cannot be read")
        self.number = number


def planned(old: Revision | None, new: Revision, counts: Sequence[Count] | None) -> Plan:
    """What `new` would change, `old` being active. `counts` are the calls of late; `None` where nobody knows them."""
    sides = Sides(old, new)
    found = changes(_NOTHING if old is None else old.document, new.document)
    reaches = [reach(change, sides) for change in found]
    return Plan(
        active=0 if old is None else old.number,
        changes=tuple(
            Touching(change, its, None if counts is None else touched(counts, (its,)))
            for change, its in zip(found, reaches, strict=True)
        ),
        calls=None if counts is None else touched(counts, reaches),
        all_calls=sum(count.calls for count in counts or ()),
        methods=len(sides.methods(lambda _: True)),
    )


def as_applied(new: Revision, old: Revision | None) -> Revision:
    """A policy as it would be once applied: a rollout whose state a file does not say stays where it is."""
    if old is None:
        return new
    document = canonical(new.document)
    content = carried(document, canonical(old.document))
    return new if content == document else load_stored(content)


async def active_revision(redis: Client) -> Revision | None:
    """The revision that runs, compiled; `None` where there is none.

    Raises:
        ActiveUnreadable: this version cannot read it.
        RedisError: the store does not answer.
    """
    store = RevisionStore(redis)
    _, number = await store.head()  # what gateways run, where they do not run what the store says is active
    published = await store.read(number)
    if published is None:
        return None
    try:
        return load_stored(bytes(published.document), number=number)
    except (PolicyInvalid, msgspec.DecodeError) as error:
        raise ActiveUnreadable(number) from error


async def counted(
    audit: "AuditServiceAsyncStub", *, span_ms: int = WEEK_MS, tenant: str = "", now_ms: int | None = None
) -> tuple[Count, ...]:
    """The calls of the last `span_ms` milliseconds, to whole hours.

    Raises:
        grpc.aio.AioRpcError: the audit service does not answer.
    """
    now_ms = clock_ms() if now_ms is None else now_ms
    start = Timestamp()
    start.FromMilliseconds(max(0, now_ms - span_ms))
    request = planning_pb2.CountDecisionsRequest(tenant=tenant, start_time=start)
    answer = await audit.CountDecisions(request, timeout=ANSWER_SECONDS)
    return tuple(
        Count(method=each.method, agent=each.agent, route=each.route, calls=each.decisions) for each in answer.counts
    )


def rows(plan: Plan, *, language: str) -> tuple[tuple[str, ...], ...]:
    """A table of the changes, the names of the columns first."""
    head = tuple(say("columns", language=language).split("|"))
    return (head, *(_row(touching, plan, language) for touching in plan.changes))


def sentences(plan: Plan, *, span_ms: int, language: str) -> tuple[str, ...]:
    """What all changes together may touch."""
    if plan.calls is None:
        return ()
    if not plan.all_calls:
        return (say("no-calls", language=language, span=span(span_ms, language=language)),)
    values = {"calls": plan.calls, "all": plan.all_calls, "share": share(plan.calls, plan.all_calls, language)}
    total = say("total", language=language, span=span(span_ms, language=language), **values)
    return (total, say("bound", language=language)) if plan.calls else (total,)


def share(part: int, whole: int, language: str) -> str:
    """A share in percent; one that is there is never shown as nothing."""
    percent = 100 * part / whole if whole else 0.0
    digits = 1 if percent == 0 or percent >= 0.1 else 3
    return f"{with_digits(percent, digits=digits, language=language)} %"


def _row(touching: Touching, plan: Plan, language: str) -> tuple[str, ...]:
    return (
        " ".join(in_words(touching.change, language)),
        _methods(touching.reach, plan, language),
        _agents(touching.reach, language),
        _calls(touching.calls, plan.all_calls, language),
    )


def _methods(its: Reach, plan: Plan, language: str) -> str:
    if len(its.methods) == plan.methods:
        return say("all", language=language, count=plan.methods)
    return _some(sorted(method.rpartition("/")[2] for method in its.methods), language)


def _agents(its: Reach, language: str) -> str:
    if not its.methods:
        return say("none-touched", language=language)
    return say("all-agents", language=language) if its.agents is None else _some(sorted(its.agents), language)


def _some(names: list[str], language: str) -> str:
    if not names:
        return say("none-touched", language=language)
    if len(names) <= _SHOWN + 1:
        return ", ".join(names)
    return say("more", language=language, names=", ".join(names[:_SHOWN]), count=len(names) - _SHOWN)


def _calls(calls: int | None, every: int, language: str) -> str:
    if calls is None:
        return say("unknown", language=language)
    return say("calls", language=language, calls=calls, share=share(calls, every, language))
