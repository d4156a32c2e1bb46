"""Deciding once more about recorded calls: the same bytes, from sealed inputs that expire and can be forgotten."""

from collections import Counter
from typing import Any

import msgspec
import pytest

from gateway.adapters import facts as fact_store
from gateway.adapters.sealing import Sealer
from gateway.core import keys
from gateway.core.assignment import point
from gateway.core.call import Facts
from gateway.core.inputs import LARGEST_REQUEST, sampled
from gateway.core.record import subject_ref
from pilote.audit.v1 import planning_pb2
from services.commands.replay_lines import lines, reason
from services.commands.replaying import Once, Replays, Revisions, Unusable, copies, kept_inputs, replay
from tests.e2e.holding import HOLD_CONTACTS, Desk, hold_of
from tests.e2e.policy import Data, cap, policy
from tests.e2e.requests import ADA, get, one_by_one, send, send_one
from tests.e2e.test_planning import pilote
from tests.e2e.waiting import eventually
from tests.e2e.world import KEY, REPLAY_KEY, Agent, Auditor, Told, World, credential, told
from tests.fakes.upstream import FakeUpstream
from tests.services.ports import free

SALES, MARKETING, RESEARCH = (credential(name) for name in ("sales-bot", "marketing-bot", "research-bot"))
GET = "/pilote.crm.v1.ContactService/GetContact"
SEND = "/pilote.crm.v1.MessageService/SendMessage"
ZONES = ("Pacific/Auckland", "Asia/Tokyo", "Europe/Paris", "America/New_York", "")
EVERYTHING = {"share": 10_000, "keep": "1d"}


def day(crm: str) -> Data:
    """A policy that has something of everything that a call is decided by."""
    arms = [{"name": "calm", "upstream": "crm", "weight": 6_000}, {"name": "bold", "upstream": "crm", "weight": 4_000}]
    tone = {"name": "tone", "operations": ["CONTACT"], "arms": [{"name": n, "weight": 5_000} for n in ("a", "b")]}
    vip = {"name": "vip", "effect": "deny", "operations": ["CONTACT"], "when": '"vip" in facts.segments'}
    return policy(
        crm,
        replay=EVERYTHING,
        routes=[{"name": "crm", "methods": ["/pilote.crm.v1.*"], "arms": arms}],
        experiments=[tone],
        holdouts=[{"name": "silent", "share": 4_000}],
        rules=[
            {"name": "all", "effect": "allow"},
            vip | {"on_error": "allow"},
            {"name": "look", "effect": "hold", "methods": [SEND], "when": 'call.category == "legal"'},
            {"name": "tired", "effect": "deny", "operations": ["CONTACT"], "when": "facts.pressure > 3.0"},
            {
                "name": "warm",
                "effect": "redact",
                "methods": [GET],
                "when": 'route.arm == "bold"',
                "fields": ["contact.email"],
            },
        ],
        limits=[{"name": "rate", "operations": ["CONTACT"], "by": ["agent"], "max": 6, "window": "1h"}],
        caps=[cap(2, name="weekly")],
        pressure={"half_life": "1d"},
        quiet_hours=[{"name": "nights", "categories": ["marketing"], "open": [{"from": "08:00", "to": "20:00"}]}],
    )


async def work(world: World, agent: Agent) -> set[str]:
    """Some forty calls of three agents; returns their decisions."""
    for number, zone in enumerate(ZONES):
        facts = Facts(time_zone=zone, segments=("vip",) if number == 1 else ("b2b",), scores={"churn": 0.25})
        ref = subject_ref(KEY, tenant="acme", subject=f"contacts/c-{number}")
        await fact_store.put(world.redis, "acme", subject_ref=ref, facts=facts)
    ended = []
    for number in range(7):
        customer = f"contacts/c-{number}"
        for who, category in ((SALES, "service"), (MARKETING, "marketing"), (MARKETING, "legal"), (SALES, "service")):
            ended.append(await told(agent.messages.SendMessage(send(customer, category=category), metadata=who)))
        ended.append(await told(agent.contacts.GetContact(get(customer), metadata=RESEARCH)))
    twice = send("contacts/c-0", category="service", request_id="again")
    ended += [await told(agent.messages.SendMessage(twice, metadata=RESEARCH)) for _ in range(2)]
    refs = {f"contacts/d-{n}": subject_ref(KEY, tenant="acme", subject=f"contacts/d-{n}") for n in range(20)}
    welcome = [name for name, ref in refs.items() if point("silent", ref) >= 4_000][:2]
    stream = one_by_one([send_one(name, category="service") for name in welcome])
    ended.append(await told(agent.messages.SendMessages(stream, metadata=RESEARCH)))
    ended.append(await told(world.raw().unary_unary("/nobody.has/Described")(b"\x08\x01", metadata=RESEARCH)))
    return {each.decision for each in ended}


