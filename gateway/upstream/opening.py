"""Opens a stream: it may go elsewhere as long as nothing of it has arrived anywhere."""

from typing import Any

import grpc

from gateway.adapters.upstream_calls import StreamCall
from gateway.core.policy.upstreams import Upstream
from gateway.passing import forwarded, takes_of
from gateway.rpc.status import Fate, fate_of
from gateway.upstream.attempts import outgoing
from gateway.upstream.making import Answer, Failure, Going
from gateway.upstream.trying import Tries


class Opened:
    """A stream to an upstream. `sent`: its first message is on its way already."""

    def __init__(
        self, call: StreamCall, *, sent: bool = False, tries: Tries | None = None, going: Going | None = None
    ) -> None:
        self.call = call
        self.sent = sent
        self._tries = tries
        self._going = going

    def ended(self, error: grpc.aio.AioRpcError | None) -> None:
        """Remember how it ended."""
        if self._tries is None or self._going is None:
            return
        if error is None:
            self._tries.over(self._going, "OK", failed=False)
        else:
            self._tries.over(self._going, error.code().name, failed=self._tries.is_failure(error, self._going))

    def given_up(self) -> None:
        """Remember that it was ended by us or its caller, if nothing else has ended it before."""
        if self._tries is not None and self._going is not None:
            self._tries.over(self._going, "CANCELLED", failed=None)


class Opening(Tries):
    """The tries of one stream, until its first message is on its way."""

    async def open(self, *, empty: bool) -> Opened:
        """The stream. `empty`: it has no message, and so nothing that could not arrive.

        Raises:
            CallEnded: it can be opened nowhere.
        """
        self._empty = empty
        self._reads = self._again = False  # a stream is never sent a second time
        found = await self.served()
        return Opened(found.going.call, sent=not empty, tries=self, going=found.going)

    def _start(self, place: Upstream, given_s: float) -> Any:
        begin = self._upstreams.stream(place, self._run.incoming.method)
        return begin(timeout=given_s, metadata=outgoing(self._run))

    async def _end(self, going: Going) -> Answer | Failure:
        run = self._run
        if self._empty:
            return Answer(going, b"")
        try:
            await going.call.send(forwarded(run, takes_of(run, "request")))
        except grpc.aio.AioRpcError as error:
            if fate_of(error) is Fate.UNTOUCHED:
                self.over(going, error.code().name, failed=True)
                return Failure(error)
        except grpc.aio.InternalError:  # the upstream has ended it already: who reads its answers is told why
            pass
        except BaseException:
            going.call.cancel()
            self.over(going, "CANCELLED", failed=None)
            raise
        return Answer(going, b"")
