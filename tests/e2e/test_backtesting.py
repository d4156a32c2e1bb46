"""What recorded calls would have come to under another policy, told exactly."""

from pathlib import Path
from typing import Any

import msgspec

from gateway.adapters.revisions import RevisionStore
from gateway.core import keys
from gateway.core.backtest import Difference
from gateway.loading import load
from services.commands.backtesting import Backtest, backtest, rows, sentences, since
from tests.e2e.policy import Data, cap, policy
from tests.e2e.requests import get, send
from tests.e2e.test_planning import pilote, written
from tests.e2e.test_replaying import EVERYTHING, GET, SEND, listed, replays
from tests.e2e.world import KEY, REPLAY_KEY, Agent, Auditor, Told, World, credential, told
from tests.fakes.upstream import FakeUpstream

SALES, RESEARCH = credential("sales-bot"), credential("research-bot")


async def sent(agent: Agent, number: int, *, category: str = "service", who: Any = SALES) -> Told:
    """One message to one customer."""
    return await told(agent.messages.SendMessage(send(f"contacts/c-{number}", category=category), metadata=who))


async def under(world: World, auditor: Auditor, data: Data, *, most: int = 0, examples: int = 1_000) -> Backtest:
    """The backtest of a policy over all that is kept."""
    asked = since(0, tenant="", most=most)
    return await backtest(load(data), auditor.stub, replays(world), request=asked, most_examples=examples)


def named(found: Backtest) -> dict[Difference, set[str]]:
    """The calls of each difference."""
    return {each: set(its.examples) for each, its in found.tally.found.items()}


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
    assert (found.tally.replayed, found.tally.otherwise, found.tally.left_out) == (len(others) + 7, 7, {})
    head, row = rows(found, language="en")
    assert head == ("would change", "by", "calls", "share", "for example")
    assert row[:4] == ("allowed, would be refused", "POLICY_DENIED no-promo", "7", "31.8 %")
    assert sentences(found, language="en") == (
        "Of 22 recorded calls 7 would have ended otherwise by the rules, experiments and routes (31.8 %).",
    )
    again = await under(world, auditor, new)
    assert rows(again, language="fr") == rows(found, language="fr")  # and in the other language
    back = await under(world, auditor, base)
    assert (back.tally.otherwise, rows(back, language="en")) == (0, ())


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
    assert {(each.kind, each.by, len(calls)) for each, calls in gone.items()} == {
        ("verdict", "AGENT_UNAUTHENTICATED", 1),
        ("refusal", "", 1),
    }


async def test_caps_are_counted_over_the_calls_where_all_of_them_are_kept(
    world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor
) -> None:
    await world.publish(policy(upstream.address, replay=EVERYTHING, caps=[cap(3)]))
    asked = [await sent(agent, 1) for _ in range(4)] + [await sent(agent, 2)]
    await listed(auditor, 5)

    found = await under(world, auditor, policy(upstream.address, caps=[cap(1)]))
    change = Difference(kind="counted", was="ALLOW", becomes="DENY CAP_EXCEEDED", by="pressure")
    assert named(found) == {change: {each.decision for each in asked[1:3]}}
    assert found.tally.otherwise == 0
    (_, row) = rows(found, language="fr")
    assert row[:3] == ("au compte : autorisé, serait refusé CAP_EXCEEDED", "pressure", "2")
    assert "counted over these calls alone" in sentences(found, language="en")[-1]

    wider = named(await under(world, auditor, policy(upstream.address, caps=[cap(9)])))
    assert wider == {
        Difference(kind="counted", was="DENY CAP_EXCEEDED", becomes="ALLOW", by="pressure"): {asked[3].decision}
    }


async def test_of_a_sample_shares_come_with_their_interval_and_nothing_is_counted(
    world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor
) -> None:
    await world.publish(policy(upstream.address, replay={"share": 9_000}))
    for number in range(12):
        await sent(agent, number % 2)
    await listed(auditor, 6)
    no_mail = {"name": "no-mail", "effect": "deny", "methods": [SEND]}
    new = policy(upstream.address, caps=[cap(1)])
    found = await under(world, auditor, new)
    assert rows(found, language="en") == ()
    assert "only of 90 % of the calls" in sentences(found, language="en")[-1]
    (_, row) = rows(await under(world, auditor, new | {"rules": [*new["rules"], no_mail]}), language="en")
    assert row[3].startswith("100.0 % (")
    assert row[3].endswith(" to 100.0)")


