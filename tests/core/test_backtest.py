"""Telling apart what calls would have come to, and counting it in bounded memory."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.agreeing import differing
from gateway.core.backtest import MOST_KINDS, OTHERS, Came, Difference, Tally, differences
from gateway.core.call import UNREADABLE_SUBJECT, Facts, Lineage, Route
from gateway.core.decide import Decision
from gateway.core.inputs import First, Inputs, packed, sampled, unpacked
from gateway.core.limits import Bucket
from gateway.core.record import Exposure, Outcome, Record, RuleLook, Verdict, decision_id

GRANTED = Outcome(granted=True)
_texts = st.text(max_size=8)
_records = st.builds(
    Record,
    id=st.just("1"),
    received_ms=st.just(0),
    decided_ms=st.just(0),
    verdict=st.sampled_from(Verdict),
    reason=st.sampled_from(["", "POLICY_DENIED", "DEADLINE_EXCEEDED"]),
    rule=_texts,
    rules=st.lists(st.builds(RuleLook, rule=_texts, effect=_texts), max_size=2).map(tuple),
    arm=_texts,
    version=_texts,
    exposures=st.lists(st.builds(Exposure, experiment=_texts, variation=_texts), max_size=2).map(tuple),
)


def _named(its: Record) -> str:
    return ", ".join(f"{each.experiment}={each.variation}" for each in its.exposures)


def record(number: int = 0, **changes: object) -> Record:
    """A call that was let through."""
    values: dict[str, object] = {
        "id": f"{number:032x}",
        "received_ms": number,
        "decided_ms": number,
        "verdict": Verdict.ALLOW,
        "tenant": "acme",
    }
    return Record(**(values | changes))  # type: ignore[arg-type]


def came(
    number: int = 0, *, buckets: tuple[Bucket, ...] = (), redacting: tuple[str, ...] = (), **changes: object
) -> Came:
    """What it came to."""
    its = record(number, **changes)
    return Came(its, Decision(verdict=its.verdict, buckets=buckets, redacting=redacting))


@given(_records)
def test_what_came_to_the_same_is_no_difference(one: Record) -> None:
    assert differences(Came(one, None), Came(one, None)) == ()
    assert differing(one, one, GRANTED) == ()


@given(_records, _records)
def test_whatever_ended_otherwise_is_told_as_something(one: Record, other: Record) -> None:
    told = differences(Came(one, None), Came(other, None))
    if one.verdict is not other.verdict:
        assert [each.kind for each in told] == ["verdict"]
    elif one.verdict is Verdict.ALLOW:
        assert {each.kind for each in told} == {
            kind
            for kind, same in (
                ("arm", one.arm == other.arm),
                ("version", one.version == other.version),
                ("variations", _named(one) == _named(other)),
            )
            if not same
        }
    else:
        assert bool(told) is (f"{one.reason} {one.rule}".strip() != f"{other.reason} {other.rule}".strip())


def test_redactions_and_variations_are_told_by_name() -> None:
    old = came(exposures=(Exposure("tone", "warm"),))
    new = came(redacting=("hidden",), exposures=(Exposure("tone", "plain"),))
    assert differences(old, new) == (
        Difference(kind="redactions", becomes="hidden"),
        Difference(kind="variations", was="tone=warm", becomes="tone=plain"),
    )


def test_a_limit_is_counted_on_both_sides_and_a_repeat_takes_nothing() -> None:
    def bucket(most: int) -> Bucket:
        return Bucket("weekly", "cap", "subject=x", most, 1_000_000)

    tally = Tally()
    for number in range(4):
        outcome = msgspec.structs.replace(GRANTED, first="another") if number == 0 else GRANTED
        tally.add(came(number, buckets=(bucket(9),)), came(number, buckets=(bucket(2),)), outcome)
    ((difference, found),) = tally.found.items()
    assert difference == Difference(kind="counted", was="ALLOW", becomes="DENY CAP_EXCEEDED", by="weekly")
    assert found.examples == (record(3).id,)
    assert (tally.replayed, tally.otherwise) == (4, 0)


def test_what_the_rules_refuse_is_not_told_again_as_counted() -> None:
    bucket = Bucket("weekly", "cap", "subject=x", 0, 1_000_000)
    tally = Tally()
    tally.add(came(1, buckets=(bucket,)), came(1, verdict=Verdict.DENY, reason="POLICY_DENIED", rule="no"), GRANTED)
    assert [each.kind for each in tally.found] == ["verdict"]


def test_however_many_changes_there_are_memory_is_bounded_and_none_is_lost() -> None:
    tally = Tally(most_examples=1)
    for number in range(2 * MOST_KINDS):
        tally.add(came(number), came(number, arm=f"a-{number}"), GRANTED)
    assert len(tally.found) == MOST_KINDS + 1
    assert sum(its.calls for its in tally.found.values()) == 2 * MOST_KINDS
    assert tally.found[OTHERS].calls == MOST_KINDS


def test_the_most_frequent_change_comes_first_and_examples_are_the_oldest() -> None:
    tally = Tally(most_examples=2)
    for number in range(6):
        rule = "often" if number % 3 else "seldom"
        new = came(number, verdict=Verdict.DENY, rule=rule, reason="POLICY_DENIED")
        tally.add(came(number), new, GRANTED)
    assert [(each.by, its.calls) for each, its in tally.found.items()] == [
        ("POLICY_DENIED often", 4),
        ("POLICY_DENIED seldom", 2),
    ]
    assert next(iter(tally.found.values())).examples == (record(1).id, record(2).id)


def test_what_a_call_met_after_its_decision_is_no_difference() -> None:
    late = record(verdict=Verdict.DENY, reason="DEADLINE_EXCEEDED", message="too late")
    assert differing(late, record(), GRANTED) == ()
    assert differing(late, record(arm="b"), GRANTED) == ("arm",)
    denied = record(verdict=Verdict.DENY, reason="POLICY_DENIED")
    assert differing(denied, record(), GRANTED) == ("verdict", "reason")
    exposed = record(exposures=(Exposure("tone", "warm"),))
    assert differing(record(), exposed, GRANTED) == ("exposures",)
    assert differing(record(), exposed, msgspec.structs.replace(GRANTED, first="another")) == ()


@given(
    st.binary(max_size=50),
    st.dictionaries(_texts, st.booleans(), max_size=2),
    st.floats(0, 1, exclude_max=True),
    st.sampled_from(["known", "unreadable"]),
)
def test_inputs_come_out_as_they_went_in(request: bytes, consents: dict[str, bool], draw: float, known: str) -> None:
    unreadable = known == "unreadable"
    inputs = Inputs(
        id="1",
        revision=2,
        tenant="acme",
        agent="bot",
        method="/a/b",
        received_ms=3,
        request=request,
        metadata=(("accept-language", "fr"),),
        draw=draw,
        facts=None if unreadable else Facts(consents=consents, scores={"churn": draw}),
        unreadable=unreadable,
        lineage=Lineage(model="m", version="1"),
        first=First(Route(name="r", arm="a", upstream="u"), None, "x"),
    )
    again = unpacked(packed(inputs))
    assert again == inputs
    assert (again.known is UNREADABLE_SUBJECT) is unreadable


@given(st.binary(min_size=10, max_size=10), st.integers(0, 10_000), st.integers(0, 10_000))
def test_a_larger_share_keeps_all_that_a_smaller_one_keeps(random: bytes, share: int, other: int) -> None:
    decision = decision_id(now_ms=1, random=random)
    assert not sampled(decision, 0)
    assert sampled(decision, 10_000)
    assert sampled(decision, min(share, other)) <= sampled(decision, max(share, other))


def test_a_share_is_met() -> None:
    ids = [decision_id(now_ms=1, random=(number * 2654435761).to_bytes(10)) for number in range(20_000)]
    assert 0.23 < sum(sampled(decision, 2_500) for decision in ids) / len(ids) < 0.27
