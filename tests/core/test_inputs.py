"""What is kept of calls, of which, and whether one that is decided upon once more comes to what was recorded."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.agreeing import differing
from gateway.core.call import UNREADABLE_SUBJECT, Facts, Lineage, Route
from gateway.core.inputs import First, Inputs, packed, sampled, unpacked
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


@given(_records)
def test_what_came_to_the_same_agrees(one: Record) -> None:
    assert differing(one, one, GRANTED) == ()


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
