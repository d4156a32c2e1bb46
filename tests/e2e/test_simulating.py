"""What `pilote backtest` says of recorded calls, against what a gateway says that really runs the new policy."""

import asyncio
import json
import multiprocessing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.activation.loading import canonical, load
from gateway.adapters.revisions import RevisionStore
from gateway.clock import clock_ms
from gateway.core import keys
from gateway.core.simulating.differences import Difference
from pilote.decision.v1 import decision_service_pb2
from services.commands.effects_shown import sentences, tables
from services.commands.judging_slices import AuditSilent, Config
from services.commands.simulating import SLICE, ProcessLost, Simulated, simulate, span_of
from tests.e2e.policy import Data, cap, policy
from tests.e2e.requests import get, send
from tests.e2e.test_planning import pilote, written
from tests.e2e.test_replaying import EVERYTHING, GET, SEND, listed
from tests.e2e.waiting import eventually
from tests.e2e.world import KEY, REPLAY_KEY, Agent, Auditor, Told, World, auditing, credential, told
from tests.fakes.upstream import FakeUpstream

SALES, RESEARCH = credential("sales-bot"), credential("research-bot")
FAR_MS = 1 << 42


def config(world: World, auditor: Auditor, data: Data, **more: Any) -> Config:
    chosen: dict[str, Any] = {"tenant": "", "pseudonym_key": KEY, "replay_keys": (REPLAY_KEY,)}
    document = canonical(load(data).document)
    return Config(audit=auditor.address, redis_url=world.redis_url, document=document, **(chosen | more))


async def under(
    world: World, auditor: Auditor, data: Data, *, most: int = 0, slice_calls: int = SLICE, **more: Any
) -> Simulated:
    """The backtest of a policy over the newest so many that are kept; what `slice_calls` parts, two processes judge."""
    span = await span_of(auditor.stub, start_ms=0, end_ms=clock_ms(), tenant="", most=most)
    given = config(world, auditor, data, **more)
    return await asyncio.to_thread(simulate, given, span, processes=2, most_examples=10_000, slice_calls=slice_calls)


def named(found: Simulated) -> dict[Difference, set[str]]:
    """The calls of each difference."""
    return {each: set(its.examples) for each, its in found.effects.found.items()}


async def sent(agent: Agent, number: int, *, who: Any = SALES, **more: str) -> Told:
    """One message to one customer."""
    return await told(agent.messages.SendMessage(send(f"contacts/c-{number}", **more), metadata=who))


def verdict(one: Told) -> tuple[str, str]:
    """Whether a call went through, and if not for which reason."""
    return ("DENY" if one.reason else "ALLOW", one.reason)


async def test_caps_and_rules_are_counted_in_order_and_come_with_whom_they_concern(
    world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor
) -> None:
    await world.publish(policy(upstream.address, replay=EVERYTHING, caps=[cap(3)]))
    asked = [await sent(agent, 1) for _ in range(4)] + [await sent(agent, 2), await sent(agent, 2, who=RESEARCH)]
    report = decision_service_pb2.ReportOutcomesRequest()
    for number, type_, cents in ((1, "converted", 5_000), (1, "complained", 0), (4, "converted", 700)):
        report.outcomes.add(
            decision=f"decisions/{asked[number].decision}", type=type_, revenue_cents=cents,
            currency_code="EUR" if cents else "", event_id=f"e{number}{type_}",
        )  # fmt: skip
    await report_outcomes(agent, report)
    await listed(auditor, 6)

    async def all_told() -> Simulated | None:
        found = await under(world, auditor, policy(upstream.address, caps=[cap(1)]))
        return found if found.effects.measures.followed.total() == 3 else None

    found = await eventually(all_told, what="three outcomes")

    change = Difference(kind="verdict", was="ALLOW", becomes="DENY", by="CAP_EXCEEDED pressure")
    assert named(found) == {change: {asked[1].decision, asked[2].decision, asked[5].decision}}
    effects = found.effects
    assert (effects.all.calls, effects.all.refused, effects.all.allowed) == (6, 3, 0)
    assert len(effects.subjects_refused) == 2
    assert {name: its.refused for name, its in effects.by_agent.items()} == {"sales-bot": 2, "research-bot": 1}
    its = effects.measures
    assert (its.contacts, its.contacts_new, its.refusals, its.refusals_new) == (5, 2, 1, 4)
    assert (its.lost, its.lost_revenue) == ({"converted": 1, "complained": 1}, {"EUR": 5_000, "": 0})
    assert found.controlled == 6
    said = {
        "en": "Calls decided once more under their own revision as well: 6;",
        "fr": "Appels rejoués aussi sous leur propre révision : 6 ;",
    }
    for language, text in said.items():
        assert sentences(found, language=language)[-1].startswith(text)
        shown = list(tables(found, language=language))
        assert all("{" not in cell for table in shown for row in table for cell in row)
        assert len(shown) == 3

    wider = await under(world, auditor, policy(upstream.address, caps=[cap(9)]))
    assert named(wider) == {
        Difference(kind="verdict", was="DENY", becomes="ALLOW", by="CAP_EXCEEDED pressure"): {asked[3].decision}
    }
    assert (wider.effects.contacts_added, wider.effects.unsure) == (1, 1)


