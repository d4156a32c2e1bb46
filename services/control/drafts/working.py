"""The jobs about drafts and proposals, as their processes do them: plan, backtest, and try one part."""

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import grpc
import msgspec
from redis.exceptions import RedisError

from gateway.activation.loading import canonical, load_stored
from gateway.adapters.proposals import Look, ProposalProblem, Proposals
from gateway.core.changes import Place
from gateway.core.revision.compiled import Revision
from gateway.core.revision.decode import PolicyInvalid
from gateway.core.texts import LANGUAGES
from gateway.redis_clients import connected
from gateway.rpc.channels import channel_to
from gateway.signing import verify
from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from services.commands.effects_shown import as_data, sentences, tables
from services.commands.judging_slices import AuditSilent, Config
from services.commands.planning import ActiveUnreadable, Plan, active_revision, as_applied, counted, planned, rows
from services.commands.planning import sentences as plan_sentences
from services.commands.simulating import ProcessLost, Simulated, Span, simulate, span_of
from services.commands.simulating import counted as counted_slices
from services.control.drafts.checking import loaded
from services.control.drafts.trials import MOST_MATCHES, NoSuchPart, Trier, slices, with_part
from services.control.jobs import JobFailed, Progress
from services.insights.whatif.trial import Trial

if TYPE_CHECKING:  # the asynchronous stub exists for type checkers only
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub

