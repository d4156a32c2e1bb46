"""Terms are put into filters and taken out of them, and nothing else of them changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.audit.filters.filter import parse
from services.control.decisions.terms import equals, terms, with_term, without_term

_values = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)
_terms = st.one_of(
    st.tuples(st.sampled_from(["agent", "rule", "model_version", "citation"]), _values).map(lambda each: equals(*each)),
    st.sampled_from(["verdict = DENY", "(agent = a OR agent = b)", "NOT hold:*", 'agent = x OR agent = "y AND z"']),
)


@pytest.mark.parametrize(
    ("text", "parted"),
    [
        ("", ()),
        ("verdict = DENY", ("verdict = DENY",)),
        ("a = b AND c = d OR e = f", ("a = b", "c = d OR e = f")),
        ("(a = b AND c = d) AND e = f", ("(a = b AND c = d)", "e = f")),
        ('a = "x AND y" AND b = \'it AND "\'', ('a = "x AND y"', "b = 'it AND \"'")),
        (r'a = "\" AND " AND b = c', (r'a = "\" AND "', "b = c")),
        ('a = "open AND b = c', ('a = "open AND b = c',)),
        ("a = ANDES AND b = BRAND", ("a = ANDES", "b = BRAND")),
        ("in(agent, a, b)  AND\tsince(24h)", ("in(agent, a, b)", "since(24h)")),
    ],
)
def test_a_filter_is_parted_at_the_words_that_join_it(text: str, parted: tuple[str, ...]) -> None:
    assert terms(text) == parted


@pytest.mark.parametrize(
    ("field", "value", "term"),
    [
        ("verdict", "DENY", "verdict = DENY"),
        ("revision", "12", "revision = 12"),
        ("agent", "churn-bot", 'agent = "churn-bot"'),
        ("agent", "OR", 'agent = "OR"'),
        ("reason", "", "NOT reason:*"),
        ("rule", 'a"*\\', r'rule = "a\"\*\\"'),
    ],
)
def test_a_value_is_written_as_people_write_it(field: str, value: str, term: str) -> None:
    assert equals(field, value) == term


@given(_values, st.sampled_from(["agent", "rule", "citation"]))
def test_whatever_is_in_a_value_the_term_asks_for_that_very_value(value: str, field: str) -> None:
    found = parse(equals(field, value))
    assert getattr(found, "value", value) == value


@given(st.lists(_terms, unique=True, max_size=5), _terms)
def test_a_term_put_in_is_there_once_and_taken_out_it_is_gone(before: list[str], term: str) -> None:
    text = " AND ".join(before)
    added = with_term(text, term)
    assert with_term(added, term) == added
    assert terms(added).count(term) == 1
    parse(added)
    assert terms(without_term(added, term)) == tuple(each for each in before if each != term)
