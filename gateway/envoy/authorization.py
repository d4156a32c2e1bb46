"""Envoy's `ext_authz`: a plain HTTP request takes the first six steps of every call, and Envoy forwards it or answers.

Served on the gateway's own port.
"""

import asyncio
import functools
from typing import Any, Final

from gateway import refusal
from gateway.adapters.reservation import to_settle
from gateway.callrun import CallRun, elapsed_us
from gateway.core.errors import CallEnded, Reason
from gateway.core.record import Acted
from gateway.core.rest.targets import Targets
from gateway.core.revision.compiled import Revision
from gateway.envoy.asking import asked, credential_headers
from gateway.envoy.doors import Doors, redacts
from gateway.envoy.heads import UPSTREAM_HEADER, overwrite
from gateway.envoy.redactions import Redactions, redactions_of
from gateway.envoy.seals import Admitted, Seals
from gateway.messages.rest_redacted_requests import reduced_path
from gateway.pipeline import Pipeline
from gateway.rpc.http_status import body_of, http_of, retry_after_s
from gateway.rpc.interceptors import unexpected
from gateway.rpc.status import code_of
from gateway.trailers import own
from gateway.watching.trace_context import handling
from gateway.watching.watch import Watch
from pilote.envoy import auth_pb2, auth_pb2_grpc

SEAL: Final = "pilote"
"""Key of Envoy's dynamic metadata under which the access log brings back what was sealed."""
DECISION_HEADER: Final = "pilote-decision-id"
MARK: Final = "pilote-redacts"
"""Header by which a reply says on its way through Envoy that it must not leave as it is."""
_AS_IT_IS: Final = ("accept-encoding", "range")
"""Headers without which a reply comes whole and readable."""
NOWHERE: Final = "pilote-nowhere"
"""No upstream: where a request goes of which nothing has been taken out yet, though something must be."""


class Authorization(auth_pb2_grpc.AuthorizationServicer):
    """Decides about requests that Envoy is about to forward."""

    def __init__(
        self,
        pipeline: Pipeline,
        watch: Watch,
        *,
        seals: Seals,
        doors: Doors,
        trace_ratio: float,
    ) -> None:
        self._pipeline = pipeline
        self._watch = watch
        self._seals = seals
        self._doors = doors
        self._trace_ratio = trace_ratio
        self._known: tuple[Revision | None, Targets] = (None, Targets(()))

    async def Check(self, request: auth_pb2.CheckRequest, context: Any) -> auth_pb2.CheckResponse:  # noqa: N802
        """Whether the request may go on. Ends as AGENT_UNAUTHENTICATED where it is not Envoy that asks."""
        await self._doors.look(context)
        run, asking = asked(request.attributes.request.http, self._targets(), trace_ratio=self._trace_ratio)
        now = handling(run.incoming.trace)
        try:
            await self._pipeline.admit(run, asking)
            _not_again(run)
            redactions = redactions_of(run, request.attributes.request.http)
            redactions.look(redacts(context))
            allowed = self._allowed(run, redactions, path=request.attributes.request.http.path)
            context.add_done_callback(functools.partial(self._unless_heard, run))
            return allowed
        except asyncio.CancelledError as ended:  # Envoy has given up, and forwards nothing
            self._give_back(run, ended)
            raise
        except Exception as error:
            self._give_back(run, error)
            return _denied(run, error)
        finally:
            self._watch.ended(run)
            now.trace = None

    def _targets(self) -> Targets:
        revision = self._pipeline.revision
        if revision is not self._known[0]:
            self._known = (revision, Targets(() if revision is None else revision.document.rest))
        return self._known[1]

    def _unless_heard(self, run: CallRun, context: Any) -> None:
        if context.cancelled():  # Envoy was gone before it had the answer, and forwards nothing
            self._give_back(run, asyncio.CancelledError())

    def _give_back(self, run: CallRun, ended: BaseException) -> None:
        run.ended, run.acted = ended, Acted.NO
        self._pipeline.settle(run)

    def _allowed(self, run: CallRun, redactions: Redactions, *, path: bytes) -> auth_pb2.CheckResponse:
        assert run.reservation is not None  # noqa: S101 - it was admitted
        overhead_us, rule = elapsed_us(run), run.routed.rule
        admitted = Admitted(
            reservation=to_settle(run.reservation),
            received_ms=run.received_ms,
            overhead_us=overhead_us,
            admit_us=int((run.admitted - run.decided) * 1e6) if run.admitted else 0,
            harmless=run.harmless,
            slow_us=rule.slow_us if rule is not None else 0,
            method=run.incoming.method if run.reservation.settles else "",
            redacting=redactions.reply,
            reducing=redactions.request,
        )
        upstream, reducing = run.route.upstream, redactions.request
        sent = [(DECISION_HEADER, run.id), (UPSTREAM_HEADER, upstream if reducing is None else NOWHERE)]
        if reducing is not None and reducing.query:
            sent.append((":path", reduced_path(path.decode("ascii"), reducing.query)))
        response = auth_pb2.CheckResponse()
        allowed = response.ok_response
        overwrite(allowed.headers, sent)
        allowed.headers_to_remove.extend(credential_headers(run.incoming.metadata))
        overwrite(allowed.response_headers_to_add, _said(run))
        if redactions.reply:
            allowed.headers_to_remove.extend(_AS_IT_IS)
            overwrite(allowed.response_headers_to_add, [(MARK, "reply")])
        response.dynamic_metadata.fields[SEAL].string_value = self._seals.seal(admitted)
        return response


def _not_again(run: CallRun) -> None:
    """Refuse a request that was made already: its answer went through Envoy, and nobody has kept it.

    Raises:
        CallEnded: ALREADY_EXISTS.
    """
    if run.answer is None or run.outcome is None:
        return
    text = "A request with this idempotency key was made already: look up what came of it before you send another."
    raise CallEnded(Reason.ALREADY_EXISTS, text, metadata={"decision": f"decisions/{run.outcome.first}"})


def _denied(run: CallRun, error: Exception) -> auth_pb2.CheckResponse:
    ended = refusal.in_language(unexpected(error, run.incoming.method), run.incoming.language)
    headers = [("content-type", "application/json"), *_said(run)]
    retry_s = retry_after_s(ended)
    if retry_s is not None:
        headers.append(("retry-after", str(retry_s)))
    response = auth_pb2.CheckResponse(denied_response=auth_pb2.DeniedHttpResponse(body=body_of(ended)))
    overwrite(response.denied_response.headers, headers)
    response.status.code = code_of(ended.reason).value[0]
    response.denied_response.status.code = http_of(ended)
    return response


def _said(run: CallRun) -> list[tuple[str, str]]:
    return [(name, value) for name, value in own(run) if isinstance(value, str)]
