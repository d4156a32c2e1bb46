"""Answers go out at once."""

import socket

from gateway.rpc.http_serving import listening


def test_connections_wait_for_no_acknowledgement_before_they_send_the_rest_of_an_answer() -> None:
    with listening("127.0.0.1:0") as taken, socket.create_connection(taken.getsockname()):
        connection, _ = taken.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