def replays(world: World, *, key: bytes = REPLAY_KEY) -> Replays:
    """Whoever has the key."""
    return Replays(Revisions(world.redis), sealer=Sealer((key,)), pseudonym_key=KEY)


async def listed(auditor: Auditor, least: int, **asked: Any) -> list[planning_pb2.CallInputs]:
    """The sealed inputs, once there are so many."""

    async def look() -> list[planning_pb2.CallInputs] | None:
        request = planning_pb2.ListInputsRequest(**asked)
        found = [kept async for kept, _ in kept_inputs(auditor.stub, request)]
        return found if len(found) >= least else None

    return await eventually(look, what=f"{least} inputs")


async def once_each(world: World, kept: list[planning_pb2.CallInputs]) -> list[Once]:
    """All of them, decided once more."""
    again = replays(world)
    return [await again.once(again.open(each)) for each in kept]


async def test_a_day_of_calls_decided_once_more_comes_to_the_same_byte_for_byte(
    world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor
) -> None:
    await world.publish(day(upstream.address))
    decisions = await work(world, agent)
    found = await once_each(world, await listed(auditor, len(decisions) + 1))  # and the second message of the stream

    assert [(once.opened.record.method, once.differing) for once in found if once.differing] == []
    assert decisions <= {once.opened.record.id for once in found}
    reasons = Counter(once.opened.record.reason for once in found)
    seen = {"", "HELD_OUT", "POLICY_DENIED", "APPROVAL_REQUIRED", "METHOD_UNDESCRIBED"}
    assert seen <= set(reasons), reasons
    assert "QUIET_HOURS" in reasons or "HELD_OUT" in reasons
    assert {once.opened.outcome.refused for once in found} >= {-1, 0}  # limits and caps refused some
    assert len({once.opened.record.arm for once in found}) == 3  # both, and none
    assert any(once.opened.record.parent for once in found)  # a stream's further message


async def test_a_held_call_that_a_person_lets_go_is_replayed_with_their_approval(
    world: World, upstream: FakeUpstream, auditor: Auditor
) -> None:
    await world.publish(day(upstream.address))
    desk = Desk(world)
    held = await told(desk.agent.messages.SendMessage(send("contacts/c-9", category="legal"), metadata=SALES))
    assert held.reason == "APPROVAL_REQUIRED"
    await desk.decide(hold_of(held))
    hold = await desk.until(hold_of(held), "EXECUTED")
    found = {once.opened.record.id: once for once in await once_each(world, await listed(auditor, 2))}
    made = found[hold.result]
    assert made.opened.inputs.approved
    assert (made.opened.record.verdict, made.differing) == ("ALLOW", ())


async def test_a_replay_tells_what_differs_from_a_record_that_was_changed(
    world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor
) -> None:
    await world.publish(policy(upstream.address, replay=EVERYTHING))
    await told(agent.contacts.GetContact(get(), metadata=SALES))
    (kept,) = await listed(auditor, 1)
    forged = msgspec.json.decode(kept.record) | {"rule": "another", "arm": "elsewhere"}
    again = replays(world)
    kept = planning_pb2.CallInputs(sealed=kept.sealed, record=msgspec.json.encode(forged), outcome=kept.outcome)
    assert (await again.once(again.open(kept))).differing == ("rule", "arm")


