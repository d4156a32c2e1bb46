"""Which recorded calls show a sentence, and the policy that it is judged in by itself."""

from collections.abc import Sequence
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.activation.loading import canonical, load_stored
from gateway.core.changes import Place
from gateway.core.policy.document import Document
from services.control.drafts.checking import loaded
from services.control.drafts.examples import ACTS, FEWEST, MOST, SECTIONS, Example, Outcome, alone, chosen
from services.control.drafts.rendering import block
from services.control.drafts.sentences import put
from services.control.drafts.trials import NoSuchPart
from services.sentences.blanks import BEGUN
from services.sentences.kinds import Kind
from tests.policies import demo


def _examples(outcomes: Sequence[Outcome], subjects: Sequence[str]) -> list[Example]:
    return [
        Example(
            decision=f"{at:032x}", agent="a", method="/a.B/C", subject=subject, received_ms=at, verdict="ALLOW",
            outcome=outcome,
        )
        for at, (outcome, subject) in enumerate(zip(outcomes, subjects, strict=True))
    ]  # fmt: skip


_CALLS = st.lists(st.tuples(st.sampled_from(get_args(Outcome)), st.sampled_from(["", "ada", "bob"])), max_size=30)


@given(_CALLS)
def test_three_to_five_are_chosen_in_order_and_both_outcomes_are_seen_where_there_are(
    calls: list[tuple[Outcome, str]],
) -> None:
    found = _examples([outcome for outcome, _ in calls], [subject for _, subject in calls])
    shown = chosen(found)
    outcomes, seen = {each.outcome for each in found}, {each.outcome for each in shown}
    if not outcomes - {"unconcerned"}:
        assert shown == ()
        return
    assert min(FEWEST, len(found)) <= len(shown) <= MOST
    assert [each.decision for each in shown] == sorted({each.decision for each in shown})
    assert set(shown) <= set(found)
    assert bool(seen & ACTS) == bool(outcomes & ACTS)
    assert ("through" in seen) == ("through" in outcomes)
    if not outcomes >= {"through"} or not outcomes & ACTS:
        assert ("unconcerned" in seen) == ("unconcerned" in outcomes)


def test_beside_what_is_stopped_stand_calls_of_the_same_customer_that_were_let_through() -> None:
    found = _examples(["through", "through", "stopped", "through", "through"], ["ada", "bob", "ada", "bob", "bob"])
    assert [each.received_ms for each in chosen(found)] == [0, 2, 4]


@pytest.mark.parametrize("kind", BEGUN)
def test_every_kind_of_sentence_can_be_judged_alone_and_enforced(kind: str) -> None:
    sentence: Kind = msgspec.structs.replace(BEGUN[kind], watched=True)
    text, section, name = put(block(demo()), sentence)
    own = alone(loaded(text)[0].document, Place(section, name))
    assert load_stored(canonical(own)).document == own
    there = [each for each in getattr(own, section) if each.name == name]
    assert [each.mode for each in there] == ["enforce"]
    others = [each for other in SECTIONS for each in getattr(own, other) if each not in there]
    assert all(each.name.startswith("examples.") for each in others)


def test_what_is_not_there_cannot_be_judged() -> None:
    document = msgspec.convert(demo(), Document)
    for place in (Place("rules", "none"), Place("routes", "crm")):
        with pytest.raises(NoSuchPart):
            alone(document, place)
