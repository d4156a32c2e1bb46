"""What `pilote experiments` says: from calls with exposures in the audit service to verdicts in words."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import grpc
import msgspec
import pytest

from gateway.activation.loading import canonical, load
from gateway.adapters.revisions import Published, RevisionStore, stated
from gateway.core.authority import Entry, SignedVote, Vote
from gateway.core.record import Exposure
from gateway.redis_clients import Client
from gateway.rpc.serving import serving
from pilote.audit.v1 import audit_service_pb2_grpc
from services.commands.experiment_tables import Words
from services.commands.experimenting import ExperimentProblem, Experiments, Window
from services.insights.mismatch import Ratio
from services.insights.verdicts import Verdict
from tests.policies import agent, policy
from tests.services.audit.conftest import NOW_MS, Audit, a_record, a_settlement
from tests.services.audit.test_arms import admitted, ended
from tests.services.test_cli import _run

Stub: TypeAlias = "audit_service_pb2_grpc.AuditServiceAsyncStub"
"""Known to type checkers only."""
DAY_MS = 86_400_000


def tone(calm: int = 5_000, **more: Any) -> dict[str, Any]:
    """An experiment with two variations."""
    arms = [{"name": "calm", "weight": calm}, {"name": "bold", "weight": 10_000 - calm}]
    return {"name": "tone", "arms": arms, "measures": ["error_rate"], "methods": ["/pilote.*"], **more}


async def publish(redis: Client, *experiments: dict[str, Any], at_ms: int = NOW_MS) -> int:
    agents = [agent(), agent("other-bot", sha256="b" * 64, tenant="umbrella")]
    revision = load(policy(agents=agents, experiments=list(experiments)))
    published = Published(
        sha256=revision.sha256, author="", created_ms=at_ms, document=msgspec.Raw(canonical(revision.document))
    )
    return await RevisionStore(redis).publish(published)


class Customers:
    """People who are exposed, each in one call."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit
        self._next = 0

    async def come(
        self, variation: str, count: int, *, revision: int, failed: int = 0, at_ms: int = NOW_MS, tenant: str = "acme"
    ) -> None:
        """New ones; the calls of `failed` of them fail."""
        entries: list[Any] = []
        for place in range(count):
            number = self._next
            self._next += 1
            bad = {"status": "UNAVAILABLE", "reason": "UPSTREAM_UNAVAILABLE"} if place < failed else {}
            record = a_record(
                number,
                received_ms=at_ms,
                subject_ref=f"{number:032x}",
                tenant=tenant,
                operation="INFER",
                route="crm",
                arm="only",
                revision=revision,
                exposures=(Exposure("tone", variation),),
            )
            entries += [admitted(record), ended(a_settlement(number, **bad))]
        await self._audit.store.write(entries)


@pytest.fixture
def customers(audit: Audit) -> Customers:
    audit.now_ms += 10 * DAY_MS
    return Customers(audit)


@pytest.fixture
async def port(audit: Audit) -> AsyncIterator[int]:
    def add(server: grpc.aio.Server) -> None:
        audit_service_pb2_grpc.add_AuditServiceServicer_to_server(audit.queries(), server)

    async with serving(add, listen="127.0.0.1:0", names=(), drain_seconds=0) as found:
        yield found


@pytest.fixture
async def stub(port: int) -> AsyncIterator[Stub]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield audit_service_pb2_grpc.AuditServiceStub(channel)


@pytest.fixture
def experiments(redis: Client) -> Experiments:
    return Experiments(redis, language="en")


async def test_a_variation_that_fails_more_often_is_said_to_be_worse(
    redis: Client, experiments: Experiments, customers: Customers, stub: Stub
) -> None:
    number = await publish(redis, tone())
    await customers.come("calm", 1_020, revision=number, failed=20)
    await customers.come("bold", 1_000, revision=number, failed=80)
    found, since_ms = await experiments.show("tone", stub, window=Window())

    (line,) = found.lines
    assert (line.variation, line.verdict, since_ms) == ("bold", Verdict.WORSE, NOW_MS)
    assert line.compared.treatment == 0.08
    assert found.comparable
    rows = Words(found, language="en").lines()
    assert rows[1][:4] == ("error_rate", "bold", "1.96%", "8.00%")
    assert rows[1][6] == "worse"
    assert rows[1][4].startswith("+6.04 pp (+")


async def test_few_people_are_said_to_be_too_few_and_no_interval_is_shown(
    redis: Client, experiments: Experiments, customers: Customers, stub: Stub
) -> None:
    number = await publish(redis, tone(min_sample=50))
    await customers.come("calm", 60, revision=number)
    await customers.come("bold", 40, revision=number, failed=40)
    found, _ = await experiments.show("tone", stub, window=Window())

    assert Words(found, language="fr").lines()[1] == (
        *("error_rate", "bold", "0,00\u202f%", "100,00\u202f%", "-", "-"),
        *("trop peu de personnes : 40 sur 50", "-"),
    )


