"""Sums of what calls were decided by: how often each value came, of each measure and hour, which names nobody.

Of a customer each agent, version and method counts once a day, by the first call: how they are is no news an hour
later, and what many calls about the same people say is less than their number. All sums of a tenant in an hour are
sealed together where they rest: most of them are of a few values, and there are many.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from services.insights.drift.histograms import Grid
from services.workbench.columns.measured import Values

if TYPE_CHECKING:  # the asynchronous stubs exist for type checkers only
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub

GRID: Final = Grid(step=0.02, logarithmic=True)
"""Numbers that differ by 2 % are told apart."""
VERDICT: Final = "verdict"
LATENCY: Final = "latency"
"""Of calls that have ended, by segment: see `latencies`."""
KEPT_HOURS: Final = 24 * 18
"""How long sums are kept: the seventeen days that drift is looked for in, and one more."""
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS


class Summing(Protocol):
    """Opens what calls were decided by, and seals the sums of it where they come to rest."""

    async def opened(
        self, records: Sequence[bytes], audit: "AuditServiceAsyncStub", *, since_ms: int
    ) -> Mapping[str, Values]:
        """What may be measured of calls since a time, by the id of the decision; nothing of whom was erased.

        `records` are those of their admissions, as gateways wrote them.

        Raises:
            grpc.aio.AioRpcError: the audit service does not answer.
        """

    def seal(self, clear: bytes, *, bound_to: bytes) -> bytes:
        """`clear`, sealed; it opens only where the same `bound_to` is given."""

    def open(self, sealed: bytes, *, bound_to: bytes) -> bytes | None:
        """What was sealed; `None` where its key is not there, or it is not what was sealed for `bound_to`."""


class Sheet(msgspec.Struct, frozen=True, order=True):
    """Which sums are sealed together: those of a tenant in an hour."""

    tenant: str
    at_hour: int
    """Since the epoch."""

    @property
    def bound_to(self) -> bytes:
        """What its seal is bound to."""
        return b"sums\x00" + msgspec.json.encode(self)


class Group(msgspec.Struct, frozen=True, order=True):
    """What one histogram is of."""

    tenant: str
    agent: str
    version: str
    method: str
    segment: str
    """Empty: of all customers."""
    measure: str
    field: str
    numbers: bool
    at_hour: int
    """Since the epoch."""


def named(model: str, version: str) -> str:
    """What is called a version wherever versions are compared: "lead-score/2" of a model that was asked, else "2"."""
    return f"{model}/{version}" if model and version else version


Person = tuple[str, str, str, str, str, int]
"""Tenant, agent, version, method, pseudonym and day."""
