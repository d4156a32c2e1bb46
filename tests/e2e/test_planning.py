"""What a change of policy would do, told before it is made: the change in words, and the true share of calls."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.activation.loading import load
from gateway.core.reach import Count
from services.commands.planning import ActiveUnreadable, active_revision, as_applied, counted, planned, rows, sentences
from tests.e2e.policy import cap, policy
from tests.e2e.requests import get, send
from tests.e2e.waiting import eventually
from tests.e2e.world import Agent, Auditor, World, credential, told
from tests.fakes.upstream import FakeUpstream
from tests.services import command_line

pytestmark = pytest.mark.no_replay  # replays would be among the changes that are planned
SALES = credential("sales-bot")
RESEARCH = credential("research-bot")
HOUR_MS = 3_600_000


async def counts_of(auditor: Auditor, calls: int) -> tuple[Count, ...]:
    """The calls of the last hour, once so many are stored."""

    async def look() -> tuple[Count, ...] | None:
        found = await counted(auditor.stub, span_ms=HOUR_MS)
        return found if sum(each.calls for each in found) == calls else None

    return await eventually(look, what=f"{calls} calls counted")


async def test_a_plan_says_the_change_in_words_and_the_true_share_of_calls(
    world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor
) -> None:
    for number in range(6):
        await told(agent.contacts.GetContact(get(f"contacts/cnt_{number}"), metadata=RESEARCH))
    for number in range(2):
        await told(agent.messages.SendMessage(send(f"contacts/cnt_{number}"), metadata=SALES))
    counts = await counts_of(auditor, 8)
    no_mail = {"name": "no-mail", "effect": "deny", "methods": ["/pilote.crm.v1.MessageService/SendMessage"]}
    base = policy(upstream.address)
    changed = policy(upstream.address, caps=[cap(2)], rules=[*base["rules"], no_mail])
    changed["agents"][2]["labels"] = {"access": "none"}

    plan = planned(await active_revision(world.redis), load(changed), counts)

    assert plan.active == 1
    head, *found = rows(plan, language="en")
    assert head == ("change", "methods", "agents", "calls")
    labels = "Changes the agent research-bot: labels.access is none instead of read-only."
    assert found[0] == (labels, f"all {plan.methods}", "research-bot", "6 (75.0 %)")
    assert found[1][0].startswith("Adds the rule no-mail: it refuses whatever it covers.")
    assert found[1][1:] == ("SendMessage", "all", "2 (25.0 %)")
    assert found[2][0].startswith("Adds the cap pressure: at most 2 contact(s) within 7 d.")
    assert found[2][3] == "2 (25.0 %)"
    assert sentences(plan, span_ms=HOUR_MS, language="fr")[0] == (
        "Sur une période de 1 h, ces modifications peuvent toucher 8 appels sur 8 (100,0 %)."
    )


async def test_the_same_policy_changes_nothing(world: World, upstream: FakeUpstream) -> None:
    plan = planned(await active_revision(world.redis), load(policy(upstream.address)), ())
    assert (plan.changes, plan.calls) == ((), 0)


async def test_a_rollout_whose_state_a_file_does_not_say_stays_where_it_is(
    world: World, upstream: FakeUpstream
) -> None:
    arms = [{"name": "old", "upstream": "crm"}, {"name": "new", "upstream": "crm", "weight": 0}]
    up = {"name": "up", "route": "crm", "arm": "new", "against": "old", "success": [{"measure": "error_rate"}]}
    route = {"name": "crm", "methods": ["/pilote.crm.v1.*"], "arms": arms}
    running = up | {"state": "running", "step": 1, "since_ms": 5}
    await world.publish(policy(upstream.address, routes=[route], rollouts=[running]))
    old = await active_revision(world.redis)

    assert (
        planned(old, as_applied(load(policy(upstream.address, routes=[route], rollouts=[up])), old), ()).changes == ()
    )
    moved = as_applied(load(policy(upstream.address, routes=[route], rollouts=[up | {"state": "completed"}])), old)
    _, row = rows(planned(old, moved, ()), language="en")
    assert row[0].startswith("Changes the rollout up: its candidate new serves 100 % of crm instead of 5 %")


async def test_the_first_policy_adds_everything_and_without_counts_nobody_says_how_many_calls(
    empty_world: World, upstream: FakeUpstream
) -> None:
    assert await active_revision(empty_world.redis) is None
    plan = planned(None, load(policy(upstream.address)), None)
    assert {touching.change.kind for touching in plan.changes} == {"added"}
    assert [row[3] for row in rows(plan, language="en")[1:]] == ["unknown"] * len(plan.changes)
    assert sentences(plan, span_ms=HOUR_MS, language="en") == ()


async def test_an_active_revision_that_cannot_be_read_is_told(world: World) -> None:
    await world.publish_raw(b'{"agents":[{"name":"from-the-future","wings":2}]}')
    with pytest.raises(ActiveUnreadable) as unreadable:
        await active_revision(world.redis)
    assert unreadable.value.number == 2


async def pilote(world: World, *arguments: str, **settings: str) -> tuple[int, str, str]:
    """The command line beside a running world: exit code, what it says, and what it complains about."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PILOTE_")}  # noqa: TID251
    settings = {
        "PILOTE_HOME": str(world.home / "cli"),
        "PILOTE_REDIS_URL": world.redis_url,
        "PILOTE_LANG": "en",
    } | settings
    done = await asyncio.to_thread(command_line.pilote, *arguments, environment=kept | settings)
    return done.returncode, done.stdout, done.stderr


