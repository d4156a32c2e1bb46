"""Every method that the gateway serves, as its reflection describes them: what REST and MCP are derived from."""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import grpc
import msgspec
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

from gateway.rpc.reflected import files_of, pool_of, service_names

_PLUMBING: Final = "grpc."
"""Health and reflection are about the server itself."""
LOOK_SECONDS: Final = 30.0
"""The gateway is asked again so often where nothing says that its contracts have changed."""
AGAIN_SECONDS: Final = 1.0
"""And so soon at most, however many calls ask for methods that nobody knows."""

_log = logging.getLogger(__name__)


class Method(msgspec.Struct, frozen=True, eq=False):
    """One method of a contract."""

    full_name: str
    """"/package.Service/Method"."""
    descriptor: MethodDescriptor
    input: type[Message]
    output: type[Message]
    comment: str
    """What the contract says of it, in English; empty where it says nothing."""

    @property
    def streaming(self) -> bool:
        """Whether either side sends more than one message."""
        return bool(self.descriptor.client_streaming or self.descriptor.server_streaming)


class Catalogue:
    """What the gateway behind `channel` serves. Empty until it was first refreshed.

    `comments` says what contracts say of a symbol, by its full name; reflection does not carry that.
    """

    def __init__(
        self, channel: grpc.aio.Channel, *, comments: Mapping[str, str], clock: Callable[[], float] | None = None
    ) -> None:
        self._channel = channel
        self.comments: Final = comments
        self._clock = clock
        self._methods: dict[str, Method] = {}
        self._digest = b""
        self._revision = ""
        self._stale = asyncio.Event()
        self._looking = asyncio.Lock()
        self._looked_at = float("-inf")
        self.version = 0
        """Grows whenever the methods have changed, so that what is derived from them can be kept until then."""

    @property
    def ready(self) -> bool:
        """Whether the gateway has answered once."""
        return self.version > 0

    def methods(self) -> Sequence[Method]:
        """All methods, by service and then in the order of the contract."""
        return tuple(self._methods.values())

    def find(self, full_name: str) -> Method | None:
        """The method of that name, "/package.Service/Method"; `None` where the gateway serves none."""
        return self._methods.get(full_name)

    def answered_by(self, revision: str) -> None:
        """A call was answered by that revision of the policy; another one may bring other contracts."""
        if revision != self._revision:
            self._revision = revision
            self._stale.set()

    async def refresh(self) -> None:
        """Ask the gateway once more.

        Raises:
            grpc.aio.AioRpcError: it does not answer; what was known before stays.
        """
        async with self._looking:
            await self._look()

    async def look_again(self) -> bool:
        """Ask once more for a method that nobody knows, at most once a second; says whether anything has changed."""
        before = self.version
        async with self._looking:
            if self.version == before and self._now() - self._looked_at >= AGAIN_SECONDS:
                try:
                    await self._look()
                except grpc.aio.AioRpcError:
                    return False
        return self.version != before

    async def follow(self) -> None:
        """Keep what is known up to date, until cancelled: after a new revision, and every half minute."""
        told = False
        while True:
            self._stale.clear()
            try:
                await self.refresh()
                told = False
            except grpc.aio.AioRpcError as error:
                if not told:
                    _log.warning("the gateway's contracts cannot be read", extra={"status": error.code().name})
                told = True
            try:
                async with asyncio.timeout(LOOK_SECONDS if self.ready and not told else AGAIN_SECONDS):
                    await self._stale.wait()
            except TimeoutError:
                pass

    async def _look(self) -> None:
        self._looked_at = self._now()
        names = [name for name in await service_names(self._channel) if not name.startswith(_PLUMBING)]
        files = await files_of(self._channel, names)
        digest = hashlib.sha256(b"".join(file.SerializeToString(deterministic=True) for file in files))
        digest.update("\n".join(names).encode())
        if digest.digest() == self._digest:
            return
        pool = pool_of(files)
        self._methods = {
            method.full_name: method
            for name in sorted(names)
            for each in pool.FindServiceByName(name).methods
            for method in (self._method(each),)
        }
        self._digest = digest.digest()
        self.version += 1

    def _method(self, descriptor: MethodDescriptor) -> Method:
        return Method(
            full_name=f"/{descriptor.containing_service.full_name}/{descriptor.name}",
            descriptor=descriptor,
            input=_class_of(descriptor.input_type),
            output=_class_of(descriptor.output_type),
            comment=self.comments.get(descriptor.full_name, ""),
        )

    def _now(self) -> float:
        return asyncio.get_running_loop().time() if self._clock is None else self._clock()


def _class_of(descriptor: Any) -> type[Message]:
    found: type[Message] = message_factory.GetMessageClass(descriptor)
    return found
