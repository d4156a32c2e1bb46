"""Shows what a call was decided by, opened, to people whose role lets them: over HTTP, and never without a trace.

The audit service keeps the values and their keys and can read neither; this process has the master key and keeps
nothing. So both are needed, and the audit service writes into its log who asks before it gives anything.
"""

import re
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gateway.adapters.sealing import Damaged, KeyMissing, Sealer
from gateway.core.used import SealedValues, UsedValues, WrappedKey
from gateway.records.opening import opened
from pilote.audit.v1 import personal_pb2
from pilote.decision.v1 import decision_pb2
from services.control.access.principals import principal_of
from services.control.access.rights import Right
from services.control.api.describing import takes
from services.control.api.parameters import Reasoned
from services.control.audit_client import SECONDS, AuditClient, asking_as
from services.revisions.revising import RevisionProblem

_DECISION: Final = re.compile(r"[0-9a-f]{32}")


class Value(msgspec.Struct, frozen=True):
    """One value that the call was decided by."""

    name: str
    """As conditions write it."""
    origin: str
    """"request", "facts" or "call"."""
    value: Any
    """`null` where it was not there."""


class Shown(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """What is known of the values of a decision."""

    decision: str
    state: str
    """"SEALED" where they are shown; "ERASED" with the customer, "KEY_MISSING", or "NONE" where none are recorded."""
    erase_time: str = ""
    values: tuple[Value, ...] = ()
    more: int = 0
    """How many further values there were that were not recorded."""


class Values:
    """Answers who may."""

    def __init__(self, client: AuditClient, *, sealer: Sealer) -> None:
        self._client = client
        self._sealer = sealer

    def handlers(self) -> list[HTTPRouteHandler]:
        """The one operation."""

        @post(
            "/v1/decisions/{decision:str}/values",
            right=Right.VALUES,
            status_code=200,
            summary="Read what a call was decided by",
            operation_class=takes(Reasoned),
        )
        async def values(decision: FromPath[str], request: Request[Any, Any, Any]) -> Response[Shown]:
            """The request fields and facts that the conditions read, in the clear. Who asks and why is recorded."""
            why = msgspec.json.decode(await request.body(), type=Reasoned)
            shown = await self.shown(request, decision, why.reason)
            return Response(shown, status_code=HTTPStatus.OK)

        return [values]

    async def shown(self, request: Request[Any, Any, Any], decision: str, reason: str) -> Shown:
        """The values of a decision, by its id, for who asks and says why, which the log keeps.

        Raises:
            RevisionProblem: there is no such decision, or they cannot be opened.
            grpc.aio.AioRpcError: the audit service refuses, or does not answer.
        """
        if not _DECISION.fullmatch(decision):
            raise RevisionProblem("decision-unknown", decision=decision[:64])
        person = principal_of(request).name
        asked = personal_pb2.ReadValuesRequest(name=f"decisions/{decision}", person=person, reason=reason)
        read: Any = self._client.stub.ReadValues
        answer: personal_pb2.ReadValuesResponse = await read(asked, timeout=SECONDS, metadata=asking_as(request))
        state = decision_pb2.ValuesState.Name(answer.state).removeprefix("VALUES_STATE_")
        return Shown(
            decision=f"decisions/{decision}",
            state="NONE" if state == "UNSPECIFIED" else state,
            erase_time=answer.erase_time.ToJsonString() if answer.HasField("erase_time") else "",
            **_told(self._opened(decision, answer) if answer.HasField("key") else UsedValues()),
        )

    def _opened(self, decision: str, answer: personal_pb2.ReadValuesResponse) -> UsedValues:
        given = answer.key
        key = WrappedKey(given.id, given.subject_ref, given.make_time.ToMilliseconds(), given.wrapped)
        sealed = SealedValues(given.id, answer.sealed)
        try:
            return opened(sealed, key, sealer=self._sealer, tenant=answer.tenant, decision=decision)
        except KeyMissing as error:
            raise RevisionProblem("values-key") from error
        except (Damaged, msgspec.DecodeError) as error:
            raise RevisionProblem("values-damaged") from error


def _told(used: UsedValues) -> dict[str, Any]:
    values = tuple(Value(name, re.split(r"[.\[]", name, maxsplit=1)[0], value) for name, value in used.values)
    return {"values": values, "more": used.more}
