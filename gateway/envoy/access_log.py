"""Envoy's access log: how requests have ended that were let through, and so what becomes of what they have taken."""

from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import msgspec

from gateway.adapters.admission import Admission
from gateway.core.errors import Reason
from gateway.core.limits import LimitRule
from gateway.core.record import Acted, Settlement
from gateway.core.revision.compiled import Revision
from gateway.core.spending import costs, told
from gateway.envoy.authorization import SEAL
from gateway.envoy.doors import Doors
from gateway.envoy.engine.carried import Carried, us_of
from gateway.envoy.engine.filters import CALL
from gateway.envoy.engine.trying import TRIES
from gateway.envoy.fates import Fate, fate_of
from gateway.envoy.seals import Admitted, Seals
from pilote.envoy import access_log_data_pb2, access_log_pb2, access_log_pb2_grpc

FILTER: Final = "envoy.filters.http.ext_authz"
"""Under which Envoy keeps the metadata of a Check."""


class AccessLog(access_log_pb2_grpc.AccessLogServiceServicer):
    """Settles what the requests have taken that Envoy tells of."""

    def __init__(
        self,
        admission: Admission,
        *,
        seals: Seals,
        doors: Doors,
        revision: Callable[[], Revision | None],
        clock: Callable[[], int],
        carried: Carried | None = None,
    ) -> None:
        """`revision` gives the active one, `clock` milliseconds since the epoch; `carried` are calls of agents."""
        self._carried = carried
        self._revision = revision
        self._admission = admission
        self._seals = seals
        self._doors = doors
        self._clock = clock

    async def StreamAccessLogs(  # noqa: N802
        self, request_iterator: AsyncIterator[access_log_pb2.StreamAccessLogsMessage], context: Any
    ) -> access_log_pb2.StreamAccessLogsResponse:
        """Settle one request after the other, until Envoy has no more to tell.

        Ends as AGENT_UNAUTHENTICATED where it is not Envoy that tells.
        """
        await self._doors.look(context)
        tries = False
        async for message in request_iterator:
            tries = tries or message.identifier.log_name == TRIES  # said once, by the first
            for entry in message.http_logs.log_entry:
                if not tries:
                    self._settle(entry)
                elif self._carried is not None:
                    self._carried.tried(entry)
        return access_log_pb2.StreamAccessLogsResponse()

    def _settle(self, entry: access_log_data_pb2.HTTPAccessLogEntry) -> None:
        common = entry.common_properties
        said = common.metadata.filter_metadata
        if common.intermediate_log_entry or FILTER not in said:
            return  # it goes on, or it was refused
        if self._carried is not None and CALL in said[FILTER].fields:
            self._carried.ended(said[FILTER].fields[CALL].string_value, entry)
            return
        if SEAL not in said[FILTER].fields:
            return
        admitted = self._seals.open(said[FILTER].fields[SEAL].string_value)
        if admitted is not None:
            headers = {name.lower(): value for name, value in entry.response.response_headers.items()}
            limits = self._limits(admitted.method)
            settlement = settlement_of(admitted, entry, now_ms=self._clock())
            if not settlement.gave_back and not settlement.in_doubt:
                # An actual cost that looks at more than headers fails here, and its estimate stands.
                paid = costs(limits, {"trailers": headers}, now_ms=admitted.received_ms)
                settlement = msgspec.structs.replace(settlement, costs=paid)
            self._admission.settle(admitted.reservation, settlement, told=told(limits, headers))

    def _limits(self, method: str) -> tuple[LimitRule, ...]:
        """The limits of a method whose answers tell something, by the policy that is active here."""
        revision = self._revision()
        policy = revision.methods.get(method) if method and revision is not None else None
        return () if policy is None else policy.limits


def settlement_of(admitted: Admitted, entry: access_log_data_pb2.HTTPAccessLogEntry, *, now_ms: int) -> Settlement:
    """How the request ended. `now_ms` is when that was told, in milliseconds since the epoch."""
    common = entry.common_properties
    fate = fate_of(entry)
    in_doubt = fate.acted is Acted.MAYBE and not admitted.harmless
    total_us = max(us_of(common.duration), admitted.overhead_us)
    first_us = us_of(common.time_to_first_upstream_tx_byte)
    upstream_us = max(0, us_of(common.time_to_last_upstream_rx_byte) - first_us)
    return Settlement(
        id=admitted.reservation.id,
        settled_ms=max(now_ms, admitted.received_ms),
        status=fate.status,
        reason=_reason(fate, in_doubt=in_doubt, reduces=admitted.reducing is not None),
        in_doubt=in_doubt,
        gave_back=fate.acted is not Acted.YES and not in_doubt,
        total_us=total_us,
        upstream_us=upstream_us,
        overhead_us=max(0, total_us - upstream_us),
        admit_us=admitted.admit_us,
        response_bytes=entry.response.response_body_bytes,
        slow=0 < admitted.slow_us < total_us,
    )


def _reason(fate: Fate, *, in_doubt: bool, reduces: bool) -> str:
    if fate.withheld:
        return Reason.REPLY_WITHHELD.value
    if fate.unredacted and reduces:
        return Reason.REQUEST_WITHHELD.value
    return Reason.UPSTREAM_IN_DOUBT.value if in_doubt else ""
