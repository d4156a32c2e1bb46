"""A call that goes on in the background with all its tries: what `.future()` of a synchronous stub returns."""

import concurrent.futures
import contextlib
import contextvars
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

import grpc


class Background(grpc.Future, grpc.Call):  # type: ignore[type-arg]  # it cannot be subscripted at run time
    """Waits nowhere but where its caller asks it to, and has a thread of its own only between two tries.

    `wait_after` is told of each try that is over: it returns how many seconds to `pause` before `again` makes the next
    one, or `None` where the call went well, and raises what the call ends with. All of them run with the context
    variables of the caller. What the caller reads of metadata, code and details is that of the last try.
    """

    def __init__(
        self,
        first: Any,
        *,
        wait_after: Callable[[Any], float | None],
        pause: Callable[[float], None] = lambda _: None,
        again: Callable[[], Any] = lambda: None,
    ) -> None:
        self._call = first
        self._wait_after = wait_after
        self._pause = pause
        self._again = again
        self._context = contextvars.copy_context()
        self._over: concurrent.futures.Future[Any] = concurrent.futures.Future()
        first.add_done_callback(self._ended)

    def _ended(self, call: Any) -> None:
        with self._failing():
            wait = self._context.copy().run(self._wait_after, call)
            if wait is None:
                self._over.set_result(call.result())
                return
            run = self._context.copy().run  # a copy each: no context may be entered twice at once
            threading.Thread(target=run, args=(self._try, wait), name="pilote-retry", daemon=True).start()

    def _try(self, wait: float) -> None:
        with self._failing():
            self._pause(wait)
            if self._over.done():
                return
            self._call = self._again()
            if self._over.cancelled():  # after `cancel` had read which call there was
                self._call.cancel()
            self._call.add_done_callback(self._ended)

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        """What is raised ends the call, unless it has been cancelled."""
        with contextlib.suppress(concurrent.futures.InvalidStateError):
            try:
                yield
            except concurrent.futures.InvalidStateError:
                raise
            except Exception as error:
                self._over.set_exception(error)

    def cancel(self) -> bool:
        """See `grpc.Future`."""
        cancelled = self._over.cancel()
        self._call.cancel()
        return cancelled

    def cancelled(self) -> bool:
        """See `grpc.Future`."""
        return self._over.cancelled()

    def running(self) -> bool:
        """See `grpc.Future`."""
        return not self._over.done()

    def is_active(self) -> bool:
        """See `grpc.Call`."""
        return self.running()

    def done(self) -> bool:
        """See `grpc.Future`."""
        return self._over.done()

    def result(self, timeout: float | None = None) -> Any:
        """See `grpc.Future`."""
        if (failure := self.exception(timeout)) is not None:
            raise failure
        return self._over.result()

    def exception(self, timeout: float | None = None) -> Any:
        """See `grpc.Future`."""
        try:
            return self._over.exception(timeout)
        except concurrent.futures.TimeoutError:
            raise grpc.FutureTimeoutError from None
        except concurrent.futures.CancelledError:
            raise grpc.FutureCancelledError from None

    def traceback(self, timeout: float | None = None) -> TracebackType | None:
        """See `grpc.Future`."""
        failure = self.exception(timeout)
        return None if failure is None else failure.__traceback__

    def add_done_callback(self, fn: Callable[[Any], None]) -> None:
        """See `grpc.Future`."""
        self._over.add_done_callback(lambda _: fn(self))

    def add_callback(self, callback: Callable[[], None]) -> bool:
        """See `grpc.Call`."""
        if self.done():
            return False
        self._over.add_done_callback(lambda _: callback())
        return True

    def time_remaining(self) -> Any:
        """See `grpc.Call`."""
        return self._call.time_remaining()

    def _last(self) -> Any:
        concurrent.futures.wait([self._over])
        return self._call

    def initial_metadata(self) -> Any:
        """See `grpc.Call`."""
        return self._last().initial_metadata()

    def trailing_metadata(self) -> Any:
        """See `grpc.Call`."""
        return self._last().trailing_metadata()

    def code(self) -> Any:
        """See `grpc.Call`."""
        return grpc.StatusCode.CANCELLED if self.cancelled() else self._last().code()

    def details(self) -> Any:
        """See `grpc.Call`."""
        return self._last().details()
