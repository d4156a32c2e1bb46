"""What people type is understood whatever its case, accents, plurals and order; else it is told where it is not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.call import Operation
from services.sentences import kinds
from services.sentences.kinds import DAYS, Kind, Span
from services.sentences.pattern import spelt
from services.sentences.understanding import LONGEST, understand
from services.sentences.words import WORDS

PIECES = (
    "never", "more", "than", "2", "or", "and", ",", "to", "customers", "by", "in", "days", "contact", "not", "is", "“",
    "“", '"', "«", "7d", "between",
)  # fmt: skip
WEEKLY = kinds.Cap(max=2, period="7d", categories=("marketing",), segments=("vip",), exempt=("transactional",))


@pytest.mark.parametrize(
    "text",
    [
        "never more than 2 marketing messages by any channel in 7 days to VIP customers, except transactional",
        "NEVER MORE THAN two marketing message to customers in vip, except the transactional, per week",
        "No more than 2 advertising contacts a week to vip clients except transactional.",
        "Jamais plus de 2 messages marketing en 7 jours aux clients vip, sauf transactionnels",
        "jamais plus de deux sollicitations marketing aux clients du segment vip par semaine sauf transactionnel",
        "JAMAIS PLUS DE 2 MESSAGES MARKETING EN 7J AUX CLIENTS VIP EXCEPTE TRANSACTIONNEL",
    ],
)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_one_cap_is_understood_however_it_is_typed(text: str, language: str) -> None:
    assert understand(text, language).sentence == WEEKLY


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (
            "Ne pas contacter les clients par telephone",
            kinds.Never(operations=(Operation.CONTACT,), channels=("phone",)),
        ),
        (
            "Contact customers by text message only between 9 and 12 or between 14h and 18:30 on weekdays",
            kinds.Hours(
                channels=("sms",),
                spans=(Span(start="09:00", end="12:00"), Span(start="14:00", end="18:30")),
                days=DAYS[:5],
            ),
        ),
        (
            "Contacter les clients par SMS seulement entre 9h et 20 h, lundi, mardi et mercredi à l'heure du client",
            kinds.Hours(channels=("sms",), spans=(Span(start="09:00", end="20:00"),), days=DAYS[:3]),
        ),
        (
            "Contact customers by phone only with their opt-in, and not for 60 days after an opt-out",
            kinds.Consent(channels=("phone",), silence="60d"),
        ),
        (
            "Attendre 30 jours après une sollicitation avant un contact du même client",
            kinds.After(within="30d", first=(Operation.CONTACT,), then=(Operation.CONTACT,)),
        ),
    ],
)
def test_what_people_type_is_understood(text: str, meant: Kind) -> None:
    assert understand(text, "en").sentence == meant


@pytest.mark.parametrize(
    ("text", "language", "there", "expected"),
    [
        ("Never more than 2 marketing mesages to vip customers", "en", "mesages", "messages"),
        ("Never contact vip customers by", "en", "", "email"),
        ("Ne jamais solliciter les clients vip par", "fr", "", "e-mail"),
        ("Jamais plus de beaucoup", "fr", "beaucoup", "2"),
        ("Perhaps so", "en", "Perhaps", "Never"),
        ("Jamais plus de 3 emails", "en", "emails", "messages"),
        ("", "en", "", "Never"),
    ],
)
def test_what_is_not_understood_is_pointed_to_with_what_may_stand_there(
    text: str, language: str, there: str, expected: str
) -> None:
    found = understand(text, language)
    assert found.sentence is None
    (remark,) = found.remarks
    assert text[remark.start : remark.end] == there
    assert any(expected in each for each in found.next), found.next
    assert expected in remark.problem


def test_a_whole_sentence_tells_how_it_could_go_on() -> None:
    found = understand("Never contact vip customers", "en")
    assert found.sentence is not None
    assert {"whose", "by", "when asked by"} <= set(found.next)


def test_parts_that_contradict_each_other_are_no_sentence() -> None:
    found = understand("Only agents may contact any customer", "en")
    assert found.sentence is None
    assert "which agents" in found.remarks[0].problem


def test_a_text_that_is_too_long_is_not_even_tried() -> None:
    (remark,) = understand("never " * LONGEST, "en").remarks
    assert remark.start == LONGEST


@settings(max_examples=150, deadline=None)
@given(
    text=st.text(max_size=80)
    | st.lists(
        st.sampled_from(PIECES),
        max_size=40,
    ).map(" ".join)
)
def test_whatever_is_typed_there_is_an_answer(text: str) -> None:
    for language in ("en", "fr"):
        found = understand(text, language)
        assert (found.sentence is None) == bool(found.remarks)
        assert all(0 <= each.start <= each.end <= max(len(text), each.start) for each in found.remarks)


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("table", [*WORDS["en"]])
def test_no_word_of_a_table_means_two_things(language: str, table: str) -> None:
    words = WORDS[language][table]
    spelt_by = {value: {spelt(each) for each in spellings} for value, spellings in words.items()}
    assert len(set().union(*spelt_by.values())) == sum(map(len, spelt_by.values()))
    assert words.keys() == WORDS["en"][table].keys()