async def report_outcomes(agent: Agent, report: Any) -> None:
    from pilote.decision.v1 import decision_service_pb2_grpc

    stub: Any = decision_service_pb2_grpc.DecisionServiceStub(agent.channel)
    await stub.ReportOutcomes(report, metadata=SALES)


MIXED: Data = {
    "caps": [cap(2, name="often"), cap(3, name="spaced", by=["category"], min_gap="1h", categories=["promo"])],
    "limits": [
        {"name": "reads", "methods": [GET], "by": ["agent"], "max": 4, "window": "1d"},
        {"name": "all", "by": ["tenant"], "rate": 30, "per": "7d"},
        # More than ever run here: a settlement is written some milliseconds after its call, maybe after the next.
        {"name": "at-once", "by": ["agent"], "concurrent": 9},
    ],
    "pressure": {"half_life": "7d", "max": 4.5, "channels": {"email": 1.0}},
    "sequences": [
        {"name": "read-first", "by": "subject", "first": {"methods": [GET]},
         "then": {"methods": [SEND], "when": 'call.category == "legal"'}, "within": "1h"},
    ],
}  # fmt: skip


async def test_a_gateway_that_really_runs_the_draft_says_of_each_call_what_the_backtest_said(
    world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor
) -> None:
    calls: list[Any] = []
    for number in range(40):
        category = ("service", "promo", "legal", "service", "promo")[number % 5]
        if number % 4 == 3:
            request: Any = get(f"contacts/c-{number % 3}")
            calls.append(lambda request=request: agent.contacts.GetContact(request, metadata=SALES))
        else:
            request = send(f"contacts/c-{number % 3}", category=category, request_id=f"r-{number % 17}")
            who = RESEARCH if number % 7 == 0 else SALES
            calls.append(lambda request=request, who=who: agent.messages.SendMessage(request, metadata=who))
    base = policy(upstream.address, replay=EVERYTHING)
    draft = base | MIXED
    draft["rules"] = [*base["rules"], {"name": "no-c2", "effect": "deny", "methods": [SEND],
                                       "when": 'request.message.customer == "contacts/c-2"'}]  # fmt: skip
    await world.publish(base)
    recorded = [await told(call()) for call in calls]
    await listed(auditor, len(calls))
    found = await under(world, auditor, draft)
    said = {one.decision: verdict(one) for one in recorded}
    for each, its in found.effects.found.items():
        assert each.kind in ("verdict", "refusal")
        becomes, by = (each.becomes, each.by) if each.kind == "verdict" else ("DENY", each.becomes)
        for decision in its.examples:
            said[decision] = (becomes, by.split()[0] if becomes == "DENY" else "")

    await world.publish(draft)
    async for key in world.redis.scan_iter("pilote:{acme/0}:*"):
        await world.redis.delete(key)
    await world.keep_records()
    lived = [verdict(await told(call())) for call in calls]

    assert len(set(lived)) >= 4, "too little happens for this to prove anything"
    assert [said[one.decision] for one in recorded] == lived
    assert found.left_out == {}


