"""Free ports for processes that a test starts."""

import socket


def free(count: int) -> tuple[int, ...]:
    """That many ports on 127.0.0.1 that nobody listens on, next to each other."""
    while True:
        with socket.socket() as first:
            first.bind(("127.0.0.1", 0))
            base = int(first.getsockname()[1])
        ports = tuple(range(base, base + count))
        if ports[-1] < 65_536 and all(_is_free(port) for port in ports):
            return ports


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
