"""Compiles a revision's expressions in a process of its own, so that calls need not wait for the rule engine.

The engine keeps the interpreter while it compiles, about a millisecond at a time and half a second in all for 10,000
rules, and every step of every call would wait for its turn. So another process compiles, with what is left over of the
processor, and this one only reads the programs: an eighth of the work, in steps of a fifth of a millisecond.

That process has imported everything and then waits. For each revision it forks, so that it never grows.
"""

import contextlib
import gc
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import IO, Final

import msgspec

from gateway.activation.loading import check_stored
from gateway.core.revision.decode import PolicyInvalid
from gateway.core.rules import Program

LONGEST_SECONDS: Final = 2.0
"""How long the other process may take. Where every core is busy it hardly gets a turn; then the work is done here."""

LARGE_BYTES: Final = 100_000
"""Documents from this length on, some 600 rules; a smaller one is compiled in less time than it takes to ask."""

_PROGRAM: Final = msgspec.msgpack.Decoder(Program)
_LENGTH: Final = 8
_GOOD: Final = b"+"
_MISTAKEN: Final = b"-"
"""What ends an answer: these are all programs, or the document has mistakes."""


class NotCompiled(Exception):
    """The document has mistakes, which who loads it finds too; or the other process has failed or taken too long."""


class Compiler:
    """The other process. One revision at a time; it is started again where it has ended."""

    def __init__(self, *, longest_s: float = LONGEST_SECONDS) -> None:
        self._longest_s: Final = longest_s
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self, document: bytes) -> None:
        """Start the other process, which takes a third of a second, if such a document is better compiled there."""
        if self._process is None and len(document) >= LARGE_BYTES:
            self._process = _started()

    @contextlib.contextmanager
    def compiling(self, document: bytes) -> Iterator[Iterator[Program] | None]:
        """Have a stored document checked and compiled while the block runs, which gets the programs as they come.

        Only at their end is it known that it has no mistakes; else they end with `NotCompiled`. A document that is
        small is not given to the other process: the block gets `None`.
        """
        self.prepare(document)
        process = self._process
        if process is None or len(document) < LARGE_BYTES:
            yield None
            return
        late = threading.Timer(self._longest_s, _end, (process,))
        late.start()
        answered = False

        def programs() -> Iterator[Program]:
            nonlocal answered
            try:
                while (frame := _read(_pipe(process.stdout))) not in (_GOOD, _MISTAKEN):
                    yield _PROGRAM.decode(frame)
            except (OSError, EOFError, msgspec.DecodeError) as error:  # it was killed, say
                raise NotCompiled from error
            answered = True
            late.cancel()
            if frame == _MISTAKEN:
                raise NotCompiled

        try:
            with contextlib.suppress(OSError):
                _write(_pipe(process.stdin), document)
            yield programs()
        finally:
            late.cancel()
            if not answered:  # nobody may take this answer for that to the next question
                self.close()

    def close(self) -> None:
        """End the other process."""
        process, self._process = self._process, None
        if process is None:
            return
        _end(process)
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):  # what was not written yet
                _pipe(pipe).close()


def _started() -> subprocess.Popen[bytes]:
    program = "from gateway.activation.compiling import serve; serve()"
    return subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        process_group=0,  # Ctrl-C is for who started us; a session of its own would be scheduled apart from it
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def serve() -> None:
    """Compile what comes until nothing more can come. Each answer is the programs as they are made, and how it ends."""
    _give_way()
    gc.freeze()
    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    for document in _documents(asked):
        child = os.fork()
        if child == 0:
            gc.disable()  # it ends before there is anything to collect
            _answer(document, answers)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status:
            return  # half an answer may be on its way: who asked starts anew


def _answer(document: bytes, answers: IO[bytes]) -> None:
    try:
        check_stored(document, made=lambda program: _write(answers, msgspec.msgpack.encode(program)))
    except (PolicyInvalid, msgspec.DecodeError):
        _write(answers, _MISTAKEN)
    else:
        _write(answers, _GOOD)


def _documents(asked: IO[bytes]) -> Iterator[bytes]:
    with contextlib.suppress(EOFError):
        while True:
            yield _read(asked)


def _give_way() -> None:
    """Run only while nothing else wants to: whatever wakes up for a call gets the processor at once."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # a sandbox may forbid it
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None  # noqa: S101 - it was asked for
    return pipe


def _write(pipe: IO[bytes], content: bytes) -> None:
    pipe.write(len(content).to_bytes(_LENGTH, "big"))
    pipe.write(content)
    pipe.flush()


def _read(pipe: IO[bytes]) -> bytes:
    return _exactly(pipe, int.from_bytes(_exactly(pipe, _LENGTH), "big"))


def _exactly(pipe: IO[bytes], size: int) -> bytes:
    found = pipe.read(size)
    if len(found) < size:
        raise EOFError
    return found
