"""Sums of arms: what they hold, whom they leave out, and that they agree with a plain count over all that happened."""

import random
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import grpc
import msgspec
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.core.call import Lineage
from gateway.core.record import BucketAsk, CustomerOutcome, Exposure, Outcome, Record, Settlement, Verdict
from gateway.rpc.serving import serving
from gateway.rpc.status import reason_from
from pilote.audit.v1 import arms_pb2, audit_service_pb2_grpc
from services.audit.arms import MEASURES, ArmsQuery
from services.audit.entries import Admitted, Entry, Reported, Settled
from services.audit.store import DecisionStore
from tests.examples import examples
from tests.services.audit.arms import TYPES, History
from tests.services.audit.conftest import GRANTED, NOW_MS, Audit, a_record, a_settlement, an_id

Stub: TypeAlias = "audit_service_pb2_grpc.AuditServiceAsyncStub"
"""Known to type checkers only."""
ADA, BEN, CLEO = ("a" * 32, "b" * 32, "c" * 32)
HOUR_MS, DAY_MS = 3_600_000, 86_400_000


def admitted(record: Record, outcome: Outcome = GRANTED) -> Admitted:
    return Admitted(record, outcome, msgspec.json.encode(record), msgspec.json.encode(outcome))


def ended(settlement: Settlement) -> Settled:
    return Settled(settlement, msgspec.json.encode(settlement))


def scored(number: int, subject: str = ADA, *, arm: str = "champion", **changes: Any) -> Record:
    """A call of the route "score"."""
    return a_record(number, route="score", arm=arm, subject_ref=subject, operation="INFER", **changes)


def wrote(number: int, subject: str = ADA, **changes: Any) -> Record:
    """A contact on the route "crm"."""
    return a_record(number, route="crm", arm="only", subject_ref=subject, operation="CONTACT", **changes)


def did(number: int, type_: str, **changes: Any) -> Reported:
    """What a customer did within an hour of a contact."""
    at_ms = NOW_MS + number + HOUR_MS
    values: dict[str, Any] = {"decision": an_id(number), "type": type_, "occurred_ms": at_ms, "reported_ms": at_ms}
    outcome = CustomerOutcome(**(values | {"reporter": "esp"} | changes))
    return Reported(outcome, "acme", msgspec.json.encode(outcome))


