"""What a moderator asks over gRPC, and gets."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, TypeAlias

import grpc
import pytest

from gateway import redis_clients
from gateway.core.record import BucketAsk, BucketLook, Outcome, RuleLook, Verdict, subject_ref
from gateway.rpc.serving import serving
from gateway.rpc.status import reason_from, text_from
from pilote.audit.v1 import audit_service_pb2 as pb
from pilote.audit.v1 import audit_service_pb2_grpc
from pilote.decision.v1 import decision_pb2
from pilote.governance.v1 import annotations_pb2
from services.audit.server import running, serve
from services.audit.tails import Tails
from tests.services.audit.conftest import KEY, NOW_MS, Audit, a_record, a_settlement, admit, an_id, append, settle
from tests.stores import Store

CUSTOMER = subject_ref(KEY, tenant="acme", subject="contacts/cnt_1")
Stub: TypeAlias = "audit_service_pb2_grpc.AuditServiceAsyncStub"
"""Known to type checkers only."""


@pytest.fixture
async def stub(audit: Audit) -> AsyncIterator[Stub]:
    """The service over the store of `audit`."""
    queries = audit.queries()

    def add(server: grpc.aio.Server) -> None:
        audit_service_pb2_grpc.add_AuditServiceServicer_to_server(queries, server)

    async with (
        serving(add, listen="127.0.0.1:0", names=(), drain_seconds=0) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        yield audit_service_pb2_grpc.AuditServiceStub(channel)
        audit.tails.drain()


async def _listed(stub: Stub, text: str) -> list[str]:
    response = await stub.ListDecisions(pb.ListDecisionsRequest(filter=text))
    return [decision.name for decision in response.decisions]


def _names(*numbers: int) -> list[str]:
    return [f"decisions/{an_id(number)}" for number in numbers]


async def _refusal(call: Any) -> tuple[str, str, str]:
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await call
    return failed.value.code().name, reason_from(failed.value), failed.value.details() or ""


async def test_a_decision_is_shown_with_all_that_led_to_it(audit: Audit, stub: Stub) -> None:
    record = a_record(
        subject_ref=CUSTOMER,
        version="churn:3",
        rules=(RuleLook("allow-sales", "allow"), RuleLook("watch", "deny", "monitor", "no such key")),
        buckets=(BucketAsk("weekly", "cap", 3, 604_800_000, by=f"subject={CUSTOMER}"),),
        inference=an_id(9),
    )
    outcome = Outcome(granted=True, looks=(BucketLook(2, 0),), first=an_id(8))
    ended = a_settlement(total_us=5_250, upstream_us=5_000, overhead_us=250, response_bytes=12)
    await append(audit.redis, admit(record, outcome), settle(ended))
    await audit.catch_up()

    shown = (await stub.GetDecision(pb.GetDecisionRequest(name=_names(0)[0]))).decision

    assert (shown.verdict, shown.state, shown.status) == (
        *(decision_pb2.VERDICT_ALLOW, decision_pb2.DECISION_STATE_SETTLED, "OK"),
    )
    assert (shown.operation, shown.model_version) == (annotations_pb2.OPERATION_CONTACT, "churn:3")
    assert [(look.rule, look.mode, look.error) for look in shown.rules] == [
        ("allow-sales", decision_pb2.MODE_ENFORCE, ""),
        ("watch", decision_pb2.MODE_MONITOR, "no such key"),
    ]
    (limit,) = shown.limits
    assert (limit.limit, limit.used, limit.capacity, limit.period.ToSeconds()) == ("weekly", 2, 3, 604_800)
    assert not limit.HasField("wait")
    assert (shown.inference, shown.repeat_of, shown.parent) == (*_names(9, 8), "")
    assert (shown.settle_time.ToMilliseconds(), shown.overhead_duration.ToMicroseconds()) == (NOW_MS + 5, 250)


@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [
        (f"decisions/{an_id(5)}", "NOT_FOUND", "NOT_FOUND"),
        (an_id(5), "INVALID_ARGUMENT", "ARGUMENT_INVALID"),
        ("decisions/", "INVALID_ARGUMENT", "ARGUMENT_INVALID"),
        (f"decisions/{an_id(5)}\n", "INVALID_ARGUMENT", "ARGUMENT_INVALID"),
        ("", "INVALID_ARGUMENT", "ARGUMENT_INVALID"),
    ],
)
async def test_a_decision_that_is_not_there_or_badly_named_says_so(
    stub: Stub, name: str, code: str, reason: str
) -> None:
    assert (await _refusal(stub.GetDecision(pb.GetDecisionRequest(name=name))))[:2] == (code, reason)


async def test_decisions_are_listed_by_what_a_moderator_knows(audit: Audit, stub: Stub) -> None:
    globex = subject_ref(KEY, tenant="globex", subject="contacts/cnt_1")
    denied = a_record(2, verdict=Verdict.DENY, reason="CONSENT_MISSING", rule="consent", expires_ms=0)
    await append(
        audit.redis,
        admit(a_record(0, subject_ref=CUSTOMER, version="v1")),
        admit(a_record(1, agent="support-bot", version="v2", rules=(RuleLook("watch", "deny", "monitor"),))),
        admit(denied),
        admit(a_record(3, tenant="globex", subject_ref=globex)),
        settle(a_settlement(0)),
    )
    await audit.catch_up()

    listed = {
        text: await _listed(stub, text)
        for text in (
            "",
            "agent = support-bot",
            'subject = "contacts/cnt_1"',
            'tenant = acme AND subject = "contacts/cnt_1"',
            "verdict = DENY",
            "verdict = VERDICT_DENY",
            "rule = consent",
            "rule = watch",
            "rule = allow-sales AND -agent = support-bot",
            "model_version = v2",
            'receive_time >= "2026-11-24T10:00:00.002Z"',
            'receive_time > "2026-11-24T11:00:00.001+01:00" AND receive_time < 2026-11-24T10:00:00.003Z',
            "state = RUNNING",
            "reason = CONSENT_MISSING OR agent = support-bot",
            f"name = decisions/{an_id(2)}",
            "status = FAILED_PRECONDITION",
        )
    }

    expected = [(3, 2, 1, 0), (1,), (3, 0), (0,), (2,), (2,), (2,), (1,), (3, 0), (1,), (3, 2), (2,), (3, 1), (2, 1)]
    assert list(listed.values()) == [_names(*numbers) for numbers in (*expected, (2,), (2,))]


async def test_a_mistake_in_a_filter_is_explained_in_the_language_that_is_asked_for(stub: Stub) -> None:
    request = pb.ListDecisionsRequest(filter="agnt = x")
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await stub.ListDecisions(request, metadata=(("accept-language", "fr-FR, en"),))
    assert text_from(failed.value).endswith("Il n’y a pas de champ agnt. Vouliez-vous dire agent ?")
    assert (failed.value.details() or "").endswith("There is no field agnt. Did you mean agent?")


async def test_what_has_expired_is_listed_as_in_doubt_without_waiting_for_the_writer(audit: Audit, stub: Stub) -> None:
    await append(audit.redis, admit(a_record()))
    await audit.catch_up()
    audit.now_ms += 30_001

    assert await _listed(stub, "state = IN_DOUBT") == _names(0)
    assert await _listed(stub, "state = RUNNING") == []


async def test_pages_are_stable_while_decisions_arrive(audit: Audit, stub: Stub) -> None:
    await append(audit.redis, *(admit(a_record(n)) for n in range(10)))
    await audit.catch_up()
    seen, token = [], ""
    for _ in range(4):
        request = pb.ListDecisionsRequest(page_size=3, page_token=token, filter="agent = sales-bot")
        page = await stub.ListDecisions(request)
        seen += [decision.name for decision in page.decisions]
        token = page.next_page_token
        await append(audit.redis, admit(a_record(100 + len(seen))))
        await audit.catch_up()

    assert (seen, token) == (_names(*range(9, -1, -1)), "")


async def test_all_that_match_are_counted_only_where_somebody_asks(audit: Audit, stub: Stub) -> None:
    await append(audit.redis, *(admit(a_record(number, agent=f"bot-{number % 2}")) for number in range(5)))
    await audit.catch_up()
    for order in ("", "latency desc"):
        first = await stub.ListDecisions(pb.ListDecisionsRequest(page_size=1, order_by=order))
        assert not first.HasField("total_size")
        asked: dict[str, Any] = {"filter": "agent = bot-0", "page_size": 2, "order_by": order, "count_total": True}
        first = await stub.ListDecisions(pb.ListDecisionsRequest(**asked))
        last = await stub.ListDecisions(pb.ListDecisionsRequest(page_token=first.next_page_token, **asked))
        assert (len(first.decisions), len(last.decisions), first.total_size, last.total_size) == (2, 1, 3, 3)
    none = await stub.ListDecisions(pb.ListDecisionsRequest(filter="agent = nobody", count_total=True))
    assert (none.HasField("total_size"), none.total_size) == (True, 0)


async def test_a_bad_page_is_refused(audit: Audit, stub: Stub) -> None:
    await append(audit.redis, admit(a_record(0)), admit(a_record(1)))
    await audit.catch_up()
    token = (await stub.ListDecisions(pb.ListDecisionsRequest(page_size=1))).next_page_token
    wrong = [
        pb.ListDecisionsRequest(page_token=token, filter="agent = x"),
        pb.ListDecisionsRequest(page_token=token[:-4]),
        pb.ListDecisionsRequest(page_token="é !"),
        pb.ListDecisionsRequest(page_size=1_001),
        pb.ListDecisionsRequest(page_size=-1),
        pb.ListDecisionsRequest(filter="agnt = x"),
    ]

    refused = [(await _refusal(stub.ListDecisions(request)))[:2] for request in wrong]

    assert refused == [("INVALID_ARGUMENT", "ARGUMENT_INVALID")] * len(wrong)


async def test_a_follower_sees_decisions_as_they_are_stored_and_settled(audit: Audit, stub: Stub) -> None:
    call = stub.TailDecisions(pb.TailDecisionsRequest(filter='subject = "contacts/cnt_1"'))
    await call.initial_metadata()
    await append(audit.redis, admit(a_record(0, subject_ref=CUSTOMER)), admit(a_record(1)))
    await audit.catch_up()
    first: Any = await call.read()
    await append(audit.redis, settle(a_settlement(0)), settle(a_settlement(1)))
    await audit.catch_up()
    second: Any = await call.read()
    call.cancel()

    assert [(got.decision.name, got.decision.state) for got in (first, second)] == [
        (_names(0)[0], decision_pb2.DECISION_STATE_RUNNING),
        (_names(0)[0], decision_pb2.DECISION_STATE_SETTLED),
    ]


async def test_a_slow_follower_is_ended_instead_of_filling_memory(audit: Audit, stub: Stub) -> None:
    call = stub.TailDecisions(pb.TailDecisionsRequest())
    await call.initial_metadata()
    audit.tails.publish(an_id(number) for number in range(10_001))

    code, reason, text = await _refusal(call.read())

    assert (code, reason) == ("RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED")
    assert "too slowly" in text


async def test_followers_are_ended_when_the_service_stops(stub: Stub, audit: Audit) -> None:
    call = stub.TailDecisions(pb.TailDecisionsRequest())
    await call.initial_metadata()
    audit.tails.drain()

    assert (await _refusal(call.read()))[:2] == ("UNAVAILABLE", "DRAINING")


async def test_the_whole_service_stores_and_answers_while_redis_comes_and_goes(
    own_redis: Store, tmp_path: Path
) -> None:
    own_redis.kill()
    async with (
        running(
            listen="127.0.0.1:0", redis_url=own_redis.url, home=tmp_path, pseudonym_key=KEY, drain_seconds=1
        ) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        stub: Stub = audit_service_pb2_grpc.AuditServiceStub(channel)
        call = stub.TailDecisions(pb.TailDecisionsRequest())
        await call.initial_metadata()
        own_redis.start()
        async with await redis_clients.connected(own_redis.url) as redis:
            await append(redis, admit(a_record()))
        async with asyncio.timeout(10):
            got: Any = await call.read()
        call.cancel()

    assert got.decision.name == _names(0)[0]


async def test_the_service_runs_until_it_is_told_to_stop(redis_url: str, tmp_path: Path) -> None:
    served = asyncio.create_task(
        serve(listen="127.0.0.1:0", redis_url=redis_url, home=tmp_path, pseudonym_key=KEY, drain_seconds=5)
    )
    # Its first step installs the signal handlers; a stop that comes before it serves is heeded as well.
    await asyncio.sleep(0)
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(10):
        await served


async def test_a_tail_holds_no_more_than_its_capacity() -> None:
    tails = Tails(capacity=10)
    with tails.follow() as tail:
        tails.publish(["a", "b", "a"])
        taken = await tail.take(1), await tail.take(5)
        tails.publish(str(number) for number in range(1_000))

        assert taken == (("a",), ("b",))
        assert len(tail._waiting) == 0
