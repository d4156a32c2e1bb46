"""Where texts are checked, edited and completed: processes beside the control plane, so that no answer waits for them.

Reading a large policy takes a quarter of a second, in which Python does nothing else.
"""

import asyncio
import contextlib
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Final, ParamSpec, TypeVar

from services import children
from services.control.drafts.store import DraftProblem
from services.control.drafts.texts import say
from services.not_done import NotDone

LONGEST_SECONDS: Final = 20.0
MOST_WAITING: Final = 50
PROCESSES: Final = 2
"""So that a page need not wait for what is checked meanwhile."""
_RENEWED_AFTER: Final = 1_000
"""Texts after which a process is replaced by a fresh one: the rule engine gives memory back late."""
P = ParamSpec("P")
T = TypeVar("T")


class Overtaken(NotDone):
    """A newer request for the same thing has come meanwhile; who asked for this one need not know any more."""

    say = staticmethod(say)

    def __init__(self) -> None:
        super().__init__("overtaken")


class Workshop:
    """Runs functions on texts, a few at a time."""

    def __init__(self, *, seconds: float = LONGEST_SECONDS) -> None:
        """`seconds` is the longest time that one function may take."""
        self._seconds = seconds
        self._pool: ProcessPoolExecutor | None = None
        self._turn = asyncio.Semaphore(PROCESSES)
        self._waiting = 0
        self._newest: dict[str, object] = {}

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the function gives.

        Raises:
            DraftProblem: too many wait, it takes too long, or the process has ended, for lack of memory say.
        """
        if self._waiting >= MOST_WAITING:
            raise DraftProblem("workshop-full", wait_s=1)
        self._waiting += 1
        try:
            async with self._turn:
                return await self._run(function, args, kwargs)
        finally:
            self._waiting -= 1

    async def newest(self, about: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same, of requests that make each other void: of those that wait for one thing only the last is run.

        Raises:
            Overtaken: another one has come.
            DraftProblem: like `run`.
        """
        own = self._newest[about] = object()
        try:
            async with self._turn:
                if self._newest.get(about) is not own:
                    raise Overtaken
                return await self._run(function, args, kwargs)
        finally:
            if self._newest.get(about) is own:
                del self._newest[about]

    def close(self) -> None:
        """End the processes."""
        pool, self._pool = self._pool, None
        if pool is not None:
            processes = list(pool._processes or ())  # noqa: SLF001 - the pool itself can only wait for them
            pool.shutdown(wait=False, cancel_futures=True)
            for pid in processes:
                children.end(pid)

    async def _run(self, function: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(
                PROCESSES, mp_context=context, initializer=children.begin, max_tasks_per_child=_RENEWED_AFTER
            )
        future = self._pool.submit(_called, function, args, kwargs)
        try:
            async with asyncio.timeout(self._seconds):
                return await asyncio.wrap_future(future)
        except (TimeoutError, BrokenProcessPool) as error:
            self.close()
            raise DraftProblem("workshop-lost") from error
        except asyncio.CancelledError:
            with contextlib.suppress(asyncio.InvalidStateError):
                future.cancel()
            raise


def _called(function: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
    return function(*args, **kwargs)
