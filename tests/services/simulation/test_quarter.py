"""A simulated quarter: the same for the same seed, decided by the real policy and counted as the store counts."""

from collections import Counter
from pathlib import Path

import msgspec
import numpy as np
import pytest

from gateway.adapters.admission import Admission
from gateway.adapters.redis_cluster import opened
from gateway.adapters.reservation import reserve
from gateway.adapters.spool import Spool
from gateway.core import keys
from gateway.core.errors import Reason
from gateway.core.record import Verdict
from gateway.core.simulating.calls import ALLOWED, Forms
from gateway.core.simulating.course import Course
from gateway.core.simulating.differences import differences
from gateway.replays.judging import judged
from gateway.replays.replaying import replayed
from services.simulation.campaigns import CAMPAIGNS, attempts
from services.simulation.deciding import Unsimulated
from services.simulation.ledger import as_data
from tests.policies import revision
from tests.services.simulation.quarters import DAY_MS, KEY, START_MS, persons, policy, quarter, split

_encode = msgspec.json.encode


def test_a_seed_comes_to_the_same_bytes_every_time_and_another_one_to_others() -> None:
    def bytes_of(seed: int) -> tuple[bytes, bytes]:
        its = quarter(seed, decisions=300)
        lines = [
            _encode(each)
            if hasattr(each, "type")
            else _encode((each.record, each.outcome, each.settlement, each.inputs))
            for each in its.events()
        ]
        return b"\n".join(lines), _encode(as_data(its.ledger))

    assert bytes_of(1) == bytes_of(1)
    assert bytes_of(1)[0] != bytes_of(2)[0]


def test_there_are_as_many_decisions_as_asked_for_within_the_quarter_and_in_order() -> None:
    decided, told = split(quarter().events())
    assert len(decided) in {899, 900}
    times = [each.record.received_ms for each in decided]
    assert min(times) >= START_MS
    assert max(times) < START_MS + 35 * DAY_MS
    assert len({each.record.id for each in decided}) == len(decided)
    assert {each.decision for each in told} <= {each.record.id for each in decided}
    assert all(each.occurred_ms <= each.reported_ms <= START_MS + 35 * DAY_MS for each in told)


def test_every_part_of_the_policy_has_something_to_say() -> None:
    decided, _ = split(quarter(people=40, days=91, decisions=3_000).events())
    reasons = Counter(each.verdict[1] for each in decided)
    assert {"", Reason.CAP_EXCEEDED, Reason.HELD_OUT, Reason.CONSENT_MISSING, Reason.QUIET_HOURS} <= set(reasons)
    assert reasons[""] > sum(reasons.values()) / 3
    versions = {each.record.version for each in decided if each.record.lineage is not None}
    assert versions == {"1", "2"}


def test_each_record_comes_to_the_same_bytes_when_its_call_is_replayed() -> None:
    for each in split(quarter(decisions=200).events())[0]:
        again = replayed(policy(), each.inputs, pseudonym_key=KEY).record
        same = {name: getattr(each.record, name) for name in ("decided_ms", "expires_ms", "took_us")}
        assert _encode(msgspec.structs.replace(again, **same)) == _encode(each.record)


def test_a_backtest_of_the_policy_itself_finds_no_difference() -> None:
    decided, _ = split(quarter(people=40, days=91, decisions=3_000).events())
    forms, course = Forms(), Course()
    for place, each in enumerate(decided):
        call = judged(
            policy(),
            each.inputs,
            each.record,
            each.outcome,
            settlement=each.settlement,
            told=(),
            place=place,
            forms=forms,
            pseudonym_key=KEY,
        )
        came = course.take(call, forms.found)
        assert differences(call, came) == ()
        assert (came.verdict == ALLOWED) == each.allowed


