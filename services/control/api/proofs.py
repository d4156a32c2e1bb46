"""What proves the log, over HTTP: checkpoints, and proofs of decisions and of the log's growth."""

from typing import Annotated

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from pilote.audit.v1 import audit_service_pb2
from services.control.access.rights import Right
from services.control.api.parameters import Answer, Asking
from services.control.api.proto_schemas import answers
from services.control.audit_client import AuditClient, parsed

_Cosigned = Annotated[bool, QueryParameter(name="cosigned", description="The newest that a witness has signed.")]
_Size = Annotated[int, QueryParameter(name="treeSize", description="Size of the log it is of. 0: any that fits.")]
_End = Annotated[bool, QueryParameter(name="settlement", description="Prove the end of the call, not its admission.")]
_First = Annotated[int, QueryParameter(name="firstTreeSize", description="Size of the earlier log, 1 or more.")]
_Second = Annotated[int, QueryParameter(name="secondTreeSize", description="Size of the later log. 0: the newest.")]


class Proofs:
    """Proves the log to who may see."""

    def __init__(self, client: AuditClient) -> None:
        self._client = client

    def handlers(self) -> list[HTTPRouteHandler]:
        """All operations."""
        return [*self._checkpoints(), *self._proofs()]

    def _checkpoints(self) -> list[HTTPRouteHandler]:
        client, stub = self._client, self._client.stub

        @get(
            "/v1/checkpoint",
            right=Right.SEE,
            summary="Checkpoint",
            operation_class=answers(audit_service_pb2.GetCheckpointResponse),
        )
        async def newest(request: Asking, *, cosigned: _Cosigned = False) -> Answer:
            """The newest signed checkpoint of the log."""
            asked = audit_service_pb2.GetCheckpointRequest(cosigned=cosigned)
            return await client.ask(request, stub.GetCheckpoint, asked)

        @post(
            "/v1/checkpoint:cosign",
            right=Right.SEE,
            status_code=200,
            summary="Cosign",
            operation_class=answers(
                audit_service_pb2.AddCosignatureResponse, takes=audit_service_pb2.AddCosignatureRequest
            ),
        )
        async def cosign(request: Asking) -> Answer:
            """Keep the signature of a witness, whose key the audit service must know."""
            body = await request.body()
            kind = audit_service_pb2.AddCosignatureRequest
            return await client.ask(request, stub.AddCosignature, parsed(kind, body))

        return [newest, cosign]

    def _proofs(self) -> list[HTTPRouteHandler]:
        client, stub = self._client, self._client.stub

        @get(
            "/v1/decisions/{decision:str}/inclusionProof",
            right=Right.SEE,
            summary="Prove a decision",
            operation_class=answers(audit_service_pb2.GetInclusionProofResponse),
        )
        async def inclusion(
            request: Asking,
            decision: FromPath[str],
            *,
            size: _Size = 0,
            settlement: _End = False,
        ) -> Answer:
            """The proof that a decision is in the log of a given size."""
            values = {"name": f"decisions/{decision}", "treeSize": size, "settlement": settlement}
            kind = audit_service_pb2.GetInclusionProofRequest
            return await client.ask_with(request, stub.GetInclusionProof, kind, values)

        @get(
            "/v1/checkpoint:consistencyProof",
            right=Right.SEE,
            summary="Prove the log's growth",
            operation_class=answers(audit_service_pb2.GetConsistencyProofResponse),
        )
        async def consistency(request: Asking, first: _First = 0, second: _Second = 0) -> Answer:
            """The proof that a log of one size is the beginning of a later one."""
            values = {"firstTreeSize": first, "secondTreeSize": second}
            kind = audit_service_pb2.GetConsistencyProofRequest
            return await client.ask_with(request, stub.GetConsistencyProof, kind, values)

        return [inclusion, consistency]
