"""Of two sentences one is called in vain only where it is, and it is said in words which and what to do."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.call import Operation
from gateway.core.policy.vocabulary import duration_ms
from services.sentences import kinds
from services.sentences.conflicts import Code, Said, conflicts
from services.sentences.kinds import Kind
from tests.examples import thoroughly

CONTACT = (Operation.CONTACT,)
NO_PHONE = kinds.Never(operations=CONTACT, channels=("phone",))
WIDE = kinds.Cap(max=2, period="7d", exempt=("transactional",))


def said(*sentences: Kind, besides: tuple[str, ...] = ()) -> list[Said]:
    return [
        Said(section="caps", part=f"n{place}", sentence=each, besides=besides) for place, each in enumerate(sentences)
    ]


@pytest.mark.parametrize(
    ("sentences", "code"),
    [
        ((WIDE, kinds.Cap(max=3, period="7d", channels=("email",), exempt=("transactional",))), "tighter"),
        ((kinds.Cap(max=3, period="1d", channels=("email",), exempt=("transactional", "legal")), WIDE), "tighter"),
        ((WIDE, kinds.Cap(max=1, period="7d", channels=("email",), exempt=("transactional",))), None),
        ((WIDE, kinds.Cap(max=3, period="8d", exempt=("transactional",))), None),
        ((WIDE, kinds.Cap(max=3, period="7d")), None),
        ((WIDE, kinds.Cap(max=3, period="7d", categories=("transactional",))), None),
        ((WIDE, WIDE), "tighter"),
        ((kinds.Gap(gap="7d"), kinds.Cap(max=1, period="7d")), "tighter"),
        ((kinds.Gap(gap="4h"), kinds.Gap(gap="1h", channels=("sms",))), "tighter"),
        ((kinds.Cap(max=2, period="week"), kinds.Cap(max=2, period="7d")), None),
        ((kinds.Cap(max=2, period="week"), kinds.Cap(max=4, period="week", segments=("vip",))), "tighter"),
        ((kinds.Cap(max=2, period="7d", segments=("vip",)), kinds.Cap(max=4, period="7d")), None),
        ((kinds.Cap(max=2, period="7d", watched=True), kinds.Cap(max=4, period="7d")), None),
        ((kinds.Cap(max=2, period="7d", exceed="review"), kinds.Cap(max=4, period="7d")), None),
        ((kinds.Cap(max=2, period="7d", each=("channel",)), kinds.Cap(max=4, period="7d")), None),
        ((NO_PHONE, kinds.Cap(max=1, period="1d", channels=("phone",))), "swallowed"),
        ((NO_PHONE, kinds.Cap(max=1, period="1d")), None),
        ((kinds.Never(channels=("phone",), agents=("a",)), kinds.Consent(channels=("phone",))), None),
        ((kinds.Never(channels=("phone",)), kinds.Consent(channels=("phone",))), "swallowed"),
        ((kinds.Only(operations=CONTACT, agents=("a",)), kinds.Only(operations=CONTACT, agents=("b",))), "nobody"),
        ((kinds.Only(operations=CONTACT, agents=("a",)), kinds.Only(operations=CONTACT, agents=("b", "a"))), None),
        ((kinds.Only(operations=CONTACT, agents=("a",)), kinds.Only(agents=("b",))), None),
    ],
)  # fmt: skip
def test_what_never_matters_is_told_and_nothing_else(sentences: tuple[Kind, ...], code: Code | None) -> None:
    found = conflicts(said(*sentences))
    assert [each.code for each in found] == ([] if code is None else [code])


def test_caps_that_count_from_different_moments_are_not_compared() -> None:
    assert conflicts(said(WIDE, WIDE, besides=("counts_on",))) == ()
    assert conflicts(said(WIDE, WIDE, besides=("citation",))) != ()


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("code", ["tighter", "swallowed", "nobody", "shadowed", "redundant", "never"])
def test_every_conflict_says_what_is_wrong_and_what_to_do(code: Any, language: str) -> None:
    (found,) = conflicts(said(WIDE, WIDE))
    problem, fix = msgspec.structs.replace(found, code=code).worded(language, this="One", others=["two"])
    assert "One" in problem
    assert fix
    assert "{" not in problem + fix


few = st.lists(st.sampled_from(("a", "b")), max_size=2, unique=True).map(tuple)
small = st.builds(
    kinds.Cap,
    max=st.integers(0, 3),
    period=st.sampled_from(("1d", "2d", "3d")),
    categories=few,
    channels=few,
    segments=few,
    exempt=few,
    each=st.sampled_from(((), ("channel",), ("category",), ("channel", "category"))),
) | st.builds(
    kinds.Gap, gap=st.sampled_from(("1d", "2d", "3d")), categories=few, channels=few, segments=few, exempt=few
)
messages = st.tuples(st.integers(0, 6), st.sampled_from("abc"), st.sampled_from("abc"))


def refuses(cap: Any, history: list[tuple[int, str, str]], segments: tuple[str, ...], day: int, message: Any) -> bool:
    """Whether a cap refuses a message after all these."""

    def about(channel: str, category: str) -> bool:
        return (
            (not cap.channels or channel in cap.channels)
            and (category in cap.categories if cap.categories else category not in cap.exempt)
            and (not cap.segments or bool(set(cap.segments) & set(segments)))
        )

    channel, category = message
    if not about(channel, category):
        return False
    window = duration_ms(cap.gap if isinstance(cap, kinds.Gap) else cap.period) // duration_ms("1d")
    counted = [
        each
        for each in history
        if day - each[0] < window
        and about(each[1], each[2])
        and ("channel" not in cap.each or each[1] == channel)
        and ("category" not in cap.each or each[2] == category)
    ]
    return len(counted) >= (1 if isinstance(cap, kinds.Gap) else cap.max)


@thoroughly(1500)
@given(
    first=small,
    second=small,
    history=st.lists(messages, max_size=8).map(sorted),
    segments=few,
    message=st.tuples(st.sampled_from("abc"), st.sampled_from("abc")),
)
def test_a_cap_that_never_matters_refuses_nothing_that_the_other_lets_through(
    first: Any, second: Any, history: list[tuple[int, str, str]], segments: tuple[str, ...], message: Any
) -> None:
    for found in conflicts(said(first, second)):
        one, two = (first, second) if found.part == "n0" else (second, first)
        if refuses(one, history, segments, 6, message):
            assert refuses(two, history, segments, 6, message)
