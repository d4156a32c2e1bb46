"""The systems behind the gateway, and what is done about one that fails."""

from typing import Annotated, Literal

import msgspec

from gateway.core.policy.vocabulary import Count, Duration, Name, Part, Percent, Version

Address = Annotated[str, msgspec.Meta(pattern=r"^(unix:/.+|[^\s/:]+:[0-9]{1,5}|\[[0-9a-fA-F:]+\]:[0-9]{1,5})\Z")]


class Breaker(Part, frozen=True, kw_only=True):
    """When an upstream is left alone for a while. Each gateway counts for itself.

    Once `percent` of at least `min_calls` calls within `window` have failed, calls fail at once for `open`; then one is
    let through to try.
    """

    percent: Percent = 50
    min_calls: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 20
    window: Duration = "10s"
    open: Duration = "5s"
    max_concurrent: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None = None
    """Most calls at a time; further ones fail at once. null: as many as come."""


class Outliers(Part, frozen=True, kw_only=True):
    """When one of an upstream's addresses gets no more calls for a while. Each gateway counts for itself."""

    failures: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 5
    """Failures in a row."""
    eject: Duration = "30s"
    """Times the number of times that it was ejected, up to ten times as long."""
    max_ejected: Percent = 50
    """Never more of the addresses than that, rounded down, but always one."""


class Upstream(Part, frozen=True, kw_only=True):
    """A system behind the gateway."""

    name: Name
    kind: Literal["grpc", "openai", "envoy"] = "grpc"
    """"grpc": any gRPC server, model servers of the Open Inference Protocol among them. "openai": a server of the
    OpenAI-compatible HTTP API. "envoy": a plain HTTP API that Envoy forwards to, whose configuration says where it is;
    for the methods of `rest`."""
    address: Address | None = None
    """Of a gRPC server."""
    addresses: Annotated[tuple[Address, ...], msgspec.Meta(max_length=64)] = ()
    """Of several that serve the same: calls go to the one with the fewest running."""
    url: Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s?#]+\Z", max_length=500)] | None = None
    """Of an OpenAI-compatible server, with the version: "https://llm.example.com/v1"."""
    key_file: Annotated[str, msgspec.Meta(min_length=1, max_length=500)] | None = None
    """File with the key of an OpenAI-compatible server, on the gateways' machines; a key is never part of a policy."""
    max_tokens_name: Literal["max_completion_tokens", "max_tokens"] | None = None
    """What an OpenAI-compatible server calls the most tokens of a chat's answer; null: "max_completion_tokens". Some
    servers know the old name only and answer without any limit where they get the other."""
    version: Version | None = None
    """Version of the connector or system, as records name it."""
    timeout: Duration = "30s"
    """Longest call, where the caller's deadline is later or absent. Where a route tries calls more than once and has a
    `timeout` of its own, the longest try."""
    tls: bool | Literal["mutual"] = False
    """Whether the connection is encrypted and the server's certificate checked against the system's roots. "mutual":
    against the authority in the gateways' `PILOTE_TLS_DIR`, and they show their own certificate."""
    sandbox: bool = False
    """Whether nothing that happens there is real: only such an upstream may be given copies of calls that write."""
    breaker: Breaker | None = None
    outliers: Outliers | None = None

    @property
    def all_addresses(self) -> tuple[str, ...]:
        """Every address of a gRPC server, in order."""
        return ((self.address,) if self.address is not None else ()) + self.addresses


class Retries(Part, frozen=True, kw_only=True):
    """How often a call is tried that certainly had no effect, or may have it more than once.

    A call that could change something is tried again only where the contract says that repeats do no harm, or where
    nothing has reached the upstream.
    """

    attempts: Annotated[int, msgspec.Meta(ge=2, le=10)] = 2
    """Tries at the arm that was chosen; each arm that takes over is tried once."""
    per_try: Duration | None = None
    """Longest single try of a call that may be repeated; null: all the time that is left."""
    backoff: Duration = "25ms"
    """Longest wait before the second try, doubled before each further one; the real wait is drawn at random."""
    budget: Percent = 20
    """Most tries that are neither the first nor at another arm, in percent of the route's calls of the last ten
    seconds, on each gateway."""
    min_per_second: Count = 3
    """What the budget always allows; 0: nothing is."""


class Hedge(Part, frozen=True, kw_only=True):
    """A second try beside the first where that takes long; the first answer counts. Reads and inferences only.

    It has the budget of the route's retries, and the usual one where the route has none.
    """

    after: Duration
    """How long the first try may take before the second begins."""
