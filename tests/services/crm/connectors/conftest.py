"""Connectors before a small vendor that is really there, spoken to through the contracts' stubs."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from services.crm.connectors.conformance import System
from services.crm.connectors.reading import load
from services.crm.connectors.serving import running
from tests.fakes.crm_vendor import Vendor, vendor_running

FOLDER = Path(__file__).parent


@dataclass(slots=True)
class Bench:
    """A vendor, and the connector before it."""

    vendor: Vendor
    system: System


@contextlib.asynccontextmanager
async def bench(file: str, home: Path) -> AsyncIterator[Bench]:
    """The connector of that file before a vendor of its own."""
    loaded = load(FOLDER / file)
    async with vendor_running() as (vendor, url):
        environment = {"VENDOR_SECRET": "hush", "VENDOR_PORT": url.rpartition(":")[2]}
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
            yield Bench(vendor, system)


@pytest.fixture
async def rest(tmp_path: Path) -> AsyncIterator[Bench]:
    """Before a vendor with REST."""
    async with bench("rest.yaml", tmp_path) as found:
        yield found
