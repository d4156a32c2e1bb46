"""What happens when a tool is called: one call of the gateway, whose answer or refusal becomes the tool's result."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import grpc
import msgspec

from gateway.clock import clock_ms
from pilote.decision.v1 import decision_service_pb2
from services.agents.calling import Caller, Metadata
from services.agents.catalogue import Catalogue
from services.agents.mcp import refusals, texts
from services.agents.mcp.arguments import ArgumentsInvalid, Window, decoded, encoded
from services.agents.mcp.tools import GET_HOLD, WAIT_HOLD, Tool

TOOL_SECONDS: Final = 60.0
"""How long a call may take, however long its caller would wait."""
WAIT_SECONDS: Final = 60.0
"""How long holds_wait waits where nobody says it."""
MOST_CHARACTERS: Final = 400_000
"""Largest answer as text: about 100,000 tokens of a model."""
PROGRESS_SECONDS: Final = 5.0

Progress = Callable[[float, str], Awaitable[None]]
"""Tells how much has come, and that in words."""
_HELD: Final = frozenset({GET_HOLD, WAIT_HOLD})
_OPEN: Final = frozenset({"HOLD_STATE_PENDING", "HOLD_STATE_APPROVED", "HOLD_STATE_SCHEDULED", "HOLD_STATE_EXECUTING"})
_TOLD: Final = ("pilote-decision-id", "pilote-revision", "pilote-version", "pilote-channel", "ratelimit")


class Ran(msgspec.Struct, frozen=True):
    """What came of a call of a tool."""

    texts: Sequence[str]
    """What a model reads: the answer as JSON or the refusal, then what to do next."""
    structure: dict[str, Any]
    """The same for programs."""
    failed: bool
    told: Mapping[str, str]
    """What the gateway says beside it, such as "pilote/decision-id"."""


class Running:
    """Runs tools. `clock` gives milliseconds since the epoch."""

    def __init__(self, catalogue: Catalogue, caller: Caller, *, clock: Callable[[], int] = clock_ms) -> None:
        self._catalogue = catalogue
        self._caller = caller
        self._clock = clock

    async def run(
        self, tool: Tool, arguments: Mapping[str, Any], *, metadata: Metadata, language: str, progress: Progress
    ) -> tuple[Ran, Metadata]:
        """The tool's result, and the trailers of the call. Refusals are results too.

        Raises:
            grpc.aio.AioRpcError: UNAUTHENTICATED.
        """
        asked = dict(arguments)
        try:
            window = Window(asked) if tool.kind == "items" and tool.harmless else None
            requests = encoded(tool, asked)
        except ArgumentsInvalid as problem:
            return _result(*refusals.invalid(str(problem), language=language), failed=True), ()
        try:
            if tool.kind == "one":
                return await self._one(tool, requests[0], metadata=metadata, language=language, progress=progress)
            return await self._several(
                tool, requests, window=window, metadata=metadata, language=language, progress=progress
            )
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.UNAUTHENTICATED:
                raise
            text, structure = refusals.refusal_of(error, language=language, now_ms=self._clock())
            return _result(text, structure, failed=True), tuple(error.trailing_metadata() or ())

    async def _one(
        self, tool: Tool, request: bytes, *, metadata: Metadata, language: str, progress: Progress
    ) -> tuple[Ran, Metadata]:
        method, seconds = tool.method.full_name, TOOL_SECONDS
        if method == WAIT_HOLD:
            request, seconds = _waiting(request)
        call = self._caller.unary(method, request, metadata=metadata, seconds=seconds)
        if method == WAIT_HOLD:
            hold = decision_service_pb2.WaitHoldRequest.FromString(request).name
            call = _telling(call, progress, text=texts.said("waiting", language=language, hold=hold))
        reply = await call
        answer = decoded(tool.method.output, reply.message)
        steps: list[str] = []
        if method in _HELD:
            answer = self._with_response(answer)
            if answer.get("hold", {}).get("state") in _OPEN:
                steps = [texts.said("still-held", language=language, hold=answer["hold"]["name"])]
        if tool.paged and (token := answer.get("next_page_token")):
            steps = [texts.said("more-pages", language=language, tool=tool.name, token=token)]
        return _answered(tool, answer, trailers=reply.trailers, steps=steps, language=language), reply.trailers

    def _with_response(self, answer: dict[str, Any]) -> dict[str, Any]:
        """The hold with the answer of its call as JSON, where the contract of that method is known."""
        hold = answer.get("hold", {})
        blob = hold.pop("response", None)
        method = self._catalogue.find(hold.get("method", ""))
        if blob is not None and method is not None:
            raw = decision_service_pb2.Hold()
            raw.response = _from_base64(blob)
            hold["response"] = decoded(method.output, raw.response)
        return answer

    async def _several(
        self,
        tool: Tool,
        requests: Sequence[bytes],
        *,
        window: Window | None,
        metadata: Metadata,
        language: str,
        progress: Progress,
    ) -> tuple[Ran, Metadata]:
        items: list[dict[str, Any]] = []
        trailers: Metadata = ()
        skip, most = (0, None) if window is None else (window.skip, window.most)
        further, seen, characters = False, 0, 0
        started = self._caller.stream(tool.method.full_name, _each(requests), metadata=metadata, seconds=TOOL_SECONDS)
        async with started as stream:
            async for blob in stream:
                seen += 1
                if seen <= skip:
                    continue
                if most is not None and (len(items) >= most or characters > MOST_CHARACTERS // 2):
                    further = True
                    break
                items.append(decoded(tool.method.output, blob))
                characters += len(blob)
                await progress(len(items), texts.said("received", language=language, count=str(len(items))))
            else:
                trailers = await stream.trailers()
        answer: dict[str, Any] = {"items": items}
        steps = []
        if further:
            answer["next_skip_items"] = skip + len(items)
            following = str(answer["next_skip_items"])
            steps = [texts.said("more-items", language=language, tool=tool.name, skip=following)]
        return _answered(tool, answer, trailers=trailers, steps=steps, language=language), trailers


def _answered(tool: Tool, answer: dict[str, Any], *, trailers: Metadata, steps: Sequence[str], language: str) -> Ran:
    text = msgspec.json.encode(answer).decode()
    if len(text) > MOST_CHARACTERS:
        most = texts.said("too-large", language=language, most=f"{MOST_CHARACTERS}")
        if tool.harmless:
            error = {"code": "OUT_OF_RANGE", "reason": "ANSWER_TOO_LARGE", "message": most, "next_step": most}
            return _result(most, {"error": error}, failed=True)
        text = text[:MOST_CHARACTERS]
    told = {f"pilote/{name.removeprefix('pilote-')}": str(value) for name, value in trailers if name in _TOLD}
    return _result(text, answer, failed=False, steps=steps, told=told)


def _result(
    text: str,
    structure: dict[str, Any],
    *,
    failed: bool,
    steps: Sequence[str] = (),
    told: Mapping[str, str] | None = None,
) -> Ran:
    return Ran((text, *steps), structure, failed, told or {})


async def _each(requests: Sequence[bytes]) -> AsyncIterator[bytes]:
    for request in requests:
        yield request


def _waiting(request: bytes) -> tuple[bytes, float]:
    """The request to wait for a hold with a time that it says itself, and how long the call may take then."""
    asked = decision_service_pb2.WaitHoldRequest.FromString(request)
    if not asked.HasField("timeout"):
        asked.timeout.FromMilliseconds(round(WAIT_SECONDS * 1000))
    seconds = min(max(asked.timeout.ToMilliseconds() / 1000, 0.0), 600.0)
    return asked.SerializeToString(), seconds + 10.0


async def _telling(call: Awaitable[Any], progress: Progress, *, text: str) -> Any:
    """The answer of the call; meanwhile it is told every few seconds that it is still waited for."""
    task = asyncio.ensure_future(call)
    waited = 0.0
    try:
        while True:
            done, _ = await asyncio.wait([task], timeout=PROGRESS_SECONDS)
            if done:
                return task.result()
            waited += PROGRESS_SECONDS
            await progress(waited, text)
    finally:
        task.cancel()


def _from_base64(text: str) -> bytes:
    return base64.b64decode(text)
