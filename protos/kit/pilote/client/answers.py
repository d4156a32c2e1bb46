"""A stream of answers that ends as other calls of the kit do."""

from collections.abc import Callable, Iterator
from typing import Any

import grpc

from pilote.client.refusals import CallEnded


class Answers:
    """The answers of one synchronous call; all else of it is the call's own, which is that of the last try.

    `refusal_of` makes of a failure what is raised, and `over` is told of a call that went well. `wait` waits for the
    next try, or raises the refusal it is given, and `again` makes it: only before the first answer, for answers would
    come twice; no `wait` for no further tries.
    """

    def __init__(
        self,
        call: Any,
        *,
        refusal_of: Callable[[Any], CallEnded],
        over: Callable[[Any], None],
        wait: Callable[[CallEnded], None] | None = None,
        again: Callable[[], Any] = lambda: None,
    ) -> None:
        self._call = call
        self._refusal_of = refusal_of
        self._over = over
        self._wait = wait
        self._again = again
        self._cancelled = False

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        while True:
            try:
                answer = next(self._call)
            except StopIteration:
                self._over(self._call)
                raise
            except grpc.RpcError as error:
                refusal = self._refusal_of(error)
            else:
                self._wait = None
                return answer
            if self._wait is None or self._cancelled:
                raise refusal from None
            self._wait(refusal)
            if self._cancelled:
                raise refusal from None
            self._call = self._again()
            if self._cancelled:  # after `cancel` had read which call there was
                self._call.cancel()

    def cancel(self) -> bool:
        """End the call, and make no other try; returns what gRPC does."""
        self._cancelled = True
        cancelled: bool = self._call.cancel()
        return cancelled

    def __getattr__(self, name: str) -> Any:
        return getattr(self._call, name)
