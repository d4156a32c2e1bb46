"""Lets a look look in a process of its own, which asks the columns of this one: then two looks have a core each."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from typing import Any, Protocol

import msgspec
from numpy.typing import NDArray

from gateway import freed_memory
from gateway.rpc.serving import collect_rarely
from services import children
from services.findings.finding import Seen
from services.workbench.columns.source import Source
from services.workbench.columns.sums import Summing

_Beside = Mapping[str, Mapping[str, NDArray[Any]]]


class _Look(Protocol):
    """See `services.workbench.looking.Look`."""

    def look(self, columns: Source, *, now_ms: int) -> Sequence[Seen]: ...


class _Question(msgspec.Struct, frozen=True):
    text: str
    parameters: Mapping[str, object] | None
    beside: _Beside | None


class _Failed(msgspec.Struct, frozen=True):
    error: Exception


class Elsewhere:
    """A look in a process of its own. That starts at once, so that it has imported all it needs once it is to look."""

    def __init__(self, make: Callable[[], _Look], *, kind: str, summing: Callable[[], Summing | None]) -> None:
        """`make` gives the look there, and `summing` what opens sums: functions at the top of a module."""
        self.kind = kind
        context = children.context()
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_run, args=(theirs, make, summing), daemon=True)
        self._process.start()
        theirs.close()

    def look(self, columns: Source, *, now_ms: int) -> Sequence[Seen]:
        """What it sees there; what it asks meanwhile is answered here.

        Raises:
            Exception: what it has ended with there; OSError where somebody has ended its process.
        """
        self._ours.send(now_ms)
        while isinstance(said := self._received(), _Question):
            self._ours.send(_answer(columns, said))
        if isinstance(said, _Failed):
            raise said.error
        seen: Sequence[Seen] = said
        return seen

    def close(self) -> None:
        """End its process; a look that is under way ends with OSError."""
        self._process.kill()
        self._process.join()

    def _received(self) -> Any:
        try:
            return self._ours.recv()
        except EOFError:
            raise OSError("The process of a look has ended; look again.") from None


def _answer(columns: Source, question: _Question) -> Any:
    try:
        return dict(columns.asked(question.text, question.parameters, beside=question.beside))
    except Exception as error:  # it goes on where it was asked
        return _Failed(error)


class _Afar(Source):
    """Columns of the process that has started this one."""

    def __init__(self, theirs: Connection, summing: Summing | None) -> None:
        super().__init__(summing)
        self._theirs = theirs
        self._lock = threading.Lock()

    def asked(
        self,
        text: str,
        parameters: Mapping[str, object] | None = None,
        *,
        beside: _Beside | None = None,
    ) -> Mapping[str, NDArray[Any]]:
        """See `Source.asked`. One after the other, in whatever thread."""
        with self._lock:
            self._theirs.send(_Question(text, parameters, beside))
            found = self._theirs.recv()
        if isinstance(found, _Failed):
            raise found.error
        answer: Mapping[str, NDArray[Any]] = found
        return answer


def _run(theirs: Connection, make: Callable[[], _Look], summing: Callable[[], Summing | None]) -> None:
    children.begin(niceness=0)
    freed_memory.stay()
    collect_rarely()
    logging.getLogger().addHandler(logging.NullHandler())  # what it ends with is said by who asked it to look
    look, columns = make(), _Afar(theirs, summing())
    while True:
        try:
            now_ms = theirs.recv()
        except EOFError:
            return
        try:
            theirs.send(tuple(look.look(columns, now_ms=now_ms)))
        except Exception as error:  # it goes on where it is waited for
            theirs.send(_Failed(error))
