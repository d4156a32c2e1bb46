"""Why a call was refused, what would have to change, and what would have come next, by the running service."""

import json
import time
from pathlib import Path

from pilote.audit.v1 import explaining_pb2
from tests.e2e.policy import cap, policy
from tests.e2e.requests import send
from tests.e2e.test_consents import say, statement
from tests.e2e.test_planning import pilote
from tests.e2e.test_replaying import EVERYTHING, SEND
from tests.e2e.world import KEY, REPLAY_KEY, Agent, Auditor, World, credential, told
from tests.fakes.upstream import FakeUpstream

SALES = credential("sales-bot")


async def explained(auditor: Auditor, decision: str, language: str = "en") -> explaining_pb2.ExplainDecisionResponse:
    await auditor.decision(decision)
    request = explaining_pb2.ExplainDecisionRequest(name=f"decisions/{decision}", language_code=language)
    return await auditor.stub.ExplainDecision(request)


async def test_a_full_cap_says_how_much_is_too_much_and_from_when_there_is_room(
    world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor
) -> None:
    await world.publish(policy(upstream.address, caps=[cap(1)]))
    first = await told(agent.messages.SendMessage(send(), metadata=SALES))
    second = await told(agent.messages.SendMessage(send(), metadata=SALES))

    answer = await explained(auditor, second.decision, "fr-FR,fr;q=0.9")

    (one,) = answer.obstacles
    assert (one.kind, one.name, one.used, one.capacity, one.over) == (
        explaining_pb2.OBSTACLE_KIND_BUCKET, "pressure", 1, 1, 1,
    )  # fmt: skip
    week_ahead = answer.earliest_time.ToMilliseconds() - time.time_ns() // 1_000_000
    assert 0 < 7 * 86_400_000 - week_ahead < 60_000
    assert one.free_time == answer.earliest_time
    assert answer.language_code == "fr"
    assert answer.changes[0] == "Pour que l’appel passe :"
    assert answer.changes[-1].startswith("En attendant seulement, il peut passer à partir du ")
    assert list((await explained(auditor, first.decision)).changes) == []


async def test_behind_a_rule_comes_the_consent_and_behind_that_the_cap(
    world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor, tmp_path: Path
) -> None:
    base = policy(
        upstream.address,
        replay=EVERYTHING,
        consents=[{"name": "calls", "channels": ["phone"]}],
        caps=[cap(1)],
    )
    base["rules"].append({"name": "no-phone", "effect": "deny", "methods": [SEND], "when": 'call.channel == "phone"'})
    await world.publish(base)
    await say(world, statement("refused"), now_ms=1_767_225_600_000)
    refused = await told(agent.messages.SendMessage(send(channel="phone"), metadata=SALES))
    answer = await explained(auditor, refused.decision)
    (rule,) = answer.obstacles
    assert (rule.kind, rule.name) == (explaining_pb2.OBSTACLE_KIND_RULE, "no-phone")
    assert [(each.when, list(each.reads)) for each in rule.conditions] == [
        ('call.channel == "phone"', ["call.channel"])
    ]

    (tmp_path / "pseudonyms").write_bytes(KEY)
    (tmp_path / "replays").write_text(REPLAY_KEY.hex())
    settings = {
        "PILOTE_AUDIT_LISTEN": auditor.address,
        "PILOTE_PSEUDONYM_KEY_FILE": str(tmp_path / "pseudonyms"),
        "PILOTE_REPLAY_KEY_FILE": str(tmp_path / "replays"),
    }
    code, out, err = await pilote(world, "explain", refused.decision, **settings)
    assert (code, err) == (0, "")
    assert out.splitlines()[-5:] == [
        "Waiting alone does not help.",
        "Decided once more without that, it would meet next:",
        "The customer refused marketing by phone on 2026-01-01, and must have agreed to it since (calls).",
        "Accepted as its legal basis: consent.",
        "Then it would have to find room in pressure; how these stood then is not recorded.",
    ]
    code, out, err = await pilote(world, "explain", refused.decision, "--json", PILOTE_LANG="fr", **settings)
    said = json.loads(out)
    assert (code, err, said["languageCode"]) == (0, "", "fr")
    assert [each["kind"] for each in said["beyond"]["obstacles"]] == ["OBSTACLE_KIND_CONSENT"]
    assert (said["beyond"]["limits"], said["beyond"]["complete"]) == (["pressure"], True)

    code, out, err = await pilote(world, "explain", "0" * 32, **settings)
    assert (code, out, "There is no decision" in err) == (1, "", True)


async def test_of_inputs_that_nobody_here_can_open_the_record_alone_is_explained(
    world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor, tmp_path: Path
) -> None:
    no = {"name": "no", "effect": "deny"}
    base = policy(upstream.address, replay=EVERYTHING)
    await world.publish(base | {"rules": [*base["rules"], no]})
    refused = await told(agent.messages.SendMessage(send(), metadata=SALES))
    await auditor.decision(refused.decision)
    (tmp_path / "pseudonyms").write_bytes(KEY)
    (tmp_path / "replays").write_text("0" * 64)
    settings = {
        "PILOTE_AUDIT_LISTEN": auditor.address,
        "PILOTE_PSEUDONYM_KEY_FILE": str(tmp_path / "pseudonyms"),
        "PILOTE_REPLAY_KEY_FILE": str(tmp_path / "replays"),
    }
    code, out, _ = await pilote(world, "explain", refused.decision, **settings)
    assert (code, out.splitlines()[-1]) == (0, "Waiting alone does not help.")


async def test_a_person_can_be_sent_all_that_agents_did_concerning_them(
    world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor
) -> None:
    await world.publish(policy(upstream.address, caps=[cap(1)]))
    await told(agent.messages.SendMessage(send(), metadata=SALES))
    refused = await told(agent.messages.SendMessage(send(), metadata=SALES))
    await told(agent.messages.SendMessage(send("contacts/charles"), metadata=SALES))
    await auditor.decision(refused.decision)
    settings = {"PILOTE_AUDIT_LISTEN": auditor.address}
    command = ("person", "contacts/ada-lovelace", "--tenant", "acme", "--reason", "she asked", "--language", "fr")

    code, out, err = await pilote(world, *command, **settings)

    assert (code, err) == (0, "")
    assert (
        "Décisions à votre sujet : 2 ; autorisées 1, refusées 1, conservées pour plus tard ou pour une personne 0."
        in out.splitlines()
    )
    assert "Sollicitations faites : e-mail 1." in out.splitlines()
    assert "Cela a été refusé : vous aviez reçu assez de sollicitations (pressure)." in out
    assert "Sollicitations comptées par le plafond pressure : 1 sur 1 en 7 j. La règle allow-all l’autorise." in out
    assert "charles" not in out
    code, out, _ = await pilote(world, *command, "--format", "json", **settings)
    head, *entries = [json.loads(line) for line in out.splitlines()]
    assert (code, head["decisions"], [each["verdict"] for each in entries]) == (0, "2", ["ALLOW", "DENY"])
    code, out, err = await pilote(world, "person", "contacts/ada", "--tenant", "ACME!", "--reason", "x", **settings)
    assert (code, out, "tenant is required" in err) == (2, "", True)