async def test_a_new_deny_rule_names_exactly_the_calls_that_it_would_have_refused(
    world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor
) -> None:
    promo = {"name": "no-promo", "effect": "deny", "when": 'call.category == "promo"', "operations": ["CONTACT"]}
    held = {"name": "look", "effect": "hold", "methods": [SEND], "when": 'call.category == "legal"'}
    base = policy(upstream.address, replay=EVERYTHING)
    base["rules"].append(held)
    await world.publish(base)
    refused = [await sent(agent, number, category="promo") for number in range(7)]
    others = [await sent(agent, number, category=category) for number, category in enumerate(("service", "legal") * 5)]
    others += [await told(agent.contacts.GetContact(get(f"contacts/c-{n}"), metadata=RESEARCH)) for n in range(5)]
    await listed(auditor, 22)

    new = base | {"rules": [*base["rules"], promo]}
    found = await under(world, auditor, new)

    wanted = Difference(kind="verdict", was="ALLOW", becomes="DENY", by="POLICY_DENIED no-promo")
    assert named(found) == {wanted: {each.decision for each in refused}}
    assert (found.effects.all.calls, found.effects.otherwise, found.left_out) == (len(others) + 7, 7, {})
    head, row = next(tables(found, language="en"))
    assert head == ("would change", "by", "calls", "share", "customers", "for example")
    assert row[:5] == ("allowed, would be refused", "POLICY_DENIED no-promo", "7", "31.8 %", "7")
    sliced = await under(world, auditor, new, slice_calls=4)  # judged side by side, it is the same
    assert list(tables(sliced, language="fr")) == list(tables(found, language="fr"))
    assert (sliced.controlled, sliced.left_out) == (found.controlled, {})
    back = await under(world, auditor, base)
    assert (back.effects.otherwise, back.effects.found) == (0, {})


async def test_what_is_allowed_refused_or_served_otherwise_is_told_apart(
    world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor
) -> None:
    def arms(first: int) -> list[Data]:
        of = [{"name": name, "upstream": "crm", "weight": w} for name, w in (("a", first), ("b", 10_000 - first))]
        return [{"name": "crm", "methods": ["/pilote.crm.v1.*"], "arms": of}]

    no_mail = {"name": "no-mail", "effect": "deny", "methods": [SEND]}
    base = policy(upstream.address, replay=EVERYTHING, routes=arms(10_000))
    await world.publish(base | {"rules": [*base["rules"], no_mail]})
    await sent(agent, 1)
    await told(agent.contacts.GetContact(get("contacts/c-1"), metadata=RESEARCH))
    await told(agent.contacts.GetContact(get("contacts/c-1"), metadata=SALES))
    await listed(auditor, 3)
    taken = {"name": "hidden", "effect": "redact", "methods": [GET], "fields": ["contact.email"]}
    agents = [each for each in base["agents"] if each["name"] != "sales-bot"]
    new = base | {"rules": [*base["rules"], taken], "routes": arms(0)}

    kinds = {(each.kind, each.was, each.becomes) for each in named(await under(world, auditor, new))}
    assert kinds == {("verdict", "DENY", "ALLOW"), ("arm", "crm/a", "crm/b"), ("redactions", "", "hidden")}
    gone = named(await under(world, auditor, base | {"agents": agents, "rules": [*base["rules"], no_mail]}))
    assert {(each.kind, each.becomes, len(calls)) for each, calls in gone.items()} == {
        ("verdict", "DENY", 1),
        ("refusal", "AGENT_UNAUTHENTICATED", 1),
    }


async def test_calls_that_cannot_be_judged_are_left_out_and_said_so(
    world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor
) -> None:
    base = policy(upstream.address, replay=EVERYTHING)
    await world.publish(base)
    call = await told(agent.contacts.GetContact(get("contacts/c-1"), metadata=SALES))
    await listed(auditor, 1)
    vip = {"name": "vip", "effect": "deny", "methods": [GET], "when": '"vip" in facts.segments'}
    found = await under(world, auditor, base | {"rules": [*base["rules"], vip]})
    assert (found.effects.all.calls, found.left_out) == (0, {"facts": [call.decision]})
    (said,) = sentences(found, language="en")
    assert said.startswith("1 left out: the new policy looks at what is known of the customer, and that was not read")
    assert said.endswith(f"({call.decision})")

    world.replaying = False  # the revisions that decided are forged and deleted now
    store = RevisionStore(world.redis)
    published = await store.read(2)
    assert published is not None
    other = msgspec.json.decode(bytes(published.document))
    other["rules"] = [{"name": "somebody-else", "effect": "allow"}]
    forged = msgspec.structs.replace(published, document=msgspec.Raw(msgspec.json.encode(other)))
    await world.redis.hset(keys.ALL_REVISIONS, "2", msgspec.json.encode(forged))
    assert (await under(world, auditor, base)).left_out == {"disagrees": [call.decision]}
    await world.redis.hdel(keys.ALL_REVISIONS, "2")
    assert (await under(world, auditor, base)).left_out == {"replay-revision-gone": [call.decision]}