async def test_calls_that_cannot_be_judged_are_left_out_and_said_so(
    world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor
) -> None:
    base = policy(upstream.address, replay=EVERYTHING)
    await world.publish(base)
    call = await told(agent.contacts.GetContact(get("contacts/c-1"), metadata=SALES))
    await listed(auditor, 1)
    vip = {"name": "vip", "effect": "deny", "methods": [GET], "when": '"vip" in facts.segments'}
    found = await under(world, auditor, base | {"rules": [*base["rules"], vip]})
    assert (found.tally.replayed, found.tally.left_out) == (0, {"facts": [call.decision]})
    (said,) = sentences(found, language="en")
    assert said.startswith("1 left out: the new policy looks at what is known of the customer, and that was not read")
    assert said.endswith(f"({call.decision})")

    store = RevisionStore(world.redis)
    published = await store.read(2)
    assert published is not None
    other = msgspec.json.decode(bytes(published.document))
    other["rules"] = [{"name": "somebody-else", "effect": "allow"}]
    forged = msgspec.structs.replace(published, document=msgspec.Raw(msgspec.json.encode(other)))
    await world.redis.hset(keys.ALL_REVISIONS, "2", msgspec.json.encode(forged))
    assert (await under(world, auditor, base)).tally.left_out == {"disagrees": [call.decision]}
    await world.redis.hdel(keys.ALL_REVISIONS, "2")
    assert (await under(world, auditor, base)).tally.left_out == {"replay-revision-gone": [call.decision]}


async def test_the_newest_calls_are_replayed_and_progress_is_told(
    world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor
) -> None:
    await world.publish(policy(upstream.address, replay=EVERYTHING))
    for number in range(40):
        await told(agent.contacts.GetContact(get(f"contacts/c-{number}"), metadata=SALES))
    await listed(auditor, 40)
    seen: list[tuple[int, int]] = []
    found = await backtest(
        load(policy(upstream.address)),
        auditor.stub,
        replays(world),
        request=since(0, tenant="acme", most=35),
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(done, 35) for done in range(1, 36)]
    assert (found.tally.replayed, found.tally.otherwise) == (35, 0)


async def test_the_command_shows_plan_and_backtest(
    world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor, tmp_path: Path
) -> None:
    base = policy(upstream.address, replay=EVERYTHING)
    await world.publish(base)
    call = await sent(agent, 1)
    await listed(auditor, 1)
    file = written(base | {"rules": [*base["rules"], {"name": "no", "effect": "deny", "methods": [SEND]}]}, tmp_path)
    (tmp_path / "pseudonyms").write_bytes(KEY)
    (tmp_path / "replays").write_text(REPLAY_KEY.hex())
    settings = {
        "PILOTE_AUDIT_LISTEN": auditor.address,
        "PILOTE_PSEUDONYM_KEY_FILE": str(tmp_path / "pseudonyms"),
        "PILOTE_REPLAY_KEY_FILE": str(tmp_path / "replays"),
    }
    for language, change, share in (
        ("en", "allowed, would be refused", "100.0 %"),
        ("fr", "autorisé, serait refusé", "100,0 %"),
    ):
        code, out, err = await pilote(world, "plan", file, "--backtest", PILOTE_LANG=language, **settings)
        assert (code, err) == (0, "")
        row = next(line for line in out.splitlines() if line.startswith(change))
        assert row.split("\t")[1:] == ["POLICY_DENIED no", "1", share, call.decision]

    (tmp_path / "replays").write_text("0" * 64)
    code, out, _ = await pilote(world, "plan", file, "--backtest", **settings)
    assert (code, "PILOTE_REPLAY_KEY_FILE" in out) == (0, True)
