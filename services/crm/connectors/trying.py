"""The conformance suite against a live system: things go wrong between us and it, since it cannot be told to fail."""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import grpc

from gateway.rpc.channels import channel_to
from gateway.rpc.status import reason_from
from services.crm.connectors.conformance import CHECKS, Failed, LeftOut, System
from services.crm.connectors.deal_conformance import DEAL_CHECKS
from services.crm.connectors.descriptor import Method
from services.crm.connectors.exchange import Answer, Lost, Outgoing
from services.crm.connectors.message_conformance import MESSAGE_CHECKS
from services.crm.connectors.reading import Loaded
from services.crm.connectors.serving import running


class Outcome(NamedTuple):
    """What one check came to."""

    verdict: str
    """passed, failed or left-out."""
    check: str
    why: str = ""


class BetweenUs:
    """Makes requests go wrong on their way: what is to be sent is really sent, and what comes back may be lost."""

    def __init__(self) -> None:
        self.changes = 0
        """Requests that may have changed something and that were answered with success."""
        self._refusing = self._expired = self._losing = False

    def refuse_next(self) -> None:
        """Answer the next request with 429."""
        self._refusing = True

    def expire(self) -> None:
        """Answer the next request with 401."""
        self._expired = True

    def lose_next_answer(self) -> None:
        """Carry the next change out, and lose its answer."""
        self._losing = True

    async def around(self, send: Callable[[], Awaitable[Answer]], outgoing: Outgoing) -> Answer:
        """The answer to that request, or what became of it instead."""
        if self._refusing:
            self._refusing = False
            return Answer(429, {"retry-after": "7"}, None)
        if self._expired:
            self._expired = False
            return Answer(401, {}, None)
        answer = await send()
        self.changes += outgoing.method != "GET" and answer.status < 300
        if self._losing and outgoing.method != "GET":
            self._losing = False
            raise Lost("UPSTREAM_FAILED" if outgoing.safe else "UPSTREAM_IN_DOUBT")
        return answer


async def tried(
    loaded: Loaded, *, environment: Mapping[str, str], home: Path, allow_private: bool, contact_point: str = ""
) -> AsyncIterator[Outcome]:
    """What each check comes to, one after the other. `contact_point`: who gets messages; empty: none are sent.

    Raises:
        SecretMissing: something that the file names has no value.
    """
    faults = BetweenUs()
    async with (
        running(
            loaded, environment=environment, listen="127.0.0.1:0", home=home, drain_seconds=1,
            allow_private=allow_private, fault=faults,
        ) as port,
        channel_to(f"127.0.0.1:{port}") as channel,
    ):  # fmt: skip
        renews = loaded.descriptor.auth.kind in ("oauth2", "session")
        sending = loaded.methods.get("SendMessage")
        knows = sending is not None and (sending.idempotency_header or sending.lookup is not None)
        system = System(
            channel,
            frozenset(loaded.methods),
            faults=faults,
            renews=renews,
            deals_need=_required(loaded.methods.get("CreateDeal")),
            contact_point=contact_point,
            messages_by=_channel(sending),
            sent=None if knows else lambda: faults.changes,
        )
        for check in (*CHECKS, *DEAL_CHECKS, *MESSAGE_CHECKS):
            title = inspect.getdoc(check) or check.__name__
            try:
                await check(system)
                yield Outcome("passed", title)
            except LeftOut as left_out:
                yield Outcome("left-out", title, str(left_out))
            except Failed as failed:
                yield Outcome("failed", title, str(failed))
            except grpc.aio.AioRpcError as error:
                yield Outcome("failed", title, reason_from(error))


def _channel(sending: Method | None) -> str:
    """The channel that the vendor's messages go by."""
    return "email" if sending is None else sending.only.get("channel", ("email",))[0]


def _required(method: Method | None) -> tuple[str, ...]:
    return () if method is None else method.required
