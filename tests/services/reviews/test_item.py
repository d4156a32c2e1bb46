"""Two people judge a decision, and a third where they do not agree; nobody judges what they have spoken of before."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.reviews.item import (
    LABELS,
    Answer,
    Flag,
    Item,
    Label,
    State,
    Unfit,
    Why,
    answered,
    flagged,
    id_of,
    may_judge,
)

PEOPLE = ("ada", "bob", "eve", "flo")


def item(number: int = 1, **changes: object) -> Item:
    """One that waits."""
    decision = f"{number:032x}"
    plain: dict[str, object] = {"id": id_of("acme", decision, secret=1), "tenant": "acme", "decision": decision}
    plain |= {"agent": "sales-bot", "verdict": "HOLD", "why": Why.RANDOM, "received_ms": 0}
    plain |= {"created_ms": 0, "due_ms": number}
    return Item(**(plain | changes))  # type: ignore[arg-type]


def says(who: str, label: Label, *, corrected: str = "", at_ms: int = 5) -> Answer:
    """An answer."""
    return Answer(by=who, label=label, corrected=corrected, begun_ms=1, at_ms=at_ms)


def test_two_who_agree_settle_it_with_the_verdict_that_it_should_have_had() -> None:
    half = answered(item(), says("ada", Label.WRONG_SHOULD_ALLOW))
    assert (half.state, half.outcome) == (State.OPEN, None)
    done = answered(half, says("bob", Label.WRONG_SHOULD_ALLOW, at_ms=9))
    assert (done.state, done.outcome, done.corrected, done.settled_ms) == (
        State.SETTLED, Label.WRONG_SHOULD_ALLOW, "ALLOW", 9,
    )  # fmt: skip
    assert [each.took_ms for each in done.answers] == [4, 8]


@given(some.integers(0, 2**63 - 1), some.integers(0, 2**63 - 1))
def test_without_the_secret_nobody_can_tell_which_item_is_a_further_one_about_a_decision(one: int, other: int) -> None:
    told = {id_of("acme", "a" * 32, secret=secret, more=more) for secret in (one, other) for more in ("", "known/7")}
    assert len(told) == 2 * len({one, other})


def test_where_two_do_not_agree_a_third_decides() -> None:
    disputed = answered(answered(item(), says("ada", Label.RIGHT)), says("bob", Label.UNCLEAR))
    assert disputed.state is State.DISPUTED
    assert [who for who in PEOPLE if may_judge(disputed, who)] == ["eve", "flo"]
    done = answered(disputed, says("eve", Label.WRONG_SHOULD_DENY, corrected="DEFER"))
    assert (done.outcome, done.corrected) == (Label.WRONG_SHOULD_DENY, "DEFER")


def test_two_who_agree_that_it_is_wrong_and_not_on_what_is_right_leave_that_open() -> None:
    half = answered(item(), says("ada", Label.WRONG_SHOULD_DENY, corrected="DENY"))
    done = answered(half, says("bob", Label.WRONG_SHOULD_DENY, corrected="DEFER"))
    assert (done.outcome, done.corrected) == (Label.WRONG_SHOULD_DENY, "")


def test_what_is_known_beforehand_stays_so_whatever_people_say() -> None:
    known = item(known=Label.WRONG_SHOULD_ALLOW, barred=("flo",))
    done = answered(answered(known, says("ada", Label.RIGHT)), says("bob", Label.UNCLEAR))
    assert (done.state, done.outcome) == (State.SETTLED, Label.WRONG_SHOULD_ALLOW)
    assert not may_judge(known, "flo")


@pytest.mark.parametrize(
    ("verdict", "label", "corrected"),
    [
        ("ALLOW", Label.WRONG_SHOULD_ALLOW, ""),
        ("DENY", Label.WRONG_SHOULD_DENY, ""),
        ("DENY", Label.WRONG_SHOULD_DENY, "DENY"),
        ("DENY", Label.WRONG_SHOULD_ALLOW, "HOLD"),
        ("ALLOW", Label.WRONG_SHOULD_DENY, "ALLOW"),
        ("ALLOW", Label.WRONG_SHOULD_DENY, "PERHAPS"),
        ("ALLOW", Label.RIGHT, "DENY"),
        ("ALLOW", Label.UNCLEAR, "DENY"),
    ],
)
def test_a_decision_cannot_have_a_label_that_says_what_it_was(verdict: str, label: Label, corrected: str) -> None:
    with pytest.raises(Unfit):
        answered(item(verdict=verdict), says("ada", label, corrected=corrected))


def test_who_flags_a_decision_does_not_judge_it() -> None:
    flag = Flag(by="ada", at_ms=1, text="a customer called")
    once = flagged(item(), flag)
    assert flagged(once, flag) is once
    with pytest.raises(Unfit):
        answered(once, says("ada", Label.RIGHT))


@given(some.lists(some.tuples(some.sampled_from(PEOPLE), some.sampled_from(LABELS)), max_size=12), some.integers(1, 2))
def test_however_people_come_each_is_heard_once_and_two_or_three_settle_it(
    come: list[tuple[str, Label]], wanted: int
) -> None:
    found = item(wanted=wanted, barred=("flo",))
    for who, label in come:
        before = found
        if may_judge(found, who):
            found = answered(found, says(who, label))
        else:
            with pytest.raises(Unfit):
                answered(found, says(who, label))
        assert before.answers == found.answers[: len(before.answers)]
    said = [each.label for each in found.answers]
    assert len({each.by for each in found.answers}) == len(said) <= wanted * 2 - 1
    assert "flo" not in {each.by for each in found.answers}
    alike = len(said) >= wanted and len(set(said[:wanted])) == 1
    assert (found.state is State.SETTLED) == (alike or len(said) == 3)
    assert msgspec.json.decode(msgspec.json.encode(found), type=Item) == found
