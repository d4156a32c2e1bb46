"""A client encrypts all that leaves the machine, and refuses what cannot be meant."""

import subprocess
import sys

import grpc
import pytest

import pilote.client.aio
from pilote.client import Pilote
from pilote.client.connecting import channel_credentials


@pytest.mark.parametrize(
    "address", ["127.0.0.1:1", "localhost:1", "[::1]:1", "ipv6:[::1]:1", "unix:/tmp/x", "127.8.0.1:1", "localhost"]
)
def test_what_stays_on_the_machine_is_not_encrypted(address: str) -> None:
    assert channel_credentials(address, None) is None


@pytest.mark.parametrize(
    "address",
    ["pilote.example:443", "10.0.0.1:1", "localhost.example:1", "127.0.0.1.example:1", "ipv4:127.0.0.1:1,10.0.0.1:1"],
)
def test_all_else_is_encrypted_unless_one_says_otherwise(address: str) -> None:
    assert isinstance(channel_credentials(address, None), grpc.ChannelCredentials)
    assert channel_credentials(address, tls=False) is None


@pytest.mark.parametrize("kind", [Pilote, pilote.client.aio.Pilote])
@pytest.mark.parametrize(
    "wrong", [{"key": "k", "token": "t"}, {"key": "a\nb"}, {"token": "a b"}, {"key": "clé"}, {"address": ""}]
)
async def test_what_cannot_be_meant_is_refused_at_once(
    kind: type[Pilote | pilote.client.aio.Pilote], wrong: dict[str, str]
) -> None:
    options = {"address": "127.0.0.1:1"} | wrong
    with pytest.raises(ValueError, match=r"give|characters"):
        kind(options.pop("address"), **options)  # type: ignore[arg-type]


def test_the_kit_needs_neither_the_gateway_nor_the_services() -> None:
    imports = "import pilote.client, pilote.client.aio, sys"
    ask = f"{imports}; print(sorted({{'gateway', 'services', 'msgspec', 'redis'}} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