@pytest.fixture
async def stub(audit: Audit) -> AsyncIterator[Stub]:
    def add(server: grpc.aio.Server) -> None:
        audit_service_pb2_grpc.add_AuditServiceServicer_to_server(audit.queries(), server)

    async with (
        serving(add, listen="127.0.0.1:0", names=(), drain_seconds=0) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        yield audit_service_pb2_grpc.AuditServiceStub(channel)


def ask(*measures: str, **changes: Any) -> arms_pb2.SummarizeArmsRequest:
    wanted: dict[str, Any] = {"tenant": "acme", "measures": measures}
    if "experiment" not in changes:
        wanted["route"] = "score"
    return arms_pb2.SummarizeArmsRequest(**(wanted | changes))


async def summed(stub: Stub, request: arms_pb2.SummarizeArmsRequest) -> dict[str, arms_pb2.ArmSummary]:
    return {arm.arm: arm for arm in (await stub.SummarizeArms(request)).arms}


def of(arm: arms_pb2.ArmSummary, measure: str) -> tuple[int, float, float]:
    """(n, y, d) of a measure."""
    (found,) = [each for each in arm.measures if each.measure == measure]
    return found.n, found.y, found.d


async def test_calls_are_summed_by_subject_and_arm(audit: Audit, stub: Stub) -> None:
    audit.now_ms += HOUR_MS
    await audit.store.write(
        [
            *(admitted(scored(n)) for n in (0, 1)),
            admitted(scored(2, BEN)),
            admitted(scored(3, CLEO, arm="challenger")),
            admitted(scored(4, "", arm="challenger")),
            *(ended(a_settlement(n, total_us=(n + 1) * 1_000)) for n in (0, 2, 3, 4)),
            ended(a_settlement(1, total_us=9_000, status="UNAVAILABLE", reason="UPSTREAM_UNAVAILABLE")),
        ]
    )
    arms = await summed(stub, ask("error_rate", "latency_ms"))
    champion, challenger = arms["champion"], arms["challenger"]

    assert (champion.subjects, champion.calls, champion.calls_without_subject) == (2, 3, 0)
    assert (challenger.subjects, challenger.calls, challenger.calls_without_subject) == (1, 1, 1)
    assert (of(champion, "error_rate"), of(champion, "latency_ms")) == ((2, 1, 3), (2, 13, 3))
    assert of(challenger, "latency_ms") == (1, 4, 1)
    assert (champion.measures[1].yy, champion.measures[1].dd, champion.measures[1].yd) == (109, 5, 23)
    assert champion.last_call_time.ToMilliseconds() == NOW_MS + 2
    assert challenger.last_call_time.ToMilliseconds() == NOW_MS + 4


async def test_whoever_names_the_version_was_assigned_no_arm(audit: Audit, stub: Stub) -> None:
    await audit.store.write([admitted(scored(0)), admitted(scored(1, arm="challenger", named=True))])
    arms = await summed(stub, ask("error_rate"))

    assert {name: (arm.subjects, arm.calls_without_subject) for name, arm in arms.items()} == {
        "champion": (1, 0),
        "challenger": (0, 1),
    }


async def test_an_experiment_by_session_is_summed_by_session(audit: Audit, stub: Stub) -> None:
    sessions = [(Exposure("tone", "warm", unit=f"{n:032x}"),) for n in range(3)]
    records = [scored(n, exposures=shown, named=n == 2) for n, shown in enumerate(sessions)]
    await audit.store.write([admitted(record) for record in records] + [ended(a_settlement(n)) for n in range(3)])
    arms = await summed(stub, ask("error_rate", experiment="tone"))

    assert (arms["warm"].subjects, of(arms["warm"], "error_rate")) == (3, (3, 0, 3))


async def test_a_subject_in_several_arms_is_counted_and_left_out_of_the_sums(audit: Audit, stub: Stub) -> None:
    await audit.store.write(
        [admitted(scored(0)), admitted(scored(1, arm="challenger")), admitted(scored(2, BEN)), ended(a_settlement(2))]
    )
    arms = await summed(stub, ask("error_rate"))

    assert {name: (arm.subjects, arm.subjects_in_several, arm.calls) for name, arm in arms.items()} == {
        "champion": (1, 1, 2),
        "challenger": (0, 1, 1),
    }
    assert (of(arms["champion"], "error_rate"), of(arms["challenger"], "error_rate")) == ((1, 0, 1), (0, 0, 0))


async def test_a_phase_counts_subjects_by_the_revision_and_arm_of_their_first_call(audit: Audit, stub: Stub) -> None:
    later: dict[str, Any] = {"revision": 8}
    await audit.store.write(
        [
            admitted(scored(0)),
            admitted(scored(1, arm="challenger", **later)),
            admitted(scored(2, BEN, **later)),
            admitted(scored(3, CLEO)),
            admitted(scored(4, CLEO, **later)),
        ]
    )
    arms = await summed(stub, ask())

    assert {name: [(each.revision, each.subjects) for each in arm.phases] for name, arm in arms.items()} == {
        "champion": [(7, 2), (8, 1)],
        "challenger": [],
    }


async def test_refusals_by_the_policy_are_told_from_others_and_kept_calls_count_once_they_are_made(
    audit: Audit, stub: Stub
) -> None:
    refused: dict[str, Any] = {"verdict": Verdict.DENY, "expires_ms": 0}
    await audit.store.write(
        [
            admitted(scored(0)),
            admitted(scored(1, reason="POLICY_DENIED", **refused)),
            admitted(scored(2, reason="STORE_UNAVAILABLE", **refused), Outcome(granted=False)),
            admitted(scored(3, verdict=Verdict.HOLD, reason="APPROVAL_REQUIRED", expires_ms=0)),
            admitted(scored(4), Outcome(granted=True, first=an_id(0))),
            admitted(scored(5), Outcome(granted=False, reason="LIMIT_EXCEEDED")),
        ]
    )
    arms = await summed(stub, ask("refusal_rate"))

    assert (arms["champion"].calls, of(arms["champion"], "refusal_rate")) == (4, (1, 2, 4))


async def test_the_unit_of_assignment_is_what_counts_where_it_is_not_the_subject(audit: Audit, stub: Stub) -> None:
    await audit.store.write(
        [admitted(scored(0, unit_ref="session-1")), admitted(scored(1, unit_ref="session-2")), admitted(scored(2))]
    )
    assert (await summed(stub, ask()))["champion"].subjects == 3


async def test_a_call_that_another_arm_answered_has_failed_for_the_arm_that_it_was_assigned_to(
    audit: Audit, stub: Stub
) -> None:
    helped = a_settlement(0, arm="spare")
    await audit.store.write([admitted(scored(0)), ended(helped), admitted(scored(1, BEN)), ended(a_settlement(1))])
    assert of((await summed(stub, ask("error_rate")))["champion"], "error_rate") == (2, 1, 2)
    await audit.store.write([admitted(scored(2, CLEO))])
    await audit.store.write([ended(a_settlement(2, arm="spare"))])
    assert of((await summed(stub, ask("error_rate")))["champion"], "error_rate") == (3, 2, 3)


async def test_the_admission_of_an_arm_that_takes_over_is_no_call_of_its_own(audit: Audit, stub: Stub) -> None:
    standby = scored(1, arm="spare", standby=True, parent=an_id(0))
    await audit.store.write([admitted(scored(0)), ended(a_settlement(0, arm="spare")), admitted(standby)])
    await audit.store.write([ended(a_settlement(1))])
    found = await summed(stub, ask("error_rate"))
    assert list(found) == ["champion"]
    assert found["champion"].calls == 1


async def test_a_call_that_is_never_settled_counts_as_failed_and_a_late_settlement_has_the_last_word(
    audit: Audit, stub: Stub
) -> None:
    await audit.store.write([admitted(scored(0)), admitted(scored(1))])
    running = of((await summed(stub, ask("error_rate")))["champion"], "error_rate")
    await audit.store.mark_in_doubt(now_ms=NOW_MS + DAY_MS)
    doubted = of((await summed(stub, ask("error_rate")))["champion"], "error_rate")
    await audit.store.write([ended(a_settlement(0))])

    assert (running, doubted) == ((1, 0, 0), (1, 2, 2))
    assert of((await summed(stub, ask("error_rate")))["champion"], "error_rate") == (1, 1, 2)


async def test_contacts_count_for_the_arm_they_follow_from_however_it_is_known(audit: Audit, stub: Stub) -> None:
    led = Lineage(model="m", version="1", route="score", arm="champion")
    await audit.store.write(
        [
            admitted(scored(0)),
            admitted(wrote(1, inference=an_id(0), lineage=led)),  # the gateway knew
            admitted(wrote(2, inference=an_id(0))),  # only the store knows
            admitted(wrote(3)),  # of nobody's doing
            admitted(scored(4, BEN, arm="challenger")),
            admitted(wrote(5, BEN, inference=an_id(4))),
            ended(a_settlement(5, status="UNAVAILABLE", reason="UPSTREAM_UNAVAILABLE", gave_back=True)),  # not made
            did(1, "delivered"),
            did(1, "opened", event="first"),
            did(1, "opened", event="again"),
            did(2, "opened"),
            did(3, "opened"),
            did(5, "opened"),
        ]
    )
    arms = await summed(stub, ask("open_rate", "delivery_rate", "complaint_rate"))

    assert [of(arms["champion"], m)[1:] for m in ("open_rate", "delivery_rate", "complaint_rate")] == [
        *((2, 2), (1, 2), (0, 2)),
    ]
    assert of(arms["challenger"], "open_rate") == (1, 0, 0)
    assert arms["champion"].measures[2].last_time.ToMilliseconds() == NOW_MS + 2 + HOUR_MS
    assert not arms["challenger"].measures[0].HasField("last_time")


async def test_what_comes_too_late_counts_for_nobody(audit: Audit, stub: Stub) -> None:
    late = HOUR_MS + 1_000
    await audit.store.write(
        [
            admitted(scored(0)),
            admitted(wrote(1_000, inference=an_id(0))),
            admitted(wrote(late, inference=an_id(0))),
            did(1_000, "replied", occurred_ms=NOW_MS + HOUR_MS),
            did(1_000, "converted", occurred_ms=NOW_MS + HOUR_MS + 1),
        ]
    )
    request = ask("reply_rate", "conversion_rate", attribution_window=Duration(seconds=3_600))
    arm = (await summed(stub, request))["champion"]

    assert (of(arm, "reply_rate")[1:], of(arm, "conversion_rate")[1:]) == ((1, 1), (0, 1))


async def test_another_tenants_reports_and_calls_count_for_nothing(audit: Audit, stub: Stub) -> None:
    theirs = did(1, "complained")
    await audit.store.write(
        [
            admitted(scored(0)),
            admitted(wrote(1, inference=an_id(0))),
            admitted(scored(2, BEN, tenant="globex")),
            admitted(wrote(3, BEN, tenant="globex", inference=an_id(0))),
            Reported(theirs.outcome, "globex", theirs.raw),
        ]
    )
    arm = (await summed(stub, ask("complaint_rate")))["champion"]
    assert (arm.subjects, of(arm, "complaint_rate")) == (1, (1, 0, 1))


async def test_revenue_is_summed_in_one_currency_and_several_must_be_told_apart(audit: Audit, stub: Stub) -> None:
    await audit.store.write(
        [
            admitted(scored(0)),
            admitted(wrote(1, inference=an_id(0))),
            did(1, "converted", event="1", revenue_cents=500, currency="EUR"),
            did(1, "converted", event="2", revenue_cents=-100, currency="EUR"),
        ]
    )
    arm = (await summed(stub, ask("revenue_cents")))["champion"]
    assert (of(arm, "revenue_cents"), arm.measures[0].currency) == ((1, 400, 1), "EUR")
    await audit.store.write([did(1, "converted", event="3", revenue_cents=70, currency="USD")])
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.SummarizeArms(ask("revenue_cents"))
    assert (reason_from(refused.value), "EUR, USD" in (refused.value.details() or "")) == ("ARGUMENT_INVALID", True)
    arm = (await summed(stub, ask("revenue_cents", currency="USD")))["champion"]
    assert (of(arm, "revenue_cents"), arm.measures[0].currency) == ((1, 70, 1), "USD")


async def test_costs_are_the_real_ones_where_they_are_known_else_the_estimates(audit: Audit, stub: Stub) -> None:
    buckets = (
        BucketAsk("spend", "budget", 100, 1_000, cost=20),
        BucketAsk("tokens", "budget", 100, 1_000, cost=3),
        BucketAsk("rate", "rate", 100, 1_000),
    )
    await audit.store.write(
        [
            *(admitted(scored(n, buckets=buckets)) for n in range(4)),
            ended(a_settlement(0, costs={"spend": 15})),
            ended(a_settlement(1, gave_back=True, reason="UPSTREAM_UNAVAILABLE", status="UNAVAILABLE")),
            ended(a_settlement(2)),
        ]
    )
    assert of((await summed(stub, ask("cost", budget="spend")))["champion"], "cost") == (1, 55, 1)
    assert of((await summed(stub, ask("cost")))["champion"], "cost") == (1, 64, 1)


async def test_an_experiment_is_summed_by_what_its_subjects_were_shown(audit: Audit, stub: Stub) -> None:
    def shown(variation: str) -> tuple[Exposure, ...]:
        return (Exposure("tone", variation), Exposure("other", "x"))

    await audit.store.write(
        [
            admitted(scored(0, exposures=shown("warm"))),
            admitted(scored(1, BEN, exposures=shown("cool"))),
            admitted(scored(2, CLEO)),
            admitted(wrote(3, inference=an_id(0))),
            admitted(wrote(4, BEN, exposures=shown("cool"))),
            did(3, "clicked"),
            ended(a_settlement(1, total_us=2_000)),
        ]
    )
    arms = await summed(stub, ask("click_rate", "latency_ms", experiment="tone"))

    assert {name: (arm.subjects, arm.calls) for name, arm in arms.items()} == {"warm": (1, 1), "cool": (1, 2)}
    assert (of(arms["warm"], "click_rate"), of(arms["cool"], "click_rate")) == ((1, 1, 1), (1, 0, 1))
    assert of(arms["cool"], "latency_ms") == (1, 2, 1)


async def test_the_covariate_is_what_was_measured_before_the_first_call(audit: Audit, stub: Stub) -> None:
    start = NOW_MS + DAY_MS
    calls = {10: 1_000, DAY_MS - 5: 2_000, DAY_MS + 10: 4_000, DAY_MS + 20: 8_000}
    await audit.store.write([admitted(scored(n)) for n in calls])
    await audit.store.write([ended(a_settlement(n, total_us=us)) for n, us in calls.items()])
    request = ask(
        "latency_ms",
        start_time=Timestamp(seconds=start // 1_000, nanos=start % 1_000 * 1_000_000),
        end_time=Timestamp(seconds=start // 1_000 + 10_000),
        covariate_window=Duration(seconds=3_600),
    )
    (found,) = (await summed(stub, request))["champion"].measures

    assert (found.y, found.d, found.x, found.xx, found.yx, found.dx) == (12, 2, 2, 4, 24, 4)


@pytest.mark.parametrize("kind", ["route", "experiment"])
@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(examples(12)))
async def test_sums_agree_with_a_count_over_all_that_happened(store: DecisionStore, kind: str, seed: int) -> None:
    rng, history = random.Random(seed), History()  # noqa: S311
    entries = _some_history(rng, history)
    rng.shuffle(entries)
    for start in range(0, len(entries), 37):
        await store.write(entries[start : start + 37])
    await store.mark_in_doubt(now_ms=NOW_MS + 10 * DAY_MS)
    query = ArmsQuery(
        tenant="acme",
        kind=kind,
        name="score" if kind == "route" else "tone",
        start_ms=NOW_MS + DAY_MS,
        end_ms=NOW_MS + 4 * DAY_MS,
        measures=tuple(sorted(MEASURES)),
        attribution_ms=rng.choice([HOUR_MS, DAY_MS, 7 * DAY_MS]),
        covariate_ms=rng.choice([0, DAY_MS]),
        budget=rng.choice(["", "spend"]),
    )
    found = {arm.name: {each.measure: each.sums for each in arm.measures} for arm in await store.arms(query)}

    expected = history.arms(query)
    assert len(expected) == 2
    for arm, own in expected.items():
        for measure, sums in own.items():
            assert msgspec.structs.astuple(found[arm][measure]) == pytest.approx(msgspec.structs.astuple(sums)), measure


def _some_history(rng: random.Random, history: History) -> list[Entry]:
    """Calls of a few subjects over five days, what became of them, and what came after; fills `history` as well."""
    subjects = [f"{n:032x}" for n in range(25)] + [""]
    times = sorted(rng.sample(range(5 * DAY_MS), 300))
    buckets = (BucketAsk("spend", "budget", 100, 1_000, cost=20),)
    for number in times:
        subject = rng.choice(subjects)
        # A few subjects change their arm.
        arm = "b" if int(subject or "0", 16) % 2 != (rng.random() < 0.02) else "a"
        changes: dict[str, Any] = {"exposures": (Exposure("tone", arm),)} if rng.random() < 0.3 else {}
        if rng.random() < 0.1:
            changes |= {"verdict": Verdict.DENY, "reason": rng.choice(["CAP_EXCEEDED", "INTERNAL"]), "expires_ms": 0}
        if rng.random() < 0.5:
            record = scored(number, subject, arm=arm, buckets=buckets, **changes)
        else:
            cause = rng.choice(history.records) if history.records and rng.random() < 0.8 else None
            if cause is not None and cause.route == "score" and rng.random() < 0.5:
                changes["lineage"] = Lineage(model="m", version="1", route="score", arm=cause.arm)
            record = wrote(number, subject, inference="" if cause is None else cause.id, **changes)
        history.records.append(record)
    entries: list[Entry] = [admitted(record) for record in history.records]
    for number, record in zip(times, history.records, strict=True):
        if record.verdict is Verdict.ALLOW:
            if rng.random() < 0.05:
                history.doubted.add(record.id)
            else:
                history.settlements[record.id] = _some_end(rng, number)
        for type_ in rng.sample(sorted(TYPES.values()), rng.randrange(4)):
            revenue = {"revenue_cents": rng.randrange(100), "currency": "EUR"} if type_ == "converted" else {}
            told = did(number, type_, occurred_ms=NOW_MS + number + rng.randrange(2 * DAY_MS), **revenue)
            history.outcomes.append(told.outcome)
            entries.append(told)
    return entries + [ended(settlement) for settlement in history.settlements.values()]


def _some_end(rng: random.Random, number: int) -> Settlement:
    if rng.random() < 0.2:
        reason = rng.choice(["UPSTREAM_UNAVAILABLE", "CANCELLED", "CAP_EXCEEDED"])
        return a_settlement(number, status="UNAVAILABLE", reason=reason, gave_back=rng.random() < 0.5)
    if rng.random() < 0.1:
        return a_settlement(number, arm="spare")
    return a_settlement(number, total_us=rng.randrange(100_000), costs={"spend": 7} if rng.random() < 0.5 else {})


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (arms_pb2.SummarizeArmsRequest(route="score"), "tenant"),
        (arms_pb2.SummarizeArmsRequest(tenant="acme"), "route"),
        (arms_pb2.SummarizeArmsRequest(tenant="acme", route=""), "route"),
        (ask("vibes"), "measures"),
        (ask(currency="euro"), "currency"),
        (ask(start_time=Timestamp(seconds=10), end_time=Timestamp(seconds=10)), "end_time"),
        (ask(start_time=Timestamp(seconds=-10)), "start_time"),
        (ask(attribution_window=Duration(seconds=-1)), "attribution_window"),
        (ask(covariate_window=Duration(seconds=10**9)), "covariate_window"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused_by_the_field(
    stub: Stub, request_: arms_pb2.SummarizeArmsRequest, field: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.SummarizeArms(request_)
    assert reason_from(refused.value) == "ARGUMENT_INVALID"
    assert field in (refused.value.details() or "")


async def test_a_route_that_nobody_has_called_has_no_arms(stub: Stub) -> None:
    assert await summed(stub, ask("error_rate", route="nowhere")) == {}
