"""Contacts through a whole gateway are counted, once and without a name: by a small tracker, and by a real Matomo."""

from collections.abc import AsyncIterator

import pytest

from gateway.adapters.consents import ConsentStore
from gateway.adapters.sealing import Sealer
from gateway.adapters.webhooks import Endpoint
from gateway.clock import clock_ms
from gateway.core.consents import Consent
from gateway.core.record import subject_ref
from gateway.core.trackers import CONTACT, person
from gateway.core.trackers import Tracker as Told
from services.webhooks.server import running
from services.webhooks.store import WebhookStore
from services.webhooks.targets import networks_of
from tests.e2e.policy import allow_all, policy
from tests.e2e.requests import ADA, get, send
from tests.e2e.waiting import eventually
from tests.e2e.world import KEY, Auditor, World, credential, told
from tests.fakes.trackers import SITE, TOKEN, Counted, Tracker, matomo, programs, small_tracker
from tests.fakes.upstream import FakeUpstream

pytestmark = pytest.mark.one_store
KEYS = (b"k" * 32,)
SALES = credential("sales-bot")
GRACE = "contacts/grace-hopper"
REAL = [pytest.param(matomo, marks=pytest.mark.integration, id="matomo")] if programs() is not None else []
NO_SMS = {"name": "no-sms", "effect": "deny", "when": 'call.channel == "sms"'}


@pytest.fixture(params=[pytest.param(small_tracker, id="small"), *REAL])
async def tracker(request: pytest.FixtureRequest) -> AsyncIterator[Tracker]:
    """What counts."""
    async with request.param() as found:
        yield found


async def agreed(world: World, customer: str, channel: str) -> str:
    """Let a customer agree that contacts on a channel are counted; what we call the customer."""
    ref = subject_ref(KEY, tenant="acme", subject=customer)
    statement = Consent(channel=channel, purpose="tracking", status="granted", captured_ms=1)
    await ConsentStore(world.redis).say("acme", ref, statements=(statement,), now_ms=clock_ms())
    return ref


async def waits(store: WebhookStore) -> int:
    """How many deliveries wait, or are dead."""
    standing = await store.standing("t", now_ms=clock_ms())
    return standing.waiting + standing.dead


async def test_contacts_are_counted_once_where_the_customer_has_agreed_and_nothing_else_is(
    world: World, upstream: FakeUpstream, auditor: Auditor, tracker: Tracker
) -> None:
    await world.publish(policy(upstream.address, rules=[allow_all(), NO_SMS]))
    store = WebhookStore(world.redis, Sealer(KEYS))
    how = Told(manner="matomo", site=SITE, purpose="tracking")
    await store.add(
        Endpoint(
            id="t", url=tracker.url, tenant="acme", events=(CONTACT,), secret=b"", created_ms=clock_ms(), tracker=how
        ),
        secret=TOKEN.encode(),
    )
    ada = await agreed(world, ADA, "email")
    agent = world.agent()
    async with running(world.redis_url, auditor.address, sealing=KEYS, networks=networks_of("127.0.0.0/8")):
        await told(agent.contacts.GetContact(get(), metadata=SALES))
        assert (await told(agent.messages.SendMessage(send(channel="sms"), metadata=SALES))).reason == "POLICY_DENIED"
        await told(agent.messages.SendMessage(send(GRACE), metadata=SALES))  # she has not agreed
        await told(agent.messages.SendMessage(send(channel="push"), metadata=SALES))  # nor has Ada, to this
        first = await told(agent.messages.SendMessage(send(request_id="k-1"), metadata=SALES))
        await told(agent.messages.SendMessage(send(request_id="k-1"), metadata=SALES))
        last = await told(agent.messages.SendMessage(send(request_id="k-2", category="service"), metadata=SALES))

        async def counted() -> list[Counted] | None:
            found = await tracker.counted()
            return found if len(found) >= 2 and not await waits(store) else None

        found = await eventually(counted, what="two contacts")
    who = person(ada, of=f"{tracker.url} {SITE}")
    assert sorted(found) == sorted(
        Counted(who, "email", category, f"https://pilote.invalid/decisions/{each.decision}")
        for each, category in ((first, "marketing"), (last, "service"))
    )
    assert ada not in str(found)
