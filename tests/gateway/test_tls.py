"""Every port takes TLS only where the process has a certificate, and shows the newest one that can be used."""

import asyncio
import datetime as dt
import logging
import ssl
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from grpc_health.v1 import health_pb2, health_pb2_grpc
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from gateway.adapters.redis_cluster import opened
from gateway.adapters.redis_connection import StoreDown
from gateway.certificates import Certificates, present
from gateway.instance import instance
from gateway.redis_clients import connected
from gateway.rpc.channels import channel_to, client_context
from gateway.rpc.http_serving import http_serving
from gateway.rpc.server_tls import grpc_credentials
from gateway.rpc.serving import serving
from gateway.settings import Settings
from gateway.watching.exposing import exposing
from gateway.watching.meters import Meters
from gateway.watching.meters import otlp as metrics_to
from gateway.watching.trace_context import begin
from gateway.watching.tracing import Tracing
from gateway.watching.tracing import otlp as tracing_to
from services.presenting import present_own
from services.supervisor.probes import GrpcServing, HttpOk
from tests.fakes.certificates import Authority
from tests.fakes.collector import collecting
from tests.fakes.tls_front import tls_front
from tests.services import ports

HOST = "127.0.0.1"
LATELY = dt.datetime(2001, 1, 1, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def folder(authority: Authority, tmp_path: Path) -> Iterator[Path]:
    """What this process shows."""
    found = authority.folder(tmp_path / "own", host=HOST)
    present(Certificates(found))
    yield found
    present(None)


def _grpc(callers: Any) -> "AbstractAsyncContextManager[int]":
    return serving(lambda _: None, listen=f"{HOST}:0", names=(), drain_seconds=0, callers=callers)


async def _app(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def _http() -> "AbstractAsyncContextManager[int]":
    return http_serving(_app, listen=f"{HOST}:0", drain_seconds=1)


@asynccontextmanager
async def _metrics(home: Path) -> AsyncIterator[int]:
    (port,) = ports.free(1)
    async with exposing(Meters(instance("tests")), listen=f"{HOST}:{port}", home=home) as exposed:
        await exposed.tried.wait()
        yield port


def _port(kind: str, home: Path) -> "AbstractAsyncContextManager[int]":
    if kind == "metrics":
        return _metrics(home)
    return _http() if kind == "http" else _grpc(kind)


KINDS = ("processes", "everybody", "http", "metrics")
OPEN = ("everybody", "http")
"""Where a certificate is asked for only if the process has authorities for that."""


def _client(trusts: Path, shows: Path | None) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=trusts / "ca.crt")
    made.set_alpn_protocols(["h2", "http/1.1"])
    if shows is not None:
        made.load_cert_chain(shows / "tls.crt", shows / "tls.key")
    return made


async def _shown(port: int, context: ssl.SSLContext | None) -> int | None:
    """The serial number of the certificate that is shown; `None` where the connection is not taken."""
    try:
        reader, writer = await asyncio.open_connection(HOST, port, ssl=context)
    except (ssl.SSLError, OSError):
        return None
    try:
        http2 = context is None or (
            context.check_hostname and writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
        )
        # A client's certificate is looked at after the client takes the handshake for done (TLS 1.3).
        writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5) if http2 else _REQUEST)
        if not await reader.read(1):
            return None
        if context is None:
            return 0
        shown: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return x509.load_der_x509_certificate(shown).serial_number
    except OSError:
        return None
    finally:
        writer.close()


_REQUEST = b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n"


def _serial(folder: Path) -> int:
    return x509.load_pem_x509_certificate((folder / "tls.crt").read_bytes()).serial_number


