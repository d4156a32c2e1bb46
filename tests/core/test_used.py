"""What conditions read is found in their text, and what is recorded of it is bounded."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.used import (
    LARGEST,
    LONGEST_TEXT,
    MOST_ELEMENTS,
    MOST_NAMES,
    UsedValues,
    bounded,
    packed,
    paths_in,
    paths_of,
    unpacked,
)


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("true", []),
        ('request.message.subject_line == "x"', ["request.message.subject_line"]),
        ('request.message.subject_line.contains("x")', ["request.message.subject_line"]),
        ('facts.traits["tier"] == "gold"', ['facts.traits["tier"]']),
        ("facts.traits['tier'] == 'gold'", ['facts.traits["tier"]']),
        ("facts.traits.tier == 'gold' || facts.traits[\"tier\"] == ''", ['facts.traits["tier"]']),
        ('"tier" in facts.traits && facts.traits["tier"] == "gold"', ["facts.traits", 'facts.traits["tier"]']),
        ('"vip" in facts.segments', ["facts.segments", 'facts.segments["vip"]']),
        ("has(request.contact.email) && size(facts.segments) > 2", ["request.contact.email", "facts.segments"]),
        ("request . message . body != ''", ["request.message.body"]),
        ('call.channel == "email" && call.subject != ""', ["call.subject"]),
        ("call.contact_point.endsWith('@x')", ["call.contact_point"]),
        ("agent.name == 'a' && route.arm == 'b' && now > timestamp(0)", []),
        ("my.request.body == ''", []),
        ("requests.body == facts_of.x", []),
        ("request.items.exists(item, item.price > 3)", ["request.items"]),
        ('facts.scores["churn"] > 0.5 || facts.scores["churn"] < 0.1', ['facts.scores["churn"]']),
    ],
)
def test_the_names_that_a_condition_reads_are_found(expression: str, names: list[str]) -> None:
    found = [path.name for path in paths_in(expression)]
    assert sorted(found) == sorted(names)


def test_what_is_withheld_is_left_out_with_all_that_lies_within_it() -> None:
    expressions = [
        'request.message.body == "x" && request.messages == 1 && request.contact.attributes["score"] == ""',
        'facts.traits["income"] == "1" || facts.traits.income == "2" || "income" in facts.traits',
        'facts.traits["tier"] == "2" && request.contact.attributes.score == "3"',
    ]
    withheld = ("request.message", 'facts.traits["income"]', "request.contact.attributes.score")
    left = paths_of(expressions, withheld=withheld)
    assert [path.name for path in left] == ["request.messages", "facts.traits", 'facts.traits["tier"]']
    assert paths_of(expressions, withheld=("request", "facts")) == paths_of((), withheld=())


def test_a_method_has_at_most_so_many_names() -> None:
    assert len(paths_of([f'facts.traits["t{n}"] == ""' for n in range(200)], withheld=())) == MOST_NAMES


_values = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text() | st.lists(st.text(), max_size=40)


@given(st.lists(st.tuples(st.text(min_size=1, max_size=40), _values), max_size=64))
def test_values_come_back_as_they_were_bounded_and_never_take_more_than_their_bytes(
    found: list[tuple[str, Any]],
) -> None:
    pairs = [(name, bounded(value)) for name, value in found]
    clear = packed(pairs)
    assert len(clear) <= LARGEST + 16
    back = unpacked(clear)
    assert [tuple(each) for each in back.values] == pairs[: len(back.values)]
    assert len(back.values) + back.more == len(pairs)


def test_texts_and_lists_are_cut() -> None:
    assert bounded("x" * (LONGEST_TEXT + 1)) == "x" * LONGEST_TEXT + "…"
    assert bounded("x" * LONGEST_TEXT) == "x" * LONGEST_TEXT
    assert bounded(["a"] * 100) == ["a"] * MOST_ELEMENTS + ["…"]
    assert bounded(7) == 7


def test_what_does_not_fit_is_counted() -> None:
    found = [(f"facts.traits[{n}]", "é" * LONGEST_TEXT) for n in range(64)]
    back = unpacked(packed(found))
    assert isinstance(back, UsedValues)
    assert 0 < len(back.values) < 64
    assert back.more == 64 - len(back.values)
