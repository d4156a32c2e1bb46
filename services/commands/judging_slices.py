"""What one process of a backtest does: reads a slice of the recorded calls, opens and judges it by the new policy."""

import asyncio
import gc
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

import grpc
import msgspec
from google.protobuf.timestamp_pb2 import Timestamp
from redis.exceptions import RedisError

from gateway.activation.loading import load_stored
from gateway.adapters.sealing import Sealer
from gateway.core.assignment import BASIS_POINTS
from gateway.core.record import CustomerOutcome, Settlement
from gateway.core.revision.compiled import Revision
from gateway.core.simulating.calls import Call, Forms, Judged
from gateway.redis_clients import Client, connected
from gateway.replays.judging import judged
from gateway.replays.replaying import NotKnown
from gateway.rpc.channels import channel_to
from pilote.audit.v1 import planning_pb2
from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from services.commands.replaying import Opened, Replays, Revisions, Unusable

if TYPE_CHECKING:  # the asynchronous stub exists for type checkers only
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub

DISAGREES: Final = "disagrees"
"""Why a call is left out whose replay under its own revision is not what was recorded."""
CONTROLLED_FIRST: Final = 100
"""So many calls of a revision are decided upon under it too, in each process, before it counts as proven."""
_CONTROLLED: Final = tuple([f"{number:02x}" for number in range(0, 256, 64)])
"""And of those that follow the ones whose ids end so, one in 64; once one disagrees, all of them."""
_settlement: Final = msgspec.json.Decoder(Settlement)
_told: Final = msgspec.json.Decoder(CustomerOutcome)
_pack: Final = msgspec.msgpack.Encoder()


class AuditSilent(Exception):
    """The audit service, or the store of revisions, does not answer."""


class Config(msgspec.Struct, frozen=True):
    """What each process is told. Goes to it through a pipe, and never to disk."""

    audit: str
    """Address of the audit service."""
    redis_url: str
    document: bytes
    """The new policy, canonical."""
    tenant: str
    pseudonym_key: bytes
    replay_keys: tuple[bytes, ...]
    control_all: bool = False


class Judge:
    """Judges slices, one after the other, in an event loop of its own."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._new: Revision = load_stored(config.document)
        self._runner = asyncio.Runner()
        self._open = AsyncExitStack()
        self._asking: tuple[AuditServiceAsyncStub, Replays] | None = None
        """The audit service, and what reads revisions; `None` before the first slice."""
        self._controlled: dict[int, int] = {}
        self._distrusted: set[int] = set()
        self._shares: dict[int, int] = {}

    def slice(self, start_ms: int, end_ms: int) -> Judged:
        """The calls received from a time on and before another.

        Raises:
            AuditSilent: nobody answers.
        """
        try:
            # Not `Runner.run`: looking at signals it puts the task in words, with all that it gives (20 us a call).
            return self._runner.get_loop().run_until_complete(self._slice(start_ms, end_ms))
        except (grpc.aio.AioRpcError, RedisError, OSError) as error:
            raise AuditSilent(type(error).__name__) from None  # what it says cannot be told between processes

    def close(self) -> None:
        """Let go of the store and of the audit service."""
        self._runner.run(self._open.aclose())
        self._runner.close()

    async def _begin(self) -> "tuple[AuditServiceAsyncStub, Replays]":
        redis: Client = await self._open.enter_async_context(await connected(self._config.redis_url))
        channel = await self._open.enter_async_context(channel_to(self._config.audit))
        sealer = Sealer(self._config.replay_keys)
        return AuditServiceStub(channel), Replays(
            Revisions(redis), sealer=sealer, pseudonym_key=self._config.pseudonym_key
        )

    async def _slice(self, start_ms: int, end_ms: int) -> Judged:
        self._asking = self._asking or await self._begin()
        audit, replays = self._asking
        request = planning_pb2.ListInputsRequest(
            tenant=self._config.tenant, start_time=_time(start_ms), end_time=_time(end_ms)
        )
        calls: list[Call] = []
        forms, left_out, kept_share = Forms(), dict[str, list[str]](), BASIS_POINTS
        before = sum(self._controlled.values())
        unreadable: tuple[str, ...] = ()
        async for answer in audit.ListInputs(request):
            unreadable = tuple(answer.unreadable_segments)
            for kept in answer.inputs:
                try:
                    opened = replays.open(kept)
                    if not opened.inputs.own:
                        continue  # of the call itself all is there
                    if self._due(opened):
                        await self._control(opened, replays)
                    kept_share = min(kept_share, self._shares[opened.inputs.revision])
                    calls.append(self._judged(kept, opened, forms))
                except Unusable as unusable:
                    left_out.setdefault(unusable.why, []).append(kept.decision.removeprefix("decisions/"))
                except NotKnown as unknown:
                    left_out.setdefault(unknown.what, []).append(kept.decision.removeprefix("decisions/"))
        controlled = sum(self._controlled.values()) - before
        return Judged(
            tuple(calls),
            forms.found,
            {why: tuple(ids) for why, ids in left_out.items()},
            controlled,
            kept_share,
            unreadable,
        )

    def _judged(self, kept: planning_pb2.CallInputs, opened: Opened, forms: Forms) -> Call:
        return judged(
            self._new,
            opened.inputs,
            opened.record,
            opened.outcome,
            settlement=_settlement.decode(kept.settlement) if kept.settlement else None,
            told=[_told.decode(each) for each in kept.customer_outcomes],
            place=kept.leaf_index if kept.HasField("leaf_index") else -1,
            forms=forms,
            pseudonym_key=self._config.pseudonym_key,
        )

    def _due(self, opened: Opened) -> bool:
        """Whether it is to be seen that the call comes to what was recorded, under its own revision."""
        number = opened.inputs.revision
        if self._config.control_all or number in self._distrusted:
            return True
        return self._controlled.get(number, 0) < CONTROLLED_FIRST or opened.record.id.endswith(_CONTROLLED)

    async def _control(self, opened: Opened, replays: Replays) -> None:
        """See that it does, and learn of how many calls its revision keeps the inputs.

        Raises:
            Unusable: it does not, or its revision is not there.
        """
        number = opened.inputs.revision
        once = await replays.once(opened)
        self._shares[number] = once.share
        if once.differing:
            self._distrusted.add(number)
            raise Unusable(DISAGREES)
        self._controlled[number] = self._controlled.get(number, 0) + 1


_judges: Final[list[Judge]] = []
"""This process's own, once it is needed."""


def judge_slice(config: Config, start_ms: int, end_ms: int) -> bytes:
    """A slice, judged, packed: in a process that does nothing else, with the same `config` each time.

    Raises:
        AuditSilent: nobody answers.
    """
    if not _judges:
        _judges.append(Judge(config))
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
    return _pack.encode(_judges[0].slice(start_ms, end_ms))


def _time(at_ms: int) -> Timestamp:
    time = Timestamp()
    time.FromMilliseconds(at_ms)
    return time
