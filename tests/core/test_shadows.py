"""Which calls are copied, and what two decisions have otherwise."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.assignment import point
from gateway.core.call import UNKNOWN_SUBJECT, Call, Facts, Operation
from gateway.core.policy.serving import Arm, Copy, Route, Shadow
from gateway.core.record import RuleLook
from gateway.core.shadows import CopyRule, applied_otherwise, copy_rule
from tests.policies import revision

REFS = st.text("0123456789abcdef", min_size=32, max_size=32)


def rule(share: int, *, sticky: str = "subject", kind: type[Copy] = Shadow) -> CopyRule:
    route = Route(name="crm", methods=("/a",), arms=(Arm(name="now", upstream="crm"),), sticky=sticky)  # type: ignore[arg-type]
    return copy_rule(route, kind(arm="next", share=share), seed="crm", compare=None)


def call(ref: str = "", *, session: str = "") -> Call:
    return Call(method="/a", operation=Operation.READ, request=None, subject_ref=ref, session_ref=session)


@given(REFS, st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True))
def test_a_customer_is_copied_always_or_never_whatever_is_drawn(ref: str, one: float, other: float) -> None:
    half = rule(5_000)
    assert half.takes(call(ref), UNKNOWN_SUBJECT, draw=one) is half.takes(call(ref), UNKNOWN_SUBJECT, draw=other)


@given(REFS, st.integers(0, 10_000), st.integers(0, 10_000))
def test_whoever_is_copied_still_is_when_the_share_grows(ref: str, one: int, other: int) -> None:
    less, more = sorted((one, other))
    taken = [rule(share).takes(call(ref), UNKNOWN_SUBJECT, draw=0.5) for share in (less, more)]
    assert taken[1] or not taken[0]


@given(REFS)
def test_a_share_of_nothing_copies_nothing_and_one_of_all_copies_all(ref: str) -> None:
    assert not rule(0).takes(call(ref), UNKNOWN_SUBJECT, draw=0.0)
    assert rule(10_000).takes(call(ref), UNKNOWN_SUBJECT, draw=0.999999)


def test_who_is_copied_has_nothing_to_do_with_who_gets_which_arm() -> None:
    refs = [f"{number:032x}" for number in range(4_000)]
    copied = [ref for ref in refs if rule(5_000).takes(call(ref), UNKNOWN_SUBJECT, draw=0)]
    served = [ref for ref in copied if point("crm", ref) < 5_000]
    assert 1_850 < len(copied) < 2_150
    assert 900 < len(served) < 1_100
    mirrored = [ref for ref in copied if rule(5_000, kind=Copy).takes(call(ref), UNKNOWN_SUBJECT, draw=0)]
    assert 900 < len(mirrored) < 1_100


def test_calls_without_anything_to_go_by_are_copied_by_chance() -> None:
    for sticky, one in (("none", call("a" * 32)), ("subject", call()), ("session", call("a" * 32))):
        assert rule(5_000, sticky=sticky).takes(one, UNKNOWN_SUBJECT, draw=0.49)
        assert not rule(5_000, sticky=sticky).takes(one, UNKNOWN_SUBJECT, draw=0.51)


def test_a_person_who_was_created_anew_and_a_session_are_copied_as_before() -> None:
    refs = [f"{number:032x}" for number in range(50)]
    for ref in refs:
        wanted = rule(5_000).takes(call(ref), UNKNOWN_SUBJECT, draw=0)
        assert rule(5_000).takes(call("new"), Facts(unit=ref), draw=0) is wanted
        assert rule(5_000, sticky="session").takes(call("new", session=ref), UNKNOWN_SUBJECT, draw=0) is wanted


def test_the_session_is_known_wherever_something_is_copied_by_it() -> None:
    arms = [{"name": "now", "upstream": "crm"}, {"name": "next", "upstream": "crm", "weight": 0}]

    def by_session(**more: Any) -> bool:
        route = {"name": "crm", "methods": ["/pilote.crm.v1.*"], "arms": arms, "sticky": "session"} | more
        return revision(routes=[route]).methods["/pilote.crm.v1.ContactService/GetContact"].routing.by_session

    assert by_session(shadow={"arm": "next", "share": 100})
    assert not by_session(shadow={"arm": "next"})
    assert not by_session()


def test_rules_are_told_that_applied_on_one_side_only_or_otherwise() -> None:
    both, ours, theirs = RuleLook("open", "allow"), RuleLook("old", "allow"), RuleLook("canary-reads", "deny")
    failed = RuleLook("open", "allow", error="no such field")
    assert applied_otherwise((both, ours), (both, theirs)) == (("canary-reads",), ("old",))
    assert applied_otherwise((both,), (failed,)) == (("open",), ())
    assert applied_otherwise((both,), (both,)) == ((), ())
