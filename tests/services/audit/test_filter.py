"""The filter is read as AIP-160 says, and every mistake is explained."""

import contextlib
import inspect

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.errors import CallEnded, Reason
from services.audit.filters import fields
from services.audit.filters.expression import All, Comparison, Expression, Has, Like, Not, Some, Text
from services.audit.filters.fields import FIELDS
from services.audit.filters.filter import MAX_CHARACTERS, MAX_DEPTH, parse
from services.audit.filters.filter_texts import _TEXTS
from services.audit.filters.functions import FUNCTIONS
from services.audit.filters.rendering import render
from services.audit.store import DecisionStore
from tests.services.audit.conftest import NOW_MS, a_record
from tests.services.audit.filters import entries, expressions

A, B, C = (Comparison(FIELDS[name], "=", "x") for name in ("agent", "brand", "channel"))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", All(())),
        ("agent = x AND brand = x OR channel = x", All((A, Some((B, C))))),
        ("agent = x brand = x", All((A, B))),
        ("agent = x brand = x AND channel = x", All((A, B, C))),
        ("agent=x OR brand=x channel=x", All((Some((A, B)), C))),
        ("NOT agent = x OR -brand = x", Some((Not(A), Not(B)))),
        ("-(agent = x)", Not(A)),
        ("NOT(agent = x)", Not(A)),
        ('"agent" = x', A),
        ("agent = (x)", A),
        (
            "agent = (x OR y z)",
            All((Some((A, Comparison(FIELDS["agent"], "=", "y"))), Comparison(FIELDS["agent"], "=", "z"))),
        ),
        ("foo (bar)", All((Text("foo"), Text("bar")))),
        ("'it\\'s' sales-bot", All((Text("it's"), Text("sales-bot")))),
        ("agent:*", Has(FIELDS["agent"])),
        ('agent:"*x"', Like(FIELDS["agent"], ("", "x", ""))),
        ("agent = s*t", Like(FIELDS["agent"], ("s", "t"))),
        ('agent != "s*"', Not(Like(FIELDS["agent"], ("s", "")))),
        ("agent = s\\*", Like(FIELDS["agent"], ("s\\", ""))),
        ('agent = "s\\*"', Comparison(FIELDS["agent"], "=", "s*")),
        ("subject:*", Has(FIELDS["subject_ref"])),
        ("latency >= 1.5s", Comparison(FIELDS["latency"], ">=", 1_500_000)),
        ("revision > -3", Comparison(FIELDS["revision"], ">", -3)),
        ("cost.a.b = 3", Comparison(FIELDS["cost"], "=", 3, "a.b")),
        ("verdict = VERDICT_DENY", Comparison(FIELDS["verdict"], "=", "DENY")),
    ],
)
def test_a_filter_is_read_as_aip_160_has_it(text: str, meant: Expression) -> None:
    assert parse(text) == meant


def test_a_mistake_is_explained_in_french_beside_the_english() -> None:
    with pytest.raises(CallEnded) as ended:
        parse("agnt = x", language="fr")
    assert ended.value.localized == (
        "fr",
        "Le filtre est incorrect, ligne 1, colonne 1 : Il n’y a pas de champ agnt. Vouliez-vous dire agent ?",
    )
    assert ended.value.message.startswith("The filter is wrong")


def test_no_text_about_a_filter_is_half_translated() -> None:
    spoken = [
        *_TEXTS.values(),
        *((each.english, each.french) for each in FIELDS.values()),
        *((each.english, each.french) for each in FUNCTIONS.values()),
    ]
    assert [pair for pair in spoken if not (pair[0] and pair[1])] == []


def test_no_field_stands_twice_in_the_table() -> None:
    text = inspect.getsource(fields)
    assert text.count("_field(\n") + text.count('_field("') == len(FIELDS)


def test_the_functions_are_written_as_their_examples_say() -> None:
    assert all(parse(function.usage) for function in FUNCTIONS.values())


@given(st.text(max_size=200) | st.text("()\"'\\ANDORT-=<>!:*,.agentx \n", max_size=200))
def test_random_text_is_either_read_or_refused_with_a_place(text: str) -> None:
    _read_or_refused(text)


@given(
    st.lists(
        st.sampled_from(
            [
                "agent",
                "verdict",
                "=",
                "!=",
                ":",
                "x",
                "*",
                "AND",
                "OR",
                "NOT",
                "-",
                "(",
                ")",
                '"',
                "DENY",
                "age(",
                "cost.a",
                "1h",
                ",",
            ]
        )
    )
)
def test_random_words_are_either_read_or_refused_with_a_place(words: list[str]) -> None:
    _read_or_refused(" ".join(words))


def _read_or_refused(text: str) -> None:
    refused: CallEnded | None = None
    try:
        expression = parse(text, language="fr")
    except CallEnded as ended:
        refused = ended
    if refused is not None:
        line, column = int(refused.metadata["line"]), int(refused.metadata["column"])
        assert (refused.reason, refused.localized is None) == (Reason.ARGUMENT_INVALID, False)
        assert 1 <= line <= text.count("\n") + 1
        assert 1 <= column <= max(len(each) for each in text.split("\n")) + 1
        return
    with contextlib.suppress(CallEnded):  # it may be longer than what is taken
        assert parse(render(expression)) == expression


@settings(max_examples=300)
@given(expressions)
def test_a_filter_that_is_written_and_read_again_is_the_same(expression: Expression) -> None:
    assert parse(render(expression)) == expression


async def test_the_longest_filters_are_answered(store: DecisionStore) -> None:
    await store.write(entries([(a_record(), None)]))
    wide = " OR ".join(["arm=x"] * ((MAX_CHARACTERS - 9) // 9))
    nested = "-(" * (MAX_DEPTH - 1) + "agent = sales-bot" + ")" * (MAX_DEPTH - 1)
    both = "-(" * MAX_DEPTH + wide[: MAX_CHARACTERS - 3 * MAX_DEPTH].rpartition(" OR ")[0] + ")" * MAX_DEPTH
    rules = " OR ".join(["rule=x"] * (MAX_CHARACTERS // 10))
    costs = " OR ".join(["cost.a>1"] * (MAX_CHARACTERS // 12))
    words = " ".join(["-x"] * (MAX_CHARACTERS // 3))

    found = [
        len(await store.page(parse(text), now_ms=NOW_MS, before="", size=10))
        for text in (wide, nested, both, rules, costs, words)
    ]

    assert found == [0, 0, 0, 0, 0, 1]