async def test_the_newest_calls_are_judged_and_progress_is_told(
    world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor
) -> None:
    await world.publish(policy(upstream.address, replay=EVERYTHING))
    for number in range(40):
        await told(agent.contacts.GetContact(get(f"contacts/c-{number}"), metadata=SALES))
    await listed(auditor, 40)
    span = await span_of(auditor.stub, start_ms=0, end_ms=clock_ms(), tenant="acme", most=35)
    seen: list[tuple[int, int]] = []

    def run() -> Simulated:
        given = config(world, auditor, policy(upstream.address))
        return simulate(
            given,
            span,
            processes=2,
            most_examples=3,
            progress=lambda done, total: seen.append((done, total)),
            slice_calls=10,
        )

    found = await asyncio.to_thread(run)
    assert len(seen) >= 3
    assert seen == sorted(seen)
    assert seen[-1] == (35, 35)
    assert (found.effects.all.calls, found.effects.otherwise) == (35, 0)


async def test_what_follows_on_a_call_that_ends_otherwise_is_not_made_at_all(
    world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor
) -> None:
    data = policy(upstream.address, replay=EVERYTHING)
    data["caps"] = [cap(1, on_exceed="downgrade", downgrade_to="email", channels=["sms"])]
    await world.publish(data)
    first, second = await sent(agent, 1, channel="sms"), await sent(agent, 1, channel="sms")
    await listed(auditor, 3)
    found = await under(world, auditor, policy(upstream.address, caps=[cap(9)]))
    kinds = {(each.kind, each.was, each.by): len(its.examples) for each, its in found.effects.found.items()}
    assert kinds == {("verdict", "DENY", "CAP_EXCEEDED pressure"): 1, ("gone", "ALLOW", ""): 1}
    assert first.decision not in {each for its in found.effects.found.values() for each in its.examples}
    assert second.decision in {each for its in found.effects.found.values() for each in its.examples}
    assert any("would not be made" in row[0] for table in tables(found, language="en") for row in table)


async def test_of_a_sample_nothing_is_counted(
    world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor
) -> None:
    await world.publish(policy(upstream.address, replay={"share": 9_000}))
    for number in range(12):
        await sent(agent, number % 2)
    await listed(auditor, 6)
    found = await under(world, auditor, policy(upstream.address, caps=[cap(1)]))
    assert (found.counted, found.effects.otherwise) == (False, 0)
    assert any("only of 90 % of the calls" in sentence for sentence in sentences(found, language="en"))


async def one_call(world: World, agent: Agent, auditor: Auditor, base: Data, folder: Path) -> tuple[Told, str]:
    """A call that was let through, and the file of a draft that would refuse it."""
    await world.publish(base)
    call = await sent(agent, 1)
    await listed(auditor, 1)
    refusing = {"rules": [*base["rules"], {"name": "no", "effect": "deny", "methods": [SEND]}]}
    return call, written(base | refusing, folder)


async def test_the_command_says_it_in_both_languages_and_as_json(
    world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor, tmp_path: Path
) -> None:
    call, file = await one_call(world, agent, auditor, policy(upstream.address, replay=EVERYTHING), tmp_path)
    settings = key_files(auditor, tmp_path)
    command = ("backtest", "--revision", file, "--since", "1h")
    code, out, err = await pilote(world, *command, PILOTE_LANG="fr", **settings)
    assert (code, "1 appels en " in err) == (0, True)
    row = next(line for line in out.splitlines() if line.startswith("autorisé, serait refusé"))
    assert row.split("\t")[1:] == ["POLICY_DENIED no", "1", "100,0 %", "1", call.decision]
    assert "sollicitations faites\t1\t0\t-1" in out.splitlines()

    code, out, _ = await pilote(world, *command, "--json", "--control", **settings)
    said = json.loads(out)
    assert (code, said["newlyRefused"], said["contacts"], said["controlled"]) == (0, 1, [1, 0], 1)

    code, _, err = await pilote(world, *command, **(settings | {"PILOTE_AUDIT_LISTEN": "127.0.0.1:1"}))
    assert (code, "audit service" in err) == (1, True)


