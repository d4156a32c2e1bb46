"""Steady load: intents that begin at fixed times whatever became of those before them, and every answer is kept.

It is open: a caller who waits does not make the next one wait, so an outage is met by as many calls as come without it.
"""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import grpc
from google.rpc import status_pb2

import pilote.client.aio
from pilote.client.retrying import ATTEMPTS
from pilote.crm.v1.message_service_pb2 import SendMessageRequest
from pilote.crm.v1.message_service_pb2_grpc import MessageServiceStub
from tests.e2e.policy import key_of
from tests.e2e.requests import send
from tests.e2e.waiting import until
from tests.e2e.world import Told, credential, told

AGENTS: Final = ("sales-bot", "marketing-bot")
TRIES: Final = 5
"""How many intents each customer is meant by. With a lower cap some of them are refused, fault or no fault."""
BESIDE: Final = 5
"""Customers who are meant by turns, so that gateways and agents come to the same one at the same time."""
DEADLINE_S: Final = 10.0
UPSTREAM_S: Final = 2.0
"""Longest wait for the CRM."""
AS_EVER: Final = ("OK", "CAP_EXCEEDED")
"""What calls come to without a fault."""


class Intent(NamedTuple):
    """One contact that somebody means to make, once."""

    number: int

    @property
    def agent(self) -> str:
        return AGENTS[self.number // 2 % len(AGENTS)]

    @property
    def customer(self) -> str:
        """Of two rows of customers that are half a round apart, so that at no time all are at their cap."""
        lane, turn = self.number % 2, self.number // 2
        block, place = divmod(turn + lane * BESIDE * TRIES // 2, BESIDE * TRIES)
        return f"contacts/c-{lane}-{block}-{place % BESIDE}"

    @property
    def key(self) -> str:
        """Key of idempotency, of every other one; none where it only asks whether anybody is there, again and again."""
        return f"key-{self.number}" if self.number >= 0 and self.number // 8 % 2 else ""

    @property
    def request(self) -> SendMessageRequest:
        return send(self.customer, request_id=self.key, subject_line=f"intent-{self.number}")


class Answer(NamedTuple):
    """What came of one intent, as its caller was told. Times are seconds of the monotonic clock."""

    intent: Intent
    began_s: float
    ended_s: float
    told: Told

    @property
    def what(self) -> str:
        """The gateway's reason; "OK", or another status where no gateway has given a reason."""
        return self.told.reason or self.told.code.name

    @property
    def decision(self) -> str:
        """Id of the decision; empty where no gateway has answered."""
        return str(self.told.trailers.get("pilote-decision-id", ""))


@dataclass
class Load:
    """Makes calls by `call`, so many a second."""

    call: Callable[[Intent], Awaitable[Told]]
    per_second: float = 20.0
    answers: list[Answer] = field(default_factory=list)
    begun: int = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Load"]:
        """Load until the block ends; then every call is waited for."""
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._beginning(group, stop))
            try:
                yield self
            finally:
                stop.set()

    async def more(self, count: int) -> None:
        """Wait until so many more intents have begun and as many have come to an answer."""
        begun, ended = self.begun + count, len(self.answers) + count
        await until(lambda: self.begun >= begun and len(self.answers) >= ended, what=f"{count} more calls", within=60)

    async def until_well(self, count: int = 25, *, within_s: float = 60) -> None:
        """Wait until so many calls in a row, begun from now on, came to what they come to without a fault."""
        first = self.begun

        def well() -> bool:
            found = {each.intent.number: each.what for each in self.answers}
            row = 0
            for number in range(first, self.begun):
                if number not in found or row == count:
                    break
                row = row + 1 if found[number] in AS_EVER else 0
            return row == count

        await until(well, what="all is well", within=within_s)

    async def _beginning(self, group: asyncio.TaskGroup, stop: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        first = loop.time()
        for number in itertools.count():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(first + number / self.per_second):
                    await stop.wait()
            if stop.is_set():
                return
            group.create_task(self._one(Intent(number)))
            self.begun += 1

    async def _one(self, intent: Intent) -> None:
        began = time.monotonic()
        ended = await self.call(intent)
        self.answers.append(Answer(intent, began, time.monotonic(), ended))


@contextlib.asynccontextmanager
async def directly(ports: Sequence[int]) -> AsyncIterator[Callable[[Intent], Awaitable[Told]]]:
    """One try of each intent, at the gateways in turn, over connections that stay."""
    # Of a gateway that was killed a caller should hear again soon after it is back.
    options = (("grpc.use_local_subchannel_pool", 1), ("grpc.max_reconnect_backoff_ms", 200))
    async with contextlib.AsyncExitStack() as stack:
        stubs: dict[tuple[str, int], Any] = {}
        for agent, port in itertools.product(AGENTS, ports):
            channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options)
            stack.push_async_callback(channel.close)
            stubs[agent, port] = MessageServiceStub(channel)

        async def call(intent: Intent) -> Told:
            stub = stubs[intent.agent, ports[intent.number // 4 % len(ports)]]
            return await told(stub.SendMessage(intent.request, metadata=credential(intent.agent), timeout=DEADLINE_S))

        yield call


@contextlib.asynccontextmanager
async def by_kit(
    address: str, *, within_s: float = 30.0, tries: int = ATTEMPTS
) -> AsyncIterator[Callable[[Intent], Awaitable[Told]]]:
    """Each intent by the client kit, with its own policy of retries; it makes keys for those that have none."""
    async with contextlib.AsyncExitStack() as stack:
        stubs: dict[str, Any] = {}
        for agent in AGENTS:
            client = await stack.enter_async_context(
                pilote.client.aio.Pilote(address, key=key_of(agent), attempts=tries)
            )
            stubs[agent] = client.stub(MessageServiceStub)

        async def call(intent: Intent) -> Told:
            code, reason, text, answer = grpc.StatusCode.OK, "", "", None
            with pilote.client.noting() as noted:
                try:
                    answer = await stubs[intent.agent].SendMessage(intent.request, timeout=within_s)
                except pilote.client.CallEnded as ended:
                    code, reason, text = ended.code(), ended.reason, ended.details() or ""
            last: dict[str, str | bytes] = {"pilote-decision-id": noted.decisions[-1]} if noted.decisions else {}
            return Told(code, reason, text, status_pb2.Status(), last, answer)

        yield call
