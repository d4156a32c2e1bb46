"""Two decisions side by side differ in what they have otherwise, and in nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from pilote.decision.v1 import decision_pb2
from services.control.decisions.beside import beside

_names = st.sampled_from(["caps", "nights", "no-minors"])
_rules = st.lists(
    st.builds(
        decision_pb2.RuleLook,
        rule=_names,
        effect=st.sampled_from(["allow", "deny"]),
        mode=st.sampled_from([decision_pb2.MODE_ENFORCE, decision_pb2.MODE_MONITOR]),
    ),
    unique_by=lambda each: each.rule,
)
_limits = st.lists(
    st.builds(decision_pb2.LimitLook, limit=_names, used=st.integers(0, 5), capacity=st.integers(0, 5)),
    unique_by=lambda each: each.limit,
)
_decisions = st.builds(
    decision_pb2.Decision,
    agent=st.sampled_from(["", "a", "b"]),
    revision=st.integers(0, 2),
    rules=_rules,
    limits=_limits,
    exposures=st.lists(
        st.builds(decision_pb2.Exposure, experiment=_names, variation=st.sampled_from("ab")),
        unique_by=lambda each: each.experiment,
    ),
)


@given(_decisions)
def test_a_decision_does_not_differ_from_itself(decision: decision_pb2.Decision) -> None:
    assert not any(pair.differs for pair in beside(decision, decision))


@given(_decisions, _decisions)
def test_the_other_way_round_is_the_same_the_other_way_round(
    first: decision_pb2.Decision, second: decision_pb2.Decision
) -> None:
    there = {(each.kind, each.name): each.values for each in beside(first, second)}
    back = {(each.kind, each.name): each.values[::-1] for each in beside(second, first)}
    assert there == back


def test_a_rule_that_applied_to_one_alone_and_another_count_are_differences() -> None:
    first = decision_pb2.Decision(agent="a", rules=[decision_pb2.RuleLook(rule="nights", effect="defer")])
    second = decision_pb2.Decision(agent="a", limits=[decision_pb2.LimitLook(limit="caps", used=3, capacity=3)])
    found = {pair.name: pair.values for pair in beside(first, second) if pair.differs}
    assert set(found) == {"nights", "caps"}
    assert found["nights"][1] is None


def test_times_are_shown_and_are_no_difference() -> None:
    first, second = decision_pb2.Decision(agent="a"), decision_pb2.Decision(agent="a")
    first.receive_time.FromMilliseconds(1)
    second.receive_time.FromMilliseconds(2)
    (time,) = (pair for pair in beside(first, second) if pair.name == "receive_time")
    assert time.values == (1, 2)
    assert not time.differs
