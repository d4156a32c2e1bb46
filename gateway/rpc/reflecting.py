"""Server reflection whose contracts may change while the server runs: a gateway learns new ones with a revision."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from grpc_health.v1 import health
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc


class Reflecting(reflection_pb2_grpc.ServerReflectionServicer):  # type: ignore[misc]
    """Answers which services there are, and what their contracts say."""

    def __init__(self, names: Sequence[str]) -> None:
        self._own = (*names, health.SERVICE_NAME, reflection.SERVICE_NAME)
        self._answering = reflection.aio.ReflectionServicer(self._own)

    def use(self, names: Sequence[str], pool: object) -> None:
        """Show these services besides our own from now on; `pool` holds the descriptors of all of them."""
        self._answering = reflection.aio.ReflectionServicer((*self._own, *names), pool=pool)

    async def ServerReflectionInfo(self, request_iterator: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        """See the contract of gRPC server reflection."""
        async for answer in self._answering.ServerReflectionInfo(request_iterator, context):
            yield answer
