"""What a gateway has decided by is summed up for statistics, under the very policy that it decided by."""

from pathlib import Path

from gateway.adapters.facts import put
from gateway.adapters.sealing import Sealer
from gateway.core.call import Facts
from gateway.core.record import subject_ref
from services.commands.policies import published
from services.commands.summing import Sums
from services.workbench.columns.database import Columns
from services.workbench.columns.reading import read_on
from tests.e2e.policy import allow_all, policy
from tests.e2e.requests import ADA, send
from tests.e2e.world import KEY, RECORD_KEY, World, auditing, credential, told
from tests.fakes.upstream import FakeUpstream

SENDING = ["/pilote.crm.v1.MessageService/SendMessage", "/pilote.crm.v1.MessageService/SendMessages"]
READS = {
    "name": "reads",
    "effect": "deny",
    "methods": SENDING,
    "when": '"gold" in facts.segments && facts.scores["churn"] > 0.9 && request.message.campaign == "spring"'
    ' && request.message.subject_line == "Sale"',
}


async def test_fields_facts_and_segments_of_a_call_are_summed_up_and_nothing_personal(
    world: World, upstream: FakeUpstream, tmp_path: Path
) -> None:
    await world.publish(policy(upstream.address, rules=[allow_all(), READS]))
    facts = Facts(segments=("gold",), scores={"churn": 0.25})
    await put(world.redis, "acme", subject_ref=subject_ref(KEY, tenant="acme", subject=ADA), facts=facts)
    request = send(subject_line="Sale-4712", campaign="spring")
    called = await told(world.agent().messages.SendMessage(request, metadata=credential("sales-bot")))
    async with auditing(world.redis_url, tmp_path / "audit") as auditor:
        await auditor.decision(called.decision)
        columns = Columns(tmp_path / "columns", summing=Sums(Sealer((RECORD_KEY,)), published(world.redis_url)))
        await read_on(columns, auditor.stub)
    found = dict(columns.sums(start_hour=0, end_hour=1 << 40, least=1, most=100))
    columns.close()
    everybody = {(group.measure, group.field) for group in found if not group.segment}
    assert everybody == {
        ("input", "request.message.campaign"),
        ("score", 'facts.scores["churn"]'),
        ("segments", ""),
    }
    of_gold = {group.measure for group in found if group.segment == "gold"}
    assert of_gold == {"input", "latency", "score", "segments", "verdict"}
    assert {key for group, its in found.items() if not group.numbers for key in its.keys.tolist()} >= {"spring", "gold"}
