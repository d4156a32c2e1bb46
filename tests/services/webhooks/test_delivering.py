"""Events arrive signed, again where they did not, and for good where somebody asks for that."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import msgspec
import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from cloudevents.core.formats.json import JSONFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from gateway.adapters.sealing import Sealer
from gateway.adapters.webhooks import LEASE_MS, Endpoint
from gateway.clock import clock_ms
from gateway.core.stops import Stop
from gateway.ending import ended
from gateway.redis_clients import Client
from services.webhooks import signing
from services.webhooks.delivering import AT_ONCE, ATTEMPTS, Deliverer, pause_ms
from services.webhooks.events import Event, of_revision, of_stop
from services.webhooks.store import WebhookStore
from services.webhooks.targets import networks_of
from tests.e2e.waiting import until
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
        queued, _ = await tell(self.store, event, [self.endpoint], now_ms=self.now_ms)
        return queued


async def tell(store: WebhookStore, event: Event, to: Sequence[Endpoint], *, now_ms: int) -> tuple[int, int]:
    """Queue an event."""
    body = msgspec.json.encode(event)
    return await store.enqueue(event.id, to, kind=event.short_type, body=body, time=event.time, now_ms=now_ms)


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
    assert await office.store.list("e1", dead=False) == ()


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
    while await office.store.list("e1", dead=False):
        before = office.now_ms
        while not await office.deliverer.round():
            office.now_ms += 2_500
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
    (dead,) = await office.store.list("e1", dead=True)
    assert (dead.attempts, dead.status, dead.dead) == (ATTEMPTS, "503", True)
    assert await office.store.replay(dead.name, now_ms=office.now_ms)
    assert await office.deliverer.round() == 1
    assert len(office.receiver.got) == ATTEMPTS + 1
    assert (await office.store.list("e1", dead=True), await office.store.list("e1", dead=False)) == ((), ())


async def test_a_receiver_that_is_gone_for_good_is_not_tried_again(office: Office) -> None:
    office.receiver.answers = [(410, {})]
    await office.tell(of_stop("acme", STOP))
    await office.deliverer.round()
    assert [each.status for each in await office.store.list("e1", dead=True)] == ["410"]


async def test_what_a_process_took_and_never_sent_is_sent_by_another(office: Office) -> None:
    await office.tell(of_stop("acme", STOP))
    assert len(await office.store.claim("e1", now_ms=office.now_ms, count=10)) == 1
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
    assert [wants(everything, each) for each in (here, there, revision)] == [True, False, True]
    assert [wants(chosen, each) for each in (here, of_stop("globex", STOP, lifted_ms=2))] == [False, True]
    (kept,) = await office.store.endpoints()
    assert SECRET not in kept.secret
    assert office.store.secret_of(kept) == SECRET


def wants(endpoint: Endpoint, event: Event) -> bool:
    """Whether the endpoint gets it."""
    return endpoint.wants(event.short_type, tenant=event.about)


async def test_nothing_goes_to_an_address_that_is_not_allowed_any_more(office: Office) -> None:
    async with Deliverer(office.store, clock_ms=lambda: office.now_ms, draw=lambda: 0.0) as strict:
        await office.tell(of_stop("acme", STOP))
        assert await strict.round() == 1
    assert office.receiver.got == []
    assert len(await office.store.list("e1", dead=True)) == 1


@given(st.integers(1, 100), st.floats(0, 1, exclude_max=True))
def test_pauses_grow_and_stay_below_six_hours(attempts: int, draw: float) -> None:
    assert 2_500 <= pause_ms(attempts, draw=draw) <= 6 * 3_600_000
    assert pause_ms(attempts, draw=0) <= pause_ms(attempts + 1, draw=0)


def test_an_event_names_no_field_that_is_not_a_cloud_events_attribute() -> None:
    told = json.loads(msgspec.json.encode(of_revision(3, "0" * 64, change=1, now_ms=0)))
    assert set(told) == {"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data"}


async def test_an_endpoint_that_does_not_answer_delays_no_other(office: Office) -> None:
    async with receiving() as slow:
        slow.held = asyncio.Event()
        sleeper = Endpoint(id="e0", url=slow.url, tenant="acme", events=(), secret=b"", created_ms=0)
        await office.store.add(sleeper, secret=SECRET)
        for number in range(30):
            event = of_revision(number, "0" * 64, change=1, now_ms=0)
            await tell(office.store, event, [sleeper, office.endpoint], now_ms=office.now_ms)
        running = asyncio.create_task(office.deliverer.run())
        try:
            await until(lambda: len(office.receiver.got) == 30, what="all for the endpoint that answers")
            assert len(slow.got) <= AT_ONCE
        finally:
            slow.held.set()
            await ended(running)


async def test_of_a_queue_that_is_full_it_is_known_what_was_left_out_and_others_get_it(
    office: Office, redis: Client
) -> None:
    other = Endpoint(id="e2", url=office.receiver.url, tenant="", events=(), secret=b"", created_ms=0)
    await office.store.add(other, secret=SECRET)
    event = of_stop("acme", STOP)
    full = WebhookStore(redis, Sealer((KEY,)), most=0)
    assert await tell(full, event, [office.endpoint], now_ms=office.now_ms) == (0, 1)
    standing = await office.store.standing("e1", now_ms=office.now_ms)
    assert (standing.left_out, standing.left_out_from, standing.left_out_to) == (1, event.time, event.time)
    assert await tell(office.store, event, [office.endpoint, other], now_ms=office.now_ms) == (2, 0)
    await tell(full, of_stop("acme", STOP, lifted_ms=2), [office.endpoint], now_ms=office.now_ms)
    await office.store.filled_in("e1", 1)
    assert (await office.store.standing("e1", now_ms=office.now_ms)).left_out == 1
    await office.store.filled_in("e1", 1)
    assert (await office.store.standing("e1", now_ms=office.now_ms)).left_out == 0


async def test_it_is_known_how_an_endpoint_does(office: Office) -> None:
    office.receiver.answers = [(500, {}), (410, {})]
    for number in (1, 2, 3):
        await office.tell(of_revision(number, "0" * 64, change=1, now_ms=0))
    await office.deliverer.round()
    standing = await office.store.standing("e1", now_ms=office.now_ms)
    assert (standing.waiting, standing.dead, standing.delivered_ms) == (1, 1, office.now_ms)
    assert standing.status in {"500", "410"}
    later = await office.store.standing("e1", now_ms=office.now_ms + 3_600_000)
    assert office.now_ms < later.oldest_ms <= office.now_ms + 3_600_000


async def test_what_is_on_its_way_to_an_endpoint_goes_with_it(office: Office, redis: Client) -> None:
    await office.tell(of_stop("acme", STOP))
    assert await office.store.remove("e1")
    assert await office.deliverer.round() == 0
    assert await redis.hlen("pilote:{webhooks}:deliveries") == 0


STEPS = st.lists(
    st.tuples(st.sampled_from(["queue", "send", "fail", "bury", "replay"]), st.integers(0, 4)), max_size=25
)


@pytest.mark.one_server
async def test_whatever_happens_each_event_waits_is_dead_or_has_arrived(office: Office, redis: Client) -> None:
    """One endpoint against a dictionary that says where each event is."""
    store, now_ms = office.store, office.now_ms

    async def play(steps: list[tuple[str, int]]) -> None:
        await redis.flushall()
        await store.add(office.endpoint, secret=SECRET)
        where = dict[str, str]()
        for step, number in steps:
            event = of_revision(number, "0" * 64, change=1, now_ms=0)
            name, place = f"e1/{event.id}", where.get(event.id, "")
            found = await store.find(name)
            assert (found is not None) == (place in {"waits", "dead"})
            if step == "queue":
                assert await office.tell(event) == (0 if place else 1)
                where[event.id] = place or "waits"
            elif step == "replay":
                assert await store.replay(name, now_ms=now_ms) == (found is not None)
                where |= {event.id: "waits"} if found is not None else {}
            elif found is not None and place == "waits":
                end = {"send": store.delivered, "fail": store.failed, "bury": store.bury}[step]
                await end(found, now_ms=now_ms)
                where[event.id] = {"send": "arrived", "fail": "waits", "bury": "dead"}[step]
        standing, places = await store.standing("e1", now_ms=now_ms), list(where.values())
        assert (standing.waiting, standing.dead) == (places.count("waits"), places.count("dead"))

    loop = asyncio.get_running_loop()

    @settings(max_examples=40, deadline=None)
    @given(STEPS)
    def check(steps: list[tuple[str, int]]) -> None:
        asyncio.run_coroutine_threadsafe(play(steps), loop).result(60)

    await asyncio.to_thread(check)
