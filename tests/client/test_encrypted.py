"""Calls by TLS and by mutual TLS: a client tells its key to no server but the one that it trusts."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import grpc
import pytest

from pilote import client as pilote
from pilote.client import aio
from pilote.crm.v1.contact_service_pb2_grpc import ContactServiceStub
from tests.e2e.requests import get
from tests.fakes.certificates import Authority
from tests.fakes.upstream import FakeUpstream, fake_upstream

HERE: Final = "localhost"
KEY: Final = "key-of-the-agent"
KINDS: Final = (pilote.Pilote, aio.Pilote)
Certificates = tuple[bytes, bytes, bytes]


def certificates(authority: Authority, at: Path, *, host: str = HERE) -> Certificates:
    """Certificate, key and authority."""
    folder = authority.folder(at, host=host)
    certificate, key, ca = [(folder / name).read_bytes() for name in ("tls.crt", "tls.key", "ca.crt")]
    return certificate, key, ca


def server_credentials(own: Certificates, *, mutual: bool = False) -> grpc.ServerCredentials:
    certificate, key, ca = own
    roots = ca if mutual else None
    return grpc.ssl_server_credentials([(key, certificate)], roots, require_client_auth=mutual)


async def ask(kind: Any, server: FakeUpstream, tls: Any) -> None:
    """Call the server as an agent.

    Raises:
        CallEnded: the call did not go through.
    """
    address = f"{HERE}:{server.port}"
    if kind is aio.Pilote:
        async with kind(address, key=KEY, tls=tls, attempts=1) as client:
            await client.stub(ContactServiceStub).GetContact(get())
        return

    def make() -> None:
        with kind(address, key=KEY, tls=tls, attempts=1) as client:
            client.stub(ContactServiceStub).GetContact(get())

    await asyncio.to_thread(make)


@pytest.fixture
def authority() -> Authority:
    return Authority()


@pytest.fixture
async def server(authority: Authority, tmp_path: Path) -> AsyncIterator[FakeUpstream]:
    """By TLS."""
    own = certificates(authority, tmp_path / "server")
    async with fake_upstream(tls=server_credentials(own)) as fake:
        yield fake


@pytest.fixture
async def mutual(authority: Authority, tmp_path: Path) -> AsyncIterator[FakeUpstream]:
    """By mutual TLS."""
    own = certificates(authority, tmp_path / "server")
    async with fake_upstream(tls=server_credentials(own, mutual=True)) as fake:
        yield fake


@pytest.mark.parametrize("kind", KINDS)
async def test_a_server_whose_authority_one_trusts_is_told_the_key(
    kind: Any, server: FakeUpstream, authority: Authority, tmp_path: Path
) -> None:
    _, _, ca = certificates(authority, tmp_path / "other")
    await ask(kind, server, grpc.ssl_channel_credentials(ca))
    assert server.asked[0].values("x-api-key") == [KEY]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_server_that_one_does_not_trust_is_told_nothing(
    kind: Any, server: FakeUpstream, tmp_path: Path
) -> None:
    _, _, ca = certificates(Authority(), tmp_path / "other")
    for tls in (grpc.ssl_channel_credentials(ca), True, False):
        with pytest.raises(pilote.Unavailable) as refused:
            await ask(kind, server, tls)
        assert not refused.value.may_have_acted
    assert server.asked == []


@pytest.mark.parametrize("kind", KINDS)
async def test_a_certificate_for_another_name_is_not_trusted(kind: Any, authority: Authority, tmp_path: Path) -> None:
    elsewhere = certificates(authority, tmp_path / "elsewhere", host="gateway.example")
    async with fake_upstream(tls=server_credentials(elsewhere)) as fake:
        with pytest.raises(pilote.Unavailable) as refused:
            await ask(kind, fake, grpc.ssl_channel_credentials(elsewhere[2]))
        assert fake.asked == []
    assert not refused.value.may_have_acted


@pytest.mark.parametrize("kind", KINDS)
async def test_a_client_shows_the_certificate_that_it_has(
    kind: Any, mutual: FakeUpstream, authority: Authority, tmp_path: Path
) -> None:
    certificate, key, ca = certificates(authority, tmp_path / "client", host="sales-bot")
    await ask(kind, mutual, grpc.ssl_channel_credentials(ca, key, certificate))
    assert mutual.asked[0].values("x-api-key") == [KEY]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_client_without_certificate_or_with_a_strangers_is_not_let_in(
    kind: Any, mutual: FakeUpstream, authority: Authority, tmp_path: Path
) -> None:
    _, _, ca = certificates(authority, tmp_path / "client")
    certificate, key, _ = certificates(Authority(), tmp_path / "stranger", host="sales-bot")
    for tls in (grpc.ssl_channel_credentials(ca), grpc.ssl_channel_credentials(ca, key, certificate)):
        with pytest.raises(pilote.Unavailable) as refused:
            await ask(kind, mutual, tls)
        assert not refused.value.may_have_acted
    assert mutual.asked == []
