"""What scenarios do to a stack: asked for at a socket, and a proxy that answers late when it is told to."""

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from loadtests.locusts.acting import ActFailed, answering, ask
from loadtests.locusts.delaying import delaying
from tests.services.ports import free


def fails() -> Mapping[str, float]:
    raise RuntimeError("the store does not start")


def test_an_act_is_done_by_its_owner_and_says_what_it_measured(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with answering(path, {"look": lambda: {"memory_mb": 2.5}, "fail": fails}):
        assert ask(path, "look") == {"memory_mb": 2.5}
        assert path.stat().st_mode & 0o777 == 0o600
        with pytest.raises(ActFailed, match="fail: RuntimeError: the store does not start"):
            ask(path, "fail")
        with pytest.raises(ActFailed, match="this stack cannot; it can look, fail"):
            ask(path, "explode")
        with socket.socket(socket.AF_UNIX) as other:
            other.connect(str(path))
            other.sendall(b"no json\n")
            assert b"problem" in other.recv(1000)
        assert ask(path, "look") == {"memory_mb": 2.5}
    with pytest.raises(ActFailed, match="nobody answers"):
        ask(path, "look")


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that sends back what it gets."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=back, args=(connection,), daemon=True).start()

        def back(connection: socket.socket) -> None:
            with connection:
                while data := connection.recv(65_536):
                    connection.sendall(data)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def seconds_for(connection: socket.socket, data: bytes) -> float:
    begun = time.monotonic()
    connection.sendall(data)
    got = b""
    while len(got) < len(data):
        got += connection.recv(65_536)
    assert got == data
    return time.monotonic() - begun


def test_answers_come_late_while_that_is_said_and_none_is_lost_or_slowed_down(echo: int) -> None:
    port = free(1)[0]
    with delaying(port, to_port=echo) as delay, socket.create_connection(("127.0.0.1", port)) as connection:
        connection.settimeout(20)
        assert seconds_for(connection, b"quick") < 5
        delay.seconds = 0.3
        assert seconds_for(connection, b"late") >= 0.3
        # A megabyte is late once, not once for each of its parts.
        assert 0.3 <= seconds_for(connection, b"x" * 1_000_000) < 3
        delay.seconds = 0.0
        assert seconds_for(connection, b"quick again") < 5


def test_who_talks_to_an_upstream_that_is_gone_is_hung_up_on(echo: int) -> None:
    port, nobody = free(2)
    with delaying(port, to_port=nobody), socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        assert connection.recv(1) == b""