async def test_only_what_came_after_the_last_change_of_the_allocation_is_compared(
    redis: Client, experiments: Experiments, customers: Customers, stub: Stub
) -> None:
    first = await publish(redis, tone(9_000), at_ms=NOW_MS)
    await customers.come("calm", 900, revision=first, failed=900)
    await customers.come("bold", 100, revision=first)
    second = await publish(redis, tone(5_000), at_ms=NOW_MS + DAY_MS)
    third = await publish(redis, tone(5_000, coverage=10_000, hypothesis="reworded"), at_ms=NOW_MS + 2 * DAY_MS)
    await customers.come("calm", 100, revision=second, at_ms=NOW_MS + DAY_MS)
    await customers.come("bold", 110, revision=third, at_ms=NOW_MS + 3 * DAY_MS)

    recent, since_ms = await experiments.show("tone", stub, window=Window())
    assert since_ms == NOW_MS + DAY_MS
    assert {name: arm.subjects for name, arm in recent.arms.items()} == {"calm": 100, "bold": 110}
    assert [each.name for each in recent.mismatch.phases] == [f"{second}-{third}"]

    everything, _ = await experiments.show("tone", stub, window=Window(since_ms=0))
    assert [(each.name, each.ratio) for each in everything.mismatch.phases] == [
        (str(first), Ratio.FINE),
        (f"{second}-{third}", Ratio.FINE),
    ]
    assert not everything.mismatch.alarms
    assert any("allocation changed" in each for each in Words(everything, language="en").sentences())


async def test_an_allocation_counts_from_when_it_became_active_and_not_from_when_it_was_written(
    redis: Client, experiments: Experiments, customers: Customers, stub: Stub
) -> None:
    store = RevisionStore(redis)
    await publish(redis, tone(9_000), at_ms=NOW_MS)
    await publish(redis, tone(5_000), at_ms=NOW_MS)
    written = await store.read(2)
    assert written is not None
    statement = stated(written, how="apply", base=2, base_entry=await store.entry(2))
    agreed = SignedVote(
        vote=Vote(statement=statement.sha256, person="bob", created_ms=NOW_MS + 2 * DAY_MS), signature=""
    )
    await publish(redis, tone(9_000), at_ms=NOW_MS + DAY_MS)
    await store.add(written, Entry(statement=statement, approvals=(agreed,), after=3))
    _, since_ms = await experiments.show("tone", stub, window=Window())
    assert since_ms == NOW_MS + 2 * DAY_MS


async def test_a_variation_that_loses_people_is_not_to_be_believed(
    redis: Client, experiments: Experiments, customers: Customers, stub: Stub
) -> None:
    number = await publish(redis, tone())
    await customers.come("calm", 600, revision=number)
    await customers.come("bold", 400, revision=number)
    found, _ = await experiments.show("tone", stub, window=Window())

    assert not found.comparable
    (told,) = [each for each in Words(found, language="en").sentences() if "Sample ratio" in each]
    assert "calm 600, bold 400 people instead of calm 500, bold 500" in told


async def test_people_of_two_tenants_are_added(
    redis: Client, experiments: Experiments, customers: Customers, stub: Stub
) -> None:
    number = await publish(redis, tone(min_sample=10))
    await customers.come("calm", 20, revision=number)
    await customers.come("bold", 30, revision=number, tenant="umbrella")
    for tenant, wanted in (("", 50), ("acme", 20), ("umbrella", 30), ("nobody", 0)):
        found, _ = await experiments.show("tone", stub, window=Window(tenant=tenant))
        assert sum(arm.subjects for arm in found.arms.values()) == wanted


async def test_an_experiment_that_is_not_there_is_named_beside_those_that_are(
    redis: Client, experiments: Experiments, stub: Stub
) -> None:
    with pytest.raises(ExperimentProblem, match="No policy is active"):
        await experiments.list()
    await publish(redis)
    with pytest.raises(ExperimentProblem, match="no experiment"):
        await experiments.list()
    await publish(redis, tone())
    with pytest.raises(ExperimentProblem, match="There is no experiment tune; there are: tone"):
        await experiments.show("tune", stub, window=Window())


async def test_the_command_line_shows_and_lists_in_both_languages(
    redis: Client, redis_url: str, customers: Customers, port: int, tmp_path: Path
) -> None:
    number = await publish(redis, tone(hypothesis="Bold letters are read more often."))
    await customers.come("calm", 1_000, revision=number)
    await customers.come("bold", 1_000, revision=number)
    settings = {"PILOTE_REDIS_URL": redis_url, "PILOTE_AUDIT_LISTEN": f"127.0.0.1:{port}"}

    async def told(*arguments: str, language: str = "en") -> str:
        run: Callable[..., Any] = _run
        done = await asyncio.to_thread(run, "experiments", *arguments, home=tmp_path, PILOTE_LANG=language, **settings)
        assert (done.returncode, done.stderr) == (0, "")
        return str(done.stdout)

    rows: Sequence[str] = (await told("list")).splitlines()
    assert rows[1].split("\t")[:5] == ["tone", "running", "calm 50 %, bold 50 %", "100 %", "error_rate"]
    french = await told("show", "tone", language="fr")
    assert "rien de prouvé encore" in french
    assert "Avec une certitude de 95\u202f%" in french
    english = await told("show", "tone")
    assert "Bold letters are read more often." in english
    assert f"Sample ratio of revisions {number}: as the weights say (p = 1.0000)." in english
    found = json.loads(await told("show", "tone", "--json"))
    assert found["lines"][0]["verdict"] == "INCONCLUSIVE"
    assert found["arms"]["bold"]["sums"]["error_rate"]["n"] == 1000
