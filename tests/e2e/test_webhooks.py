"""Other systems are told what a real gateway refuses and holds, what people stop, and which revision is active."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.sealing import Sealer
from gateway.adapters.stops import StopStore
from gateway.adapters.webhooks import Delivery, Endpoint
from gateway.clock import clock_ms
from gateway.core.failures import NO_KEY, RuleFailure
from gateway.core.stops import Stop
from services.findings.changing import Wanted, changed, linked, sent
from services.findings.failing import finding_of, seen_of
from services.findings.finding import Link, State
from services.findings.finding import found as opened
from services.findings.store import FindingStore
from services.webhooks.events import time_of
from services.webhooks.following import Follower
from services.webhooks.keeping import shortest_ms
from services.webhooks.openings import news, openings_in, openings_of
from services.webhooks.server import running
from services.webhooks.store import WebhookStore
from services.webhooks.targets import networks_of
from tests.e2e.holding import HOLD_CONTACTS, Desk
from tests.e2e.policy import allow_all, policy
from tests.e2e.requests import ADA, get
from tests.e2e.waiting import eventually
from tests.e2e.world import Auditor, World, credential, told
from tests.fakes.receiver import Receiver, receiving
from tests.fakes.upstream import FakeUpstream
from tests.services.findings.test_finding import HOUR_MS, seen

KEYS = (b"k" * 32,)
HERE = networks_of("127.0.0.0/8")
NO_READING = {"name": "no-reading", "effect": "deny", "operations": ["READ"]}


async def endpoint(world: World, receiver: Receiver, *, tenant: str = "acme") -> WebhookStore:
    """A system that is told of events from now on."""
    store = WebhookStore(world.redis, Sealer(KEYS))
    made = Endpoint(id=f"e-{tenant}", url=receiver.url, tenant=tenant, events=(), secret=b"", created_ms=clock_ms())
    await store.add(made, secret=b"s" * 32)
    return store


async def got(receiver: Receiver, kind: str) -> dict[str, Any]:
    """The one event of that type that arrived."""

    async def look() -> dict[str, Any] | None:
        found = [each for _, body in receiver.got if (each := json.loads(body))["type"] == f"dev.pilote.{kind}"]
        assert len(found) < 2
        return found[0] if found else None

    return await eventually(look, what=kind)


async def until_looked(store: WebhookStore) -> None:
    """Wait until decisions are followed, and it is known what there was before."""

    async def look() -> bool | None:
        return {"told-ms", "revision", "stops/acme", "findings/acme"} <= (await store.known()).keys() or None

    await eventually(look, what="a first look")


async def test_what_is_refused_held_decided_stopped_and_published_is_told(
    world: World, upstream: FakeUpstream, auditor: Auditor
) -> None:
    agent, sales = world.agent(), credential("sales-bot")
    assert (await told(agent.contacts.GetContact(get(), metadata=sales))).reason == ""
    async with receiving() as receiver, receiving() as other:
        store = await endpoint(world, receiver)
        await endpoint(world, other, tenant="globex")
        async with running(world.redis_url, auditor.address, sealing=KEYS, networks=HERE):
            await until_looked(store)
            number = await world.publish(policy(upstream.address, rules=[allow_all(), NO_READING, HOLD_CONTACTS]))
            refused = await told(agent.contacts.GetContact(get(), metadata=sales))
            event = await got(receiver, "decision.refused")
            assert event["subject"] == f"decisions/{refused.decision}"
            assert event["data"]["rule"] == "no-reading"
            assert event["tenant"] == "acme"

            desk = Desk(world)
            hold = await desk.held()
            assert (await got(receiver, "hold.created"))["subject"] == f"holds/{hold}"
            assert await desk.decide(hold, approve=False)
            decided = await got(receiver, "hold.decided")
            assert (decided["subject"], decided["data"]["approved"]) == (f"holds/{hold}", False)

            await StopStore(world.redis).stop("acme", Stop(what="channel=sms", reason="it drifts", since_ms=clock_ms()))
            assert (await got(receiver, "stop.set"))["data"]["reason"] == "it drifts"
            await StopStore(world.redis).resume("acme", "channel=sms")
            assert (await got(receiver, "stop.lifted"))["data"]["what"] == "channel=sms"
            assert (await got(receiver, "revision.activated"))["data"]["number"] == number
        assert {json.loads(body)["type"] for _, body in other.got} == {"dev.pilote.revision.activated"}
        assert not any(ADA.encode() in body for _, body in receiver.got)


async def test_what_happens_while_nobody_tells_is_told_later_and_what_came_before_an_endpoint_never_is(
    world: World, upstream: FakeUpstream, auditor: Auditor
) -> None:
    agent, sales = world.agent(), credential("sales-bot")
    await world.publish(policy(upstream.address, rules=[allow_all(), NO_READING]))
    early = await told(agent.contacts.GetContact(get(), metadata=sales))
    await auditor.decision(early.decision)
    async with receiving() as receiver:
        store = await endpoint(world, receiver)
        await store.know("told-ms", str(clock_ms()).encode())
        late = await told(agent.contacts.GetContact(get(), metadata=sales))
        await auditor.decision(late.decision)
        follower = Follower(world.redis, store, auditor.stub, clock_ms=clock_ms)
        for _ in range(2):
            await follower.catch_up()
        (waiting,) = await store.list("e-acme", dead=False)
    event = json.loads(waiting.body)
    assert event["subject"] == f"decisions/{late.decision}"
    assert event["time"] <= time_of(clock_ms())


async def test_what_happened_while_nobody_told_for_days_or_found_a_full_queue_is_filled_in_from_the_log(
    world: World, upstream: FakeUpstream, auditor: Auditor
) -> None:
    agent, sales = world.agent(), credential("sales-bot")
    await world.publish(policy(upstream.address, rules=[allow_all(), NO_READING]))
    async with receiving() as receiver:
        store = await endpoint(world, receiver)
        await store.know("told-ms", str(clock_ms() - 5 * 86_400_000).encode())
        refused = await told(agent.contacts.GetContact(get(), metadata=sales))
        await auditor.decision(refused.decision)
        narrow = WebhookStore(world.redis, Sealer(KEYS), most=0)
        await Follower(world.redis, narrow, auditor.stub, clock_ms=clock_ms).catch_up()
        assert (await store.standing("e-acme", now_ms=clock_ms())).left_out == 1
        follower = Follower(world.redis, store, auditor.stub, clock_ms=clock_ms)
        assert [await follower.fill(since_ms=clock_ms() - 3_600_000) for _ in range(2)] == [1, 0]
        (waiting,) = await store.list("e-acme", dead=False)
    assert json.loads(waiting.body)["subject"] == f"decisions/{refused.decision}"


async def test_where_the_log_may_have_dropped_what_was_never_told_that_is_told(
    world: World, upstream: FakeUpstream, auditor: Auditor
) -> None:
    retention = [{"name": "reads", "operations": ["READ"], "keep": "30d"}]
    await world.publish(policy(upstream.address, retention=retention))
    async with receiving() as receiver:
        store = await endpoint(world, receiver)
        follower = Follower(world.redis, store, auditor.stub, clock_ms=clock_ms)
        for days, told_of in ((29, 0), (31, 1)):
            last_ms = clock_ms() - days * 86_400_000
            kept = msgspec.structs.replace((await store.endpoints())[0], created_ms=last_ms)
            await store.keep(kept)
            await store.know("told-ms", str(last_ms).encode())
            await follower.catch_up()
            assert len(await store.list("e-acme", dead=False)) == told_of
        (gap,) = await store.list("e-acme", dead=False)
    event = json.loads(gap.body)
    assert (event["type"], event["data"]["from"]) == ("dev.pilote.gap", time_of(last_ms))
    assert event["data"]["from"] < event["data"]["to"] < time_of(clock_ms())


@given(st.binary())
def test_of_whatever_document_it_is_known_how_long_the_log_keeps_all(document: bytes) -> None:
    assert shortest_ms(document) > 0


async def test_a_rule_that_fails_is_told_once_under_each_revision(
    world: World, upstream: FakeUpstream, auditor: Auditor
) -> None:
    rules = [allow_all(), {"name": "asks", "effect": "deny", "mode": "monitor", "when": '!facts.consents["email"]'}]
    async with receiving() as receiver:
        store = await endpoint(world, receiver)
        follower = Follower(world.redis, store, auditor.stub, clock_ms=clock_ms)

        async def found(count: int) -> Sequence[Delivery] | None:
            await follower.look()
            seen = [each for each in await store.list("e-acme", dead=False) if each.type == "finding"]
            return seen if len(seen) == count else None

        await told(world.agent().contacts.GetContact(get(), metadata=credential("sales-bot")))
        await eventually(lambda: _knows(follower, store), what="a first look")
        for count in (1, 2):
            number = await world.publish(policy(upstream.address, rules=rules))
            for contact in ("contacts/a", "contacts/b"):
                await told(world.agent().contacts.GetContact(get(contact), metadata=credential("sales-bot")))
            events = [json.loads(each.body) for each in await eventually(lambda: found(count), what="a finding")]  # noqa: B023
            assert number in {each["data"]["revision"] for each in events}
            assert await found(count)
    (last, first) = sorted(events, key=lambda each: -each["data"]["revision"])
    assert (first["subject"], first["type"]) == (f"findings/acme/{finding_of('acme', 'asks')}", "dev.pilote.finding")
    assert (last["subject"], last["id"] == first["id"]) == (first["subject"], False)
    assert (last["data"]["error"], last["data"]["rule"]) == (f'{NO_KEY}: "email"', "asks")


async def test_what_statistics_find_is_told_once_each_time_that_it_opens(
    world: World, upstream: FakeUpstream, auditor: Auditor
) -> None:
    await world.publish(policy(upstream.address, rules=[allow_all()]))
    await told(world.agent().contacts.GetContact(get(), metadata=credential("sales-bot")))
    found = FindingStore(world.redis)
    async with receiving() as receiver:
        store = await endpoint(world, receiver)
        follower = Follower(world.redis, store, auditor.stub, clock_ms=clock_ms)

        async def events() -> list[dict[str, Any]]:
            await follower.look()
            return [json.loads(each.body) for each in await store.list("e-acme", dead=False) if each.type == "finding"]

        await found.see([seen(kind="novelty")], now_ms=1)  # before anybody looked
        await eventually(lambda: _knows(follower, store), what="a first look")
        about = (("agent", "sales-bot"), ("subject", "a pseudonym"))
        (finding,) = await found.see([seen(about=about)], now_ms=1)
        (event,) = await events()
        assert (event["subject"], event["data"]["kind"]) == (f"findings/acme/{finding.id}", "drift")
        assert (event["data"]["title"], event["data"]["about"]) == ("Drift: agent sales-bot", {"agent": "sales-bot"})
        await found.see([seen(1, about=about)], now_ms=2)  # seen anew, and open all the time
        assert await events() == [event]
        kept = await found.get("acme", finding.id)
        assert kept is not None
        await found.write(changed(kept, Wanted(state=State.RESOLVED), by="mona", now_ms=3 * HOUR_MS))
        assert await events() == [event]
        await found.see([seen(4, about=about)], now_ms=5 * HOUR_MS)
        assert sorted(each["data"]["reopened"] for each in await events()) == [0, 1]
        await found.see([seen(kind="review", about=(("reviewer", "ada"), ("measure", "haste")))], now_ms=6 * HOUR_MS)
        assert len(await events()) == 2


async def test_a_finding_that_somebody_sends_is_told_once_each_time_as_it_stands(
    world: World, upstream: FakeUpstream, auditor: Auditor
) -> None:
    await world.publish(policy(upstream.address, rules=[allow_all()]))
    await told(world.agent().contacts.GetContact(get(), metadata=credential("sales-bot")))
    found = FindingStore(world.redis)
    (finding,) = await found.see([seen()], now_ms=1)
    async with receiving() as receiver:
        store = await endpoint(world, receiver)
        follower = Follower(world.redis, store, auditor.stub, clock_ms=clock_ms)
        await eventually(lambda: _knows(follower, store), what="a first look")

        async def sent_on() -> list[dict[str, Any]]:
            await follower.look()
            waiting = await store.list("e-acme", dead=False)
            return [json.loads(each.body) for each in waiting if each.type == "finding.sent"]

        assert await sent_on() == []
        linked_by_hand = linked(finding, Link("event", "events/of-their-own"), by="mona", now_ms=2)
        after = await found.write(sent(linked_by_hand, by="mona", now_ms=2))
        (event,) = await sent_on()
        assert f"events/{event['id']}" == after.links[-1].name
        assert (event["subject"], event["data"]["grade"]) == (f"findings/acme/{finding.id}", "CRITICAL")
        assert "mona" not in json.dumps(event)
        again = await found.write(sent(after, by="mona", now_ms=3))
        assert len(await sent_on()) == 2
        await found.write(changed(again, Wanted(text="so?"), by="mona", now_ms=4))
        assert len(await sent_on()) == 2


def test_what_an_earlier_version_has_told_of_rules_is_not_told_again() -> None:
    failure = RuleFailure(rule="asks", count=2, first_ms=1, last_ms=5, error=NO_KEY, revision=3, decision="d" * 32)
    finding = opened(None, seen_of("acme", failure), now_ms=6)
    assert news([finding], openings_in("acme", b'{"asks": 3}')) == []
    assert news([finding], openings_in("acme", b'{"asks": 2}')) == [finding]
    assert news([finding], openings_of([finding])) == []
    assert news([finding], {}) == [finding]


async def _knows(follower: Follower, store: WebhookStore) -> bool | None:
    await follower.look()
    return "findings/acme" in await store.known() or None
