"""Compiles a revision's expressions in a process of its own, so that calls need not wait for the rule engine.

The engine keeps the interpreter while it compiles, about a millisecond at a time and half a second in all for 10,000
rules, and every step of every call would wait for its turn. So another process compiles, with what is left over of the
processor, and this one only reads the programs: an eighth of the work, in steps of a fifth of a millisecond.

That process has imported everything and then waits. For each revision it forks, so that it never grows.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import IO, Final

import msgspec

from gateway.core.revision.decode import PolicyInvalid
from gateway.core.rules import Program, Programs
from gateway.loading import load_stored

LONGEST_SECONDS: Final = 2.0
"""How long the other process may take. Where every core is busy it hardly gets a turn; then the work is done here."""

LARGE_BYTES: Final = 100_000
"""Documents from this length on, some 600 rules; a smaller one is compiled in less time than it takes to ask."""

_PROGRAMS: Final = msgspec.msgpack.Decoder(tuple[Program, ...])
_LENGTH: Final = 8


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
    def compiling(self, document: bytes) -> Iterator[Callable[[], Programs] | None]:
        """Have a stored document checked and compiled while the block runs; what it gets waits for the programs.

        There are none where it has mistakes, or the other process fails or takes longer than `longest_s`. A document
        that is small is not given to it: the block gets `None`.
        """
        self.prepare(document)
        process = self._process
        if process is None or len(document) < LARGE_BYTES:
            yield None
            return
        late = threading.Timer(self._longest_s, _end, (process,))
        late.start()
        answered = False

        def answer() -> Programs:
            nonlocal answered
            try:
                programs = _PROGRAMS.decode(_read(_pipe(process.stdout)))
            except (OSError, EOFError, msgspec.DecodeError):  # it was killed, say
                return ()
            answered = True
            late.cancel()
            return programs

        try:
            with contextlib.suppress(OSError):
                _write(_pipe(process.stdin), document)
            yield answer
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
    program = "from gateway.compiling import serve; serve()"
    return subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for who started us; and its forks end with it
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def serve() -> None:
    """Compile what comes until nothing more can come. Each answer is the programs, or nothing."""
    _give_way()
    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    for document in _documents(asked):
        child = os.fork()
        if child == 0:
            _write(answers, msgspec.msgpack.encode(_programs(document)))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status:
            return  # half an answer may be on its way: who asked starts anew


def _programs(document: bytes) -> Programs:
    try:
        return load_stored(document).engine.compiled()
    except (PolicyInvalid, msgspec.DecodeError):  # who asked finds the same, and says so
        return ()


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