async def test_inputs_are_unreadable_without_the_key_and_open_for_their_own_decision_only(
    world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor
) -> None:
    await world.publish(policy(upstream.address, replay=EVERYTHING))
    secret = "Dear Marguerite"
    for number in range(2):
        request = send(f"contacts/c-{number}", category="service", body=secret)
        await told(agent.messages.SendMessage(request, metadata=SALES))
    one, other = await listed(auditor, 2)
    assert all(secret.encode() not in each.sealed + each.record for each in (one, other))
    assert not any(secret.encode() in value for entry in await world.entries() for value in entry.values())
    swapped = planning_pb2.CallInputs(sealed=other.sealed, record=one.record, outcome=one.outcome)
    broken = planning_pb2.CallInputs(sealed=one.sealed[:-1] + b"\0\1", record=one.record, outcome=one.outcome)
    for key, kept, why in (
        (b"x" * 32, one, "replay-key"),
        (REPLAY_KEY, swapped, "replay-damaged"),
        (REPLAY_KEY, broken, "replay-damaged"),
    ):
        with pytest.raises(Unusable, match=why):
            replays(world, key=key).open(kept)
    assert replays(world).open(one).inputs.request.count(secret.encode()) == 1


async def test_without_a_share_nothing_is_kept_and_with_one_just_the_calls_that_their_id_says(
    world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor
) -> None:
    await world.publish(policy(upstream.address, replay={"share": 0}))
    await told(agent.contacts.GetContact(get(), metadata=SALES))
    assert {entry[b"k"] for entry in await world.entries()} <= {b"admit", b"settle"}
    await world.publish(policy(upstream.address, replay={"share": 5_000}))
    asked = [await told(agent.contacts.GetContact(get(), metadata=SALES)) for _ in range(40)]
    wanted = {each.decision for each in asked if sampled(each.decision, 5_000)}
    assert 5 < len(wanted) < 35
    found = await listed(auditor, len(wanted))
    assert {each.decision.removeprefix("decisions/") for each in found} == wanted


async def test_a_request_that_is_too_large_to_keep_is_decided_all_the_same(
    world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor
) -> None:
    await world.publish(policy(upstream.address, replay=EVERYTHING))
    large = send("contacts/c-1", category="service", body="x" * (LARGEST_REQUEST + 1))
    await told(agent.messages.SendMessage(large, metadata=SALES))
    small = await told(agent.contacts.GetContact(get(), metadata=SALES))
    (kept,) = await listed(auditor, 1)
    assert kept.decision == f"decisions/{small.decision}"


async def test_the_commands_replay_a_call_and_forget_what_is_kept_of_a_customer(
    world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor
) -> None:
    await world.publish(policy(upstream.address, replay=EVERYTHING))
    sent = await told(agent.messages.SendMessage(send("contacts/c-1", category="service"), metadata=SALES))
    read = await told(agent.contacts.GetContact(get("contacts/c-2"), metadata=SALES))
    await listed(auditor, 2)
    secrets = world.home / "cli-secrets"
    secrets.mkdir()
    (secrets / "pseudonyms").write_bytes(KEY)
    (secrets / "replays").write_text(REPLAY_KEY.hex())
    settings = {
        "PILOTE_AUDIT_LISTEN": auditor.address,
        "PILOTE_PSEUDONYM_KEY_FILE": str(secrets / "pseudonyms"),
        "PILOTE_REPLAY_KEY_FILE": str(secrets / "replays"),
    }

    code, out, err = await pilote(world, "replay", sent.decision, **settings)
    assert (code, err) == (0, "")
    assert out == (
        f"decisions/{sent.decision} agrees: decided once more under revision 2, it comes to the same, byte for byte "
        "(allowed).\n"
    )
    code, out, _ = await pilote(world, "forget-inputs", "contacts/c-1", **settings)
    assert (code, out.startswith("1 inputs about contacts/c-1 were deleted")) == (0, True)
    code, _, err = await pilote(world, "replay", sent.decision, **settings)
    assert (code, err.startswith("What it was decided by is not there: it was deleted")) == (1, True)
    code, _, err = await pilote(world, "replay", "nonsense", PILOTE_LANG="fr", **settings)
    assert (code, err.startswith("nonsense n’est pas une décision")) == (2, True)
    (secrets / "replays").write_text("0" * 64)
    code, _, err = await pilote(world, "replay", read.decision, **settings)
    assert (code, "PILOTE_REPLAY_KEY_FILE" in err) == (1, True)


async def test_one_call_is_found_by_its_id(
    world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor
) -> None:
    await world.publish(policy(upstream.address, replay=EVERYTHING))
    read = await told(agent.contacts.GetContact(get("contacts/c-2"), metadata=SALES))
    await listed(auditor, 1)
    assert (await replay(read.decision, auditor.stub, replays(world))).differing == ()
    with pytest.raises(Unusable, match="replay-unknown"):
        await replay("0" * 32, auditor.stub, replays(world))


