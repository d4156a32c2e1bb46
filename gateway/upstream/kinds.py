"""The systems behind the gateway by what they speak: each kind of upstream has its adapter."""

from collections.abc import Callable, Collection, Mapping

from gateway.adapters.upstream_calls import Speaking, StreamCall, UnaryCall
from gateway.core.policy.upstreams import Upstream


class UpstreamKinds:
    """Hands every call to the adapter of its upstream's kind."""

    def __init__(self, kinds: Mapping[str, Speaking]) -> None:
        self._kinds = kinds

    def use(self, upstreams: Collection[Upstream]) -> None:
        """Keep connections to these upstreams. Calls that were admitted before end on those they were admitted for."""
        for kind, speaking in self._kinds.items():
            speaking.use([upstream for upstream in upstreams if upstream.kind == kind])

    def unary(self, upstream: Upstream, method: str) -> Callable[..., UnaryCall]:
        """Starts a unary call: `(request, timeout=seconds, metadata=...)`."""
        return self._kinds[upstream.kind].unary(upstream, method)

    def stream(self, upstream: Upstream, method: str) -> Callable[..., StreamCall]:
        """Starts a streaming call of any kind: `(timeout=seconds, metadata=...)`."""
        return self._kinds[upstream.kind].stream(upstream, method)

    async def close(self) -> None:
        """Close all connections."""
        for speaking in self._kinds.values():
            await speaking.close()
