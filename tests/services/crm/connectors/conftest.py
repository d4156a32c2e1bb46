"""Connectors before a small vendor that is really there, spoken to through the contracts' stubs."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from services.crm.connectors.conformance import System
from services.crm.connectors.reading import read
from services.crm.connectors.serving import running
from tests.fakes.crm_vendor import Vendor, vendor_running

FOLDER = Path(__file__).parent


@dataclass(slots=True)
class Bench:
    """A vendor, and the connector before it."""

    vendor: Vendor
    system: System
    url: str
    """Where the vendor is."""


@contextlib.asynccontextmanager
async def bench(file: str, home: Path, *, changed: Mapping[str, str] | None = None) -> AsyncIterator[Bench]:
    """The connector of that file before a vendor of its own. `changed`: what the file says otherwise."""
    text = (FOLDER / file).read_text(encoding="utf-8")
    for old, new in (changed or {}).items():
        assert old in text
        text = text.replace(old, new)
    loaded = read(text)
    async with vendor_running() as (vendor, url):
        environment = {
            "VENDOR_SECRET": "hush",
            "VENDOR_REFRESH": vendor.refresh_token,
            "VENDOR_PORT": url.rpartition(":")[2],
        }
        async with (
            running(
                loaded, environment=environment, listen="127.0.0.1:0", home=home, drain_seconds=1, allow_private=True
            ) as port,
            grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
        ):
            system = System(
                channel,
                frozenset(loaded.methods),
                faults=vendor,
                renews=True,
                contact_point="ada@example.org",
                sent=lambda: len(vendor.sent),
            )
            yield Bench(vendor, system, url)


@pytest.fixture
async def rest(tmp_path: Path) -> AsyncIterator[Bench]:
    """Before a vendor with REST."""
    async with bench("rest.yaml", tmp_path) as found:
        yield found