async def said(world: World, auditor: Auditor, decision: str, *, language: str = "en", now_ms: int = 0) -> list[str]:
    """What the command says of a decision, line by line."""
    await auditor.decision(decision)
    again = replays(world)
    try:
        once = await replay(decision, auditor.stub, again, now_ms=now_ms)
    except Unusable as unusable:
        return [reason(unusable, language=language)]
    return [*lines(once, await copies(auditor.stub, once, again), language=language)]


async def test_it_says_what_the_rules_said_and_what_else_became_of_the_call(
    world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor
) -> None:
    shadow = {"name": "next", "upstream": "crm", "weight": 0}
    down = {"name": "main", "upstream": "down"}
    spare = {"name": "spare", "upstream": "crm", "weight": 0}
    base = policy(upstream.address, replay=EVERYTHING, caps=[cap(1, on_exceed="review")])
    route = {"name": "mail", "methods": [SEND], "arms": [{"name": "now", "upstream": "crm"}, shadow]}
    either = {"name": "read", "methods": [GET], "arms": [down, spare], "fallback": ["spare"]}
    look = {"name": "look", "effect": "hold", "methods": [SEND], "when": 'call.category == "legal"'}
    no = {"name": "no", "effect": "deny", "methods": [SEND], "when": 'call.category == "promo"'}
    not_next = {"name": "not-next", "effect": "deny", "when": 'route.arm == "next"'}
    closed = {"name": "down", "address": f"127.0.0.1:{free(1)[0]}"}
    await world.publish(
        base
        | {
            "rules": [*base["rules"], look, no, not_next],
            "routes": [route | {"shadow": {"arm": "next"}}, either],
            "upstreams": [*base["upstreams"], closed],
        }
    )

    async def sent(category: str) -> Told:
        return await told(agent.messages.SendMessage(send("contacts/c-1", category=category), metadata=SALES))

    allowed, capped, denied, held = [await sent(each) for each in ("service", "service", "promo", "legal")]
    await auditor.with_copies(allowed.decision)
    agreed = "agrees: decided once more under revision 2, it comes to the same, byte for byte"
    concorde = "concorde : rejouée sous la révision 2, la décision est la même, octet pour octet"
    assert await said(world, auditor, allowed.decision) == [
        f"decisions/{allowed.decision} {agreed} (allowed).",
        "Its copy to the arm next agrees too (refused).",
    ]
    assert await said(world, auditor, allowed.decision, language="fr") == [
        f"decisions/{allowed.decision} {concorde} (autorisé).",
        "Sa copie vers la branche next concorde aussi (refusé).",
    ]
    assert await said(world, auditor, denied.decision) == [
        f"decisions/{denied.decision} {agreed} (refused POLICY_DENIED)."
    ]
    assert await said(world, auditor, held.decision, language="fr") == [
        f"decisions/{held.decision} {concorde} (soumis à une personne APPROVAL_REQUIRED)."
    ]
    assert await said(world, auditor, capped.decision) == [
        f"decisions/{capped.decision} {agreed} (allowed).",
        "The limit or cap pressure refused the call then; what it had counted by that time is not decided once more.",
    ]
    of_hold, why = await said(world, auditor, hold_of(capped), language="fr")
    assert of_hold == f"decisions/{hold_of(capped)} {concorde} (soumis à une personne APPROVAL_REQUIRED)."
    assert why.startswith("Une limite ou un plafond avait refusé l’appel, qui a donc été gardé ; seul ce que disent")
    moved = await told(agent.contacts.GetContact(get(), metadata=SALES))
    await auditor.decision(moved.decision)
    (standby,) = [each for each in await auditor.listed() if each.standby]
    assert await said(world, auditor, standby.name.removeprefix("decisions/")) == [
        f"{standby.name} {agreed} (allowed).",
        "It is about the arm spare, which took over from the one that was chosen.",
    ]