async def test_the_real_store_admits_and_refuses_the_very_same_calls(redis_url: str, tmp_path: Path) -> None:
    decided, _ = split(quarter(people=20, days=28, decisions=700).events())
    connection, spool = await opened(redis_url, timeout_ms=5_000), Spool(tmp_path / "spool", worker="w")
    admission = Admission(connection, spool)
    await admission.prepare([keys.cell("acme")])
    try:
        for each in decided:
            decision = replayed(policy(), each.inputs, pseudonym_key=KEY).decision
            if each.record.verdict is Verdict.ALLOW and decision is not None:
                outcome, _ = await admission.admit(reserve(each.record, decision.buckets), each.record)
                assert outcome == each.outcome
    finally:
        await admission.close()
        await spool.close()
        await connection.close()
    assert Counter(each.verdict[1] for each in decided)[Reason.CAP_EXCEEDED]


def test_who_is_held_out_is_contacted_by_no_campaign_and_lives_as_if_there_were_none() -> None:
    its = quarter(people=60, revision=policy(holdout=5_000))
    decided, _ = split(its.events())
    held = {each.record.subject_ref for each in decided if each.verdict[1] == Reason.HELD_OUT}
    reached = {each.record.subject_ref for each in decided if each.allowed and each.record.category == "marketing"}
    assert held
    assert not held & reached
    assert np.array_equal(its.ledger.revenue[its.ledger.held_out], its.ledger.without[its.ledger.held_out])
    assert len(held) == its.ledger.held_out.sum()


def test_where_everybody_is_held_out_contacts_bring_nothing() -> None:
    its = quarter(revision=policy(holdout=10_000))
    split(its.events())
    assert its.ledger.incremental_cents == 0
    assert its.ledger.contacts["category", "transactional"].contacts == its.ledger.contacts["", ""].contacts


def test_two_policies_meet_the_same_luck_until_they_decide_otherwise() -> None:
    loose, tight = (
        split(quarter(people=40, days=91, decisions=3_000, revision=policy(cap=n)).events())[0] for n in (3, 1)
    )
    assert [each.inputs.id for each in loose] == [each.inputs.id for each in tight]
    first = next(n for n, pair in enumerate(zip(loose, tight, strict=True)) if pair[0].allowed != pair[1].allowed)
    assert tight[first].verdict[1] == Reason.CAP_EXCEEDED
    assert [each.allowed for each in loose[:first]] == [each.allowed for each in tight[:first]]


def test_whoever_opts_out_is_not_written_to_on_that_channel_any_more() -> None:
    decided, told = split(quarter(people=200, days=60, decisions=6_000).events())
    records = {each.record.id: each.record for each in decided}
    out = {
        (records[each.decision].subject_ref, records[each.decision].channel): each.occurred_ms
        for each in told
        if each.type == "unsubscribed"
    }
    assert out
    later = [
        each
        for each in decided
        if each.record.category == "marketing"
        and each.record.received_ms > out.get((each.record.subject_ref, each.record.channel), 1 << 60)
    ]
    assert later
    assert not any(each.allowed for each in later)


def test_an_agent_that_retries_comes_back_when_it_was_told_to() -> None:
    once = split(quarter(decisions=600).events())[0]
    retried = split(quarter(decisions=600, more={"retries": 1}).events())[0]
    assert len(retried) > len(once)
    assert sum(each.allowed for each in retried) > sum(each.allowed for each in once)


def test_agents_of_another_policy_or_rules_that_read_the_pressure_cannot_be_simulated() -> None:
    with pytest.raises(Unsimulated, match="agent loyalty-bot"):
        quarter(revision=revision())


def test_attempts_are_thinned_to_the_number_and_vips_get_more() -> None:
    who = persons(200, 1)
    found = attempts(CAMPAIGNS, who, days=91, decisions=5_000, seed=3)
    asked = sum(CAMPAIGNS[number].decisions for number in found.campaign.tolist())
    assert asked in {4_999, 5_000}
    vips = np.array([each.segments[0] == "vip" for each in who])
    loyalty = np.isin(found.campaign, [n for n, each in enumerate(CAMPAIGNS) if each.vip_days])
    per_vip = vips[found.person[loyalty]].sum() / vips.sum()
    per_other = (~vips[found.person[loyalty]]).sum() / (~vips).sum()
    assert per_vip > 1.8 * per_other
