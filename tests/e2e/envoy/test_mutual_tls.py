"""Envoy and the gateway show each other certificates; who shows none, or another's, is not heard."""

from pathlib import Path

import pytest

from gateway.envoy.doors import signed
from tests.e2e.envoy.front import CONTACT, front, with_api
from tests.e2e.envoy.front import envoy_key_file as key_file
from tests.e2e.envoy.test_asking import check, request
from tests.e2e.world import World, told
from tests.fakes.certificates import Authority
from tests.fakes.upstream import FakeUpstream
from tests.fakes.vendor import Vendor


@pytest.fixture
def authority() -> Authority:
    """Who signs both certificates."""
    return Authority()


@pytest.fixture
async def tls_world(empty_world: World, upstream: FakeUpstream, authority: Authority, tmp_path: Path) -> World:
    """One gateway that Envoy may ask by mutual TLS."""
    folder = authority.folder(tmp_path / "gateway-tls", host="pilote-gateway")
    await empty_world.gateway(envoy_key_file=key_file(tmp_path), envoy_listen="127.0.0.1:0", envoy_tls_dir=folder)
    await empty_world.publish(with_api(upstream.address))
    return empty_world


async def test_requests_are_governed_over_mutual_tls(
    tls_world: World, http_vendor: Vendor, authority: Authority, tmp_path: Path
) -> None:
    certificates = authority.folder(tmp_path / "envoy-tls", host="envoy")
    async with front(tls_world, http_vendor, tmp_path / "envoy", certificates=certificates) as through:
        assert (await through.ask("GET", CONTACT)).status == 200
        assert (await through.ask("GET", "/elsewhere")).status == 403
        kept, refused = await tls_world.settled(2)
    assert kept.settlement is not None
    assert (kept.settlement.status, refused.reason) == ("OK", "METHOD_UNDESCRIBED")


async def test_an_envoy_or_a_gateway_whose_certificate_another_authority_has_signed_gets_nothing_through(
    tls_world: World, http_vendor: Vendor, authority: Authority, tmp_path: Path
) -> None:
    strangers = Authority().folder(tmp_path / "strangers", host="envoy")
    own = authority.folder(tmp_path / "own", host="envoy")
    trusting = tmp_path / "trusting"  # it believes the gateway, but the gateway does not believe it
    trusting.mkdir()
    for name, folder in (("tls.crt", strangers), ("tls.key", strangers), ("ca.crt", own)):
        (trusting / name).write_bytes((folder / name).read_bytes())
    for number, certificates in enumerate((trusting, strangers)):
        async with front(tls_world, http_vendor, tmp_path / f"envoy-{number}", certificates=certificates) as through:
            assert (await through.ask("GET", CONTACT)).status == 503
    assert http_vendor.received == []


async def test_certificates_are_renewed_without_a_restart(
    tls_world: World, http_vendor: Vendor, tmp_path: Path
) -> None:
    new = Authority()
    certificates = new.folder(tmp_path / "envoy-tls", host="envoy")
    folder = tmp_path / "gateway-tls"
    (folder / "tls.key").write_bytes(b"half")
    new.folder(folder, host="pilote-gateway")
    async with front(tls_world, http_vendor, tmp_path / "envoy", certificates=certificates) as through:
        assert (await through.ask("GET", CONTACT)).status == 200


async def test_a_certificate_alone_is_enough_where_no_keys_are_known(
    empty_world: World, http_vendor: Vendor, authority: Authority, upstream: FakeUpstream, tmp_path: Path
) -> None:
    folder = authority.folder(tmp_path / "gateway-tls", host="pilote-gateway")
    await empty_world.gateway(envoy_listen="127.0.0.1:0", envoy_tls_dir=folder)
    await empty_world.publish(with_api(upstream.address))
    certificates = authority.folder(tmp_path / "envoy-tls", host="envoy")
    async with front(empty_world, http_vendor, tmp_path / "envoy", certificates=certificates) as through:
        assert (await through.ask("GET", CONTACT)).status == 200
        (kept,) = await empty_world.settled(1)
    assert kept.settlement is not None
    end = await told(check(empty_world, request()))
    assert (end.reason, "mutual TLS" in end.text) == ("AGENT_UNAUTHENTICATED", True)


async def test_a_certificate_of_an_agents_authority_is_no_envoys(authority: Authority, tmp_path: Path) -> None:
    envoys, agents = (
        authority.folder(tmp_path / "envoy", host="envoy"),
        Authority().folder(tmp_path / "agent", host="a"),
    )
    signs = (envoys / "ca.crt").read_bytes()
    assert signed((envoys / "tls.crt").read_bytes(), signs)
    assert not signed((agents / "tls.crt").read_bytes(), signs)
    assert signed((agents / "tls.crt").read_bytes(), signs + (agents / "ca.crt").read_bytes())


async def test_envoy_is_not_heard_without_tls_where_it_is_to_come_by_it(tls_world: World) -> None:
    end = await told(check(tls_world, request()))
    assert end.reason == "AGENT_UNAUTHENTICATED"
    assert "mutual TLS" in end.text


async def test_a_gateway_does_not_start_with_half_of_it(
    empty_world: World, authority: Authority, tmp_path: Path
) -> None:
    good = authority.folder(tmp_path / "good", host="pilote-gateway")
    mixed = authority.folder(tmp_path / "mixed", host="pilote-gateway")
    (mixed / "tls.key").write_bytes((good / "tls.key").read_bytes())
    empty = authority.folder(tmp_path / "empty", host="pilote-gateway")
    (empty / "ca.crt").write_bytes(b"")
    listen, keys = {"envoy_listen": "127.0.0.1:0"}, {"envoy_key_file": key_file(tmp_path)}
    for settings, said in (
        (listen | keys, "PILOTE_ENVOY_TLS_DIR"),
        (keys | {"envoy_tls_dir": good}, "PILOTE_ENVOY_LISTEN"),
        ({"envoy_tls_dir": good}, "PILOTE_ENVOY_LISTEN"),
        (listen | keys | {"envoy_tls_dir": mixed}, "is not the key"),
        (listen | keys | {"envoy_tls_dir": empty}, "in PEM"),
    ):
        with pytest.raises(ValueError, match=said):
            await empty_world.gateway(**settings)
