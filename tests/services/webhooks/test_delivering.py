"""Events arrive signed, again where they did not, and for good where somebody asks for that."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from cloudevents.core.formats.json import JSONFormat
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from gateway.adapters.sealing import Sealer
from gateway.clock import clock_ms
from gateway.core.stops import Stop
from gateway.redis_clients import Client
from services.webhooks import signing
from services.webhooks.delivering import ATTEMPTS, Deliverer, pause_ms
from services.webhooks.events import Event, of_revision, of_stop
from services.webhooks.store import LEASE_MS, Endpoint, WebhookStore
from services.webhooks.targets import networks_of
from tests.fakes.receiver import Receiver, receiving

pytestmark = pytest.mark.every_store

SECRET = b"s" * 32
KEY = b"k" * 32
HERE = networks_of("127.0.0.0/8")
STOP = Stop(what="channel=email", reason="it drifts", since_ms=1_000)


@dataclass
class Office:
    """One endpoint, what is sent to it, and the time."""

    store: WebhookStore
    deliverer: Deliverer
    receiver: Receiver
    endpoint: Endpoint
    now_ms: int

    async def tell(self, event: Event) -> int:
        return await self.store.enqueue(event, [self.endpoint], now_ms=self.now_ms)


@pytest.fixture
async def office(redis: Client) -> AsyncIterator[Office]:
    async with receiving() as receiver:
        store = WebhookStore(redis, Sealer((KEY,)))
        endpoint = Endpoint(id="e1", url=receiver.url, tenant="acme", events=(), secret=b"", created_ms=0)
        await store.add(endpoint, secret=SECRET)
        made = Deliverer(store, networks=HERE, clock_ms=lambda: here.now_ms, draw=lambda: 0.0)
        here = Office(store, made, receiver, endpoint, clock_ms())
        async with made:
            yield here


async def test_an_event_arrives_as_a_cloud_event_with_a_signature_that_receivers_can_check(office: Office) -> None:
    assert await office.tell(of_stop("acme", STOP)) == 1
    assert await office.deliverer.round() == 1
    ((headers, body),) = office.receiver.got
    Webhook(signing.shown(SECRET)).verify(body, dict(headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(signing.shown(SECRET)).verify(body + b" ", dict(headers))
    event = from_structured_event(HTTPMessage(dict(headers), body), JSONFormat())
    assert event.get_type() == "dev.pilote.stop.set"
    assert event.get_id() == headers["webhook-id"]
    assert event.get_extension("tenant") == "acme"
    assert await office.store.list(dead=False) == ()


async def test_an_event_is_queued_once_however_often_it_is_found(office: Office) -> None:
    event = of_stop("acme", STOP)
    queued = await asyncio.gather(*(office.tell(event) for _ in range(100)))
    assert sum(queued) == 1
    await office.deliverer.round()
    assert await office.tell(event) == 0


async def test_what_did_not_arrive_is_tried_again_with_the_same_id_and_later_each_time(office: Office) -> None:
    office.receiver.answers = [(500, {}), (302, {"location": office.receiver.url}), (429, {"retry-after": "3600"})]
    await office.tell(of_stop("acme", STOP))
    waited = []
    while await office.store.list(dead=False):
        before = office.now_ms
        while not await office.deliverer.round():
            office.now_ms += 500
        waited.append(office.now_ms - before)
    assert len(office.receiver.got) == 4
    assert len({headers["webhook-id"] for headers, _ in office.receiver.got}) == 1
    assert waited[0] == 0
    assert waited[1] < waited[2]
    assert waited[3] >= 3_600_000


async def test_what_never_arrives_is_kept_as_dead_until_somebody_sends_it_again(office: Office) -> None:
    office.receiver.answers = [(503, {})] * ATTEMPTS
    await office.tell(of_stop("acme", STOP))
    for _ in range(ATTEMPTS):
        office.now_ms += 86_400_000
        assert await office.deliverer.round() == 1
    office.now_ms += 86_400_000
    assert await office.deliverer.round() == 0
    (dead,) = await office.store.list(dead=True)
    assert (dead.attempts, dead.status, dead.dead) == (ATTEMPTS, "503", True)
    assert await office.store.replay(dead.name, now_ms=office.now_ms)
    assert await office.deliverer.round() == 1
    assert len(office.receiver.got) == ATTEMPTS + 1
    assert (await office.store.list(dead=True), await office.store.list(dead=False)) == ((), ())


async def test_a_receiver_that_is_gone_for_good_is_not_tried_again(office: Office) -> None:
    office.receiver.answers = [(410, {})]
    await office.tell(of_stop("acme", STOP))
    await office.deliverer.round()
    assert [each.status for each in await office.store.list(dead=True)] == ["410"]


async def test_what_a_process_took_and_never_sent_is_sent_by_another(office: Office) -> None:
    await office.tell(of_stop("acme", STOP))
    assert len(await office.store.claim(now_ms=office.now_ms, count=10)) == 1
    assert await office.deliverer.round() == 0
    office.now_ms += LEASE_MS
    assert await office.deliverer.round() == 1
    assert len(office.receiver.got) == 1


async def test_an_endpoint_gets_what_it_wants_of_its_tenant_and_its_secret_is_sealed(
    office: Office, redis: Client
) -> None:
    everything = office.endpoint
    chosen = Endpoint(id="e2", url="", tenant="", events=("stop.lifted",), secret=b"", created_ms=0)
    here, there = of_stop("acme", STOP), of_stop("globex", STOP)
    revision = of_revision(3, "0" * 64, change=1, now_ms=0)
    assert [everything.wants(each) for each in (here, there, revision)] == [True, False, True]
    assert [chosen.wants(each) for each in (here, of_stop("globex", STOP, lifted_ms=2))] == [False, True]
    (kept,) = await office.store.endpoints()
    assert SECRET not in kept.secret
    assert office.store.secret_of(kept) == SECRET


async def test_nothing_goes_to_an_address_that_is_not_allowed_any_more(office: Office) -> None:
    async with Deliverer(office.store, clock_ms=lambda: office.now_ms, draw=lambda: 0.0) as strict:
        await office.tell(of_stop("acme", STOP))
        assert await strict.round() == 1
    assert office.receiver.got == []
    assert len(await office.store.list(dead=True)) == 1


@given(st.integers(1, 100), st.floats(0, 1, exclude_max=True))
def test_pauses_grow_and_stay_below_six_hours(attempts: int, draw: float) -> None:
    assert 2_500 <= pause_ms(attempts, draw=draw) <= 6 * 3_600_000
    assert pause_ms(attempts, draw=0) <= pause_ms(attempts + 1, draw=0)


def test_an_event_names_no_field_that_is_not_a_cloud_events_attribute() -> None:
    import msgspec

    told = json.loads(msgspec.json.encode(of_revision(3, "0" * 64, change=1, now_ms=0)))
    assert set(told) == {"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data"}