def written(data: dict[str, Any], folder: Path) -> str:
    """The policy as a file."""
    file = folder / "policy.yaml"
    file.write_text(yaml.safe_dump(data))
    return str(file)


async def test_the_command_shows_the_table_and_the_share(
    world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor, tmp_path: Path
) -> None:
    await told(agent.contacts.GetContact(get("contacts/cnt_1"), metadata=SALES))
    await told(agent.messages.SendMessage(send("contacts/cnt_1"), metadata=SALES))
    await counts_of(auditor, 2)
    file = written(policy(upstream.address, caps=[cap(2)]), tmp_path)

    code, out, err = await pilote(world, "plan", file, PILOTE_AUDIT_LISTEN=auditor.address)
    assert (code, err) == (0, "")
    title, head, row, *after = out.splitlines()
    assert title == f"{file} compared with revision 1, which is active:"
    assert head.split("\t") == ["change", "methods", "agents", "calls"]
    assert row.split("\t")[3] == "1 (50.0 %)"
    assert after[0] == "Of the calls of the last 7 d these changes may touch 1 of 2 (50.0 %)."

    code, out, _ = await pilote(world, "plan", file, PILOTE_LANG="fr", PILOTE_AUDIT_LISTEN=auditor.address)
    assert "Ajoute le plafond pressure : au plus 2 sollicitation(s) en 7 j." in out


async def test_without_the_audit_service_the_command_says_so_and_all_the_rest(
    world: World, upstream: FakeUpstream, tmp_path: Path
) -> None:
    file = written(policy(upstream.address, caps=[cap(2)]), tmp_path)
    code, out, err = await pilote(world, "plan", file, PILOTE_AUDIT_LISTEN="127.0.0.1:1")
    assert code == 0
    assert "The audit service does not answer at 127.0.0.1:1" in err
    assert "Adds the cap pressure" in out
    assert "unknown" in out


async def test_the_command_tells_mistakes_and_spans_that_make_no_sense(
    world: World, upstream: FakeUpstream, tmp_path: Path
) -> None:
    good = written(policy(upstream.address), tmp_path)
    code, _, err = await pilote(world, "plan", good, "--since", "fortnight")
    assert (code, "fortnight is no span of time" in err) == (2, True)
    bad = written(policy(upstream.address, rules=[{"name": "x", "effect": "alow"}]), tmp_path)
    code, _, err = await pilote(world, "plan", bad)
    assert (code, "did you mean 'allow'?" in err) == (1, True)