@pytest.mark.parametrize("kind", KINDS)
async def test_a_port_takes_who_shows_what_it_asks_for_and_nobody_else(
    kind: str, folder: Path, authority: Authority, tmp_path: Path
) -> None:
    good = authority.folder(tmp_path / "good", host="peer")
    stranger = Authority().folder(tmp_path / "stranger", host="peer")
    expired = authority.folder(tmp_path / "expired", host="peer", ends=LATELY)
    async with _port(kind, tmp_path) as port:
        own = _serial(folder)
        assert await _shown(port, _client(folder, good)) == own
        assert await _shown(port, _client(folder, None)) == (own if kind in OPEN else None)
        assert await _shown(port, _client(stranger, good)) is None  # who does not believe us comes no further
        assert await _shown(port, None) is None  # without TLS
        if kind not in OPEN:
            assert await _shown(port, _client(folder, stranger)) is None
            assert await _shown(port, _client(folder, expired)) is None


@pytest.mark.parametrize("kind", OPEN)
async def test_with_authorities_for_clients_everybody_shows_a_certificate(
    kind: str, folder: Path, authority: Authority, tmp_path: Path
) -> None:
    clients = Authority("authority of the agents")
    agent = clients.folder(tmp_path / "agent", host="agent")
    expired = clients.folder(tmp_path / "expired", host="agent", ends=LATELY)
    present(Certificates(folder, clients=agent / "ca.crt"))
    async with _port(kind, tmp_path) as port:
        assert await _shown(port, _client(folder, agent)) == _serial(folder)
        assert await _shown(port, _client(folder, folder)) == _serial(folder)  # a process of ours
        assert await _shown(port, _client(folder, expired)) is None
        assert await _shown(port, _client(folder, Authority().folder(tmp_path / "s", host="agent"))) is None
        assert await _shown(port, _client(folder, None)) is None
    async with _port("processes", tmp_path) as port:
        assert await _shown(port, _client(folder, agent)) is None  # an agent is no process of ours