EXAMPLES: Final = 20
"""Decisions that are named of each change."""


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """Where calls, policies and what opens them are found. Goes to a process through a pipe, and never to disk."""

    audit: str
    redis_url: str
    pseudonym_key: bytes
    replay_keys: tuple[bytes, ...]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which policy, over which calls."""

    text: str = ""
    """Of a draft."""
    document: bytes = b""
    """Of a proposal, in place of a text."""
    proposal: int = 0
    span_ms: int
    """Calls received since so long before `now_ms`."""
    now_ms: int
    most: int = 0
    """The newest so many; 0: all."""
    tenant: str = ""
    section: str = ""
    """To try: of the part."""
    name: str = ""


def plan(sources: Sources, asked: Asked, progress: Progress) -> bytes:
    """What the policy would change, how far that reaches, and how many calls of late it touches: as JSON.

    Raises:
        JobFailed: the policy has mistakes, or nobody answers.
    """
    progress(0, 3)
    new, active = policies(sources, asked)
    progress(1, 3)
    try:
        counts = asyncio.run(_counts(sources, asked))
    except grpc.aio.AioRpcError:
        counts = None  # all else can be said without it
    progress(2, 3)
    found = planned(active, as_applied(new, active), counts)
    if found.calls is not None:
        _looked(sources, asked, Look(at="plan", at_ms=asked.now_ms, calls=found.calls, of=found.all_calls))
    progress(3, 3)
    return msgspec.json.encode(_plan_told(found, asked))


def backtest(sources: Sources, asked: Asked, progress: Progress) -> bytes:
    """What recorded calls would have come to under the policy, limits and caps counted in order: as JSON.

    Raises:
        JobFailed: the policy has mistakes, or nobody answers.
    """
    new, active = policies(sources, asked)
    begun = time.perf_counter()
    span = span_asked(sources, asked)
    progress(0, span.total)
    found = backtested(sources, asked, as_applied(new, active), span=span, progress=progress)
    effects = found.effects
    _looked(sources, asked, Look(at="backtest", at_ms=asked.now_ms, calls=effects.otherwise, of=effects.all.calls))
    return msgspec.json.encode(backtest_told(found, begun))


def backtested(
    sources: Sources,
    asked: Asked,
    new: Revision,
    *,
    span: Span,
    progress: Progress,
    trial: Callable[[], Trial] = Trial,
) -> Simulated:
    """What recorded calls would have come to under a policy: the engine of `pilote backtest`.

    Raises:
        JobFailed: nobody answers.
    """
    config, processes = config_of(sources, asked, new), min(2, os.cpu_count() or 1)
    try:
        return simulate(config, span, processes=processes, most_examples=EXAMPLES, progress=progress, trial=trial)
    except AuditSilent as silent:
        raise JobFailed("job-audit") from silent
    except ProcessLost as lost:
        raise JobFailed("job-lost") from lost


def attempt(sources: Sources, asked: Asked, progress: Progress) -> bytes:
    """What one part of the policy covers of the last calls, and what it would have changed by itself: as JSON.

    Raises:
        JobFailed: the policy has mistakes or no such part, or nobody answers.
    """
    new, active = policies(sources, asked)
    place = Place(asked.section, asked.name)
    try:
        document = with_part(None if active is None else active.document, new.document, place)
        trier = Trier(config_of(sources, asked, load_stored(canonical(document))), place)
    except NoSuchPart as missing:
        raise JobFailed("try-part") from missing
    except PolicyInvalid as invalid:
        raise JobFailed("try-alone") from invalid
    begun = time.perf_counter()
    span = span_asked(sources, asked)
    progress(0, span.total)
    try:
        found = counted_slices(slices(trier, span), span, most_examples=MOST_MATCHES, progress=progress, counting=True)
    except AuditSilent as silent:
        raise JobFailed("job-audit") from silent
    told = backtest_told(found, begun)
    told["matched"] = trier.matched
    told["matches"] = trier.matches[: -MOST_MATCHES - 1 : -1]
    return msgspec.json.encode(told)


def policies(sources: Sources, asked: Asked) -> tuple[Revision, Revision | None]:
    """The policy that is asked about, and the active one.

    Raises:
        JobFailed: the policy has mistakes, or nobody answers.
    """
    try:
        new = load_stored(asked.document) if asked.document else loaded(asked.text)[0]
    except PolicyInvalid as invalid:
        raise JobFailed("job-invalid") from invalid
    try:
        return new, asyncio.run(_active(sources))
    except ActiveUnreadable as unreadable:
        raise JobFailed("job-active") from unreadable
    except (RedisError, OSError) as error:
        raise JobFailed("job-store") from error


async def _active(sources: Sources) -> Revision | None:
    async with await connected(sources.redis_url) as redis:
        return await active_revision(redis)


async def _counts(sources: Sources, asked: Asked) -> Any:
    async with channel_to(sources.audit) as channel:
        audit: AuditServiceAsyncStub = AuditServiceStub(channel)
        return await counted(audit, span_ms=asked.span_ms, tenant=asked.tenant, now_ms=asked.now_ms)


def config_of(sources: Sources, asked: Asked, new: Revision) -> Config:
    """What judges calls by a policy."""
    return Config(
        audit=sources.audit,
        redis_url=sources.redis_url,
        document=canonical(new.document),
        tenant=asked.tenant,
        pseudonym_key=sources.pseudonym_key,
        replay_keys=sources.replay_keys,
    )


def span_asked(sources: Sources, asked: Asked) -> Span:
    """Which calls are asked about.

    Raises:
        JobFailed: the audit service does not answer.
    """

    async def work() -> Span:
        async with channel_to(sources.audit) as channel:
            audit: AuditServiceAsyncStub = AuditServiceStub(channel)
            start_ms = asked.now_ms - asked.span_ms
            return await span_of(audit, start_ms=start_ms, end_ms=asked.now_ms, tenant=asked.tenant, most=asked.most)

    try:
        return asyncio.run(work())
    except grpc.aio.AioRpcError as error:
        raise JobFailed("job-audit") from error


def _looked(sources: Sources, asked: Asked, look: Look) -> None:
    """Let those who decide about a proposal know that it was looked at."""

    async def work() -> None:
        async with await connected(sources.redis_url) as redis:
            await Proposals(redis, verify=verify).looked(asked.proposal, look)

    if asked.proposal:
        try:
            asyncio.run(work())
        except (RedisError, OSError, ProposalProblem) as error:
            raise JobFailed("job-store") from error


def _plan_told(found: Plan, asked: Asked) -> Mapping[str, Any]:
    return {
        "active": found.active,
        "calls": found.calls,
        "allCalls": found.all_calls,
        "methods": found.methods,
        "changes": [
            {
                "kind": each.change.kind,
                "section": each.change.place.section,
                "name": each.change.place.name,
                "methods": sorted(each.reach.methods),
                "agents": None if each.reach.agents is None else sorted(each.reach.agents),
                "calls": each.calls,
            }
            for each in found.changes
        ],
        "tables": {language: [rows(found, language=language)] for language in LANGUAGES},
        # What comes after the first speaks of the command line.
        "sentences": {
            language: plan_sentences(found, span_ms=asked.span_ms, language=language)[:1] for language in LANGUAGES
        },
    }


def backtest_told(found: Simulated, begun: float) -> dict[str, Any]:
    """What came of it, for machines and in words; `begun` is when by `time.perf_counter`."""
    return {
        **as_data(found),
        "tables": {language: list(tables(found, language=language)) for language in LANGUAGES},
        "sentences": {language: sentences(found, language=language) for language in LANGUAGES},
        "tookMs": int(1000 * (time.perf_counter() - begun)),
    }
