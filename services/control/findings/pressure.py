"""How customers are solicited, as people and programs see it: what the workbench worked out last."""

import datetime as dt
from collections.abc import Sequence

import msgspec

from gateway.redis_clients import Client
from services.control.times import at
from services.control.undone import storing
from services.findings.pressure import Pressure, PressureChannel, PressureStore


class PressureShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How the customers of one tenant are solicited. It holds no personal data."""

    name: str
    """`pressures/{tenant}`."""
    tenant: str
    start_time: dt.datetime
    """Of the four weeks that were looked at, up to `endTime`."""
    end_time: dt.datetime
    channels: tuple[PressureChannel, ...]
    """By which at least 30 customers were contacted. `null` among their numbers: too few to say."""


class PressureBook:
    """What is known of tenants."""

    def __init__(self, redis: Client) -> None:
        self._store = PressureStore(redis)

    async def of(self, tenants: Sequence[str]) -> tuple[Pressure, ...]:
        """Those of these tenants that something was worked out for, by name.

        Raises:
            Undone: STORE_UNAVAILABLE.
        """
        with storing():
            return await self._store.of(sorted(tenants))


def shown(pressure: Pressure) -> PressureShown:
    """It, as it is told."""
    return PressureShown(
        name=f"pressures/{pressure.tenant}",
        tenant=pressure.tenant,
        start_time=at(pressure.start_ms),
        end_time=at(pressure.end_ms),
        channels=pressure.channels,
    )