@pytest.mark.parametrize("kind", KINDS)
async def test_a_new_certificate_and_a_new_authority_count_for_the_next_connection(
    kind: str, folder: Path, authority: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old = authority.folder(tmp_path / "old", host="peer")
    trusted = tmp_path / "trusted"
    trusted.mkdir()
    (trusted / "ca.crt").write_bytes((folder / "ca.crt").read_bytes())
    async with _port(kind, tmp_path) as port:
        first = _serial(folder)
        for broken in (b"half", authority.folder(tmp_path / "another", host=HOST)):
            (folder / "tls.key").write_bytes(broken if isinstance(broken, bytes) else (broken / "tls.key").read_bytes())
            for _ in range(2):
                assert await _shown(port, _client(trusted, old)) == first
        authority.folder(folder, host=HOST, ends=LATELY)
        assert await _shown(port, _client(trusted, old)) == first
        warned = [each.why for each in caplog.records if each.levelno == logging.WARNING]  # type: ignore[attr-defined]
        assert ["PEM" in warned[0], "not the key" in warned[1], "not valid now" in warned[-1]] == [True] * 3
        assert len(set(warned)) == 3 <= len(warned) <= 6  # once for each state of the files, not for each connection

        new = Authority("the next authority")
        new.folder(folder, host=HOST)
        peer = new.folder(tmp_path / "peer", host="peer")
        assert await _shown(port, _client(folder, peer)) == _serial(folder) != first
        if kind not in OPEN:
            assert await _shown(port, _client(folder, old)) is None


async def test_calls_go_on_over_a_renewal_and_the_next_ones_show_the_new_certificate(
    folder: Path, tmp_path: Path
) -> None:
    async with _grpc("processes") as port, channel_to(f"0.0.0.0:{port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        watching = stub.Watch(health_pb2.HealthCheckRequest())
        seen = aiter(watching)
        assert (await anext(seen)).status == health_pb2.HealthCheckResponse.SERVING
        Authority("the next authority").folder(folder, host=HOST)
        for _ in range(3):
            answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=5)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        assert not watching.done()
        await channel.close()
        with pytest.raises(asyncio.CancelledError):  # the old channel ends with the new one
            await anext(seen)


async def test_processes_ask_each_other_over_tls(folder: Path) -> None:
    async with _grpc("processes") as port:
        assert await GrpcServing(f"{HOST}:{port}")()
        present(None)
        assert not await GrpcServing(f"{HOST}:{port}")()
        present(Certificates(folder))
    async with _http() as port:
        assert client_context() is not None
        assert await HttpOk(port)()
        present(None)
        assert client_context() is None
        assert not await HttpOk(port)()


async def test_a_process_that_has_a_certificate_asks_by_a_unix_socket_without_tls(folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="s") as short:
        listen = f"unix:{short}/socket"
        async with serving(lambda _: None, listen=listen, names=(), drain_seconds=0, behind=True):
            assert await GrpcServing(listen)()


async def test_traces_and_metrics_go_to_a_collector_that_asks_for_our_certificate_and_so_does_a_renewed_one(
    folder: Path, authority: Authority, tmp_path: Path
) -> None:
    theirs = authority.folder(tmp_path / "collector", host=HOST)
    credentials = grpc_credentials(Certificates(theirs), callers="processes")
    async with collecting(credentials) as collector:
        tracing = Tracing(instance("tests"), exporter=tracing_to(collector.endpoint))
        meters = Meters(instance("tests"), exporter=metrics_to(collector.endpoint))
        meters.meter.create_counter("pilote.tests").add(1)

        async def told(name: str) -> None:
            now = time.time_ns()
            trace = begin(None, None, ratio=1)
            tracing.end(trace, name=name, attributes={}, started_ns=now, ended_ns=now, failed=False)
            await asyncio.to_thread(tracing._provider.force_flush)

        await told("first")
        assert [span.name for span in collector.spans] == ["first"]
        new = Authority("the next authority")
        new.folder(theirs, host=HOST)
        new.folder(folder, host=HOST)
        await told("second")
        assert [span.name for span in collector.spans] == ["first", "second"]
        await asyncio.to_thread(meters.close)
        await asyncio.to_thread(tracing.close)
        assert collector.metrics.named("pilote.tests") == [({}, 1)]


@pytest.mark.one_store
async def test_a_store_behind_tls_is_asked_by_who_shows_a_certificate_and_by_nobody_else(
    redis_url: str, authority: Authority, tmp_path: Path
) -> None:
    ours, theirs = authority.folder(tmp_path / "ours", host="us"), authority.folder(tmp_path / "store", host=HOST)
    stranger = Authority().folder(tmp_path / "stranger", host=HOST)
    async with tls_front(urlsplit(redis_url).path, theirs) as port:

        def url(trusts: Path, shows: Path | None) -> str:
            shown = "" if shows is None else f"&ssl_certfile={shows / 'tls.crt'}&ssl_keyfile={shows / 'tls.key'}"
            return f"rediss://{HOST}:{port}?ssl_ca_certs={trusts / 'ca.crt'}{shown}"

        good = url(ours, ours)
        async with await connected(good) as client:
            await client.set("key", "value")
        connection = await opened(good, timeout_ms=1_000)
        assert await connection.send("GET", "key") == b"value"
        await connection.close()
        for bad in (url(ours, None), url(stranger, ours), url(ours, stranger), f"rediss://{HOST}:{port}"):
            with pytest.raises((RedisError, OSError)):
                await connected(bad, retry=Retry(NoBackoff(), 0))
            with pytest.raises((StoreDown, OSError)):
                await opened(bad, timeout_ms=1_000)


def test_a_process_does_not_start_with_certificates_that_cannot_be_used(authority: Authority, tmp_path: Path) -> None:
    good = authority.folder(tmp_path / "good", host=HOST)
    expired = authority.folder(tmp_path / "expired", host=HOST, ends=LATELY)
    mixed = authority.folder(tmp_path / "mixed", host=HOST)
    (mixed / "tls.key").write_bytes((good / "tls.key").read_bytes())
    for settings, said in (
        (Settings(tls_dir=expired), "not valid now"),
        (Settings(tls_dir=mixed), "not the key"),
        (Settings(tls_dir=good, tls_clients_file=good / "tls.key"), "in PEM"),
        (Settings(tls_clients_file=good / "ca.crt"), "PILOTE_TLS_DIR"),
    ):
        with pytest.raises(ValueError, match=said):
            present_own(settings)
    with pytest.raises(OSError, match="No such file"):
        present_own(Settings(tls_dir=tmp_path))
