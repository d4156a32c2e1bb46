"""What the gateway offers the agent of a credential: asked for by that credential, and kept for a few seconds."""

import hashlib
import time
from collections.abc import Callable, Mapping
from typing import Final

import grpc
import msgspec

from pilote.decision.v1 import decision_service_pb2
from services.agents.calling import REVISION, Caller, Metadata

LIST: Final = "/pilote.decision.v1.DecisionService/ListMethods"
KEPT_SECONDS: Final = 10.0
"""How long an answer is taken for true; a call that another revision answered ends that at once."""
MOST_KEPT: Final = 10_000
"""Credentials whose answer is remembered."""
LIST_SECONDS: Final = 10.0


class Offer(msgspec.Struct, frozen=True):
    """The methods that an agent may use, by full name, at one revision of the policy."""

    methods: Mapping[str, decision_service_pb2.Method]
    revision: int
    until: float


class Offers:
    """Asks the gateway; `clock` gives seconds that never go back."""

    def __init__(self, caller: Caller, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._caller = caller
        self._clock = clock
        self._kept: dict[bytes, Offer] = {}
        self._revision = 0

    async def of(self, credential: Metadata) -> Offer:
        """What the agent of this credential may use.

        Raises:
            grpc.aio.AioRpcError: UNAUTHENTICATED for a credential that is none; or the gateway does not answer.
        """
        key = digest_of(credential)
        found = self._kept.get(key)
        if found is not None and found.until > self._clock() and found.revision >= self._revision:
            return found
        found = await self._asked(credential)
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[key] = found
        self._revision = max(self._revision, found.revision)
        return found

    def answered(self, trailers: Metadata) -> None:
        """A call has been answered with these trailers, which may tell of a newer revision."""
        for name, value in trailers:
            if name == REVISION and isinstance(value, str) and value.isdigit():
                self._revision = max(self._revision, int(value))

    def forget(self, credential: Metadata) -> None:
        """Ask anew next time: the gateway has just refused this credential."""
        self._kept.pop(digest_of(credential), None)

    async def _asked(self, credential: Metadata) -> Offer:
        methods: dict[str, decision_service_pb2.Method] = {}
        request = decision_service_pb2.ListMethodsRequest(page_size=1000)
        while True:
            encoded = request.SerializeToString()
            reply = await self._caller.unary(LIST, encoded, metadata=credential, seconds=LIST_SECONDS)
            page = decision_service_pb2.ListMethodsResponse.FromString(reply.message)
            methods.update((each.method, each) for each in page.methods)
            request.page_token = page.next_page_token
            if not page.next_page_token:
                return Offer(methods, page.revision, self._clock() + KEPT_SECONDS)


def refused_credential(error: grpc.aio.AioRpcError) -> bool:
    """Whether the gateway has said that the credential proves nothing."""
    return error.code() is grpc.StatusCode.UNAUTHENTICATED


def digest_of(credential: Metadata) -> bytes:
    """What tells credentials apart without keeping them."""
    return hashlib.sha256(msgspec.json.encode(sorted((name, str(value)) for name, value in credential))).digest()
