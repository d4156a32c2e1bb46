"""Free ports for processes that a test starts."""

import fcntl
import socket
import tempfile
from pathlib import Path
from typing import Final

PORTS: Final = range(10_000, 32_000)
"""Below those that Linux gives to connections and to whoever listens on port 0 (`ip_local_port_range`, by default from
32,768 on): one of those may be taken between our look and the moment a process listens on it."""

_NEXT: Final = Path(tempfile.gettempdir()) / "pilote-tests-next-port"


def free(count: int) -> tuple[int, ...]:
    """That many ports on 127.0.0.1 that nobody listens on, next to each other.

    Whoever tests on this machine takes them in turn, so that nobody is given them again until all others were.
    """
    with _NEXT.open("a+") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        turn.seek(0)
        first = int(turn.read() or PORTS.start)
        while True:
            if first + count > PORTS.stop:
                first = PORTS.start
            ports = tuple(range(first, first + count))
            first += count
            if all(_is_free(port) for port in ports):
                break
        turn.seek(0)
        turn.truncate()
        turn.write(str(first))
    return ports


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
