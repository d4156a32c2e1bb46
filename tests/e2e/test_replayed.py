"""Every record of an end-to-end test is decided once more; each reason not to is shown here, and no other counts."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any, Final, cast

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from gateway.adapters.stops import StopStore
from gateway.core import keys
from gateway.core.errors import Reason
from gateway.core.inputs import BEFORE, LARGEST_REQUEST
from gateway.core.record import BucketAsk, Record, RuleLook, Verdict
from gateway.core.stops import Stop
from pilote.crm.v1.message_service_pb2 import SendMessagesRequest
from services.audit.streams import Streams
from tests.e2e.holding import HOLD_CONTACTS, Desk
from tests.e2e.policy import policy
from tests.e2e.replayed import (
    BY_HAND,
    COPY_UNDECIDED,
    HOLD_ENDED,
    LOST,
    NOT_SHARED,
    OF_NO_CALL,
    REASONS,
    STORE_GONE,
    TOO_LARGE,
    TRIMMED,
    UNDECIDED,
    census,
    why_not,
)
from tests.e2e.requests import get, send
from tests.e2e.test_shadows import copying
from tests.e2e.waiting import eventually
from tests.e2e.world import Agent, World, credential, told
from tests.fakes.upstream import FakeUpstream, fake_upstream
from tests.services.audit.conftest import a_record, a_settlement, admit, an_id, append, settle
from tests.stores import Store

SALES: Final = credential("sales-bot")
SEND: Final = "/pilote.crm.v1.MessageService/SendMessages"
GET: Final = "/pilote.crm.v1.ContactService/GetContact"


async def recorded(world: World, count: int, *, tenant: str = "acme") -> None:
    """Wait for so many records."""

    async def look() -> bool | None:
        return len(await world.kept(tenant)) >= count or None

    await eventually(look, what=f"{count} records")


def said(reasons: Iterable[Reason]) -> Counter[str]:
    return Counter(UNDECIDED[reason] for reason in reasons)


async def nothing() -> AsyncIterator[SendMessagesRequest]:
    """A stream whose first message never comes."""
    await asyncio.Event().wait()
    yield SendMessagesRequest()


async def test_what_ends_before_anybody_decides_is_excused_by_its_reason(
    empty_world: World, upstream: FakeUpstream
) -> None:
    world = empty_world
    running = await world.gateway()
    agent = world.agent()
    await told(agent.contacts.GetContact(get(), metadata=SALES))
    await world.publish(policy(upstream.address))
    await told(agent.contacts.GetContact(get()))
    await told(world.raw().unary_unary(GET)(b"\x0a\xff\xff", metadata=SALES))
    running.pipeline.draining = True
    await told(agent.contacts.GetContact(get(), metadata=SALES))
    running.pipeline.draining = False
    never = agent.messages.SendMessages(nothing(), metadata=SALES)
    ended = asyncio.ensure_future(told(never))
    # Once a second call over the same connection is answered, the first one has reached the gateway.
    await told(agent.contacts.GetContact(get(), metadata=SALES))
    never.cancel()
    await asyncio.wait([ended])
    await recorded(world, 4)
    found = await census(world)
    wanted = (Reason.REVISION_MISSING, Reason.AGENT_UNAUTHENTICATED, Reason.ARGUMENT_INVALID, Reason.DRAINING)
    assert found.excused == said((*wanted, Reason.CANCELLED))
    assert (found.same["records"], found.wrong) == (1, [])


async def test_what_could_not_be_read_is_excused_and_what_was_decided_without_the_store_is_not(
    fragile_world: World, own_redis: Store, upstream: FakeUpstream
) -> None:
    world = fragile_world
    vip = {"name": "vip", "effect": "deny", "when": '"vip" in facts.segments', "operations": ["CONTACT"]}
    await world.publish(policy(upstream.address, rules=[vip, {"name": "all", "effect": "allow"}]))
    own_redis.kill()
    agent = world.agent()
    unread = await told(agent.messages.SendMessage(send(), metadata=SALES))
    decided = await told(agent.contacts.GetContact(get(), metadata=SALES))
    assert {unread.reason, decided.reason} == {"STORE_UNAVAILABLE"}
    await asyncio.to_thread(own_redis.start)
    await recorded(world, 2)
    found = await census(world)
    assert found.excused == said((Reason.STORE_UNAVAILABLE,))
    assert (found.same["records"], found.wrong) == (1, [])


async def test_holds_that_end_large_requests_and_what_the_policy_does_not_keep_are_excused(
    world: World, upstream: FakeUpstream
) -> None:
    await world.publish(policy(upstream.address, rules=[HOLD_CONTACTS]))
    desk = Desk(world)
    assert await desk.decide(await desk.held(), approve=False)
    await told(desk.agent.messages.SendMessage(send(body="x" * LARGEST_REQUEST), metadata=SALES))
    found = await census(world)
    assert (found.excused, found.same["held"], found.wrong) == (Counter([HOLD_ENDED, TOO_LARGE]), 1, [])
    await world.publish(policy(upstream.address, replay={"share": 0}))
    await told(desk.agent.contacts.GetContact(get(), metadata=SALES))
    assert (await census(world)).excused == Counter([HOLD_ENDED, TOO_LARGE, NOT_SHARED])


async def test_copies_of_which_nothing_was_decided_or_is_kept_are_excused_and_others_are_not(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    async with fake_upstream() as candidate:
        base = copying(upstream, candidate, shadow={"arm": "next"})
        await world.publish(base)
        await told(agent.contacts.GetContact(get(), metadata=SALES))
        await world.copied(1)
        upstream.behave = upstream.hang
        upstream.arrived.clear()
        call = asyncio.ensure_future(told(agent.contacts.GetContact(get(), metadata=SALES)))
        await asyncio.wait_for(upstream.arrived.wait(), 5)
        await StopStore(world.redis).stop("acme", Stop(what="route=crm", reason="it drifts", since_ms=0))
        upstream.let_go.set()
        await call
        await world.copied(2)
        found = await census(world)
        assert (found.same["copies (shadow)"], found.excused, found.wrong) == (1, Counter([COPY_UNDECIDED]), [])
        await StopStore(world.redis).resume("acme", "route=crm")
        await world.publish(base | {"replay": {"share": 0}})
        await told(agent.contacts.GetContact(get(), metadata=SALES))
        await world.copied(3)
        found = await census(world)
        assert found.excused == Counter([COPY_UNDECIDED, NOT_SHARED, OF_NO_CALL])


async def test_what_is_trimmed_is_counted_and_wrong_unless_the_test_wants_it(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    await told(agent.contacts.GetContact(get(), metadata=SALES))
    await world.settled(1)
    entries = len(await world.entries())
    await world.redis.xtrim(keys.decisions(keys.cell("acme")), maxlen=0, approximate=False)
    found = await census(world)
    assert (found.excused[TRIMMED], len(found.wrong)) == (entries, 1)
    await world.let_trim()
    assert (await census(world)).wrong == []


async def test_what_a_test_makes_itself_is_excused_by_name_and_what_is_lost_only_where_it_was_not_settled(
    empty_world: World,
) -> None:
    await append(empty_world.redis, *(admit(a_record(number)) for number in range(2)), settle(a_settlement(1)))
    assert [why.endswith("was not kept") for _, why in (await census(empty_world, late_seconds=0)).wrong] == [
        True,
        True,
    ]
    empty_world.killed = True
    found = await census(empty_world, late_seconds=0)
    assert (found.excused, [decision for decision, _ in found.wrong]) == (Counter([LOST]), [an_id(1)])
    empty_world.by_hand |= {an_id(1)}
    found = await census(empty_world, late_seconds=0)
    assert (found.excused, found.wrong) == (Counter([LOST, BY_HAND]), [])


async def test_a_record_whose_inputs_are_gone_or_that_was_changed_is_found(
    world: World, agent: Agent, upstream: FakeUpstream
) -> None:
    ids = [(await told(agent.contacts.GetContact(get(f"contacts/c-{n}"), metadata=SALES))).decision for n in range(3)]
    await world.settled(3)
    stream = keys.decisions(keys.cell("acme"))
    names: Any = await world.redis.xrange(stream)
    for name, entry in names:
        decision = msgspec.json.decode(entry[b"r"])["id"]
        if (entry[b"k"], decision) == (b"inputs", ids[0]):
            await world.redis.xdel(stream, name)
        if (entry[b"k"], decision) == (b"admit", ids[1]):
            forged = msgspec.json.decode(entry[b"r"]) | {"arm": "elsewhere", "citation": "none"}
            await world.redis.xdel(stream, name)
            await world.redis.xadd(stream, entry | {b"r": msgspec.json.encode(forged)})
    found = await census(world, late_seconds=0)
    assert dict(found.wrong) == {
        ids[0]: f"{GET}: what decided it was not kept",
        ids[1]: f"{GET} differs in citation, arm",
        "acme": "2 entries were trimmed",
    }
    assert found.same["records"] == 1
    await world.redis.delete(stream)


async def test_what_a_test_records_itself_stays_though_no_revision_is_published_yet(empty_world: World) -> None:
    await empty_world.record_by_hand(admit(a_record(0)), settle(a_settlement(0)))
    streams = Streams(cast("Redis", empty_world.redis), consumer="an audit service")
    await streams.discover()
    await streams.acknowledge(await streams.read(), corrupt=())
    await empty_world.record_by_hand(admit(a_record(1)))
    await streams.acknowledge(await streams.read(), corrupt=())
    assert (await streams.trim(), len(await empty_world.entries())) == (0, 3)
    found = await census(empty_world, late_seconds=0)
    assert (found.excused, found.wrong) == (Counter({BY_HAND: 2}), [])


_decided = st.builds(
    Record,
    id=st.just("0" * 24 + "ffffffff"),
    received_ms=st.just(0),
    decided_ms=st.just(0),
    verdict=st.sampled_from(Verdict),
    reason=st.sampled_from(["", *Reason]),
    rule=st.sampled_from(["", "a"]),
    rules=st.lists(st.just(RuleLook("a", "allow")), max_size=1).map(tuple),
    buckets=st.lists(st.just(BucketAsk("a", "cap", 1, 1)), max_size=1).map(tuple),
    hold=st.sampled_from(["", "1"]),
    parent=st.sampled_from(["", "1"]),
    request_bytes=st.sampled_from([0, LARGEST_REQUEST + 1]),
).filter(lambda its: bool(its.rules or its.buckets))


@given(_decided)
def test_what_shows_that_rules_were_asked_is_never_excused_as_undecided(its: Record) -> None:
    wanted = TOO_LARGE if its.request_bytes > LARGEST_REQUEST else ""
    assert why_not(its, share=10_000, own=False) == wanted
    assert why_not(its, share=0, own=False) == wanted
    assert why_not(its, share=10_000, own=True) == wanted
    assert why_not(its, share=0, own=True) == wanted or NOT_SHARED


def test_the_reasons_are_those_of_the_gateway_less_its_own_mistakes() -> None:
    assert UNDECIDED.keys() == BEFORE - {Reason.INTERNAL}
    assert {HOLD_ENDED, TOO_LARGE, NOT_SHARED, BY_HAND, LOST, COPY_UNDECIDED, OF_NO_CALL, STORE_GONE, TRIMMED} == (
        REASONS - set(UNDECIDED.values())
    )


def test_no_other_modules_than_these_keep_fewer_inputs_or_let_records_go() -> None:
    shares, others, kills = set(), set(), set()
    for path in Path(__file__).parent.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        shares |= {path.stem} if re.search(r"""no_replay|replay={|["']replay["']:|EVERYTHING""", text) else set()
        kills |= {path.stem} if re.search(r"\.killed\b|killed=True|killed: bool", text) else set()
        others |= {path.stem} if re.search(r"\.(record_)?by_hand\b|\.let_trim|\.own_share", text) else set()
    assert shares - {"conftest", "world"} == {
        *(
            "test_drafts_over_http",
            "test_erasure",
            "test_explaining",
            "test_planning",
            "test_proposing_drafts",
            "test_replayed",
            "test_replaying",
            "test_replaying_over_http",
        ),
        *("test_attacks", "test_sentences_over_http", "test_simulating"),
    }
    assert kills == {"replayed", "test_holds_killed", "test_killed_in_load", "test_replayed", "world"}
    assert others == {
        *(
            "replayed",
            "test_audit_over_http",
            "test_decisions_over_http",
            "test_deferred",
            "test_erasure",
            "test_replayed",
            "test_replayed_policies",
            "world",
        ),
    }