async def test_the_command_shows_plan_and_backtest(
    world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor, tmp_path: Path
) -> None:
    call, file = await one_call(world, agent, auditor, policy(upstream.address, replay=EVERYTHING), tmp_path)
    settings = key_files(auditor, tmp_path)
    for language, change, share in (
        ("en", "allowed, would be refused", "100.0 %"),
        ("fr", "autorisé, serait refusé", "100,0 %"),
    ):
        code, out, err = await pilote(world, "plan", file, "--backtest", PILOTE_LANG=language, **settings)
        assert (code, err.splitlines()[1:]) == (0, [])
        row = next(line for line in out.splitlines() if line.startswith(change))
        assert row.split("\t")[1:] == ["POLICY_DENIED no", "1", share, "1", call.decision]

    (tmp_path / "replays").write_text("0" * 64)
    code, out, _ = await pilote(world, "plan", file, "--backtest", **settings)
    assert (code, "PILOTE_REPLAY_KEY_FILE" in out) == (0, True)


async def test_calls_of_an_hour_that_cannot_be_read_are_not_left_out_unsaid(
    world: World, agent: Agent, upstream: FakeUpstream, tmp_path: Path
) -> None:
    base = policy(upstream.address, replay=EVERYTHING)
    await world.publish(base)
    async with auditing(world.redis_url, tmp_path) as auditor:
        call = await sent(agent, 1)
        await listed(auditor, 1)
    (segment,) = (tmp_path / "audit" / "segments").glob("*.sqlite")
    segment.write_bytes(b"this was a segment" * 100)
    file = written(base | {"rules": [*base["rules"], {"name": "no", "effect": "deny", "methods": [SEND]}]}, tmp_path)
    async with auditing(world.redis_url, tmp_path) as auditor:
        settings = key_files(auditor, tmp_path)
        for command in (("backtest", "--revision", file, "--since", "1h"), ("plan", file, "--backtest")):
            code, _, err = await pilote(world, *command, PILOTE_LANG="fr", **settings)
            assert (code, f"illisibles : {segment.name}" in err) == (0, True)
        code, out, _ = await pilote(world, "backtest", "--revision", file, "--json", **settings)
        assert (code, json.loads(out)["unreadableSegments"]) == (0, [segment.name])
        code, _, err = await pilote(world, "replay", call.decision, **settings)
        assert (code, f"The segment {segment.name} cannot be read" in err) == (1, True)


def key_files(auditor: Auditor, folder: Path) -> dict[str, str]:
    """The keys in files, and where the audit service is."""
    (folder / "pseudonyms").write_bytes(KEY)
    (folder / "replays").write_text(REPLAY_KEY.hex())
    return {
        "PILOTE_AUDIT_LISTEN": auditor.address,
        "PILOTE_PSEUDONYM_KEY_FILE": str(folder / "pseudonyms"),
        "PILOTE_REPLAY_KEY_FILE": str(folder / "replays"),
    }


async def test_a_process_that_the_system_ends_is_told_and_not_taken_for_the_end(
    world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor
) -> None:
    await world.publish(policy(upstream.address, replay=EVERYTHING))
    for number in range(30):
        await sent(agent, number)
    await listed(auditor, 30)
    span = await span_of(auditor.stub, start_ms=0, end_ms=clock_ms(), tenant="", most=0)
    given = config(world, auditor, policy(upstream.address))

    def end_them(_done: int, _total: int) -> None:
        for child in multiprocessing.active_children():
            child.kill()

    def run() -> Simulated:
        return simulate(given, span, processes=1, most_examples=1, progress=end_them, slice_calls=1)

    with pytest.raises(ProcessLost):
        await asyncio.to_thread(run)


async def test_an_audit_service_that_goes_away_is_told_and_not_taken_for_the_end(
    world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor
) -> None:
    await world.publish(policy(upstream.address, replay=EVERYTHING))
    for number in range(3):
        await sent(agent, number)
    await listed(auditor, 3)
    span = await span_of(auditor.stub, start_ms=0, end_ms=clock_ms(), tenant="", most=0)
    assert span.total == 3
    there = config(world, auditor, policy(upstream.address))
    for gone in ({"audit": "127.0.0.1:1"}, {"redis_url": "redis://127.0.0.1:1"}):
        given = msgspec.structs.replace(there, **gone)
        for slice_calls in (SLICE, 1):  # here, and in another process
            with pytest.raises(AuditSilent):
                await asyncio.to_thread(simulate, given, span, processes=1, most_examples=1, slice_calls=slice_calls)
