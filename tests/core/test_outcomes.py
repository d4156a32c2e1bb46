"""What an answer to a survey may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.outcomes import OUTCOME_TYPES, answer_problems, event_of, is_answer

words = st.from_regex(r"[a-z][a-z0-9_.-]{0,20}", fullmatch=True)


@given(words, words | st.integers(-1_000, 1_000).map(str))
def test_words_and_whole_numbers_are_answers(question: str, answer: str) -> None:
    assert list(answer_problems("answered", question=question, answer=answer)) == []


@pytest.mark.parametrize(
    "text", ["", "Beaucoup trop", "too many!", "1001", "-1001", "9.5", "007", "+1", "nine\n", "\u0661", "a" * 64]
)
def test_free_text_is_none(text: str) -> None:
    assert not is_answer(text)
    assert [field for field, _ in answer_problems("answered", question="nps", answer=text)] == ["answer"]


@given(st.sampled_from([kind for kind in OUTCOME_TYPES if kind != "answered"]), words, words)
def test_nothing_else_has_a_question_or_an_answer(kind: str, question: str, answer: str) -> None:
    assert list(answer_problems(kind, question="", answer="")) == []
    assert [field for field, _ in answer_problems(kind, question=question, answer=answer)] == ["question"]
    assert [field for field, _ in answer_problems(kind, question="", answer=answer)] == ["answer"]


@given(st.text(max_size=9), words, words)
def test_the_answers_of_one_survey_are_kept_apart(event: str, one: str, other: str) -> None:
    assert (event_of(event, question=one) == event_of(event, question=other)) == (one == other)
    assert event_of(event, question="") == event
