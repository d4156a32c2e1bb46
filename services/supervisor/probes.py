"""Ways to ask a process whether it is ready; any async function that returns a bool is one too."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import grpc
import msgspec
from grpc_health.v1 import health_pb2, health_pb2_grpc
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from gateway.rpc.channels import channel_to, client_context

_ANSWER_SECONDS: Final = 1.0

Probe = Callable[[], Awaitable[bool]]
"""Asked again and again until it says True; an `OSError` counts as no, any other exception ends the supervisor."""


class GrpcServing(msgspec.Struct, frozen=True):
    """Ready when the gRPC health service at `address` ("127.0.0.1:50051") says SERVING."""

    address: str
    service: str = ""
    """Full service name; empty asks for the server as a whole."""

    async def __call__(self) -> bool:
        """Ask once; no longer than a second."""
        # Channels share connections and their back-off: without its own pool, the first refusal would be answered
        # from memory for a second.
        options = (("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0))
        async with channel_to(self.address, options=options) as channel:
            request = health_pb2.HealthCheckRequest(service=self.service)
            try:
                answer = await health_pb2_grpc.HealthStub(channel).Check(request, timeout=_ANSWER_SECONDS)
            except grpc.aio.AioRpcError:
                return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


class RedisAnswers(msgspec.Struct, frozen=True):
    """Ready when the Redis at `url` answers PING, which it refuses while it loads its file."""

    url: str

    async def __call__(self) -> bool:
        """Ask once; no longer than a second per step."""
        client = Redis.from_url(
            self.url,
            socket_timeout=_ANSWER_SECONDS,
            socket_connect_timeout=_ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        async with client:
            try:
                return bool(await client.ping())
            except (RedisError, OSError):
                return False


class HttpOk(msgspec.Struct, frozen=True):
    """Ready when GET `path` on `host`:`port` is answered with 200; over HTTPS where this process has a certificate."""

    port: int
    path: str = "/"
    host: str = "127.0.0.1"

    async def __call__(self) -> bool:
        """Ask once; no longer than a second."""
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                reader, writer = await asyncio.open_connection(self.host, self.port, ssl=client_context())
                try:
                    request = f"GET {self.path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nConnection: close\r\n\r\n"
                    writer.write(request.encode())
                    return (await reader.readline()).split()[1:2] == [b"200"]
                finally:
                    writer.close()
        except (OSError, ValueError, TimeoutError):
            return False
