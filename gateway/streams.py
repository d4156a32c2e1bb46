"""Streaming calls: admitted on their first message, and again on every further message that names a subject.

On the wire all streaming kinds look alike, so one path serves them. A refusal in the middle of a bidirectional stream
stops the caller's side only: the upstream finishes what it was given, its answers are passed on, and then the stream
ends with the refusal. Where the upstream answers only at the end (client streaming) the stream is cancelled.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Final

import grpc

from gateway.adapters.upstream_calls import StreamCall
from gateway.adapters.upstreams import Withheld, failed, pairs_of, passed_on
from gateway.callrun import CallRun, elapsed_us
from gateway.core.contract import Take
from gateway.core.errors import CallEnded, Reason
from gateway.core.record import Acted
from gateway.passing import forwarded, learn, learns, redacted_reply, takes_of
from gateway.pipeline import Pipeline

CANCELLATION_SECONDS: Final = 0.002
"""A caller that has gone away, or sent too much, looks at first like one that has no more to send: grpc cancels us one
turn of the loop later (measured: 15 us). Without this pause the upstream would take a part for the whole."""


class NeverCame(CallEnded):
    """The call ended before its first message had come. Nobody is told: grpc has ended the call by then."""

    def __init__(self) -> None:
        super().__init__(
            Reason.CANCELLED,
            "The call ended before its message had come: it was cancelled, or was larger than a connection takes.",
        )


class StreamRun:
    """One stream on its way through. `over` says whether grpc has ended the call by itself."""

    def __init__(self, pipeline: Pipeline, run: CallRun, *, over: Callable[[], bool]) -> None:
        self._pipeline = pipeline
        self._run = run
        self._over = over
        self._further: list[CallRun] = []
        self.decided: list[CallRun] = []
        """Further messages that were decided about, each a call of its own, whatever was decided."""
        self._refused: Exception | None = None
        self._settled = False
        self._last: bytes | None = None
        """The upstream's last message: what a stream has cost stands there."""
        self._call: StreamCall | None = None
        self._redacting: list[CallRun] = []
        """Messages by which replies are redacted, each under the revision that decided it: no reply says which message
        it answers. Of several that redact the same, one."""

    async def responses(self, requests: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
        """The upstream's messages, as they come.

        Raises:
            CallEnded: refused at the beginning or in the middle, or the upstream failed.
            UpstreamRefused: the upstream said no, in its own words.
        """
        run = self._run
        try:
            first = await self._first(requests)
            await self._pipeline.admit(run, first or b"")
            async for response in self._forward(first, requests):
                for message in self._redacting:
                    response = redacted_reply(message, response)  # noqa: PLW2901
                run.messages_out += 1
                run.response_bytes += len(response)
                self._last = response
                yield response
            if self._refused is not None:
                raise self._refused
            await self._pipeline.answered(run)
        except BaseException as ended:
            # A consumer that closes us has gone away; what it has not read it has not had.
            run.ended = ended
            raise
        finally:
            self._settle()

    async def _first(self, requests: AsyncIterator[bytes]) -> bytes | None:
        """The first message; `None` for a stream without any."""
        try:
            first = await anext(requests, None)
            if first is None:
                await asyncio.sleep(CANCELLATION_SECONDS)
                if self._over():
                    raise NeverCame
        except BaseException as ended:
            self._pipeline.never_came(self._run, ended)
            raise
        return first

    async def _forward(self, first: bytes | None, requests: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        run = self._run
        asked = time.perf_counter()
        try:
            opened = await self._pipeline.forwarding.stream(run, empty=first is None)
        finally:
            run.upstream_us = int((time.perf_counter() - asked) * 1e6)
        self._call = opened.call
        self._redact_by(run)  # by what was decided of the arm that it goes to
        messages = self._admitted(first, requests, sent=opened.sent)
        feeding = asyncio.get_running_loop().create_task(self._feed(self._call, messages))
        try:
            async for response in self._call:
                yield response
            trailers = await self._call.trailing_metadata()
            opened.ended(None)
            run.trailers = passed_on(trailers)
            if learns(run):
                learn(run, pairs_of(await self._call.initial_metadata(), trailers), self._last)
        except grpc.aio.AioRpcError as error:
            opened.ended(error)
            raise self._refused or failed(error, harmless=run.harmless) from error
        except asyncio.CancelledError as cancelled:
            # grpc says so of a call that we have cancelled ourselves. Passed on, it would end ours without any status.
            if self._refused is None:
                raise
            raise self._refused from cancelled
        finally:
            feeding.cancel()
            self._call.cancel()
            opened.given_up()
            run.upstream_us = int((time.perf_counter() - asked) * 1e6)

    async def _feed(self, call: StreamCall, messages: AsyncIterator[bytes]) -> None:
        """Send on what may go on, until the caller has no more or the upstream wants no more."""
        with contextlib.suppress(grpc.aio.AioRpcError, grpc.aio.InternalError):  # who reads the answers is told why
            async for message in messages:
                await call.send(message)
            await call.done_writing()

    async def _admitted(
        self, first: bytes | None, requests: AsyncIterator[bytes], *, sent: bool
    ) -> AsyncIterator[bytes]:
        """The caller's messages that may go on; ends at the first that may not. `sent`: the first went on before."""
        run = self._run
        if first is None:
            return
        run.messages_in = 1
        if not sent:
            yield forwarded(run, takes_of(run, "request"))
        async for request in requests:
            try:
                admitted = await self._admit_further(request)
            except Exception as refused:  # raised on, a mistake of ours would only cancel the call
                self._refused = refused
                if run.policy is not None and not run.policy.contract.server_streaming and self._call is not None:
                    self._call.cancel()
                return
            if admitted is None:
                return
            run.messages_in += 1
            yield admitted
        if run.policy is not None and run.policy.contract.client_streaming:
            await asyncio.sleep(CANCELLATION_SECONDS)

    async def _admit_further(self, request: bytes) -> bytes | None:
        """A further message: a call of its own if it names a subject, else only checked for its shape.

        `None` once the stream is over: the upstream may end it while the caller still sends.
        """
        if self._settled:
            return None
        further = CallRun(self._run.incoming, parent=self._run.id)
        try:
            own = await self._pipeline.admit_further(further, request, first=self._run)
        finally:
            if further.decision is not None or further.ended is not None:
                self.decided.append(further)
        if own and self._settled:
            further.ended, further.acted = self._run.ended, Acted.NO
            self._pipeline.settle(further)
            return None
        if own:
            self._further.append(further)
            self._redact_by(further)
        # A message that names no subject was not decided about by itself: what holds of the first holds of it.
        return forwarded(further, takes_of(further if own else self._run, "request"))

    def _redact_by(self, message: CallRun) -> None:
        """Redact every reply from now on by what was decided of this message; the upstream has not seen it yet."""
        takes = takes_of(message, "reply")
        if takes and takes not in map(_reply_takes, self._redacting):
            self._redacting.append(message)

    def _settle(self) -> None:
        run, self._settled = self._run, True
        if run.ended is not None and self._last is not None and learns(run):
            learn(run, (), self._last, whole=False)
        if self._refused is not None and run.ended is self._refused:
            # In a bidirectional stream the upstream has finished what it was given; a cancelled one may have.
            both_ways = run.policy is not None and run.policy.contract.server_streaming
            run.acted = Acted.YES if both_ways else Acted.MAYBE
        elif run.ended is not None and (self._further or (run.messages_out and not isinstance(run.ended, Withheld))):
            # Whatever the upstream says at last, it may have carried out what it was given before.
            run.acted = Acted.MAYBE
        for message in (run, *self._further):
            if message is not run:
                message.ended = None if run.acted is Acted.YES else run.ended
                message.acted = run.acted
                message.upstream_us = min(run.upstream_us, elapsed_us(message))
            self._pipeline.settle(message)


def _reply_takes(run: CallRun) -> tuple[Take, ...]:
    return takes_of(run, "reply")