async def test_it_says_why_a_decision_cannot_be_decided_once_more(
    world: World, upstream: FakeUpstream, auditor: Auditor
) -> None:
    await world.publish(policy(upstream.address, replay=EVERYTHING, rules=[HOLD_CONTACTS]))
    desk = Desk(world)
    large = await told(desk.agent.messages.SendMessage(send(body="x" * LARGEST_REQUEST), metadata=SALES))
    assert await desk.decide(hold_of(large), approve=False)
    stranger = await told(desk.agent.contacts.GetContact(get()))
    await world.publish(policy(upstream.address, replay={"share": 2_500}))
    few = [await told(desk.agent.contacts.GetContact(get(), metadata=SALES)) for _ in range(40)]
    left_out = next(each.decision for each in few if not sampled(each.decision, 2_500))
    kept = next(each.decision for each in few if sampled(each.decision, 2_500))
    for decision, start in (
        ("f" * 32, "It is about how a hold ended, which people and time decide, and no rule"),
        (large.decision, "What it was decided by was never kept: its request of 65"),
        (stranger.decision, "The call ended before the rules were asked (AGENT_UNAUTHENTICATED)"),
        (left_out, "What it was decided by is not kept: revision 3 keeps it of 25 % of the calls (`replay`)"),
    ):
        (line,) = await said(world, auditor, decision)
        assert line.startswith(start)
    (line,) = await said(world, auditor, left_out, language="fr")
    assert line.startswith("Ce qui a servi à décider n’est pas conservé : la révision 3 le garde pour 25 % des appels")
    await auditor.decision(kept)
    await auditor.stub.ForgetInputs(planning_pb2.ForgetInputsRequest(subject=ADA))
    assert (await said(world, auditor, kept))[0].startswith("What it was decided by is not there: it was deleted")
    late_ms = world.clock() + 31 * 86_400_000
    assert await said(world, auditor, kept, now_ms=late_ms) == [
        "What it was decided by is not kept any more: revision 3 keeps it for 30d (`replay`)."
    ]
    await world.redis.hdel(keys.ALL_REVISIONS, "3")
    assert await said(world, auditor, kept) == ["The revision that decided is not there any more."]


async def test_inputs_of_another_tenant_are_not_used(
    world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor
) -> None:
    await world.publish(policy(upstream.address, replay=EVERYTHING))
    await told(agent.contacts.GetContact(get(), metadata=SALES))
    (one,) = await listed(auditor, 1)
    moved = msgspec.json.encode(msgspec.json.decode(one.record) | {"tenant": "globex"})
    with pytest.raises(Unusable, match="replay-damaged"):
        replays(world).open(planning_pb2.CallInputs(sealed=one.sealed, record=moved, outcome=one.outcome))


async def test_repeats_of_held_calls_other_channels_and_agents_that_are_gone_are_replayed_too(
    world: World, upstream: FakeUpstream, auditor: Auditor
) -> None:
    phone = cap(1, name="calls", channels=["phone"], on_exceed="downgrade", downgrade_to="email")
    look = {"name": "look", "effect": "hold", "methods": [SEND], "when": 'call.category == "legal"'}
    base = policy(upstream.address, replay=EVERYTHING, caps=[phone])
    await world.publish(base | {"rules": [*base["rules"], look]})
    desk = Desk(world)
    stub = desk.agent.messages
    for _ in range(2):
        call = send("contacts/c-1", channel="phone", category="service", contact_point="+33123456789")
        await told(stub.SendMessage(call, metadata=MARKETING))
    legal = send("contacts/c-2", category="legal", request_id="one")
    held = await told(stub.SendMessage(legal, metadata=MARKETING))
    assert await desk.decide(hold_of(held))
    await desk.until(hold_of(held), "EXECUTED")
    await told(stub.SendMessage(legal, metadata=MARKETING))
    waiting = await told(stub.SendMessage(send("contacts/c-3", category="legal"), metadata=SALES))
    await world.publish(base | {"agents": [each for each in base["agents"] if each["name"] != "sales-bot"]})
    assert await desk.decide(hold_of(waiting))
    await desk.until(hold_of(waiting), "FAILED")

    found = await once_each(world, await listed(auditor, 8))
    assert [once.differing for once in found] == [()] * 8
    assert [once.opened.record.asked_channel for once in found].count("phone") == 1
    assert "AGENT_UNAUTHENTICATED" in {once.opened.record.reason for once in found}
    assert any(once.opened.outcome.first for once in found)
