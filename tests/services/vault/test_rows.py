"""A file is taken whole or not at all, and what is wrong with it is said by line, never with what stands there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.vault.attributes import ATTRIBUTES, MOST_ROWS
from services.vault.rows import Mistake, Row, RowsRefused, rows_of


def mistakes_of(text: str, attribute: str = "gender") -> tuple[tuple[int, str], ...]:
    with pytest.raises(RowsRefused) as refused:
        rows_of(text, attribute=attribute)
    return tuple((each.line, each.code) for each in refused.value.mistakes)


def test_a_good_file_is_read_with_quotes_empty_lines_and_a_mark_of_byte_order() -> None:
    text = '\ufeffcustomer,value\r\ncontacts/1,female\r\n\r\n"contacts/2", male \r\n'
    assert rows_of(text, attribute="gender") == (Row("contacts/1", "female"), Row("contacts/2", "male"))


def test_every_mistake_is_said_by_its_line() -> None:
    text = "customer,value\ncontacts/1,female\ncontacts/1,male\ncontacts/2,Frau\n,male\ncontacts/3\ncontacts/4,male,x\n"
    assert mistakes_of(text) == ((3, "twice"), (4, "value"), (5, "customer"), (6, "columns"), (7, "columns"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", (1, "head")),
        ("name,value\na,male\n", (1, "head")),
        ("customer,value\n", (1, "empty")),
        ('customer,value\n"a,male\n', (2, "csv")),
        ("customer,value\na\0b,male\n", (2, "customer")),
    ],
)
def test_what_is_no_such_file_is_refused(text: str, told: tuple[int, str]) -> None:
    assert mistakes_of(text) == (told,)


def test_more_customers_than_one_load_takes_are_refused() -> None:
    lines = [f"contacts/{number},male" for number in range(MOST_ROWS + 5)]
    assert mistakes_of("\n".join(["customer,value", *lines])) == ((MOST_ROWS + 2, "many"),)
    assert len(rows_of("\n".join(["customer,value", *lines[:MOST_ROWS]]), attribute="gender")) == MOST_ROWS


def test_a_mistake_says_nothing_of_what_stands_there() -> None:
    assert Mistake.__struct_fields__ == ("line", "code")


TEXTS = st.text(alphabet='ab1/,"\n\r \0;é\ufefflem', max_size=60)


@given(TEXTS, st.sampled_from(sorted(ATTRIBUTES)))
def test_whatever_is_given_is_read_or_refused(text: str, attribute: str) -> None:
    for given_text in (text, f"customer,value\n{text}"):
        rows, mistakes = read(given_text, attribute)
        assert bool(rows) != bool(mistakes)
        assert {each.value for each in rows} <= set(ATTRIBUTES[attribute])


def read(text: str, attribute: str) -> tuple[tuple[Row, ...], tuple[Mistake, ...]]:
    try:
        return rows_of(text, attribute=attribute), ()
    except RowsRefused as refused:
        return (), refused.mistakes
