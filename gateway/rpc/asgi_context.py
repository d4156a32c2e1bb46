"""What a servicer knows of a call that comes over ASGI: as much of gRPC's own context as our servicers use."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NoReturn

import grpc

from gateway.rpc.framing import Metadata, metadata_of, seconds_of


class Aborted(Exception):
    """The call ends with this status; `code` is its number."""

    def __init__(self, code: int, text: str, trailers: Metadata) -> None:
        super().__init__(text)
        self.code: Final = code
        self.text: Final = text
        self.trailers: Final = trailers


class Context:
    """Of one call, in the task that serves it."""

    def __init__(self, pairs: Sequence[tuple[bytes, bytes]]) -> None:
        """`pairs` are the headers, as they came."""
        self._pairs: Final = pairs
        self._metadata: Metadata | None = None
        self._callbacks: list[Callable[[Context], None]] = []
        self._cancelled = False
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[Any] | None = None
        self.late = False
        """Whether its task was cancelled because its time was over."""

    def invocation_metadata(self) -> Metadata:
        """What the caller says beside its messages.

        Raises:
            Misframed: some of it cannot be read.
        """
        if self._metadata is None:
            self._metadata = metadata_of(self._pairs)
        return self._metadata

    def auth_context(self) -> Mapping[str, Any]:
        """Nothing: nobody shows a certificate here."""
        return {}

    def time_remaining(self) -> float | None:
        """Seconds left; `None` without a deadline."""
        if self._timer is None:
            return None
        return max(0.0, self._timer.when() - asyncio.get_running_loop().time())

    async def abort(self, code: grpc.StatusCode, details: str = "", trailing_metadata: Metadata = ()) -> NoReturn:
        """End the call with that status. Always raises `Aborted`."""
        raise Aborted(code.value[0], details, tuple(trailing_metadata))

    def add_done_callback(self, callback: "Callable[[Context], None]") -> None:
        """Have it called once the call is over."""
        self._callbacks.append(callback)

    def cancelled(self) -> bool:
        """Whether the call is over and whoever called has not had its answer: they have gone, or it came too late."""
        return self._cancelled

    def begin(self, timeout: bytes) -> None:
        """Cancel the current task once the time is over that the call may take, as its `grpc-timeout` says, if it does.

        Raises:
            Misframed: it cannot be read.
        """
        if not timeout:
            return
        self._task = asyncio.current_task()
        self._timer = asyncio.get_running_loop().call_later(seconds_of(timeout), self._expire)

    def end(self, *, delivered: bool) -> None:
        """The call is over: its answer was delivered, or not."""
        if self._timer is not None:
            self._timer.cancel()
        self._cancelled = not delivered
        for callback in self._callbacks:
            callback(self)

    def _expire(self) -> None:
        if self._task is not None:
            self.late = True
            self._task.cancel()
