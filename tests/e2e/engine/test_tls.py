"""Over TLS agents see the gateway's certificate, and a new one once it is there, and may have to show their own."""

import ssl
from pathlib import Path

import grpc
import pytest
from cryptography import x509

from tests.e2e.policy import policy
from tests.e2e.requests import get
from tests.e2e.waiting import eventually
from tests.e2e.world import Agent, World, credential, told
from tests.fakes.certificates import Authority
from tests.fakes.upstream import FakeUpstream

pytestmark = pytest.mark.one_store
SALES = credential("sales-bot")


def shown(port: int) -> int:
    """The serial number of the certificate that a new connection is shown."""
    pem = ssl.get_server_certificate(("127.0.0.1", port))
    return x509.load_pem_x509_certificate(pem.encode()).serial_number


def serial(folder: Path) -> int:
    return x509.load_pem_x509_certificate((folder / "tls.crt").read_bytes()).serial_number


async def asked(port: int, credentials: grpc.ChannelCredentials | None) -> grpc.StatusCode:
    """What comes of a call; without credentials it is not encrypted."""
    options = (("grpc.use_local_subchannel_pool", 1),)
    target = f"127.0.0.1:{port}"
    channel = (
        grpc.aio.insecure_channel(target, options=options)
        if credentials is None
        else grpc.aio.secure_channel(target, credentials, options=options)
    )
    async with channel:
        return (await told(Agent(channel).contacts.GetContact(get(), metadata=SALES, timeout=5))).code


async def test_a_certificate_is_shown_and_renewed_without_a_restart(
    empty_world: World, upstream: FakeUpstream, tmp_path: Path
) -> None:
    authority = Authority()
    folder = authority.folder(tmp_path / "tls", host="127.0.0.1")
    port = (await empty_world.gateway(tls_dir=folder)).port
    await empty_world.publish(policy(upstream.address))
    believed = grpc.ssl_channel_credentials((folder / "ca.crt").read_bytes())
    assert await asked(port, believed) is grpc.StatusCode.OK
    assert await asked(port, None) is grpc.StatusCode.UNAVAILABLE
    assert shown(port) == serial(folder)
    before = serial(folder)
    authority.folder(folder, host="127.0.0.1")
    assert serial(folder) != before

    async def renewed() -> bool | None:
        return shown(port) == serial(folder) or None

    await eventually(renewed, what="the new certificate")
    assert await asked(port, believed) is grpc.StatusCode.OK


@pytest.mark.parametrize("callers", ["known", "processes", "strangers"])
async def test_who_must_show_a_certificate_gets_nowhere_without_one_that_is_known(
    empty_world: World, upstream: FakeUpstream, tmp_path: Path, callers: str
) -> None:
    authority = Authority()
    folder = authority.folder(tmp_path / "tls", host="127.0.0.1")
    known = Authority(name="authority of callers").folder(tmp_path / "callers", host="agent")
    port = (await empty_world.gateway(tls_dir=folder, tls_clients_file=known / "ca.crt")).port
    await empty_world.publish(policy(upstream.address))
    roots = (folder / "ca.crt").read_bytes()
    own = {
        "known": known,
        "processes": authority.folder(tmp_path / "process", host="pilote-agents"),
        "strangers": Authority(name="nobody knows it").folder(tmp_path / "stranger", host="agent"),
    }[callers]
    credentials = grpc.ssl_channel_credentials(roots, (own / "tls.key").read_bytes(), (own / "tls.crt").read_bytes())
    wanted = grpc.StatusCode.UNAVAILABLE if callers == "strangers" else grpc.StatusCode.OK
    assert await asked(port, credentials) is wanted
    assert await asked(port, grpc.ssl_channel_credentials(roots)) is grpc.StatusCode.UNAVAILABLE


async def test_an_authority_of_callers_that_is_added_counts_without_a_restart(
    empty_world: World, upstream: FakeUpstream, tmp_path: Path
) -> None:
    folder = Authority().folder(tmp_path / "tls", host="127.0.0.1")
    first, second = (Authority(name).folder(tmp_path / name, host="agent") for name in ("first", "second"))
    clients = tmp_path / "clients.crt"
    clients.write_bytes((first / "ca.crt").read_bytes())
    port = (await empty_world.gateway(tls_dir=folder, tls_clients_file=clients)).port
    await empty_world.publish(policy(upstream.address))
    roots = (folder / "ca.crt").read_bytes()

    async def lets_in(own: Path) -> bool | None:
        shows = grpc.ssl_channel_credentials(roots, (own / "tls.key").read_bytes(), (own / "tls.crt").read_bytes())
        return (await asked(port, shows)) is grpc.StatusCode.OK or None

    assert await lets_in(first)
    assert not await lets_in(second)
    clients.write_bytes(clients.read_bytes() + (second / "ca.crt").read_bytes())
    await eventually(lambda: lets_in(second), what="a caller of the new authority")
    assert await lets_in(first)
