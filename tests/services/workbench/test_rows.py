"""Columns say of each entry what it says itself, whatever is in it."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.call import Lineage
from gateway.core.record import (
    DEFAULT_KEEP_DAYS,
    BucketAsk,
    BucketLook,
    Outcome,
    Record,
    RuleLook,
    Settlement,
    Verdict,
)
from gateway.records.conclusion import answered
from services.workbench.columns import rows
from services.workbench.columns.tables import ADMITTED, SETTLED, SPENT

WORD = st.text(max_size=3)
NAME = st.sampled_from(["a", "b-1", "é"])
NUMBER = st.integers(0, 1 << 40)
RULES = st.lists(st.builds(RuleLook, rule=NAME, effect=WORD, mode=st.sampled_from(["enforce", "monitor"])), max_size=3)
ASKS = st.lists(
    st.builds(
        BucketAsk,
        limit=WORD,
        kind=st.sampled_from(["cap", "gap", "rate", "sequence"]),
        capacity=st.integers(0, 5),
        period_ms=NUMBER,
    ),
    max_size=3,
)
RECORDS = st.builds(
    Record,
    id=WORD,
    received_ms=NUMBER,
    decided_ms=NUMBER,
    verdict=st.sampled_from(Verdict),
    reason=WORD,
    rule=WORD,
    message=WORD,
    rules=RULES.map(tuple),
    buckets=ASKS.map(tuple),
    tenant=WORD,
    agent_version=WORD,
    subject_ref=WORD,
    model=WORD,
    version=WORD,
    revision=NUMBER,
    standby=st.booleans(),
    lineage=st.none() | st.builds(Lineage, model=WORD, version=WORD),
    holdouts=st.lists(WORD, max_size=2).map(tuple),
    keep_days=st.integers(0, 400),
    took_us=NUMBER,
)
OUTCOMES = st.builds(
    Outcome,
    granted=st.booleans(),
    looks=st.lists(st.builds(BucketLook, used=st.integers(0, 6), wait_ms=st.just(0)), max_size=3).map(tuple),
    refused=st.integers(-1, 3),
    reason=WORD,
    stop=WORD,
    first=WORD,
)


def by_row(columns: rows.ByName) -> list[dict[str, Any]]:
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


@given(st.lists(st.tuples(RECORDS, OUTCOMES), max_size=4))
def test_an_admission_stands_in_columns_as_it_came_to_be(told: list[tuple[Record, Outcome]]) -> None:
    places = range(7, 7 + len(told))
    texts = [[msgspec.json.encode(part) for part in each] for each in told]
    columns = rows.admitted(places, [record for record, _ in texts], [outcome for _, outcome in texts])
    assert columns.keys() == {name for name, _ in ADMITTED.columns}
    for place, (record, outcome), row in zip(places, told, by_row(columns), strict=True):
        verdict, reason, rule = answered(record, outcome)
        assert (row["leaf"], row["verdict"], row["reason"], row["rule"]) == (place, verdict.value, reason, rule)
        assert row["until_ms"] == record.received_ms + (record.keep_days or DEFAULT_KEEP_DAYS) * 86_400_000
        assert row["subject"] == record.subject_ref
        led = record.lineage
        assert row["led_by"] == (f"{led.model}/{led.version}" if led else record.agent_version)
        for name, enforced in (("rules", True), ("watched", False)):
            its = [each.rule for each in record.rules if (each.mode == "enforce") is enforced]
            assert row[name].split() == its
        assert (row["weighed"], row["repeats"]) == (bool(record.holdouts), bool(outcome.first))
        same = {"tenant", "agent", "model", "version", "revision", "standby", "parent", "request_bytes", "id"}
        assert {name: row[name] for name in same} == {name: getattr(record, name) for name in same}
        caps = [
            (look.used / ask.capacity, ask.limit, look.used, ask.capacity)
            for ask, look in zip(record.buckets, outcome.looks, strict=False)
            if ask.kind == "cap" and ask.capacity
        ]
        fullest = max(caps, key=lambda each: each[0], default=(0, "", 0, 0))
        assert (row["cap"], row["cap_used"], row["cap_capacity"]) == fullest[1:]


def test_what_a_record_does_not_say_is_what_it_would_say_in_full() -> None:
    whole = {field.name: field for field in msgspec.structs.fields(Record)}
    for field in msgspec.structs.fields(rows._Record):
        assert field.default == whole[field.name].default


@given(
    st.lists(
        st.builds(
            Settlement,
            id=WORD,
            settled_ms=NUMBER,
            status=WORD,
            in_doubt=st.booleans(),
            upstream_us=NUMBER,
            costs=st.dictionaries(WORD, NUMBER, max_size=2),
        ),
        max_size=4,
    )
)
def test_an_end_stands_there_with_what_it_cost(told: list[Settlement]) -> None:
    columns, spent = rows.settled(range(len(told)), map(msgspec.json.encode, told))
    assert columns.keys() == {name for name, _ in SETTLED.columns}
    assert spent.keys() == {name for name, _ in SPENT.columns}
    for place, (end, row) in enumerate(zip(told, by_row(columns), strict=True)):
        assert (row["leaf"], row["at_ms"]) == (place, end.settled_ms)
        assert all(row[name] == getattr(end, name) for name in ("id", "status", "in_doubt", "upstream_us", "version"))
    wanted = [(at, end.id, name, amount) for at, end in enumerate(told) for name, amount in end.costs.items()]
    assert list(zip(*spent.values(), strict=True)) == wanted
