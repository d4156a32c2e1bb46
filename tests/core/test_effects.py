"""Telling apart what calls would have come to, and counting it in bounded memory."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.simulating.calls import ALLOWED, GONE, Call, Change
from gateway.core.simulating.course import Came
from gateway.core.simulating.differences import MOST_KINDS, OTHERS, Difference, differences
from gateway.core.simulating.effects import Effects

_verdicts = st.sampled_from(["ALLOW", "DENY", "HOLD", "DEFER"])
_by = st.sampled_from(["", "POLICY_DENIED", "POLICY_DENIED no", "CAP_EXCEEDED weekly"])
_changes = st.lists(
    st.builds(
        Change,
        kind=st.sampled_from(["arm", "version", "redactions", "variations"]),
        was=st.text(max_size=3),
        becomes=st.text(max_size=3),
    ),
    max_size=2,
)


def call(number: int = 0, **changes: object) -> Call:
    """One that was let through."""
    values: dict[str, object] = {
        "id": f"{number:032x}", "at_ms": number, "place": number, "cell": "acme/0", "agent": "bot", "method": "/a/b",
        "subject": "", "contact": False, "was": ALLOWED, "was_by": "", "rules": ALLOWED, "rules_by": "",
    }  # fmt: skip
    return Call(**(values | changes))  # type: ignore[arg-type]


@given(_verdicts, _by)
def test_what_came_to_the_same_is_no_difference(verdict: str, by: str) -> None:
    assert differences(call(was=verdict, was_by=by), Came(verdict, by)) == ()


@given(_verdicts, _by, st.sampled_from(["ALLOW", "DENY", "HOLD", "DEFER", GONE]), _by, _changes)
def test_whatever_ended_otherwise_is_told_as_something(
    was: str, was_by: str, verdict: str, by: str, changes: list[Change]
) -> None:
    told = differences(call(was=was, was_by=was_by, changes=tuple(changes)), Came(verdict, by))
    if verdict == GONE:
        assert [each.kind for each in told] == ["gone"]
    elif verdict != was:
        assert [each.kind for each in told] == ["verdict"]
        assert told[0].by == (was_by if verdict == ALLOWED else by)
    elif verdict != ALLOWED:
        assert [each.kind for each in told] == ([] if was_by == by else ["refusal"])
    else:
        assert [(each.kind, each.was, each.becomes) for each in told] == [
            (each.kind, each.was, each.becomes) for each in changes
        ]


def test_however_many_changes_there_are_memory_is_bounded_and_none_is_lost() -> None:
    effects = Effects(most_examples=1)
    for number in range(2 * MOST_KINDS):
        effects.add(call(number, changes=(Change("arm", "a", f"a-{number}"),)), Came(ALLOWED))
    assert len(effects.found) == MOST_KINDS + 1
    assert sum(its.calls for its in effects.found.values()) == 2 * MOST_KINDS
    assert effects.found[OTHERS].calls == MOST_KINDS


def test_the_most_frequent_change_comes_first_and_examples_are_the_oldest() -> None:
    effects = Effects(most_examples=2)
    for number in range(6):
        effects.add(call(number), Came("DENY", f"POLICY_DENIED {'often' if number % 3 else 'seldom'}"))
    assert [(each.by, its.calls) for each, its in effects.found.items()] == [
        ("POLICY_DENIED often", 4),
        ("POLICY_DENIED seldom", 2),
    ]
    first = next(iter(effects.found.values()))
    assert first.examples == [call(1).id, call(2).id]


def test_a_call_that_is_refused_otherwise_is_no_new_refusal() -> None:
    effects = Effects()
    effects.add(call(was="DENY", was_by="POLICY_DENIED a"), Came("DENY", "CAP_EXCEEDED weekly"))
    assert msgspec.structs.asdict(effects.all) == {"calls": 1, "refused": 0, "allowed": 0}
    assert list(effects.found) == [Difference(kind="refusal", was="POLICY_DENIED a", becomes="CAP_EXCEEDED weekly")]
