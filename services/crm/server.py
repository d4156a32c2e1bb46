"""One CRM process: the four services over one SQLite file."""

import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

import grpc

from gateway.clock import clock_ms
from gateway.rpc.serving import serving, until_told_to_stop
from pilote.crm.v1 import activity_service_pb2, contact_service_pb2, deal_service_pb2, message_service_pb2
from pilote.crm.v1.activity_service_pb2_grpc import add_ActivityServiceServicer_to_server
from pilote.crm.v1.contact_service_pb2_grpc import add_ContactServiceServicer_to_server
from pilote.crm.v1.deal_service_pb2_grpc import add_DealServiceServicer_to_server
from pilote.crm.v1.message_service_pb2_grpc import add_MessageServiceServicer_to_server
from services.crm import repeats
from services.crm.activities import Activities, ActivityServicer
from services.crm.asking import Asking
from services.crm.contacts import Contacts, ContactServicer
from services.crm.deals import Deals, DealServicer
from services.crm.messages import Messages, MessageServicer
from services.crm.resources import Resources
from services.crm.store import Store, opened

_log = logging.getLogger(__name__)

DEFAULT_LISTEN: Final = "127.0.0.1:50061"
FILE_NAME: Final = "crm.sqlite"
SERVICES: Final = tuple(
    service.full_name
    for module in (contact_service_pb2, deal_service_pb2, activity_service_pb2, message_service_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
)


async def serve(*, listen: str = DEFAULT_LISTEN, home: Path, drain_seconds: float) -> None:
    """Serve the CRM until SIGTERM or SIGINT, then drain. State is kept in `crm.sqlite` under `home`.

    Raises:
        OSError: when the address is taken.
    """
    async with until_told_to_stop() as stop, running(listen=listen, home=home, drain_seconds=drain_seconds) as port:
        _log.info("the CRM serves", extra={"port": port})
        await stop.wait()


@contextlib.asynccontextmanager
async def running(
    *, listen: str, home: Path, drain_seconds: float, clock_ms: Callable[[], int] = clock_ms
) -> AsyncIterator[int]:
    """Serve the CRM until the block ends; yields the port. `clock_ms` is the time in milliseconds since the epoch."""
    collections = (Contacts(), Deals(), Activities(), Messages())
    schema = (*repeats.SCHEMA, *(statement for each in collections for statement in each.schema()))
    async with opened(home / FILE_NAME, schema=schema) as store:
        for each in collections:
            await store.write(each.prepare)
        async with serving(
            lambda server: _add_services(server, store, clock_ms=clock_ms),
            listen=listen,
            names=SERVICES,
            drain_seconds=drain_seconds,
            interceptors=(Asking(),),
        ) as port:
            yield port


def _add_services(server: grpc.aio.Server, store: Store, *, clock_ms: Callable[[], int]) -> None:
    contacts, deals, activities, messages = Contacts(), Deals(), Activities(), Messages()
    add_ContactServiceServicer_to_server(ContactServicer(Resources(store, contacts, clock_ms=clock_ms)), server)
    add_DealServiceServicer_to_server(DealServicer(Resources(store, deals, clock_ms=clock_ms)), server)
    add_ActivityServiceServicer_to_server(ActivityServicer(Resources(store, activities, clock_ms=clock_ms)), server)
    add_MessageServiceServicer_to_server(
        MessageServicer(Resources(store, messages, clock_ms=clock_ms), activities), server
    )
