"""Webhooks go to the public Internet by TLS, and to networks that an operator has named: nowhere else."""

import asyncio
import contextlib
import ipaddress
import socket
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.webhooks.targets import Resolver, TargetRefused, check, networks_of, permitted

INSIDE = networks_of("10.1.0.0/16, fd00::/8")


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/x",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::a00:1]/",
        "https://[2002:a00:1::]/",
        "https://[fe80::1]/",
        "https://0.0.0.0/",
        "https://100.64.0.1/",
        "https://224.0.0.1/",
        "http://example.com/",
        "ftp://example.com/",
        "https://user:secret@example.com/",
        "https://example.com/#x",
        "https://example.com:99999/",
        "https://exa mple.com/",
        "https://éxample.com/",
        "https:///x",
        "file:///etc/passwd",
        "",
        "https://example.com/" + "a" * 2_000,
    ],
)
def test_what_is_not_the_public_internet_by_tls_is_refused(url: str) -> None:
    with pytest.raises(TargetRefused):
        check(url, ())


@pytest.mark.parametrize(
    "url", ["https://example.com/hook?x=1", "https://93.184.216.34/", "https://[2606:4700::1]:8443/"]
)
def test_the_public_internet_is_called(url: str) -> None:
    check(url, ())


@pytest.mark.parametrize("url", ["http://10.1.2.3:8080/", "https://10.1.2.3/", "https://[fd00::1]/"])
def test_a_network_that_an_operator_names_is_called_without_tls_too(url: str) -> None:
    check(url, INSIDE)
    with pytest.raises(TargetRefused):
        check(url, ())


@given(st.ip_addresses())
def test_an_address_is_called_without_tls_only_where_its_network_is_named(address: ipaddress.IPv4Address) -> None:
    found = permitted(address, INSIDE, encrypted=False)
    inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    if found and inner is None and address not in ipaddress.ip_network("64:ff9b::/96"):
        assert any(address.version == each.version and address in each for each in INSIDE)


@given(st.text())
def test_any_text_is_taken_or_refused_and_nothing_else(url: str) -> None:
    with contextlib.suppress(TargetRefused):
        check(url, ())


async def test_a_name_for_which_nobody_answers_keeps_one_thread_and_delays_no_other() -> None:
    answered, asked = threading.Event(), list[str]()

    def look_up(host: str, port: int, **_: Any) -> Any:
        asked.append(host)
        if host == "silent.example":
            answered.wait(30)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", port))]

    resolver = Resolver((), encrypted=True, look_up=look_up)
    waiting = [asyncio.create_task(resolver.resolve("silent.example", 443)) for _ in range(200)]
    try:
        (found,) = await resolver.resolve("example.com", 443)
        assert found["host"] == "93.184.216.34"
        waiting[0].cancel()
        answered.set()
        others = await asyncio.gather(*waiting, return_exceptions=True)
        assert sorted(asked) == ["example.com", "silent.example"]
        assert [type(each) for each in others] == [asyncio.CancelledError, *([list] * 199)]
    finally:
        answered.set()
        await resolver.close()


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f.1", "127.1"])
async def test_a_name_that_leads_back_here_is_refused_when_it_is_connected_to(host: str) -> None:
    with pytest.raises(OSError, match="may not go"):
        await Resolver((), encrypted=True).resolve(host, 443)
