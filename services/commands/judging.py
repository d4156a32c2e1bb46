"""Judges decisions in a terminal: takes the next one, shows it as its page does, and takes down what somebody says."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import grpc
import msgspec

from gateway.adapters.revisions import RevisionStore
from gateway.clock import clock_ms
from gateway.redis_clients import Client
from pilote.audit.v1 import explaining_pb2
from services.commands.halting import tenants_of
from services.commands.judging_texts import say
from services.commands.noting import SECONDS, Operator
from services.control.changes import Changes
from services.control.owing import Owing
from services.control.reviews.desk import Held, ReviewDesk
from services.control.reviews.shown import shown
from services.reviews.item import LABELS, REFUSALS, Item, Label, fits

if TYPE_CHECKING:  # the asynchronous stub exists for type checkers only
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub

ANSWER_SECONDS = 10.0


class Taken(msgspec.Struct, frozen=True):
    """What somebody has to judge."""

    held: Held
    sentences: Sequence[str]
    """Why it was decided so; none where its record is no longer kept."""


class Judge:
    """Somebody who judges, as they are called; until they have answered or given it back."""

    def __init__(self, redis: Client, audit: "AuditServiceAsyncStub", *, by: str) -> None:
        changes = Changes(audit, owing=Owing(redis, audit, clock_ms=clock_ms), seconds=SECONDS)
        self._redis = redis
        self._audit = audit
        self._desk = ReviewDesk(redis, changes, clock_ms=clock_ms)
        self._who = Operator(by)

    async def take(self, *, tenant: str, language: str) -> Taken | None:
        """The one that they have, or the next one of a tenant, or of all; `None`: there is none that they may judge.

        Raises:
            Undone: STORE_UNAVAILABLE.
            grpc.aio.AioRpcError: the audit service does not answer; nothing is kept from others for it.
        """
        own = await tenants_of(RevisionStore(self._redis))
        tenants = (tenant,) if tenant else own
        held = await self._desk.next(tenants, self._who.name, own=(*own, *tenants))
        if held is None:
            return None
        try:
            return Taken(held, await self._sentences(held[0], language))
        except BaseException:
            await self.give_back(held[0])
            raise

    async def answer(self, item: Item, label: Label, *, corrected: str, text: str) -> None:
        """Say what they think of it.

        Raises:
            Undone: CONFLICT where it is not theirs any more; STORE_UNAVAILABLE, also where it cannot be noted.
        """
        await self._desk.answer(item.tenant, item.id, label, corrected=corrected, text=text, who=self._who)

    async def give_back(self, item: Item) -> None:
        """Let others judge it.

        Raises:
            Undone: STORE_UNAVAILABLE.
        """
        await self._desk.release(item.tenant, item.id, self._who.name)

    async def _sentences(self, item: Item, language: str) -> Sequence[str]:
        asked = explaining_pb2.ExplainDecisionRequest(name=f"decisions/{item.decision}", language_code=language)
        try:
            return tuple((await self._audit.ExplainDecision(asked, timeout=ANSWER_SECONDS)).sentences)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.NOT_FOUND:
                raise
            return ()


def lines(taken: Taken, *, to: str, language: str) -> Iterator[str]:
    """What is shown of it to that person: of what others have said nothing, unless they are to decide."""
    (item, lease), told = taken.held, shown(*taken.held, to=to, sets=False)
    verdict = say(f"reviews-verdict-{item.verdict}", language=language)
    where = {"decision": item.decision, "agent": item.agent, "tenant": item.tenant}
    yield say("head", language=language, verdict=verdict, received=_stamp(item.received_ms), **where)
    if item.model_version:
        yield say("version", language=language, version=f"{item.model} {item.model_version}".strip())
    yield from taken.sentences or (say("reviews-unexplained", language=language),)
    if told.answers:
        yield say("reviews-disputed", language=language)
    for each in told.answers:
        yield say("said", language=language, label=say(f"reviews-label-{each.label}", language=language))
        if each.text:
            yield f"    {each.text}"
    if lease is not None:
        yield say("until", language=language, until=_stamp(lease.until_ms))


def asked(item: Item, *, language: str, ask: Callable[[str, Sequence[str]], int]) -> tuple[Label, str]:
    """The label, and the verdict that it should have had; `ask` asks a question with choices and gives which one."""

    def words(key: str) -> str:
        return say(key, language=language)

    labels = [each for each in LABELS if fits(each, verdict=item.verdict)]
    label = labels[ask(words("reviews-which"), [words(f"reviews-label-{each}") for each in labels])]
    if label is not Label.WRONG_SHOULD_DENY:
        return label, ""
    instead = [each for each in REFUSALS if each != item.verdict]
    return label, instead[ask(words("reviews-corrected"), [words(f"reviews-verdict-{each}") for each in instead])]


def _stamp(at_ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(at_ms / 1000))
