"""What a scenario does to the stack: asked for by Locust, done by who has started the stack, and by nobody else.

Between them is a Unix socket in the stack's own folder. A line of JSON asks, a line answers.
"""

import contextlib
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

Act = Callable[[], Mapping[str, float]]
"""Does it, and says what it has measured, by name."""
LONGEST_S: Final = 60.0


class ActFailed(Exception):
    """It was not done; the text says why."""


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be done."""

    act: str


class Done(msgspec.Struct, frozen=True):
    """What came of it."""

    figures: Mapping[str, float] = {}
    problem: str = ""
    """Empty where it was done."""


def ask(path: Path, act: str) -> Mapping[str, float]:
    """Have it done, and wait until it is.

    Raises:
        ActFailed: nobody is there who could, or it failed.
    """
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(LONGEST_S)
            connection.connect(str(path))
            connection.sendall(msgspec.json.encode(Asked(act)) + b"\n")
            with connection.makefile("rb") as answers:
                done = msgspec.json.decode(answers.readline(), type=Done)
    except (OSError, msgspec.DecodeError) as error:
        raise ActFailed(f"{act}: nobody answers who has started the stack ({type(error).__name__})") from error
    if done.problem:
        raise ActFailed(f"{act}: {done.problem}")
    return done.figures


@contextlib.contextmanager
def answering(path: Path, acts: Mapping[str, Act]) -> Iterator[None]:
    """Do what is asked for at the socket, until the block ends. Only who runs as we do may ask."""
    path.unlink(missing_ok=True)
    server = _Server(str(path), _Handler)
    server.acts = acts
    path.chmod(0o600)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        path.unlink(missing_ok=True)


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    acts: Mapping[str, Act]


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        try:
            asked = msgspec.json.decode(self.rfile.readline(), type=Asked)
            act = self.server.acts.get(asked.act)
            if act is None:
                done = Done(problem=f"this stack cannot; it can {', '.join(self.server.acts)}")
            else:
                done = Done(figures=act())
        except Exception as error:  # whatever fails here fails the run there, with these words
            done = Done(problem=f"{type(error).__name__}: {error}")
        with contextlib.suppress(OSError):
            self.wfile.write(msgspec.json.encode(done) + b"\n")
